//! What can go wrong with a registry.

use std::error::Error as StdError;
use std::io;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::domain::name::shorten;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A setting, or a file that one names, cannot be used.
    Settings,
    NotFound,
    /// Not authenticated, or not allowed.
    Denied,
    /// It may be there later.
    Unavailable,
    /// An answer that breaks the protocol, or is not what was asked for.
    Violation,
    /// The answer is that the registry cannot do this.
    Unsupported,
    /// What is asked for is nothing that can be.
    Invalid,
    /// It is there already, or must stay as it is.
    Conflict,
    /// A policy of the server forbids it.
    Policy,
}

/// A failure of a registry. No text in it holds a credential.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Error {
    pub reason: Reason,
    /// What was attempted, and on which registry or reference.
    pub message: String,
    /// Why not: our words, or those of the registry, marked as such.
    pub cause: Option<String>,
    pub hint: Option<String>,
    /// Whether a page for people told it, which a proxy may show in place of any
    /// registry.
    pub by_page: bool,
    /// Whether it may have been done all the same: the answer was lost, or unreadable.
    pub in_doubt: bool,
}

/// The result of asking a registry.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            cause: None,
            hint: None,
            by_page: false,
            in_doubt: false,
        }
    }

    pub(super) fn violation(message: impl Into<String>, cause: impl Into<String>) -> Self {
        Self::new(Reason::Violation, message).because(cause)
    }

    #[must_use]
    pub(super) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the failure with the words of a remote, where it said any.
    #[must_use]
    pub(super) fn said(self, words: Option<&str>) -> Self {
        self.said_by("registry", words)
    }

    #[must_use]
    pub(super) fn said_by(mut self, who: &str, words: Option<&str>) -> Self {
        if let Some(words) = words {
            let said = format!("{who} said: {words}");
            self.cause = Some(match self.cause {
                Some(cause) => format!("{cause}; {said}"),
                None => said,
            });
        }
        self
    }
}

/// Returns the words of a body that tells an error, shortened and without the
/// secrets that it repeats; nothing where it is not one of a registry. What a
/// proxy shows to people is not quoted.
pub(super) fn words_of(body: &[u8], secrets: &[Zeroizing<String>]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = |value: &serde_json::Value, key: &str| {
        let text = value.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let words = match body.get("errors").and_then(|errors| errors.get(0)) {
        Some(error) => match (text(error, "code"), text(error, "message")) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (code, message) => message.or(code)?,
        },
        None => text(&body, "details")
            .or_else(|| text(&body, "message"))
            .or_else(|| text(&body, "error_description"))
            .or_else(|| text(&body, "error"))?,
    };
    let words = secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(words, |words, secret| {
            words.replace(secret.as_str(), "<redacted>")
        });
    Some(shorten(&words))
}

/// Returns whether any of the errors beneath satisfies `test`; those that an
/// I/O error wraps included, which its `source` passes over.
pub(super) fn any_cause(
    error: &(dyn StdError + 'static),
    test: &mut dyn FnMut(&(dyn StdError + 'static)) -> bool,
) -> bool {
    if test(error) {
        return true;
    }
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    if let Some(wrapped) = wrapped
        && any_cause(wrapped, test)
    {
        return true;
    }
    error.source().is_some_and(|source| any_cause(source, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_quoted_and_a_page_for_people_is_not() {
        let check = |body: &str, expected: Option<&str>| {
            assert_eq!(
                words_of(body.as_bytes(), &[Zeroizing::new("hunter2".to_owned())]).as_deref(),
                expected,
                "{body}"
            );
        };
        check(
            r#"{"errors":[{"code":"DENIED","message":"no pull access"}]}"#,
            Some("DENIED: no pull access"),
        );
        check(r#"{"errors":[{"code":"DENIED"}]}"#, Some("DENIED"));
        check(r#"{"details":"wrong password"}"#, Some("wrong password"));
        check(
            r#"{"message":"hunter2 is not it, hunter2"}"#,
            Some("<redacted> is not it, <redacted>"),
        );
        check(r#"{"errors":[]}"#, None);
        check(r#"{"errors":null}"#, None);
        check("<html><h1>502</h1>", None);
        check("", None);
    }
}
