//! The folders that one build has for what it needs meanwhile. They are called after it,
//! by a name that nobody else uses, and so are in all that its engine is told.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::build::Session;
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
    /// Whether the image's id stays where it is, for who removes the image later.
    pub keeps_id: bool,
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
            keeps_id: false,
        };
        if !is_large {
            make(&scratch.temporary).map_err(cannot_write(&scratch.temporary))?;
        }
        Ok(scratch)
    }

    /// Returns the folders of a build that did not remove them, by the path of the first;
    /// nothing where that is no such folder's. Those that are gone, or are somebody else's
    /// by now, as after a reboot, new ones stand in for.
    #[must_use]
    pub fn left(folder: &Path) -> Option<Self> {
        let marker = folder.file_name()?.to_str()?;
        let id = marker.strip_prefix(MARKER)?;
        let is_ours = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_ours {
            return None;
        }
        let large = Path::new(LARGE).join(marker);
        let (folder, temporary) = match (is_own(folder), is_own(&large)) {
            (true, true) => (folder.to_path_buf(), large),
            (true, false) => {
                let temporary = folder.join("temporary");
                // Engines want one.
                let _ = make(&temporary);
                (folder.to_path_buf(), temporary)
            }
            (false, true) => (large.clone(), large),
            (false, false) => {
                let mut scratch = Self::begin().ok()?;
                marker.clone_into(&mut scratch.marker);
                return Some(scratch);
            }
        };
        Some(Self {
            marker: marker.to_owned(),
            folder,
            temporary,
            keeps_id: false,
        })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nobody could be told where something cannot be removed. Credentials go before
        // what is large.
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_kept = self.keeps_id && entry.file_name() == Session::ID;
            if path != self.temporary && !is_kept {
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
        // Else files that are somebody else's would be removed through it.
        if !self.folder.file_name().is_some_and(is_mounted_below) {
            let _ = fs::remove_dir_all(&self.temporary);
            // Unless something is kept.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Returns whether a folder is there, and ours: others may use the name once it is free.
fn is_own(folder: &Path) -> bool {
    let found = fs::symlink_metadata(folder);
    found.is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw())
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
fn is_mounted_below(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let mounts = fs::read("/proc/self/mounts").unwrap_or_default();
    let places = String::from_utf8_lossy(&mounts);
    let mut places = places.lines().filter_map(|line| line.split(' ').nth(1));
    places.any(|place| place.contains(&*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{chown, symlink};

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
    fn of_the_folders_the_id_of_the_image_may_stay() {
        let mut scratch = Scratch::begin().expect("made");
        let (folder, temporary) = (scratch.folder.clone(), scratch.temporary.clone());
        fs::create_dir(folder.join("push")).expect("made");
        for name in ["push/config.json", "Containerfile", "id"] {
            fs::write(folder.join(name), "{}").expect("written");
        }
        scratch.keeps_id = true;
        drop(scratch);
        let left = fs::read_dir(&folder).expect("a folder").flatten();
        let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
        assert_eq!((left, temporary.exists()), (vec!["id".into()], false));
        // Engines have where to write all the same.
        let found = Scratch::left(&folder).expect("its folder");
        assert!(found.folder == folder && found.temporary.is_dir());
        drop(found);
        assert!(!folder.exists());
    }

    /// Returns a path for a folder of a build that is gone.
    fn path(place: &Path) -> (String, PathBuf) {
        let marker = format!("{MARKER}{}", uuid::Uuid::new_v4().simple());
        let path = place.join(&marker);
        (marker, path)
    }

    #[test]
    fn what_others_have_by_the_name_by_now_is_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let target = place.path().join("target");
        fs::create_dir(&target).expect("made");
        fs::write(target.join("id"), "0123456789abcdef").expect("written");
        let (linked, file, theirs) = (path(place.path()), path(place.path()), path(place.path()));
        symlink(&target, &linked.1).expect("linked");
        fs::write(&file.1, "").expect("written");
        fs::create_dir(&theirs.1).expect("made");
        fs::write(theirs.1.join("id"), "0123456789abcdef").expect("written");
        let absent = path(place.path());
        let mut cases = vec![linked, file, absent];
        // Only the superuser gives folders away.
        if chown(&theirs.1, Some(1), Some(1)).is_ok() {
            cases.push(theirs.clone());
        }
        for (marker, path) in cases {
            let found = Scratch::left(&path).expect("its folder");
            let (folder, temporary) = (found.folder.clone(), found.temporary.clone());
            assert_eq!(found.marker, marker);
            assert!(folder != path && is_own(&folder) && is_own(&temporary));
            assert!(!temporary.starts_with(&path) && !folder.join("id").exists());
            drop(found);
            assert!(!folder.exists() && !temporary.exists());
        }
        assert!(target.join("id").exists() && theirs.1.join("id").exists());
    }

    #[test]
    fn what_is_large_outlives_a_reboot_and_is_removed() {
        let place = tempfile::tempdir().expect("a folder");
        let (marker, gone) = path(place.path());
        let large = Path::new(LARGE).join(&marker);
        make(&large).expect("made");
        fs::create_dir(large.join("layers")).expect("made");
        let found = Scratch::left(&gone).expect("its folder");
        assert_eq!((&found.marker, &found.temporary), (&marker, &large));
        drop(found);
        assert!(!large.exists() && !gone.exists());
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
