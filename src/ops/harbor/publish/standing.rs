//! Whether the catalog has something of a publication already, and what that means for
//! it.

use super::Publication;
use super::record::{updated, write};
use crate::catalog::{self, Catalog, Writer};
use crate::domain::change::Actor;
use crate::domain::image::Image;
use crate::domain::platform::Platform;
use crate::domain::reference::{Reference, Registry};
use crate::formats::document::Node;
use crate::ops::{Error, Result};

/// What the catalog has of a publication.
#[derive(Debug)]
pub struct Standing {
    /// What the image is or will be called.
    pub name: String,
    /// The image, where there is one: it says the same, or is to be replaced.
    pub before: Option<Image>,
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

pub(super) fn found(
    writer: &Writer<'_>,
    publication: &Publication,
    default_registry: &Registry,
) -> Result<Standing> {
    let mut names = Vec::new();
    let mut of_gpu = None;
    writer.for_all_references(|image| {
        let means = |url: &Option<String>, pinned_tag: &Option<String>| {
            let (url, pinned_tag) = (url.as_deref(), pinned_tag.as_deref());
            is_meant(url, pinned_tag, publication, default_registry)
        };
        if means(&image.url, &image.pinned_tag) {
            names.push(image.name);
        } else if means(&image.url_for_gpu, &None) {
            of_gpu.get_or_insert(image.name);
        }
        Ok::<(), Error>(())
    })?;
    if let Some(name) = of_gpu.filter(|_| names.is_empty() && !publication.overwrite) {
        return Err(Error::Exists {
            what: format!(
                "`{}:{}` has metadata already: it is `urlForGpu` of the image `{name}`",
                publication.path(),
                publication.tag
            ),
            hint: "`--overwrite` gives it some of its own; or take another tag".to_owned(),
        });
    }
    decided(publication, &names, &|name| match writer.image(name) {
        Ok(image) => Ok(Some(image)),
        Err(catalog::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    })
}

/// Returns whether a reference means the repository and tag of a publication, or was
/// pinned from it.
fn is_meant(
    url: Option<&str>,
    pinned_tag: Option<&str>,
    publication: &Publication,
    default_registry: &Registry,
) -> bool {
    let parsed = url.map(|text| Reference::parse_with_default(text, default_registry));
    let (Some(Ok(reference)), Some(target)) = (parsed, publication.reference()) else {
        return false;
    };
    if reference.registry() != target.registry() || reference.repository() != target.repository() {
        return false;
    }
    let tag = match (reference.tag(), reference.digest()) {
        (Some(tag), _) => Some(tag.to_string()),
        (None, Some(_)) => pinned_tag.map(str::to_owned),
        (None, None) => Some("latest".to_owned()),
    };
    tag == Some(publication.tag.to_string())
}

type Find<'a> = &'a dyn Fn(&str) -> Result<Option<Image>>;

fn decided(publication: &Publication, names: &[String], find: Find<'_>) -> Result<Standing> {
    let target = format!("{}:{}", publication.path(), publication.tag);
    let mut images = Vec::new();
    for name in names {
        images.extend(find(name)?);
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

/// Returns a name that no image has: made of the last part of the repository and the
/// tag, with the project where that is another image's.
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
    let (project, tag) = (&publication.project, &publication.tag);
    let last = publication
        .repository
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let whole = format!(
        "{project}-{}-{tag}",
        publication.repository.replace('/', "-")
    );
    let mut taken = None;
    for text in [format!("{last}-{tag}"), whole] {
        let Some(name) = Platform::Primehub.nearest_name(&text) else {
            continue;
        };
        if find(&name)?.is_none() {
            return Ok(name);
        }
        taken = Some(name);
    }
    Err(match taken {
        Some(taken) => Error::Exists {
            what: format!("the catalog has an image `{taken}`, which is another one"),
            hint: "give this one a name with `--id NAME`".to_owned(),
        },
        None => Error::invalid(format!(
            "no name can be made of `{}:{tag}`: give one with `--id NAME`",
            publication.path()
        )),
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
