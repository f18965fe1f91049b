//! Files that an import must not follow, wait for, choke on or believe.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::*;
use crate::support::PROGRAM;
use crate::{assert_whole, finish};

const IMPORTS: [&str; 4] = [
    "metadata import -d in",
    "metadata import -d in --strict",
    "metadata import -d in --overwrite --include-invalid",
    "metadata validate in",
];

fn make(path: &Path, kind: FileType) {
    let null = makedev(1, 3);
    mknodat(CWD, path, kind, Mode::from_raw_mode(0o666), null).expect("it can be made, by root");
}

#[test]
fn what_is_no_regular_file_stops_an_import_before_anything_goes_in() {
    type Make = fn(&Path);
    let unsafe_files: [(&str, Make); 8] = [
        ("a link out of the folder", |path| {
            symlink("../outside.json", path).expect("made");
        }),
        ("an absolute link", |path| {
            symlink("/etc/passwd", path).expect("made");
        }),
        ("a link to a good file of the folder", |path| {
            symlink("a1.json", path).expect("made");
        }),
        ("a link to nothing", |path| {
            symlink("nowhere", path).expect("made");
        }),
        ("a link to the folder itself", |path| {
            symlink(".", path).expect("made");
        }),
        ("a link to itself", |path| {
            symlink("z.json", path).expect("made");
        }),
        ("a FIFO", |path| make(path, FileType::Fifo)),
        ("a device", |path| make(path, FileType::CharacterDevice)),
    ];
    for (what, make) in unsafe_files {
        for name in ["z.json", "0.json"] {
            let home = Home::new();
            home.write("outside.json", instance("outside", "1"));
            write_instances(&home, "in", "a", 3, "1");
            make(&home.path().join("in").join(name));
            for import in IMPORTS {
                let ran = home.run(import).fails(11);
                assert!(
                    ran.stderr.contains(&format!("in/{name}")),
                    "{what}: {ran:#?}"
                );
                assert_eq!(ran.stdout, "", "{what}");
            }
            assert!(!home.catalog().exists(), "{what}");
        }
    }
}

#[test]
fn links_that_are_not_read_are_nobodys_business() {
    let home = Home::new();
    write_instances(&home, "in", "a", 3, "1");
    let folder = home.path().join("in");
    // A loop of folders, and what has another ending.
    symlink("..", folder.join("up")).expect("made");
    symlink(".", folder.join("here")).expect("made");
    symlink("/etc/passwd", folder.join("README")).expect("made");
    make(&folder.join("pipe"), FileType::Fifo);
    home.run("metadata import -d in").ok();
    assert_eq!(listed(&home), ["a1", "a2", "a3"]);
    // But the folder of the format itself is not reached through one.
    for target in [".", "..", "in", "/etc", "nowhere"] {
        let home = Home::new();
        write_instances(&home, "in", "a", 3, "1");
        home.write("dir/note", "");
        symlink(target, home.path().join("dir/runtime-images")).expect("made");
        home.run("metadata import -d dir").fails(11);
        home.run("metadata validate dir").fails(11);
        assert!(!home.catalog().exists(), "{target}");
    }
    // The folder that is named may be a link: it was named.
    symlink("in", home.path().join("link")).expect("made");
    home.run("metadata import -d link").ok();
}

