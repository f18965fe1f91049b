//! Images that are pulled or copied into the store: blobs first, then the layout's
//! entry, and the record last.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::add::{Keep, NewFile, Origin, add, put_and_commit};
use super::oci::{FOLDER, found_of, version_of, with_given};
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::manifest::{Descriptor, Manifest};
use crate::domain::reference::DigestAlgorithm;
use crate::domain::sif;
use crate::domain::stored::{StoredImage, StoredName, client};
use crate::ops::Result;
use crate::ops::transfer::{
    Blobs, Choice, Copied, Destination, Local, Source, Tick, chosen, copy_root, sif as sifs,
    tag_in_store,
};
use crate::registry::Network;
use crate::store::files;
use crate::store::oci::Layout;

/// What is kept, and as what.
#[derive(Debug)]
pub struct Keeping<'a> {
    pub store: &'a Path,
    pub name: StoredName,
    /// The reference that it comes from.
    pub url: Option<String>,
    pub actor: Actor,
}

/// Copies an image into the store, and records it. What is there is not sent again.
///
/// # Errors
/// Where it cannot be had, kept or recorded; the record is as it was then.
pub fn keep(
    network: &Network,
    catalog: &mut Catalog,
    source: &Source,
    keeping: Keeping<'_>,
    choice: &Choice,
    tick: Tick<'_>,
) -> Result<Copied> {
    let root = chosen(network, source, choice)?;
    let folder = keeping.store.join(FOLDER);
    files::make_folder(&folder)?;
    let folder = files::real_folder(&folder)?;
    let layout = Arc::new(Layout::create(&folder)?.durable());
    if let Some(file) = sif::file_of(&root) {
        return keep_file(
            network,
            catalog,
            (source, &root, file),
            keeping,
            &layout,
            tick,
        );
    }
    let destination = Destination::Store {
        layout: Arc::clone(&layout),
        reference: keeping.url.clone(),
    };
    let mut copied = copy_root(network, (source, &destination), &root, choice, tick)?;
    let image = put(catalog, keeping, &root, &layout)?;
    copied.target = format!("store:{}", image.uri);
    Ok(copied)
}

/// Records an image that is in the layout.
pub(super) fn put(
    catalog: &mut Catalog,
    keeping: Keeping<'_>,
    root: &Manifest,
    layout: &Arc<Layout>,
) -> Result<StoredImage> {
    let found = found_of(root, &Local::Layout(Arc::clone(layout)))?;
    let path = layout.blob_path(&root.descriptor.digest);
    let mut image = record_of_manifest(keeping.name, root, Some(path), keeping.url);
    let writer = catalog.begin(keeping.actor)?;
    // Whoever removed the last record of it may have taken the entry away meanwhile.
    tag_in_store(layout, root, image.url.as_deref())?;
    let before = writer.stored_image(&image.uri)?;
    let given = before.map(|before| before.metadata).unwrap_or_default();
    image.metadata = with_given(found, &given);
    Ok(put_and_commit(writer, &image)?.1)
}

/// Returns the record of a manifest, without what is found out of it.
pub(super) fn record_of_manifest(
    name: StoredName,
    root: &Manifest,
    path: Option<PathBuf>,
    url: Option<String>,
) -> StoredImage {
    StoredImage {
        id: 0,
        uri: name.with_version(Some(&version_of(root))),
        client: client::OCI.to_owned(),
        path,
        url,
        size: None,
        sha256: None,
        metadata: Vec::new(),
        labels: std::collections::BTreeMap::new(),
        created_at: String::new(),
    }
}

/// Gets the file of an artifact, puts it in its place and records it.
fn keep_file(
    network: &Network,
    catalog: &mut Catalog,
    (source, root, file): (&Source, &Manifest, &Descriptor),
    keeping: Keeping<'_>,
    layout: &Arc<Layout>,
    tick: Tick<'_>,
) -> Result<Copied> {
    let digest = &root.descriptor.digest;
    let metadata = vec![
        ("digest".to_owned(), format!("\"{digest}\"")),
        (
            "mediaType".to_owned(),
            format!("\"{}\"", root.descriptor.media_type),
        ),
    ];
    if let Some(mut there) = kept_before(catalog, &keeping.name, file)? {
        there.url = keeping.url.or(there.url);
        there.client = client::OCI.to_owned();
        there.metadata = with_given(metadata, &there.metadata);
        let writer = catalog.begin(keeping.actor)?;
        let (_, image) = put_and_commit(writer, &there)?;
        let blobs = Blobs {
            present: 1,
            ..Blobs::default()
        };
        let target = format!("store:{}", image.uri);
        return Ok(sifs::copied(source, root, target, blobs));
    }
    let (blobs, blob) = sifs::bring_file(network, source, layout, file, tick)?;
    let new = NewFile {
        file: &blob,
        name: keeping.name,
        // The layout's own name of it goes away with the next collection.
        keep: Keep::Link,
        metadata,
        store: keeping.store,
        origin: Some(Origin {
            client: client::OCI,
            url: keeping.url,
            ending: sif::ENDING,
        }),
    };
    let added = add(|| Ok(catalog), keeping.actor, new, &mut |_| tick(&[]))?;
    // Where somebody else is at the layout, the next one does it.
    let _ = layout.collect();
    let target = format!("store:{}", added.image.uri);
    Ok(sifs::copied(source, root, target, blobs))
}

/// Returns the record of that name that has the file already.
fn kept_before(
    catalog: &Catalog,
    name: &StoredName,
    file: &Descriptor,
) -> Result<Option<StoredImage>> {
    if file.digest.algorithm() != DigestAlgorithm::Sha256 {
        return Ok(None);
    }
    let wanted = name.clone().with_version(Some(file.digest.hex()));
    let images = catalog.stored(&wanted.collection, &wanted.name)?;
    Ok(images.into_iter().find(|image| {
        image.uri == wanted
            && image.sha256.as_deref() == Some(file.digest.hex())
            && image
                .path
                .as_deref()
                .is_some_and(|path| !files::is_gone(path))
    }))
}
