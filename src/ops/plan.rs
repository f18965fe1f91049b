//! What an applied folder would make of the catalog, found by reading alone.

use std::collections::HashMap;
use std::path::Path;

use similar::TextDiff;

use super::apply::declared;
use super::documents::{Document, Documents, Kind, Origin};
use super::pictures::Pictures;
use super::{Error, Result};
use crate::catalog::{self, Catalog};
use crate::domain::change::Subject;
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{Archived, Image, ImageFilter};
use crate::domain::image_rules::FieldFault;
use crate::formats::document::{Node, Position, Value, json, write_yaml};
use crate::formats::{self, group::group_of, secret};
use crate::ops::error::{Faults, located};

/// Fields that no file decides.
const NOT_COMPARED: [&str; 9] = [
    "author",
    "jobStatus",
    "isReady",
    "digest",
    "digestForGpu",
    "platforms",
    "size",
    "verifiedAt",
    "problem",
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
/// For documents that break rules, and those of `each`.
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
    let mut tell = |from: &str, to: &str, before: &str, after: &str| {
        if before == after {
            return Ok(());
        }
        difference.count += 1;
        let text = TextDiff::from_lines(before, after)
            .unified_diff()
            .header(from, to)
            .to_string();
        each(&text)
    };
    for (document, origin) in documents.described() {
        let (from, before, after) = known.described(catalog, document).map_err(E::from)?;
        tell(&from, &origin.file, &before, &after)?;
    }
    let mut faulty = |origin: &Origin, found| faults.item(&origin.file, &origin.item, found);
    documents.for_each_image::<E>(|node, origin| {
        let pictures = pictures.beside(Path::new(&origin.file));
        match known.image(catalog, node, &pictures).map_err(E::from)? {
            Ok((before, after)) => {
                let name = &origin.item.name;
                let from = if before.is_empty() {
                    "/dev/null".to_owned()
                } else {
                    format!("catalog/{name}")
                };
                tell(&from, &origin.file, &before, &after)?;
            }
            Err(found) => faulty(origin, found),
        }
        Ok(())
    })?;
    if !faults.is_empty() {
        return Err(E::from(
            faults.into_error("the documents cannot be applied"),
        ));
    }
    if let Some(set) = prune {
        let filter = ImageFilter {
            applied_from: Some(set.to_owned()),
            archived: Archived::Any,
            ..ImageFilter::default()
        };
        let mut superfluous = Vec::new();
        catalog
            .for_each_image::<Error>(&filter, |image| {
                if !documents.names_image(&image.config.name) {
                    superfluous.push(image);
                }
                Ok(())
            })
            .map_err(E::from)?;
        for image in superfluous {
            let from = format!("catalog/{}", image.config.name);
            tell(&from, "/dev/null", &text_of(&image), "")?;
        }
    }
    Ok(difference)
}

/// What the catalog knows, and what the documents add to it.
struct Known {
    groups: HashMap<String, Group>,
    secrets: Vec<String>,
}

type Texts = (String, String);

impl Known {
    fn of(catalog: &Catalog) -> Result<Self> {
        let mut groups = HashMap::new();
        for group in catalog.groups()? {
            groups.insert(group.id.clone(), group.clone());
            groups.insert(group.name.clone(), group);
        }
        Ok(Self {
            groups,
            secrets: catalog
                .secrets()?
                .into_iter()
                .filter(|secret| {
                    secret.secret_type == crate::domain::secret::SecretType::Kubernetes
                })
                .map(|secret| secret.id)
                .collect(),
        })
    }

