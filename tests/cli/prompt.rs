//! `imgdex shell` as a person sees it: on a terminal, which `script` makes.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::fault_server::{FaultServer, Reply};
use crate::support::{Home, PROGRAM};
use crate::{FIRST, with_images};

const PROMPT: &str = "imgdex> ";
/// How long the next thing may take to be shown.
const PATIENCE: Duration = Duration::from_secs(60);
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const UP: &str = "\u{1b}[A";

/// A terminal with a program on it.
struct Terminal {
    child: std::process::Child,
    keys: ChildStdin,
    screen: Receiver<u8>,
    shown: String,
}

impl Terminal {
    /// Runs a line of a shell on a terminal.
    fn run(home: &Home, line: &str) -> Self {
        let mut child = home
            .command("script")
            .args([
                "-qec",
                &format!("trap : INT; stty cols 200; {line}"),
                "/dev/null",
            ])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm")
            .env("P", PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script runs");
        let keys = child.stdin.take().expect("it is piped");
        let shown = child.stdout.take().expect("it is piped");
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut bytes = BufReader::new(shown).bytes().map_while(Result::ok);
            bytes.all(|byte| sender.send(byte).is_ok())
        });
        Self {
            child,
            keys,
            screen,
            shown: String::new(),
        }
    }

    /// Runs the shell and waits for its prompt.
    fn shell(home: &Home, options: &str) -> Self {
        let mut terminal = Self::run(home, &format!("$P shell {options}"));
        terminal.until(PROMPT);
        terminal
    }

    /// Returns what is shown, up to these words.
    #[track_caller]
    fn until(&mut self, words: &str) -> String {
        let mut seen: Vec<u8> = Vec::new();
        while !String::from_utf8_lossy(&seen).ends_with(words) {
            // What never comes is told, and not waited for.
            match self.screen.recv_timeout(PATIENCE) {
                Ok(byte) => seen.push(byte),
                Err(_) => panic!("{words:?} is not in {:?}", String::from_utf8_lossy(&seen)),
            }
        }
        let text = String::from_utf8_lossy(&seen).into_owned();
        self.shown.push_str(&text);
        text
    }

    fn keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("typed");
        self.keys.flush().expect("typed");
    }

    /// Types a line and returns what is shown until the next prompt.
    #[track_caller]
    fn line(&mut self, line: &str) -> String {
        self.keys(&format!("{line}\r"));
        // The line itself, shown as it is typed, has the prompt before it again and again.
        self.until("\n");
        self.until(PROMPT)
    }

    /// Types the last keys and returns the exit code, and all that was shown.
    #[track_caller]
    fn end(mut self, keys: &str) -> (i32, String) {
        self.keys(keys);
        let mut rest = Vec::new();
        while let Ok(byte) = self.screen.recv_timeout(PATIENCE) {
            rest.push(byte);
        }
        self.shown.push_str(&String::from_utf8_lossy(&rest));
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        (code, self.shown)
    }
}

fn history(home: &Home) -> String {
    let path = home.path().join(".local/state/imgdex/history");
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_shell_says_what_it_works_on() {
    let home = Home::new();
    let terminal = Terminal::shell(&home, "");
    let (code, shown) = terminal.end(CTRL_D);
    assert_eq!(code, 0, "{shown}");
    for words in [
        concat!("imgdex ", env!("CARGO_PKG_VERSION")),
        ".local/share/imgdex/catalog.db (does not exist yet)",
        ".local/share/imgdex/store",
        "registry  docker.io",
        "`exit` or Ctrl-D leaves",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!home.catalog().exists());
    let home = with_images(FIRST);
    let (_, shown) = Terminal::run(&home, "IMGDEX_DISABLE_STORE=1 $P shell").end("quit\r");
    assert!(shown.contains("catalog.db (1 image)"), "{shown}");
    assert!(shown.contains("store     off"), "{shown}");
    let (_, shown) = Terminal::shell(&home, "--quiet").end("exit\r");
    assert!(!shown.contains("catalog.db"), "{shown}");
}

#[test]
fn tab_completes_commands_options_and_names_of_the_catalog() {
    let home = with_images(FIRST);
    home.run("--catalog other.db groups create elsewhere").ok();
    let mut terminal = Terminal::shell(&home, "");
    for (typed, completed) in [
        ("ima\t", "images "),
        ("images dup\t", "images duplicate "),
        ("imgdex images get my\t", "get my-first-image "),
        ("help images dup\t", "images duplicate "),
        ("images list --sea\t", "--search "),
        ("--catalog other.db groups get else\t", "get elsewhere "),
    ] {
        terminal.keys(typed);
        terminal.until(completed);
        terminal.keys(CTRL_C);
        terminal.until(PROMPT);
    }
    // What a line of the shell made is known at once.
    terminal.line("groups create 'b c'");
    terminal.keys("groups get b\t");
    terminal.until("'b c' ");
    terminal.keys("\r");
    terminal.until("displayName");
    // A key that comes while a command runs is the terminal's, and may be lost.
    terminal.until(PROMPT);
    terminal.end(CTRL_D);
}

#[test]
fn failures_and_ctrl_c_leave_the_shell_open() {
    let home = Home::new();
    let mut terminal = Terminal::shell(&home, "");
    let shown = terminal.line("groups get gone");
    assert!(shown.contains("group `gone` does not exist"), "{shown}");
    let shown = terminal.line("imges list");
    assert!(shown.contains("a similar subcommand exists"), "{shown}");
    terminal.keys("groups create dropped");
    terminal.until("dropped");
    terminal.keys(CTRL_C);
    terminal.until(PROMPT);
    // An open quote goes on in the next line, and can be dropped too.
    terminal.keys("groups create 'a\r");
    terminal.until("\n");
    terminal.keys(CTRL_C);
    terminal.until(PROMPT);
    let shown = terminal.line("groups list -o json");
    assert!(shown.contains("[]"), "{shown}");
    let (code, _) = terminal.end(CTRL_D);
    assert_eq!(code, 0);
}

#[test]
fn ctrl_c_stops_a_command_that_waits_for_a_registry() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let asked = std::sync::Mutex::new(sender);
    let server = FaultServer::start(move |_| {
        let _ = asked.lock().expect("nobody panicked").send(());
        Reply::new(503, "").with("Retry-After", "20")
    });
    let home = Home::new();
    let mut terminal = Terminal::shell(&home, "");
    terminal.keys(&format!("registry tags {}/app\r", server.host()));
    receiver.recv().expect("it is asked");
    terminal.keys(CTRL_C);
    terminal.until("stopped before it was done");
    terminal.until(PROMPT);
    terminal.line("groups create a");
    let shown = terminal.line("groups list -o csv");
    assert!(shown.contains(",a,a"), "{shown}");
    let (code, _) = terminal.end(CTRL_D);
    assert_eq!(code, 0);
}

