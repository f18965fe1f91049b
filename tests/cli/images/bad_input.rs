//! Batches in which something is bad: none of it is written.

use crate::support::Home;
use crate::{lines, with_images};

#[test]
fn one_bad_image_of_a_thousand_keeps_all_out_and_is_named() {
    let home = with_images("{\"name\": \"before\"}");
    let batch = |bad: &str| -> String {
        (1..=1000)
            .map(|number| match number {
                700 => format!("{bad}\n"),
                _ => format!("{{\"name\": \"image-{number}\", \"global\": true}}\n"),
            })
            .collect()
    };
    let ran = home.pipe(batch("{\"name\": \"Image-700\"}"), "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 1000 images cannot be created; nothing was written
    <stdin>:700:10: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `Image-700` (item 700, `Image-700`)
    ");
    let ran = home.pipe(
        batch("{\"name\": \"image-700\", \"groups\": [\"gone\"]}"),
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 1000 images cannot be created; nothing was written
    <stdin>:700:34: groups[0]: group `gone` does not exist; make it with `imgdex groups create` (item 700, `image-700`)
    ");
    let ran = home.pipe(batch("{\"name\": \"image-3\"}"), "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 1000 images cannot be created; nothing was written
    <stdin>:700:10: name: the name `image-3` is in this input twice (item 700, `image-3`)
    ");
    let ran = home.pipe(batch("{\"name\": \"before\"}"), "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: 1 of 1000 images cannot be created; nothing was written
    <stdin>:700:10: name: image `before` already exists (item 700, `before`)
    hint: change it with `imgdex images update before`, or pass `--skip-existing` or `--update-existing`
    ");
    let ran = home.pipe(batch("{\"name\": \"cut"), "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 700 images cannot be created; nothing was written
    <stdin>:700:14: name: a string ends on its line: close its quote, or write `\n`
    ");
    assert_eq!(lines(home.run("images list -o name")), ["before"]);
}

#[test]
fn the_same_name_twice_in_one_input_is_bad_however_it_is_taken() {
    let home = Home::new();
    let text = "[{\"name\": \"a\"},\n {\"name\": \"a\"}]";
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:2:11: name: the name `a` is in this input twice (item 2, `a`)
    ");
    home.pipe("{\"name\": \"a\"}", "images create").ok();
    for arguments in [
        "images create",
        "images create --skip-existing",
        "images create --update-existing",
    ] {
        let ran = home.pipe(text, arguments);
        assert_eq!(
            ran.code,
            if arguments == "images create" { 12 } else { 2 },
            "{ran:?}"
        );
    }
}

#[test]
fn a_bad_image_and_an_existing_name_together_are_bad_input() {
    let home = with_images("{\"name\": \"a\"}");
    let text = "[{\"name\": \"a\"}, {\"name\": \"B\"}]";
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:1:26: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `B` (item 2, `B`)
    ");
}

#[test]
fn many_faults_are_counted_and_not_all_listed() {
    let home = Home::new();
    let text: String = (0..200)
        .map(|number| format!("{{\"name\": \"B{number}\"}}\n"))
        .collect();
    let ran = home.pipe(text, "images create").fails(2);
    let told: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        told.first(),
        Some(&"error: 200 of 200 images cannot be created; nothing was written")
    );
    assert_eq!(told.last(), Some(&"… and 150 more"));
    assert_eq!(told.len(), 52);
}

#[test]
fn control_characters_of_an_input_are_shown_and_not_obeyed() {
    let home = Home::new();
    let ran = home.pipe(
        "{\"name\": \"a\\u001b[31m\\u202e\", \"type\": \"\\u0007\"}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:10: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `a\u{1b}[31m\u{202e}` (item 1, `a\u{1b}[31m\u{202e}`)
    <stdin>:1:39: type: type should be one of ['cpu', 'gpu', 'both'], but is `\u{7}` (item 1, `a\u{1b}[31m\u{202e}`)
    ");
}

#[test]
fn with_json_asked_for_the_error_is_one_object_on_standard_error() {
    let home = Home::new();
    for arguments in [
        "images create -o json",
        "images create --json",
        "-o json images create",
    ] {
        let ran = home.pipe("{\"name\": \"A\"}", arguments).fails(2);
        assert_eq!(ran.stdout, "");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    let ran = home.pipe("{\"name\": \"A\"}", "images create -o json");
    insta::assert_snapshot!(ran.snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    {"error":{"kind":"invalid-input","message":"the image cannot be created; nothing was written\n<stdin>:1:10: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `A` (item 1, `A`)","hint":null,"cause":null}}
    "#);
    insta::assert_snapshot!(home.run("images get gone -o json").snapshot(&home), @r#"
    exit code: 4
    ----- stderr -----
    {"error":{"kind":"not-found","message":"image `gone` does not exist","hint":"`imgdex images list` shows what there is","cause":null}}
    "#);
    insta::assert_snapshot!(home.run("images create -f gone.json -o json").snapshot(&home), @r#"
    exit code: 4
    ----- stderr -----
    {"error":{"kind":"not-found","message":"cannot read `gone.json`","hint":null,"cause":"No such file or directory (os error 2)"}}
    "#);
}
