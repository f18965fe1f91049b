//! Names that PrimeHub does not allow.

use super::{KIND, PLATFORM};
use crate::formats::document::{Fault, Node, Value};

/// Makes the names of a document fit where they are not allowed.
pub(in super::super) fn rename(node: &mut Node) {
    let is_json = node.get("apiVersion").or(node.get("items")).is_none()
        && node.get("kind").and_then(Node::as_text) != Some(KIND);
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    for entry in entries {
        match (entry.key.as_str(), &mut entry.node.value) {
            ("name" | "id", _) if is_json => make_fit(&mut entry.node),
            ("metadata", Value::Map(fields)) if !is_json => fields
                .iter_mut()
                .filter(|field| field.key == "name")
                .for_each(|field| make_fit(&mut field.node)),
            ("items", Value::List(items)) => items.iter_mut().for_each(rename),
            _ => {}
        }
    }
}

fn make_fit(node: &mut Node) {
    let near = node
        .as_text()
        .filter(|name| PLATFORM.check_name(name).is_err());
    if let Some(near) = near.and_then(|name| PLATFORM.nearest_name(name)) {
        node.value = Value::String(near);
    }
}

/// Adds the nearest allowed name to what is said of one that is not allowed.
pub(super) fn with_near(node: &Node, mut faults: Vec<Fault>) -> Vec<Fault> {
    let name = node.get("name").and_then(Node::as_text);
    let name = name.filter(|name| PLATFORM.check_name(name).is_err());
    if let Some(near) = name.and_then(|name| PLATFORM.nearest_name(name)) {
        let of_name = faults.iter_mut().filter(|fault| fault.field == "name");
        of_name.for_each(|fault| {
            fault.message += &format!("; the nearest allowed name is `{near}`");
        });
    }
    faults
}
