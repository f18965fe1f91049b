//! `images create`: what goes in, in which forms, and what is said of it.

use crate::support::Home;
use crate::{FIRST, field, json, lines, with_images};

#[test]
fn the_first_example_of_the_documentation_works_on_a_fresh_catalog() {
    let home = Home::new();
    insta::assert_snapshot!(home.pipe(FIRST, "images create").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  my-first-image
    ");
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id              name            displayName                               description                    type  isReady
    --------------  --------------  ----------------------------------------  -----------------------------  ----  -------
    my-first-image  my-first-image  Learning how to create an image from SDK  base-notebook with python 3.7  both  Unknown
    ");
    let ran = home
        .call_with(&[
            "groups",
            "create",
            "example-group-1",
            "--display-name",
            "Example Group 1",
        ])
        .run();
    insta::assert_snapshot!(ran.snapshot(&home), @r"exit code: 0");
    let ran = home.run("images add-group my-first-image example-group-1");
    insta::assert_snapshot!(ran.snapshot(&home), @r"exit code: 0");
}

#[test]
fn every_field_comes_back_in_its_documented_order() {
    let home = Home::new();
    home.pipe(
        "{\"name\": \"quay\", \"type\": \"kubernetes\"}",
        "secrets create",
    )
    .ok();
    let image = r#"{
      "problem": "moved", "verifiedAt": "2025-01-02T03:04:05Z", "size": 12345,
      "platforms": ["linux/amd64", "linux/arm64"],
      "digestForGpu": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "pinnedTag": "1.0", "formats": ["primehub", "adalab"], "author": "ada",
      "picture": "https://example.com/logo.png", "command": "start.sh --port  8888",
      "kind": "notebook", "labels": {"b": "2", "a": "1"}, "tags": ["z", "a"],
      "pullPolicy": "IfNotPresent", "isReady": true,
      "groups": [{"id": "11111111-2222-4333-8444-555555555555", "name": "research", "displayName": "Research"}],
      "global": false, "pullSecret": "other-secret", "useImagePullSecret": "image-quay",
      "urlForGpu": "quay.io/a/b:2", "url": "quay.io/a/b:1", "type": "gpu",
      "description": "all of it", "displayName": "Everything", "name": "full", "id": "full",
      "myOwnField": {"z": [1, 2.50, null], "a": "b"}, "another": true
    }"#;
    home.pipe(image, "images create").ok();
    insta::assert_snapshot!(home.run("images get full -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "full",
      "name": "full",
      "displayName": "Everything",
      "description": "all of it",
      "type": "gpu",
      "url": "quay.io/a/b:1",
      "urlForGpu": "quay.io/a/b:2",
      "useImagePullSecret": "image-quay",
      "pullSecret": "other-secret",
      "global": false,
      "groups": [
        {
          "id": "<uuid>",
          "name": "research",
          "displayName": "Research"
        }
      ],
      "isReady": true,
      "pullPolicy": "IfNotPresent",
      "tags": [
        "z",
        "a"
      ],
      "labels": {
        "a": "1",
        "b": "2"
      },
      "kind": "notebook",
      "command": "start.sh --port  8888",
      "picture": "https://example.com/logo.png",
      "author": "ada",
      "formats": [
        "primehub",
        "adalab"
      ],
      "pinnedTag": "1.0",
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "digestForGpu": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "platforms": [
        "linux/amd64",
        "linux/arm64"
      ],
      "size": 12345,
      "verifiedAt": "<time>",
      "problem": "moved",
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1,
      "myOwnField": {
        "z": [
          1,
          2.50,
          null
        ],
        "a": "b"
      },
      "another": true
    }
    "#);
}

#[test]
fn a_minimal_image_prints_its_first_eleven_fields_with_null_where_unset() {
    let home = Home::new();
    insta::assert_snapshot!(home.pipe("{\"name\": \"a\"}", "images create").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id:  a
    ----- stderr -----
    hint: nobody can see `a`: let a group use it with `imgdex images add-group a GROUP`, or everybody with `"global": true`
    hint: there is nothing to pull for `a`: it has neither `url` nor `urlForGpu`
    "#);
    insta::assert_snapshot!(home.run("images get a -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "a",
      "name": "a",
      "displayName": "a",
      "description": null,
      "type": "both",
      "url": null,
      "urlForGpu": null,
      "useImagePullSecret": null,
      "global": false,
      "groups": [],
      "isReady": null,
      "author": "tester",
      "formats": [
        "primehub"
      ],
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1
    }
    "#);
}

#[test]
fn an_object_a_list_lines_and_yaml_all_work() {
    let check = |text: &str, expected: &[&str]| {
        let home = Home::new();
        let printed = lines(home.pipe(text, "images create"));
        let wanted: Vec<String> = expected.iter().map(|name| format!("id:  {name}")).collect();
        assert_eq!(printed, wanted, "{text}");
        assert_eq!(lines(home.run("images list -o name")), expected, "{text}");
    };
    check("{\"name\": \"a\"}", &["a"]);
    check("\n  {\"name\": \"a\"}\n\n", &["a"]);
    check("[{\"name\": \"b\"}, {\"name\": \"a\"}]", &["b", "a"]);
    check("{\"name\": \"b\"}\n{\"name\": \"a\"}\n", &["b", "a"]);
    check("{\"name\": \"b\"}\r\n{\"name\": \"a\"}", &["b", "a"]);
    check("name: a\ndescription: |\n  two\n  lines\n", &["a"]);
    check("- name: b\n- name: a\n", &["b", "a"]);
    check("---\nname: b\n---\nname: a\n...\n", &["b", "a"]);
    check("\u{feff}{\"name\": \"a\"}", &["a"]);
    check("\u{feff}name: a\n", &["a"]);
}

#[test]
fn a_file_is_read_by_its_ending_and_standard_input_as_a_dash() {
    let home = Home::new();
    home.write("a.json", "{\"name\": \"a\"}")
        .write("b.yaml", "name: b\n")
        .write("c.yml", "{name: c}\n")
        .write("d.jsonl", "{\"name\": \"d\"}\n{\"name\": \"e\"}\n")
        .write("no-ending", "name: f\n");
    for file in ["a.json", "b.yaml", "c.yml", "d.jsonl", "no-ending"] {
        home.run(&format!("images create -f {file}")).ok();
    }
    home.pipe("{\"name\": \"g\"}", "images create --file -")
        .ok();
    let names = lines(home.run("images list -o name"));
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("images create -f gone.json").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read `gone.json`: No such file or directory (os error 2)
    ");
    home.write("folder/a.json", "{}");
    insta::assert_snapshot!(home.run("images create -f folder").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: `folder` is a folder
    hint: name a file; a whole folder is applied with `imgdex apply -f FOLDER`
    ");
    assert!(!home.catalog().exists());
}

#[test]
fn no_input_and_empty_ones_ask_for_the_configuration_with_an_example() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("images create").snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    The configuration is required.

    Example:
    {
      "name": "base-notebook",
      "displayName": "Base notebook",
      "description": "JupyterLab with Python 3.12",
      "type": "both",
      "url": "quay.io/jupyter/base-notebook:python-3.12",
      "urlForGpu": "quay.io/jupyter/pytorch-notebook:cuda12-python-3.12",
      "global": true
    }
    "#);
    let first = home.run("images create");
    for text in ["{}", "[]", "  \n ", "---\n", "\u{feff}", "[ ]\n", "{ }"] {
        assert_eq!(home.pipe(text, "images create"), first, "{text:?}");
    }
    home.write("empty.yaml", "# nothing\n");
    assert_eq!(home.run("images create -f empty.yaml"), first);
    assert!(!home.catalog().exists(), "nothing was written");
}

#[test]
fn the_example_of_the_configuration_is_complete_and_works() {
    let home = Home::new();
    let ran = home.run("images create").fails(2);
    assert!(
        ran.stderr
            .starts_with("The configuration is required.\n\nExample:\n{"),
        "{ran:?}"
    );
    let (_, example) = ran.stderr.split_once("Example:\n").expect("an example");
    home.pipe(example, "images create").ok();
}

#[test]
fn an_image_that_nobody_can_see_is_created_with_a_hint() {
    let home = Home::new();
    home.run("groups create research").ok();
    let ran = home.pipe(
        "{\"name\": \"a\", \"url\": \"quay.io/a/b:1\"}",
        "images create",
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id:  a
    ----- stderr -----
    hint: nobody can see `a`: let a group use it with `imgdex images add-group a GROUP`, or everybody with `"global": true`
    "#);
    let text = r#"{"name": "b", "url": "quay.io/a/b:1", "groups": ["research"]}
                  {"name": "c", "url": "quay.io/a/b:1", "global": true}"#;
    assert_eq!(home.pipe(text, "images create").ok().stderr, "");
    let ran = home.pipe(
        "{\"name\": \"d\", \"url\": \"quay.io/a/b:1\"}",
        "images create -q",
    );
    assert_eq!(ran.ok().stderr, "");
}

#[test]
fn existing_names_are_refused_skipped_or_updated() {
    let home = with_images("{\"name\": \"a\", \"description\": \"first\", \"global\": true}");
    let text = r#"[{"name": "b", "global": true}, {"name": "a", "description": "second"}]"#;
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: 1 of 2 images cannot be created; nothing was written
    <stdin>:1:42: name: image `a` already exists (item 2, `a`)
    hint: change it with `imgdex images update a`, or pass `--skip-existing` or `--update-existing`
    ");
    assert_eq!(lines(home.run("images list -o name")), ["a"]);
    let ran = home.pipe(text, "images create --skip-existing");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  b
    ----- stderr -----
    left 1 image as it is: the name exists
    hint: there is nothing to pull for `b`: it has neither `url` nor `urlForGpu`
    ");
    assert_eq!(field(&home, "a", "description"), "first");
    let ran = home.pipe(text, "images create --update-existing").ok();
    assert_eq!(ran.stdout, "id:  b\nid:  a\n");
    assert!(
        !ran.stderr.contains("nobody can see"),
        "both are global: {ran:?}"
    );
    assert_eq!(field(&home, "a", "description"), "second");
    assert_eq!(field(&home, "a", "global"), true, "what is not named stays");
    assert_eq!(field(&home, "a", "revision"), 2);
    assert_eq!(
        field(&home, "b", "revision"),
        1,
        "what changes nothing makes no revision"
    );
    home.pipe(text, "images create --skip-existing --update-existing")
        .fails(2);
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let home = Home::new();
    let ran = home.pipe(FIRST, "images create --dry-run");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  my-first-image
    ----- stderr -----
    dry run: nothing was written (1 to create, 0 to update)
    ");
    assert!(!home.catalog().exists());
    home.pipe("{\"name\": \"UPPER\"}", "images create --dry-run")
        .fails(2);
    home.pipe(FIRST, "images create").ok();
    home.pipe(FIRST, "images create --dry-run").fails(12);
    home.pipe(
        "{\"name\": \"a\", \"groups\": [\"gone\"]}",
        "images create --dry-run",
    )
    .fails(2);
    let ran = home.pipe(
        "{\"name\": \"my-first-image\", \"global\": false}",
        "images create --dry-run --update-existing",
    );
    ran.ok();
    assert_eq!(field(&home, "my-first-image", "global"), true);
}

#[test]
fn created_images_are_printed_in_the_form_that_is_asked_for() {
    let home = Home::new();
    let one = json(home.pipe(
        "{\"name\": \"a\", \"global\": true}",
        "images create -o json",
    ));
    assert_eq!(one["name"], "a");
    assert_eq!(one["revision"], 1);
    let many = json(home.pipe(
        "[{\"name\": \"b\", \"global\": true}]",
        "images create --json",
    ));
    assert_eq!(many[0]["name"], "b");
    let ran = home
        .pipe("{\"name\": \"c\"}", "images create -q -o name")
        .ok();
    assert_eq!(ran.stdout, "c\n");
}
