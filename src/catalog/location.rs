//! Where the catalog's file is, and whether it is safe to use it there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::error::{Error, Result};

/// Bytes of the smallest page that a SQLite database may have; others are
/// multiples of it.
const SMALLEST_PAGE: u64 = 512;

/// The file of a catalog, checked: its folder's links are resolved, and the
/// file itself is a regular one or does not exist.
#[derive(Debug)]
pub(super) struct Location {
    pub path: PathBuf,
    pub exists: bool,
}

impl Location {
    /// Returns whether SQLite can make its files beside the catalog.
    pub(super) fn has_writable_folder(&self) -> bool {
        is_writable(&folder_of(&self.path))
    }

    /// Returns whether the catalog can be changed.
    pub(super) fn is_writable(&self) -> bool {
        self.has_writable_folder() && is_writable(&self.path)
    }
}

/// Returns where the catalog is, making its folder (0700) where there is none.
///
/// # Errors
/// [`Error::Unsafe`] where the folder is world-writable or the file is not a
/// regular one, [`Error::Io`] where the folder cannot be made or looked into.
pub(super) fn for_writing(path: &Path) -> Result<Location> {
    let folder = folder_of(path);
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|source| {
                Error::io(
                    format!("cannot make the catalog's folder `{}`", folder.display()),
                    source,
                )
            })?;
    }
    let location = check(path, &folder)?;
    if !location.exists {
        create_file(&location.path)?;
    }
    Ok(location)
}

/// Returns where the catalog is, or nothing where there is none.
///
/// # Errors
/// As [`for_writing`].
pub(super) fn for_reading(path: &Path) -> Result<Option<Location>> {
    let folder = folder_of(path);
    match fs::metadata(&folder) {
        Err(error) if is_absent(&error) => return Ok(None),
        _ => {}
    }
    let location = check(path, &folder)?;
    Ok(location.exists.then_some(location))
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn check(path: &Path, folder: &Path) -> Result<Location> {
    let name = path.file_name().ok_or_else(|| Error::Unsafe {
        what: format!("`{}` is a folder, not a catalog", path.display()),
        hint: "name a file, such as `catalog.db` in it".to_owned(),
    })?;
    let looked_into = |source| {
        Error::io(
            format!(
                "cannot look into the catalog's folder `{}`",
                folder.display()
            ),
            source,
        )
    };
    let folder = folder.canonicalize().map_err(looked_into)?;
    let mode = fs::metadata(&folder).map_err(looked_into)?.mode();
    if mode & 0o002 != 0 {
        return Err(Error::Unsafe {
            what: format!(
                "the catalog's folder `{}` can be written by everybody on this machine",
                folder.display()
            ),
            hint: "keep the catalog in a folder of your own: `--catalog ~/catalogs/team.db`, or \
                   take the right away: `chmod o-w FOLDER`"
                .to_owned(),
        });
    }
    let path = folder.join(name);
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Location {
                path,
                exists: false,
            });
        }
        Err(source) => {
            return Err(Error::io(
                format!("cannot look at the catalog `{}`", path.display()),
                source,
            ));
        }
    };
    if !metadata.is_file() {
        let what = if metadata.is_dir() {
            "a folder"
        } else if metadata.is_symlink() {
            "a symbolic link"
        } else {
            "not a regular file"
        };
        return Err(Error::Unsafe {
            what: format!("`{}` is {what}, not a catalog", path.display()),
            hint: "name the file itself with `--catalog FILE`".to_owned(),
        });
    }
    // SQLite reads what is missing of the last page as zeros, and takes a file
    // of one byte for an empty one.
    if !metadata.len().is_multiple_of(SMALLEST_PAGE) && !has_log(&path) {
        return Err(Error::Damaged {
            what: "the file is not an imgdex catalog, or a part of it is missing: it ends in the \
                   middle of a page"
                .to_owned(),
        });
    }
    Ok(Location {
        // A file of no bytes is one that another process is about to fill.
        exists: metadata.len() > 0,
        path,
    })
}

/// Returns whether changes lie beside the file that are not in it yet, or not
/// all of them.
pub(super) fn has_log(path: &Path) -> bool {
    log_of(path).is_some()
}

/// Returns the file beside the catalog that holds such changes.
pub(super) fn log_of(path: &Path) -> Option<PathBuf> {
    ["-wal", "-journal"]
        .iter()
        .map(|suffix| with_suffix(path, suffix))
        .find(|log| fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0))
}

/// Returns whether this user may write to a file or folder, and it does not lie
/// on a file system that is read-only.
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, Access::WRITE_OK).is_ok()
}

/// Returns the path of a file that SQLite keeps beside the catalog.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn create_file(path: &Path) -> Result<()> {
    let created = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::io(
            format!("cannot make the catalog `{}`", path.display()),
            source,
        )),
    }
}

/// Returns whether the file lies on a network file system, where the shared
/// memory of a write-ahead log does not work.
pub(super) fn is_on_network(path: &Path) -> bool {
    // From statfs(2) and the kernel's magic.h: NFS, SMB, CIFS, SMB2, AFS, 9p,
    // FUSE (sshfs and its like), Ceph, Lustre, GPFS, BeeGFS.
    const NETWORK: [u64; 11] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x5346_414f,
        0x0102_1997,
        0x6573_5546,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x4750_4653,
        0x1983_0326,
    ];
    rustix::fs::statfs(path).is_ok_and(|found| {
        #[allow(clippy::cast_sign_loss)]
        let kind = found.f_type as u64 & 0xffff_ffff;
        NETWORK.contains(&kind)
    })
}
