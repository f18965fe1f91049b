//! `imgdex catalog`: info, check, backup, compact, migrate, and files that are
//! no catalog.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use crate::support::Home;
use crate::{FIRST, json, lines, with_images};

#[test]
fn info_tells_where_the_catalog_is_and_what_it_holds() {
    let home = with_images(FIRST);
    home.pipe("{\"name\": \"old\", \"archived\": true}", "images create")
        .ok();
    home.run("groups create a").ok();
    let info = json(home.run("catalog info -o json"));
    assert_eq!(info["path"], home.catalog().display().to_string());
    for (name, expected) in [
        ("images", 1),
        ("archivedImages", 1),
        ("groups", 1),
        ("secrets", 0),
        ("changes", 3),
    ] {
        let shown = info[name].as_u64().unwrap_or_default();
        assert_eq!(shown, expected, "{name}: {info}");
    }
    assert_eq!(
        (&info["exists"], &info["journal"]),
        (&true.into(), &"wal".into())
    );
    let empty = Home::new();
    let info = json(empty.run("catalog info -o json"));
    assert_eq!(
        (&info["exists"], &info["images"]),
        (&false.into(), &0.into())
    );
    assert_eq!(info["path"], empty.catalog().display().to_string());
    let shown = lines(empty.run("catalog info"));
    assert!(shown[0].starts_with("path: "), "{shown:?}");
    assert!(!empty.catalog().exists());
}

#[test]
fn a_new_catalog_is_for_its_user_alone() {
    let home = with_images(FIRST);
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&home.catalog()), 0o600);
    assert_eq!(mode(home.catalog().parent().expect("a folder")), 0o700);
}

#[test]
fn a_whole_catalog_passes_its_check_and_a_missing_one_is_not_found() {
    let home = with_images(FIRST);
    insta::assert_snapshot!(home.run("catalog check").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    the catalog is whole
    ");
    let empty = Home::new();
    insta::assert_snapshot!(empty.run("catalog check").snapshot(&empty), @r"
    exit code: 4
    ----- stderr -----
    error: there is no catalog at `<home>/.local/share/imgdex/catalog.db`
    hint: the first `imgdex images create` makes it; another is named with `--catalog`
    ");
    for verb in ["compact", "migrate", "backup copy.db"] {
        empty.run(&format!("catalog {verb}")).fails(4);
    }
    assert!(!empty.catalog().exists());
    assert!(!empty.path().join("copy.db").exists());
}

#[test]
fn a_backup_is_a_whole_catalog_and_never_overwrites() {
    let home = with_images(FIRST);
    insta::assert_snapshot!(home.run("catalog backup copy.db").snapshot(&home), @r"
    exit code: 0
    ----- stderr -----
    backed up to `copy.db`
    ");
    assert_eq!(
        home.run("--catalog copy.db images list").ok(),
        home.run("images list")
    );
    home.run("--catalog copy.db catalog check").ok();
    let mode = fs::metadata(home.path().join("copy.db"))
        .expect("there")
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(mode, 0o600);
    insta::assert_snapshot!(home.run("catalog backup copy.db").snapshot(&home), @r"
    exit code: 12
    ----- stderr -----
    error: `copy.db` exists already
    hint: name a file that does not exist yet
    ");
    home.run("catalog backup gone/copy.db").fails(10);
    home.run("catalog backup").fails(2);
}

#[test]
fn compacting_and_migrating_keep_everything() {
    let home = with_images(FIRST);
    let before = home.run("images list -o json").ok().stdout;
    let ran = home.run("catalog compact").ok();
    assert!(ran.stderr.contains("bytes before"), "{ran:?}");
    let ran = home.run("catalog migrate").ok();
    assert!(ran.stderr.contains("already"), "{ran:?}");
    assert_eq!(home.run("images list -o json").ok().stdout, before);
    assert_eq!(
        lines(home.run("images list --search docker-stacks -o name")),
        ["my-first-image"]
    );
}

#[test]
fn what_is_no_catalog_is_refused_and_left_as_it_was() {
    let home = Home::new();
    home.write(
        "text.db",
        "this is no database, and long enough to be one, one would think, or is it?".repeat(20),
    );
    let before = fs::read(home.path().join("text.db")).expect("readable");
    insta::assert_snapshot!(home.run("--catalog text.db images list").snapshot(&home), @r"
    exit code: 8
    ----- stderr -----
    error: cannot use the catalog `text.db`: the file is not an imgdex catalog, or a part of it is missing: it ends in the middle of a page
    hint: the file was not changed; name another with `--catalog`, or take a backup back
    ");
    home.pipe(FIRST, "--catalog text.db images create").fails(8);
    assert_eq!(
        fs::read(home.path().join("text.db")).expect("readable"),
        before
    );
    fs::create_dir(home.path().join("folder.db")).expect("a folder");
    insta::assert_snapshot!(home.run("--catalog folder.db images list").snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: `<home>/folder.db` is a folder, not a catalog
    hint: name the file itself with `--catalog FILE`
    ");
    home.pipe(FIRST, "--catalog folder.db images create")
        .fails(11);
    std::os::unix::fs::symlink("text.db", home.path().join("link.db")).expect("a link");
    home.run("--catalog link.db images list").fails(11);
}

#[test]
fn a_newer_catalog_is_not_touched() {
    let home = with_images(FIRST);
    let connection = Connection::open(home.catalog()).expect("a database");
    connection
        .pragma_update(None, "user_version", 9999)
        .expect("set");
    drop(connection);
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 8
    ----- stderr -----
    error: cannot use the catalog `<home>/.local/share/imgdex/catalog.db`: the catalog has version 9999, and this program knows versions up to 7
    hint: the file was not changed; use the newer imgdex that wrote it
    ");
    home.pipe("{\"name\": \"a\"}", "images create").fails(8);
    home.run("catalog migrate").fails(8);
}

#[test]
fn a_catalog_whose_rows_are_damaged_fails_its_check() {
    let home = with_images(&format!("[{FIRST}]"));
    let connection = Connection::open(home.catalog()).expect("a database");
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode=DELETE; PRAGMA foreign_keys=OFF; INSERT INTO image_groups VALUES (99, 'gone')")
        .expect("written");
    drop(connection);
    let ran = home.run("catalog check").fails(8);
    assert!(
        ran.stderr.starts_with("error: the catalog is damaged\n"),
        "{ran:?}"
    );
    let ran = home.run("catalog check -o json").fails(8);
    assert!(
        ran.stderr
            .starts_with("{\"error\":{\"kind\":\"bad-catalog\""),
        "{ran:?}"
    );
}

#[test]
fn a_locked_catalog_is_waited_for_as_long_as_is_asked() {
    let home = with_images(FIRST);
    let connection = Connection::open(home.catalog()).expect("a database");
    connection.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let ran = home
        .pipe("{\"name\": \"a\"}", "--lock-timeout 0 images create")
        .fails(9);
    assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    assert_eq!(
        lines(home.run("images list -o name")).len(),
        1,
        "readers do not wait"
    );
    home.pipe("{\"name\": \"a\"}", "--lock-timeout soon images create")
        .fails(2);
}
