//! What is done with images.

mod create;
mod from;
mod pin;
mod report;

pub use create::{CreateOptions, Existing, create, references};
pub use from::{Wanted, items, name_of, source_of, take};
pub use pin::{Pinned, pin};
pub use report::{CreateReport, Named};

use super::error::{Faults, ItemName, located};
use super::pictures::Pictures;
use super::{Error, Result, Source};
use crate::catalog::{self, Catalog, Changed, Inserted, NewRow};
use crate::domain::change::{Actor, Change, Subject};
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{Image, ImageFilter, NewImage};
use crate::domain::image_rules::check_name;
use crate::formats::{self, document::Fault};

/// What an update did.
#[derive(Debug)]
pub struct Updated {
    pub image: Image,
    pub changed: bool,
    /// Whether the input gives another name, which was not taken.
    pub other_name: bool,
}

/// Applies a merge patch (RFC 7396) to an image.
///
/// # Errors
/// For an unknown image, and for a result that breaks a rule; nothing is
/// written then.
pub fn update<R: std::io::Read>(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    mut source: Source<R>,
    pictures: &Pictures,
) -> Result<Updated> {
    let mut faults = Faults::default();
    let patch = match source.items.next() {
        None => return Err(Error::Empty),
        Some(Ok(node)) => node,
        Some(Err(error)) => {
            faults.syntax(&source.name, error)?;
            let summary = format!("image `{name}` cannot be updated; nothing was written");
            return Err(faults.into_error(summary));
        }
    };
    match source.items.next() {
        None => {}
        Some(Err(error)) => faults.syntax(&source.name, error)?,
        Some(Ok(node)) => faults.item(
            &source.name,
            &ItemName {
                position: 2,
                name: String::new(),
            },
            vec![Fault::new(
                node.at,
                "an update is one object, but here is another",
            )],
        ),
    }
    let summary = || format!("image `{name}` cannot be updated; nothing was written");
    if !faults.is_empty() {
        return Err(faults.into_error(summary()));
    }
    let item = ItemName {
        position: 1,
        name: name.to_owned(),
    };
    let writer = catalog.begin(actor)?;
    let mut other_name = false;
    let updated = writer.update_image::<Failure>(name, "update", |before| {
        let mut update = formats::update_of(before, &patch).map_err(Failure::Faults)?;
        other_name = update.other_name;
        pictures
            .take(&mut update.image.config)
            .map_err(|fault| Failure::Faults(located(vec![fault], &patch)))?;
        Ok(update.image)
    });
    match updated {
        Ok((image, changed)) => {
            writer.commit()?;
            Ok(Updated {
                image,
                changed: changed == Changed::Yes,
                other_name,
            })
        }
        Err(Failure::Faults(found)) => {
            faults.item(&source.name, &item, found);
            Err(faults.into_error(summary()))
        }
        Err(Failure::Catalog(catalog::Error::Rejected(found))) => {
            faults.item(&source.name, &item, located(found, &patch));
            Err(faults.into_error(summary()))
        }
        Err(Failure::Catalog(error)) => Err(error.into()),
    }
}

/// Why a document cannot become an image.
enum Failure {
    Catalog(catalog::Error),
    Faults(Vec<Fault>),
}

impl From<catalog::Error> for Failure {
    fn from(error: catalog::Error) -> Self {
        Self::Catalog(error)
    }
}

/// Deletes images: all of them or none.
///
/// # Errors
/// For an unknown image.
pub fn delete(catalog: &mut Catalog, actor: Actor, names: &[String]) -> Result<()> {
    let writer = catalog.begin(actor)?;
    for name in names {
        writer.delete_image(name, "delete")?;
    }
    Ok(writer.commit()?)
}

