//! A copy as the commands ask for it: both ends opened, the blobs shown on their way,
//! and what was copied printed.

use super::super::Status;
use crate::app::network::{Choices, Reach};
use crate::app::{App, Hold};
use crate::domain::reference::{Reference, Registry};
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::transfer::{Choice, Copied, OpenSource, OpenTarget, copy};
use crate::output::records::{write_list, write_one};
use crate::output::transfer::Bars;
use crate::registry::Work;

/// What is copied where.
pub struct Transfer {
    pub source: Endpoint,
    pub target: Endpoint,
    pub choice: Choice,
    pub all_tags: bool,
    pub choices: Choices,
}

/// Returns the end of a copy that a text names.
///
/// # Errors
/// Where it names none.
pub fn endpoint(text: &str) -> Result<Endpoint> {
    Endpoint::parse(text).map_err(|rule| {
        Error::new(Kind::InvalidInput, rule).hint(
            "an image is `HOST/REPOSITORY:TAG`, `oci:DIR:TAG`, `oci-archive:FILE:TAG`, \
             `docker-archive:FILE:REFERENCE`, `store:URI`, `containers-storage:IMAGE` or \
             `docker-daemon:IMAGE`",
        )
    })
}

impl Transfer {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let default = app.default_registry()?;
        let reach = self.reach(app, &default)?;
        let done = self.copy(app, &reach, &default);
        reach.tell(app);
        let (copied, failed) = done?;
        for one in &copied {
            if !one.foreign_layers.is_empty() {
                app.console.warn(&format!(
                    "warning: {} layers of {} may not be handed on, and stay where they are",
                    one.foreign_layers.len(),
                    one.source
                ));
            }
        }
        let width = app.console.width;
        match (copied.as_slice(), self.all_tags) {
            ([one], false) => write_one(app.console.out(), app.format, one)?,
            (all, _) => write_list(app.console.out(), app.format, width, all)?,
        }
        Ok(if failed {
            Status::PartlyDone
        } else {
            Status::Done
        })
    }

    fn reach(&self, app: &mut App, default: &Registry) -> Result<Reach> {
        let mut registries = Vec::new();
        for endpoint in [&self.source, &self.target] {
            if let Endpoint::Registry(text) = endpoint
                && let Ok(reference) = Reference::parse_with_default(text, default)
            {
                registries.push(reference.registry().clone());
            }
        }
        let registries: Vec<&Registry> = registries.iter().collect();
        let choices = Choices {
            work: Work::Blobs,
            ..self.choices.clone()
        };
        app.reach(&registries, &choices)
    }

    /// Returns what was copied, and whether something of it could not be.
    fn copy(
        &self,
        app: &mut App,
        reach: &Reach,
        default: &Registry,
    ) -> Result<(Vec<Copied>, bool)> {
        let interrupt = app.interrupt.clone();
        // Something would be left on the disk by an end in between.
        let mut hold = Some(interrupt.hold());
        let stopped = |error: ops::Error| match error {
            ops::Error::Interrupted => Error::new(interrupt.kind(), "stopped before it was done"),
            error => error.into(),
        };
        let mut go_on = |_| hold.as_ref().is_none_or(Hold::go_on);
        let source = OpenSource::open(&self.source, default, &mut go_on).map_err(stopped)?;
        let target = OpenTarget::open(&self.target, default).map_err(stopped)?;
        if !source.has_scratch() && !target.has_scratch() {
            hold = None;
        }
        let go_on = || hold.as_ref().is_none_or(Hold::go_on);
        let network = &reach.network;
        let mut bars = Bars::new(!app.console.no_progress);
        let mut copied = Vec::new();
        let mut failed = false;
        if self.all_tags {
            let tags = source.source.tags(network).map_err(stopped)?;
            for tag in &tags {
                let one = source.source.tagged(tag).map_err(stopped)?;
                let there = target.destination.tagged(tag).map_err(stopped)?;
                let done = copy(network, &one, &there, &self.choice, &mut |blobs| {
                    bars.show(blobs);
                    go_on()
                });
                match done {
                    Ok(one) => copied.push(one),
                    Err(ops::Error::Interrupted) => return Err(stopped(ops::Error::Interrupted)),
                    Err(error) if tags.len() == 1 => return Err(error.into()),
                    Err(error) => {
                        let error = Error::from(error);
                        bars.clear();
                        app.console.warn(&format!("error: {}", error.line()));
                        failed = true;
                    }
                }
            }
        } else {
            let ends = (&source.source, &target.destination);
            let done = copy(network, ends.0, ends.1, &self.choice, &mut |blobs| {
                bars.show(blobs);
                go_on()
            });
            copied.push(done.map_err(stopped)?);
        }
        bars.clear();
        target.finish(&mut |_| go_on()).map_err(stopped)?;
        Ok((copied, failed))
    }
}
