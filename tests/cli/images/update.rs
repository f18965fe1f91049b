//! `images update`: a JSON merge patch (RFC 7396).

use serde_json::{Value, json};

use crate::support::Home;
use crate::{RESEARCH, field, json, lines};

const BASE: &str = r#"{
  "name": "a", "displayName": "A", "description": "one", "url": "quay.io/a/b:1", "urlForGpu": "quay.io/a/b:2",
  "tags": ["x", "y"], "labels": {"a": "1", "b": "2"}, "global": true, "kind": "notebook",
  "mine": {"p": 1, "q": {"r": [1, 2]}}
}"#;

fn home() -> Home {
    let home = Home::new();
    home.pipe(BASE, "images create").ok();
    home
}

#[track_caller]
fn check(patch: &str, name: &str, expected: Value) {
    let home = home();
    home.pipe(patch, "images update a").ok();
    assert_eq!(field(&home, "a", name), expected, "{patch}");
    assert_eq!(field(&home, "a", "revision"), 2, "{patch}");
}

#[test]
fn null_clears_lists_replace_and_objects_merge() {
    check("{\"description\": null}", "description", Value::Null);
    check("{\"description\": \"\"}", "description", json!(""));
    check("{\"displayName\": null}", "displayName", json!("a"));
    check("{\"urlForGpu\": null}", "urlForGpu", Value::Null);
    check("{\"type\": null, \"global\": false}", "type", json!("both"));
    check("{\"type\": \"gpu\"}", "type", json!("gpu"));
    check("{\"global\": null}", "global", json!(false));
    check("{\"tags\": [\"z\"]}", "tags", json!(["z"]));
    check("{\"tags\": []}", "tags", Value::Null);
    check("{\"tags\": null}", "tags", Value::Null);
    check(
        "{\"labels\": {\"b\": null, \"c\": \"3\"}}",
        "labels",
        json!({"a": "1", "c": "3"}),
    );
    check("{\"labels\": null}", "labels", Value::Null);
    check("{\"kind\": null}", "kind", Value::Null);
    check(
        "{\"mine\": {\"p\": null, \"q\": {\"r\": [3]}}}",
        "mine",
        json!({"q": {"r": [3]}}),
    );
    check("{\"mine\": null}", "mine", Value::Null);
    check(
        "{\"another\": {\"x\": null, \"y\": 1}}",
        "another",
        json!({"y": 1}),
    );
    check(
        "description: from YAML\n",
        "description",
        json!("from YAML"),
    );
}

#[test]
fn what_the_patch_does_not_name_stays() {
    let home = home();
    let mut before = json(home.run("images get a -o json"));
    home.pipe("{\"description\": \"two\"}", "images update a")
        .ok();
    let after = json(home.run("images get a -o json"));
    before["description"] = "two".into();
    before["revision"] = 2.into();
    before["updatedAt"] = after["updatedAt"].clone();
    assert_eq!(before, after);
}

