//! What engines print, kept with the catalog: a folder for each image that was built here,
//! with the log, and a note of whose it is and of the build that runs. Its lock says that
//! one does.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::domain::image::Image;
use crate::ops::{Error, Result};

/// Bytes of the longest note that is read.
const LONGEST_NOTE: u64 = 8192;

/// How often it is looked whether another process still builds.
const BETWEEN: Duration = Duration::from_millis(20);

/// How long one waits at least: it may only be somebody who looks whether it is built.
const A_MOMENT: Duration = Duration::from_millis(100);

/// The right to build an image, which one process has at a time.
#[derive(Debug)]
pub struct Turn {
    folder: PathBuf,
    note: File,
    /// The scratch folder of a build that did not end by itself.
    left_over: Option<String>,
}

/// The log of a build that runs.
#[derive(Debug)]
pub struct Log {
    pub file: File,
    note: File,
    /// When the image was created, by which another one of its name is told apart.
    created_at: String,
    /// The scratch folder of a build that did not end by itself.
    pub left_over: Option<String>,
}

fn folders(catalog: &Path) -> PathBuf {
    let mut name = catalog.as_os_str().to_owned();
    name.push(".builds");
    PathBuf::from(name)
}

fn opened(path: &Path) -> io::Result<File> {
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.custom_flags(flags).open(path)
}

fn cannot_write(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let name = path.display().to_string();
    |source| Error::Write { name, source }
}

/// Returns the two lines of a note: when the image was created, and the scratch folder of
/// the build that runs.
fn read(note: &mut File) -> (String, Option<String>) {
    let mut text = String::new();
    let read = note
        .seek(SeekFrom::Start(0))
        .and_then(|_| note.take(LONGEST_NOTE).read_to_string(&mut text));
    let mut lines = text.lines().map(str::to_owned);
    match read {
        Ok(_) => (
            lines.next().unwrap_or_default(),
            lines.next().filter(|line| !line.is_empty()),
        ),
        Err(_) => (String::new(), None),
    }
}

/// Returns the locked note of a folder; nothing where somebody else has it.
fn locked(folder: &Path) -> io::Result<Option<File>> {
    loop {
        let note = opened(&folder.join("build"))?;
        match flock(&note, FlockOperation::NonBlockingLockExclusive) {
            // It may have been removed in between.
            Ok(()) if note.metadata()?.nlink() == 0 => {}
            Ok(()) => return Ok(Some(note)),
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

impl Turn {
    /// Waits for the right to build an image of the catalog in that file.
    ///
    /// # Errors
    /// Where another process builds it for longer than one waits, and where files cannot
    /// be written.
    pub fn take(
        catalog: &Path,
        image: &str,
        patience: Duration,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Self> {
        let folder = folders(catalog).join(image);
        let deadline = Instant::now() + patience.max(A_MOMENT);
        let mut builder = DirBuilder::new();
        let builder = builder.recursive(true).mode(0o700);
        loop {
            let taken = builder.create(&folder).and_then(|()| locked(&folder));
            match taken.map_err(cannot_write(&folder))? {
                Some(mut note) => {
                    let (_, left_over) = read(&mut note);
                    return Ok(Self {
                        folder,
                        note,
                        left_over,
                    });
                }
                None if Instant::now() >= deadline => {
                    return Err(Error::Busy {
                        what: format!("image `{image}` is being built by another process"),
                    });
                }
                None if !go_on() => return Err(Error::Interrupted),
                None => thread::sleep(BETWEEN),
            }
        }
    }

    /// Begins the log.
    ///
    /// # Errors
    /// Where files cannot be written.
    pub fn begin(self, image: &Image) -> Result<Log> {
        let path = self.folder.join("log");
        let file = opened(&path).and_then(|file| file.set_len(0).map(|()| file));
        Ok(Log {
            file: file.map_err(cannot_write(&path))?,
            note: self.note,
            created_at: image.created_at.clone(),
            left_over: self.left_over,
        })
    }
}

impl Log {
    /// Notes the scratch folder of the build, so that others can clean up where it does not
    /// end by itself; nothing where it has ended.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn note(&mut self, scratch: &str) -> Result<()> {
        let text = format!("{}\n{scratch}\n", self.created_at);
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
pub fn open_log(catalog: &Path, image: &Image) -> Result<File> {
    let name = &image.config.name;
    let folder = folders(catalog).join(name);
    let path = folder.join("log");
    let absent = || Error::NotFound {
        what: format!("image `{name}` has no log of a build: it was not built here"),
        hint: format!("`imgdex images build {name}` builds it"),
    };
    let cannot_read = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => absent(),
        _ => Error::Read {
            name: path.display().to_string(),
            source,
        },
    };
    let (created_at, _) = read(&mut File::open(folder.join("build")).map_err(cannot_read)?);
    if created_at != image.created_at {
        // Another image had the name.
        return Err(absent());
    }
    let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let opened = options.read(true).custom_flags(flags).open(&path);
    opened.map_err(cannot_read)
}

/// Returns whether an image is being built, on this machine.
#[must_use]
pub fn is_being_built(catalog: &Path, image: &str) -> bool {
    let note = File::open(folders(catalog).join(image).join("build"));
    note.is_ok_and(|note| {
        flock(&note, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
    })
}

/// Forgets the log of an image that is deleted, unless a build of it runs or was killed.
pub fn forget_log(catalog: &Path, image: &str) {
    let folder = folders(catalog).join(image);
    // Locking would make what is not there.
    if folder.is_dir()
        && let Ok(Some(mut note)) = locked(&folder)
        && read(&mut note).1.is_none()
    {
        // What stays goes with the next build.
        let _ = fs::remove_dir_all(folder);
    }
}
