//! Help, usage errors, completions, manual pages.

use std::fs;
use std::process::Stdio;

use crate::support::Home;
use crate::{FIRST, lines, with_images};

/// Returns the verbs that a command's help lists.
fn verbs(help: &str) -> Vec<String> {
    let (_, rest) = help.split_once("\nCommands:\n").unwrap_or_default();
    rest.lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|word| {
            word.chars()
                .all(|one| one.is_ascii_lowercase() || one == '-')
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let home = Home::new();
    let mut commands = vec![String::new()];
    let mut seen = 0;
    while let Some(command) = commands.pop() {
        let ran = home.run(&format!("{command} --help")).ok();
        assert_eq!(ran.stderr, "", "{command}");
        let inner = verbs(&ran.stdout);
        if inner.is_empty() {
            assert!(
                ran.stdout.contains("Example"),
                "`{command} --help` has no example:\n{}",
                ran.stdout
            );
        }
        assert!(
            ran.stdout.lines().all(|line| line.chars().count() <= 120),
            "{command}"
        );
        seen += 1;
        commands.extend(inner.into_iter().map(|verb| format!("{command} {verb}")));
    }
    assert!(seen > 35, "{seen} commands were seen");
}

#[test]
fn the_help_of_a_noun_has_an_example_too() {
    let home = Home::new();
    for noun in ["images", "groups", "secrets", "store", "catalog", "config"] {
        let ran = home.run(&format!("{noun} --help")).ok();
        assert!(ran.stdout.contains("Example"), "{noun}:\n{}", ran.stdout);
    }
}

#[test]
fn the_first_help_lists_the_exit_codes() {
    let home = Home::new();
    let help = home.run("--help").ok().stdout;
    for (code, word) in [
        ("0", "done"),
        ("1", "unclassified failure"),
        ("2", "bad command line"),
        ("3", "partly done"),
        ("4", "not found"),
        ("5", "not authenticated"),
        ("6", "remote unavailable"),
        ("7", "integrity"),
        ("8", "the catalog is damaged"),
        ("9", "the catalog stayed locked"),
        ("10", "local I/O"),
        ("11", "refused for safety"),
        ("12", "conflict"),
        ("13", "a check failed"),
        ("130", "interrupted"),
        ("143", "terminated"),
    ] {
        assert!(help.contains(&format!(" {code}  {word}")), "{code}: {help}");
    }
    assert!(home.run("--version").ok().stdout.starts_with("imgdex "));
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let home = Home::new();
    insta::assert_snapshot!(home.run("imges list").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: unrecognized subcommand 'imges'

      tip: a similar subcommand exists: 'images'

    Usage: imgdex [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images lst").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: unrecognized subcommand 'lst'

      tip: some similar subcommands exist: 'list-groups', 'list'

    Usage: imgdex images [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images list --typ cpu").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: unexpected argument '--typ' found

      tip: a similar argument exists: '--type'

    Usage: imgdex images list --type <TYPE>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images get").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: the following required arguments were not provided:
      <ID>

    Usage: imgdex images get <ID>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images list -o xml").snapshot(&home), @r"
    exit code: 2
    ----- stderr -----
    error: invalid value 'xml' for '--output <FORM>'
      [possible values: table, wide, json, yaml, csv, name]

      tip: a similar value exists: 'yaml'

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(home.run("images list -o json --json").snapshot(&home), @r#"
    exit code: 2
    ----- stderr -----
    {"error":{"kind":"invalid-input","message":"the argument '--output <FORM>' cannot be used with '--json'\n\nUsage: imgdex images list --output <FORM>\n\nFor more information, try '--help'.","hint":null,"cause":null}}
    "#);
    for arguments in [
        "",
        "images",
        "groups",
        "images get a b",
        "catalog",
        "--color sometimes images list",
    ] {
        assert_eq!(home.run(arguments).code, 2, "{arguments}");
    }
}

#[test]
fn with_json_asked_for_a_usage_error_is_one_object() {
    let home = Home::new();
    for arguments in [
        "images lst -o json",
        "images list --gone --json",
        "images get --output json",
        "-o=json images get",
        "--output=json gone",
    ] {
        let ran = home.run(arguments).fails(2);
        let error: serde_json::Value =
            serde_json::from_str(&ran.stderr).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        assert_eq!(error["error"]["kind"], "invalid-input", "{arguments}");
        let keys: Vec<&String> = error["error"]
            .as_object()
            .expect("an object")
            .keys()
            .collect();
        assert_eq!(keys, ["kind", "message", "hint", "cause"], "{arguments}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn completions_are_scripts_that_the_shell_takes() {
    let home = Home::new();
    for (shell, word) in [
        ("bash", "complete "),
        ("zsh", "compdef"),
        ("fish", "complete "),
    ] {
        let script = home.run(&format!("completions {shell}")).ok().stdout;
        assert!(
            script.contains(word) && script.contains("imgdex"),
            "{shell}: {script}"
        );
        home.write(shell, script);
    }
    let checked = home
        .command("bash")
        .args(["-n", "bash"])
        .status()
        .expect("bash runs");
    assert!(checked.success());
    home.run("completions tcsh").fails(2);
}

#[test]
fn a_shell_is_offered_verbs_flags_and_names_out_of_the_catalog() {
    let home = with_images(FIRST);
    home.run("groups create research").ok();
    let complete = |words: &[&str]| {
        let mut arguments = vec!["--", "imgdex"];
        arguments.extend_from_slice(words);
        let ran = home
            .call_with(&arguments)
            .env("IMGDEX_COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_SPACE", "true")
            .env("_CLAP_IFS", "\n")
            .run();
        lines(ran)
    };
    assert!(complete(&["ima"]).contains(&"images".to_owned()));
    assert!(complete(&["images", "du"]).contains(&"duplicate".to_owned()));
    assert!(complete(&["images", "get", ""]).contains(&"my-first-image".to_owned()));
    assert_eq!(complete(&["images", "get", "my-"]), ["my-first-image"]);
    assert!(complete(&["images", "get", "x"]).is_empty());
    assert_eq!(
        complete(&["images", "add-group", "my-first-image", "re"]),
        ["research"]
    );
    assert!(complete(&["images", "list", "--sort", "display"]).contains(&"displayName".to_owned()));
}

#[test]
fn the_completion_of_bash_works_in_bash() {
    let home = with_images(FIRST);
    home.write("script", home.run("completions bash").ok().stdout);
    let program = std::path::Path::new(crate::support::PROGRAM)
        .parent()
        .expect("a folder");
    let path = format!(
        "{}:{}",
        program.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let line = "source ./script; f=$(complete -p imgdex | sed 's/.*-F \\([^ ]*\\).*/\\1/'); \
                COMP_WORDS=(imgdex images get my-); COMP_CWORD=3; COMP_TYPE=9; COMP_LINE='imgdex images get my-'; \
                COMP_POINT=${#COMP_LINE}; $f imgdex my- get; printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = home
        .command("bash")
        .env("PATH", path)
        .args(["--norc", "-c", line])
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "my-first-image",
        "{output:?}"
    );
}

#[test]
fn manual_pages_render() {
    let home = Home::new();
    let page = home.run("man").ok().stdout;
    assert!(page.contains(".TH imgdex 1"), "{page}");
    assert!(page.contains("Exit codes"), "{page}");
    home.run("man --directory pages").ok();
    let mut names: Vec<String> = fs::read_dir(home.path().join("pages"))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    for name in [
        "imgdex.1",
        "imgdex-images.1",
        "imgdex-images-create.1",
        "imgdex-secrets-export.1",
        "imgdex-apply.1",
    ] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let page =
        fs::read_to_string(home.path().join("pages/imgdex-images-create.1")).expect("readable");
    assert!(
        page.contains("\\-\\-skip\\-existing") && page.contains("Examples"),
        "{page}"
    );
}

#[test]
fn the_doctor_tells_what_imgdex_works_with() {
    let home = with_images(FIRST);
    let ran = home.run("doctor");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("catalog"), "{ran:?}");
    home.write(".config/imgdex/config.toml", "outpt = 1\n");
    let ran = home.run("doctor");
    assert!(
        ran.stdout.contains("outpt"),
        "a config file that cannot be read is told: {ran:?}"
    );
}

#[test]
fn what_a_terminal_would_obey_is_shown_in_a_mistake_too() {
    let home = crate::support::Home::new();
    let ran = home
        .call_with(&["images", "list", "--type", "\u{9b}31m\u{202e}x"])
        .run()
        .fails(2);
    assert!(
        !ran.stderr.contains(['\u{9b}', '\u{202e}']),
        "{:?}",
        ran.stderr
    );
    assert!(ran.stderr.contains("\\u{202e}"), "{}", ran.stderr);
}

#[test]
fn help_that_cannot_be_printed_is_a_failure() {
    let home = crate::support::Home::new();
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("it is always there");
    let status = home
        .command(crate::support::PROGRAM)
        .arg("--help")
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status()
        .expect("it runs");
    assert_eq!(status.code(), Some(10));
}
