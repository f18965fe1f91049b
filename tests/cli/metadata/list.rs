//! `imgdex metadata list`.

use super::*;

#[test]
fn an_empty_catalog_has_an_empty_list_in_every_form() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("metadata list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Available metadata instances for runtime-images:

    Schema  Instance  Resource
    ");
    for (form, expected) in [
        ("json", "[]\n"),
        ("yaml", "[]\n"),
        ("csv", "Schema,Instance,Resource\n"),
        ("name", ""),
    ] {
        let ran = home.run(&format!("metadata list runtime-images -o {form}"));
        assert_eq!(ran.clone().ok().stdout, expected, "{form}");
        assert_eq!(ran.stderr, "");
        assert_eq!(
            home.run(&format!("metadata list --include-invalid -o {form}")),
            ran
        );
    }
    assert!(!home.catalog().exists(), "a list makes no catalog");
}

#[test]
fn entries_are_listed_sorted_by_name_in_every_form() {
    let home = Home::new();
    home.write("r.json", instance("R", "quay.io/jupyter/r-notebook:latest"));
    home.run("metadata create --name zeta --file r.json").ok();
    run(&home, &CREATE_PANDAS).ok();
    home.run("metadata create --name alpha_1 --file r.json")
        .ok();
    insta::assert_snapshot!(home.run("metadata list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Available metadata instances for runtime-images:

    Schema         Instance   Resource
    -------------  ---------  ------------------------------------------------------
    runtime-image  alpha_1    <home>/.local/share/imgdex/catalog.db
    runtime-image  pandas_23  <home>/.local/share/imgdex/catalog.db
    runtime-image  zeta       <home>/.local/share/imgdex/catalog.db
    ");
    insta::assert_snapshot!(home.run("metadata list runtime-images --json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"alpha_1","display_name":"R","metadata":{"image_name":"quay.io/jupyter/r-notebook:latest"},"schema_name":"runtime-image","resource":"<home>/.local/share/imgdex/catalog.db"},
    {"name":"pandas_23","display_name":"Pandas 2.3","metadata":{"description":"Pandas, with Python 3.13","tags":["pandas","python"],"image_name":"amancevice/pandas:2.3.2","pull_policy":"IfNotPresent"},"schema_name":"runtime-image","resource":"<home>/.local/share/imgdex/catalog.db"},
    {"name":"zeta","display_name":"R","metadata":{"image_name":"quay.io/jupyter/r-notebook:latest"},"schema_name":"runtime-image","resource":"<home>/.local/share/imgdex/catalog.db"}
    ]
    "#);
    insta::assert_snapshot!(home.run("metadata list -o csv").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Schema,Instance,Resource
    runtime-image,alpha_1,<home>/.local/share/imgdex/catalog.db
    runtime-image,pandas_23,<home>/.local/share/imgdex/catalog.db
    runtime-image,zeta,<home>/.local/share/imgdex/catalog.db
    ");
    insta::assert_snapshot!(home.run("metadata list -o yaml").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    - name: alpha_1
      display_name: R
      metadata:
        image_name: quay.io/jupyter/r-notebook:latest
      schema_name: runtime-image
      resource: "<home>/.local/share/imgdex/catalog.db"
    - name: pandas_23
      display_name: Pandas 2.3
      metadata:
        description: "Pandas, with Python 3.13"
        tags:
          - pandas
          - python
        image_name: amancevice/pandas:2.3.2
        pull_policy: IfNotPresent
      schema_name: runtime-image
      resource: "<home>/.local/share/imgdex/catalog.db"
    - name: zeta
      display_name: R
      metadata:
        image_name: quay.io/jupyter/r-notebook:latest
      schema_name: runtime-image
      resource: "<home>/.local/share/imgdex/catalog.db"
    "#);
    assert_eq!(listed(&home), ["alpha_1", "pandas_23", "zeta"]);
    let list = home.run("metadata list");
    assert_eq!(home.run("metadata list runtime-images"), list);
    assert_eq!(home.run("metadata list -o wide"), list);
    let form = home.run("metadata list --json");
    for same in [
        "metadata list -o json",
        "--json metadata list",
        "metadata --json list",
        "metadata list runtime-images --output json --include-invalid",
    ] {
        assert_eq!(home.run(same), form, "{same}");
    }
}

#[test]
fn the_resource_is_the_path_of_the_catalog() {
    let home = Home::new();
    home.write("r.json", instance("R", "r:1"));
    let created = home
        .run("--catalog team/my.db metadata create --name r --file r.json")
        .ok();
    assert_eq!(
        created.stdout,
        "Metadata instance 'r' for schema 'runtime-image' has been written to: team/my.db\n"
    );
    let listed = json(home.run("--catalog team/my.db metadata list --json"));
    assert_eq!(listed[0]["resource"], "team/my.db");
    assert_eq!(
        json(home.run("metadata list --json")),
        serde_json::json!([])
    );
}

#[test]
fn only_images_of_the_format_that_are_in_use_are_listed() {
    let home = with_images(
        r#"[{"name": "ours", "url": "a:1"},
            {"name": "both", "url": "b:1", "formats": ["primehub", "runtime-images"]},
            {"name": "theirs", "url": "c:1", "formats": ["runtime-images"]},
            {"name": "old", "url": "d:1", "formats": ["runtime-images"]}]"#,
    );
    home.run("images archive old").ok();
    assert_eq!(listed(&home), ["both", "theirs"]);
    home.run("images restore old").ok();
    assert_eq!(listed(&home), ["both", "old", "theirs"]);
    home.run("images delete both --yes").ok();
    assert_eq!(listed(&home), ["old", "theirs"]);
}

#[test]
fn an_image_that_elyra_cannot_have_is_listed_with_the_reason() {
    let home = with_images(
        r#"{"name": "custom", "imageSpec": {"baseImage": "a:1", "packages": {"pip": ["x"]}},
            "formats": ["runtime-images"]}"#,
    );
    insta::assert_snapshot!(home.run("metadata list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Available metadata instances for runtime-images:

    Schema         Instance  Resource
    -------------  --------  -----------------------------------------------------------------------------------------------------------------------------
    runtime-image  custom    <home>/.local/share/imgdex/catalog.db **INVALID** (it has no `url`, and a runtime image needs an image_name)
    ");
    insta::assert_snapshot!(home.run("metadata list --json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"custom","resource":"<home>/.local/share/imgdex/catalog.db","reason":"it has no `url`, and a runtime image needs an image_name"}
    ]
    "#);
}

#[test]
fn entries_that_are_not_valid_are_listed_where_they_are_wanted() {
    let home = with_files(&[
        ("good", &instance("Good", "good:1")),
        ("bad", &instance("Bad", "not a valid image")),
        ("broken", "{"),
        ("list", "[1]"),
    ]);
    home.run("metadata import -d in --include-invalid").ok();
    assert_eq!(listed(&home), ["good"]);
    assert_eq!(
        lines(home.run("metadata list --include-invalid -o name")),
        ["bad", "broken", "good", "list"]
    );
    insta::assert_snapshot!(home.run("metadata list --include-invalid").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Available metadata instances for runtime-images:

    Schema         Instance  Resource
    -------------  --------  -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    runtime-image  bad       <home>/.local/share/imgdex/catalog.db **INVALID** (4:19: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`)
    runtime-image  broken    <home>/.local/share/imgdex/catalog.db **INVALID** (1:2: the input ends inside an object that began at 1:1)
    runtime-image  good      <home>/.local/share/imgdex/catalog.db
    runtime-image  list      <home>/.local/share/imgdex/catalog.db **INVALID** (1:2: a file holds one instance, and no list of them)
    ");
    insta::assert_snapshot!(home.run("metadata list --include-invalid --json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"name":"bad","display_name":"Bad","metadata":{"image_name":"not a valid image"},"schema_name":"runtime-image","resource":"<home>/.local/share/imgdex/catalog.db","reason":"4:19: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`"},
    {"name":"broken","resource":"<home>/.local/share/imgdex/catalog.db","reason":"1:2: the input ends inside an object that began at 1:1"},
    {"name":"good","display_name":"Good","metadata":{"image_name":"good:1"},"schema_name":"runtime-image","resource":"<home>/.local/share/imgdex/catalog.db"},
    {"name":"list","raw":[1],"resource":"<home>/.local/share/imgdex/catalog.db","reason":"1:2: a file holds one instance, and no list of them"}
    ]
    "#);
    insta::assert_snapshot!(home.run("metadata list --include-invalid -o csv").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    Schema,Instance,Resource
    runtime-image,bad,"<home>/.local/share/imgdex/catalog.db **INVALID** (4:19: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`)"
    runtime-image,broken,<home>/.local/share/imgdex/catalog.db **INVALID** (1:2: the input ends inside an object that began at 1:1)
    runtime-image,good,<home>/.local/share/imgdex/catalog.db
    runtime-image,list,"<home>/.local/share/imgdex/catalog.db **INVALID** (1:2: a file holds one instance, and no list of them)"
    "#);
    // They are in no list of images.
    assert_eq!(lines(home.run("images list -o name")), ["good"]);
}

#[test]
fn text_from_outside_reaches_no_terminal_as_it_is() {
    let home = with_files(&[(
        "bad",
        "{\"a\": 1, \"display_name\": \"\\u001b[31mred\\u202e\"}",
    )]);
    home.run("metadata import -d in --include-invalid").ok();
    for form in ["table", "json", "yaml", "csv", "name"] {
        let ran = home
            .run(&format!("metadata list --include-invalid -o {form}"))
            .ok();
        let is_plain = |text: &str| !text.contains(['\u{1b}', '\u{202e}']);
        assert!(is_plain(&ran.stdout), "{form}: {ran:#?}");
    }
}

#[test]
fn an_unknown_format_is_refused_by_name() {
    let home = Home::new();
    for verb in ["list", "export -d x", "import -d x", "remove --name x"] {
        let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        let refused = home
            .run(&format!("metadata {verb} runtime-image {rest}"))
            .fails(2);
        assert_eq!(refused.stdout, "");
        assert!(refused.stderr.contains("runtime-images"), "{refused:#?}");
    }
}
