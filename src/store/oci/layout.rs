//! A layout: a folder with `oci-layout`, `index.json` and `blobs/<algorithm>/<hex>`
//! (OCI image specification, image-layout.md).

use std::fs::{DirBuilder, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::blob::{NewBlob, Plan};
use super::folder::{Folder, Kind, Lock};
use super::index::{self, Index};
use super::{
    BLOBS, Error, INDEX, LARGEST_DOCUMENT, LARGEST_INDEX, MARKER, PREFIX, Result, unreadable,
    unwritable,
};
use crate::domain::manifest::{Descriptor, digest_of};
use crate::domain::name::shorten;
use crate::domain::reference::{Digest, DigestAlgorithm};

/// What `oci-layout` holds.
pub(super) const MARKER_TEXT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// A layout, held by its folder's descriptor.
///
/// From the first question whether a blob is there until it is dropped, it holds a
/// lock that keeps [`Layout::collect`] away: of this process and of others.
#[derive(Debug)]
pub struct Layout {
    pub(super) folder: Folder,
    pub(super) is_durable: bool,
    /// The lock of whoever writes, on the folder of the blobs.
    pub(super) writing: Mutex<Option<Arc<Lock>>>,
}

impl Layout {
    /// Opens a layout.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] where the folder is no layout of version
    /// 1.0.0, [`Error::Read`].
    pub fn open(folder: &Path) -> Result<Self> {
        let layout = Self::over(open_folder(folder)?);
        if layout.check_marker()? {
            return Ok(layout);
        }
        Err(Error::invalid(format!(
            "`{}` is no OCI layout: it has no file `{MARKER}`",
            folder.display()
        )))
    }

    /// Opens a layout, or makes one of a folder that is empty or does not exist.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where the folder has other things in it, which are left alone;
    /// those of [`Layout::open`]; [`Error::Write`].
    pub fn create(folder: &Path) -> Result<Self> {
        // With `recursive`, a folder that exists is no error.
        DirBuilder::new()
            .recursive(true)
            .create(folder)
            .or_else(|error| match error.kind() {
                // What it is instead is told by the one that opens it.
                io::ErrorKind::AlreadyExists => Ok(()),
                _ => Err(unwritable(folder)(error)),
            })?;
        let layout = Self::over(open_folder(folder)?);
        if !layout.check_marker()? || layout.folder.file(INDEX)?.is_none() {
            layout.make()?;
        }
        layout.folder.made(BLOBS)?.made("sha256")?;
        Ok(layout)
    }

    /// Makes the files that make the folder a layout.
    fn make(&self) -> Result<()> {
        let _lock = self.folder.lock(Kind::Exclusive)?;
        if !self.check_marker()? {
            self.folder.names(|name| match name.starts_with(PREFIX) {
                // What a run left that was ended here.
                true => Ok(()),
                false => Err(Error::Unsafe {
                    what: format!(
                        "`{}` is no OCI layout, and it is not empty: it has `{}`",
                        self.path().display(),
                        shorten(name)
                    ),
                    hint: "name an empty folder, or one that does not exist".to_owned(),
                }),
            })?;
            self.folder.replace(MARKER, MARKER_TEXT)?;
        }
        if self.folder.file(INDEX)?.is_none() {
            self.folder.replace(INDEX, &Index::empty())?;
        }
        Ok(())
    }

    /// Makes every blob last on the disk before it gets its name, which costs as long
    /// as the disk takes to write it. For a layout that is the only place of its images;
    /// without it, as other tools write layouts, the blobs that were written just before
    /// the power fails may be lost, though `index.json` has their image.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.is_durable = true;
        self
    }

    fn over(folder: Folder) -> Self {
        Self {
            folder,
            is_durable: false,
            writing: Mutex::new(None),
        }
    }

    /// Returns the path that the folder was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns whether the folder says that it is a layout.
    fn check_marker(&self) -> Result<bool> {
        let Some(bytes) = self.folder.read(MARKER, LARGEST_DOCUMENT)? else {
            return Ok(false);
        };
        match check_marker(&bytes) {
            Ok(()) => Ok(true),
            Err(rule) => Err(Error::invalid(format!(
                "`{}` is no OCI layout that is read: {rule}",
                self.path().display()
            ))),
        }
    }

    pub(super) fn index(&self) -> Result<Index> {
        let path = self.path().join(INDEX);
        let Some(bytes) = self.folder.read(INDEX, LARGEST_INDEX)? else {
            return Err(Error::invalid(format!(
                "`{}` is no whole OCI layout: it has no file `{INDEX}`",
                self.path().display()
            )));
        };
        Index::parse(&bytes)
            .map_err(|rule| Error::violation(format!("`{}`: {rule}", path.display())))
    }

    /// Returns the entries of `index.json`; the tag of one is its annotation
    /// [`REF_NAME`](super::REF_NAME).
    ///
    /// # Errors
    /// [`Error::Violation`], [`Error::Invalid`], [`Error::Unsafe`], [`Error::Read`].
    pub fn entries(&self) -> Result<Vec<Descriptor>> {
        Ok(self.index()?.descriptors())
    }

    /// Returns the entry of a tag or a digest; without one that of `latest`, else the
    /// only one.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] where several fit, both naming what there
    /// is; those of [`Layout::entries`].
    pub fn find(&self, tag: Option<&str>) -> Result<Descriptor> {
        let place = format!("the layout `{}`", self.path().display());
        index::find(&self.entries()?, tag, &place)
    }

    /// Returns the bytes of a manifest or config, which hash to the digest.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Violation`], [`Error::Unsafe`], [`Error::Read`].
    pub fn document(&self, digest: &Digest) -> Result<Vec<u8>> {
        let bytes = match self.blobs(digest.algorithm())? {
            Some(folder) => folder.read(digest.hex(), LARGEST_DOCUMENT)?,
            None => None,
        };
        let bytes = bytes.ok_or_else(|| self.missing(digest))?;
        check_document(&bytes, digest, self.path())?;
        Ok(bytes)
    }

    /// Opens a blob and tells its bytes. What is read is not known to be the digest's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unsafe`], [`Error::Read`].
    pub fn blob(&self, digest: &Digest) -> Result<(File, u64)> {
        let found = match self.blobs(digest.algorithm())? {
            Some(folder) => folder.file(digest.hex())?,
            None => None,
        };
        found.ok_or_else(|| self.missing(digest))
    }

    /// Returns where a blob lies, or would.
    #[must_use]
    pub fn blob_path(&self, digest: &Digest) -> std::path::PathBuf {
        let folder = self.path().join(BLOBS).join(digest.algorithm().as_str());
        folder.join(digest.hex())
    }

    /// Returns whether a blob of that size is there. It then stays until this layout is
    /// dropped, so that an image that needs it can be tagged.
    ///
    /// # Errors
    /// [`Error::Unsafe`], [`Error::Read`], [`Error::Busy`].
    pub fn holds(&self, digest: &Digest, size: u64) -> Result<bool> {
        self.write_lock()?;
        let Some(folder) = self.blobs(digest.algorithm())? else {
            return Ok(false);
        };
        Ok(folder
            .file(digest.hex())?
            .is_some_and(|(_, found)| found == size))
    }

    /// Begins a blob, or goes on with what an interrupted run left of it.
    ///
    /// # Errors
    /// [`Error::Write`], [`Error::Read`], [`Error::Unsafe`], [`Error::Busy`].
    pub fn begin(&self, digest: &Digest, size: u64) -> Result<NewBlob> {
        let lock = self.write_lock()?;
        let blobs = self.folder.made(BLOBS)?;
        let folder = blobs.made(digest.algorithm().as_str())?;
        let plan = Plan {
            digest,
            size,
            is_durable: self.is_durable,
            lock,
        };
        NewBlob::begin(folder, plan)
    }

    /// Writes a manifest or config, and returns its SHA-256.
    ///
    /// # Errors
    /// Those of [`Layout::begin`] and [`NewBlob::finish`].
    pub fn put_document(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = digest_of(bytes, DigestAlgorithm::Sha256);
        self.put_document_as(bytes, &digest)?;
        Ok(digest)
    }

    /// Writes a manifest or config whose digest is known, of whatever algorithm, unless
    /// it is there.
    ///
    /// # Errors
    /// Those of [`Layout::begin`] and [`NewBlob::finish`].
    pub fn put_document_as(&self, bytes: &[u8], digest: &Digest) -> Result<()> {
        // From here on it is not collected.
        self.write_lock()?;
        if self.document(digest).is_ok_and(|there| there == bytes) {
            return Ok(());
        }
        let mut blob = self.begin(digest, bytes.len() as u64)?;
        blob.restart()?;
        blob.write(bytes)?;
        blob.finish()
    }

    /// Returns the folder of the blobs of an algorithm, where there is one.
    pub(super) fn blobs(&self, algorithm: DigestAlgorithm) -> Result<Option<Folder>> {
        match self.folder.below(BLOBS)? {
            Some(blobs) => blobs.below(algorithm.as_str()),
            None => Ok(None),
        }
    }

    pub(super) fn write_lock(&self) -> Result<Arc<Lock>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = &*writing {
            return Ok(Arc::clone(lock));
        }
        let lock = Arc::new(self.folder.made(BLOBS)?.lock(Kind::Shared)?);
        *writing = Some(Arc::clone(&lock));
        Ok(lock)
    }

    pub(super) fn missing(&self, digest: &Digest) -> Error {
        Error::NotFound {
            what: format!(
                "the layout `{}` has no blob `{digest}`",
                self.path().display()
            ),
            hint: "copy the image into it again".to_owned(),
        }
    }
}

