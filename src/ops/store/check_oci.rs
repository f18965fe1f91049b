//! Whether the records of images and the layout of the store agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::Finding;
use super::keep::{Keeping, put};
use super::oci::{FOLDER, in_layout};
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::manifest::{Content, Descriptor, Manifest, is_manifest};
use crate::domain::reference::{Digest, Reference};
use crate::domain::stored::{StoredImage, StoredName};
use crate::domain::stored_reference::name_of_reference;
use crate::ops::{Error, Result};
use crate::store::files;
use crate::store::oci::{self, Layout};

/// Digits of a digest that name an image of which nothing else is known.
const SHORT: usize = 12;

/// The layouts that records name, each opened once.
#[derive(Default)]
pub(super) struct Layouts {
    open: BTreeMap<PathBuf, Option<Arc<Layout>>>,
    whole: BTreeSet<(PathBuf, Digest)>,
}

impl Layouts {
    /// Returns whether something of the image of a record is gone; never for a file.
    ///
    /// # Errors
    /// Where the layout cannot be read.
    pub(super) fn lack(&mut self, image: &StoredImage) -> Result<bool> {
        let Some((folder, digest)) = in_layout(image) else {
            return Ok(false);
        };
        let key = (folder, digest);
        if self.whole.contains(&key) {
            return Ok(false);
        }
        let Some(layout) = self.layout(&key.0)? else {
            return Ok(true);
        };
        if !is_whole(&layout, &key.1)? {
            return Ok(true);
        }
        self.whole.insert(key);
        Ok(false)
    }

