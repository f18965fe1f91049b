//! Building some images, one after the other.

use std::collections::BTreeMap;

use super::cluster::{self, InCluster, Written};
use super::ends::Asked;
use super::one::{Builder, Building, is_awaited, not_built};
use crate::app::App;
use crate::commands::Status;
use crate::domain::image::Image;
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Turn};
use crate::output::failure;

/// Some images that are built one after the other.
pub struct Many<'a> {
    building: &'a Building,
    /// Whether those are left out that were built of what they still are.
    only_changed: bool,
    /// What was found out of base images, by their reference and their pull secret.
    bases: BTreeMap<(String, Option<String>), Result<Asked>>,
    /// What is written for a cluster, once all is known.
    jobs: Vec<Written>,
}

/// What became of one of them.
enum One {
    Built(Box<Image>),
    /// It was built of what it still is.
    Left,
    /// A cluster is to build it, or builds it already.
    Written,
}

impl<'a> Many<'a> {
    pub fn new(building: &'a Building, only_changed: bool) -> Self {
        Self {
            building,
            only_changed,
            bases: BTreeMap::new(),
            jobs: Vec::new(),
        }
    }

    /// Builds images, and returns those that are built: where some cannot be, the others are
    /// built all the same. Where a cluster builds them, its resources are written.
    ///
    /// # Errors
    /// Where none can be built, and where it is interrupted.
    pub fn build(mut self, app: &mut App, names: &[String]) -> Result<(Vec<Image>, Status)> {
        self.building.sweep(app)?;
        let (mut built, mut left, mut is_any) = (Vec::new(), 0_u64, false);
        let mut failed: Option<Error> = None;
        for name in names {
            match self.one(app, name) {
                Ok(One::Built(image)) => built.push(*image),
                Ok(One::Left) => left += 1,
                Ok(One::Written) => is_any = true,
                Err(error) if [Kind::Interrupted, Kind::Terminated].contains(&error.kind) => {
                    return Err(error);
                }
                Err(error) => {
                    if let Some(earlier) = failed.replace(error) {
                        failure::print(&earlier, app.failures);
                    }
                }
            }
        }
        is_any |= !built.is_empty() || left > 0;
        if self.building.builder(app) == Builder::Kubernetes {
            cluster::write(app, self.jobs)?;
        }
        if left > 0 && self.only_changed {
            app.console.note(&match left {
                1 => "1 image is built of what it still is".to_owned(),
                count => format!("{count} images are built of what they still are"),
            });
        }
        match failed {
            None => Ok((built, Status::Done)),
            Some(error) if !is_any => Err(error),
            Some(error) => {
                failure::print(&error, app.failures);
                Ok((built, Status::PartlyDone))
            }
        }
    }

    fn one(&mut self, app: &mut App, name: &str) -> Result<One> {
        let image = app.read()?.image(name)?;
        if self.only_changed {
            let asked = self.ask(app, &image)?;
            if is_current(&image, &asked) && is_awaited(&image, &asked).is_none() {
                return Ok(One::Left);
            }
        }
        let turn = self.building.turn(app, name)?;
        // It may have been changed, or built, while its turn was waited for.
        let image = app.read()?.image(name)?;
        if turn.was_waited_for {
            self.bases.clear();
        }
        let asked = self.ask(app, &image)?;
        match self.in_turn(app, &image, &asked, turn) {
            // That it is not there yet is what is expected of a Job.
            Err(error)
                if self.only_changed
                    && error.kind == Kind::CheckFailed
                    && is_awaited(&image, &asked).is_some() =>
            {
                app.console.note(&error.message);
                Ok(One::Written)
            }
            done => done,
        }
    }

    /// Builds an image whose turn it is, or has a cluster build it.
    fn in_turn(&mut self, app: &mut App, image: &Image, asked: &Asked, turn: Turn) -> Result<One> {
        if self.building.builder(app) == Builder::Kubernetes {
            return Ok(match self.building.write_job(app, image, asked, turn)? {
                InCluster::Built(image) => {
                    tell_built(app, &image);
                    One::Left
                }
                InCluster::Written(job) => {
                    self.jobs.push(*job);
                    One::Written
                }
            });
        }
        let outcome = self.building.build(app, image, asked, turn)?;
        if outcome.was_built {
            tell_built(app, &outcome.image);
        }
        Ok(One::Built(Box::new(outcome.image)))
    }

    /// Asks what an image's base image is now, once for all that have it.
    fn ask(&mut self, app: &mut App, image: &Image) -> Result<Asked> {
        let spec = build::spec_of(image)?;
        let base = (spec.base_image.clone(), spec.pull_secret.clone());
        if !self.bases.contains_key(&base) {
            let asked = self.building.ask(app, image);
            self.bases.insert(base.clone(), asked);
        }
        let asked = self.bases.get(&base).cloned();
        asked
            .unwrap_or_else(|| self.building.ask(app, image))
            .map_err(|error| not_built(image, error))
    }
}

fn tell_built(app: &mut App, image: &Image) {
    app.console.note(&format!(
        "`{}` is built already of the same base image and packages; `--force` builds it again",
        image.config.name
    ));
}

/// Returns whether an image was built of what it still is.
fn is_current(image: &Image, asked: &Asked) -> bool {
    let config = &image.config;
    match (&config.spec, config.built(), &asked.base.digest) {
        (Some(spec), Some(built), Some(digest)) => {
            spec.build_key(digest) == built.key && !config.is_stale()
        }
        _ => false,
    }
}
