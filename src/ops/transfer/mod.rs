//! Images and artifacts on their way from one place to another: what they consist of
//! is found out first, then blobs are brought where they are missing, then manifests,
//! and the one that has the tag comes last.

mod ends;
mod local;
mod place;
mod plan;
pub(super) mod sif;
mod tools;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::Result;
use crate::domain::manifest::{Content, Manifest, Platform};
use crate::domain::reference::{Digest, Reference, Tag};
use crate::registry::{How, Job, Network, Progress, State};
pub use ends::{OpenSource, OpenTarget, Start};
pub use local::Local;
pub(super) use place::tag_in_store;
pub use place::{Destination, Source};
use plan::Plan;
pub use sif::fetch_sif;

/// What is copied of a source, and how.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// `os/architecture[/variant]` of an index; all of them where it is unset.
    pub platform: Option<String>,
    /// Whether the target holds one platform: of an index it is then this machine's where
    /// none is chosen.
    pub one_platform: bool,
    /// Whether what refers to it comes along: signatures, lists of contents.
    pub referrers: bool,
    /// Whether what the target seems to have is looked at blob by blob.
    pub force: bool,
}

/// What was copied.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    pub source: String,
    pub target: String,
    pub digest: String,
    pub media_type: String,
    /// Manifests that were put there: those of the platforms, and of referrers.
    pub manifests: u64,
    pub blobs: Blobs,
    /// Manifests of what refers to it.
    pub referrers: u64,
    /// Layers that licences keep from being handed on; they are left where they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_layers: Vec<String>,
}

/// What became of the blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blobs {
    pub present: u64,
    pub mounted: u64,
    pub sent: u64,
    /// Bytes of those that were sent.
    pub sent_bytes: u64,
}

/// How far a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob<'a> {
    pub digest: &'a Digest,
    /// Bytes.
    pub size: u64,
    /// Bytes that are where they should be.
    pub moved: u64,
    /// Whether its bytes are on their way.
    pub is_moving: bool,
    pub is_done: bool,
}

