//! `imgdex store check`: records and files that do not agree, and their repair.

use std::fs;

use super::{ONE, files, home, shown, store, uris, with_tool};

#[test]
fn an_empty_store_agrees() {
    let home = home();
    insta::assert_snapshot!(shown(&home, &home.run("store check -o csv")), @r"
    exit code: 0
    ----- stderr -----
    records and files agree
    ");
    assert_eq!(home.run("store check -o json").ok().stdout, "[]\n");
    home.run("store check --repair").ok();
}

#[test]
fn what_does_not_agree_is_told() {
    let home = with_tool();
    fs::remove_file(store(&home).join(format!("lab/tool/latest@{ONE}.sif"))).expect("removed");
    home.write(".local/share/imgdex/store/lab/Stray File.sif", "two\n")
        .write(".local/share/imgdex/store/a/b/c@1.0.sif", "three\n")
        .write(".local/share/imgdex/store/pictures/x", "not one of ours")
        .write(".local/share/imgdex/store/oci/x", "not one of ours")
        .write(".local/share/imgdex/store/lab/.imgdex-x", "under work");
    insta::assert_snapshot!(shown(&home, &home.run("store check -o csv")), @r"
    exit code: 13
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/tool:latest@<one>,<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif,
    no record,a/b:c@1.0,<home>/.local/share/imgdex/store/a/b/c@1.0.sif,
    no record,lab/stray-file:latest,<home>/.local/share/imgdex/store/lab/Stray File.sif,
    ----- stderr -----
    hint: `imgdex store check --repair` makes them agree; with `--search DIR` it looks for moved files there too
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store check -o json")), @r#"
    exit code: 13
    ----- stdout -----
    [
    {"problem":"file gone","uri":"lab/tool:latest@<one>","path":"<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif","repair":null},
    {"problem":"no record","uri":"a/b:c@1.0","path":"<home>/.local/share/imgdex/store/a/b/c@1.0.sif","repair":null},
    {"problem":"no record","uri":"lab/stray-file:latest","path":"<home>/.local/share/imgdex/store/lab/Stray File.sif","repair":null}
    ]
    ----- stderr -----
    hint: `imgdex store check --repair` makes them agree; with `--search DIR` it looks for moved files there too
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store get lab/tool")), @r"
    exit code: 4
    ----- stderr -----
    error: the file of `lab/tool:latest@<one>` is gone: `<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif`
    hint: `imgdex store check --repair` finds files that were moved, and drops records whose files are gone
    ");
    let before = files(&store(&home));
    insta::assert_snapshot!(shown(&home, &home.run("store check --repair -o csv")), @r"
    exit code: 0
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/tool:latest@<one>,<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif,dropped
    no record,a/b:c@1.0,<home>/.local/share/imgdex/store/a/b/c@1.0.sif,recorded
    no record,lab/stray-file:latest@<two>,<home>/.local/share/imgdex/store/lab/Stray File.sif,recorded
    ");
    assert_eq!(files(&store(&home)), before, "no file is touched");
    home.run("store check").ok();
    assert_eq!(uris(&home), ["a/b:c@1.0", "lab/stray-file:latest@<two>"]);
}

#[test]
fn a_moved_file_is_found_by_its_hash() {
    let home = with_tool();
    let path = store(&home).join(format!("lab/tool/latest@{ONE}.sif"));
    home.write("away/deep/other.sif", "two\n");
    home.run("store labels lab/tool --key a --value b").ok();
    fs::rename(&path, store(&home).join("moved.img")).expect("moved");
    insta::assert_snapshot!(shown(&home, &home.run("store check --repair -o csv")), @r"
    exit code: 0
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/tool:latest@<one>,<home>/.local/share/imgdex/store/moved.img,relinked
    ");
    fs::rename(
        store(&home).join("moved.img"),
        home.path().join("away/deep/x"),
    )
    .expect("moved");
    insta::assert_snapshot!(shown(&home, &home.run("store check --search away -o csv")), @r"
    exit code: 13
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/tool:latest@<one>,<home>/.local/share/imgdex/store/moved.img,
    ----- stderr -----
    the file of `lab/tool:latest@<one>` is at `<home>/away/deep/x`
    hint: `imgdex store check --repair` makes them agree; with `--search DIR` it looks for moved files there too
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store check --repair --search away -o csv")), @r"
    exit code: 0
    ----- stdout -----
    problem,uri,path,repair
    file gone,lab/tool:latest@<one>,<home>/away/deep/x,relinked
    ");
    let expected = format!("{}/away/deep/x\n", home.path().display());
    assert_eq!(home.run("store get lab/tool").ok().stdout, expected);
    assert_eq!(uris(&home), ["lab/tool:latest@<one>"]);
    home.run("store check --repair --search nowhere").fails(4);
}

#[test]
fn the_same_content_twice_is_told_and_left() {
    let home = with_tool();
    home.write(
        ".local/share/imgdex/store/lab/tool/latest@copy.sif",
        "one\n",
    );
    home.run("store check --repair").ok();
    assert_eq!(
        uris(&home),
        ["lab/tool:latest@<one>", "lab/tool:latest@copy"]
    );
    home.write(".local/share/imgdex/store/lab/tool.sif", "one\n");
    insta::assert_snapshot!(shown(&home, &home.run("store check --repair -o csv")), @r"
    exit code: 13
    ----- stdout -----
    problem,uri,path,repair
    no record,lab/tool:latest@<one>,<home>/.local/share/imgdex/store/lab/tool.sif,
    ");
    assert_eq!(files(&store(&home)).len(), 3);
}

#[test]
fn a_record_without_a_file_is_whole() {
    let home = home();
    home.run("store record --url https://example.com/r.sif")
        .ok();
    home.run("store check").ok();
    home.run("store check --repair").ok();
    assert_eq!(uris(&home), ["library/r:latest"]);
}
