//! Entries that are kept though they are not valid, written as they came.

use super::{Export, Out};
use crate::catalog::Catalog;
use crate::domain::file_name::{file_name, name_of_stem};
use crate::domain::invalid::InvalidEntry;
use crate::domain::platform::Platform;
use crate::formats::document::{Position, json, write_yaml};
use crate::formats::platforms::imagestream;
use crate::ops::Result;

impl Export<'_, '_> {
    /// Takes up the entries of lists that are kept though they are not valid.
    pub(super) fn parts(&mut self, catalog: &Catalog) -> Result<()> {
        self.for_each_invalid(catalog, |export, entry| {
            if entry.source.is_none()
                && let Ok(node) = json::parse(&entry.raw, Position::START)
            {
                export.report.invalid += 1;
                let platform = export.options.platform;
                if let Out::Kubeflow(files) = &mut export.out {
                    files.add_part(node);
                    return Ok(());
                }
                match platform {
                    Platform::Kubespawner | Platform::Kustomize => export.invalid.push(node),
                    Platform::Opendatahub if imagestream::part_name(&node).is_some() => {
                        export.invalid.push(node);
                    }
                    _ => {
                        let mut text = Vec::new();
                        write_yaml(&node, 0, &mut text);
                        export.file(&file_name(&entry.name, "yaml"), &text)?;
                    }
                }
            }
            Ok(())
        })
    }

    /// Writes the files that are kept though they are not valid, as they came.
    pub(super) fn files(&mut self, catalog: &Catalog) -> Result<()> {
        self.for_each_invalid(catalog, |export, entry| {
            let Some(source) = &entry.source else {
                return Ok(());
            };
            let (stem, ending) = source.rsplit_once('.').unwrap_or((source, ""));
            let name = match stem.contains('%') {
                // It was made fit by an earlier export.
                true => file_name(&name_of_stem(stem), ending),
                false => file_name(stem, ending),
            };
            export.report.invalid += 1;
            export.file(&name, &entry.raw).map(|_| ())
        })?;
        self.report.exported += self.report.invalid;
        Ok(())
    }

    fn for_each_invalid(
        &mut self,
        catalog: &Catalog,
        mut each: impl FnMut(&mut Self, &InvalidEntry) -> Result<()>,
    ) -> Result<()> {
        let platform = self.options.platform;
        let mut next = catalog.invalid_after(platform, None)?;
        while let Some(entry) = next {
            each(self, &entry)?;
            next = catalog.invalid_after(platform, Some(&entry.name))?;
        }
        Ok(())
    }
}
