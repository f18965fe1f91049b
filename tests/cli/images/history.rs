//! `images history`: every change with time, author, and fields before and after.

use serde_json::json;

use crate::{json, with_images};

#[test]
fn every_change_is_recorded_with_time_author_and_both_values() {
    let home = with_images("{\"name\": \"a\", \"description\": \"one\"}");
    home.run("groups create research").ok();
    home.call("images update a")
        .stdin("{\"description\": \"two\", \"tags\": [\"x\"]}")
        .env("IMGDEX_AUTHOR", "ada")
        .run()
        .ok();
    home.run("images add-group a research").ok();
    home.run("images remove-group a research").ok();
    home.run("images archive a").ok();
    home.run("images restore a").ok();
    home.run("images delete a").ok();
    let history = json(home.run("images history a -o json"));
    let told: Vec<String> = history
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| {
            format!(
                "{} {} {}",
                change["revision"], change["author"], change["action"]
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    1 "tester" "create"
    2 "ada" "update"
    3 "tester" "add-group"
    4 "tester" "remove-group"
    5 "tester" "archive"
    6 "tester" "restore"
    7 "tester" "delete"
    "#);
    assert_eq!(
        history[1]["changes"],
        json!({
            "description": {"before": "one", "after": "two"},
            "tags": {"before": null, "after": ["x"]},
        })
    );
    assert_eq!(
        history[4]["changes"]["archived"],
        json!({"before": null, "after": true})
    );
    let time = history[0]["time"].as_str().expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
}

#[test]
fn the_history_is_a_table_too() {
    let home = with_images("{\"name\": \"a\", \"global\": true}");
    home.pipe("{\"description\": \"a\\u001b[31m\"}", "images update a")
        .ok();
    insta::assert_snapshot!(home.run("images history a").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    revision  time                  author  action  changes
    --------  --------------------  ------  ------  ------------------------------------------------------------------------------
    1         <time>  tester  create  name=a; displayName=a; type=both; global=true; author=tester; formats=primehub
    2         <time>  tester  update  description: - → a\u{1b}[31m
    "#);
}

#[test]
fn an_image_that_never_was_has_no_history() {
    let home = with_images("{\"name\": \"a\"}");
    insta::assert_snapshot!(home.run("images history gone").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: image `gone` does not exist
    hint: `imgdex images list` shows what there is
    ");
}
