//! Custom images: `imageSpec` and `jobStatus`.

use serde_json::{Value, json};

use crate::support::Home;
use crate::{field, json};

fn spec(spec: Value) -> String {
    json!({"name": "custom", "global": true, "imageSpec": spec}).to_string()
}

#[test]
fn a_custom_image_is_kept_not_ready_and_says_what_is_missing_to_build_it() {
    let home = Home::new();
    let text = spec(json!({
        "baseImage": "jupyter/base-notebook:latest",
        "packages": {"apt": ["curl"], "conda": ["numpy=1.26"], "pip": ["torch==2.1", "x[y]>=1"]},
    }));
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  custom
    ----- stderr -----
    hint: `custom` is to be built, but no build target is configured: set `push-prefix` in `[build]` of the config file
    ");
    insta::assert_snapshot!(home.run("images get custom -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "custom",
      "name": "custom",
      "displayName": "custom",
      "description": null,
      "type": "both",
      "url": null,
      "urlForGpu": null,
      "useImagePullSecret": null,
      "global": true,
      "groups": [],
      "isReady": false,
      "imageSpec": {
        "baseImage": "jupyter/base-notebook:latest",
        "packages": {
          "apt": [
            "curl"
          ],
          "conda": [
            "numpy=1.26"
          ],
          "pip": [
            "torch==2.1",
            "x[y]>=1"
          ]
        }
      },
      "author": "tester",
      "formats": [
        "primehub"
      ],
      "createdAt": "<time>",
      "updatedAt": "<time>",
      "revision": 1
    }
    "#);
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id      name    displayName  description  type  isReady
    ------  ------  -----------  -----------  ----  -------
    custom  custom  custom                    both  False
    ");
    home.write(
        ".config/imgdex/config.toml",
        "[build]\npush-prefix = \"registry.example.com/custom\"\n",
    );
    let text = r#"{"name": "other", "global": true, "imageSpec": {"baseImage": "a", "packages": {"pip": ["b"]}}}"#;
    assert_eq!(
        home.pipe(text, "images create").ok().stderr,
        "",
        "there is a target"
    );
}

#[test]
fn a_bad_specification_is_refused_with_the_rule() {
    let check = |value: Value| {
        let home = Home::new();
        let ran = home.pipe(value.to_string(), "images create").fails(2);
        assert!(!home.catalog().exists());
        ran.stderr
    };
    let name = "custom";
    let good = json!({"baseImage": "a", "packages": {"pip": ["b"]}});
    let told: Vec<String> = [
        json!({"name": name, "url": "quay.io/a/b", "imageSpec": good}),
        json!({"name": name, "urlForGpu": "quay.io/a/b", "imageSpec": good}),
        json!({"name": name, "imageSpec": {}}),
        json!({"name": name, "imageSpec": {"packages": {"pip": ["b"]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "", "packages": {"pip": ["b"]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "A B", "packages": {"pip": ["b"]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a"}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"pip": []}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": null}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": ["b"]}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"pip": "b"}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"pip": [1]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"pip": ["b", ""]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"npm": ["b"]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "packages": {"pip": ["b"], "cargo": ["c"]}}}),
        json!({"name": name, "imageSpec": {"baseImage": "a", "pullSecret": "image-x", "packages": {"pip": ["b"]}}}),
    ]
    .into_iter()
    .map(|value| {
        if value["imageSpec"]["pullSecret"].is_null() {
            check(value)
        } else {
            Home::new().pipe(value.to_string(), "images create").fails(2).stderr
        }
    })
    .collect();
    insta::assert_snapshot!(told.concat(), @r"
    error: the image cannot be created; nothing was written
    <stdin>:1:50: imageSpec: imageSpec cannot use with url and urlForGpu (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:56: imageSpec: imageSpec cannot use with url and urlForGpu (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:30: imageSpec.baseImage: Invalid imageSpec: baseImage is required (item 1, `custom`)
    <stdin>:1:30: imageSpec.packages: Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:30: imageSpec.baseImage: Invalid imageSpec: baseImage is required (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:43: imageSpec.baseImage: Invalid imageSpec: baseImage is required (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:43: imageSpec.baseImage: `A B` is not an image reference: repository path `A B`: only lower-case ASCII letters and digits between slashes, joined by `.`, `_`, `__` or any number of `-` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:30: imageSpec.packages: Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:58: imageSpec.packages: Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:58: imageSpec.packages: Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:58: imageSpec.packages: Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:58: imageSpec.packages: packages should be an object, but is a list (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:65: imageSpec.packages.pip: Invalid imageSpec: packages values should be a list, but `pip` is a string (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:66: imageSpec.packages.pip[0]: Invalid imageSpec: packages values should be a list of strings, but this is a number (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:70: imageSpec.packages.pip[1]: a package is a name with or without a version, not `` (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:59: imageSpec.packages.npm: `npm` is not a package manager that can be used: apt, conda, pip (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:71: imageSpec.packages.cargo: `cargo` is not a package manager that can be used: apt, conda, pip (item 1, `custom`)
    error: the image cannot be created; nothing was written
    <stdin>:1:60: imageSpec.pullSecret: secret `image-x` does not exist; make it with `imgdex secrets create` (item 1, `custom`)
    ");
}

#[test]
fn a_package_with_a_login_is_refused_and_not_told() {
    let home = Home::new();
    let image = |package: &str| {
        let packages = json!({"apt": ["curl"], "pip": ["b", package]});
        spec(json!({"baseImage": "a", "packages": packages}))
    };
    home.pipe(image("c @ https://host/c@1.whl"), "images create")
        .ok();
    let login = "c @ https://user:hunter2@host/c.whl";
    let patch = json!({"imageSpec": {"packages": {"pip": [login]}}}).to_string();
    let resource = format!(
        "apiVersion: primehub.io/v1alpha1\nkind: Image\nmetadata: {{name: other}}\nspec:\n  \
         imageSpec: {{baseImage: a, packages: {{pip: ['{login}'], apt: [e2fsprogs-]}}}}\n"
    );
    home.write("files/other.yaml", resource);
    home.write("applied/custom.json", image(login));
    let told = [
        home.pipe(image(login), "images create").fails(2),
        home.pipe(patch, "images update custom").fails(2),
        home.run("apply -f applied").fails(2),
        home.run("metadata import primehub -d files").fails(3),
        home.run("metadata validate primehub files").fails(2),
    ];
    let told: String = told
        .iter()
        .flat_map(|ran| [ran.stdout.as_str(), ran.stderr.as_str()])
        .collect();
    assert!(!told.contains("hunter2"), "{told}");
    insta::assert_snapshot!(told, @r"
    error: the image cannot be created; nothing was written
    <stdin>:1:99: imageSpec.packages.pip[1]: a package should have no user name, password or token in its URL: give them to pip with `imgdex images build --secret id=pip,src=FILE` (item 1, `custom`)
    error: image `custom` cannot be updated; nothing was written
    <stdin>:1:34: imageSpec.packages.pip[0]: a package should have no user name, password or token in its URL: give them to pip with `imgdex images build --secret id=pip,src=FILE` (item 1, `custom`)
    error: the documents cannot be applied; nothing was written
    applied/custom.json:1:99: imageSpec.packages.pip[1]: a package should have no user name, password or token in its URL: give them to pip with `imgdex images build --secret id=pip,src=FILE` (item 1, `custom`)
    Imported 0 instances
    1 instance could not be imported

    The following files could not be imported:
    File        Reason
    ----------  ----------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------
    other.yaml  5:46: spec.imageSpec.packages.pip[0]: a package should have no user name, password or token in its URL: give them to pip with `imgdex images build --secret id=pip,src=FILE`; 5:92: spec.imageSpec.packages.apt[0]: a package of apt should not end in `-`, which removes one instead, but is `e2fsprogs-`
    hint: correct the files and import again; `--include-invalid` keeps entries as they came
    error: 2 faults in 1 of 1 file
    files/other.yaml:5:46: spec.imageSpec.packages.pip[0]: a package should have no user name, password or token in its URL: give them to pip with `imgdex images build --secret id=pip,src=FILE`
    files/other.yaml:5:92: spec.imageSpec.packages.apt[0]: a package of apt should not end in `-`, which removes one instead, but is `e2fsprogs-`
    ");
    for entry in std::fs::read_dir(home.catalog().parent().expect("a folder")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let is_there = bytes.windows(7).any(|part| part == b"hunter2");
        assert!(!is_there, "{}", path.display());
    }
}

#[test]
fn more_packages_than_a_program_can_be_told_are_refused() {
    let home = Home::new();
    let package = "x".repeat(50);
    let packages = json!({"apt": ["curl"], "pip": vec![package; 20_000]});
    let text = spec(json!({"baseImage": "a", "packages": packages}));
    insta::assert_snapshot!(home.pipe(text, "images create").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the image cannot be created; nothing was written
    <stdin>:1:94: imageSpec.packages.pip: the packages of pip should be 1 MiB together at most (9 bytes for each beside its text), but are 1180000 bytes (item 1, `custom`)
    ");
}

#[test]
fn a_built_image_shows_both_and_is_accepted_back() {
    let home = Home::new();
    let built = json!({
        "name": "custom", "global": true, "url": "registry.example.com/custom:1", "isReady": true,
        "imageSpec": {"baseImage": "a", "packages": {"pip": ["b"]}},
        "jobStatus": {"phase": "Succeeded"},
    });
    home.pipe(built.to_string(), "images create").ok();
    assert_eq!(
        field(&home, "custom", "jobStatus"),
        json!({"phase": "Succeeded"})
    );
    assert_eq!(field(&home, "custom", "isReady"), true);
    for phase in ["Failed", "Running", "Pending", "Cancelled"] {
        let mut other = built.clone();
        other["name"] = "other".into();
        other["jobStatus"]["phase"] = phase.into();
        home.pipe(other.to_string(), "images create").fails(2);
    }
}

#[test]
fn a_specification_is_merged_and_cleared_by_updates() {
    let home = Home::new();
    let text = spec(json!({"baseImage": "a", "packages": {"pip": ["b"], "apt": ["c"]}, "mine": 1}));
    home.pipe(text, "images create").ok();
    home.pipe(
        "{\"imageSpec\": {\"packages\": {\"apt\": null, \"pip\": [\"d\"]}}}",
        "images update custom",
    )
    .ok();
    let expected = json!({"baseImage": "a", "packages": {"pip": ["d"]}, "mine": 1});
    assert_eq!(field(&home, "custom", "imageSpec"), expected);
    home.pipe(
        "{\"imageSpec\": {\"packages\": {\"pip\": null}}}",
        "images update custom",
    )
    .fails(2);
    home.pipe("{\"url\": \"quay.io/a/b\"}", "images update custom")
        .fails(2);
    home.pipe(
        "{\"imageSpec\": null, \"url\": \"quay.io/a/b\"}",
        "images update custom",
    )
    .ok();
    let image = json(home.run("images get custom -o json"));
    assert_eq!(
        (&image["imageSpec"], &image["isReady"]),
        (&Value::Null, &Value::Null)
    );
}
