//! Which lines are not kept in the history: those that may hold a secret. In doubt a
//! line is not kept; nothing is lost by it but a key press.

use clap::CommandFactory;

use super::words;
use crate::commands::Cli;
use crate::output::text::visible_lines;

/// Names whose values are secrets, in lower case and without what joins their words.
const NAMES: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "authorization",
    "bearer",
    "auth",
    "value",
];

/// What tokens of known services begin with, and keys in PEM.
const BEGINNINGS: [&str; 13] = [
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "gldt-",
    "dckr_pat_",
    "xoxb-",
    "xoxp-",
    "AKIA",
    "eyJ",
    "hvs.",
    "-----BEGIN",
];

/// Options that hold one of the names, but are followed by no secret.
const HARMLESS: [&str; 7] = [
    "--password-stdin",
    "--token-stdin",
    "--pull-secret",
    "--pull_secret",
    "--authfile",
    "useImagePullSecret",
    "pullSecret",
];

/// Returns whether a line may be kept.
pub fn may_be_kept(line: &str) -> bool {
    // As shells do: who begins with a blank wants it so.
    if line.starts_with([' ', '\t']) || visible_lines(line) != line {
        return false;
    }
    let Some(words) = words::split(line) else {
        return false;
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = match words.split_first() {
        None => return false,
        Some((&"imgdex", rest)) => rest,
        _ => &words,
    };
    begins_with_command(words) && !words.iter().any(|word| holds_secret(word)) && !logs_in(words)
}

/// Returns whether it is one of our commands, misspelt perhaps. Anything else may be a
/// password that was meant for another prompt, or what is piped into us elsewhere.
fn begins_with_command(words: &[&str]) -> bool {
    if words.iter().any(|word| ["|", "<<<"].contains(word)) {
        return false;
    }
    let Some(first) = words.iter().find(|word| !word.starts_with('-')) else {
        return true;
    };
    let near = |name: &str| strsim::jaro(name, first) > 0.85;
    // The value of a global option may stand before the noun.
    words[0].starts_with('-')
        || ["exit", "quit", "help"].contains(first)
        || Cli::command()
            .get_subcommands()
            .any(|noun| near(noun.get_name()))
}

fn holds_secret(word: &str) -> bool {
    if HARMLESS.contains(&word) {
        return false;
    }
    let mut plain = word.to_owned();
    for harmless in HARMLESS {
        plain = plain.replace(harmless, "");
    }
    has_user_and_password(&plain)
        || BEGINNINGS.iter().any(|beginning| plain.contains(beginning))
        || has_secret_name(&plain)
}

/// Returns whether an option, or a name before `=` or `:`, is one of a secret.
fn has_secret_name(word: &str) -> bool {
    let is_secret = |name: &str| {
        let joined: String = name
            .chars()
            .filter(|one| one.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        NAMES.iter().any(|secret| joined.ends_with(secret))
    };
    if let Some(option) = word.strip_prefix("--") {
        let name = option.split('=').next().unwrap_or_default();
        if is_secret(name) {
            return true;
        }
    }
    word.match_indices(['=', ':']).any(|(at, _)| {
        let before = word[..at].trim_end().trim_end_matches(['"', '\'', '\\']);
        let begin = before
            .rfind(|one: char| !(one.is_alphanumeric() || "_-. ".contains(one)))
            .map_or(0, |begin| begin + 1);
        is_secret(before.get(begin..).unwrap_or(before))
    })
}

/// Returns whether a word has the shape of `user:password@host`; an image with tag and
/// digest has it too, but for the digest.
fn has_user_and_password(word: &str) -> bool {
    word.match_indices('@').any(|(at, _)| {
        let rest = &word[at + 1..];
        if rest.starts_with("sha256:") || rest.starts_with("sha512:") {
            return false;
        }
        let before = &word[..at];
        let begin = before
            .rfind(['/', '=', '"', '\'', ' '])
            .map_or(0, |at| at + 1);
        // In a path only what follows `//` is a user.
        let is_path =
            begin > 0 && before[..begin].ends_with('/') && !before[..begin].ends_with("//");
        before[begin..].contains(':') && !is_path
    })
}

/// Returns whether somebody logs in with more than a name.
fn logs_in(words: &[&str]) -> bool {
    let Some(at) = words.iter().position(|word| *word == "login") else {
        return false;
    };
    let mut hosts = 0;
    let mut words = words[at + 1..].iter();
    while let Some(word) = words.next() {
        match *word {
            "-u" | "--username" | "--authfile" | "--ca-file" => {
                if words.next().is_none_or(|value| value.contains(':')) {
                    return true;
                }
            }
            word if word.starts_with("-p") || (word.starts_with("-u") && word.contains(':')) => {
                return true;
            }
            word if word.starts_with("--username=") && word.contains(':') => return true,
            word if word.starts_with('-') => {}
            _ => hosts += 1,
        }
    }
    hosts > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_kept() {
        for line in [
            "images list",
            "imgdex images list --search 'a b'",
            "imges list",
            "secrets list",
            "secrets get image-a",
            "secrets create -f secret.json",
            "secrets create --name a --password-stdin",
            "login registry.example.com:5000 -u me --password-stdin",
            "login --token-stdin localhost:5000",
            "login",
            "registry tags quay.io/a/b:1@sha256:0123",
            "registry inspect localhost:5000/a:1",
            "store get lab/tool:latest@v1",
            "metadata create --name a --pull_secret b --image_name a:1",
            "--catalog team.db images list",
            "images list --label a=b",
            "copy a:1 oci:dir:tag",
            "images list-groups keyboard",
            "help images",
            "images list -o json",
            "images update a -f 'b\nc'",
        ] {
            assert!(may_be_kept(line), "{line}");
        }
    }

    #[test]
    fn lines_that_may_hold_a_secret_are_not_kept() {
        for line in [
            "",
            " images list",
            "\timages list",
            "# images list",
            "hunter2",
            "hunter2 ",
            "echo hunter2 | imgdex login --token-stdin",
            "login -u me --password-stdin <<< hunter2",
            "login -u me --password hunter2",
            "login -u me --password=hunter2 host",
            "login -u me -p hunter2",
            "login -u me -phunter2",
            "login -u me:hunter2",
            "login --username me:hunter2 host",
            "login --username=me:hunter2 host",
            "login -ume:hunter2",
            "login host me hunter2",
            "imgdex login --token hunter2",
            "secrets create --value hunter2",
            "secrets create --name a --secret-value=hunter2",
            "secrets create '{\"name\": \"a\", \"password\": \"hunter2\"}'",
            "images create {\\\"token\\\":\\\"hunter2\\\"}",
            "images create '{\"apiKey\" : \"hunter2\"}'",
            "metadata create --json '{\"DB_PASSWORD\":\"hunter2\"}'",
            "images list --label db_password=hunter2",
            "images list --label PGPASSWORD=hunter2",
            "IMGDEX_REGISTRY_PASSWORD=hunter2 imgdex images list",
            "registry tags https://me:hunter2@registry.example.com/a",
            "registry tags me:hunter2@registry.example.com/a",
            "store record --url=https://me:hunter2@example.com/x",
            "images list --search ghp_0123456789",
            "images list --search 'Authorization: Bearer x'",
            "images list --search eyJhbGciOiJIUzI1NiJ9.e30.x",
            "images create '-----BEGIN PRIVATE KEY-----'",
            "images list 'open",
            "images list \u{1b}[2J",
        ] {
            assert!(!may_be_kept(line), "{line}");
        }
    }
}
