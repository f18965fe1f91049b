//! How signals end the program, or only the command that runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::Kind;

/// How an interrupt (Ctrl-C) ends the program: at once, unless a command has
/// something to clean up first, or it is meant for the line of a shell.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    /// Whether Ctrl-C ends the process at once.
    pub at_once: Arc<AtomicBool>,
    /// Whether a signal to terminate does: SIGTERM, or SIGHUP.
    pub terminates: Arc<AtomicBool>,
    /// The exit code that the latest signal stands for; 0 where there was none.
    pub seen: Arc<AtomicUsize>,
    /// How many there are who keep signals from ending the process.
    held: Arc<AtomicUsize>,
    /// Whether Ctrl-C is meant for what runs, not for the process.
    in_shell: Arc<AtomicBool>,
}

impl Interrupt {
    /// Returns whether there was a signal.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        self.seen.load(Ordering::SeqCst) != 0
    }

    /// Returns whether the latest signal was one to terminate.
    #[must_use]
    pub fn was_to_terminate(&self) -> bool {
        self.seen.load(Ordering::SeqCst) == usize::from(Kind::Terminated.code())
    }

    /// Returns what kind of end the latest signal is.
    pub fn kind(&self) -> Kind {
        if self.was_to_terminate() {
            Kind::Terminated
        } else {
            Kind::Interrupted
        }
    }

    /// Returns whether the command of a shell is to stop where it is: there was a
    /// signal, and the command does not end in an order of its own.
    #[must_use]
    pub fn stops_line(&self) -> bool {
        self.in_shell.load(Ordering::SeqCst) && self.is_seen() && !self.is_held()
    }

    /// Returns whether a command ends in an order of its own.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) != 0
    }

    /// Keeps signals from ending the process until the value is dropped.
    #[must_use]
    pub fn hold(&self) -> Hold<'_> {
        self.held.fetch_add(1, Ordering::SeqCst);
        self.at_once.store(false, Ordering::SeqCst);
        self.terminates.store(false, Ordering::SeqCst);
        Hold(self)
    }

    /// Keeps Ctrl-C for what runs, or gives it back to the process.
    pub fn keep_for_lines(&self, kept: bool) {
        self.in_shell.store(kept, Ordering::SeqCst);
        self.at_once.store(!kept, Ordering::SeqCst);
    }

    /// Forgets the latest signal.
    pub fn forget(&self) {
        self.seen.store(0, Ordering::SeqCst);
        let in_shell = self.in_shell.load(Ordering::SeqCst);
        self.at_once.store(!in_shell, Ordering::SeqCst);
    }
}

/// While it lives, an interrupt is only noted.
#[derive(Debug)]
pub struct Hold<'a>(&'a Interrupt);

impl Hold<'_> {
    /// Returns whether the work may go on.
    #[must_use]
    pub fn go_on(&self) -> bool {
        !self.0.is_seen()
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if self.0.held.fetch_sub(1, Ordering::SeqCst) == 1 {
            let in_shell = self.0.in_shell.load(Ordering::SeqCst);
            self.0.at_once.store(!in_shell, Ordering::SeqCst);
            self.0.terminates.store(true, Ordering::SeqCst);
        }
    }
}
