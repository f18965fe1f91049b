//! `imgdex store add` and `record`: what goes in, and where it lies.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::{ONE, files, home, shown, store, uris, with_tool};
use crate::support::{Home, PROGRAM};
use crate::{json, lines};

#[test]
fn a_file_is_moved_into_the_store() {
    let home = home();
    let file = home.path().join("one.sif");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o750)).expect("set");
    let ran = home.run("store add one.sif --name vsoch/Hello-World");
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 0
    ----- stdout -----
    [container][new] vsoch/hello-world:latest@<one>
    ");
    assert!(!file.exists());
    let place = "vsoch/hello-world/latest@<one>.sif";
    assert_eq!(files(&store(&home)), [place]);
    let path = store(&home).join(place.replace("<one>", ONE));
    assert_eq!(fs::read_to_string(&path).expect("there"), "one\n");
    let mode = path.metadata().expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
}

#[test]
fn the_same_file_again_is_no_error() {
    let home = with_tool();
    for arguments in ["--copy", "", "--in-place"] {
        home.write("one.sif", "one\n");
        let ran = home.run(&format!("store add one.sif --name lab/tool {arguments}"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(shown(&home, &ran), @r"
            exit code: 0
            ----- stdout -----
            [container][update] lab/tool:latest@<one>
            ");
        }
        assert_eq!(home.path().join("one.sif").exists(), !arguments.is_empty());
        assert_eq!(files(&store(&home)), ["lab/tool/latest@<one>.sif"]);
    }
    // In its place it is moved nowhere.
    let path = home.run("store get lab/tool").ok().stdout;
    home.run(&format!("store add {} --name lab/tool", path.trim()))
        .ok();
    assert_eq!(files(&store(&home)), ["lab/tool/latest@<one>.sif"]);
    // With another ending it is the same image still.
    home.write("one.simg", "one\n");
    home.run("store add one.simg --name lab/tool").ok();
    assert_eq!(files(&store(&home)), ["lab/tool/latest@<one>.simg"]);
    assert_eq!(uris(&home), ["lab/tool:latest@<one>"]);
    home.run("store check").ok();
}

#[test]
fn names_decide_where_a_file_lies() {
    let home = Home::new();
    let check = |file: &str, name: &str, place: &str| {
        home.write(file, "one\n");
        home.call_with(&["store", "add", file, "--name", name])
            .run()
            .ok();
        assert!(files(&store(&home)).contains(&place.to_owned()), "{place}");
    };
    check("a.sif", "tool", "library/tool/latest@<one>.sif");
    check(
        "a.b.TAR.GZ",
        "Lab/Sub/Tool:V1@2026.1",
        "lab/sub/tool/v1@2026.1.tar.gz",
    );
    check("plain", "lab/plain@sha256:0A", "lab/plain/latest@0a");
    check("with space.sif", "lab/space", "lab/space/latest@<one>.sif");
    check("./-dash.img", "lab/dash", "lab/dash/latest@<one>.img");
    assert_eq!(files(&store(&home)).len(), 5);
    home.run("store check").ok();
}

#[test]
fn a_given_version_is_replaced_by_another_file() {
    let home = home();
    home.run("store add one.sif --name lab/tool@1.0").ok();
    let ran = home.run("store add two.sif --name lab/tool@1.0");
    insta::assert_snapshot!(shown(&home, &ran), @r"
    exit code: 0
    ----- stdout -----
    [container][update] lab/tool:latest@1.0
    ");
    assert_eq!(files(&store(&home)), ["lab/tool/latest@1.0.sif"]);
    let path = store(&home).join("lab/tool/latest@1.0.sif");
    assert_eq!(fs::read_to_string(path).expect("there"), "two\n");
    assert_eq!(
        json(home.run("store inspect lab/tool"))["metrics"]["size"],
        4
    );
}

#[test]
fn a_file_in_place_is_only_recorded() {
    let home = home();
    home.run("store add one.sif --name lab/tool --in-place")
        .ok();
    assert!(!store(&home).exists());
    let path = format!("{}/one.sif\n", home.path().display());
    assert_eq!(home.run("store get lab/tool").ok().stdout, path);
    assert_eq!(
        json(home.run("store inspect lab/tool"))["metrics"]["sha256"],
        ONE
    );
}

#[test]
fn a_name_that_is_not_utf_8_is_given_back_as_it_is() {
    let home = Home::new();
    let name = OsStr::from_bytes(b"a\xff b.sif");
    fs::write(home.path().join(name), "one\n").expect("written");
    let run = |arguments: &[&str], file: Option<&OsStr>| {
        let output = home
            .command(PROGRAM)
            .args(arguments)
            .args(file)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    run(
        &["store", "add", "--in-place", "--name", "tool"],
        Some(name),
    );
    let mut expected = home.path().join(name).as_os_str().as_bytes().to_vec();
    expected.push(b'\n');
    assert_eq!(run(&["store", "get", "tool"], None), expected);
    run(&["store", "check"], None);
    run(&["store", "add", "--name", "tool"], Some(name));
    assert_eq!(files(&store(&home)), ["library/tool/latest@<one>.sif"]);
}

#[test]
fn the_answer_is_the_record_where_json_is_asked_for() {
    let home = home();
    let added = json(home.run("store add one.sif --name lab/tool -o json"));
    assert_eq!(added, json(home.run("store inspect lab/tool")));
    assert_eq!(
        home.run("store record --url https://a.b/c.sif -o name")
            .ok()
            .stdout,
        "library/c:latest\n"
    );
}

#[test]
fn a_url_is_recorded_without_a_file() {
    let home = Home::new();
    insta::assert_snapshot!(shown(&home, &home.run("store record --url docker://quay.io/lab/tool:1.2")), @r"
    exit code: 0
    ----- stdout -----
    [container][new] library/tool:1.2
    ");
    home.run("store record --url https://example.com/x --name lab/x:1@2")
        .ok();
    let metadata = r#"{"url": "https://example.com/Y.sif?v=1", "size": 3}"#;
    home.pipe(metadata, "store record --metadata -").ok();
    assert_eq!(
        uris(&home),
        ["library/tool:1.2", "lab/x:1@2", "library/y:latest"]
    );
    insta::assert_snapshot!(shown(&home, &home.run("store inspect y")), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": 3,
      "uri": "library/y:latest",
      "collection": "library",
      "name": "y",
      "tag": "latest",
      "version": null,
      "client": "url",
      "image": null,
      "url": "https://example.com/Y.sif?v=1",
      "metrics": {
        "url": "https://example.com/Y.sif?v=1",
        "size": 3
      },
      "created_at": "<time>",
      "labels": {}
    }
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store record --url https://example.com/z/y")), @r"
    exit code: 0
    ----- stdout -----
    [container][update] library/y:latest
    ");
    assert_eq!(
        home.run("store get y").ok().stdout,
        "https://example.com/z/y\n"
    );
    assert!(!store(&home).exists());
}

#[test]
fn many_can_add_at_once() {
    let home = Home::new();
    let mut children = Vec::new();
    for number in 0..12 {
        home.write(&format!("{number}.sif"), format!("{}\n", number % 3));
        let child = home
            .command(PROGRAM)
            .args([
                "store",
                "add",
                &format!("{number}.sif"),
                "--name",
                "lab/tool",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        children.push(child);
    }
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    assert_eq!(uris(&home).len(), 3);
    assert_eq!(files(&store(&home)).len(), 3);
    assert!(!home.path().join("0.sif").exists());
    home.run("store check").ok();
    let path = lines(home.run("store get lab/tool"));
    assert!(fs::metadata(&path[0]).expect("there").is_file());
}

#[test]
fn records_and_files_agree_whatever_is_done_at_once() {
    let home = Home::new();
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8; do
           echo one > $1-$i.sif
           {PROGRAM} -q store add $1-$i.sif --name lab/t || exit 1
           case $((($1 + i) % 4)) in
             0) {PROGRAM} -q store rmi lab/t --yes;;
             1) {PROGRAM} -q store rename lab/t lab/u;;
             2) {PROGRAM} -q store rmi lab/u --yes;;
             3) {PROGRAM} -q store check --repair || exit 1;;
           esac
         done; exit 0"
    );
    let children: Vec<_> = (1..=5)
        .map(|number| {
            home.command("bash")
                .args(["-c", &script, "bash", &number.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it ends").success());
    }
    home.run("store check").ok();
    let left = files(home.path());
    assert!(
        !left.iter().any(|file| file.starts_with(char::is_numeric)),
        "{left:?}"
    );
    assert!(
        !left.iter().any(|file| file.contains(".imgdex-")),
        "{left:?}"
    );
}
