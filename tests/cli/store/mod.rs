//! `imgdex store`.

mod add;
mod check;
mod pulled;
mod refused;
mod remote;
mod sregistry;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Home, Ran};
use crate::{json, lines};

/// The SHA-256 of `one` and of `two`, each with a line end.
const ONE: &str = "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806";
const TWO: &str = "27dd8ed44a83ff94d557f9fd0412ed5a8cbca69ea04922d88c01184a07300a5a";

/// Returns a home with the files `one.sif` and `two.sif`.
fn home() -> Home {
    let home = Home::new();
    home.write("one.sif", "one\n").write("two.sif", "two\n");
    home
}

/// Returns a home whose store holds `lab/tool`.
fn with_tool() -> Home {
    let home = home();
    home.run("store add one.sif --name lab/tool").ok();
    home
}

pub(crate) fn store(home: &Home) -> PathBuf {
    home.path().join(".local/share/imgdex/store")
}

/// Returns a run as a snapshot with the hashes named.
fn shown(home: &Home, ran: &Ran) -> String {
    let text = ran.snapshot(home);
    text.replace(ONE, "<one>").replace(TWO, "<two>")
}

/// Returns the paths of all files below a folder, sorted, with the hashes named.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        let Ok(entries) = fs::read_dir(&current) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).expect("below").to_string_lossy();
                found.push(below.replace(ONE, "<one>").replace(TWO, "<two>"));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn uris(home: &Home) -> Vec<String> {
    lines(home.run("store list -o name"))
        .into_iter()
        .map(|uri| uri.replace(ONE, "<one>").replace(TWO, "<two>"))
        .collect()
}

#[test]
fn what_is_kept_and_recorded_is_listed_in_every_form() {
    let home = with_tool();
    home.run("store record --url https://example.com/images/R-4.sif")
        .ok();
    insta::assert_snapshot!(shown(&home, &home.run("store list")), @r"
    exit code: 0
    ----- stdout -----
    date                  location  client  uri
    --------------------  --------  ------  --------------------------------------------------------------------------------
    <time>  local     file    lab/tool:latest@<one>
    <time>  remote    url     library/r-4:latest
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store list -o json")), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"date":"<time>","location":"local","client":"file","uri":"lab/tool:latest@<one>","image":"<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif","url":null},
    {"date":"<time>","location":"remote","client":"url","uri":"library/r-4:latest","image":null,"url":"https://example.com/images/R-4.sif"}
    ]
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store list -o yaml")), @r#"
    exit code: 0
    ----- stdout -----
    - date: "<time>"
      location: local
      client: file
      uri: "lab/tool:latest@<one>"
      image: "<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif"
      url: null
    - date: "<time>"
      location: remote
      client: url
      uri: library/r-4:latest
      image: null
      url: https://example.com/images/R-4.sif
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store list -o csv")), @r"
    exit code: 0
    ----- stdout -----
    date,location,client,uri
    <time>,local,file,lab/tool:latest@<one>
    <time>,remote,url,library/r-4:latest
    ");
    assert_eq!(home.run("store list -o wide"), home.run("store list"));
    assert_eq!(uris(&home), ["lab/tool:latest@<one>", "library/r-4:latest"]);
}

