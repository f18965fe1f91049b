//! An image and a merge patch → the image as it is to be.

use super::decode::Decoder;
use super::document::{Entry, Fault, MAX_ITEM, Node, Position, Value, json, write_json};
use super::forget_places;
use super::image::{image_of, job_of, settle_readiness};
use super::merge::merge;
use super::observed::OBSERVED;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, NewImage, Seen};
use crate::domain::sighting::Sighting;

/// Fields of a patch that are not the user's to change.
const IGNORED: [&str; 6] = ["id", "name", "stale", "createdAt", "updatedAt", "revision"];

/// What an image belongs to that is said to belong to nothing.
const DEFAULT_FORMATS: [&str; 1] = ["primehub"];

/// What a patch makes of an image.
#[derive(Debug)]
pub struct Update {
    pub image: NewImage,
    /// Whether the patch gives another name, which is not taken.
    pub other_name: bool,
}

/// Returns the image as a merge patch makes it.
///
/// # Errors
/// Every fault of the result, each at its place in the patch.
pub fn update_of(before: &Image, patch: &Node) -> Result<Update, Vec<Fault>> {
    let Some(changes) = patch.as_map() else {
        let message = format!(
            "an update should be an object, but this is {}",
            patch.kind_name()
        );
        return Err(vec![patch.fault("", message)]);
    };
    let other_name = ["id", "name"]
        .iter()
        .filter_map(|key| patch.get(key)?.as_text())
        .any(|name| name != before.config.name);
    // An object of groups adds and removes; it is no patch of the list.
    let has_group_changes = patch
        .get("groups")
        .is_some_and(|groups| groups.as_map().is_some());
    let left_out = |entry: &Entry| {
        IGNORED.contains(&entry.key.as_str()) || (has_group_changes && entry.key == "groups")
    };
    let patch_taken = Node {
        at: patch.at,
        value: Value::Map(
            changes
                .iter()
                .filter(|entry| !left_out(entry))
                .cloned()
                .collect(),
        ),
    };
    let document = document_of(before);
    let newly_observed = newly_observed(&document, patch);
    let mut merged = merge(document, &patch_taken);
    if has_group_changes && let Value::Map(entries) = &mut merged.value {
        entries.retain(|entry| entry.key != "groups");
        entries.extend(
            changes
                .iter()
                .filter(|entry| entry.key == "groups")
                .cloned(),
        );
    }
    let mut text = Vec::new();
    write_json(&merged, &mut text);
    if text.len() > MAX_ITEM {
        let message = "with this update the image would be larger than 4 MiB";
        return Err(vec![patch.fault("", message)]);
    }
    let mut image = image_of(&merged, &DEFAULT_FORMATS)?;
    if !has_group_changes && patch.get("groups").is_none() {
        // The groups stay as they are, whatever became of them meanwhile.
        image.groups = GroupsInput::unchanged();
    }
    let observed = (image.seen.clone(), image.config.is_ready);
    keep_what_is_still_true(before, &mut image);
    take_observed(&newly_observed, observed, &mut image);
    if patch.get("pinnedTag").is_none() && image.config.url != before.config.url {
        image.config.pinned_tag = None;
    }
    if patch.get("jobStatus").is_none() && image.config.spec.is_none() {
        image.config.job = None;
    }
    Ok(Update { image, other_name })
}

/// What was seen of a reference is known no more once it is another one.
pub(super) fn keep_what_is_still_true(before: &Image, image: &mut NewImage) {
    image.seen = before.seen.clone();
    image.config.is_ready = before.config.is_ready;
    let mut changed = false;
    if image.config.url != before.config.url {
        image.seen.url = Sighting::default();
        changed = true;
    }
    if image.config.url_for_gpu != before.config.url_for_gpu {
        image.seen.url_for_gpu = Sighting::default();
        changed = true;
    }
    let was_to_be_built = before.config.spec.is_some() && image.config.spec.is_none();
    if changed || was_to_be_built {
        image.config.is_ready = None;
    }
    settle_readiness(&mut image.config);
}

/// Returns the observed fields that a patch gives, other than they are: what is
/// printed by `images get` and comes back as it was is no observation.
fn newly_observed(document: &Node, patch: &Node) -> Vec<&'static str> {
    let text = |node: Option<&Node>| {
        let mut text = Vec::new();
        if let Some(node) = node.filter(|node| !node.is_null()) {
            write_json(node, &mut text);
        }
        text
    };
    OBSERVED
        .into_iter()
        .filter(|field| {
            let given = patch.get(field);
            given.is_some() && text(given) != text(document.get(field))
        })
        .collect()
}

