//! Whether records and files agree, and making them agree again. No file is ever
//! deleted or moved.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::check_oci::{Layouts, Unrecorded, forget, unrecorded};
use super::record_of;
use crate::catalog::{Catalog, Writer};
use crate::domain::change::Actor;
use crate::domain::stored::{OWN_FOLDERS, StoredImage, StoredName, StoredUri};
use crate::ops::{Error, Result};
use crate::store::files::{self, GoOn, Measured, Source};
use crate::store::walk::{Found, files_below};

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// Unset where the store is turned off.
    pub store: Option<&'a Path>,
    /// Another folder that files may have been moved to.
    pub search: Option<&'a Path>,
}

/// A record and a file that do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `file gone`, `blobs gone` or `no record`.
    pub problem: &'static str,
    /// Unset for a file that no name can be made of.
    pub uri: Option<String>,
    pub path: PathBuf,
    /// What was done: `relinked`, `dropped`, `recorded`.
    pub repair: Option<&'static str>,
    /// Where the file of a record was found that is not relinked.
    pub found: Option<PathBuf>,
}

/// Returns the records whose files are gone and the files of the store without
/// records; with an actor and a catalog to write, they are repaired.
///
/// # Errors
/// Where a folder or file cannot be read, and those of the catalog.
pub fn check(
    catalog: &Catalog,
    check: Check<'_>,
    repair: Option<(&mut Catalog, Actor)>,
    go_on: GoOn<'_>,
) -> Result<Vec<Finding>> {
    let store = match check.store.map(files::real_folder) {
        Some(Ok(store)) => Some(store),
        _ => None,
    };
    let strays = match &store {
        Some(store) => strays_in(catalog, store)?,
        None => Vec::new(),
    };
    let unrecorded = match &store {
        Some(store) => unrecorded(catalog, store)?,
        None => Vec::new(),
    };
    // After the files, so that one that was added meanwhile is known.
    let mut lost = Vec::new();
    let mut layouts = Layouts::default();
    catalog.for_each_stored::<Error>("", |image| {
        if image.path.as_deref().is_some_and(files::is_gone) || layouts.lack(&image)? {
            lost.push(image);
        }
        Ok(())
    })?;
    let mut hashed = Hashed::default();
    let wanted: HashSet<u64> = lost.iter().filter_map(|image| image.size).collect();
    for stray in &strays {
        if repair.is_some() || wanted.contains(&stray.size) {
            hashed.take(stray, go_on)?;
        }
    }
    if let Some(search) = check.search {
        let search = files::real_folder(search)?;
        files_below::<Error>(&search, &[], |found| {
            if wanted.contains(&found.size) && !hashed.all.contains_key(&found.path) {
                hashed.take(&found, go_on)?;
            }
            Ok(())
        })?;
    }
    let Some((catalog, actor)) = repair else {
        let mut found = findings(&lost, &strays, store.as_deref(), &hashed);
        found.extend(unrecorded.iter().map(Unrecorded::finding));
        return Ok(found);
    };
    let writer = catalog.begin(actor.clone())?;
    let mut done = Vec::new();
    let mut layouts = Layouts::default();
    for image in &lost {
        done.extend(repair_record(&writer, image, &hashed, &mut layouts)?);
    }
    if let Some(store) = &store {
        for stray in &strays {
            if let Some(measured) = hashed.all.get(&stray.path) {
                done.extend(repair_stray(&writer, store, &stray.path, measured)?);
            }
        }
    }
    writer.commit()?;
    if let Some(store) = &store {
        for image in unrecorded {
            done.push(image.record(catalog, actor.clone(), store)?);
        }
    }
    Ok(done)
}

fn strays_in(catalog: &Catalog, store: &Path) -> Result<Vec<Found>> {
    let mut strays = Vec::new();
    files_below::<Error>(store, &OWN_FOLDERS, |found| {
        if !catalog.is_stored_at(&found.path)? {
            strays.push(found);
        }
        Ok(())
    })?;
    strays.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(strays)
}