#[test]
fn a_query_is_literal_text() {
    let home = with_tool();
    let found = |query: &str| {
        lines(
            home.call_with(&["store", "list", query, "-o", "name"])
                .run(),
        )
    };
    for query in ["lab", "LAB/T", "tool:latest@2c8b", "l:l"] {
        assert_eq!(found(query).len(), 1, "{query}");
    }
    for query in ["%", "lab.tool", "_", "*", "x"] {
        assert!(found(query).is_empty(), "{query}");
    }
    insta::assert_snapshot!(shown(&home, &home.run("store list x")), @r"
    exit code: 0
    ----- stdout -----
    date  location  client  uri
    ");
    assert_eq!(home.run("store list x -o json").ok().stdout, "[]\n");
}

#[test]
fn a_record_is_shown_whole() {
    let home = home();
    home.write("tool.yaml", "licence: MIT\nsize: 7\nversions: [1.10, no]\n");
    home.run("store add one.sif --name Lab/Tool:V1 --metadata tool.yaml")
        .ok();
    home.run("store labels lab/tool --key stage --value tested")
        .ok();
    insta::assert_snapshot!(shown(&home, &home.run("store inspect lab/tool")), @r#"
    exit code: 0
    ----- stdout -----
    {
      "id": 1,
      "uri": "lab/tool:v1@<one>",
      "collection": "lab",
      "name": "tool",
      "tag": "v1",
      "version": "<one>",
      "client": "file",
      "image": "<home>/.local/share/imgdex/store/lab/tool/v1@<one>.sif",
      "url": null,
      "metrics": {
        "licence": "MIT",
        "versions": [
          "1.10",
          "no"
        ],
        "size": 4,
        "sha256": "<one>"
      },
      "created_at": "<time>",
      "labels": {
        "stage": "tested"
      }
    }
    "#);
    let yaml = home.run("store inspect lab/tool -o yaml").ok().stdout;
    assert!(yaml.contains("\nmetrics:\n  licence: MIT\n"), "{yaml}");
}

#[test]
fn a_path_or_a_url_is_printed_and_nothing_else() {
    let home = with_tool();
    home.run("store record --url https://example.com/r.sif")
        .ok();
    let path = format!("{}/lab/tool/latest@{ONE}.sif\n", store(&home).display());
    for name in ["lab/tool", "LAB/tool:latest", &format!("lab/tool@{ONE}")] {
        assert_eq!(home.run(&format!("store get {name}")).ok().stdout, path);
    }
    assert_eq!(
        home.run("store get r -o json").ok().stdout,
        "https://example.com/r.sif\n"
    );
}

#[test]
fn a_name_without_a_tag_is_latest_or_the_only_one() {
    let home = home();
    home.run("store add one.sif --name lab/tool:1").ok();
    let get = |name: &str| shown(&home, &home.run(&format!("store get {name}")));
    assert!(get("lab/tool").contains("lab/tool/1@<one>.sif"));
    home.run("store add two.sif --name lab/tool:2 --copy").ok();
    insta::assert_snapshot!(get("lab/tool"), @r"
    exit code: 2
    ----- stderr -----
    error: `lab/tool` can be any of 2 images: name one of `lab/tool:2@<two>`, `lab/tool:1@<one>`
    ");
    assert!(get("lab/tool:2").contains("lab/tool/2@<two>.sif"));
    home.run("store add two.sif --name lab/tool").ok();
    assert!(get("lab/tool").contains("lab/tool/latest@<two>.sif"));
    insta::assert_snapshot!(get("tool"), @r"
    exit code: 4
    ----- stderr -----
    error: stored image `library/tool` does not exist
    hint: did you mean `lab/tool`?
    ");
    insta::assert_snapshot!(get("lab/tol"), @r"
    exit code: 4
    ----- stderr -----
    error: stored image `lab/tol` does not exist
    hint: did you mean `lab/tool`?
    ");
    insta::assert_snapshot!(get("lab/tool:3"), @r"
    exit code: 4
    ----- stderr -----
    error: stored image `lab/tool:3` does not exist
    hint: did you mean `lab/tool:2@<two>`?
    ");
    insta::assert_snapshot!(get("zebra"), @r"
    exit code: 4
    ----- stderr -----
    error: stored image `library/zebra` does not exist
    hint: `imgdex store list` shows what there is
    ");
}

#[test]
fn a_tag_stands_for_what_was_added_last() {
    let home = with_tool();
    home.run("store add two.sif --name lab/tool --copy").ok();
    let path = || home.run("store get lab/tool").ok().stdout;
    assert!(path().contains(TWO));
    home.write("one.sif", "one\n");
    home.run("store add one.sif --name lab/tool").ok();
    assert!(path().contains(ONE));
    assert_eq!(
        uris(&home),
        ["lab/tool:latest@<one>", "lab/tool:latest@<two>"]
    );
    insta::assert_snapshot!(shown(&home, &home.run("store rm lab/tool")), @r"
    exit code: 2
    ----- stderr -----
    error: `lab/tool` can be any of 2 images: name one of `lab/tool:latest@<one>`, `lab/tool:latest@<two>`
    hint: `--all` takes all of them
    ");
    home.run(&format!("store rm lab/tool@{ONE}")).ok();
    assert!(path().contains(TWO));
}

#[test]
fn records_are_removed_without_their_files_and_images_with_them() {
    let home = with_tool();
    home.run("store add two.sif --name lab/other").ok();
    home.run("store record --url https://example.com/r.sif")
        .ok();
    // All or none.
    home.run("store rmi lab/other nothing").fails(4);
    insta::assert_snapshot!(shown(&home, &home.run("store rm lab/tool")), @r"
    exit code: 0
    ----- stderr -----
    removed the record of `lab/tool:latest@<one>`
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store rmi lab/other r lab/other:latest")), @r"
    exit code: 0
    ----- stderr -----
    removed `lab/other:latest@<two>`
    removed `library/r:latest`
    ");
    assert!(uris(&home).is_empty());
    assert_eq!(files(&store(&home)), ["lab/tool/latest@<one>.sif"]);
}

#[test]
fn all_takes_what_the_name_leaves_open() {
    let home = home();
    for tag in ["1", "2", "latest"] {
        home.run(&format!("store add one.sif --name lab/tool:{tag} --copy"))
            .ok();
    }
    home.run("store add two.sif --name lab/tool:2 --copy").ok();
    home.run("store rmi lab/tool:2 --all --yes").ok();
    assert_eq!(uris(&home), ["lab/tool:1@<one>", "lab/tool:latest@<one>"]);
    home.run("store rmi lab/tool --all --yes").ok();
    assert!(uris(&home).is_empty());
    assert!(files(&store(&home)).is_empty());
    home.run("store rmi lab/tool --all --yes").fails(4);
    home.run("store rm --all").fails(2);
}

#[test]
fn a_file_that_two_records_have_stays_with_the_other() {
    let home = with_tool();
    let path = home.run("store get lab/tool").ok().stdout;
    home.run(&format!(
        "store add {} --name lab/same --in-place",
        path.trim()
    ))
    .ok();
    insta::assert_snapshot!(shown(&home, &home.run("store rmi lab/same")), @r"
    exit code: 0
    ----- stderr -----
    removed `lab/same:latest@<one>`
    `<home>/.local/share/imgdex/store/lab/tool/latest@<one>.sif` stays: another record has it too
    ");
    assert_eq!(home.run("store get lab/tool").ok().stdout, path);
}

#[test]
fn a_file_is_moved_and_its_record_follows() {
    let home = with_tool();
    fs::create_dir(home.path().join("images")).expect("made");
    home.run("store mv lab/tool images").ok();
    let path = home.path().join(format!("images/latest@{ONE}.sif"));
    assert_eq!(
        home.run("store get lab/tool").ok().stdout,
        format!("{}\n", path.display())
    );
    assert!(files(&store(&home)).is_empty());
    insta::assert_snapshot!(shown(&home, &home.run("store mv lab/tool new.sif")), @r"
    exit code: 0
    ----- stderr -----
    moved `lab/tool:latest@<one>` to `<home>/new.sif`
    ");
    home.run("store mv lab/tool new.sif").ok();
    insta::assert_snapshot!(shown(&home, &home.run("store mv lab/tool two.sif")), @r"
    exit code: 12
    ----- stderr -----
    error: `<home>/two.sif` already exists
    hint: name a path that does not exist; nothing is written over
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store mv lab/tool no/where.sif")), @r"
    exit code: 4
    ----- stderr -----
    error: there is no folder to move to: `no/where.sif`
    hint: make the folder first
    ");
    assert_eq!(
        fs::read_to_string(home.path().join("new.sif")).expect("there"),
        "one\n"
    );
    assert_eq!(
        fs::read_to_string(home.path().join("two.sif")).expect("there"),
        "two\n"
    );
    home.run("store record --url https://example.com/r.sif")
        .ok();
    insta::assert_snapshot!(shown(&home, &home.run("store mv r r.sif")), @r"
    exit code: 2
    ----- stderr -----
    error: `library/r:latest` is a record without a file: there is nothing to move
    ");
    home.run("store check").ok();
}

#[test]
fn an_image_is_renamed_and_its_file_follows() {
    let home = home();
    home.run("store add one.sif --name lab/tool:1").ok();
    insta::assert_snapshot!(shown(&home, &home.run("store rename lab/tool Group/Sub/Other")), @r"
    exit code: 0
    ----- stderr -----
    renamed `lab/tool:1@<one>` to `group/sub/other:1@<one>`
    ");
    assert_eq!(files(&store(&home)), ["group/sub/other/1@<one>.sif"]);
    home.run("store rename group/sub/other lab/tool:2@1.0").ok();
    assert_eq!(uris(&home), ["lab/tool:2@1.0"]);
    assert_eq!(files(&store(&home)), ["lab/tool/2@1.0.sif"]);
    home.run("store rename lab/tool lab/tool").ok();
    home.run("store add two.sif --name lab/two@1.0").ok();
    insta::assert_snapshot!(shown(&home, &home.run("store rename lab/two lab/tool:2")), @r"
    exit code: 12
    ----- stderr -----
    error: stored image `lab/tool:2@1.0` already exists
    hint: remove its record with `imgdex store rm lab/tool:2@1.0`, or take another name
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store rename lab/none lab/x")), @r"
    exit code: 4
    ----- stderr -----
    error: stored image `lab/none` does not exist
    hint: did you mean `lab/two`?
    ");
    insta::assert_snapshot!(shown(&home, &home.run("store rename lab/two ../x")), @r"
    exit code: 2
    ----- stderr -----
    error: `../x` is not the name of an image: a collection should be letters, digits, `.`, `_` and `-`, and begin with a letter, a digit or `_`, but is `..`
    ");
    assert_eq!(
        files(&store(&home)),
        ["lab/tool/2@1.0.sif", "lab/two/latest@1.0.sif"]
    );
    home.run("store check").ok();
}

#[test]
fn a_file_that_is_only_recorded_stays_when_it_is_renamed() {
    let home = home();
    home.run("store add one.sif --name lab/tool --in-place")
        .ok();
    home.run("store rename lab/tool lab/other").ok();
    let path = format!("{}/one.sif\n", home.path().display());
    assert_eq!(home.run("store get lab/other").ok().stdout, path);
}

#[test]
fn labels_are_set_and_shown() {
    let home = with_tool();
    home.run("store record --url https://example.com/r.sif")
        .ok();
    home.run("store labels lab/tool --key stage --value tested")
        .ok();
    home.call_with(&[
        "store",
        "labels",
        "r",
        "--key",
        "owner",
        "--value",
        "a b, \"c\"",
    ])
    .run()
    .ok();
    insta::assert_snapshot!(shown(&home, &home.run("store labels")), @r#"
    exit code: 0
    ----- stdout -----
    uri                                                                               key    value
    --------------------------------------------------------------------------------  -----  --------
    lab/tool:latest@<one>  stage  tested
    library/r:latest                                                                  owner  a b, "c"
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store labels --key stage -o json")), @r#"
    exit code: 0
    ----- stdout -----
    [
    {"uri":"lab/tool:latest@<one>","key":"stage","value":"tested"}
    ]
    "#);
    insta::assert_snapshot!(shown(&home, &home.run("store labels r -o csv")), @r#"
    exit code: 0
    ----- stdout -----
    uri,key,value
    library/r:latest,owner,"a b, ""c"""
    "#);
    assert_eq!(
        home.run("store labels r --key owner --value x").ok().stdout,
        ""
    );
    assert_eq!(json(home.run("store inspect r"))["labels"]["owner"], "x");
    insta::assert_snapshot!(shown(&home, &home.run("store labels r --key owner --value x")), @r"
    exit code: 0
    ----- stderr -----
    nothing changed
    ");
    home.run("store labels --key a --value b").fails(2);
    home.run("store labels r --value b").fails(2);
    home.call_with(&["store", "labels", "r", "--key", "", "--value", "b"])
        .run()
        .fails(2);
    assert_eq!(home.run("store labels none").fails(4).stdout, "");
}
