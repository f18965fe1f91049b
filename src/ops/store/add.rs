//! Files that are added to the store: linked or copied beside their places, and put
//! there in the write transaction of their records.

use std::borrow::BorrowMut;
use std::path::{Path, PathBuf};

use super::{change, find, record_of};
use crate::catalog::{Catalog, Put, Writer};
use crate::domain::change::Actor;
use crate::domain::stored::{StoredImage, StoredName, StoredUri, ending_of};
use crate::ops::{Error, Result};
use crate::store::files;
use crate::store::files::GoOn;
use crate::store::place::Beside;

/// What becomes of a file that is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It goes into the store.
    Move,
    /// A copy of it goes into the store.
    Copy,
    /// It gets a second name in the store, where that can be, and else a copy.
    Link,
    /// It stays, and is only recorded.
    InPlace,
}

/// Where a file comes from that a user did not name.
#[derive(Debug)]
pub struct Origin {
    pub client: &'static str,
    pub url: Option<String>,
    /// How its name in the store ends.
    pub ending: &'static str,
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
    pub origin: Option<Origin>,
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
pub fn add<C: BorrowMut<Catalog>>(
    open: impl FnOnce() -> Result<C>,
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
        return put_in_place(open()?.borrow_mut(), actor, image);
    }
    files::make_folder(new.store)?;
    let store = files::real_folder(new.store)?;
    let folder = store.join(&new.name.collection).join(&new.name.name);
    files::make_folder(&folder)?;
    let linked = match new.keep {
        Keep::Move | Keep::Link => Beside::link(&source, &folder)?,
        _ => None,
    };
    let (beside, measured) = match linked {
        Some(beside) => (beside, source.measure(go_on)?),
        None => Beside::copy(&mut source, &folder, go_on)?,
    };
    let mut image = record_of(new.name, PathBuf::new(), measured, new.metadata);
    let ending = match new.origin {
        None => ending_of(new.file),
        Some(origin) => {
            image.client = origin.client.to_owned();
            image.url = origin.url;
            Some(origin.ending.to_owned())
        }
    };
    let place = store.join(image.uri.path(ending.as_deref()));
    image.path = Some(place.clone());
    let mut opened = open()?;
    let catalog = opened.borrow_mut();
    if source.path() == place {
        drop(beside);
        return put_in_place(catalog, actor, image);
    }
    if new.keep == Keep::Move {
        refuse_to_take(catalog, source.path(), &image.uri)?;
    }
    let writer = catalog.begin(actor.clone())?;
    let before = writer.stored_image(&image.uri)?;
    let placed = beside.put(&place)?;
    let done = put_and_commit(writer, &image);
    // What was placed is taken away again where there is no record of it. There can be
    // one though the commit failed: where the disk did not confirm it.
    let is_recorded = || {
        find::reread(catalog, &image.uri)
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
        let _ = change::unless_recorded(catalog, actor.clone(), &old, || files::remove(&old));
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
pub(super) fn put_and_commit(
    writer: Writer<'_>,
    image: &StoredImage,
) -> Result<(Put, StoredImage)> {
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
