//! Other programs: run without a shell, each at the head of a process group of its own,
//! not shown our credentials, and ended with all that they have started. Credential helpers
//! are spoken to, and so run where that is done.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, PipeReader, Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::fstatvfs;
use rustix::process::{Pid, Signal, getpgid, getpgrp, kill_process_group};

/// Lines of the end of an output that are at hand.
const AT_HAND: usize = 200;

/// Bytes of such a line; a log has all of it.
const LONGEST_LINE: usize = 500;

/// Bytes of a log after which of what is printed only the end is written.
const LONGEST_LOG: u64 = 64 << 20;

/// How often it is looked whether a program has ended.
const BETWEEN: Duration = Duration::from_millis(10);

/// How long a program that is to stop may clean up.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the end of the output is waited for; a child that lives on may keep it open.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Variables that hold our credentials, which are nobody else's business.
const OURS: [&str; 4] = [
    "IMGDEX_REGISTRY_HOST",
    "IMGDEX_REGISTRY_USERNAME",
    "IMGDEX_REGISTRY_PASSWORD",
    "IMGDEX_REGISTRY_TOKEN",
];

/// Asked again and again whether the work may go on, and told the last line so far.
pub type Watch<'a> = &'a mut dyn FnMut(&str) -> bool;

/// What becomes of what a program prints.
#[derive(Debug)]
pub enum Output<'a> {
    /// What it complains of is at hand; the rest is thrown away.
    Complaints,
    /// Of what it answers the lines that have this in them are at hand; the rest is thrown
    /// away, what it complains of included.
    Lines(&'a str),
    /// All of it is appended to a log, after the command line: so no argument may be a
    /// secret. Of what is more than 64 MiB, or than half of what is free on the disk, only
    /// the end is.
    Log(&'a mut File),
}

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself {
        status: ExitStatus,
        /// The last lines of its output that are not empty.
        lines: Vec<String>,
    },
    /// Because it was told to.
    Stopped,
}

/// Returns a program to be run, which is not shown our credentials.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in OURS {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a [`command`] to its end.
///
/// # Errors
/// Where it cannot be started or waited for.
pub fn run(mut command: Command, output: Output<'_>, watch: Watch<'_>) -> io::Result<Ended> {
    let (reader, writer) = io::pipe()?;
    let mut tail = Tail::default();
    let log = match output {
        Output::Complaints => {
            command.stdout(Stdio::null()).stderr(writer);
            None
        }
        Output::Lines(wanted) => {
            wanted.clone_into(&mut tail.wanted);
            command.stdout(writer).stderr(Stdio::null());
            None
        }
        Output::Log(file) => {
            // Nothing depends on the log.
            let _ = writeln!(file, "$ {}", shown(&command));
            command.stdout(writer.try_clone()?).stderr(writer);
            Some(Log::continued(file.try_clone()?)?)
        }
    };
    // So that it ends with all that it has started.
    command.process_group(0);
    let mut child = command.spawn()?;
    // Our own ends of the pipe would keep its end from being seen.
    drop(command);
    let tail = Arc::new(Mutex::new(tail));
    let (sender, read) = mpsc::channel();
    let shared = Arc::clone(&tail);
    thread::spawn(move || {
        copy(reader, log, &shared);
        // Nobody waits for it where a child keeps the pipe open.
        let _ = sender.send(());
    });
    // Not told under the lock: whoever is told may take their time.
    let mut go_on = || {
        let last = locked(&tail).last().to_owned();
        watch(&last)
    };
    let status = end_of(&mut child, &mut go_on)?;
    let _ = read.recv_timeout(LAST_WORDS);
    Ok(match status {
        None => Ended::Stopped,
        Some(status) => Ended::Itself {
            status,
            lines: std::mem::take(&mut *locked(&tail)).finish(),
        },
    })
}

fn locked(tail: &Mutex<Tail>) -> std::sync::MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a command line as a log shows it.
fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Returns how a program ended; nothing where it was stopped.
fn end_of(child: &mut Child, go_on: &mut dyn FnMut() -> bool) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            if status.signal().is_some() {
                // It could not end what it had started.
                signal_group(child, Signal::KILL);
            }
            return Ok(Some(status));
        }
        if !go_on() {
            stop(child)?;
            return Ok(None);
        }
        thread::sleep(BETWEEN);
    }
}

