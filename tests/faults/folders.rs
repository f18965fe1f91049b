//! The catalog's folder: whose it is, what it is called, and whether it can be
//! written to.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use rusqlite::Connection;

use crate::support::{Home, PROGRAM, Ran};
use crate::{assert_whole, contents, folder, image, names};

#[track_caller]
fn set_mode(home: &Home, mode: u32) {
    let permissions = fs::Permissions::from_mode(mode);
    fs::set_permissions(folder(home), permissions).expect("it can be set");
}

#[test]
fn a_folder_that_everybody_can_write_to_is_refused() {
    for mode in [0o777, 0o1777, 0o702] {
        let home = Home::new();
        home.write(".local/share/imgdex/note", "");
        set_mode(&home, mode);
        let refused = home.pipe(image("base"), "images create").fails(11);
        assert!(refused.stderr.contains("by everybody"), "{refused:#?}");
        assert!(refused.stderr.contains("chmod o-w"), "{refused:#?}");
        assert!(!home.catalog().exists());
        // A catalog that lies there already may be anybody's.
        set_mode(&home, 0o700);
        home.pipe(image("base"), "images create").ok();
        set_mode(&home, mode);
        home.run("images list").fails(11);
        home.run("catalog check").fails(11);
        home.pipe(image("other"), "images create").fails(11);
    }
}

#[test]
fn a_folder_of_a_group_is_used_as_it_is() {
    for mode in [0o770, 0o2775, 0o755] {
        let home = Home::new();
        home.write(".local/share/imgdex/note", "");
        set_mode(&home, mode);
        home.pipe(image("base"), "images create").ok();
        assert_eq!(names(&home), ["base"]);
        let found = fs::metadata(folder(&home)).expect("it is there");
        assert_eq!(found.permissions().mode() & 0o7777, mode);
    }
}

#[test]
fn a_folder_that_is_reached_through_links_is_used() {
    let home = Home::new();
    home.write("real/deep/note", "");
    symlink("real", home.path().join("link")).expect("it can be made");
    symlink("../real/deep", home.path().join("real/again")).expect("it can be made");
    let create = |path: &str, name: &str| {
        home.call_with(&["--catalog", path, "images", "create"])
            .stdin(image(name))
            .run()
            .ok();
    };
    create("link/deep/team.db", "first");
    create("link/again/team.db", "second");
    create("real/deep/../deep/team.db", "third");
    let listed = home
        .run("--catalog real/deep/team.db images list -o name")
        .ok();
    assert_eq!(listed.stdout, "first\nsecond\nthird\n");
    // A link whose target may be written to by everybody is that target.
    let open = home.path().join("real/deep");
    fs::set_permissions(open, fs::Permissions::from_mode(0o777)).expect("it can be set");
    home.run("--catalog link/again/team.db images list")
        .fails(11);
}

#[test]
fn paths_are_taken_as_they_are() {
    let paths = [
        "team images/the catalog.db",
        "what?/cat?mode=memory.db",
        "100%/cat%41.db",
        "a#b/cat#1.db",
        "bücher/каталог-目录.db",
        "file:cat.db",
        "'quoted'/\"cat\".db",
        "-dash.db",
        "semi;colon/a&b.db",
        "new\nline.db",
    ];
    for path in paths {
        let home = Home::new();
        let run = |words: &[&str]| {
            let catalog = format!("--catalog={path}");
            let words: Vec<&str> = [catalog.as_str()].iter().chain(words).copied().collect();
            home.call_with(&words).stdin(image("base")).run()
        };
        run(&["images", "create"]).ok();
        let file = home.path().join(path);
        assert!(file.is_file(), "{path}");
        assert_eq!(run(&["images", "list", "-o", "name"]).ok().stdout, "base\n");
        run(&["catalog", "check"]).ok();
        run(&["catalog", "backup", "copy ? % #.db"]).ok();
        assert!(home.path().join("copy ? % #.db").is_file());
        // Read-only, the path becomes part of a URI.
        let parent = file.parent().expect("a folder");
        let catalog = format!("--catalog={path}");
        let listed = in_read_only(&home, parent, &[&catalog, "images", "list", "-o", "name"]).ok();
        assert_eq!(listed.stdout, "base\n", "{path}");
    }
}

