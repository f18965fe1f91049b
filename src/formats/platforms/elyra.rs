//! Elyra's `runtime-images`: a file `NAME.json` for each
//! (Elyra 4.1, `metadata/schemas/runtime-image.json`).

use super::super::decode::Decoder;
use super::super::document::{self, Fault, Node, Value};
use super::kept::{entry, keep, kept_of, present, text, unknown, with_kept, words};
use super::{Entry, Incoming, Outgoing, Part, finished, not_an_object};
use crate::domain::image::{ImageConfig, NewImage, PullPolicy};
use crate::domain::name::{LONGEST_NAME, shorten};
use crate::domain::platform::Platform;
use crate::domain::reference::{DigestAlgorithm, Reference};
use crate::formats::platforms::fields;

const PLATFORM: Platform = Platform::RuntimeImages;

/// What Elyra calls the schema of a runtime image.
const SCHEMA: &str = "runtime-image";

/// The fields that the catalog knows.
const KNOWN: [&str; 7] = [
    "display_name",
    "schema_name",
    "metadata.description",
    "metadata.tags",
    "metadata.image_name",
    "metadata.pull_policy",
    "metadata.pull_secret",
];

/// Returns the entry of a file.
pub(super) fn entry_of(part: Part<'_>) -> Entry {
    let image = image_of(part).map(|image| Incoming {
        image,
        fields: fields::held(PLATFORM).to_vec(),
    });
    Entry::whole(part.stem.to_owned(), part.node, image)
}

fn image_of(part: Part<'_>) -> Result<NewImage, Vec<Fault>> {
    let node = part.node;
    if node.as_map().is_none() {
        return Err(not_an_object(node, "a runtime image"));
    }
    let mut decoder = Decoder::default();
    let mut image = NewImage::default();
    let config = &mut image.config;
    part.stem.clone_into(&mut config.name);
    match required(&mut decoder, node, "schema_name") {
        Some(schema) if schema != SCHEMA => {
            let rule = format!(
                "schema_name should be `{SCHEMA}`, but is `{}`",
                shorten(&schema)
            );
            let at = node.get("schema_name").unwrap_or(node);
            decoder.push(at.fault("schema_name", rule));
        }
        _ => {}
    }
    config.display_name = required(&mut decoder, node, "display_name").unwrap_or_default();
    match node.get("metadata") {
        Some(metadata) if metadata.as_map().is_some() => {
            metadata_of(&mut decoder, metadata, config)
        }
        Some(other) if !other.is_null() => decoder.mistyped("metadata", other, "an object"),
        _ => decoder.push(node.fault("metadata", "metadata is required")),
    }
    let left = unknown(node, &KNOWN).and_then(|left| without_place(left, part.stem));
    keep(config, PLATFORM, left);
    finished(PLATFORM, image, decoder.faults, node, place)
}

/// Takes away the two fields in which Elyra's own export says where Elyra had the
/// file, as far as they say no more than its name.
fn without_place(left: Node, stem: &str) -> Option<Node> {
    let Value::Map(mut entries) = left.value else {
        return None;
    };
    let file = format!("/{stem}.json");
    entries.retain(|entry| match (entry.key.as_str(), entry.node.as_text()) {
        ("name", Some(name)) => name != stem,
        ("resource", Some(path)) => !path.ends_with(&file),
        _ => true,
    });
    (!entries.is_empty()).then(|| Node::new(Value::Map(entries)))
}

fn metadata_of(decoder: &mut Decoder, metadata: &Node, config: &mut ImageConfig) {
    let mut has_image = false;
    for entry in metadata.as_map().unwrap_or_default() {
        let (field, node) = (format!("metadata.{}", entry.key), &entry.node);
        match entry.key.as_str() {
            "description" => config.description = decoder.text(&field, node),
            "tags" => {
                config.tags = decoder.words(&field, node);
                check_tags(decoder, node);
            }
            "image_name" => {
                has_image = !node.is_null();
                config.url = decoder.text(&field, node);
                check_digest(decoder, node, config.url.as_deref());
            }
            "pull_policy" => {
                config.pull_policy =
                    decoder.choice(&field, node, &PullPolicy::NAMES, PullPolicy::from_name);
            }
            "pull_secret" => {
                config.pull_secret = decoder.text(&field, node);
                if let Some(secret) = &config.pull_secret
                    && !is_secret_name(secret)
                {
                    let rule = format!(
                        "pull_secret should be the name of a Kubernetes secret: 2 to \
                         {LONGEST_NAME} lower case alphanumeric characters, '-' or '.', starting \
                         and ending with an alphanumeric character, but is `{}`",
                        shorten(secret)
                    );
                    decoder.push(node.fault(field, rule));
                }
            }
            _ => {}
        }
    }
    if !has_image {
        decoder.push(metadata.fault("metadata.image_name", "image_name is required"));
    }
}

/// Returns a string that must be there and not be empty.
fn required(decoder: &mut Decoder, node: &Node, field: &str) -> Option<String> {
    let missing = |at: &Node| at.fault(field, format!("{field} is required"));
    match node.get(field) {
        None => decoder.push(missing(node)),
        Some(value) if value.is_null() => decoder.push(missing(value)),
        Some(value) => {
            let text = decoder.text(field, value)?;
            if !text.is_empty() {
                return Some(text);
            }
            decoder.push(value.fault(field, format!("{field} should not be empty")));
        }
    }
    None
}

