//! The table of stored images.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::changes::{self, Entry};
use super::error::{Error, Result};
use super::{Catalog, Writer};
use crate::domain::change::Subject;
use crate::domain::stored::{StoredImage, StoredUri};

const COLUMNS: &str = "id, collection, name, tag, version, client, path, url, size, sha256, \
                       metadata, labels, created_at";

/// What became of a record that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    New,
    /// There was one of that uri.
    Update,
}

impl Catalog {
    /// Calls `each` with every stored image whose uri holds the text, in the order
    /// of creation.
    ///
    /// # Errors
    /// Those of the catalog, and those of `each`.
    pub fn for_each_stored<E: From<Error>>(
        &self,
        text: &str,
        each: impl FnMut(StoredImage) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        for_each(&self.connection, text, each)
    }

    /// Returns the stored images of a collection and name; of each tag the one
    /// that was added last comes last.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn stored(&self, collection: &str, name: &str) -> Result<Vec<StoredImage>> {
        named(&self.connection, collection, name)
    }

    /// Returns whether a stored image has its file at that path.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn is_stored_at(&self, path: &Path) -> Result<bool> {
        Ok(at(&self.connection, path)?.is_some())
    }

    /// Returns whether a stored image of another uri has its file at that path.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn is_shared(&self, path: &Path, uri: &StoredUri) -> Result<bool> {
        Ok(self
            .connection
            .prepare_cached("SELECT 1 FROM stored_images WHERE path = ?1 AND uri <> ?2")?
            .exists((bytes(path), uri.to_string()))?)
    }
}

impl Writer<'_> {
    /// Returns the stored image of a uri.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn stored_image(&self, uri: &StoredUri) -> Result<Option<StoredImage>> {
        let found = self
            .transaction
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM stored_images
                 WHERE collection = ?1 AND name = ?2 AND tag = ?3 AND version = ?4"
            ))?
            .query_row(
                (
                    &uri.collection,
                    &uri.name,
                    &uri.tag,
                    uri.version.as_deref().unwrap_or_default(),
                ),
                |row| Ok(image_of(row)),
            )
            .optional()?;
        found.transpose()
    }

    /// Returns a stored image whose file is at that path.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn stored_at(&self, path: &Path) -> Result<Option<StoredImage>> {
        at(&self.transaction, path)
    }

    /// Adds a record, or changes the one of its uri: what the new one leaves unset
    /// stays. Its tag stands for it from now on. The id and the time of the
    /// argument do not count.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn put_stored(&self, image: &StoredImage) -> Result<Put> {
        let before = self.stored_image(&image.uri)?;
        let merged = match &before {
            None => StoredImage {
                created_at: self.actor.now.clone(),
                ..image.clone()
            },
            Some(before) => {
                let mut merged = before.clone();
                // A file says more of where an image came from than a URL does.
                if image.path.is_some() || before.path.is_none() {
                    merged.client.clone_from(&image.client);
                }
                if image.path.is_some() {
                    merged.path.clone_from(&image.path);
                    merged.size = image.size;
                    merged.sha256.clone_from(&image.sha256);
                }
                if image.url.is_some() {
                    merged.url.clone_from(&image.url);
                }
                if !image.metadata.is_empty() {
                    merged.metadata.clone_from(&image.metadata);
                }
                merged.labels.extend(image.labels.clone());
                merged
            }
        };
        let created_at = match (&before, image.created_at.as_str()) {
            (None, given) if !given.is_empty() => given,
            _ => merged.created_at.as_str(),
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO stored_images (collection, name, tag, version, client, path, url,
                   size, sha256, metadata, labels, created_at, added)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                   (SELECT coalesce(max(added), 0) + 1 FROM stored_images))
                 ON CONFLICT (collection, name, tag, version) DO UPDATE SET
                   client = excluded.client, path = excluded.path, url = excluded.url,
                   size = excluded.size, sha256 = excluded.sha256,
                   metadata = excluded.metadata, labels = excluded.labels,
                   added = excluded.added",
            )?
            .execute(params![
                merged.uri.collection,
                merged.uri.name,
                merged.uri.tag,
                merged.uri.version.as_deref().unwrap_or_default(),
                merged.client,
                merged.path.as_deref().map(bytes),
                merged.url,
                merged.size,
                merged.sha256,
                (!merged.metadata.is_empty()).then(|| super::images::object_of(&merged.metadata)),
                labels_json(&merged.labels)?,
                created_at,
            ])?;
        self.record_stored(
            if before.is_some() { "update" } else { "create" },
            before.as_ref(),
            self.stored_image(&merged.uri)?.as_ref(),
        )?;
        Ok(match before {
            Some(_) => Put::Update,
            None => Put::New,
        })
    }

    /// Drops a record.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn delete_stored(&self, image: &StoredImage) -> Result<()> {
        self.transaction
            .execute("DELETE FROM stored_images WHERE id = ?1", [image.id])?;
        self.record_stored("delete", Some(image), None)
    }

    /// Says where the file of a record is, and of every other record of that file.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn move_stored(&self, from: &Path, to: &Path) -> Result<()> {
        while let Some(before) = self.stored_at(from)? {
            self.transaction.execute(
                "UPDATE stored_images SET path = ?2 WHERE id = ?1",
                params![before.id, bytes(to)],
            )?;
            let after = self.stored_image(&before.uri)?;
            self.record_stored("move", Some(&before), after.as_ref())?;
        }
        Ok(())
    }

    /// Says where the file of one record is now.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn relink_stored(&self, image: &StoredImage, to: &Path) -> Result<()> {
        self.transaction.execute(
            "UPDATE stored_images SET path = ?2 WHERE id = ?1",
            params![image.id, bytes(to)],
        )?;
        let after = self.stored_image(&image.uri)?;
        self.record_stored("move", Some(image), after.as_ref())
    }

    /// Gives a record another uri, which no other one has.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn rename_stored(&self, image: &StoredImage, uri: &StoredUri) -> Result<()> {
        self.transaction.execute(
            "UPDATE stored_images SET collection = ?2, name = ?3, tag = ?4, version = ?5,
               added = (SELECT max(added) + 1 FROM stored_images)
             WHERE id = ?1",
            params![
                image.id,
                uri.collection,
                uri.name,
                uri.tag,
                uri.version.as_deref().unwrap_or_default()
            ],
        )?;
        let after = self.stored_image(uri)?;
        self.record_stored("rename", Some(image), after.as_ref())
    }

    /// Sets one label of a record; returns whether it was another.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn label_stored(&self, image: &StoredImage, key: &str, value: &str) -> Result<bool> {
        let mut labels = image.labels.clone();
        if labels.insert(key.to_owned(), value.to_owned()).as_deref() == Some(value) {
            return Ok(false);
        }
        self.transaction.execute(
            "UPDATE stored_images SET labels = ?2 WHERE id = ?1",
            params![image.id, labels_json(&labels)?],
        )?;
        let after = self.stored_image(&image.uri)?;
        self.record_stored("label", Some(image), after.as_ref())?;
        Ok(true)
    }

    fn record_stored(
        &self,
        action: &'static str,
        before: Option<&StoredImage>,
        after: Option<&StoredImage>,
    ) -> Result<()> {
        let Some(image) = before.or(after) else {
            return Ok(());
        };
        let name = image.uri.to_string();
        let (old, new) = match (before, after) {
            (Some(before), Some(after)) => {
                if before == after {
                    return Ok(());
                }
                let (old, new) = changes::difference(&before.to_json(), &after.to_json())?;
                (Some(old), Some(new))
            }
            (before, after) => (
                before.map(StoredImage::to_json),
                after.map(StoredImage::to_json),
            ),
        };
        changes::record(
            &self.transaction,
            &self.actor,
            &Entry {
                subject: Subject::StoredImage,
                name: &name,
                action,
                revision: 0,
                before: old.as_deref(),
                after: new.as_deref(),
            },
        )
    }
}

