//! What can go wrong with an operation.

use std::io;

use thiserror::Error;

use crate::build;
use crate::catalog;
use crate::credentials;
use crate::domain::image_rules::FieldFault;
use crate::formats::document::{Fault, ItemError, Node, Position};
use crate::formats::locate;
use crate::registry;
use crate::store::oci;

/// A failure of an operation.
#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// The input breaks rules; nothing was written.
    #[error("{summary}")]
    Input {
        summary: String,
        faults: Vec<ItemFault>,
        /// How many more there are than are listed.
        unlisted: u64,
    },
    /// What the input names cannot be had; nothing was written.
    #[error("{summary}")]
    Unfit {
        summary: String,
        faults: Vec<ItemFault>,
        /// How many more there are than are listed.
        unlisted: u64,
        /// The gravest of them.
        status: super::verify::Status,
    },
    #[error("cannot read `{name}`")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("cannot write `{name}`")]
    Write {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{what}")]
    Unsafe { what: String, hint: String },
    #[error("{what}")]
    NotFound { what: String, hint: String },
    #[error("{what}")]
    Refused { what: String, hint: String },
    /// Whoever asks may not.
    #[error("{what}")]
    Denied { what: String, hint: String },
    /// It was looked at, and is not good enough.
    #[error("{what}")]
    Policy { what: String, hint: String },
    /// It is not what it says that it is.
    #[error("{what}")]
    Violation { what: String, hint: String },
    /// It exists already.
    #[error("{what}")]
    Exists { what: String, hint: String },
    /// It was not verified, or is not what it must be.
    #[error("{what}")]
    Unverified { what: String, hint: String },
    /// Another program failed; the cause is in its words.
    #[error("{what}")]
    Tool { what: String, cause: String },
    /// An engine could not build; the lines are the last ones of its output.
    #[error("{what}")]
    Build {
        what: String,
        lines: Vec<String>,
        hint: String,
    },
    /// It may be done, or be there, later.
    #[error("{what}")]
    Later { what: String, hint: String },
    /// Another process is at it.
    #[error("{what}")]
    Busy { what: String },
    /// The user or the system asked to stop.
    #[error("stopped before it was done")]
    Interrupted,
    #[error("the input is empty")]
    Empty,
}

impl Error {
    /// Returns the failure of an argument that breaks a rule.
    pub fn invalid(rule: impl Into<String>) -> Self {
        Self::Input {
            summary: rule.into(),
            faults: Vec::new(),
            unlisted: 0,
        }
    }
}

impl From<build::Error> for Error {
    fn from(error: build::Error) -> Self {
        let what = error.to_string();
        match error {
            build::Error::NotInstalled { what, hint } => Self::NotFound { what, hint },
            build::Error::Failed { what, lines, hint } => Self::Build { what, lines, hint },
            build::Error::Write { path, source } => Self::Write {
                name: path.display().to_string(),
                source,
            },
            build::Error::Io { source, .. } => Self::Tool {
                what,
                cause: source.to_string(),
            },
            build::Error::Interrupted => Self::Interrupted,
        }
    }
}

impl From<oci::Error> for Error {
    fn from(error: oci::Error) -> Self {
        use oci::Error as E;
        match error {
            E::NotFound { what, hint } => Self::NotFound { what, hint },
            E::Invalid { what } => Self::invalid(what),
            E::Violation { what, hint } => Self::Violation { what, hint },
            E::Unsafe { what, hint } => Self::Unsafe { what, hint },
            E::Busy { what } => Self::Busy { what },
            E::Read { path, source } => Self::Read {
                name: path.display().to_string(),
                source,
            },
            E::Write { path, source } => Self::Write {
                name: path.display().to_string(),
                source,
            },
            E::Interrupted => Self::Interrupted,
        }
    }
}

/// The result of an operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A broken rule of an input, and in which of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFault {
    /// The name of the file, or `<stdin>`.
    pub file: String,
    pub fault: Fault,
    pub item: Option<ItemName>,
    /// Whether it is only that the name exists already.
    pub exists: bool,
}

/// Which item of an input it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemName {
    /// 1-indexed.
    pub position: u64,
    pub name: String,
}

impl std::fmt::Display for ItemFault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gap = if self.fault.at == Position::default() {
            " "
        } else {
            ""
        };
        write!(formatter, "{}:{gap}{}", self.file, self.fault)?;
        if let Some(ItemName { position, name }) = &self.item {
            let name = crate::domain::name::shorten(name);
            if name.is_empty() {
                write!(formatter, " (item {position})")?;
            } else {
                write!(formatter, " (item {position}, `{name}`)")?;
            }
        }
        Ok(())
    }
}

/// Gathers the faults of an input: the first ones whole, the others counted.
#[derive(Debug, Default)]
pub(super) struct Faults {
    listed: Vec<ItemFault>,
    unlisted: u64,
    /// How many items have at least one.
    pub items: u64,
}

impl Faults {
    const MOST_LISTED: usize = 50;

    /// An input may have no end: after so many bad items it is read no further.
    const MOST_COUNTED: u64 = 10_000;

    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// Returns whether there are so many that no more need be looked for.
    pub(super) fn is_full(&self) -> bool {
        self.items >= Self::MOST_COUNTED
    }

    pub(super) fn push(&mut self, fault: ItemFault) {
        if self.listed.len() < Self::MOST_LISTED {
            self.listed.push(fault);
        } else {
            self.unlisted += 1;
        }
    }

    /// Adds the faults of one item, in the order of their places.
    pub(super) fn item(&mut self, file: &str, item: &ItemName, mut faults: Vec<Fault>) {
        self.items += 1;
        faults.sort_by_key(|fault| fault.at);
        for fault in faults {
            self.push(ItemFault {
                file: file.to_owned(),
                fault,
                item: Some(item.clone()),
                exists: false,
            });
        }
    }

    /// Adds the faults of one file, or of one entry of it.
    pub(super) fn file(&mut self, file: &str, faults: &[Fault], exists: bool) {
        self.items += 1;
        for fault in faults {
            self.push(ItemFault {
                file: file.to_owned(),
                fault: fault.clone(),
                item: None,
                exists,
            });
        }
    }

    /// Adds what keeps the rest of a file from being read at all.
    pub(super) fn syntax(&mut self, file: &str, error: ItemError) -> Result<()> {
        match error {
            ItemError::Fault(fault) => {
                self.items += 1;
                self.push(ItemFault {
                    file: file.to_owned(),
                    fault,
                    item: None,
                    exists: false,
                });
                Ok(())
            }
            ItemError::Io(source) => Err(Error::Read {
                name: file.to_owned(),
                source,
            }),
        }
    }

    pub(super) fn into_unfit(
        self,
        summary: impl Into<String>,
        status: super::verify::Status,
    ) -> Error {
        Error::Unfit {
            summary: summary.into(),
            faults: self.listed,
            unlisted: self.unlisted,
            status,
        }
    }

    pub(super) fn into_error(self, summary: impl Into<String>) -> Error {
        Error::Input {
            summary: summary.into(),
            faults: self.listed,
            unlisted: self.unlisted,
        }
    }
}

/// Returns faults of fields as faults of the text that the fields are in.
pub(super) fn located(faults: Vec<FieldFault>, node: &Node) -> Vec<Fault> {
    faults
        .into_iter()
        .map(|fault| locate(fault, node))
        .collect()
}
