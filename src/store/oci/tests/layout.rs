//! Layouts: what is read, written, continued and tagged.

use std::fs;
use std::os::unix::fs::symlink;

use super::super::{Error, Layout, REF_NAME};
use super::*;

#[test]
fn what_is_no_layout_is_not_opened_or_written_into() {
    let folder = folder();
    let path = folder.path().join("a");
    assert!(matches!(Layout::open(&path), Err(Error::NotFound { .. })));
    fs::create_dir(&path).expect("made");
    assert!(matches!(Layout::open(&path), Err(Error::Invalid { .. })));
    fs::write(path.join("mine"), "").expect("written");
    assert!(matches!(Layout::create(&path), Err(Error::Unsafe { .. })));
    assert_eq!(names(&path), ["mine"]);
    let marker = path.join("oci-layout");
    for (text, is_opened) in [
        ("{}", false),
        ("", false),
        (r#"{"imageLayoutVersion":"1.1.0"}"#, false),
        (r#"{"imageLayoutVersion":"1.0.0","more":1}"#, true),
    ] {
        fs::write(&marker, text).expect("written");
        let opened = Layout::open(&path);
        assert_eq!(opened.is_ok(), is_opened, "{text}: {opened:?}");
    }
    let file = Layout::open(&marker).expect_err("a file");
    assert!(matches!(file, Error::Invalid { .. }), "{file:?}");
    let file = Layout::create(&marker).expect_err("a file");
    assert!(!matches!(file, Error::Unsafe { .. }), "{file:?}");
}

#[test]
fn a_layout_is_made_and_made_whole() {
    let folder = folder();
    let path = folder.path().join("a/b");
    fs::create_dir_all(&path).expect("made");
    // As a run leaves it that was ended at once.
    fs::write(path.join(".imgdex-1.tmp"), "{").expect("written");
    drop(Layout::create(&path).expect("made"));
    fs::remove_file(path.join("index.json")).expect("removed");
    assert!(Layout::open(&path).expect("opened").entries().is_err());
    let layout = Layout::create(&path).expect("made").durable();
    assert_eq!(layout.entries().expect("entries"), []);
    let image = image(&layout, b"layer");
    layout.tag(&image, Some("latest")).expect("tagged");
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(names(&path.join("blobs/sha256")).len(), 3);
}

#[test]
fn a_blob_has_its_name_only_when_it_is_whole() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let blobs = folder.path().join("blobs/sha256");
    let digest = sha256(b"whole");
    assert!(!layout.holds(&digest, 5).expect("asked"));
    // What came before is gone on with.
    let mut blob = layout.begin(&digest, 5).expect("begun");
    assert_eq!(blob.offset(), 0);
    blob.write(b"wh").expect("written");
    drop(blob);
    assert_eq!(names(&blobs), [format!(".imgdex-{}.partial", digest.hex())]);
    let mut blob = layout.begin(&digest, 5).expect("begun");
    assert_eq!(blob.offset(), 2);
    blob.write(b"ole").expect("written");
    blob.finish().expect("finished");
    assert_eq!(names(&blobs), [digest.hex()]);
    assert!(layout.holds(&digest, 5).expect("asked"));
    assert!(!layout.holds(&digest, 6).expect("asked"));
    assert_eq!(read(&layout, &digest), b"whole");
    // What was cut short, is too long, or wrong, leaves nothing.
    let digest = sha256(b"other");
    let finished = |parts: &[&[u8]]| {
        let mut blob = layout.begin(&digest, 5).expect("begun");
        let written = parts.iter().try_for_each(|part| blob.write(part));
        let finished = blob.finish();
        assert!(
            matches!(finished, Err(Error::Violation { .. })),
            "{parts:?}"
        );
        assert_eq!(names(&blobs).len(), 1, "{parts:?}");
        written.is_ok()
    };
    assert!(finished(&[b"oth"]));
    assert!(finished(&[b"OTHER"]));
    assert!(!finished(&[b"other", b"s"]));
    assert!(!finished(&[b"others"]));
    // What was left is forgotten where it cannot become right.
    let partial = blobs.join(format!(".imgdex-{}.partial", digest.hex()));
    for left in ["OTHER", "longer"] {
        fs::write(&partial, left).expect("written");
        let mut blob = layout.begin(&digest, 5).expect("begun");
        assert_eq!(blob.offset(), 0);
        blob.write(b"oTh").expect("written");
        blob.restart().expect("restarted");
        blob.write(b"other").expect("written");
        blob.finish().expect("finished");
        assert_eq!(read(&layout, &digest), b"other");
    }
}

#[test]
fn two_writers_of_a_blob_do_not_share_a_file() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let other = Layout::create(folder.path()).expect("opened");
    let digest = sha256(b"ab");
    let mut one = layout.begin(&digest, 2).expect("begun");
    let mut two = other.begin(&digest, 2).expect("begun");
    let mut three = other.begin(&digest, 2).expect("begun");
    one.write(b"a").expect("written");
    two.write(b"ab").expect("written");
    three.write(b"a").expect("written");
    two.finish().expect("finished");
    drop(three);
    one.write(b"b").expect("written");
    one.finish().expect("finished");
    assert_eq!(names(&folder.path().join("blobs/sha256")), [digest.hex()]);
    // A partial that is a link, or has a second name, is not written through.
    let outside = folder.path().join("outside");
    fs::write(&outside, "x").expect("written");
    let digest = sha256(b"cd");
    let name = format!("blobs/sha256/.imgdex-{}.partial", digest.hex());
    for link in [true, false] {
        let place = folder.path().join(&name);
        match link {
            true => symlink(&outside, &place).expect("linked"),
            false => fs::hard_link(&outside, &place).expect("linked"),
        }
        let mut blob = layout.begin(&digest, 2).expect("begun");
        assert_eq!(blob.offset(), 0);
        blob.write(b"cd").expect("written");
        blob.finish().expect("finished");
        assert_eq!(fs::read(&outside).expect("there"), b"x");
        fs::remove_file(&place).expect("removed");
    }
}

