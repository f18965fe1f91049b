//! What `--clean` removes, and where it refuses to.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags, statx};

use super::{BESIDE, MARKER, Target};
use crate::ops::flat_folder::{has_ending, linked_folder};
use crate::ops::{Error, Result};

impl Target<'_> {
    /// Removes the files that are of an export and not of this one.
    pub(super) fn clean(
        &mut self,
        is_valid: impl Fn(&OsStr, &File) -> Result<bool>,
        foreign: &mut impl FnMut(&str),
    ) -> Result<()> {
        let endings = self.destination.platform.endings();
        let mut removed = Vec::new();
        self.for_each_marked(|name| {
            // A list may come from anybody: it removes no more than files such as
            // are written here.
            if has_ending(name, endings)
                && self.beside.kind(name)?.is_none()
                && self.folder.kind(name)? == Some(FileType::RegularFile)
            {
                removed.push(name.to_owned());
            }
            Ok(())
        })?;
        for name in removed.drain(..) {
            self.remove(&name)?;
        }
        let mut others = Vec::new();
        self.folder.for_each(|name, kind| {
            let is_own = name == MARKER || name == BESIDE;
            if is_own || self.beside.kind(name)?.is_some() {
                return Ok(());
            }
            let is_removed = kind == FileType::RegularFile
                && has_ending(name, endings)
                && match self.folder.open_file(name) {
                    Ok(file) => is_valid(name, &file)?,
                    Err(Error::Read { .. } | Error::Unsafe { .. }) => false,
                    Err(error) => return Err(error),
                };
            if is_removed {
                removed.push(name.to_owned());
            } else {
                others.push(name.to_string_lossy().into_owned());
            }
            Ok(())
        })?;
        for name in removed {
            self.remove(&name)?;
        }
        others.sort();
        others.iter().for_each(|name| foreign(name));
        Ok(())
    }
}

/// Refuses to clean what holds more than exports.
pub(super) fn refuse_to_clean(path: &Path, home: Option<&Path>) -> Result<()> {
    let refused = |what: &str| {
        Err(Error::Unsafe {
            what: format!("`{}` is {what}, and is not cleaned", path.display()),
            hint: "export to a folder of its own, or leave `--clean` out".to_owned(),
        })
    };
    let Ok(metadata) = path.symlink_metadata() else {
        return Ok(());
    };
    if metadata.is_symlink() {
        return Err(linked_folder(path));
    }
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    if real == Path::new("/") {
        return refused("the root folder");
    }
    let home = home.map(|home| home.canonicalize().unwrap_or_else(|_| home.to_path_buf()));
    if home.is_some_and(|home| home == real) {
        return refused("the home folder");
    }
    if is_mount_point(&real) {
        return refused("a mount point");
    }
    Ok(())
}

fn is_mount_point(path: &Path) -> bool {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    statx(rustix::fs::CWD, path, flags, StatxFlags::BASIC_STATS)
        .is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}
