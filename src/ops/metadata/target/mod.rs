//! The folder that an export writes: everything is written beside first, and put
//! in its place when all of it is there, so that an export that fails leaves the
//! one before it whole.

mod clean;
mod folders;
mod places;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, unlinkat};

use crate::domain::platform::Platform;
use crate::ops::flat_folder::FlatFolder;
use crate::ops::{Error, Result};
use clean::refuse_to_clean;
use folders::{make_folders, open_target, remove_made, sweep};

/// The list of the files that exports wrote, one name a line.
pub const MARKER: &str = ".imgdex-export";

/// Where files wait until all of them are written.
const BESIDE: &str = ".imgdex-export.tmp";

/// An export of more files leaves it to the system when they come to the disk, as
/// Elyra's own tool does: waiting for thousands takes longer than all the rest, and
/// waiting for the whole file system also waits for what others wrote.
const MOST_SYNCED: usize = 64;

/// Where an export goes.
#[derive(Debug, Clone)]
pub(super) struct Destination<'a> {
    pub directory: &'a Path,
    pub platform: Platform,
    pub clean: bool,
    /// The user's home folder, which is never cleaned.
    pub home: Option<&'a Path>,
    /// How long to wait for another export to the same folder.
    pub lock_timeout: Duration,
}

/// A folder that is being written.
pub(super) struct Target<'a> {
    destination: Destination<'a>,
    folder: FlatFolder,
    beside: FlatFolder,
    marker: BufWriter<File>,
    /// How many files there are: their names come first in the marker.
    names: usize,
    /// Files of earlier exports that were taken out of the folder.
    removed: Vec<OsString>,
    /// Whether what was done to the folder can be undone.
    can_go_back: bool,
    /// Names that differ from their lower case, folded: few have.
    mixed: HashSet<String>,
    /// Folders that were made for this, the innermost first.
    made: Vec<PathBuf>,
    is_done: bool,
}

impl<'a> Target<'a> {
    /// Makes the folder ready, and waits for other exports to it to end.
    ///
    /// # Errors
    /// [`Error::Unsafe`] for a folder behind a link, and for one that is not to be
    /// cleaned.
    pub(super) fn open(destination: Destination<'a>) -> Result<Self> {
        let directory: PathBuf = destination.directory.components().collect();
        let path = directory.join(destination.platform.name());
        if destination.clean {
            refuse_to_clean(&directory, destination.home)?;
            refuse_to_clean(&path, destination.home)?;
        }
        let mut made = Vec::new();
        let (folder, beside) = loop {
            make_folders(&path, &mut made)?;
            match open_target(&directory, destination.platform, destination.lock_timeout) {
                Ok(Some(opened)) => break opened,
                Ok(None) => {}
                Err(error) => {
                    remove_made(&made);
                    return Err(error);
                }
            }
        };
        let marker = match create_in(&beside, MARKER, destination.platform) {
            Ok(marker) => marker,
            Err(error) => {
                let _ = unlinkat(&folder, BESIDE, AtFlags::REMOVEDIR);
                remove_made(&made);
                return Err(error);
            }
        };
        Ok(Self {
            destination,
            folder,
            beside,
            marker: BufWriter::new(marker),
            names: 0,
            removed: Vec::new(),
            can_go_back: true,
            mixed: HashSet::new(),
            made,
            is_done: false,
        })
    }

    /// Makes a file, and returns it with the name that it got: another one where
    /// the name is taken, be it in other case.
    pub(super) fn create(&mut self, name: &str) -> Result<(File, String)> {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let mut candidate = name.to_owned();
        let mut number = 1;
        loop {
            if !self.clashes(&candidate) {
                match create_in(&self.beside, &candidate, self.destination.platform) {
                    Ok(file) => {
                        if is_mixed(&candidate) {
                            self.mixed.insert(candidate.to_lowercase());
                        }
                        writeln!(self.marker, "{candidate}")
                            .map_err(|source| self.failed(&candidate, source))?;
                        self.names += 1;
                        return Ok((file, candidate));
                    }
                    Err(Error::Write { source, .. })
                        if source.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(error),
                }
            }
            number += 1;
            candidate = format!("{stem}-{number}.{ending}");
        }
    }