#[test]
fn blobs_of_sha512_have_a_folder_of_their_own() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let digest = digest_of(b"{}", DigestAlgorithm::Sha512);
    assert!(!layout.holds(&digest, 2).expect("asked"));
    layout.put_document_as(b"{}", &digest).expect("written");
    assert_eq!(layout.document(&digest).expect("read"), b"{}");
    assert_eq!(names(&folder.path().join("blobs/sha512")), [digest.hex()]);
    assert!(layout.put_document_as(b"{ }", &digest).is_err());
    assert_eq!(layout.document(&digest).expect("read"), b"{}");
}

#[test]
fn a_tag_has_one_entry_and_the_rest_keeps_its_text() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let (one, two) = (image(&layout, b"one"), image(&layout, b"two"));
    let path = folder.path().join("index.json");
    let kept = format!(
        r#"{{"mediaType":"x/y","digest":"{}","size":3,"urls":[ "a" ],"annotations":{{"{REF_NAME}":"kept"}},"more":1.10}}"#,
        sha256(b"one")
    );
    let text = format!(
        r#"{{ "schemaVersion": 2, "unknown": 1e400, "manifests": [ {kept} ], "annotations": {{"b":"1","a":"2"}} }}"#
    );
    fs::write(&path, text).expect("written");
    let expected = |entries: &[String]| {
        let mut all = vec![kept.clone()];
        all.extend_from_slice(entries);
        let all = all.join(",");
        let text = format!(
            r#"{{"schemaVersion":2,"unknown":1e400,"manifests":[{all}],"annotations":{{"b":"1","a":"2"}}}}"#
        );
        assert_eq!(fs::read_to_string(&path).expect("read"), text);
    };
    let tagged = |image: &Descriptor, tag: &str| {
        let mut entry = image.clone();
        entry
            .annotations
            .insert(REF_NAME.to_owned(), tag.to_owned());
        entry.to_json()
    };
    layout.tag(&one, None).expect("tagged");
    expected(&[one.to_json()]);
    layout.tag(&one, Some("1")).expect("tagged");
    expected(&[tagged(&one, "1")]);
    layout.tag(&two, Some("2")).expect("tagged");
    layout.tag(&two, None).expect("tagged");
    layout.tag(&two, Some("1")).expect("tagged");
    expected(&[tagged(&two, "1"), tagged(&two, "2")]);
    assert_eq!(layout.untag("1").expect("untagged"), 1);
    assert_eq!(layout.untag("1").expect("untagged"), 0);
    expected(&[tagged(&two, "2")]);
    let removed = layout.remove(|entry| entry.digest == two.digest);
    assert_eq!(removed.expect("removed"), 1);
    expected(&[]);
    let absent = descriptor(OCI_MANIFEST, &sha256(b"absent"), 6);
    let missing = layout.tag(&absent, Some("3"));
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    expected(&[]);
    assert_eq!(names(folder.path()), ["blobs", "index.json", "oci-layout"]);
}

#[test]
fn what_is_not_named_is_latest_or_the_only_one() {
    let folder = folder();
    let layout = Layout::create(folder.path()).expect("made");
    let missing = layout.find(None).expect_err("nothing");
    assert!(matches!(missing, Error::NotFound { .. }));
    let (one, two) = (image(&layout, b"one"), image(&layout, b"two"));
    let found = |tag: Option<&str>| layout.find(tag).map(|found| found.digest);
    let is = |tag: Option<&str>, image: &Descriptor| {
        assert_eq!(found(tag).expect("found"), image.digest, "{tag:?}");
    };
    layout.tag(&one, Some("1")).expect("tagged");
    is(None, &one);
    is(Some("1"), &one);
    is(Some(one.digest.as_str()), &one);
    layout.tag(&two, Some("2")).expect("tagged");
    let ambiguous = found(None).expect_err("two");
    assert!(matches!(ambiguous, Error::Invalid { .. }));
    assert!(ambiguous.to_string().ends_with("one of `1`, `2`"));
    match found(Some("3")).expect_err("no such") {
        Error::NotFound { what, hint } => {
            assert!(what.ends_with("has no `3`"), "{what}");
            assert_eq!(hint, "it has `1`, `2`");
        }
        other => panic!("{other:?}"),
    }
    layout.tag(&two, Some("latest")).expect("tagged");
    is(None, &two);
    let entry = |image: &Descriptor| {
        let mut entry = image.clone();
        entry
            .annotations
            .insert(REF_NAME.to_owned(), "x".to_owned());
        entry.to_json()
    };
    let text = format!(r#"{{"manifests":[{},{}]}}"#, entry(&one), entry(&two));
    fs::write(folder.path().join("index.json"), text).expect("written");
    let ambiguous = found(Some("x")).expect_err("two").to_string();
    assert!(ambiguous.contains(one.digest.as_str()), "{ambiguous}");
    assert!(ambiguous.contains(two.digest.as_str()), "{ambiguous}");
}

#[test]
fn blobs_are_written_on_any_thread_and_layouts_shared_between_them() {
    fn is_sent<T: Send>() {}
    fn is_shared<T: Sync + Send>() {}
    is_shared::<Layout>();
    is_shared::<super::super::ArchiveLayout>();
    is_sent::<super::super::NewBlob>();
    is_sent::<super::super::Section>();
    is_sent::<super::super::ArchiveBlob>();
    is_sent::<super::super::ArchiveWriter>();
}