#[test]
fn the_image_is_printed_as_it_is_now() {
    let home = home();
    let ran = home.pipe("{\"description\": \"two\"}", "images update a");
    insta::assert_snapshot!(ran.snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id:                  a
    name:                a
    displayName:         A
    description:         two
    type:                both
    url:                 quay.io/a/b:1
    urlForGpu:           quay.io/a/b:2
    useImagePullSecret:
    global:              true
    groups:
    isReady:             Unknown
    tags:                x,y
    labels:              {"a":"1","b":"2"}
    kind:                notebook
    author:              tester
    formats:             primehub
    createdAt:           <time>
    updatedAt:           <time>
    revision:            2
    mine:                {"p":1,"q":{"r":[1,2]}}
    "#);
    let printed = json(home.pipe("{\"description\": \"three\"}", "images update a -o json"));
    assert_eq!(printed, json(home.run("images get a -o json")));
}

#[test]
fn the_name_is_ignored_and_that_is_said() {
    let home = home();
    let ran = home
        .pipe(
            "{\"name\": \"b\", \"description\": \"two\"}",
            "images update a",
        )
        .ok();
    insta::assert_snapshot!(ran.stderr, @r"the name stays `a`: copy the image with `imgdex images duplicate a NEW` to have another");
    assert_eq!(field(&home, "a", "description"), "two");
    home.run("images get b").fails(4);
    let ran = home
        .pipe(
            "{\"name\": \"a\", \"description\": \"three\"}",
            "images update a",
        )
        .ok();
    assert_eq!(ran.stderr, "", "its own name needs no word");
    home.pipe("{\"name\": 7}", "images update a").ok();
}

#[test]
fn what_changes_nothing_makes_no_revision() {
    let home = home();
    for patch in [
        "{}",
        BASE,
        "{\"tags\": [\"x\", \"y\"]}",
        "{\"revision\": 9, \"createdAt\": \"x\"}",
        "{\"gone\": null}",
    ] {
        let ran = home.pipe(patch, "images update a").ok();
        assert_eq!(ran.stderr, "nothing changed\n", "{patch}");
        assert_eq!(field(&home, "a", "revision"), 1, "{patch}");
    }
    let whole = home.run("images get a -o json").ok().stdout;
    home.pipe(whole, "images update a").ok();
    assert_eq!(field(&home, "a", "revision"), 1);
    assert_eq!(
        json(home.run("images history a -o json"))
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn groups_are_connected_disconnected_and_replaced() {
    let home = home();
    home.run(&format!("groups create research --id {RESEARCH}"))
        .ok();
    home.run("groups create teaching").ok();
    let check = |patch: &str, expected: &[&str]| {
        home.pipe(patch, "images update a").ok();
        let groups = field(&home, "a", "groups");
        let names: Vec<&str> = groups
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|group| group["name"].as_str())
            .collect();
        assert_eq!(names, expected, "{patch}");
    };
    check(
        &format!("{{\"groups\": {{\"connect\": [{{\"id\": \"{RESEARCH}\"}}]}}}}"),
        &["research"],
    );
    check(
        "{\"groups\": {\"connect\": [\"teaching\"]}}",
        &["research", "teaching"],
    );
    check(
        "{\"groups\": {\"connect\": [\"research\"]}}",
        &["research", "teaching"],
    );
    check(
        "{\"groups\": {\"disconnect\": [{\"name\": \"research\"}]}}",
        &["teaching"],
    );
    check(
        "{\"groups\": {\"connect\": [\"research\"], \"disconnect\": [\"teaching\"]}}",
        &["research"],
    );
    check("{\"description\": \"x\"}", &["research"]);
    check("{\"groups\": [\"teaching\"]}", &["teaching"]);
    check("{\"groups\": []}", &[]);
    check("{\"groups\": [\"teaching\"]}", &["teaching"]);
    check("{\"groups\": null}", &[]);
    home.pipe(
        "{\"groups\": {\"disconnect\": [\"gone\"]}}",
        "images update a",
    )
    .fails(2);
}

#[test]
fn the_result_is_checked_and_nothing_is_written_where_it_is_bad() {
    let home = home();
    let ran = home.pipe(
        "{\"description\": \"two\",\n \"type\": \"tpu\"}",
        "images update a",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: image `a` cannot be updated; nothing was written
    <stdin>:2:10: type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu` (item 1, `a`)
    ");
    let ran = home.pipe(
        "{\"imageSpec\": {\"baseImage\": \"x\", \"packages\": {\"pip\": [\"a\"]}}}",
        "images update a",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: image `a` cannot be updated; nothing was written
    <stdin>:1:15: imageSpec: imageSpec cannot use with url and urlForGpu (item 1, `a`)
    ");
    let ran = home.pipe("{\"labels\": \"none\"}", "images update a");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: image `a` cannot be updated; nothing was written
    <stdin>:1:12: labels: labels should be an object, but is a string (item 1, `a`)
    ");
    let ran = home.pipe(
        "[{\"type\": \"cpu\"}, {\"type\": \"gpu\"}]",
        "images update a",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: image `a` cannot be updated; nothing was written
    <stdin>:1:19: an update is one object, but here is another (item 2)
    ");
    home.pipe("\"text\"", "images update a").fails(2);
    home.pipe(
        "{\"useImagePullSecret\": \"image-gone\"}",
        "images update a",
    )
    .fails(2);
    assert_eq!(field(&home, "a", "revision"), 1);
    assert_eq!(field(&home, "a", "description"), "one");
}

#[test]
fn an_update_needs_an_input_and_a_known_image() {
    let home = home();
    let ran = home.run("images update a").fails(2);
    assert!(
        ran.stderr
            .starts_with("The configuration is required.\n\nExample:\n"),
        "{ran:?}"
    );
    insta::assert_snapshot!(home.pipe("{\"type\": \"cpu\"}", "images update aa").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `aa` does not exist
    hint: did you mean `a`?
    ");
    home.write("change.yaml", "type: cpu\n");
    home.run("images update a -f change.yaml").ok();
    assert_eq!(field(&home, "a", "type"), "cpu");
    assert_eq!(lines(home.run("images list --type cpu -o name")), ["a"]);
}

#[test]
fn what_was_seen_of_a_reference_is_forgotten_with_it() {
    let home = Home::new();
    let digest = format!("sha256:{}", "a".repeat(64));
    home.pipe(
        json!({"name": "a", "url": "quay.io/a/b:1", "isReady": true, "digest": digest, "size": 5, "pinnedTag": "1"}).to_string(),
        "images create",
    )
    .ok();
    home.pipe("{\"description\": \"x\"}", "images update a")
        .ok();
    assert_eq!(field(&home, "a", "digest"), digest.as_str());
    home.pipe("{\"url\": \"quay.io/a/b:2\"}", "images update a")
        .ok();
    for name in ["digest", "size", "isReady", "pinnedTag"] {
        assert_eq!(field(&home, "a", name), Value::Null, "{name}");
    }
}
