//! Catalogs that were opened: closed after use, or kept for the next line of a shell.

use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::catalog::{Catalog, Identity, Place, Result};

/// The most catalogs that are kept open.
const MOST: usize = 4;

/// What a catalog is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Reading,
    Writing,
}

/// Catalogs that are open and that nobody uses.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Arc<Mutex<Vec<Kept>>>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    access: Access,
    identity: Identity,
    catalog: Catalog,
}

/// An open catalog; it goes back to its shelf when it is dropped.
#[derive(Debug)]
pub struct Opened {
    /// There until it is dropped.
    catalog: Option<Catalog>,
    back: Option<Back>,
}

/// Where a catalog goes back to.
#[derive(Debug)]
struct Back {
    shelf: Shelf,
    path: PathBuf,
    access: Access,
    /// What stood at its place when it was opened.
    identity: Identity,
}

impl Access {
    fn open(self, place: &Place) -> Result<Catalog> {
        match self {
            Self::Reading => Catalog::open_for_reading(place),
            Self::Writing => Catalog::open_for_writing(place),
        }
    }
}

impl Shelf {
    /// Returns the catalog of that place: the one that was used before, where it is
    /// still what stands there.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn open(&self, place: &Place, access: Access) -> Result<Opened> {
        let before = Identity::of(&place.path);
        self.abandon_others(place, before.as_ref());
        if let Some(mut kept) = self.take(place, access) {
            let is_there = before.as_ref() == Some(&kept.identity);
            if is_there && kept.catalog.wakes(place.lock_timeout) {
                return Ok(self.lend(kept.catalog, place, access, kept.identity));
            }
            kept.catalog.abandon();
        }
        let catalog = access.open(place)?;
        let after = Identity::of(&place.path);
        match (before, after) {
            // It may have been exchanged meanwhile, and the other one be open.
            (Some(before), Some(after)) if before.is_same_catalog(&after) => {
                Ok(self.lend(catalog, place, access, after))
            }
            _ => Ok(Opened::once(catalog)),
        }
    }

    fn lend(&self, catalog: Catalog, place: &Place, access: Access, identity: Identity) -> Opened {
        Opened {
            catalog: Some(catalog),
            back: Some(Back {
                shelf: self.clone(),
                path: place.path.clone(),
                access,
                identity,
            }),
        }
    }

    /// Closes the catalogs that stood at that place before another did.
    fn abandon_others(&self, place: &Place, now: Option<&Identity>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let others = kept.extract_if(.., |one| {
            let is_there = now.is_some_and(|now| one.identity.is_same_catalog(now));
            one.path == place.path && !is_there
        });
        others.for_each(|one| one.catalog.abandon());
    }

    fn take(&self, place: &Place, access: Access) -> Option<Kept> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept
            .iter()
            .position(|one| one.path == place.path && one.access == access)?;
        Some(kept.remove(at))
    }

    fn put(&self, one: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(one);
        if kept.len() > MOST {
            drop(kept.remove(0));
        }
    }
}

impl Opened {
    /// Returns a catalog that is closed after use.
    pub fn once(catalog: Catalog) -> Self {
        Self {
            catalog: Some(catalog),
            back: None,
        }
    }
}

impl Deref for Opened {
    type Target = Catalog;

    fn deref(&self) -> &Catalog {
        self.catalog.as_ref().expect("it is there until the drop")
    }
}

impl DerefMut for Opened {
    fn deref_mut(&mut self) -> &mut Catalog {
        self.catalog.as_mut().expect("it is there until the drop")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let (Some(mut catalog), Some(back)) = (self.catalog.take(), self.back.take()) else {
            return;
        };
        match Identity::of(&back.path) {
            Some(now) if now.is_same_catalog(&back.identity) => {
                if catalog.rest() {
                    back.shelf.put(Kept {
                        identity: now,
                        path: back.path,
                        access: back.access,
                        catalog,
                    });
                }
            }
            _ => catalog.abandon(),
        }
    }
}
