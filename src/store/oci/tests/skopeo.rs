//! Skopeo as the second opinion: it reads what was written here, and what it writes is
//! read.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::super::docker_archive::{from_layout, into_layout};
use super::super::{ArchiveLayout, ArchiveWriter, Layout};
use super::docker::layers_of;
use super::*;

/// Writes a layout with an image `app` of two layers, one of them compressed.
fn made(path: &Path) -> (Layout, Descriptor) {
    let layout = Layout::create(path).expect("made");
    let image = real_image(&layout);
    layout.tag(&image, Some("app")).expect("tagged");
    (layout, image)
}

fn inspected(endpoint: &str) -> Value {
    let text = run("skopeo", &["inspect", "--raw", endpoint]);
    serde_json::from_str(&text).expect("a manifest")
}

/// Copies an image that another form makes another one.
fn convert(from: &str, to: &str) {
    run("skopeo", &["copy", "--insecure-policy", "-q", from, to]);
}

fn copy(from: &str, to: &str) {
    run(
        "skopeo",
        &[
            "copy",
            "--insecure-policy",
            "--preserve-digests",
            "-q",
            from,
            to,
        ],
    );
}

#[test]
fn skopeo_reads_a_layout_and_writes_one_that_is_read() {
    let folder = folder();
    let path = folder.path().join("ours");
    let (layout, image) = made(&path);
    let ours = format!("oci:{}:app", path.display());
    let manifest = layout.document(&image.digest).expect("read");
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    assert_eq!(inspected(&ours), manifest);
    let theirs = folder.path().join("theirs");
    let tagged = format!("oci:{}:app", theirs.display());
    copy(&ours, &tagged);
    copy(&ours, &format!("oci:{}:other", theirs.display()));
    let theirs = Layout::create(&theirs).expect("opened");
    let found = theirs.find(Some("app")).expect("found");
    assert_eq!(found.digest, image.digest);
    assert!(theirs.document(&found.digest).is_ok());
    // What it wrote, changed here, is still what it reads.
    theirs.tag(&found, Some("third")).expect("tagged");
    theirs.untag("app").expect("untagged");
    assert_eq!(
        theirs.collect().expect("collected").expect("alone").blobs,
        0
    );
    let third = format!("oci:{}:third", theirs.path().display());
    assert_eq!(inspected(&third), manifest);
}

#[test]
fn skopeo_reads_an_oci_archive_and_writes_one_that_is_read() {
    let folder = folder();
    let (layout, image) = made(&folder.path().join("layout"));
    let ours = folder.path().join("ours.tar");
    let mut archive = ArchiveWriter::create(&ours).expect("begun");
    for name in names(&layout.path().join("blobs/sha256")) {
        let digest: Digest = format!("sha256:{name}").parse().expect("a digest");
        let bytes = read(&layout, &digest);
        let mut blob = archive.begin(&digest, bytes.len() as u64).expect("begun");
        blob.write(&bytes).expect("written");
        archive = blob.finish().expect("finished");
    }
    let entries = [(image.clone(), Some("app".to_owned()))];
    archive.finish(&entries).expect("finished");
    let from = format!("oci-archive:{}:app", ours.display());
    let manifest = layout.document(&image.digest).expect("read");
    let manifest: Value = serde_json::from_slice(&manifest).expect("a manifest");
    assert_eq!(inspected(&from), manifest);
    let theirs = folder.path().join("theirs.tar");
    copy(&from, &format!("oci-archive:{}:again", theirs.display()));
    let archive = ArchiveLayout::open(&theirs).expect("opened");
    let found = archive.find(Some("again")).expect("found");
    assert_eq!(found.digest, image.digest);
    assert!(archive.document(&found.digest).is_ok());
    assert!(fs::metadata(&theirs).expect("there").len() > 0);
}

#[test]
fn skopeo_reads_an_archive_of_docker_and_writes_one_that_is_read() {
    let folder = folder();
    let (layout, image) = made(&folder.path().join("layout"));
    let ours = folder.path().join("a.tar");
    let expected: Vec<Vec<u8>> = tars(&layout, &image);
    from_layout(&layout, &image, Some("quay.io/a/app:1"), &ours, &mut |_| {
        true
    })
    .expect("written");
    let place = text(folder.path());
    let from = format!("docker-archive:{place}/a.tar");
    convert(
        &format!("{from}:quay.io/a/app:1"),
        &format!("oci:{place}/theirs:x"),
    );
    let theirs = Layout::open(&folder.path().join("theirs")).expect("opened");
    let copied = theirs.find(Some("x")).expect("found");
    assert_eq!(tars(&theirs, &copied), expected);
    // Both ways by skopeo's own archive, which has links as well.
    let back = folder.path().join("back.tar");
    convert(
        &format!("oci:{place}/layout:app"),
        &format!("docker-archive:{place}/back.tar:quay.io/a/app:2"),
    );
    let read = into_layout(&back, Some("quay.io/a/app:2"), &layout, &mut |_| true);
    let read = read.expect("read");
    assert_eq!(tars(&layout, &read), expected);
}

fn tars(layout: &Layout, image: &Descriptor) -> Vec<Vec<u8>> {
    let layers = layers_of(layout, image).into_iter();
    layers.map(|(_, tar)| tar).collect()
}
