//! Keepers of values that are slow, locked, or open to others, and catalogs
//! that fail after a value was kept.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine;
use rusqlite::Connection;
use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::values::with_helper;
use super::{CANARY, QUAY, home};
use crate::support::{Home, PROGRAM, Ran};
use crate::{json, lines};

const SET: &str = "secrets update image-quay --password-stdin";

fn data(home: &Home, name: &str) -> PathBuf {
    home.path().join(".local/share/imgdex").join(name)
}

/// Returns the value that an export of `image-quay` holds.
#[track_caller]
fn exported(ran: Ran) -> String {
    let text = json(ran)["data"][".dockerconfigjson"]
        .as_str()
        .expect("text")
        .to_owned();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64");
    let config: Value = serde_json::from_slice(&bytes).expect("JSON");
    config["auths"]["quay.io"]["password"]
        .as_str()
        .expect("a value")
        .to_owned()
}

const EXPORT: &str = "secrets export image-quay --format kubernetes --reveal -o json";

#[test]
fn a_value_is_as_it_was_where_the_catalog_cannot_be_changed() {
    let home = home();
    let other = Connection::open(home.catalog()).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    home.pipe("new", &format!("--lock-timeout 0 {SET}"))
        .fails(9);
    home.pipe(
        "new",
        "--lock-timeout 0 secrets create --name other --password-stdin",
    )
    .fails(9);
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(exported(home.run(EXPORT)), CANARY);
    let kept = fs::read_to_string(data(&home, "secrets.json")).expect("readable");
    assert!(!kept.contains("new") && !kept.contains("other"), "{kept}");
    home.pipe("new", SET).ok();
    assert_eq!(exported(home.run(EXPORT)), "new");
}

#[test]
fn a_helper_has_the_older_value_again_where_the_catalog_cannot_be_changed() {
    let (home, path) = with_helper();
    let run = |arguments: &str, text: &str| home.call(arguments).stdin(text).env("PATH", &path);
    run(QUAY, CANARY).run().ok();
    let other = Connection::open(home.catalog()).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    run(&format!("--lock-timeout 0 {SET}"), "new")
        .run()
        .fails(9);
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(exported(run(EXPORT, "").run()), CANARY);
}

#[test]
fn others_write_while_a_helper_is_waited_for() {
    let (home, path) = with_helper();
    // The helper itself is the other one.
    let script = format!(
        "#!/bin/sh\n\
         case \"$1\" in\n\
         store) cat > \"$HOME/stored\"; exec '{PROGRAM}' --lock-timeout 0 groups create \"made-$(date +%s%N)\" ;;\n\
         get) cat > /dev/null; echo 'credentials not found in native keychain'; exit 1 ;;\n\
         esac\n"
    );
    home.write("bin/docker-credential-test", script);
    for arguments in [QUAY, SET] {
        home.call(arguments)
            .stdin(CANARY)
            .env("PATH", &path)
            .run()
            .ok();
    }
    assert_eq!(lines(home.run("groups list -o name")).len(), 2);
}

#[test]
fn a_locked_file_of_values_is_waited_for_as_long_as_is_asked() {
    let home = home();
    let lock = File::options()
        .write(true)
        .open(data(&home, "secrets.json.lock"))
        .expect("it is there");
    flock(&lock, FlockOperation::LockExclusive).expect("locked");
    let ran = home.pipe("new", &format!("--lock-timeout 0 {SET}"));
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 9
    ----- stderr -----
    error: cannot lock `<home>/.local/share/imgdex/secrets.json`: another process held its lock for 0 s
    hint: wait for it or stop it, or wait longer with `--lock-timeout 300`
    ");
    let history = json(home.run("catalog info -o json"))["changes"].clone();
    assert_eq!(history, 1, "the catalog was not changed");
    // Whoever holds the lock keeps nobody from the catalog.
    home.run("--lock-timeout 0 groups create research").ok();
    drop(lock);
    assert_eq!(exported(home.run(EXPORT)), CANARY);
}

