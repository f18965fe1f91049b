//! Images that were built of the same already: found, and not built once more.

use super::ends::{Asked, Target, of_secret};
use super::one::{Building, Outcome, not_built};
use crate::app::App;
use crate::domain::built::Wanted;
use crate::domain::image::Image;
use crate::domain::sighting::Sighting;
use crate::domain::spec::JobPhase;
use crate::error::Result;
use crate::ops::build::{self, Done};

/// A place where an image may be that will do.
struct Place {
    reference: String,
    /// What it must be made of.
    made: Wanted,
    /// The label `org.opencontainers.image.created` that it must have, if not any will do.
    created: Option<String>,
}

impl Building {
    /// Returns an image that was built of the same already, or by the Job that is waited
    /// for, and writes where; nothing where there is none, or it is not wanted.
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
        let places = self.places(image, asked, target)?;
        let Some((place, seen)) = self.find(app, image, target, places)? else {
            return Ok(None);
        };
        let config = &image.config;
        let is_known = config.url.as_ref() == Some(&place.reference)
            && config
                .built()
                .is_some_and(|built| built.key == place.made.key)
            && !config.is_stale()
            && config.is_ready == Some(true)
            && image.seen.url.digest == seen.digest
            && (config.job.as_ref()).is_some_and(|job| job.phase == JobPhase::Succeeded);
        let image = match is_known {
            true => image.clone(),
            false => {
                let done = Done {
                    created_at: image.created_at.clone(),
                    url: place.reference,
                    made: place.made,
                    begun_as: None,
                    seen,
                };
                build::succeed(&mut *app.write()?, app.actor(), &config.name, &done)?
            }
        };
        Ok(Some(Outcome {
            image,
            was_built: true,
        }))
    }

    /// Returns where an image may be that will do.
    fn places(&self, image: &Image, asked: &Asked, target: &Target) -> Result<Vec<Place>> {
        let job = image.config.job.as_ref();
        let its_target = job.and_then(|job| job.text("target"));
        let mut places = Vec::new();
        if let Some(job) = job
            && let Some(made) = job.wanted()
        {
            // Only what the Job makes will do, where it was forced.
            let created = job.text("created");
            let was_forced = created.is_some();
            places.push(Place {
                reference: its_target.clone().unwrap_or_default(),
                made,
                created,
            });
            if was_forced {
                return Ok(places);
            }
        }
        let made = build::wanted(image, &asked.base)?;
        let mut others = Vec::new();
        if self.push.is_none() {
            others.extend(image.config.url.clone());
            others.extend(its_target);
        }
        others.push(target.reference.to_string());
        for reference in others {
            let place = Place {
                reference,
                made: made.clone(),
                created: None,
            };
            let is_same = |other: &Place| {
                other.reference == place.reference && other.made.key == place.made.key
            };
            if !places.iter().any(is_same) {
                places.push(place);
            }
        }
        Ok(places)
    }

    fn find(
        &self,
        app: &mut App,
        image: &Image,
        target: &Target,
        places: Vec<Place>,
    ) -> Result<Option<(Place, Sighting)>> {
        let now = app.actor().now;
        for place in places {
            let Ok(reference) = app.reference(&place.reference) else {
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
            let created = place.created.as_deref();
            match looked {
                Ok(Some(seen)) if build::is_built(&seen, &place.made.key, created) => {
                    return Ok(Some((place, seen)));
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
