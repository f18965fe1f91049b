//! Putting files in their places, so that there is never a half file under a name,
//! and that what fails leaves everything where it was.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};
use tempfile::TempPath;

use super::files::{Error, GoOn, Measured, Result, Source, folder_of, sync};

/// What a file under work is called until it has its name.
const PREFIX: &str = ".imgdex-";

/// A file beside its place, which goes away unless it is put there.
#[derive(Debug)]
pub struct Beside {
    temporary: TempPath,
}

impl Beside {
    /// Gives the file a second name in that folder; nothing where that cannot be,
    /// such as on another file system.
    ///
    /// # Errors
    /// [`Error::Changed`], [`Error::Write`].
    pub fn link(source: &Source, folder: &Path) -> Result<Option<Self>> {
        let linked = tempfile::Builder::new()
            .prefix(PREFIX)
            .make_in(folder, |path| link(source.path(), path));
        let Ok(linked) = linked else {
            // The copy that follows tells what is wrong, if anything is.
            return Ok(None);
        };
        let temporary = linked.into_temp_path();
        if !source.is_at(&temporary) {
            return Err(Error::Changed {
                path: source.path().to_path_buf(),
            });
        }
        Ok(Some(Self { temporary }))
    }

    /// Copies a file into that folder, and says what was read.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Write`], [`Error::Changed`], [`Error::Interrupted`].
    pub fn copy(source: &mut Source, folder: &Path, go_on: GoOn<'_>) -> Result<(Self, Measured)> {
        let unwritable = |source| Error::Write {
            path: folder.to_path_buf(),
            source,
        };
        let (mut file, temporary) = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(folder)
            .map_err(unwritable)?
            .into_parts();
        let measured = source.pass_on(Some((&mut file, folder)), go_on)?;
        file.set_permissions(fs::Permissions::from_mode(source.mode()))
            .and_then(|()| file.sync_all())
            .map_err(unwritable)?;
        Ok((Self { temporary }, measured))
    }

    /// Links or copies a file beside a place, which nothing has yet.
    ///
    /// # Errors
    /// [`Error::Exists`], and those of the copy.
    pub fn of(source: &mut Source, place: &Path, go_on: GoOn<'_>) -> Result<Self> {
        if fs::symlink_metadata(place).is_ok() {
            return Err(Error::Exists {
                path: place.to_path_buf(),
            });
        }
        let folder = folder_of(place);
        match Self::link(source, folder)? {
            Some(beside) => Ok(beside),
            None => Ok(Self::copy(source, folder, go_on)?.0),
        }
    }

    /// Gives the file its name, in place of whatever has it.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn put(self, place: &Path) -> Result<Placed> {
        let unwritable = |source| Error::Write {
            path: place.to_path_buf(),
            source,
        };
        let folder = folder_of(place);
        // What has the name keeps another one, until it is known to be replaced.
        let before = match fs::symlink_metadata(place) {
            Ok(_) => {
                let linked = tempfile::Builder::new()
                    .prefix(PREFIX)
                    .make_in(folder, |path| match link(place, path) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                            fs::rename(place, path)
                        }
                        other => other,
                    });
                Some(linked.map_err(unwritable)?.into_temp_path())
            }
            Err(_) => None,
        };
        let mut placed = Placed {
            place: place.to_path_buf(),
            before,
            is_kept: false,
            file: None,
        };
        let temporary = self.temporary.to_path_buf();
        self.temporary
            .persist(place)
            .map_err(|error| unwritable(error.error))?;
        placed.file = file_at(place);
        // Renaming a file to its own other name does nothing.
        let _ = fs::remove_file(temporary);
        sync(folder).map_err(unwritable)?;
        Ok(placed)
    }

    /// Gives the file its name, which nothing has.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Write`].
    pub fn put_new(self, place: &Path) -> Result<Placed> {
        self.temporary.persist_noclobber(place).map_err(|error| {
            let path = place.to_path_buf();
            match error.error.kind() {
                io::ErrorKind::AlreadyExists => Error::Exists { path },
                _ => Error::Write {
                    path,
                    source: error.error,
                },
            }
        })?;
        let placed = Placed {
            place: place.to_path_buf(),
            before: None,
            is_kept: false,
            file: file_at(place),
        };
        sync(folder_of(place)).map_err(|source| Error::Write {
            path: place.to_path_buf(),
            source,
        })?;
        Ok(placed)
    }
}

/// A file in its place, which is taken away again unless it is kept.
#[derive(Debug)]
pub struct Placed {
    place: PathBuf,
    before: Option<TempPath>,
    /// The device and inode of the file; unset where it is not in its place yet.
    file: Option<(u64, u64)>,
    is_kept: bool,
}

impl Placed {
    /// Leaves the file where it is.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // What another process has put there since is left alone.
        let is_ours = self.file.is_some() && self.file == file_at(&self.place);
        let is_nothing = self.file.is_none() && file_at(&self.place).is_none();
        // The failure that is told of is the one that came first.
        match self.before.take() {
            Some(before) if is_ours || is_nothing => {
                let temporary = before.to_path_buf();
                let _ = before.persist(&self.place);
                let _ = fs::remove_file(temporary);
            }
            None if is_ours => {
                let _ = fs::remove_file(&self.place);
            }
            _ => {}
        }
        let _ = sync(folder_of(&self.place));
    }
}

fn file_at(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    Ok(linkat(CWD, from, CWD, to, AtFlags::empty())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: usize = 1024 * 1024;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }

    fn on(_: u64) -> bool {
        true
    }

    #[test]
    fn a_file_that_is_not_kept_leaves_what_was_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, place) = (folder.path().join("from"), folder.path().join("place"));
        fs::write(&from, "new").expect("written");
        fs::write(&place, "old").expect("written");
        for link in [true, false] {
            let mut source = Source::open(&from).expect("opened");
            let beside = match link {
                true => Beside::link(&source, folder.path())
                    .expect("linked")
                    .expect("linked"),
                false => {
                    Beside::copy(&mut source, folder.path(), &mut on)
                        .expect("copied")
                        .0
                }
            };
            let placed = beside.put(&place).expect("put");
            assert_eq!(fs::read(&place).expect("there"), b"new");
            drop(placed);
            assert_eq!(fs::read(&place).expect("there"), b"old");
            assert_eq!(names(folder.path()), ["from", "place"]);
        }
        let source = Source::open(&from).expect("opened");
        let beside = Beside::link(&source, folder.path())
            .expect("linked")
            .expect("linked");
        beside.put(&place).expect("put").keep();
        source.remove().expect("removed");
        assert_eq!(names(folder.path()), ["place"]);
        assert_eq!(fs::read(&place).expect("there"), b"new");
    }

    #[test]
    fn a_copy_that_is_stopped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("from");
        fs::write(&from, vec![7; 3 * PART]).expect("written");
        let mut source = Source::open(&from).expect("opened");
        let mut stop = |done: u64| done < PART as u64;
        let stopped = Beside::copy(&mut source, folder.path(), &mut stop);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(names(folder.path()), ["from"]);
    }
}
