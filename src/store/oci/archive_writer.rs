//! An OCI archive being written: each blob once, as it comes, and `index.json` last.

use std::collections::HashSet;
use std::path::Path;

use super::index::Index;
use super::layout::MARKER_TEXT;
use super::tar::TarWriter;
use super::{BLOBS, Error, INDEX, MARKER, Result, unwritable};
use crate::domain::hashing::Hashing;
use crate::domain::manifest::Descriptor;
use crate::domain::reference::Digest;

/// An archive being written. Dropped before it is finished, it leaves nothing.
#[derive(Debug)]
pub struct ArchiveWriter {
    tar: TarWriter,
    blobs: HashSet<Digest>,
}

/// A blob of an archive being written. Dropped before it is finished, it takes the
/// archive with it.
#[derive(Debug)]
pub struct ArchiveBlob {
    archive: ArchiveWriter,
    digest: Digest,
    size: u64,
    hashing: Hashing,
    written: u64,
}

impl ArchiveWriter {
    /// Begins an archive, which takes the place of a file of that name when it is whole.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where what is there is not a file, [`Error::Write`].
    pub fn create(file: &Path) -> Result<Self> {
        let mut tar = TarWriter::create(file)?;
        tar.put(MARKER, MARKER_TEXT)?;
        Ok(Self {
            tar,
            blobs: HashSet::new(),
        })
    }

    /// Returns whether a blob has been written.
    #[must_use]
    pub fn holds(&self, digest: &Digest) -> bool {
        self.blobs.contains(digest)
    }

    /// Begins a blob. The archive is had again when the blob is finished.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn begin(mut self, digest: &Digest, size: u64) -> Result<ArchiveBlob> {
        self.tar.begin(&name_of(digest))?;
        Ok(ArchiveBlob {
            archive: self,
            digest: digest.clone(),
            size,
            hashing: Hashing::new(digest.algorithm()),
            written: 0,
        })
    }

    /// Writes a manifest or config, unless it is there, and returns its SHA-256.
    ///
    /// # Errors
    /// [`Error::Write`].
    #[cfg(test)]
    pub fn put_document(&mut self, bytes: &[u8]) -> Result<Digest> {
        use crate::domain::reference::DigestAlgorithm;
        let digest = crate::domain::manifest::digest_of(bytes, DigestAlgorithm::Sha256);
        self.put_document_as(bytes, &digest)?;
        Ok(digest)
    }

    /// Writes a manifest or config whose digest is known, unless it is there.
    ///
    /// # Errors
    /// [`Error::Violation`] where that is not its digest, [`Error::Write`].
    #[cfg(test)]
    pub fn put_document_as(&mut self, bytes: &[u8], digest: &Digest) -> Result<()> {
        super::layout::check_document(bytes, digest, self.tar.path())?;
        if self.blobs.insert(digest.clone()) {
            self.tar.put(&name_of(digest), bytes)?;
        }
        Ok(())
    }

    /// Writes the entries, and gives the archive its name. It is on the disk then.
    ///
    /// # Errors
    /// [`Error::NotFound`] where a manifest was not written, [`Error::Write`].
    pub fn finish(mut self, entries: &[(Descriptor, Option<String>)]) -> Result<()> {
        let broken = |rule| Error::violation(format!("the entries of an archive: {rule}"));
        let mut index = Index::parse(&Index::empty()).map_err(broken)?;
        for (descriptor, tag) in entries {
            if !self.holds(&descriptor.digest) {
                return Err(Error::NotFound {
                    what: format!("the manifest `{}` was not written", descriptor.digest),
                    hint: "copy the image again".to_owned(),
                });
            }
            index.put(descriptor, tag.as_deref());
        }
        let bytes = index
            .to_bytes()
            .map_err(|error| unwritable(self.tar.path())(error.into()))?;
        self.tar.put(INDEX, &bytes)?;
        self.tar.finish()
    }
}

impl ArchiveBlob {
    /// Returns how many bytes were written.
    #[must_use]
    #[cfg(test)]
    pub fn offset(&self) -> u64 {
        self.written
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`Error::Violation`] where they are more than the blob has, [`Error::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if bytes.len() as u64 > self.size - self.written {
            return Err(Error::violation(format!(
                "`{}` should have {} bytes, and has more",
                self.digest, self.size
            )));
        }
        self.archive.tar.write(bytes)?;
        self.hashing.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Begins the blob again.
    ///
    /// # Errors
    /// [`Error::Write`].
    #[cfg(test)]
    pub fn restart(&mut self) -> Result<()> {
        self.hashing = Hashing::new(self.digest.algorithm());
        self.written = 0;
        self.archive.tar.restart()
    }

    /// Ends the blob, and returns the archive.
    ///
    /// # Errors
    /// [`Error::Violation`] where it is not what its digest and size say, and then
    /// nothing is left of the archive either; [`Error::Write`].
    pub fn finish(mut self) -> Result<ArchiveWriter> {
        let found = self.hashing.finish();
        if self.written != self.size || found != self.digest {
            return Err(Error::violation(format!(
                "`{}` of {} bytes came as `{found}` of {}; no archive was written",
                self.digest, self.size, self.written
            )));
        }
        self.archive.tar.end()?;
        self.archive.blobs.insert(self.digest);
        Ok(self.archive)
    }
}

fn name_of(digest: &Digest) -> String {
    format!("{BLOBS}/{}/{}", digest.algorithm(), digest.hex())
}
