//! The entries of a platform's catalog, sorted by name.

use super::outgoing::{Digests, Prepared, SecretNames};
use crate::catalog::{self, Catalog};
use crate::domain::image::{Archived, ImageFilter, SortField};
use crate::domain::invalid::InvalidEntry;
use crate::domain::platform::Platform;
use crate::formats::document::{Node, Position, json};
use crate::formats::platforms;

/// One entry of a platform's catalog.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    /// The entry as the platform has it.
    pub document: Option<Node>,
    /// Why it is no valid one.
    pub reason: Option<String>,
}

/// Returns which images a platform's catalog has: those that are archived only
/// where the platform knows that they are.
pub(super) fn filter_of(platform: Platform) -> ImageFilter {
    ImageFilter {
        format: Some(platform.name().to_owned()),
        archived: if platform == Platform::Adalab {
            Archived::Any
        } else {
            Archived::Hide
        },
        ..ImageFilter::default()
    }
}

/// Calls `each` with every entry, those that are kept though they are not valid
/// only where they are wanted.
///
/// # Errors
/// Those of the catalog, and whatever `each` returns.
pub fn for_each<E: From<catalog::Error>>(
    catalog: &Catalog,
    platform: Platform,
    include_invalid: bool,
    mut each: impl FnMut(Listed) -> Result<(), E>,
) -> Result<(), E> {
    let secrets = SecretNames::of(catalog).map_err(E::from)?;
    let filter = ImageFilter {
        sort: SortField::from_name("name"),
        ..filter_of(platform)
    };
    let next = |name: Option<&str>| match include_invalid {
        true => catalog.invalid_after(platform, name).map_err(E::from),
        false => Ok(None),
    };
    let mut waiting = next(None)?;
    catalog.for_each_image::<E>(&filter, |image| {
        while let Some(entry) = waiting.take() {
            if entry.name > image.config.name {
                waiting = Some(entry);
                break;
            }
            waiting = next(Some(&entry.name))?;
            each(listed(entry))?;
        }
        let name = image.config.name.clone();
        let prepared = Prepared::of(&image, &name, Digests::AsWritten, &secrets);
        let (document, reason) = match platforms::document(platform, &prepared.outgoing(&image)) {
            Ok(document) => (Some(document), None),
            Err(reason) => (None, Some(reason)),
        };
        each(Listed {
            name,
            document,
            reason,
        })
    })?;
    while let Some(entry) = waiting {
        waiting = next(Some(&entry.name))?;
        each(listed(entry))?;
    }
    Ok(())
}

fn listed(entry: InvalidEntry) -> Listed {
    Listed {
        document: json::parse(&entry.raw, Position::START).ok(),
        name: entry.name,
        reason: Some(entry.reason),
    }
}
