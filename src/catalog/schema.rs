//! The schema and its versions: `user_version` is the number of migrations
//! that a catalog has seen.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::error::{Error, Result};
use super::search;

/// `imgd`, in the file's header: tells our files from other SQLite databases.
pub(super) const APPLICATION_ID: i64 = 0x696d_6764;

struct Migration {
    sql: &'static str,
    /// What SQL alone cannot do.
    then: Option<fn(&Transaction<'_>) -> Result<()>>,
}

const MIGRATIONS: [Migration; 7] = [
    Migration {
        sql: include_str!("migrations/1-images.sql"),
        then: Some(name_catalog),
    },
    Migration {
        sql: include_str!("migrations/2-sightings.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/3-search.sql"),
        then: Some(search::fill),
    },
    Migration {
        sql: include_str!("migrations/4-store.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/5-files.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/6-stored.sql"),
        then: None,
    },
    Migration {
        sql: include_str!("migrations/7-scans.sql"),
        then: None,
    },
];

/// The version that this program writes.
pub const NEWEST: i64 = MIGRATIONS.len() as i64;

/// What the header of a database says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// A database without any content.
    Empty,
    /// A catalog of this version.
    Catalog(i64),
}

/// Returns what the database is.
///
/// # Errors
/// [`Error::Damaged`] for a database of something else, [`Error::Newer`] for a
/// catalog that a later program wrote.
pub(super) fn version(connection: &Connection) -> Result<Version> {
    let (application, version, tables): (i64, i64, i64) = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(Version::Empty),
        (APPLICATION_ID, 1..=NEWEST, _) => Ok(Version::Catalog(version)),
        (APPLICATION_ID, found, _) if found > NEWEST => Err(Error::Newer {
            found,
            known: NEWEST,
        }),
        _ => Err(Error::Damaged {
            what: "the file is a SQLite database, but not an imgdex catalog".to_owned(),
        }),
    }
}

/// Brings the database to the newest version, all of it in one transaction,
/// and returns the version that it had (0 for a new one).
///
/// # Errors
/// As [`version`]; nothing is changed then.
pub(super) fn migrate(connection: &mut Connection) -> Result<i64> {
    migrate_to(connection, NEWEST)
}

fn migrate_to(connection: &mut Connection, target: i64) -> Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = match version(&transaction)? {
        Version::Empty => 0,
        Version::Catalog(version) => version,
    };
    for (number, migration) in (1..).zip(&MIGRATIONS) {
        if (found + 1..=target).contains(&number) {
            transaction.execute_batch(migration.sql)?;
            if let Some(then) = migration.then {
                then(&transaction)?;
            }
        }
    }
    if found < target {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", target)?;
    }
    transaction.commit()?;
    Ok(found)
}

fn name_catalog(transaction: &Transaction<'_>) -> Result<()> {
    transaction.execute(
        "INSERT INTO settings (name, value) VALUES ('catalog-id', ?1)",
        [uuid::Uuid::new_v4().to_string()],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
