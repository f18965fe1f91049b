//! `secrets.json`: values by catalog and secret, changed under a lock by
//! writing a new file beside it and renaming that.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Error, Owner, Result};

/// Bytes of the largest file that is read, and so of the largest one written.
const LARGEST: usize = 16 * 1024 * 1024;

/// What the names of unfinished files begin with.
const UNFINISHED: &str = ".secrets-";

/// Where the file is, and how long to wait for another process's lock on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesFile {
    pub path: PathBuf,
    pub lock_timeout: Duration,
}

/// The file: values by the id of the catalog, then by the id of the secret.
/// It has no `Debug`, so that no value can be printed by accident.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    catalogs: BTreeMap<String, BTreeMap<String, String>>,
}

pub(super) fn get(file: &ValuesFile, owner: Owner<'_>) -> Result<Option<SecretString>> {
    let contents = read(&file.path)?;
    Ok(contents.value(owner).map(SecretString::from))
}

/// Keeps a value and returns the one that it takes the place of.
pub(super) fn put(
    file: &ValuesFile,
    owner: Owner<'_>,
    value: &SecretString,
) -> Result<Option<SecretString>> {
    let folder = make_folder(&file.path)?;
    if fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & 0o002 != 0) {
        return Err(Error::File {
            action: "keep a value in",
            path: file.path.clone(),
            source: io::Error::new(
                io::ErrorKind::PermissionDenied,
                "its folder can be written by everybody on this machine",
            ),
        });
    }
    change(file, |contents| {
        let secrets = contents
            .catalogs
            .entry(owner.catalog.to_owned())
            .or_default();
        let before = secrets.insert(owner.secret.to_owned(), value.expose_secret().to_owned());
        (true, before.map(SecretString::from))
    })
}

/// Takes back a [`put`]: the value before it is kept again. A value that is not
/// the one that was put is another process's, and stays.
pub(super) fn put_back(
    file: &ValuesFile,
    owner: Owner<'_>,
    put: &SecretString,
    before: Option<&SecretString>,
) -> Result<()> {
    change(file, |contents| {
        let ours = contents.value(owner) == Some(put.expose_secret());
        if ours {
            match before {
                None => contents.remove(owner),
                Some(before) => {
                    let secrets = contents.catalogs.get_mut(owner.catalog);
                    if let Some(value) = secrets.and_then(|all| all.get_mut(owner.secret)) {
                        before.expose_secret().clone_into(value);
                    }
                }
            }
        }
        (ours, ())
    })
}

pub(super) fn remove(file: &ValuesFile, owner: Owner<'_>) -> Result<()> {
    if !file.path.exists() {
        return Ok(());
    }
    change(file, |contents| {
        let known = contents.value(owner).is_some();
        contents.remove(owner);
        (known, ())
    })
}

impl Contents {
    fn value(&self, owner: Owner<'_>) -> Option<&str> {
        let secrets = self.catalogs.get(owner.catalog)?;
        secrets.get(owner.secret).map(String::as_str)
    }

    fn remove(&mut self, owner: Owner<'_>) {
        if let Some(secrets) = self.catalogs.get_mut(owner.catalog) {
            secrets.remove(owner.secret);
            if secrets.is_empty() {
                self.catalogs.remove(owner.catalog);
            }
        }
    }
}

/// Runs `edit`, which says whether anything is to be written, under the lock.
fn change<T>(file: &ValuesFile, edit: impl FnOnce(&mut Contents) -> (bool, T)) -> Result<T> {
    let path = &file.path;
    let folder = make_folder(path)?;
    // The lock is held until this file is closed, at the end of the function.
    let _lock = lock(file)?;
    sweep(folder);
    let mut contents = read(path)?;
    let (changed, result) = edit(&mut contents);
    if changed {
        write(path, folder, &contents).map_err(failed("write", path))?;
    }
    Ok(result)
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File {
        action,
        path: path.to_path_buf(),
        source,
    }
}

fn make_folder(path: &Path) -> Result<&Path> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    if !folder.exists() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed("make the folder of", path))?;
    }
    Ok(folder)
}

/// Returns the lock on a file that is about to be changed, its folder made.
pub(super) fn locked(file: &ValuesFile) -> Result<File> {
    make_folder(&file.path)?;
    lock(file)
}

/// Returns the lock, which other processes hold only for as long as a write
/// takes: one that is stopped is not waited for without end.
fn lock(file: &ValuesFile) -> Result<File> {
    let failed = failed("lock", &file.path);
    let began = Instant::now();
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(file.path.with_extension("json.lock"))
        .map_err(&failed)?;
    loop {
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(lock),
            Err(Errno::WOULDBLOCK) if began.elapsed() < file.lock_timeout => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(Errno::WOULDBLOCK) => {
                let seconds = file.lock_timeout.as_secs_f64();
                return Err(failed(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("another process held its lock for {seconds} s"),
                )));
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error.into())),
        }
    }
}

