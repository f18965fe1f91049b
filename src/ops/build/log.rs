//! What engines print, kept with the catalog: one folder for each image that was built,
//! which also says that a build runs.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::ops::{Error, Result};

/// Bytes of the longest note that is read.
const LONGEST_NOTE: u64 = 4096;

/// How often it is looked whether somebody else builds, before it is said.
const LOOKS: u32 = 5;

const BETWEEN_LOOKS: Duration = Duration::from_millis(10);

/// The log of a build that runs; no other build of the image begins meanwhile.
#[derive(Debug)]
pub struct Log {
    pub file: File,
    /// Says who builds, so that the next one can clean up after a build that was killed.
    note: File,
    /// What the note said before, where a build did not end by itself.
    pub left_over: Option<String>,
}

fn folder(catalog: &Path, image: &str) -> PathBuf {
    let mut name = catalog.as_os_str().to_owned();
    name.push(".builds");
    PathBuf::from(name).join(image)
}

fn opened(path: &Path) -> Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
        .custom_flags(flags)
        .open(path)
        .map_err(cannot_write(path))
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let name = path.display().to_string();
    |source| Error::Write { name, source }
}

impl Log {
    /// Begins the log of an image of the catalog in that file.
    ///
    /// # Errors
    /// Where the image is being built already, or files cannot be written.
    pub fn begin(catalog: &Path, image: &str) -> Result<Self> {
        let folder = folder(catalog, image);
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(&folder);
        made.map_err(cannot_write(&folder))?;
        let path = folder.join("build");
        let mut note = opened(&path)?;
        let mut looks = 0;
        while let Err(error) = flock(&note, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(cannot_write(&path)(error.into()));
            }
            looks += 1;
            if looks > LOOKS {
                return Err(Error::Busy {
                    what: format!("image `{image}` is being built by another process"),
                });
            }
            // It may only be somebody who looks whether it is built.
            thread::sleep(BETWEEN_LOOKS);
        }
        let mut text = String::new();
        let read = (&mut note).take(LONGEST_NOTE).read_to_string(&mut text);
        let left_over = read.ok().map(|_| text).filter(|text| !text.is_empty());
        let path = folder.join("log");
        let file = opened(&path)?;
        file.set_len(0).map_err(cannot_write(&path))?;
        Ok(Self {
            file,
            note,
            left_over,
        })
    }

    /// Notes who builds; an empty note says that nobody does.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn note(&mut self, text: &str) -> Result<()> {
        let written = self.note.set_len(0).and_then(|()| {
            self.note.seek(SeekFrom::Start(0))?;
            self.note.write_all(text.as_bytes())
        });
        written.map_err(cannot_write(Path::new("build")))
    }
}

/// Opens the log of the last build of an image.
///
/// # Errors
/// Where there was none here.
pub fn open_log(catalog: &Path, image: &str) -> Result<File> {
    let path = folder(catalog, image).join("log");
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    match OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(&path)
    {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::NotFound {
            what: format!("image `{image}` has no log of a build: it was not built here"),
            hint: format!("`imgdex images build {image}` builds it"),
        }),
        Err(source) => Err(Error::Read {
            name: path.display().to_string(),
            source,
        }),
    }
}

/// Returns whether an image is being built, on this machine.
#[must_use]
pub fn is_being_built(catalog: &Path, image: &str) -> bool {
    let note = File::open(folder(catalog, image).join("build"));
    note.is_ok_and(|note| {
        flock(&note, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
    })
}

/// Forgets the log of an image that is deleted: another one may get its name.
pub fn forget_log(catalog: &Path, image: &str) {
    // What stays is only looked at where there is such an image.
    let _ = fs::remove_dir_all(folder(catalog, image));
}