fn findings(
    lost: &[StoredImage],
    strays: &[Found],
    store: Option<&Path>,
    hashed: &Hashed,
) -> Vec<Finding> {
    let of_record = lost.iter().map(|image| Finding {
        problem: problem_of(image),
        uri: Some(image.uri.to_string()),
        path: image.path.clone().unwrap_or_default(),
        repair: None,
        found: hashed.of(image),
    });
    let of_file = strays.iter().map(|stray| Finding {
        problem: "no record",
        uri: store.and_then(|store| place_of(store, &stray.path)),
        path: stray.path.clone(),
        repair: None,
        found: None,
    });
    of_record.chain(of_file).collect()
}

fn problem_of(image: &StoredImage) -> &'static str {
    match image.path.as_deref().is_some_and(files::is_gone) {
        true => "file gone",
        // The manifest is there.
        false => "blobs gone",
    }
}

/// Returns what a path in the store can be named, without a version that would have
/// to be measured.
fn place_of(store: &Path, path: &Path) -> Option<String> {
    let uri = StoredUri::of_path(path.strip_prefix(store).ok()?, "0").ok()?;
    let measured = uri.version.as_deref() == Some("0");
    let uri = uri.to_string();
    Some(match measured {
        true => uri.trim_end_matches("@0").to_owned(),
        false => uri,
    })
}

/// Files that were read, by their paths and by their hashes.
#[derive(Default)]
struct Hashed {
    all: HashMap<PathBuf, Measured>,
    by_hash: HashMap<String, PathBuf>,
}

impl Hashed {
    /// Returns where the file of a record is, if it was read.
    fn of(&self, image: &StoredImage) -> Option<PathBuf> {
        self.by_hash.get(image.sha256.as_ref()?).cloned()
    }

    fn take(&mut self, found: &Found, go_on: GoOn<'_>) -> Result<()> {
        let measured = match Source::open(&found.path).and_then(|mut file| file.measure(go_on)) {
            Ok(measured) => measured,
            // Somebody is at it; it is not repaired with.
            Err(files::Error::Changed { .. }) => return Ok(()),
            Err(files::Error::Read { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        self.by_hash
            .entry(measured.sha256.clone())
            .or_insert_with(|| found.path.clone());
        self.all.insert(found.path.clone(), measured);
        Ok(())
    }
}

fn repair_record(
    writer: &Writer<'_>,
    image: &StoredImage,
    hashed: &Hashed,
    layouts: &mut Layouts,
) -> Result<Option<Finding>> {
    let now = writer.stored_image(&image.uri)?;
    let Some(now) = now.filter(|now| now.path == image.path) else {
        return Ok(None);
    };
    let path = now.path.clone().unwrap_or_default();
    if !files::is_gone(&path) && !layouts.lack(&now)? {
        return Ok(None);
    }
    let found = hashed.of(&now).filter(|found| !files::is_gone(found));
    let (path, repair) = match found {
        Some(found) => {
            writer.relink_stored(&now, &found)?;
            (found, "relinked")
        }
        None => {
            writer.delete_stored(&now)?;
            forget(&now)?;
            (path, "dropped")
        }
    };
    Ok(Some(Finding {
        problem: problem_of(image),
        uri: Some(now.uri.to_string()),
        path,
        repair: Some(repair),
        found: None,
    }))
}

fn repair_stray(
    writer: &Writer<'_>,
    store: &Path,
    path: &Path,
    measured: &Measured,
) -> Result<Option<Finding>> {
    if files::is_gone(path) || writer.stored_at(path)?.is_some() {
        return Ok(None);
    }
    let mut finding = Finding {
        problem: "no record",
        uri: None,
        path: path.to_path_buf(),
        repair: None,
        found: None,
    };
    let below = path.strip_prefix(store).unwrap_or(path);
    let Ok(mut uri) = StoredUri::of_path(below, &measured.sha256) else {
        return Ok(Some(finding));
    };
    if writer.stored_image(&uri)?.is_some() {
        uri.version = Some(measured.sha256.clone());
    }
    finding.uri = Some(uri.to_string());
    if writer.stored_image(&uri)?.is_some() {
        // The same content twice: one of the two files is enough.
        return Ok(Some(finding));
    }
    let name = StoredName {
        collection: uri.collection,
        name: uri.name,
        tag: Some(uri.tag),
        version: uri.version,
    };
    let image = record_of(name, path.to_path_buf(), measured.clone(), Vec::new());
    writer.put_stored(&image)?;
    finding.repair = Some("recorded");
    Ok(Some(finding))
}
