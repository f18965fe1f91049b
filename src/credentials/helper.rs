//! Credential helpers: programs called `docker-credential-NAME` that keep
//! values, spoken to in Docker's protocol
//! (<https://github.com/docker/docker-credential-helpers>). A value goes to
//! one by its standard input, never by its arguments, and what one prints is
//! never quoted.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Error, Owner, Result};

/// How long a helper may take, for the sake of one that waits for a person.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of the longest answer that is read.
const LONGEST_ANSWER: u64 = 1024 * 1024;

pub(super) fn get(name: &str, owner: Owner<'_>) -> Result<Option<SecretString>> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Secret")]
        secret: String,
    }
    let answer = run(name, "get", key(owner).as_bytes(), PATIENCE)?;
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
    Ok(Some(SecretString::from(answer.secret)))
}

pub(super) fn store(
    name: &str,
    owner: Owner<'_>,
    username: &str,
    value: &SecretString,
) -> Result<()> {
    let request = serde_json::json!({
        "ServerURL": key(owner),
        "Username": username,
        "Secret": value.expose_secret(),
    });
    let answer = run(name, "store", request.to_string().as_bytes(), PATIENCE)?;
    if answer.succeeded {
        Ok(())
    } else {
        Err(failed(name, "could not keep the value"))
    }
}

pub(super) fn erase(name: &str, owner: Owner<'_>) -> Result<()> {
    let answer = run(name, "erase", key(owner).as_bytes(), PATIENCE)?;
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

fn run(name: &str, verb: &str, input: &[u8], patience: Duration) -> Result<Answer> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(Error::HelperName {
            name: crate::domain::name::shorten(name),
        });
    }
    let mut child = Command::new(program(name))
        .arg(verb)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NoHelper {
                program: program(name),
            },
            _ => failed(name, &format!("could not be started: {error}")),
        })?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not read its input says why by its exit code.
        let _ = stdin.write_all(input);
    }
    let output = wait_for_output(&mut child, patience);
    if output.is_none() {
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|error| failed(name, &format!("could not be waited for: {error}")))?;
    match output {
        Some(output) => Ok(Answer {
            succeeded: status.success(),
            output,
        }),
        None => Err(failed(
            name,
            &format!("did not answer within {} s", patience.as_secs()),
        )),
    }
}

/// Returns what the child prints until it closes its output, or nothing where
/// that takes too long.
fn wait_for_output(child: &mut Child, patience: Duration) -> Option<String> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut output = Vec::new();
        let _ = stdout.take(LONGEST_ANSWER).read_to_end(&mut output);
        let _ = sender.send(String::from_utf8_lossy(&output).into_owned());
    });
    receiver.recv_timeout(patience).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["../evil", "a/b", "", "a b", "a;b"] {
            let error = run(name, "get", b"", PATIENCE).err();
            assert!(matches!(error, Some(Error::HelperName { .. })), "{name:?}");
        }
    }

    #[test]
    fn a_missing_helper_is_named() {
        let error = run("imgdex-test-missing", "get", b"", PATIENCE).err();
        assert!(matches!(error, Some(Error::NoHelper { .. })));
    }
}
