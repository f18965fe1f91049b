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
    /// Whether another process had it before.
    pub was_waited_for: bool,
}

/// What is left of a build that did not end by itself.
#[derive(Debug)]
pub struct LeftOver {
    /// The name of the image.
    pub image: String,
    /// The name by which it began.
    pub job_name: String,
    /// Who built; unset for a program that is not known.
    pub program: Option<Program>,
    /// The folder that the build is called after; unset where it had none yet.
    pub scratch: Option<PathBuf>,
    /// Its log, at the end.
    pub log: File,
}

/// The log of a build that runs.
#[derive(Debug)]
pub struct Log {
    pub file: File,
    note: File,
    /// When the image was created, by which another one of its name is told apart.
    created_at: String,
    /// The name by which the build began.
    job_name: String,
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

/// What a note says, a line each: when the image was created; and of a build that has not
/// ended its name, who builds, and the folder that it is called after.
fn read(note: &mut File) -> Vec<String> {
    let mut text = String::new();
    let read = note
        .seek(SeekFrom::Start(0))
        .and_then(|_| note.take(LONGEST_NOTE).read_to_string(&mut text));
    match read {
        Ok(_) => text.lines().map(str::to_owned).collect(),
        Err(_) => Vec::new(),
    }
}

/// Returns the locked note of a folder; nothing where somebody else has it.
fn locked(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join("build");
    loop {
        let note = opened(&path)?;
        match flock(&note, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                // It may have been removed in between, and made anew by another.
                let (ours, there) = (note.metadata()?, fs::symlink_metadata(&path)?);
                if (ours.dev(), ours.ino()) == (there.dev(), there.ino()) {
                    return Ok(Some(note));
                }
            }
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Removes the folder of an image whose note is locked, so that whoever waits for it finds
/// that out: the note last, and nothing that somebody else has made since.
fn remove(folder: &Path) {
    for name in ["log", "build"] {
        // What stays goes with the next build.
        let _ = fs::remove_file(folder.join(name));
    }
    let _ = fs::remove_dir(folder);
}

/// Returns what is left of the build that a note tells of; nothing where it ended.
fn left_over(folder: &Path, note: &mut File) -> Option<LeftOver> {
    let lines = read(note);
    let job_name = lines.get(1)?.clone();
    let mut log = opened(&folder.join("log")).ok()?;
    log.seek(SeekFrom::End(0)).ok()?;
    Some(LeftOver {
        image: folder.file_name()?.to_str()?.to_owned(),
        job_name,
        program: lines.get(2).and_then(|name| Program::from_name(name)),
        scratch: lines.get(3).map(PathBuf::from),
        log,
    })
}

impl Turn {
    /// Waits for the right to build an image of the catalog in that file; `wait` is told
    /// that it is waited, again and again, and says whether to go on.
    ///
    /// # Errors
    /// Where another process builds it for longer than one waits, and where files cannot
    /// be written.
    pub fn take(
        catalog: &Path,
        image: &str,
        patience: Duration,
        wait: &mut dyn FnMut() -> bool,
    ) -> Result<Self> {
        let folder = folders(catalog).join(image);
        let began = Instant::now();
        let mut builder = DirBuilder::new();
        let builder = builder.recursive(true).mode(0o700);
        let mut was_waited_for = false;
        loop {
            match builder.create(&folder).and_then(|()| locked(&folder)) {
                Ok(Some(note)) => {
                    return Ok(Self {
                        folder,
                        note,
                        was_waited_for,
                    });
                }
                Ok(None) => {}
                // It is removed where its image is no more, and is made again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(cannot_write(&folder)(error)),
            }
            if began.elapsed() >= patience.max(A_MOMENT) {
                return Err(Error::Busy {
                    what: format!("image `{image}` is being built by another process"),
                });
            }
            if began.elapsed() >= A_MOMENT {
                was_waited_for = true;
                if !wait() {
                    return Err(Error::Interrupted);
                }
            }
            thread::sleep(BETWEEN);
        }
    }

    /// Returns what is left of the last build, where that did not end by itself.
    pub fn left_over(&mut self) -> Option<LeftOver> {
        left_over(&self.folder, &mut self.note)
    }

    /// Begins the log of a build, by its name.
    ///
    /// # Errors
    /// Where files cannot be written.
    pub fn begin(mut self, image: &Image, job_name: &str) -> Result<Log> {
        let created_at = image.created_at.clone();
        let path = self.folder.join("log");
        let file = opened(&path).and_then(|file| {
            file.set_len(0)?;
            write(&mut self.note, &format!("{created_at}\n{job_name}\n"))?;
            Ok(file)
        });
        Ok(Log {
            file: file.map_err(cannot_write(&path))?,
            note: self.note,
            created_at,
            job_name: job_name.to_owned(),
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
        let (created_at, job_name) = (&self.created_at, &self.job_name);
        let (program, scratch) = (program.name(), scratch.display());
        let text = format!("{created_at}\n{job_name}\n{program}\n{scratch}\n");
        let written = write(&mut self.note, &text);
        written.map_err(cannot_write(Path::new("build")))
    }

    /// Notes that nothing is left of the build.
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
    let note = read(&mut File::open(folder.join("build")).map_err(cannot_read)?);
    if note.first() != Some(&image.created_at) {
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
/// what is left of a build, and says whether it is gone now.
pub fn sweep(
    catalog: &Path,
    exists: &dyn Fn(&str, &str) -> bool,
    end: &mut dyn FnMut(LeftOver) -> bool,
) {
    let folders = fs::read_dir(folders(catalog)).into_iter().flatten();
    for folder in folders.flatten().map(|entry| entry.path()) {
        let Ok(Some(mut note)) = locked(&folder) else {
            continue;
        };
        let lines = read(&mut note);
        let created_at = lines.first().map_or("", String::as_str);
        if let Some(left_over) = left_over(&folder, &mut note) {
            if !end(left_over) {
                continue;
            }
            let _ = write(&mut note, created_at);
        }
        let name = folder.file_name().and_then(|name| name.to_str());
        if !name.is_some_and(|name| exists(name, created_at)) {
            remove(&folder);
        }
    }
}

/// Forgets the log of an image that is deleted, unless a build of it runs or was killed.
pub fn forget_log(catalog: &Path, image: &str) {
    let folder = folders(catalog).join(image);
    // Locking would make what is not there.
    if folder.join("build").exists()
        && let Ok(Some(mut note)) = locked(&folder)
        && left_over(&folder, &mut note).is_none()
    {
        remove(&folder);
    }
}
