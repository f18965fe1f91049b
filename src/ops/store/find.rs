//! Which stored image a user means.

use std::path::PathBuf;

use crate::catalog::Catalog;
use crate::domain::name::nearest;
use crate::domain::stored::{DEFAULT_TAG, StoredImage, StoredName, StoredUri};
use crate::ops::{Error, Result};
use crate::store::files;

/// Uris that a message names at most.
const MOST_NAMED: usize = 10;

/// Uris that are looked through for the one that was meant.
const MOST_COMPARED: usize = 50_000;

/// Returns the image of a name: of the tag `latest`, or the only one, where none is
/// given; of its versions the one that was added last.
///
/// # Errors
/// Where there is none, or more than one tag.
pub fn find(catalog: &Catalog, text: &str) -> Result<StoredImage> {
    let (name, mut images) = of_one_tag(catalog, text)?;
    match images.pop() {
        Some(image) => Ok(image),
        None => Err(not_found(catalog, &name)?),
    }
}

/// Returns the image of a name, of which there is only one version.
///
/// # Errors
/// As [`find`], and where there are more versions.
pub fn find_one(catalog: &Catalog, text: &str) -> Result<StoredImage> {
    let (name, mut images) = of_one_tag(catalog, text)?;
    match images.len() {
        0 | 1 => images
            .pop()
            .map_or_else(|| Err(not_found(catalog, &name)?), Ok),
        _ => Err(ambiguous(&name, &images)),
    }
}

/// Returns every image that has the parts that are named.
///
/// # Errors
/// Where there is none.
pub fn find_all(catalog: &Catalog, text: &str) -> Result<Vec<StoredImage>> {
    let name = StoredName::parse(text).map_err(Error::invalid)?;
    let images = matching(catalog, &name)?;
    if images.is_empty() {
        return Err(not_found(catalog, &name)?);
    }
    Ok(images)
}

/// Returns the image of a whole name, as it is now.
pub(super) fn reread(catalog: &Catalog, uri: &StoredUri) -> Result<StoredImage> {
    let images = catalog.stored(&uri.collection, &uri.name)?;
    let found = images.into_iter().find(|image| image.uri == *uri);
    found.ok_or_else(|| gone(uri))
}

/// Returns the failure to find what was there just now.
pub(super) fn gone(uri: &StoredUri) -> Error {
    Error::NotFound {
        what: format!("another process removed the stored image `{uri}` meanwhile"),
        hint: "`imgdex store list` shows what there is".to_owned(),
    }
}

/// Returns where the file of an image is; nothing where it has none.
///
/// # Errors
/// Where the file is gone.
pub fn path_of(image: &StoredImage) -> Result<Option<PathBuf>> {
    match &image.path {
        Some(path) if files::is_gone(path) => Err(Error::NotFound {
            what: format!("the file of `{}` is gone: `{}`", image.uri, path.display()),
            hint: "`imgdex store check --repair` finds files that were moved, and drops records \
                   whose files are gone"
                .to_owned(),
        }),
        path => Ok(path.clone()),
    }
}

fn matching(catalog: &Catalog, name: &StoredName) -> Result<Vec<StoredImage>> {
    let mut images = catalog.stored(&name.collection, &name.name)?;
    images.retain(|image| {
        let is_tag = name.tag.as_ref().is_none_or(|tag| *tag == image.uri.tag);
        let is_version = name.version.is_none() || name.version == image.uri.version;
        is_tag && is_version
    });
    Ok(images)
}

fn of_one_tag(catalog: &Catalog, text: &str) -> Result<(StoredName, Vec<StoredImage>)> {
    let name = StoredName::parse(text).map_err(Error::invalid)?;
    let mut images = matching(catalog, &name)?;
    if images.iter().any(|image| image.uri.tag == DEFAULT_TAG) && name.tag.is_none() {
        images.retain(|image| image.uri.tag == DEFAULT_TAG);
    }
    let mut tags = images.iter().map(|image| &image.uri.tag);
    if let Some(first) = tags.next()
        && tags.any(|tag| tag != first)
    {
        return Err(ambiguous(&name, &images));
    }
    Ok((name, images))
}

fn ambiguous(name: &StoredName, images: &[StoredImage]) -> Error {
    let mut named: Vec<String> = images
        .iter()
        .rev()
        .take(MOST_NAMED)
        .map(|image| format!("`{}`", image.uri))
        .collect();
    if images.len() > MOST_NAMED {
        named.push(format!("and {} more", images.len() - MOST_NAMED));
    }
    Error::invalid(format!(
        "`{name}` can be any of {} images: name one of {}",
        images.len(),
        named.join(", ")
    ))
}

fn not_found(catalog: &Catalog, name: &StoredName) -> Result<Error> {
    let wanted = name.to_string();
    let mut known: Vec<String> = Vec::new();
    for image in catalog.stored(&name.collection, &name.name)? {
        known.push(image.uri.to_string());
    }
    if known.is_empty() {
        catalog.for_each_stored::<Error>("", |image| {
            if known.len() < MOST_COMPARED {
                let uri = image.uri;
                known.push(match &name.tag {
                    Some(_) => format!("{}/{}:{}", uri.collection, uri.name, uri.tag),
                    None => format!("{}/{}", uri.collection, uri.name),
                });
            }
            Ok(())
        })?;
    }
    // The name in another collection is nearer than any other one.
    let end = format!("/{}", wanted.rsplit('/').next().unwrap_or_default());
    let near = known
        .iter()
        .find(|known| known.ends_with(&end))
        .map(String::as_str)
        .or_else(|| nearest(&wanted, known.iter().map(String::as_str)));
    Ok(Error::NotFound {
        what: format!("stored image `{wanted}` does not exist"),
        hint: match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`imgdex store list` shows what there is".to_owned(),
        },
    })
}
