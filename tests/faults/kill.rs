//! Processes killed at every write: whatever was acknowledged stays, and
//! everything else is there wholly or not at all.

use std::path::Path;

use rusqlite::Connection;

use crate::strace::{Fault, run_with, trace};
use crate::support::{Home, Ran};
use crate::{assert_whole, contents, copy, folder, image, images, names};

/// The system calls that change files.
const WRITES: [&str; 12] = [
    "pwrite64",
    "write",
    "fsync",
    "fdatasync",
    "ftruncate",
    "unlink",
    "unlinkat",
    "rename",
    "renameat2",
    "linkat",
    "openat",
    "mkdir",
];

const KILLED: i32 = 137;

/// Runs the program in homes that are all alike, killed before its first,
/// second, third … call of each kind that changes files, until it comes to its
/// end; `judge` sees each home after the death. No call is left out.
fn kill_at_every_write(
    home: impl Fn() -> Home,
    arguments: &str,
    judge: impl Fn(&Home, &Ran) + Sync,
) {
    let mut kills = 0;
    for call in WRITES {
        for number in 1.. {
            let home = home();
            let fault = Fault {
                call,
                what: "signal=SIGKILL",
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, arguments);
            if ran.code != KILLED {
                ran.ok();
                break;
            }
            judge(&home, &ran);
            kills += 1;
        }
    }
    assert!(kills > 20, "it was killed {kills} times only");
}

fn a_batch() -> String {
    images("new", 5)
}

fn assert_all_or_none(home: &Home, ran: &Ran) {
    let there = names(home)
        .iter()
        .filter(|name| name.starts_with("new-"))
        .count();
    assert!(there == 0 || there == 5, "{there} of 5 images: {ran:#?}");
    let acknowledged = ran.stdout.lines().count();
    assert!(acknowledged == 0 || there == 5, "lost: {ran:#?}");
}

#[test]
fn a_catalog_whose_first_writer_was_killed_is_whole_or_not_yet_there() {
    let fresh = || {
        let home = Home::new();
        home.write("new.json", a_batch());
        home
    };
    kill_at_every_write(fresh, "images create -f new.json", |home, ran| {
        let checked = home.run("catalog check");
        let bytes = std::fs::metadata(home.catalog()).map_or(0, |found| found.len());
        let log = home.catalog().with_extension("db-wal");
        let log_bytes = std::fs::metadata(log).map_or(0, |found| found.len());
        if bytes == 0 && log_bytes == 0 {
            // Nothing was begun: there is no catalog to be whole.
            assert_eq!(checked.code, 4, "{checked:#?} after {ran:#?}");
            assert_eq!(ran.stdout, "");
        } else {
            assert!(
                [0, 4].contains(&checked.code),
                "{checked:#?} after {ran:#?}"
            );
        }
        assert_all_or_none(home, ran);
        // The next one does not stumble over what the dead one left.
        home.pipe(a_batch(), "images create --skip-existing").ok();
        assert_eq!(names(home).len(), 5);
        assert_whole(home);
    });
}

#[test]
fn a_writer_killed_at_any_write_loses_nothing_that_was_acknowledged() {
    let before = Home::new();
    for number in 1..=3 {
        let name = format!("old-{number}");
        let created = before.pipe(image(&name), "images create").ok();
        assert_eq!(created.stdout, format!("id:  {name}\n"));
    }
    let home = || {
        let home = copy(&before);
        home.write("new.json", a_batch());
        home
    };
    kill_at_every_write(home, "images create -f new.json", |home, ran| {
        assert_whole(home);
        assert_eq!(names(home)[..3], ["old-1", "old-2", "old-3"]);
        assert_all_or_none(home, ran);
        home.pipe(a_batch(), "images create --skip-existing").ok();
        assert_eq!(names(home).len(), 8);
        assert_whole(home);
    });
}

#[test]
fn an_update_killed_at_any_write_leaves_the_old_image_or_the_new_one() {
    let before = Home::new();
    before.pipe(images("image", 3), "images create").ok();
    let home = || {
        let home = copy(&before);
        home.write(
            "patch.json",
            "{\"description\": \"zebra\", \"tags\": [\"okapi\"]}",
        );
        home
    };
    kill_at_every_write(home, "images update image-2 -f patch.json", |home, ran| {
        assert_whole(home);
        let shown = home.run("images get image-2 -o json").ok().stdout;
        let history = home.run("images history image-2 -o json").ok().stdout;
        let new = shown.contains("zebra");
        assert_eq!(shown.contains("okapi"), new, "{shown}");
        assert_eq!(history.contains("zebra"), new, "{history}");
        for (text, wanted) in [("zebra", new), ("okapi", new), ("what image-2", !new)] {
            let found = home
                .call_with(&["images", "list", "-o", "name", "--search", text])
                .run()
                .ok();
            assert_eq!(found.stdout == "image-2\n", wanted, "{text}: {found:#?}");
        }
        assert!(new || ran.stdout.is_empty(), "lost: {ran:#?}");
        assert_eq!(names(home).len(), 3);
    });
}

