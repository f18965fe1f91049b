//! Archives of docker: both ways, old and new ones, and those made to do harm.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::docker_archive::{from_layout, into_layout};
use super::super::{Error, Layout, Result};
use super::tar::{Made, link, member, tar};
use super::*;
use crate::domain::manifest::{Content, Manifest};

/// Returns a config whose layers are those tars.
fn config_of(tars: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = tars.iter().map(|tar| sha256(tar).to_string()).collect();
    let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
    let config = json!({"os": "linux", "architecture": "amd64", "rootfs": rootfs});
    config.to_string().into_bytes()
}

fn item(tags: &[&str], layers: &[&str]) -> Value {
    json!({"Config": "config.json", "RepoTags": tags, "Layers": layers})
}

/// An archive to be read, and the layout for what is read.
struct Case {
    folder: tempfile::TempDir,
    layout: Layout,
}

impl Case {
    fn new() -> Self {
        let folder = folder();
        let layout = Layout::create(&folder.path().join("layout")).expect("made");
        Self { folder, layout }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("a.tar")
    }

    fn read(&self, wanted: Option<&str>) -> Result<Descriptor> {
        into_layout(&self.file(), wanted, &self.layout, &mut |_| true)
    }

    /// Reads an archive of one image without a name.
    fn read_of(&self, config: &[u8], layers: &[&str], members: &[Made]) -> Result<Descriptor> {
        let manifest = json!([item(&[], layers)]).to_string();
        let whole = [
            member("manifest.json", manifest.as_bytes()),
            member("config.json", config),
        ];
        tar(&self.file(), &[whole.as_slice(), members].concat());
        self.read(None)
    }

    /// Returns the layers of an image, uncompressed, each with its media type's ending.
    fn layers(&self, image: &Descriptor) -> Vec<(String, Vec<u8>)> {
        layers_of(&self.layout, image)
    }

    #[track_caller]
    fn left_nothing(&self) {
        let blobs = names(&self.layout.path().join("blobs/sha256"));
        let unfinished = blobs.iter().find(|name| name.starts_with('.'));
        assert_eq!(unfinished, None);
    }
}

pub fn layers_of(layout: &Layout, image: &Descriptor) -> Vec<(String, Vec<u8>)> {
    let bytes = layout.document(&image.digest).expect("read");
    let manifest = Manifest::checked(bytes, None, &[Some(&image.digest)]).expect("a manifest");
    let Content::Image { layers, .. } = manifest.content else {
        panic!("an index");
    };
    let layer = |layer: Descriptor| {
        let bytes = read(layout, &layer.digest);
        assert_eq!(bytes.len() as u64, layer.size);
        assert_eq!(sha256(&bytes), layer.digest);
        let (_, ending) = layer.media_type.rsplit_once('.').expect("an ending");
        let mut tar = Vec::new();
        match ending {
            "tar+gzip" => flate2::read::GzDecoder::new(bytes.as_slice())
                .read_to_end(&mut tar)
                .map(drop),
            "tar+zstd" => zstd::stream::copy_decode(bytes.as_slice(), &mut tar),
            _ => tar.write_all(&bytes),
        }
        .expect("uncompressed");
        (ending.to_owned(), tar)
    };
    layers.into_iter().map(layer).collect()
}

fn violation(result: Result<Descriptor>, rule: &str) {
    let error = result.expect_err(rule);
    assert!(matches!(error, Error::Violation { .. }), "{error:?}");
    assert!(error.to_string().contains(rule), "{error}");
}

