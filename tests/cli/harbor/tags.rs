//! `imgdex harbor untag`, `delete` and `copy`: one tag, and not its neighbours.

use serde_json::json;

use super::{asked, call_as};
use crate::fake_harbor::{FakeHarbor, Role};
use crate::json;
use crate::support::Home;

const DEV: (&str, &str) = ("dev", "Secret1x");

fn with_apps() -> (Home, FakeHarbor) {
    let harbor = FakeHarbor::start();
    harbor.project("apps").project("released");
    harbor
        .user(DEV.0, DEV.1)
        .role(DEV.0, "apps", Role::Developer);
    (Home::new(), harbor)
}

/// Returns the tags of a repository.
fn tags(harbor: &FakeHarbor, repository: &str) -> Vec<String> {
    let state = harbor.state();
    let own = state
        .artifacts
        .iter()
        .filter(|one| one.repository == repository);
    let mut tags: Vec<String> = own
        .flat_map(|one| one.tags.iter().map(|tag| tag.name.clone()))
        .collect();
    tags.sort();
    tags
}

/// Gives an artifact more tags.
fn tag(harbor: &FakeHarbor, repository: &str, reference: &str, names: &[&str]) {
    let mut state = harbor.state();
    let artifact = state
        .artifact(repository, reference)
        .expect("there")
        .clone();
    for name in names {
        state.add_artifact(artifact.clone(), Some(name));
    }
}

