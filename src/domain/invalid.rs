//! Entries of imported files that are kept though they are not valid.

use super::platform::Platform;

/// An entry that is kept as it came, with the reason why it is not an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEntry {
    pub platform: Platform,
    /// As its file names it: any text.
    pub name: String,
    pub reason: String,
    /// The bytes as they came: a whole file, or one entry as JSON.
    pub raw: Vec<u8>,
    /// The name of the file that it is the whole of; unset for one entry of several.
    pub source: Option<String>,
}
