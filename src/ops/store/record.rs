//! References that are recorded without their images, and what becomes of such a record
//! when the image is pulled.

use super::add::{Added, put_and_commit};
use super::keep::record_of_manifest;
use super::oci::{Parts, found_of, with_given};
use super::refresh::text_of;
use super::start::reference_text;
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::manifest::{Config, Descriptor, Manifest};
use crate::domain::reference::{Reference, Registry};
use crate::domain::stored::{StoredImage, StoredName, StoredUri};
use crate::ops::{Error, Result};
use crate::registry::Network;

/// Images of a repository.
struct Remote<'a> {
    network: &'a Network,
    reference: &'a Reference,
}

impl Parts for Remote<'_> {
    fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        let one = self
            .reference
            .clone()
            .with_digest(descriptor.digest.clone());
        Ok(self.network.wait(self.network.client.manifest(&one))?)
    }

    fn config(&self, config: &Descriptor) -> Result<Config> {
        let asked = self.network.client.config(self.reference, config);
        Ok(self.network.wait(asked)?)
    }
}

/// Asks a registry for an image, and returns its record, which is not put into the
/// catalog yet. `given` are names, and values that are JSON text.
///
/// # Errors
/// Where it is not there, or cannot be asked for.
pub fn record_of_reference(
    network: &Network,
    reference: &Reference,
    name: StoredName,
    given: &[(String, String)],
) -> Result<StoredImage> {
    let root = network.wait(network.client.manifest(reference))?;
    let found = found_of(&root, &Remote { network, reference })?;
    let mut image = record_of_manifest(name, &root, None, Some(reference.to_string()));
    image.metadata = with_given(found, given);
    Ok(image)
}

/// Puts a record into the catalog. What was given with it before stays.
///
/// # Errors
/// Those of the catalog.
pub fn record(catalog: &mut Catalog, actor: Actor, image: &StoredImage) -> Result<Added> {
    let writer = catalog.begin(actor)?;
    let (put, image) = put_and_commit(writer, image)?;
    Ok(Added {
        image,
        put,
        stays: None,
    })
}

/// Returns the reference that a record names: that of the digest which is recorded, where
/// one is.
///
/// # Errors
/// Where it names none.
pub fn recorded_reference(image: &StoredImage, default: &Registry) -> Result<Reference> {
    let text = reference_text(image)?;
    let reference = Reference::parse_with_default(&text, default);
    let reference = reference.map_err(|error| {
        Error::invalid(format!(
            "the source of `{}` is no reference: {error}",
            image.uri
        ))
    })?;
    let digest = text_of(image, "digest").and_then(|digest| digest.parse().ok());
    Ok(match digest {
        Some(digest) if reference.digest().is_none() => reference.with_digest(digest),
        _ => reference,
    })
}

/// Puts what is known of a record without a version into the one that its image has got,
/// and drops it.
///
/// # Errors
/// Those of the catalog.
pub fn supersede(
    catalog: &mut Catalog,
    actor: Actor,
    old: &StoredUri,
    new: &StoredUri,
) -> Result<()> {
    let writer = catalog.begin(actor)?;
    let (Some(before), Some(mut after)) = (writer.stored_image(old)?, writer.stored_image(new)?)
    else {
        return Ok(());
    };
    if before.id == after.id || before.path.is_some() {
        return Ok(());
    }
    after.metadata = with_given(after.metadata, &before.metadata);
    for (key, value) in before.labels.clone() {
        after.labels.entry(key).or_insert(value);
    }
    writer.put_stored(&after)?;
    writer.delete_stored(&before)?;
    Ok(writer.commit()?)
}
