//! The names under which images go out.

use super::{Export, Told};
use crate::catalog::{self, Catalog};
use crate::domain::image::Image;
use crate::ops::Result;
use crate::ops::metadata::belongs;

impl Export<'_, '_> {
    /// Returns the name under which an image goes out; nothing where it has none.
    pub(super) fn allowed_name(
        &mut self,
        catalog: &Catalog,
        image: &Image,
    ) -> Result<Option<String>> {
        let platform = self.options.platform;
        let name = &image.config.name;
        let Err(rule) = platform.check_name(name) else {
            return Ok(Some(name.clone()));
        };
        let near = platform.nearest_name(name);
        let near = match near {
            Some(near) if self.options.rename => self.free_name(catalog, near)?,
            Some(near) => {
                let why = format!(
                    "{rule}; the nearest allowed name is `{near}`, and `--rename` takes it"
                );
                self.left_out(image, &why);
                return Ok(None);
            }
            None => None,
        };
        let Some(near) = near else {
            self.left_out(image, &rule);
            return Ok(None);
        };
        (self.told)(Told::Renamed { name, to: &near });
        self.renamed.insert(near.clone());
        Ok(Some(near))
    }

    /// Returns a name that no other image goes out under: whoever has a name of his
    /// own keeps it, and who comes by another gets a number. Nothing where the name
    /// is too long for one.
    fn free_name(&self, catalog: &Catalog, near: String) -> Result<Option<String>> {
        let mut candidate = near.clone();
        let mut number = 1;
        while self.renamed.contains(&candidate) || self.is_taken(catalog, &candidate)? {
            number += 1;
            candidate = format!("{near}-{number}");
            if self.options.platform.check_name(&candidate).is_err() {
                return Ok(None);
            }
        }
        Ok(Some(candidate))
    }

    fn is_taken(&self, catalog: &Catalog, name: &str) -> Result<bool> {
        match catalog.image(name) {
            Ok(image) => Ok(self.options.all || belongs(&image, self.options.platform)),
            Err(catalog::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
