//! What is wrong with a reference: the part, the value and the rule, and a hint at what was meant.
//!
//! Not here: the rules themselves, which are in `grammar`, and exit codes.

use std::fmt;

use thiserror::Error;

const MAX_SHOWN_CHARACTERS: usize = 80;

/// A text that is no image reference, or no part of one.
///
/// The message is safe for a terminal: the value is shortened, and characters that a terminal obeys
/// or hides are escaped.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{part}{value}: {rule}")]
pub struct ReferenceError {
    part: Part,
    value: Value,
    rule: &'static str,
    hint: Option<String>,
}

impl ReferenceError {
    pub(super) fn new(part: Part, value: &str, rule: &'static str) -> Self {
        Self {
            part,
            value: Value(shown(value)),
            rule,
            hint: None,
        }
    }

    pub(super) fn with_hint(self, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// Returns the part of the reference that breaks the rule.
    pub fn part(&self) -> Part {
        self.part
    }

    /// Returns what was probably meant, for the famous mistakes.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

/// A part of a reference, as messages name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Host,
    Port,
    Repository,
    Tag,
    Digest,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Host => "registry host",
            Self::Port => "port",
            Self::Repository => "repository path",
            Self::Tag => "tag",
            Self::Digest => "digest",
        })
    }
}

/// An offending value, ready to be shown; an empty one shows as nothing at all.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Value(String);

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(formatter, " `{}`", self.0)
    }
}

/// Returns `text` as it may stand in a message or a hint.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (position, character) in text.chars().enumerate() {
        if position == MAX_SHOWN_CHARACTERS {
            shown.push('…');
            break;
        }
        if misleads(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns whether a terminal would obey or hide the character: controls, bidirectional marks, line
/// separators and characters of no width.
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}
