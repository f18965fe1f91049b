//! The regular files directly in one folder, in the order of their names and
//! through the folder's own descriptor: whoever renames things meanwhile changes
//! nothing of what is opened.

use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::{Error, Result};

/// Names held at once: a folder of more is gone through once for each so many.
const BATCH: usize = 32 * 1024;

/// An open folder.
#[derive(Debug)]
pub struct FlatFolder {
    descriptor: OwnedFd,
    path: PathBuf,
}

impl FlatFolder {
    /// Opens the folder at a path that a user named.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Read`].
    pub fn open(path: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(path, flags, Mode::empty());
        let descriptor = opened.map_err(|errno| match errno {
            Errno::NOENT => Error::NotFound {
                what: format!("the folder `{}` does not exist", path.display()),
                hint: "name the folder that holds the files with `--directory`".to_owned(),
            },
            Errno::NOTDIR => Error::invalid(format!(
                "`{}` is not a folder: name the folder that holds the files",
                path.display()
            )),
            errno => failed(path, errno),
        })?;
        Ok(Self {
            descriptor,
            path: path.to_path_buf(),
        })
    }

    /// Opens a folder in this one; nothing where there is none of that name.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for a link, [`Error::Read`].
    pub fn folder(&self, name: &str) -> Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = self.path.join(name);
        match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => match self.kind(OsStr::new(name))? {
                Some(FileType::Symlink) => Err(linked_folder(&path)),
                _ => Ok(None),
            },
            Err(errno) => Err(failed(&path, errno)),
        }
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what kind of file has a name; nothing where there is none.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn kind(&self, name: &OsStr) -> Result<Option<FileType>> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed(&self.path.join(name), errno)),
        }
    }

    /// Opens a regular file in it, following no link and waiting for nobody.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for what is not a regular file, [`Error::Read`].
    pub fn open_file(&self, name: &OsStr) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = || self.path.join(name);
        let file = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::LOOP | Errno::NXIO) => return Err(not_regular(&path())),
            Err(errno) => return Err(failed(&path(), errno)),
        };
        let metadata = file.metadata().map_err(|source| Error::Read {
            name: path().display().to_string(),
            source,
        })?;
        if metadata.is_file() {
            Ok(file)
        } else {
            Err(not_regular(&path()))
        }
    }

    /// Returns the names of the files with one of the endings, sorted. Those that
    /// begin with a dot, and folders, are passed over.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where one of them is a link or a special file.
    pub fn files<'a>(&'a self, endings: &'a [&'a str]) -> Result<Names<'a>> {
        let mut names = Names {
            folder: self,
            endings,
            batch: Vec::new().into_iter(),
            last: None,
            is_all: false,
        };
        names.read_on()?;
        Ok(names)
    }

    /// Calls `each` with the name and kind of everything in the folder, in no
    /// order.
    ///
    /// # Errors
    /// [`Error::Read`], and those of `each`.
    pub fn for_each(&self, mut each: impl FnMut(&OsStr, FileType) -> Result<()>) -> Result<()> {
        let failed = |errno| failed(&self.path, errno);
        for entry in Dir::read_from(&self.descriptor).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => self.kind(name)?,
                kind => Some(kind),
            };
            if let Some(kind) = kind {
                each(name, kind)?;
            }
        }
        Ok(())
    }
}

impl AsFd for FlatFolder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Names in their order, some thousands of which are held at once.
#[derive(Debug)]
pub struct Names<'a> {
    folder: &'a FlatFolder,
    endings: &'a [&'a str],
    batch: std::vec::IntoIter<OsString>,
    last: Option<OsString>,
    is_all: bool,
}

impl Names<'_> {
    /// Returns whether there is no name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.len() == 0
    }

    fn read_on(&mut self) -> Result<()> {
        let mut smallest: BinaryHeap<OsString> = BinaryHeap::new();
        let mut is_all = true;
        self.folder.for_each(|name, kind| {
            if !has_ending(name, self.endings) || kind == FileType::Directory {
                return Ok(());
            }
            if kind != FileType::RegularFile {
                return Err(not_regular(&self.folder.path.join(name)));
            }
            if self.last.as_deref().is_some_and(|last| name <= last) {
                return Ok(());
            }
            if smallest.len() < BATCH {
                smallest.push(name.to_owned());
            } else {
                is_all = false;
                if smallest
                    .peek()
                    .is_some_and(|largest| name < largest.as_os_str())
                {
                    smallest.pop();
                    smallest.push(name.to_owned());
                }
            }
            Ok(())
        })?;
        self.is_all = is_all;
        self.batch = smallest.into_sorted_vec().into_iter();
        Ok(())
    }
}

impl Iterator for Names<'_> {
    type Item = Result<OsString>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.batch.len() == 0
            && !self.is_all
            && let Err(error) = self.read_on()
        {
            self.is_all = true;
            return Some(Err(error));
        }
        let name = self.batch.next()?;
        self.last = Some(name.clone());
        Some(Ok(name))
    }
}

/// Returns whether a name has one of the endings, in whatever case, and does not
/// begin with a dot.
#[must_use]
pub fn has_ending(name: &OsStr, endings: &[&str]) -> bool {
    !name.as_bytes().starts_with(b".")
        && Path::new(name)
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|ending| endings.contains(&ending.to_ascii_lowercase().as_str()))
}

fn failed(path: &Path, errno: Errno) -> Error {
    Error::Read {
        name: path.display().to_string(),
        source: errno.into(),
    }
}

pub(super) fn not_regular(path: &Path) -> Error {
    Error::Unsafe {
        what: format!(
            "`{}` is a link or a special file, and only regular files are read",
            path.display()
        ),
        hint: "put the file itself into the folder, or take it out".to_owned(),
    }
}

pub(super) fn linked_folder(path: &Path) -> Error {
    Error::Unsafe {
        what: format!(
            "`{}` is a link to a folder, and links are not followed",
            path.display()
        ),
        hint: "name the folder itself".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_sorted_however_many_there_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let count = BATCH + 1000;
        for number in 0..count {
            std::fs::write(folder.path().join(format!("{number:06}.json")), "").expect("written");
        }
        std::fs::write(folder.path().join("x.yaml"), "").expect("written");
        std::fs::write(folder.path().join(".x.json"), "").expect("written");
        std::fs::create_dir(folder.path().join("y.json")).expect("made");
        let open = FlatFolder::open(folder.path()).expect("opened");
        let names: Vec<OsString> = open
            .files(&["json"])
            .expect("listed")
            .collect::<Result<_>>()
            .expect("listed");
        assert_eq!(names.len(), count);
        assert!(names.is_sorted());
        assert_eq!(names.first().expect("one"), "000000.json");
    }
}
