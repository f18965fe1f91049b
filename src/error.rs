//! Every failure as the user sees it: its kind, which decides the exit code,
//! what was attempted and why not, and what to do next.

use std::error::Error as StdError;
use std::io;

use crate::domain::name::shorten;
use crate::{catalog, credentials, ops, registry};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Failure,
    /// A bad command line or bad input.
    InvalidInput,
    NotFound,
    /// Not authenticated, or not allowed.
    Denied,
    /// A remote is not there for now.
    Unavailable,
    /// A remote answered what it must not, or not what was asked for.
    Violation,
    /// The catalog is damaged, or newer than this program.
    BadCatalog,
    Locked,
    /// Local files: a full disk, no permission, read-only.
    Io,
    /// Refused for safety.
    Refused,
    /// It exists already.
    Conflict,
    /// It was checked, and is not what it must be.
    CheckFailed,
    Interrupted,
    Terminated,
    /// Whoever read our output went away: not a failure.
    OutputClosed,
}

impl Kind {
    /// Returns the exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Failure => 1,
            Self::InvalidInput => 2,
            Self::NotFound => 4,
            Self::Denied => 5,
            Self::Unavailable => 6,
            Self::Violation => 7,
            Self::BadCatalog => 8,
            Self::Locked => 9,
            Self::Io => 10,
            Self::Refused => 11,
            Self::Conflict => 12,
            Self::CheckFailed => 13,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Returns the word that the JSON of an error has.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::InvalidInput => "invalid-input",
            Self::NotFound => "not-found",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Violation => "violation",
            Self::BadCatalog => "bad-catalog",
            Self::Locked => "locked",
            Self::Io => "io",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::CheckFailed => "check-failed",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::OutputClosed => "output-closed",
        }
    }
}

/// A failure as the user sees it.
#[derive(Debug, Clone)]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// The faults of an input, one line each: `FILE:line:column: field: rule`.
    pub lines: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// Why it failed, in the words of what failed.
    pub cause: Option<String>,
    /// Whether the message is several lines that stand as they are, without
    /// `error:` before them.
    pub verbatim: bool,
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Returns a failure of that kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            lines: Vec::new(),
            hints: Vec::new(),
            cause: None,
            verbatim: false,
        }
    }

    /// Returns the failure to give an input, with what one looks like.
    #[must_use]
    pub fn configuration_required(example: &str) -> Self {
        Self {
            verbatim: true,
            ..Self::new(
                Kind::InvalidInput,
                // As PrimeHub's own tool says it.
                format!("The configuration is required.\n\nExample:\n{example}"),
            )
        }
    }

    /// Returns what failed and why, in a line.
    pub fn line(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        }
    }

    /// Returns the failure with something to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the failure with the words of what failed.
    #[must_use]
    pub fn because(mut self, cause: &dyn StdError) -> Self {
        let mut words = cause.to_string();
        let mut source = cause.source();
        while let Some(cause) = source {
            words.push_str(": ");
            words.push_str(&cause.to_string());
            source = cause.source();
        }
        self.cause = Some(words);
        self
    }
}

impl From<catalog::Error> for Error {
    fn from(error: catalog::Error) -> Self {
        use catalog::Error as E;
        let message = error.to_string();
        match &error {
            E::Locked { .. } => Self::new(Kind::Locked, message).hint(
                "another imgdex holds it: wait for that one or stop it (`fuser CATALOG` names \
                 it), or wait longer with `--lock-timeout 300`",
            ),
            E::Damaged { .. } => Self::new(Kind::BadCatalog, message).hint(
                "the file was not changed; name another with `--catalog`, or take a backup back",
            ),
            E::Newer { .. } => Self::new(Kind::BadCatalog, message)
                .hint("the file was not changed; use the newer imgdex that wrote it"),
            E::Unsafe { hint, .. } => Self::new(Kind::Refused, message).hint(hint),
            E::Io { source, .. } => {
                let kind = match source.as_ref().map(io::Error::kind) {
                    Some(io::ErrorKind::AlreadyExists) => Kind::Conflict,
                    Some(io::ErrorKind::Interrupted) => Kind::Interrupted,
                    _ => Kind::Io,
                };
                let failure = Self::new(kind, message);
                match source {
                    Some(source) => failure.because(source),
                    None => failure,
                }
            }
            E::NotFound { subject, near, .. } => {
                let failure = Self::new(Kind::NotFound, message);
                match near {
                    Some(near) => failure.hint(format!("did you mean `{}`?", shorten(near))),
                    None => failure.hint(format!(
                        "`imgdex {}s list` shows what there is",
                        subject.name()
                    )),
                }
            }
            E::Exists { subject, name } => {
                let failure = Self::new(Kind::Conflict, message);
                match subject.name() {
                    "group" => failure.hint("`imgdex groups list` shows what there is"),
                    noun => failure.hint(format!("change it with `imgdex {noun}s update {name}`")),
                }
            }
            E::InUse { name, .. } => Self::new(Kind::Refused, message).hint(format!(
                "take it from them first: `echo '{{\"useImagePullSecret\":null}}' | imgdex images \
                 update IMAGE`, then `imgdex secrets delete {name}`"
            )),
            E::Rejected(_) => Self::new(Kind::InvalidInput, message),
            E::Sqlite(source) => Self::new(Kind::Failure, message).because(source),
        }
    }
}

