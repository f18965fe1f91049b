//! Where rules meet: existing names and groups, observed fields and changes,
//! endless and deep inputs.

use crate::support::Home;

fn field(home: &Home, name: &str, field: &str) -> serde_json::Value {
    let image = home.run(&format!("images get {name} -o json")).ok();
    let image: serde_json::Value = serde_json::from_str(&image.stdout).expect("JSON");
    image[field].clone()
}

const DIGEST: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

fn with_observed() -> Home {
    let home = Home::new();
    let image = format!(
        r#"{{"name": "a", "url": "b:1", "urlForGpu": "b:1-gpu", "global": true, "isReady": true,
            "digest": "{DIGEST}", "digestForGpu": "{DIGEST}", "platforms": ["linux/amd64"],
            "size": 7, "verifiedAt": "2025-10-31T12:00:00Z"}}"#
    );
    home.pipe(image, "images create").ok();
    home
}

#[test]
fn an_image_that_is_skipped_makes_no_group_and_misses_no_secret() {
    let home = Home::new();
    home.pipe(r#"{"name": "a", "global": true}"#, "images create")
        .ok();
    let again = r#"{"name": "a", "useImagePullSecret": "image-none",
        "groups": [{"id": "123e4567-e89b-12d3-a456-426614174000", "name": "new"}]}"#;
    home.pipe(again, "images create --skip-existing").ok();
    assert_eq!(home.run("groups list -o json").stdout, "[]\n");
    home.pipe(again, "images create").fails(12);
}

#[test]
fn an_unknown_group_to_disconnect_is_refused_and_a_whole_one_is_not_made() {
    let home = Home::new();
    let image = r#"{"name": "a", "groups": {"disconnect": ["nope"]}}"#;
    let ran = home.pipe(image, "images create").fails(2);
    assert!(
        ran.stderr.contains("groups.disconnect[0]"),
        "{}",
        ran.stderr
    );
    let image = r#"{"name": "a", "global": true, "groups": {"disconnect":
        [{"id": "123e4567-e89b-12d3-a456-426614174000", "name": "new"}]}}"#;
    home.pipe(image, "images create").ok();
    assert_eq!(home.run("groups list -o json").stdout, "[]\n");
}

#[test]
fn what_was_seen_of_a_reference_goes_with_the_reference() {
    let home = with_observed();
    // As `images get -o json | jq '.url = "b:2"'` gives it: with every field.
    let image = home.run("images get a -o json").ok().stdout;
    let changed = image.replace("\"b:1\"", "\"b:2\"");
    home.pipe(changed, "images update a").ok();
    assert!(field(&home, "a", "digest").is_null());
    assert!(field(&home, "a", "isReady").is_null());
    assert_eq!(field(&home, "a", "digestForGpu"), DIGEST);
}

#[test]
fn an_image_that_comes_back_as_it_was_printed_makes_no_revision() {
    let home = with_observed();
    let image = home.run("images get a -o json").ok().stdout;
    let ran = home.pipe(image, "images update a").ok();
    assert!(ran.stderr.contains("nothing changed"), "{}", ran.stderr);
    assert_eq!(field(&home, "a", "revision"), 1);
}

#[test]
fn one_observed_field_is_changed_and_the_others_stay() {
    let home = with_observed();
    home.pipe(
        r#"{"isReady": false, "problem": "missing"}"#,
        "images update a",
    )
    .ok();
    assert_eq!(field(&home, "a", "isReady"), false);
    assert_eq!(field(&home, "a", "problem"), "missing");
    assert_eq!(field(&home, "a", "digest"), DIGEST);
    assert_eq!(field(&home, "a", "size"), 7);
}