/// Adds a copy of an image under another name.
///
/// # Errors
/// For an unknown image, a bad name, or a name that exists.
pub fn duplicate(catalog: &mut Catalog, actor: Actor, name: &str, copy: &str) -> Result<()> {
    let writer = catalog.begin(actor)?;
    let original = writer.image(name)?;
    let mut config = original.config.clone();
    copy.clone_into(&mut config.name);
    if config.display_name == original.config.name {
        copy.clone_into(&mut config.display_name);
    }
    // A copy is made to be used.
    config.archived = false;
    // What builds the original, or failed to, builds no copy.
    config.job = config.job.and_then(|job| job.last_good());
    let mut faults = Vec::new();
    check_name(&config, &mut faults);
    if let Some(fault) = faults.into_iter().next() {
        return Err(Error::invalid(fault.message));
    }
    let image = NewImage {
        config,
        groups: GroupsInput::Set(
            original
                .groups
                .into_iter()
                .map(|group| GroupRef::Known(group.id))
                .collect(),
        ),
        seen: original.seen,
    };
    match writer.insert_image(NewRow {
        image: &image,
        apply_set: None,
    })? {
        Inserted::Yes => Ok(writer.commit()?),
        Inserted::Exists | Inserted::Twice => Err(catalog::Error::Exists {
            subject: Subject::Image,
            name: copy.to_owned(),
        }
        .into()),
    }
}

/// Returns the groups that may use an image: none where everybody may.
///
/// # Errors
/// For an unknown image.
pub fn list_groups(catalog: &Catalog, name: &str) -> Result<Vec<Group>> {
    let image = catalog.image(name)?;
    Ok(if image.config.global {
        Vec::new()
    } else {
        image.groups
    })
}

/// Whether a group is to be added to an image or taken from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    Add,
    Remove,
}

/// Adds a group (by id or name) to an image or takes it away, and returns the
/// image. Doing it twice is no error.
///
/// # Errors
/// For an unknown image or group.
pub fn change_membership(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    group: &str,
    membership: Membership,
) -> Result<Image> {
    let writer = catalog.begin(actor)?;
    let action = match membership {
        Membership::Add => "add-group",
        Membership::Remove => "remove-group",
    };
    let (image, _) = writer.update_image::<catalog::Error>(name, action, |image| {
        let group = vec![GroupRef::Known(writer.group(group)?.id)];
        let (connect, disconnect) = match membership {
            Membership::Add => (group, Vec::new()),
            Membership::Remove => (Vec::new(), group),
        };
        Ok(NewImage {
            config: image.config.clone(),
            groups: GroupsInput::Change {
                connect,
                disconnect,
            },
            seen: image.seen.clone(),
        })
    })?;
    writer.commit()?;
    Ok(image)
}

/// Hides an image from lists, or shows it again; returns whether that changed
/// anything.
///
/// # Errors
/// For an unknown image.
pub fn set_archived(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    archived: bool,
) -> Result<bool> {
    let writer = catalog.begin(actor)?;
    let action = if archived { "archive" } else { "restore" };
    let (_, changed) = writer.update_image::<catalog::Error>(name, action, |image| {
        let mut config = image.config.clone();
        config.archived = archived;
        Ok(unchanged_but(image, config))
    })?;
    writer.commit()?;
    Ok(changed == Changed::Yes)
}

/// Returns an image's content with another configuration.
fn unchanged_but(image: &Image, config: crate::domain::image::ImageConfig) -> NewImage {
    NewImage {
        config,
        groups: GroupsInput::unchanged(),
        seen: image.seen.clone(),
    }
}

/// Returns every change of an image, the oldest first.
///
/// # Errors
/// For an image that there never was.
pub fn history(catalog: &Catalog, name: &str) -> Result<Vec<Change>> {
    Ok(catalog.history(Subject::Image, name)?)
}

/// Returns whether a filter lets through nothing because of a group that does
/// not exist, before anything is printed.
///
/// # Errors
/// For an unknown group.
pub fn check_filter(catalog: &Catalog, filter: &ImageFilter) -> Result<()> {
    if let Some(group) = &filter.group {
        catalog.group(group)?;
    }
    Ok(())
}
