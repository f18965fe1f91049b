//! How answers are printed: forms, widths, terminals, closed pipes.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::support::{Home, PROGRAM, Ran};
use crate::{FIRST, lines, with_images};

const IMAGES: &str = r#"
- {name: one, displayName: 日本語の名前, description: "a, \"b\"", type: cpu, url: "quay.io/a/b:1", tags: [x, y], kind: app,
   groups: [{id: 11111111-2222-4333-8444-555555555555, name: research, displayName: Research}], author: ada}
- {name: two, displayName: "esc\u001b[31m\u202Ered", description: "tab\tand\nline", global: true, isReady: false,
   urlForGpu: "quay.io/a/b:2", pullSecret: plain, author: "=cmd()"}
"#;

#[test]
fn a_list_of_images_is_printed_in_every_form() {
    let home = with_images(IMAGES);
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id   name  displayName               description     type  isReady
    ---  ----  ------------------------  --------------  ----  -------
    one  one   日本語の名前              a, "b"          cpu   Unknown
    two  two   esc\u{1b}[31m\u{202e}red  tab\tand\nline  both  False
    "#);
    insta::assert_snapshot!(home.run("images list -o wide").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id   name  displayName               description     type  isReady  url            urlForGpu      useImagePullSecret  pullSecret  global  groups    kind  tags  author  problem  vulnerabilities  updatedAt
    ---  ----  ------------------------  --------------  ----  -------  -------------  -------------  ------------------  ----------  ------  --------  ----  ----  ------  -------  ---------------  --------------------
    one  one   日本語の名前              a, "b"          cpu   Unknown  quay.io/a/b:1                                                 false   research  app   x,y   ada                               <time>
    two  two   esc\u{1b}[31m\u{202e}red  tab\tand\nline  both  False                   quay.io/a/b:2                      plain       true                          =cmd()                            <time>
    "#);
    insta::assert_snapshot!(home.run("images list -o json").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"id":"one","name":"one","displayName":"日本語の名前","description":"a, \"b\"","type":"cpu","url":"quay.io/a/b:1","urlForGpu":null,"useImagePullSecret":null,"global":false,"groups":[{"id":"<uuid>","name":"research","displayName":"Research"}],"isReady":null,"tags":["x","y"],"kind":"app","author":"ada","formats":["primehub"],"createdAt":"<time>","updatedAt":"<time>","revision":1},
    {"id":"two","name":"two","displayName":"esc\u001b[31m\u202ered","description":"tab\tand\nline","type":"both","url":null,"urlForGpu":"quay.io/a/b:2","useImagePullSecret":null,"pullSecret":"plain","global":true,"groups":[],"isReady":false,"author":"=cmd()","formats":["primehub"],"createdAt":"<time>","updatedAt":"<time>","revision":1}
    ]
    "#);
    insta::assert_snapshot!(home.run("images list -o yaml").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    - id: one
      name: one
      displayName: "日本語の名前"
      description: "a, \"b\""
      type: cpu
      url: quay.io/a/b:1
      urlForGpu: null
      useImagePullSecret: null
      global: false
      groups:
        - id: "<uuid>"
          name: research
          displayName: Research
      isReady: null
      tags:
        - x
        - "y"
      kind: app
      author: ada
      formats:
        - primehub
      createdAt: "<time>"
      updatedAt: "<time>"
      revision: 1
    - id: two
      name: two
      displayName: "esc\u001b[31m\u202ered"
      description: "tab\tand\nline"
      type: both
      url: null
      urlForGpu: quay.io/a/b:2
      useImagePullSecret: null
      pullSecret: plain
      global: true
      groups: []
      isReady: false
      author: "=cmd()"
      formats:
        - primehub
      createdAt: "<time>"
      updatedAt: "<time>"
      revision: 1
    "#);
    insta::assert_snapshot!(home.run("images list -o csv").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id,name,displayName,description,type,isReady,url,urlForGpu,useImagePullSecret,pullSecret,global,groups,kind,tags,author,problem,vulnerabilities,updatedAt
    one,one,日本語の名前,"a, ""b""",cpu,Unknown,quay.io/a/b:1,,,,false,research,app,"x,y",ada,,,<time>
    two,two,esc\u{1b}[31m\u{202e}red,"tab\tand
    line",both,False,,quay.io/a/b:2,,plain,true,,,,'=cmd(),,,<time>
    "#);
    insta::assert_snapshot!(home.run("images list -o name").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    one
    two
    ");
}

#[test]
fn one_image_is_printed_in_every_form() {
    let home = with_images(IMAGES);
    insta::assert_snapshot!(home.run("images get two").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id:                  two
    name:                two
    displayName:         esc\u{1b}[31m\u{202e}red
    description:         tab\tand
                         line
    type:                both
    url:
    urlForGpu:           quay.io/a/b:2
    useImagePullSecret:
    pullSecret:          plain
    global:              true
    groups:
    isReady:             False
    author:              =cmd()
    formats:             primehub
    createdAt:           <time>
    updatedAt:           <time>
    revision:            1
    ");
    insta::assert_snapshot!(home.run("images get two -o yaml").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id: two
    name: two
    displayName: "esc\u001b[31m\u202ered"
    description: "tab\tand\nline"
    type: both
    url: null
    urlForGpu: quay.io/a/b:2
    useImagePullSecret: null
    pullSecret: plain
    global: true
    groups: []
    isReady: false
    author: "=cmd()"
    formats:
      - primehub
    createdAt: "<time>"
    updatedAt: "<time>"
    revision: 1
    "#);
    insta::assert_snapshot!(home.run("images get two -o csv").snapshot(&home), @r#"
    exit code: 0
    ----- stdout -----
    id,name,displayName,description,type,isReady,url,urlForGpu,useImagePullSecret,pullSecret,global,groups,kind,tags,author,problem,vulnerabilities,updatedAt
    two,two,esc\u{1b}[31m\u{202e}red,"tab\tand
    line",both,False,,quay.io/a/b:2,,plain,true,,,,'=cmd(),,,<time>
    "#);
    insta::assert_snapshot!(home.run("images get two -o name").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    two
    ");
}

#[test]
fn an_empty_list_is_an_empty_list_or_only_a_header() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("images list").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    id  name  displayName  description  type  isReady
    ");
    assert_eq!(home.run("images list -o json").ok().stdout, "[]\n");
    assert_eq!(home.run("images list --json").ok().stdout, "[]\n");
    assert_eq!(home.run("images list -o yaml").ok().stdout, "[]\n");
    assert_eq!(home.run("images list -o name").ok().stdout, "");
    let wide = home.run("images list -o wide").ok().stdout;
    assert_eq!(wide.lines().count(), 1);
    assert!(
        home.run("images list -o csv")
            .ok()
            .stdout
            .starts_with("id,name,displayName,")
    );
}

#[test]
fn nothing_but_answers_is_on_standard_output() {
    let home = with_images(FIRST);
    for arguments in [
        "images archive my-first-image",
        "images restore my-first-image",
        "catalog check",
        "catalog compact",
        "images delete my-first-image",
    ] {
        assert_eq!(home.run(arguments).ok().stdout, "", "{arguments}");
    }
    assert_eq!(home.pipe(FIRST, "-q images create").ok().stderr, "");
    assert_eq!(home.run("-q images archive my-first-image").ok().stderr, "");
}

#[test]
fn no_control_character_reaches_the_reader() {
    let home = with_images(IMAGES);
    for form in ["table", "wide", "csv", "name"] {
        let text = home.run(&format!("images list -o {form}")).ok().stdout;
        assert!(
            !text.contains(['\u{1b}', '\u{202e}', '\t']),
            "{form}: {text:?}"
        );
    }
    for form in ["json", "yaml"] {
        let text = home.run(&format!("images list -o {form}")).ok().stdout;
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{form}: {text:?}");
    }
}

#[test]
fn colour_is_for_terminals_or_where_it_is_asked_for() {
    let home = Home::new();
    let escapes = |ran: Ran| ran.stderr.contains('\u{1b}');
    assert!(!escapes(home.run("images get gone")));
    assert!(escapes(home.run("--color always images get gone")));
    assert!(!escapes(home.run("--color never images get gone")));
    assert!(!escapes(
        home.call("images get gone").env("NO_COLOR", "1").run()
    ));
}

/// A home with so many images that their list fills any pipe.
fn many() -> Home {
    let text: String = (0..5000)
        .map(|number| format!("{{\"name\": \"image-{number}\", \"description\": \"some words that take some room\"}}\n"))
        .collect();
    let home = Home::new();
    home.pipe(text, "images create -q").ok();
    home
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let home = many();
    for form in ["table", "json", "yaml", "csv", "name", "wide"] {
        let mut child = home
            .command(PROGRAM)
            .args(["images", "list", "-o", form])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut first = [0; 1];
        let mut stdout = child.stdout.take().expect("it is piped");
        stdout.read_exact(&mut first).expect("something is printed");
        drop(stdout);
        let ran = Ran::of(&child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{form}");
    }
    let output = home
        .command("sh")
        .args(["-c", "\"$1\" images list | head -1; \"$1\" --help | true; \"$1\" images get gone 2>&1 | true", "sh", PROGRAM])
        .output()
        .expect("sh runs");
    let ran = Ran::of(&output).ok();
    assert!(
        ran.stdout.starts_with("id ") && ran.stderr.is_empty(),
        "{ran:?}"
    );
}

#[test]
fn a_full_disk_is_told() {
    let home = with_images(FIRST);
    let output = home
        .command("sh")
        .args(["-c", "\"$1\" images list > /dev/full", "sh", PROGRAM])
        .output()
        .expect("sh runs");
    insta::assert_snapshot!(Ran::of(&output).snapshot(&home), @r"
    exit code: 10
    ----- stderr -----
    error: cannot write the output: No space left on device (os error 28)
    ");
}

/// Runs a line of the shell on a terminal of 60 columns, typing `typed`.
fn on_a_terminal(home: &Home, line: &str, typed: &str) -> Ran {
    let mut command: Command = home.command("script");
    let inner = format!("stty cols 60 -echo; {line}");
    let mut child = command
        .args(["-qec", &inner, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm")
        .env("P", PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut stdin, typed.as_bytes()).expect("typed");
    // Its end would be typed too, so it stays open until the program is done.
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    let mut ran = Ran::of(&output);
    ran.stdout = ran.stdout.replace('\r', "");
    ran
}

#[test]
fn a_table_is_cut_to_the_width_of_a_terminal_and_only_there() {
    let long = "a description that is far longer than any terminal of sixty columns would ever be";
    let home = with_images(&format!(
        "{{\"name\": \"base\", \"displayName\": \"日本語 Base\", \"description\": \"{long}\"}}"
    ));
    let ran = on_a_terminal(&home, "\"$P\" images list", "");
    insta::assert_snapshot!(ran.stdout, @r"
    id    name  displayName  description           type  isReady
    ----  ----  -----------  --------------------  ----  -------
    base  base  日本語 Base  a description that …  both  Unknown
    ");
    let whole = home.run("images list").ok().stdout;
    assert!(whole.contains(long));
    let ran = on_a_terminal(&home, "\"$P\" images list | cat", "");
    assert_eq!(ran.stdout, whole, "the same in a pipe");
    let ran = on_a_terminal(&home, "\"$P\" images list -o json", "");
    assert!(ran.stdout.contains(long));
}

#[test]
fn deleting_asks_on_a_terminal() {
    let home = with_images("[{\"name\": \"a\"}, {\"name\": \"b\"}]");
    home.run("groups create research").ok();
    home.pipe("{\"name\": \"quay\"}", "secrets create").ok();
    let ran = on_a_terminal(&home, "\"$P\" images delete a", "n\n");
    assert!(ran.stdout.contains("Delete `a`? [y/N] "), "{ran:?}");
    assert!(ran.stdout.contains("nothing was done"), "{ran:?}");
    on_a_terminal(&home, "\"$P\" images delete a", "\n");
    on_a_terminal(&home, "\"$P\" groups delete research", "n\n");
    on_a_terminal(&home, "\"$P\" secrets delete image-quay", "n\n");
    assert_eq!(lines(home.run("images list -o name")), ["a", "b"]);
    assert_eq!(lines(home.run("groups list -o name")), ["research"]);
    assert_eq!(lines(home.run("secrets list -o name")), ["image-quay"]);
    on_a_terminal(&home, "\"$P\" images delete a", "y\n").ok();
    assert_eq!(lines(home.run("images list -o name")), ["b"]);
    let ran = on_a_terminal(&home, "\"$P\" images delete b --yes", "").ok();
    assert!(!ran.stdout.contains("[y/N]"), "{ran:?}");
    assert!(lines(home.run("images list -o name")).is_empty());
}

#[test]
fn pruning_asks_on_a_terminal_and_archiving_does_not() {
    let home = Home::new();
    home.write("a.yaml", "name: a\n---\nname: b\n");
    home.run("apply -f a.yaml").ok();
    home.write("a.yaml", "name: a\n");
    let ran = on_a_terminal(&home, "\"$P\" apply -f a.yaml --prune", "n\n");
    assert!(ran.stdout.contains("Delete `b`? [y/N] "), "{ran:?}");
    assert_eq!(lines(home.run("images list -o name")), ["a", "b"]);
    on_a_terminal(&home, "\"$P\" apply -f a.yaml --prune", "y\n").ok();
    assert_eq!(lines(home.run("images list -o name")), ["a"]);
    let ran = on_a_terminal(&home, "\"$P\" images archive a", "").ok();
    assert!(!ran.stdout.contains("[y/N]"), "{ran:?}");
}

#[test]
fn with_no_input_on_a_terminal_the_configuration_is_required() {
    let home = Home::new();
    let ran = on_a_terminal(&home, "\"$P\" images create", "").fails(2);
    assert!(
        ran.stdout
            .starts_with("The configuration is required.\n\nExample:\n{"),
        "{ran:?}"
    );
}
