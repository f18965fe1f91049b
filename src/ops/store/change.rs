//! What is done with stored images that are there: removed, moved, renamed, labelled.

use std::path::{Path, PathBuf};

use super::find::{gone, path_of, reread};
use super::oci::{in_layout, is_no_file, take_away};
use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::stored::{StoredImage, StoredName, StoredUri, ending_of};
use crate::ops::{Error, Result};
use crate::store::files::{self, GoOn};
use crate::store::place::Beside;

/// What became of files whose records were removed.
#[derive(Debug, Default)]
pub struct Removed {
    /// Files that another record has too.
    pub shared: Vec<PathBuf>,
    /// Why files could not be removed.
    pub failed: Vec<Error>,
}

/// Removes records, all of them or none, and then their files where that is asked
/// for.
///
/// # Errors
/// Where one of them is gone by now.
pub fn remove(
    catalog: &mut Catalog,
    actor: Actor,
    images: &[StoredImage],
    files_too: bool,
) -> Result<Removed> {
    let writer = catalog.begin(actor.clone())?;
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut kept_in_layout = Vec::new();
    for image in images {
        let now = writer.stored_image(&image.uri)?;
        let now = now.ok_or_else(|| gone(&image.uri))?;
        writer.delete_stored(&now)?;
        match (in_layout(&now), now.path) {
            (Some((folder, digest)), Some(path)) => kept_in_layout.push((folder, digest, path)),
            (_, path) => paths.extend(path),
        }
    }
    let mut removed = Removed::default();
    if !files_too {
        writer.commit()?;
        return Ok(removed);
    }
    paths.sort();
    paths.dedup();
    let mut unshared = Vec::new();
    for path in paths {
        match writer.stored_at(&path)? {
            Some(_) => removed.shared.push(path),
            None => unshared.push(path),
        }
    }
    // Records go first: a file without one is found again by `check`.
    writer.commit()?;
    for path in unshared {
        if files::is_gone(&path) {
            continue;
        }
        let work = || files::remove(&path);
        if let Err(error) = unless_recorded(catalog, actor.clone(), &path, work) {
            removed.failed.push(error);
        }
    }
    kept_in_layout.dedup();
    for (folder, digest, path) in kept_in_layout {
        match take_away(catalog, actor.clone(), (&folder, &digest)) {
            Ok(true) => removed.shared.push(path),
            Ok(false) => {}
            Err(error) => removed.failed.push(error),
        }
    }
    Ok(removed)
}

/// Takes away the file at a path unless a record has it by now: whoever puts a file
/// into its place holds the write transaction, as this does.
pub(super) fn unless_recorded(
    catalog: &mut Catalog,
    actor: Actor,
    path: &Path,
    work: impl FnOnce() -> files::Result<()>,
) -> Result<()> {
    let writer = catalog.begin(actor)?;
    if writer.stored_at(path)?.is_none() {
        work()?;
    }
    Ok(())
}

/// Moves the file of an image to a path, or into a folder; its record follows.
///
/// # Errors
/// For a record without a file, a file that is gone, and a path that exists; the file
/// is where it was then.
pub fn move_file(
    catalog: &mut Catalog,
    actor: Actor,
    image: &StoredImage,
    to: &Path,
    go_on: GoOn<'_>,
) -> Result<PathBuf> {
    if in_layout(image).is_some() {
        return Err(is_no_file(image));
    }
    let Some(from) = path_of(image)? else {
        return Err(Error::invalid(format!(
            "`{}` is a record without a file: there is nothing to move",
            image.uri
        )));
    };
    let to = if to.is_dir() {
        to.join(from.file_name().unwrap_or_default())
    } else {
        to.to_path_buf()
    };
    let to = files::whole_path(&to).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound {
            what: format!("there is no folder to move to: `{}`", to.display()),
            hint: "make the folder first".to_owned(),
        },
        _ => Error::Read {
            name: to.display().to_string(),
            source,
        },
    })?;
    if to == from {
        return Ok(to);
    }
    relocate(catalog, actor, image, &from, &to, None, go_on)?;
    Ok(to)
}

