//! `imgdex metadata update`, `remove` and `duplicate`, and links to secrets.

use super::*;

#[test]
fn an_update_by_flags_changes_the_fields_that_they_name() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    insta::assert_snapshot!(
        home.run("metadata update runtime-images --name pandas_23 --image_name amancevice/pandas:2.3.3")
            .snapshot(&home),
        @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'pandas_23' for schema 'runtime-image' has been written to: <home>/.local/share/imgdex/catalog.db
    "
    );
    assert_eq!(
        file_of(&home, "pandas_23"),
        PANDAS.replace("2.3.2", "2.3.3")
    );
    let words = [
        "metadata",
        "update",
        "--name",
        "pandas_23",
        "--description",
        "",
        "--tags",
        "[]",
        "--pull-policy",
        "",
    ];
    run(&home, &words).ok();
    assert_eq!(
        file_of(&home, "pandas_23"),
        instance("Pandas 2.3", "amancevice/pandas:2.3.3")
    );
    // What changes nothing makes no revision.
    let revision = field(&home, "pandas_23", "revision");
    run(&home, &words).ok();
    assert_eq!(field(&home, "pandas_23", "revision"), revision);
    // What was seen of the old reference is not true of the new one.
    insta::assert_snapshot!(home.run("metadata update --name pandas_23").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: there is nothing to change
    hint: give a field such as `--image_name REF`, or an instance with `--file` or `--json`
    ");
    insta::assert_snapshot!(home.run("metadata update --image_name a:1").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `--name` is required: which runtime image is to be changed
    hint: `imgdex metadata list runtime-images` shows what there is
    ");
    insta::assert_snapshot!(home.run("metadata update --name nope --image_name a:1").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `nope` does not exist
    hint: `imgdex images list` shows what there is
    ");
    let words = [
        "metadata",
        "update",
        "--name",
        "pandas_23",
        "--display_name",
        "",
        "--image_name",
        "",
    ];
    insta::assert_snapshot!(run(&home, &words).snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: runtime image `pandas_23` cannot be updated; nothing was written
    <arguments>: display_name: display_name should not be empty
    <arguments>: metadata.image_name: image_name is required
    ");
}

/// An image with everything that Elyra has no place for.
const RICH: &str = r#"{"name": "rich", "displayName": "Rich", "description": "old", "type": "gpu",
    "url": "rich:1", "urlForGpu": "rich:1-gpu", "groups": ["research"], "pullPolicy": "Always",
    "tags": ["old"], "labels": {"team": "x"}, "kind": "notebook", "command": "start.sh",
    "author": "ada", "pullSecret": "old-secret", "formats": ["primehub", "runtime-images"],
    "runtime-images": {"metadata": {"gpu": true}, "version": 1}, "mine": [1.10]}"#;

#[test]
fn a_whole_instance_replaces_what_the_format_has_and_leaves_the_rest() {
    let home = Home::new();
    home.run("groups create research").ok();
    home.pipe(RICH, "images create").ok();
    let before = json(home.run("images get rich -o json"));
    let new = instance("New", "rich:2");
    run(
        &home,
        &["metadata", "update", "--name", "rich", "--json", &new],
    )
    .ok();
    let after = json(home.run("images get rich -o json"));
    for kept in [
        "type",
        "urlForGpu",
        "groups",
        "labels",
        "kind",
        "command",
        "author",
        "formats",
        "mine",
        "createdAt",
        "global",
    ] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(after["displayName"], "New");
    assert_eq!(after["url"], "rich:2");
    for gone in [
        "description",
        "pullPolicy",
        "tags",
        "pullSecret",
        "runtime-images",
    ] {
        assert!(
            after.get(gone).is_none_or(serde_json::Value::is_null),
            "{gone}: {after}"
        );
    }
    assert_eq!(file_of(&home, "rich"), new);
}

#[test]
fn an_update_makes_an_entry_valid_that_was_not() {
    let home = with_files(&[("bad", &instance("Bad", "not a valid image"))]);
    home.run("metadata import -d in --include-invalid").ok();
    // It is no image yet: it is removed, and made anew.
    home.run("metadata update --name bad --image_name good:1")
        .fails(4);
    home.run("metadata remove --name bad").ok();
    home.run("metadata create --name bad --display_name Bad --image_name good:1")
        .ok();
    assert_eq!(
        lines(home.run("metadata list --include-invalid -o name")),
        ["bad"]
    );
}

#[test]
fn a_removed_entry_is_gone_and_so_is_its_image() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    insta::assert_snapshot!(
        home.run("metadata remove runtime-images --name pandas_23").snapshot(&home),
        @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'pandas_23' removed from schemaspace 'runtime-images'.
    "
    );
    assert_eq!(lines(home.run("images list -o name")), [""; 0]);
    insta::assert_snapshot!(home.run("metadata remove --name pandas_23").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `pandas_23` does not exist in runtime-images
    hint: `imgdex metadata list runtime-images` shows what there is
    ");
    home.run("metadata remove").fails(2);
    home.write("in/broken.json", "{");
    home.run("metadata import -d in --include-invalid").ok();
    insta::assert_snapshot!(home.run("metadata remove --name broken").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'broken' removed from schemaspace 'runtime-images'.
    ");
    assert_eq!(
        home.run("metadata list --include-invalid -o name")
            .ok()
            .stdout,
        ""
    );
}

#[test]
fn an_image_of_several_formats_is_removed_from_one_and_stays() {
    let home = with_images(
        r#"[{"name": "both", "url": "b:1", "formats": ["primehub", "runtime-images"]},
            {"name": "ours", "url": "a:1"}]"#,
    );
    insta::assert_snapshot!(home.run("metadata remove --name both").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'both' removed from schemaspace 'runtime-images'.
    ----- stderr -----
    hint: the image stays in the catalog, for its other formats; `imgdex images delete both` deletes it
    ");
    assert_eq!(
        field(&home, "both", "formats"),
        serde_json::json!(["primehub"])
    );
    home.run("metadata remove --name both").fails(4);
    // Nor is an image removed that was never in it.
    home.run("metadata remove --name ours").fails(4);
    assert_eq!(lines(home.run("images list -o name")), ["both", "ours"]);
}

#[test]
fn a_copy_has_everything_under_another_name() {
    let home = Home::new();
    home.run("groups create research").ok();
    home.pipe(RICH, "images create").ok();
    insta::assert_snapshot!(
        home.run("metadata duplicate runtime-images --name rich --new rich_2").snapshot(&home),
        @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'rich_2' for schema 'runtime-image' has been written to: <home>/.local/share/imgdex/catalog.db
    "
    );
    assert_eq!(listed(&home), ["rich", "rich_2"]);
    assert_eq!(file_of(&home, "rich_2"), file_of(&home, "rich"));
    for same in ["urlForGpu", "groups", "labels", "kind", "formats", "mine"] {
        assert_eq!(
            field(&home, "rich_2", same),
            field(&home, "rich", same),
            "{same}"
        );
    }
    insta::assert_snapshot!(home.run("metadata duplicate --name rich --new rich_2").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: image `rich_2` already exists
    hint: change it with `imgdex images update rich_2`
    ");
    insta::assert_snapshot!(home.run("metadata duplicate --name rich --new Rich.2").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `Rich.2`
    ");
    insta::assert_snapshot!(home.run("metadata duplicate --name nope --new x").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `nope` does not exist
    hint: `imgdex images list` shows what there is
    ");
    home.pipe(r#"{"name": "ours", "url": "a:1"}"#, "images create")
        .ok();
    home.run("metadata duplicate --name ours --new x").fails(4);
    assert_eq!(listed(&home), ["rich", "rich_2"]);
}

#[test]
fn a_pull_secret_links_to_one_that_the_catalog_knows() {
    let home = Home::new();
    home.run("secrets create --name quay --type kubernetes --registry-host quay.io")
        .ok();
    home.run("secrets create --name key --type opaque").ok();
    let linked = |name: &str| {
        (
            field(&home, name, "useImagePullSecret"),
            field(&home, name, "pullSecret"),
        )
    };
    let null = serde_json::Value::Null;
    for (name, secret, expected) in [
        ("by_id", "image-quay", ("image-quay".into(), null.clone())),
        ("by_name", "quay", ("image-quay".into(), null.clone())),
        ("plain", "other", (null.clone(), "other".into())),
        // One of another type pulls nothing.
        ("opaque", "key", (null.clone(), "key".into())),
    ] {
        home.run(&format!(
            "metadata create --name {name} --display_name X --image_name x:1 --pull_secret {secret}"
        ))
        .ok();
        assert_eq!(linked(name), expected, "{name}");
    }
    for (name, written) in [
        ("by_id", "quay"),
        ("by_name", "quay"),
        ("plain", "other"),
        ("opaque", "key"),
    ] {
        let file: serde_json::Value = serde_json::from_str(&file_of(&home, name)).expect("JSON");
        assert_eq!(file["metadata"]["pull_secret"], written, "{name}");
    }
    // The file that was written is what the catalog has.
    let ran = home.run("metadata import -d of").ok();
    assert!(ran.stdout.contains("4 instances are unchanged"), "{ran:#?}");
    home.run("metadata update --name by_id --pull-secret other")
        .ok();
    assert_eq!(linked("by_id"), (null.clone(), "other".into()));
    home.run("metadata update --name plain --pull-secret quay")
        .ok();
    assert_eq!(linked("plain"), ("image-quay".into(), null.clone()));
    run(
        &home,
        &["metadata", "update", "--name", "plain", "--pull_secret", ""],
    )
    .ok();
    assert_eq!(linked("plain"), (null.clone(), null));
}
