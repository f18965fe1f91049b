//! Images on disk in the forms that other tools read and write: OCI layouts, OCI
//! archives and archives of docker. What arrives from elsewhere is not trusted: names
//! stay beneath the folder or inside the archive, no link is followed, and sizes and
//! digests are checked. Not here: registries, and which image a user means.

mod archive;
mod archive_writer;
mod blob;
mod collect;
pub mod docker_archive;
mod entries;
mod folder;
mod index;
mod layout;
mod loose;
mod tar;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

pub use archive::ArchiveLayout;
#[cfg(test)]
pub use archive_writer::ArchiveBlob;
pub use archive_writer::ArchiveWriter;
pub use blob::NewBlob;
#[cfg(test)]
pub use collect::Collected;
pub use layout::Layout;
#[cfg(test)]
pub use tar::Section;

/// The annotation of an entry of `index.json` that holds its tag.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The annotation of an entry that holds the whole reference of its image, as containerd
/// and BuildKit write and read it.
pub const IMAGE_NAME: &str = "io.containerd.image.name";

/// Bytes of the largest manifest or config that is read, the limit of registries.
pub const LARGEST_DOCUMENT: u64 = 4 * 1024 * 1024;

/// Bytes of the largest `index.json` that is read: some 50,000 entries.
const LARGEST_INDEX: u64 = 16 * 1024 * 1024;

/// The file that makes a folder a layout.
const MARKER: &str = "oci-layout";
const INDEX: &str = "index.json";
const BLOBS: &str = "blobs";

/// What files under work are called until they have their names.
const PREFIX: &str = ".imgdex-";

/// Bytes that are read at once.
const BUFFER: usize = 1024 * 1024;

/// Why an image on disk cannot be read or written.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{what}")]
    NotFound { what: String, hint: String },
    /// What was asked for cannot be: a tag that two images have, or a folder that is
    /// no layout.
    #[error("{what}")]
    Invalid { what: String },
    /// It is not what it says that it is.
    #[error("{what}")]
    Violation { what: String, hint: String },
    #[error("{what}")]
    Unsafe { what: String, hint: String },
    /// Another process is at it, and stayed at it.
    #[error("{what}")]
    Busy { what: String },
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("stopped before it was done")]
    Interrupted,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn violation(what: impl Into<String>) -> Self {
        Self::Violation {
            what: what.into(),
            hint: "get the image again from where it came from".to_owned(),
        }
    }

    fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Read {
        path: path.clone(),
        source,
    }
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Write {
        path: path.clone(),
        source,
    }
}
