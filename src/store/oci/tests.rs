//! The suite of images on disk: small images made here, and other tools' images.

mod archive;
mod collect;
mod docker;
mod hostile;
mod layout;
mod skopeo;
mod tar;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use super::Layout;
use crate::domain::manifest::{Descriptor, OCI_INDEX, OCI_MANIFEST, digest_of};
use crate::domain::reference::{Digest, DigestAlgorithm};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn sha256(bytes: &[u8]) -> Digest {
    digest_of(bytes, DigestAlgorithm::Sha256)
}

fn descriptor(media_type: &str, digest: &Digest, size: usize) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: digest.clone(),
        size: size as u64,
        platform: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
    }
}

/// Writes a blob into a layout.
fn put(layout: &Layout, bytes: &[u8]) -> Digest {
    let digest = sha256(bytes);
    let mut blob = layout.begin(&digest, bytes.len() as u64).expect("begun");
    blob.write(bytes).expect("written");
    blob.finish().expect("finished");
    digest
}

/// Writes an image of one layer, without an entry.
fn image(layout: &Layout, layer: &[u8]) -> Descriptor {
    let layer_digest = put(layout, layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["{layer_digest}"]}}}}"#
    );
    let config_digest = put(layout, config.as_bytes());
    let config = descriptor(
        "application/vnd.oci.image.config.v1+json",
        &config_digest,
        config.len(),
    );
    let layer = descriptor(
        "application/vnd.oci.image.layer.v1.tar",
        &layer_digest,
        layer.len(),
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{},"layers":[{}]}}"#,
        config.to_json(),
        layer.to_json()
    );
    let digest = layout.put_document(manifest.as_bytes()).expect("written");
    descriptor(OCI_MANIFEST, &digest, manifest.len())
}

/// Writes an image of two layers that are tars, the second compressed, and a config that
/// knows both; without an entry.
fn real_image(layout: &Layout) -> Descriptor {
    let tars: Vec<Vec<u8>> = ["one", "two"].map(tar_of).to_vec();
    let diff_ids: Vec<String> = tars.iter().map(|tar| sha256(tar).to_string()).collect();
    let config = serde_json::json!({
        "architecture": "arm64",
        "os": "linux",
        "variant": "v8",
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let config = config.to_string().into_bytes();
    let compressed = gzip(&tars[1]);
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    let tar = "application/vnd.oci.image.layer.v1.tar";
    let [config, one, two] = [
        ("application/vnd.oci.image.config.v1+json", &config),
        (tar, &tars[0]),
        (gzip, &compressed),
    ]
    .map(|(kind, bytes)| descriptor(kind, &put(layout, bytes), bytes.len()).to_json());
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config},"layers":[{one},{two}]}}"#
    );
    let digest = layout.put_document(manifest.as_bytes()).expect("written");
    descriptor(OCI_MANIFEST, &digest, manifest.len())
}

/// Returns a tar that holds one file.
fn tar_of(name: &str) -> Vec<u8> {
    let folder = folder();
    let file = folder.path().join("a.tar");
    tar::tar(&file, &[tar::member(name, name.as_bytes())]);
    fs::read(file).expect("read")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("compressed");
    gzip.finish().expect("compressed")
}

/// Writes an index of manifests, without an entry.
fn index(layout: &Layout, manifests: &[&Descriptor]) -> Descriptor {
    let manifests: Vec<String> = manifests.iter().map(|one| one.to_json()).collect();
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}]}}"#,
        manifests.join(",")
    );
    let digest = layout.put_document(text.as_bytes()).expect("written");
    descriptor(OCI_INDEX, &digest, text.len())
}

fn read(layout: &Layout, digest: &Digest) -> Vec<u8> {
    let (mut file, size) = layout.blob(digest).expect("a blob");
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).expect("read");
    assert_eq!(bytes.len() as u64, size);
    bytes
}

/// Returns the names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("an entry");
        entry.file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = fs::read_dir(folder).expect("a folder").map(name).collect();
    names.sort();
    names
}

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

/// Runs another tool, and returns what it prints.
#[track_caller]
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {told}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
