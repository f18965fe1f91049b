//! The catalog's row of a publication, which is written last.

use super::standing::{Standing, found};
use super::{Outcome, Publication, Published, Put};
use crate::catalog::{self, Catalog, Changed, Inserted, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::reference::Registry;
use crate::formats::document::{Entry, Fault, Node, Position, Value};
use crate::formats::image::image_of;
use crate::formats::update_of;
use crate::ops::error::{ItemName, located};
use crate::ops::{Error, Result};

/// The catalog that a publication belongs to.
const FORMATS: [&str; 1] = ["adalab"];

/// Returns what a publication makes of an image.
pub(super) fn updated(
    publication: &Publication,
    put: Option<&Put>,
    before: &Image,
) -> Result<NewImage> {
    let mut patch = publication.document.clone();
    if let Value::Map(entries) = &mut patch.value {
        entries.retain(|entry| {
            entry.key != "name" && (entry.key != "author" || publication.author_was_chosen)
        });
    }
    // What was chosen once stays, unless all of it is to be replaced.
    let kept = before.config.command.as_deref();
    let own = put.and_then(|put| put.command.as_deref());
    let command = if publication.overwrite {
        own.or(kept)
    } else {
        kept.or(own)
    };
    let patch = completed(patch, command);
    let update = update_of(before, &patch).map_err(|faults| refused(publication, faults))?;
    let mut image = update.image;
    for format in FORMATS {
        if !image.config.formats.iter().any(|known| known == format) {
            image.config.formats.push(format.to_owned());
        }
    }
    if publication.overwrite {
        image.config.archived = false;
        image.config.pinned_tag = None;
    } else {
        // It is the same image, in the words that it has.
        image.config.url.clone_from(&before.config.url);
        image
            .config
            .pinned_tag
            .clone_from(&before.config.pinned_tag);
    }
    if let Some(put) = put {
        agrees(publication, before, put)?;
        let known = &before.seen.url;
        // The same, seen again, is no change of the image.
        if known.digest != put.seen.digest || known.problem.is_some() || put.seen.scan.is_some() {
            let digest = put.digest.to_string();
            put.seen.clone_into(&mut image.seen.url);
            image.seen.url.scan = image.seen.url.scan.take().or(known.scan_of(&digest));
        }
        let gpu = &image.seen.url_for_gpu;
        if image.config.url_for_gpu.is_none() || (gpu.digest.is_some() && gpu.problem.is_none()) {
            image.config.is_ready = Some(true);
        }
    }
    Ok(image)
}

/// Fails where an image is pinned to another digest, and is to stay so.
fn agrees(publication: &Publication, before: &Image, put: &Put) -> Result<()> {
    let url = before.config.url.as_deref().unwrap_or_default();
    match url.split_once('@') {
        Some((_, pinned)) if pinned != put.digest.to_string() && !publication.overwrite => {
            let name = &before.config.name;
            Err(Error::Exists {
                what: format!(
                    "`{}:{}` has metadata already: the image `{name}`, which is pinned to {pinned}",
                    publication.path(),
                    publication.tag
                ),
                hint: "`--overwrite` makes it what is published now; or take another tag"
                    .to_owned(),
            })
        }
        _ => Ok(()),
    }
}

/// Returns the document with a command, where none was chosen.
fn completed(mut document: Node, command: Option<&str>) -> Node {
    if let (Value::Map(entries), Some(command)) = (&mut document.value, command)
        && !entries.iter().any(|entry| entry.key == "command")
    {
        entries.push(entry("command", command));
    }
    document
}

fn entry(key: &str, text: &str) -> Entry {
    Entry {
        key: key.to_owned(),
        at: Position::default(),
        node: Node::new(Value::String(text.to_owned())),
    }
}

fn refused(publication: &Publication, faults: Vec<Fault>) -> Error {
    let mut found = crate::ops::error::Faults::default();
    let item = ItemName {
        position: 1,
        name: publication.path(),
    };
    found.item("the metadata", &item, faults);
    found.into_error("the image cannot be published; nothing was sent".to_owned())
}

/// Returns the image that is made where there was none.
///
/// # Errors
/// For metadata that breaks a rule.
fn new_image(publication: &Publication, name: &str, put: Option<&Put>) -> Result<NewImage> {
    let mut document = completed(
        publication.document.clone(),
        put.and_then(|put| put.command.as_deref()),
    );
    if let Value::Map(entries) = &mut document.value {
        entries.retain(|entry| entry.key != "name");
        entries.insert(0, entry("name", name));
    }
    let image = image_of(&document, &FORMATS);
    let mut image = image.map_err(|faults| refused(publication, faults))?;
    if let Some(put) = put {
        put.seen.clone_into(&mut image.seen.url);
        image.config.is_ready = Some(true);
    }
    Ok(image)
}

/// Returns the image as it will be in the catalog.
///
/// # Errors
/// For metadata that breaks a rule.
pub fn described(publication: &Publication, standing: &Standing, put: &Put) -> Result<ImageConfig> {
    let image = match &standing.before {
        Some(before) => updated(publication, Some(put), before)?,
        None => new_image(publication, &standing.name, Some(put))?,
    };
    Ok(image.config)
}

/// Writes the row, in one transaction, if what stands in the catalog still lets it.
///
/// # Errors
/// Where something came into its place meanwhile, for unknown groups, and those of the
/// catalog. Nothing is written then.
pub fn record(
    catalog: &mut Catalog,
    actor: Actor,
    publication: &Publication,
    default_registry: &Registry,
    put: &Put,
) -> Result<Published> {
    let writer = catalog.begin(actor)?;
    let standing = found(&writer, publication, default_registry)?;
    let (image, outcome) = write(&writer, publication, &standing, Some(put))?;
    writer.commit()?;
    Ok(Published {
        image,
        digest: put.digest.clone(),
        outcome,
    })
}

pub(super) fn write(
    writer: &Writer<'_>,
    publication: &Publication,
    standing: &Standing,
    put: Option<&Put>,
) -> Result<(Image, Outcome)> {
    let name = &standing.name;
    if standing.before.is_none() {
        let image = new_image(publication, name, put)?;
        let row = NewRow {
            image: &image,
            apply_set: None,
        };
        let inserted = writer.insert_image(row);
        return match inserted.map_err(|error| rejected(publication, error))? {
            Inserted::Yes => Ok((writer.image(name)?, Outcome::Made)),
            _ => Err(Error::Exists {
                what: format!("the catalog has an image `{name}`, which is another one"),
                hint: "take another name with `--id`".to_owned(),
            }),
        };
    }
    let done =
        writer.update_image::<Error>(name, "publish", |before| updated(publication, put, before));
    match done {
        Ok((image, Changed::Yes)) => Ok((image, Outcome::Changed)),
        Ok((image, Changed::No)) => Ok((image, Outcome::Unchanged)),
        Err(Error::Catalog(error)) => Err(rejected(publication, error)),
        Err(error) => Err(error),
    }
}

fn rejected(publication: &Publication, error: catalog::Error) -> Error {
    match error {
        catalog::Error::Rejected(faults) => {
            refused(publication, located(faults, &publication.document))
        }
        error => error.into(),
    }
}
