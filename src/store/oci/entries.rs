//! Changing the entries of a layout: one process at a time, in one step, and everything
//! else in `index.json` left as it is.

use super::folder::Kind;
use super::index::Index;
use super::layout::Layout;
use super::{BLOBS, Error, INDEX, LARGEST_INDEX, PREFIX, Result, unwritable};
use crate::domain::manifest::Descriptor;
use crate::domain::reference::DigestAlgorithm;

impl Layout {
    /// Makes an entry for a manifest that was written, in the place of the one of that
    /// tag; the other entries and all that is unknown stay as they are.
    ///
    /// # Errors
    /// [`Error::NotFound`] where the manifest is not in the layout, [`Error::Write`],
    /// [`Error::Busy`], those of [`Layout::entries`].
    pub fn tag(&self, descriptor: &Descriptor, tag: Option<&str>) -> Result<()> {
        if !self.holds(&descriptor.digest, descriptor.size)? {
            return Err(self.missing(&descriptor.digest));
        }
        if self.is_durable {
            self.sync_blobs()?;
        }
        self.change(|index| (index.put(descriptor, tag), ()))
    }

    /// Takes the entries of a tag out, and returns how many there were. The blobs stay
    /// until [`Layout::collect`].
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Busy`], those of [`Layout::entries`].
    #[cfg(test)]
    pub fn untag(&self, tag: &str) -> Result<usize> {
        self.remove(|entry| super::index::name_of(entry) == Some(tag))
    }

    /// Takes out the entries of which `is_unwanted` says so, and returns how many.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Busy`], those of [`Layout::entries`].
    pub fn remove(&self, is_unwanted: impl Fn(&Descriptor) -> bool) -> Result<usize> {
        self.change(|index| {
            let count = index.remove(is_unwanted);
            (count > 0, count)
        })
    }

    /// Changes `index.json` under its lock; `edit` says whether it did anything.
    fn change<T>(&self, edit: impl FnOnce(&mut Index) -> (bool, T)) -> Result<T> {
        let _lock = self.folder.lock(Kind::Exclusive)?;
        let mut index = self.index()?;
        let (is_changed, result) = edit(&mut index);
        if is_changed {
            let path = self.path().join(INDEX);
            let bytes = index
                .to_bytes()
                .map_err(|error| unwritable(&path)(error.into()))?;
            if bytes.len() as u64 > LARGEST_INDEX {
                return Err(Error::invalid(format!(
                    "`{}` would have over {LARGEST_INDEX} bytes; nothing was changed: remove \
                     images from it first",
                    path.display()
                )));
            }
            self.sweep()?;
            self.folder.replace(INDEX, &bytes)?;
        }
        Ok(result)
    }

    /// Removes what a process left that was ended before it renamed an index. Under the
    /// lock, nobody else is at one.
    fn sweep(&self) -> Result<()> {
        self.folder.names(|name| {
            if name.starts_with(PREFIX) {
                // One that cannot be removed is no reason to write nothing.
                let _ = self.folder.remove(name);
            }
            Ok(())
        })
    }

    /// Makes the names of the blobs last.
    fn sync_blobs(&self) -> Result<()> {
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            if let Some(folder) = self.blobs(algorithm)? {
                folder.sync().map_err(unwritable(folder.path()))?;
            }
        }
        let blobs = self.folder.made(BLOBS)?;
        blobs.sync().map_err(unwritable(blobs.path()))
    }
}
