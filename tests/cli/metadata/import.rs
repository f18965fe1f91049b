//! `imgdex metadata import`.

use super::*;

#[test]
fn new_files_go_in_and_are_unchanged_the_second_time() {
    let home = with_files(&[("pandas", PANDAS), ("r", &instance("R", "r:1"))]);
    insta::assert_snapshot!(home.run("metadata import runtime-images --directory in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 2 instances
    ");
    insta::assert_snapshot!(home.run("images get pandas -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "pandas",
      "name": "pandas",
      "displayName": "Pandas 2.3",
      "description": "Pandas, with Python 3.13",
      "type": "both",
      "url": "amancevice/pandas:2.3.2",
      "urlForGpu": null,
      "useImagePullSecret": null,
      "global": false,
      "groups": [],
      "isReady": null,
      "pullPolicy": "IfNotPresent",
      "tags": [
        "pandas",
        "python"
      ],
      "author": "tester",
      "formats": [
        "runtime-images"
      ],
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1
    }
    "#);
    let before = home.run("images list -o json");
    insta::assert_snapshot!(home.run("metadata import -d in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 0 instances
    2 instances are unchanged
    ");
    home.run("metadata import -d in --overwrite").ok();
    home.run("metadata import -d in --strict").ok();
    assert_eq!(home.run("images list -o json"), before);
    // What Elyra would write again in another way says the same.
    home.write("in/r.json", r#"{"schema_name":"runtime-image","metadata":{"image_name":"r:1","tags":[],"description":null},"display_name":"R"}"#);
    let ran = home.run("metadata import -d in").ok();
    assert!(ran.stdout.contains("2 instances are unchanged"), "{ran:#?}");
    home.write("in/s.json", instance("S", "s:1"));
    insta::assert_snapshot!(home.run("metadata import -d in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 1 instance
    2 instances are unchanged
    ");
    assert_eq!(listed(&home), ["pandas", "r", "s"]);
}

#[test]
fn a_file_that_differs_is_taken_only_where_that_is_wanted() {
    let home = with_files(&[("pandas", PANDAS), ("r", &instance("R", "r:1"))]);
    home.run("metadata import -d in").ok();
    let differs = PANDAS.replace("2.3.2", "2.3.3");
    home.write("in/pandas.json", &differs)
        .write("in/s.json", instance("S", "s:1"));
    insta::assert_snapshot!(home.run("metadata import -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 1 instance
    1 instance is unchanged
    1 instance could not be imported

    The following files could not be imported:
    File         Reason
    -----------  -----------------------------------------------------------------------------------
    pandas.json  image `pandas` already exists and differs; `--overwrite` replaces what the file has
    ----- stderr -----
    hint: `--overwrite` replaces the fields that a file has of an image that exists
    ");
    assert_eq!(field(&home, "pandas", "url"), "amancevice/pandas:2.3.2");
    assert_eq!(field(&home, "pandas", "revision"), 1);
    insta::assert_snapshot!(home.run("metadata import -d in --strict").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: not everything can be imported; nothing was imported
    in/pandas.json: image `pandas` already exists and differs; `--overwrite` replaces what the file has
    hint: `--overwrite` replaces the fields that the files have
    ");
    insta::assert_snapshot!(home.run("metadata import -d in --overwrite").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 1 instance
    2 instances are unchanged
    ");
    assert_eq!(field(&home, "pandas", "url"), "amancevice/pandas:2.3.3");
    home.run("metadata export -d out").ok();
    assert_eq!(files(&home, "out")["pandas.json"], differs);
}

#[test]
fn overwriting_leaves_what_the_format_has_no_place_for() {
    let home = Home::new();
    home.run("groups create research").ok();
    home.pipe(
        r#"{"name": "r", "displayName": "Old", "description": "old", "type": "gpu", "url": "r:1",
            "urlForGpu": "r:gpu", "groups": ["research"], "labels": {"a": "b"}, "kind": "runtime",
            "command": "x", "tags": ["old"], "pullPolicy": "Never", "mine": {"x": 1}}"#,
        "images create",
    )
    .ok();
    let before = json(home.run("images get r -o json"));
    home.write("in/r.json", instance("R", "r:2"));
    home.run("metadata import -d in").fails(3);
    assert_eq!(json(home.run("images get r -o json")), before);
    home.run("metadata import -d in --overwrite").ok();
    let after = json(home.run("images get r -o json"));
    for kept in [
        "type",
        "urlForGpu",
        "groups",
        "labels",
        "kind",
        "command",
        "mine",
        "createdAt",
    ] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(after["displayName"], "R");
    assert_eq!(after["url"], "r:2");
    assert_eq!(
        after["formats"],
        serde_json::json!(["primehub", "runtime-images"])
    );
    for gone in ["description", "tags", "pullPolicy"] {
        assert!(
            after.get(gone).is_none_or(serde_json::Value::is_null),
            "{gone}: {after}"
        );
    }
    let history = home.run("images history r").ok();
    assert!(history.stdout.contains("import"), "{history:#?}");
}

#[test]
fn an_image_that_says_the_same_joins_the_format() {
    let home = with_images(r#"{"name": "r", "displayName": "R", "url": "r:1", "kind": "runtime"}"#);
    assert_eq!(listed(&home), [""; 0]);
    home.write("in/r.json", instance("R", "r:1"));
    home.run("metadata import -d in").ok();
    assert_eq!(listed(&home), ["r"]);
    assert_eq!(field(&home, "r", "kind"), "runtime");
    let ran = home.run("metadata import -d in").ok();
    assert!(ran.stdout.contains("1 instance is unchanged"), "{ran:#?}");
}

#[test]
fn bad_files_are_left_out_and_told_by_file_and_reason() {
    let home = with_files(&[
        ("a", &instance("A", "a:1")),
        ("broken", "{\n  \"display_name\": \"B\",\n"),
        ("empty", ""),
        ("empty_list", "[]"),
        ("list", &format!("[{}]", instance("L", "l:1"))),
        ("two", "{}{}"),
        ("number", "5"),
        (
            "schema",
            &instance("S", "s:1").replace("runtime-image", "kernel"),
        ),
        ("nothing", "{}"),
        ("reference", &instance("R", "not a valid image")),
        (
            "types",
            r#"{"display_name": 5, "metadata": {"image_name": "a", "tags": "x", "pull_policy": 1}, "schema_name": "runtime-image"}"#,
        ),
        ("Upper", &instance("U", "u:1")),
        ("z", &instance("Z", "z:1")),
    ]);
    insta::assert_snapshot!(home.run("metadata import -d in").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 2 instances
    11 instances could not be imported

    The following files could not be imported:
    File             Reason
    ---------------  ----------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    Upper.json       1:1: name: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `Upper`; the nearest allowed name is `upper`
    broken.json      3:1: the input ends inside an object that began at 1:1
    empty.json       1:1: the file is empty
    empty_list.json  1:1: a file holds one instance, and no list of them
    list.json        1:2: a file holds one instance, and no list of them
    nothing.json     1:1: schema_name: schema_name is required; 1:1: display_name: display_name is required; 1:1: metadata: metadata is required
    number.json      1:1: expected an object, a list of objects, or one object a line, found `5`
    reference.json   4:19: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`
    schema.json      6:18: schema_name: schema_name should be `runtime-image`, but is `kernel`
    two.json         1:3: a file holds one instance, but here is another
    types.json       1:18: display_name: display_name should be a string, but is a number; 1:61: metadata.tags: tags should be a list, but is a string; 1:81: metadata.pull_policy: pull_policy should be a string, but is a number
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    ");
    assert_eq!(listed(&home), ["a", "z"]);
    insta::assert_snapshot!(home.run("metadata import -d in -o json").snapshot(&home), @r#"
    exit code: 3
    ----- stdout -----
    {
      "imported": 0,
      "invalid": 0,
      "unchanged": 2,
      "leftOut": [
        {"file":"Upper.json","reason":"1:1: name: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `Upper`; the nearest allowed name is `upper`"},
        {"file":"broken.json","reason":"3:1: the input ends inside an object that began at 1:1"},
        {"file":"empty.json","reason":"1:1: the file is empty"},
        {"file":"empty_list.json","reason":"1:1: a file holds one instance, and no list of them"},
        {"file":"list.json","reason":"1:2: a file holds one instance, and no list of them"},
        {"file":"nothing.json","reason":"1:1: schema_name: schema_name is required; 1:1: display_name: display_name is required; 1:1: metadata: metadata is required"},
        {"file":"number.json","reason":"1:1: expected an object, a list of objects, or one object a line, found `5`"},
        {"file":"reference.json","reason":"4:19: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`"},
        {"file":"schema.json","reason":"6:18: schema_name: schema_name should be `runtime-image`, but is `kernel`"},
        {"file":"two.json","reason":"1:3: a file holds one instance, but here is another"},
        {"file":"types.json","reason":"1:18: display_name: display_name should be a string, but is a number; 1:61: metadata.tags: tags should be a list, but is a string; 1:81: metadata.pull_policy: pull_policy should be a string, but is a number"}
      ]
    }
    ----- stderr -----
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    "#);
    // A file of bad bytes, which no text can show.
    home.write("in/z.json", b"{\"display_name\": \"\xff\"}");
    let ran = home.run("metadata import -d in --overwrite").fails(3);
    let row = ran.stdout.lines().find(|line| line.starts_with("z.json"));
    assert!(
        row.is_some_and(|row| row.contains("1:19: invalid UTF-8")),
        "{ran:#?}"
    );
    assert_eq!(field(&home, "z", "url"), "z:1");
}

#[test]
fn an_import_of_bad_files_only_is_no_success() {
    let home = with_files(&[("broken", "{"), ("empty", "")]);
    let ran = home.run("metadata import -d in").fails(3);
    assert!(
        ran.stdout
            .starts_with("Imported 0 instances\n2 instances could not be imported\n")
    );
    assert_eq!(listed(&home), [""; 0]);
}

#[test]
fn a_strict_import_takes_all_or_nothing() {
    let home = with_files(&[
        ("a", &instance("A", "a:1")),
        ("broken", "{"),
        ("nothing", "{}"),
        ("z", &instance("Z", "z:1")),
    ]);
    insta::assert_snapshot!(home.run("metadata import -d in --strict").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: not everything can be imported; nothing was imported
    in/broken.json:1:2: the input ends inside an object that began at 1:1
    in/nothing.json:1:1: schema_name: schema_name is required
    in/nothing.json:1:1: display_name: display_name is required
    in/nothing.json:1:1: metadata: metadata is required
    ");
    assert_eq!(listed(&home), [""; 0]);
    home.run("metadata import -d in --strict --overwrite -o json")
        .fails(2);
    for bad in ["broken", "nothing"] {
        home.write(&format!("in/{bad}.json"), instance("B", "b:1"));
    }
    home.pipe(r#"{"name": "z", "url": "other:1"}"#, "images create")
        .ok();
    insta::assert_snapshot!(home.run("metadata import -d in --strict").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: not everything can be imported; nothing was imported
    in/z.json: image `z` already exists and differs; `--overwrite` replaces what the file has
    hint: `--overwrite` replaces the fields that the files have
    ");
    assert_eq!(listed(&home), [""; 0]);
    // A bad file weighs more than a name that exists.
    home.write("in/broken.json", "{");
    home.run("metadata import -d in --strict").fails(2);
    home.write("in/broken.json", instance("B", "b:1"));
    home.run("metadata import -d in --strict --overwrite").ok();
    assert_eq!(listed(&home), ["a", "broken", "nothing", "z"]);
    // Entries that are not valid can be wanted even so.
    home.write("in/nothing.json", "{}");
    home.run("metadata import -d in --strict --overwrite --include-invalid")
        .fails(2);
    home.run("metadata remove --name nothing").ok();
    home.run("metadata import -d in --strict --include-invalid")
        .ok();
    assert_eq!(
        lines(home.run("metadata list --include-invalid -o name")).len(),
        4
    );
}

#[test]
fn the_folder_itself_is_read_and_else_the_one_of_the_format_in_it() {
    let home = Home::new();
    run(&home, &CREATE_PANDAS).ok();
    home.run("metadata export -d out").ok();
    for folder in ["out", "out/runtime-images", "out/", "./out/runtime-images/"] {
        let other = home
            .run(&format!("--catalog new.db metadata import -d {folder}"))
            .ok();
        assert!(
            other.stdout.starts_with("Imported 1 instance\n"),
            "{other:#?}"
        );
        fs::remove_file(home.path().join("new.db")).expect("it is there");
    }
    // Files in DIR itself: what is below it is not read.
    home.write("out/r.json", instance("R", "r:1"))
        .write("out/deeper/s.json", instance("S", "s:1"))
        .write("out/t.json/x.json", instance("T", "t:1"));
    home.run("--catalog other.db metadata import -d out").ok();
    assert_eq!(
        lines(home.run("--catalog other.db metadata list -o name")),
        ["r"]
    );
    // Other endings, and what is hidden, are not files of the format.
    let home = Home::new();
    home.write("in/a.yaml", "{")
        .write("in/README.md", "{")
        .write("in/.hidden.json", "{")
        .write("in/b.JSON", instance("B", "b:1"))
        .write("in/runtime-images/c.json", instance("C", "c:1"));
    home.run("metadata import -d in").ok();
    assert_eq!(listed(&home), ["b"]);
}

#[test]
fn a_missing_folder_is_not_found_and_an_empty_one_is_done() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("metadata import -d nope").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: the folder `nope` does not exist
    hint: name the folder that holds the files with `--directory`
    ");
    home.write("file", "").write("empty/.keep", "");
    home.run("metadata import -d file").fails(2);
    insta::assert_snapshot!(home.run("metadata import -d empty").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 0 instances
    ");
    home.run("metadata import -d empty --strict").ok();
    home.write("empty/runtime-images/.keep", "");
    home.run("metadata import -d empty").ok();
    home.run("metadata import").fails(2);
    assert!(!home.catalog().exists(), "there was nothing to write");
}

#[test]
fn one_name_in_two_files_is_refused_and_both_are_named() {
    let home = with_files(&[
        ("a", &instance("A", "a:1")),
        ("%61", &instance("B", "b:1")),
        ("r", &instance("R", "r:1")),
    ]);
    insta::assert_snapshot!(home.run("metadata import -d in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: one name is in two places; nothing was imported
    in/a.json:1:1: the name `a` is here and at in/%61.json:1:1
    ");
    home.run("metadata import -d in --overwrite --include-invalid")
        .fails(2);
    assert_eq!(listed(&home), [""; 0]);
    // With `--rename` names become the same that were not.
    let home = with_files(&[
        ("Foo", &instance("A", "a:1")),
        ("foo", &instance("B", "b:1")),
    ]);
    home.run("metadata import -d in").fails(3);
    let home = with_files(&[
        ("Foo", &instance("A", "a:1")),
        ("foo", &instance("B", "b:1")),
    ]);
    let ran = home.run("metadata import -d in --rename").fails(2);
    assert!(
        ran.stderr.contains("in/Foo.json") && ran.stderr.contains("in/foo.json"),
        "{ran:#?}"
    );
    assert_eq!(listed(&home), [""; 0]);
}

#[test]
fn names_that_are_not_allowed_are_taken_as_the_nearest_where_that_is_wanted() {
    let home = with_files(&[
        ("3.6", &instance("A", "a:1")),
        ("-rf", &instance("B", "b:1")),
    ]);
    home.run("metadata import -d in").fails(3);
    insta::assert_snapshot!(home.run("metadata import -d in --rename").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 2 instances
    ");
    assert_eq!(listed(&home), ["a_3-6", "rf"]);
}

#[test]
fn fields_that_nobody_knows_are_kept_and_come_back() {
    let strange = r#"{
  "display_name": "R",
  "metadata": {
    "image_name": "r:1",
    "gpu": {
      "count": 1.10,
      "kinds": [
        null,
        {}
      ]
    },
    "display_name": "inner"
  },
  "schema_name": "runtime-image",
  "version": 12345678901234567890123,
  "name": "other"
}"#;
    let home = with_files(&[("r", strange)]);
    home.run("metadata import -d in").ok();
    home.run("metadata export -d out").ok();
    assert_eq!(files(&home, "out")["r.json"], strange);
    let ran = home.run("metadata import -d in").ok();
    assert!(ran.stdout.contains("1 instance is unchanged"), "{ran:#?}");
    // To another catalog as well.
    let all = home.run("images list -o json").ok().stdout;
    home.pipe(all, "--catalog new.db images create").ok();
    home.run("--catalog new.db metadata export -d again").ok();
    assert_eq!(files(&home, "again")["r.json"], strange);
    let ran = home.run("--catalog new.db metadata import -d in").ok();
    assert!(ran.stdout.contains("1 instance is unchanged"), "{ran:#?}");
    // Flags change single fields, and none of these.
    home.run("metadata update --name r --image_name r:2").ok();
    home.run("metadata export -d out").ok();
    assert_eq!(files(&home, "out")["r.json"], strange.replace("r:1", "r:2"));
    // A file without them takes them away.
    home.write("in/r.json", instance("R", "r:3"));
    home.run("metadata import -d in --overwrite").ok();
    home.run("metadata export -d out").ok();
    assert_eq!(files(&home, "out")["r.json"], instance("R", "r:3"));
}

#[test]
fn secrets_that_the_catalog_knows_are_linked() {
    let with_secret =
        instance("R", "r:1").replace("\"r:1\"", "\"r:1\",\n    \"pull_secret\": \"quay\"");
    let home = with_files(&[("r", &with_secret)]);
    home.run("metadata import -d in").ok();
    assert_eq!(field(&home, "r", "pullSecret"), "quay");
    home.run("secrets create --name quay --type kubernetes --registry-host quay.io")
        .ok();
    let other = "--catalog other.db";
    home.run(&format!(
        "{other} secrets create --name quay --type kubernetes --registry-host quay.io"
    ))
    .ok();
    home.run(&format!("{other} metadata import -d in")).ok();
    let image = json(home.run(&format!("{other} images get r -o json")));
    assert_eq!(image["useImagePullSecret"], "image-quay");
    assert!(image.get("pullSecret").is_none(), "{image}");
    home.run(&format!("{other} metadata export -d out")).ok();
    assert_eq!(files(&home, "out")["r.json"], with_secret);
}
