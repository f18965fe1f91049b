//! Imports that are interrupted, killed, or meet a full disk: all or nothing.

use std::os::unix::fs::symlink;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::support::PROGRAM;
use crate::{assert_whole, copy};

/// Returns a home with a catalog of one image, and files to import.
fn home(before: &Home) -> Home {
    let home = copy(before);
    write_instances(&home, "in", "new", 5, "1");
    home
}

fn before() -> Home {
    let before = Home::new();
    before
        .run("metadata create --name old --display_name old --image_name old:1")
        .ok();
    before
}

/// Fails unless all of the files are there or none, and the next import takes all.
fn assert_all_or_none(home: &Home, ran: &Ran) {
    assert_whole(home);
    let there = listed(home).len() - 1;
    assert!(there == 0 || there == 5, "{there} of 5: {ran:#?}");
    assert!(
        !ran.stdout.contains("Imported 5") || there == 5,
        "lost: {ran:#?}"
    );
    home.run("metadata import -d in").ok();
    assert_eq!(listed(home).len(), 6);
}

#[test]
fn an_import_interrupted_at_any_write_takes_all_or_nothing() {
    let before = before();
    for (signal, code) in [("SIGINT", 130), ("SIGTERM", 143)] {
        let count = at_every(
            "pwrite64",
            &format!("signal={signal}"),
            &|| home(&before),
            "metadata import -d in",
            &|home, ran| {
                assert!([0, code].contains(&ran.code), "{ran:#?}");
                assert_all_or_none(home, ran);
            },
        );
        assert!(count > 3, "{count}");
    }
}

#[test]
fn an_import_interrupted_while_it_reads_takes_nothing() {
    let before = before();
    let count = at_every(
        "openat",
        "signal=SIGINT",
        &|| home(&before),
        "metadata import -d in",
        &|home, ran| assert_all_or_none(home, ran),
    );
    assert!(count > 10, "{count}");
}

#[test]
fn an_import_killed_at_any_write_takes_all_or_nothing() {
    let before = before();
    let mut kills = 0;
    for call in [
        "pwrite64",
        "write",
        "fsync",
        "fdatasync",
        "ftruncate",
        "unlink",
        "openat",
        "mkdir",
    ] {
        kills += at_every(
            call,
            "signal=SIGKILL",
            &|| home(&before),
            "metadata import -d in",
            &assert_all_or_none,
        );
        // The first import of all makes the catalog, too.
        kills += at_every(
            call,
            "signal=SIGKILL",
            &|| {
                let home = Home::new();
                write_instances(&home, "in", "new", 5, "1");
                home
            },
            "metadata import -d in",
            &|home, ran| {
                let there = listed(home).len();
                assert!(there == 0 || there == 5, "{there} of 5: {ran:#?}");
                home.run("metadata import -d in").ok();
                assert_eq!(listed(home).len(), 5);
                assert_whole(home);
            },
        );
    }
    assert!(kills > 40, "{kills}");
}

#[test]
fn an_import_to_a_full_or_failing_disk_takes_nothing_and_says_so() {
    let before = before();
    for (call, error) in [
        ("pwrite64", "ENOSPC"),
        ("pwrite64", "EIO"),
        ("fsync", "EIO"),
        ("fdatasync", "EIO"),
    ] {
        at_every(
            call,
            &format!("error={error}"),
            &|| home(&before),
            "metadata import -d in",
            &|home, ran| {
                assert!([0, 10].contains(&ran.code), "{ran:#?}");
                if ran.code == 10 {
                    assert_eq!(ran.stdout, "", "{ran:#?}");
                    assert!(ran.stderr.contains("catalog.db"), "{ran:#?}");
                }
                assert_all_or_none(home, ran);
            },
        );
    }
}

#[test]
fn a_link_that_takes_the_place_of_a_file_is_not_followed() {
    let home = Home::new();
    home.write("outside.json", instance("outside", "1"));
    write_instances(&home, "in", "a", 3, "1");
    // It has looked at the names by the time that it makes the catalog.
    let ran = stopped_at(
        &home,
        "pwrite64",
        &["metadata", "import", "-d", "in"],
        |_| {
            let file = home.path().join("in/a2.json");
            std::fs::remove_file(&file).expect("it is there");
            symlink("../outside.json", &file).expect("made");
        },
    )
    .fails(11);
    assert!(ran.stderr.contains("in/a2.json"), "{ran:#?}");
    assert_eq!(ran.stdout, "");
    assert_eq!(listed(&home), [""; 0]);
    assert_whole(&home);
}

#[test]
fn a_folder_that_is_exchanged_for_another_changes_nothing() {
    let home = Home::new();
    write_instances(&home, "in", "a", 3, "1");
    write_instances(&home, "other", "a", 3, "2");
    let ran = stopped_at(
        &home,
        "pwrite64",
        &["metadata", "import", "-d", "in"],
        |_| {
            std::fs::rename(home.path().join("in"), home.path().join("away")).expect("renamed");
            symlink("other", home.path().join("in")).expect("made");
        },
    );
    ran.ok();
    let shown = home.run("images get a2 -o json").ok();
    assert!(shown.stdout.contains("quay.io/team/a2:1"), "{shown:#?}");
}

#[test]
fn a_file_that_vanishes_is_left_out() {
    let home = Home::new();
    write_instances(&home, "in", "a", 3, "1");
    let ran = stopped_at(
        &home,
        "pwrite64",
        &["metadata", "import", "-d", "in"],
        |_| {
            std::fs::remove_file(home.path().join("in/a2.json")).expect("it is there");
        },
    )
    .fails(3);
    assert!(ran.stdout.contains("a2.json  cannot be read: "), "{ran:#?}");
    assert_eq!(listed(&home), ["a1", "a3"]);
}

#[test]
fn an_import_interrupted_in_its_middle_ends_at_once() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let home = home(&before());
        let ran = stopped_at(
            &home,
            "pwrite64",
            &["metadata", "import", "-d", "in"],
            |process| {
                kill_process(process, signal).expect("it runs");
            },
        )
        .fails(code);
        assert_eq!(ran.stdout, "");
        assert_eq!(listed(&home), ["old"]);
        assert_whole(&home);
    }
}

/// Runs the program, which is stopped at its first call of that name, does
/// something, and lets it go on.
fn stopped_at(home: &Home, call: &str, arguments: &[&str], meanwhile: impl FnOnce(Pid)) -> Ran {
    let mut strace = home
        .command("strace")
        .args(["-qq", "-o", "trace", "-e"])
        .arg(format!("inject={call}:signal=SIGSTOP:when=1"))
        .arg(PROGRAM)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace, which tests/run.sh installs, starts");
    let process = loop {
        if let Some(process) = stopped_child(home, strace.id()) {
            break process;
        }
        let ended = strace.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "it ended before its first {call}");
        std::thread::yield_now();
    };
    meanwhile(process);
    kill_process(process, Signal::CONT).expect("it is stopped");
    Ran::of(&strace.wait_with_output().expect("it ends"))
}

/// Returns the child of `strace`, once its trace says that it is stopped.
fn stopped_child(home: &Home, strace: u32) -> Option<Pid> {
    let trace = std::fs::read(home.path().join("trace")).ok()?;
    if !trace.ends_with(b"--- stopped by SIGSTOP ---\n") {
        return None;
    }
    let children =
        std::fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).ok()?;
    Pid::from_raw(children.split_whitespace().next()?.parse().ok()?)
}
