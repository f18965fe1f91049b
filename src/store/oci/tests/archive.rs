//! OCI archives: written, read, compressed, and made to do harm.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::{ArchiveLayout, ArchiveWriter, Error, Layout};
use super::tar::{Made, link, member, tar};
use super::*;

const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

fn refused(file: &Path) -> Error {
    ArchiveLayout::open(file).expect_err("refused")
}

/// Writes an image of one layer and returns its manifest.
fn written(file: &Path, tag: &str) -> (Descriptor, Digest) {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let image = image(&layout, b"layer");
    let manifest = layout.document(&image.digest).expect("read");
    let layer = sha256(b"layer");
    let mut archive = ArchiveWriter::create(file).expect("begun");
    assert!(!archive.holds(&layer));
    let mut blob = archive.begin(&layer, 5).expect("begun");
    blob.write(b"LAY").expect("written");
    blob.restart().expect("restarted");
    blob.write(b"lay").expect("written");
    assert_eq!(blob.offset(), 3);
    blob.write(b"er").expect("written");
    archive = blob.finish().expect("finished");
    assert!(archive.holds(&layer));
    archive.put_document(&manifest).expect("written");
    archive.put_document(&manifest).expect("written");
    let digest = digest_of(b"{}", DigestAlgorithm::Sha512);
    archive.put_document_as(b"{}", &digest).expect("written");
    let entries = [(image.clone(), Some(tag.to_owned()))];
    archive.finish(&entries).expect("finished");
    (image, layer)
}

#[test]
fn an_archive_is_read_as_it_was_written() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    fs::write(&file, "before").expect("written");
    let (image, layer) = written(&file, "1");
    let again = folder.path().join("b.tar");
    written(&again, "1");
    assert_eq!(names(folder.path()), ["a.tar", "b.tar"]);
    let bytes = fs::read(&file).expect("read");
    assert_eq!(bytes, fs::read(&again).expect("read"));
    let check = |file: &Path| {
        let archive = ArchiveLayout::open(file).expect("opened");
        let found = archive.find(None).expect("found");
        assert_eq!(found.digest, image.digest);
        assert_eq!(archive.find(Some("1")).expect("found"), found);
        assert!(matches!(
            archive.find(Some("2")),
            Err(Error::NotFound { .. })
        ));
        assert_eq!(archive.entries(), [found]);
        let manifest = archive.document(&image.digest).expect("read");
        assert_eq!(sha256(&manifest), image.digest);
        let (mut section, size) = archive.blob(&layer).expect("there");
        let mut bytes = Vec::new();
        section.read_to_end(&mut bytes).expect("read");
        assert_eq!((bytes.as_slice(), size), (b"layer".as_slice(), 5));
        let digest = digest_of(b"{}", DigestAlgorithm::Sha512);
        assert_eq!(archive.document(&digest).expect("read"), b"{}");
        let absent = archive.blob(&sha256(b"absent"));
        assert!(matches!(absent, Err(Error::NotFound { .. })));
    };
    check(&file);
    let linked = folder.path().join("linked");
    symlink(&file, &linked).expect("linked");
    check(&linked);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&bytes).expect("compressed");
    fs::write(&file, gzip.finish().expect("compressed")).expect("written");
    check(&file);
    let zstd = zstd::encode_all(bytes.as_slice(), 1).expect("compressed");
    fs::write(&file, zstd).expect("written");
    check(&file);
    // As `tar -C FOLDER -cf FILE .` names them.
    let unpacked = folder.path().join("unpacked");
    fs::create_dir(&unpacked).expect("made");
    run("tar", &["-xf", &text(&again), "-C", &text(&unpacked)]);
    run("tar", &["-cf", &text(&file), "-C", &text(&unpacked), "."]);
    check(&file);
    Layout::open(&unpacked)
        .expect("a layout")
        .find(Some("1"))
        .expect("found");
}

