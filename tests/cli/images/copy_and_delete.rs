//! `images duplicate` and `images delete`.

use serde_json::{Value, json};

use crate::support::Home;
use crate::{field, json, lines, with_images};

#[test]
fn a_copy_has_another_name_and_is_otherwise_the_same() {
    let home = Home::new();
    home.pipe(
        r#"{"name": "a", "url": "quay.io/a/b:1", "tags": ["x"], "mine": 1,
            "groups": [{"id": "11111111-2222-4333-8444-555555555555", "name": "research"}]}"#,
        "images create",
    )
    .ok();
    insta::assert_snapshot!(home.run("images duplicate a b").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  b
    ");
    let mut copy = json(home.run("images get b -o json"));
    assert_eq!(
        copy["displayName"], "b",
        "the name of the copy, as it was the name before"
    );
    let original = json(home.run("images get a -o json"));
    for field in ["id", "name", "displayName", "createdAt", "updatedAt"] {
        copy[field] = original[field].clone();
    }
    assert_eq!(copy, original);
    insta::assert_snapshot!(home.run("images duplicate a b").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: image `b` already exists
    hint: change it with `imgdex images update b`
    ");
    insta::assert_snapshot!(home.run("images duplicate gone c").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `gone` does not exist
    hint: `imgdex images list` shows what there is
    ");
    insta::assert_snapshot!(home.run("images duplicate a B_").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `B_`
    ");
}

#[test]
fn a_copy_is_of_what_was_built_and_not_of_what_is_being_built() {
    let home = Home::new();
    let spec = json!({"baseImage": "a", "packages": {"pip": ["b"]}});
    let copy_of = |image: &Value| {
        home.pipe(image.to_string(), "images create").ok();
        home.run("images duplicate a copy").ok();
        let copy = json(home.run("images get copy -o json"));
        home.run("images delete --yes a copy").ok();
        copy
    };
    for phase in ["Running", "Pending", "Failed", "Cancelled"] {
        let begun = json!({"phase": phase, "target": "t", "message": "m"});
        let mut image = json!({"name": "a", "imageSpec": spec, "jobStatus": begun});
        let copy = copy_of(&image);
        assert_eq!(copy["jobStatus"], Value::Null, "{phase}");
        assert_eq!(copy["imageSpec"], spec);
        let mut expected = json!({"phase": "Succeeded"});
        for (key, value) in [("image", "h/a:1"), ("key", "k"), ("baseDigest", "d")] {
            image["jobStatus"][key] = value.into();
            expected[key] = value.into();
        }
        image["url"] = "h/a:1".into();
        let copy = copy_of(&image);
        assert_eq!(copy["jobStatus"], expected, "{phase}");
        assert_eq!((&copy["url"], &copy["imageSpec"]), (&image["url"], &spec));
    }
}

#[test]
fn deleting_takes_all_that_are_named_or_none() {
    let home = with_images("[{\"name\": \"a\"}, {\"name\": \"b\"}, {\"name\": \"c\"}]");
    insta::assert_snapshot!(home.run("images delete a gone b").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `gone` does not exist
    hint: `imgdex images list` shows what there is
    ");
    assert_eq!(lines(home.run("images list -o name")).len(), 3);
    insta::assert_snapshot!(home.run("images delete a b a").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    deleted `a`, `b`
    ");
    assert_eq!(lines(home.run("images list -o name")), ["c"]);
    home.run("images delete --yes c").ok();
    home.run("images delete").fails(2);
    home.pipe("{\"name\": \"a\"}", "images create").ok();
    assert_eq!(field(&home, "a", "revision"), 1, "the name is free again");
}
