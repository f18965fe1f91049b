//! Building some images, one after the other.

use super::building::Building;
use crate::app::App;
use crate::commands::Status;
use crate::domain::image::Image;
use crate::error::{Error, Kind, Result};

/// Some images that are built one after the other.
pub struct All<'a> {
    pub building: &'a Building,
    pub images: Vec<Image>,
    /// Whether those are left out that were built of what they still are.
    pub only_changed: bool,
}

impl All<'_> {
    /// Builds them, and returns those that are built: where some cannot be, the others are
    /// built all the same.
    ///
    /// # Errors
    /// Where none can be built, and where it is interrupted.
    pub fn build(self, app: &mut App) -> Result<(Vec<Image>, Status)> {
        let mut built = Vec::new();
        let mut failed: Option<Error> = None;
        let mut left = 0_u64;
        for image in &self.images {
            match self.one(app, image) {
                Ok(Some(image)) => built.push(image),
                Ok(None) => left += 1,
                Err(error) if [Kind::Interrupted, Kind::Terminated].contains(&error.kind) => {
                    return Err(error);
                }
                Err(error) => {
                    if let Some(earlier) = failed.replace(error) {
                        tell(app, &earlier);
                    }
                }
            }
        }
        if left > 0 {
            app.console.note(&match left {
                1 => "1 image is built of what it still is".to_owned(),
                count => format!("{count} images are built of what they still are"),
            });
        }
        match failed {
            None => Ok((built, Status::Done)),
            Some(error) if built.is_empty() && left == 0 => Err(error),
            Some(error) => {
                tell(app, &error);
                Ok((built, Status::PartlyDone))
            }
        }
    }

    /// Builds one; nothing where it is left as it is.
    fn one(&self, app: &mut App, image: &Image) -> Result<Option<Image>> {
        if !self.only_changed {
            self.building.engine(app)?;
            self.building.target(app, image)?;
        }
        let asked = self.building.ask(app, image)?;
        let config = &image.config;
        if self.only_changed
            && let (Some(spec), Some(built)) = (&config.spec, config.built())
            && let Some(digest) = &asked.base.digest
            && spec.build_key(digest) == built.key
        {
            return Ok(None);
        }
        let outcome = self.building.build(app, image, &asked)?;
        if outcome.was_built {
            app.console.note(&format!(
                "`{}` is built already of the same base image and packages; `--force` builds it \
                 again",
                config.name
            ));
        }
        Ok(Some(outcome.image))
    }
}

/// Tells of a failure that does not keep the others from being built.
fn tell(app: &mut App, error: &Error) {
    app.console.warn(&format!("error: {}", error.line()));
    for line in error.lines.iter().chain(&error.hints) {
        app.console.warn(line);
    }
}
