//! Files of images: opened, measured and removed. How they are put in their places
//! is in `place.rs`; which place a file has, and which record, is not known here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use thiserror::Error;

const BUFFER: usize = 1024 * 1024;

/// Why a file cannot be taken or put.
#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot read `{}`", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`", .path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("`{}` is a link or a special file, and only regular files are taken", .path.display())]
    NotRegular { path: PathBuf },
    #[error("`{}` is a folder", .path.display())]
    Folder { path: PathBuf },
    #[error("`{}` was changed while it was read", .path.display())]
    Changed { path: PathBuf },
    #[error("`{}` already exists", .path.display())]
    Exists { path: PathBuf },
    #[error("stopped before it was done")]
    Interrupted,
}

pub type Result<T> = std::result::Result<T, Error>;

/// What is asked after every part of a file: it is given the bytes so far, and
/// returns whether to go on.
pub type GoOn<'a> = &'a mut dyn FnMut(u64) -> bool;

/// What was found out by reading all of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Bytes.
    pub size: u64,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

/// An open regular file.
#[derive(Debug)]
pub struct Source {
    file: File,
    path: PathBuf,
    metadata: fs::Metadata,
}

impl Source {
    /// Opens a file, following no link and waiting for nobody.
    ///
    /// # Errors
    /// [`Error::NotRegular`], [`Error::Folder`], [`Error::Read`].
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |source| Error::Read {
            path: path.to_path_buf(),
            source,
        };
        // Looked at before it is opened: opening a device can do something.
        let found = fs::symlink_metadata(path).map_err(unreadable)?;
        if found.is_dir() {
            return Err(Error::Folder {
                path: path.to_path_buf(),
            });
        }
        let not_regular = || Error::NotRegular {
            path: path.to_path_buf(),
        };
        if !found.is_file() {
            return Err(not_regular());
        }
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
            .open(path)
            .map_err(|error| match error.raw_os_error() {
                Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => not_regular(),
                _ => unreadable(error),
            })?;
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(not_regular());
        }
        Ok(Self {
            file,
            path: whole_path(path).map_err(unreadable)?,
            metadata,
        })
    }

    /// Returns the whole path, without links in it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole file.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::Read`], [`Error::Interrupted`].
    pub fn measure(&mut self, go_on: GoOn<'_>) -> Result<Measured> {
        self.pass_on(None, go_on)
    }

    /// Reads the whole file, writing what is read to `copy`, a file and its path.
    pub(super) fn pass_on(
        &mut self,
        copy: Option<(&mut File, &Path)>,
        go_on: GoOn<'_>,
    ) -> Result<Measured> {
        let path = self.path.clone();
        let unreadable = |source| Error::Read {
            path: path.clone(),
            source,
        };
        let mut copy = copy;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut size = 0;
        loop {
            if !go_on(size) {
                return Err(Error::Interrupted);
            }
            let count = match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(unreadable(error)),
            };
            let part = buffer.get(..count).unwrap_or_default();
            hash.update(part);
            if let Some((file, path)) = &mut copy {
                file.write_all(part).map_err(|source| Error::Write {
                    path: path.to_path_buf(),
                    source,
                })?;
            }
            size += count as u64;
        }
        let now = self.file.metadata().map_err(unreadable)?;
        let before = &self.metadata;
        let is_same = now.len() == size
            && now.len() == before.len()
            && (now.mtime(), now.mtime_nsec()) == (before.mtime(), before.mtime_nsec());
        if !is_same {
            return Err(Error::Changed { path });
        }
        let sha256 = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Measured { size, sha256 })
    }

    /// Returns whether a path names this file.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|found| {
            (found.dev(), found.ino()) == (self.metadata.dev(), self.metadata.ino())
        })
    }

    /// Returns what anybody may do with it: the lower nine bits of its mode.
    pub(super) fn mode(&self) -> u32 {
        self.metadata.permissions().mode() & 0o777
    }

    /// Removes the file from where it was opened, if it is there.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Changed`] where another file has its path by now.
    pub fn remove(self) -> Result<()> {
        let found = fs::symlink_metadata(&self.path);
        if found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
        if !self.is_at(&self.path) {
            return Err(Error::Changed { path: self.path });
        }
        remove(&self.path)
    }
}

/// Makes a folder, and those that it is in.
///
/// # Errors
/// [`Error::Write`].
pub fn make_folder(folder: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| Error::Write {
            path: folder.to_path_buf(),
            source,
        })
}

/// Returns the path of an existing folder without links in it.
///
/// # Errors
/// [`Error::Read`].
pub fn real_folder(folder: &Path) -> Result<PathBuf> {
    fs::canonicalize(folder).map_err(|source| Error::Read {
        path: folder.to_path_buf(),
        source,
    })
}

/// Removes a file.
///
/// # Errors
/// [`Error::Write`].
pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path)
        .and_then(|()| sync(folder_of(path)))
        .map_err(|source| Error::Write {
            path: path.to_path_buf(),
            source,
        })
}

/// Returns whether there is certainly no regular file at that path. One that cannot
/// be looked at may be there.
#[must_use]
pub fn is_gone(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(found) => !found.is_file(),
        Err(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
    }
}

/// Returns a path with all of its folders, none of them a link. The last part may
/// not exist.
///
/// # Errors
/// Where a folder of it does not exist.
pub fn whole_path(path: &Path) -> io::Result<PathBuf> {
    match path.file_name() {
        Some(name) => Ok(fs::canonicalize(folder_of(path))?.join(name)),
        None => fs::canonicalize(path),
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[allow(clippy::cast_possible_wrap)]
fn flags(flags: OFlags) -> i32 {
    flags.bits() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_is_not_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("from");
        fs::write(&from, "one").expect("written");
        let mut source = Source::open(&from).expect("opened");
        let measured = source.measure(&mut |_| true).expect("measured");
        assert_eq!(measured.size, 3);
        assert!(measured.sha256.starts_with("7692c3ad3540bb80"));
        let mut source = Source::open(&from).expect("opened");
        fs::write(&from, "one and two").expect("written");
        assert!(matches!(
            source.measure(&mut |_| true),
            Err(Error::Changed { .. })
        ));
    }
}
