//! What an applied folder would make of the catalog, found by reading alone, as
//! unified diffs.

use std::path::Path;

use similar::TextDiff;

use super::documents::{Described, Documents};
use super::known::Known;
use super::pictures::Pictures;
use super::{Error, Result};
use crate::catalog::Catalog;
use crate::domain::group::Group;
use crate::domain::image::{Archived, Image, ImageFilter};
use crate::domain::secret::Secret;
use crate::formats::document::{Entry, Node, Position, Value, json, write_yaml};
use crate::ops::error::Faults;

/// Fields that no file decides.
const NOT_SHOWN: [&str; 10] = [
    "jobStatus",
    "isReady",
    "digest",
    "digestForGpu",
    "platforms",
    "size",
    "verifiedAt",
    "problem",
    "vulnerabilities",
    "vulnerabilitiesForGpu",
];

/// What differs.
#[derive(Debug, Default)]
pub struct Difference {
    /// How many documents differ from the catalog, and images it has too many.
    pub count: u64,
}

/// Calls `each` with a unified diff of everything in which the documents and
/// the catalog differ; `prune` names the set whose other images are to go.
///
/// # Errors
/// Those that applying the documents would have, and those of `each`.
pub fn diff<E: From<Error>>(
    catalog: &Catalog,
    documents: &Documents,
    prune: Option<&str>,
    pictures: &Pictures,
    mut each: impl FnMut(&str) -> std::result::Result<(), E>,
) -> std::result::Result<Difference, E> {
    let mut known = Known::of(catalog).map_err(E::from)?;
    let mut faults = Faults::default();
    let mut difference = Difference::default();
    let mut tell = |name: &str, file: &str, before: &str, after: &str| {
        difference.count += 1;
        let from = if before.is_empty() {
            "/dev/null".to_owned()
        } else {
            format!("catalog/{name}")
        };
        let text = TextDiff::from_lines(before, after)
            .unified_diff()
            .header(&from, file)
            .to_string();
        each(&text)
    };
    for (described, origin) in documents.described() {
        match described {
            Described::Group(document) => {
                let (before, after) = known.apply_group(document).map_err(E::from)?;
                if before.as_ref() != Some(&after) {
                    let before = before.as_ref().map(text_of_group).unwrap_or_default();
                    let name = format!("group/{}", after.name);
                    tell(&name, &origin.file, &before, &text_of_group(&after))?;
                }
            }
            Described::Secret(document) => match known.apply_secret(document).map_err(E::from)? {
                Ok((before, after)) if before.as_ref() != Some(&after) => {
                    let before = before.as_ref().map(text_of_secret).unwrap_or_default();
                    let name = format!("secret/{}", after.id);
                    tell(&name, &origin.file, &before, &text_of_secret(&after))?;
                }
                Ok(_) => {}
                Err(found) => faults.item(&origin.file, &origin.item, found),
            },
        }
    }
    documents.for_each_image::<E>(|node, origin| {
        let pictures = pictures.beside(Path::new(&origin.file));
        let name = &origin.item.name;
        match known.apply_image(name, node, &pictures).map_err(E::from)? {
            Ok((before, after)) if before.as_ref() != Some(&after) => {
                let (before, after) = texts_of(before.as_ref(), &after);
                tell(name, &origin.file, &before, &after)?;
            }
            Ok(_) => {}
            Err(found) => faults.item(&origin.file, &origin.item, found),
        }
        Ok(())
    })?;
    if !faults.is_empty() {
        return Err(E::from(
            faults.into_error("the documents cannot be applied"),
        ));
    }
    if let Some(set) = prune {
        for image in superfluous(catalog, documents, set).map_err(E::from)? {
            let before = text_of(&image, &NOT_SHOWN);
            tell(&image.config.name, "/dev/null", &before, "")?;
        }
    }
    Ok(difference)
}

/// Returns the images of a set that no document speaks of.
fn superfluous(catalog: &Catalog, documents: &Documents, set: &str) -> Result<Vec<Image>> {
    let filter = ImageFilter {
        applied_from: Some(set.to_owned()),
        archived: Archived::Any,
        ..ImageFilter::default()
    };
    let mut found = Vec::new();
    catalog.for_each_image::<Error>(&filter, |image| {
        if !documents.names_image(&image.config.name) {
            found.push(image);
        }
        Ok(())
    })?;
    Ok(found)
}

fn text_of_group(group: &Group) -> String {
    yaml_of(&object(&[
        ("kind", Some("group")),
        ("name", Some(&group.name)),
        ("displayName", Some(&group.display_name)),
    ]))
}

fn text_of_secret(secret: &Secret) -> String {
    yaml_of(&object(&[
        ("kind", Some("secret")),
        ("name", Some(&secret.name)),
        ("displayName", Some(&secret.display_name)),
        ("type", Some(secret.secret_type.name())),
        ("registryHost", secret.registry_host.as_deref()),
        ("username", secret.username.as_deref()),
    ]))
}

fn object(fields: &[(&str, Option<&str>)]) -> Node {
    let entry = |&(key, text): &(&str, Option<&str>)| Entry {
        key: key.to_owned(),
        at: Position::default(),
        node: Node::new(text.map_or(Value::Null, |text| Value::String(text.to_owned()))),
    };
    Node::new(Value::Map(fields.iter().map(entry).collect()))
}

/// Returns an image as it is and as it is to be, as the texts that are
/// compared: without what no file decides, unless nothing else differs.
fn texts_of(before: Option<&Image>, after: &Image) -> (String, String) {
    let Some(before) = before else {
        return (String::new(), text_of(after, &NOT_SHOWN));
    };
    let mut hidden = NOT_SHOWN.to_vec();
    if before.config.author == after.config.author {
        hidden.push("author");
    }
    let texts = (text_of(before, &hidden), text_of(after, &hidden));
    if texts.0 == texts.1 {
        return (text_of(before, &[]), text_of(after, &[]));
    }
    texts
}

/// Returns an image as text, with its groups by name.
fn text_of(image: &Image, hidden: &[&str]) -> String {
    let text = image.to_recorded_json();
    let mut node = json::parse(text.as_bytes(), Position::START)
        .unwrap_or_else(|_| Node::new(Value::String(text)));
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|entry| !hidden.contains(&entry.key.as_str()));
        for entry in entries.iter_mut().filter(|entry| entry.key == "groups") {
            let name = |group: &Group| Node::new(Value::String(group.name.clone()));
            entry.node = Node::new(Value::List(image.groups.iter().map(name).collect()));
        }
    }
    yaml_of(&node)
}

fn yaml_of(node: &Node) -> String {
    let mut yaml = Vec::new();
    write_yaml(node, 0, &mut yaml);
    let mut yaml = String::from_utf8_lossy(&yaml).into_owned();
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    yaml
}
