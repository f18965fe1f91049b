//! Images of the store as the beginning of a copy.

use super::oci::in_layout;
use super::path_of;
use crate::domain::sif;
use crate::domain::stored::{StoredImage, client};
use crate::domain::transport::Endpoint;
use crate::ops::transfer::Start;
use crate::ops::{Error, Result};

/// How URLs begin that hold a reference.
const SCHEMES: [&str; 2] = ["docker://", "oras://"];

/// Returns where the image of a record is read from: this machine, or the registry where
/// only its reference is recorded.
///
/// # Errors
/// Where its file is gone, and where its source is no registry.
pub fn start_of(image: &StoredImage) -> Result<Start> {
    let name = format!("store:{}", image.uri);
    let path = path_of(image)?;
    if let Some((folder, digest)) = in_layout(image) {
        return Ok(Start::Layout {
            folder,
            digest,
            name,
        });
    }
    match path {
        Some(file) => Ok(Start::Sif {
            file,
            title: format!("{}_{}.{}", image.uri.name, image.uri.tag, sif::ENDING),
            name,
        }),
        None => Ok(Start::Endpoint(Endpoint::Registry(reference_text(image)?))),
    }
}

/// Returns the reference that a record names, as it was written.
///
/// # Errors
/// Where it names none.
pub(super) fn reference_text(image: &StoredImage) -> Result<String> {
    let url = image.url.as_deref().unwrap_or_default();
    let scheme = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
    match scheme {
        Some(reference) => Ok(reference.to_owned()),
        None if image.client == client::OCI => Ok(url.to_owned()),
        None => Err(Error::invalid(format!(
            "the source of `{}` is no registry, but `{url}`: download it, and add it with \
             `imgdex store add FILE --name {}/{}:{}`",
            image.uri, image.uri.collection, image.uri.name, image.uri.tag
        ))),
    }
}