#[test]
fn an_image_goes_into_an_archive_and_comes_back() {
    let case = Case::new();
    let image = real_image(&case.layout);
    let before = layers_of(&case.layout, &image);
    fs::write(case.file(), "before").expect("written");
    let mut done = 0;
    from_layout(
        &case.layout,
        &image,
        Some("app"),
        &case.file(),
        &mut |bytes| {
            done = bytes;
            true
        },
    )
    .expect("written");
    assert_eq!(done, 2 * 2048);
    assert_eq!(names(case.folder.path()), ["a.tar", "layout"]);
    let other = Layout::create(&case.folder.path().join("other")).expect("made");
    for wanted in [None, Some("app"), Some("docker.io/library/app:latest")] {
        let back = into_layout(&case.file(), wanted, &other, &mut |_| true).expect("read");
        let platform = back.platform.clone().expect("a platform");
        assert_eq!(platform.to_string(), "linux/arm64/v8");
        let tars = |layers: Vec<(String, Vec<u8>)>| -> Vec<Vec<u8>> {
            layers.into_iter().map(|(_, tar)| tar).collect()
        };
        let after = layers_of(&other, &back);
        assert!(after.iter().all(|(ending, _)| ending == "tar+gzip"));
        assert_eq!(tars(after), tars(before.clone()));
        other.tag(&back, Some("app")).expect("tagged");
    }
    // The same archive makes the same image.
    assert_eq!(other.entries().expect("entries").len(), 1);
    assert_eq!(names(&other.path().join("blobs/sha256")).len(), 4);
    let missing = into_layout(&case.file(), Some("app:2"), &other, &mut |_| true);
    assert!(matches!(missing, Err(Error::NotFound { .. })));
    let stopped = into_layout(&case.file(), None, &other, &mut |_| false);
    assert!(matches!(stopped, Err(Error::Interrupted)));
}

#[test]
fn layers_are_read_as_old_and_new_tools_keep_them() {
    let case = Case::new();
    let (one, two) = (tar_of("one"), tar_of("two"));
    let config = config_of(&[&one, &two, &one, &two]);
    // Docker before 25, with links for layers that are there twice; podman's links lead
    // out of their folder.
    let names = ["1/layer.tar", "2/layer.tar", "3/layer.tar", "4/layer.tar"];
    let members = [
        member("./1/layer.tar", &one),
        link("3/layer.tar", b'2', "../1/layer.tar"),
        member("two.tar", &two),
        link("2/layer.tar", b'2', "../two.tar"),
        link("4/layer.tar", b'1', "two.tar"),
    ];
    let image = case.read_of(&config, &names, &members).expect("read");
    let gzipped = |tar: &[u8]| ("tar+gzip".to_owned(), tar.to_vec());
    let expected = [&one, &two, &one, &two].map(|tar| gzipped(tar));
    assert_eq!(case.layers(&image), expected);
    // Layers that are compressed stay as they are.
    let config = config_of(&[&one, &two]);
    let zstd = zstd::encode_all(two.as_slice(), 1).expect("compressed");
    let names = ["blobs/sha256/1", "blobs/sha256/2"];
    let members = [member(names[0], &gzip(&one)), member(names[1], &zstd)];
    let image = case.read_of(&config, &names, &members).expect("read");
    let expected = [gzipped(&one), ("tar+zstd".to_owned(), two.clone())];
    assert_eq!(case.layers(&image), expected);
    case.layout
        .document(&sha256(&config))
        .expect("the config is kept");
    assert_eq!(read(&case.layout, &sha256(&zstd)), zstd);
    // An image may have no layer at all.
    let config = config_of(&[]);
    let image = case.read_of(&config, &[], &[]).expect("read");
    assert_eq!(case.layers(&image), []);
    case.left_nothing();
}

