//! What an export is asked for, and what it tells.

use std::path::Path;
use std::time::Duration;

use crate::domain::platform::Platform;
use crate::ops::metadata::Digests;

/// What is exported, and how.
#[derive(Debug, Clone)]
pub struct ExportOptions<'a> {
    pub platform: Platform,
    /// Only images of this group (an id or a name), with these tags, of this kind.
    pub group: Option<String>,
    pub tags: Vec<String>,
    pub kind: Option<String>,
    /// Whether images that do not belong to the platform go out too.
    pub all: bool,
    pub clean: bool,
    pub include_invalid: bool,
    pub digests: Digests,
    /// Whether names that are not allowed become the nearest allowed ones.
    pub rename: bool,
    pub home: Option<&'a Path>,
    pub lock_timeout: Duration,
}

/// What an export did.
#[derive(Debug, Default)]
pub struct ExportReport {
    /// Entries that were written, those that are not valid among them.
    pub exported: u64,
    pub invalid: u64,
    /// Images that belong to the platform, or were all asked for, and were not
    /// written.
    pub left_out: u64,
}

/// What is to be told of an export while it goes on.
#[derive(Debug)]
pub enum Told<'a> {
    /// Fields that the platform has no place for.
    Lost { name: &'a str, fields: &'a [String] },
    /// An image that was not written.
    LeftOut { name: &'a str, why: &'a str },
    /// An image that was written under another name.
    Renamed { name: &'a str, to: &'a str },
    /// A reference that could not be written as asked for.
    Lacks {
        name: &'a str,
        field: &'a str,
        what: &'a str,
    },
    /// A file that is of no export and stays.
    Foreign { file: &'a str },
    /// So many were written by now.
    Progress(u64),
}
