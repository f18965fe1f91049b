//! `imgdex metadata create`.

use super::*;

#[test]
fn a_runtime_image_is_made_by_flags_as_with_elyra() {
    let home = Home::new();
    insta::assert_snapshot!(run(&home, &CREATE_PANDAS).snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'pandas_23' for schema 'runtime-image' has been written to: <home>/.local/share/imgdex/catalog.db
    ");
    assert_eq!(file_of(&home, "pandas_23"), PANDAS);
    insta::assert_snapshot!(home.run("images get pandas_23 -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "pandas_23",
      "name": "pandas_23",
      "displayName": "Pandas 2.3",
      "description": "Pandas, with Python 3.13",
      "type": "both",
      "url": "amancevice/pandas:2.3.2",
      "urlForGpu": null,
      "useImagePullSecret": null,
      "global": false,
      "groups": [],
      "isReady": null,
      "pullPolicy": "IfNotPresent",
      "tags": [
        "pandas",
        "python"
      ],
      "author": "tester",
      "formats": [
        "runtime-images"
      ],
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1
    }
    "#);
    // With hyphens, the format named, and everywhere else.
    let hyphens = run(
        &home,
        &[
            "metadata",
            "create",
            "runtime-images",
            "--name",
            "again",
            "--display-name=Pandas 2.3",
            "--description=Pandas, with Python 3.13",
            "--image-name",
            "amancevice/pandas:2.3.2",
            "--pull-policy",
            "IfNotPresent",
            "--tags",
            r#"["pandas", "python"]"#,
        ],
    );
    hyphens.ok();
    assert_eq!(file_of(&home, "again"), PANDAS);
}

#[test]
fn the_name_is_made_of_the_display_name() {
    let home = Home::new();
    for (display_name, name) in [
        ("Pandas 2.3", "pandas_23"),
        ("My   GPU\timage", "my_gpu_image"),
        ("3rd image", "a_3rd_image"),
        ("image -", "image_-_0"),
        ("Bild (für R)", "bild_fr_r"),
    ] {
        let arguments = [
            "metadata",
            "create",
            "--display_name",
            display_name,
            "--image_name=a:1",
            "-o",
            "name",
        ];
        assert_eq!(run(&home, &arguments).ok().stdout, format!("{name}\n"));
        assert_eq!(field(&home, name, "displayName"), display_name);
    }
    let mut arguments = CREATE_PANDAS;
    arguments[3] = "画像";
    insta::assert_snapshot!(run(&home, &arguments).snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: no name can be made of the display name `画像`: give one with `--name`
    ");
}

#[test]
fn a_whole_instance_is_taken_from_a_file_or_from_the_command_line() {
    let home = Home::new();
    home.write("pandas.json", PANDAS);
    home.run("metadata create --name one --file pandas.json")
        .ok();
    assert_eq!(file_of(&home, "one"), PANDAS);
    run(
        &home,
        &["metadata", "create", "--name", "two", "--json", PANDAS],
    )
    .ok();
    assert_eq!(file_of(&home, "two"), PANDAS);
    // The name is made of the display name here too, and the schema is known.
    let short = r#"{"display_name": "R", "metadata": {"image_name": "r:1"}}"#;
    insta::assert_snapshot!(run(&home, &["metadata", "create", "--json", short]).snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Metadata instance 'r' for schema 'runtime-image' has been written to: <home>/.local/share/imgdex/catalog.db
    ");
    assert_eq!(file_of(&home, "r"), instance("R", "r:1"));
    // Flags win over what the instance has.
    let more = [
        "metadata",
        "create",
        "--json",
        short,
        "--display_name=S",
        "--image_name=s:2",
    ];
    run(&home, &more).ok();
    assert_eq!(file_of(&home, "s"), instance("S", "s:2"));
    home.run("metadata create --name x --json {} --file pandas.json")
        .fails(2);
    assert_eq!(listed(&home), ["one", "r", "s", "two"]);
}

#[test]
fn what_was_written_is_printed_in_the_form_that_is_asked_for() {
    let home = Home::new();
    let short = r#"{"display_name": "R", "metadata": {"image_name": "r:1"}}"#;
    let create = |name: &str, form: &[&str]| {
        let mut arguments = vec!["metadata", "create", "--name", name, "--json", short];
        arguments.extend(form);
        run(&home, &arguments).ok()
    };
    assert_eq!(
        create("one", &["-o", "json"]).stdout,
        format!("{}\n", instance("R", "r:1"))
    );
    insta::assert_snapshot!(create("two", &["--output=yaml"]).snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    display_name: R
    metadata:
      image_name: r:1
    schema_name: runtime-image
    ");
    assert_eq!(create("three", &["-o", "name"]).stdout, "three\n");
    let updated = home
        .run("metadata update --name one --image_name r:2 -o json")
        .ok();
    assert_eq!(updated.stdout, format!("{}\n", instance("R", "r:2")));
    // `--json` means the instance in these two commands alone.
    home.run("metadata list --json").ok();
    home.run("metadata create --name four --json").fails(2);
}

#[test]
fn every_fault_of_an_instance_is_told_at_once() {
    let home = Home::new();
    let create = |arguments: &[&str]| {
        let ran = run(&home, &[&["metadata", "create"], arguments].concat()).fails(2);
        assert_eq!(ran.stdout, "");
        ran.snapshot(&home)
    };
    insta::assert_snapshot!(create(&[]), @r"
    exit code: 2
    ----- stderr -----
    error: a runtime image needs a display name and an image name
    hint: give `--display_name TEXT --image_name REF`, or a whole instance with `--file` or `--json`
    ");
    insta::assert_snapshot!(create(&["--name", "x"]), @r"
    exit code: 2
    ----- stderr -----
    error: a runtime image needs a display name and an image name
    hint: give `--display_name TEXT --image_name REF`, or a whole instance with `--file` or `--json`
    ");
    insta::assert_snapshot!(create(&["--name", "x", "--display_name", "X"]), @r"
    exit code: 2
    ----- stderr -----
    error: runtime image `x` cannot be created; nothing was written
    <arguments>: metadata.image_name: image_name is required
    ");
    insta::assert_snapshot!(create(&["--name", "x", "--image_name", "x:1"]), @r"
    exit code: 2
    ----- stderr -----
    error: runtime image `x` cannot be created; nothing was written
    <arguments>: display_name: display_name is required
    ");
    insta::assert_snapshot!(create(&[
        "--name", "X.y", "--display_name", "", "--image_name", "not a valid image",
        "--pull_policy", "Sometimes", "--pull_secret", "A_b", "--tags", "[\" x\", 1]",
    ]), @r"
    exit code: 2
    ----- stderr -----
    error: runtime image `X.y` cannot be created; nothing was written
    <arguments>: display_name: display_name should not be empty
    <arguments>: metadata.pull_policy: pull_policy should be one of ['Always', 'IfNotPresent', 'Never'], but is `Sometimes`
    <arguments>: metadata.pull_secret: pull_secret should be the name of a Kubernetes secret: 2 to 253 lower case alphanumeric characters, '-' or '.', starting and ending with an alphanumeric character, but is `A_b`
    <arguments>: name: [name] should be lower case alphanumeric characters, '-' or '_', start with a letter and end with an alphanumeric character, but is `X.y`; the nearest allowed name is `x-y`
    <arguments>: metadata.image_name: `not a valid image` is not an image reference: repository path `not a valid image`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-`
    <arguments>:1:2: metadata.tags[0]: a tag should have no white space at its ends, but is ` x`
    <arguments>:1:8: metadata.tags[1]: tags should hold strings, but this is a number
    ");
    insta::assert_snapshot!(create(&["--json", "{\"display_name\": \"X\",\n \"metadata\": 1}"]), @r"
    exit code: 2
    ----- stderr -----
    error: the runtime image cannot be created; nothing was written
    --json:2:14: metadata: metadata should be an object, but is a number
    ");
    insta::assert_snapshot!(create(&["--json", "{\"display_name\": \"X\", \"display_name\": \"Y\"}"]), @r"
    exit code: 2
    ----- stderr -----
    error: the instance cannot be read
    --json:1:23: display_name: duplicate key `display_name`, first at 1:2
    ");
    insta::assert_snapshot!(create(&["--json", "[]"]), @r"
    exit code: 2
    ----- stderr -----
    error: the instance cannot be read
    --json: there is nothing in it
    ");
    insta::assert_snapshot!(create(&["--json", ""]), @r"
    exit code: 2
    ----- stderr -----
    error: the instance cannot be read
    --json: there is nothing in it
    ");
    insta::assert_snapshot!(create(&["--json", "{} {}"]), @r"
    exit code: 2
    ----- stderr -----
    error: the instance cannot be read
    --json: it should be one instance, and no list of them
    ");
    insta::assert_snapshot!(create(&["--display_name", "X", "--image_name=x", "--tags", "[x"]), @r#"
    exit code: 2
    ----- stderr -----
    error: `--tags` is not a JSON list: 1:2: [0]: expected a value, found `x`: a string needs double quotes
    hint: write them as `--tags a,b` or `--tags '["a", "b"]'`
    "#);
    home.write(
        "x.json",
        "{\n  \"display_name\": 5,\n  \"schema_name\": \"kernel\"\n}\n",
    );
    insta::assert_snapshot!(create(&["--file", "x.json"]), @r"
    exit code: 2
    ----- stderr -----
    error: the runtime image cannot be created; nothing was written
    x.json:1:1: metadata: metadata is required
    x.json:2:19: display_name: display_name should be a string, but is a number
    x.json:3:18: schema_name: schema_name should be `runtime-image`, but is `kernel`
    ");
    let digest = format!("a@sha512:{}", "a".repeat(128));
    let refused = create(&["--display_name", "X", "--image_name", &digest]);
    assert!(refused.contains("sha256"), "{refused}");
    run(&home, &["metadata", "create", "--file", "missing.json"]).fails(4);
    assert!(!home.catalog().exists(), "nothing was written");
}

#[test]
fn a_name_that_exists_is_refused_whoever_has_it() {
    let home = with_images(r#"{"name": "ours", "url": "a:1"}"#);
    run(&home, &CREATE_PANDAS).ok();
    let ran = run(&home, &CREATE_PANDAS).fails(12);
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: image `pandas_23` already exists
    hint: change it with `imgdex metadata update runtime-images --name pandas_23`, or give another `--name`
    ");
    home.run("metadata create --name ours --display_name O --image_name o:1")
        .fails(12);
    home.write("in/broken.json", "{");
    home.run("metadata import -d in --include-invalid").ok();
    let ran = home.run("metadata create --name broken --display_name O --image_name o:1");
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: an entry `broken` that is not valid is kept already
    hint: remove it with `imgdex metadata remove runtime-images --name broken`
    ");
    home.run("metadata duplicate --name pandas_23 --new broken")
        .fails(12);
    assert_eq!(listed(&home), ["pandas_23"]);
}

#[test]
fn entries_of_other_formats_are_not_made_here() {
    let home = Home::new();
    for verb in ["create", "update --name x"] {
        let (verb, rest) = verb.split_once(' ').unwrap_or((verb, ""));
        let ran = home.run(&format!("metadata {verb} primehub {rest} --image_name a:1"));
        ran.fails(2);
    }
    insta::assert_snapshot!(home.run("metadata create primehub --image_name a:1").snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    error: entries of `primehub` are not made one by one here
    hint: make the image with `imgdex images create` and `"formats": ["primehub"]`, or import its file with `imgdex metadata import primehub`
    "#);
}
