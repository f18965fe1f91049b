//! Signals while a person is at the prompt: Ctrl-C is for the line that runs, and the
//! end of the process leaves the terminal as it was.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::app::Interrupt;

/// How often it looks for a signal.
const PAUSE: Duration = Duration::from_millis(200);

/// Looks for signals until it is dropped.
pub struct Watch {
    interrupt: Interrupt,
    at_prompt: Arc<AtomicBool>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look.
    ///
    /// # Errors
    /// Those of the terminal, and of a thread.
    pub fn begin(interrupt: &Interrupt) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        interrupt.keep_for_lines(true);
        let mut watch = Self {
            interrupt: interrupt.clone(),
            at_prompt: Arc::default(),
            ended: Arc::default(),
            thread: None,
        };
        let (interrupt, at_prompt) = (interrupt.clone(), Arc::clone(&watch.at_prompt));
        let ended = Arc::clone(&watch.ended);
        let look = move || {
            while !ended.load(Ordering::SeqCst) {
                thread::park_timeout(PAUSE);
                look(&interrupt, at_prompt.load(Ordering::SeqCst), &before);
            }
        };
        watch.thread = Some(thread::Builder::new().spawn(look)?);
        Ok(watch)
    }

    /// Says that a line is waited for.
    pub fn at_prompt(&self) {
        self.interrupt.forget();
        self.interrupt.terminates.store(false, Ordering::SeqCst);
        self.at_prompt.store(true, Ordering::SeqCst);
    }

    /// Says that a line runs.
    pub fn running(&self) {
        self.at_prompt.store(false, Ordering::SeqCst);
        self.interrupt.terminates.store(true, Ordering::SeqCst);
    }
}

fn look(interrupt: &Interrupt, at_prompt: bool, before: &Termios) {
    if at_prompt {
        if interrupt.was_to_terminate() {
            // The prompt has the terminal to itself, and would leave it so.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
            interrupt.terminates.store(true, Ordering::SeqCst);
            let _ = kill_process(getpid(), Signal::TERM);
        }
    } else if interrupt.stops_line() {
        // What does not stop by the first Ctrl-C is ended by the next: a transaction that
        // is open is as if it had never begun.
        interrupt.at_once.store(true, Ordering::SeqCst);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        self.interrupt.keep_for_lines(false);
        self.interrupt.terminates.store(true, Ordering::SeqCst);
    }
}
