//! A folder held by its descriptor: everything in it is opened by one name, following
//! no link, so that whatever a layout holds, nothing outside of it is touched.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, statat,
    unlinkat,
};
use rustix::io::Errno;
use uuid::Uuid;

use super::{Error, PREFIX, Result, unreadable, unwritable};

/// How long another process's lock is waited for. They are held for as long as an
/// index is written, or unneeded blobs are deleted.
const LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
}

/// A lock on a folder, which ends when it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct Lock {
    _descriptor: OwnedFd,
}

/// Which lock it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Shared,
    Exclusive,
}

impl Folder {
    /// Opens the folder at a path that a user named, which may be a link.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            descriptor: rustix::fs::open(path, flags, Mode::empty())?,
            path: path.to_path_buf(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a folder in this one; nothing where nothing has that name.
    pub(super) fn below(&self, name: &str) -> Result<Option<Self>> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(Error::Unsafe {
                what: format!(
                    "`{}` is not a folder, and links are not followed",
                    path.display()
                ),
                hint: "put the folder itself there".to_owned(),
            }),
            Err(errno) => Err(unreadable(&path)(errno.into())),
        }
    }

    /// Opens a folder in this one, made where there is none.
    pub(super) fn made(&self, name: &str) -> Result<Self> {
        if let Some(folder) = self.below(name)? {
            return Ok(folder);
        }
        let path = self.path.join(name);
        match mkdirat(&self.descriptor, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(unwritable(&path)(errno.into())),
        }
        self.below(name)?
            .ok_or_else(|| unreadable(&path)(io::ErrorKind::NotFound.into()))
    }

    /// Opens a regular file and tells its bytes; nothing where nothing has that name.
    pub(super) fn file(&self, name: &str) -> Result<Option<(File, u64)>> {
        let path = self.path.join(name);
        let unreadable = unreadable(&path);
        // Looked at before it is opened: opening a device can do something.
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {}
            Ok(_) => return Err(not_regular(&path)),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(unreadable(errno.into())),
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(not_regular(&path)),
            Err(errno) => return Err(unreadable(errno.into())),
        };
        let metadata = file.metadata().map_err(&unreadable)?;
        if !metadata.is_file() {
            return Err(not_regular(&path));
        }
        Ok(Some((file, metadata.len())))
    }

    /// Reads a whole regular file of at most so many bytes.
    pub(super) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Some((file, size)) = self.file(name)? else {
            return Ok(None);
        };
        let path = self.path.join(name);
        let mut bytes = Vec::new();
        if size <= limit {
            let mut file = file.take(limit + 1);
            file.read_to_end(&mut bytes).map_err(unreadable(&path))?;
        }
        if size > limit || bytes.len() as u64 > limit {
            return Err(Error::violation(format!(
                "`{}` has over {limit} bytes, the most that are read of such a file",
                path.display()
            )));
        }
        Ok(Some(bytes))
    }

    /// Opens a file for reading and writing, made where there is none.
    pub(super) fn open_or_make(&self, name: &str) -> rustix::io::Result<File> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(&self.descriptor, name, flags, Mode::from_raw_mode(0o666)).map(File::from)
    }

    /// Makes a file, where nothing has that name.
    pub(super) fn make(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let made = openat(&self.descriptor, name, flags, Mode::from_raw_mode(0o666));
        Ok(File::from(made?))
    }

    /// Writes a file beside the name and renames it, so that the name has the old
    /// bytes or the new ones, on the disk as well.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let beside = format!("{PREFIX}{}.tmp", Uuid::new_v4().simple());
        let written = self.make(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            self.rename(&beside, name)?;
            self.sync()
        });
        written.map_err(|source| {
            let _ = self.remove(&beside);
            unwritable(&self.path.join(name))(source)
        })
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(renameat(&self.descriptor, from, &self.descriptor, to)?)
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Returns the device and inode of what has a name.
    pub(super) fn identity(&self, name: &str) -> Option<(u64, u64)> {
        let stat = statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        // The types of these fields differ between systems.
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
        Some((stat.st_dev as u64, stat.st_ino as u64))
    }

    /// Calls `each` with every name in the folder; those of ours are text.
    pub(super) fn names(&self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        let failed = |errno: Errno| unreadable(&self.path)(errno.into());
        let entries = Dir::read_from(&self.descriptor).map_err(failed)?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            match &*entry.file_name().to_string_lossy() {
                "." | ".." => {}
                name => each(name)?,
            }
        }
        Ok(())
    }

    /// Makes the names in the folder last.
    pub(super) fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.descriptor) {
            // Some file systems cannot sync a folder.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Locks the folder, waiting for other processes, but not for one that is stopped.
    pub(super) fn lock(&self, kind: Kind) -> Result<Lock> {
        let began = Instant::now();
        loop {
            match self.try_lock(kind)? {
                Some(lock) => return Ok(lock),
                None if began.elapsed() < LOCK_TIMEOUT => thread::sleep(Duration::from_millis(5)),
                None => {
                    return Err(Error::Busy {
                        what: format!(
                            "another process held the lock on `{}` for {} s",
                            self.path.display(),
                            LOCK_TIMEOUT.as_secs()
                        ),
                    });
                }
            }
        }
    }

    /// Locks the folder; nothing where another process has the lock.
    pub(super) fn try_lock(&self, kind: Kind) -> Result<Option<Lock>> {
        let failed = |errno: Errno| unwritable(&self.path)(errno.into());
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // A lock is of one opening of a folder, and two in this process must not share it.
        let descriptor = openat(&self.descriptor, ".", flags, Mode::empty()).map_err(failed)?;
        let operation = match kind {
            Kind::Shared => FlockOperation::NonBlockingLockShared,
            Kind::Exclusive => FlockOperation::NonBlockingLockExclusive,
        };
        loop {
            match flock(&descriptor, operation) {
                Ok(()) => break,
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            }
        }
        Ok(Some(Lock {
            _descriptor: descriptor,
        }))
    }
}

fn not_regular(path: &Path) -> Error {
    Error::Unsafe {
        what: format!(
            "`{}` is a link or a special file, and only regular files are read",
            path.display()
        ),
        hint: "get the image again, or put the file itself there".to_owned(),
    }
}
