//! `imgdex metadata export --clean`: what it removes, and where it refuses to.

use std::os::unix::fs::symlink;

use super::*;

/// Returns a home with an export of `old` in `out`, and `new` in its place in the
/// catalog.
fn home() -> Home {
    let home = Home::new();
    home.run("metadata create --name old --display_name O --image_name o:1")
        .ok();
    home.run("metadata export -d out").ok();
    home.run("metadata remove --name old").ok();
    home.run("metadata create --name new --display_name N --image_name n:1")
        .ok();
    home
}

#[test]
fn files_of_exports_and_valid_ones_go_and_others_stay_and_are_named() {
    let home = home();
    // One that was exported and changed by hand since is still an export's.
    home.write("out/runtime-images/old.json", "{changed")
        .write("out/runtime-images/elyra.json", instance("E", "e:1"))
        .write("out/runtime-images/Upper.json", instance("U", "u:1"))
        .write(
            "out/runtime-images/bad.json",
            instance("B", "not a valid image"),
        )
        .write("out/runtime-images/broken.json", "{")
        .write("out/runtime-images/valid.yaml", instance("Y", "y:1"))
        .write("out/runtime-images/.hidden.json", instance("H", "h:1"))
        .write("out/runtime-images/README.md", "mine")
        .write("out/runtime-images/folder.json/x", "mine")
        .write("out/runtime-images/sub/valid.json", instance("S", "s:1"))
        .write("out/valid.json", instance("V", "v:1"));
    symlink(
        "../valid.json",
        home.path().join("out/runtime-images/link.json"),
    )
    .expect("made");
    insta::assert_snapshot!(home.run("metadata export -d out --clean").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    `.hidden.json` is of no export, and stays
    `README.md` is of no export, and stays
    `Upper.json` is of no export, and stays
    `bad.json` is of no export, and stays
    `broken.json` is of no export, and stays
    `folder.json` is of no export, and stays
    `link.json` is of no export, and stays
    `sub` is of no export, and stays
    `valid.yaml` is of no export, and stays
    ");
    let folder = home.path().join("out/runtime-images");
    let mut left: Vec<String> = fs::read_dir(&folder)
        .expect("it is there")
        .map(|entry| {
            entry
                .expect("read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            ".hidden.json",
            ".imgdex-export",
            "README.md",
            "Upper.json",
            "bad.json",
            "broken.json",
            "folder.json",
            "link.json",
            "new.json",
            "sub",
            "valid.yaml",
        ]
    );
    assert!(folder.join("sub/valid.json").exists());
    assert!(home.path().join("out/valid.json").exists());
    let marker = fs::read_to_string(folder.join(".imgdex-export")).expect("a marker");
    assert_eq!(marker, "new.json\n");
    // A second time there is nothing more to remove.
    let again = home.run("metadata export -d out --clean").ok();
    assert_eq!(again.stderr.matches("stays").count(), 9, "{again:#?}");
}

#[test]
fn a_folder_that_holds_nothing_of_ours_is_left_as_it_is() {
    let home = home();
    home.write("other/runtime-images/x", "mine");
    insta::assert_snapshot!(home.run("metadata export -d other --clean").snapshot(&home), @r"
    exit code: 0
    ----- stdout -----
    Exported 1 instance (0 of which are invalid)
    ----- stderr -----
    `x` is of no export, and stays
    ");
    assert_eq!(
        file_names(&home, "other"),
        [".imgdex-export", "new.json", "x"]
    );
    home.run("metadata export -d fresh --clean").ok();
    assert_eq!(file_names(&home, "fresh"), [".imgdex-export", "new.json"]);
}

#[test]
fn a_marker_makes_nothing_removable_that_an_export_never_writes() {
    let home = home();
    home.write("outside.json", "mine")
        .write("out/runtime-images/folder.json/x", "mine")
        .write("out/runtime-images/README.md", "mine")
        .write("out/runtime-images/.profile", "mine")
        .write("out/runtime-images/sub/x.json", "mine")
        .write("target.json", "mine");
    symlink(
        "../../target.json",
        home.path().join("out/runtime-images/link.json"),
    )
    .expect("made");
    let marker = format!(
        "../outside.json\n../../outside.json\n{}/outside.json\n/abs.json\n.\n..\n\nfolder.json\n\
         README.md\n.profile\nsub/x.json\n./old.json\nlink.json\nnone.json\nold.json\n",
        home.path().display()
    );
    let mut marker = marker.into_bytes();
    marker.extend(b"\xff\xfe.json\nlast.json");
    home.write("out/runtime-images/.imgdex-export", &marker)
        .write("out/runtime-images/last.json", "{")
        .write("out/outside.json", "mine");
    home.run("metadata export -d out --clean").ok();
    let folder = home.path().join("out/runtime-images");
    for kept in [
        "folder.json/x",
        "README.md",
        ".profile",
        "sub/x.json",
        "link.json",
        "new.json",
    ] {
        assert!(folder.join(kept).symlink_metadata().is_ok(), "{kept}");
    }
    for gone in ["old.json", "last.json"] {
        assert!(!folder.join(gone).exists(), "{gone}");
    }
    for outside in ["outside.json", "out/outside.json", "target.json"] {
        assert_eq!(
            fs::read_to_string(home.path().join(outside)).expect("there"),
            "mine"
        );
    }
}

#[test]
fn a_marker_of_bad_bytes_stops_no_export() {
    let home = home();
    home.write(
        "out/runtime-images/.imgdex-export",
        b"\xff\xfe.json\nold.json\n",
    );
    home.run("metadata export -d out").ok();
    home.run("metadata export -d out --clean").ok();
    assert_eq!(file_names(&home, "out"), [".imgdex-export", "new.json"]);
}

#[test]
fn folders_that_are_not_ours_alone_are_not_cleaned() {
    let home = home();
    let path = home.path().display().to_string();
    home.write("runtime-images/valid.json", instance("V", "v:1"));
    let before = file_names(&home, ".");
    for directory in [
        "/",
        "/.",
        "/usr/..",
        ".",
        "./",
        "out/..",
        path.as_str(),
        &format!("{path}/"),
    ] {
        let ran = run(&home, &["metadata", "export", "--clean", "-d", directory]).fails(11);
        assert_eq!(ran.stdout, "", "{directory}");
        assert!(
            ran.stderr.contains("is not cleaned"),
            "{directory}: {ran:#?}"
        );
    }
    assert_eq!(file_names(&home, "."), before);
    insta::assert_snapshot!(home.run("metadata export --clean -d .").snapshot(&home), @r"
    exit code: 11
    ----- stderr -----
    error: `.` is the home folder, and is not cleaned
    hint: export to a folder of its own, or leave `--clean` out
    ");
    // The folder of the format may be the home folder as well.
    let inner = home.path().join("runtime-images").display().to_string();
    home.call("metadata export --clean -d .")
        .env("HOME", &inner)
        .env("IMGDEX_CATALOG", home.catalog().display().to_string())
        .run()
        .fails(11);
    assert_eq!(file_names(&home, "."), before);
    // Without `--clean` nothing is removed, and so nothing refused.
    home.run("metadata export -d .").ok();
    assert_eq!(
        file_names(&home, "."),
        [".imgdex-export", "new.json", "valid.json"]
    );
}

#[test]
fn a_linked_folder_is_not_cleaned() {
    let home = home();
    symlink("out", home.path().join("link")).expect("made");
    let before = files(&home, "out");
    for directory in ["link", "link/", "./link/."] {
        let ran = home
            .run(&format!("metadata export --clean -d {directory}"))
            .fails(11);
        assert!(ran.stderr.contains("is a link to a folder"), "{ran:#?}");
    }
    assert_eq!(files(&home, "out"), before);
    // The folder of the format is never a link.
    fs::create_dir(home.path().join("other")).expect("made");
    symlink(
        "../out/runtime-images",
        home.path().join("other/runtime-images"),
    )
    .expect("made");
    for flags in ["", "--clean"] {
        home.run(&format!("metadata export {flags} -d other"))
            .fails(11);
    }
    fs::create_dir(home.path().join("third")).expect("made");
    symlink("nowhere", home.path().join("third/runtime-images")).expect("made");
    for flags in ["", "--clean"] {
        home.run(&format!("metadata export {flags} -d third"))
            .fails(11);
    }
    assert!(!home.path().join("third/nowhere").exists());
    assert_eq!(files(&home, "out"), before);
    // A link on the way is no link of the folder.
    symlink(".", home.path().join("way")).expect("made");
    home.run("metadata export --clean -d way/out").ok();
    assert_eq!(file_names(&home, "out"), [".imgdex-export", "new.json"]);
}
