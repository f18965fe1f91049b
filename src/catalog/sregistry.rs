//! The database of sregistry (the Singularity Registry client), which is only read.

use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use super::error::{Error, Result};
use crate::domain::image_rules::FieldFault;

/// An open database of sregistry.
#[derive(Debug)]
pub struct Sregistry {
    connection: Connection,
}

/// A row of its table of containers, as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub collection: String,
    pub name: String,
    pub tag: String,
    pub version: String,
    /// Where the file was.
    pub image: Option<PathBuf>,
    pub url: Option<String>,
    pub client: Option<String>,
    /// Mostly the text of a JSON object.
    pub metrics: Option<String>,
    /// As SQLAlchemy writes it: `2018-03-29 12:34:56.789012`, in UTC.
    pub created_at: Option<String>,
}

/// The columns that are needed, in the order in which they are read.
const NEEDED: [(&str, &[&str]); 2] = [
    ("collection", &["id", "name"]),
    (
        "container",
        &[
            "name",
            "tag",
            "version",
            "image",
            "url",
            "client",
            "metrics",
            "created_at",
            "collection_id",
        ],
    ),
];

impl Sregistry {
    /// Opens such a database for reading.
    ///
    /// # Errors
    /// [`Error::Rejected`] where it is something else, [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let metadata = path
            .metadata()
            .map_err(|source| Error::io(format!("cannot read `{shown}`"), source))?;
        if !metadata.is_file() {
            return Err(not_one(path, "it is not a regular file"));
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA query_only = ON")?;
        for (table, needed) in NEEDED {
            let columns = columns_of(&connection, table).map_err(|error| match error {
                Error::Damaged { .. } => not_one(path, "it is not a SQLite database"),
                other => other,
            })?;
            if columns.is_empty() {
                return Err(not_one(path, &format!("it has no table `{table}`")));
            }
            if let Some(column) = needed
                .iter()
                .find(|column| !columns.iter().any(|known| known == *column))
            {
                let what = format!("its table `{table}` has no column `{column}`");
                return Err(not_one(path, &what));
            }
        }
        Ok(Self { connection })
    }

    /// Calls `each` with every container in the order of their ids.
    ///
    /// # Errors
    /// Those of the database, and those of `each`.
    pub fn for_each<E: From<Error>>(
        &self,
        mut each: impl FnMut(Container) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let failed = |error: rusqlite::Error| E::from(Error::from(error));
        let mut statement = self
            .connection
            .prepare(
                "SELECT collection.name, container.name, tag, version, image, url, client, metrics,
                   container.created_at
                 FROM container LEFT JOIN collection ON collection.id = collection_id
                 ORDER BY container.rowid",
            )
            .map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(container_of(row).map_err(failed)?)?;
        }
        Ok(())
    }
}

fn columns_of(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn container_of(row: &Row<'_>) -> rusqlite::Result<Container> {
    use std::os::unix::ffi::OsStringExt;
    let text = |column: usize| -> rusqlite::Result<Option<String>> {
        // Whatever type it has: SQLite holds its columns to none.
        Ok(match row.get_ref(column)? {
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                Some(String::from_utf8_lossy(text).into_owned())
            }
            ValueRef::Integer(number) => Some(number.to_string()),
            ValueRef::Real(number) => Some(number.to_string()),
            ValueRef::Null => None,
        }
        .filter(|text| !text.is_empty()))
    };
    let image = match row.get_ref(4)? {
        ValueRef::Text(path) | ValueRef::Blob(path) if !path.is_empty() => {
            Some(PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())))
        }
        _ => None,
    };
    Ok(Container {
        collection: text(0)?.unwrap_or_default(),
        name: text(1)?.unwrap_or_default(),
        tag: text(2)?.unwrap_or_default(),
        version: text(3)?.unwrap_or_default(),
        image,
        url: text(5)?,
        client: text(6)?,
        metrics: text(7)?,
        created_at: text(8)?,
    })
}

fn not_one(path: &Path, what: &str) -> Error {
    let path = path.display();
    Error::Rejected(vec![FieldFault::new(
        "database",
        format!(
            "`{path}` is not a database of sregistry: {what}; expected a SQLite database with the \
             tables `collection` and `container`, such as ~/.singularity/sregistry.db"
        ),
    )])
}
