//! Folders that somebody prepared for an export.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::finish;
use crate::support::PROGRAM;

/// Returns a home with images `a1`, `a2`, … in its catalog.
fn home(count: usize) -> Home {
    let home = Home::new();
    write_instances(&home, "in", "a", count, "1");
    home.run("metadata import -d in").ok();
    home
}

fn text(home: &Home, path: &str) -> String {
    fs::read_to_string(home.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn fifo(home: &Home, path: &str) {
    let path = home.path().join(path);
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o666), 0).expect("it can be made");
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_never_written_through() {
    for flags in ["", "--clean"] {
        let home = home(3);
        home.write("outside", "mine")
            .write("out/runtime-images/x", "");
        let folder = home.path().join("out/runtime-images");
        symlink("../../outside", folder.join("a1.json")).expect("made");
        symlink("nowhere", folder.join("a2.json")).expect("made");
        fifo(&home, "out/runtime-images/a3.json");
        home.run(&format!("metadata export {flags} -d out")).ok();
        assert_eq!(text(&home, "outside"), "mine");
        assert!(!folder.join("nowhere").exists());
        for name in ["a1", "a2", "a3"] {
            let path = folder.join(format!("{name}.json"));
            assert!(path.symlink_metadata().expect("there").is_file(), "{name}");
            assert_eq!(
                text(&home, &format!("out/runtime-images/{name}.json")),
                instance(name, "1")
            );
        }
    }
}

#[test]
fn a_link_in_the_place_of_the_folder_is_refused() {
    let home = home(3);
    home.write("outside/a1.json", "mine").write("out/x", "");
    let link = home.path().join("out/runtime-images");
    for target in ["../outside", "/etc", "nowhere", "."] {
        symlink(target, &link).expect("made");
        for flags in ["", "--clean"] {
            let ran = home
                .run(&format!("metadata export {flags} -d out"))
                .fails(11);
            assert!(ran.stderr.contains("link"), "{ran:#?}");
        }
        fs::remove_file(&link).expect("it is there");
    }
    assert_eq!(text(&home, "outside/a1.json"), "mine");
    assert_eq!(crate::contents(&home.path().join("outside")).len(), 1);
}

#[test]
fn a_marker_that_is_no_file_is_refused() {
    for flags in ["", "--clean"] {
        let home = home(1);
        home.write("outside", "a1.json\n")
            .write("out/runtime-images/a9.json", "{");
        let marker = home.path().join("out/runtime-images/.imgdex-export");
        symlink("../../outside", &marker).expect("made");
        home.run(&format!("metadata export {flags} -d out"))
            .fails(11);
        fs::remove_file(&marker).expect("there");
        fifo(&home, "out/runtime-images/.imgdex-export");
        home.run(&format!("metadata export {flags} -d out"))
            .fails(11);
        fs::remove_file(&marker).expect("there");
        fs::create_dir(&marker).expect("made");
        home.run(&format!("metadata export {flags} -d out"))
            .fails(11);
        assert_eq!(text(&home, "outside"), "a1.json\n");
        fs::remove_dir(&marker).expect("there");
        assert_eq!(exported(&home, "out").len(), 1);
    }
}

#[test]
fn what_a_killed_export_left_is_swept_whatever_it_is() {
    let home = home(2);
    home.write("outside/x", "mine")
        .write("out/runtime-images/x", "mine");
    let left = home.path().join("out/runtime-images/.imgdex-export.tmp");
    let assert_swept = || {
        home.run("metadata export -d out").ok();
        let names: Vec<String> = exported(&home, "out").into_keys().collect();
        assert_eq!(names, [".imgdex-export", "a1.json", "a2.json", "x"]);
        assert_eq!(text(&home, "outside/x"), "mine");
    };
    home.write("out/runtime-images/.imgdex-export.tmp/a1.json", "half")
        .write("out/runtime-images/.imgdex-export.tmp/gone.json", "half");
    assert_swept();
    home.write("out/runtime-images/.imgdex-export.tmp", "a file");
    assert_swept();
    symlink("../../outside", &left).expect("made");
    assert_swept();
    fifo(&home, "out/runtime-images/.imgdex-export.tmp");
    assert_swept();
    fs::create_dir(&left).expect("made");
    symlink("../../../outside", left.join("link")).expect("made");
    assert_swept();
    // Somebody's folder in it is not swept: it is said.
    home.write("out/runtime-images/.imgdex-export.tmp/folder/x", "mine");
    let ran = home.run("metadata export -d out").fails(10);
    assert!(ran.stderr.contains(".imgdex-export.tmp"), "{ran:#?}");
    assert_eq!(
        text(&home, "out/runtime-images/.imgdex-export.tmp/folder/x"),
        "mine"
    );
}

#[test]
fn few_descriptors_are_enough_for_many_images() {
    const COUNT: usize = 1000;
    let home = Home::new();
    write_instances(&home, "in", "a", COUNT, "1");
    let limited = |words: &str| {
        let mut command = home.command("sh");
        command
            .args(["-c", "ulimit -n 64 && exec \"$@\"", "sh", PROGRAM])
            .args(words.split_whitespace());
        finish(&mut command)
    };
    let ran = limited("metadata import -d in").ok();
    assert!(
        ran.stdout.starts_with("Imported 1000 instances\n"),
        "{ran:#?}"
    );
    limited("metadata export -d out").ok();
    limited("metadata export -d out --clean").ok();
    assert_eq!(exported(&home, "out").len(), COUNT + 1);
    limited("metadata validate out").ok();
    limited("metadata import -d out --strict").ok();
    home.run("images delete a7 --yes").ok();
    limited("metadata export -d out --clean").ok();
    assert_eq!(exported(&home, "out").len(), COUNT);
}

#[test]
fn a_read_only_folder_and_a_mount_point_are_said() {
    let home = home(2);
    home.run("metadata export -d out").ok();
    let before = exported(&home, "out");
    let script = r#"
        mount --bind out out && mount -o remount,bind,ro out || exit 99
        "$1" metadata export -d out; echo "code $?"
        "$1" metadata export --clean -d out; echo "code $?"
        "$1" metadata export -d out/deeper; echo "code $?"
        mount -o remount,bind,rw out || exit 98
        "$1" metadata export --clean -d out; echo "code $?"
        umount out
        mount --bind out/runtime-images out/runtime-images || exit 97
        "$1" metadata export --clean -d out; echo "code $?"
        "$1" metadata export -d out; echo "code $?"
    "#;
    let mut command = home.command("unshare");
    command.args(["--mount", "sh", "-c", script, "sh", PROGRAM]);
    let ran = finish(&mut command);
    assert!(
        ran.code < 97,
        "cannot mount: the tests are to be run as root: {ran:#?}"
    );
    let ran = ran.ok();
    assert_eq!(
        ran.stdout,
        "code 10\ncode 11\ncode 10\ncode 11\ncode 11\n\
         Exported 2 instances (0 of which are invalid)\ncode 0\n",
        "{ran:#?}"
    );
    assert_eq!(
        ran.stderr
            .matches("is a mount point, and is not cleaned")
            .count(),
        3,
        "{ran:#?}"
    );
    assert!(exported(&home, "out") == before);
}

#[test]
fn closed_output_ends_the_program_quietly() {
    let home = home(300);
    home.write("bad/bad.json", "{");
    for words in [
        "metadata list",
        "metadata list --json",
        "metadata list -o yaml",
        "metadata list -o csv",
        "metadata export -d out",
        "metadata import -d bad",
        "metadata schema",
        "metadata validate in",
    ] {
        let script =
            format!("\"$1\" {words} 2>stderr | true; test ! -s stderr || ! grep panic stderr");
        let output = home
            .command("sh")
            .args(["-c", &script, "sh", PROGRAM])
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        let ran = Ran::of(&output).ok();
        assert_eq!(
            (ran.stdout.as_str(), ran.stderr.as_str()),
            ("", ""),
            "{words}"
        );
        let script = format!("\"$1\" {words} > /dev/full");
        let output = home
            .command("sh")
            .args(["-c", &script, "sh", PROGRAM])
            .output()
            .expect("sh runs");
        let ran = Ran::of(&output).fails(10);
        assert!(
            ran.stderr.contains("cannot write the output"),
            "{words}: {ran:#?}"
        );
    }
    assert_eq!(exported(&home, "out").len(), 301);
}
