//! Looking after the file: what it holds, whether it is whole, copies of it,
//! and making it small.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::error::{Error, Result};
use super::location::{has_log, with_suffix};
use super::{Catalog, Place, schema, search, waited};
use crate::domain::image::{Archived, ImageFilter};

/// Pages copied between two looks at whether to go on.
const PAGES_A_STEP: i32 = 4096;

/// What a catalog is and holds.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    pub path: String,
    pub exists: bool,
    pub id: Option<String>,
    /// The version of the schema.
    pub version: i64,
    pub sqlite: &'static str,
    pub journal: String,
    /// Bytes of the file, and of the changes that are not in it yet.
    pub size: u64,
    pub log_size: u64,
    pub images: u64,
    pub archived_images: u64,
    pub groups: u64,
    pub secrets: u64,
    pub stored_images: u64,
    pub invalid_entries: u64,
    pub changes: u64,
}

/// Whether a catalog is whole.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Health {
    /// What was found, one line each; none where it is whole.
    pub problems: Vec<String>,
}

impl Catalog {
    /// Returns what the catalog is and holds.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn info(&self) -> Result<Info> {
        let exists = self.path != Path::new(":memory:");
        let count = |what: &str| -> Result<u64> {
            Ok(self
                .connection
                .query_row(&format!("SELECT count(*) FROM {what}"), [], |row| {
                    row.get(0)
                })?)
        };
        let size = |path: &Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        Ok(Info {
            path: self.path.display().to_string(),
            exists,
            id: if exists { Some(self.id()?) } else { None },
            version: schema::NEWEST,
            sqlite: rusqlite::version(),
            journal: self
                .connection
                .query_row("PRAGMA journal_mode", [], |row| row.get(0))?,
            size: size(&self.path),
            log_size: size(&with_suffix(&self.path, "-wal")),
            images: count("images WHERE archived = 0")?,
            archived_images: count("images WHERE archived = 1")?,
            groups: count("groups")?,
            secrets: count("secrets")?,
            stored_images: count("stored_images")?,
            invalid_entries: count("invalid_entries")?,
            changes: count("changes")?,
        })
    }

    /// Reads the whole catalog and returns what is wrong with it.
    ///
    /// # Errors
    /// Those that keep it from being read at all.
    pub fn check(&self) -> Result<Health> {
        let mut problems = Vec::new();
        self.pragma_rows("integrity_check", |row| {
            let line: String = row.get(0)?;
            if line != "ok" {
                problems.push(line);
            }
            Ok(())
        })?;
        if let Some(problem) = self.partial_page()? {
            problems.push(problem);
        }
        self.pragma_rows("foreign_key_check", |row| {
            let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
            problems.push(format!(
                "a row of {table} points to a row of {parent} that is gone"
            ));
            Ok(())
        })?;
        let everything = ImageFilter {
            archived: Archived::Any,
            ..ImageFilter::default()
        };
        if let Err(error) = self.for_each_image::<Error>(&everything, |_| Ok(())) {
            problems.push(error.to_string());
        }
        Ok(Health { problems })
    }

    fn pragma_rows(
        &self,
        pragma: &str,
        mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare(&format!("PRAGMA {pragma}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(row)?;
        }
        Ok(())
    }

    /// Returns what is wrong with the end of the file, whose last page SQLite
    /// would fill up with zeros.
    fn partial_page(&self) -> Result<Option<String>> {
        let page: u64 = self
            .connection
            .query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let length = fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        let partial = !length.is_multiple_of(page) && !has_log(&self.path);
        Ok(partial.then(|| {
            format!("the file ends in the middle of a page: {length} bytes in pages of {page}")
        }))
    }

    /// Copies the catalog, as it is at this moment, into a new file (0600),
    /// while others go on reading and writing. Asks `go_on` now and then.
    ///
    /// # Errors
    /// [`Error::Io`]; where the file exists already that is its cause. There is
    /// no file then.
    pub fn backup(&self, target: &Path, go_on: &dyn Fn() -> bool) -> Result<()> {
        let cannot = |source| Error::io(format!("cannot write `{}`", target.display()), source);
        let failed = |error: rusqlite::Error| match Error::from(error) {
            Error::Io { what, source } => Error::Io {
                what: format!("cannot back up to `{}`: {what}", target.display()),
                source,
            },
            other => other,
        };
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if target.symlink_metadata().is_ok() {
            return Err(cannot(std::io::ErrorKind::AlreadyExists.into()));
        }
        let file = tempfile::Builder::new()
            .prefix(".imgdex-backup-")
            .tempfile_in(folder)
            .map_err(cannot)?;
        self.in_snapshot::<(), Error>(|catalog| {
            // The snapshot begins with its first read.
            catalog
                .connection
                .query_row("SELECT count(*) FROM settings", [], |_| Ok(()))?;
            let mut copy = Connection::open(file.path()).map_err(failed)?;
            // A copy that is not finished is thrown away, and a finished one is synced
            // below: a journal would only be one more file to be left over.
            copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
                .map_err(failed)?;
            let backup = Backup::new(&catalog.connection, &mut copy)?;
            loop {
                let step = backup.step(PAGES_A_STEP).map_err(failed)?;
                // Asked after the last step too, which is all there is of a small
                // catalog.
                if !go_on() {
                    return Err(cannot(std::io::ErrorKind::Interrupted.into()));
                }
                if step == StepResult::Done {
                    return Ok(());
                }
            }
        })?;
        file.as_file().sync_all().map_err(cannot)?;
        file.persist_noclobber(target)
            .map_err(|error| cannot(error.error))?;
        fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| {
                // A backup that may be gone after a loss of power is none.
                let _ = fs::remove_file(target);
                cannot(error)
            })
    }

    /// Makes the search index anew and gives unused space back; returns the
    /// bytes of the file before and after.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Io`].
    pub fn compact(&mut self) -> Result<(u64, u64)> {
        let size = |path: &Path| {
            fs::metadata(path).map_or(0, |metadata| metadata.len())
                + fs::metadata(with_suffix(path, "-wal")).map_or(0, |metadata| metadata.len())
        };
        let before = size(&self.path);
        let timeout = self.lock_timeout;
        let work = |connection: &mut Connection| -> Result<()> {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            search::rebuild(&transaction)?;
            transaction.commit()?;
            connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(())
        };
        work(&mut self.connection).map_err(|error| waited(error, timeout))?;
        Ok((before, size(&self.path)))
    }

    /// Brings the catalog to the newest version and returns the version that it
    /// had, or nothing where there is no catalog.
    ///
    /// # Errors
    /// As [`Catalog::open_for_writing`].
    pub fn migrate(place: &Place) -> Result<Option<i64>> {
        let Some(location) = super::location::for_reading(&place.path)? else {
            return Ok(None);
        };
        let catalog = Self::connect(
            &location.path,
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE,
            place.lock_timeout,
        )?;
        let found = schema::version(&catalog.connection)?;
        drop(catalog);
        Self::open_for_writing(place)?;
        Ok(match found {
            schema::Version::Empty => None,
            schema::Version::Catalog(version) => Some(version),
        })
    }
}
