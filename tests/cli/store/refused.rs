//! What the store refuses, and failures that leave everything as it was.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{files, home, shown, store, uris, with_tool};
use crate::support::Home;

#[test]
fn what_is_not_a_regular_file_is_refused() {
    let home = home();
    symlink("one.sif", home.path().join("link.sif")).expect("linked");
    let made = Command::new("mkfifo")
        .arg(home.path().join("fifo"))
        .status();
    assert!(made.expect("it runs").success());
    for keep in ["", "--copy", "--in-place"] {
        for file in ["link.sif", "fifo", "/dev/null"] {
            home.run(&format!("store add {file} --name a {keep}"))
                .fails(11);
        }
        home.run(&format!("store add . --name a {keep}")).fails(2);
        home.run(&format!("store add none.sif --name a {keep}"))
            .fails(4);
    }
    insta::assert_snapshot!(shown(&home, &home.run("store add link.sif --name a")), @r"
    exit code: 11
    ----- stderr -----
    error: `link.sif` is a link or a special file, and only regular files are taken
    hint: name the file itself
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store add none.sif --name a")), @r"
    exit code: 4
    ----- stderr -----
    error: cannot read `none.sif`: No such file or directory (os error 2)
    ");
    assert!(!home.catalog().exists(), "nothing is made");
    assert!(files(&store(&home)).is_empty());
}

#[test]
fn names_that_could_leave_the_store_are_refused() {
    let home = home();
    for name in [
        "",
        "..",
        "../x",
        "/etc/x",
        "a/../../x",
        "a:../x",
        "a@../x",
        "a b",
        "a\nb",
        "\u{1b}[31m",
        ".hidden",
        "-x",
        "ä",
        "oci/x",
        "pictures/x",
    ] {
        let name = format!("--name={name}");
        home.call_with(&["store", "add", "one.sif", &name])
            .run()
            .fails(2);
        home.call_with(&["store", "record", "--url", "https://a/b", &name])
            .run()
            .fails(2);
    }
    insta::assert_snapshot!(shown(&home, &home.run("store add one.sif --name ../x")), @r"
    exit code: 2
    ----- stderr -----
    error: `../x` is not the name of an image: a collection should be letters, digits, `.`, `_` and `-`, and begin with a letter, a digit or `_`, but is `..`
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store add one.sif --name oci/x")), @r"
    exit code: 2
    ----- stderr -----
    error: `oci/x` is not the name of an image: the store keeps something else in `oci`; take another collection
    ");
    home.run("store add one.sif").fails(2);
    home.run("store add one.sif --name a --copy --in-place")
        .fails(2);
    assert!(home.path().join("one.sif").exists());
}

#[test]
fn a_url_with_a_password_is_refused_and_not_shown() {
    let home = Home::new();
    let run = |url: &str| {
        home.call_with(&["store", "record", "--name", "a", "--url", url])
            .run()
    };
    for url in [
        "https://ann:secret@example.com/x",
        "https://secret@example.com/x",
    ] {
        let ran = run(url).fails(2);
        assert!(!ran.stderr.contains("secret"), "{ran:?}");
        let metadata = format!(r#"{{"url": "{url}"}}"#);
        for arguments in ["--metadata -", "--metadata - --url https://example.com/x"] {
            let ran = home
                .pipe(&metadata, &format!("store record {arguments}"))
                .fails(2);
            assert!(!ran.stderr.contains("secret"), "{ran:?}");
        }
    }
    insta::assert_snapshot!(shown(&home, &run("https://ann:secret@example.com/x")), @r"
    exit code: 2
    ----- stderr -----
    error: the URL holds a user or a password, and would be shown to everybody: leave them out
    ");
    insta::assert_snapshot!(shown(&home, &run("example.com/x")), @r"
    exit code: 2
    ----- stderr -----
    error: `example.com/x` is not a URL: it has no scheme, such as `https://`
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store record --name a")), @r"
    exit code: 2
    ----- stderr -----
    error: there is no URL to record: give it with `--url`, or as `url` in the metadata
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store record --url https://example.com/%")), @r"
    exit code: 2
    ----- stderr -----
    error: no name can be made of `https://example.com/%`: give one with `--name`
    ");
    assert!(!home.catalog().exists());
}

#[test]
fn bad_metadata_is_told_with_its_place() {
    let home = home();
    let run = |text: &str| {
        shown(
            &home,
            &home.pipe(text, "store add one.sif --name a --metadata -"),
        )
    };
    insta::assert_snapshot!(run("{\"a\": }"), @r"
    exit code: 2
    ----- stderr -----
    error: the metadata cannot be read; nothing was written
    <stdin>:1:7: a: expected a value, found `}`
    ");
    insta::assert_snapshot!(run("[1]"), @r"
    exit code: 2
    ----- stderr -----
    error: the metadata cannot be read; nothing was written
    <stdin>:1:2: metadata is one object, but this is a number (item 1)
    ");
    insta::assert_snapshot!(run("{} {}"), @r"
    exit code: 2
    ----- stderr -----
    error: the metadata cannot be read; nothing was written
    <stdin>:1:4: metadata is one object, but here is another (item 2)
    ");
    insta::assert_snapshot!(run(""), @r"
    exit code: 2
    ----- stderr -----
    error: the metadata is empty: it is to be one object
    ");
    home.run("store add one.sif --name a --metadata none.json")
        .fails(4);
    assert!(home.path().join("one.sif").exists());
}

#[test]
fn the_file_of_a_record_is_not_taken_away() {
    let home = with_tool();
    let path = home.run("store get lab/tool").ok().stdout;
    let ran = home.run(&format!("store add {} --name lab/other", path.trim()));
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 11
    ----- stderr -----
    error: `<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif` is the file of another record
    hint: give it another name with `imgdex store rename`, or keep both with `--copy`
    ");
    home.run(&format!(
        "store add {} --name lab/other --copy",
        path.trim()
    ))
    .ok();
    assert_eq!(uris(&home).len(), 2);
    home.run("store check").ok();
}

#[test]
fn a_store_that_is_turned_off_keeps_and_records_nothing() {
    let home = with_tool();
    for value in ["1", "true", "yes"] {
        for command in [
            "store add two.sif --name a",
            "store record --url https://a/b",
            "store check --repair",
            "store mv lab/tool x.sif",
            "store rename lab/tool lab/x",
            "store labels lab/tool --key a --value b",
            "store import-sregistry x.db",
        ] {
            home.call(command)
                .env("IMGDEX_DISABLE_STORE", value)
                .run()
                .fails(11);
        }
    }
    for command in [
        "store list",
        "store get lab/tool",
        "store check",
        "store labels",
    ] {
        home.call(command)
            .env("IMGDEX_DISABLE_STORE", "1")
            .run()
            .ok();
    }
    let ran = home
        .call("store add two.sif --name a")
        .env("IMGDEX_DISABLE_STORE", "1")
        .run();
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 11
    ----- stderr -----
    error: the store is turned off: nothing is kept or recorded
    hint: unset `IMGDEX_DISABLE_STORE`, and take `disabled` out of `[store]` in the config file, to turn it on
    ");
    assert!(home.path().join("two.sif").exists());
}

#[test]
fn a_store_that_cannot_be_written_leaves_the_file() {
    let home = home();
    // A file in the place of the folder: root is stopped by no mode.
    home.write("store", "");
    let ran = home
        .call("store add one.sif --name a")
        .env("IMGDEX_STORE", "store")
        .run();
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 10
    ----- stderr -----
    error: cannot write `store`: File exists (os error 17)
    ");
    assert_eq!(
        fs::read_to_string(home.path().join("one.sif")).expect("there"),
        "one\n"
    );
}
