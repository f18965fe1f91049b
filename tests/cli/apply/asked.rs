//! What `apply --prune` asks on a terminal, and what may happen meanwhile.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::lines;
use crate::support::{Home, PROGRAM};

/// Applies a file on a terminal and answers its question, before which
/// `meanwhile` is done.
fn answer(home: &Home, answer: &str, meanwhile: impl FnOnce()) {
    let mut child = home
        .command("script")
        .args([
            "-qec",
            "stty -echo; \"$P\" apply -f a.yaml --prune",
            "/dev/null",
        ])
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("P", PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut stdout = child.stdout.take().expect("it is piped");
    let mut shown = String::new();
    let mut byte = [0];
    while !shown.ends_with("[y/N] ") {
        let read = stdout.read(&mut byte).expect("it is read");
        assert_eq!(read, 1, "nothing was asked: {shown}");
        shown.push(char::from(byte[0]));
    }
    meanwhile();
    stdin.write_all(answer.as_bytes()).expect("typed");
    stdout.read_to_string(&mut shown).expect("it is read");
    assert!(child.wait().expect("it ends").success(), "{shown}");
}

fn home() -> Home {
    let home = Home::new();
    home.write("a.yaml", "name: a\n---\nname: b\n");
    home.run("apply -f a.yaml").ok();
    home.write("a.yaml", "name: a\npicture: dot.png\n")
        .write("dot.png", b"\x89PNG\r\n\x1a\n0");
    home
}

#[test]
fn only_what_was_asked_about_is_deleted() {
    let home = home();
    home.write("c.yaml", "name: c\n");
    answer(&home, "y\n", || {
        home.run("apply -f c.yaml").ok();
    });
    assert_eq!(lines(home.run("images list -o name")), ["a", "c"]);
    home.run("diff -f a.yaml --prune").fails(13);
}

#[test]
fn nothing_is_kept_before_the_answer() {
    let home = home();
    let pictures = home.path().join(".local/share/imgdex/store/pictures");
    answer(&home, "n\n", || {});
    assert!(!pictures.exists());
    answer(&home, "y\n", || assert!(!pictures.exists()));
    assert!(pictures.exists());
}