#[test]
fn an_archive_that_fails_leaves_what_was_there() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    fs::write(&file, "before").expect("written");
    let kept = || {
        assert_eq!(names(folder.path()), ["a.tar"]);
        assert_eq!(fs::read(&file).expect("read"), b"before");
    };
    let digest = sha256(b"whole");
    for parts in [
        &[b"who".as_slice()] as &[&[u8]],
        &[b"WHOLE"],
        &[b"whole", b"r"],
    ] {
        let archive = ArchiveWriter::create(&file).expect("begun");
        let mut blob = archive.begin(&digest, 5).expect("begun");
        let done = parts.iter().try_for_each(|part| blob.write(part));
        let done = done.and_then(|()| blob.finish().map(drop));
        assert!(matches!(done, Err(Error::Violation { .. })), "{parts:?}");
        kept();
    }
    let mut archive = ArchiveWriter::create(&file).expect("begun");
    assert!(archive.put_document_as(b"{ }", &sha256(b"{}")).is_err());
    let entry = (descriptor(OCI_MANIFEST, &digest, 5), None);
    assert!(archive.finish(&[entry]).is_err());
    kept();
    let refused = ArchiveWriter::create(folder.path()).expect_err("a folder");
    assert!(matches!(refused, Error::Unsafe { .. }), "{refused:?}");
    let refused = ArchiveWriter::create(&folder.path().join("a/b")).expect_err("no folder");
    assert!(matches!(refused, Error::Read { .. } | Error::Write { .. }));
}

#[test]
fn what_is_no_archive_is_told() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    assert!(matches!(refused(&file), Error::NotFound { .. }));
    assert!(matches!(refused(folder.path()), Error::Invalid { .. }));
    let fifo = folder.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, kind, mode, 0).expect("made");
    assert!(matches!(refused(&fifo), Error::Unsafe { .. }));
    let cases: &[(&[Made], &str)] = &[
        (&[], "it has no `oci-layout`"),
        (&[member("oci-layout", MARKER)], "it has no `index.json`"),
        (
            &[member("oci-layout", br#"{"imageLayoutVersion":"2"}"#)],
            "its version is `2`, and not `1.0.0`",
        ),
    ];
    for (members, expected) in cases {
        tar(&file, members);
        let told = refused(&file);
        assert!(matches!(told, Error::Invalid { .. }), "{told:?}");
        assert!(told.to_string().ends_with(expected), "{told}");
    }
    for text in ["no tar", &"no tar".repeat(200), "\u{1f}\u{8b}\u{8}"] {
        fs::write(&file, text).expect("written");
        refused(&file);
    }
    fs::write(&file, [0x1f, 0x8b, 8, 0, 1, 2, 3]).expect("written");
    assert!(matches!(refused(&file), Error::Violation { .. }));
}

#[test]
fn names_that_lead_out_of_an_archive_are_refused() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    for name in ["../x", "a/../../x", "/etc/passwd", "blobs/..", ".."] {
        tar(&file, &[member("oci-layout", MARKER), member(name, b"x")]);
        let error = refused(&file);
        assert!(matches!(error, Error::Unsafe { .. }), "{name}: {error:?}");
    }
}

