//! Files that are not a catalog, or not one that this program may touch.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rusqlite::Connection;

use crate::support::{Home, Ran};
use crate::{assert_whole, contents, folder, image, images, names};

/// One of each kind of command that uses the catalog.
const COMMANDS: [&str; 10] = [
    "images list",
    "images get base",
    "images create -f new.json",
    "images update base -f patch.json",
    "images delete base --yes",
    "groups create research",
    "catalog check",
    "catalog compact",
    "catalog migrate",
    "catalog backup copy.db",
];

fn home() -> Home {
    let home = Home::new();
    home.write("new.json", image("new"))
        .write("patch.json", "{\"description\": \"changed\"}");
    home
}

/// Returns a home with a catalog of some images, in one file.
fn home_with_images() -> Home {
    let home = home();
    home.pipe(image("base"), "images create").ok();
    home.pipe(images("image", 200), "images create").ok();
    home
}

/// Runs every command and fails unless all are refused with the code and
/// nothing in the folder has changed by a byte.
#[track_caller]
fn assert_refused(home: &Home, code: i32, what: &str) {
    let before = contents(&folder(home));
    for command in COMMANDS {
        let ran = home.run(command);
        assert_eq!(ran.code, code, "{what}: `{command}`: {ran:#?}");
        assert_eq!(ran.stdout, "", "{what}: `{command}`");
        assert!(ran.stderr.starts_with("error: "), "{what}: {ran:#?}");
        assert_unchanged(home, &before, &format!("{what}: `{command}`"));
    }
    assert!(!home.path().join("copy.db").exists(), "{what}");
}

