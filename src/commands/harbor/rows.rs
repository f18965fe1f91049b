//! The rows and fields of what Harbor answers.

use std::borrow::Cow;

use serde::Serialize;

use crate::domain::harbor::{Artifact, HarborRepository, HarborTag, ScanSummary, known_time};
use crate::domain::reference::Registry;
use crate::domain::size::shown;
use crate::ops::harbor::{Found, Known};
use crate::output::records::Record;

pub(super) fn text(value: &Option<String>) -> Cow<'_, str> {
    Cow::Borrowed(value.as_deref().unwrap_or_default())
}

pub(super) fn word(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// A project.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProjectRow {
    name: String,
    public: bool,
    /// The role of whoever asks.
    role: Option<&'static str>,
    repositories: i64,
    /// Bytes.
    storage_used: Option<i64>,
    /// Bytes; -1 is no limit.
    storage_limit: Option<i64>,
    owner: Option<String>,
    created_at: Option<String>,
    /// Whether images with vulnerabilities cannot be pulled, and from which severity on.
    blocks_from: Option<String>,
    scans_on_push: bool,
    is_proxy_cache: bool,
    #[serde(skip)]
    quota: String,
}

impl From<Found> for ProjectRow {
    fn from(Found { project, summary }: Found) -> Self {
        let quota = summary.and_then(|summary| summary.quota);
        let used = quota.as_ref().and_then(|quota| quota.used.storage);
        let limit = quota.as_ref().and_then(|quota| quota.hard.storage);
        let bytes = |bytes: i64| u64::try_from(bytes).map_or("?".to_owned(), shown);
        let words = match (used, limit) {
            (Some(used), Some(limit)) if limit >= 0 => {
                format!("{} of {}", bytes(used), bytes(limit))
            }
            (Some(used), Some(_)) => format!("{}, no limit", bytes(used)),
            _ => String::new(),
        };
        let blocks = project.setting("prevent_vul") == Some("true");
        Self {
            public: project.is_public(),
            role: project.role().map(crate::domain::harbor::Role::name),
            repositories: project.repo_count,
            storage_used: used,
            storage_limit: limit,
            owner: Some(project.owner_name.clone()).filter(|owner| !owner.is_empty()),
            created_at: known_time(&project.creation_time).map(str::to_owned),
            blocks_from: blocks.then(|| project.setting("severity").unwrap_or("low").to_owned()),
            scans_on_push: project.setting("auto_scan") == Some("true"),
            is_proxy_cache: project.registry_id.is_some_and(|id| id > 0),
            quota: words,
            name: project.name,
        }
    }
}

impl Record for ProjectRow {
    const COLUMNS: &'static [&'static str] = &["name", "public", "role", "repositories", "quota"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            Cow::Borrowed(word(self.public)),
            Cow::Borrowed(self.role.unwrap_or_default()),
            Cow::Owned(self.repositories.to_string()),
            Cow::Borrowed(&self.quota),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

/// A repository.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryRow {
    /// `PROJECT/REPOSITORY`.
    name: String,
    artifacts: i64,
    pulls: i64,
    updated_at: Option<String>,
    /// The images of the catalog that live there.
    metadata: Vec<String>,
    description: Option<String>,
    /// With the host, as other commands take it.
    reference: String,
    #[serde(skip)]
    names: String,
}

impl RepositoryRow {
    pub fn new(registry: &Registry, found: HarborRepository, known: &Known) -> Self {
        let metadata = known.of_repository(&found.name).to_vec();
        Self {
            artifacts: found.artifact_count,
            pulls: found.pull_count,
            updated_at: known_time(&found.update_time).map(str::to_owned),
            names: metadata.join(", "),
            metadata,
            description: Some(found.description).filter(|text| !text.is_empty()),
            reference: format!("{registry}/{}", found.name),
            name: found.name,
        }
    }
}

impl Record for RepositoryRow {
    const COLUMNS: &'static [&'static str] = &[
        "name",
        "artifacts",
        "pulls",
        "updated",
        "metadata",
        "description",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            Cow::Owned(self.artifacts.to_string()),
            Cow::Owned(self.pulls.to_string()),
            text(&self.updated_at),
            Cow::Borrowed(&self.names),
            text(&self.description),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

/// A tag.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TagRow {
    pub name: String,
    digest: String,
    /// Bytes, of the artifact.
    pub size: u64,
    #[serde(rename = "pushedAt")]
    pub pushed: Option<String>,
    #[serde(rename = "pulledAt")]
    pub pulled: Option<String>,
    immutable: bool,
    /// The images of the catalog that it is.
    metadata: Vec<String>,
    reference: String,
    #[serde(skip)]
    names: String,
}