/// Elyra's pattern: `^[^ \t]+([ \t]+[^ \t]+)*$`.
fn check_tags(decoder: &mut Decoder, node: &Node) {
    for (index, node) in node.as_list().unwrap_or_default().iter().enumerate() {
        if let Some(tag) = node.as_text()
            && !tag.is_empty()
            && tag.trim_matches([' ', '\t']) != tag
        {
            let rule = format!(
                "a tag should have no white space at its ends, but is `{}`",
                shorten(tag)
            );
            decoder.push(node.fault(format!("metadata.tags[{index}]"), rule));
        }
    }
}

fn check_digest(decoder: &mut Decoder, node: &Node, url: Option<&str>) {
    let algorithm = url
        .and_then(|url| Reference::parse(url).ok())
        .and_then(|reference| Some(reference.digest()?.algorithm()));
    if algorithm.is_some_and(|algorithm| algorithm != DigestAlgorithm::Sha256) {
        let rule = "image_name should be pinned by a sha256 digest, and by no other";
        decoder.push(node.fault("metadata.image_name", rule));
    }
}

/// Elyra's pattern: `^[a-z0-9][a-z0-9-.]*[a-z0-9]$`, at most 253 characters.
fn is_secret_name(name: &str) -> bool {
    let end = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (2..=LONGEST_NAME).contains(&name.len())
        && end(name.bytes().next())
        && end(name.bytes().next_back())
        && name
            .bytes()
            .all(|byte| end(Some(byte)) || b"-.".contains(&byte))
}

/// Returns where the file has a field of the catalog.
fn place(field: &str) -> String {
    match field {
        "displayName" => "display_name".to_owned(),
        "url" => "metadata.image_name".to_owned(),
        "pullSecret" => "metadata.pull_secret".to_owned(),
        "description" | "tags" => format!("metadata.{field}"),
        other => match other.strip_prefix("tags[") {
            Some(rest) => format!("metadata.tags[{rest}"),
            None => other.to_owned(),
        },
    }
}

/// Returns the file of an image.
///
/// # Errors
/// For an image without a reference.
pub(super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    if outgoing.url.is_none() {
        return Err("it has no `url`, and a runtime image needs an image_name".to_owned());
    }
    Ok(runtime_image(outgoing))
}

/// Returns the file of an image, without an image_name where there is no
/// reference.
#[must_use]
pub fn runtime_image(outgoing: &Outgoing<'_>) -> Node {
    let config = &outgoing.image.config;
    let metadata = present([
        ("description", config.description.as_ref().map(text)),
        (
            "tags",
            (!config.tags.is_empty()).then(|| words(&config.tags)),
        ),
        ("image_name", outgoing.url.map(text)),
        (
            "pull_policy",
            config.pull_policy.map(|policy| text(policy.name())),
        ),
        ("pull_secret", outgoing.pull_secret.map(text)),
    ]);
    let written = present([
        ("display_name", Some(text(&config.display_name))),
        ("metadata", Some(metadata)),
        ("schema_name", Some(text(SCHEMA))),
    ]);
    with_kept(written, kept_of(config, PLATFORM).as_ref())
}

/// A runtime image as a user gives it: an instance, single fields of it, or both.
#[derive(Debug, Default)]
pub struct Instance {
    pub instance: Option<Node>,
    pub display_name: Option<String>,
    /// Fields of `metadata`; unset ones are taken away.
    pub metadata: Vec<(&'static str, Option<Node>)>,
}

impl Instance {
    /// Returns whether an instance was given, not only single fields.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.instance.is_some()
    }

    /// Returns whether anything was given at all.
    #[must_use]
    pub fn says_anything(&self) -> bool {
        self.is_whole() || self.display_name.is_some() || !self.metadata.is_empty()
    }

    /// Returns the instance that was given, with the single fields in it.
    #[must_use]
    pub fn whole(&self) -> Node {
        let empty = || {
            present([
                ("metadata", Some(Node::new(Value::Map(Vec::new())))),
                ("schema_name", Some(text(SCHEMA))),
            ])
        };
        let mut instance = self.over(self.instance.clone().unwrap_or_else(empty));
        // Elyra's own tool takes the schema from the command line too.
        if let Value::Map(entries) = &mut instance.value
            && entries.iter().all(|entry| entry.key != "schema_name")
        {
            set(entries, "schema_name", Some(text(SCHEMA)));
        }
        instance
    }

    /// Returns an instance with the single fields in it.
    #[must_use]
    pub fn over(&self, mut instance: Node) -> Node {
        let Value::Map(entries) = &mut instance.value else {
            return instance;
        };
        if let Some(display_name) = &self.display_name {
            set(entries, "display_name", Some(text(display_name)));
        }
        if self.metadata.is_empty() {
            return instance;
        }
        let known = entries.iter_mut().find(|entry| entry.key == "metadata");
        if let Some(Value::Map(fields)) = known.map(|entry| &mut entry.node.value) {
            for (field, node) in &self.metadata {
                set(fields, field, node.clone());
            }
        } else {
            let fields = self.metadata.iter();
            let fields = fields.filter_map(|(key, node)| Some(entry(key, node.clone()?)));
            let metadata = Node::new(Value::Map(fields.collect()));
            set(entries, "metadata", Some(metadata));
        }
        instance
    }
}

fn set(entries: &mut Vec<document::Entry>, key: &str, node: Option<Node>) {
    entries.retain(|entry| entry.key != key);
    entries.extend(node.map(|node| entry(key, node)));
}
