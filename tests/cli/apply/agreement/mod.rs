//! Whatever the documents and the catalog: `diff` exits 0 exactly when `apply`
//! would change nothing, 13 when it would, and as `apply` when it would fail.

mod groups_and_secrets;

use serde_json::Value;

use crate::json;
use crate::support::Home;

const ONE: &str = "11111111-2222-4333-8444-aaaaaaaaaaaa";
const TWO: &str = "22222222-2222-4333-8444-bbbbbbbbbbbb";

/// A catalog, documents, and what `diff` is to exit with.
struct Case {
    is: &'static str,
    /// Images in the catalog.
    images: &'static str,
    documents: String,
    code: i32,
}

/// Returns a home whose catalog holds two groups, two secrets and the images.
fn home_of(case: &Case) -> Home {
    let home = Home::new();
    for made in [
        format!("groups create one --id {ONE} --display-name One"),
        "groups create three".to_owned(),
        "secrets create --name quay --type kubernetes --registry-host quay.io".to_owned(),
        // Its name is the id that another would have.
        "secrets create --name image-git --type opaque".to_owned(),
    ] {
        home.run(&made).ok();
    }
    home.write("dot.png", b"\x89PNG\r\n\x1a\n0");
    home.write("documents/dot.png", b"\x89PNG\r\n\x1a\n0");
    if !case.images.is_empty() {
        home.pipe(case.images, "images create").ok();
    }
    let ending = if case.documents.starts_with('{') {
        "json"
    } else {
        "yaml"
    };
    home.write(&format!("documents/all.{ending}"), &case.documents);
    home
}

/// Returns how many changes the catalog ever had.
fn changes(home: &Home) -> Value {
    json(home.run("catalog info -o json"))["changes"].clone()
}

#[track_caller]
fn check(case: &Case) {
    let Case {
        is,
        documents,
        code,
        ..
    } = case;
    let home = home_of(case);
    let start = changes(&home);
    let diff = home.run("diff -f documents");
    assert_eq!(diff.code, *code, "{is}: {documents}\n{diff:#?}");
    let rehearsed = home.run("apply -f documents --dry-run -o json");
    assert_eq!(changes(&home), start, "{is}: a dry run writes");
    let applied = home.run("apply -f documents -o json");
    assert_eq!(rehearsed.code, applied.code, "{is}: {rehearsed:#?}");
    assert_eq!(rehearsed.stdout, applied.stdout, "{is}");
    if applied.code != 0 {
        assert_eq!(applied.code, *code, "{is}: {applied:#?}");
        assert_eq!(changes(&home), start, "{is}: something was written");
        return;
    }
    let then = changes(&home);
    let expected = if then == start { 0 } else { 13 };
    assert_eq!(*code, expected, "{is}: {diff:#?} but {applied:#?}");
    let shown = !diff.stdout.is_empty();
    assert_eq!(shown, then != start, "{is}: {diff:#?}");
    let again = home.run("diff -f documents");
    assert_eq!(again.code, 0, "{is}, applied: {again:#?}");
    let nothing = home.run("apply -f documents -o json").ok();
    assert_eq!(nothing.stdout.trim(), "[]", "{is}, a second time");
    assert_eq!(changes(&home), then, "{is}, a second time");
}

#[track_caller]
fn check_all(cases: &[(&'static str, &'static str, &str, i32)]) {
    for (is, images, documents, code) in cases {
        check(&Case {
            is,
            images,
            documents: documents.replace("<ONE>", ONE).replace("<TWO>", TWO),
            code: *code,
        });
    }
}

