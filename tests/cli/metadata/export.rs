//! `imgdex metadata export`.

use std::os::unix::fs::PermissionsExt;

use super::*;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn files_are_elyras_byte_for_byte_with_a_marker_that_lists_them() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    home.run("metadata create --name r --display_name R --image_name r:1")
        .ok();
    insta::assert_snapshot!(home.run("metadata export runtime-images --directory out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 2 instances (0 of which are invalid)
    ");
    let written = files(&home, "out");
    assert_eq!(written["pandas_23.json"], PANDAS);
    assert_eq!(written["r.json"], instance("R", "r:1"));
    assert_eq!(written[".imgdex-export"], "pandas_23.json\nr.json\n");
    assert_eq!(written.len(), 3, "{written:#?}");
    for name in written.keys() {
        let path = home.path().join("out/runtime-images").join(name);
        let mode = fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o7777, 0o600, "{name}");
    }
    // Again, and from another catalog, it is the same.
    home.run("metadata export -d out").ok();
    assert_eq!(files(&home, "out"), written);
    home.run("--catalog new.db metadata import -d out").ok();
    home.run("--catalog new.db metadata export -d again").ok();
    assert_eq!(files(&home, "again"), written);
    insta::assert_snapshot!(home.run("metadata export -d out -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "exported": 2,
      "invalid": 0,
      "leftOut": 0
    }
    "#);
    home.run("metadata export").fails(2);
}

#[test]
fn text_is_written_as_it_is_in_json() {
    let home = Home::new();
    let name = "Zoë \"x\" \\ /\n\t\u{1}\u{7f}\u{202e}\u{1f600}";
    run(
        &home,
        &[
            "metadata",
            "create",
            "--name",
            "r",
            "--display_name",
            name,
            "--image_name",
            "r:1",
        ],
    )
    .ok();
    home.run("metadata export -d out").ok();
    let text = &files(&home, "out")["r.json"];
    let file: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
    assert_eq!(file["display_name"], name);
    let ran = home.run("metadata import -d out").ok();
    assert!(ran.stdout.contains("1 instance is unchanged"), "{ran:#?}");
}

#[test]
fn nothing_to_export_is_an_export_of_nothing() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("metadata export -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 0 instances (0 of which are invalid)
    ");
    assert_eq!(file_names(&home, "out"), [".imgdex-export"]);
    assert!(!home.catalog().exists());
    home.run("metadata import -d out").ok();
}

/// Images of several formats, groups, tags and kinds.
fn many() -> Home {
    let home = Home::new();
    home.run("groups create research").ok();
    home.run("groups create teaching").ok();
    home.pipe(
        r#"[{"name": "a", "url": "a:1", "formats": ["runtime-images"], "tags": ["x", "y"], "groups": ["research"]},
            {"name": "b", "url": "b:1", "formats": ["runtime-images", "primehub"], "kind": "runtime", "tags": ["x"]},
            {"name": "c", "url": "c:1", "tags": ["y"]},
            {"name": "d", "url": "d:1", "formats": ["runtime-images"], "kind": "notebook"},
            {"name": "old", "url": "e:1", "formats": ["runtime-images"], "tags": ["x"]},
            {"name": "no-url", "imageSpec": {"baseImage": "f:1", "packages": {"pip": ["x"]}}}]"#,
        "images create",
    )
    .ok();
    home.run("images archive old").ok();
    home
}

