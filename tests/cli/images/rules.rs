//! The rules of single fields.

use serde_json::{Value, json};

use crate::support::Home;
use crate::{field, lines};

/// Creates an image with this field and returns the exit code.
fn create(field: &str, value: &Value) -> (Home, i32, String) {
    let home = Home::new();
    let mut image = json!({"name": "a", "global": true});
    image[field] = value.clone();
    let ran = home.pipe(image.to_string(), "images create -q");
    (home, ran.code, ran.stderr)
}

#[track_caller]
fn accepts(name: &str, value: Value) {
    let (_, code, stderr) = create(name, &value);
    assert_eq!(code, 0, "{name}: {value}: {stderr}");
}

#[track_caller]
fn refuses(name: &str, value: Value) {
    let (home, code, stderr) = create(name, &value);
    assert_eq!(code, 2, "{name}: {value}: {stderr}");
    assert!(
        stderr.contains(&format!(" {name}")),
        "the field is named: {stderr}"
    );
    assert!(
        stderr.contains("<stdin>:1:"),
        "the place is named: {stderr}"
    );
    assert!(!home.catalog().exists() || lines(home.run("images list -o name")).is_empty());
}

#[test]
fn a_name_is_a_kubernetes_resource_name() {
    for name in ["0", "a-b.c", "base-notebook-3.12", &"a".repeat(253)] {
        let (_, code, stderr) = create("name", &json!(name));
        assert_eq!(code, 0, "{name}: {stderr}");
    }
    for name in [
        "A",
        "a_b",
        "-a",
        "a-",
        "a..b",
        ".a",
        "a b",
        "a/b",
        "ä",
        "a\n",
        "../../etc/x",
        &"a".repeat(254),
    ] {
        refuses("name", json!(name));
    }
    for value in [json!(7), json!(true), json!(["a"])] {
        refuses("name", value);
    }
    for text in [
        "{\"displayName\": \"x\"}",
        "{\"name\": \"\"}",
        "{\"name\": null}",
    ] {
        let home = Home::new();
        let ran = home.pipe(text, "images create").fails(2);
        assert!(
            ran.stderr.contains("name: name is required"),
            "{text}: {}",
            ran.stderr
        );
    }
}

#[test]
fn an_underscore_is_allowed_in_names_of_runtime_images_alone() {
    let home = Home::new();
    home.pipe(
        "{\"name\": \"a_b\", \"formats\": [\"runtime-images\"]}",
        "images create",
    )
    .ok();
    assert_eq!(lines(home.run("images list -o name")), ["a_b"]);
    home.pipe(
        "{\"name\": \"c_d\", \"formats\": [\"primehub\", \"runtime-images\"]}",
        "images create",
    )
    .ok();
    for text in [
        "{\"name\": \"a_b\"}",
        "{\"name\": \"a_b\", \"formats\": [\"adalab\"]}",
        "{\"name\": \"_b\", \"formats\": [\"runtime-images\"]}",
        "{\"name\": \"b_\", \"formats\": [\"runtime-images\"]}",
    ] {
        home.pipe(text, "images create").fails(2);
    }
    home.pipe("{\"formats\": [\"primehub\"]}", "images update a_b")
        .fails(2);
    home.run("images duplicate a_b e_f").ok();
}

