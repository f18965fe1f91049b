//! The folder of an export: made, locked, and with a folder in it where files wait.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, flock, fstat, mkdirat, unlinkat};
use rustix::io::Errno;

use super::BESIDE;
use crate::domain::platform::Platform;
use crate::ops::flat_folder::FlatFolder;
use crate::ops::{Error, Result};

/// Opens the folder and takes its lock, and makes the one beside; nothing where the
/// folder is gone by then, because another export had made it and came to nothing.
pub(super) fn open_target(
    directory: &Path,
    platform: Platform,
    lock_timeout: Duration,
) -> Result<Option<(FlatFolder, FlatFolder)>> {
    let outer = FlatFolder::open(directory)?;
    let Some(folder) = outer.folder(platform.name())? else {
        return Err(Error::invalid(format!(
            "`{}` is not a folder",
            directory.join(platform.name()).display()
        )));
    };
    lock(&folder, lock_timeout)?;
    if fstat(&folder).is_ok_and(|found| found.st_nlink == 0) {
        return Ok(None);
    }
    let failed = |errno: Errno| Error::Write {
        name: folder.path().join(BESIDE).display().to_string(),
        source: errno.into(),
    };
    // One that is there was left by an export that was killed.
    match folder.kind(OsStr::new(BESIDE))? {
        None => {}
        Some(FileType::Directory) => {
            if let Some(left) = folder.folder(BESIDE)? {
                sweep(&left)?;
            }
            unlinkat(&folder, BESIDE, AtFlags::REMOVEDIR).map_err(failed)?;
        }
        Some(_) => unlinkat(&folder, BESIDE, AtFlags::empty()).map_err(failed)?,
    }
    mkdirat(&folder, BESIDE, Mode::from_raw_mode(0o700)).map_err(failed)?;
    let opened = folder.folder(BESIDE);
    match opened.and_then(|beside| beside.ok_or_else(|| failed(Errno::NOENT))) {
        Ok(beside) => Ok(Some((folder, beside))),
        Err(error) => {
            let _ = unlinkat(&folder, BESIDE, AtFlags::REMOVEDIR);
            Err(error)
        }
    }
}

pub(super) fn sweep(folder: &FlatFolder) -> Result<()> {
    folder.for_each(|name, kind| {
        if kind != FileType::Directory {
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
        Ok(())
    })
}

fn lock(folder: &FlatFolder, timeout: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        match flock(folder, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if began.elapsed() < timeout => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(Errno::INTR) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(Error::Busy {
                    what: format!(
                        "another export to `{}` did not end within {} s",
                        folder.path().display(),
                        timeout.as_secs_f64()
                    ),
                });
            }
            Err(errno) => {
                return Err(Error::Write {
                    name: folder.path().display().to_string(),
                    source: errno.into(),
                });
            }
        }
    }
}

/// Makes a folder and those above it, noting which.
pub(super) fn make_folders(path: &Path, made: &mut Vec<PathBuf>) -> Result<()> {
    let missing: Vec<&Path> = path
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err())
        .collect();
    for folder in missing.into_iter().rev() {
        match std::fs::create_dir(folder) {
            Ok(()) => made.insert(0, folder.to_path_buf()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                remove_made(made);
                return Err(Error::Write {
                    name: folder.display().to_string(),
                    source,
                });
            }
        }
    }
    Ok(())
}

/// Removes the folders that were made, where they are empty.
pub(super) fn remove_made(made: &[PathBuf]) {
    for folder in made {
        let _ = std::fs::remove_dir(folder);
    }
}