#[test]
fn an_export_is_narrowed_by_group_tag_and_kind() {
    let home = many();
    for (flags, expected) in [
        ("", &["a", "b", "d"][..]),
        ("--tag x", &["a", "b"]),
        ("--tag x --tag y", &["a"]),
        ("--tag z", &[]),
        ("--kind runtime", &["b"]),
        ("--group research", &["a"]),
        ("--group teaching", &[]),
        ("--group research --tag x", &["a"]),
        ("--tag y --all", &["a", "c"]),
        ("--all", &["a", "b", "c", "d"]),
    ] {
        home.run(&format!("metadata export -d out --clean {flags}"))
            .ok();
        let names: Vec<String> = (file_names(&home, "out").iter())
            .filter_map(|name| Some(name.strip_suffix(".json")?.to_owned()))
            .collect();
        assert_eq!(names, expected, "{flags}");
    }
    insta::assert_snapshot!(home.run("metadata export -d other --group nope").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `nope` does not exist
    hint: `imgdex groups list` shows what there is
    ");
    assert!(!home.path().join("other").exists());
}

#[test]
fn every_image_that_the_format_can_hold_goes_out_with_all() {
    let home = many();
    home.pipe(r#"{"name": "not.allowed", "url": "g:1"}"#, "images create")
        .ok();
    insta::assert_snapshot!(home.run("metadata export -d out --all").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 4 instances (0 of which are invalid)
    ----- stderr -----
    image `a`: runtime-images has no place for groups
    image `b`: runtime-images has no place for kind
    image `d`: runtime-images has no place for kind
    image `no-url` is left out: it has no `url`, and a runtime image needs an image_name
    image `not.allowed` is left out: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `not.allowed`; the nearest allowed name is `not-allowed`, and `--rename` takes it
    ");
}

#[test]
fn an_image_of_the_format_that_it_cannot_hold_is_left_out_and_told() {
    let home = with_images(
        r#"[{"name": "custom", "imageSpec": {"baseImage": "f:1", "packages": {"pip": ["x"]}}, "formats": ["runtime-images"]},
            {"name": "good", "url": "a:1", "formats": ["runtime-images"]}]"#,
    );
    insta::assert_snapshot!(home.run("metadata export -d out").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `custom` is left out: it has no `url`, and a runtime image needs an image_name
    ");
    assert_eq!(file_names(&home, "out"), [".imgdex-export", "good.json"]);
    insta::assert_snapshot!(home.run("metadata export -d out -o json").snapshot(&home), @r#"
    exit code: 3
    ----- stdout -----
    {
      "exported": 1,
      "invalid": 0,
      "leftOut": 1
    }
    ----- stderr -----
    image `custom` is left out: it has no `url`, and a runtime image needs an image_name
    "#);
}

#[test]
fn what_elyra_has_no_place_for_is_told() {
    let home = Home::new();
    home.run("groups create research").ok();
    home.run("secrets create --name quay --type kubernetes --registry-host quay.io")
        .ok();
    home.pipe(
        r#"[{"name": "plain", "displayName": "P", "description": "x", "url": "a:1", "tags": ["t"],
             "pullPolicy": "Always", "useImagePullSecret": "image-quay", "formats": ["runtime-images"]},
            {"name": "rich", "url": "a:1", "type": "gpu", "urlForGpu": "a:gpu", "global": true,
             "groups": ["research"], "labels": {"a": "b"}, "kind": "runtime", "command": "x",
             "picture": "https://example.com/x.png", "author": "ada", "mine": 1, "primehub": {"x": 1},
             "formats": ["runtime-images"]}]"#,
        "images create",
    )
    .ok();
    insta::assert_snapshot!(home.run("metadata export -d out").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 2 instances (0 of which are invalid)
    ----- stderr -----
    image `rich`: runtime-images has no place for type, urlForGpu, global, groups, labels, kind, command, picture, mine, primehub
    ");
    let quiet = home.run("-q metadata export -d out").ok();
    assert_eq!(quiet.stderr, "");
    assert!(files(&home, "out")["plain.json"].contains("\"pull_secret\": \"quay\""));
}

#[test]
fn names_that_elyra_does_not_allow_are_renamed_where_that_is_wanted() {
    let home = with_images(
        r#"[{"name": "3.6", "url": "a:1", "formats": ["primehub"]},
            {"name": "a.b", "url": "b:1", "formats": ["primehub"]},
            {"name": "a-b", "url": "c:1", "formats": ["primehub"]}]"#,
    );
    let join = |name: &str| {
        home.pipe(
            r#"{"formats": ["primehub", "runtime-images"]}"#,
            &format!("images update {name}"),
        )
    };
    for name in ["3.6", "a.b", "a-b"] {
        join(name).ok();
    }
    insta::assert_snapshot!(home.run("metadata export -d out").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    image `3.6` is left out: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `3.6`; the nearest allowed name is `a_3-6`, and `--rename` takes it
    image `a.b` is left out: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `a.b`; the nearest allowed name is `a-b`, and `--rename` takes it
    ");
    assert_eq!(file_names(&home, "out"), [".imgdex-export", "a-b.json"]);
    insta::assert_snapshot!(home.run("metadata export -d out --clean --rename").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 3 instances (0 of which are invalid)
    ----- stderr -----
    image `3.6` is written as `a_3-6`
    image `a.b` is written as `a-b-2`
    ");
    let written = files(&home, "out");
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        [".imgdex-export", "a-b-2.json", "a-b.json", "a_3-6.json"]
    );
    assert!(written["a_3-6.json"].contains("a:1"));
    // Who has an allowed name keeps it, whoever comes first.
    assert!(written["a-b.json"].contains("c:1"), "{written:#?}");
    assert!(written["a-b-2.json"].contains("b:1"), "{written:#?}");
    home.run("--catalog new.db metadata import -d out --strict")
        .ok();
}

#[test]
fn references_are_written_by_digest_or_tag_as_asked_for() {
    let home = with_images(&format!(
        r#"[{{"name": "seen", "url": "quay.io/x/a:1", "digest": "{DIGEST}", "formats": ["runtime-images"]}},
            {{"name": "pinned", "url": "quay.io/x/b@{DIGEST}", "pinnedTag": "2", "formats": ["runtime-images"]}},
            {{"name": "both", "url": "quay.io/x/c:3@{DIGEST}", "formats": ["runtime-images"]}},
            {{"name": "tagged", "url": "quay.io/x/d:4", "formats": ["runtime-images"]}},
            {{"name": "bare", "url": "alpine", "formats": ["runtime-images"]}},
            {{"name": "only", "url": "alpine@{DIGEST}", "formats": ["runtime-images"]}}]"#
    ));
    let written = |form: &str| {
        let ran = home.run(&format!("metadata export -d out {form}")).ok();
        let written = files(&home, "out");
        let of = |name: &str| -> String {
            let file: serde_json::Value =
                serde_json::from_str(&written[&format!("{name}.json")]).expect("JSON");
            let text = file["metadata"]["image_name"].as_str().expect("text");
            format!("{name} {}\n", text.replace(DIGEST, "DIGEST"))
        };
        let names = ["seen", "pinned", "both", "tagged", "bare", "only"];
        let all: String = names.map(of).concat();
        format!("{all}{}", ran.stderr)
    };
    insta::assert_snapshot!(written(""), @r"
    seen quay.io/x/a:1
    pinned quay.io/x/b@DIGEST
    both quay.io/x/c:3@DIGEST
    tagged quay.io/x/d:4
    bare alpine
    only alpine@DIGEST
    ");
    insta::assert_snapshot!(written("--digests pinned"), @r"
    seen quay.io/x/a@DIGEST
    pinned quay.io/x/b@DIGEST
    both quay.io/x/c@DIGEST
    tagged quay.io/x/d:4
    bare alpine
    only alpine@DIGEST
    image `tagged`: url is written as it stands in the catalog: its digest is not known: it was never verified
    image `bare`: url is written as it stands in the catalog: its digest is not known: it was never verified
    ");
    insta::assert_snapshot!(written("--digests tags"), @r"
    seen quay.io/x/a:1
    pinned quay.io/x/b:2
    both quay.io/x/c:3
    tagged quay.io/x/d:4
    bare alpine
    only alpine@DIGEST
    image `only`: url is written as it stands in the catalog: its tag is not known: only a digest is
    ");
    insta::assert_snapshot!(written("--digests both"), @r"
    seen quay.io/x/a:1@DIGEST
    pinned quay.io/x/b:2@DIGEST
    both quay.io/x/c:3@DIGEST
    tagged quay.io/x/d:4
    bare alpine
    only alpine@DIGEST
    image `tagged`: url is written as it stands in the catalog: its digest is not known: it was never verified
    image `bare`: url is written as it stands in the catalog: its digest is not known: it was never verified
    image `only`: url is written as it stands in the catalog: its tag is not known: only a digest is
    ");
    home.run("metadata export -d out --digests none").fails(2);
}

#[test]
fn names_that_a_file_system_could_mistake_become_files_all_the_same() {
    let long = "a".repeat(253);
    let home = with_images(&format!(
        r#"[{{"name": "con", "url": "a:1", "formats": ["runtime-images"]}},
            {{"name": "nul", "url": "b:1", "formats": ["runtime-images"]}},
            {{"name": "{long}", "url": "c:1", "formats": ["runtime-images"]}},
            {{"name": "{}b", "url": "d:1", "formats": ["runtime-images"]}}]"#,
        &long[..252]
    ));
    let ran = home.run("metadata export -d out").ok();
    assert_eq!(ran.stderr.matches(" is written as ").count(), 4, "{ran:#?}");
    let names = file_names(&home, "out");
    assert_eq!(names.len(), 5);
    assert!(names.contains(&"%63on.json".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| name.len() <= 255), "{names:?}");
    home.run("--catalog new.db metadata import -d out").ok();
    let there = lines(home.run("--catalog new.db metadata list -o name"));
    assert_eq!(there.len(), 4);
    assert!(
        there.contains(&"con".to_owned()) && there.contains(&"nul".to_owned()),
        "{there:?}"
    );
}

#[test]
fn an_export_beside_others_takes_nothing_away() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    home.run("metadata export -d out").ok();
    home.run("metadata remove --name pandas_23").ok();
    home.run("metadata create --name r --display_name R --image_name r:1")
        .ok();
    home.write("out/runtime-images/README.md", "mine")
        .write("out/runtime-images/old.json", "{");
    home.run("metadata export -d out").ok();
    let written = files(&home, "out");
    assert_eq!(
        written.keys().collect::<Vec<_>>(),
        [
            ".imgdex-export",
            "README.md",
            "old.json",
            "pandas_23.json",
            "r.json"
        ]
    );
    // The marker still knows what an earlier export wrote.
    assert_eq!(written[".imgdex-export"], "r.json\npandas_23.json\n");
    assert_eq!(written["README.md"], "mine");
}

#[test]
fn a_folder_that_cannot_be_is_said() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    home.write("file", "mine");
    home.run("metadata export -d file").fails(10);
    home.run("metadata export -d file/x").fails(10);
    home.write("other/runtime-images", "mine");
    home.run("metadata export -d other").fails(2);
    assert_eq!(
        fs::read_to_string(home.path().join("other/runtime-images")).expect("text"),
        "mine"
    );
    // A folder has the place of a file.
    home.write("third/runtime-images/pandas_23.json/x", "mine");
    insta::assert_snapshot!(home.run("metadata export -d third").snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: `third/runtime-images/pandas_23.json` is a folder, where a file is to be written
    hint: move it away, or name another `--directory`
    ");
    assert!(
        home.path()
            .join("third/runtime-images/pandas_23.json/x")
            .exists()
    );
    assert!(
        !home
            .path()
            .join("third/runtime-images/.imgdex-export.tmp")
            .exists()
    );
}