fn for_each<E: From<Error>>(
    connection: &Connection,
    text: &str,
    mut each: impl FnMut(StoredImage) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let failed = |error: rusqlite::Error| E::from(Error::from(error));
    let mut statement = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM stored_images WHERE instr(uri, ?1) > 0 ORDER BY id"
        ))
        .map_err(failed)?;
    // Uris are lower case.
    let mut rows = statement
        .query([text.to_ascii_lowercase()])
        .map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        each(image_of(row)?)?;
    }
    Ok(())
}

fn named(connection: &Connection, collection: &str, name: &str) -> Result<Vec<StoredImage>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM stored_images WHERE collection = ?1 AND name = ?2 ORDER BY added"
    ))?;
    let images = statement.query_map([collection, name], |row| Ok(image_of(row)))?;
    images
        .map(|image| image.map_err(Error::from).and_then(|image| image))
        .collect()
}

fn at(connection: &Connection, path: &Path) -> Result<Option<StoredImage>> {
    let found = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM stored_images WHERE path = ?1 LIMIT 1"
        ))?
        .query_row([bytes(path)], |row| Ok(image_of(row)))
        .optional()?;
    found.transpose()
}

fn image_of(row: &Row<'_>) -> Result<StoredImage> {
    let version: String = row.get(4)?;
    let path: Option<Vec<u8>> = row.get(6)?;
    let labels: Option<String> = row.get(11)?;
    let labels: BTreeMap<String, String> = match labels {
        Some(text) => serde_json::from_str(&text).map_err(|error| Error::Damaged {
            what: format!("the labels of a stored image are not an object: {error}"),
        })?,
        None => BTreeMap::new(),
    };
    Ok(StoredImage {
        id: row.get(0)?,
        uri: StoredUri {
            collection: row.get(1)?,
            name: row.get(2)?,
            tag: row.get(3)?,
            version: (!version.is_empty()).then_some(version),
        },
        client: row.get(5)?,
        path: path.map(|path| PathBuf::from(OsStr::from_bytes(&path))),
        url: row.get(7)?,
        size: row.get(8)?,
        sha256: row.get(9)?,
        metadata: super::images::pairs(row, 10)?,
        labels,
        created_at: row.get(12)?,
    })
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn labels_json(labels: &BTreeMap<String, String>) -> Result<Option<String>> {
    if labels.is_empty() {
        return Ok(None);
    }
    changes::json(labels).map(Some)
}
