//! `imgdex shell`: scripts, and what a person sees at the prompt.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::support::{Home, PROGRAM, Ran};
use crate::token_server::{self, TokenServer};
use crate::{FIRST, with_images};

fn script(home: &Home, options: &str, lines: &[&str]) -> Ran {
    home.pipe(lines.join("\n"), &format!("shell {options}"))
}

#[test]
fn the_lines_of_a_script_are_run_in_order() {
    let home = Home::new();
    let lines = [
        "\u{feff}# it's a comment",
        "",
        "groups create 'b c'",
        "  imgdex groups create a # the name is optional",
        "groups list -o name\r",
        "groups create d --display-name one\\",
        "'",
        " two' # three",
        "groups list -o csv",
    ];
    insta::assert_snapshot!(script(&home, "", &lines).snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    b c
    a
    id,name,displayName
    <uuid>,b c,b c
    <uuid>,a,a
    <uuid>,d,"one
     two"
    "#);
}

#[test]
fn a_script_stops_at_the_first_line_that_fails() {
    let home = Home::new();
    let lines = ["groups create a", "", "groups get b", "groups delete a"];
    insta::assert_snapshot!(script(&home, "", &lines).snapshot(&home), @r"
    exit code: 4
    ----- stderr -----
    error: group `b` does not exist
    hint: `imgdex groups list` shows what there is
    stopped at line 3 (exit code 4); the rest was not run
    ");
    assert_eq!(home.run("groups list -o name").ok().stdout, "a\n");
    let ran = script(&home, "-o json", &lines[2..]).fails(4);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("one object");
    assert_eq!(error["error"]["kind"], "not-found");
    script(&home, "", &["imges list", "groups list"]).fails(2);
    script(
        &home,
        "--keep-going",
        &["groups get b", "imges list", "groups list"],
    )
    .fails(4);
    // A check that found something is a failure too, as for `sh -e`.
    home.write("wanted/new.yaml", "name: new");
    script(&home, "", &["diff -f wanted", "groups delete a"]).fails(13);
}

#[test]
fn a_script_that_is_kept_going_runs_every_line_and_ends_as_its_first_failure() {
    let home = Home::new();
    let lines = [
        "groups get b",
        "diff",
        "groups create a",
        "groups list -o name",
    ];
    let ran = script(&home, "-k", &lines).fails(4);
    assert!(ran.stdout == "a\n", "{ran:#?}");
    script(&home, "-k", &["groups list", "quit", "gone"]).ok();
}

#[test]
fn a_line_that_cannot_be_read_ends_a_script() {
    let home = Home::new();
    insta::assert_snapshot!(script(&home, "", &["groups list", "groups get 'a", "b"]).snapshot(&home), @r"
    exit code: 2
    ----- stdout -----
    id  name  displayName
    ----- stderr -----
    error: <stdin>:2: the quote is never closed
    hint: close it with the quote that it began with
    ");
    let mut text = b"groups list\ngroups get \xff\n".to_vec();
    let ran = home.pipe(&text, "shell").fails(2);
    assert!(
        ran.stderr.contains("<stdin>:2: it is not UTF-8"),
        "{ran:#?}"
    );
    text = vec![b'a'; 5 << 20];
    let ran = home.pipe(&text, "shell").fails(2);
    assert!(ran.stderr.contains("longer than 4 MiB"), "{ran:#?}");
}

#[test]
fn the_options_of_the_shell_hold_for_each_line_unless_it_says_otherwise() {
    let home = Home::new();
    let lines = [
        "groups create a",
        "--catalog other.db groups create b",
        "groups list -o csv",
        "groups list",
        "--catalog other.db groups list",
        "groups list -o wide --quiet",
        "groups get gone",
    ];
    let ran = script(&home, "--catalog team.db -o name", &lines).fails(4);
    let shown = ran.snapshot(&home);
    insta::assert_snapshot!(shown, @r"
    exit code: 4
    ----- stdout -----
    a
    b
    id,name,displayName
    <uuid>,a,a
    a
    b
    id                                    name  displayName
    ------------------------------------  ----  -----------
    <uuid>  a     a
    ----- stderr -----
    error: group `gone` does not exist
    hint: `imgdex groups list` shows what there is
    stopped at line 7 (exit code 4); the rest was not run
    ");
    assert!(!home.catalog().exists());
}

#[test]
fn commands_of_a_script_do_not_swallow_its_lines() {
    let home = Home::new();
    home.write("image.json", FIRST);
    let ran = script(&home, "", &["images create", "groups create a"]).fails(2);
    assert!(
        ran.stderr.contains("The configuration is required."),
        "{ran:#?}"
    );
    let ran = script(
        &home,
        "-k",
        &[
            "login localhost:1 -u me --password-stdin",
            "secrets create --name a --password-stdin",
            "apply -f -",
            "images create -f -",
            "images create -f image.json",
            "images delete my-first-image",
            "images list -o name",
        ],
    )
    .fails(2);
    assert_eq!(ran.stdout, "id:  my-first-image\n", "{ran:#?}");
}

#[test]
fn a_shell_in_a_shell_and_what_only_a_shell_of_the_system_knows_are_refused() {
    let home = Home::new();
    let ran = script(
        &home,
        "-k",
        &["shell", "groups list > file", "groups list", "exit"],
    );
    insta::assert_snapshot!(ran.snapshot(&home), @r"
    exit code: 2
    ----- stdout -----
    id  name  displayName
    ----- stderr -----
    error: this is the shell already
    hint: `exit` leaves it
    error: unexpected argument '>' found

    Usage: imgdex groups list [OPTIONS]

    For more information, try '--help'.
    hint: `>` means nothing here: there are no pipes and redirections
    ");
}

#[test]
fn help_helps() {
    let home = with_images(FIRST);
    let help = |line: &str| script(&home, "", &[line]).ok().stdout;
    assert!(help("help").contains("Commands:"));
    assert_eq!(help("help images list"), help("images list --help"));
    assert_eq!(help("imgdex --version"), home.run("--version").ok().stdout);
}

#[test]
fn words_that_a_terminal_would_obey_are_shown() {
    let home = Home::new();
    let ran = script(
        &home,
        "-k",
        &["groups get '\u{1b}[2Jx'", "\u{1b}]0;x\u{7}", "groups list"],
    );
    assert!(
        !ran.stderr.contains('\u{1b}') && !ran.stderr.contains('\u{7}'),
        "{ran:#?}"
    );
}

#[test]
fn a_catalog_that_was_exchanged_in_between_is_noticed() {
    let home = Home::new();
    home.run("groups create old").ok();
    home.run("--catalog other.db groups create new").ok();
    let mut child = home
        .command(PROGRAM)
        .args(["shell", "-o", "name"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = child.stdin.take().expect("it is piped");
    let mut answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut ask = |line: &str| {
        writeln!(lines, "{line}").expect("written");
        answers.next().expect("an answer").expect("text")
    };
    assert_eq!(ask("groups list"), "old");
    // Others write it meanwhile, and are not kept waiting.
    home.run("groups delete old --lock-timeout 1").ok();
    home.run("groups create newer --lock-timeout 1").ok();
    assert_eq!(ask("groups list"), "newer");
    assert_eq!(ask("groups create b"), "b");
    assert_eq!(ask("groups delete newer\ngroups list"), "b");
    // All of it is in the file, so that another can take its place.
    fs::rename(home.path().join("other.db"), home.catalog()).expect("moved");
    assert_eq!(ask("groups list"), "new");
    assert_eq!(ask("groups create c"), "c");
    assert_eq!(ask("groups delete new\ngroups list"), "c");
    home.run("catalog compact").ok();
    assert_eq!(ask("groups list"), "c");
    fs::remove_file(home.catalog()).expect("removed");
    assert_eq!(ask("groups list -o csv"), "id,name,displayName");
    drop(lines);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn two_lines_ask_a_registry_with_one_token_and_a_login_with_another() {
    let (home, service) = (Home::new(), TokenServer::start());
    let registry = service.registry();
    registry.index("public/app", "1", &["amd64"]);
    let host = registry.host();
    let tags = format!("registry tags {host}/public/app");
    script(&home, "", &[&tags, &tags, &tags]).ok();
    assert_eq!(service.asked(), ["- repository:public/app:pull"]);
    // With other credentials it is somebody else who asks.
    let login = format!("login {host} -u me --password-stdin --authfile auth.json");
    let mut child = home
        .command(PROGRAM)
        .args(["shell"])
        .env("REGISTRY_AUTH_FILE", "auth.json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = child.stdin.take().expect("it is piped");
    let mut answers = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut ask = || {
        writeln!(lines, "{tags} -o json").expect("written");
        while answers.next().expect("an answer").expect("text") != "]" {}
    };
    ask();
    home.pipe(token_server::PASSWORD, &login).ok();
    ask();
    drop(lines);
    assert!(child.wait().expect("it ends").success());
    let asked = service.asked();
    assert_eq!(
        asked.last().map(String::as_str),
        Some("me repository:public/app:pull"),
        "{asked:?}"
    );
}
