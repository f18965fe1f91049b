//! What an ImageStream says of all its tags.

use super::{API_VERSION, CREATOR};
use crate::domain::name::{check_resource_name, shorten};
use crate::formats::decode::Decoder;
use crate::formats::document::{Entry, Fault, MAX_ITEM, Node, write_json};
use crate::formats::platforms::kept::without;
use crate::formats::platforms::not_an_object;

/// The bytes of a stream that may be kept, those for every tag of it together.
const MOST_KEPT: usize = 4 * MAX_ITEM;

/// What Open Data Hub uses the images of a stream for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variety {
    Workbench,
    Runtime,
}

impl Variety {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Workbench => "notebook",
            Self::Runtime => "runtime",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Workbench => "opendatahub.io/notebook-image",
            Self::Runtime => "opendatahub.io/runtime-image",
        }
    }

    pub(super) fn display_name(self) -> &'static str {
        match self {
            Self::Workbench => "opendatahub.io/notebook-image-name",
            Self::Runtime => "opendatahub.io/runtime-image-name",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Workbench => "opendatahub.io/notebook-image-desc",
            Self::Runtime => "opendatahub.io/runtime-image-desc",
        }
    }
}

/// What an ImageStream says of all its tags.
pub(super) struct Header<'a> {
    pub document: &'a Node,
    pub name: String,
    pub variety: Variety,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub creator: Option<String>,
    pub tags: &'a [Node],
}

/// Returns what an ImageStream says. One that stands in a list of ImageStreams need not
/// say what it is.
///
/// # Errors
/// What is wrong with all of it.
pub(super) fn header_of(node: &Node, is_typed: bool) -> Result<Header<'_>, Vec<Fault>> {
    if node.as_map().is_none() {
        return Err(not_an_object(node, "an ImageStream"));
    }
    let mut decoder = Decoder::default();
    for (field, wanted) in [("apiVersion", API_VERSION), ("kind", "ImageStream")] {
        let found = node.get(field).filter(|found| !found.is_null());
        let said = found.and_then(|found| decoder.text(field, found));
        match (found, said) {
            (Some(found), Some(said)) if said != wanted => {
                let rule = format!("{field} should be `{wanted}`, but is `{}`", shorten(&said));
                decoder.push(found.fault(field, rule));
            }
            (None, _) if is_typed => {
                decoder.push(node.fault(field, format!("{field} is required: `{wanted}`")));
            }
            _ => {}
        }
    }
    let metadata = node.get("metadata").filter(|metadata| !metadata.is_null());
    let Some(metadata) = metadata else {
        decoder.push(node.fault("metadata", "metadata is required"));
        return Err(decoder.faults);
    };
    if metadata.as_map().is_none() {
        decoder.mistyped("metadata", metadata, "an object");
        return Err(decoder.faults);
    }
    let name = name_of(&mut decoder, metadata);
    let variety = variety_of(&mut decoder, metadata);
    let annotations = metadata.get("annotations");
    strings_of(&mut decoder, "metadata.annotations", annotations);
    let of_annotation = |key: &str| Some(annotations?.get(key)?.as_text()?.to_owned());
    let known = variety.unwrap_or(Variety::Workbench);
    let display_name = of_annotation(known.display_name());
    let description = of_annotation(known.description());
    let creator = of_annotation(CREATOR).filter(|creator| !creator.is_empty());
    let tags = node.find("spec.tags");
    let tags = tags.map_or(&[][..], |tags| decoder.list("spec.tags", tags));
    let header = Header {
        document: node,
        name,
        variety: known,
        display_name,
        description,
        creator,
        tags,
    };
    if decoder.faults.is_empty() {
        check_tags(&mut decoder, &header);
    }
    if decoder.faults.is_empty() {
        return Ok(header);
    }
    decoder.faults.sort_by_key(|fault| fault.at);
    Err(decoder.faults)
}

