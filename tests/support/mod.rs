//! A home folder of its own for every test, and the program run in it.

#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The path of the program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_imgdex");

/// A home folder, empty at first, with everything that the program keeps.
pub struct Home {
    folder: TempDir,
}

/// How a run ended, and what it printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The exit code, or 128 and the signal.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A run that is being put together.
pub struct Call<'a> {
    home: &'a Home,
    arguments: Vec<String>,
    stdin: Vec<u8>,
    environment: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Self {
        Self {
            folder: tempfile::Builder::new()
                .prefix("imgdex-test-")
                .tempdir()
                .expect("a folder can be made"),
        }
    }

    /// Returns the home folder, which is the working folder of every run too.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the path of the catalog that is used by default.
    pub fn catalog(&self) -> PathBuf {
        self.path().join(".local/share/imgdex/catalog.db")
    }

    /// Writes a file below the home folder.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders can be made");
        fs::write(path, text).expect("the file can be written");
        self
    }

    /// Writes a program where runs of this home find it.
    pub fn program(&self, name: &str, script: &str) -> &Self {
        use std::os::unix::fs::PermissionsExt;
        self.write(&format!("programs/{name}"), script);
        let path = self.path().join("programs").join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
        self
    }

    /// Returns a run of the program; the arguments are split at white space.
    pub fn call(&self, arguments: &str) -> Call<'_> {
        self.call_with(&arguments.split_whitespace().collect::<Vec<_>>())
    }

    /// Returns a run of the program with these arguments.
    pub fn call_with(&self, arguments: &[&str]) -> Call<'_> {
        Call {
            home: self,
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
            stdin: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Runs the program with nothing on standard input.
    pub fn run(&self, arguments: &str) -> Ran {
        self.call(arguments).run()
    }

    /// Runs the program with a text on standard input.
    pub fn pipe(&self, text: impl AsRef<[u8]>, arguments: &str) -> Ran {
        self.call(arguments).stdin(text).run()
    }

    /// Returns a command that has this home and nothing else of the tester's
    /// environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let mut path = self.path().join("programs").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", path)
            .env("USER", "tester")
            .current_dir(self.path());
        command
    }
}

impl Call<'_> {
    /// Starts it and kills it once `is_time`, or after 30 s; returns whether it was time.
    pub fn killed_when(self, is_time: impl Fn() -> bool) -> bool {
        let mut child = self
            .home
            .command(PROGRAM)
            .args(&self.arguments)
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !is_time() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        is_time()
    }

    /// Runs it, and signals it as soon as it is time.
    pub fn signalled_when(
        self,
        signal: rustix::process::Signal,
        is_time: impl Fn() -> bool,
    ) -> Ran {
        // Whoever runs the tests may have had them ignore it.
        let child = self
            .home
            .command("env")
            .args(["--default-signal", PROGRAM])
            .args(&self.arguments)
            .envs(self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !is_time() && std::time::Instant::now() < end {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal)
            .expect("it runs");
        Ran::of(&child.wait_with_output().expect("it ends"))
    }

    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = text.as_ref().to_vec();
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.environment
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn run(self) -> Ran {
        let mut child = self
            .home
            .command(PROGRAM)
            .args(&self.arguments)
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let text = self.stdin;
        // Fed from aside, so that neither side waits for the other.
        let feeder = std::thread::spawn(move || {
            // A program that refuses its input need not read it.
            let _ = stdin.write_all(&text);
        });
        let output = child.wait_with_output().expect("it ends");
        feeder.join().expect("the input was fed");
        Ran::of(&output)
    }
}

impl Ran {
    /// Returns how a process ended.
    pub fn of(output: &std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Self {
            code: status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns the run if it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    /// Returns the run if it ended with that code.
    #[track_caller]
    pub fn fails(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Returns exit code, standard output and standard error as one text, with
    /// what differs from run to run (ids, times, the home folder) named.
    pub fn snapshot(&self, home: &Home) -> String {
        let mut text = format!("exit code: {}\n", self.code);
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("----- {name} -----\n{stream}"));
                if !stream.ends_with('\n') {
                    text.push_str("(no line end)\n");
                }
            }
        }
        let home = home.path().display().to_string();
        name_times(&name_uuids(&text.replace(&home, "<home>")))
    }
}

/// Replaces UUIDs by `<uuid>`.
fn name_uuids(text: &str) -> String {
    replace_shaped(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<uuid>")
}

/// Replaces times by `<time>`.
fn name_times(text: &str) -> String {
    replace_shaped(text, "0000-00-00T00:00:00Z", "<time>")
}

/// Replaces what has the shape: `x` is a hexadecimal digit, `0` a digit, and
/// anything else itself.
fn replace_shaped(text: &str, shape: &str, name: &str) -> String {
    let fits = |candidate: &[u8]| {
        candidate.len() >= shape.len()
            && candidate
                .iter()
                .zip(shape.bytes())
                .all(|(byte, wanted)| match wanted {
                    b'x' => byte.is_ascii_hexdigit(),
                    b'0' => byte.is_ascii_digit(),
                    other => *byte == other,
                })
    };
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if fits(rest.as_bytes()) {
            replaced.push_str(name);
            rest = &rest[shape.len()..];
        } else {
            replaced.push(character);
            rest = &rest[character.len_utf8()..];
        }
    }
    replaced
}