/// Ends a program with all of its group: kindly, so that it cleans up, then surely.
fn stop(child: &mut Child) -> io::Result<()> {
    signal_group(child, Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            break;
        }
        thread::sleep(BETWEEN);
    }
    // What is left of the group, too.
    signal_group(child, Signal::KILL);
    child.wait()?;
    Ok(())
}

fn signal_group(child: &Child, signal: Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may be gone.
        let _ = kill_process_group(group, signal);
    }
}

/// Ends programs that outlived who started them, and all that these have started: those
/// that were given a `TMPDIR` with a marker, which nobody else uses, and have it in their
/// arguments.
pub fn end_marked(marker: &str) {
    let groups = marked(marker);
    let signal = |signal| {
        for group in &groups {
            // It may be gone.
            let _ = kill_process_group(*group, signal);
        }
    };
    signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while !marked(marker).is_empty() && Instant::now() < deadline {
        thread::sleep(BETWEEN);
    }
    // What is left of the groups, too.
    signal(Signal::KILL);
}

/// Returns the groups of the processes that were started with a marker.
fn marked(marker: &str) -> HashSet<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let marked = processes.filter_map(|process| {
        let id: i32 = process.file_name().to_str()?.parse().ok()?;
        let words = |name: &str| fs::read(process.path().join(name)).unwrap_or_default();
        // Somebody who looks at a build's files has them in the arguments, and what is
        // started for all that its user does, such as podman's pause, inherits `TMPDIR`.
        let is_ours =
            has(&words("cmdline"), "", marker) && has(&words("environ"), "TMPDIR=", marker);
        let id = Pid::from_raw(id).filter(|_| is_ours)?;
        // Who started it may be gone, and with it the head of the group.
        getpgid(Some(id)).ok().filter(|group| *group != getpgrp())
    });
    marked.collect()
}

/// Returns whether a marker is in one of the words that begin like that.
fn has(words: &[u8], beginning: &str, marker: &str) -> bool {
    let mut words = words.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    words.any(|word| {
        let rest = word.strip_prefix(beginning);
        rest.is_some_and(|rest| rest.contains(marker))
    })
}

/// Copies output to a log, and keeps its end at hand, however much it is.
fn copy(mut reader: PipeReader, mut log: Option<Log>, tail: &Mutex<Tail>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                if let Some(log) = &mut log {
                    log.add(bytes);
                }
                locked(tail).add(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if let Some(log) = log {
        log.end(&mut locked(tail));
    }
}

/// A log that output is appended to. Where it cannot be written, as on a full disk, the
/// program ends all the same as it would have.
struct Log {
    file: File,
    /// Bytes that it may still grow by.
    room: u64,
    /// Bytes that were left out.
    lost: u64,
}

impl Log {
    fn continued(mut file: File) -> io::Result<Self> {
        let begun = file.stream_position()?;
        // As much is left on the disk as the log takes, for what is of more use.
        let half = match fstatvfs(&file) {
            Ok(disk) if disk.f_blocks > 0 => disk.f_bavail.saturating_mul(disk.f_frsize) / 2,
            _ => LONGEST_LOG,
        };
        Ok(Self {
            file,
            room: LONGEST_LOG.saturating_sub(begun).min(half),
            lost: 0,
        })
    }

    fn add(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u64;
        if self.lost > 0 || length > self.room {
            self.lost += length;
            return;
        }
        match self.file.write_all(bytes) {
            Ok(()) => self.room -= length,
            Err(_) => self.lost += length,
        }
    }

    fn end(mut self, tail: &mut Tail) {
        if self.lost > 0 {
            tail.end_line();
            let _ = write!(self.file, "\n[{} bytes are left out here]\n", self.lost);
            for line in &tail.lines {
                let _ = writeln!(self.file, "{line}");
            }
        }
    }
}

/// The last lines of an output.
#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    /// What a line has in it, or is none.
    wanted: String,
    /// The beginning of the line that has not ended.
    begun: Vec<u8>,
}

impl Tail {
    fn add(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST_LINE.saturating_sub(self.begun.len());
            let taken = part.len().min(room);
            self.begun
                .extend_from_slice(part.get(..taken).unwrap_or_default());
            if part.ends_with(b"\n") {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.begun).trim().to_owned();
        self.begun.clear();
        if !line.is_empty() && line.contains(&self.wanted) {
            self.lines.push_back(line);
        }
        if self.lines.len() > AT_HAND {
            self.lines.pop_front();
        }
    }

