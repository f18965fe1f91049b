//! The table of entries that are kept though they are not valid.

use rusqlite::{Connection, OptionalExtension, Row};

use super::error::{Error, Result};
use super::{Catalog, Writer};
use crate::domain::invalid::InvalidEntry;
use crate::domain::platform::Platform;

impl Catalog {
    /// Returns the entry of a platform whose name comes next after `name`, or the
    /// first one.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn invalid_after(
        &self,
        platform: Platform,
        name: Option<&str>,
    ) -> Result<Option<InvalidEntry>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT name, reason, raw, source FROM invalid_entries
             WHERE format = ?1 AND (?2 IS NULL OR name > ?2) ORDER BY name LIMIT 1",
        )?;
        Ok(statement
            .query_row((platform.name(), name), |row| entry_of(platform, row))
            .optional()?)
    }
}

impl Writer<'_> {
    /// Returns the entry of a platform and name that is kept though it is not
    /// valid.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn invalid(&self, platform: Platform, name: &str) -> Result<Option<InvalidEntry>> {
        find(&self.transaction, platform, name)
    }

    /// Keeps an entry that is not valid, in place of one of its name.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn keep_invalid(&self, entry: &InvalidEntry) -> Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT INTO invalid_entries (format, name, reason, raw, source, imported_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (format, name) DO UPDATE SET reason = excluded.reason,
                   raw = excluded.raw, source = excluded.source, imported_at = excluded.imported_at",
            )?
            .execute((
                entry.platform.name(),
                &entry.name,
                &entry.reason,
                &entry.raw,
                &entry.source,
                &self.actor.now,
            ))?;
        Ok(())
    }

    /// Drops an entry that is not valid; returns whether there was one.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn drop_invalid(&self, platform: Platform, name: &str) -> Result<bool> {
        let dropped = self
            .transaction
            .prepare_cached("DELETE FROM invalid_entries WHERE format = ?1 AND name = ?2")?
            .execute((platform.name(), name))?;
        Ok(dropped > 0)
    }

    /// Keeps what a platform's file holds beside images.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn keep_file(&self, platform: Platform, file: &str, content: &str) -> Result<()> {
        self.transaction.execute(
            "INSERT INTO platform_files (format, file, content) VALUES (?1, ?2, ?3)
             ON CONFLICT (format, file) DO UPDATE SET content = excluded.content",
            (platform.name(), file, content),
        )?;
        Ok(())
    }

    /// Returns what is kept of a platform's file beside images.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn kept_file(&self, platform: Platform, file: &str) -> Result<Option<String>> {
        kept_file(&self.transaction, platform, file)
    }
}

impl Catalog {
    /// Returns what is kept of a platform's file beside images.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn kept_file(&self, platform: Platform, file: &str) -> Result<Option<String>> {
        kept_file(&self.connection, platform, file)
    }
}

fn kept_file(connection: &Connection, platform: Platform, file: &str) -> Result<Option<String>> {
    Ok(connection
        .query_row(
            "SELECT content FROM platform_files WHERE format = ?1 AND file = ?2",
            (platform.name(), file),
            |row| row.get(0),
        )
        .optional()?)
}

fn find(connection: &Connection, platform: Platform, name: &str) -> Result<Option<InvalidEntry>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, reason, raw, source FROM invalid_entries WHERE format = ?1 AND name = ?2",
    )?;
    statement
        .query_row((platform.name(), name), |row| entry_of(platform, row))
        .optional()
        .map_err(Error::from)
}

fn entry_of(platform: Platform, row: &Row<'_>) -> rusqlite::Result<InvalidEntry> {
    Ok(InvalidEntry {
        platform,
        name: row.get(0)?,
        reason: row.get(1)?,
        raw: row.get(2)?,
        source: row.get(3)?,
    })
}
