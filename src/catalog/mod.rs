//! The catalog: one SQLite file, and the only place that knows SQL.
//!
//! [`Catalog`] reads; [`Writer`], which [`Catalog::begin`] gives, is one write
//! transaction. What is said to be done is done only after
//! [`Writer::commit`] returned.

mod changes;
mod error;
mod groups;
mod images;
mod invalid;
mod kept;
mod location;
mod maintenance;
mod open;
mod schema;
mod search;
mod secrets;
mod sregistry;
mod stored;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use error::{Error, Result};
pub use images::{Changed, Inserted, NewRow, Referring};
pub use kept::Identity;
pub use maintenance::Info;
pub use schema::NEWEST as NEWEST_VERSION;
pub use sregistry::{Container, Sregistry};
pub use stored::Put;

use crate::domain::change::Actor;

/// Where a catalog is, and how long to wait for another process's lock on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    pub lock_timeout: Duration,
}

/// An open catalog.
#[derive(Debug)]
pub struct Catalog {
    connection: Connection,
    path: PathBuf,
    lock_timeout: Duration,
}

/// One write transaction; dropping it undoes everything.
#[derive(Debug)]
pub struct Writer<'a> {
    transaction: Transaction<'a>,
    actor: Actor,
    lock_timeout: Duration,
    /// The newest image when the transaction began.
    last_image_before: i64,
}

impl Catalog {
    /// Returns whether it is an empty catalog that stands for a missing one.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.path == Path::new(":memory:")
    }

    /// Begins a write transaction, waiting for other writers.
    ///
    /// # Errors
    /// [`Error::Locked`] after the lock time-out, [`Error::Io`] where the
    /// catalog cannot be written.
    pub fn begin(&mut self, actor: Actor) -> Result<Writer<'_>> {
        let lock_timeout = self.lock_timeout;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| waited(Error::from(error).nothing_saved(), lock_timeout))?;
        let last_image_before = transaction
            .query_row(
                "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'images'), 0)",
                [],
                |row| row.get(0),
            )
            .map_err(|error| Error::from(error).nothing_saved())?;
        Ok(Writer {
            transaction,
            actor,
            lock_timeout,
            last_image_before,
        })
    }

    /// Runs `work` so that every read in it sees the catalog as it is now,
    /// whatever other processes write meanwhile.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `work` returns.
    pub fn in_snapshot<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let transaction = self
            .connection
            .unchecked_transaction()
            .map_err(|error| E::from(error.into()))?;
        let result = work(self);
        drop(transaction);
        result
    }
}

impl Writer<'_> {
    /// Does some work of which all is undone where it says so: it returns its
    /// result and whether to keep what it wrote.
    ///
    /// # Errors
    /// Those of the catalog, and whatever `work` returns; nothing of it is kept then.
    pub fn tentatively<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Self) -> std::result::Result<(T, bool), E>,
    ) -> std::result::Result<T, E> {
        let execute = |sql| {
            let done = self.transaction.execute_batch(sql);
            done.map_err(|error| E::from(Error::from(error)))
        };
        execute("SAVEPOINT tentative")?;
        match work(self) {
            Ok((result, true)) => {
                execute("RELEASE tentative")?;
                Ok(result)
            }
            Ok((result, false)) => {
                execute("ROLLBACK TO tentative; RELEASE tentative")?;
                Ok(result)
            }
            Err(error) => {
                execute("ROLLBACK TO tentative; RELEASE tentative")?;
                Err(error)
            }
        }
    }

    /// Makes everything that was written durable.
    ///
    /// # Errors
    /// [`Error::Io`] where it could not be saved; nothing is saved then.
    pub fn commit(self) -> Result<()> {
        let lock_timeout = self.lock_timeout;
        self.transaction
            .commit()
            .map_err(|error| waited(Error::from(error).nothing_saved(), lock_timeout))
    }
}

/// Returns the version of the SQLite that is built in.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}

fn waited(error: Error, time: Duration) -> Error {
    match error {
        Error::Locked { .. } => Error::Locked { waited: time },
        other => other,
    }
}
