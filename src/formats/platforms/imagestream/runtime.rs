//! What Elyra is told of a runtime: a list with one runtime image, as JSON in an
//! annotation of the tag. Open Data Hub itself fills in the reference.

use crate::domain::image::PullPolicy;
use crate::formats::decode::Decoder;
use crate::formats::document::{Node, Position, Value, json, write_json_pretty};
use crate::formats::platforms::kept::{present, text, with_kept, without, words};

/// What the JSON says of an image.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    pub display_name: Option<String>,
    pub tags: Vec<String>,
    pub pull_policy: Option<PullPolicy>,
    pub pull_secret: Option<String>,
}

/// What the JSON is to say.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub display_name: &'a str,
    /// What a reader takes where the JSON has none.
    pub default_display_name: &'a str,
    pub tags: &'a [String],
    pub pull_policy: Option<PullPolicy>,
    pub pull_secret: Option<&'a str>,
    /// The references of the image: by tag and by digest.
    pub urls: [&'a str; 2],
}

/// Returns what an annotation says. Its faults all stand where the annotation does.
pub(super) fn read(decoder: &mut Decoder, field: &str, node: &Node) -> Metadata {
    let mut metadata = Metadata::default();
    let Some(text) = decoder.text(field, node) else {
        return metadata;
    };
    let mut list = match json::parse(text.as_bytes(), Position::START) {
        Ok(list) => list,
        Err(fault) => {
            let rule = format!(
                "it should be a list of runtime images in JSON, but at {} of it: {}",
                fault.at, fault.message
            );
            decoder.push(node.fault(field, rule));
            return metadata;
        }
    };
    put_all_at(&mut list, node.at);
    let Some(first) = decoder.list(field, &list).first() else {
        return metadata;
    };
    let field = format!("{field}[0]");
    for entry in decoder.object(&field, first) {
        let field = format!("{field}.{}", entry.key);
        match entry.key.as_str() {
            "display_name" => metadata.display_name = decoder.text(&field, &entry.node),
            "metadata" => metadata_of(decoder, &field, &entry.node, &mut metadata),
            _ => {}
        }
    }
    metadata
}

fn metadata_of(decoder: &mut Decoder, field: &str, node: &Node, metadata: &mut Metadata) {
    for entry in decoder.object(field, node) {
        let (field, node) = (format!("{field}.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "tags" => metadata.tags = decoder.words(&field, node),
            "pull_policy" => {
                metadata.pull_policy =
                    decoder.choice(&field, node, &PullPolicy::NAMES, PullPolicy::from_name);
            }
            "pull_secret" => {
                let secret = decoder.text(&field, node);
                metadata.pull_secret = secret.filter(|secret| !secret.is_empty());
            }
            _ => {}
        }
    }
}

/// The lines of the JSON are not those of the file.
fn put_all_at(node: &mut Node, at: Position) {
    node.at = at;
    match &mut node.value {
        Value::List(nodes) => nodes.iter_mut().for_each(|node| put_all_at(node, at)),
        Value::Map(entries) => {
            for entry in entries {
                entry.at = at;
                put_all_at(&mut entry.node, at);
            }
        }
        _ => {}
    }
}

/// Returns whether an annotation that was kept says what it is to say.
pub(super) fn says(kept: Option<&Node>, wanted: &Wanted<'_>) -> bool {
    let mut decoder = Decoder::default();
    let found = kept.map(|kept| read(&mut decoder, "", kept));
    let found = found.unwrap_or_default();
    let display_name = found.display_name.as_deref();
    decoder.faults.is_empty()
        && display_name.unwrap_or(wanted.default_display_name) == wanted.display_name
        && found.tags == wanted.tags
        && found.pull_policy == wanted.pull_policy
        && found.pull_secret.as_deref() == wanted.pull_secret
        && kept
            .and_then(first_of)
            .and_then(|first| {
                first
                    .find("metadata.image_name")?
                    .as_text()
                    .map(str::to_owned)
            })
            .is_none_or(|name| wanted.urls.contains(&name.as_str()))
}

/// Returns the JSON anew, with all that was not known in the one that was kept.
pub(super) fn written(kept: Option<&Node>, wanted: &Wanted<'_>) -> String {
    let list = kept.and_then(list_of).unwrap_or_default();
    let (first, others) = match list.split_first() {
        Some((first, others)) => (Some(first), others),
        None => (None, &[][..]),
    };
    let old = |path: &str| first.and_then(|first| first.find(path));
    let is_same_name = old("metadata.display_name").is_some_and(|name| {
        let outer = old("display_name").and_then(Node::as_text);
        name.as_text().is_some() && name.as_text() == outer
    });
    let metadata = present([
        (
            "tags",
            (!wanted.tags.is_empty()).then(|| words(wanted.tags)),
        ),
        (
            "display_name",
            is_same_name.then(|| text(wanted.display_name)),
        ),
        (
            "image_name",
            old("metadata.image_name").map(|_| text(wanted.urls[0])),
        ),
        (
            "pull_policy",
            wanted.pull_policy.map(|policy| text(policy.name())),
        ),
        ("pull_secret", wanted.pull_secret.map(text)),
    ]);
    let written = present([
        ("display_name", Some(text(wanted.display_name))),
        ("metadata", Some(metadata)),
        ("schema_name", Some(text("runtime-image"))),
    ]);
    let known: [&[&str]; 5] = [
        &["display_name"],
        &["schema_name"],
        &["metadata", "tags"],
        &["metadata", "pull_policy"],
        &["metadata", "pull_secret"],
    ];
    let left = first.and_then(|first| without(first, &known));
    let mut list = vec![with_kept(written, left.as_ref())];
    list.extend(others.iter().cloned());
    let mut out = Vec::new();
    write_json_pretty(&Node::new(Value::List(list)), 0, &mut out);
    out.push(b'\n');
    String::from_utf8_lossy(&out).into_owned()
}

fn list_of(annotation: &Node) -> Option<Vec<Node>> {
    let list = json::parse(annotation.as_text()?.as_bytes(), Position::START).ok()?;
    match list.value {
        Value::List(nodes) => Some(nodes),
        _ => None,
    }
}

fn first_of(annotation: &Node) -> Option<Node> {
    list_of(annotation)?.into_iter().next()
}
