//! The pictures that images name: files are taken into the store.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::image::ImageConfig;
use crate::domain::image_rules::{FieldFault, is_picture_file};
use crate::store::pictures;

/// Where files that an input names are looked for, and where they are kept.
#[derive(Debug, Clone)]
pub struct Pictures {
    /// The folder of the input; the working folder for standard input.
    pub folder: PathBuf,
    /// Unset where nothing is to be kept: the store is turned off.
    pub store: Option<PathBuf>,
    /// Whether files are only looked at.
    pub dry_run: bool,
}

impl Pictures {
    /// Returns the same for the input at that path.
    #[must_use]
    pub fn beside(&self, input: &Path) -> Self {
        Self {
            folder: input
                .parent()
                .unwrap_or_else(|| Path::new(""))
                .to_path_buf(),
            ..self.clone()
        }
    }

    /// Keeps bytes that were found to be a picture; returns whether there is a place for
    /// them.
    ///
    /// # Errors
    /// Where they cannot be kept.
    pub fn keep(&self, bytes: &[u8]) -> io::Result<bool> {
        match &self.store {
            Some(store) if !self.dry_run => pictures::put(bytes, store).map(|()| true),
            store => Ok(store.is_some()),
        }
    }

    /// Replaces the name of a file by what the file is kept under.
    ///
    /// # Errors
    /// The rule that the file breaks.
    pub fn take(&self, config: &mut ImageConfig) -> std::result::Result<(), FieldFault> {
        let Some(file) = config.picture.as_ref().filter(|text| is_picture_file(text)) else {
            return Ok(());
        };
        let Some(store) = &self.store else {
            return Err(FieldFault::new(
                "picture",
                "a picture cannot be kept: the store is turned off; give a URL instead",
            ));
        };
        let store = (!self.dry_run).then_some(store.as_path());
        let taken = pictures::take(&self.folder.join(file), store)
            .map_err(|error| FieldFault::new("picture", error.to_string()))?;
        config.picture = Some(taken);
        Ok(())
    }
}
