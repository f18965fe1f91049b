//! `imgdex harbor labels`.

use serde_json::json;

use super::{asked, call_as};
use crate::fake_harbor::{FakeHarbor, Role};
use crate::json;
use crate::support::Home;

const GUEST: (&str, &str) = ("guest", "Secret1x");

fn with_web() -> (Home, FakeHarbor) {
    let harbor = FakeHarbor::start();
    harbor.project("apps").project("lab");
    harbor
        .user(GUEST.0, GUEST.1)
        .role(GUEST.0, "apps", Role::Guest);
    harbor.listed("apps/team/web", "1");
    (Home::new(), harbor)
}

/// Returns the names of the labels that an answer has.
fn names(home: &Home, harbor: &FakeHarbor, line: &str) -> Vec<String> {
    let told = json(asked(home, harbor, &format!("{line} -o json")));
    let all = told.as_array().cloned().unwrap_or_default();
    let name = |one: &serde_json::Value| one["name"].as_str().unwrap_or_default().to_owned();
    all.iter().map(name).collect()
}

#[test]
fn labels_are_made_listed_and_deleted() {
    let (home, harbor) = with_web();
    let line = "harbor labels create tested --project apps --color #2e8b57 --description good";
    let told = json(asked(&home, &harbor, &format!("{line} -o json")));
    assert_eq!(
        (
            &told["name"],
            &told["scope"],
            &told["color"],
            &told["description"]
        ),
        (
            &json!("tested"),
            &json!("project"),
            &json!("#2E8B57"),
            &json!("good")
        )
    );
    let ran = asked(&home, &harbor, line).fails(12);
    assert!(
        ran.stderr.contains("labels list --project apps"),
        "{ran:#?}"
    );
    asked(&home, &harbor, "harbor labels create tested --system").ok();
    let list = |more: &str| names(&home, &harbor, &format!("harbor labels list {more}"));
    assert_eq!(list(""), ["tested"]);
    assert_eq!(list("--project apps"), ["tested", "tested"]);
    assert_eq!(list("--project lab"), ["tested"]);
    let ran = asked(&home, &harbor, "harbor labels list").ok();
    let id = harbor.state().labels[1].id.to_string();
    insta::assert_snapshot!(ran.stdout.replace(&id, "ID"), @r"
    id  name    scope   color  description
    --  ------  ------  -----  -----------
    ID   tested  system
    ");
    let ran = asked(&home, &harbor, "harbor labels delete tests --project apps").fails(4);
    assert!(ran.stderr.contains("did you mean `tested`?"), "{ran:#?}");
    asked(&home, &harbor, "harbor labels delete tested --project lab").fails(4);
    asked(&home, &harbor, "harbor labels delete tested --project apps").ok();
    assert_eq!(list("--project apps"), ["tested"]);
    asked(&home, &harbor, "harbor labels delete tested --system").ok();
    let ran = asked(&home, &harbor, "harbor labels list -o json").ok();
    assert_eq!(ran.stdout, "[]\n");
    let check = |line: &str, code: i32| {
        asked(&home, &harbor, &format!("harbor labels {line}")).fails(code);
    };
    check("create a", 2);
    check("create a --project apps --system", 2);
    check("create a --project apps --color red", 2);
    for line in ["create a", "list", "delete a"] {
        let line = format!("harbor labels {line} --project none");
        let ran = asked(&home, &harbor, &line).fails(4);
        assert!(ran.stderr.contains("harbor projects list"), "{ran:#?}");
    }
}

#[test]
fn labels_are_put_on_and_taken_off() {
    let (home, harbor) = with_web();
    for line in [
        "tested --project apps",
        "approved --project apps",
        "retired --system",
    ] {
        asked(&home, &harbor, &format!("harbor labels create {line}")).ok();
    }
    let run = |line: &str| names(&home, &harbor, &format!("harbor labels {line}"));
    let add = "add apps/team/web:1";
    assert_eq!(run(&format!("{add} tested retired")), ["tested", "retired"]);
    // What is there already stays.
    assert_eq!(run(&format!("{add} tested")), ["tested", "retired"]);
    let ran = asked(&home, &harbor, "harbor labels add apps/team/web:1 approve").fails(4);
    assert!(
        ran.stderr.contains("did you mean `approved`?") && ran.stderr.contains("--create"),
        "{ran:#?}"
    );
    assert_eq!(
        run(&format!("{add} nightly approved --create")),
        ["tested", "approved", "retired", "nightly"]
    );
    let remove = "remove apps/team/web:1";
    assert_eq!(
        run(&format!("{remove} tested nightly")),
        ["approved", "retired"]
    );
    // What is not on it is gone already.
    assert_eq!(run(&format!("{remove} tested")), ["approved", "retired"]);
    let digest = harbor.state().artifacts[0].digest.clone();
    assert_eq!(
        run(&format!("remove apps/team/web@{digest} retired")),
        ["approved"]
    );
    let check = |line: &str, code: i32| {
        asked(&home, &harbor, &format!("harbor labels {line}")).fails(code);
    };
    check("add apps/team/web tested", 2);
    check("add apps/team/web:1", 2);
    check("add apps/team/web:2 tested", 4);
    check("remove apps/team/web:1 none", 4);
    check("remove apps/team/web:2 tested", 4);
}

#[test]
fn who_may_not_is_told_which_role_it_needs() {
    let (home, harbor) = with_web();
    asked(&home, &harbor, "harbor labels create tested --project apps").ok();
    let check = |line: &str, words: &str| {
        let words_of: Vec<&str> = line.split_whitespace().collect();
        let ran = call_as(&home, &harbor, GUEST, &words_of).run().fails(5);
        assert!(ran.stderr.contains(words), "{ran:#?}");
    };
    check("harbor labels create a --project apps", "Maintainer");
    check("harbor labels create a --system", "administrator");
    check("harbor labels delete tested --project apps", "Maintainer");
    check("harbor labels add apps/team/web:1 tested", "Developer");
    let none = call_as(
        &home,
        &harbor,
        GUEST,
        &[
            "harbor",
            "labels",
            "list",
            "--project",
            "apps",
            "-o",
            "name",
        ],
    );
    assert_eq!(none.run().ok().stdout, "tested\n");
}

#[test]
fn a_label_is_not_made_twice_where_the_answer_is_lost() {
    let (home, harbor) = with_web();
    harbor.lose_answer("POST", "/labels", 1);
    let ran = asked(&home, &harbor, "harbor labels create a --project apps").fails(6);
    assert!(
        ran.stderr.contains("labels list --project apps"),
        "{ran:#?}"
    );
    let posts = harbor.seen();
    let posts = posts.iter().filter(|one| one.method == "POST").count();
    assert_eq!((posts, harbor.state().labels.len()), (1, 1));
}
