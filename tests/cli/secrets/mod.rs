//! `imgdex secrets`: descriptions in the catalog, values elsewhere.

mod keepers;
mod values;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64::Engine;
use serde_json::{Value, json};

use crate::support::Home;
use crate::{json, lines};

/// A value that must turn up nowhere but where values are kept.
const CANARY: &str = "canary-7f3a9c";

const QUAY: &str = "secrets create --name quay --display-name Quay --type kubernetes \
                    --registry-host quay.io --username team+puller --password-stdin";

fn home() -> Home {
    let home = Home::new();
    home.pipe(format!("{CANARY}\n"), QUAY).ok();
    home
}

#[test]
fn a_secret_is_created_by_flags_and_its_value_kept_in_a_file() {
    let home = Home::new();
    insta::assert_snapshot!(home.pipe(CANARY, QUAY).snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  image-quay
    ----- stderr -----
    warning: the value is kept in `<home>/.local/share/imgdex/secrets.json`, readable by you alone but not encrypted; `helper` in `[secrets]` of the config file names a credential helper instead
    ");
    insta::assert_snapshot!(home.run("secrets get image-quay").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:            image-quay
    name:          quay
    displayName:   Quay
    type:          kubernetes
    registryHost:  quay.io
    username:      team+puller
    ");
    insta::assert_snapshot!(home.run("secrets get image-quay -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": "image-quay",
      "name": "quay",
      "displayName": "Quay",
      "type": "kubernetes",
      "registryHost": "quay.io",
      "username": "team+puller",
      "keptIn": "file"
    }
    "#);
    let path = home.path().join(".local/share/imgdex/secrets.json");
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    let kept: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    let id = json(home.run("catalog info -o json"))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert!(
        kept.to_string().contains(&id),
        "filed under the catalog's id"
    );
    assert_eq!(kept["catalogs"][&id]["image-quay"], CANARY);
}

#[test]
fn a_secret_is_created_by_json_or_yaml_too() {
    let home = Home::new();
    let text = format!(
        "{{\"name\": \"quay\", \"registryHost\": \"quay.io\", \"username\": \"me\", \"password\": \"{CANARY}\"}}"
    );
    let ran = home.pipe(text, "secrets create").ok();
    assert_eq!(ran.stdout, "id:  image-quay\n");
    home.write("git.yaml", "name: git\ntype: opaque\ndisplayName: Git\n");
    insta::assert_snapshot!(home.run("secrets create -f git.yaml").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:  gitsync-secret-git
    ----- stderr -----
    hint: no value is kept for `gitsync-secret-git`; set it with `imgdex secrets update gitsync-secret-git --password-stdin`
    ");
    assert_eq!(
        lines(home.run("secrets list -o name")),
        ["image-quay", "gitsync-secret-git"]
    );
    let ran = home.run("secrets create").fails(2);
    assert!(
        ran.stderr
            .starts_with("The configuration is required.\n\nExample:\n{"),
        "{ran:?}"
    );
    let kept = home.run("secrets export image-quay --format kubernetes --reveal -o json");
    assert!(json(kept)["data"][".dockerconfigjson"].is_string());
}

#[test]
fn secrets_are_printed_in_every_form_without_their_values() {
    let home = home();
    home.pipe(
        "{\"name\": \"git\", \"type\": \"opaque\"}",
        "secrets create",
    )
    .ok();
    insta::assert_snapshot!(home.run("secrets list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id                  name  displayName  type        registryHost  username
    ------------------  ----  -----------  ----------  ------------  -----------
    image-quay          quay  Quay         kubernetes  quay.io       team+puller
    gitsync-secret-git  git   git          opaque
    ");
    insta::assert_snapshot!(home.run("secrets list -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"id":"image-quay","name":"quay","displayName":"Quay","type":"kubernetes","registryHost":"quay.io","username":"team+puller","keptIn":"file"},
    {"id":"gitsync-secret-git","name":"git","displayName":"git","type":"opaque","registryHost":null,"username":null,"keptIn":null}
    ]
    "#);
    insta::assert_snapshot!(home.run("secrets list -o yaml").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    - id: image-quay
      name: quay
      displayName: Quay
      type: kubernetes
      registryHost: quay.io
      username: "team+puller"
      keptIn: file
    - id: gitsync-secret-git
      name: git
      displayName: git
      type: opaque
      registryHost: null
      username: null
      keptIn: null
    "#);
    insta::assert_snapshot!(home.run("secrets list -o csv").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id,name,displayName,type,registryHost,username
    image-quay,quay,Quay,kubernetes,quay.io,team+puller
    gitsync-secret-git,git,git,opaque,,
    ");
    insta::assert_snapshot!(home.run("secrets list -o name").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    image-quay
    gitsync-secret-git
    ");
    let empty = Home::new();
    insta::assert_snapshot!(empty.run("secrets list").snapshot(&empty), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName  type  registryHost  username
    ");
    assert_eq!(empty.run("secrets list -o json").ok().stdout, "[]\n");
}

#[test]
fn an_update_changes_the_description_the_value_or_both() {
    let home = home();
    home.pipe(
        "{\"displayName\": \"New\", \"username\": null}",
        "secrets update image-quay",
    )
    .ok();
    let secret = json(home.run("secrets get image-quay -o json"));
    assert_eq!(
        (
            &secret["displayName"],
            &secret["username"],
            &secret["registryHost"]
        ),
        (&json!("New"), &Value::Null, &json!("quay.io"))
    );
    home.run("secrets update image-quay --username other").ok();
    assert_eq!(
        json(home.run("secrets get image-quay -o json"))["username"],
        "other"
    );
    home.pipe("second", "secrets update image-quay --password-stdin")
        .ok();
    let secret = home
        .run("secrets export image-quay --format kubernetes --reveal")
        .ok()
        .stdout;
    assert!(!secret.contains(&base64::engine::general_purpose::STANDARD.encode(CANARY)));
    let ran = home
        .pipe("{\"displayName\": \"New\"}", "secrets update image-quay")
        .ok();
    assert!(ran.stderr.contains("nothing changed"), "{ran:?}");
    insta::assert_snapshot!(home.run("secrets update image-gone --username x").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: secret `image-gone` does not exist
    hint: did you mean `image-quay`?
    ");
}

#[test]
fn bad_secrets_are_refused() {
    let told: Vec<String> = [
        "{\"displayName\": \"x\"}",
        "{\"name\": \"A\"}",
        "{\"name\": \"a\", \"type\": \"docker\"}",
        "{\"name\": \"a\", \"registryhost\": \"x\"}",
        "{\"name\": \"a\", \"username\": 1}",
        "{\"name\": \"a\", \"registryHost\": \"https://me:pass@quay.io\"}",
        "[{\"name\": \"a\"}, {\"name\": \"b\"}]",
        "7",
    ]
    .into_iter()
    .map(|text| {
        let home = Home::new();
        let ran = home.pipe(text, "secrets create").fails(2);
        assert!(lines(home.run("secrets list -o name")).is_empty());
        ran.stderr
    })
    .collect();
    insta::assert_snapshot!(told.concat(), @r"
    error: the secret is not valid; nothing was written
    <stdin>:1:1: name: name is required
    error: the secret is not valid; nothing was written
    <stdin>:1:10: name: [name] should be lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, but is `A`
    error: the secret is not valid; nothing was written
    <stdin>:1:23: type: type should be one of ['kubernetes', 'opaque'], but is `docker`
    error: the secret is not valid; nothing was written
    <stdin>:1:15: registryhost: unknown field; did you mean `registryHost`?
    error: the secret is not valid; nothing was written
    <stdin>:1:27: username: username should be a string, but is a number
    error: the secret is not valid; nothing was written
    <stdin>:1:31: registryHost: registryHost should hold no user name or password
    error: `<stdin>` holds more than one secret; give them one by one
    error: the secret cannot be read
    <stdin>:1:1: this is not JSON or YAML of one secret; what stands here is not shown, as it may be the value
    ");
    let home = home();
    insta::assert_snapshot!(home.pipe(CANARY, QUAY).snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: secret `image-quay` already exists
    hint: change it with `imgdex secrets update image-quay`
    ");
}

#[test]
fn a_secret_in_use_stays_and_a_deleted_one_is_forgotten_with_its_value() {
    let home = home();
    home.pipe(
        "{\"name\": \"a\", \"useImagePullSecret\": \"image-quay\"}",
        "images create",
    )
    .ok();
    insta::assert_snapshot!(home.run("secrets delete image-quay").snapshot(&home), @r#"
    exit code: 11
    ----- stderr -----
    error: secret `image-quay` is used by image `a`
    hint: take it from them first: `echo '{"useImagePullSecret":null}' | imgdex images update IMAGE`, then `imgdex secrets delete image-quay`
    "#);
    home.run("images delete a").ok();
    insta::assert_snapshot!(home.run("secrets delete image-quay").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    deleted `image-quay`
    ");
    let kept =
        fs::read_to_string(home.path().join(".local/share/imgdex/secrets.json")).expect("readable");
    assert!(!kept.contains(CANARY), "{kept}");
    home.run("secrets delete image-quay").fails(4);
}

#[test]
fn a_secret_that_cannot_be_read_is_not_quoted() {
    let home = Home::new();
    let mut told = String::new();
    for text in [
        "{\"name\": \"q\", \"password\": hunter2}",
        "{\"name\": \"q\", \"password\": \"hunter2\"\"}",
        "{\"name\": \"q\", \"password\": \"\\hunter2\"}",
        "{\"name\": \"q\", \"password\": \"a\", \"password\": \"hunter2\"}",
        "name: q\npassword: *hunter2\n",
        "name: q\npassword: 'a' hunter2\n",
        "hunter2",
        "\"hunter2\"",
        "{\"name\": \"q\", \"pasword\": \"hunter2\"}",
        "{\"name\": \"q\", \"password\": [\"hunter2\"]}",
        "{\"name\": \"q\", \"password\": {\"value\": \"hunter2\"}}",
        "{\"name\": \"q\", \"password\": \"a\"} hunter2",
    ] {
        for output in ["table", "json"] {
            let ran = home
                .pipe(text, &format!("secrets create -o {output}"))
                .fails(2);
            told.push_str(&ran.stderr);
        }
    }
    assert!(!told.contains("unter2"), "{told}");
    let text = "{\"name\": \"q\",\n \"password\": hunter2}";
    insta::assert_snapshot!(home.pipe(text, "secrets create").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the secret cannot be read
    <stdin>:2:14: this is not JSON or YAML of one secret; what stands here is not shown, as it may be the value
    ");
    assert!(!home.catalog().exists());
}
