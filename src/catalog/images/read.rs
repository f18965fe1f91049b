//! Reading images.

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::query::Query;
use super::{Filled, GROUPS, Groups, image_of};
use crate::catalog::error::{Error, Result};
use crate::catalog::{Catalog, groups};
use crate::domain::change::Subject;
use crate::domain::image::{Archived, Image, ImageConfig, ImageFilter};
use crate::domain::name::nearest;

/// The most names that are compared with one that was not found.
const MOST_NAMES_COMPARED: u32 = 10_000;

impl Catalog {
    /// Returns the image of that name, archived or not.
    ///
    /// # Errors
    /// [`Error::NotFound`] with the nearest name.
    pub fn image(&self, name: &str) -> Result<Image> {
        find(&self.connection, name).map(|(_, image)| image)
    }

    /// Calls `each` with every image that the filter lets through, one after
    /// another, and returns how many there were.
    ///
    /// Several calls in one [`Catalog::in_snapshot`] see the same images.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `each` returns.
    pub fn for_each_image<E: From<Error>>(
        &self,
        filter: &ImageFilter,
        mut each: impl FnMut(Image) -> std::result::Result<(), E>,
    ) -> std::result::Result<u64, E> {
        let filter = self.with_group_id(filter).map_err(E::from)?;
        select(&self.connection, &filter, |_, image| each(image))
    }

    fn with_group_id(&self, filter: &ImageFilter) -> Result<ImageFilter> {
        let mut filter = filter.clone();
        if let Some(word) = &filter.group {
            filter.group = Some(self.group(word)?.id);
        }
        Ok(filter)
    }
}

pub(in crate::catalog) fn select<E: From<Error>>(
    connection: &Connection,
    filter: &ImageFilter,
    mut each: impl FnMut(i64, Image) -> std::result::Result<(), E>,
) -> std::result::Result<u64, E> {
    let filled = Filled::of(connection).map_err(E::from)?;
    let query = Query::of(filter, filled);
    let groups = groups::by_id(connection).map_err(E::from)?;
    let sqlite = |error: rusqlite::Error| E::from(Error::from(error));
    let mut statement = connection.prepare_cached(&query.sql).map_err(sqlite)?;
    let mut rows = statement
        .query(params_from_iter(&query.values))
        .map_err(sqlite)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(sqlite)? {
        let (id, image) = image_of(row, filled, &groups).map_err(E::from)?;
        count += 1;
        each(id, image)?;
    }
    Ok(count)
}

pub(super) fn id_of(connection: &Connection, name: &str) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT id FROM images WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

pub(super) fn find(connection: &Connection, name: &str) -> Result<(i64, Image)> {
    let filled = Filled::of(connection)?;
    let mut statement =
        connection.prepare_cached(&format!("{} WHERE i.name = ?1", filled.selection()))?;
    let mut rows = statement.query([name])?;
    match rows.next()? {
        Some(row) => {
            let ids: Option<String> = row.get(GROUPS)?;
            let groups = match ids {
                Some(_) => groups::by_id(connection)?,
                None => Groups::new(),
            };
            image_of(row, filled, &groups)
        }
        None => Err(Error::not_found(
            Subject::Image,
            name,
            nearest_name(connection, name)?,
        )),
    }
}

fn nearest_name(connection: &Connection, name: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare("SELECT name FROM images ORDER BY id LIMIT ?1")?;
    let names: Vec<String> = statement
        .query_map([MOST_NAMES_COMPARED], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(nearest(name, names.iter().map(String::as_str)).map(str::to_owned))
}

/// Calls `each` with the id of every image and what a search looks into.
pub(in crate::catalog) fn for_each_searched(
    connection: &Connection,
    mut each: impl FnMut(i64, &ImageConfig) -> Result<()>,
) -> Result<()> {
    // The columns of the newest schema are not all there yet while an older
    // catalog is brought up to date, so only those of the first are read.
    let mut statement = connection.prepare(
        "SELECT id, name, display_name, description, url, url_for_gpu, image_spec, tags
         FROM images",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let config = ImageConfig {
            name: row.get(1)?,
            display_name: row.get(2)?,
            description: row.get(3)?,
            url: row.get(4)?,
            url_for_gpu: row.get(5)?,
            spec: super::spec_of(row, 6)?,
            tags: super::json(row, 7)?,
            ..Default::default()
        };
        each(row.get(0)?, &config)?;
    }
    Ok(())
}

/// Returns the names of the images that one set of applied files made.
pub(super) fn applied_names(connection: &Connection, set: &str) -> Result<Vec<String>> {
    let filter = ImageFilter {
        applied_from: Some(set.to_owned()),
        archived: Archived::Any,
        ..ImageFilter::default()
    };
    let mut names = Vec::new();
    select::<Error>(connection, &filter, |_, image| {
        names.push(image.config.name);
        Ok(())
    })?;
    Ok(names)
}