#[test]
fn a_migration_killed_at_any_write_leaves_the_old_version_or_the_new_one() {
    const OLD: i64 = 2;
    let before = Home::new();
    before.pipe(image("scratch"), "images create").ok();
    let newest = version(&before.catalog());
    std::fs::remove_file(before.catalog()).expect("there is a catalog");
    write_version_2(&before.catalog());
    kill_at_every_write(
        || copy(&before),
        "catalog migrate",
        |home, _| {
            // Looked at with nothing but SQLite, which does not migrate.
            let found = version(&home.catalog());
            let tables = tables(&home.catalog());
            assert!(found == OLD || found == newest, "version {found}");
            for table in ["image_search", "stored_images", "invalid_entries"] {
                let there = tables.iter().any(|name| name == table);
                assert_eq!(there, found == newest, "{table} in version {found}");
            }
            assert_whole(home);
            assert_eq!(version(&home.catalog()), newest);
            assert_eq!(names(home), ["old-1", "old-2"]);
            let found = home.run("images list -o name --search papyrus").ok();
            assert_eq!(found.stdout, "old-2\n");
        },
    );
}

#[test]
fn a_compacting_killed_at_any_write_loses_nothing() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    for number in 1..=10 {
        before
            .run(&format!("images delete image-{number} --yes"))
            .ok();
    }
    let wanted = names(&before);
    kill_at_every_write(
        || copy(&before),
        "catalog compact",
        |home, _| {
            assert_whole(home);
            assert_eq!(names(home), wanted);
            let found = home.run("images list -o name --search image-33").ok();
            assert_eq!(found.stdout, "image-33\n");
            home.pipe(image("later"), "images create").ok();
        },
    );
}

#[test]
fn a_backup_killed_at_any_write_leaves_no_half_file_under_its_name() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    let wanted = names(&before);
    kill_at_every_write(
        || copy(&before),
        "catalog backup copy.db",
        |home, _| {
            assert_whole(home);
            assert_eq!(names(home), wanted);
            if home.path().join("copy.db").exists() {
                home.run("--catalog copy.db catalog check").ok();
                let listed = home.run("--catalog copy.db images list -o name").ok();
                assert_eq!(listed.stdout.lines().collect::<Vec<_>>(), wanted);
            } else {
                home.run("catalog backup copy.db").ok();
            }
        },
    );
}

#[test]
fn a_deletion_killed_at_any_write_is_done_or_not() {
    let before = Home::new();
    before.pipe(images("image", 3), "images create").ok();
    kill_at_every_write(
        || copy(&before),
        "images delete image-2 --yes",
        |home, ran| {
            assert_whole(home);
            let there = names(home);
            let gone = there == ["image-1", "image-3"];
            assert!(
                gone || there == ["image-1", "image-2", "image-3"],
                "{there:?}"
            );
            assert!(gone || ran.stdout.is_empty(), "not deleted: {ran:#?}");
        },
    );
}

#[test]
fn what_is_printed_as_done_is_on_the_disk_already() {
    for before in [false, true] {
        let home = Home::new();
        if before {
            home.pipe(image("old"), "images create").ok();
        }
        home.write("new.json", a_batch());
        let (ran, lines) = trace(
            &home,
            "write,fsync,fdatasync,pwrite64,?unlink,unlinkat",
            "images create -f new.json",
        );
        ran.ok();
        let last = |wanted: &[&str]| {
            lines
                .iter()
                .rposition(|line| wanted.iter().any(|word| line.contains(word)))
        };
        let printed = lines
            .iter()
            .position(|line| line.contains("write(1, \"id:"))
            .expect("something is printed");
        let synced = last(&["fsync(", "fdatasync("]).expect("something is synced");
        assert!(synced < printed, "{lines:#?}");
        assert!(last(&["pwrite64("]) < Some(printed), "{lines:#?}");
    }
    // In a log that others keep open, the sync of the log is all there is.
    let home = Home::new();
    home.pipe(image("old"), "images create").ok();
    let other = Connection::open(home.catalog()).expect("it opens");
    let held: i64 = other
        .query_row("SELECT count(*) FROM images", [], |row| row.get(0))
        .expect("it can be read");
    assert_eq!(held, 1);
    home.write("new.json", image("new"));
    let (ran, lines) = trace(&home, "write,fsync,fdatasync", "images create -f new.json");
    ran.ok();
    let calls: Vec<bool> = lines
        .iter()
        .filter(|line| line.contains("sync(") || line.contains("write(1,"))
        .map(|line| line.contains("sync("))
        .collect();
    assert!(calls.len() >= 2 && calls[0], "{lines:#?}");
    assert_eq!(calls.iter().position(|sync| !sync), Some(calls.len() - 1));
    assert!(contents(&folder(&home)).contains_key("catalog.db-wal"));
}

/// Writes a catalog as the second version of the program did.
fn write_version_2(path: &Path) {
    let connection = Connection::open(path).expect("it can be made");
    let sql = [
        "PRAGMA journal_mode = WAL",
        include_str!("../../src/catalog/migrations/1-images.sql"),
        include_str!("../../src/catalog/migrations/2-sightings.sql"),
        "INSERT INTO settings VALUES ('catalog-id', '8f0b7a4e-0000-4000-8000-000000000001');
         INSERT INTO images (name, display_name, description, type, url, global, archived,
                             created_at, updated_at, revision)
         VALUES ('old-1', 'old-1', 'made of stone', 'both', 'quay.io/team/old:1', 1, 0,
                 '2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z', 1),
                ('old-2', 'old-2', 'made of papyrus', 'both', 'quay.io/team/old:2', 1, 0,
                 '2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z', 1);
         PRAGMA application_id = 0x696d6764;
         PRAGMA user_version = 2;",
    ];
    for text in sql {
        connection.execute_batch(text).expect("it is SQL");
    }
}

fn version(path: &Path) -> i64 {
    Connection::open(path)
        .and_then(|found| found.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("it can be read")
}

fn tables(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).expect("it opens");
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .expect("it is SQL");
    let names = statement.query_map([], |row| row.get(0)).expect("it runs");
    names.map(|name| name.expect("it can be read")).collect()
}