/// Gives an image another name, which is returned, and its file in the store the
/// place of that name. A tag or version that is not given stays.
///
/// # Errors
/// For a name that is taken, and a file that is gone.
pub fn rename(
    catalog: &mut Catalog,
    actor: Actor,
    image: &StoredImage,
    to: StoredName,
    store: &Path,
    go_on: GoOn<'_>,
) -> Result<StoredUri> {
    let uri = StoredUri {
        tag: to.tag.clone().unwrap_or_else(|| image.uri.tag.clone()),
        ..to.with_version(image.uri.version.as_deref())
    };
    if uri == image.uri {
        return Ok(uri);
    }
    if reread(catalog, &uri).is_ok() {
        return Err(taken(&uri));
    }
    let store = files::real_folder(store).unwrap_or_else(|_| store.to_path_buf());
    let is_file = in_layout(image).is_none();
    let from = path_of(image)?.filter(|path| is_file && path.starts_with(&store));
    match from {
        None => {
            let writer = catalog.begin(actor)?;
            rename_in(&writer, image, &uri)?;
            writer.commit()?;
        }
        Some(from) => {
            let place = store.join(uri.path(ending_of(&from).as_deref()));
            if let Some(folder) = place.parent() {
                files::make_folder(folder)?;
            }
            relocate(catalog, actor, image, &from, &place, Some(&uri), go_on)?;
        }
    }
    Ok(uri)
}

fn taken(uri: &StoredUri) -> Error {
    Error::Exists {
        what: format!("stored image `{uri}` already exists"),
        hint: format!("remove its record with `imgdex store rm {uri}`, or take another name"),
    }
}

fn rename_in(
    writer: &crate::catalog::Writer<'_>,
    image: &StoredImage,
    uri: &StoredUri,
) -> Result<()> {
    if writer.stored_image(uri)?.is_some() {
        return Err(taken(uri));
    }
    let now = writer.stored_image(&image.uri)?;
    let now = now
        .filter(|now| now.path == image.path)
        .ok_or_else(|| gone(&image.uri))?;
    Ok(writer.rename_stored(&now, uri)?)
}

/// Gives a file another place, and its record another uri where one is given.
fn relocate(
    catalog: &mut Catalog,
    actor: Actor,
    image: &StoredImage,
    from: &Path,
    to: &Path,
    uri: Option<&StoredUri>,
    go_on: GoOn<'_>,
) -> Result<()> {
    let mut source = files::Source::open(from)?;
    let beside = Beside::of(&mut source, to, go_on)?;
    let writer = catalog.begin(actor.clone())?;
    match uri {
        Some(uri) => rename_in(&writer, image, uri)?,
        None => {
            let now = writer.stored_image(&image.uri)?;
            if now.and_then(|now| now.path).as_deref() != Some(from) {
                return Err(gone(&image.uri));
            }
        }
    }
    writer.move_stored(from, to)?;
    let placed = beside.put_new(to)?;
    let done = writer.commit();
    // What was placed is taken away again where no record has it. One can have it though
    // the commit failed: where the disk did not confirm it.
    if done.is_ok() || catalog.is_stored_at(to).unwrap_or_default() {
        placed.keep();
    }
    done?;
    unless_recorded(catalog, actor, from, || match source.remove() {
        // What another process has put there since is not ours to remove.
        Err(files::Error::Changed { .. }) => Ok(()),
        done => done,
    })
}

/// Sets a label of an image; returns whether it was another.
///
/// # Errors
/// Where it is gone by now.
pub fn label(
    catalog: &mut Catalog,
    actor: Actor,
    image: &StoredImage,
    key: &str,
    value: &str,
) -> Result<bool> {
    let bad = key.is_empty() || key.chars().any(char::is_control) || value.contains('\0');
    if bad {
        return Err(Error::invalid(
            "a label's key should not be empty, and hold no control characters",
        ));
    }
    let writer = catalog.begin(actor)?;
    let now = writer.stored_image(&image.uri)?;
    let now = now.ok_or_else(|| gone(&image.uri))?;
    let changed = writer.label_stored(&now, key, value)?;
    writer.commit()?;
    Ok(changed)
}
