//! Credentials that other tools keep: containers' `auth.json`, Docker's
//! `config.json`, and the helpers that these name. They are only read here.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::helper;
use crate::domain::credential::Credential;
use crate::domain::reference::{Registry, Repository};

/// Bytes of the largest file that is read.
const LARGEST: u64 = 1024 * 1024;

/// What Docker calls its own registry in files and to helpers.
pub(super) const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// What is known of one host without any file.
#[derive(Debug, Clone)]
pub struct Given {
    /// `host[:port]`.
    pub host: String,
    pub credential: Credential,
}

/// Where a credential was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `IMGDEX_REGISTRY_…`.
    Environment,
    /// A file, or the variable that holds the text of one.
    File(String),
    /// A helper that the file names.
    Helper { name: String, file: String },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment => formatter.write_str("the environment (IMGDEX_REGISTRY_…)"),
            Self::File(name) => write!(formatter, "`{name}`"),
            Self::Helper { name, file } => {
                write!(
                    formatter,
                    "the helper `docker-credential-{name}`, which `{file}` names"
                )
            }
        }
    }
}

/// Where credentials are looked for, in the order of the fields.
#[derive(Debug, Default)]
pub struct Sources {
    pub given: Option<Given>,
    /// Files that need not be there, the first ones first.
    pub files: Vec<PathBuf>,
    /// `DOCKER_AUTH_CONFIG`: the text of such a file.
    pub inline: Option<SecretString>,
    state: Mutex<State>,
}

/// What was read and asked so far; nothing is asked twice.
#[derive(Debug, Default)]
struct State {
    read: Option<Vec<(String, Contents)>>,
    /// By helper and what it was asked about.
    answers: HashMap<(String, String), Option<Credential>>,
    warnings: Vec<String>,
}

/// The part of such a file that is about credentials.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Contents {
    auths: BTreeMap<String, Option<Entry>>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    identitytoken: Option<SecretString>,
    registrytoken: Option<SecretString>,
}

impl Sources {
    /// Returns sources that nothing was read of yet.
    pub fn new(given: Option<Given>, files: Vec<PathBuf>, inline: Option<SecretString>) -> Self {
        Self {
            given,
            files,
            inline,
            state: Mutex::default(),
        }
    }

    /// Returns the credential for a repository; nothing where none is found.
    ///
    /// A file that cannot be read, and a helper that is missing or fails, are
    /// warnings: they keep nobody from asking as anybody.
    pub fn find(&self, registry: &Registry, repository: Option<&Repository>) -> Option<Credential> {
        self.find_with_origin(registry, repository)
            .map(|(credential, _)| credential)
    }

    /// Returns the credential for a repository, as [`Sources::find`] does, and where it
    /// was found.
    pub fn find_with_origin(
        &self,
        registry: &Registry,
        repository: Option<&Repository>,
    ) -> Option<(Credential, Origin)> {
        let host = registry.to_string();
        if let Some(given) = &self.given
            && same_host(&given.host, &host)
        {
            return Some((given.credential.clone(), Origin::Environment));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.read.is_none() {
            let read = self.read(&mut state.warnings);
            state.read = Some(read);
        }
        let read = state.read.take().unwrap_or_default();
        let found = read.iter().find_map(|(file, contents)| {
            let (credential, helper) = state.find(contents, &host, repository)?;
            let file = file.clone();
            let origin = match helper {
                Some(name) => Origin::Helper { name, file },
                None => Origin::File(file),
            };
            Some((credential, origin))
        });
        state.read = Some(read);
        found
    }

    /// Returns what could not be used, and forgets it.
    pub fn warnings(&self) -> Vec<String> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.warnings)
    }

    fn read(&self, warnings: &mut Vec<String>) -> Vec<(String, Contents)> {
        let mut read = Vec::new();
        let mut take = |name: &str, text: &str| match serde_json::from_str(text) {
            Ok(contents) => read.push((name.to_owned(), contents)),
            // What the parser says may quote a value.
            Err(error) => warnings.push(format!(
                "`{name}` is passed over: it is no file of credentials (line {}, column {})",
                error.line(),
                error.column()
            )),
        };
        let mut unread = Vec::new();
        for path in &self.files {
            match text_of(path) {
                Ok(text) => take(&path.display().to_string(), &text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => unread.push(format!("`{}` is passed over: {error}", path.display())),
            }
        }
        if let Some(text) = &self.inline {
            take("DOCKER_AUTH_CONFIG", text.expose_secret());
        }
        warnings.extend(unread);
        read
    }
}

fn text_of(path: &Path) -> io::Result<Zeroizing<String>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST).read_to_string(&mut text)?;
    Ok(text)
}

