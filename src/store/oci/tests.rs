//! The suite of images on disk: small images made here, and other tools' images.

mod collect;
mod hostile;
mod layout;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

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