fn open_folder(path: &Path) -> Result<Folder> {
    Folder::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::NotFound {
            what: format!("the layout `{}` does not exist", path.display()),
            hint: "name the folder of an OCI layout".to_owned(),
        },
        io::ErrorKind::NotADirectory => Error::invalid(format!(
            "`{}` is no folder, as an OCI layout is: of archives, `oci-archive:` and \
             `docker-archive:` are read",
            path.display()
        )),
        _ => unreadable(path)(error),
    })
}

/// Checks what `oci-layout` holds.
pub(super) fn check_marker(bytes: &[u8]) -> std::result::Result<(), String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    let marker: Marker = serde_json::from_slice(bytes)
        .map_err(|_| format!("`{MARKER}` does not tell its version"))?;
    match marker.image_layout_version.as_str() {
        "1.0.0" => Ok(()),
        other => Err(format!(
            "its version is `{}`, and not `1.0.0`",
            shorten(other)
        )),
    }
}

/// Checks that a document is what its digest says.
pub(super) fn check_document(bytes: &[u8], digest: &Digest, place: &Path) -> Result<()> {
    let found = digest_of(bytes, digest.algorithm());
    if found == *digest {
        return Ok(());
    }
    Err(Error::violation(format!(
        "what `{}` has as `{digest}` is `{found}`",
        place.display()
    )))
}
