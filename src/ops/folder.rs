//! Files below a folder that a user names: regular ones only, opened without
//! following links, so that a checkout cannot point outside of itself.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::flat_folder::not_regular;
use super::{Error, Result};

/// Folders may be nested this deep.
const DEEPEST: usize = 64;

/// Returns the files below `root` with one of the endings, sorted by path.
/// What begins with a dot is passed over, and so are links to files with other
/// endings.
///
/// # Errors
/// [`Error::NotFound`] for a missing folder, [`Error::Unsafe`] for a link, FIFO
/// or device where a file is expected, and for a link to a folder.
pub fn files_below(root: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(root, endings, 0, &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(folder: &Path, endings: &[&str], depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |source| Error::Read {
        name: folder.display().to_string(),
        source,
    };
    if depth > DEEPEST {
        return Err(failed(io::Error::other("folders are nested too deep")));
    }
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            walk(&path, endings, depth + 1, files)?;
            continue;
        }
        // A folder behind a link would be passed over, and with it all that is
        // in it: whoever prunes would delete that.
        if kind.is_symlink() && may_be_folder(&path) {
            return Err(not_regular(&path));
        }
        let wanted = path
            .extension()
            .and_then(|ending| ending.to_str())
            .is_some_and(|ending| endings.contains(&ending.to_ascii_lowercase().as_str()));
        if !wanted {
            continue;
        }
        if !kind.is_file() {
            return Err(not_regular(&path));
        }
        files.push(path);
    }
    Ok(())
}

/// Returns whether a link leads to a folder, or to where this cannot be seen.
fn may_be_folder(link: &Path) -> bool {
    match fs::metadata(link) {
        Ok(target) => target.is_dir(),
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// Opens a regular file without following a link and without waiting for a
/// FIFO's other end.
///
/// # Errors
/// [`Error::Unsafe`] for what is not a regular file, [`Error::Read`] for one
/// that cannot be read.
pub fn open_regular(path: &Path) -> Result<File> {
    let failed = |source| Error::Read {
        name: path.display().to_string(),
        source,
    };
    #[allow(clippy::cast_possible_wrap)]
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits() as i32;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| match error.raw_os_error() {
            Some(code) if code == rustix::io::Errno::LOOP.raw_os_error() => not_regular(path),
            _ => failed(error),
        })?;
    if file.metadata().map_err(failed)?.is_file() {
        Ok(file)
    } else {
        Err(not_regular(path))
    }
}
