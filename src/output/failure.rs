//! A failure, printed: for people, or as JSON for programs.

use std::io::{self, Write};

use serde_json::json;

use super::text::{visible, visible_lines};
use crate::error::{Error, Kind};

/// How failures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Colored,
    Json,
}

/// Prints a failure on standard error.
pub fn print(error: &Error, style: Style) {
    if error.kind == Kind::OutputClosed {
        return;
    }
    let text = match style {
        Style::Json => as_json(error),
        Style::Plain => as_text(error, "error:", "hint:"),
        Style::Colored => as_text(
            error,
            "\u{1b}[1;31merror:\u{1b}[0m",
            "\u{1b}[1;36mhint:\u{1b}[0m",
        ),
    };
    // Nobody is left to be told where even this fails.
    let _ = io::stderr().write_all(text.as_bytes());
}

fn as_text(error: &Error, error_word: &str, hint_word: &str) -> String {
    let mut text = if error.verbatim {
        visible_lines(&error.message).into_owned()
    } else {
        format!("{error_word} {}", visible(&error.message))
    };
    if let Some(cause) = &error.cause {
        text.push_str(": ");
        text.push_str(&visible(cause));
    }
    text.push('\n');
    for line in &error.lines {
        text.push_str(&visible(line));
        text.push('\n');
    }
    for hint in &error.hints {
        text.push_str(&format!("{hint_word} {}\n", visible(hint)));
    }
    text
}

fn as_json(error: &Error) -> String {
    let mut message = error.message.clone();
    for line in &error.lines {
        message.push('\n');
        message.push_str(line);
    }
    let object = json!({
        "error": {
            "kind": error.kind.name(),
            "message": message,
            "hint": (!error.hints.is_empty()).then(|| error.hints.join("\n")),
            "cause": error.cause,
        }
    });
    format!("{}\n", super::json::escaped(&object.to_string()))
}
