//! `secrets.json`: values by catalog and secret, changed under a lock by
//! writing a new file beside it and renaming that.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Error, Owner, Result};

/// Bytes of the largest file that is read.
const LARGEST: u64 = 16 * 1024 * 1024;

/// The file: values by the id of the catalog, then by the id of the secret.
/// It has no `Debug`, so that no value can be printed by accident.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    catalogs: BTreeMap<String, BTreeMap<String, String>>,
}

pub(super) fn get(path: &Path, owner: Owner<'_>) -> Result<Option<SecretString>> {
    let contents = read(path)?;
    Ok(contents
        .catalogs
        .get(owner.catalog)
        .and_then(|secrets| secrets.get(owner.secret))
        .map(|value| SecretString::from(value.as_str())))
}

pub(super) fn put(path: &Path, owner: Owner<'_>, value: &SecretString) -> Result<()> {
    change(path, |contents| {
        contents
            .catalogs
            .entry(owner.catalog.to_owned())
            .or_default()
            .insert(owner.secret.to_owned(), value.expose_secret().to_owned());
    })
}

pub(super) fn remove(path: &Path, owner: Owner<'_>) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    change(path, |contents| {
        if let Some(secrets) = contents.catalogs.get_mut(owner.catalog) {
            secrets.remove(owner.secret);
            if secrets.is_empty() {
                contents.catalogs.remove(owner.catalog);
            }
        }
    })
}

fn change(path: &Path, edit: impl FnOnce(&mut Contents)) -> Result<()> {
    let failed = |action| {
        move |source| Error::File {
            action,
            path: path.to_path_buf(),
            source,
        }
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed("make the folder of"))?;
    }
    // The lock is held until this file is closed, at the end of the function.
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path.with_extension("json.lock"))
        .map_err(failed("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)
        .map_err(|error| failed("lock")(io::Error::from(error)))?;
    let mut contents = read(path)?;
    edit(&mut contents);
    let text = serde_json::to_vec_pretty(&contents)
        .map_err(|error| failed("write")(io::Error::other(error)))?;
    // A temporary file is made 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".secrets-")
        .tempfile_in(folder)
        .map_err(failed("write"))?;
    file.write_all(&text).map_err(failed("write"))?;
    file.as_file().sync_all().map_err(failed("write"))?;
    file.persist(path)
        .map_err(|error| failed("write")(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed("write"))
}

fn read(path: &Path) -> Result<Contents> {
    let failed = |source| Error::File {
        action: "read",
        path: path.to_path_buf(),
        source,
    };
    let malformed = |reason: String| Error::Malformed {
        path: path.to_path_buf(),
        reason,
    };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Contents::default()),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_file() => {
            return Err(malformed("it is not a regular file".to_owned()));
        }
        Ok(_) => {}
    }
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut text))
        .map_err(failed)?;
    // The parser's own message could quote a value, so only its place is told.
    serde_json::from_slice(&text).map_err(|error| {
        malformed(format!(
            "it is not valid JSON at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const OWNER: Owner<'static> = Owner {
        catalog: "one",
        secret: "image-a",
    };

    fn value_of(path: &Path, owner: Owner<'_>) -> Option<String> {
        get(path, owner)
            .expect("readable")
            .map(|value| value.expose_secret().to_owned())
    }

    #[test]
    fn values_are_kept_apart_by_catalog_and_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/secrets.json");
        let other = Owner {
            catalog: "two",
            ..OWNER
        };
        assert_eq!(value_of(&path, OWNER), None);
        put(&path, OWNER, &SecretString::from("first")).expect("kept");
        put(&path, other, &SecretString::from("second")).expect("kept");
        assert_eq!(value_of(&path, OWNER).as_deref(), Some("first"));
        assert_eq!(value_of(&path, other).as_deref(), Some("second"));
        remove(&path, OWNER).expect("removed");
        remove(&path, OWNER).expect("removing twice is no error");
        assert_eq!(value_of(&path, OWNER), None);
        assert_eq!(value_of(&path, other).as_deref(), Some("second"));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn a_broken_file_is_named_without_its_contents_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        let text = "{\"catalogs\": {\"one\": {\"image-a\": \"hunter2\", }}}";
        fs::write(&path, text).expect("written");
        let error = put(&path, OWNER, &SecretString::from("x")).expect_err("broken");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), text);
    }
}
