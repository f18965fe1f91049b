//! The moment of an export: what was written beside takes its place, and comes out
//! of it again where not all of it can.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};

use rustix::fs::{RenameFlags, fsync, renameat, renameat_with};
use rustix::io::Errno;

use super::{MARKER, MOST_SYNCED, Target};
use crate::ops::Result;

impl Target<'_> {
    /// Puts every file in its place, having cleaned the folder where that is
    /// wanted. `placed` tells how many were, whatever happens.
    pub(super) fn replace(
        &mut self,
        marker: &File,
        placed: &mut usize,
        is_valid: impl Fn(&OsStr, &File) -> Result<bool>,
        foreign: &mut impl FnMut(&str),
    ) -> Result<()> {
        if self.destination.clean {
            self.clean(is_valid, foreign)?;
        }
        self.put(OsStr::new(MARKER))?;
        *placed = 1;
        for name in BufReader::new(marker).lines().take(self.names) {
            let name = name.map_err(|source| self.failed(MARKER, source))?;
            self.put(OsStr::new(&name))?;
            *placed += 1;
        }
        if self.is_synced() {
            fsync(&self.folder).map_err(|errno| self.failed("", errno.into()))?;
        }
        Ok(())
    }

    /// Returns whether what is said to be exported is there after a loss of power,
    /// too.
    pub(super) fn is_synced(&self) -> bool {
        self.names <= MOST_SYNCED
    }

    /// Brings the bytes of the files to the disk, because a rename may come there
    /// before them.
    pub(super) fn sync_files(&self, mut marker: &File) -> Result<()> {
        for name in BufReader::new(marker).lines().take(self.names) {
            let name = name.map_err(|source| self.failed(MARKER, source))?;
            let file = self.beside.open_file(OsStr::new(&name))?;
            file.sync_all()
                .map_err(|source| self.failed(&name, source))?;
        }
        marker
            .sync_all()
            .and_then(|()| marker.seek(SeekFrom::Start(0)))
            .map_err(|source| self.failed(MARKER, source))?;
        Ok(())
    }

    /// Moves a file to its place; what was there comes to where it was.
    fn put(&mut self, name: &OsStr) -> Result<()> {
        let exchanged = renameat_with(
            &self.beside,
            name,
            &self.folder,
            name,
            RenameFlags::EXCHANGE,
        );
        let moved = match exchanged {
            Err(Errno::NOENT) => renameat(&self.beside, name, &self.folder, name),
            // Not every file system can exchange two files.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                self.can_go_back = false;
                renameat(&self.beside, name, &self.folder, name)
            }
            exchanged => exchanged,
        };
        moved.map_err(|errno| self.failed(&name.to_string_lossy(), errno.into()))
    }

    /// Takes a file out of the folder, for as long as the export is not done.
    pub(super) fn remove(&mut self, name: &OsStr) -> Result<()> {
        match renameat(&self.folder, name, &self.beside, name) {
            Ok(()) => self.removed.push(name.to_owned()),
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(self.failed(&name.to_string_lossy(), errno.into())),
        }
        Ok(())
    }

    /// Makes the folder what it was. What cannot be undone stays as it is: nobody
    /// can do more about a disk that fails twice.
    pub(super) fn go_back(&self, mut marker: &File, placed: usize) {
        if !self.can_go_back {
            return;
        }
        if placed > 0 && marker.seek(SeekFrom::Start(0)).is_ok() {
            let names = BufReader::new(marker).lines().map_while(io::Result::ok);
            for name in names.take(placed - 1) {
                self.take_back(&name);
            }
            self.take_back(MARKER);
        }
        for name in &self.removed {
            let _ = renameat(&self.beside, name, &self.folder, name);
        }
    }

    /// Exchanges a file for the one whose place it took, if there was one.
    fn take_back(&self, name: &str) {
        let exchange = RenameFlags::EXCHANGE;
        let back = renameat_with(&self.folder, name, &self.beside, name, exchange);
        if back == Err(Errno::NOENT) {
            let _ = renameat(&self.folder, name, &self.beside, name);
        }
    }
}
