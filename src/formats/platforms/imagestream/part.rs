//! Tags by themselves: each as an ImageStream that holds no other.

use super::{API_VERSION, METADATA, PLATFORM, document, entries, runtime};
use crate::domain::image::{Image, ImageConfig};
use crate::formats::decode::Decoder;
use crate::formats::document::{Node, Value};
use crate::formats::platforms::kept::{filled_in, is_same, kept_of, object, text, with_kept};
use crate::formats::platforms::{Outgoing, Part};

/// Returns the ImageStream of one tag, with what stands beside the tags.
pub(super) fn part_of(beside: Option<&Node>, tag: &Node) -> Node {
    let beside = beside.cloned().unwrap_or(Node::new(Value::Map(Vec::new())));
    let tags = Node::new(Value::List(vec![tag.clone()]));
    filled_in(typed(beside), object([("spec", object([("tags", tags)]))]))
}

/// Returns an ImageStream that says what it is, which those in a list need not.
pub(super) fn typed(node: Node) -> Node {
    let types = [
        ("apiVersion", text(API_VERSION)),
        ("kind", text("ImageStream")),
    ];
    with_kept(node, Some(&object(types)))
}

/// Returns whether what a file holds beside an image's own fields is only what
/// [`document`] writes of that image: then there is nothing to keep of the file.
pub(in super::super) fn is_only_written(config: &ImageConfig, kept: &Node) -> bool {
    let mut config = config.clone();
    config.extra.retain(|(key, _)| key != PLATFORM.name());
    let image = Image {
        config,
        ..Image::default()
    };
    let metadata = kept
        .find("fields.annotations")
        .and_then(|annotations| annotations.get(METADATA))
        .map(|annotation| runtime::read(&mut Decoder::default(), "", annotation));
    let outgoing = Outgoing {
        image: &image,
        name: &image.config.name,
        url: image.config.url.as_deref(),
        url_for_gpu: None,
        // Only the file knows what a secret of the catalog is called in the cluster.
        pull_secret: metadata
            .as_ref()
            .and_then(|metadata| metadata.pull_secret.as_deref()),
        base_pull_secret: None,
    };
    let Ok(node) = document(&outgoing) else {
        return false;
    };
    let read = entries(Part {
        stem: "",
        node: &node,
    });
    let written = read.into_iter().find_map(|entry| entry.image.ok());
    let written = written.and_then(|written| kept_of(&written.image.config, PLATFORM));
    written.is_some_and(|written| is_same(&written, kept))
}
