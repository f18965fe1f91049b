//! What can go wrong with a catalog.

use std::io;
use std::time::Duration;

use rusqlite::{ErrorCode, ffi};
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

const NOTHING_SAVED: &str = "; nothing was saved";

/// What was written when a sync failed may be there later, or not.
const NOT_CONFIRMED: &str = "; it is not safely saved";

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

    /// Returns the failure of a transaction as a whole, which says that it left
    /// nothing behind.
    pub(super) fn nothing_saved(self) -> Self {
        match self {
            Self::Io { what, source }
                if ![NOTHING_SAVED, NOT_CONFIRMED]
                    .iter()
                    .any(|end| what.ends_with(end)) =>
            {
                Self::Io {
                    what: format!("{what}{NOTHING_SAVED}"),
                    source,
                }
            }
            other => other,
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
            // SQLite has no code of its own for this one.
            ErrorCode::Unknown if error.to_string().starts_with("unsupported file format") => {
                Self::Damaged {
                    what: "the catalog is damaged, or a newer SQLite wrote it: unsupported file \
                           format"
                        .to_owned(),
                }
            }
            _ if is_sync(&error) => Self::Io {
                what: format!(
                    "the disk did not confirm that the change is kept: {error}{NOT_CONFIRMED}"
                ),
                source: None,
            },
            _ if is_write(&error) => Self::Io {
                what: format!("the catalog could not be written: {error}{NOTHING_SAVED}"),
                source: None,
            },
            ErrorCode::SystemIoFailure
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

/// Returns whether it was a sync that failed.
fn is_sync(error: &rusqlite::Error) -> bool {
    let extended = match error {
        rusqlite::Error::SqliteFailure(error, _) => error.extended_code,
        _ => 0,
    };
    [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC].contains(&extended)
}

/// Returns whether it was a write that failed: as everything is written in
/// transactions, nothing of it stays.
fn is_write(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(error, _) = error else {
        return false;
    };
    error.code == ErrorCode::DiskFull
        || [
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_DELETE,
        ]
        .contains(&error.extended_code)
}
