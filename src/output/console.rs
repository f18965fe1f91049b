//! The terminal, or whatever stands in its place.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::sync::mpsc;
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::text::visible;

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Standard output and error, and what is known of them.
pub struct Console {
    out: BufWriter<Stdout>,
    /// Cells of a line, where standard output is a terminal.
    pub width: Option<usize>,
    /// Whether questions can be asked.
    pub can_ask: bool,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub no_progress: bool,
}

/// What was chosen on the command line.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices {
    pub quiet: bool,
    pub verbose: bool,
    pub no_progress: bool,
}

impl Console {
    /// Returns the console of this process.
    #[must_use]
    pub fn new(choices: Choices) -> Self {
        let stdout = io::stdout();
        let stdin_is_terminal = io::stdin().is_terminal();
        let stderr_is_terminal = io::stderr().is_terminal();
        let width = stdout.is_terminal().then(|| {
            rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col))
        });
        Self {
            out: BufWriter::with_capacity(BUFFER, stdout),
            width: width.filter(|width| *width > 0),
            can_ask: stdin_is_terminal && stderr_is_terminal,
            stdin_is_terminal,
            quiet: choices.quiet,
            verbose: choices.verbose,
            no_progress: choices.no_progress || choices.quiet,
        }
    }

    /// Returns what was chosen for it.
    #[must_use]
    pub fn choices(&self) -> Choices {
        Choices {
            quiet: self.quiet,
            verbose: self.verbose,
            no_progress: self.no_progress,
        }
    }

    /// Returns where answers go.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes out what was gathered.
    ///
    /// # Errors
    /// Those of standard output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Prints a line of news on standard error, unless it is to be quiet.
    pub fn note(&mut self, line: &str) {
        if !self.quiet {
            self.warn(line);
        }
    }

    /// Prints a hint on standard error, unless it is to be quiet.
    pub fn hint(&mut self, line: &str) {
        self.note(&format!("hint: {line}"));
    }

    /// Prints a line on standard error.
    pub fn warn(&mut self, line: &str) {
        // Nobody is left to be told where even this fails.
        let _ = writeln!(io::stderr(), "{}", visible(line));
    }

    /// Asks for a line of text.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn ask_text(&mut self, question: &str) -> io::Result<String> {
        self.flush()?;
        write!(io::stderr(), "{} ", visible(question))?;
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(answer)
    }

    /// Asks for a line that the terminal does not show; nothing where `go_on`
    /// says to stop. The terminal is left as it was.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn ask_hidden(
        &mut self,
        question: &str,
        go_on: &dyn Fn() -> bool,
    ) -> io::Result<Option<SecretString>> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        self.flush()?;
        tcsetattr(&terminal, OptionalActions::Flush, &hidden)?;
        let answer = hidden_line(question, go_on);
        tcsetattr(&terminal, OptionalActions::Flush, &before)?;
        writeln!(io::stderr())?;
        answer
    }

    /// Asks a question that is answered by yes or no; no is the default.
    ///
    /// # Errors
    /// Those of the terminal.
    pub fn ask(&mut self, question: &str) -> io::Result<bool> {
        self.flush()?;
        write!(io::stderr(), "{} [y/N] ", visible(question))?;
        io::stderr().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES"))
    }
}

/// Reads a line from a terminal that shows nothing.
fn hidden_line(question: &str, go_on: &dyn Fn() -> bool) -> io::Result<Option<SecretString>> {
    write!(io::stderr(), "{} ", visible(question))?;
    io::stderr().flush()?;
    let (sender, receiver) = mpsc::channel();
    // Read aside: a read does not end by a signal.
    std::thread::spawn(move || {
        let mut line = Zeroizing::new(String::new());
        let read = io::stdin().read_line(&mut line);
        let value = line.trim_end_matches(['\n', '\r']);
        let _ = sender.send(read.map(|_| SecretString::from(value)));
    });
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(answer) => return answer.map(Some),
            Err(mpsc::RecvTimeoutError::Timeout) if go_on() => {}
            Err(_) => return Ok(None),
        }
    }
}
