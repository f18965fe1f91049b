//! The catalog's own JSON (and the same as YAML) → images: what `images create`
//! takes and `images list -o json` prints. The printing is in the domain
//! ([`crate::domain::image_json`]), because the record of changes prints too.

use super::decode::{Decoder, kept, last_word};
use super::document::{Fault, Node};
use super::locate;
use super::observed::{OBSERVED, Observed};
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{ImageConfig, ImageType, NewImage, PullPolicy};
use crate::domain::image_rules::{self, canonical_kind};
use crate::domain::name::{is_uuid, shorten};
use crate::domain::spec::{ImageSpec, JobPhase, JobStatus};

/// Returns the image that an object describes. `formats` is what it belongs to
/// where it does not say so itself.
///
/// # Errors
/// Every fault of the object, each at its place.
pub fn image_of(node: &Node, formats: &[&str]) -> Result<NewImage, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let Some(entries) = node.as_map() else {
        let message = format!(
            "an image should be an object, but this is {}",
            node.kind_name()
        );
        return Err(vec![node.fault("", message)]);
    };
    let mut image = NewImage::default();
    let mut observed = Observed::default();
    let mut id = None;
    for entry in entries {
        let (field, node) = (entry.key.as_str(), &entry.node);
        let config = &mut image.config;
        match field {
            "id" => id = decoder.text(field, node),
            "name" => config.name = decoder.text(field, node).unwrap_or_default(),
            "displayName" => config.display_name = decoder.text(field, node).unwrap_or_default(),
            "description" => config.description = decoder.text(field, node),
            "type" => {
                config.image_type = decoder
                    .choice(field, node, &ImageType::NAMES, ImageType::from_name)
                    .unwrap_or_default();
            }
            "url" => config.url = decoder.text(field, node),
            "urlForGpu" => config.url_for_gpu = decoder.text(field, node),
            "useImagePullSecret" => config.use_image_pull_secret = decoder.text(field, node),
            "pullSecret" => config.pull_secret = decoder.text(field, node),
            "global" => config.global = decoder.flag(field, node).unwrap_or_default(),
            "groups" => image.groups = groups_of(&mut decoder, node),
            "imageSpec" => config.spec = spec_of(&mut decoder, field, node),
            "jobStatus" => config.job = job_of(&mut decoder, field, node),
            "pullPolicy" => {
                config.pull_policy =
                    decoder.choice(field, node, &PullPolicy::NAMES, PullPolicy::from_name);
            }
            "tags" => config.tags = decoder.words(field, node),
            "labels" => config.labels = decoder.string_map(field, node),
            "kind" => config.kind = decoder.text(field, node).map(canonical_kind),
            "command" => config.command = decoder.text(field, node),
            "picture" => config.picture = decoder.text(field, node),
            "author" => config.author = decoder.text(field, node),
            "archived" => config.archived = decoder.flag(field, node).unwrap_or_default(),
            "formats" => config.formats = decoder.words(field, node),
            "pinnedTag" => config.pinned_tag = decoder.text(field, node),
            field if OBSERVED.contains(&field) => observed.take(&mut decoder, field, node),
            // The catalog gives these itself.
            "stale" | "createdAt" | "updatedAt" | "revision" => {}
            _ => config.extra.push(kept(entry)),
        }
    }
    finish(&mut image, observed, formats);
    if let Some(id) = id
        && id != image.config.name
        && !image.config.name.is_empty()
    {
        decoder.faults.extend(node.get("id").map(|at| {
            let name = shorten(&image.config.name);
            at.fault(
                "id",
                format!(
                    "id should equal the name `{name}`, but is `{}`",
                    shorten(&id)
                ),
            )
        }));
    }
    // A field of the wrong type is reported once, not also as missing.
    let reported: Vec<String> = decoder
        .faults
        .iter()
        .map(|fault| fault.field.clone())
        .collect();
    decoder.faults.extend(
        image_rules::faults(&image)
            .into_iter()
            .filter(|fault| !reported.iter().any(|field| covers(field, &fault.field)))
            .map(|fault| locate(fault, node)),
    );
    if decoder.faults.is_empty() {
        Ok(image)
    } else {
        decoder.faults.sort_by_key(|fault| fault.at);
        Err(decoder.faults)
    }
}

