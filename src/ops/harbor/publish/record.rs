//! The catalog's side of a publication: whether something is there already, and the row
//! that is written last.

use super::{Outcome, Publication, Published, Put};
use crate::catalog::{self, Catalog, Changed, Inserted, NewRow, Writer};
use crate::domain::change::Actor;
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::name::check_resource_name;
use crate::domain::reference::{Reference, Registry};
use crate::formats::document::{Entry, Fault, Node, Position, Value};
use crate::formats::image::image_of;
use crate::formats::update_of;
use crate::ops::error::{ItemName, located};
use crate::ops::{Error, Result};

/// The catalog that a publication belongs to.
const FORMATS: [&str; 1] = ["adalab"];

/// What the catalog has of a publication.
#[derive(Debug)]
pub struct Standing {
    /// What the image is or will be called.
    pub name: String,
    /// The image, where there is one: it says the same, or is to be replaced.
    pub before: Option<Image>,
}

/// Returns what an image of a repository and tag is called where nobody says it: the
/// last part of the repository, and the tag; with the project where that is another
/// image's name.
#[must_use]
pub fn default_name(parts: &[&str]) -> String {
    let mut name = String::new();
    for one in parts.join("-").chars() {
        match one {
            'a'..='z' | '0'..='9' => name.push(one),
            'A'..='Z' => name.push(one.to_ascii_lowercase()),
            '.' if !name.ends_with(['-', '.']) => name.push('.'),
            _ if !name.ends_with(['-', '.']) => name.push('-'),
            _ => {}
        }
    }
    let name: String = name.trim_matches(['-', '.']).chars().take(253).collect();
    name.trim_end_matches(['-', '.']).to_owned()
}

/// Returns what the catalog has of a publication, once everything that will be written
/// was tried and undone: what it does not take is told before anything is sent.
///
/// # Errors
/// Where something else is in its place, for metadata that breaks a rule, and those of
/// the catalog.
pub fn standing(
    catalog: &mut Catalog,
    actor: Actor,
    publication: &Publication,
    default_registry: &Registry,
) -> Result<Standing> {
    let writer = catalog.begin(actor)?;
    let standing = found(&writer, publication, default_registry)?;
    write(&writer, publication, &standing, None)?;
    Ok(standing)
}

