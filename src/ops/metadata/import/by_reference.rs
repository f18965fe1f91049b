//! Entries that a file knows by their references only.

use std::collections::HashMap;

use super::{Import, Place, Written, exists};
use crate::catalog;
use crate::domain::name::shorten;
use crate::formats::document::{Fault, Position};
use crate::formats::platforms::{Entry, Incoming, kubeflow};
use crate::ops::Result;

impl Import<'_> {
    /// Takes the entries that have no names of their own.
    pub(super) fn entries_by_reference(&mut self) -> Result<()> {
        let entries = std::mem::take(&mut self.by_reference);
        let urls = entries.iter().filter_map(|(_, entry)| url_of(entry));
        let urls = urls.collect();
        let platform = self.options.platform;
        let mut known = self.writer.images_with_urls(platform, &urls)?;
        for (place, entry) in entries {
            self.entry_by_reference(&place, entry, &mut known)?;
        }
        Ok(())
    }

    /// Takes an entry that has no name of its own: it is an image of the same
    /// reference, if there is one.
    fn entry_by_reference(
        &mut self,
        place: &Place,
        entry: Entry,
        names: &mut HashMap<String, String>,
    ) -> Result<()> {
        let url = url_of(&entry).unwrap_or_default().to_owned();
        let Ok(mut incoming) = entry.image else {
            return Ok(());
        };
        let written = match names.get(&url) {
            Some(known) => {
                incoming.image.config.name.clone_from(known);
                self.overlay(known, &incoming)?
            }
            None => self.write_reference(&mut incoming, &url)?,
        };
        if matches!(written, Written::Imported | Written::Unchanged) {
            let name = &incoming.image.config.name;
            names.entry(url).or_insert_with(|| name.clone());
        }
        let name = incoming.image.config.name;
        let (reason, exists) = match written {
            Written::Imported => {
                self.report.counts.imported +=
                    u64::from(self.writer.mention(&name, &place.path)?.is_none());
                return Ok(());
            }
            Written::Unchanged => {
                let is_new = self.writer.mention(&name, &place.path)?.is_none();
                self.report.counts.unchanged += u64::from(is_new);
                return Ok(());
            }
            Written::Exists => {
                self.report.counts.existing += 1;
                (vec![exists(&name)], true)
            }
            Written::Rejected(faults) | Written::Unfit(faults) => (faults, false),
        };
        self.leave_out(place, &reason, exists)
    }

    /// Writes an image that is known by its reference only, under a name that no image
    /// of another reference has.
    fn write_reference(&self, incoming: &mut Incoming, url: &str) -> Result<Written> {
        let short = incoming.image.config.name.clone();
        if !self.is_free(&short, url)? {
            let full = kubeflow::full_name(url).unwrap_or_else(|| short.clone());
            if !self.is_free(&full, url)? {
                let rule = format!(
                    "images of other references have its names already, `{}` and `{}`",
                    shorten(&short),
                    shorten(&full)
                );
                return Ok(Written::Rejected(vec![Fault::new(
                    Position::default(),
                    rule,
                )]));
            }
            incoming.image.config.name = full;
        }
        self.write(incoming)
    }

    /// Returns whether no image has the name but one of that very reference.
    fn is_free(&self, name: &str, url: &str) -> Result<bool> {
        match self.writer.image(name) {
            Ok(image) => Ok(image.config.url.as_deref() == Some(url)),
            Err(catalog::Error::NotFound { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Returns the reference of an entry that is good.
fn url_of(entry: &Entry) -> Option<&str> {
    entry.image.as_ref().ok()?.image.config.url.as_deref()
}