#[test]
fn only_the_tag_that_is_named_goes() {
    let (home, harbor) = with_apps();
    let digest = harbor.listed("apps/team/web", "1");
    tag(&harbor, "apps/team/web", "1", &["1.0", "latest"]);
    let told = json(asked(
        &home,
        &harbor,
        "harbor untag apps/team/web:1.0 -o json",
    ));
    assert_eq!(told[0]["removed"], json!(["1.0"]));
    assert_eq!(told[0]["left"], json!(["1", "latest"]));
    assert_eq!(told[0]["digest"], digest.as_str());
    assert_eq!(tags(&harbor, "apps/team/web"), ["1", "latest"]);
    let line = "harbor untag apps/team/web:1 apps/team/web:latest apps/team/web:1 -o csv";
    let ran = asked(&home, &harbor, line).ok();
    let shown = ran.snapshot(&home).replace(&harbor.host(), "HOST");
    insta::assert_snapshot!(shown.replace(&digest, "DIGEST"), @r"
    exit code: 0
    ----- stdout -----
    reference,removed,left,digest
    HOST/apps/team/web:1,1,latest,DIGEST
    HOST/apps/team/web:latest,latest,,DIGEST
    ----- stderr -----
    warning: `HOST/apps/team/web@DIGEST` is left without a tag
    hint: `imgdex harbor delete HOST/apps/team/web@DIGEST` deletes it
    ");
    assert_eq!(harbor.state().artifacts.len(), 1);
    let check =
        |line: &str, code: i32| asked(&home, &harbor, &format!("harbor {line}")).fails(code);
    check("untag apps/team/web:1", 4);
    check("untag apps/team/web", 2);
    check(&format!("untag apps/team/web@{digest}"), 2);
    check("untag apps/team/web:1 h.example:1/apps/web:1", 2);
    check("untag apps/none:1", 4);
}

#[test]
fn a_tag_that_moved_meanwhile_is_not_removed() {
    let (home, harbor) = with_apps();
    let old = harbor.listed("apps/web", "1");
    let new = harbor.listed("apps/web", "2");
    let moved = new.clone();
    harbor.on_page("DELETE /tags/", 1, move |state| {
        let other = state.artifact("apps/web", &moved).cloned();
        state.add_artifact(other.expect("it is there"), Some("1"));
    });
    let ran = asked(&home, &harbor, "harbor untag apps/web:1").fails(4);
    assert!(
        ran.stderr.contains("moved or removed meanwhile"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains(&old), "{ran:#?}");
    assert!(
        ran.stderr.contains("imgdex harbor tags apps/web"),
        "{ran:#?}"
    );
    let held = harbor.state().artifact("apps/web", "1").cloned();
    assert_eq!(held.expect("it is there").digest, new);
}

#[test]
fn what_was_done_is_told_where_the_next_fails() {
    let (home, harbor) = with_apps();
    harbor.listed("apps/web", "1");
    tag(&harbor, "apps/web", "1", &["2", "3"]);
    let line = "harbor untag apps/web:1 apps/web:none apps/web:2 -o name";
    let ran = asked(&home, &harbor, line).fails(4);
    assert_eq!(ran.stdout, format!("{}/apps/web:1\n", harbor.host()));
    assert_eq!(tags(&harbor, "apps/web"), ["2", "3"]);
}

#[test]
fn an_artifact_goes_with_all_its_tags_only_where_that_is_meant() {
    let (home, harbor) = with_apps();
    let digest = harbor.listed("apps/web", "1");
    tag(&harbor, "apps/web", "1", &["latest"]);
    let run = |line: &str| asked(&home, &harbor, &format!("harbor delete {line}"));
    let ran = run("apps/web:1 --yes").fails(11);
    for words in ["`latest`", "imgdex harbor untag apps/web:1", "--all-tags"] {
        assert!(ran.stderr.contains(words), "{ran:#?}");
    }
    assert_eq!(tags(&harbor, "apps/web"), ["1", "latest"]);
    let told = json(run("apps/web:1 --all-tags -o json"));
    assert_eq!(told["removed"], json!(["1", "latest"]));
    assert_eq!(
        (&told["deleted"], &told["digest"]),
        (&json!(true), &json!(digest))
    );
    assert!(harbor.state().artifacts.is_empty());
    // A digest is the artifact itself, and one tag alone is all of them.
    harbor.listed("apps/web", "1");
    tag(&harbor, "apps/web", "1", &["latest"]);
    run(&format!("apps/web:none@{digest}")).fails(12);
    run(&format!("apps/web@{digest}")).ok();
    harbor.listed("apps/web", "1");
    run("apps/web:1").ok();
    assert!(harbor.state().artifacts.is_empty());
    run("apps/web:1").fails(4);
    run("apps/web").fails(2);
    harbor.listed("apps/web", "1");
    for line in ["harbor delete apps/web:1", "harbor untag apps/web:1"] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ran = call_as(&home, &harbor, DEV, &words).run().fails(5);
        assert!(ran.stderr.contains("Maintainer"), "{ran:#?}");
    }
}

#[test]
fn an_immutable_tag_stays_and_its_rule_is_named() {
    let (home, harbor) = with_apps();
    harbor.image("apps/web", "v1");
    harbor.image("apps/web", "other");
    harbor.immutable("apps", "latest").immutable("apps", "v*");
    for line in [
        "harbor untag apps/web:v1",
        "harbor delete apps/web:v1",
        "harbor copy apps/web:other apps/web:v1",
    ] {
        let ran = asked(&home, &harbor, line).fails(12);
        for words in ["immutable", "keeps the tags `v*`", "Tag Immutability"] {
            assert!(ran.stderr.contains(words), "{words}: {ran:#?}");
        }
        assert!(!ran.stderr.contains("`latest`"), "{ran:#?}");
    }
    let host = harbor.host();
    let ran = asked(
        &home,
        &harbor,
        &format!("copy {host}/apps/web:other {host}/apps/web:v1"),
    );
    let ran = ran.fails(12);
    assert!(ran.stderr.contains("immutable"), "{ran:#?}");
    let ran = asked(
        &home,
        &harbor,
        &format!("registry delete {host}/apps/web:v1 --yes"),
    );
    let ran = ran.fails(12);
    assert!(ran.stderr.contains("imgdex harbor untag"), "{ran:#?}");
    assert_eq!(tags(&harbor, "apps/web"), ["other", "v1"]);
}

#[test]
fn a_copy_is_of_one_tag_and_sends_no_blob() {
    let (home, harbor) = with_apps();
    let digest = harbor.image("apps/team/web", "1");
    tag(&harbor, "apps/team/web", "1", &["latest", "1.0"]);
    let host = harbor.host();
    let check = |line: &str, target: &str, expected: &[&str]| {
        harbor.forget_seen();
        let told = json(asked(&home, &harbor, &format!("{line} -o json")));
        assert_eq!(told["digest"], digest.as_str());
        assert_eq!(told["blobs"]["mounted"], 2, "{told}");
        assert_eq!(tags(&harbor, target), expected, "{line}");
        let seen = harbor.seen();
        // Nothing but mounts: no blob is read, and none is sent.
        let blobs = seen.iter().filter(|one| one.target.contains("/blobs/"));
        for one in blobs {
            assert!(
                one.method == "POST" && one.target.contains("mount="),
                "{}",
                one.line()
            );
        }
        // Nor is it Harbor's own copy.
        let posts = seen.iter().filter(|one| one.method == "POST");
        assert!(posts.clone().all(|one| one.target.starts_with("/v2/")));
    };
    check(
        "harbor copy apps/team/web:1 released/web:4.2",
        "released/web",
        &["4.2"],
    );
    check(
        "harbor copy apps/team/web:latest released/same",
        "released/same",
        &["latest"],
    );
    check(
        &format!("harbor copy apps/team/web@{digest} released/digest:1"),
        "released/digest",
        &["1"],
    );
    check(
        &format!("copy {host}/apps/team/web:1 {host}/released/plain:1"),
        "released/plain",
        &["1"],
    );
    let fails =
        |line: &str, code: i32| asked(&home, &harbor, &format!("harbor copy {line}")).fails(code);
    fails("apps/team/web released/web:1", 2);
    fails(&format!("apps/team/web@{digest} released/web"), 2);
    fails(&format!("apps/team/web:1 released/web@{digest}"), 2);
    fails("apps/team/web:none released/web:1", 4);
    let words = ["harbor", "copy", "apps/team/web:1", "released/web:1"];
    let ran = call_as(&home, &harbor, DEV, &words).run().fails(5);
    assert!(
        ran.stderr.contains("harbor projects get released"),
        "{ran:#?}"
    );
}

#[test]
fn a_registry_that_deletes_no_tags_is_told_how_harbor_does() {
    let (home, harbor) = with_apps();
    harbor.image("apps/web", "1");
    harbor.fail_with(
        "DELETE",
        "/v2/",
        1,
        crate::fake_harbor::Failure::Answer(
            405,
            Vec::new(),
            r#"{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}"#
                .to_owned(),
        ),
    );
    let reference = format!("{}/apps/web:1", harbor.host());
    let ran = asked(
        &home,
        &harbor,
        &format!("registry delete {reference} --yes"),
    )
    .fails(1);
    assert!(
        ran.stderr
            .contains(&format!("imgdex harbor untag {reference}")),
        "{ran:#?}"
    );
    asked(&home, &harbor, &format!("harbor untag {reference}")).ok();
}

#[test]
fn what_was_removed_though_the_answer_was_lost_is_removed() {
    let (home, harbor) = with_apps();
    harbor.listed("apps/web", "1");
    tag(&harbor, "apps/web", "1", &["2"]);
    asked(&home, &harbor, "harbor robots create ci --project apps").ok();
    asked(&home, &harbor, "harbor labels create a --project apps").ok();
    for line in [
        "untag apps/web:2",
        "delete apps/web:1",
        "robots delete ci --project apps",
        "labels delete a --project apps",
    ] {
        harbor.lose_answer("DELETE", "/api/v2.0/", 1);
        asked(&home, &harbor, &format!("harbor {line}")).ok();
    }
    let state = harbor.state();
    assert!(state.artifacts.is_empty() && state.robots.is_empty() && state.labels.is_empty());
}
