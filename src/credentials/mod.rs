//! Where the values of the catalog's secrets are kept: a file of this user's
//! (0600), or a credential helper that the config names. The catalog itself
//! never holds one. `ecosystem` reads what other tools keep, `login` writes it.

pub mod ecosystem;
mod file;
mod helper;
pub mod login;
mod told_once;

use std::io;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

pub use file::ValuesFile;
pub use told_once::NewFile;

/// A failure to keep or find a value. No message holds one.
#[derive(Debug, Error)]
pub enum Error {
    #[error("cannot {action} `{}`", .path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` is not a file of imgdex's secrets: {reason}", .path.display())]
    Malformed { path: PathBuf, reason: String },
    /// A file of other tools.
    #[error("`{}` is not a file of credentials: {reason}", .path.display())]
    NotCredentials { path: PathBuf, reason: String },
    #[error("the credential helper `{program}` {reason}")]
    Helper { program: String, reason: String },
    #[error("the credential helper `{program}` is not installed")]
    NoHelper { program: String },
    #[error("`{name}` is not the name of a credential helper: letters, digits, `-` and `_` only")]
    HelperName { name: String },
}

impl Error {
    /// Returns whether another process held the file's lock for too long.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::File { action: "lock", source, .. }
            if source.kind() == io::ErrorKind::TimedOut)
    }

    /// Returns whether a value would have been kept where others could take it.
    #[must_use]
    pub fn is_unsafe(&self) -> bool {
        matches!(
            self,
            Self::File {
                action: "keep a value in",
                ..
            }
        )
    }
}

/// The result of keeping or finding a value.
pub type Result<T> = std::result::Result<T, Error>;

/// What keeps the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeper {
    /// A JSON file, not encrypted.
    File(ValuesFile),
    /// `docker-credential-NAME`.
    Helper(String),
}

/// Whose value it is: a catalog and one of its secrets.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The catalog's own id, so that two catalogs may name secrets alike.
    pub catalog: &'a str,
    pub secret: &'a str,
}

/// What was kept before a value was put.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    pub username: &'a str,
    pub value: Option<&'a SecretString>,
}

impl Keeper {
    /// Returns the keeper that a description names (`file`, `helper:NAME`).
    #[must_use]
    pub fn from_name(name: &str, file: ValuesFile) -> Option<Self> {
        match name.split_once(':') {
            None if name == "file" => Some(Self::File(file)),
            Some(("helper", helper)) => Some(Self::Helper(helper.to_owned())),
            _ => None,
        }
    }

    /// Returns the name that a description keeps.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(_) => "file".to_owned(),
            Self::Helper(helper) => format!("helper:{helper}"),
        }
    }

    /// Returns the value, if there is one.
    ///
    /// # Errors
    /// Where the file or the helper cannot be used.
    pub fn get(&self, owner: Owner<'_>) -> Result<Option<SecretString>> {
        match self {
            Self::File(file) => file::get(file, owner),
            Self::Helper(name) => helper::get(name, owner),
        }
    }

    /// Keeps a value, and returns the older one that it takes the place of.
    ///
    /// # Errors
    /// Where the file or the helper cannot be used; the older value stays.
    pub fn put(
        &self,
        owner: Owner<'_>,
        username: &str,
        value: &SecretString,
    ) -> Result<Option<SecretString>> {
        match self {
            Self::File(file) => file::put(file, owner, value),
            Self::Helper(name) => {
                let before = helper::get(name, owner)?;
                helper::store(name, owner, username, value)?;
                Ok(before)
            }
        }
    }

    /// Takes back a `put`, of which `value` is the value and `before` what was
    /// returned; a value that another process put since then stays.
    ///
    /// # Errors
    /// Where the file or the helper cannot be used.
    pub fn put_back(
        &self,
        owner: Owner<'_>,
        value: &SecretString,
        before: &Before<'_>,
    ) -> Result<()> {
        match self {
            Self::File(file) => file::put_back(file, owner, value, before.value),
            Self::Helper(name) => {
                let now = helper::get(name, owner)?;
                if now.is_none_or(|now| now.expose_secret() != value.expose_secret()) {
                    return Ok(());
                }
                match before.value {
                    Some(older) => helper::store(name, owner, before.username, older),
                    None => helper::erase(name, owner),
                }
            }
        }
    }

    /// Forgets a value; one that is not there is no error.
    ///
    /// # Errors
    /// Where the file or the helper cannot be used.
    pub fn remove(&self, owner: Owner<'_>) -> Result<()> {
        match self {
            Self::File(file) => file::remove(file, owner),
            Self::Helper(name) => helper::erase(name, owner),
        }
    }
}
