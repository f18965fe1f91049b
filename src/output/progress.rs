//! How far long work has come, told on standard error: on a terminal by one
//! line that is written over, elsewhere by a plain line every few seconds.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::text::{cut, visible};

/// Work shorter than this tells nothing.
const QUIET_AT_FIRST: Duration = Duration::from_secs(2);

const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Cells of a line where that is not known.
const WIDTH: usize = 120;

const BETWEEN_REDRAWS: Duration = Duration::from_millis(100);

/// The progress of counted work.
pub struct Progress {
    /// What is counted, such as `images`.
    noun: &'static str,
    began: Instant,
    told: Option<Instant>,
    is_terminal: bool,
    /// Cells of a line.
    width: usize,
    is_off: bool,
}

impl Progress {
    /// Returns the progress of work that begins now.
    #[must_use]
    pub fn new(noun: &'static str, is_off: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let columns = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| size.ws_col);
        Self {
            noun,
            began: Instant::now(),
            told: None,
            is_terminal,
            width: match columns {
                0 => WIDTH,
                columns => usize::from(columns),
            },
            is_off,
        }
    }

    /// Tells that so many are done, if it is time to tell.
    pub fn done(&mut self, count: u64) {
        self.done_at(count, "");
    }

    /// Tells that so many are done, and of what is done right now, in whoever's words.
    pub fn done_at(&mut self, count: u64, now: &str) {
        let pause = if self.is_terminal {
            BETWEEN_REDRAWS
        } else {
            BETWEEN_LINES
        };
        let is_time = match self.told {
            None => self.began.elapsed() >= QUIET_AT_FIRST,
            Some(told) => told.elapsed() >= pause,
        };
        if self.is_off || !is_time {
            return;
        }
        self.told = Some(Instant::now());
        let line = match now {
            "" => format!("{count} {} so far", self.noun),
            now => format!("{count} {} so far: {}", self.noun, visible(now)),
        };
        let line = cut(&line, self.width);
        // Work goes on where nobody can be told of it.
        let _ = if self.is_terminal {
            write!(io::stderr(), "\r{line}\u{1b}[K")
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.told.is_some() {
            let _ = write!(io::stderr(), "\r\u{1b}[K");
        }
    }
}