    fn last(&self) -> &str {
        self.lines.back().map_or("", String::as_str)
    }

    fn finish(mut self) -> Vec<String> {
        self.end_line();
        self.lines.into()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::io::SeekFrom;

    fn sh(script: &str) -> Command {
        let mut command = command(Path::new("sh"));
        command.args(["-c", script]);
        command
    }

    fn logged(script: &str, watch: Watch<'_>) -> (Ended, String) {
        let mut log = tempfile::tempfile().expect("a file");
        let ended = run(sh(script), Output::Log(&mut log), watch).expect("it runs");
        let mut text = String::new();
        log.seek(SeekFrom::Start(0)).expect("it is a file");
        log.read_to_string(&mut text).expect("it is text");
        (ended, text)
    }

    #[test]
    fn output_is_kept_and_its_end_is_told() {
        let script = "i=0; while [ $i -lt 220 ]; do echo line $i; i=$((i+1)); done; \
                      printf 'the \\033[31mend' >&2; exit 3";
        let (ended, log) = logged(script, &mut |_| true);
        let Ended::Itself { status, lines } = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!((lines.len(), lines[0].as_str()), (AT_HAND, "line 21"));
        assert_eq!(lines.last().map(String::as_str), Some("the \u{1b}[31mend"));
        assert!(log.starts_with("$ sh -c i=0;"), "{log}");
        assert!(log.contains("\nline 0\nline 1\n"), "{log}");
    }

    #[test]
    fn of_complaints_alone_nothing_else_is_read() {
        let script = "echo out; echo one >&2; echo two >&2";
        let ended = run(sh(script), Output::Complaints, &mut |_| true).expect("it runs");
        let Ended::Itself { status, lines } = ended else {
            panic!("{ended:?}");
        };
        assert!(status.success());
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn of_an_answer_the_lines_that_are_wanted_are_at_hand_however_many_follow() {
        let script = "echo one mine; echo two mine >&2; \
                      i=0; while [ $i -lt 220 ]; do echo line $i; i=$((i+1)); done; \
                      printf 'last mine'";
        let ended = run(sh(script), Output::Lines("mine"), &mut |_| true).expect("it runs");
        let Ended::Itself { lines, .. } = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(lines, ["one mine", "last mine"]);
    }

    #[test]
    fn the_last_line_is_told_while_it_runs() {
        let mut told = String::new();
        let (ended, _) = logged("echo begun; exec sleep 600", &mut |line| {
            told = line.to_owned();
            told.is_empty()
        });
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
        assert_eq!(told, "begun");
    }

    #[test]
    fn of_a_log_that_is_full_the_end_is_written() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"before\n").expect("written");
        let mut log = Log::continued(file.try_clone().expect("a file")).expect("a log");
        assert_eq!(log.room, LONGEST_LOG - 7);
        log.room = 10;
        let mut tail = Tail::default();
        for bytes in [b"one\n", b"two\n", b"cut\n", b"end\n"] {
            log.add(bytes);
            tail.add(bytes);
        }
        log.end(&mut tail);
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).expect("it is a file");
        file.read_to_string(&mut text).expect("it is text");
        let expected = "before\none\ntwo\n\n[8 bytes are left out here]\none\ntwo\ncut\nend\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_log_that_cannot_be_written_stops_nothing() {
        let full = File::options().write(true).open("/dev/full");
        let unwritable = File::open("/dev/zero");
        for file in [full, unwritable] {
            let mut log = file.expect("a device");
            let ended = run(sh("echo one; exit 3"), Output::Log(&mut log), &mut |_| true);
            let Ended::Itself { status, lines } = ended.expect("it runs") else {
                panic!("it was stopped");
            };
            assert_eq!((status.code(), lines), (Some(3), vec!["one".to_owned()]));
        }
    }

    #[test]
    fn a_line_without_an_end_costs_no_memory() {
        let mut tail = Tail::default();
        for _ in 0..1000 {
            tail.add(&[b'x'; 1000]);
        }
        assert_eq!(tail.begun.len(), LONGEST_LINE);
        tail.add(b"\nnext");
        let lines = tail.finish();
        assert_eq!((lines.len(), lines[0].len()), (2, LONGEST_LINE));
        assert_eq!(lines[1], "next");
    }

    /// Returns a number of seconds to sleep for that no other process sleeps.
    pub fn unique(number: u32) -> String {
        format!("{number}{}", std::process::id())
    }

    /// Returns whether some `sleep` of so many seconds runs.
    pub fn sleeps(seconds: &str) -> bool {
        let line = format!("sleep\0{seconds}\0");
        let processes = fs::read_dir("/proc").expect("processes").flatten();
        let mut lines =
            processes.map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default());
        lines.any(|found| found == line.as_bytes())
    }

    /// Waits for its end: who is killed ends in his own time.
    pub fn assert_ends(seconds: &str) {
        let deadline = Instant::now() + PATIENCE;
        while sleeps(seconds) {
            assert!(Instant::now() < deadline, "`sleep {seconds}` runs on");
            thread::sleep(BETWEEN);
        }
    }

    #[test]
    fn a_program_is_stopped_with_all_that_it_started() {
        let unique = unique(60);
        let script = format!("(trap '' TERM; exec sleep {unique}) & exec sleep 600");
        let (ended, _) = logged(&script, &mut |_| !sleeps(&unique));
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
        assert_ends(&unique);
    }

    #[test]
    fn what_a_killed_program_started_goes_with_it() {
        let unique = unique(64);
        let script = format!("(exec sleep {unique}) & kill -KILL $$");
        let (ended, _) = logged(&script, &mut |_| true);
        let Ended::Itself { status, .. } = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(status.signal(), Some(9));
        assert_ends(&unique);
    }

    /// Starts a script that sleeps, with a marker in the arguments and in a variable.
    fn started(script: &str, marker: &str, variable: &str, seconds: &str) -> Child {
        let mut command = sh(script);
        let place = format!("/tmp/{marker}");
        command.arg(&place).env_remove("TMPDIR");
        command.env(variable, &place).process_group(0);
        let child = command.spawn().expect("it starts");
        while !sleeps(seconds) {
            thread::sleep(BETWEEN);
        }
        child
    }

    #[test]
    fn what_outlives_the_head_of_its_group_is_ended_too() {
        let (marker, unique) = (format!("imgdex-test-{}", unique(2)), unique(65));
        let script = format!("sh -c 'sleep {unique} & wait' \"$0\" & kill -KILL $$");
        let mut child = started(&script, &marker, "TMPDIR", &unique);
        child.wait().expect("it ended");
        end_marked(&marker);
        assert_ends(&unique);
    }

    #[test]
    fn who_looks_at_the_files_of_a_build_lives_on() {
        for (number, variable, in_arguments) in [(66, "OLDPWD", true), (67, "TMPDIR", false)] {
            let (marker, unique) = (format!("imgdex-test-{}", unique(3)), unique(number));
            let script = match in_arguments {
                true => format!("sleep {unique}; exit"),
                // As what an engine starts for all that its user does.
                false => format!("exec sleep {unique}"),
            };
            let mut child = started(&script, &marker, variable, &unique);
            end_marked(&marker);
            let status = child.try_wait().expect("it is ours");
            signal_group(&child, Signal::KILL);
            child.wait().expect("it ended");
            assert!(status.is_none() && marked(&marker).is_empty(), "{variable}");
        }
    }

    #[test]
    fn what_outlived_its_starter_is_ended_with_all_that_it_started() {
        let (marker, unique) = (format!("imgdex-test-{}", unique(0)), unique(61));
        let script = format!("(trap '' TERM; exec sleep {unique}) & wait");
        let mut child = started(&script, &marker, "TMPDIR", &unique);
        end_marked(&marker);
        assert_ends(&unique);
        child.wait().expect("it ended");
    }

    #[test]
    fn what_outlived_its_starter_may_clean_up_first() {
        let (marker, unique) = (format!("imgdex-test-{}", unique(1)), unique(62));
        let folder = tempfile::tempdir().expect("a folder");
        let told = folder.path().join("told");
        // As engines do it: a second signal ends them in the middle of it.
        let script = format!(
            "trap 'trap \"exit 1\" TERM; kill $!; sleep 0.3; echo cleaned > {}; exit' TERM\n\
             sleep {unique} & wait",
            told.display()
        );
        let mut child = started(&script, &marker, "TMPDIR", &unique);
        end_marked(&marker);
        assert_ends(&unique);
        child.wait().expect("it ended");
        assert_eq!(fs::read_to_string(&told).ok().as_deref(), Some("cleaned\n"));
    }
}
