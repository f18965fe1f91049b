//! What adding images did, as far as the user is told of it.

use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use tempfile::SpooledTempFile;

use crate::domain::group::GroupsInput;
use crate::domain::image::{ImageConfig, NewImage};
use crate::ops::{Error, Result};

/// Bytes of printed names that are held in memory; more go to a file.
const NAMES_IN_MEMORY: usize = 256 * 1024;

/// The most images that a hint names.
const MOST_NAMED: usize = 5;

/// What was done.
pub struct CreateReport {
    /// The names of the images made, changed or found unchanged, one a line,
    /// in the order of the input.
    names: BufWriter<SpooledTempFile>,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub skipped: u64,
    /// Images that nobody can use.
    pub unseen: Named,
    /// Images that have nothing to pull or to build.
    pub without_reference: Named,
    /// Images that are to be built.
    pub to_build: Named,
    /// Whether the input was one bare object.
    pub single: bool,
}

/// Some images: how many, and the first few by name.
#[derive(Debug, Default)]
pub struct Named {
    pub count: u64,
    pub first: Vec<String>,
}

impl Named {
    fn add(&mut self, name: &str) {
        self.count += 1;
        if self.first.len() < MOST_NAMED {
            self.first.push(name.to_owned());
        }
    }
}

impl CreateReport {
    pub(super) fn new() -> Self {
        Self {
            names: BufWriter::new(SpooledTempFile::new(NAMES_IN_MEMORY)),
            created: 0,
            updated: 0,
            unchanged: 0,
            skipped: 0,
            unseen: Named::default(),
            without_reference: Named::default(),
            to_build: Named::default(),
            single: false,
        }
    }

    /// Notes an image that was written.
    pub(super) fn note(&mut self, name: &str, outcome: &Outcome) -> Result<()> {
        writeln!(self.names, "{name}").map_err(|source| Error::Write {
            name: "a temporary file".to_owned(),
            source,
        })?;
        for (applies, images) in [
            (outcome.unseen, &mut self.unseen),
            (outcome.without_reference, &mut self.without_reference),
            (outcome.to_build, &mut self.to_build),
        ] {
            if applies {
                images.add(name);
            }
        }
        Ok(())
    }

    /// Returns whether there is no name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.created + self.updated + self.unchanged == 0
    }

    /// Calls `each` with every name, in the order of the input.
    ///
    /// # Errors
    /// Those of the file in which many names are kept, and of `each`.
    pub fn for_each_name<E: From<io::Error>>(
        &mut self,
        mut each: impl FnMut(&str) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.names.seek(SeekFrom::Start(0))?;
        for line in BufReader::new(self.names.get_mut()).lines() {
            each(&line?)?;
        }
        Ok(())
    }
}

/// What an image is once it is written, as far as hints tell of it.
pub(super) struct Outcome {
    unseen: bool,
    without_reference: bool,
    to_build: bool,
}

impl Outcome {
    pub(super) fn of(config: &ImageConfig, no_group: bool) -> Self {
        let unreferenced = config.url.is_none() && config.url_for_gpu.is_none();
        Self {
            unseen: !config.global && no_group && !config.archived,
            without_reference: unreferenced && config.spec.is_none(),
            to_build: unreferenced && config.spec.is_some(),
        }
    }

    pub(super) fn of_new(image: &NewImage) -> Self {
        let no_group = match &image.groups {
            GroupsInput::Set(groups) => groups.is_empty(),
            GroupsInput::Change { connect, .. } => connect.is_empty(),
        };
        Self::of(&image.config, no_group)
    }
}
