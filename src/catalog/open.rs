//! Opening the catalog's file: the modes, the settings of SQLite, and what is
//! done where the folder is read-only.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::{Error, Result};
use super::location::{self, Location};
use super::schema::{self, Version};
use super::search;
use super::{Catalog, Place, waited};

/// SQLite before this version can damage a write-ahead log when two processes
/// check it in at once (<https://sqlite.org/wal.html#walresetbug>).
const OLDEST_SQLITE: i32 = 3_051_003;

/// KiB of pages held in memory: enough for the index pages of a large import.
const CACHE_KIB: i64 = 8192;

const STATEMENTS_KEPT: usize = 64;

impl Catalog {
    /// Opens the catalog for writing; makes it where there is none, and brings
    /// an older one to the newest version.
    ///
    /// # Errors
    /// [`Error::Unsafe`], [`Error::Damaged`], [`Error::Newer`],
    /// [`Error::Locked`], [`Error::Io`]; the file is untouched then.
    pub fn open_for_writing(place: &Place) -> Result<Self> {
        let location = location::for_writing(&place.path)?;
        let open = || -> Result<Self> {
            let mut catalog = Self::connect(
                &location.path,
                OpenFlags::SQLITE_OPEN_READ_WRITE,
                place.lock_timeout,
            )?;
            catalog.prepare_for_writing()?;
            Ok(catalog)
        };
        open().map_err(|error| waited(error.nothing_saved(), place.lock_timeout))
    }

    /// Opens the catalog for reading; one that does not exist is an empty one,
    /// and is not made.
    ///
    /// # Errors
    /// As [`Catalog::open_for_writing`].
    pub fn open_for_reading(place: &Place) -> Result<Self> {
        let Some(location) = location::for_reading(&place.path)? else {
            return Self::in_memory();
        };
        let timeout = place.lock_timeout;
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let catalog = match Self::connect_and_read(&location, read_only, timeout) {
            // An error that has another cause is not passed over: a file that is
            // taken for one that does not change is read without its locks.
            Err(Error::Io { what, .. }) if !location.has_writable_folder() => {
                Self::connect_unchanging(&location, &what)?
            }
            // The journal of a process that was killed is rolled back only by a
            // connection that may write.
            Err(Error::Io { .. })
                if location.is_writable() && location::has_log(&location.path) =>
            {
                let read_write = OpenFlags::SQLITE_OPEN_READ_WRITE;
                drop(Self::connect_and_read(&location, read_write, timeout)?);
                Self::connect_and_read(&location, read_only, timeout)?
            }
            other => other?,
        };
        match schema::version(&catalog.connection)
            .map_err(|error| waited(error, place.lock_timeout))?
        {
            Version::Empty => Self::in_memory(),
            Version::Catalog(schema::NEWEST) => Ok(catalog),
            Version::Catalog(_) if location.is_writable() => {
                drop(catalog);
                Self::open_for_writing(place)
            }
            Version::Catalog(_) => catalog
                .migrated_in_memory()
                .map_err(|error| waited(error, place.lock_timeout)),
        }
    }

    /// Returns an empty catalog that is kept nowhere.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn in_memory() -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        settle(&connection, Duration::ZERO)?;
        schema::migrate(&mut connection)?;
        Ok(Self {
            connection,
            path: PathBuf::from(":memory:"),
            lock_timeout: Duration::ZERO,
        })
    }

    /// Opens the catalog as it is, whatever its version.
    pub(super) fn connect(path: &Path, mode: OpenFlags, lock_timeout: Duration) -> Result<Self> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(Error::Io {
                what: format!(
                    "this program was built with SQLite {}, which can damage a catalog",
                    rusqlite::version()
                ),
                source: None,
            });
        }
        let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(path, flags)?;
        settle(&connection, lock_timeout)?;
        Ok(Self {
            connection,
            path: path.to_path_buf(),
            lock_timeout,
        })
    }

    fn connect_and_read(
        location: &Location,
        mode: OpenFlags,
        lock_timeout: Duration,
    ) -> Result<Self> {
        let catalog = Self::connect(&location.path, mode, lock_timeout)?;
        // The first read is what finds out whether the log can be used.
        catalog
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
            .map_err(|error| waited(error.into(), lock_timeout))?;
        Ok(catalog)
    }

    /// Reads a catalog in a read-only folder, where SQLite can make no shared
    /// memory, as a file that does not change.
    fn connect_unchanging(location: &Location, what: &str) -> Result<Self> {
        if let Some(log) = location::log_of(&location.path) {
            return Err(Error::Io {
                what: format!(
                    "the catalog's folder is read-only, and `{}` holds changes that are not in \
                     the catalog's file yet",
                    log.display()
                ),
                source: None,
            });
        }
        let Some(path) = location.path.to_str() else {
            return Err(Error::Io {
                what: what.to_owned(),
                source: None,
            });
        };
        let uri = format!("file:{}?immutable=1", percent_encode(path));
        let catalog = Self::connect(
            Path::new(&uri),
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI,
            Duration::ZERO,
        )?;
        Ok(Self {
            path: location.path.clone(),
            ..catalog
        })
    }

    /// Returns a copy of an older catalog, which cannot be written to, at the
    /// newest version: what is read is the same as if it had been.
    fn migrated_in_memory(&self) -> Result<Self> {
        let mut copy = Connection::open_in_memory()?;
        self.in_snapshot::<(), Error>(|catalog| {
            // The snapshot begins with its first read.
            schema::version(&catalog.connection)?;
            match Backup::new(&catalog.connection, &mut copy)?.step(-1)? {
                StepResult::Done => Ok(()),
                _ => Err(Error::Locked {
                    waited: Duration::ZERO,
                }),
            }
        })?;
        settle(&copy, Duration::ZERO)?;
        schema::migrate(&mut copy)?;
        Ok(Self {
            connection: copy,
            path: self.path.clone(),
            lock_timeout: self.lock_timeout,
        })
    }

    fn prepare_for_writing(&mut self) -> Result<()> {
        let found = schema::version(&self.connection)?;
        // From here on the file is known to be ours.
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        if location::is_on_network(&self.path) {
            set_journal(&self.connection, "DELETE", self.lock_timeout)?;
        } else {
            set_journal(&self.connection, "WAL", self.lock_timeout)?;
        }
        if found != Version::Catalog(schema::NEWEST) {
            schema::migrate(&mut self.connection)?;
        }
        Ok(())
    }
}

/// Sets what every connection needs, the busy time-out before all else.
fn settle(connection: &Connection, lock_timeout: Duration) -> Result<()> {
    connection.busy_timeout(lock_timeout)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Otherwise closing a file that is not ours to change, such as a newer
    // catalog, would move into it what another program left in its log.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{CACHE_KIB};"
    ))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    search::add_function(connection)?;
    super::images::add_function(connection)?;
    Ok(())
}

/// Sets the journal's mode. Two processes that change it at once can be told
/// `locked` without the busy time-out having been waited for, so that it is
/// waited for here.
fn set_journal(connection: &Connection, mode: &str, lock_timeout: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let set = connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| {
            row.get::<_, String>(0)
        });
        match set {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < lock_timeout =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return Ok(other.map(|_| ())?),
        }
    }
}

fn percent_encode(path: &str) -> String {
    path.chars()
        .map(|character| match character {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
