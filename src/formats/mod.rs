//! Text ↔ domain, pure: what files and pipes hold, and what it means.

pub mod attached;
pub mod config;
mod decode;
pub mod document;
pub mod group;
pub mod image;
mod image_update;
pub mod kubernetes;
mod merge;
mod observed;
pub mod platforms;
pub mod secret;
pub mod toml;

pub use image_update::{declared_by, update_of};

use document::{Fault, Node, Position, Value};

use crate::domain::image_rules::FieldFault;

/// Returns a broken rule with the place of the field that breaks it: of its
/// value where it is written, else of the nearest thing that holds it.
#[must_use]
pub fn locate(fault: FieldFault, node: &Node) -> Fault {
    let mut path = fault.field.as_str();
    let at = loop {
        match node.find(path) {
            Some(found) if found.at != Position::default() => break found.at,
            _ => match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => break node.at,
            },
        }
    };
    Fault {
        at,
        field: fault.field,
        message: fault.message,
    }
}

/// Returns the tree of a text of our own, without its places.
///
/// # Errors
/// The fault that it has.
pub fn own_tree(text: &[u8]) -> Result<Node, Fault> {
    let mut node = document::json::parse(text, Position::START)?;
    forget_places(&mut node);
    Ok(node)
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
