//! What a reference was last seen to point to.

use std::collections::BTreeMap;

use super::scanned::Scanned;

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
    /// What the last scan of this digest found; it is known of one that was not
    /// verified, too.
    pub scan: Option<Scanned>,
}

impl Sighting {
    /// Returns whether nothing has been seen yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.was_seen() && self.scan.is_none()
    }

    /// Returns whether anything was seen of the reference itself.
    #[must_use]
    pub fn was_seen(&self) -> bool {
        let Self {
            digest,
            media_type,
            size,
            platforms,
            labels,
            seen_at,
            problem,
            scan: _,
        } = self;
        let is_told = [digest, media_type, seen_at, problem]
            .into_iter()
            .any(Option::is_some);
        is_told || size.is_some() || !platforms.is_empty() || !labels.is_empty()
    }

    /// Forgets a scan of what was there before.
    pub fn forget_other_scan(&mut self) {
        if let Some(digest) = &self.digest {
            self.scan = self.scan_of(digest);
        }
    }

    /// Returns what the last scan found of what is at a digest now.
    #[must_use]
    pub fn scan_of(&self, digest: &str) -> Option<Scanned> {
        self.scan.clone().filter(|scan| scan.digest == digest)
    }
}
