//! Layouts that somebody made to do harm.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use super::super::{Error, Layout};
use super::*;

#[test]
fn a_blob_that_is_a_symlink_is_refused() {
    let folder = folder();
    let path = folder.path().join("layout");
    let layout = Layout::create(&path).expect("made");
    let outside = folder.path().join("outside");
    fs::write(&outside, "{}").expect("written");
    let digest = sha256(b"{}");
    let place = path.join("blobs/sha256").join(digest.hex());
    symlink(&outside, &place).expect("linked");
    let refused = |error: Error| assert!(matches!(error, Error::Unsafe { .. }), "{error:?}");
    refused(layout.document(&digest).expect_err("a link"));
    refused(layout.blob(&digest).expect_err("a link"));
    refused(layout.holds(&digest, 2).expect_err("a link"));
    // Writing the blob puts a file in the link's place.
    layout.put_document(b"{}").expect("written");
    assert_eq!(layout.document(&digest).expect("read"), b"{}");
    // The folders on the way, and the index, are no links either.
    let moved = folder.path().join("moved");
    fs::rename(path.join("blobs"), &moved).expect("moved");
    symlink(&moved, path.join("blobs")).expect("linked");
    refused(layout.document(&digest).expect_err("a link"));
    refused(layout.begin(&digest, 2).expect_err("a link"));
    fs::rename(path.join("index.json"), &outside).expect("moved");
    symlink(&outside, path.join("index.json")).expect("linked");
    refused(layout.entries().expect_err("a link"));
}

#[test]
fn a_blob_that_is_a_fifo_or_a_folder_is_refused_and_not_waited_for() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    let (one, two) = (sha256(b"1"), sha256(b"2"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        blobs.join(one.hex()),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("made");
    fs::create_dir(blobs.join(two.hex())).expect("made");
    for digest in [one, two] {
        let refused = layout.blob(&digest).expect_err("refused");
        assert!(matches!(refused, Error::Unsafe { .. }), "{refused:?}");
    }
}

#[test]
fn an_index_with_a_digest_that_is_a_path_or_a_negative_size_is_refused() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let digest = sha256(b"{}");
    for (text, rule) in [
        (
            r#"{"manifests":[{"digest":"sha256:../x","size":1}]}"#.to_owned(),
            "manifests[0]: `sha256:../x` in it is no digest",
        ),
        (
            format!(r#"{{"manifests":[{{"digest":"{digest}","size":-1}}]}}"#),
            "manifests[0]: `-1` in it is no size",
        ),
        (
            r#"{"manifests":7}"#.to_owned(),
            "its `manifests` are no list",
        ),
        (
            r#"{"manifests":[],"manifests":[]}"#.to_owned(),
            "it is no index: it has `manifests` twice",
        ),
        (
            r#"{"schemaVersion":1}"#.to_owned(),
            "its `schemaVersion` is 1, and not 2",
        ),
        ("[]".to_owned(), "it is no index: invalid type: sequence"),
        (
            "[".repeat(100_000),
            "it is no index: invalid type: sequence",
        ),
    ] {
        fs::write(folder.path().join("index.json"), &text).expect("written");
        let error = layout.entries().expect_err("refused");
        assert!(matches!(error, Error::Violation { .. }), "{error:?}");
        let told = error.to_string();
        assert!(told.contains(rule), "{told}");
    }
    let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    fs::write(folder.path().join("index.json"), deep).expect("written");
    assert!(layout.entries().is_err());
}

#[test]
fn a_document_is_as_large_as_is_allowed_and_what_its_digest_says() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    let digest = sha256(b"{}");
    fs::write(blobs.join(digest.hex()), "{ }").expect("written");
    let wrong = layout.document(&digest).expect_err("wrong");
    assert!(matches!(wrong, Error::Violation { .. }), "{wrong:?}");
    // A file of 1 TiB that has no bytes.
    let file = File::create(blobs.join(digest.hex())).expect("made");
    file.set_len(1 << 40).expect("set");
    let large = layout.document(&digest).expect_err("large");
    assert!(matches!(large, Error::Violation { .. }), "{large:?}");
    file.set_len(0).expect("set");
    fs::remove_file(blobs.join(digest.hex())).expect("removed");
    let missing = layout.document(&digest).expect_err("missing");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing:?}");
    let index = File::create(folder.path().join("index.json")).expect("made");
    index.set_len(1 << 40).expect("set");
    let large = layout.entries().expect_err("large");
    assert!(matches!(large, Error::Violation { .. }), "{large:?}");
}
