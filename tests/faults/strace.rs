//! The program run under `strace`, which counts its system calls, and makes
//! one of them fail or kills the program at it.

use std::fs;
use std::process::Command;

use crate::support::{Home, PROGRAM, Ran};

/// What happens to the program at its system calls.
#[derive(Debug, Clone, Copy)]
pub struct Fault<'a> {
    /// The system call.
    pub call: &'a str,
    /// What happens, in the words of `strace`: `signal=SIGKILL`, `error=EIO`.
    pub what: &'a str,
    /// At which call: `3`, or from which one on: `3+`.
    pub when: &'a str,
}

/// Runs the program with that fault; `input` is the file that it reads.
pub fn run_with(fault: Fault<'_>, home: &Home, arguments: &str) -> Ran {
    let Fault { call, what, when } = fault;
    let mut command = strace(home);
    command
        .arg("-e")
        // Not every system call exists on every architecture.
        .arg(format!("inject=?{call}:{what}:when={when}"))
        .arg(PROGRAM)
        .args(arguments.split_whitespace());
    crate::finish(&mut command)
}

/// Runs the program and returns how it ended and the lines of its trace.
pub fn trace(home: &Home, calls: &str, arguments: &str) -> (Ran, Vec<String>) {
    let mut command = strace(home);
    command
        .arg("-e")
        .arg(format!("trace={calls}"))
        .arg(PROGRAM)
        .args(arguments.split_whitespace());
    let ran = crate::finish(&mut command);
    let text = fs::read(home.path().join("trace")).expect("there is a trace");
    let text = String::from_utf8_lossy(&text);
    (ran, text.lines().map(str::to_owned).collect())
}

fn strace(home: &Home) -> Command {
    let there = Command::new("strace").arg("--version").output().is_ok();
    assert!(
        there,
        "strace is missing, and without it nothing can be shown here; `bash tests/run.sh` \
         installs it (Debian: `apt-get install strace`)"
    );
    // Whoever runs the tests in the background lets them ignore Ctrl-C.
    let mut command = home.command("env");
    command.args(["--default-signal", "strace", "-f", "-qq", "-o", "trace"]);
    command
}