    fn clashes(&self, name: &str) -> bool {
        let folded = name.to_lowercase();
        self.mixed.contains(&folded)
            || (is_mixed(name) && matches!(self.beside.kind(OsStr::new(&folded)), Ok(Some(_))))
    }

    /// Returns the failure to write a file.
    pub(super) fn failed(&self, name: &str, source: io::Error) -> Error {
        Error::Write {
            name: self.folder.path().join(name).display().to_string(),
            source,
        }
    }

    /// Puts everything in its place. Where the folder is to be cleaned, files of
    /// earlier exports go, `is_valid` says which others may, and `foreign` is told
    /// of those that stay.
    pub(super) fn finish(
        mut self,
        is_valid: impl Fn(&OsStr, &File) -> Result<bool>,
        mut foreign: impl FnMut(&str),
    ) -> Result<()> {
        if !self.destination.clean {
            self.keep_marks()?;
        }
        self.marker
            .flush()
            .map_err(|source| self.failed(MARKER, source))?;
        self.check_places()?;
        let marker = self.beside.open_file(OsStr::new(MARKER))?;
        if self.is_synced() {
            self.sync_files(&marker)?;
        }
        let mut placed = 0;
        let done = self.replace(&marker, &mut placed, is_valid, &mut foreign);
        if let Err(error) = done {
            self.go_back(&marker, placed);
            return Err(error);
        }
        self.is_done = true;
        Ok(())
    }

    /// Marks the files of earlier exports that stay.
    fn keep_marks(&mut self) -> Result<()> {
        let mut kept = Vec::new();
        self.for_each_marked(|name| {
            // What no export wrote may be of any bytes.
            if let Some(text) = name.to_str()
                && self.beside.kind(name)?.is_none()
                && self.folder.kind(name)? == Some(FileType::RegularFile)
            {
                kept.push(text.to_owned());
            }
            Ok(())
        })?;
        for name in kept {
            writeln!(self.marker, "{name}").map_err(|source| self.failed(MARKER, source))?;
        }
        Ok(())
    }

    /// Refuses to replace what is no file.
    fn check_places(&self) -> Result<()> {
        let mut taken = None;
        self.beside.for_each(|name, _| {
            if self.folder.kind(name)? == Some(FileType::Directory) {
                taken = Some(self.folder.path().join(name));
            }
            Ok(())
        })?;
        match taken {
            None => Ok(()),
            Some(path) => Err(Error::Unsafe {
                what: format!(
                    "`{}` is a folder, where a file is to be written",
                    path.display()
                ),
                hint: "move it away, or name another `--directory`".to_owned(),
            }),
        }
    }

    fn marked(&self) -> Result<Option<File>> {
        match self.folder.kind(OsStr::new(MARKER))? {
            None => Ok(None),
            Some(_) => self.folder.open_file(OsStr::new(MARKER)).map(Some),
        }
    }

    /// Calls `each` with the names of the files of earlier exports.
    fn for_each_marked(&self, mut each: impl FnMut(&OsStr) -> Result<()>) -> Result<()> {
        let Some(marked) = self.marked()? else {
            return Ok(());
        };
        for line in BufReader::new(marked).split(b'\n') {
            let line = line.map_err(|source| self.failed(MARKER, source))?;
            let name = OsStr::from_bytes(&line);
            if is_one_name(name) {
                each(name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next export.
        let _ = sweep(&self.beside);
        let _ = unlinkat(&self.folder, BESIDE, AtFlags::REMOVEDIR);
        if !self.is_done {
            remove_made(&self.made);
        }
    }
}

fn is_mixed(name: &str) -> bool {
    name.to_lowercase() != name
}

/// Returns whether text is the name of something in a folder, and no path.
fn is_one_name(name: &OsStr) -> bool {
    let mut components = Path::new(name).components();
    matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(only)), None) if only == name
    )
}

fn create_in(folder: &FlatFolder, name: &str, platform: Platform) -> Result<File> {
    // Elyra's own files are their owner's alone.
    let mode = match platform {
        Platform::RuntimeImages => 0o600,
        _ => 0o666,
    };
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    openat(folder, name, flags, Mode::from_raw_mode(mode))
        .map(File::from)
        .map_err(|errno| Error::Write {
            name: folder.path().join(name).display().to_string(),
            source: errno.into(),
        })
}