impl TagRow {
    pub fn new(
        registry: &Registry,
        path: &str,
        tag: HarborTag,
        artifact: &Artifact,
        known: &Known,
    ) -> Self {
        let metadata = known.of_image(path, Some(&tag.name), &artifact.digest);
        Self {
            digest: artifact.digest.clone(),
            size: artifact.size,
            pushed: known_time(&tag.push_time).map(str::to_owned),
            pulled: known_time(&tag.pull_time).map(str::to_owned),
            immutable: tag.immutable,
            names: metadata.join(", "),
            metadata,
            reference: format!("{registry}/{path}:{}", tag.name),
            name: tag.name,
        }
    }
}

impl Record for TagRow {
    const COLUMNS: &'static [&'static str] =
        &["name", "digest", "size", "pushed", "pulled", "metadata"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            Cow::Borrowed(&self.digest),
            Cow::Owned(self.size.to_string()),
            text(&self.pushed),
            text(&self.pulled),
            Cow::Borrowed(&self.names),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

/// An artifact.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactRow {
    digest: String,
    tags: Vec<String>,
    /// Bytes.
    size: u64,
    platforms: Vec<String>,
    pushed_at: Option<String>,
    pulled_at: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    media_type: String,
    artifact_type: Option<String>,
    labels: Vec<String>,
    scan: Option<ScanRow>,
    /// The images of the catalog that it is.
    metadata: Vec<String>,
    reference: String,
    #[serde(skip)]
    scan_words: String,
}

/// The summary of a scan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanRow {
    status: String,
    severity: String,
    total: u64,
    fixable: u64,
    /// By severity.
    counts: std::collections::BTreeMap<String, u64>,
    /// Of an index of which some images were not scanned to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    complete_percent: Option<u64>,
    finished_at: Option<String>,
}

impl From<&ScanSummary> for ScanRow {
    fn from(summary: &ScanSummary) -> Self {
        let counts = summary.summary.clone().unwrap_or_default();
        Self {
            status: summary.scan_status.clone(),
            severity: summary.worst().to_string(),
            total: counts.total,
            fixable: counts.fixable,
            counts: counts.summary,
            complete_percent: summary.complete_percent.filter(|_| summary.is_partial()),
            finished_at: known_time(&summary.end_time).map(str::to_owned),
        }
    }
}

impl ArtifactRow {
    pub fn new(registry: &Registry, path: &str, found: Artifact, known: &Known) -> Self {
        let tags = found.tags.iter().map(|tag| tag.name.as_str());
        let mut metadata = known.of_image(path, None, &found.digest);
        for tag in tags {
            metadata.extend(known.of_image(path, Some(tag), &found.digest));
        }
        metadata.sort();
        metadata.dedup();
        Self {
            metadata,
            tags: found.tags.iter().map(|tag| tag.name.clone()).collect(),
            size: found.size,
            platforms: found.platforms(),
            pushed_at: known_time(&found.push_time).map(str::to_owned),
            pulled_at: found.pulled().map(str::to_owned),
            media_type: found.manifest_media_type.clone(),
            artifact_type: Some(found.artifact_type.clone()).filter(|kind| !kind.is_empty()),
            labels: found
                .labels
                .iter()
                .map(|label| label.name.clone())
                .collect(),
            scan: found.scan().map(ScanRow::from),
            scan_words: found.scan().map(ScanSummary::words).unwrap_or_default(),
            reference: format!("{registry}/{path}@{}", found.digest),
            kind: found.kind,
            digest: found.digest,
        }
    }
}

impl Record for ArtifactRow {
    const COLUMNS: &'static [&'static str] = &[
        "digest",
        "tags",
        "size",
        "platforms",
        "pushed",
        "pulled",
        "scan",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.digest),
            Cow::Owned(self.tags.join(", ")),
            Cow::Owned(self.size.to_string()),
            Cow::Owned(self.platforms.join(", ")),
            text(&self.pushed_at),
            text(&self.pulled_at),
            Cow::Borrowed(&self.scan_words),
        ]
    }

    fn label(&self) -> &str {
        &self.reference
    }
}