    fn layout(&mut self, folder: &Path) -> Result<Option<Arc<Layout>>> {
        if let Some(known) = self.open.get(folder) {
            return Ok(known.clone());
        }
        let opened = match Layout::open(folder) {
            Ok(layout) => Some(Arc::new(layout)),
            Err(oci::Error::NotFound { .. } | oci::Error::Invalid { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        self.open.insert(folder.to_path_buf(), opened.clone());
        Ok(opened)
    }
}

/// Returns whether all that an image consists of is there. That the bytes of its layers
/// are the right ones is not looked at.
fn is_whole(layout: &Layout, digest: &Digest) -> Result<bool> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![(digest.clone(), String::new())];
    while let Some((digest, media_type)) = waiting.pop() {
        if !seen.insert(digest.clone()) {
            continue;
        }
        let said = Some(media_type).filter(|said| !said.is_empty());
        let Some(manifest) = manifest_in(layout, &digest, said)? else {
            return Ok(false);
        };
        match manifest.content {
            Content::Index(entries) => {
                for entry in entries {
                    match is_manifest(&entry.media_type) {
                        true => waiting.push((entry.digest, entry.media_type)),
                        false if !has(layout, &entry)? => return Ok(false),
                        false => {}
                    }
                }
            }
            Content::Image { config, layers } => {
                for blob in layers.iter().chain([&config]) {
                    if !blob.is_foreign() && !has(layout, blob)? {
                        return Ok(false);
                    }
                }
            }
        }
    }
    Ok(true)
}

/// Returns a manifest; nothing where it is gone or damaged.
fn manifest_in(layout: &Layout, digest: &Digest, said: Option<String>) -> Result<Option<Manifest>> {
    match layout.document(digest) {
        Ok(bytes) => Ok(parsed(bytes, said)),
        Err(oci::Error::NotFound { .. } | oci::Error::Violation { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the manifest that bytes are; those of before 2020 do not name their type.
fn parsed(bytes: Vec<u8>, said: Option<String>) -> Option<Manifest> {
    use crate::domain::manifest::{OCI_INDEX, OCI_MANIFEST};
    let types = [said, None]
        .into_iter()
        .chain([OCI_MANIFEST, OCI_INDEX].map(|media_type| Some(media_type.to_owned())));
    types
        .filter_map(|said| Manifest::checked(bytes.clone(), said, &[]).ok())
        .next()
}

fn has(layout: &Layout, blob: &Descriptor) -> Result<bool> {
    match layout.blob(&blob.digest) {
        Ok((_, size)) => Ok(size == blob.size),
        Err(oci::Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// An image of the layout that no record has.
pub(super) struct Unrecorded {
    layout: Arc<Layout>,
    manifest: Manifest,
    name: StoredName,
    url: Option<String>,
}

/// Returns the whole images of the store's layout that no record has.
///
/// # Errors
/// Where the layout cannot be read, and those of the catalog.
pub(super) fn unrecorded(catalog: &Catalog, store: &Path) -> Result<Vec<Unrecorded>> {
    let Ok(folder) = files::real_folder(&store.join(FOLDER)) else {
        return Ok(Vec::new());
    };
    let layout = match Layout::open(&folder) {
        Ok(layout) => Arc::new(layout),
        Err(oci::Error::Invalid { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found: BTreeMap<Digest, Unrecorded> = BTreeMap::new();
    for entry in layout.entries()? {
        if catalog.is_stored_at(&layout.blob_path(&entry.digest))?
            || !is_whole(&layout, &entry.digest)?
        {
            continue;
        }
        let said = Some(entry.media_type.clone()).filter(|said| !said.is_empty());
        let Some(manifest) = manifest_in(&layout, &entry.digest, said)? else {
            continue;
        };
        let tag = entry.annotations.get(oci::REF_NAME);
        if tag.is_none() && manifest.subject.is_some() {
            // It came along with what it refers to.
            continue;
        }
        let (name, url) = named(&entry)?;
        found.insert(
            entry.digest,
            Unrecorded {
                layout: Arc::clone(&layout),
                manifest,
                name,
                url,
            },
        );
    }
    Ok(found.into_values().collect())
}

/// Returns what an entry is called: as the reference that it came from, as its tag, or
/// else by its digest.
fn named(entry: &Descriptor) -> Result<(StoredName, Option<String>)> {
    let came_from = entry.annotations.get(oci::IMAGE_NAME);
    if let Some(reference) = came_from.and_then(|text| Reference::parse(text).ok())
        && let Ok(name) = name_of_reference(&reference)
    {
        return Ok((name, Some(reference.to_string())));
    }
    let hex = entry.digest.hex();
    let tag = entry.annotations.get(oci::REF_NAME);
    if let Some(tag) = tag.filter(|tag| *tag != hex)
        && let Ok(name) = StoredName::parse(tag)
    {
        return Ok((
            StoredName {
                version: None,
                ..name
            },
            None,
        ));
    }
    let name = StoredName::parse(hex.get(..SHORT).unwrap_or(hex)).map_err(Error::invalid)?;
    Ok((name, None))
}

impl Unrecorded {
    pub(super) fn finding(&self) -> Finding {
        let hex = self.manifest.descriptor.digest.hex();
        Finding {
            problem: "no record",
            uri: Some(self.name.clone().with_version(Some(hex)).to_string()),
            path: self.layout.blob_path(&self.manifest.descriptor.digest),
            repair: None,
            found: None,
        }
    }

    /// Records it.
    ///
    /// # Errors
    /// Where the layout cannot be written, and those of the catalog.
    pub(super) fn record(
        self,
        catalog: &mut Catalog,
        actor: Actor,
        store: &Path,
    ) -> Result<Finding> {
        let mut finding = self.finding();
        let keeping = Keeping {
            store,
            name: self.name,
            url: self.url,
            actor,
        };
        let image = put(catalog, keeping, &self.manifest, &self.layout)?;
        finding.uri = Some(image.uri.to_string());
        finding.repair = Some("recorded");
        Ok(finding)
    }
}

/// Takes the entry out of the layout whose image is not whole, so that other tools do not
/// find half of one; its blobs stay.
///
/// # Errors
/// Where the layout cannot be written.
pub(super) fn forget(image: &StoredImage) -> Result<()> {
    let Some((folder, digest)) = in_layout(image) else {
        return Ok(());
    };
    match Layout::open(&folder) {
        Ok(layout) => {
            layout.remove(|entry| entry.digest == digest)?;
            Ok(())
        }
        Err(oci::Error::NotFound { .. } | oci::Error::Invalid { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
