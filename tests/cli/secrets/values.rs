//! Where the values of secrets are, and where they never are.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::{CANARY, QUAY, home};
use crate::support::Home;
use crate::{json, lines};

#[test]
fn a_value_is_nowhere_but_where_values_are_kept() {
    let home = home();
    // A reader keeps the log of writes from being folded into the catalog.
    let reader = Connection::open(home.catalog()).expect("a database");
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM images")
        .expect("read");
    home.pipe(
        "{\"name\": \"a\", \"useImagePullSecret\": \"image-quay\"}",
        "images create",
    )
    .ok();
    home.pipe(
        format!("new-{CANARY}"),
        "secrets update image-quay --password-stdin",
    )
    .ok();
    let text = |name: &str| {
        format!("{{\"name\": \"{name}\", \"type\": \"kuberntes\", \"password\": \"{CANARY}\"}}")
    };
    let mut told = String::new();
    for ran in [
        home.pipe(text("bad"), "secrets create"),
        home.pipe(text("bad"), "secrets create -o json"),
        home.pipe(
            format!("{{\"name\": \"bad\", \"password\": [\"{CANARY}\"]}}"),
            "secrets create",
        ),
        home.pipe(
            format!("{{\"name\": \"bad\", \"password\": \"{CANARY}\""),
            "secrets create",
        ),
        home.pipe(
            format!(
                "{{\"name\": \"bad\", \"password\": \"{CANARY}\", \"password\": \"{CANARY}\"}}"
            ),
            "secrets create",
        ),
        home.pipe(
            format!("name: bad\npassword: {CANARY}\n bad: x\n"),
            "secrets create",
        ),
        home.pipe(
            format!("{{\"name\": \"quay\", \"password\": \"{CANARY}\"}}"),
            "secrets create",
        ),
        home.pipe(
            format!("{{\"kind\": \"secret\", \"name\": \"b\", \"password\": \"{CANARY}\"}}"),
            "apply -f -",
        ),
        home.pipe(
            format!("{{\"kind\": \"secret\", \"name\": \"b\", \"password\": \"{CANARY}\"}}"),
            "diff -f -",
        ),
        home.run(&format!("secrets create --name b --password {CANARY}")),
        home.run(&format!("secrets create --name b --password={CANARY}")),
        home.run(&format!("secrets update image-quay --password {CANARY}")),
        home.run("secrets export image-quay --format kubernetes"),
    ] {
        assert_ne!(ran.code, 0, "{ran:?}");
        told.push_str(&ran.stdout);
        told.push_str(&ran.stderr);
    }
    for arguments in [
        "secrets list -o json",
        "secrets list -o wide",
        "secrets get image-quay -o yaml",
        "secrets get image-quay -o csv",
        "images list -o json",
        "images history a -o json",
        "catalog info",
        "catalog check -v",
        "doctor",
        "config show",
        "catalog backup copy.db",
        "-v secrets list",
    ] {
        let ran = home.run(arguments);
        told.push_str(&ran.stdout);
        told.push_str(&ran.stderr);
    }
    home.run("secrets get image-quay").ok();
    assert!(!told.contains(CANARY), "{told}");
    let folder = home.path().join(".local/share/imgdex");
    let mut files = vec![home.path().join("copy.db")];
    for entry in fs::read_dir(folder).expect("a folder") {
        files.push(entry.expect("an entry").path());
    }
    assert!(
        files.iter().any(|path| path.ends_with("catalog.db-wal")),
        "{files:?}"
    );
    for path in files {
        if path.file_name().is_some_and(|name| name != "secrets.json") {
            let bytes = fs::read(&path).expect("readable");
            assert!(
                !bytes
                    .windows(CANARY.len())
                    .any(|part| part == CANARY.as_bytes()),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn a_value_on_the_command_line_is_refused_with_the_way_to_give_it() {
    let home = Home::new();
    let ran = home.run(&format!("secrets create --name quay --password {CANARY}"));
    insta::assert_snapshot!(ran.snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    error: `--password` would show the value to everybody on this machine
    hint: pipe it: `echo "$TOKEN" | imgdex secrets create --name NAME --password-stdin`
    "#);
    assert!(!home.catalog().exists());
    home.pipe("", "secrets create --name quay --password-stdin")
        .fails(2);
    home.pipe("\n", "secrets create --name quay --password-stdin")
        .fails(2);
    assert!(lines(home.run("secrets list -o name")).is_empty());
}

#[test]
fn an_export_needs_reveal_and_decodes_to_docker_s_configuration() {
    let home = home();
    insta::assert_snapshot!(home.run("secrets export image-quay --format kubernetes").snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: a Kubernetes Secret holds the value of `image-quay`
    hint: say that it is to be printed with `--reveal`, and pipe it to where it goes
    ");
    let secret = json(home.run("secrets export image-quay --format kubernetes --reveal -o json"));
    assert_eq!(secret["apiVersion"], "v1");
    assert_eq!(secret["kind"], "Secret");
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(secret["metadata"]["name"], "quay");
    let decode = |text: &Value| {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text.as_str().expect("text"))
            .expect("base64");
        String::from_utf8(bytes).expect("text")
    };
    let config: Value =
        serde_json::from_str(&decode(&secret["data"][".dockerconfigjson"])).expect("JSON");
    let entry = &config["auths"]["quay.io"];
    assert_eq!(
        (&entry["username"], &entry["password"]),
        (&json!("team+puller"), &json!(CANARY))
    );
    assert_eq!(decode(&entry["auth"]), format!("team+puller:{CANARY}"));
    let yaml = home
        .run("secrets export image-quay --format kubernetes --reveal")
        .ok()
        .stdout;
    assert!(
        yaml.contains("kind: Secret\n") && !yaml.contains(CANARY),
        "{yaml}"
    );
    home.pipe("{\"name\": \"empty\"}", "secrets create").ok();
    insta::assert_snapshot!(home.run("secrets export image-empty --format kubernetes --reveal").snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: the value of secret `image-empty` is not kept on this machine
    hint: set it with `imgdex secrets update image-empty --password-stdin`
    ");
    home.run("secrets export image-gone --format kubernetes --reveal")
        .fails(4);
    home.run("secrets export image-quay --reveal").fails(2);
}

#[test]
fn two_catalogs_keep_their_values_apart() {
    let home = home();
    home.pipe("other", &format!("--catalog other.db {QUAY}"))
        .ok();
    let value = |arguments: &str| {
        let secret = json(home.run(&format!(
            "{arguments} secrets export image-quay --format kubernetes --reveal -o json"
        )));
        let text = secret["data"][".dockerconfigjson"]
            .as_str()
            .expect("text")
            .to_owned();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("base64");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")["auths"]["quay.io"]["password"]
            .clone()
    };
    assert_eq!(value(""), CANARY);
    assert_eq!(value("--catalog other.db"), "other");
}

/// Puts a credential helper that keeps its input and arguments into a folder of
/// PATH, and names it in the config file.
pub fn with_helper() -> (Home, String) {
    let home = Home::new();
    let script = "#!/bin/sh\n\
                  printf '%s\\n' \"$@\" >> \"$HOME/argv\"\n\
                  case \"$1\" in\n\
                  store) cat > \"$HOME/stored\" ;;\n\
                  get) cat > /dev/null; if [ -f \"$HOME/stored\" ]; then cat \"$HOME/stored\"; else echo 'credentials not found in native keychain'; exit 1; fi ;;\n\
                  erase) cat > /dev/null; rm -f \"$HOME/stored\" ;;\n\
                  esac\n";
    home.write("bin/docker-credential-test", script);
    let path = home.path().join("bin/docker-credential-test");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    home.write(
        ".config/imgdex/config.toml",
        "[secrets]\nhelper = \"test\"\n",
    );
    let path = format!(
        "{}:{}",
        home.path().join("bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    (home, path)
}

#[test]
fn a_credential_helper_gets_the_value_on_its_standard_input() {
    let (home, path) = with_helper();
    home.call(QUAY).stdin(CANARY).env("PATH", &path).run().ok();
    let stored: Value =
        serde_json::from_slice(&fs::read(home.path().join("stored")).expect("stored"))
            .expect("JSON");
    assert_eq!(stored["Secret"], CANARY);
    assert_eq!(stored["Username"], "team+puller");
    let id = json(home.run("catalog info -o json"))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert!(
        stored["ServerURL"]
            .as_str()
            .is_some_and(|url| url.contains(&id) && url.contains("image-quay"))
    );
    assert!(
        !home
            .path()
            .join(".local/share/imgdex/secrets.json")
            .exists()
    );
    assert_eq!(
        json(home.run("secrets get image-quay -o json"))["keptIn"],
        "helper:test"
    );
    let ran = home
        .call("secrets export image-quay --format kubernetes --reveal -o json")
        .env("PATH", &path)
        .run();
    assert!(json(ran)["data"][".dockerconfigjson"].is_string());
    home.call("secrets delete image-quay")
        .env("PATH", &path)
        .run()
        .ok();
    assert!(!home.path().join("stored").exists(), "forgotten");
    let argv = fs::read_to_string(home.path().join("argv")).expect("arguments");
    assert_eq!(
        argv, "get\nstore\nget\nget\nerase\n",
        "one word and nothing else"
    );
}

#[test]
fn a_helper_that_is_missing_or_fails_leaves_nothing_behind_and_is_not_quoted() {
    let (home, path) = with_helper();
    insta::assert_snapshot!(home.pipe(CANARY, QUAY).snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: the credential helper `docker-credential-test` is not installed
    hint: install it, or take `helper` out of `[secrets]` in the config file
    ");
    home.write(
        "bin/docker-credential-test",
        format!("#!/bin/sh\necho {CANARY}\necho {CANARY} >&2\nexit 1\n"),
    );
    let ran = home.call(QUAY).stdin(CANARY).env("PATH", &path).run();
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 1
    ----- stderr -----
    error: the credential helper `docker-credential-test` could not look the value up
    hint: try it by hand, or take `helper` out of `[secrets]` in the config file
    ");
    home.write(
        "bin/docker-credential-test",
        format!(
            "#!/bin/sh\necho {CANARY} >&2\n\
             if [ $1 = get ]; then echo 'credentials not found in native keychain'; fi\nexit 1\n"
        ),
    );
    let ran = home.call(QUAY).stdin(CANARY).env("PATH", &path).run();
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 1
    ----- stderr -----
    error: the credential helper `docker-credential-test` could not keep the value
    hint: try it by hand, or take `helper` out of `[secrets]` in the config file
    ");
    assert!(lines(home.run("secrets list -o name")).is_empty());
    home.write(
        ".config/imgdex/config.toml",
        "[secrets]\nhelper = \"../evil\"\n",
    );
    home.pipe(CANARY, QUAY).fails(2);
}
