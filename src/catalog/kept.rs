//! Catalogs that stay open while nobody uses them, as a shell keeps them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rustix::fs::Access;

use super::Catalog;
use super::location::{is_on_network, with_suffix};
use super::schema::{self, NEWEST, Version};

/// The files that stand at a catalog's place: the catalog, its log and the memory that
/// its users share. Another file there means that an open catalog is not the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity([Option<(u64, u64)>; 3]);

impl Identity {
    /// Returns what stands there; nothing where there is no catalog.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let of = |path: &Path| {
            let found = fs::metadata(path).ok();
            found.map(|found| (found.dev(), found.ino()))
        };
        let files = ["", "-wal", "-shm"].map(|suffix| of(&with_suffix(path, suffix)));
        files[0].is_some().then_some(Self(files))
    }

    /// Returns whether it is the same catalog, whatever lies beside it.
    #[must_use]
    pub fn is_same_catalog(&self, other: &Self) -> bool {
        self.0[0] == other.0[0]
    }
}

impl Catalog {
    /// Makes it ready to be left open: its log is brought into its file where nobody
    /// else uses it, so that who copies or moves the file meanwhile has all of it.
    /// Returns whether it can be left open.
    pub fn rest(&mut self) -> bool {
        let folder = self.path.parent();
        let is_file = self
            .connection
            .path()
            .is_some_and(|path| Path::new(path) == self.path);
        let can_be_kept = is_file
            && self.connection.is_autocommit()
            // A catalog in a read-only folder is taken for one that does not change, and
            // on a network its locks are not to be relied on.
            && folder.is_some_and(|folder| rustix::fs::access(folder, Access::WRITE_OK).is_ok())
            && !is_on_network(&self.path);
        if can_be_kept && !self.connection.is_readonly("main").unwrap_or(true) {
            let _ = self.connection.busy_timeout(Duration::ZERO);
            // Where another process reads it, its own end does it.
            let _ = self
                .connection
                .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        can_be_kept
    }

    /// Makes it ready to be used again, with another time-out; returns whether it is still
    /// one that this program may use: nobody brought it to a newer version.
    #[must_use]
    pub fn wakes(&mut self, lock_timeout: Duration) -> bool {
        self.lock_timeout = lock_timeout;
        let set = self.connection.busy_timeout(lock_timeout);
        set.is_ok()
            && matches!(
                schema::version(&self.connection),
                Ok(Version::Catalog(NEWEST))
            )
    }

    /// Closes it without a touch to the files that stand at its place now.
    pub fn abandon(self) {
        let without_check = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(without_check, true);
    }
}
