//! Images → an ImageStream.

use std::collections::BTreeMap;

use super::header::Variety;
use super::runtime::{self, Wanted};
use super::{CREATOR, DOCKER_IMAGE, METADATA, NAME, PLATFORM, tag_image_name};
use crate::domain::image::{Image, ImageConfig};
use crate::domain::name::{check_resource_name, shorten};
use crate::domain::reference::Reference;
use crate::formats::document::{Entry, Node, Value};
use crate::formats::platforms::Outgoing;
use crate::formats::platforms::kept::{entry, kept_of, object, present, text, with_kept, without};

/// An ImageStream made of the images that are its tags.
#[derive(Debug)]
pub struct Stream {
    /// Null where every image was left out.
    pub node: Node,
    /// Images that are not in it: the index among those given, and why.
    pub left_out: Vec<(usize, String)>,
    /// Fields that are not in it: the index of the image, and the name of the field.
    pub lost: Vec<(usize, String)>,
}

/// An image that becomes a tag.
struct Member<'a> {
    index: usize,
    outgoing: &'a Outgoing<'a>,
    url: &'a str,
    tag: String,
    /// What the image keeps of the file that it came from.
    kept: Option<Node>,
}

/// What is the same for all tags.
struct Frame<'a> {
    name: String,
    variety: Variety,
    /// What a reader takes for the display name of every image.
    display_name: Option<&'a str>,
}

/// Returns the name of the ImageStream that an image is a tag of: that of the file
/// it came from, else its own.
#[must_use]
pub fn stream_name(image: &Image) -> String {
    name_kept(kept_of(&image.config, PLATFORM).as_ref())
        .unwrap_or(&image.config.name)
        .to_owned()
}

/// What was kept can be changed by anybody, and a file is named by it.
fn name_kept(kept: Option<&Node>) -> Option<&str> {
    let name = kept?.get("imageStream")?.as_text()?;
    check_resource_name("name", name).is_ok().then_some(name)
}

/// Returns the ImageStream of some images that all have the same [`stream_name`], in
/// the order of its tags.
#[must_use]
pub fn stream(images: &[Outgoing<'_>]) -> Stream {
    let mut left_out = Vec::new();
    let members = members_of(images, &mut left_out);
    let Some(first) = members.first() else {
        return Stream {
            node: Node::new(Value::Null),
            left_out,
            lost: Vec::new(),
        };
    };
    let source = (members.iter())
        .filter_map(|member| member.kept.as_ref())
        .find(|kept| name_kept(Some(kept)).is_some());
    let kept = source.and_then(|source| source.get("stream"));
    let variety = match first.outgoing.image.config.kind.as_deref() {
        Some("runtime") => Variety::Runtime,
        _ => Variety::Workbench,
    };
    // Runtimes have display names of their own, and so may their stream.
    let kept_name =
        annotation_of(kept, variety.display_name()).filter(|_| variety == Variety::Runtime);
    let own_name = name_kept(first.kept.as_ref()).unwrap_or(&first.outgoing.image.config.name);
    let frame = Frame {
        name: match check_resource_name("name", own_name) {
            Ok(()) => own_name.to_owned(),
            Err(_) => first.outgoing.name.to_owned(),
        },
        variety,
        display_name: kept_name.or(display_name_of(first)),
    };
    let tags = members
        .iter()
        .map(|member| tag_of(&frame, member))
        .collect();
    Stream {
        lost: lost_in(&frame, &members),
        node: node_of(&frame, first, source, tags),
        left_out,
    }
}

/// Returns an ImageStream of this image alone.
///
/// # Errors
/// Why it cannot be one.
pub(in super::super) fn document(outgoing: &Outgoing<'_>) -> Result<Node, String> {
    let mut stream = stream(std::slice::from_ref(outgoing));
    match stream.left_out.pop() {
        Some((_, reason)) => Err(reason),
        None => Ok(stream.node),
    }
}

fn members_of<'a>(
    images: &'a [Outgoing<'a>],
    left_out: &mut Vec<(usize, String)>,
) -> Vec<Member<'a>> {
    let mut members: Vec<Member<'a>> = Vec::new();
    let mut taken: BTreeMap<String, &str> = BTreeMap::new();
    for (index, outgoing) in images.iter().enumerate() {
        let Some(url) = outgoing.url else {
            let reason = "it has no `url`, and a tag of an ImageStream needs an image";
            left_out.push((index, reason.to_owned()));
            continue;
        };
        let kept = kept_of(&outgoing.image.config, PLATFORM);
        let tag = tag_name(kept.as_ref(), url, &outgoing.image.config);
        if let Some(other) = taken.get(&tag) {
            let tag = shorten(&tag);
            let reason = format!("the tag `{tag}` of the ImageStream is that of image `{other}`");
            left_out.push((index, reason));
            continue;
        }
        taken.insert(tag.clone(), outgoing.name);
        members.push(Member {
            index,
            outgoing,
            url,
            tag,
            kept,
        });
    }
    members
}

fn tag_name(kept: Option<&Node>, url: &str, config: &ImageConfig) -> String {
    let kept = kept.and_then(|kept| kept.get("tag")?.as_text());
    if let Some(tag) = kept.filter(|tag| !tag.is_empty()) {
        return tag.to_owned();
    }
    let reference = Reference::parse(url).ok();
    let tag = reference.as_ref().and_then(Reference::tag);
    (tag.map(|tag| tag.as_str().to_owned()))
        .or_else(|| config.pinned_tag.clone())
        .unwrap_or_else(|| "latest".to_owned())
}

