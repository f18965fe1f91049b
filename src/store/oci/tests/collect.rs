//! What is deleted of a layout, and when nothing is.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::super::{Collected, Error, Layout};
use super::*;

#[test]
fn blobs_that_nothing_needs_are_collected() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    let (one, two) = (image(&layout, b"one"), image(&layout, b"two"));
    let both = index(&layout, &[&one, &two]);
    layout.tag(&both, Some("both")).expect("tagged");
    layout.tag(&one, Some("one")).expect("tagged");
    put(&layout, b"stray");
    fs::write(blobs.join("mine"), "").expect("written");
    let stray = Collected { blobs: 1, size: 5 };
    assert_eq!(layout.collect().expect("collected"), Some(stray));
    layout.untag("both").expect("untagged");
    let collected = layout.collect().expect("collected").expect("alone");
    assert_eq!(collected.blobs, 4);
    assert_eq!(names(&blobs).len(), 4);
    layout.untag("one").expect("untagged");
    layout.collect().expect("collected");
    assert_eq!(names(&blobs), ["mine"]);
}

#[test]
fn nothing_is_collected_while_somebody_writes() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let other = Layout::open(folder.path()).expect("opened");
    let image = image(&other, b"layer");
    assert_eq!(layout.collect().expect("asked"), None);
    other.tag(&image, Some("1")).expect("tagged");
    // It only asks whether a blob is there, to need it then.
    drop(other);
    let other = Layout::open(folder.path()).expect("opened");
    assert!(other.holds(&image.digest, image.size).expect("asked"));
    assert_eq!(layout.collect().expect("asked"), None);
    drop(other);
    assert!(layout.collect().expect("asked").is_some());
    // A blob that outlives its layout is being written all the same.
    let other = Layout::open(folder.path()).expect("opened");
    let blob = other.begin(&sha256(b"new"), 3).expect("begun");
    drop(other);
    assert_eq!(layout.collect().expect("asked"), None);
    drop(blob);
    assert!(layout.collect().expect("asked").is_some());
}

#[test]
fn unfinished_blobs_are_collected_when_nobody_goes_on_with_them() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    let hex = "a".repeat(64);
    let fresh = format!(".imgdex-{hex}.partial");
    let old = format!(".imgdex-{}.partial", "b".repeat(64));
    let alone = format!(".imgdex-{hex}-1.partial");
    for name in [&fresh, &old, &alone] {
        fs::write(blobs.join(name), "x").expect("written");
    }
    let long_ago = SystemTime::now() - Duration::from_secs(30 * 24 * 60 * 60);
    let file = File::options().write(true).open(blobs.join(&old));
    let file = file.expect("opened");
    file.set_modified(long_ago).expect("set");
    let collected = layout.collect().expect("collected").expect("alone");
    assert_eq!(collected.blobs, 2);
    assert_eq!(names(&blobs), [fresh]);
}

#[test]
fn nothing_is_collected_where_a_manifest_cannot_be_read() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let image = image(&layout, b"layer");
    layout.tag(&image, Some("1")).expect("tagged");
    put(&layout, b"stray");
    let manifest = folder.path().join("blobs/sha256").join(image.digest.hex());
    fs::write(&manifest, "{}").expect("written");
    let damaged = layout.collect().expect_err("damaged");
    assert!(matches!(damaged, Error::Violation { .. }), "{damaged:?}");
    fs::remove_file(&manifest).expect("removed");
    assert!(layout.collect().expect("collected").is_some());
}

#[test]
fn an_index_that_contains_itself_is_walked_once() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    // No index can hold its own digest, but one that is not checked could say so, and
    // one can hold another twice.
    let one = image(&layout, b"one");
    let mut inner = index(&layout, &[&one, &one]);
    for _ in 0..40 {
        inner = index(&layout, &[&inner, &inner]);
    }
    layout.tag(&inner, Some("deep")).expect("tagged");
    assert_eq!(
        layout.collect().expect("collected"),
        Some(Collected::default())
    );
    assert_eq!(names(&blobs).len(), 44);
}
