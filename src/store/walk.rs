//! All regular files below a folder, following no link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A regular file.
#[derive(Debug)]
pub struct Found {
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// Calls `each` with every regular file below a folder, folder by folder. Names that
/// begin with a dot, such as those of files under work, are passed over, and so is
/// what is gone by the time that it is looked at.
///
/// # Errors
/// The path that cannot be read, and why; those of `each`.
pub fn files_below<E: From<(PathBuf, io::Error)>>(
    folder: &Path,
    passed_over: &[&str],
    mut each: impl FnMut(Found) -> Result<(), E>,
) -> Result<(), E> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(current) = folders.pop() {
        let failed = |error| E::from((current.clone(), error));
        let entries = match fs::read_dir(&current) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && current != folder => continue,
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if name.as_encoded_bytes().starts_with(b".")
                || (current == folder && passed_over.iter().any(|over| name == *over))
            {
                continue;
            }
            let metadata = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(failed)?,
            };
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if metadata.is_file() {
                each(Found {
                    path: entry.path(),
                    size: metadata.len(),
                })?;
            }
        }
    }
    Ok(())
}
