//! The file of the lines that were typed: one a line, its line ends written as `\n`.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};

/// Lines that are remembered.
pub const MOST: usize = 1000;

/// Bytes from which on the file is cut to the lines that are remembered.
const LARGEST: u64 = 1024 * 1024;

/// Tries to get the lock on the file, and the pause between them: nobody holds it
/// for longer than a write, but who was stopped in it.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// Where lines are kept; nowhere once that failed.
#[derive(Debug)]
pub struct History {
    path: Option<PathBuf>,
}

impl History {
    /// Returns the history in that folder, or one that is kept nowhere.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let path = folder.map(|folder| folder.join("history"));
        Self { path }
    }

    /// Returns the lines that are remembered, the oldest first.
    ///
    /// # Errors
    /// Why there are none, and none will be kept; told once.
    pub fn load(&mut self) -> Result<Vec<String>, String> {
        self.try_with(|path| {
            let mut file = open(path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(LARGEST)))?;
            let mut bytes = Vec::new();
            file.take(LARGEST).read_to_end(&mut bytes)?;
            let text = String::from_utf8_lossy(&bytes);
            let mut lines: Vec<String> = text.lines().map(decoded).collect();
            if length > LARGEST {
                // The first one may have lost its beginning.
                lines.remove(0);
                shorten(path)?;
            }
            Ok(lines.split_off(lines.len().saturating_sub(MOST)))
        })
    }

    /// Keeps a line.
    ///
    /// # Errors
    /// Why it is not kept, nor any after it; told once.
    pub fn add(&mut self, line: &str) -> Result<(), String> {
        self.try_with(|path| {
            let mut file = open(path)?;
            let mut text = format!("{}\n", encoded(line));
            if !ends_in_line_end(&mut file)? {
                text.insert(0, '\n');
            }
            file.write_all(text.as_bytes())
        })
    }

    fn try_with<T: Default>(&mut self, work: impl Fn(&Path) -> io::Result<T>) -> Result<T, String> {
        let Some(path) = self.path.take() else {
            return Ok(T::default());
        };
        match work(&path) {
            Ok(done) => {
                self.path = Some(path);
                Ok(done)
            }
            Err(error) => Err(format!(
                "no history is kept in `{}`: {error}",
                path.display()
            )),
        }
    }
}

/// Returns the file, locked. One that others could read or exchange is not used.
fn open(path: &Path) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let me = rustix::process::geteuid().as_raw();
    let found = fs::symlink_metadata(folder)?;
    if found.is_symlink() {
        return Err(io::Error::other("its folder is a link"));
    }
    if found.uid() != me || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write its folder"));
    }
    loop {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
            .open(path)
            .map_err(|error| match fs::symlink_metadata(path) {
                Ok(found) if found.is_symlink() => io::Error::other("it is a link"),
                _ => error,
            })?;
        let opened = file.metadata()?;
        if !opened.is_file() || opened.uid() != me || opened.nlink() > 1 {
            return Err(io::Error::other("it is no regular file of yours alone"));
        }
        lock(&file)?;
        // Somebody may have put a shorter one in its place meanwhile.
        let there = fs::symlink_metadata(path).ok();
        if there.is_some_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino())) {
            if opened.mode() & 0o077 != 0 {
                file.set_permissions(Permissions::from_mode(0o600))?;
            }
            return Ok(file);
        }
    }
}

fn lock(file: &File) -> io::Result<()> {
    for _ in 0..TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(PAUSE),
            other => return Ok(other?),
        }
    }
    Err(io::Error::other("another process holds it"))
}

