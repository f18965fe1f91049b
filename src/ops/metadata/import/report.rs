//! What an import is asked for, and what became of the files.

use crate::domain::platform::Platform;
use crate::ops::metadata::LeftOut;
use crate::ops::verify::Verified;

/// How files are imported.
#[derive(Debug, Clone, Copy)]
pub struct ImportOptions<'a> {
    pub platform: Platform,
    /// Whether the fields that a file has replace those of an image of its name.
    pub overwrite: bool,
    /// Whether entries that are not valid are kept as they came.
    pub include_invalid: bool,
    /// Whether nothing is to go in unless everything can.
    pub strict: bool,
    /// Whether names that are not allowed become the nearest allowed ones.
    pub rename: bool,
    /// What registries say of the references, where they were asked.
    pub verified: Option<&'a Verified>,
}

/// What became of the files.
#[derive(Debug)]
pub struct ImportReport {
    pub counts: Counts,
    pub left_out: LeftOut,
}

/// How many entries of which kind there were.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Those that went in, those that are not valid among them.
    pub imported: u64,
    /// Those that are kept though they are not valid.
    pub invalid: u64,
    pub unchanged: u64,
    /// Those that were left out because their names exist.
    pub existing: u64,
}
