//! Single entries of a platform's catalog: made, changed, copied, removed.

use super::outgoing::{Digests, Prepared, SecretNames};
use super::{belongs, link_secrets};
use crate::catalog::{self, Catalog, Inserted, NewRow};
use crate::domain::change::{Actor, Subject};
use crate::domain::image::{Image, NewImage};
use crate::domain::name::shorten;
use crate::domain::platform::{Platform, name_of_display_name};
use crate::formats::document::{Fault, Node};
use crate::formats::platforms::{self, Incoming, Instance, Part, fields};
use crate::ops::error::{Faults, located};
use crate::ops::verify::{Questions, Verified};
use crate::ops::{Error, Result, images};

/// A runtime image as a user gives it.
#[derive(Debug)]
pub struct Given {
    /// The name; made of the display name where there is none.
    pub name: Option<String>,
    pub instance: Instance,
    /// What messages call the place that it comes from.
    pub source: String,
}

/// A runtime image that keeps every rule.
#[derive(Debug)]
pub struct Checked {
    name: String,
    incoming: Incoming,
}

/// Checks a runtime image that is to be added, without a catalog.
///
/// # Errors
/// For a bad one.
pub fn check(given: &Given) -> Result<Checked> {
    let node = given.instance.whole();
    let name = name_of(given, &node)?;
    let incoming = read(given, &name, &node, "created")?;
    Ok(Checked { name, incoming })
}

impl Checked {
    /// Adds its references to the questions.
    pub fn ask(&self, questions: &mut Questions) {
        questions.add_image(&self.incoming.image.config);
    }

    /// Makes it say what was found of it.
    ///
    /// # Errors
    /// Where a reference cannot be had.
    pub fn verify(&mut self, given: &Given, verified: &Verified) -> Result<()> {
        let Err(found) = verified.take(&mut self.incoming.image) else {
            return Ok(());
        };
        let found: Vec<Fault> = located(found, &given.instance.whole());
        let mut faults = Faults::default();
        faults.file(&given.source, &found, false);
        let name = shorten(&self.name);
        let summary = format!("runtime image `{name}` cannot be created; nothing was written");
        Err(match verified.worst_of(1) {
            Some(status) => faults.into_unfit(summary, status),
            None => faults.into_error(summary),
        })
    }
}

/// Adds a runtime image, and returns its name.
///
/// # Errors
/// For a name that exists.
pub fn create(catalog: &mut Catalog, actor: Actor, checked: Checked) -> Result<String> {
    let Checked { name, mut incoming } = checked;
    let platform = Platform::RuntimeImages;
    let writer = catalog.begin(actor)?;
    if writer.invalid(platform, &name)?.is_some() {
        return Err(kept_already(platform, &name));
    }
    link_secrets(&writer, &mut incoming.image.config)?;
    match writer.insert_image(NewRow {
        image: &incoming.image,
        apply_set: None,
    })? {
        Inserted::Yes => {}
        Inserted::Exists | Inserted::Twice => {
            return Err(Error::Exists {
                what: format!("image `{name}` already exists"),
                hint: format!(
                    "change it with `imgdex metadata update runtime-images --name {name}`, or \
                     give another `--name`"
                ),
            });
        }
    }
    writer.commit()?;
    Ok(name)
}

/// What an update did.
#[derive(Debug)]
pub struct Updated {
    pub name: String,
    /// Whether the image did not belong to the platform's catalog before.
    pub is_new_here: bool,
}

/// Changes a runtime image: a whole instance replaces all that the format has,
/// single fields replace only themselves.
///
/// # Errors
/// For an unknown image, and for a result that breaks a rule.
pub fn update(catalog: &mut Catalog, actor: Actor, given: &Given) -> Result<Updated> {
    let platform = Platform::RuntimeImages;
    let secrets = SecretNames::of(catalog)?;
    let writer = catalog.begin(actor)?;
    let name = given.name.clone().unwrap_or_default();
    let before = writer.image(&name)?;
    let node = match given.instance.is_whole() {
        true => given.instance.whole(),
        false => given.instance.over(document_of(&before, &secrets)),
    };
    let mut incoming = read(given, &name, &node, "updated")?;
    link_secrets(&writer, &mut incoming.image.config)?;
    writer.update_image::<catalog::Error>(&name, "update", |before| {
        Ok(fields::overlaid(platform, before, &incoming))
    })?;
    writer.drop_invalid(platform, &name)?;
    writer.commit()?;
    Ok(Updated {
        is_new_here: !belongs(&before, platform),
        name,
    })
}

/// Returns an image as the runtime image that it is, or would be.
fn document_of(image: &Image, secrets: &SecretNames) -> Node {
    let prepared = Prepared::of(image, &image.config.name, Digests::AsWritten, secrets);
    platforms::runtime_image(&prepared.outgoing(image))
}