#[test]
fn an_id_is_the_name() {
    let home = Home::new();
    home.pipe("{\"id\": \"a\", \"name\": \"a\"}", "images create")
        .ok();
    let ran = home.pipe("{\"id\": \"x\", \"name\": \"b\"}", "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:8: id: id should equal the name `b`, but is `x` (item 1, `b`)
    ");
}

#[test]
fn fields_have_their_defaults() {
    let home = Home::new();
    home.pipe("{\"name\": \"a\"}", "images create").ok();
    for (name, expected) in [
        ("displayName", json!("a")),
        ("type", json!("both")),
        ("global", json!(false)),
        ("groups", json!([])),
        ("isReady", Value::Null),
        ("formats", json!(["primehub"])),
        ("author", json!("tester")),
        ("revision", json!(1)),
        ("archived", Value::Null),
    ] {
        assert_eq!(field(&home, "a", name), expected, "{name}");
    }
}

#[test]
fn choices_and_types_are_checked() {
    for value in ["cpu", "gpu", "both"] {
        accepts("type", json!(value));
    }
    for value in [json!("CPU"), json!("tpu"), json!(""), json!(1)] {
        refuses("type", value);
    }
    for value in ["Always", "IfNotPresent", "Never"] {
        accepts("pullPolicy", json!(value));
    }
    for value in [json!("always"), json!("Sometimes")] {
        refuses("pullPolicy", value);
    }
    for (name, value) in [
        ("displayName", json!(1)),
        ("description", json!(["a"])),
        ("url", json!(1)),
        ("global", json!("true")),
        ("global", json!(1)),
        ("archived", json!("no")),
        ("isReady", json!("True")),
        ("tags", json!("a,b")),
        ("tags", json!([1])),
        ("labels", json!({"a": 1})),
        ("labels", json!(["a"])),
        ("formats", json!(["elyra"])),
        ("command", json!(["a", "b"])),
        ("size", json!(-1)),
        ("size", json!("12")),
        ("digest", json!("sha256:short")),
        ("imageSpec", json!("base")),
        ("jobStatus", json!({"phase": "Done"})),
        ("useImagePullSecret", json!(1)),
    ] {
        refuses(name, value);
    }
}

#[test]
fn kinds_are_lower_case_words_and_one_has_two_spellings() {
    for kind in [
        "app", "base", "internal", "kernel", "lab_app", "notebook", "runtime", "my-own",
    ] {
        accepts("kind", json!(kind));
    }
    for kind in ["App", "two words", ""] {
        refuses("kind", json!(kind));
    }
    let (home, ..) = create("kind", &json!("base_image"));
    assert_eq!(field(&home, "a", "kind"), "base");
    for kind in ["base", "base_image"] {
        assert_eq!(
            lines(home.run(&format!("images list -o name --kind {kind}"))),
            ["a"]
        );
    }
}

#[test]
fn references_are_kept_as_they_were_written() {
    for url in [
        "ubuntu",
        "infuseai/docker-stacks:a-B_1.2",
        "localhost:5000/a/b",
        "quay.io/a/b:1",
        &format!("quay.io/a/b@sha256:{}", "a".repeat(64)),
        &format!("quay.io/a/b:1@sha256:{}", "a".repeat(64)),
    ] {
        let (home, code, stderr) = create("url", &json!(url));
        assert_eq!(code, 0, "{url}: {stderr}");
        assert_eq!(field(&home, "a", "url"), url);
    }
    for url in [
        "",
        "UPPER/case:1",
        "a b",
        "https://quay.io/a/b",
        "a:b:c",
        "a@sha256:short",
        "-a",
    ] {
        refuses("url", json!(url));
        refuses("urlForGpu", json!(url));
    }
}

#[test]
fn a_pull_secret_of_the_catalog_must_be_known_and_of_the_right_type() {
    let home = Home::new();
    home.pipe("{\"name\": \"quay\"}", "secrets create").ok();
    home.pipe(
        "{\"name\": \"git\", \"type\": \"opaque\"}",
        "secrets create",
    )
    .ok();
    home.pipe(
        "{\"name\": \"a\", \"useImagePullSecret\": \"image-quay\"}",
        "images create",
    )
    .ok();
    for id in ["image-gone", "gitsync-secret-git", "quay"] {
        let ran = home.pipe(
            format!("{{\"name\": \"b\", \"useImagePullSecret\": \"{id}\"}}"),
            "images create",
        );
        assert!(
            ran.clone().fails(2).stderr.contains("useImagePullSecret"),
            "{ran:?}"
        );
    }
    let ran = home.pipe(
        "{\"name\": \"b\",\n \"useImagePullSecret\": \"image-gone\"}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:2:24: useImagePullSecret: secret `image-gone` does not exist (did you mean `image-quay`?); make it with `imgdex secrets create` (item 1, `b`)
    ");
    home.pipe(
        "{\"name\": \"c\", \"pullSecret\": \"not-in-the-catalog\"}",
        "images create",
    )
    .ok();
    assert_eq!(field(&home, "c", "pullSecret"), "not-in-the-catalog");
    accepts("pullSecret", json!("Not_checked"));
}

#[test]
fn all_faults_of_all_images_are_told_at_once() {
    let home = Home::new();
    let text = "[\n  {\"name\": \"A\", \"type\": \"tpu\"},\n  {\"name\": \"b\", \"global\": 1},\n  {\"name\": \"c\"}\n]";
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 2 of 3 images cannot be created; nothing was written
    <stdin>:2:12: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `A` (item 1, `A`)
    <stdin>:2:25: type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu` (item 1, `A`)
    <stdin>:3:27: global: global should be true or false, but is `1` (item 2, `b`)
    ");
    assert!(!home.catalog().exists());
}
