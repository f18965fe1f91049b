//! Deleting the blobs of a layout that no entry needs any more.

use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::blob::PARTIAL;
use super::folder::{Folder, Kind};
use super::layout::Layout;
use super::{BLOBS, Error, PREFIX, Result, unwritable};
use crate::domain::manifest::is_manifest;
use crate::domain::reference::{Digest, DigestAlgorithm};

/// For how long what an interrupted run left waits to be gone on with.
const PARTIALS_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    pub blobs: u64,
    /// Bytes.
    pub size: u64,
}

impl Layout {
    /// Deletes the blobs that no entry needs; nothing where somebody is writing into the
    /// layout, who may be about to need them: then they go with the next call.
    ///
    /// What this layout itself has written and not tagged is deleted too. Files that
    /// are not named like blobs are left.
    ///
    /// # Errors
    /// Where a manifest cannot be read nothing is deleted: [`Error::Violation`],
    /// [`Error::Unsafe`], [`Error::Read`]; [`Error::Write`], [`Error::Busy`].
    pub fn collect(&self) -> Result<Option<Collected>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        *writing = None;
        let Some(blobs) = self.folder.below(BLOBS)? else {
            return Ok(Some(Collected::default()));
        };
        let Some(_alone) = blobs.try_lock(Kind::Exclusive)? else {
            return Ok(None);
        };
        let _lock = self.folder.lock(Kind::Exclusive)?;
        let needed = self.needed()?;
        let mut collected = Collected::default();
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            if let Some(folder) = blobs.below(algorithm.as_str())? {
                sweep(&folder, algorithm, &needed, &mut collected)?;
            }
        }
        Ok(Some(collected))
    }

    /// Returns the digests of all blobs, needed or not, in their order.
    ///
    /// # Errors
    /// [`Error::Unsafe`], [`Error::Read`].
    pub fn digests(&self) -> Result<Vec<Digest>> {
        let mut digests = Vec::new();
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            if let Some(folder) = self.blobs(algorithm)? {
                folder.names(|name| {
                    digests.extend(format!("{algorithm}:{name}").parse::<Digest>().ok());
                    Ok(())
                })?;
            }
        }
        digests.sort();
        Ok(digests)
    }

    /// Returns the digests that the entries need, themselves among them.
    fn needed(&self) -> Result<HashSet<Digest>> {
        let mut needed = HashSet::new();
        // An index that contains itself is gone through once.
        let mut walked = HashSet::new();
        for entry in self.entries()? {
            needed.insert(entry.digest.clone());
            let is_manifest = is_manifest(&entry.media_type);
            let mut waiting = vec![entry.digest];
            while let Some(digest) = waiting.pop() {
                if !walked.insert(digest.clone()) {
                    continue;
                }
                match self
                    .document(&digest)
                    .and_then(|bytes| parsed(&bytes, &digest))
                {
                    Ok(document) => mentioned(&document, &mut needed, &mut waiting),
                    // What is not there needs nothing.
                    Err(Error::NotFound { .. }) => {}
                    // An entry may be of anything, which then mentions nothing.
                    Err(Error::Violation { .. }) if !is_manifest => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(needed)
    }
}

fn parsed(bytes: &[u8], digest: &Digest) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::violation(format!(
            "nothing was deleted, since `{digest}` is no manifest: {error}"
        ))
    })
}

/// Gathers whatever a document calls a digest, in every kind of manifest that there is
/// or will be, and which of them are manifests themselves.
fn mentioned(document: &Value, needed: &mut HashSet<Digest>, manifests: &mut Vec<Digest>) {
    match document {
        Value::Object(fields) => {
            let digest = fields.get("digest").and_then(Value::as_str);
            if let Some(Ok(digest)) = digest.map(str::parse::<Digest>) {
                let media_type = fields.get("mediaType").and_then(Value::as_str);
                if media_type.is_some_and(is_manifest) {
                    manifests.push(digest.clone());
                }
                needed.insert(digest);
            }
            for value in fields.values() {
                mentioned(value, needed, manifests);
            }
        }
        Value::Array(values) => {
            for value in values {
                mentioned(value, needed, manifests);
            }
        }
        _ => {}
    }
}

/// Deletes what is not needed from one folder of blobs.
fn sweep(
    folder: &Folder,
    algorithm: DigestAlgorithm,
    needed: &HashSet<Digest>,
    collected: &mut Collected,
) -> Result<()> {
    let mut unneeded = Vec::new();
    folder.names(|name| {
        let is_unneeded = match format!("{algorithm}:{name}").parse::<Digest>() {
            Ok(digest) => !needed.contains(&digest),
            Err(_) => name.starts_with(PREFIX) && is_given_up(folder, name),
        };
        if is_unneeded {
            unneeded.push(name.to_owned());
        }
        Ok(())
    })?;
    for name in unneeded {
        // A link or a folder of that name is not ours.
        let Ok(Some((_, size))) = folder.file(&name) else {
            continue;
        };
        folder
            .remove(&name)
            .map_err(unwritable(&folder.path().join(&name)))?;
        collected.blobs += 1;
        collected.size += size;
    }
    Ok(())
}

/// Returns whether nobody will go on with an unfinished blob: those of a name of their
/// own cannot be found again, and others were left long ago.
fn is_given_up(folder: &Folder, name: &str) -> bool {
    let hex = name
        .strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(PARTIAL));
    if hex.is_some_and(|hex| hex.contains('-')) {
        return true;
    }
    let Ok(Some((file, _))) = folder.file(name) else {
        return false;
    };
    let written = file.metadata().and_then(|metadata| metadata.modified());
    written.is_ok_and(|written| {
        SystemTime::now()
            .duration_since(written)
            .is_ok_and(|age| age > PARTIALS_KEPT)
    })
}