/// Runs the program where that folder is mounted read-only: root may write to
/// whatever is only said to be read-only.
pub fn in_read_only(home: &Home, folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 99
                  cd . && shift && exec \"$@\"";
    let mut command = home.command("unshare");
    command
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(folder)
        .arg(PROGRAM)
        .args(arguments);
    let ran = crate::finish(&mut command);
    assert_ne!(
        ran.code, 99,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    ran
}

fn split(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn a_read_only_catalog_can_be_read_and_not_written() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    home.run("groups create research").ok();
    home.write("new.json", image("new"));
    home.write("patch.json", "{\"description\": \"changed\"}");
    let before = contents(&folder(&home));
    let run = |words: &str| in_read_only(&home, &folder(&home), &split(words));

    assert_eq!(run("images list -o name").ok().stdout, "base\n");
    assert_eq!(
        run("images list -o name --search base").ok().stdout,
        "base\n"
    );
    for command in [
        "images get base",
        "images history base",
        "groups list",
        "catalog info",
        "catalog check",
        "catalog backup copy.db",
    ] {
        run(command).ok();
    }
    for command in [
        "images create -f new.json",
        "images update base -f patch.json",
        "images delete base --yes",
        "images add-group base research",
        "groups create other",
        "catalog compact",
    ] {
        let refused = run(command).fails(10);
        assert_eq!(refused.stdout, "", "{refused:#?}");
        assert!(refused.stderr.contains("catalog.db"), "{refused:#?}");
    }
    assert!(before == contents(&folder(&home)));
    assert_whole(&home);
}

#[test]
fn a_read_only_catalog_with_changes_in_its_log_is_not_read_without_them() {
    let source = Home::new();
    source.pipe(image("base"), "images create").ok();
    let connection = Connection::open(source.catalog()).expect("it opens");
    connection
        .execute("UPDATE images SET description = 'newer'", [])
        .expect("it can be written");
    // As a process that was killed leaves them.
    let files = contents(&folder(&source));
    let home = Home::new();
    for name in ["catalog.db", "catalog.db-wal"] {
        home.write(&format!(".local/share/imgdex/{name}"), &files[name]);
    }
    for command in [
        "images list",
        "images get base",
        "catalog check",
        "catalog backup copy.db",
    ] {
        let refused = in_read_only(&home, &folder(&home), &split(command)).fails(10);
        assert!(refused.stderr.contains("catalog.db-wal"), "{refused:#?}");
        assert_eq!(refused.stdout, "");
    }
    // Where it can be written the changes are there.
    let shown = home.run("images get base").ok();
    assert!(shown.stdout.contains("newer"), "{shown:#?}");
}

#[test]
fn a_read_only_catalog_with_a_journal_is_not_read_without_it() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let connection = Connection::open(home.catalog()).expect("it opens");
    connection
        .execute_batch("PRAGMA journal_mode = DELETE")
        .expect("it can be set");
    connection
        .execute_batch(
            "PRAGMA cache_spill = 1; PRAGMA cache_size = 1; BEGIN IMMEDIATE;
             UPDATE images SET description = hex(zeroblob(500000));",
        )
        .expect("it can be written");
    // As a process that was killed leaves them: half a change in the file, and
    // what it was before in the journal.
    let files = contents(&folder(&home));
    let killed = Home::new();
    for name in ["catalog.db", "catalog.db-journal"] {
        killed.write(&format!(".local/share/imgdex/{name}"), &files[name]);
    }
    let refused = in_read_only(&killed, &folder(&killed), &["images", "list"]).fails(10);
    assert!(
        refused.stderr.contains("catalog.db-journal"),
        "{refused:#?}"
    );
    let listed = killed.run("images get base").ok();
    assert!(listed.stdout.contains("what base is for"), "{listed:#?}");
}

#[test]
fn an_error_in_a_folder_that_can_be_written_is_not_passed_over() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    // SQLite takes no link for its shared memory.
    let shared = folder(&home).join("catalog.db-shm");
    symlink("elsewhere", &shared).expect("it can be made");
    let refused = home.run("images list").fails(10);
    assert_eq!(refused.stdout, "", "{refused:#?}");
    fs::remove_file(shared).expect("it can be removed");
    assert_eq!(names(&home), ["base"]);
}

#[test]
fn a_read_only_catalog_of_an_older_version_can_be_read() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let connection = Connection::open(home.catalog()).expect("it opens");
    connection
        .execute_batch(
            "DROP TABLE stored_images; DROP TABLE invalid_entries; DROP TABLE platform_files;
             ALTER TABLE sightings DROP COLUMN scan;
             PRAGMA user_version = 3;
             PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .expect("it can be made older");
    drop(connection);
    home.write("new.json", image("new"));
    let before = contents(&folder(&home));
    let run = |words: &str| in_read_only(&home, &folder(&home), &split(words));
    assert_eq!(run("images list -o name").ok().stdout, "base\n");
    assert_eq!(
        run("images list -o name --search base").ok().stdout,
        "base\n"
    );
    for command in ["catalog info", "catalog check", "catalog backup copy.db"] {
        run(command).ok();
    }
    run("images create -f new.json").fails(10);
    run("catalog migrate").fails(10);
    assert!(before == contents(&folder(&home)));
    // Where it can be written it is brought to the newest version in its place.
    assert_eq!(names(&home), ["base"]);
    assert!(before != contents(&folder(&home)));
    let migrated = home.run("catalog migrate").ok();
    assert!(migrated.stderr.contains("already"), "{migrated:#?}");
}

#[test]
fn a_folder_that_cannot_be_made_or_looked_into_says_so() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    home.write("new.json", image("new"));
    // The home folder is root's alone: nobody (65534) may not look into it. The
    // program itself may lie where nobody may look, so that it comes by copy.
    let outside = Home::new();
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o755)).expect("it can be set");
    let program = outside.path().join("imgdex");
    fs::copy(PROGRAM, &program).expect("it can be copied");
    let catalog = home.catalog();
    let as_nobody = |words: &[&str]| {
        let mut command = outside.command("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .arg("--catalog")
            .arg(&catalog)
            .args(words)
            .stdin(std::process::Stdio::null());
        crate::finish(&mut command)
    };
    for words in [&["images", "list"][..], &["groups", "create", "research"]] {
        let refused = as_nobody(words).fails(10);
        assert!(refused.stderr.contains("ermission denied"), "{refused:#?}");
    }
    // One's own folder beneath a folder that one may not write to.
    let mut command = outside.command("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["groups", "create", "research"]);
    let refused = crate::finish(&mut command).fails(10);
    assert!(refused.stderr.contains("cannot make"), "{refused:#?}");
    assert!(!outside.path().join(".local").exists());

    // A file where a folder should be.
    let refused = home
        .call("--catalog new.json/catalog.db groups create research")
        .run();
    refused.fails(10);
    assert_eq!(
        fs::read_to_string(home.path().join("new.json")).expect("text"),
        image("new")
    );
}
