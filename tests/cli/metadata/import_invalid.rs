//! `--include-invalid`: entries that are kept though they are not valid.

use super::*;

const ALL: &str = "metadata list --include-invalid -o name";

/// Returns a home with files that are not valid, and one that is.
fn home() -> Home {
    let home = with_files(&[
        ("broken", "{\n  \"display_name\": \"B\","),
        ("empty", ""),
        ("good", &instance("Good", "good:1")),
        ("list", "[{\"a\": 1}]\n"),
        (
            "reference",
            "{\"display_name\":\"R\",\"metadata\":{\"image_name\":\"not a valid image\"},\"schema_name\":\"runtime-image\"}\r\n",
        ),
    ]);
    home.write("in/bytes.json", b"\xef\xbb\xbf{\"\xff\": \0}");
    home
}

#[test]
fn entries_that_are_not_valid_come_back_byte_for_byte() {
    let home = home();
    insta::assert_snapshot!(home.run("metadata import -d in --include-invalid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Imported 6 instances
    5 of which are invalid
    ");
    let ran = home.run("metadata import -d in --include-invalid").ok();
    assert_eq!(
        ran.stdout,
        "Imported 0 instances\n6 instances are unchanged\n"
    );
    insta::assert_snapshot!(home.run("metadata export -d out --include-invalid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 6 instances (5 of which are invalid)
    ");
    for name in file_names(&home, "out") {
        if name.ends_with(".json") {
            let bytes =
                |folder: &str| fs::read(home.path().join(folder).join(&name)).expect("there");
            assert_eq!(bytes("out/runtime-images"), bytes("in"), "{name}");
        }
    }
    // Without it only what is valid goes out.
    insta::assert_snapshot!(home.run("metadata export -d valid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ");
    assert_eq!(file_names(&home, "valid"), [".imgdex-export", "good.json"]);
    insta::assert_snapshot!(home.run("metadata export -d valid --include-invalid -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "exported": 6,
      "invalid": 5,
      "leftOut": 0
    }
    "#);
}

#[test]
fn they_differ_from_a_later_file_and_can_be_replaced() {
    let home = home();
    home.run("metadata import -d in --include-invalid").ok();
    home.write("in/broken.json", "[");
    insta::assert_snapshot!(home.run("metadata import -d in --include-invalid").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 0 instances
    5 instances are unchanged
    1 instance could not be imported

    The following files could not be imported:
    File         Reason
    -----------  ------------------------------------------------------------------------------------------
    broken.json  an entry `broken` that is not valid is kept already and differs; `--overwrite` replaces it
    ----- stderr -----
    hint: `--overwrite` replaces the fields that a file has of an image that exists
    ");
    home.run("metadata import -d in --include-invalid --strict")
        .fails(12);
    home.run("metadata import -d in --include-invalid --overwrite")
        .ok();
    home.run("metadata export -d out --include-invalid").ok();
    assert_eq!(files(&home, "out")["broken.json"], "[");
    // A good file takes the place of one that was not.
    home.write("in/broken.json", instance("B", "b:1"));
    home.run("metadata import -d in --include-invalid").ok();
    assert_eq!(listed(&home), ["broken", "good"]);
    assert_eq!(
        lines(home.run(ALL)),
        ["broken", "bytes", "empty", "good", "list", "reference"]
    );
    home.run("metadata export -d out --include-invalid --clean")
        .ok();
    assert_eq!(files(&home, "out")["broken.json"], instance("B", "b:1"));
    assert!(!files(&home, "out").contains_key("broken-2.json"));
}

#[test]
fn a_bad_file_takes_nothing_from_an_image_of_its_name() {
    let home = home();
    home.run("metadata import -d in").fails(3);
    home.write("in/good.json", "{");
    insta::assert_snapshot!(home.run("metadata import -d in --include-invalid --overwrite").snapshot(&home), @r"
    exit code: 3
    ----- stdout -----
    Imported 5 instances
    5 of which are invalid
    1 instance could not be imported

    The following files could not be imported:
    File       Reason
    ---------  ---------------------------------------------------------------------------------------------
    good.json  1:2: the input ends inside an object that began at 1:1; the image `good` of the catalog stays
    ");
    assert_eq!(field(&home, "good", "url"), "good:1");
}

#[test]
fn names_that_differ_only_by_case_are_both_kept() {
    let home = with_files(&[
        ("foo", &instance("valid", "a:1")),
        ("Foo", &instance("not valid", "b:1")),
        ("FOO", "{"),
    ]);
    home.run("metadata import -d in --include-invalid").ok();
    assert_eq!(lines(home.run(ALL)), ["FOO", "Foo", "foo"]);
    home.run("metadata export -d out --include-invalid").ok();
    let written = files(&home, "out");
    let names: Vec<String> = written.keys().map(|name| name.to_lowercase()).collect();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), 4, "{names:?}");
    for text in [
        "{",
        &instance("valid", "a:1"),
        &instance("not valid", "b:1"),
    ] {
        assert!(written.values().any(|other| other == text), "{text}");
    }
    assert_eq!(written["foo.json"], instance("valid", "a:1"));
}