impl State {
    /// Returns a credential, and the helper that keeps it, where one does.
    fn find(
        &mut self,
        contents: &Contents,
        host: &str,
        repository: Option<&Repository>,
    ) -> Option<(Credential, Option<String>)> {
        for key in keys(host, repository) {
            if let Some(name) = of_key(&contents.cred_helpers, &key)
                && let Some(found) = self.ask(name, &key)
            {
                return Some((found, Some(name.to_owned())));
            }
            let entries = contents
                .auths
                .iter()
                .filter(|(spelt, _)| same_host(spelt, &key));
            // Who spelt it exactly meant it most.
            let (exact, other): (Vec<_>, Vec<_>) = entries.partition(|(spelt, _)| **spelt == key);
            for (spelt, entry) in exact.into_iter().chain(other) {
                match entry.as_ref().map(Entry::credential) {
                    Some(Ok(Some(found))) => return Some((found, None)),
                    Some(Err(rule)) => self.warn(format!("the credentials for `{spelt}` {rule}")),
                    None | Some(Ok(None)) => {}
                }
            }
        }
        let store = contents
            .creds_store
            .as_deref()
            .filter(|name| !name.is_empty())?;
        let found = self.ask(store, host)?;
        Some((found, Some(store.to_owned())))
    }

    /// Asks a helper about a host, once.
    fn ask(&mut self, name: &str, key: &str) -> Option<Credential> {
        let server = if key == "docker.io" {
            DOCKER_HUB_KEY
        } else {
            key
        };
        let asked = (name.to_owned(), server.to_owned());
        if let Some(answer) = self.answers.get(&asked) {
            return answer.clone();
        }
        let answer = match helper::login(name, server) {
            Ok(answer) => answer.map(|(username, value)| credential_of(username, value)),
            Err(error) => {
                self.warn(format!(
                    "{error}; `{server}` is asked without credentials of it"
                ));
                None
            }
        };
        self.answers.insert(asked, answer.clone());
        answer
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// Returns the keys of a repository from the most specific one to its host.
fn keys(host: &str, repository: Option<&Repository>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = repository.map(Repository::as_str);
    while let Some(path) = rest {
        keys.push(format!("{host}/{path}"));
        rest = path.rsplit_once('/').map(|(shorter, _)| shorter);
    }
    keys.push(host.to_owned());
    keys
}

fn of_key<'a>(helpers: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    let spelt = helpers.get(key);
    let spelt = spelt.or_else(|| {
        let found = helpers.iter().find(|(spelt, _)| same_host(spelt, key));
        found.map(|(_, name)| name)
    });
    spelt.map(String::as_str).filter(|name| !name.is_empty())
}

/// Returns whether a key of a file means this `host[:port][/path]`.
fn same_host(spelt: &str, key: &str) -> bool {
    spelt == key || host_of(spelt) == key
}

/// Returns the host that people mean by an address such as `https://HOST/v1/`.
pub fn host_of(spelt: &str) -> String {
    let legacy = spelt
        .strip_prefix("https://")
        .or_else(|| spelt.strip_prefix("http://"));
    let rest = legacy.unwrap_or(spelt).trim_end_matches('/');
    let rest = match legacy {
        Some(_) => rest
            .strip_suffix("/v1")
            .or_else(|| rest.strip_suffix("/v2"))
            .unwrap_or(rest),
        None => rest,
    };
    let (host, path) = match rest.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (rest, None),
    };
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    };
    match path {
        Some(path) => format!("{host}/{path}"),
        None => host,
    }
}

impl Entry {
    /// Returns the credential of an entry; nothing where it is empty, as it is
    /// where a helper keeps the value.
    fn credential(&self) -> Result<Option<Credential>, &'static str> {
        let filled = |value: &&SecretString| !value.expose_secret().is_empty();
        if let Some(token) = self.identitytoken.as_ref().filter(filled) {
            return Ok(Some(Credential::IdentityToken(token.clone())));
        }
        if let Some(token) = self.registrytoken.as_ref().filter(filled) {
            return Ok(Some(Credential::RegistryToken(token.clone())));
        }
        if let Some(auth) = self.auth.as_ref().filter(filled) {
            let rule = "are not `user:password` in base64";
            let pair = STANDARD
                .decode(auth.expose_secret().trim())
                .map_err(|_| rule)?;
            let pair = Zeroizing::new(pair);
            let pair = std::str::from_utf8(&pair).map_err(|_| rule)?;
            let (username, password) = pair.split_once(':').ok_or(rule)?;
            // Old versions of Docker filled them up.
            let password = password.trim_end_matches('\0');
            return Ok(Some(credential_of(
                username.to_owned(),
                SecretString::from(password.to_owned()),
            )));
        }
        let username = self.username.clone().filter(|name| !name.is_empty());
        Ok(match (username, &self.password) {
            (Some(username), Some(password)) => Some(credential_of(username, password.clone())),
            _ => None,
        })
    }
}

