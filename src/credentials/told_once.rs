//! A file for a value that is told only once: it is there, and known to be writable,
//! before anybody is asked for the value.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Error, Result};

/// A file, for its owner alone, that waits for its text. It goes away again where none
/// comes.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    place: Option<Place>,
}

#[derive(Debug)]
enum Place {
    /// The file itself, which was not there before.
    Own(File),
    /// One beside the file that it is to take the place of.
    Beside(NamedTempFile),
}

impl NewFile {
    /// Makes the file; `replace` says whether it may take the place of one that is there.
    ///
    /// # Errors
    /// Where it cannot be made, or is there already.
    pub fn make(path: &Path, replace: bool) -> Result<Self> {
        let place = match fs::symlink_metadata(path) {
            Ok(found) if replace => {
                if found.is_file() || found.is_symlink() {
                    let made = tempfile::Builder::new()
                        .prefix(".imgdex-secret-")
                        .tempfile_in(folder_of(path));
                    made.map(Place::Beside)
                } else {
                    Err(io::Error::other("it is not a regular file"))
                }
            }
            // A link is not followed, wherever it leads.
            _ => OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map(Place::Own),
        };
        Ok(Self {
            path: path.to_path_buf(),
            place: Some(place.map_err(failed("make", path))?),
        })
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the text, for good.
    ///
    /// # Errors
    /// Where it cannot be written; then the text is nowhere, and a file that was there
    /// before is as it was.
    pub fn keep(mut self, text: &[u8]) -> Result<()> {
        let write = |place: &mut Option<Place>| -> io::Result<()> {
            if let Some(place) = place {
                let file = match place {
                    Place::Own(file) => file,
                    Place::Beside(file) => file.as_file_mut(),
                };
                file.write_all(text)?;
                file.sync_all()?;
            }
            if let Some(Place::Beside(file)) = place.take() {
                file.persist(&self.path).map_err(|error| error.error)?;
            }
            Ok(())
        };
        write(&mut self.place).map_err(failed("write", &self.path))?;
        // The file has the text now, whatever becomes of its folder.
        let _ = File::open(folder_of(&self.path)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(Place::Own(_)) = self.place {
            // An empty file is all that would be left.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or_else(|| Path::new("."))
}

fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::File {
        action,
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn check(path: &Path, text: &str) {
        assert_eq!(fs::read_to_string(path).expect("there"), text);
        let mode = fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_new_or_takes_anothers_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        NewFile::make(&path, false)
            .and_then(|file| file.keep(b"one"))
            .expect("kept");
        check(&path, "one");
        NewFile::make(&path, false).expect_err("it is there");
        check(&path, "one");
        drop(NewFile::make(&path, true).expect("it may"));
        check(&path, "one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        NewFile::make(&path, true)
            .and_then(|file| file.keep(b"two"))
            .expect("kept");
        check(&path, "two");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_text_that_was_written_is_not_lost_with_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        fs::create_dir(&before).expect("a folder");
        let file = NewFile::make(&before.join("secret"), false).expect("made");
        // Nothing that could be synchronized is there under its name any more.
        fs::rename(&before, &after).expect("renamed");
        file.keep(b"one").expect("kept");
        check(&after.join("secret"), "one");
    }

    #[test]
    fn nothing_is_left_where_no_text_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        for replace in [false, true] {
            let path = folder.path().join("secret");
            let file = NewFile::make(&path, replace).expect("made");
            assert!(path.exists());
            drop(file);
            assert!(!path.exists());
        }
    }

    #[test]
    fn links_and_folders_are_not_written_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("link"), folder.path().join("other"));
        std::os::unix::fs::symlink(&other, &path).expect("a link");
        NewFile::make(&path, false).expect_err("it is there");
        assert!(!other.exists());
        NewFile::make(&path, true)
            .and_then(|file| file.keep(b"one"))
            .expect("kept");
        assert!(!other.exists());
        check(&path, "one");
        NewFile::make(folder.path(), true).expect_err("a folder");
        NewFile::make(&folder.path().join("a/b"), false).expect_err("no folder");
    }
}