fn found(
    writer: &Writer<'_>,
    publication: &Publication,
    default_registry: &Registry,
) -> Result<Standing> {
    let mut near = Vec::new();
    writer.for_all_references(|image| {
        near.extend(meant(
            &image.url,
            &image.name,
            publication,
            default_registry,
        ));
        Ok::<(), Error>(())
    })?;
    decided(publication, near, &|name| match writer.image(name) {
        Ok(image) => Ok(Some(image)),
        Err(catalog::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    })
}

/// An image whose reference is in the repository of a publication.
struct Near {
    name: String,
    /// Whether its reference has only a digest, so that the tag that it was pinned from
    /// decides.
    is_pinned: bool,
}

fn meant(
    url: &Option<String>,
    name: &str,
    publication: &Publication,
    default_registry: &Registry,
) -> Option<Near> {
    let reference = Reference::parse_with_default(url.as_deref()?, default_registry).ok()?;
    let target = publication.reference()?;
    let is_there =
        reference.registry() == target.registry() && reference.repository() == target.repository();
    let is_pinned = reference.tag().is_none() && reference.digest().is_some();
    let tag = reference
        .tag()
        .map_or("latest".to_owned(), ToString::to_string);
    let is_meant = is_there && (is_pinned || tag == publication.tag.to_string());
    is_meant.then(|| Near {
        name: name.to_owned(),
        is_pinned,
    })
}

type Find<'a> = &'a dyn Fn(&str) -> Result<Option<Image>>;

fn decided(publication: &Publication, near: Vec<Near>, find: Find<'_>) -> Result<Standing> {
    let target = format!("{}:{}", publication.path(), publication.tag);
    let mut images = Vec::new();
    for one in near {
        let Some(image) = find(&one.name)? else {
            continue;
        };
        let tag = publication.tag.to_string();
        if !one.is_pinned || image.config.pinned_tag.as_deref() == Some(&tag) {
            images.push(image);
        }
    }
    let chosen = publication.document.get("name").and_then(Node::as_text);
    if images.len() > 1
        && !images
            .iter()
            .any(|image| Some(image.config.name.as_str()) == chosen)
    {
        let names: Vec<&str> = images
            .iter()
            .map(|image| image.config.name.as_str())
            .collect();
        return Err(Error::Exists {
            what: format!(
                "`{target}` has several images in the catalog: {}",
                names.join(", ")
            ),
            hint: "say which of them is meant with `--id NAME`".to_owned(),
        });
    }
    let existing = match chosen {
        Some(chosen) => {
            let at = images.iter().position(|image| image.config.name == chosen);
            match at {
                Some(at) => Some(images.swap_remove(at)),
                None => images.pop(),
            }
        }
        None => images.pop(),
    };
    let Some(existing) = existing else {
        return Ok(Standing {
            name: free_name(publication, chosen, find)?,
            before: None,
        });
    };
    let name = existing.config.name.clone();
    if let Some(chosen) = chosen.filter(|chosen| *chosen != name) {
        return Err(Error::Exists {
            what: format!("`{target}` has metadata already: the image `{name}`"),
            hint: format!("leave out `--id {chosen}`, or delete it: `imgdex images delete {name}`"),
        });
    }
    let differing = differing(publication, &existing)?;
    if differing.is_empty() || publication.overwrite {
        return Ok(Standing {
            name,
            before: Some(existing),
        });
    }
    Err(Error::Exists {
        what: format!(
            "`{target}` has metadata already: the image `{name}`, which differs in {}",
            differing.join(", ")
        ),
        hint: format!(
            "`--overwrite` replaces it, and `imgdex images get {name}` shows it; or take another \
             tag"
        ),
    })
}

/// Returns a name that no image has.
fn free_name(publication: &Publication, chosen: Option<&str>, find: Find<'_>) -> Result<String> {
    if let Some(chosen) = chosen {
        if find(chosen)?.is_none() {
            return Ok(chosen.to_owned());
        }
        return Err(Error::Exists {
            what: format!("the catalog has an image `{chosen}`, which is another one"),
            hint: "take another name with `--id`".to_owned(),
        });
    }
    let (project, tag) = (&publication.project, publication.tag.to_string());
    let last = publication
        .repository
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let mut taken = String::new();
    for parts in [
        &[last, tag.as_str()][..],
        &[
            project.as_str(),
            publication.repository.as_str(),
            tag.as_str(),
        ][..],
    ] {
        let name = default_name(parts);
        if check_resource_name("name", &name).is_ok() && find(&name)?.is_none() {
            return Ok(name);
        }
        taken = name;
    }
    Err(Error::Exists {
        what: format!("the catalog has an image `{taken}`, which is another one"),
        hint: "give this one a name with `--id NAME`".to_owned(),
    })
}

/// Returns the fields in which an image is not what is published.
fn differing(publication: &Publication, existing: &Image) -> Result<Vec<String>> {
    let update = updated(publication, None, existing)?;
    let (config, before) = (&update.config, &existing.config);
    let mut fields = Vec::new();
    let mut differ = |name: &str, differs: bool| {
        if differs {
            fields.push(name.to_owned());
        }
    };
    differ("displayName", config.display_name != before.display_name);
    differ("description", config.description != before.description);
    differ("kind", config.kind != before.kind);
    differ("command", config.command != before.command);
    differ("picture", config.picture != before.picture);
    differ("type", config.image_type != before.image_type);
    differ(
        "author",
        publication.author_was_chosen && config.author != before.author,
    );
    let groups = |image: &[crate::domain::group::Group]| -> Vec<String> {
        image.iter().map(|group| group.name.clone()).collect()
    };
    if let Some(wanted) = publication.document.get("groups") {
        let known = groups(&existing.groups);
        let ids: Vec<&str> = existing
            .groups
            .iter()
            .map(|group| group.id.as_str())
            .collect();
        let wanted = wanted.as_list().unwrap_or_default();
        let is_known = |node: &Node| {
            let text = node.as_text().unwrap_or_default();
            known.iter().any(|name| name == text) || ids.contains(&text)
        };
        differ(
            "groups",
            wanted.len() != known.len() || !wanted.iter().all(is_known),
        );
    }
    Ok(fields)
}

/// Returns what a publication makes of an image.
fn updated(publication: &Publication, put: Option<&Put>, before: &Image) -> Result<NewImage> {
    let mut patch = publication.document.clone();
    if let Value::Map(entries) = &mut patch.value {
        entries.retain(|entry| {
            entry.key != "name" && (entry.key != "author" || publication.author_was_chosen)
        });
    }
    let patch = completed(patch, put, before.config.command.as_deref());
    let update = update_of(before, &patch).map_err(|faults| refused(publication, faults))?;
    let mut image = update.image;
    for format in FORMATS {
        if !image.config.formats.iter().any(|known| known == format) {
            image.config.formats.push(format.to_owned());
        }
    }
    if let Some(put) = put {
        let known = &before.seen.url;
        // The same, seen again, is no change of the image.
        if known.digest != put.seen.digest || known.problem.is_some() {
            put.seen.clone_into(&mut image.seen.url);
        }
        image.config.is_ready = Some(true);
        image.config.archived = false;
        image.config.pinned_tag = None;
    }
    Ok(image)
}

/// Returns the document with the command of the image itself, where none was chosen.
fn completed(mut document: Node, put: Option<&Put>, known: Option<&str>) -> Node {
    let own = put.and_then(|put| put.command.as_deref()).or(known);
    if let (Value::Map(entries), Some(command)) = (&mut document.value, own)
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
    let mut document = completed(publication.document.clone(), put, None);
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

fn write(
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
