//! A blob being written whose digest nobody knows before its end, such as one that is
//! compressed as it is written.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use uuid::Uuid;

use super::blob::PARTIAL;
use super::folder::{Folder, Lock};
use super::layout::Layout;
use super::{BLOBS, PREFIX, Result, unwritable};
use crate::domain::hashing::Hashing;
use crate::domain::reference::{Digest, DigestAlgorithm};

/// A blob without a digest. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub(super) struct LooseBlob {
    folder: Folder,
    file: File,
    name: Option<String>,
    is_durable: bool,
    hasher: Hashing,
    written: u64,
    _lock: Arc<Lock>,
}

impl Layout {
    /// Begins a blob that will have its SHA-256 as digest.
    pub(super) fn begin_loose(&self) -> Result<LooseBlob> {
        let lock = self.write_lock()?;
        let folder = self.folder.made(BLOBS)?.made("sha256")?;
        // With `-`, what a process leaves that is killed is collected.
        let name = format!("{PREFIX}new-{}{PARTIAL}", Uuid::new_v4().simple());
        let file = folder.make(&name);
        let file = file.map_err(unwritable(&folder.path().join(&name)))?;
        Ok(LooseBlob {
            folder,
            file,
            name: Some(name),
            is_durable: self.is_durable,
            hasher: Hashing::new(DigestAlgorithm::Sha256),
            written: 0,
            _lock: lock,
        })
    }
}

impl LooseBlob {
    /// Gives the blob its name, and returns its digest and its bytes.
    pub(super) fn finish(mut self) -> Result<(Digest, u64)> {
        let hasher = std::mem::replace(&mut self.hasher, Hashing::new(DigestAlgorithm::Sha256));
        let failed = unwritable(self.folder.path());
        let digest = hasher.finish();
        if self.is_durable {
            self.file.sync_data().map_err(&failed)?;
        }
        if let Some(name) = &self.name {
            self.folder.rename(name, digest.hex()).map_err(&failed)?;
        }
        self.name = None;
        Ok((digest, self.written))
    }
}

impl Write for LooseBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..count).unwrap_or_default());
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LooseBlob {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            // The failure that is told of is the one that came first.
            let _ = self.folder.remove(&name);
        }
    }
}
