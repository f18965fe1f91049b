//! Images kept or recorded on this machine: their files in the store, their records
//! in the catalog.
//!
//! A record is committed only when its file is in place. A file is put there in the
//! write transaction of its record, so that who looks at both while holding the
//! transaction sees them agree; what takes long (reading, copying) is done before.

mod add;
mod change;
mod check;
mod check_oci;
mod find;
mod keep;
mod oci;
mod record;
mod refresh;
mod sregistry;
mod start;

pub use add::{Added, Keep, NewFile, add};
pub use change::{label, move_file, remove, rename};
pub use check::{Check, Finding, check};
pub use find::{find, find_all, find_one, path_of};
pub use keep::{Keeping, keep};
pub use oci::place_of;
pub use record::{record, record_of_reference, recorded_reference, supersede};
pub use refresh::{Refreshed, questions_of, remotes, write_refreshed};
pub use sregistry::{Imported, import};
pub use start::start_of;

use std::path::PathBuf;

use super::error::{Faults, ItemName};
use super::{Error, Result, Source};
use crate::domain::name::shorten;
use crate::domain::stored::{StoredImage, StoredName, client, name_of_url};
use crate::formats::document::{Node, write_json};
use crate::store::files::{self, Measured};

fn record_of(
    name: StoredName,
    path: PathBuf,
    measured: Measured,
    metadata: Vec<(String, String)>,
) -> StoredImage {
    StoredImage {
        id: 0,
        uri: name.with_version(Some(&measured.sha256)),
        client: client::FILE.to_owned(),
        path: Some(path),
        url: None,
        size: Some(measured.size),
        sha256: Some(measured.sha256),
        metadata,
        labels: std::collections::BTreeMap::new(),
        created_at: String::new(),
    }
}

/// A reference to be recorded without a file.
#[derive(Debug)]
pub struct NewRecord {
    /// Unset where the metadata names it.
    pub url: Option<String>,
    /// Unset where it is made of the URL.
    pub name: Option<StoredName>,
    /// Names, and values that are JSON text.
    pub metadata: Vec<(String, String)>,
}

/// Returns the record of a URL, which is not put into the catalog yet.
///
/// # Errors
/// Where there is no URL, for a bad one, and where no name can be made of it.
pub fn record_of_url(new: NewRecord) -> Result<StoredImage> {
    let said = new
        .metadata
        .iter()
        .find(|(key, _)| key == "url")
        .and_then(|(_, value)| serde_json::from_str::<String>(value).ok());
    if let Some(said) = &said {
        name_of_url(said).map_err(Error::invalid)?;
    }
    let Some(url) = new.url.or(said) else {
        return Err(Error::invalid(
            "there is no URL to record: give it with `--url`, or as `url` in the metadata",
        ));
    };
    let made = name_of_url(&url).map_err(Error::invalid)?;
    let name = match new.name {
        Some(name) => name,
        None => StoredName::parse(&made).map_err(|_| {
            Error::invalid(format!(
                "no name can be made of `{}`: give one with `--name`",
                shorten(&url)
            ))
        })?,
    };
    Ok(StoredImage {
        id: 0,
        uri: name.with_version(None),
        client: client::URL.to_owned(),
        path: None,
        url: Some(url),
        size: None,
        sha256: None,
        metadata: new.metadata,
        labels: std::collections::BTreeMap::new(),
        created_at: String::new(),
    })
}

/// Returns the fields of an input that is one object.
///
/// # Errors
/// For everything else.
pub fn metadata<R: std::io::Read>(mut source: Source<R>) -> Result<Vec<(String, String)>> {
    const SUMMARY: &str = "the metadata cannot be read; nothing was written";
    let mut faults = Faults::default();
    let node = match source.items.next() {
        None => {
            return Err(Error::invalid(
                "the metadata is empty: it is to be one object",
            ));
        }
        Some(Ok(node)) => node,
        Some(Err(error)) => {
            faults.syntax(&source.name, error)?;
            return Err(faults.into_error(SUMMARY));
        }
    };
    let at_item = |position| ItemName {
        position,
        name: String::new(),
    };
    match source.items.next() {
        None => {}
        Some(Err(error)) => faults.syntax(&source.name, error)?,
        Some(Ok(second)) => {
            let fault = second.fault("", "metadata is one object, but here is another");
            faults.item(&source.name, &at_item(2), vec![fault]);
        }
    }
    if node.as_map().is_none() {
        let fault = node.fault(
            "",
            format!("metadata is one object, but this is {}", node.kind_name()),
        );
        faults.item(&source.name, &at_item(1), vec![fault]);
    }
    if faults.is_empty() {
        Ok(fields_of(node))
    } else {
        Err(faults.into_error(SUMMARY))
    }
}

/// Returns the fields of an object, each with its JSON text.
fn fields_of(node: Node) -> Vec<(String, String)> {
    let json = |node: &Node| {
        let mut text = Vec::new();
        write_json(node, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    };
    let entries = node.into_map().unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| {
            let text = json(&entry.node);
            (entry.key, text)
        })
        .collect()
}

impl From<files::Error> for Error {
    fn from(error: files::Error) -> Self {
        use files::Error as E;
        let what = error.to_string();
        match error {
            E::Read { path, source } => Self::Read {
                name: path.display().to_string(),
                source,
            },
            E::Write { path, source } => Self::Write {
                name: path.display().to_string(),
                source,
            },
            E::NotRegular { .. } => Self::Unsafe {
                what,
                hint: "name the file itself".to_owned(),
            },
            E::Folder { .. } => Self::invalid(format!("{what}: name a file")),
            E::Changed { .. } => Self::Refused {
                what,
                hint: "try again when nothing writes it".to_owned(),
            },
            E::Exists { .. } => Self::Exists {
                what,
                hint: "name a path that does not exist; nothing is written over".to_owned(),
            },
            E::Interrupted => Self::Interrupted,
        }
    }
}

impl From<(PathBuf, std::io::Error)> for Error {
    fn from((path, source): (PathBuf, std::io::Error)) -> Self {
        Self::Read {
            name: path.display().to_string(),
            source,
        }
    }
}
