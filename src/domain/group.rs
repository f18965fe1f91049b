//! Groups: who may use an image.

use serde::Serialize;

/// A group of people, as the platform knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// A UUID.
    pub id: String,
    pub name: String,
    pub display_name: String,
}

/// How a group is named by a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupRef {
    /// An id or a name, which must be known.
    Known(String),
    /// A whole object, created where it is unknown.
    Whole(Group),
}

impl GroupRef {
    /// Returns the word that names the group in a message.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Known(word) => word,
            Self::Whole(group) => &group.name,
        }
    }
}

/// What an input says about the groups of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupsInput {
    /// These and no others.
    Set(Vec<GroupRef>),
    /// Some more and some fewer.
    Change {
        connect: Vec<GroupRef>,
        disconnect: Vec<GroupRef>,
    },
}

impl GroupsInput {
    /// Returns the input that leaves the groups of an image as they are.
    #[must_use]
    pub fn unchanged() -> Self {
        Self::Change {
            connect: Vec::new(),
            disconnect: Vec::new(),
        }
    }
}

impl Default for GroupsInput {
    fn default() -> Self {
        Self::Set(Vec::new())
    }
}
