//! Singularity images (SIF): one file each, and how registries hold one: a manifest of
//! one layer, as Singularity and Apptainer push it to `oras://`.

use std::collections::BTreeMap;

use super::manifest::{Content, Descriptor, Manifest, OCI_MANIFEST, digest_of};
use super::reference::{Digest, DigestAlgorithm};

/// The media type of the file.
pub const LAYER: &str = "application/vnd.sylabs.sif.layer.v1.sif";

/// The media type of the config, which says nothing.
pub const CONFIG: &str = "application/vnd.sylabs.sif.config.v1+json";

/// What the config is.
pub const CONFIG_BYTES: &[u8] = b"{}";

/// The annotation of a layer that holds the name of the file.
pub const TITLE: &str = "org.opencontainers.image.title";

/// How the names of such files end.
pub const ENDING: &str = "sif";

/// Bytes of a file that tell whether it is one.
pub const HEAD: usize = 42;

/// Where the magic word begins, behind a launch script.
const MAGIC_AT: usize = 32;
const MAGIC: &[u8] = b"SIF_MAGIC\0";

/// Returns whether a file that begins with these bytes is one.
#[must_use]
pub fn is_head(bytes: &[u8]) -> bool {
    bytes
        .get(MAGIC_AT..)
        .is_some_and(|rest| rest.starts_with(MAGIC))
}

/// Returns the descriptor of the file, where the manifest is of one.
#[must_use]
pub fn file_of(manifest: &Manifest) -> Option<&Descriptor> {
    match &manifest.content {
        Content::Image { layers, .. } => match layers.as_slice() {
            [layer] if layer.media_type == LAYER => Some(layer),
            _ => None,
        },
        Content::Index(_) => None,
    }
}

/// Returns the manifest of a file.
///
/// # Errors
/// The rule that it would break.
pub fn manifest_of(title: &str, digest: Digest, size: u64) -> Result<Manifest, String> {
    let descriptor = |media_type: &str, digest: Digest, size: u64| Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        platform: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    let config = digest_of(CONFIG_BYTES, DigestAlgorithm::Sha256);
    let config = descriptor(CONFIG, config, CONFIG_BYTES.len() as u64);
    let mut layer = descriptor(LAYER, digest, size);
    layer.annotations.insert(TITLE.to_owned(), title.to_owned());
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{},"layers":[{}]}}"#,
        config.to_json(),
        layer.to_json()
    );
    Manifest::checked(text.into_bytes(), None, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_magic_word() {
        let script = b"#!/usr/bin/env run-singularity\n\0";
        let good = [script.as_slice(), MAGIC, b"01\0"].concat();
        assert!(is_head(&good) && is_head(&good[..HEAD]));
        assert!(!is_head(&good[..HEAD - 1]));
        assert!(!is_head(&good[1..]));
        assert!(!is_head(b"") && !is_head(script));
    }

    #[test]
    fn the_manifest_of_a_file_names_it_and_nothing_else() {
        let digest = digest_of(b"x", DigestAlgorithm::Sha256);
        let manifest = manifest_of("a \"b\".sif", digest.clone(), 1).expect("a manifest");
        let file = file_of(&manifest).expect("a file");
        assert_eq!((&file.digest, file.size), (&digest, 1));
        assert_eq!(file.annotations[TITLE], "a \"b\".sif");
        let text = String::from_utf8(manifest.bytes).expect("text");
        assert!(text.contains(
            r#""config":{"mediaType":"application/vnd.sylabs.sif.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#
        ));
    }
}