#[test]
fn one_unreadable_file_of_a_thousand_is_left_out() {
    const COUNT: usize = 1000;
    let home = Home::new();
    write_instances(&home, "in", "image", COUNT, "1");
    let mode = |path: &str, mode: u32| {
        fs::set_permissions(home.path().join(path), fs::Permissions::from_mode(mode)).expect("set");
    };
    mode("", 0o755);
    mode("in", 0o755);
    mode("in/image500.json", 0o600);
    // The program itself may lie where nobody may look, so that it comes by copy.
    fs::copy(PROGRAM, home.path().join("imgdex")).expect("it can be copied");
    home.write("nobody/note", "");
    chown(home.path().join("nobody"), Some(65534), Some(65534)).expect("by root");
    let as_nobody = |words: &str| {
        let mut command = home.command("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(home.path().join("imgdex"))
            .args(words.split_whitespace())
            .env("HOME", home.path().join("nobody"));
        finish(&mut command)
    };
    let refused = as_nobody("metadata import -d in --strict").fails(10);
    assert!(refused.stderr.contains("in/image500.json"), "{refused:#?}");
    assert!(refused.stderr.contains("ermission denied"), "{refused:#?}");
    assert_eq!(as_nobody("metadata list -o name").ok().stdout, "");
    let ran = as_nobody("metadata import -d in").fails(3);
    assert!(
        ran.stdout
            .starts_with("Imported 999 instances\n1 instance could not be imported\n"),
        "{ran:#?}"
    );
    let row = ran.stdout.lines().last().expect("a row");
    assert!(row.starts_with("image500.json  cannot be read: "), "{row}");
    let there = as_nobody("metadata list -o name").ok();
    assert_eq!(there.stdout.lines().count(), COUNT - 1);
    // A folder that may not be looked into is another matter.
    mode("in", 0o700);
    as_nobody("metadata import -d in").fails(10);
}

#[test]
fn hostile_files_are_left_out_with_their_place() {
    let home = Home::new();
    let good = instance("good", "1");
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let with = |extra: &str| good.replacen('{', &format!("{{\n  \"extra\": {extra},"), 1);
    let spaces = " ".repeat(5 << 20);
    let files: [(&str, String, &str); 10] = [
        ("deep", with(&deep), "2:"),
        ("deep_object", with(&"{\"a\":".repeat(10_000)), "2:"),
        (
            "huge",
            with(&format!("\"{}\"", "x".repeat(5 << 20))),
            "4 MiB",
        ),
        ("garbage", format!("{good}\n,"), "8:1: "),
        (
            "truncated",
            good[..good.len() - 1].to_owned(),
            "the input ends inside an object",
        ),
        (
            "twice",
            with("1, \"extra\": 2"),
            "2:15: extra: duplicate key",
        ),
        (
            "twice_below",
            good.replace("\"image_name\"", "\"image_name\": \"a\",\n\"image_name\""),
            "5:1: metadata.image_name: duplicate key",
        ),
        ("surrogate", with("\"\\ud800\""), "2:"),
        ("control", with("\"a\nb\""), "2:"),
        ("nothing", spaces, "the file is empty"),
    ];
    for (name, text, _) in &files {
        home.write(&format!("in/{name}.json"), text);
    }
    home.write("in/bytes.json", b"{\n \"display_name\": \"a\xc3(\"}")
        .write("in/zeros.json", [0; 4096])
        .write("in/utf16.json", b"\xff\xfe{\0}\0")
        .write("in/bom.json", format!("\u{feff}{}", instance("bom", "1")))
        .write("in/good.json", &good)
        // Much of it, and all of it good.
        .write(
            "in/large.json",
            with(&format!("\"{}\"", "x".repeat(3 << 20))),
        );
    let ran = home.run("metadata import -d in -o json").fails(3);
    let answer: serde_json::Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
    let reason = |name: &str| -> String {
        let rows = answer["leftOut"].as_array().expect("a list");
        let row = rows
            .iter()
            .find(|row| row["file"] == format!("{name}.json"));
        let row = row.unwrap_or_else(|| panic!("{name} is not left out: {answer}"));
        row["reason"].as_str().expect("a text").to_owned()
    };
    for (name, _, wanted) in &files {
        assert!(reason(name).contains(wanted), "{name}: {}", reason(name));
    }
    assert!(
        reason("bytes").contains("2:20: invalid UTF-8"),
        "{}",
        reason("bytes")
    );
    for (name, place) in [("zeros", "1:1"), ("utf16", "1:1")] {
        assert!(reason(name).starts_with(place), "{name}: {}", reason(name));
    }
    assert_eq!(
        answer["leftOut"].as_array().map(Vec::len),
        Some(13),
        "{answer}"
    );
    assert_eq!(listed(&home), ["bom", "good", "large"]);
    // Kept as they came, they make no list and no export stumble.
    home.run("metadata import -d in --include-invalid").fails(3);
    home.run("metadata list --include-invalid").ok();
    home.run("metadata list --include-invalid --json").ok();
    home.run("metadata export -d out --include-invalid").ok();
    let written = exported(&home, "out");
    for name in ["deep", "bytes", "zeros", "utf16", "twice", "surrogate"] {
        let name = format!("{name}.json");
        let came = fs::read(home.path().join("in").join(&name)).expect("there");
        assert!(written[&name] == came, "{name}");
    }
    assert_whole(&home);
}

#[test]
fn names_of_any_bytes_are_told_and_never_obeyed() {
    let home = Home::new();
    let folder = home.path().join("in");
    fs::create_dir(&folder).expect("made");
    let long = format!("{}.json", "a".repeat(250));
    for name in [
        &b"a\x1b[31mb.json"[..],
        b"\xff\xfe.json",
        b"-rf.json",
        b"$(id).json",
        b"a b.json",
        b"a\nb.json",
        "\u{202e}abc.json".as_bytes(),
        b"%2e%2e%2fx.json",
        b"%00.json",
        b"..json",
        b"...json",
        long.as_bytes(),
    ] {
        fs::write(folder.join(OsStr::from_bytes(name)), instance("x", "1")).expect("written");
    }
    for form in ["table", "json"] {
        let ran = home
            .run(&format!("metadata import -d in -o {form}"))
            .fails(3);
        let is_plain = |text: &str| !text.contains(['\u{1b}', '\u{202e}']);
        assert!(is_plain(&ran.stdout) && is_plain(&ran.stderr), "{ran:#?}");
    }
    assert_eq!(listed(&home), ["a".repeat(250)]);
    home.run("metadata import -d in --include-invalid").ok();
    for form in ["table", "json", "yaml", "csv", "name"] {
        home.run(&format!("metadata list --include-invalid -o {form}"))
            .ok();
    }
    home.run("metadata export -d out --include-invalid").ok();
    assert_eq!(exported(&home, "out").len(), 11, "ten, and the marker");
    assert!(!home.path().join("out/x.json").exists() && !home.path().join("x.json").exists());
}
