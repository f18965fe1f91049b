//! The records of sregistry's database.

use std::path::Path;

use super::{NewRecord, fields_of, record_of, record_of_url};
use crate::catalog::{Catalog, Put, Sregistry};
use crate::catalog::{Container, Error as CatalogError};
use crate::domain::change::Actor;
use crate::domain::name::shorten;
use crate::domain::stored::{StoredImage, StoredName, name_of_url};
use crate::formats::document::{Position, json};
use crate::ops::{Error, Result};
use crate::store::files::{self, GoOn, Source};

/// Records written in one transaction.
const BATCH: usize = 256;

/// What became of a container of the database.
#[derive(Debug)]
pub enum Imported {
    Put(String, Put),
    /// Its name and why.
    LeftOut(String, String),
}

/// Imports every container whose file or URL is there, telling of each. What was
/// imported stays where a later one fails.
///
/// # Errors
/// For a database that is not sregistry's, and those of the catalog.
pub fn import(
    database: &Path,
    open: impl FnOnce() -> Result<Catalog>,
    actor: Actor,
    go_on: GoOn<'_>,
    mut told: impl FnMut(Imported) -> std::io::Result<()>,
) -> Result<()> {
    let sregistry = Sregistry::open(database).map_err(|error| match error {
        CatalogError::Rejected(faults) => Error::invalid(
            faults
                .into_iter()
                .map(|fault| fault.message)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        other => unreadable(database, other),
    })?;
    let mut catalog = open()?;
    let folder = database.parent().unwrap_or(Path::new(""));
    let mut batch: Vec<StoredImage> = Vec::new();
    let mut tell = |imported| {
        told(imported).map_err(|source| Error::Write {
            name: "<stdout>".to_owned(),
            source,
        })
    };
    let imported = sregistry.for_each::<Failure>(|container| {
        let shown = shorten(&format!(
            "{}/{}:{}",
            container.collection, container.name, container.tag
        ));
        match record(container, folder, go_on)? {
            Ok(image) => batch.push(image),
            Err(why) => tell(Imported::LeftOut(shown, why))?,
        }
        if batch.len() == BATCH {
            put_all(&mut catalog, &actor, &mut batch, &mut tell)?;
        }
        Ok(())
    });
    imported.map_err(|failure| match failure {
        Failure::Sregistry(error) => unreadable(database, error),
        Failure::Ours(error) => error,
    })?;
    put_all(&mut catalog, &actor, &mut batch, &mut tell)
}

/// Which of the two databases failed.
enum Failure {
    Sregistry(CatalogError),
    Ours(Error),
}

impl From<CatalogError> for Failure {
    fn from(error: CatalogError) -> Self {
        Self::Sregistry(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

fn unreadable(database: &Path, error: CatalogError) -> Error {
    Error::Read {
        name: database.display().to_string(),
        source: match error {
            CatalogError::Io {
                source: Some(source),
                ..
            } => source,
            other => std::io::Error::other(other),
        },
    }
}

fn put_all(
    catalog: &mut Catalog,
    actor: &Actor,
    batch: &mut Vec<StoredImage>,
    tell: &mut impl FnMut(Imported) -> Result<()>,
) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let writer = catalog.begin(actor.clone())?;
    let mut puts = Vec::new();
    for image in batch.iter() {
        puts.push((image.uri.to_string(), writer.put_stored(image)?));
    }
    writer.commit()?;
    batch.clear();
    puts.into_iter()
        .try_for_each(|(uri, put)| tell(Imported::Put(uri, put)))
}

/// Returns the record of a container, or why there is none.
fn record(
    container: Container,
    folder: &Path,
    go_on: GoOn<'_>,
) -> Result<std::result::Result<StoredImage, String>> {
    let name = StoredName::parse(&whole_name(&container));
    let name = match name {
        Ok(name) => name,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(url) = &container.url
        && let Err(why) = name_of_url(url)
        && url.contains('@')
    {
        return Ok(Err(why));
    }
    let metadata = metadata_of(container.metrics.as_deref());
    let mut image = match container.image.map(|image| folder.join(image)) {
        Some(path) if !files::is_gone(&path) => {
            let measured = Source::open(&path).and_then(|mut source| {
                let measured = source.measure(go_on)?;
                Ok((source.path().to_path_buf(), measured))
            });
            match measured {
                Ok((path, measured)) => record_of(name, path, measured, metadata),
                Err(files::Error::Interrupted) => return Err(Error::Interrupted),
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
        path => {
            let new = NewRecord {
                url: container.url.clone(),
                name: Some(name),
                metadata,
            };
            match record_of_url(new) {
                Ok(image) => image,
                Err(_) if path.is_some() => {
                    return Ok(Err("its file is gone, and it has no URL".to_owned()));
                }
                Err(error) => return Ok(Err(error.to_string())),
            }
        }
    };
    image.url = image
        .url
        .or(container.url.filter(|url| name_of_url(url).is_ok()));
    image.created_at = container
        .created_at
        .as_deref()
        .and_then(time_of)
        .unwrap_or_default();
    Ok(Ok(image))
}

fn whole_name(container: &Container) -> String {
    let mut name = match container.collection.as_str() {
        "" => container.name.clone(),
        collection => format!("{collection}/{}", container.name),
    };
    for (mark, part) in [(':', &container.tag), ('@', &container.version)] {
        if !part.is_empty() {
            name.push(mark);
            name.push_str(part);
        }
    }
    name
}

fn metadata_of(metrics: Option<&str>) -> Vec<(String, String)> {
    let Some(metrics) = metrics else {
        return Vec::new();
    };
    match json::parse(metrics.as_bytes(), Position::START) {
        Ok(node) if node.as_map().is_some() => fields_of(node),
        _ => vec![(
            "metrics".to_owned(),
            serde_json::Value::from(metrics).to_string(),
        )],
    }
}

/// Returns the time that SQLAlchemy wrote as RFC 3339.
fn time_of(text: &str) -> Option<String> {
    let (day, time) = text.split_once([' ', 'T'])?;
    let time = time.get(..8)?;
    let is_like = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, wanted)| match wanted {
                    b'0' => byte.is_ascii_digit(),
                    wanted => byte == wanted,
                })
    };
    (is_like(day, "0000-00-00") && is_like(time, "00:00:00")).then(|| format!("{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_sqlalchemy_are_read() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(time_of(text).as_deref(), expected, "{text}");
        };
        let good = Some("2018-03-29T12:34:56Z");
        check("2018-03-29 12:34:56.789012", good);
        check("2018-03-29 12:34:56", good);
        check("2018-03-29T12:34:56Z", good);
        check("2018-03-29", None);
        check("29 March 2018", None);
        check("", None);
        check("2018-03-29 12:34:5é", None);
    }
}
