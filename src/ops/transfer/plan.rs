//! What an image consists of, and what of it is missing where it goes.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{Destination, Source};
use crate::domain::manifest::{Content, Descriptor, Manifest, is_manifest};
use crate::domain::reference::Digest;
use crate::ops::{Error, Result};
use crate::registry::{Job, Network, Progress};

/// Indexes within one another at most.
const DEEPEST: usize = 8;

/// The most manifests of one image, its referrers included.
const MOST: usize = 10_000;

/// Bytes of all these manifests together.
const LARGEST: usize = 64 * 1024 * 1024;

/// Who says whether to go on.
type GoOn<'a> = &'a mut dyn FnMut() -> bool;

pub struct Plan<'a> {
    network: &'a Network,
    source: &'a Source,
    destination: &'a Destination,
    /// Whether a manifest that is there already is gone into all the same.
    force: bool,
    /// Those of the platforms and the referrers, in the order in which they are put.
    pub manifests: Vec<Manifest>,
    /// The manifests that refer to others, where they come along.
    pub referrers: Option<BTreeSet<Digest>>,
    /// Digests of layers that are not handed on.
    pub foreign: Vec<String>,
    seen: BTreeSet<Digest>,
    /// Of the manifests.
    bytes: usize,
    blobs: BTreeMap<Digest, u64>,
    /// The blobs in the order of their first use.
    order: Vec<Digest>,
}

impl<'a> Plan<'a> {
    pub fn new(
        network: &'a Network,
        source: &'a Source,
        destination: &'a Destination,
        force: bool,
    ) -> Self {
        Self {
            network,
            source,
            destination,
            force,
            manifests: Vec::new(),
            referrers: None,
            foreign: Vec::new(),
            seen: BTreeSet::new(),
            bytes: 0,
            blobs: BTreeMap::new(),
            order: Vec::new(),
        }
    }

    /// Adds everything that a manifest needs, the manifest itself excepted.
    ///
    /// # Errors
    /// Where something of it cannot be read.
    pub fn add_root(&mut self, root: &Manifest, go_on: &mut dyn FnMut() -> bool) -> Result<()> {
        self.seen.insert(root.descriptor.digest.clone());
        let is_there = self.is_there(&root.descriptor)?;
        // What refers to its parts is found only there.
        if !is_there || self.referrers.is_some() {
            self.add_content(root, 0, go_on)?;
        }
        self.add_referrers(root, 0, go_on)
    }

    fn is_there(&self, descriptor: &Descriptor) -> Result<bool> {
        Ok(!self.force && self.destination.has_manifest(self.network, descriptor)?)
    }

    fn add_content(&mut self, manifest: &Manifest, depth: usize, go_on: GoOn<'_>) -> Result<()> {
        match &manifest.content {
            Content::Image { config, layers } => {
                self.add_blob(config);
                layers.iter().for_each(|layer| self.add_blob(layer));
            }
            Content::Index(entries) => {
                for entry in entries {
                    if is_manifest(&entry.media_type) {
                        self.add_manifest(entry, depth + 1, go_on)?;
                    } else {
                        self.add_blob(entry);
                    }
                }
            }
        }
        Ok(())
    }

    fn add_manifest(&mut self, entry: &Descriptor, depth: usize, go_on: GoOn<'_>) -> Result<()> {
        if !go_on() {
            return Err(Error::Interrupted);
        }
        if !self.seen.insert(entry.digest.clone()) {
            return Ok(());
        }
        if depth > DEEPEST || self.seen.len() > MOST {
            return Err(Error::invalid(format!(
                "`{}` is not copied: its indexes go deeper than {DEEPEST}, or it has more than \
                 {MOST} manifests",
                self.source
            )));
        }
        if self.referrers.is_none() && self.is_there(entry)? {
            return Ok(());
        }
        let manifest = self.source.manifest(self.network, entry)?;
        self.bytes += manifest.bytes.len();
        if self.bytes > LARGEST {
            return Err(Error::invalid(format!(
                "`{}` is not copied: its manifests have more than {} MiB",
                self.source,
                LARGEST >> 20
            )));
        }
        self.add_content(&manifest, depth, go_on)?;
        self.add_referrers(&manifest, depth, go_on)?;
        self.manifests.push(manifest);
        Ok(())
    }

    fn add_referrers(&mut self, manifest: &Manifest, depth: usize, go_on: GoOn<'_>) -> Result<()> {
        if self.referrers.is_none() {
            return Ok(());
        }
        let subject = &manifest.descriptor.digest;
        for entry in self.source.referrers(self.network, subject)? {
            if let Some(found) = &mut self.referrers {
                found.insert(entry.digest.clone());
            }
            self.add_manifest(&entry, depth + 1, go_on)?;
        }
        Ok(())
    }

    fn add_blob(&mut self, blob: &Descriptor) {
        if blob.is_foreign() {
            let digest = blob.digest.to_string();
            if !self.foreign.contains(&digest) {
                self.foreign.push(digest);
            }
            return;
        }
        if self.blobs.insert(blob.digest.clone(), blob.size).is_none() {
            self.order.push(blob.digest.clone());
        }
    }

    /// Returns what is to be done for the blobs.
    pub fn jobs(&self) -> Vec<Job> {
        let job = |digest: &Digest| {
            let size = self.blobs.get(digest).copied().unwrap_or(0);
            Job {
                source: self.source.supply(digest),
                target: self.destination.target(self.source, digest, size),
                progress: Progress::new(digest.clone(), size),
            }
        };
        self.order.iter().map(job).collect()
    }
}