#[test]
fn one_of_several_images_is_named() {
    let case = Case::new();
    let one = tar_of("one");
    let write = |items: Value| {
        let members = [
            member("manifest.json", items.to_string().as_bytes()),
            member("config.json", &config_of(&[&one])),
            member("1.tar", &one),
        ];
        tar(&case.file(), &members);
    };
    write(json!([
        item(&["app:1", "quay.io/a/app:1"], &["1.tar"]),
        item(&["app:2"], &["1.tar"])
    ]));
    for wanted in [
        "app:1",
        "docker.io/library/app:1",
        "quay.io/a/app:1",
        "app:2",
    ] {
        case.read(Some(wanted)).expect(wanted);
    }
    let several = case.read(None).expect_err("several");
    assert!(matches!(several, Error::Invalid { .. }), "{several:?}");
    let names = "one of `app:1`, `app:2`, `quay.io/a/app:1`";
    assert!(several.to_string().ends_with(names), "{several}");
    let missing = case.read(Some("app")).expect_err("no such");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing:?}");
    write(json!([
        item(&["a:1"], &["1.tar"]),
        item(&["a:1"], &["1.tar"])
    ]));
    violation(case.read(Some("a:1")), "has several images `a:1`");
    write(json!([]));
    let none = case.read(None).expect_err("none");
    assert!(matches!(none, Error::NotFound { .. }), "{none:?}");
    write(json!({"Config": 1}));
    violation(case.read(None), "is no list");
    tar(&case.file(), &[member("index.json", b"{}")]);
    let other = case.read(None).expect_err("none");
    assert!(matches!(other, Error::Invalid { .. }), "{other:?}");
    let manifest = member("manifest.json", b"[]");
    tar(&case.file(), &[manifest.clone(), manifest]);
    violation(case.read(None), "twice");
}

#[test]
fn a_layer_that_is_not_what_the_config_says_is_not_kept() {
    let case = Case::new();
    let (one, two) = (tar_of("one"), tar_of("two"));
    let config = config_of(&[&one]);
    for layer in [two.clone(), gzip(&two), one[1..].to_vec()] {
        let made = [member("1.tar", &layer)];
        let wrong = case.read_of(&config, &["1.tar"], &made);
        violation(wrong, "as the config says");
    }
    let mut cut = gzip(&one);
    cut.truncate(cut.len() - 9);
    let wrong = case.read_of(&config, &["1.tar"], &[member("1.tar", &cut)]);
    violation(wrong, "a layer in");
    let trailing = [gzip(&one), b"more".to_vec()].concat();
    let wrong = case.read_of(&config, &["1.tar"], &[member("1.tar", &trailing)]);
    violation(wrong, "a layer in");
    violation(
        case.read_of(&config, &["1.tar"], &[]),
        "has no file `1.tar`",
    );
    violation(case.read_of(&config, &[], &[]), "it has 1 layers, and");
    violation(case.read_of(b"{}", &[], &[]), "it is no config");
    let bad = br#"{"rootfs":{"diff_ids":["sha256:../x"]}}"#;
    violation(case.read_of(bad, &["1.tar"], &[]), "`rootfs.diff_ids`");
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    violation(case.read_of(&large, &[], &[]), "at most 4194304 are read");
    // A config that is named by its digest is that.
    let name = format!("{}.json", "a".repeat(64));
    let manifest = json!([{"Config": name, "RepoTags": null, "Layers": null}]).to_string();
    let made = [
        member("manifest.json", manifest.as_bytes()),
        member(&name, &config_of(&[])),
    ];
    tar(&case.file(), &made);
    violation(case.read(None), "its bytes are");
    assert_eq!(names(&case.layout.path().join("blobs/sha256")), [""; 0]);
}

