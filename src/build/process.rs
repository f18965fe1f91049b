//! Running an engine: without a shell, in a process group of its own, with all that it
//! prints in a log and the last lines at hand.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// Lines that are told of a failure.
const TOLD: usize = 10;

/// Bytes of a line that are told; the log has all of it.
const LONGEST_LINE: usize = 500;

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

/// Whether the work may go on.
pub type GoOn<'a> = &'a mut dyn FnMut() -> bool;

/// How a program ended.
#[derive(Debug)]
pub enum Ended {
    /// By itself.
    Itself {
        status: ExitStatus,
        /// The last lines of its output.
        lines: Vec<String>,
    },
    /// Because it was told to.
    Stopped,
}

/// Returns a program to be run, which is not shown our credentials.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in OURS {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a [`command`] to its end, and appends what it prints to the log.
///
/// # Errors
/// Where it cannot be started or waited for.
pub fn run(mut command: Command, log: &mut File, go_on: GoOn<'_>) -> io::Result<Ended> {
    writeln!(log, "$ {}", shown(&command))?;
    let (reader, writer) = io::pipe()?;
    command
        .stdout(writer.try_clone()?)
        .stderr(writer)
        // So that it ends with all that it has started.
        .process_group(0);
    let copy = log.try_clone()?;
    let mut child = command.spawn()?;
    // Our own ends of the pipe would keep its end from being seen.
    drop(command);
    let (sender, words) = mpsc::channel();
    thread::spawn(move || {
        // Nobody waits for them where the work was stopped.
        let _ = sender.send(copied(reader, copy));
    });
    let Some(status) = end_of(&mut child, go_on)? else {
        let _ = words.recv_timeout(LAST_WORDS);
        return Ok(Ended::Stopped);
    };
    let lines = words.recv_timeout(LAST_WORDS).unwrap_or_default();
    Ok(Ended::Itself { status, lines })
}

/// Returns a command line as the log shows it. No argument is a secret.
fn shown(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// Returns how a program ended; nothing where it was stopped.
fn end_of(child: &mut Child, go_on: GoOn<'_>) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
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
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let signal = |signal| {
        if let Some(group) = group {
            // It may be gone.
            let _ = kill_process_group(group, signal);
        }
    };
    signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait()?.is_none() {
        if Instant::now() >= deadline {
            break;
        }
        thread::sleep(BETWEEN);
    }
    // What is left of the group, too.
    signal(Signal::KILL);
    child.wait()?;
    Ok(())
}

/// Ends programs that outlived who started them: those with a marker, which nobody else
/// uses, in their arguments, and all that they have started.
pub fn end_marked(marker: &str) {
    let deadline = Instant::now() + PATIENCE;
    let mut signal = Signal::TERM;
    loop {
        let marked = marked(marker);
        if marked.is_empty() {
            return;
        }
        for group in marked {
            // It may be gone.
            let _ = kill_process_group(group, signal);
        }
        if signal == Signal::KILL {
            return;
        }
        if Instant::now() >= deadline {
            signal = Signal::KILL;
        }
        thread::sleep(BETWEEN);
    }
}

/// Returns the processes that were started with a marker; each leads a group.
fn marked(marker: &str) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let marked = processes.filter_map(|process| {
        let id: i32 = process.file_name().to_str()?.parse().ok()?;
        let line = fs::read(process.path().join("cmdline")).ok()?;
        let is_ours = String::from_utf8_lossy(&line).contains(marker);
        Pid::from_raw(id).filter(|_| is_ours)
    });
    marked.collect()
}

/// Copies output to the log, and returns its last lines, however much it is.
fn copied(mut reader: PipeReader, mut log: File) -> Vec<String> {
    let mut last = LastLines::default();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let bytes = buffer.get(..count).unwrap_or_default();
                // A full disk keeps no build from ending well.
                let _ = log.write_all(bytes);
                last.add(bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    last.finish()
}

#[derive(Default)]
struct LastLines {
    lines: VecDeque<String>,
    /// The beginning of the line that has not ended.
    begun: Vec<u8>,
}

impl LastLines {
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
        if !line.is_empty() {
            self.lines.push_back(line);
        }
        if self.lines.len() > TOLD {
            self.lines.pop_front();
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.end_line();
        self.lines.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom};

    fn ran(script: &str, go_on: GoOn<'_>) -> (Ended, String) {
        let mut log = tempfile::tempfile().expect("a file");
        let mut command = command(Path::new("sh"));
        command.args(["-c", script]);
        let ended = run(command, &mut log, go_on).expect("it runs");
        let mut text = String::new();
        log.seek(SeekFrom::Start(0)).expect("it is a file");
        log.read_to_string(&mut text).expect("it is text");
        (ended, text)
    }

    #[test]
    fn output_is_kept_and_its_end_is_told() {
        let script = "i=0; while [ $i -lt 12 ]; do echo line $i; i=$((i+1)); done; \
                      printf 'the \\033[31mend' >&2; exit 3";
        let (ended, log) = ran(script, &mut || true);
        let Ended::Itself { status, lines } = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(status.code(), Some(3));
        assert_eq!(lines.len(), TOLD);
        assert_eq!(lines.last().map(String::as_str), Some("the \u{1b}[31mend"));
        assert!(log.starts_with("$ sh -c i=0;"), "{log}");
        assert!(log.contains("\nline 0\nline 1\n"), "{log}");
    }

    #[test]
    fn a_line_without_an_end_costs_no_memory() {
        let mut last = LastLines::default();
        for _ in 0..1000 {
            last.add(&[b'x'; 1000]);
        }
        assert_eq!(last.begun.len(), LONGEST_LINE);
        last.add(b"\nnext");
        let lines = last.finish();
        assert_eq!((lines.len(), lines[0].len()), (2, LONGEST_LINE));
        assert_eq!(lines[1], "next");
    }

    #[test]
    fn a_program_is_stopped_with_all_that_it_started() {
        let mut asked = 0;
        let (ended, _) = ran("sleep 600 & exec sleep 600", &mut || {
            asked += 1;
            asked < 3
        });
        assert!(matches!(ended, Ended::Stopped), "{ended:?}");
    }
}
