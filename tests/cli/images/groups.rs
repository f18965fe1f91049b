//! Who may use an image: `list-groups`, `add-group`, `remove-group`, and the
//! field `groups` of what is created.

use serde_json::json;

use crate::support::Home;
use crate::{RESEARCH, field, json, lines, with_images};

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
    home.run("groups create teaching").ok();
    home.pipe("{\"name\": \"a\"}", "images create").ok();
    home
}

#[test]
fn a_group_is_added_and_removed_by_name_or_id_and_twice_is_no_error() {
    let home = home();
    for _ in 0..2 {
        let ran = home.run("images add-group a research").ok();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    }
    assert_eq!(
        field(&home, "a", "revision"),
        2,
        "the second time changed nothing"
    );
    home.run("images add-group a teaching").ok();
    insta::assert_snapshot!(home.run("images list-groups a").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id                                    name      displayName
    ------------------------------------  --------  -----------
    <uuid>  research  Research
    <uuid>  teaching  teaching
    ");
    home.run(&format!("images remove-group a {RESEARCH}")).ok();
    home.run(&format!("images remove-group a {RESEARCH}")).ok();
    assert_eq!(field(&home, "a", "revision"), 4);
    assert_eq!(
        lines(home.run("images list-groups a -o name")),
        ["teaching"]
    );
    home.run(&format!("images add-group a {RESEARCH}")).ok();
    assert_eq!(
        lines(home.run("images list-groups a -o name")),
        ["research", "teaching"]
    );
}

#[test]
fn a_global_image_lists_no_groups_but_holds_them() {
    let home = home();
    home.run("images add-group a research").ok();
    home.pipe("{\"global\": true}", "images update a").ok();
    insta::assert_snapshot!(home.run("images list-groups a").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName
    ");
    assert_eq!(home.run("images list-groups a -o json").ok().stdout, "[]\n");
    let expected = json!([{"id": RESEARCH, "name": "research", "displayName": "Research"}]);
    assert_eq!(field(&home, "a", "groups"), expected);
    home.pipe("{\"global\": false}", "images update a").ok();
    assert_eq!(
        lines(home.run("images list-groups a -o name")),
        ["research"]
    );
}

#[test]
fn an_unknown_image_or_group_as_an_argument_is_not_found() {
    let home = home();
    for verb in ["add-group", "remove-group"] {
        home.run(&format!("images {verb} gone research")).fails(4);
        home.run(&format!("images {verb} a gone")).fails(4);
    }
    insta::assert_snapshot!(home.run("images list-groups gone").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `gone` does not exist
    hint: `imgdex images list` shows what there is
    ");
    insta::assert_snapshot!(home.run("images add-group b research").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `b` does not exist
    hint: `imgdex images list` shows what there is
    ");
    insta::assert_snapshot!(home.run("images add-group a reserch").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `reserch` does not exist
    hint: did you mean `research`?
    ");
    let empty = Home::new();
    empty.run("images add-group a research").fails(4);
    assert!(!empty.catalog().exists(), "nothing was made");
}

#[test]
fn groups_are_given_as_ids_names_objects_or_connections() {
    let check = |groups: &str, expected: &[&str]| {
        let home = home();
        let text = format!("{{\"name\": \"b\", \"groups\": {groups}}}");
        home.pipe(text, "images create").ok();
        assert_eq!(
            lines(home.run("images list-groups b -o name")),
            expected,
            "{groups}"
        );
    };
    check("[]", &[]);
    check("null", &[]);
    check("[\"teaching\", \"research\"]", &["research", "teaching"]);
    check("[\"research\", \"research\"]", &["research"]);
    check(&format!("[\"{RESEARCH}\"]"), &["research"]);
    check(
        &format!("[{{\"id\": \"{RESEARCH}\"}}, {{\"name\": \"teaching\"}}]"),
        &["research", "teaching"],
    );
    check("{\"connect\": [{\"name\": \"research\"}]}", &["research"]);
    check(
        &format!("{{\"connect\": [{{\"id\": \"{RESEARCH}\"}}, \"teaching\"]}}"),
        &["research", "teaching"],
    );
}

#[test]
fn a_whole_group_is_created_where_it_is_unknown() {
    let home = Home::new();
    let whole =
        format!("{{\"id\": \"{RESEARCH}\", \"name\": \"research\", \"displayName\": \"R\"}}");
    home.pipe(
        format!("{{\"name\": \"a\", \"groups\": [{whole}]}}"),
        "images create",
    )
    .ok();
    let groups = json(home.run("groups list -o json"));
    assert_eq!(
        groups,
        json!([{"id": RESEARCH, "name": "research", "displayName": "R"}])
    );
    let other = format!("{{\"id\": \"{RESEARCH}\", \"name\": \"research\"}}");
    home.pipe(
        format!("{{\"name\": \"b\", \"groups\": [{other}]}}"),
        "images create",
    )
    .ok();
    assert_eq!(
        json(home.run("groups list -o json")),
        groups,
        "a known one is left as it is"
    );
}

#[test]
fn an_unknown_group_in_a_document_is_bad_input() {
    let home = home();
    let ran = home.pipe(
        "{\n \"name\": \"b\",\n \"groups\": [\"research\", \"gone\"]\n}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:3:25: groups[1]: group `gone` does not exist; make it with `imgdex groups create` (item 1, `b`)
    ");
    let ran = home.pipe(
        "{\"groups\": {\"connect\": [{\"id\": \"gone\"}]}}",
        "images update a",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: image `a` cannot be updated; nothing was written
    <stdin>:1:25: groups.connect[0]: group `gone` does not exist; make it with `imgdex groups create` (item 1, `a`)
    ");
    let ran = home.pipe(
        "{\"name\": \"b\", \"groups\": [7, {}, {\"id\": \"x\", \"name\": \"y\"}]}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:26: groups[0]: a group should be an id, a name or an object with `id` or `name` (item 1, `b`)
    <stdin>:1:29: groups[1]: a group should be an id, a name or an object with `id` or `name` (item 1, `b`)
    <stdin>:1:40: groups[2].id: the id of a group should be a UUID, but is `x` (item 1, `b`)
    ");
    let ran = home.pipe(
        "{\"name\": \"b\", \"groups\": {\"conect\": []}}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:26: groups.conect: unknown field; did you mean `connect`? (item 1, `b`)
    ");
    assert_eq!(lines(home.run("images list -o name")), ["a"]);
}

#[test]
fn the_list_can_be_for_one_group_alone() {
    let home = with_images(&format!(
        "- {{name: a, groups: [{{id: {RESEARCH}, name: research}}]}}\n- {{name: b, global: true}}\n"
    ));
    assert_eq!(
        lines(home.run("images list --group research -o name")),
        ["a"]
    );
}