#[test]
fn a_diff_agrees_with_an_apply_of_fields() {
    let a = r#"{"name": "a"}"#;
    check_all(&[
        ("a new image", "", "name: a\nurl: x/a:1\n", 13),
        ("the same image", a, "name: a\n", 0),
        (
            "nulls",
            a,
            "name: a\ndescription: null\ndisplayName: null\ntype: null\nurl: null\n\
             urlForGpu: null\nglobal: null\ngroups: null\ntags: null\nlabels: null\n\
             kind: null\ncommand: null\npicture: null\nauthor: null\narchived: null\n\
             formats: null\nimageSpec: null\nuseImagePullSecret: null\npullSecret: null\n",
            0,
        ),
        ("an unknown null", a, "name: a\nmine: null\n", 13),
        ("an empty name shown", a, "name: a\ndisplayName: ''\n", 0),
        ("another name shown", a, "name: a\ndisplayName: A\n", 13),
        (
            "the same labels and tags",
            r#"{"name": "a", "labels": {"x": "1", "y": "2"}, "tags": ["t", "u"]}"#,
            "name: a\nlabels: {y: 2, x: 1}\ntags: [t, u]\n",
            0,
        ),
        (
            "tags in another order",
            r#"{"name": "a", "tags": ["t", "u"]}"#,
            "name: a\ntags: [u, t]\n",
            13,
        ),
        (
            "labels gone",
            r#"{"name": "a", "labels": {"x": "1"}}"#,
            "name: a\n",
            13,
        ),
        ("archived", a, "name: a\narchived: true\n", 13),
        (
            "still archived",
            r#"{"name": "a", "archived": true}"#,
            "name: a\narchived: true\n",
            0,
        ),
        ("another author", a, "name: a\nauthor: somebody\n", 13),
        ("the same author", a, "name: a\nauthor: tester\n", 0),
        (
            "unknown fields",
            r#"{"name": "a", "mine": {"x": [1, {"y": 1.50}]}}"#,
            r#"{"name": "a", "mine": {"x": [1, {"y": 1.50}]}}"#,
            0,
        ),
        (
            "unknown fields in another order",
            r#"{"name": "a", "mine": {"x": 1, "y": 2}}"#,
            r#"{"name": "a", "mine": {"y": 2, "x": 1}}"#,
            13,
        ),
        (
            "a number of many digits",
            r#"{"name": "a", "mine": 12345678901234567890123}"#,
            r#"{"name": "a", "mine": 12345678901234567890124}"#,
            13,
        ),
        (
            "a number of many decimals",
            r#"{"name": "a", "mine": 0.1234567890123456789}"#,
            r#"{"name": "a", "mine": 0.1234567890123456788}"#,
            13,
        ),
        (
            "a number written in another way",
            r#"{"name": "a", "mine": 1.0}"#,
            r#"{"name": "a", "mine": 1.00}"#,
            13,
        ),
        ("observed fields", a, "name: a\nisReady: true\nsize: 4\n", 0),
        ("a picture", a, "name: a\npicture: dot.png\n", 13),
        (
            "the same picture",
            r#"{"name": "a", "picture": "dot.png"}"#,
            "name: a\npicture: dot.png\n",
            0,
        ),
        ("no picture", a, "name: a\npicture: gone.png\n", 2),
        (
            "an image to be built",
            a,
            "name: a\nimageSpec: {baseImage: x, packages: {apt: [curl]}}\n",
            13,
        ),
        (
            "the same image to be built",
            r#"{"name": "a", "imageSpec": {"baseImage": "x", "packages": {"apt": ["curl"]}}}"#,
            "name: a\nimageSpec: {baseImage: x, packages: {apt: [curl]}}\n",
            0,
        ),
        (
            "a reference and something to be built",
            a,
            "name: a\nurl: x/a:1\nimageSpec: {baseImage: x, packages: {apt: [curl]}}\n",
            2,
        ),
        (
            "another reference of what was pinned",
            r#"{"name": "a", "url": "x/a:1", "pinnedTag": "1"}"#,
            "name: a\nurl: x/a:2\n",
            13,
        ),
        (
            "formats left out",
            r#"{"name": "a", "formats": ["adalab"]}"#,
            "name: a\n",
            13,
        ),
    ]);
}

#[test]
fn what_is_nested_deep_is_compared_too() {
    let deep = |value: u32| {
        let (open, close) = ("[".repeat(126), "]".repeat(126));
        format!("{{\"name\": \"a\", \"mine\": {open}{value}{close}}}")
    };
    for (value, code) in [(1, 0), (2, 13)] {
        let home = Home::new();
        home.pipe(deep(1), "images create").ok();
        home.write("a.json", deep(value));
        home.run("diff -f a.json").fails(code);
        home.run("apply -f a.json").ok();
        home.run("diff -f a.json").ok();
    }
}

#[test]
fn a_diff_agrees_with_an_apply_that_prunes() {
    let home = Home::new();
    home.write("documents/a.yaml", "name: a\n")
        .write("documents/b.yaml", "name: b\narchived: true\n");
    home.pipe("{\"name\": \"by-hand\"}", "images create").ok();
    home.run("diff -f documents --prune").fails(13);
    home.run("apply -f documents --prune").ok();
    home.run("diff -f documents --prune").ok();
    std::fs::remove_file(home.path().join("documents/b.yaml")).expect("removed");
    home.run("diff -f documents").ok();
    home.run("diff -f documents --prune --set other").ok();
    home.run("diff -f documents --prune").fails(13);
    home.run("apply -f documents --prune").ok();
    home.run("diff -f documents --prune").ok();
}
