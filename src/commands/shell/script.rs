//! The lines of a script on standard input.

use std::io::{self, BufRead, Read};

use super::{Next, words};
use crate::error::{Error, Kind, Result};

/// Bytes of the longest command, with all its lines.
const LONGEST: u64 = 4 * 1024 * 1024;

/// A script that is read as far as it was run.
#[derive(Debug, Default)]
pub struct Script {
    /// Lines that were read so far.
    lines: u64,
}

impl Script {
    /// Returns the next command. One whose quote is open goes on in the next line.
    ///
    /// # Errors
    /// For what cannot be read, is no text or is too long, and for a quote that is
    /// never closed.
    pub fn next(&mut self) -> Result<Next> {
        let mut text = String::new();
        let mut begin = 0;
        loop {
            let before = text.len();
            let room = LONGEST.saturating_sub(before as u64);
            let read = io::stdin()
                .lock()
                .take(room + 1)
                .read_line(&mut text)
                .map_err(|error| self.unreadable(&error))?;
            if read == 0 {
                return if text.is_empty() {
                    Ok(Next::End)
                } else {
                    Err(invalid(begin, "the quote is never closed")
                        .hint("close it with the quote that it began with"))
                };
            }
            self.lines += 1;
            if text.len() as u64 > LONGEST {
                return Err(invalid(self.lines, "the command is longer than 4 MiB"));
            }
            if before == 0 {
                begin = self.lines;
                if begin == 1
                    && let Some(rest) = text.strip_prefix('\u{feff}')
                {
                    text = rest.to_owned();
                }
            }
            match words::split(&text) {
                None => {}
                Some(words) if words.is_empty() => text.clear(),
                Some(words) => return Ok(Next::Line(words, begin)),
            }
        }
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        if error.kind() == io::ErrorKind::InvalidData {
            return invalid(self.lines + 1, "it is not UTF-8 text");
        }
        Error::new(Kind::Io, "cannot read standard input").because(error)
    }
}

fn invalid(line: u64, rule: &str) -> Error {
    Error::new(Kind::InvalidInput, format!("<stdin>:{line}: {rule}"))
}
