//! The terminal, or whatever stands in its place.

use std::io::{self, BufWriter, IsTerminal, Read, Stdout, Write};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::text::visible;

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Whether what runs is to stop.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// Standard output, closed to whoever is to stop.
struct Out {
    stdout: Stdout,
    stop: Option<Stop>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.as_ref().is_some_and(|stop| stop()) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.stdout.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// What is typed at a terminal, until it is to stop.
pub struct Typed {
    stop: Stop,
}

impl Typed {
    /// Returns what is typed until `stop` says so.
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self { stop }
    }
}

impl Read for Typed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if wait_for_typing(&|| !(self.stop)())? {
            io::stdin().read(buffer)
        } else {
            Err(io::Error::other("it was interrupted"))
        }
    }
}

/// Standard output and error, and what is known of them.
pub struct Console {
    out: BufWriter<Out>,
    stop: Option<Stop>,
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
    /// Returns the console of this process; where `stop` says so, it takes no more
    /// output and waits for no answers.
    #[must_use]
    pub fn new(choices: Choices, stop: Option<Stop>) -> Self {
        let stdout = io::stdout();
        let stdin_is_terminal = io::stdin().is_terminal();
        let stderr_is_terminal = io::stderr().is_terminal();
        let width = stdout.is_terminal().then(|| {
            rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col))
        });
        Self {
            out: BufWriter::with_capacity(
                BUFFER,
                Out {
                    stdout,
                    stop: stop.clone(),
                },
            ),
            stop,
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
        let stop = self.stop.clone();
        if !wait_for_typing(&|| !stop.as_ref().is_some_and(|stop| stop()))? {
            writeln!(io::stderr())?;
            return Err(io::ErrorKind::Interrupted.into());
        }
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
        let stop = self.stop.clone();
        if !wait_for_typing(&|| !stop.as_ref().is_some_and(|stop| stop()))? {
            writeln!(io::stderr())?;
            return Err(io::ErrorKind::Interrupted.into());
        }
        io::stdin().read_line(&mut answer)?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES"))
    }
}

/// Reads a line from a terminal that shows nothing.
fn hidden_line(question: &str, go_on: &dyn Fn() -> bool) -> io::Result<Option<SecretString>> {
    write!(io::stderr(), "{} ", visible(question))?;
    io::stderr().flush()?;
    if !wait_for_typing(go_on)? {
        return Ok(None);
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().read_line(&mut line)?;
    let value = line.trim_end_matches(['\n', '\r']);
    Ok(Some(SecretString::from(value)))
}

/// Waits until a line was typed, or there is no more; returns false where `go_on` says
/// to stop. A read would not end by a signal.
fn wait_for_typing(go_on: &dyn Fn() -> bool) -> io::Result<bool> {
    const PAUSE: Timespec = Timespec {
        tv_sec: 0,
        tv_nsec: 50_000_000,
    };
    let stdin = io::stdin();
    while go_on() {
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut polled, Some(&PAUSE)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(true),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(false)
}
