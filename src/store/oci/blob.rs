//! A blob being written: hashed as it comes, and given its name only when it is whole.
//! What an interrupted run left is continued by the next.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use uuid::Uuid;

use super::folder::{Folder, Lock};
use super::{BUFFER, Error, PREFIX, Result, unreadable, unwritable};
use crate::domain::hashing::Hashing;
use crate::domain::reference::Digest;

/// How the names of unfinished blobs end.
pub(super) const PARTIAL: &str = ".partial";

/// A blob being written. Dropped before it is finished it stays as it is, and the
/// next one that begins it goes on from there.
#[derive(Debug)]
pub struct NewBlob {
    folder: Folder,
    digest: Digest,
    size: u64,
    file: File,
    /// The name in the folder; unset once it has been given up.
    name: Option<String>,
    /// Whether the next run can find it by its name.
    is_continued: bool,
    is_durable: bool,
    hashing: Hashing,
    written: u64,
    /// Keeps what was written from being collected.
    _lock: std::sync::Arc<Lock>,
}

/// What a blob is to become.
pub(super) struct Plan<'a> {
    pub digest: &'a Digest,
    /// Bytes.
    pub size: u64,
    pub is_durable: bool,
    pub lock: std::sync::Arc<Lock>,
}

impl NewBlob {
    pub(super) fn begin(folder: Folder, plan: Plan<'_>) -> Result<Self> {
        let digest = plan.digest;
        let name = format!("{PREFIX}{}{PARTIAL}", digest.hex());
        let failed = unwritable(&folder.path().join(&name));
        let (file, name, is_continued) = match claimed(&folder, &name).map_err(&failed)? {
            Some(file) => (file, name, true),
            None => {
                let unique = Uuid::new_v4().simple();
                let name = format!("{PREFIX}{}-{unique}{PARTIAL}", digest.hex());
                (folder.make(&name).map_err(&failed)?, name, false)
            }
        };
        let mut blob = Self {
            folder,
            digest: digest.clone(),
            size: plan.size,
            file,
            name: Some(name),
            is_continued,
            is_durable: plan.is_durable,
            hashing: Hashing::new(digest.algorithm()),
            written: 0,
            _lock: plan.lock,
        };
        if is_continued {
            blob.take_up()?;
        }
        Ok(blob)
    }

    /// Hashes what is there already.
    fn take_up(&mut self) -> Result<()> {
        let failed = unreadable(&self.path());
        let there = self.file.metadata().map_err(&failed)?.len();
        if there > self.size {
            return self.restart();
        }
        let mut buffer = vec![0; BUFFER.min(usize::try_from(there).unwrap_or(BUFFER))];
        while self.written < there {
            match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    self.hashing.update(buffer.get(..count).unwrap_or_default());
                    self.written += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(error)),
            }
        }
        // Whole and wrong: nothing that could follow makes it right.
        if self.written == self.size && self.hashing.clone().finish() != self.digest {
            return self.restart();
        }
        Ok(())
    }

    /// Returns how many bytes are there, those of an interrupted run included.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.written
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`Error::Violation`] where they are more than the blob has, [`Error::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.size - self.written {
            self.forget();
            return Err(Error::violation(format!(
                "`{}` should have {} bytes, and has more",
                self.digest, self.size
            )));
        }
        if let Err(source) = self.file.write_all(bytes) {
            // Some of them may be there, which the hash does not know of.
            let _ = self.file.set_len(self.written);
            let _ = self.file.seek(SeekFrom::Start(self.written));
            return Err(unwritable(&self.path())(source));
        }
        self.hashing.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Begins again from nothing.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(unwritable(&self.path()))?;
        self.hashing = Hashing::new(self.digest.algorithm());
        self.written = 0;
        Ok(())
    }

    /// Gives the blob its name.
    ///
    /// # Errors
    /// [`Error::Violation`] where it is not what its digest and size say, and then
    /// nothing is kept of it; [`Error::Write`].
    pub fn finish(mut self) -> Result<()> {
        let digest = std::mem::replace(&mut self.hashing, Hashing::new(self.digest.algorithm()));
        let wrong = if self.name.is_none() {
            Some("what came was wrong before".to_owned())
        } else if self.written == self.size {
            let found = digest.finish();
            (found != self.digest).then(|| format!("what came is `{found}`"))
        } else {
            Some(format!(
                "{} bytes came, and not {}",
                self.written, self.size
            ))
        };
        if let Some(wrong) = wrong {
            self.forget();
            return Err(Error::violation(format!(
                "`{}` was not kept: {wrong}",
                self.digest
            )));
        }
        let path = self.folder.path().join(self.digest.hex());
        let failed = unwritable(&path);
        if self.is_durable {
            self.file.sync_data().map_err(&failed)?;
        }
        if let Some(name) = &self.name {
            self.folder
                .rename(name, self.digest.hex())
                .map_err(&failed)?;
        }
        self.name = None;
        Ok(())
    }

    fn path(&self) -> PathBuf {
        let name = self.name.as_deref().unwrap_or_else(|| self.digest.hex());
        self.folder.path().join(name)
    }

    /// Removes what was written.
    fn forget(&mut self) {
        if let Some(name) = self.name.take() {
            // The failure that is told of is the one that came first.
            let _ = self.folder.remove(&name);
        }
    }
}

impl Drop for NewBlob {
    fn drop(&mut self) {
        if !self.is_continued || self.written == 0 {
            self.forget();
        }
    }
}

/// Opens the file of that name and locks it; nothing where another writer has it, or
/// where it cannot safely be gone on with.
fn claimed(folder: &Folder, name: &str) -> io::Result<Option<File>> {
    // Whoever had it may rename it just before it is locked here, some times over.
    for _ in 0..8 {
        let file = match folder.open_or_make(name) {
            Ok(file) => file,
            // A link, or a folder: not ours.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(_) => return Ok(None),
        }
        let metadata = file.metadata()?;
        // With another name, bytes would be written into another file as well.
        if !metadata.is_file() || metadata.nlink() > 1 {
            return Ok(None);
        }
        if folder.identity(name) == Some((metadata.dev(), metadata.ino())) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