/// Returns an entry as its platform has it.
///
/// # Errors
/// For an unknown image, and one that the platform cannot hold.
pub fn document(catalog: &Catalog, platform: Platform, name: &str) -> Result<Node> {
    let image = catalog.image(name)?;
    let secrets = SecretNames::of(catalog)?;
    let prepared = Prepared::of(&image, name, Digests::AsWritten, &secrets);
    platforms::document(platform, &prepared.outgoing(&image)).map_err(Error::invalid)
}

fn name_of(given: &Given, node: &Node) -> Result<String> {
    if let Some(name) = &given.name {
        return Ok(name.clone());
    }
    let display_name = node
        .get("display_name")
        .and_then(Node::as_text)
        .unwrap_or_default();
    if display_name.is_empty() {
        // The reader says that it is required, with everything else that is wrong.
        return Ok("unnamed".to_owned());
    }
    name_of_display_name(display_name).ok_or_else(|| {
        Error::invalid(format!(
            "no name can be made of the display name `{}`: give one with `--name`",
            shorten(display_name)
        ))
    })
}

fn read(given: &Given, name: &str, node: &Node, done: &str) -> Result<Incoming> {
    let refused = |found: &[Fault]| {
        let mut faults = Faults::default();
        faults.file(&given.source, found, false);
        let what = match &given.name {
            Some(name) => format!("runtime image `{}`", shorten(name)),
            None => "the runtime image".to_owned(),
        };
        faults.into_error(format!("{what} cannot be {done}; nothing was written"))
    };
    let part = Part { stem: name, node };
    let entry = platforms::read(Platform::RuntimeImages, part)
        .into_iter()
        .next();
    match entry.map(|entry| entry.image) {
        Some(Ok(incoming)) => Ok(incoming),
        Some(Err(found)) => Err(refused(&found)),
        None => Err(refused(&[])),
    }
}

/// Adds a copy of an entry under another name.
///
/// # Errors
/// For an unknown entry, a bad name, or a name that exists.
pub fn duplicate(
    catalog: &mut Catalog,
    actor: Actor,
    platform: Platform,
    name: &str,
    copy: &str,
) -> Result<()> {
    if let Err(rule) = platform.check_name(copy) {
        return Err(Error::invalid(rule));
    }
    let image = catalog.image(name)?;
    if !belongs(&image, platform) {
        return Err(missing(platform, name));
    }
    let writer = catalog.begin(actor.clone())?;
    if writer.invalid(platform, copy)?.is_some() {
        return Err(kept_already(platform, copy));
    }
    drop(writer);
    images::duplicate(catalog, actor, name, copy)
}

/// What a removal did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The image is gone.
    Image,
    /// The image belongs to other catalogs too, and stays in those.
    FromPlatform,
    /// An entry that was kept though it was not valid.
    Invalid,
}

/// Removes an entry from a platform's catalog: the image itself, unless it belongs
/// to other platforms' too.
///
/// # Errors
/// For an unknown entry.
pub fn remove(
    catalog: &mut Catalog,
    actor: Actor,
    platform: Platform,
    name: &str,
) -> Result<Removed> {
    let writer = catalog.begin(actor)?;
    let image = match writer.image(name) {
        Ok(image) => Some(image),
        Err(catalog::Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let removed = match image.filter(|image| belongs(image, platform)) {
        Some(image) if image.config.formats.len() > 1 => {
            writer.update_image::<catalog::Error>(name, "remove", |image| {
                let mut new = NewImage {
                    config: image.config.clone(),
                    groups: crate::domain::group::GroupsInput::unchanged(),
                    seen: image.seen.clone(),
                };
                new.config
                    .formats
                    .retain(|format| format != platform.name());
                Ok(new)
            })?;
            Removed::FromPlatform
        }
        Some(_) => {
            writer.delete_image(name, "remove")?;
            Removed::Image
        }
        None if writer.drop_invalid(platform, name)? => Removed::Invalid,
        None => return Err(missing(platform, name)),
    };
    writer.commit()?;
    Ok(removed)
}

fn kept_already(platform: Platform, name: &str) -> Error {
    let format = platform.name();
    Error::Exists {
        what: format!("an entry `{name}` that is not valid is kept already"),
        hint: format!("remove it with `imgdex metadata remove {format} --name {name}`"),
    }
}

fn missing(platform: Platform, name: &str) -> Error {
    let subject = Subject::Image.name();
    Error::NotFound {
        what: format!(
            "{subject} `{}` does not exist in {}",
            shorten(name),
            platform.name()
        ),
        hint: format!(
            "`imgdex metadata list {}` shows what there is",
            platform.name()
        ),
    }
}
