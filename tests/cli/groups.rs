//! `imgdex groups`.

use crate::support::Home;
use crate::{RESEARCH, field, json, lines};

fn home() -> Home {
    let home = Home::new();
    home.call_with(&[
        "groups",
        "create",
        "research",
        "--id",
        RESEARCH,
        "--display-name",
        "Research",
    ])
    .run()
    .ok();
    home
}

#[test]
fn a_group_is_made_with_a_uuid_and_its_name_to_be_shown() {
    let home = Home::new();
    let ran = home.run("groups create teaching").ok();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let group = json(home.run("groups get teaching -o json"));
    assert_eq!(group["displayName"], "teaching");
    let id = group["id"].as_str().expect("an id");
    assert!(
        id.len() == 36 && id.as_bytes()[14] == b'4',
        "a random UUID: {id}"
    );
    let made = json(home.run(&format!("groups create research --id {RESEARCH} -o json")));
    assert_eq!(made["id"], RESEARCH);
    let upper = "AAAAAAAA-2222-4333-8444-555555555555";
    home.run(&format!("groups create upper --id {upper}")).ok();
    assert_eq!(
        json(home.run("groups get upper -o json"))["id"],
        upper.to_lowercase().as_str()
    );
    assert_eq!(
        lines(home.run("groups list -o name")),
        ["teaching", "research", "upper"]
    );
}

#[test]
fn groups_are_printed_in_every_form() {
    let home = home();
    home.call_with(&[
        "groups",
        "create",
        "Data Science",
        "--id",
        "22222222-2222-4333-8444-555555555555",
        "--display-name",
        "数据, \"x\"",
    ])
    .run()
    .ok();
    insta::assert_snapshot!(home.run("groups list").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id                                    name          displayName
    ------------------------------------  ------------  -----------
    <uuid>  research      Research
    <uuid>  Data Science  数据, "x"
    "#);
    insta::assert_snapshot!(home.run("groups list -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"id":"<uuid>","name":"research","displayName":"Research"},
    {"id":"<uuid>","name":"Data Science","displayName":"数据, \"x\""}
    ]
    "#);
    insta::assert_snapshot!(home.run("groups list -o yaml").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    - id: "<uuid>"
      name: research
      displayName: Research
    - id: "<uuid>"
      name: Data Science
      displayName: "数据, \"x\""
    "#);
    insta::assert_snapshot!(home.run("groups list -o csv").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id,name,displayName
    <uuid>,research,Research
    <uuid>,Data Science,"数据, ""x"""
    "#);
    insta::assert_snapshot!(home.run("groups list -o name").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    research
    Data Science
    ");
    assert_eq!(home.run("groups list -o wide"), home.run("groups list"));
    insta::assert_snapshot!(home.run("groups get research").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:           <uuid>
    name:         research
    displayName:  Research
    ");
    insta::assert_snapshot!(home.run(&format!("groups get {RESEARCH} -o json")).snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "<uuid>",
      "name": "research",
      "displayName": "Research"
    }
    "#);
}

#[test]
fn a_list_without_groups_is_a_header_or_an_empty_list() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("groups list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName
    ");
    assert_eq!(home.run("groups list -o json").ok().stdout, "[]\n");
    assert_eq!(home.run("groups list -o yaml").ok().stdout, "[]\n");
    assert_eq!(
        home.run("groups list -o csv").ok().stdout,
        "id,name,displayName\n"
    );
    assert_eq!(home.run("groups list -o name").ok().stdout, "");
}

#[test]
fn a_name_or_an_id_that_exists_is_a_conflict() {
    let home = home();
    insta::assert_snapshot!(home.run("groups create research").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: group `research` already exists
    hint: `imgdex groups list` shows what there is
    ");
    insta::assert_snapshot!(home.run(&format!("groups create other --id {RESEARCH}")).snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: the id `<uuid>` is taken by group `research`
    hint: leave `--id` out, and one is made
    ");
    // Where both are taken by the same group it is the name that counts.
    insta::assert_snapshot!(home.run(&format!("groups create research --id {RESEARCH}")).snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: group `research` already exists
    hint: `imgdex groups list` shows what there is
    ");
}

#[test]
fn a_bad_name_or_id_is_refused() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("groups create a --id 7").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the id of a group should be a UUID, but is `7`
    ");
    insta::assert_snapshot!(home.call_with(&["groups", "create", ""]).run().snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: name is required
    ");
    for name in [" a", "a\n", RESEARCH] {
        home.call_with(&["groups", "create", name]).run().fails(2);
    }
    home.run("groups create").fails(2);
    assert!(!home.catalog().exists() || lines(home.run("groups list -o name")).is_empty());
}

#[test]
fn a_deleted_group_is_taken_from_its_images() {
    let home = home();
    home.pipe(
        "{\"name\": \"a\", \"groups\": [\"research\"]}",
        "images create",
    )
    .ok();
    home.run("groups create teaching").ok();
    insta::assert_snapshot!(home.run("groups delete research gone").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `gone` does not exist
    hint: `imgdex groups list` shows what there is
    ");
    assert_eq!(lines(home.run("groups list -o name")).len(), 2);
    insta::assert_snapshot!(home.run("groups delete research teaching").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    deleted `research`, `teaching`
    taken from image `a`
    ");
    assert_eq!(field(&home, "a", "groups"), serde_json::json!([]));
    assert_eq!(field(&home, "a", "revision"), 2);
    assert!(lines(home.run("groups list -o name")).is_empty());
    insta::assert_snapshot!(home.run("groups get research").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `research` does not exist
    hint: `imgdex groups list` shows what there is
    ");
    home.run("groups delete").fails(2);
}