/// Takes over the observed fields that a patch gives.
fn take_observed(fields: &[&str], (seen, is_ready): (Seen, Option<bool>), image: &mut NewImage) {
    for field in fields {
        let given = seen.leading().clone();
        let leads_url = image.config.url.is_some() || image.config.url_for_gpu.is_none();
        let leading = if leads_url {
            &mut image.seen.url
        } else {
            &mut image.seen.url_for_gpu
        };
        match *field {
            "isReady" => image.config.is_ready = is_ready,
            "digest" => image.seen.url.digest.clone_from(&seen.url.digest),
            "digestForGpu" => {
                let digest = &seen.url_for_gpu.digest;
                image.seen.url_for_gpu.digest.clone_from(digest);
            }
            "platforms" => leading.platforms = given.platforms,
            "size" => leading.size = given.size,
            "verifiedAt" => leading.seen_at = given.seen_at,
            "vulnerabilities" => image.seen.url.scan.clone_from(&seen.url.scan),
            "vulnerabilitiesForGpu" => {
                let scan = &seen.url_for_gpu.scan;
                image.seen.url_for_gpu.scan.clone_from(scan);
            }
            _ => {
                leading.problem = given.problem;
                if leads_url {
                    image.seen.url_for_gpu.problem = None;
                }
            }
        }
    }
    image.seen.url.forget_other_scan();
    image.seen.url_for_gpu.forget_other_scan();
    settle_readiness(&mut image.config);
}

/// Returns an image as the tree that a patch is applied to.
fn document_of(image: &Image) -> Node {
    let text = image.to_json();
    let mut node = json::parse(text.as_bytes(), Position::START)
        .unwrap_or_else(|_| Node::new(Value::Map(Vec::new())));
    forget_places(&mut node);
    node
}

/// Returns the image that a document declares in full: what the document does
/// not say has its default, but what the program learned or built stays.
///
/// # Errors
/// Every fault of the document, each at its place.
pub fn declared_by(before: Option<&Image>, document: &Node) -> Result<NewImage, Vec<Fault>> {
    let mut image = image_of(&without_observed(document), &DEFAULT_FORMATS)?;
    // What came after the last good build was of the catalog that printed it.
    image.config.job = image.config.job.and_then(|job| job.last_good());
    let Some(before) = before else {
        return Ok(image);
    };
    let given = |field: &str| document.get(field).is_some_and(|node| !node.is_null());
    let config = &mut image.config;
    if config.author.is_none() {
        config.author.clone_from(&before.config.author);
    }
    // What a build gave stays; the document says only what is to be built.
    let was_built = before.config.spec.is_some() && before.config.was_built();
    if config.spec.is_some() && was_built && !given("url") && !given("urlForGpu") {
        config.url.clone_from(&before.config.url);
        config.url_for_gpu.clone_from(&before.config.url_for_gpu);
    }
    let is_known = before.config.was_built() || config.job.is_none();
    if config.spec.is_some() && before.config.spec.is_some() && is_known {
        config.job.clone_from(&before.config.job);
    }
    if !given("pinnedTag") && config.url == before.config.url {
        config.pinned_tag.clone_from(&before.config.pinned_tag);
    }
    keep_what_is_still_true(before, &mut image);
    Ok(image)
}

/// Returns a document without what is observed, which no file decides.
fn without_observed(document: &Node) -> Node {
    let observed = |key: &str| OBSERVED.contains(&key) || IGNORED_IN_FILES.contains(&key);
    let Some(entries) = document.as_map() else {
        return document.clone();
    };
    // A reference beside a spec is only good together with the build that made it.
    let was_built = document
        .get("jobStatus")
        .and_then(|node| job_of(&mut Decoder::default(), "jobStatus", node))
        .is_some_and(|job| job.was_built());
    let kept = |entry: &&Entry| {
        !observed(&entry.key) && (was_built || entry.key != "jobStatus") && !is_document_kind(entry)
    };
    Node {
        at: document.at,
        value: Value::Map(entries.iter().filter(kept).cloned().collect()),
    }
}

/// Fields that say when and how often something changed, or follow from others.
const IGNORED_IN_FILES: [&str; 4] = ["stale", "createdAt", "updatedAt", "revision"];

/// `kind: image` says what a document is, not what the image is for.
fn is_document_kind(entry: &Entry) -> bool {
    entry.key == "kind" && entry.node.as_text() == Some("image")
}
