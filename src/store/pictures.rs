//! Pictures of images: small files kept under the SHA-256 of their bytes, at
//! `STORE/pictures/HEX`.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::domain::attached::{LARGEST_PICTURE as LARGEST, picture_type};

/// Why a file cannot be taken as a picture.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the picture `{path}` cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("the picture `{path}` is not a regular file")]
    NotRegular { path: String },
    #[error("the picture `{path}` is larger than 1 MiB")]
    TooLarge { path: String },
    #[error("the picture `{path}` is not a PNG, JPEG or GIF file")]
    NotAPicture { path: String },
    #[error("the picture `{path}` cannot be kept in the store: {source}")]
    NotKept { path: String, source: io::Error },
}

/// Returns the `sha256:HEX` that a picture is kept under, keeping it in the
/// store where one is given and it is not there yet.
///
/// # Errors
/// For a file that is no picture, too large or not a regular file, and where
/// it cannot be kept.
pub fn take(file: &Path, store: Option<&Path>) -> Result<String, Error> {
    let path = || file.display().to_string();
    let unreadable = |source| Error::Unreadable {
        path: path(),
        source,
    };
    // A FIFO would keep us waiting for its other end.
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking())
        .open(file)
        .map_err(unreadable)?;
    if !opened.metadata().map_err(unreadable)?.is_file() {
        return Err(Error::NotRegular { path: path() });
    }
    let mut bytes = Vec::new();
    opened
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::TooLarge { path: path() });
    }
    if picture_type(&bytes).is_none() {
        return Err(Error::NotAPicture { path: path() });
    }
    let hex = hex_of(&bytes);
    if let Some(store) = store {
        keep(&store.join("pictures"), &hex, &bytes).map_err(|source| Error::NotKept {
            path: path(),
            source,
        })?;
    }
    Ok(format!("sha256:{hex}"))
}

/// Keeps the bytes of a picture, which were found to be one, under their hash.
///
/// # Errors
/// Where they cannot be kept.
pub fn put(bytes: &[u8], store: &Path) -> io::Result<()> {
    keep(&store.join("pictures"), &hex_of(bytes), bytes)
}

/// Returns the bytes of a picture that is kept under `sha256:HEX`; nothing where it is
/// not there, or is not what it was.
pub fn get(digest: &str, store: &Path) -> Option<Vec<u8>> {
    let hex = digest.strip_prefix("sha256:")?;
    if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let file = File::open(store.join("pictures").join(hex)).ok()?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).ok()?;
    (hex_of(&bytes) == hex).then_some(bytes)
}

fn hex_of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[allow(clippy::cast_possible_wrap)]
fn nonblocking() -> i32 {
    rustix::fs::OFlags::NONBLOCK.bits() as i32
}

fn keep(folder: &Path, hex: &str, bytes: &[u8]) -> io::Result<()> {
    let target = folder.join(hex);
    if target.exists() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".picture-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_kept_once_under_its_hash() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, file) = (folder.path().join("store"), folder.path().join("a.png"));
        fs::write(&file, b"\x89PNG\r\n\x1a\nrest").expect("written");
        let first = take(&file, Some(&store)).expect("taken");
        assert_eq!(take(&file, Some(&store)).expect("taken again"), first);
        assert_eq!(take(&file, None).expect("hashed only"), first);
        let hex = first.strip_prefix("sha256:").expect("a digest");
        assert_eq!(
            fs::read(store.join("pictures").join(hex)).expect("kept"),
            b"\x89PNG\r\n\x1a\nrest"
        );
        let kept = get(&first, &store).expect("it is there");
        put(&kept, &store).expect("it is there already");
        assert!(get("sha256:../../x", &store).is_none());
        assert!(get("42", &store).is_none());
        fs::write(store.join("pictures").join(hex), b"other").expect("written");
        assert!(get(&first, &store).is_none());
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let check = |name: &str, bytes: &[u8], expected: &str| {
            let file = folder.path().join(name);
            fs::write(&file, bytes).expect("written");
            let error = take(&file, None).expect_err("refused").to_string();
            assert!(error.ends_with(expected), "{error}");
        };
        check("text.png", b"root:x:0:0", "is not a PNG, JPEG or GIF file");
        check("empty.png", b"", "is not a PNG, JPEG or GIF file");
        let mut large = b"GIF89a".to_vec();
        large.resize(LARGEST as usize + 1, 0);
        check("large.gif", &large, "is larger than 1 MiB");
        let error = take(folder.path(), None).expect_err("refused").to_string();
        assert!(error.ends_with("is not a regular file"), "{error}");
        let error = take(&folder.path().join("missing.png"), None).expect_err("refused");
        assert!(matches!(error, Error::Unreadable { .. }));
    }
}
