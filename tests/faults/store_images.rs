//! Images on their way into the store and out of it: kills and failing disks.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::disk::fail_every;
use crate::strace::{Fault, run_with};
use crate::support::{Home, Ran};
use crate::{assert_whole, image};

/// The calls that change the disk.
const CALLS: [&str; 4] = [
    "rename,?renameat,?renameat2",
    "fsync,?fdatasync",
    "pwrite64",
    "unlink,?unlinkat",
];

const PUT: &str = "copy oci:layout:1 store:lab/app:1";

fn hash(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes);
    digits.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes an image of one layer into the layout at `layout`.
fn write_layout(home: &Home) {
    let blob = |kind: &str, bytes: &[u8]| {
        home.write(&format!("layout/blobs/sha256/{}", hash(bytes)), bytes);
        format!(
            r#"{{"mediaType":"application/vnd.oci.image.{kind}","digest":"sha256:{}","size":{}}}"#,
            hash(bytes),
            bytes.len()
        )
    };
    let config = blob(
        "config.v1+json",
        br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#,
    );
    let layer = blob("layer.v1.tar", &[7; 100_000]);
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{config},"layers":[{layer}]}}"#
    );
    let entry = blob("manifest.v1+json", manifest.as_bytes());
    let entry = entry.replace(
        "}",
        r#","annotations":{"org.opencontainers.image.ref.name":"1"}}"#,
    );
    home.write(
        "layout/index.json",
        format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#),
    );
    home.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
}

fn with_layout() -> Home {
    let home = Home::new();
    home.pipe(image("base"), "images create").ok();
    write_layout(&home);
    home
}

/// Returns a home with the same files.
fn again(before: &Home) -> Home {
    let home = Home::new();
    copy_folder(before.path(), home.path());
    home
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let from = entry.expect("an entry").path();
        let to = to.join(from.file_name().expect("a name"));
        if from.is_dir() {
            // The catalog's is for its owner only.
            let mode = fs::metadata(&from).expect("a folder").permissions();
            fs::create_dir(&to)
                .and_then(|()| fs::set_permissions(&to, mode))
                .expect("made");
            copy_folder(&from, &to);
        } else {
            fs::copy(&from, &to).expect("copied");
        }
    }
}

fn blobs(home: &Home) -> Vec<PathBuf> {
    let folder = home
        .path()
        .join(".local/share/imgdex/store/oci/blobs/sha256");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name[0] != b'.'
        })
        .collect()
}

/// Every blob that has a name is what its name says, and every record's image can be
/// copied out whole.
fn assert_nothing_is_half(home: &Home, ran: &Ran) {
    for path in blobs(home) {
        let bytes = fs::read(&path).expect("a blob");
        let name = path.file_name().expect("a name").to_string_lossy();
        assert_eq!(hash(&bytes), name, "{ran:#?}");
    }
    let listed = home.run("store list -o name").ok().stdout;
    if listed.is_empty() {
        assert!(ran.code != 0, "{ran:#?}");
    } else {
        home.run("copy store:lab/app oci-archive:out.tar").ok();
    }
    assert_whole(home);
}

#[test]
fn an_image_that_is_put_into_the_store_is_there_whole_or_not_at_all() {
    let before = with_layout();
    for call in CALLS {
        for number in 1.. {
            let home = again(&before);
            let fault = Fault {
                call,
                what: "signal=SIGKILL",
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, PUT);
            assert_nothing_is_half(&home, &ran);
            home.run(PUT).ok();
            assert_nothing_is_half(&home, &home.run("store check").ok());
            if ran.code == 0 {
                break;
            }
        }
    }
}

#[test]
fn a_failing_disk_leaves_an_image_whole_or_not_there() {
    let before = with_layout();
    let home = || again(&before);
    for (call, error) in [
        // `write` also wakes other threads, which no disk can fail.
        ("pwrite64", "ENOSPC"),
        ("fsync,?fdatasync", "EIO"),
        ("rename,?renameat,?renameat2", "EIO"),
        ("mkdir,?mkdirat", "EROFS"),
    ] {
        fail_every(call, error, &home, PUT, &|home, ran| {
            assert!([0, 10].contains(&ran.code), "{call}: {ran:#?}");
            if ran.code == 0 || !home.run("store list -o name").ok().stdout.is_empty() {
                assert_nothing_is_half(
                    home,
                    &Ran {
                        code: 0,
                        ..ran.clone()
                    },
                );
            }
            home.run(PUT).ok();
            home.run("store check").ok();
        });
    }
}

/// Returns a home whose store has `lab/app`, and `lab/other` of the same blobs under
/// another manifest.
fn with_two() -> Home {
    let home = with_layout();
    home.run(PUT).ok();
    let index = home.path().join("layout/index.json");
    let text = fs::read_to_string(&index).expect("an index");
    let (_, rest) = text.split_once("sha256:").expect("a digest");
    let path = home.path().join("layout/blobs/sha256").join(&rest[..64]);
    let manifest = fs::read_to_string(path).expect("a manifest") + "\n";
    home.write(
        &format!("layout/blobs/sha256/{}", hash(manifest.as_bytes())),
        &manifest,
    );
    let size = |length: usize| format!("\"size\":{length}");
    let text = text
        .replace(&rest[..64], &hash(manifest.as_bytes()))
        .replace(&size(manifest.len() - 1), &size(manifest.len()));
    fs::write(&index, text).expect("written");
    home.run("copy oci:layout:1 store:lab/other:1").ok();
    assert_eq!(blobs(&home).len(), 4);
    home
}

#[test]
fn an_image_that_is_removed_leaves_those_that_share_its_blobs() {
    for call in CALLS {
        for number in 1.. {
            let home = with_two();
            let fault = Fault {
                call,
                what: "signal=SIGKILL",
                when: &number.to_string(),
            };
            let ran = run_with(fault, &home, "store rmi lab/other");
            home.run("copy store:lab/app oci-archive:out.tar").ok();
            // Without its record, the image is one that `check` tells of.
            home.run("store check --repair").ok();
            home.run("store check").ok();
            if ran.code == 0 {
                assert_eq!(blobs(&home).len(), 3);
                break;
            }
        }
    }
}
