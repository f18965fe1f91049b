//! Writing what other tools read: a credential goes into containers' `auth.json`
//! or Docker's `config.json`, or to the helper that the file names for the host.
//! Everything else in the file stays as it is.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::ecosystem::{DOCKER_HUB_KEY, host_of};
use super::file::{self, ValuesFile};
use super::{Error, Result, helper};
use crate::domain::credential::Credential;

/// Bytes of the largest file that is read, and so of the largest one written.
const LARGEST: u64 = 1024 * 1024;

/// Where a credential went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// In this file, not encrypted.
    File(PathBuf),
    /// With `docker-credential-NAME`.
    Helper(String),
}

/// Finds out whether a file can be read as one of credentials, before it is to keep any.
///
/// # Errors
/// Where it cannot.
pub fn check(place: &ValuesFile) -> Result<()> {
    read(&followed(place).path).map(|_| ())
}

/// Keeps a credential for a host.
///
/// # Errors
/// Where the file or the helper cannot be used; the file stays as it was.
pub fn put(place: &ValuesFile, host: &str, credential: &Credential) -> Result<Kept> {
    let place = followed(place);
    let _lock = file::locked(&place)?;
    let mut whole = read(&place.path)?;
    if let Some(name) = helper_of(&whole, host) {
        let (username, value) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password),
            Credential::IdentityToken(token) | Credential::RegistryToken(token) => {
                ("<token>", token)
            }
        };
        helper::keep(&name, server_of(host), username, value)?;
        return Ok(Kept::Helper(name));
    }
    let entry = match credential {
        Credential::Basic { username, password } => {
            let pair = Zeroizing::new(format!("{username}:{}", password.expose_secret()));
            json!({ "auth": STANDARD.encode(pair.as_bytes()) })
        }
        Credential::IdentityToken(token) => json!({
            // Without a user name, podman and its like read no token either.
            "auth": STANDARD.encode("<token>:"),
            "identitytoken": token.expose_secret(),
        }),
        Credential::RegistryToken(token) => json!({ "registrytoken": token.expose_secret() }),
    };
    let auths = whole.entry("auths").or_insert_with(|| json!({}));
    let auths = auths.as_object_mut().ok_or_else(|| Error::NotCredentials {
        path: place.path.clone(),
        reason: "its `auths` is no object".to_owned(),
    })?;
    auths.retain(|key, _| host_of(key) != host);
    auths.insert(key_of(&place.path, host), entry);
    write(&place.path, &whole)?;
    Ok(Kept::File(place.path))
}

/// Forgets the credential for a host, and returns whether there was one.
///
/// # Errors
/// Where the file or the helper cannot be used; the file stays as it was.
pub fn remove(place: &ValuesFile, host: &str) -> Result<bool> {
    if !place.path.exists() {
        return Ok(false);
    }
    let place = followed(place);
    let _lock = file::locked(&place)?;
    let mut whole = read(&place.path)?;
    let mut known = false;
    if let Some(name) = helper_of(&whole, host) {
        known = helper::login(&name, server_of(host))?.is_some();
        helper::forget(&name, server_of(host))?;
    }
    if let Some(auths) = whole.get_mut("auths").and_then(Value::as_object_mut) {
        let before = auths.len();
        auths.retain(|key, _| host_of(key) != host);
        if auths.len() != before {
            known = true;
            write(&place.path, &whole)?;
        }
    }
    Ok(known)
}

/// Returns the file that a link leads to: people keep such files elsewhere.
fn followed(place: &ValuesFile) -> ValuesFile {
    ValuesFile {
        path: fs::canonicalize(&place.path).unwrap_or_else(|_| place.path.clone()),
        ..place.clone()
    }
}

/// Returns what Docker's own file and helpers call a host.
fn server_of(host: &str) -> &str {
    if host == "docker.io" {
        DOCKER_HUB_KEY
    } else {
        host
    }
}

fn key_of(path: &Path, host: &str) -> String {
    let is_docker = path.file_name().is_some_and(|name| name == "config.json");
    if is_docker {
        server_of(host).to_owned()
    } else {
        host.to_owned()
    }
}

