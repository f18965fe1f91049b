//! Names of images in the storage of an engine. buildah reads and writes all names of an
//! image as one list: of two processes that name one image at once, the one's name is lost
//! or the other's comes back. So only one process of a user does it at a time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::process::Watch;

/// How often it is looked whether another process is done.
const BETWEEN: Duration = Duration::from_millis(20);

/// The right to name images, until it is dropped.
#[derive(Debug)]
pub struct Names {
    _file: File,
}

impl Names {
    /// Waits for the right while `watch` says so; nothing where it does not, and where the
    /// common folder for temporary files cannot be used for it.
    pub fn take(watch: Watch<'_>) -> Option<Self> {
        let user = geteuid().as_raw();
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        let file = options
            .custom_flags(flags)
            .open(format!("/var/tmp/imgdex-{user}.lock"))
            .ok()?;
        let found = file.metadata().ok()?;
        if found.uid() != user || !found.is_file() {
            // Somebody else could keep it for ever.
            return None;
        }
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Some(Self { _file: file }),
                Err(Errno::WOULDBLOCK) if watch("waiting for another build's pull") => {
                    thread::sleep(BETWEEN);
                }
                Err(_) => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_the_right_at_a_time() {
        let first = Names::take(&mut |_| true).expect("it is free, or gets free");
        let mut asked = 0;
        let second = Names::take(&mut |_| {
            asked += 1;
            asked < 3
        });
        assert!(second.is_none() && asked == 3);
        drop(first);
        assert!(Names::take(&mut |_| true).is_some());
    }
}
