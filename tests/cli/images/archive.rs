//! `images archive` and `restore`: a soft delete.

use crate::{field, json, lines, with_images};

#[test]
fn an_archived_image_is_listed_only_where_it_is_asked_for() {
    let home = with_images("[{\"name\": \"a\"}, {\"name\": \"b\"}]");
    insta::assert_snapshot!(home.run("images archive a").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    archived `a`; `imgdex images restore a` brings it back
    ");
    assert_eq!(lines(home.run("images list -o name")), ["b"]);
    assert_eq!(lines(home.run("images list --archived -o name")), ["a"]);
    assert_eq!(field(&home, "a", "archived"), true, "`get` still shows it");
    insta::assert_snapshot!(home.run("images archive a").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    `a` is archived already
    ");
    insta::assert_snapshot!(home.run("images restore a").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    restored `a`
    ");
    insta::assert_snapshot!(home.run("images restore a").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    `a` is not archived
    ");
    assert_eq!(lines(home.run("images list -o name")), ["a", "b"]);
    assert_eq!(field(&home, "a", "archived"), serde_json::Value::Null);
    assert_eq!(field(&home, "a", "revision"), 3, "twice made no revision");
    home.run("images archive gone").fails(4);
    home.run("images restore gone").fails(4);
}

#[test]
fn an_archived_image_keeps_its_name_and_can_be_created_as_such() {
    let home = with_images("{\"name\": \"a\", \"archived\": true}");
    assert_eq!(home.run("images list -o json").ok().stdout, "[]\n");
    home.pipe("{\"name\": \"a\"}", "images create").fails(12);
    home.pipe("{\"archived\": false}", "images update a").ok();
    assert_eq!(json(home.run("images list -o json"))[0]["name"], "a");
}
