//! Images of registries in the store: they lie in one layout, each with an entry that is
//! called after its digest, so that other tools read them as `oci:STORE/oci:DIGEST`, and
//! records that have the same image share it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::path_of;
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::manifest::{Config, Content, Descriptor, Manifest, parsed_config};
use crate::domain::reference::{Digest, DigestAlgorithm};
use crate::domain::stored::{StoredImage, client};
use crate::ops::registry::{image_size, platforms_of, usual};
use crate::ops::transfer::Local;
use crate::ops::{Error, Result};
use crate::store::oci::{self, Layout};

/// The folder of the layout in the store.
pub const FOLDER: &str = "oci";

/// What is found out of an image; a record has these fields from its manifest, and
/// others from whoever made it.
pub(super) const FOUND: [&str; 5] = ["digest", "mediaType", "size", "platforms", "labels"];

/// Images of an index that are looked into.
const MOST_PLATFORMS: usize = 32;

/// Media types of configs that say what an image is.
const CONFIGS: [&str; 2] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
];

/// Returns the layout that has the image of a record, and its digest; nothing where the
/// record is of a file.
#[must_use]
pub fn in_layout(image: &StoredImage) -> Option<(PathBuf, Digest)> {
    let path = image
        .path
        .as_ref()
        .filter(|_| image.client == client::OCI)?;
    let hex = path.file_name()?.to_str()?;
    let algorithm = path.parent()?;
    let blobs = algorithm.parent()?;
    if blobs.file_name()? != "blobs" {
        return None;
    }
    let algorithm = algorithm.file_name()?.to_str()?;
    let digest = format!("{algorithm}:{hex}").parse::<Digest>().ok()?;
    Some((blobs.parent()?.to_path_buf(), digest))
}

/// Returns what names the image of a record to other programs: the path of a file,
/// `oci:FOLDER:NAME` of an image in the layout, or the URL where only that is recorded.
///
/// # Errors
/// Where the file is gone.
pub fn place_of(image: &StoredImage) -> Result<OsString> {
    let path = path_of(image)?;
    Ok(match (in_layout(image), path) {
        (Some((folder, digest)), _) => {
            let mut text = OsString::from("oci:");
            text.push(folder);
            text.push(":");
            text.push(digest.hex());
            text
        }
        (None, Some(path)) => path.into_os_string(),
        (None, None) => image.url.clone().unwrap_or_default().into(),
    })
}

/// Returns the version of an image: the SHA-256 of its manifest.
pub(super) fn version_of(manifest: &Manifest) -> String {
    let digest = &manifest.descriptor.digest;
    match digest.algorithm() {
        DigestAlgorithm::Sha256 => digest.hex().to_owned(),
        DigestAlgorithm::Sha512 => {
            let sha256 =
                crate::domain::manifest::digest_of(&manifest.bytes, DigestAlgorithm::Sha256);
            sha256.hex().to_owned()
        }
    }
}

/// How the parts of an image are read.
pub(super) trait Parts {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest>;
    fn config(&self, config: &Descriptor) -> Result<Config>;
}

impl Parts for Local {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        Local::manifest(self, descriptor)
    }

    fn config(&self, config: &Descriptor) -> Result<Config> {
        let bytes = self.document(&config.digest)?;
        Ok(parsed_config(&bytes, config).map_err(|rule| {
            oci::Error::violation(format!("the config `{}`: {rule}", config.digest))
        })?)
    }
}

