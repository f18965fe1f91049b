//! Whatever the documents and the catalog: `diff` exits 0 exactly when `apply`
//! would change nothing, 13 when it would, and as `apply` when it would fail.

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
            0,
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
fn a_diff_agrees_with_an_apply_of_groups() {
    let a = r#"{"name": "a", "groups": ["one"]}"#;
    let alone = r#"{"name": "a"}"#;
    check_all(&[
        ("a group by name", a, "name: a\ngroups: [one]\n", 0),
        ("a group by id", a, "name: a\ngroups: [<ONE>]\n", 0),
        (
            "a group by an id in capitals",
            a,
            "name: a\ngroups: [11111111-2222-4333-8444-AAAAAAAAAAAA]\n",
            0,
        ),
        (
            "a group by its object in capitals",
            a,
            "name: a\ngroups: [{id: 11111111-2222-4333-8444-AAAAAAAAAAAA, name: x}]\n",
            0,
        ),
        (
            "a group twice",
            a,
            "name: a\ngroups: [one, <ONE>, {name: one}, one]\n",
            0,
        ),
        ("a group left out", a, "name: a\n", 13),
        ("an unknown group", a, "name: a\ngroups: [gone]\n", 2),
        (
            "a whole group by another id",
            a,
            "name: a\ngroups: [{id: <TWO>, name: one}]\n",
            0,
        ),
        (
            "a whole group that later images know",
            "",
            "name: a\ngroups: [{id: <TWO>, name: two}]\n---\nname: b\ngroups: [two]\n---\n\
             name: c\ngroups: [<TWO>]\n---\nname: d\ngroups: {connect: [two]}\n",
            13,
        ),
        (
            "a whole group that earlier images do not know",
            "",
            "name: b\ngroups: [two]\n---\nname: a\ngroups: [{id: <TWO>, name: two}]\n",
            2,
        ),
        (
            "a whole group of a bad name",
            "",
            "name: a\ngroups: [{id: <TWO>, name: ' two'}]\n",
            2,
        ),
        (
            "a group that the documents make",
            "",
            "name: a\ngroups: [two]\n---\nkind: group\nname: two\n",
            13,
        ),
        ("connect", alone, "name: a\ngroups: {connect: [one]}\n", 13),
        (
            "connect what is",
            a,
            "name: a\ngroups: {connect: [{id: <ONE>}]}\n",
            0,
        ),
        (
            "disconnect",
            a,
            "name: a\ngroups: {disconnect: [one]}\n",
            13,
        ),
        (
            "disconnect what is not",
            alone,
            "name: a\ngroups: {disconnect: [one]}\n",
            0,
        ),
        (
            "connect and disconnect",
            alone,
            "name: a\ngroups: {connect: [one], disconnect: [<ONE>]}\n",
            0,
        ),
        (
            "disconnect what nobody knows from a known image",
            alone,
            "name: a\ngroups: {disconnect: [gone]}\n",
            2,
        ),
        (
            "disconnect what nobody knows from a new image",
            "",
            "name: a\ngroups: {disconnect: [gone]}\n",
            2,
        ),
        (
            "connect and disconnect of a new image",
            "",
            "name: a\ngroups: {connect: [one, three], disconnect: [<ONE>]}\n",
            13,
        ),
        (
            "disconnect a whole group that nobody knows",
            alone,
            "name: a\ngroups: {disconnect: [{id: <TWO>, name: two}]}\n",
            0,
        ),
        (
            "connect and disconnect a whole group",
            "",
            "name: a\ngroups: {connect: [{id: <TWO>, name: two}], disconnect: [two]}\n",
            13,
        ),
        (
            "a group renamed",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\ngroups: [one]\n",
            13,
        ),
        (
            "a group renamed and connected",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\n\
             groups: {connect: [one]}\n",
            13,
        ),
        (
            "a group renamed and disconnected",
            a,
            "kind: group\nname: one\ndisplayName: Uno\n---\nname: a\n\
             groups: {disconnect: [one]}\n",
            13,
        ),
        ("the same group", "", "kind: group\nname: one\n", 0),
        (
            "the same group in full",
            "",
            "kind: group\nname: one\nid: 11111111-2222-4333-8444-AAAAAAAAAAAA\n\
             displayName: One\n",
            0,
        ),
        (
            "a group that shows nothing",
            "",
            "kind: group\nname: one\ndisplayName: ''\n",
            13,
        ),
        (
            "a group that says nothing",
            "",
            "kind: group\nname: one\ndisplayName: null\n",
            0,
        ),
        (
            "a group of another id",
            "",
            "kind: group\nname: one\nid: <TWO>\n",
            11,
        ),
        (
            "a group of a taken id",
            "",
            "kind: group\nname: two\nid: <ONE>\n",
            12,
        ),
        (
            "two groups of one id",
            "",
            "kind: group\nname: two\nid: <TWO>\n---\nkind: group\nname: four\nid: <TWO>\n",
            12,
        ),
        (
            "a group of a bad id",
            "",
            "kind: group\nname: two\nid: 2\n",
            2,
        ),
    ]);
}

#[test]
fn a_diff_agrees_with_an_apply_of_secrets() {
    check_all(&[
        (
            "the same secret",
            "",
            "kind: secret\nname: quay\nregistryHost: quay.io\n",
            0,
        ),
        ("nothing new", "", "kind: secret\nname: quay\n", 0),
        (
            "another host",
            "",
            "kind: secret\nname: quay\nregistryHost: ghcr.io\n",
            13,
        ),
        (
            "no host",
            "",
            "kind: secret\nname: quay\nregistryHost: null\n",
            13,
        ),
        (
            "an empty name shown",
            "",
            "kind: secret\nname: quay\ndisplayName: ''\n",
            0,
        ),
        (
            "no name shown",
            "",
            "kind: secret\nname: quay\ndisplayName: null\n",
            0,
        ),
        (
            "an empty name shown of a new one",
            "",
            "kind: secret\nname: new\ndisplayName: ''\n",
            13,
        ),
        (
            "an id that is the name of another",
            "",
            "kind: secret\nname: git\ndisplayName: Git\n",
            13,
        ),
        ("a bad name", "", "kind: secret\nname: Git\n", 2),
        (
            "a value",
            "",
            "kind: secret\nname: quay\npassword: hunter2\n",
            2,
        ),
        (
            "a known one used",
            "",
            "name: a\nuseImagePullSecret: image-quay\n",
            13,
        ),
        (
            "one used by its name",
            "",
            "name: a\nuseImagePullSecret: quay\n",
            2,
        ),
        (
            "an opaque one used",
            "",
            "name: a\nuseImagePullSecret: gitsync-secret-image-git\n",
            2,
        ),
        (
            "an opaque one made and used",
            "",
            "kind: secret\nname: new\ntype: opaque\n---\nname: a\n\
             useImagePullSecret: gitsync-secret-new\n",
            2,
        ),
        (
            "one made and used",
            "",
            "name: a\nimageSpec: {baseImage: x, pullSecret: image-new, packages: {pip: [y]}}\n\
             ---\nkind: secret\nname: new\n",
            13,
        ),
    ]);
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
