//! The record of changes: one row each, written with the change itself.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Catalog;
use super::error::{Error, Result};
use crate::domain::change::{Actor, Change, Subject};
use crate::domain::json_text::value_of;

/// A change to be recorded.
pub(super) struct Entry<'a> {
    pub subject: Subject,
    pub name: &'a str,
    pub action: &'static str,
    pub revision: u64,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

impl Catalog {
    /// Returns every change of a thing, the oldest first; also of one that is
    /// gone by now.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there never was one.
    pub fn history(&self, subject: Subject, name: &str) -> Result<Vec<Change>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT at, author, action, revision, before, after FROM changes
             WHERE name = ?1 AND subject = ?2 ORDER BY id",
        )?;
        let changes = statement.query_map([name, subject.name()], |row| {
            Ok(Change {
                at: row.get(0)?,
                author: row.get(1)?,
                action: row.get(2)?,
                revision: row.get(3)?,
                before: row.get(4)?,
                after: row.get(5)?,
            })
        })?;
        let changes: Vec<Change> = changes.collect::<rusqlite::Result<_>>()?;
        if changes.is_empty() {
            return Err(self
                .image(name)
                .err()
                .unwrap_or_else(|| Error::not_found(subject, name, None)));
        }
        Ok(changes)
    }
}

/// Adds a row to the record.
pub(super) fn record(connection: &Connection, actor: &Actor, entry: &Entry<'_>) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO changes (at, author, action, subject, name, revision, before, after)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            actor.now,
            actor.author,
            entry.action,
            entry.subject.name(),
            entry.name,
            entry.revision,
            entry.before,
            entry.after,
        ])?;
    Ok(())
}

/// Returns a thing as JSON text.
pub(super) fn json(thing: &impl Serialize) -> Result<String> {
    serde_json::to_string(thing).map_err(unprintable)
}

/// Returns the fields in which two states of a thing (JSON objects) differ, as
/// two JSON objects: as they were, and as they became.
pub(super) fn difference(before: &str, after: &str) -> Result<(String, String)> {
    /// Fields that the record has itself.
    const OWN: [&str; 3] = ["createdAt", "updatedAt", "revision"];
    let fields = |text: &str| -> Result<Map<String, Value>> {
        match value_of(text).map_err(unprintable)? {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    };
    let (before, after) = (fields(before)?, fields(after)?);
    let differing = |one: &Map<String, Value>, other: &Map<String, Value>| {
        let differs = |(field, value): &(&String, &Value)| {
            !OWN.contains(&field.as_str()) && other.get(*field) != Some(*value)
        };
        one.iter()
            .filter(differs)
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect::<Map<String, Value>>()
    };
    let (old, new) = (differing(&before, &after), differing(&after, &before));
    Ok((json(&old)?, json(&new)?))
}

fn unprintable(error: serde_json::Error) -> Error {
    Error::Damaged {
        what: format!("an entry of the catalog cannot be written as JSON: {error}"),
    }
}
