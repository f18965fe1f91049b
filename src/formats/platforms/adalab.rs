//! AdaLab's image metadata: a file `NAME.json` for each.

use super::super::document::Node;
use super::{Entry, Outgoing, Part};

/// Returns the entry of a document.
pub(super) fn entry(part: Part<'_>) -> Entry {
    Entry::whole(part.stem.to_owned(), part.node, Err(Vec::new()))
}

/// Returns one entry for an image.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn document(_outgoing: &Outgoing<'_>) -> Result<Node, String> {
    Err("it cannot be written yet".to_owned())
}