/// Returns what is found out of an image: names, and values that are JSON text. The size
/// is the sum over its platforms, the labels are those of the usual one.
pub(super) fn found_of(root: &Manifest, parts: &impl Parts) -> Result<Vec<(String, String)>> {
    let mut size: u64 = 0;
    let mut platforms = Vec::new();
    let mut labels = None;
    match &root.content {
        Content::Image { config, layers } => {
            size = image_size(config, layers);
            if CONFIGS.contains(&config.media_type.as_str()) {
                let config = parts.config(config)?;
                platforms.extend(config.platform.map(|platform| platform.to_string()));
                labels = Some(config.labels);
            }
        }
        Content::Index(entries) => {
            platforms = platforms_of(entries);
            let usual = usual(entries).map(|entry| &entry.digest);
            for entry in entries.iter().take(MOST_PLATFORMS) {
                let manifest = parts.manifest(entry)?;
                let Content::Image { config, layers } = &manifest.content else {
                    continue;
                };
                size = size.saturating_add(image_size(config, layers));
                let is_usual = usual == Some(&entry.digest);
                if is_usual && CONFIGS.contains(&config.media_type.as_str()) {
                    labels = Some(parts.config(config)?.labels);
                }
            }
        }
    }
    Ok(fields_of_image(
        root.descriptor.digest.as_str(),
        &root.descriptor.media_type,
        Some(size),
        (&platforms, &labels.unwrap_or_default()),
    ))
}

/// Returns what is found out of an image as fields of its record; the size is in bytes.
pub(super) fn fields_of_image(
    digest: &str,
    media_type: &str,
    size: Option<u64>,
    (platforms, labels): (&[String], &BTreeMap<String, String>),
) -> Vec<(String, String)> {
    let values = [
        serde_json::Value::from(digest),
        serde_json::Value::from(media_type),
        serde_json::Value::from(size),
        serde_json::Value::from(platforms),
        serde_json::json!(labels),
    ];
    let fields = FOUND.iter().zip(values);
    let fields = fields.map(|(name, value)| ((*name).to_owned(), value.to_string()));
    fields
        .filter(|(_, value)| !["[]", "{}", "null"].contains(&value.as_str()))
        .collect()
}

/// Returns fields that were found, and beside them those that somebody else gave.
pub(super) fn with_given(
    found: Vec<(String, String)>,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    let is_given = |(name, _): &&(String, String)| !FOUND.contains(&name.as_str());
    let given = given.iter().filter(is_given).cloned();
    found.into_iter().chain(given).collect()
}

/// Takes the image away that no record has any more, and what only it needed; returns
/// whether another record has it, which then keeps it.
///
/// # Errors
/// Where the layout cannot be read or written.
pub(super) fn take_away(
    catalog: &mut Catalog,
    actor: Actor,
    (folder, digest): (&Path, &Digest),
) -> Result<bool> {
    let layout = Layout::open(folder)?;
    let writer = catalog.begin(actor)?;
    // Whoever records it makes its entry in the same transaction.
    if writer.stored_at(&layout.blob_path(digest))?.is_some() {
        return Ok(true);
    }
    let mut unwanted = vec![digest.clone()];
    // What refers to it has an entry of its own, and would keep it.
    for entry in layout.entries()? {
        let is_named = entry.annotations.contains_key(oci::REF_NAME);
        let document = layout.document(&entry.digest);
        if !is_named
            && let Ok(bytes) = document
            && let Ok(manifest) = Manifest::checked(bytes, Some(entry.media_type.clone()), &[])
            && manifest
                .subject
                .is_some_and(|subject| unwanted.contains(&subject))
        {
            unwanted.push(entry.digest);
        }
    }
    layout.remove(|entry| {
        let is_named = entry.annotations.contains_key(oci::REF_NAME);
        entry.digest == *digest || (!is_named && unwanted.contains(&entry.digest))
    })?;
    drop(writer);
    layout.collect()?;
    Ok(false)
}

/// Returns the failure to move an image that is no file.
pub(super) fn is_no_file(image: &StoredImage) -> Error {
    Error::Refused {
        what: format!(
            "`{}` is an image of the store's layout, and no file that could be moved",
            image.uri
        ),
        hint: format!(
            "`imgdex copy store:{} oci-archive:FILE` makes a file of it",
            image.uri
        ),
    }
}
