//! Open Data Hub's ImageStreams, of workbenches and of runtimes: each tag is an image.

use super::super::document::Node;
use super::{Entry, Outgoing, Part};
use crate::domain::image::Image;

/// The entries of a document.
pub(super) fn entries(_part: Part<'_>) -> Vec<Entry> {
    Vec::new()
}

/// An ImageStream made of the images that are its tags.
#[derive(Debug)]
pub struct Stream {
    pub node: Node,
    /// Images that are not in it: the index among those given, and why.
    pub left_out: Vec<(usize, String)>,
    /// Fields that are not in it: the index of the image, and the name of the field.
    pub lost: Vec<(usize, String)>,
}

/// Returns the name of the ImageStream that an image is a tag of: that of the file
/// it came from, else its own.
#[must_use]
pub fn stream_name(image: &Image) -> String {
    image.config.name.clone()
}

/// Returns the ImageStream of some images that all have the same [`stream_name`], in
/// the order of its tags.
#[must_use]
pub fn stream(_images: &[Outgoing<'_>]) -> Stream {
    Stream {
        node: Node::new(super::super::document::Value::Null),
        left_out: Vec::new(),
        lost: Vec::new(),
    }
}

/// Returns an ImageStream of this image alone.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn document(_outgoing: &Outgoing<'_>) -> Result<Node, String> {
    Err("it cannot be written yet".to_owned())
}
