//! Credential helpers: programs called `docker-credential-NAME` that keep
//! values, spoken to in Docker's protocol
//! (<https://github.com/docker/docker-credential-helpers>). A value goes to
//! one by its standard input, never by its arguments, and what one prints is
//! never quoted. `process`, which runs other programs, gives them no input, so
//! helpers are run here.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Error, Owner, Result};

/// How long a helper may take from its start to its end, for the sake of one
/// that waits for a person.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of the longest answer that is read.
const LONGEST_ANSWER: u64 = 1024 * 1024;

pub(super) fn get(name: &str, owner: Owner<'_>) -> Result<Option<SecretString>> {
    Ok(login(name, &key(owner))?.map(|(_, value)| value))
}

/// Returns the user name and the value that a helper keeps for a server.
pub(super) fn login(name: &str, server: &str) -> Result<Option<(String, SecretString)>> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Username", default)]
        username: String,
        #[serde(rename = "Secret")]
        secret: String,
    }
    let answer = run(name, "get", server.as_bytes())?;
    if !answer.succeeded {
        // The protocol has no code for it: helpers print this sentence.
        let absent = answer.output.contains("credentials not found");
        return if absent {
            Ok(None)
        } else {
            Err(failed(name, "could not look the value up"))
        };
    }
    let answer: Answer = serde_json::from_str(&answer.output)
        .map_err(|_| failed(name, "gave an answer that is not of its protocol"))?;
    Ok(Some((answer.username, SecretString::from(answer.secret))))
}

pub(super) fn store(
    name: &str,
    owner: Owner<'_>,
    username: &str,
    value: &SecretString,
) -> Result<()> {
    keep(name, &key(owner), username, value)
}

/// Has a helper keep a value for a server.
pub(super) fn keep(name: &str, server: &str, username: &str, value: &SecretString) -> Result<()> {
    let request = serde_json::json!({
        "ServerURL": server,
        "Username": username,
        "Secret": value.expose_secret(),
    });
    let answer = run(name, "store", request.to_string().as_bytes())?;
    if answer.succeeded {
        Ok(())
    } else {
        Err(failed(name, "could not keep the value"))
    }
}

pub(super) fn erase(name: &str, owner: Owner<'_>) -> Result<()> {
    forget(name, &key(owner))
}

/// Has a helper forget what it keeps for a server.
pub(super) fn forget(name: &str, server: &str) -> Result<()> {
    let answer = run(name, "erase", server.as_bytes())?;
    if answer.succeeded || answer.output.contains("credentials not found") {
        Ok(())
    } else {
        Err(failed(name, "could not forget the value"))
    }
}

/// The key that a helper files the value under: a URL in form, so that two
/// secrets for one registry, and two catalogs, are kept apart.
fn key(owner: Owner<'_>) -> String {
    format!("imgdex://{}/{}", owner.catalog, owner.secret)
}

fn failed(name: &str, reason: &str) -> Error {
    Error::Helper {
        program: program(name),
        reason: reason.to_owned(),
    }
}

fn program(name: &str) -> String {
    format!("docker-credential-{name}")
}

struct Answer {
    succeeded: bool,
    output: String,
}

fn run(name: &str, verb: &str, input: &[u8]) -> Result<Answer> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(Error::HelperName {
            name: crate::domain::name::shorten(name),
        });
    }
    let mut command = Command::new(program(name));
    command.arg(verb);
    ask(name, command, input, PATIENCE)
}

/// Runs a helper's program and gives it as long as `patience`.
fn ask(name: &str, mut command: Command, input: &[u8], patience: Duration) -> Result<Answer> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::NoHelper {
                program: program(name),
            },
            _ => failed(name, &format!("could not be started: {error}")),
        })?;
    let answer = converse(&mut child, input, Instant::now() + patience);
    if !matches!(answer, Ok(Some(_))) {
        let _ = child.kill();
        // It is dead, so that this does not wait.
        let _ = child.wait();
    }
    answer
        .map_err(|error| failed(name, &format!("could not be waited for: {error}")))?
        .ok_or_else(|| {
            let seconds = patience.as_secs_f64();
            failed(name, &format!("did not end within {seconds} s"))
        })
}

/// Gives the child its input and returns its answer, or nothing where it does
/// not read, print and end before the deadline.
fn converse(child: &mut Child, input: &[u8], deadline: Instant) -> io::Result<Option<Answer>> {
    // A pipe holds 64 KiB: written from here, a longer input would wait for a
    // child that does not read. Both threads end with the child's pipes.
    if let Some(mut stdin) = child.stdin.take() {
        let input = Zeroizing::new(input.to_vec());
        thread::spawn(move || {
            // A helper that does not read its input says why by its exit code.
            let _ = stdin.write_all(&input);
        });
    }
    let (sender, receiver) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut output = Vec::new();
            let _ = stdout.take(LONGEST_ANSWER).read_to_end(&mut output);
            let _ = sender.send(String::from_utf8_lossy(&output).into_owned());
        });
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let Ok(output) = receiver.recv_timeout(left) else {
        return Ok(None);
    };
    let status = end_of(child, deadline)?;
    Ok(status.map(|status| Answer {
        succeeded: status.success(),
        output,
    }))
}

/// Returns how the child ended, or nothing where it lives on at the deadline.
fn end_of(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    loop {
        let status = child.try_wait()?;
        if status.is_some() || Instant::now() >= deadline {
            return Ok(status);
        }
        // A child that closed its output is about to end.
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["../evil", "a/b", "", "a b", "a;b"] {
            let error = run(name, "get", b"").err();
            assert!(matches!(error, Some(Error::HelperName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_missing_helper_is_named() {
        let error = run("imgdex-test-missing", "get", b"").err();
        assert!(matches!(error, Some(Error::NoHelper { .. })));
    }

    fn answer_of(script: &str, input: &[u8], patience: Duration) -> Result<Answer> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        ask("test", command, input, patience)
    }

    #[test]
    fn one_deadline_covers_the_input_the_answer_and_the_end() {
        // More than a pipe holds.
        let long = vec![b'x'; 300_000];
        for script in [
            "exec sleep 600",
            "exec sleep 600 <&-",
            "exec sleep 600 >&-",
            "cat > /dev/null; exec >&-; exec sleep 600",
        ] {
            let error = answer_of(script, &long, Duration::from_millis(200)).err();
            let told = error.expect("it is not waited for").to_string();
            assert_eq!(
                told, "the credential helper `docker-credential-test` did not end within 0.2 s",
                "{script}"
            );
        }
    }

    #[test]
    fn a_long_input_is_read_while_the_answer_is_printed() {
        let long = vec![b'x'; 300_000];
        let answer = answer_of("cat", &long, PATIENCE).expect("an answer");
        assert!(answer.succeeded && answer.output.len() == long.len());
        let unread = answer_of("echo no; exit 1", &long, PATIENCE).expect("an answer");
        assert!(!unread.succeeded);
        assert_eq!(unread.output, "no\n");
    }
}