/// Returns the credential of a pair; the name `<token>` says that the value is
/// an identity token.
fn credential_of(username: String, value: SecretString) -> Credential {
    if username == "<token>" {
        Credential::IdentityToken(value)
    } else {
        Credential::Basic {
            username,
            password: value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is shown for a reference: `user:password`, or the token.
    fn found(sources: &Sources, registry: &str, repository: &str) -> String {
        let registry = registry.parse().expect("a registry");
        let repository = repository.parse().expect("a repository");
        match sources.find(&registry, Some(&repository)) {
            None => "none".to_owned(),
            Some(Credential::Basic { username, password }) => {
                format!("{username}:{}", password.expose_secret())
            }
            Some(Credential::IdentityToken(token)) => format!("id {}", token.expose_secret()),
            Some(Credential::RegistryToken(token)) => format!("reg {}", token.expose_secret()),
        }
    }

    fn inline(text: &str) -> Sources {
        Sources {
            inline: Some(SecretString::from(text.to_owned())),
            ..Sources::default()
        }
    }

    fn auth(pair: &str) -> String {
        format!(r#"{{"auth":"{}"}}"#, STANDARD.encode(pair))
    }

    #[test]
    fn the_most_specific_key_is_taken() {
        let sources = inline(&format!(
            r#"{{"auths":{{"h.example":{},"h.example/a":{},"h.example/a/b":{}}}}}"#,
            auth("host:1"),
            auth("a:2"),
            auth("ab:3:4")
        ));
        assert_eq!(found(&sources, "h.example", "a/b"), "ab:3:4");
        assert_eq!(found(&sources, "h.example", "a/b/c"), "ab:3:4");
        assert_eq!(found(&sources, "h.example", "a/bc"), "a:2");
        assert_eq!(found(&sources, "h.example", "z"), "host:1");
        assert_eq!(found(&sources, "h.example:5000", "z"), "none");
        assert_eq!(found(&sources, "other.example", "z"), "none");
    }

    #[test]
    fn legacy_spellings_of_hosts_are_known() {
        let check = |key: &str, registry: &str| {
            let sources = inline(&format!(r#"{{"auths":{{"{key}":{}}}}}"#, auth("me:x")));
            assert_eq!(found(&sources, registry, "a"), "me:x", "{key}");
        };
        check("https://index.docker.io/v1/", "docker.io");
        check("index.docker.io", "docker.io");
        check("docker.io", "docker.io");
        check("https://h.example/", "h.example");
        check("https://h.example/v2/", "h.example");
        check("http://H.example:5000", "h.example:5000");
    }

    #[test]
    fn every_kind_of_entry_is_understood() {
        let check = |entry: &str, expected: &str| {
            let sources = inline(&format!(r#"{{"auths":{{"h.example":{entry}}}}}"#));
            assert_eq!(found(&sources, "h.example", "a"), expected, "{entry}");
        };
        check(r#"{"username":"me","password":"x"}"#, "me:x");
        check(r#"{"identitytoken":"t","auth":"bWU6eA=="}"#, "id t");
        check(r#"{"registrytoken":"t"}"#, "reg t");
        check(&auth("<token>:t"), "id t");
        check(&auth("me:x\0\0"), "me:x");
        check("{}", "none");
        check("null", "none");
    }

    #[test]
    fn what_cannot_be_used_is_a_warning_that_quotes_no_value() {
        let check = |text: &str, expected: &str| {
            let sources = inline(text);
            assert_eq!(found(&sources, "h.example", "a"), "none", "{text}");
            assert_eq!(sources.warnings(), [expected], "{text}");
        };
        // Half written, and bad base64.
        check(
            r#"{"auths":{"h.example":{"auth":"hunter2"#,
            "`DOCKER_AUTH_CONFIG` is passed over: it is no file of credentials (line 1, column 38)",
        );
        check(
            r#"{"auths":{"h.example":{"auth":"hunter2!"}}}"#,
            "the credentials for `h.example` are not `user:password` in base64",
        );
        check(
            r#"{"credHelpers":{"h.example":"imgdex-test-missing"}}"#,
            "the credential helper `docker-credential-imgdex-test-missing` is not installed; \
             `h.example` is asked without credentials of it",
        );
        check(
            r#"{"credsStore":"../evil"}"#,
            "`../evil` is not the name of a credential helper: letters, digits, `-` and `_` only; \
             `h.example` is asked without credentials of it",
        );
    }

    #[test]
    fn the_sources_are_asked_in_their_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, pair: &str| {
            let path = folder.path().join(name);
            let text = format!(r#"{{"auths":{{"h.example":{}}}}}"#, auth(pair));
            std::fs::write(&path, text).expect("written");
            path
        };
        let mut sources = Sources {
            files: vec![
                folder.path().join("missing"),
                write("one", "one:1"),
                write("two", "two:2"),
            ],
            ..inline(&format!(
                r#"{{"auths":{{"other.example":{}}}}}"#,
                auth("inline:3")
            ))
        };
        assert_eq!(found(&sources, "h.example", "a"), "one:1");
        assert_eq!(found(&sources, "other.example", "a"), "inline:3");
        sources.given = Some(Given {
            host: "h.example".to_owned(),
            credential: Credential::RegistryToken(SecretString::from("t")),
        });
        assert_eq!(found(&sources, "h.example", "a"), "reg t");
        assert_eq!(found(&sources, "other.example", "a"), "inline:3");
        assert!(sources.warnings().is_empty());
    }
}
