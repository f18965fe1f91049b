//! Images that are verified before they are written.

use std::cell::Cell;

use super::ask::{Answers, Questions};
use super::judge::{Status, Verdict, judge, readiness};
use crate::catalog::Catalog;
use crate::domain::image::{ImageConfig, NewImage};
use crate::domain::image_rules::FieldFault;
use crate::domain::sighting::Sighting;
use crate::ops::Result;

impl Questions {
    /// Adds the references of an image that is to be written.
    pub fn add_image(&mut self, config: &ImageConfig) {
        for text in [&config.url, &config.url_for_gpu].into_iter().flatten() {
            self.add(text);
        }
    }

    /// Notes the digests that a catalog knows, so that nobody looks into them.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn know_all_of(&mut self, catalog: &Catalog) -> Result<()> {
        Ok(catalog.for_each_sighting(|seen| self.know(&seen))?)
    }
}

/// What registries say of images that are to be written.
#[derive(Debug)]
pub struct Verified {
    answers: Answers,
    platform: Option<String>,
    /// RFC 3339, UTC.
    now: String,
    /// How many images were refused, and the gravest reason.
    refused: Cell<u64>,
    worst: Cell<Status>,
    /// Whether what cannot be had is only written down.
    observes: bool,
}

impl Verified {
    /// Returns the answers, with what the catalog knows of their digests.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn new(
        catalog: &Catalog,
        mut answers: Answers,
        platform: Option<String>,
        now: String,
    ) -> Result<Self> {
        let lacking = answers.lacking();
        catalog.for_each_sighting(|seen| answers.learn(&lacking, seen))?;
        Ok(Self {
            answers,
            platform,
            now,
            refused: Cell::new(0),
            worst: Cell::new(Status::Skipped),
            observes: false,
        })
    }

    /// Returns the same, which refuses nothing: what is wrong is written down with the
    /// image, as `images verify` does.
    #[must_use]
    pub fn observing(self) -> Self {
        Self {
            observes: true,
            ..self
        }
    }

    /// Makes an image say what was found of it.
    ///
    /// # Errors
    /// A fault for each reference that cannot be had: then it must not be written.
    pub fn take(&self, image: &mut NewImage) -> std::result::Result<(), Vec<FieldFault>> {
        if self.observes {
            self.observe(image);
            return Ok(());
        }
        let mut faults = Vec::new();
        let mut is_ready = None;
        let config = &image.config;
        for (field, text, seen) in [
            ("url", &config.url, &mut image.seen.url),
            (
                "urlForGpu",
                &config.url_for_gpu,
                &mut image.seen.url_for_gpu,
            ),
        ] {
            let Some(text) = text else { continue };
            let Some(answer) = self.answers.of(text) else {
                // It was there before the input, and nobody asked for it.
                is_ready = Some(false);
                continue;
            };
            // Nothing was seen of it by this catalog.
            let before = Sighting::default();
            let Verdict {
                status,
                seen: found,
                problem,
            } = judge(&before, &answer, self.platform.as_deref(), &self.now);
            if status.is_good() {
                *seen = found;
                is_ready = is_ready.or(Some(true));
                continue;
            }
            let problem = problem.unwrap_or_default();
            let message = format!("`{text}`: {}: {problem}", status.name());
            faults.push(FieldFault::new(field, message));
            if status.gravity() > self.worst.get().gravity() {
                self.worst.set(status);
            }
        }
        if !faults.is_empty() {
            self.refused.set(self.refused.get() + 1);
            return Err(faults);
        }
        if is_ready == Some(true) {
            image.config.is_ready = is_ready;
        }
        Ok(())
    }

    fn observe(&self, image: &mut NewImage) {
        let config = &image.config;
        let mut statuses = Vec::new();
        for (text, seen) in [
            (&config.url, &mut image.seen.url),
            (&config.url_for_gpu, &mut image.seen.url_for_gpu),
        ] {
            let Some(text) = text else { continue };
            let was_in_order = seen.digest.is_some() && seen.problem.is_none();
            let Some(answer) = self.answers.of(text) else {
                statuses.push((Status::Skipped, was_in_order));
                continue;
            };
            let before = Sighting::default();
            let verdict = judge(&before, &answer, self.platform.as_deref(), &self.now);
            statuses.push((verdict.status, was_in_order));
            *seen = verdict.seen;
        }
        image.config.is_ready = readiness(image.config.is_ready, &statuses);
    }

    /// Returns the gravest reason why images were refused, where so many were.
    pub(in crate::ops) fn worst_of(&self, refused: u64) -> Option<Status> {
        (refused > 0 && self.refused.get() == refused).then(|| self.worst.get())
    }
}
