//! Networks that are kept from one line of a shell to the next, with their connections
//! and tokens.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::network::Reach;
use crate::registry::{Settings, Work};

/// The most networks that are kept.
const MOST: usize = 4;

/// The networks that were used last, the latest at the end.
#[derive(Default)]
pub struct Networks(Vec<(Means, Reach)>);

/// What a network was made with: one with other settings, or other credentials, is
/// another one.
#[derive(Debug, PartialEq)]
pub struct Means {
    settings: Settings,
    /// The files that it reads, and what they were.
    files: Vec<(PathBuf, Option<Stamp>)>,
    work: Work,
}

#[derive(Debug, PartialEq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Means {
    pub fn new(settings: &Settings, credentials: &[PathBuf], work: Work) -> Self {
        let certificates = settings
            .hosts
            .values()
            .filter_map(|host| host.ca_file.as_ref());
        let files = credentials.iter().chain(certificates);
        Self {
            settings: settings.clone(),
            files: files.map(|path| (path.clone(), Stamp::of(path))).collect(),
            work,
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl Networks {
    pub fn get(&self, means: &Means) -> Option<Reach> {
        let found = self.0.iter().find(|(kept, _)| kept == means);
        found.map(|(_, reach)| reach.clone())
    }

    pub fn put(&mut self, means: Means, reach: Reach) {
        self.0.push((means, reach));
        if self.0.len() > MOST {
            self.0.remove(0);
        }
    }

    /// Forgets them all: who asks may be somebody else now.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