impl From<credentials::Error> for Error {
    fn from(error: credentials::Error) -> Self {
        use credentials::Error as E;
        let message = error.to_string();
        match &error {
            E::File { source, .. } => Self::new(Kind::Io, message).because(source),
            E::Malformed { .. } => Self::new(Kind::InvalidInput, message)
                .hint("mend the file, or move it away and set the values again"),
            E::NotCredentials { .. } => Self::new(Kind::InvalidInput, message)
                .hint("mend the file, or name another with `--authfile`"),
            E::Helper { .. } => Self::new(Kind::Failure, message)
                .hint("try it by hand, or take `helper` out of `[secrets]` in the config file"),
            E::NoHelper { .. } => Self::new(Kind::NotFound, message)
                .hint("install it, or take `helper` out of `[secrets]` in the config file"),
            E::HelperName { .. } => Self::new(Kind::InvalidInput, message),
        }
    }
}

impl From<registry::Error> for Error {
    fn from(error: registry::Error) -> Self {
        use registry::Reason;
        let kind = match error.reason {
            Reason::Settings => Kind::InvalidInput,
            Reason::NotFound => Kind::NotFound,
            Reason::Denied => Kind::Denied,
            Reason::Unavailable => Kind::Unavailable,
            Reason::Violation => Kind::Violation,
            Reason::Unsupported => Kind::Failure,
            Reason::Invalid => Kind::InvalidInput,
            Reason::Conflict => Kind::Conflict,
            Reason::Policy => Kind::CheckFailed,
        };
        Self {
            cause: error.cause,
            hints: error.hint.into_iter().collect(),
            ..Self::new(kind, error.message)
        }
    }
}

impl From<ops::Error> for Error {
    fn from(error: ops::Error) -> Self {
        use ops::Error as E;
        let message = error.to_string();
        match error {
            E::Catalog(error) => error.into(),
            E::Credentials(error) => error.into(),
            E::Registry(error) => error.into(),
            E::Input {
                faults, unlisted, ..
            } => {
                let conflict = !faults.is_empty() && faults.iter().all(|fault| fault.exists);
                let kind = if conflict {
                    Kind::Conflict
                } else {
                    Kind::InvalidInput
                };
                let mut failure = Self::new(kind, message);
                if conflict && let Some(name) = faults.first().and_then(|fault| fault.item.as_ref())
                {
                    failure = failure.hint(format!(
                        "change it with `imgdex images update {}`, or pass `--skip-existing` or \
                         `--update-existing`",
                        name.name
                    ));
                }
                failure.lines = faults.iter().map(ToString::to_string).collect();
                if unlisted > 0 {
                    failure.lines.push(format!("… and {unlisted} more"));
                }
                failure
            }
            E::Unfit {
                faults,
                unlisted,
                status,
                ..
            } => {
                use ops::verify::Status;
                let kind = match status {
                    Status::Denied => Kind::Denied,
                    Status::Unreachable => Kind::Unavailable,
                    Status::Invalid => Kind::Violation,
                    _ => Kind::CheckFailed,
                };
                let mut failure = Self::new(kind, message);
                failure.lines = faults.iter().map(ToString::to_string).collect();
                if unlisted > 0 {
                    failure.lines.push(format!("… and {unlisted} more"));
                }
                failure
            }
            E::Read { name, source } => {
                let kind = match source.kind() {
                    io::ErrorKind::NotFound => Kind::NotFound,
                    io::ErrorKind::IsADirectory => Kind::InvalidInput,
                    _ => Kind::Io,
                };
                Self::new(kind, format!("cannot read `{}`", shorten(&name))).because(&source)
            }
            E::Write { source, .. } => Self::new(Kind::Io, message).because(&source),
            E::Unsafe { hint, .. } | E::Refused { hint, .. } => {
                Self::new(Kind::Refused, message).hint(hint)
            }
            E::Denied { hint, .. } => Self::new(Kind::Denied, message).hint(hint),
            E::Policy { hint, .. } => Self::new(Kind::CheckFailed, message).hint(hint),
            E::NotFound { hint, .. } => Self::new(Kind::NotFound, message).hint(hint),
            E::Violation { hint, .. } => Self::new(Kind::Violation, message).hint(hint),
            E::Exists { hint, .. } => Self::new(Kind::Conflict, message).hint(hint),
            E::Later { hint, .. } => Self::new(Kind::Unavailable, message).hint(hint),
            E::Unverified { hint, .. } => Self::new(Kind::CheckFailed, message).hint(hint),
            E::Tool { cause, .. } => Self {
                cause: Some(cause),
                ..Self::new(Kind::Failure, message)
            },
            E::Build { lines, hint, .. } => Self {
                lines,
                hints: Some(hint)
                    .filter(|hint| !hint.is_empty())
                    .into_iter()
                    .collect(),
                ..Self::new(Kind::Failure, message)
            },
            E::Busy { .. } => Self::new(Kind::Locked, message)
                .hint("wait for it or stop it, or wait longer with `--lock-timeout 300`"),
            E::Interrupted => Self::new(Kind::Interrupted, message),
            E::Empty => Self::new(Kind::InvalidInput, message),
        }
    }
}

/// A failure to print.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::new(Kind::OutputClosed, "the output was closed")
        } else if error.kind() == io::ErrorKind::Interrupted {
            Self::new(Kind::Interrupted, "stopped before it was done")
        } else {
            Self::new(Kind::Io, "cannot write the output").because(&error)
        }
    }
}
