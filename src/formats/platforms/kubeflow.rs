//! Kubeflow's notebook spawner: the config of version 1, and the `WorkspaceKind` of
//! version 2.

use super::super::document::Node;
use super::kept::object;
use super::{Entry, Incoming, Outgoing, Part};

/// What an image keeps of either file.
const WORKSPACE_KIND: &str = "workspaceKind";
const SPAWNER: &str = "spawner";

/// The files of an export.
pub const SPAWNER_FILE: &str = "spawner_ui_config.yaml";
pub const WORKSPACE_KIND_FILE: &str = "workspacekind.yaml";

/// Returns the entries of a document.
pub(super) fn entries(_part: Part<'_>) -> Vec<Entry> {
    Vec::new()
}

/// Returns what an image keeps of the other of the two files than that which it
/// comes from now.
pub(super) fn other_part(incoming: &Incoming, kept: Option<&Node>) -> Option<Node> {
    let key = match incoming.fields.is_empty() {
        true => WORKSPACE_KIND,
        false => SPAWNER,
    };
    Some(object([(key, kept?.get(key)?.clone())]))
}

/// Returns what a document holds beside images, and the file of an export that it
/// belongs to; nothing where it is neither of Kubeflow's documents.
#[must_use]
pub fn frame(_node: &Node) -> Option<(&'static str, Node)> {
    None
}

/// The two files, to which images are added one by one.
#[derive(Debug, Default)]
pub struct Files {}

impl Files {
    /// Adds an image to both.
    ///
    /// # Errors
    /// Why it cannot be in them.
    pub fn add(&mut self, _outgoing: &Outgoing<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Returns the spawner's config and the `WorkspaceKind`, with what was kept of
    /// each put back.
    #[must_use]
    pub fn finish(self, _spawner: Option<&Node>, _kind: Option<&Node>) -> (Node, Node) {
        use super::super::document::Value;
        (Node::new(Value::Null), Node::new(Value::Null))
    }
}

/// Returns the value of a `WorkspaceKind` for an image.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn document(_outgoing: &Outgoing<'_>) -> Result<Node, String> {
    Err("it cannot be written yet".to_owned())
}
