//! `images list`: filters, order, limits.

use crate::support::Home;
use crate::{RESEARCH, lines, with_images};

const IMAGES: &str = r#"
- {name: cc, displayName: Zebra, type: cpu, kind: notebook, url: "quay.io/jupyter/base:1", tags: [python, lab],
   labels: {team: a, tier: gold}, author: ada, groups: [{id: 11111111-2222-4333-8444-555555555555, name: research}], isReady: true, size: 300}
- {name: aa, displayName: Apple, type: gpu, kind: app, urlForGpu: "ghcr.io/x/y:2", tags: [python],
   labels: {team: b}, author: bob, global: true, isReady: false, size: 1000}
- {name: bb, displayName: mango, description: "100% _wild_ *stars*", formats: [adalab], labels: {team: a}}
- {name: old, archived: true, tags: [python]}
"#;

fn home() -> Home {
    with_images(IMAGES)
}

#[track_caller]
fn check(home: &Home, arguments: &str, expected: &[&str]) {
    let names = lines(home.run(&format!("images list -o name {arguments}")));
    assert_eq!(names, expected, "{arguments}");
}

#[test]
fn rows_are_in_the_order_of_creation_without_the_archived_ones() {
    let home = home();
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName  description          type  isReady
    --  ----  -----------  -------------------  ----  -------
    cc  cc    Zebra                             cpu   True
    aa  aa    Apple                             gpu   False
    bb  bb    mango        100% _wild_ *stars*  both  Unknown
    ");
}

#[test]
fn every_filter_lets_through_what_it_names() {
    let home = home();
    home.run("groups create empty").ok();
    for (arguments, expected) in [
        ("--group research", &["cc"][..]),
        (&format!("--group {RESEARCH}"), &["cc"]),
        ("--group empty", &[]),
        ("--type cpu", &["cc"]),
        ("--type gpu", &["aa"]),
        ("--type both", &["bb"]),
        ("--kind app", &["aa"]),
        ("--kind notebook", &["cc"]),
        ("--kind base", &[]),
        ("--tag python", &["cc", "aa"]),
        ("--tag python --tag lab", &["cc"]),
        ("--tag pyth", &[]),
        ("--label team=a", &["cc", "bb"]),
        ("--label team=a --label tier=gold", &["cc"]),
        ("--label team=", &[]),
        ("--author ada", &["cc"]),
        ("--author tester", &["bb"]),
        ("--project jupyter", &["cc"]),
        ("--project jupyter/", &["cc"]),
        ("--project x", &["aa"]),
        ("--project x --type cpu", &[]),
        ("--project jup", &[]),
        ("--project base", &[]),
        ("--project x/y", &[]),
        ("--format primehub", &["cc", "aa"]),
        ("--format adalab", &["bb"]),
        ("--format kubeflow", &[]),
        ("--archived", &["old"]),
        ("--archived --tag python", &["old"]),
        ("--not-ready", &["aa", "bb"]),
        ("--limit 2", &["cc", "aa"]),
        ("--limit 0", &[]),
        ("--limit 99", &["cc", "aa", "bb"]),
        ("--type gpu --tag python --author bob", &["aa"]),
        ("--type gpu --author ada", &[]),
    ] {
        check(&home, arguments, expected);
    }
}

#[test]
fn a_search_is_for_literal_text_in_name_description_references_and_tags() {
    let home = home();
    for (text, expected) in [
        ("ZEBRA", &["cc"][..]),
        ("mango", &["bb"]),
        ("jupyter", &["cc"]),
        ("ghcr.io", &["aa"]),
        ("quay.io/jupyter/base:1", &["cc"]),
        ("thon", &["cc", "aa"]),
        ("bb", &["bb"]),
        ("b", &["cc", "bb"]),
        ("100%", &["bb"]),
        ("%", &["bb"]),
        ("_wild_", &["bb"]),
        ("*stars*", &["bb"]),
        ("_", &["bb"]),
        ("\"", &[]),
        ("zebra OR mango", &[]),
        ("NOT", &[]),
        ("gold", &[]),
        ("ada", &[]),
        ("research", &[]),
    ] {
        let ran = home
            .call_with(&["images", "list", "-o", "name", "--search", text])
            .run();
        assert_eq!(lines(ran), expected, "{text}");
    }
    let ran = home
        .call_with(&["images", "list", "-o", "name", "--search", ""])
        .run();
    assert_eq!(lines(ran).len(), 3, "no text is no condition");
}

#[test]
fn a_search_goes_with_other_filters_and_a_limit() {
    let home = home();
    check(&home, "--search thon --type gpu", &["aa"]);
    check(&home, "--search thon --limit 1", &["cc"]);
    check(&home, "--search thon --sort name --limit 1", &["aa"]);
    check(&home, "--search thon --archived", &["old"]);
}

#[test]
fn rows_are_sorted_by_any_documented_field() {
    let home = home();
    for (field, expected) in [
        ("id", ["aa", "bb", "cc"]),
        ("name", ["aa", "bb", "cc"]),
        ("displayName", ["aa", "cc", "bb"]),
        ("description", ["bb", "cc", "aa"]),
        ("type", ["bb", "cc", "aa"]),
        ("kind", ["aa", "cc", "bb"]),
        ("author", ["cc", "aa", "bb"]),
        ("isReady", ["aa", "cc", "bb"]),
        ("size", ["cc", "aa", "bb"]),
        ("createdAt", ["cc", "aa", "bb"]),
        ("updatedAt", ["cc", "aa", "bb"]),
        ("verifiedAt", ["cc", "aa", "bb"]),
        ("revision", ["cc", "aa", "bb"]),
    ] {
        check(&home, &format!("--sort {field}"), &expected);
    }
    check(&home, "--sort name --reverse", &["cc", "bb", "aa"]);
    check(&home, "--reverse", &["bb", "aa", "cc"]);
}

#[test]
fn a_filter_that_cannot_be_is_refused() {
    let home = home();
    insta::assert_snapshot!(home.run("images list --group gone").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `gone` does not exist
    hint: `imgdex groups list` shows what there is
    ");
    insta::assert_snapshot!(home.run("images list --type cpuu").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'cpuu' for '--type <TYPE>'
      [possible values: cpu, gpu, both]

      tip: a similar value exists: 'cpu'

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images list --sort colour").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'colour' for '--sort <FIELD>': should be one of id, name, displayName, description, type, url, urlForGpu, useImagePullSecret, pullSecret, global, isReady, pullPolicy, kind, command, picture, author, archived, pinnedTag, digest, size, verifiedAt, createdAt, updatedAt, revision

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images list --label team").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'team' for '--label <KEY=VALUE>': write it as KEY=VALUE

    For more information, try '--help'.
    ");
    home.run("images list --format gone").fails(2);
    home.run("images list --limit -1").fails(2);
    home.run("images list --limit many").fails(2);
}