#[test]
fn links_and_devices_in_the_place_of_a_blob_are_refused_and_others_passed_over() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let blob = format!("blobs/sha256/{}", "a".repeat(64));
    for kind in *b"12346" {
        let whole = [member("oci-layout", MARKER), member("index.json", index)];
        let with = |name: &str| {
            let linked = link(name, kind, "/etc/passwd");
            tar(&file, &[whole.as_slice(), &[linked]].concat());
        };
        with("README");
        ArchiveLayout::open(&file).expect("opened");
        for name in [blob.as_str(), "blobs", "blobs/sha256", "./index.json"] {
            with(name);
            let error = refused(&file);
            assert!(matches!(error, Error::Unsafe { .. }), "{name}: {error:?}");
        }
    }
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    let check = |made: &[Made], rule: &str| {
        tar(&file, made);
        let error = refused(&file);
        assert!(matches!(error, Error::Violation { .. }), "{error:?}");
        assert!(error.to_string().contains(rule), "{error}");
    };
    let mut huge = member("blobs/x", b"x");
    huge.size_field = Some([0x80, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    check(&[huge.clone()], "1099511627776 bytes goes over its end");
    let mut negative = huge.clone();
    negative.size_field = Some([0xff; 12]);
    check(&[negative], "a number is negative");
    let mut over = huge.clone();
    over.size_field = Some([0xbf, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    check(&[over], "a number has over 64 bits");
    let mut text = huge;
    text.size_field = Some(*b"-0000000001\0");
    check(&[text], "`-0000000001` is no number");
    let pax = |records: &[u8]| {
        let mut extended = member("x", records);
        extended.kind = b'x';
        [extended, member("a", b"")]
    };
    check(&pax(b"22 size=1099511627776\n"), "goes over its end");
    check(&pax(b"11 size=-1\n"), "`-1` is no size");
    check(&pax(b"99 path=a\n"), "an extended header is malformed");
    check(&pax(b"3 a\n"), "an extended header is malformed");
    check(&pax(&[b'1'; 70_000]), "a name has 70000 bytes");
    let mut damaged = member("oci-layout", MARKER);
    damaged.is_damaged = true;
    check(&[damaged], "a header is not what its checksum says");
    // Cut short, in a header and in a member.
    tar(
        &file,
        &[member("oci-layout", MARKER), member("x", &[7; 700])],
    );
    let bytes = fs::read(&file).expect("read");
    for length in [300, 530, 1024 + 300, 1536 + 300] {
        fs::write(&file, &bytes[..length]).expect("written");
        assert!(
            matches!(refused(&file), Error::Violation { .. }),
            "{length}"
        );
    }
}

#[test]
fn an_archive_of_a_million_members_is_refused() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    tar(&file, &[member("a", b"")]);
    let header = fs::read(&file).expect("read")[..512].to_vec();
    let mut many = File::create(&file).expect("made");
    for _ in 0..101 {
        many.write_all(&header.repeat(1000)).expect("written");
    }
    let error = refused(&file);
    assert!(matches!(error, Error::Violation { .. }), "{error:?}");
    assert!(error.to_string().contains("over 100000 members"), "{error}");
}

#[test]
fn gzip_and_zstd_bombs_are_refused() {
    let folder = folder();
    let file = folder.path().join("a.tar.gz");
    let part = vec![0; 1024 * 1024];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).expect("begun");
    for _ in 0..66 {
        gzip.write_all(&part).expect("compressed");
        zstd.write_all(&part).expect("compressed");
    }
    for bomb in [gzip.finish(), zstd.finish()] {
        fs::write(&file, bomb.expect("compressed")).expect("written");
        let error = refused(&file);
        assert!(matches!(error, Error::Violation { .. }), "{error:?}");
    }
    let stopped = ArchiveLayout::open_while(&file, &mut |done| done == 0);
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

#[test]
fn documents_in_an_archive_are_what_their_digests_say() {
    let folder = folder();
    let file = folder.path().join("a.tar");
    let digest = sha256(b"{}");
    let blob = format!("blobs/sha256/{}", digest.hex());
    let index = br#"{"schemaVersion":2,"manifests":[]}"#;
    let whole = [member("oci-layout", MARKER), member("index.json", index)];
    tar(
        &file,
        &[whole.as_slice(), &[member(&blob, b"{ }")]].concat(),
    );
    let archive = ArchiveLayout::open(&file).expect("opened");
    let wrong = archive.document(&digest).expect_err("wrong");
    assert!(matches!(wrong, Error::Violation { .. }), "{wrong:?}");
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    tar(
        &file,
        &[whole.as_slice(), &[member(&blob, &large)]].concat(),
    );
    let archive = ArchiveLayout::open(&file).expect("opened");
    let wrong = archive.document(&digest).expect_err("large");
    assert!(matches!(wrong, Error::Violation { .. }), "{wrong:?}");
    let bad = br#"{"manifests":[{"digest":"sha256:../x","size":1}]}"#;
    tar(
        &file,
        &[member("oci-layout", MARKER), member("index.json", bad)],
    );
    assert!(matches!(refused(&file), Error::Violation { .. }));
    let twice = [whole.as_slice(), &[member("./index.json", index)]].concat();
    tar(&file, &twice);
    assert!(matches!(refused(&file), Error::Violation { .. }));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_archive_is_read_or_refused(
        flips in proptest::collection::vec((0usize..8192, 0u8..=255), 1..6),
        length in 0usize..8192,
    ) {
        let folder = folder();
        let file = folder.path().join("a.tar");
        written(&file, "1");
        let mut bytes = fs::read(&file).expect("read");
        for (at, byte) in flips {
            let at = at % bytes.len();
            bytes[at] = byte;
            // The checksum alone would refuse nearly all of them.
            let header = at / 512 * 512;
            if bytes[header + 257..].starts_with(b"ustar") {
                bytes[header + 148..header + 156].fill(b' ');
                let sum: u32 = bytes[header..header + 512].iter().map(|one| u32::from(*one)).sum();
                bytes[header + 148..header + 156]
                    .copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        if length % 4 == 0 {
            bytes.truncate(length);
        }
        fs::write(&file, &bytes).expect("written");
        if let Ok(archive) = ArchiveLayout::open(&file) {
            for entry in archive.entries() {
                let _ = archive.document(&entry.digest);
            }
        }
    }
}