/// Fails unless the files are as they were. SQLite may have put the files of a
/// log, without anything in it, beside them.
#[track_caller]
fn assert_unchanged(home: &Home, before: &BTreeMap<String, Vec<u8>>, what: &str) {
    for (name, bytes) in contents(&folder(home)) {
        match before.get(&name) {
            _ if name == "catalog.db-shm" => {}
            Some(wanted) => assert!(bytes == *wanted, "{what} changed {name}"),
            None => assert!(
                name == "catalog.db-wal" && bytes.is_empty(),
                "{what} made {name}"
            ),
        }
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let mut noise = 1_u32;
    let random: Vec<u8> = (0..20_000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .collect();
    let texts: [(&str, &[u8]); 7] = [
        ("one byte", b"x"),
        ("a short text", b"hello\n"),
        (
            "JSON",
            b"{\"name\": \"base\", \"url\": \"quay.io/team/base:1\"}\n",
        ),
        ("zeros", &[0; 8192]),
        ("noise", &random),
        ("almost a header", b"SQLite format 3 \0\0\0\0"),
        ("a beginning of a header", b"SQLite format 3\0"),
    ];
    for (what, bytes) in texts {
        let home = home();
        home.write(".local/share/imgdex/catalog.db", bytes);
        assert_refused(&home, 8, what);
    }
}

#[test]
fn a_truncated_catalog_is_refused_and_left_as_it_is() {
    let whole = contents(&folder(&home_with_images()))["catalog.db"].clone();
    let length = whole.len();
    for kept in [
        1,
        15,
        16,
        99,
        100,
        511,
        512,
        4095,
        4096,
        8192,
        length / 2,
        length - 4096,
        length - 1,
    ] {
        let home = home();
        home.write(".local/share/imgdex/catalog.db", &whole[..kept]);
        assert_refused(&home, 8, &format!("the first {kept} of {length} bytes"));
    }
    for missing in [512, 1024, 3584] {
        let home = home();
        home.write(".local/share/imgdex/catalog.db", &whole[..length - missing]);
        home.run("catalog check").fails(8);
    }
}

#[test]
fn flipped_bytes_of_the_header_are_noticed_and_left_as_they_are() {
    let whole = contents(&folder(&home_with_images()))["catalog.db"].clone();
    // Offsets by "The Database Header" of <https://sqlite.org/fileformat2.html>.
    let flips = [
        (0, "the magic"),
        (15, "the end of the magic"),
        (16, "the size of pages"),
        (17, "the size of pages"),
        (19, "the version for reading"),
        (21, "the largest payload fraction"),
        (22, "the smallest payload fraction"),
        (23, "the payload fraction of leaves"),
        (47, "the format of the schema"),
        (60, "the version of the catalog"),
        (63, "the version of the catalog"),
        (68, "the mark of the program"),
        (71, "the mark of the program"),
        (100, "the kind of the first page"),
        (103, "the cells of the first page"),
    ];
    for (offset, what) in flips {
        let mut bytes = whole.clone();
        bytes[offset] ^= 0xff;
        let home = home();
        home.write(".local/share/imgdex/catalog.db", bytes);
        assert_refused(&home, 8, &format!("byte {offset}: {what}"));
    }
}

#[test]
fn a_damaged_page_is_found_and_left_as_it_is() {
    let whole = contents(&folder(&home_with_images()))["catalog.db"].clone();
    let pages = whole.len() / 4096;
    assert!(pages > 20, "{pages}");
    for page in 0..pages {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xff);
        let home = home();
        home.write(".local/share/imgdex/catalog.db", bytes);
        let before = contents(&folder(&home));
        home.run("catalog check").fails(8);
        for command in ["images list", "images get base", "catalog info"] {
            // What does not need the page can still be read.
            let ran = home.run(command);
            assert!(
                [0, 8].contains(&ran.code),
                "page {page}: {command}: {ran:#?}"
            );
        }
        assert_unchanged(&home, &before, &format!("page {page}"));
        // A change is made wholly or refused.
        let ran = home.run("images create -f new.json");
        assert!([0, 8].contains(&ran.code), "page {page}: {ran:#?}");
        if ran.code == 8 {
            assert_eq!(ran.stdout, "");
            assert_unchanged(&home, &before, &format!("page {page}"));
        }
    }
}

#[test]
fn a_value_that_no_program_writes_is_found() {
    let home = home_with_images();
    let connection = Connection::open(home.catalog()).expect("it opens");
    connection
        .execute(
            "UPDATE images SET labels = '{broken' WHERE name = 'base'",
            [],
        )
        .expect("it can be written");
    drop(connection);
    let checked = home.run("catalog check").fails(8);
    assert!(
        checked.stderr.contains("the catalog is damaged"),
        "{checked:#?}"
    );
    home.run("images get base").fails(8);
    home.run("images get image-1").ok();
}

#[test]
fn another_programs_database_is_refused_and_left_as_it_is() {
    for (what, sql) in [
        (
            "tables",
            "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x');",
        ),
        (
            "its own mark",
            "PRAGMA application_id = 77; CREATE TABLE t (x);",
        ),
        ("a version only", "PRAGMA user_version = 3;"),
        ("a mark only", "PRAGMA application_id = 77;"),
        (
            "tables named like ours",
            "CREATE TABLE images (id); PRAGMA user_version = 4;",
        ),
        (
            "our mark without a version",
            "PRAGMA application_id = 0x696d6764; CREATE TABLE t (x);",
        ),
        (
            "a negative version",
            "PRAGMA application_id = 0x696d6764; PRAGMA user_version = -1;",
        ),
    ] {
        for journal in ["DELETE", "WAL"] {
            let home = home();
            home.write(".local/share/imgdex/x", "");
            let connection = Connection::open(home.catalog()).expect("it can be made");
            connection
                .execute_batch(&format!("PRAGMA journal_mode = {journal}; {sql}"))
                .expect("it is SQL");
            drop(connection);
            assert_refused(&home, 8, &format!("{what}, {journal}"));
        }
    }
}

fn set_newer(connection: &Connection) {
    connection
        .execute_batch("PRAGMA user_version = 99; ALTER TABLE images ADD COLUMN later TEXT;")
        .expect("it can be written");
}

#[test]
fn a_newer_catalog_is_refused_and_left_as_it_is() {
    let home = home_with_images();
    set_newer(&Connection::open(home.catalog()).expect("it opens"));
    assert_refused(&home, 8, "a newer catalog");
    let ran = home.run("images list").fails(8);
    assert!(ran.stderr.contains("version 99"), "{ran:#?}");
    assert!(ran.stderr.contains("use the newer imgdex"), "{ran:#?}");
}

#[test]
fn what_a_newer_program_left_in_its_log_is_left_there() {
    let source = home_with_images();
    let connection = Connection::open(source.catalog()).expect("it opens");
    set_newer(&connection);
    // As the newer program left them when it was killed.
    let files = contents(&folder(&source));
    assert!(!files["catalog.db-wal"].is_empty());
    let home = home();
    for name in ["catalog.db", "catalog.db-wal"] {
        home.write(&format!(".local/share/imgdex/{name}"), &files[name]);
    }
    for command in COMMANDS {
        let ran = home.run(command);
        assert_eq!(ran.code, 8, "`{command}`: {ran:#?}");
        let after = contents(&folder(&home));
        for name in ["catalog.db", "catalog.db-wal"] {
            let same = after.get(name) == files.get(name);
            assert!(same, "`{command}` changed {name}");
        }
    }
}

#[test]
fn what_stands_in_the_catalogs_place_is_not_followed_or_opened() {
    let place = |home: &Home| {
        home.write(".local/share/imgdex/x", "");
        home.catalog()
    };
    let refused = |home: &Home, what: &str| {
        for command in COMMANDS {
            let ran: Ran = home.run(command);
            assert_eq!(ran.code, 11, "{what}: `{command}`: {ran:#?}");
            assert!(ran.stderr.contains(what), "{ran:#?}");
        }
    };

    let home = home();
    fs::create_dir(place(&home)).expect("it can be made");
    refused(&home, "is a folder");
    assert!(
        fs::read_dir(home.catalog())
            .expect("a folder")
            .next()
            .is_none()
    );

    let other = home_with_images();
    let before = contents(&folder(&other));
    for target in [other.catalog(), "/dev/null".into(), "nowhere.db".into()] {
        let home = self::home();
        symlink(&target, place(&home)).expect("it can be made");
        refused(&home, "is a symbolic link");
        assert!(!folder(&home).join("nowhere.db").exists());
    }
    assert!(before == contents(&folder(&other)));

    // Opening a pipe that nobody writes to would wait for ever.
    let home = self::home();
    let pipe = place(&home);
    crate::finish(home.command("mkfifo").arg(&pipe)).ok();
    refused(&home, "not a regular file");

    let home = self::home();
    let socket = std::os::unix::net::UnixListener::bind(place(&home)).expect("it can be made");
    refused(&home, "not a regular file");
    drop(socket);

    let home = self::home();
    for path in ["/", "/tmp/..", "."] {
        let ran = home.call_with(&["--catalog", path, "images", "list"]).run();
        assert_eq!(ran.code, 11, "{path}: {ran:#?}");
    }
}

#[test]
fn a_new_catalog_can_be_read_by_its_owner_only() {
    let home = Home::new();
    home.write("many.json", images("image", 3));
    let script = "umask 0; exec \"$@\"";
    let ran = crate::finish(home.command("sh").args([
        "-c",
        script,
        "sh",
        crate::support::PROGRAM,
        "images",
        "create",
        "-f",
        "many.json",
    ]));
    ran.ok();
    let mode = |path: &Path| fs::metadata(path).expect("it is there").mode() & 0o7777;
    assert_eq!(mode(&home.catalog()), 0o600);
    assert_eq!(mode(&folder(&home)), 0o700);

    // So can what SQLite keeps beside it, and a backup.
    let writing = crate::Holder::begin(&home);
    for name in ["catalog.db-wal", "catalog.db-shm"] {
        assert_eq!(mode(&folder(&home).join(name)), 0o600, "{name}");
    }
    drop(writing);
    home.run("catalog backup copy.db").ok();
    assert_eq!(mode(&home.path().join("copy.db")), 0o600);
}

#[test]
fn an_empty_file_becomes_a_catalog() {
    let home = Home::new();
    home.write(".local/share/imgdex/catalog.db", "");
    assert!(names(&home).is_empty());
    assert_eq!(fs::metadata(home.catalog()).expect("it is there").len(), 0);
    home.pipe(image("base"), "images create").ok();
    assert_eq!(names(&home), ["base"]);
    assert_whole(&home);
}

#[test]
fn a_missing_catalog_is_not_made_by_reading() {
    let home = Home::new();
    for command in ["images list", "groups list", "secrets list", "catalog info"] {
        home.run(command).ok();
    }
    home.run("catalog check").fails(4);
    home.run("catalog compact").fails(4);
    home.run("images get base").fails(4);
    assert!(!home.path().join(".local").exists());
}

#[test]
fn permissions_of_a_file_in_use_are_kept() {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    let shared = fs::Permissions::from_mode(0o660);
    fs::set_permissions(home.catalog(), shared).expect("it can be set");
    home.pipe(image("other"), "images create").ok();
    home.run("catalog compact").ok();
    let mode = fs::metadata(home.catalog()).expect("it is there").mode();
    assert_eq!(mode & 0o777, 0o660);
}