fn helper_of(whole: &Map<String, Value>, host: &str) -> Option<String> {
    let of_host = whole
        .get("credHelpers")
        .and_then(Value::as_object)
        .and_then(|helpers| {
            let found = helpers.iter().find(|(key, _)| host_of(key) == host);
            found.and_then(|(_, name)| name.as_str())
        });
    let name = of_host.or_else(|| whole.get("credsStore").and_then(Value::as_str));
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File {
        action,
        path: path.to_path_buf(),
        source,
    }
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let malformed = |reason: String| Error::NotCredentials {
        path: path.to_path_buf(),
        reason,
    };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
        other => other.map_err(failed("read", path))?,
    };
    if !file.metadata().map_err(failed("read", path))?.is_file() {
        return Err(malformed("it is not a regular file".to_owned()));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(failed("read", path))?;
    if text.len() as u64 > LARGEST {
        return Err(malformed("it is larger than 1 MiB".to_owned()));
    }
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    // The parser's own message could quote a value, so only its place is told.
    serde_json::from_slice(&text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        malformed(format!(
            "it is no JSON object (line {line}, column {column})"
        ))
    })
}

fn write(path: &Path, whole: &Map<String, Value>) -> Result<()> {
    let text = serde_json::to_vec_pretty(whole).map_err(io::Error::other);
    let text = Zeroizing::new(text.map_err(failed("write", path))?);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let write = || {
        // A temporary file is made 0600, whatever the mode of the one before it.
        let mut file = tempfile::Builder::new()
            .prefix(".imgdex-login-")
            .tempfile_in(folder)?;
        file.write_all(&text)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;

    fn place(folder: &tempfile::TempDir, name: &str) -> ValuesFile {
        ValuesFile {
            path: folder.path().join(name),
            lock_timeout: Duration::from_millis(50),
        }
    }

    fn me() -> Credential {
        Credential::Basic {
            username: "me".to_owned(),
            password: SecretString::from("x"),
        }
    }

    #[test]
    fn the_rest_of_a_file_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder, "config.json");
        let before = r#"{"z":[1,2.50],"auths":{"https://h.example/v1/":{"auth":"b2xk"},"h.example/a":{"auth":"YTpi"}},"a":null}"#;
        fs::write(&place.path, before).expect("written");
        put(&place, "h.example", &me()).expect("kept");
        put(
            &place,
            "docker.io",
            &Credential::IdentityToken(SecretString::from("t")),
        )
        .expect("kept");
        let after: Value =
            serde_json::from_slice(&fs::read(&place.path).expect("there")).expect("JSON");
        let expected = json!({
            "z": [1, 2.50],
            "auths": {
                "h.example/a": {"auth": "YTpi"},
                "h.example": {"auth": "bWU6eA=="},
                "https://index.docker.io/v1/": {
                    "auth": "PHRva2VuPjo=",
                    "identitytoken": "t",
                },
            },
            "a": null,
        });
        assert_eq!(after, expected);
        let mode = fs::metadata(&place.path)
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(remove(&place, "docker.io").ok(), Some(true));
        assert_eq!(remove(&place, "docker.io").ok(), Some(false));
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder, "containers/auth.json");
        assert_eq!(remove(&place, "h.example").ok(), Some(false));
        let kept = put(&place, "docker.io", &me()).expect("kept");
        assert_eq!(kept, Kept::File(place.path.clone()));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&place.path), 0o600);
        assert_eq!(mode(place.path.parent().expect("a folder")), 0o700);
        let text = fs::read_to_string(&place.path).expect("there");
        assert!(text.contains("\"docker.io\""), "{text}");
    }

    #[test]
    fn a_half_written_file_is_not_written_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder, "auth.json");
        for text in [r#"{"auths":{"a":{"auth":"hunter2"#, "[]", r#"{"auths":[]}"#] {
            fs::write(&place.path, text).expect("written");
            let error = put(&place, "h.example", &me())
                .expect_err("refused")
                .to_string();
            assert!(error.contains("is not a file of credentials"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert_eq!(fs::read_to_string(&place.path).expect("there"), text);
        }
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder, "auth.json");
        fs::write(folder.path().join("real.json"), "{}").expect("written");
        std::os::unix::fs::symlink("real.json", &place.path).expect("a link");
        put(&place, "h.example", &me()).expect("kept");
        assert!(
            fs::symlink_metadata(&place.path)
                .expect("there")
                .is_symlink()
        );
        let text = fs::read_to_string(folder.path().join("real.json")).expect("there");
        assert!(text.contains("bWU6eA=="), "{text}");
    }

    #[test]
    fn a_helper_that_is_missing_is_told_and_nothing_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place(&folder, "auth.json");
        let text = r#"{"credsStore":"imgdex-test-missing"}"#;
        fs::write(&place.path, text).expect("written");
        let error = put(&place, "h.example", &me()).expect_err("refused");
        assert!(matches!(error, Error::NoHelper { .. }), "{error}");
        assert_eq!(fs::read_to_string(&place.path).expect("there"), text);
    }
}
