//! Groups as documents of an applied folder.

use super::decode::Decoder;
use super::document::{Fault, Node};
use crate::domain::name::{check_group_name, is_uuid, shorten};

/// A group as a document describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDocument {
    pub id: Option<String>,
    pub name: String,
    pub display_name: Option<String>,
}

/// Returns the group that an object describes.
///
/// # Errors
/// Every fault of the object, each at its place.
pub fn group_of(node: &Node) -> Result<GroupDocument, Vec<Fault>> {
    let mut decoder = Decoder::default();
    let mut group = GroupDocument {
        id: None,
        name: String::new(),
        display_name: None,
    };
    for entry in decoder.object("", node) {
        let field = entry.key.as_str();
        match field {
            "kind" => {}
            "id" => group.id = decoder.text(field, &entry.node),
            "name" => group.name = decoder.text(field, &entry.node).unwrap_or_default(),
            "displayName" => group.display_name = decoder.text(field, &entry.node),
            _ => decoder.unknown("", entry, &["id", "name", "displayName"]),
        }
    }
    if let Err(rule) = check_group_name(&group.name) {
        let at = node.get("name").unwrap_or(node);
        decoder.faults.push(at.fault("name", rule));
    }
    if let Some(id) = &group.id
        && !is_uuid(id)
    {
        let at = node.get("id").unwrap_or(node);
        let rule = format!(
            "the id of a group should be a UUID, but is `{}`",
            shorten(id)
        );
        decoder.faults.push(at.fault("id", rule));
    }
    group.id = group.id.map(|id| id.to_ascii_lowercase());
    if decoder.faults.is_empty() {
        Ok(group)
    } else {
        Err(decoder.faults)
    }
}
