//! What can go wrong with a catalog.

use std::io;
use std::time::Duration;

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::domain::change::Subject;
use crate::domain::image_rules::FieldFault;

/// A failure of the catalog.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the catalog stayed locked by another process for {}", seconds(*.waited))]
    Locked { waited: Duration },
    #[error("{what}")]
    Damaged { what: String },
    #[error("the catalog has version {found}, and this program knows versions up to {known}")]
    Newer { found: i64, known: i64 },
    #[error("{what}")]
    Unsafe { what: String, hint: String },
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: Option<io::Error>,
    },
    #[error("{} `{name}` does not exist", .subject.name())]
    NotFound {
        subject: Subject,
        name: String,
        near: Option<String>,
    },
    #[error("{} `{name}` already exists", .subject.name())]
    Exists { subject: Subject, name: String },
    #[error("{} `{name}` is used by {}", .subject.name(), .by.join(", "))]
    InUse {
        subject: Subject,
        name: String,
        by: Vec<String>,
    },
    /// What an input asks for does not fit what the catalog holds.
    #[error("{}", .0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join("; "))]
    Rejected(Vec<FieldFault>),
    #[error("the catalog could not carry out a statement")]
    Sqlite(#[source] rusqlite::Error),
}

/// The result of work on a catalog.
pub type Result<T> = std::result::Result<T, Error>;

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

impl Error {
    /// Returns the failure to do something with a file or folder.
    pub(super) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source: Some(source),
        }
    }

    /// Returns the failure to find a thing by its name.
    pub(super) fn not_found(subject: Subject, name: &str, near: Option<String>) -> Self {
        Self::NotFound {
            subject,
            name: name.to_owned(),
            near,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let Some(code) = error.sqlite_error_code() else {
            return match error {
                // A value of the wrong type in a table that SQLite says is whole.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..) => Self::Damaged {
                    what: format!("the catalog holds a value that it cannot hold: {error}"),
                },
                other => Self::Sqlite(other),
            };
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked {
                waited: Duration::ZERO,
            },
            ErrorCode::NotADatabase => Self::Damaged {
                what: "the file is not an imgdex catalog: it is not a SQLite database".to_owned(),
            },
            ErrorCode::DatabaseCorrupt => Self::Damaged {
                what: format!("the catalog is damaged: {error}"),
            },
            ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::CannotOpen
            | ErrorCode::NoLargeFileSupport => Self::Io {
                what: format!("the catalog could not be read or written: {error}"),
                source: None,
            },
            _ => Self::Sqlite(error),
        }
    }
}
