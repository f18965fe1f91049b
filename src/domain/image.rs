//! Images: the entries of a catalog.

use std::collections::BTreeMap;

use super::group::{Group, GroupsInput};
use super::sighting::Sighting;
use super::spec::{ImageSpec, JobStatus};

/// Which machines an image serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageType {
    Cpu,
    Gpu,
    #[default]
    Both,
}

impl ImageType {
    /// The names as they are written in JSON.
    pub const NAMES: [&str; 3] = ["cpu", "gpu", "both"];

    /// Returns the type of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "cpu" => Some(Self::Cpu),
            "gpu" => Some(Self::Gpu),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    /// Returns the name as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Both => "both",
        }
    }
}

/// When a cluster pulls an image, in Kubernetes' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    Always,
    IfNotPresent,
    Never,
}

impl PullPolicy {
    /// The names as they are written in JSON.
    pub const NAMES: [&str; 3] = ["Always", "IfNotPresent", "Never"];

    /// Returns the policy of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "Always" => Some(Self::Always),
            "IfNotPresent" => Some(Self::IfNotPresent),
            "Never" => Some(Self::Never),
            _ => None,
        }
    }

    /// Returns the name as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

/// What a user says about an image, and what the program learned of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageConfig {
    pub name: String,
    pub display_name: String,
    pub description: Option<String>,
    pub image_type: ImageType,
    /// A reference, as it was written.
    pub url: Option<String>,
    /// A reference, as it was written.
    pub url_for_gpu: Option<String>,
    /// The id of a secret of type `kubernetes` in the catalog.
    pub use_image_pull_secret: Option<String>,
    /// The name of a Kubernetes secret that the catalog does not keep.
    pub pull_secret: Option<String>,
    /// Whether everybody may use it.
    pub global: bool,
    /// Unset until verified or built.
    pub is_ready: Option<bool>,
    pub spec: Option<ImageSpec>,
    pub job: Option<JobStatus>,
    pub pull_policy: Option<PullPolicy>,
    pub tags: Vec<String>,
    pub labels: BTreeMap<String, String>,
    pub kind: Option<String>,
    pub command: Option<String>,
    pub picture: Option<String>,
    pub author: Option<String>,
    pub archived: bool,
    /// Names of platforms ([`super::platform::Platform::NAMES`]).
    pub formats: Vec<String>,
    /// The tag that `url` had before it was pinned to a digest.
    pub pinned_tag: Option<String>,
    /// Fields that the catalog does not know: name and JSON text.
    pub extra: Vec<(String, String)>,
}

/// An image as an input describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewImage {
    pub config: ImageConfig,
    pub groups: GroupsInput,
    pub seen: Seen,
}

impl NewImage {
    /// Returns whether it would leave an image of the catalog as it is.
    #[must_use]
    pub fn says_the_same_as(&self, image: &Image) -> bool {
        self.groups == GroupsInput::unchanged()
            && self.config == image.config
            && self.seen == image.seen
    }
}

/// An image of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    pub config: ImageConfig,
    /// Sorted by name.
    pub groups: Vec<Group>,
    pub seen: Seen,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub updated_at: String,
    /// 1-indexed; every change adds one.
    pub revision: u64,
}

/// What the two references of an image were last seen to point to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub url: Sighting,
    pub url_for_gpu: Sighting,
}

impl Seen {
    /// Returns the sighting that `platforms`, `size` and `verifiedAt` tell of:
    /// that of `url`, or of `urlForGpu` where only that was seen.
    #[must_use]
    pub fn leading(&self) -> &Sighting {
        if self.url.was_seen() {
            &self.url
        } else {
            &self.url_for_gpu
        }
    }

    /// Returns what is wrong with the references, in one line.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match (&self.url.problem, &self.url_for_gpu.problem) {
            (Some(cpu), Some(gpu)) => Some(format!("{cpu}; urlForGpu: {gpu}")),
            (Some(problem), None) => Some(problem.clone()),
            (None, Some(gpu)) if !self.url.was_seen() => Some(gpu.clone()),
            (None, Some(gpu)) => Some(format!("urlForGpu: {gpu}")),
            (None, None) => None,
        }
    }

    /// Returns what scans found, in few words, such as `2 Critical, 5 High`.
    #[must_use]
    pub fn vulnerabilities(&self) -> Option<String> {
        let words = |seen: &Sighting| Some(seen.scan.as_ref()?.words());
        match (words(&self.url), words(&self.url_for_gpu)) {
            (Some(cpu), Some(gpu)) => Some(format!("{cpu}; urlForGpu: {gpu}")),
            (None, Some(gpu)) => Some(format!("urlForGpu: {gpu}")),
            (words, None) => words,
        }
    }
}

/// Which archived images are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Archived {
    #[default]
    Hide,
    Only,
    Any,
}

/// What to list.
#[derive(Debug, Clone, Default)]
pub struct ImageFilter {
    /// The id of a group.
    pub group: Option<String>,
    pub image_type: Option<ImageType>,
    pub kind: Option<String>,
    /// All of them.
    pub tags: Vec<String>,
    /// All of them.
    pub labels: Vec<(String, String)>,
    pub author: Option<String>,
    pub format: Option<String>,
    /// The first part of a reference's repository, or some of the first.
    pub project: Option<String>,
    pub archived: Archived,
    /// Only those that are not known to be ready.
    pub not_ready: bool,
    /// Literal text, anywhere in name, display name, description, references or tags.
    pub search: Option<String>,
    pub limit: Option<u64>,
    pub sort: Option<SortField>,
    pub reverse: bool,
    /// Whether images that came from one ImageStream stand together, in the order
    /// of its tags, instead of any other order.
    pub by_stream: bool,
    /// Only images that this set of applied files made.
    pub applied_from: Option<String>,
}

/// What a list can be sorted by: the name that a field has in JSON. Otherwise
/// it is in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortField(&'static str);

impl SortField {
    /// The names of the fields.
    pub const NAMES: [&str; 24] = [
        "id",
        "name",
        "displayName",
        "description",
        "type",
        "url",
        "urlForGpu",
        "useImagePullSecret",
        "pullSecret",
        "global",
        "isReady",
        "pullPolicy",
        "kind",
        "command",
        "picture",
        "author",
        "archived",
        "pinnedTag",
        "digest",
        "size",
        "verifiedAt",
        "createdAt",
        "updatedAt",
        "revision",
    ];

    /// Returns the field of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|known| *known == name)
            .map(Self)
    }

    /// Returns the name of the field.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl ImageConfig {
    /// Returns the texts that a search looks into: name and display name first.
    pub fn search_parts(&self) -> impl Iterator<Item = &str> {
        let optional = [&self.description, &self.url, &self.url_for_gpu];
        [&self.name, &self.display_name]
            .into_iter()
            .chain(optional.into_iter().flatten())
            .chain(self.spec.as_ref().map(|spec| &spec.base_image))
            .chain(&self.tags)
            .map(String::as_str)
    }
}

/// Returns the word that a table shows for `isReady`.
#[must_use]
pub fn ready_word(is_ready: Option<bool>) -> &'static str {
    match is_ready {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    }
}