/// Removes the files that a process left which was killed before it renamed
/// them: under the lock nobody else is at one, and they hold values.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let unfinished = entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(UNFINISHED.as_bytes());
        if unfinished && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // One that cannot be removed is no reason to keep nothing.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn write(path: &Path, folder: &Path, contents: &Contents) -> io::Result<()> {
    let text = Zeroizing::new(serde_json::to_vec_pretty(contents).map_err(io::Error::other)?);
    if text.len() > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it would be larger than 16 MiB; nothing was changed",
        ));
    }
    // A temporary file is made 0600, whatever the mode of the one before it.
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> Result<Contents> {
    let failed = failed("read", path);
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
    let mut text = Zeroizing::new(Vec::new());
    File::open(path)
        .and_then(|file| file.take(LARGEST as u64 + 1).read_to_end(&mut text))
        .map_err(failed)?;
    if text.len() > LARGEST {
        return Err(malformed("it is larger than 16 MiB".to_owned()));
    }
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

    fn file_in(folder: &tempfile::TempDir, name: &str) -> ValuesFile {
        ValuesFile {
            path: folder.path().join(name),
            lock_timeout: Duration::from_millis(50),
        }
    }

    fn value_of(file: &ValuesFile, owner: Owner<'_>) -> Option<String> {
        get(file, owner)
            .expect("readable")
            .map(|value| value.expose_secret().to_owned())
    }

    fn keep(file: &ValuesFile, owner: Owner<'_>, value: &str) -> Option<String> {
        put(file, owner, &SecretString::from(value))
            .expect("kept")
            .map(|value| value.expose_secret().to_owned())
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it can be set");
    }

    #[test]
    fn values_are_kept_apart_by_catalog_and_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "deep/secrets.json");
        let other = Owner {
            catalog: "two",
            ..OWNER
        };
        assert_eq!(value_of(&file, OWNER), None);
        assert_eq!(keep(&file, OWNER, "first"), None);
        keep(&file, other, "second");
        assert_eq!(value_of(&file, OWNER).as_deref(), Some("first"));
        assert_eq!(value_of(&file, other).as_deref(), Some("second"));
        remove(&file, OWNER).expect("removed");
        remove(&file, OWNER).expect("removing twice is no error");
        assert_eq!(value_of(&file, OWNER), None);
        assert_eq!(value_of(&file, other).as_deref(), Some("second"));
        assert_eq!(mode(&file.path), 0o600);
        assert_eq!(mode(file.path.parent().expect("a folder")), 0o700);
    }

    #[test]
    fn a_value_is_put_back_unless_another_process_put_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        let [old, new] = ["old", "new"].map(SecretString::from);
        put(&file, OWNER, &new).expect("kept");
        put_back(&file, OWNER, &new, None).expect("put back");
        assert_eq!(value_of(&file, OWNER), None);
        put(&file, OWNER, &old).expect("kept");
        let before = put(&file, OWNER, &new).expect("kept");
        put_back(&file, OWNER, &new, before.as_ref()).expect("put back");
        assert_eq!(value_of(&file, OWNER).as_deref(), Some("old"));
        put(&file, OWNER, &new).expect("kept");
        keep(&file, OWNER, "theirs");
        put_back(&file, OWNER, &new, Some(&old)).expect("nothing to do");
        assert_eq!(value_of(&file, OWNER).as_deref(), Some("theirs"));
    }

    #[test]
    fn a_broken_file_is_named_without_its_contents_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        let text = "{\"catalogs\": {\"one\": {\"image-a\": \"hunter2\", }}}";
        fs::write(&file.path, text).expect("written");
        let error = put(&file, OWNER, &SecretString::from("x")).expect_err("broken");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(fs::read_to_string(&file.path).expect("there"), text);
    }

    #[test]
    fn what_would_be_too_large_to_read_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        keep(&file, OWNER, "first");
        let large = SecretString::from("x".repeat(LARGEST));
        put(&file, OWNER, &large).expect_err("too large");
        assert_eq!(value_of(&file, OWNER).as_deref(), Some("first"));
        fs::write(&file.path, " ".repeat(LARGEST + 1)).expect("written");
        let error = put(&file, OWNER, &SecretString::from("x")).expect_err("too large");
        assert!(error.to_string().contains("larger than 16 MiB"), "{error}");
    }

    #[test]
    fn a_lock_is_not_waited_for_without_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        keep(&file, OWNER, "first");
        let held = lock(&file).expect("locked");
        let error = put(&file, OWNER, &SecretString::from("x")).expect_err("locked");
        assert!(error.is_locked(), "{error}");
        drop(held);
        keep(&file, OWNER, "second");
    }

    #[test]
    fn what_a_kill_left_is_swept_and_a_file_open_to_others_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        keep(&file, OWNER, "first");
        let left = folder.path().join(".secrets-AbCdEf");
        fs::write(&left, "{}").expect("written");
        set_mode(&file.path, 0o666);
        keep(&file, OWNER, "second");
        assert!(!left.exists());
        assert_eq!(mode(&file.path), 0o600);
    }

    #[test]
    fn a_folder_that_everybody_can_write_to_gets_no_value() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = file_in(&folder, "secrets.json");
        keep(&file, OWNER, "first");
        set_mode(folder.path(), 0o1777);
        let error = put(&file, OWNER, &SecretString::from("x")).expect_err("refused");
        assert!(error.is_unsafe(), "{error}");
        remove(&file, OWNER).expect("values can be taken away");
        assert_eq!(value_of(&file, OWNER), None);
    }
}