#[test]
fn clearing_the_formats_gives_the_default() {
    let home = Home::new();
    let image = r#"{"name": "a", "global": true, "formats": ["adalab", "kubeflow"]}"#;
    home.pipe(image, "images create").ok();
    home.pipe(r#"{"formats": null}"#, "images update a").ok();
    assert_eq!(
        field(&home, "a", "formats"),
        serde_json::json!(["primehub"])
    );
}

#[test]
fn a_copy_of_an_archived_image_is_shown() {
    let home = Home::new();
    home.pipe(r#"{"name": "a", "archived": true}"#, "images create")
        .ok();
    home.run("images duplicate a b").ok();
    assert_eq!(home.run("images list -o name").stdout, "b\n");
}

#[test]
fn an_input_of_bad_images_without_an_end_is_read_no_further() {
    let home = Home::new();
    let text = "{\"name\": \"B\"}\n".repeat(30_000);
    let ran = home.pipe(text, "images create").fails(2);
    let first = ran.stderr.lines().next();
    assert_eq!(
        first,
        Some(
            "error: 10000 of the first 10000 images cannot be created, and the others were not \
             read; nothing was written"
        )
    );
}

#[test]
fn an_image_of_many_faults_tells_of_the_first_ones() {
    let home = Home::new();
    let image = format!(
        r#"{{"name": "a", "tags": [{}1], "formats": [{}"x"]}}"#,
        "1,".repeat(5000),
        "\"x\",".repeat(5000)
    );
    let ran = home.pipe(image, "images create").fails(2);
    assert!(ran.stderr.lines().count() < 120, "{}", ran.stderr.len());
}

#[test]
fn empty_objects_are_only_told_apart_where_there_are_others() {
    let home = Home::new();
    let ran = home.pipe("{}", "images create").fails(2);
    assert!(ran.stderr.starts_with("The configuration is required.\n"));
    let ran = home
        .pipe("{}\n{\"name\": \"a\"}\n{}", "images create")
        .fails(2);
    assert!(ran.stderr.contains("2 of 3 images"), "{}", ran.stderr);
    assert!(ran.stderr.contains("(item 3)"), "{}", ran.stderr);
}

#[test]
fn the_deepest_input_that_is_taken_can_be_shown_and_changed() {
    let home = Home::new();
    let image = format!(
        r#"{{"name": "a", "global": true, "x": {}{}}}"#,
        "[".repeat(127),
        "]".repeat(127)
    );
    home.pipe(image, "images create").ok();
    home.pipe(r#"{"description": "z"}"#, "images update a").ok();
    home.run("images get a").ok();
    home.run("images history a -o json").ok();
    let list = home.run("images list -o json").ok().stdout;
    home.pipe(list, "--catalog other.db images create").ok();
}

#[test]
fn an_update_does_not_make_an_image_larger_than_an_input_may_be() {
    let home = Home::new();
    let large = |field: &str| {
        format!(
            r#"{{"name": "a", "global": true, "{field}": "{}"}}"#,
            "x".repeat(3 << 20)
        )
    };
    home.pipe(large("one"), "images create").ok();
    let ran = home.pipe(large("two"), "images update a").fails(2);
    assert!(ran.stderr.contains("larger than 4 MiB"), "{}", ran.stderr);
}

#[test]
fn what_may_hold_a_password_is_not_repeated() {
    let home = Home::new();
    for (text, command) in [
        (
            r#"{"name": "a", "url": "user:hunter2@host/app"}"#,
            "images create",
        ),
        (
            r#"{"name": "a", "picture": "https://user:hunter2@host/x"}"#,
            "images create",
        ),
        (
            r#"{"name": "a", "registryHost": "user:hunter2@quay.io"}"#,
            "secrets create",
        ),
    ] {
        let ran = home.pipe(text, command).fails(2);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
}

#[test]
fn every_field_of_one_value_can_be_sorted_by() {
    let home = with_observed();
    let other = r#"{"name": "b", "url": "a:1", "global": true}"#;
    home.pipe(other, "images create").ok();
    let first = |sort: &str| {
        let list = home.run(&format!("images list -o name --sort {sort}")).ok();
        list.stdout.lines().next().map(str::to_owned)
    };
    assert_eq!(first("url").as_deref(), Some("b"));
    assert_eq!(first("urlForGpu").as_deref(), Some("a"));
    for sort in [
        "digest",
        "size",
        "verifiedAt",
        "archived",
        "pullPolicy",
        "id",
        "revision",
    ] {
        assert_eq!(first(sort).as_deref(), Some("a"), "{sort}");
    }
}

#[test]
fn a_list_that_cannot_be_printed_does_not_hide_that_the_images_are_made() {
    use std::process::Stdio;
    let home = Home::new();
    home.write("a.json", r#"{"name": "a", "global": true}"#);
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("it is always there");
    let output = home
        .command(crate::support::PROGRAM)
        .args(["images", "create", "-f", "a.json"])
        .stdin(Stdio::null())
        .stdout(full)
        .output()
        .expect("it runs");
    let ran = crate::support::Ran::of(&output).fails(10);
    assert!(
        ran.stderr.contains("what was asked for is done"),
        "{}",
        ran.stderr
    );
    home.run("images get a").ok();
}