#[test]
fn ctrl_c_is_no_answer_to_a_question_and_the_next_line_is_not_lost() {
    let home = with_images(FIRST);
    let mut terminal = Terminal::shell(&home, "");
    terminal.keys("images delete my-first-image\r");
    terminal.until("[y/N] ");
    terminal.keys(CTRL_C);
    terminal.until(PROMPT);
    terminal.keys("login localhost:1 -u me\r");
    terminal.until("Password: ");
    terminal.keys(CTRL_C);
    terminal.until(PROMPT);
    let shown = terminal.line("images list -o name");
    assert!(shown.contains("my-first-image"), "{shown}");
    let (code, _) = terminal.end(CTRL_D);
    assert_eq!(code, 0);
}

#[test]
fn the_history_holds_lines_but_no_secrets() {
    let (home, server) = (Home::new(), FaultServer::start(|_| Reply::new(401, "")));
    let login = format!("login {} -u me", server.host());
    let mut terminal = Terminal::shell(&home, "");
    for line in [
        "images list",
        "images list",
        "groups create a --display-name 'it\\n'",
        " groups list",
        "hunter2",
        "login --password hunter2",
        "store record --url=https://me:hunter2@localhost:1/x",
    ] {
        terminal.line(line);
    }
    terminal.keys(&format!("{login}\r"));
    terminal.until("Password: ");
    terminal.keys("hunter2\n");
    terminal.until(PROMPT);
    let (_, shown) = terminal.end(CTRL_D);
    assert!(shown.contains("would show the password"), "{shown}");
    assert_eq!(
        history(&home),
        format!("images list\ngroups create a --display-name 'it\\\\n'\n{login}\n")
    );
    let mode = |path: &str| {
        let found = fs::metadata(home.path().join(path)).expect("there");
        found.permissions().mode() & 0o7777
    };
    assert_eq!(mode(".local/state/imgdex"), 0o700);
    assert_eq!(mode(".local/state/imgdex/history"), 0o600);
    // The next shell knows them.
    let mut terminal = Terminal::shell(&home, "");
    terminal.keys(UP);
    terminal.until(&login);
    terminal.keys(&format!("{UP}{UP}"));
    terminal.until("images list");
    terminal.keys(CTRL_C);
    terminal.until(PROMPT);
    terminal.end(CTRL_D);
}

#[test]
fn a_history_that_is_not_ones_own_is_not_written_and_that_is_said_once() {
    let home = Home::new();
    home.write(".local/state/imgdex/x", "").write("target", "");
    let link = home.path().join(".local/state/imgdex/history");
    std::os::unix::fs::symlink(home.path().join("target"), link).expect("linked");
    let mut terminal = Terminal::shell(&home, "");
    terminal.line("images list");
    let (_, shown) = terminal.end(CTRL_D);
    assert_eq!(shown.matches("no history is kept in").count(), 1, "{shown}");
    let written = fs::read_to_string(home.path().join("target")).expect("there");
    assert_eq!(written, "");
}

#[test]
fn a_shell_that_is_terminated_leaves_the_terminal_as_it_was() {
    let home = Home::new();
    let line = "before=$(stty -g); $P shell; echo code $?; \
                [ \"$before\" = \"$(stty -g)\" ] && echo the same";
    let mut terminal = Terminal::run(&home, line);
    terminal.until(PROMPT);
    let script = terminal.child.id();
    let killed = home
        .command("sh")
        .arg("-c")
        .arg(format!(
            "for child in $(cat /proc/{script}/task/*/children); do \
             cat /proc/$child/task/*/children; done | xargs kill -TERM"
        ))
        .status()
        .expect("kill runs");
    assert!(killed.success());
    terminal.until("code 143");
    terminal.until("the same");
    terminal.end("");
}