#[test]
fn links_in_an_archive_lead_to_its_own_files_only() {
    let case = Case::new();
    let one = tar_of("one");
    let config = config_of(&[&one]);
    let outside = case.folder.path().join("outside");
    fs::write(&outside, &one).expect("written");
    let outside = outside.to_str().expect("text");
    for (kind, target) in [
        (b'2', outside),
        (b'2', "../../outside"),
        (b'2', "../.."),
        (b'1', outside),
        (b'1', "../outside"),
    ] {
        let linked = [link("1/layer.tar", kind, target)];
        let refused = case.read_of(&config, &["1/layer.tar"], &linked);
        let refused = refused.expect_err(target);
        assert!(matches!(refused, Error::Unsafe { .. }), "{refused:?}");
    }
    for name in ["../outside", outside, "1/../../outside"] {
        let refused = case.read_of(&config, &[name], &[]).expect_err(name);
        assert!(matches!(refused, Error::Unsafe { .. }), "{refused:?}");
    }
    // A chain that has no end, and one that is too long.
    let round = [link("1", b'2', "2"), link("2", b'2', "1")];
    violation(case.read_of(&config, &["1"], &round), "a link to a link");
    let mut long: Vec<Made> = (0..20)
        .map(|at| link(&format!("{at}"), b'2', &format!("{}", at + 1)))
        .collect();
    long.push(member("20", &one));
    violation(case.read_of(&config, &["0"], &long), "a link to a link");
    case.read_of(&config, &["15"], &long).expect("read");
    // A folder that is a link is no way to anywhere.
    let folder = [link("a", b'2', "."), member("1.tar", &one)];
    violation(case.read_of(&config, &["a/1.tar"], &folder), "has no file");
    let device = [link("1.tar", b'3', "")];
    violation(case.read_of(&config, &["1.tar"], &device), "has no file");
}

#[test]
fn a_layer_that_is_a_bomb_is_refused() {
    let case = Case::new();
    let part = vec![0; 1024 * 1024];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).expect("begun");
    for _ in 0..66 {
        gzip.write_all(&part).expect("compressed");
        zstd.write_all(&part).expect("compressed");
    }
    for bomb in [gzip.finish(), zstd.finish()] {
        let bomb = [member("1.tar", &bomb.expect("compressed"))];
        let refused = case.read_of(&config_of(&[b""]), &["1.tar"], &bomb);
        violation(refused, "so much larger uncompressed");
    }
    case.left_nothing();
}

#[test]
fn only_an_image_can_become_an_archive() {
    let case = Case::new();
    let file = case.folder.path().join("b.tar");
    let write = |image: &Descriptor, tag: Option<&str>| {
        from_layout(&case.layout, image, tag, &file, &mut |_| true)
    };
    let image = real_image(&case.layout);
    let both = index(&case.layout, &[&image]);
    let refused = write(&both, None).expect_err("an index");
    assert!(matches!(refused, Error::Invalid { .. }), "{refused:?}");
    let empty = descriptor(
        "application/vnd.oci.empty.v1+json",
        &put(&case.layout, b"{}"),
        2,
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{},"layers":[]}}"#,
        empty.to_json()
    );
    let digest = case
        .layout
        .put_document(manifest.as_bytes())
        .expect("written");
    let artifact = descriptor(OCI_MANIFEST, &digest, manifest.len());
    let refused = write(&artifact, None).expect_err("an artifact");
    assert!(matches!(refused, Error::Invalid { .. }), "{refused:?}");
    let by_digest = format!("app@{digest}");
    let refused = write(&image, Some(&by_digest)).expect_err("no tag");
    assert!(matches!(refused, Error::Invalid { .. }), "{refused:?}");
    let stopped = from_layout(&case.layout, &image, None, &file, &mut |done| done == 0);
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    // A layer that was changed where it lies.
    let blobs = case.layout.path().join("blobs/sha256");
    let layer = blobs.join(sha256(&tar_of("one")).hex());
    let mut bytes = fs::read(&layer).expect("read");
    bytes[600] ^= 1;
    fs::write(&layer, &bytes).expect("written");
    let damaged = write(&image, None).expect_err("damaged");
    assert!(matches!(damaged, Error::Violation { .. }), "{damaged:?}");
    bytes.pop();
    fs::write(&layer, &bytes).expect("written");
    let damaged = write(&image, None).expect_err("damaged");
    assert!(matches!(damaged, Error::Violation { .. }), "{damaged:?}");
    fs::remove_file(&layer).expect("removed");
    let missing = write(&image, None).expect_err("missing");
    assert!(matches!(missing, Error::NotFound { .. }), "{missing:?}");
    assert_eq!(names(case.folder.path()), ["layout"]);
}