/// A name from a file becomes the name of a file.
fn name_of(decoder: &mut Decoder, metadata: &Node) -> String {
    let found = metadata.get("name").filter(|name| !name.is_null());
    let Some(found) = found else {
        decoder.push(metadata.fault("metadata.name", "name is required"));
        return String::new();
    };
    let name = decoder.text("metadata.name", found).unwrap_or_default();
    if found.as_text().is_some()
        && let Err(rule) = check_resource_name("name", &name)
    {
        decoder.push(found.fault("metadata.name", rule));
    }
    name
}

fn variety_of(decoder: &mut Decoder, metadata: &Node) -> Option<Variety> {
    let labels = metadata.get("labels");
    strings_of(decoder, "metadata.labels", labels);
    let is_set = |variety: &Variety| {
        let value = labels.and_then(|labels| labels.get(variety.label()));
        // That it should be a string was said above.
        value.is_some_and(|value| value.as_text() == Some("true") || value.as_bool() == Some(true))
    };
    let variety = [Variety::Workbench, Variety::Runtime]
        .into_iter()
        .find(is_set);
    if variety.is_none() {
        let rule = format!(
            "one of the labels `{}` and `{}` should be \"true\"",
            Variety::Workbench.label(),
            Variety::Runtime.label()
        );
        decoder.push(labels.unwrap_or(metadata).fault("metadata.labels", rule));
    }
    variety
}

/// Returns the labels or annotations that are strings, and tells of the others:
/// Kubernetes refuses all of an object for one that is not.
pub(super) fn strings_of<'a>(
    decoder: &mut Decoder,
    field: &str,
    node: Option<&'a Node>,
) -> Vec<&'a Entry> {
    let entries = node.map_or(&[][..], |node| decoder.object(field, node));
    let mut strings = Vec::with_capacity(entries.len());
    for entry in entries {
        let advice = match entry.node.kind_name() {
            "a string" => {
                strings.push(entry);
                continue;
            }
            "true or false" | "a number" => ", which Kubernetes refuses: quote it",
            _ => "",
        };
        let (key, kind) = (shorten(&entry.key), entry.node.kind_name());
        let rule = format!("{key} should be a string, but is {kind}{advice}");
        decoder.push(entry.node.fault(format!("{field}[{key}]"), rule));
    }
    strings
}

fn check_tags(decoder: &mut Decoder, header: &Header<'_>) {
    let document = header.document;
    let at = document.find("spec.tags").unwrap_or(document);
    if header.tags.is_empty() {
        let rule = "tags is required: an ImageStream without tags holds no image";
        decoder.push(at.fault("spec.tags", rule));
    }
    let mut text = Vec::new();
    if let Some(beside) = beside_tags(document) {
        write_json(&beside, &mut text);
    }
    if text.len().saturating_mul(header.tags.len()) > MOST_KEPT {
        let rule = format!(
            "what the ImageStream holds beside its tags is kept with each of them, and for {} \
             tags that is more than {} MiB",
            header.tags.len(),
            MOST_KEPT / 1024 / 1024
        );
        decoder.push(at.fault("spec.tags", rule));
    }
}

/// Returns an ImageStream without its tags.
pub(super) fn beside_tags(document: &Node) -> Option<Node> {
    without(document, &[&["spec", "tags"]])
}

/// Returns what an ImageStream has beside its tags and what is said of each image.
pub(super) fn left_of(header: &Header<'_>, with_display_name: bool) -> Option<Node> {
    let variety = header.variety;
    let display_name: &[&str] = &["metadata", "annotations", variety.display_name()];
    let label: &[&str] = &["metadata", "labels", variety.label()];
    let description: &[&str] = &["metadata", "annotations", variety.description()];
    let mut known: Vec<&[&str]> = vec![
        &["apiVersion"],
        &["kind"],
        &["metadata", "name"],
        label,
        description,
        &["spec", "tags"],
    ];
    if !with_display_name {
        known.push(display_name);
    }
    without(header.document, &known)
}
