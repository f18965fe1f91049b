//! Disks that are full, and disks that fail.

use crate::strace::{Fault, run_with};
use crate::support::{Home, PROGRAM, Ran};
use crate::{assert_whole, copy, image, images, names};

/// Runs the program in homes that are all alike, its first, second, third …
/// call failing, and also that call and all later ones, until it has its end
/// without having met a failure; no call is left out.
pub fn fail_every(
    call: &str,
    error: &str,
    home: &dyn Fn() -> Home,
    arguments: &str,
    judge: &dyn Fn(&Home, &Ran),
) -> u32 {
    let what = format!("error={error}");
    let mut failures = 0;
    for later_too in [false, true] {
        for number in 1.. {
            let when = format!("{number}{}", if later_too { "+" } else { "" });
            let home = home();
            let fault = Fault {
                call,
                what: &what,
                when: &when,
            };
            let ran = run_with(fault, &home, arguments);
            // It is the program that is judged, not the one that loads it.
            if ran.code != 127 || !ran.stderr.contains("shared libraries") {
                judge(&home, &ran);
            }
            failures += u32::from(ran.code == 10);
            let trace = std::fs::read(home.path().join("trace")).expect("there is a trace");
            if !String::from_utf8_lossy(&trace).contains("(INJECTED)") {
                break;
            }
        }
    }
    failures
}

fn assert_said(ran: &Ran) {
    assert_eq!(ran.stdout, "", "{ran:#?}");
    assert!(
        ran.stderr.contains("nothing was saved") || ran.stderr.contains("not safely saved"),
        "{ran:#?}"
    );
    assert!(ran.stderr.contains("catalog.db"), "{ran:#?}");
}

/// A write either succeeds, its text printed and its images there, or says that
/// nothing was saved.
fn judge_creation(home: &Home, ran: &Ran, old: &[&str]) {
    match ran.code {
        0 => assert_eq!(ran.stdout.lines().count(), 5, "{ran:#?}"),
        10 => assert_said(ran),
        _ => panic!("{ran:#?}"),
    }
    let there = names(home);
    assert_eq!(there[..old.len()], *old);
    let wanted = match ran.code {
        0 => 5,
        // A sync that fails leaves it open what the disk holds; all or nothing
        // it is even then.
        _ if ran.stderr.contains("did not confirm") && there.len() > old.len() => 5,
        _ => 0,
    };
    assert_eq!(there.len() - old.len(), wanted, "{there:?} after {ran:#?}");
    home.pipe(images("new", 5), "images create --skip-existing")
        .ok();
    assert_eq!(names(home).len(), old.len() + 5);
    assert_whole(home);
}

#[test]
fn a_write_to_a_full_or_failing_disk_is_said_not_to_be_saved() {
    let before = Home::new();
    before.pipe(image("old"), "images create").ok();
    let home = || {
        let home = copy(&before);
        home.write("new.json", images("new", 5));
        home
    };
    for (call, error) in [
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EIO"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
        ("ftruncate", "ENOSPC"),
    ] {
        let failures = fail_every(
            call,
            error,
            &home,
            "images create -f new.json",
            &|home, ran| {
                judge_creation(home, ran, &["old"]);
            },
        );
        assert!(failures > 0 || call.contains("sync"), "{call} never failed");
    }
}

#[test]
fn a_first_write_to_a_full_or_failing_disk_leaves_no_half_catalog() {
    let home = || {
        let home = Home::new();
        home.write("new.json", images("new", 5));
        home
    };
    for (call, error) in [("pwrite64", "ENOSPC"), ("fsync", "EIO")] {
        fail_every(
            call,
            error,
            &home,
            "images create -f new.json",
            &|home, ran| {
                judge_creation(home, ran, &[]);
            },
        );
    }
}

