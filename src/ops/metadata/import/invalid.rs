//! Entries of files that are not valid: kept as they came, or left out.

use super::{Import, Place};
use crate::domain::invalid::InvalidEntry;
use crate::formats::document::{Fault, Node, Position, write_json};
use crate::ops::Result;
use crate::ops::metadata::belongs;
use crate::ops::metadata::read::{PlatformFile, reason_of};

impl Import<'_> {
    /// Keeps an entry that is not valid, or leaves it out.
    pub(super) fn invalid(
        &mut self,
        place: &Place,
        file: &PlatformFile<'_>,
        name: String,
        part: Option<Node>,
        faults: &[Fault],
    ) -> Result<()> {
        if !self.options.include_invalid {
            return self.leave_out(place, faults, false);
        }
        // Where nothing may be kept of an entry, as of a chart's values, it is not said
        // to be kept.
        if part.as_ref().is_some_and(is_nothing) {
            return self.leave_out(place, faults, false);
        }
        let platform = self.options.platform;
        let (raw, source) = match &part {
            Some(node) => {
                let mut raw = Vec::new();
                write_json(node, &mut raw);
                (Some(raw), None)
            }
            None => (file.bytes()?, Some(place.file.clone())),
        };
        let Some(raw) = raw else {
            return self.leave_out(place, faults, false);
        };
        if let Ok(image) = self.writer.image(&name)
            && belongs(&image, platform)
        {
            let rule = format!(
                "{}; the image `{name}` of the catalog stays",
                reason_of(faults)
            );
            self.report.counts.existing += 1;
            return self.leave_out(place, &[Fault::new(Position::default(), rule)], false);
        }
        let entry = InvalidEntry {
            platform,
            name,
            reason: reason_of(faults),
            raw,
            source,
        };
        match self.writer.invalid(platform, &entry.name)? {
            Some(known) if known.raw == entry.raw => self.report.counts.unchanged += 1,
            Some(_) if !self.options.overwrite => {
                let rule = format!(
                    "an entry `{}` that is not valid is kept already and differs; `--overwrite` \
                     replaces it",
                    entry.name
                );
                self.report.counts.existing += 1;
                self.leave_out(place, &[Fault::new(Position::default(), rule)], true)?;
            }
            _ => {
                self.writer.keep_invalid(&entry)?;
                self.report.counts.imported += 1;
                self.report.counts.invalid += 1;
            }
        }
        Ok(())
    }
}

fn is_nothing(part: &Node) -> bool {
    part.as_map().is_some_and(<[_]>::is_empty)
}
