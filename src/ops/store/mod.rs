//! Images kept or recorded on this machine: their files in the store, their records
//! in the catalog.
//!
//! A record is committed only when its file is in place. A file is put there in the
//! write transaction of its record, so that who looks at both while holding the
//! transaction sees them agree; what takes long (reading, copying) is done before.

mod change;
mod check;
mod find;
mod sregistry;

pub use change::{label, move_file, remove, rename};
pub use check::{Check, Finding, check};
pub use find::{find, find_all, find_one, path_of};
pub use sregistry::{Imported, import};

use std::path::{Path, PathBuf};

use super::error::{Faults, ItemName};
use super::{Error, Result, Source};
use crate::catalog::{Catalog, Put, Writer};
use crate::domain::change::Actor;
use crate::domain::name::shorten;
use crate::domain::stored::{StoredImage, StoredName, StoredUri, client, ending_of, name_of_url};
use crate::formats::document::{Node, write_json};
use crate::store::files::{self, GoOn, Measured};
use crate::store::place::Beside;

/// What becomes of a file that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It goes into the store.
    Move,
    /// A copy of it goes into the store.
    Copy,
    /// It stays, and is only recorded.
    InPlace,
}

/// A file to be added.
#[derive(Debug)]
pub struct NewFile<'a> {
    pub file: &'a Path,
    pub name: StoredName,
    pub keep: Keep,
    /// Names, and values that are JSON text.
    pub metadata: Vec<(String, String)>,
    pub store: &'a Path,
}

/// What was put into the catalog.
#[derive(Debug)]
pub struct Added {
    pub image: StoredImage,
    pub put: Put,
    /// Why the file could not be taken from where it was.
    pub stays: Option<files::Error>,
}

/// Adds a file to the store, or records where it is.
///
/// # Errors
/// For what is not a regular file, and where it cannot be put or recorded; the file
/// is where it was then, and the store as it was.
pub fn add(
    open: impl FnOnce() -> Result<Catalog>,
    actor: Actor,
    new: NewFile<'_>,
    go_on: GoOn<'_>,
) -> Result<Added> {
    let mut source = files::Source::open(new.file)?;
    if new.keep == Keep::InPlace {
        let measured = source.measure(go_on)?;
        let image = record_of(
            new.name,
            source.path().to_path_buf(),
            measured,
            new.metadata,
        );
        let mut catalog = open()?;
        return put_in_place(&mut catalog, actor, image);
    }
    files::make_folder(new.store)?;
    let store = files::real_folder(new.store)?;
    let folder = store.join(&new.name.collection).join(&new.name.name);
    files::make_folder(&folder)?;
    let linked = match new.keep {
        Keep::Move => Beside::link(&source, &folder)?,
        _ => None,
    };
    let (beside, measured) = match linked {
        Some(beside) => (beside, source.measure(go_on)?),
        None => Beside::copy(&mut source, &folder, go_on)?,
    };
    let ending = ending_of(new.file);
    let mut image = record_of(new.name, PathBuf::new(), measured, new.metadata);
    let place = store.join(image.uri.path(ending.as_deref()));
    image.path = Some(place.clone());
    let mut catalog = open()?;
    if source.path() == place {
        drop(beside);
        return put_in_place(&mut catalog, actor, image);
    }
    if new.keep == Keep::Move {
        refuse_to_take(&catalog, source.path(), &image.uri)?;
    }
    let writer = catalog.begin(actor.clone())?;
    let before = writer.stored_image(&image.uri)?;
    let placed = beside.put(&place)?;
    let done = put_and_commit(writer, &image);
    // What was placed is taken away again where there is no record of it. There can be
    // one though the commit failed: where the disk did not confirm it.
    let is_recorded = || {
        find::reread(&catalog, &image.uri)
            .is_ok_and(|now| now.path.as_deref() == Some(&*place) && now.sha256 == image.sha256)
    };
    if done.is_ok() || is_recorded() {
        placed.keep();
    }
    let (put, stored) = done?;
    // The same content under another ending.
    if let Some(old) = before.and_then(|before| {
        let is_same = before.sha256 == image.sha256;
        before
            .path
            .filter(|old| is_same && *old != place && old.starts_with(&store))
    }) && source.path() != old
    {
        // Where it stays, `check` tells of it.
        let _ = change::unless_recorded(&mut catalog, actor.clone(), &old, || files::remove(&old));
    }
    let stays = match new.keep {
        Keep::Move => source.remove().err(),
        _ => None,
    };
    Ok(Added {
        image: stored,
        put,
        stays,
    })
}

/// Puts a record and returns it as it became: another process may change it again as
/// soon as it is there.
fn put_and_commit(writer: Writer<'_>, image: &StoredImage) -> Result<(Put, StoredImage)> {
    let put = writer.put_stored(image)?;
    let stored = writer.stored_image(&image.uri)?;
    writer.commit()?;
    Ok((put, stored.unwrap_or_else(|| image.clone())))
}

/// Refuses to move away the file of another record.
fn refuse_to_take(catalog: &Catalog, path: &Path, uri: &StoredUri) -> Result<()> {
    if !catalog.is_shared(path, uri)? {
        return Ok(());
    }
    Err(Error::Refused {
        what: format!("`{}` is the file of another record", path.display()),
        hint: "give it another name with `imgdex store rename`, or keep both with `--copy`"
            .to_owned(),
    })
}

/// Records a file where it is, unless the record has the same file in another place.
fn put_in_place(catalog: &mut Catalog, actor: Actor, mut image: StoredImage) -> Result<Added> {
    let writer = catalog.begin(actor)?;
    if let Some(before) = writer.stored_image(&image.uri)?
        && before.sha256 == image.sha256
        && before.path.is_some_and(|path| !files::is_gone(&path))
    {
        image.path = None;
    }
    let (put, image) = put_and_commit(writer, &image)?;
    Ok(Added {
        image,
        put,
        stays: None,
    })
}

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

/// Puts the record of a URL into the catalog.
///
/// # Errors
/// Those of the catalog.
pub fn record(catalog: &mut Catalog, actor: Actor, image: &StoredImage) -> Result<Added> {
    let writer = catalog.begin(actor)?;
    let (put, image) = put_and_commit(writer, image)?;
    Ok(Added {
        image,
        put,
        stays: None,
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