/// Returns whether a fault of one field says all that one of another would: it
/// is the same, inside of it or around it.
pub(super) fn covers(field: &str, other: &str) -> bool {
    let (short, long) = if field.len() < other.len() {
        (field, other)
    } else {
        (other, field)
    };
    long.strip_prefix(short)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Sets what follows from the fields that were given.
fn finish(image: &mut NewImage, observed: Observed, formats: &[&str]) {
    let config = &mut image.config;
    if config.display_name.is_empty() {
        config.display_name.clone_from(&config.name);
    }
    if config.formats.is_empty() {
        config.formats = formats.iter().map(|&format| format.to_owned()).collect();
    }
    config.is_ready = observed.is_ready;
    settle_readiness(config);
    image.seen = observed.seen(config);
}

/// An image that is still to be built is not ready.
pub(super) fn settle_readiness(config: &mut ImageConfig) {
    let has_url = config.url.is_some() || config.url_for_gpu.is_some();
    if config.spec.is_some() && !(has_url && config.was_built()) {
        config.is_ready = Some(false);
    }
}

fn groups_of(decoder: &mut Decoder, node: &Node) -> GroupsInput {
    let Some(entries) = node.as_map() else {
        return GroupsInput::Set(references(decoder, "groups", node));
    };
    let (mut connect, mut disconnect) = (Vec::new(), Vec::new());
    for entry in entries {
        match entry.key.as_str() {
            "connect" => connect = references(decoder, "groups.connect", &entry.node),
            "disconnect" => disconnect = references(decoder, "groups.disconnect", &entry.node),
            _ => decoder.unknown("groups", entry, &["connect", "disconnect"]),
        }
    }
    GroupsInput::Change {
        connect,
        disconnect,
    }
}

fn references(decoder: &mut Decoder, field: &str, node: &Node) -> Vec<GroupRef> {
    let mut references = Vec::new();
    for (index, node) in decoder.list(field, node).iter().enumerate() {
        if let Some(reference) = reference(decoder, &format!("{field}[{index}]"), node) {
            references.push(reference);
        }
    }
    references
}

fn reference(decoder: &mut Decoder, field: &str, node: &Node) -> Option<GroupRef> {
    if let Some(word) = node.as_text() {
        return Some(GroupRef::Known(word.to_owned()));
    }
    let before = decoder.faults.len();
    let mut text = |key: &str| {
        let value = node.get(key)?;
        decoder.text(&format!("{field}.{key}"), value)
    };
    let (id, name, display_name) = (text("id"), text("name"), text("displayName"));
    if decoder.faults.len() > before {
        return None;
    }
    match (id, name) {
        (Some(id), Some(name)) => {
            if !is_uuid(&id) {
                let rule = format!(
                    "the id of a group should be a UUID, but is `{}`",
                    shorten(&id)
                );
                let at = node.get("id").unwrap_or(node);
                decoder.push(at.fault(format!("{field}.id"), rule));
                return None;
            }
            Some(GroupRef::Whole(Group {
                id: id.to_ascii_lowercase(),
                display_name: display_name.unwrap_or_else(|| name.clone()),
                name,
            }))
        }
        (Some(word), None) | (None, Some(word)) => Some(GroupRef::Known(word)),
        (None, None) => {
            let rule = "a group should be an id, a name or an object with `id` or `name`";
            decoder.push(node.fault(field, rule));
            None
        }
    }
}

/// Returns what is to be built; `path` is where the document has it.
pub(super) fn spec_of(decoder: &mut Decoder, path: &str, node: &Node) -> Option<ImageSpec> {
    if node.is_null() {
        return None;
    }
    let mut spec = ImageSpec::default();
    for entry in decoder.object(path, node) {
        let (field, node) = (format!("{path}.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "baseImage" => {
                spec.base_image = decoder.text(&field, node).unwrap_or_default();
            }
            "pullSecret" => spec.pull_secret = decoder.text(&field, node),
            "packages" => packages_of(decoder, &field, node, &mut spec),
            _ => spec.extra.push(kept(entry)),
        }
    }
    Some(spec)
}

fn packages_of(decoder: &mut Decoder, path: &str, node: &Node, spec: &mut ImageSpec) {
    const RULE: &str = "Invalid imageSpec: packages values should be a list";
    for entry in decoder.object(path, node) {
        let field = format!("{path}.{}", shorten(&entry.key));
        let list = match entry.key.as_str() {
            "apt" => &mut spec.apt,
            "conda" => &mut spec.conda,
            "pip" => &mut spec.pip,
            other => {
                decoder.push(Fault {
                    at: entry.at,
                    message: format!(
                        "`{}` is not a package manager that can be used: {}",
                        shorten(other),
                        ImageSpec::MANAGERS.join(", ")
                    ),
                    field,
                });
                continue;
            }
        };
        if entry.node.is_null() {
            continue;
        }
        let Some(nodes) = entry.node.as_list() else {
            let message = format!("{RULE}, but `{}` is {}", entry.key, entry.node.kind_name());
            decoder.push(entry.node.fault(field, message));
            continue;
        };
        for (index, node) in nodes.iter().enumerate() {
            match node.as_text() {
                Some(package) => list.push(package.to_owned()),
                None => decoder.push(node.fault(
                    format!("{field}[{index}]"),
                    format!("{RULE} of strings, but this is {}", node.kind_name()),
                )),
            }
        }
    }
}

/// Returns how far a build has come; `path` is where the document has it.
pub(super) fn job_of(decoder: &mut Decoder, path: &str, node: &Node) -> Option<JobStatus> {
    let mut phase = None;
    let mut extra = Vec::new();
    for entry in decoder.object(path, node) {
        if entry.key == "phase" {
            phase = decoder.choice(
                &format!("{path}.phase"),
                &entry.node,
                &JobPhase::NAMES,
                JobPhase::from_name,
            );
        } else {
            extra.push(kept(entry));
        }
    }
    if phase.is_none() && !extra.is_empty() {
        let names = JobPhase::NAMES.join(", ");
        let message = format!("{} should have a phase, one of {names}", last_word(path));
        decoder.push(node.fault(path, message));
    }
    phase.map(|phase| JobStatus { phase, extra })
}
