//! What a reference was last seen to point to.

use std::collections::BTreeMap;

/// What one reference of an image was last seen to point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sighting {
    /// `algorithm:hex` of the manifest or index.
    pub digest: Option<String>,
    /// The media type of the manifest or index.
    pub media_type: Option<String>,
    /// Bytes: config and layers; the sum over the platforms of an index.
    pub size: Option<u64>,
    /// `os/arch[/variant]`, one entry per platform.
    pub platforms: Vec<String>,
    /// The labels of the image's config.
    pub labels: BTreeMap<String, String>,
    /// RFC 3339, UTC.
    pub seen_at: Option<String>,
    /// What was wrong, where something was.
    pub problem: Option<String>,
}

impl Sighting {
    /// Returns whether nothing has been seen yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