/// Who is told how far the blobs are, and says whether to go on.
pub type Tick<'a> = &'a mut dyn FnMut(&[Blob<'_>]) -> bool;

/// Copies an image or an artifact with all that it needs.
///
/// # Errors
/// Where it is not there, is not what it should be, or cannot be put there. The
/// target's tag is as it was then.
pub fn copy(
    network: &Network,
    source: &Source,
    destination: &Destination,
    choice: &Choice,
    tick: Tick<'_>,
) -> Result<Copied> {
    let root = chosen(network, source, choice)?;
    copy_root(network, (source, destination), &root, choice, tick)
}

/// Copies what a manifest needs, and the manifest last.
///
/// # Errors
/// As [`copy`].
pub(in crate::ops) fn copy_root(
    network: &Network,
    (source, destination): (&Source, &Destination),
    root: &Manifest,
    choice: &Choice,
    tick: Tick<'_>,
) -> Result<Copied> {
    destination.check(root)?;
    let copied = |manifests, blobs| Copied {
        source: source.to_string(),
        target: destination.to_string(),
        digest: root.descriptor.digest.to_string(),
        media_type: root.descriptor.media_type.clone(),
        manifests,
        blobs,
        referrers: 0,
        foreign_layers: Vec::new(),
    };
    if !choice.force && !choice.referrers && destination.is_that(network, root)? {
        return Ok(copied(0, Blobs::default()));
    }
    let mut plan = Plan::new(network, source, destination, choice.force);
    if choice.referrers {
        plan.referrers = Some(BTreeSet::new());
    }
    plan.add_root(root, &mut || tick(&[]))?;
    let blobs = bring(network, plan.jobs(), tick)?;
    for manifest in &plan.manifests {
        if !tick(&[]) {
            return Err(super::Error::Interrupted);
        }
        destination.put(network, manifest)?;
    }
    destination.put_root(network, root)?;
    Ok(Copied {
        referrers: plan.referrers.map_or(0, |found| found.len() as u64),
        foreign_layers: plan.foreign,
        ..copied(plan.manifests.len() as u64 + 1, blobs)
    })
}

/// Brings blobs to where they are missing.
///
/// # Errors
/// Where one of them cannot be had, or is not what it should be.
pub(super) fn bring(network: &Network, jobs: Vec<Job>, tick: Tick<'_>) -> Result<Blobs> {
    let progress: Vec<Arc<Progress>> = jobs.iter().map(|job| Arc::clone(&job.progress)).collect();
    let done = network.transfer(jobs, &mut || tick(&seen(&progress)));
    done.map_err(place::failed)?;
    Ok(blobs_of(&progress))
}

/// Gives a manifest of a registry another tag.
///
/// # Errors
/// Those of the registry.
pub fn tag(network: &Network, reference: &Reference, tag: Tag) -> Result<Copied> {
    let source = Source::Registry(reference.clone());
    let manifest = source.root(network)?;
    let target = Destination::Registry(reference.clone().without_digest().with_tag(tag));
    target.put_root(network, &manifest)?;
    Ok(Copied {
        source: source.to_string(),
        target: target.to_string(),
        digest: manifest.descriptor.digest.to_string(),
        media_type: manifest.descriptor.media_type,
        manifests: 1,
        blobs: Blobs::default(),
        referrers: 0,
        foreign_layers: Vec::new(),
    })
}

/// Returns what is copied of a source: the whole, or the image of one platform.
///
/// # Errors
/// Where it is not there, or has no image for that platform.
pub(super) fn chosen(network: &Network, source: &Source, choice: &Choice) -> Result<Manifest> {
    let root = source.root(network)?;
    let own = own_platform();
    let wanted = match (&choice.platform, &root.content) {
        (Some(wanted), _) => wanted,
        (None, Content::Index(_)) if choice.one_platform => &own,
        _ => return Ok(root),
    };
    match &root.content {
        Content::Index(entries) => {
            let found = entries.iter().find(|entry| {
                let platform = entry.platform.as_ref();
                platform.is_some_and(|platform| platform.is_called(wanted))
            });
            if let Some(entry) = found {
                return source.manifest(network, entry);
            }
            let platforms: Vec<String> = entries
                .iter()
                .filter_map(|entry| entry.platform.as_ref())
                .filter(|platform| platform.os != "unknown")
                .map(Platform::to_string)
                .collect();
            Err(without_platform(source, wanted, &platforms.join(", ")))
        }
        Content::Image { config, .. } => {
            let config = source.config(network, config)?;
            match config.platform {
                Some(platform) if !platform.is_called(wanted) => {
                    Err(without_platform(source, wanted, &platform.to_string()))
                }
                _ => Ok(root),
            }
        }
    }
}

/// Returns what images for this machine are called: containers are of linux everywhere.
#[must_use]
pub fn own_platform() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        other => other,
    };
    format!("linux/{architecture}")
}

fn without_platform(source: &Source, wanted: &str, platforms: &str) -> super::Error {
    super::Error::NotFound {
        what: format!("`{source}` has no image for `{wanted}`, but for: {platforms}"),
        hint: "take one of those with `--platform`, or leave it out for all of them".to_owned(),
    }
}

fn seen(progress: &[Arc<Progress>]) -> Vec<Blob<'_>> {
    progress
        .iter()
        .map(|one| {
            let state = one.state();
            Blob {
                digest: &one.digest,
                size: one.size,
                moved: one.moved(),
                is_moving: state == State::Moving,
                is_done: matches!(state, State::Done(_)),
            }
        })
        .collect()
}

fn blobs_of(progress: &[Arc<Progress>]) -> Blobs {
    let mut blobs = Blobs::default();
    for blob in progress {
        match blob.state() {
            State::Done(How::Present) => blobs.present += 1,
            State::Done(How::Mounted) => blobs.mounted += 1,
            State::Done(How::Sent) => {
                blobs.sent += 1;
                blobs.sent_bytes += blob.size;
            }
            State::Waiting | State::Moving => {}
        }
    }
    blobs
}
