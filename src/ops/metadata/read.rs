//! The entries of one file of a platform.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::domain::file_name::name_of_stem;
use crate::domain::platform::Platform;
use crate::formats::document::{Fault, ItemError, Items, MAX_ITEM, Node, Position, Shape, Syntax};
use crate::formats::platforms::{self, Entry, Part};
use crate::ops::{Error, Result};

/// A file of a platform that is read entry by entry.
pub(super) struct PlatformFile<'a> {
    pub platform: Platform,
    /// The name in its folder, fit to be printed.
    pub name: String,
    /// The name that the file stands for.
    pub stem: String,
    /// Whether names that are not allowed are made fit.
    renames: bool,
    file: &'a File,
}

/// How much of a file a document is.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    File,
    Part,
}

/// What reading a file came to.
pub(super) enum Ended {
    Well,
    /// The rest of it cannot be read as text of its syntax, or is not what it
    /// should be as a whole.
    Bad(Fault),
    Unreadable(io::Error),
}

impl<'a> PlatformFile<'a> {
    pub(super) fn new(platform: Platform, name: &OsStr, file: &'a File) -> Self {
        let path = Path::new(name);
        let stem = path.file_stem().unwrap_or(name).to_string_lossy();
        Self {
            platform,
            stem: name_of_stem(&stem).into_owned(),
            name: name.to_string_lossy().into_owned(),
            renames: false,
            file,
        }
    }

    /// Returns the file with the nearest allowed names, where its own are not: that
    /// of the file, or those in it.
    pub(super) fn renamed(mut self) -> Self {
        self.renames = true;
        if self.platform.is_named_by_file()
            && self.platform.check_name(&self.stem).is_err()
            && let Some(near) = self.platform.nearest_name(&self.stem)
        {
            self.stem = near;
        }
        self
    }

    /// Calls `each` with every entry, and with the document that it stands in.
    pub(super) fn for_each(
        &self,
        mut each: impl FnMut(Entry, &Node) -> Result<()>,
    ) -> Result<Ended> {
        let syntax = Syntax::of_path(Path::new(&self.name));
        let mut items = Items::new(self.file, syntax);
        // A document is the whole file only if no other follows.
        let mut waiting = None;
        for item in items.by_ref() {
            let node = match item {
                Ok(node) => node,
                Err(ItemError::Fault(fault)) => return Ok(Ended::Bad(fault)),
                Err(ItemError::Io(error)) => return Ok(Ended::Unreadable(error)),
            };
            if self.platform.is_named_by_file() && waiting.is_some() {
                let rule = "a file holds one instance, but here is another";
                return Ok(Ended::Bad(Fault::new(node.at, rule)));
            }
            if let Some(before) = waiting.replace(node) {
                self.entries(&before, Extent::Part, &mut each)?;
            }
        }
        let shape = items.shape();
        if self.platform.is_named_by_file() && shape == Shape::Many {
            let at = waiting.map_or(Position::START, |node| node.at);
            let rule = "a file holds one instance, and no list of them";
            return Ok(Ended::Bad(Fault::new(at, rule)));
        }
        match waiting {
            Some(node) if shape == Shape::One => self.entries(&node, Extent::File, &mut each)?,
            Some(node) => self.entries(&node, Extent::Part, &mut each)?,
            None if shape == Shape::Empty => {
                let rule = "the file is empty";
                return Ok(Ended::Bad(Fault::new(Position::START, rule)));
            }
            None => {}
        }
        Ok(Ended::Well)
    }

    fn entries(
        &self,
        node: &Node,
        extent: Extent,
        each: &mut impl FnMut(Entry, &Node) -> Result<()>,
    ) -> Result<()> {
        let renamed = (self.renames).then(|| platforms::renamed(self.platform, node));
        let renamed = renamed.flatten();
        let part = Part {
            stem: &self.stem,
            node: renamed.as_ref().unwrap_or(node),
        };
        for mut entry in platforms::read(self.platform, part) {
            if extent == Extent::Part && entry.part.is_none() && entry.image.is_err() {
                entry.part = Some(node.clone());
            }
            each(entry, node)?;
        }
        Ok(())
    }

    /// Returns the file as it is; nothing where it is too large to be kept.
    pub(super) fn bytes(&self) -> Result<Option<Vec<u8>>> {
        let failed = |source| Error::Read {
            name: self.name.clone(),
            source,
        };
        let mut file = self.file;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut bytes = Vec::new();
        let limit = MAX_ITEM as u64 + 1;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        Ok((bytes.len() <= MAX_ITEM).then_some(bytes))
    }
}

/// Returns faults as one line: the first few of them.
pub(super) fn reason_of(faults: &[Fault]) -> String {
    const MOST: usize = 3;
    let mut reasons: Vec<String> = faults.iter().take(MOST).map(ToString::to_string).collect();
    if faults.len() > MOST {
        reasons.push(format!("and {} more", faults.len() - MOST));
    }
    reasons.join("; ")
}