/// Returns the display name, unless a reader would take it anyway.
fn display_name_of<'a>(member: &Member<'a>) -> Option<&'a str> {
    let display_name = member.outgoing.image.config.display_name.as_str();
    (display_name != member.outgoing.name).then_some(display_name)
}

fn annotation_of<'a>(holder: Option<&'a Node>, key: &str) -> Option<&'a str> {
    holder?.find("metadata.annotations")?.get(key)?.as_text()
}

fn lost_in(frame: &Frame<'_>, members: &[Member<'_>]) -> Vec<(usize, String)> {
    let mut lost = Vec::new();
    let Some(first) = members.first() else {
        return lost;
    };
    let is_runtime = frame.variety == Variety::Runtime;
    for member in members {
        let config = &member.outgoing.image.config;
        let kind = config.kind.as_deref();
        let is_of_other_kind = match kind {
            Some("runtime") => !is_runtime,
            Some("notebook") => is_runtime,
            _ => false,
        };
        let left_behind = is_of_other_kind && !is_runtime;
        let fields = [
            (
                "displayName",
                !is_runtime && display_name_of(member) != display_name_of(first),
            ),
            (
                "description",
                config.description != first.outgoing.image.config.description,
            ),
            ("kind", is_of_other_kind),
            (
                "pullSecret",
                left_behind && member.outgoing.pull_secret.is_some(),
            ),
            ("pullPolicy", left_behind && config.pull_policy.is_some()),
            ("tags", left_behind && !config.tags.is_empty()),
        ];
        let names = fields.iter().filter(|(_, is_lost)| *is_lost);
        lost.extend(names.map(|(name, _)| (member.index, (*name).to_owned())));
    }
    lost
}

fn node_of(frame: &Frame<'_>, first: &Member<'_>, source: Option<&Node>, tags: Vec<Node>) -> Node {
    let config = &first.outgoing.image.config;
    let kept = source.and_then(|source| source.get("stream"));
    let had_creator = annotation_of(kept, CREATOR);
    let author = config.author.as_ref();
    let author = author.filter(|_| source.is_none() || had_creator.is_some());
    let is_creator_gone = author.is_none() && had_creator.is_some_and(|name| !name.is_empty());
    let kept = match is_creator_gone {
        true => kept.and_then(|kept| without(kept, &[&["metadata", "annotations", CREATOR]])),
        false => kept.cloned(),
    };
    let variety = frame.variety;
    let annotations = present([
        (variety.display_name(), frame.display_name.map(text)),
        (variety.description(), config.description.as_ref().map(text)),
        (CREATOR, author.map(text)),
    ]);
    let metadata = present([
        ("labels", Some(object([(variety.label(), text("true"))]))),
        ("annotations", filled(annotations)),
        ("name", Some(text(&frame.name))),
    ]);
    let kept_policy = kept
        .as_ref()
        .and_then(|kept| kept.find("spec.lookupPolicy"));
    let local = || object([("local", Node::new(Value::Bool(true)))]);
    let spec = present([
        (
            "lookupPolicy",
            kept_policy
                .cloned()
                .or_else(|| source.is_none().then(local)),
        ),
        ("tags", Some(Node::new(Value::List(tags)))),
    ]);
    let written = present([
        ("apiVersion", Some(text(super::API_VERSION))),
        ("kind", Some(text("ImageStream"))),
        ("metadata", Some(metadata)),
        ("spec", Some(spec)),
    ]);
    with_kept(written, kept.as_ref())
}

fn filled(node: Node) -> Option<Node> {
    let is_empty = node.as_map().is_some_and(<[Entry]>::is_empty);
    (!is_empty).then_some(node)
}

fn tag_of(frame: &Frame<'_>, member: &Member<'_>) -> Node {
    let name = member.outgoing.name;
    let kept = member.kept.as_ref().and_then(|kept| kept.get("fields"));
    let mut annotations = Vec::new();
    if tag_image_name(&frame.name, &member.tag).as_deref() != Some(name) {
        annotations.push(entry(NAME, text(name)));
    }
    if frame.variety == Variety::Runtime {
        let config = &member.outgoing.image.config;
        let wanted = Wanted {
            display_name: &config.display_name,
            default_display_name: frame.display_name.unwrap_or(name),
            tags: &config.tags,
            pull_policy: config.pull_policy,
            pull_secret: member.outgoing.pull_secret,
            urls: [member.url, config.url.as_deref().unwrap_or(member.url)],
        };
        let old = kept.and_then(|kept| kept.get("annotations")?.get(METADATA));
        // A file may do without, but what is made here is what Elyra reads.
        let may_stay = old.is_some() || member.kept.is_some();
        if !may_stay || !runtime::says(old, &wanted) {
            annotations.push(entry(METADATA, text(runtime::written(old, &wanted))));
        }
    }
    let from = object([("kind", text(DOCKER_IMAGE)), ("name", text(member.url))]);
    let policy = || object([("type", text("Source"))]);
    let written = present([
        ("annotations", filled(Node::new(Value::Map(annotations)))),
        ("from", Some(from)),
        ("name", Some(text(&member.tag))),
        ("referencePolicy", member.kept.is_none().then(policy)),
    ]);
    // Annotations come first, as people write them.
    let kept_annotations = kept.and_then(|kept| Some(("annotations", kept.get("annotations")?)));
    match kept_annotations {
        Some((key, node)) if written.get(key).is_none() => {
            let annotated = object([(key, node.clone())]);
            with_kept(with_kept(annotated, Some(&written)), kept)
        }
        _ => with_kept(written, kept),
    }
}
