//! Texts that are no JSON or YAML, and what YAML's plain words become.

use crate::lines;
use crate::support::Home;

/// Returns what the program says of a bad input, having checked that it wrote
/// nothing.
#[track_caller]
fn refused(text: impl AsRef<[u8]>) -> String {
    let home = Home::new();
    let ran = home.pipe(text, "images create").fails(2);
    assert_eq!(ran.stdout, "");
    assert!(!home.catalog().exists() || lines(home.run("images list -o name")).is_empty());
    ran.stderr
}

#[test]
fn broken_json_is_told_with_line_and_column() {
    let told: Vec<String> = [
        "{\"name\": \"a\"",
        "{\n  \"name\": \"a\",\n}",
        "{\"name\": \"a\", \"name\": \"b\"}",
        "{\"name\": \"a\", \"mine\": {\"x\": 1,\n \"x\": 2}}",
        "{\"name\": \"a\"} trailing",
        "[{\"name\": \"a\"}]]",
        "[{\"name\": \"a\"} {\"name\": \"b\"}]",
        "{name: a}",
        "{'name': 'a'}",
        "{\"name\": \"a\", \"size\": 1e999}",
        "{\"name\": \"a\", \"size\": 99999999999999999999}",
        "{\"name\": \"a\", \"x\": NaN}",
        "{\"name\": \"\\ud800\"}",
        "{\"name\": \"a\tb\"}",
        "[\"a\"]",
        "[1, 2]",
        "\"a\"",
        "just words",
        "{\"name\": \"a\"}\n{\"name\": ",
    ]
    .into_iter()
    .map(refused)
    .collect();
    insta::assert_snapshot!(told.concat(), @r"
    error: the image cannot be created; nothing was written
    <stdin>:1:13: the input ends inside an object that began at 1:1
    error: the image cannot be created; nothing was written
    <stdin>:2:14: a trailing comma before `}` is not JSON
    error: the image cannot be created; nothing was written
    <stdin>:1:15: name: duplicate key `name`, first at 1:2
    error: the image cannot be created; nothing was written
    <stdin>:2:2: mine.x: duplicate key `x`, first at 1:24
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:1:15: expected another object or the end of the input, found `t`
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:1:16: expected nothing after the list, found `]`
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:1:16: a comma is missing before this element
    error: the image cannot be created; nothing was written
    <stdin>:1:2: the key `name` needs double quotes; YAML is read with `-f FILE.yaml`
    error: the image cannot be created; nothing was written
    <stdin>:1:2: a key needs double quotes, not single ones
    error: the image cannot be created; nothing was written
    <stdin>:1:23: size: number is out of range
    error: the image cannot be created; nothing was written
    <stdin>:1:23: size: size should be a whole number of bytes from 0, but is `99999999999999999999` (item 1, `a`)
    error: the image cannot be created; nothing was written
    <stdin>:1:20: x: `NaN` is not a number that JSON knows
    error: the image cannot be created; nothing was written
    <stdin>:1:11: name: `\ud800` is half of a surrogate pair
    error: the image cannot be created; nothing was written
    <stdin>:1:12: name: U+0009 in a string is written `\u0009`
    error: the image cannot be created; nothing was written
    <stdin>:1:2: an image should be an object, but this is a string (item 1)
    error: 2 of 2 images cannot be created; nothing was written
    <stdin>:1:2: an image should be an object, but this is a number (item 1)
    <stdin>:1:5: an image should be an object, but this is a number (item 2)
    error: the image cannot be created; nothing was written
    <stdin>:1:1: expected an object, a list of objects, or one object a line, found a scalar
    error: the image cannot be created; nothing was written
    <stdin>:1:1: expected an object, a list of objects, or one object a line, found a scalar
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:2:10: name: the input ends inside an object that began at 2:1
    ");
}

#[test]
fn bytes_that_are_no_utf_8_are_told_with_their_place() {
    let told = [
        refused(b"{\"name\": \"a\", \"description\": \"\xff\"}"),
        refused(b"name: a\ndescription: \xc3\x28\n"),
        refused(b"\xff\xfe{\x00}\x00"),
        refused(b"\x00"),
    ];
    insta::assert_snapshot!(told.concat(), @r"
    error: the image cannot be created; nothing was written
    <stdin>:1:31: invalid UTF-8 (byte 0xff)
    error: the image cannot be created; nothing was written
    <stdin>:2:14: invalid UTF-8 (byte 0xc3)
    error: the image cannot be created; nothing was written
    <stdin>:1:1: the text is UTF-16; it must be UTF-8
    error: the image cannot be created; nothing was written
    <stdin>:1:1: U+0000 is only allowed as an escape in double quotes
    ");
}

#[test]
fn broken_yaml_is_told_with_line_and_column() {
    let told: Vec<String> = [
        "name: a\n  description: b\n",
        "name: a\nname: b\n",
        "name: [a\n",
        "name: \"a\n",
        "name: *gone\n",
        "name: a\nx: !custom y\n",
        "name: a\n---\nname: B\n---\nname: c\n",
    ]
    .into_iter()
    .map(refused)
    .collect();
    insta::assert_snapshot!(told.concat(), @r"
    error: the image cannot be created; nothing was written
    <stdin>:2:14: `:` is not allowed here: text that holds `: ` needs quotes
    error: the image cannot be created; nothing was written
    <stdin>:2:1: name: duplicate key `name`, first at 1:1
    error: the image cannot be created; nothing was written
    <stdin>:2:1: name[1]: the input ends inside a list that began at 1:7
    error: the image cannot be created; nothing was written
    <stdin>:1:7: name: the input ends inside a string that begins here
    error: the image cannot be created; nothing was written
    <stdin>:1:7: name: an alias to an anchor that is not defined
    error: the image cannot be created; nothing was written
    <stdin>:2:4: x: the tag `!custom` is not supported here
    error: 1 of 3 images cannot be created; nothing was written
    <stdin>:3:7: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `B` (item 2, `B`)
    ");
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        let aliases = [alias.as_str(); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    text.push_str("name: a\n");
    insta::assert_snapshot!(refused(text), @r"
    error: the image cannot be created; nothing was written
    <stdin>:6:10: a5[0]: too many aliases: one item may take 100,000 values or 4 MiB of text from them
    ");
}

#[test]
fn ten_thousand_levels_are_refused() {
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"name\": \"a\", \"x\": {}1{}}}",
            open.repeat(10_000),
            close.repeat(10_000)
        )
    };
    let told = [
        refused(deep("[", "]")),
        refused(deep("{\"a\":", "}")),
        refused("[".repeat(10_000)),
        refused(format!(
            "name: a\nx: {}{}\n",
            "[".repeat(10_000),
            "]".repeat(10_000)
        )),
    ];
    insta::assert_snapshot!(told.concat(), @r"
    error: the image cannot be created; nothing was written
    <stdin>:1:147: nested deeper than 128 levels
    error: the image cannot be created; nothing was written
    <stdin>:1:655: nested deeper than 128 levels
    error: the image cannot be created; nothing was written
    <stdin>:1:130: nested deeper than 128 levels
    error: the image cannot be created; nothing was written
    <stdin>:2:259: x[0]: nested deeper than 128 levels
    ");
}

#[test]
fn an_object_of_fifty_megabytes_is_refused() {
    let home = Home::new();
    let mut text = Vec::with_capacity(50 << 20);
    text.extend_from_slice(b"{\"name\": \"a\", \"description\": \"");
    text.resize(50 << 20, b'x');
    text.extend_from_slice(b"\"}");
    let ran = home.pipe(text, "images create");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:1: one object is larger than 4 MiB
    ");
    assert!(!home.catalog().exists());
}

#[test]
fn a_stream_of_objects_may_be_longer_than_any_one_object() {
    let home = Home::new();
    let filling = "x".repeat(1 << 20);
    let text: String = (0..8)
        .map(|number| format!("{{\"name\": \"a{number}\", \"description\": \"{filling}\"}}\n"))
        .collect();
    home.pipe(text, "images create -q").ok();
    assert_eq!(lines(home.run("images list -o name")).len(), 8);
}

#[test]
fn plain_words_of_yaml_stay_strings() {
    let home = Home::new();
    let text = "\
name: plain
displayName: 1.10
description: no
url: quay.io/a/b:1.10
tags: [yes, 3.10, 2024-01-02, 1e3, 0x10, ~x, on]
labels: {country: no, date: 2024-01-02, version: 1.20, empty: ''}
command: 007
global: true
mine: {flag: true, count: 3, off: off, date: 2024-01-02, ratio: 1.50, none: null}
";
    home.pipe(text, "images create").ok();
    insta::assert_snapshot!(home.run("images get plain -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "plain",
      "name": "plain",
      "displayName": "1.10",
      "description": "no",
      "type": "both",
      "url": "quay.io/a/b:1.10",
      "urlForGpu": null,
      "useImagePullSecret": null,
      "global": true,
      "groups": [],
      "isReady": null,
      "tags": [
        "yes",
        "3.10",
        "2024-01-02",
        "1e3",
        "0x10",
        "~x",
        "on"
      ],
      "labels": {
        "country": "no",
        "date": "2024-01-02",
        "empty": "",
        "version": "1.20"
      },
      "command": "007",
      "author": "tester",
      "formats": [
        "primehub"
      ],
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1,
      "mine": {
        "flag": true,
        "count": 3,
        "off": "off",
        "date": "2024-01-02",
        "ratio": "1.50",
        "none": null
      }
    }
    "#);
}

#[test]
fn of_several_documents_the_bad_one_is_named() {
    let home = Home::new();
    home.write(
        "many.yaml",
        "name: a\n---\nname: b\ntype: tpu\n---\nname: c\n",
    );
    insta::assert_snapshot!(home.run("images create -f many.yaml").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: 1 of 3 images cannot be created; nothing was written
    many.yaml:4:7: type: type should be one of ['cpu', 'gpu', 'both'], but is `tpu` (item 2, `b`)
    ");
}
