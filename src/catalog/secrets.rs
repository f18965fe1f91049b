//! The table of secrets' descriptions. Values never come here.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Error, Result};
use super::{Catalog, Writer, changes};
use crate::domain::change::Subject;
use crate::domain::name::{nearest, shorten};
use crate::domain::secret::{Secret, SecretType};

const COLUMNS: &str = "id, name, display_name, type, registry_host, username, kept_in";

impl Catalog {
    /// Returns the secret of that id, or of that name where only one has it.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest id.
    pub fn secret(&self, word: &str) -> Result<Secret> {
        find(&self.connection, word)
    }

    /// Returns the secret of that id, whatever the names of others are.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn secret_of_id(&self, id: &str) -> Result<Option<Secret>> {
        by_id(&self.connection, id)
    }

    /// Returns all secrets in the order of creation.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn secrets(&self) -> Result<Vec<Secret>> {
        all(&self.connection)
    }

    /// Returns the id of the catalog: what its secrets' values are kept under.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn id(&self) -> Result<String> {
        Ok(self.connection.query_row(
            "SELECT value FROM settings WHERE name = 'catalog-id'",
            [],
            |row| row.get(0),
        )?)
    }
}

impl Writer<'_> {
    /// Returns the secret of that id or name.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest id.
    pub fn secret(&self, word: &str) -> Result<Secret> {
        find(&self.transaction, word)
    }

    /// Returns the secret of that id, whatever the names of others are.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn secret_of_id(&self, id: &str) -> Result<Option<Secret>> {
        by_id(&self.transaction, id)
    }

    /// Adds the description of a secret.
    ///
    /// # Errors
    /// [`Error::Exists`].
    pub fn insert_secret(&self, secret: &Secret) -> Result<()> {
        if by_id(&self.transaction, &secret.id)?.is_some() {
            return Err(Error::Exists {
                subject: Subject::Secret,
                name: secret.id.clone(),
            });
        }
        self.transaction.execute(
            "INSERT INTO secrets (id, name, display_name, type, registry_host, username, kept_in,
               sequence)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(max(sequence), 0) + 1 FROM secrets",
            params![
                secret.id,
                secret.name,
                secret.display_name,
                secret.secret_type.name(),
                secret.registry_host,
                secret.username,
                secret.kept_in,
            ],
        )?;
        let after = changes::json(secret)?;
        self.record_secret(&secret.id, "create", None, Some(&after))
    }

    /// Replaces a description; returns whether it was another. `value_changed`
    /// says that the value, which is kept elsewhere, is a new one.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn update_secret(&self, secret: &Secret, value_changed: bool) -> Result<bool> {
        let before = find(&self.transaction, &secret.id)?;
        if before == *secret && !value_changed {
            return Ok(false);
        }
        self.transaction.execute(
            "UPDATE secrets SET display_name = ?2, registry_host = ?3, username = ?4, kept_in = ?5
             WHERE id = ?1",
            params![
                secret.id,
                secret.display_name,
                secret.registry_host,
                secret.username,
                secret.kept_in,
            ],
        )?;
        let (old, new) = changes::difference(&changes::json(&before)?, &changes::json(secret)?)?;
        let action = if value_changed { "set-value" } else { "update" };
        self.record_secret(&secret.id, action, Some(&old), Some(&new))?;
        Ok(true)
    }

    /// Deletes the description of a secret that no image uses.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InUse`].
    pub fn delete_secret(&self, word: &str) -> Result<Secret> {
        const MOST_NAMED: usize = 5;
        let secret = find(&self.transaction, word)?;
        let mut statement = self.transaction.prepare(
            "SELECT name FROM images WHERE use_image_pull_secret = ?1
             UNION SELECT name FROM images
             WHERE image_spec IS NOT NULL AND json_extract(image_spec, '$.pullSecret') = ?1",
        )?;
        let used: Vec<String> = statement
            .query_map([&secret.id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        if !used.is_empty() {
            let mut by: Vec<String> = used
                .iter()
                .take(MOST_NAMED)
                .map(|name| format!("image `{name}`"))
                .collect();
            if used.len() > MOST_NAMED {
                by.push(format!("{} more", used.len() - MOST_NAMED));
            }
            return Err(Error::InUse {
                subject: Subject::Secret,
                name: secret.id,
                by,
            });
        }
        self.transaction
            .execute("DELETE FROM secrets WHERE id = ?1", [&secret.id])?;
        let before = changes::json(&secret)?;
        self.record_secret(&secret.id, "delete", Some(&before), None)?;
        Ok(secret)
    }

    fn record_secret(
        &self,
        id: &str,
        action: &'static str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<()> {
        changes::record(
            &self.transaction,
            &self.actor,
            &changes::Entry {
                subject: Subject::Secret,
                name: id,
                action,
                revision: 0,
                before,
                after,
            },
        )
    }
}

/// Returns whether images can be pulled with the secret of that id.
pub(super) fn check_pull_secret(
    connection: &Connection,
    id: &str,
) -> Result<std::result::Result<(), String>> {
    Ok(match by_id(connection, id)? {
        Some(secret) if secret.secret_type == SecretType::Kubernetes => Ok(()),
        Some(_) => Err(format!(
            "secret `{}` is of type `opaque`; images are pulled with one of type `kubernetes`",
            shorten(id)
        )),
        None => {
            let known = all(connection)?;
            let pulling = known
                .iter()
                .filter(|secret| secret.secret_type == SecretType::Kubernetes)
                .map(|secret| secret.id.as_str());
            let near = nearest(id, pulling);
            Err(format!(
                "secret `{}` does not exist{}; make it with `imgdex secrets create`",
                shorten(id),
                near.map(|id| format!(" (did you mean `{id}`?)"))
                    .unwrap_or_default()
            ))
        }
    })
}

fn all(connection: &Connection) -> Result<Vec<Secret>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM secrets ORDER BY sequence"))?;
    let secrets = statement.query_map([], secret_of)?;
    Ok(secrets.collect::<rusqlite::Result<_>>()?)
}

fn by_id(connection: &Connection, id: &str) -> Result<Option<Secret>> {
    Ok(connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM secrets WHERE id = ?1"))?
        .query_row([id], secret_of)
        .optional()?)
}

fn find(connection: &Connection, word: &str) -> Result<Secret> {
    if let Some(secret) = by_id(connection, word)? {
        return Ok(secret);
    }
    let known = all(connection)?;
    let mut named = known.iter().filter(|secret| secret.name == word);
    if let (Some(secret), None) = (named.next(), named.next()) {
        return Ok(secret.clone());
    }
    let near = nearest(word, known.iter().map(|secret| secret.id.as_str()));
    Err(Error::not_found(
        Subject::Secret,
        word,
        near.map(str::to_owned),
    ))
}

fn secret_of(row: &Row<'_>) -> rusqlite::Result<Secret> {
    let kind: String = row.get(3)?;
    Ok(Secret {
        id: row.get(0)?,
        name: row.get(1)?,
        display_name: row.get(2)?,
        secret_type: SecretType::from_name(&kind).ok_or(rusqlite::Error::InvalidColumnType(
            3,
            "type".to_owned(),
            rusqlite::types::Type::Text,
        ))?,
        registry_host: row.get(4)?,
        username: row.get(5)?,
        kept_in: row.get(6)?,
    })
}
