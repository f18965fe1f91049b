//! An image published in Harbor together with its metadata: checked first, copied
//! without a tag, described, and only then tagged; the catalog's row comes last. Every
//! step finds out what is done already, so that running it again finishes the work.

mod contents;
mod marks;
mod record;
mod rights;
mod standing;
mod steps;

use std::time::Duration;

use crate::domain::harbor::Severity;
use crate::domain::image::Image;
use crate::domain::reference::{Digest, Reference, Registry, Tag};
use crate::formats::document::Node;

pub use record::record;
pub use standing::{Standing, standing};
pub use steps::{Means, Put, put};

/// What is to be published, and under which name.
#[derive(Debug)]
pub struct Publication {
    pub registry: Registry,
    pub project: String,
    /// Without the project.
    pub repository: String,
    pub tag: Tag,
    /// The metadata, as `images create` reads it: without `name` where none was chosen,
    /// and without `command` where the image's own is to be taken.
    pub document: Node,
    /// Whether the author was chosen, and does not come from the environment.
    pub author_was_chosen: bool,
    /// The label of Harbor's that says what it is, where there may be one.
    pub type_label: Option<String>,
    /// Labels of Harbor's that were asked for.
    pub labels: Vec<String>,
    /// What Harbor's pages say of the repository; unset where that stays as it is.
    pub description: Option<String>,
    /// Whether a tag is moved, and metadata replaced.
    pub overwrite: bool,
    pub scan: Option<ScanRule>,
}

/// What a scan must say before the tag is set.
#[derive(Debug, Clone, Copy)]
pub struct ScanRule {
    /// From which severity on the image is not published; unset where only the scan
    /// itself must come to an end.
    pub fail_on: Option<Severity>,
    pub patience: Duration,
}

impl Publication {
    /// Returns `PROJECT/REPOSITORY`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.project, self.repository)
    }

    /// Returns whether a label is there for the type, and nobody asked for it.
    fn is_only_type(&self, label: &str) -> bool {
        !self.labels.iter().any(|asked| asked == label)
    }

    /// Returns the reference that the image is published under.
    #[must_use]
    pub fn reference(&self) -> Option<Reference> {
        let text = format!("{}/{}:{}", self.registry, self.path(), self.tag);
        Reference::parse_with_default(&text, &self.registry).ok()
    }
}

/// What was published.
#[derive(Debug)]
pub struct Published {
    pub image: Image,
    pub digest: Digest,
    /// Whether the catalog's row was made, changed, or stayed as it was.
    pub outcome: Outcome,
}

/// What became of the catalog's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Made,
    Changed,
    Unchanged,
}