#[test]
fn a_file_of_values_is_not_written_where_everybody_can_write() {
    let home = home();
    let file = data(&home, "secrets.json");
    let folder = file.parent().expect("a folder");
    let set_mode = |mode| {
        fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("it can be set");
    };
    home.run("--catalog own/team.db groups create a").ok();
    set_mode(0o1777);
    let ran = home.pipe(CANARY, &format!("--catalog own/team.db {QUAY}"));
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: cannot keep a value in `<home>/.local/share/imgdex/secrets.json`: its folder can be written by everybody on this machine
    hint: take the right away: `chmod o-w FOLDER`
    ");
    assert!(lines(home.run("--catalog own/team.db secrets list -o name")).is_empty());
    set_mode(0o700);
    // One that others could read is theirs no more once it is written again.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("it can be set");
    home.write(".local/share/imgdex/.secrets-AbCdEf", CANARY);
    home.pipe("new", SET).ok();
    let mode = fs::metadata(&file).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!data(&home, ".secrets-AbCdEf").exists());
}

#[test]
fn a_file_of_values_does_not_grow_beyond_what_can_be_read() {
    let home = home();
    let id = json(home.run("catalog info -o json"))["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let long = "x".repeat(16 * 1024 * 1024 - 300);
    let text = format!(
        "{{\"catalogs\": {{\"{id}\": {{\"image-quay\": \"{CANARY}\"}}, \"other\": {{\"a\": \"{long}\"}}}}}}"
    );
    home.write(".local/share/imgdex/secrets.json", text);
    insta::assert_snapshot!(home.pipe("y".repeat(1000), SET).snapshot(&home), @r"
    exit code: 10
    ----- stderr -----
    error: cannot write `<home>/.local/share/imgdex/secrets.json`: it would be larger than 16 MiB; nothing was changed
    ");
    assert_eq!(exported(home.run(EXPORT)), CANARY);
}

#[test]
fn a_secret_whose_value_cannot_be_forgotten_is_not_deleted() {
    let home = Home::new();
    home.pipe("hunter2", "secrets create --name quay --password-stdin")
        .ok();
    let file = home.path().join(".local/share/imgdex/secrets.json");
    let text = std::fs::read(&file).expect("it is there");
    std::fs::write(&file, "{").expect("written");
    home.run("secrets delete image-quay").fails(2);
    home.run("secrets get image-quay").ok();
    std::fs::write(&file, text).expect("written");
    home.run("secrets delete image-quay").ok();
    let left = std::fs::read_to_string(&file).expect("it is there");
    assert!(!left.contains("hunter2"), "forgotten");
}

#[test]
fn a_value_that_cannot_be_kept_whole_is_refused() {
    let home = Home::new();
    let create = "secrets create --name quay --password-stdin";
    let ran = home.pipe("x".repeat((1 << 20) + 1), create).fails(2);
    assert!(ran.stderr.contains("longer than 1 MiB"), "{}", ran.stderr);
    let ran = home.pipe(b"\xff", create).fails(2);
    assert!(ran.stderr.contains("not UTF-8"), "{}", ran.stderr);
    assert_eq!(home.run("secrets list -o json").stdout, "[]\n");
}

#[test]
fn an_id_that_is_not_made_of_the_type_and_the_name_is_refused() {
    let home = Home::new();
    let document = r#"{"id": "image-other", "name": "quay"}"#;
    let ran = home.pipe(document, "secrets create").fails(2);
    assert!(
        ran.stderr.contains("id should be `image-quay`"),
        "{}",
        ran.stderr
    );
    home.pipe(r#"{"name": "quay"}"#, "secrets create").ok();
    for change in [r#"{"name": "other"}"#, r#"{"type": "opaque"}"#] {
        home.pipe(change, "secrets update image-quay").fails(2);
    }
    let secret = home.run("secrets get image-quay -o json").ok().stdout;
    home.pipe(secret, "secrets update image-quay").ok();
}

#[test]
fn doctor_finds_a_broken_file_of_values() {
    let home = Home::new();
    home.pipe("x", "secrets create --name quay --password-stdin")
        .ok();
    home.run("doctor").ok();
    home.write(".local/share/imgdex/secrets.json", "garbage");
    let ran = home.run("doctor").fails(13);
    assert!(ran.stdout.contains("problem"), "{}", ran.stdout);
}
