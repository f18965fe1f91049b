//! The record of changes: who did what to which thing, and when.

/// Who changes the catalog, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub author: String,
    /// RFC 3339, UTC.
    pub now: String,
}

/// What kind of thing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    Image,
    Group,
    Secret,
    StoredImage,
}

impl Subject {
    /// Returns the word that the catalog and messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Group => "group",
            Self::Secret => "secret",
            Self::StoredImage => "stored image",
        }
    }
}

/// One change of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// RFC 3339, UTC.
    pub at: String,
    pub author: String,
    /// `create`, `update`, `delete`, `archive`, `restore`, …
    pub action: String,
    pub revision: u64,
    /// JSON text of an object: the changed fields as they were.
    pub before: Option<String>,
    /// JSON text of an object: the changed fields as they became.
    pub after: Option<String>,
}
