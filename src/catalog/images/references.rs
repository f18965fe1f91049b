//! The references of images, and what was seen of them: read page by page, and
//! written without a revision, because nobody changed anything.

use rusqlite::{OptionalExtension, Row, params};

use super::rows::write_sighting;
use super::sighting_of;
use crate::catalog::error::{Error, Result};
use crate::catalog::{Catalog, Writer};
use crate::domain::image::Seen;
use crate::domain::sighting::Sighting;

/// Images that are read at a time.
const PAGE: u32 = 512;

/// The references of an image, and what is known of them.
#[derive(Debug, Clone)]
pub struct Referring {
    id: i64,
    pub name: String,
    pub url: Option<String>,
    pub url_for_gpu: Option<String>,
    pub is_ready: Option<bool>,
    pub archived: bool,
    /// The tag of `url`, or else of `urlForGpu`, where that names only a digest.
    pub pinned_tag: Option<String>,
    pub seen: Seen,
}

const SELECTION: &str = "SELECT i.id, i.name, i.url, i.url_for_gpu, i.is_ready, i.archived, \
    i.pinned_tag, \
    c.image_id, c.digest, c.media_type, c.size, c.platforms, c.labels, c.seen_at, c.problem, \
    c.scan, g.image_id, g.digest, g.media_type, g.size, g.platforms, g.labels, g.seen_at, \
    g.problem, g.scan \
    FROM images i \
    LEFT JOIN sightings c ON c.image_id = i.id AND c.reference = 'url' \
    LEFT JOIN sightings g ON g.image_id = i.id AND g.reference = 'urlForGpu'";

fn referring(row: &Row<'_>) -> Result<Referring> {
    Ok(Referring {
        id: row.get(0)?,
        name: row.get(1)?,
        url: row.get(2)?,
        url_for_gpu: row.get(3)?,
        is_ready: row.get(4)?,
        archived: row.get(5)?,
        pinned_tag: row.get(6)?,
        seen: Seen {
            url: sighting_of(row, 7)?,
            url_for_gpu: sighting_of(row, 16)?,
        },
    })
}

impl Catalog {
    /// Calls `each` with the references of an image.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest name, and whatever `each` returns.
    pub fn for_references_of<E: From<Error>>(
        &self,
        name: &str,
        each: impl FnOnce(Referring) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        match one(&self.connection, name)? {
            Some(image) => each(image),
            // It says which name is near.
            None => self.image(name).map(|_| ()).map_err(E::from),
        }
    }

    /// Calls `each` with the references of every image, in the order of creation.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `each` returns.
    pub fn for_all_references<E: From<Error>>(
        &self,
        each: impl FnMut(Referring) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        all(&self.connection, each)
    }

    /// Calls `each` with everything that was seen and of which the size is known.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn for_each_sighting(&self, each: impl FnMut(Sighting)) -> Result<()> {
        sightings(&self.connection, each)
    }
}

impl Writer<'_> {
    /// Calls `each` with the references of an image, if it is still there.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `each` returns.
    pub fn for_references_of<E: From<Error>>(
        &self,
        name: &str,
        each: impl FnOnce(Referring) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        one(&self.transaction, name)?.map_or(Ok(()), each)
    }

    /// Calls `each` with the references of every image, in the order of creation.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `each` returns.
    pub fn for_all_references<E: From<Error>>(
        &self,
        each: impl FnMut(Referring) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        all(&self.transaction, each)
    }

    /// Calls `each` with everything that was seen and of which the size is known.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn for_each_sighting(&self, each: impl FnMut(Sighting)) -> Result<()> {
        sightings(&self.transaction, each)
    }

    /// Writes what was seen of an image, and whether it is ready. It is no change
    /// by anybody: the revision, its time and the record of changes stay.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn observe(&self, before: &Referring, seen: &Seen, is_ready: Option<bool>) -> Result<()> {
        let connection = &*self.transaction;
        if before.is_ready != is_ready {
            connection
                .prepare_cached("UPDATE images SET is_ready = ?2 WHERE id = ?1")?
                .execute(params![before.id, is_ready])?;
        }
        for (reference, old, new) in [
            ("url", &before.seen.url, &seen.url),
            ("urlForGpu", &before.seen.url_for_gpu, &seen.url_for_gpu),
        ] {
            if old != new {
                write_sighting(connection, before.id, reference, new)?;
            }
        }
        Ok(())
    }
}

fn one(connection: &rusqlite::Connection, name: &str) -> Result<Option<Referring>> {
    let found = connection
        .prepare_cached(&format!("{SELECTION} WHERE i.name = ?1"))?
        .query_row([name], |row| Ok(referring(row)))
        .optional()?;
    found.transpose()
}

fn all<E: From<Error>>(
    connection: &rusqlite::Connection,
    mut each: impl FnMut(Referring) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut last = i64::MIN;
    loop {
        // A page is read to its end before anything is done with it: what is done
        // may write the rows that are read.
        let page = page_after(connection, last)?;
        let Some(image) = page.last() else {
            return Ok(());
        };
        last = image.id;
        page.into_iter().try_for_each(&mut each)?;
    }
}

fn page_after(connection: &rusqlite::Connection, last: i64) -> Result<Vec<Referring>> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECTION} WHERE i.id > ?1 ORDER BY i.id LIMIT {PAGE}"
    ))?;
    let mut rows = statement.query([last])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(referring(row)?);
    }
    Ok(page)
}

fn sightings(connection: &rusqlite::Connection, mut each: impl FnMut(Sighting)) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT image_id, digest, media_type, size, platforms, labels, seen_at, problem, scan
         FROM sightings WHERE digest IS NOT NULL AND size IS NOT NULL",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(sighting_of(row, 0)?);
    }
    Ok(())
}