#[test]
fn a_backup_to_a_full_disk_leaves_no_file() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    let home = || copy(&before);
    for (call, error) in [
        ("pwrite64", "ENOSPC"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
    ] {
        fail_every(
            call,
            error,
            &home,
            "catalog backup copy.db",
            &|home, ran| {
                let left: Vec<String> = std::fs::read_dir(home.path())
                    .expect("the folder can be read")
                    .map(|entry| entry.expect("it can be read").file_name())
                    .filter_map(|name| name.into_string().ok())
                    .filter(|name| name.contains("copy") || name.contains("backup"))
                    .collect();
                match ran.code {
                    0 => {
                        assert_eq!(left, ["copy.db"]);
                        home.run("--catalog copy.db catalog check").ok();
                        let listed = home.run("--catalog copy.db images list -o name").ok();
                        assert_eq!(listed.stdout.lines().count(), 40);
                    }
                    10 => {
                        assert!(left.is_empty(), "{left:?} after {ran:#?}");
                        assert!(
                            ran.stderr.contains("copy.db") || ran.stderr.contains("catalog.db"),
                            "{ran:#?}"
                        );
                    }
                    _ => panic!("{ran:#?}"),
                }
                assert_whole(home);
            },
        );
    }
}

#[test]
fn compacting_on_a_full_disk_loses_nothing() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    before.run("images delete image-7 --yes").ok();
    let wanted = names(&before);
    let home = || copy(&before);
    fail_every(
        "pwrite64",
        "ENOSPC",
        &home,
        "catalog compact",
        &|home, ran| {
            assert!([0, 10].contains(&ran.code), "{ran:#?}");
            assert_whole(home);
            assert_eq!(names(home), wanted);
            let found = home.run("images list -o name --search image-33").ok();
            assert_eq!(found.stdout, "image-33\n");
        },
    );
}

#[test]
fn a_catalog_that_cannot_be_read_says_so() {
    let before = Home::new();
    before.pipe(images("image", 40), "images create").ok();
    let whole = before.run("images list -o name").ok();
    let home = || copy(&before);
    let failures = fail_every(
        "pread64",
        "EIO",
        &home,
        "images list -o name",
        &|home, ran| {
            match ran.code {
                0 => assert_eq!(ran.stdout, whole.stdout),
                // SQLite takes a page that the disk cannot give for a damaged one
                // (`SQLITE_IOERR_CORRUPTFS` becomes `SQLITE_CORRUPT`).
                8 => assert!(ran.stderr.contains("is damaged"), "{ran:#?}"),
                10 => {
                    assert!(ran.stderr.contains("catalog.db"), "{ran:#?}");
                    assert!(!ran.stderr.contains("read-only"), "{ran:#?}");
                }
                _ => panic!("{ran:#?}"),
            }
            assert_whole(home);
        },
    );
    assert!(failures > 1, "{failures}");
}

#[test]
fn a_full_file_system_keeps_what_it_holds_and_works_again_when_there_is_room() {
    let home = Home::new();
    home.write("one.json", image("one"))
        .write("two.json", image("two"))
        .write("three.json", image("three"))
        .write("many.json", images("many", 5000))
        .write(".local/share/imgdex/note", "");
    let script = r#"
        folder="$PWD/.local/share/imgdex"
        mount -t tmpfs -o size=1m,mode=700 tmpfs "$folder" || exit 99
        "$1" images create -f one.json || exit 1
        "$1" images create -f many.json 2>stderr; echo "code $?"
        "$1" catalog check || exit 2
        dd if=/dev/zero of="$folder/filler" bs=4k 2>/dev/null
        "$1" images create -f two.json 2>>stderr; echo "code $?"
        "$1" images list -o name; echo "code $?"
        rm "$folder/filler"
        "$1" images create -f three.json || exit 3
        "$1" catalog check || exit 4
        "$1" images list -o name
    "#;
    let mut command = home.command("unshare");
    command.args(["--mount", "sh", "-c", script, "sh", PROGRAM]);
    let ran = crate::finish(&mut command);
    assert_ne!(
        ran.code, 99,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    let ran = ran.ok();
    assert_eq!(
        ran.stdout,
        "id:  one\ncode 10\ncode 10\none\ncode 0\nid:  three\none\nthree\n"
    );
    let stderr = std::fs::read_to_string(home.path().join("stderr")).expect("it is there");
    assert_eq!(stderr.matches("saved").count(), 2, "{stderr}");
}
