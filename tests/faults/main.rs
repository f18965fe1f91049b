//! What the catalog does when things go wrong around it: many processes at
//! once, processes that are killed or stopped, files that are not what they
//! should be, disks that are full or broken.
//!
//! A killed process shows what a process's death does, not what a loss of power
//! does.

#[path = "../support/docker_registry.rs"]
mod docker_registry;
#[path = "../support/mod.rs"]
mod support;

mod concurrency;
mod disk;
mod files;
mod folders;
mod interrupt;
mod kill;
mod metadata;
mod quiet_start;
mod search;
mod store;
mod store_images;
mod strace;
mod transfer;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use support::{Home, PROGRAM, Ran};

/// Returns an image as a line of JSON.
fn image(name: &str) -> String {
    format!(
        "{{\"name\": \"{name}\", \"url\": \"quay.io/team/{name}:1\", \
         \"description\": \"what {name} is for\", \"global\": true}}\n"
    )
}

/// Returns images `PREFIX-1`, `PREFIX-2`, …, one a line.
fn images(prefix: &str, count: usize) -> String {
    (1..=count)
        .map(|number| image(&format!("{prefix}-{number}")))
        .collect()
}

/// Returns the names of the catalog's images in the order of creation.
#[track_caller]
fn names(home: &Home) -> Vec<String> {
    let listed = home.run("images list -o name").ok();
    listed.stdout.lines().map(str::to_owned).collect()
}

/// Fails unless the catalog is whole.
#[track_caller]
fn assert_whole(home: &Home) {
    let checked = home.run("catalog check");
    assert_eq!(checked.code, 0, "{checked:#?}");
}

/// Returns every file of a folder with its bytes.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    entries
        .map(|entry| {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().expect("it has a name").to_string_lossy();
            let bytes = fs::read(&path).expect("the file can be read");
            (name.into_owned(), bytes)
        })
        .collect()
}

/// Returns the folder of the default catalog.
fn folder(home: &Home) -> std::path::PathBuf {
    home.path().join(".local/share/imgdex")
}

/// Returns a home folder with the same catalog.
fn copy(home: &Home) -> Home {
    let other = Home::new();
    for (name, bytes) in contents(&folder(home)) {
        other.write(&format!(".local/share/imgdex/{name}"), bytes);
    }
    other
}

/// Another program in the middle of a write transaction of the catalog; killed
/// when it is dropped.
struct Holder {
    child: Child,
    stdin: ChildStdin,
}

impl Holder {
    /// Begins a transaction in which an image is changed.
    fn begin(home: &Home) -> Self {
        use std::io::{BufRead, BufReader};
        let mut child = home
            .command("sqlite3")
            .arg(home.catalog())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3, which tests/run.sh installs, starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let work = "BEGIN IMMEDIATE; UPDATE images SET description = 'held'; SELECT 'held';\n";
        stdin
            .write_all(work.as_bytes())
            .expect("it reads its input");
        let mut answer = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut answer)
            .expect("it answers");
        assert_eq!(answer, "held\n");
        Self { child, stdin }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("it runs");
    }

    /// Commits, and waits for the end.
    fn commit(mut self) {
        self.stdin.write_all(b"COMMIT;\n.quit\n").expect("it reads");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A writer in the middle of its input, waiting for the rest; killed when it is
/// dropped.
struct Writing {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Writing {
    /// How many images it has been given.
    const IMAGES: usize = 4000;

    fn begin(home: &Home, prefix: &str) -> Self {
        // Whoever runs the tests may have had them ignore signals.
        let mut child = home
            .command("env")
            .args(["--default-signal", PROGRAM, "images", "create"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin
            .write_all(images(prefix, Self::IMAGES).as_bytes())
            .expect("the program reads its input");
        Self {
            child,
            stdin: Some(stdin),
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("the program runs");
    }

    /// Ends the input, waits for the end of the program and returns it.
    fn end(mut self) -> Ran {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the program, its input still open, and returns how it ended.
    fn wait(mut self) -> Ran {
        use std::io::Read;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        // Messages are short: they fit into the pipe while the answers are read.
        let child = &mut self.child;
        let mut out = child.stdout.take().expect("it is piped");
        let mut err = child.stderr.take().expect("it is piped");
        out.read_to_end(&mut stdout).expect("it can be read");
        err.read_to_end(&mut stderr).expect("it can be read");
        Ran::of(&std::process::Output {
            status: child.wait().expect("it ends"),
            stdout,
            stderr,
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
fn finish(command: &mut Command) -> Ran {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    Ran::of(&output)
}
