//! An image and a merge patch → the image as it is to be.

use super::document::{Entry, Fault, Node, Position, Value, json};
use super::image::{OBSERVED, image_of, settle_readiness};
use super::merge::merge;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, NewImage};
use crate::domain::sighting::Sighting;

/// Fields of a patch that are not the user's to change.
const IGNORED: [&str; 5] = ["id", "name", "createdAt", "updatedAt", "revision"];

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
    let mut merged = merge(document_of(before), &patch_taken);
    if has_group_changes && let Value::Map(entries) = &mut merged.value {
        entries.retain(|entry| entry.key != "groups");
        entries.extend(
            changes
                .iter()
                .filter(|entry| entry.key == "groups")
                .cloned(),
        );
    }
    let formats: Vec<&str> = before.config.formats.iter().map(String::as_str).collect();
    let mut image = image_of(&merged, &formats)?;
    if !has_group_changes && patch.get("groups").is_none() {
        // The groups stay as they are, whatever became of them meanwhile.
        image.groups = GroupsInput::Change {
            connect: Vec::new(),
            disconnect: Vec::new(),
        };
    }
    let given = |field: &str| patch.get(field).is_some();
    if !OBSERVED.iter().any(|field| given(field)) {
        keep_what_is_still_true(before, &mut image);
    }
    if !given("pinnedTag") && image.config.url != before.config.url {
        image.config.pinned_tag = None;
    }
    Ok(Update { image, other_name })
}

/// What was seen of a reference is known no more once it is another one.
fn keep_what_is_still_true(before: &Image, image: &mut NewImage) {
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

/// Returns an image as the tree that a patch is applied to.
fn document_of(image: &Image) -> Node {
    let text = image.to_json();
    let mut node = json::parse(text.as_bytes(), Position::START)
        .unwrap_or_else(|_| Node::new(Value::Map(Vec::new())));
    forget_places(&mut node);
    node
}

/// The places in our own text mean nothing to the user.
fn forget_places(node: &mut Node) {
    node.at = Position::default();
    match &mut node.value {
        Value::List(nodes) => nodes.iter_mut().for_each(forget_places),
        Value::Map(entries) => {
            for entry in entries {
                entry.at = Position::default();
                forget_places(&mut entry.node);
            }
        }
        _ => {}
    }
}

/// Returns the image that a document declares in full: what the document does
/// not say has its default, but what the program learned or built stays.
///
/// # Errors
/// Every fault of the document, each at its place.
pub fn declared_by(before: Option<&Image>, document: &Node) -> Result<NewImage, Vec<Fault>> {
    let Some(before) = before else {
        let mut image = image_of(&without_observed(document), &["primehub"])?;
        settle_readiness(&mut image.config);
        return Ok(image);
    };
    let formats: Vec<&str> = before.config.formats.iter().map(String::as_str).collect();
    let mut image = image_of(&without_observed(document), &formats)?;
    let given = |field: &str| document.get(field).is_some();
    let config = &mut image.config;
    if config.author.is_none() {
        config.author.clone_from(&before.config.author);
    }
    // A build gave these; the document says only what is to be built.
    if config.spec.is_some() && !given("url") && !given("urlForGpu") {
        config.url.clone_from(&before.config.url);
        config.url_for_gpu.clone_from(&before.config.url_for_gpu);
    }
    if !given("pinnedTag") && config.url == before.config.url {
        config.pinned_tag.clone_from(&before.config.pinned_tag);
    }
    if config.spec.is_some() {
        config.job.clone_from(&before.config.job);
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
    let built = document
        .find("jobStatus.phase")
        .and_then(Node::as_text)
        .is_some_and(|phase| phase == "Succeeded");
    let kept = |entry: &&Entry| {
        !observed(&entry.key) && (built || entry.key != "jobStatus") && !is_document_kind(entry)
    };
    Node {
        at: document.at,
        value: Value::Map(entries.iter().filter(kept).cloned().collect()),
    }
}

/// Fields that say when and how often something changed.
const IGNORED_IN_FILES: [&str; 3] = ["createdAt", "updatedAt", "revision"];

/// `kind: image` says what a document is, not what the image is for.
fn is_document_kind(entry: &Entry) -> bool {
    entry.key == "kind" && entry.node.as_text() == Some("image")
}