fn ends_in_line_end(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Puts a file with the last lines in the place of one that is too large.
fn shorten(path: &Path) -> io::Result<()> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    if length <= LARGEST {
        return Ok(());
    }
    file.seek(SeekFrom::Start(length - LARGEST / 2))?;
    let mut bytes = Vec::new();
    (&file).take(LARGEST).read_to_end(&mut bytes)?;
    let begin = bytes.iter().position(|&byte| byte == b'\n');
    let rest = begin.map_or(&[][..], |begin| &bytes[begin + 1..]);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut new = tempfile::Builder::new()
        .prefix(".history-")
        .tempfile_in(folder)?;
    new.write_all(rest)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

fn encoded(line: &str) -> String {
    line.replace('\\', "\\\\").replace('\n', "\\n")
}

fn decoded(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(one) = characters.next() {
        match (one, one == '\\') {
            (_, true) => match characters.next() {
                Some('n') => text.push('\n'),
                Some(other) => text.push(other),
                None => text.push('\\'),
            },
            (one, false) => text.push(one),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("a folder")
    }

    fn history(folder: &Path) -> History {
        History::new(Some(folder.join("imgdex")))
    }

    #[test]
    fn lines_come_back_as_they_were_and_only_to_their_owner() {
        let folder = folder();
        let lines = ["images list", "a 'b\nc' \\n \\\\", "é"];
        for line in lines {
            history(folder.path()).add(line).expect("kept");
        }
        assert_eq!(history(folder.path()).load().expect("there"), lines);
        let mode = |path: &str| {
            let found = fs::metadata(folder.path().join(path)).expect("there");
            found.mode() & 0o7777
        };
        assert_eq!((mode("imgdex"), mode("imgdex/history")), (0o700, 0o600));
        let path = folder.path().join("imgdex/history");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        history(folder.path()).load().expect("there");
        assert_eq!(mode("imgdex/history"), 0o600);
    }

    #[test]
    fn a_file_or_folder_of_others_is_not_used_and_that_is_told_once() {
        let check = |prepare: &dyn Fn(&Path), words: &str| {
            let folder = folder();
            prepare(folder.path());
            let mut history = history(folder.path());
            let told = history.add("images list").expect_err("refused");
            assert!(told.contains(words), "{told}");
            assert_eq!(history.add("groups list"), Ok(()));
            assert_eq!(history.load(), Ok(Vec::new()));
        };
        let make = |path: &Path| fs::create_dir(path.join("imgdex")).expect("made");
        check(
            &|path| {
                make(path);
                fs::write(path.join("other"), "").expect("written");
                symlink(path.join("other"), path.join("imgdex/history")).expect("linked");
            },
            "it is a link",
        );
        check(
            &|path| {
                make(path);
                fs::set_permissions(path.join("imgdex"), Permissions::from_mode(0o777))
                    .expect("set");
            },
            "others can write its folder",
        );
        check(
            &|path| symlink("/tmp", path.join("imgdex")).expect("linked"),
            "its folder is a link",
        );
        check(
            &|path| {
                make(path);
                fs::create_dir(path.join("imgdex/history")).expect("made");
            },
            "directory",
        );
    }

    #[test]
    fn a_line_that_was_cut_off_takes_no_other_with_it() {
        let folder = folder();
        history(folder.path()).add("a").expect("kept");
        fs::write(folder.path().join("imgdex/history"), "a\nhalf").expect("written");
        history(folder.path()).add("b").expect("kept");
        assert_eq!(
            history(folder.path()).load().expect("there"),
            ["a", "half", "b"]
        );
    }

    #[test]
    fn a_file_that_grew_is_cut_to_its_last_lines() {
        let folder = folder();
        history(folder.path()).add("a").expect("kept");
        let path = folder.path().join("imgdex/history");
        let text: String = (0..200_000).map(|line| format!("line {line}\n")).collect();
        fs::write(&path, text).expect("written");
        let lines = history(folder.path()).load().expect("there");
        assert_eq!(lines.len(), MOST);
        assert_eq!(lines.last().map(String::as_str), Some("line 199999"));
        assert!(fs::metadata(&path).expect("there").len() <= LARGEST);
        history(folder.path()).add("b").expect("kept");
        let lines = history(folder.path()).load().expect("there");
        assert_eq!(lines[lines.len() - 2..], ["line 199999", "b"]);
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
    }

    #[test]
    fn two_shells_at_once_lose_nothing() {
        let folder = folder();
        let path = folder.path();
        thread::scope(|scope| {
            for shell in 0..4 {
                scope.spawn(move || {
                    for line in 0..50 {
                        history(path).add(&format!("{shell} {line}")).expect("kept");
                    }
                });
            }
        });
        assert_eq!(history(path).load().expect("there").len(), 200);
    }
}
