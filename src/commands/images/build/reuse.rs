//! Images that were built of the same already: found, and not built once more.

use super::ends::{Asked, Target, of_secret};
use super::one::{Building, Outcome, not_built};
use crate::app::App;
use crate::domain::image::Image;
use crate::domain::sighting::Sighting;
use crate::domain::spec::{JobPhase, JobStatus};
use crate::error::Result;
use crate::ops::build::{self, Done};

/// A place where an image of the same may be.
struct Place {
    reference: String,
    /// The label `org.opencontainers.image.created` that it must have, if not any will do.
    created: Option<String>,
}

impl Building {
    /// Returns an image that was built of the same already, and writes where; nothing where
    /// there is none, or it is not wanted.
    pub fn found(
        &self,
        app: &mut App,
        image: &Image,
        asked: &Asked,
        target: &Target,
    ) -> Result<Option<Outcome>> {
        if self.force {
            return Ok(None);
        }
        let key = build::key_of(image, &asked.base)?;
        let Some((url, seen)) = self.find(app, image, target, &key)? else {
            return Ok(None);
        };
        let config = &image.config;
        let is_known = config.url.as_ref() == Some(&url)
            && config.built().is_some_and(|built| built.key == key)
            && !config.is_stale()
            && config.is_ready == Some(true)
            && image.seen.url.digest == seen.digest
            && (config.job.as_ref()).is_some_and(|job| job.phase == JobPhase::Succeeded);
        let image = match is_known {
            true => image.clone(),
            false => {
                let done = Done::new(image, &asked.base, url, seen)?;
                build::succeed(&mut *app.write()?, app.actor(), &config.name, &done)?
            }
        };
        Ok(Some(Outcome {
            image,
            was_built: true,
        }))
    }

    /// Returns where an image may be that was built of the same.
    fn places(&self, image: &Image, target: &Target) -> Vec<Place> {
        let anywhere = |reference: String| Place {
            reference,
            created: None,
        };
        let job = image.config.job.as_ref();
        let its_target = job.and_then(|job| job.text("target"));
        let pending = job.filter(|job: &&JobStatus| job.phase == JobPhase::Pending);
        if let Some(job) = pending
            && let Some(created) = job.text("created")
        {
            // Only what the Job makes was wanted, where it was forced.
            let reference = its_target.unwrap_or_default();
            let created = Some(created);
            return vec![Place { reference, created }];
        }
        let mut places = Vec::new();
        if self.push.is_none() {
            let url = image.config.url.clone();
            match pending {
                Some(_) => places.extend(its_target.into_iter().chain(url)),
                None => places.extend(url.into_iter().chain(its_target)),
            }
        }
        places.push(target.reference.to_string());
        places.into_iter().map(anywhere).collect()
    }

    fn find(
        &self,
        app: &mut App,
        image: &Image,
        target: &Target,
        key: &str,
    ) -> Result<Option<(String, Sighting)>> {
        let now = app.actor().now;
        let places = self.places(image, target);
        for (index, place) in places.iter().enumerate() {
            let text = &place.reference;
            if places.iter().position(|other| other.reference == *text) != Some(index) {
                continue;
            }
            let Ok(reference) = app.reference(text) else {
                continue;
            };
            let is_same = reference.registry() == target.reference.registry();
            let reach = match is_same {
                true => target.reach.clone(),
                false => self.reach(app, &reference, None)?,
            };
            let client = &reach.network.client;
            let looked = reach.network.wait(build::look(client, &reference, &now));
            reach.tell(app);
            match looked {
                Ok(Some(seen)) if build::is_built(&seen, key, place.created.as_deref()) => {
                    return Ok(Some((text.clone(), seen)));
                }
                Ok(_) => {}
                Err(error) if is_same => {
                    let error = of_secret(error.into(), target.secret.as_deref());
                    return Err(not_built(image, error));
                }
                // It is pushed elsewhere now.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}
