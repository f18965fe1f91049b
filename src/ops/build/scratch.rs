//! The folders that one build has for what it needs meanwhile. They are called after it,
//! by a name that nobody else uses, and so are in all that its engine is told.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::ops::{Error, Result};

/// How the name begins.
const MARKER: &str = "imgdex-build-";

/// Where engines put down what is large, unless `TMPDIR` says otherwise: `/tmp` is in
/// memory on many machines.
const LARGE: &str = "/var/tmp";

/// The folders of a build, removed with the value.
#[derive(Debug)]
pub struct Scratch {
    pub marker: String,
    /// What we write ourselves, credentials included.
    pub folder: PathBuf,
    /// What the engine writes: layers on their way, and what it runs containers with.
    pub temporary: PathBuf,
}

impl Scratch {
    /// Makes the folders of a new build.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn begin() -> Result<Self> {
        let marker = format!("{MARKER}{}", uuid::Uuid::new_v4().simple());
        let folder = std::path::absolute(std::env::temp_dir().join(&marker))
            .map_err(cannot_write(Path::new(&marker)))?;
        make(&folder).map_err(cannot_write(&folder))?;
        let large = Path::new(LARGE).join(&marker);
        let is_large = std::env::var_os("TMPDIR").is_none() && make(&large).is_ok();
        let temporary = match is_large {
            true => large,
            false => folder.join("temporary"),
        };
        let scratch = Self {
            marker,
            folder,
            temporary,
        };
        if !is_large {
            make(&scratch.temporary).map_err(cannot_write(&scratch.temporary))?;
        }
        Ok(scratch)
    }

    /// Returns the folders of a build that did not remove them, by the path of the first;
    /// nothing where that is no such folder's.
    #[must_use]
    pub fn left(folder: &Path) -> Option<Self> {
        let marker = folder.file_name()?.to_str()?;
        let id = marker.strip_prefix(MARKER)?;
        let is_ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let large = Path::new(LARGE).join(marker);
        is_ours.then(|| Self {
            marker: marker.to_owned(),
            folder: folder.to_path_buf(),
            temporary: match large.exists() {
                true => large,
                false => folder.join("temporary"),
            },
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody could be told where something cannot be removed.
        if is_mounted_below(&self.marker) {
            // Files that are somebody else's would be removed through it.
            for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path != self.temporary {
                    let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
                }
            }
        } else {
            let _ = fs::remove_dir_all(&self.temporary);
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

fn cannot_write(folder: &Path) -> impl FnOnce(io::Error) -> Error {
    let name = folder.display().to_string();
    |source| Error::Write { name, source }
}

/// Returns whether something is mounted in the folders of that name. Engines mount where
/// nobody else sees it, unless they are made to do otherwise.
fn is_mounted_below(marker: &str) -> bool {
    let mounts = fs::read("/proc/self/mounts").unwrap_or_default();
    let places = String::from_utf8_lossy(&mounts);
    let mut places = places.lines().filter_map(|line| line.split(' ').nth(1));
    places.any(|place| place.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_go_with_the_value_and_those_of_another_build_too() {
        let scratch = Scratch::begin().expect("made");
        let (folder, temporary) = (scratch.folder.clone(), scratch.temporary.clone());
        fs::create_dir(temporary.join("large")).expect("made");
        fs::write(folder.join("config.json"), "{}").expect("written");
        let found = Scratch::left(&folder).expect("its folder");
        assert_eq!(
            (&found.marker, &found.temporary),
            (&scratch.marker, &temporary)
        );
        std::mem::forget(scratch);
        drop(found);
        assert!(!folder.exists() && !temporary.exists());
    }

    #[test]
    fn no_other_folder_is_taken_for_one() {
        let zeros = "0".repeat(32);
        let is_one = |path: String| Scratch::left(Path::new(&path)).is_some();
        assert!(is_one(format!("/absent/imgdex-build-{zeros}")));
        for path in [
            String::new(),
            "/".to_owned(),
            "/tmp".to_owned(),
            format!("/tmp/{zeros}"),
            format!("/tmp/imgdex-build-{zeros}0"),
            format!("/tmp/imgdex-build-{zeros}/.."),
            format!("/tmp/imgdex-build-{}", "g".repeat(32)),
        ] {
            assert!(!is_one(path.clone()), "{path}");
        }
    }
}
