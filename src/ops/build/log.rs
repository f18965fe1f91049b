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

use crate::build::Program;
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
    left_over: Option<LeftOver>,
}

/// What a note says of a build that did not end by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOver {
    /// Who built; unset for a program that is not known.
    pub program: Option<Program>,
    /// The folder that the build is called after.
    pub scratch: PathBuf,
}

/// The log of a build that runs.
#[derive(Debug)]
pub struct Log {
    pub file: File,
    note: File,
    /// When the image was created, by which another one of its name is told apart.
    created_at: String,
    pub left_over: Option<LeftOver>,
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

/// Returns what a note says: when the image was created, and what is left of a build.
fn read(note: &mut File) -> (String, Option<LeftOver>) {
    let mut text = String::new();
    let read = note
        .seek(SeekFrom::Start(0))
        .and_then(|_| note.take(LONGEST_NOTE).read_to_string(&mut text));
    if read.is_err() {
        return (String::new(), None);
    }
    let mut lines = text.lines();
    let created_at = lines.next().unwrap_or_default().to_owned();
    let left_over = lines.next().zip(lines.next());
    let left_over = left_over.map(|(program, scratch)| LeftOver {
        program: Program::from_name(program),
        scratch: PathBuf::from(scratch),
    });
    (created_at, left_over)
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
    /// Notes who builds, and the folder that the build is called after, so that others can
    /// clean up where it does not end by itself.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn note(&mut self, program: Program, scratch: &Path) -> Result<()> {
        let (program, scratch) = (program.name(), scratch.display());
        let text = format!("{}\n{program}\n{scratch}\n", self.created_at);
        let written = write(&mut self.note, &text);
        written.map_err(cannot_write(Path::new("build")))
    }

    /// Notes that the build has ended.
    pub fn forget(&mut self) {
        // What became of the image matters more; the next build looks, and finds nothing.
        let _ = write(&mut self.note, &self.created_at);
    }
}

fn write(note: &mut File, text: &str) -> io::Result<()> {
    note.set_len(0)?;
    note.seek(SeekFrom::Start(0))?;
    note.write_all(text.as_bytes())
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

/// Goes through what builds left that did not end by themselves, and forgets the logs of
/// images that are no more. `exists` is told a name, and when its image was created; `end`
/// what is left of a build, and its log. What fails is gone through the next time.
pub fn sweep(
    catalog: &Path,
    exists: &dyn Fn(&str, &str) -> bool,
    end: &mut dyn FnMut(&LeftOver, File),
) {
    let folders = fs::read_dir(folders(catalog)).into_iter().flatten();
    for folder in folders.flatten().map(|entry| entry.path()) {
        let Ok(Some(mut note)) = locked(&folder) else {
            continue;
        };
        let (created_at, left_over) = read(&mut note);
        if let Some(left_over) = left_over
            && let Ok(mut log) = opened(&folder.join("log"))
            && log.seek(SeekFrom::End(0)).is_ok()
        {
            end(&left_over, log);
            let _ = write(&mut note, &created_at);
        }
        let name = folder.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(|name| exists(name, &created_at)) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
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