    /// Returns what a document of a group or secret is compared with, and both
    /// texts.
    fn described(
        &mut self,
        catalog: &Catalog,
        document: &Document,
    ) -> Result<(String, String, String)> {
        let (name, before, after) = match document.kind {
            Kind::Group => {
                let wanted = group_of(&document.node).unwrap_or_else(|_| empty_group());
                let before = self.groups.get(&wanted.name).cloned();
                let after = Group {
                    id: before
                        .as_ref()
                        .map(|group| group.id.clone())
                        .or(wanted.id)
                        .unwrap_or_default(),
                    display_name: wanted
                        .display_name
                        .or_else(|| before.as_ref().map(|group| group.display_name.clone()))
                        .unwrap_or_else(|| wanted.name.clone()),
                    name: wanted.name,
                };
                self.groups.insert(after.name.clone(), after.clone());
                self.groups.insert(after.id.clone(), after.clone());
                let text = |group: &Group| {
                    yaml_of(&serde_json::json!({
                        "kind": "group", "name": group.name, "displayName": group.display_name,
                    }))
                };
                let before = before.as_ref().map(text).unwrap_or_default();
                (format!("group/{}", after.name), before, text(&after))
            }
            Kind::Secret | Kind::Image => {
                let wanted =
                    secret::secret_of(&document.node, secret::Values::Refused).unwrap_or_default();
                let Ok(new) = wanted.to_new(&document.node) else {
                    return Ok(Default::default());
                };
                let before = match catalog.secret(&new.id) {
                    Ok(found) => Some(found),
                    Err(catalog::Error::NotFound { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                let after = match &before {
                    Some(found) => wanted.applied_to(found, &document.node).unwrap_or(new),
                    None => new,
                };
                self.secrets.push(after.id.clone());
                let text = |secret: &crate::domain::secret::Secret| {
                    yaml_of(&serde_json::json!({
                        "kind": "secret", "name": secret.name, "displayName": secret.display_name,
                        "type": secret.secret_type, "registryHost": secret.registry_host,
                        "username": secret.username,
                    }))
                };
                let before = before.as_ref().map(text).unwrap_or_default();
                (format!("secret/{}", after.id), before, text(&after))
            }
        };
        let from = if before.is_empty() {
            "/dev/null".to_owned()
        } else {
            format!("catalog/{name}")
        };
        Ok((from, before, after))
    }

    /// Returns an image as it is and as its document declares it.
    fn image(
        &self,
        catalog: &Catalog,
        node: &Node,
        pictures: &Pictures,
    ) -> Result<std::result::Result<Texts, Vec<crate::formats::document::Fault>>> {
        let name = node.get("name").and_then(Node::as_text).unwrap_or_default();
        let before = match catalog.image(name) {
            Ok(image) => Some(image),
            Err(catalog::Error::NotFound {
                subject: Subject::Image,
                ..
            }) => None,
            Err(error) => return Err(error.into()),
        };
        let new = match declared(before.as_ref(), node, pictures) {
            Ok(new) => new,
            Err(faults) => return Ok(Err(faults)),
        };
        let mut faults = Vec::new();
        let groups = self.members(&new.groups, before.as_ref(), &mut faults);
        let spec_secret = new
            .config
            .spec
            .as_ref()
            .and_then(|spec| spec.pull_secret.as_ref());
        for (field, id) in [
            (
                "useImagePullSecret",
                new.config.use_image_pull_secret.as_ref(),
            ),
            ("imageSpec.pullSecret", spec_secret),
        ] {
            if let Some(id) = id
                && !self.secrets.contains(id)
            {
                faults.push(FieldFault::new(
                    field,
                    format!("secret `{id}` of type `kubernetes` does not exist"),
                ));
            }
        }
        if !faults.is_empty() {
            return Ok(Err(located(faults, node)));
        }
        let after = Image {
            config: new.config,
            groups,
            seen: new.seen,
            ..Image::default()
        };
        Ok(Ok((
            before.as_ref().map(text_of).unwrap_or_default(),
            text_of(&after),
        )))
    }

    fn members(
        &self,
        input: &GroupsInput,
        before: Option<&Image>,
        faults: &mut Vec<FieldFault>,
    ) -> Vec<Group> {
        let mut resolve = |field: &str, wanted: &[GroupRef]| {
            let mut found: Vec<Group> = Vec::new();
            for (index, reference) in wanted.iter().enumerate() {
                let known = match reference {
                    GroupRef::Known(word) => self.groups.get(word).cloned(),
                    GroupRef::Whole(group) => Some(
                        self.groups
                            .get(&group.id)
                            .or_else(|| self.groups.get(&group.name))
                            .unwrap_or(group)
                            .clone(),
                    ),
                };
                match known {
                    Some(group) if found.contains(&group) => {}
                    Some(group) => found.push(group),
                    None => faults.push(FieldFault::new(
                        format!("{field}[{index}]"),
                        format!("group `{}` does not exist", reference.label()),
                    )),
                }
            }
            found
        };
        let mut members = match input {
            GroupsInput::Set(wanted) => resolve("groups", wanted),
            GroupsInput::Change {
                connect,
                disconnect,
            } => {
                let removed = resolve("groups.disconnect", disconnect);
                let mut members = before.map(|image| image.groups.clone()).unwrap_or_default();
                members.extend(resolve("groups.connect", connect));
                members.retain(|member| !removed.contains(member));
                members
            }
        };
        members.sort_by(|one, other| one.name.cmp(&other.name));
        members.dedup();
        members
    }
}

fn empty_group() -> formats::group::GroupDocument {
    formats::group::GroupDocument {
        id: None,
        name: String::new(),
        display_name: None,
    }
}

/// Returns an image as the text that is compared: without what no file decides,
/// and with its groups by name.
fn text_of(image: &Image) -> String {
    let mut value: serde_json::Value =
        serde_json::from_str(&image.to_recorded_json()).unwrap_or_default();
    if let serde_json::Value::Object(fields) = &mut value {
        fields.retain(|field, _| !NOT_COMPARED.contains(&field.as_str()));
        if let Some(groups) = fields.get_mut("groups") {
            *groups = image
                .groups
                .iter()
                .map(|group| serde_json::Value::from(group.name.as_str()))
                .collect();
        }
    }
    yaml_of(&value)
}

fn yaml_of(value: &serde_json::Value) -> String {
    let text = value.to_string();
    let node = json::parse(text.as_bytes(), Position::START)
        .unwrap_or_else(|_| Node::new(Value::String(text)));
    let mut yaml = Vec::new();
    write_yaml(&node, 0, &mut yaml);
    let mut yaml = String::from_utf8_lossy(&yaml).into_owned();
    if !yaml.ends_with('\n') {
        yaml.push('\n');
    }
    yaml
}
