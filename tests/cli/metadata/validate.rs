//! `imgdex metadata validate`.

use super::*;

#[test]
fn good_files_are_valid_with_no_catalog_at_all() {
    let home = with_files(&[("pandas", PANDAS), ("r", &instance("R", "r:1"))]);
    insta::assert_snapshot!(home.run("metadata validate in").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    2 files are valid, with 2 entries
    ");
    insta::assert_snapshot!(home.run("metadata validate in/r.json").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    1 file is valid, with 1 entry
    ");
    insta::assert_snapshot!(home.run("metadata validate runtime-images in -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "format": "runtime-images",
      "files": 2,
      "entries": 2
    }
    "#);
    assert!(!home.path().join(".local").exists());
    // As an import reads them.
    home.write("empty/.keep", "");
    home.run("metadata validate empty").ok();
    home.write("out/runtime-images/r.json", "{");
    home.run("metadata validate out").fails(2);
    home.write("out/s.json", instance("S", "s:1"));
    home.run("metadata validate out").ok();
}

#[test]
fn every_fault_of_every_file_is_told_with_its_place() {
    let home = with_files(&[
        ("a", &instance("A", "a:1")),
        ("broken", "{\n  \"display_name\": \"B\",\n"),
        ("empty", ""),
        ("empty_list", "[]"),
        (
            "many",
            "{\"display_name\": 5,\n \"metadata\": {\n  \"image_name\": \"not a valid image\",\n  \"tags\": [1]}}",
        ),
        (
            "twice",
            "{\"display_name\": \"A\",\n \"display_name\": \"B\"}",
        ),
        ("Upper", &instance("U", "u:1")),
    ]);
    insta::assert_snapshot!(home.run("metadata validate in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 9 faults in 6 of 7 files
    in/Upper.json:1:1: name: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `Upper`; the nearest allowed name is `upper`
    in/broken.json:3:1: the input ends inside an object that began at 1:1
    in/empty.json:1:1: the file is empty
    in/empty_list.json:1:1: a file holds one instance, and no list of them
    in/many.json:1:1: schema_name: schema_name is required
    in/many.json:1:18: display_name: display_name should be a string, but is a number
    in/many.json:3:17: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`
    in/many.json:4:12: metadata.tags[0]: tags should hold strings, but this is a number
    in/twice.json:2:2: display_name: duplicate key `display_name`, first at 1:2
    ");
    insta::assert_snapshot!(home.run("metadata validate in/many.json").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 4 faults in 1 of 1 file
    in/many.json:1:1: schema_name: schema_name is required
    in/many.json:1:18: display_name: display_name should be a string, but is a number
    in/many.json:3:17: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`
    in/many.json:4:12: metadata.tags[0]: tags should hold strings, but this is a number
    ");
    insta::assert_snapshot!(home.run("metadata validate in/many.json -o json").snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    {"error":{"kind":"invalid-input","message":"4 faults in 1 of 1 file\nin/many.json:1:1: schema_name: schema_name is required\nin/many.json:1:18: display_name: display_name should be a string, but is a number\nin/many.json:3:17: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`\nin/many.json:4:12: metadata.tags[0]: tags should hold strings, but this is a number","hint":null,"cause":null}}
    "#);
}

#[test]
fn one_name_in_two_files_is_a_fault() {
    let home = with_files(&[("a", &instance("A", "a:1")), ("%61", &instance("B", "b:1"))]);
    insta::assert_snapshot!(home.run("metadata validate in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 fault in 1 of 2 files
    in/a.json:1:1: the name `a` is here and at in/%61.json:1:1
    ");
}

#[test]
fn what_cannot_be_checked_is_said() {
    let home = with_files(&[("a", &instance("A", "a:1"))]);
    home.run("metadata validate nope").fails(4);
    home.run("metadata validate runtime-images nope.json")
        .fails(4);
    home.run("metadata validate").fails(2);
    home.run("metadata validate runtime-images").fails(2);
    home.run("metadata validate runtime-images in x").fails(2);
    insta::assert_snapshot!(home.run("metadata validate runtime-image in").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `runtime-image` is not a format
    hint: did you mean `runtime-images`?
    ");
    std::os::unix::fs::symlink("a.json", home.path().join("in/b.json")).expect("made");
    home.run("metadata validate in").fails(11);
    home.run("metadata validate in/b.json").fails(11);
    home.run("metadata validate /dev/null").fails(11);
}
