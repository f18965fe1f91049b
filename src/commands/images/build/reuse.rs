//! Images that were built of the same already: found, and not built once more.

use super::building::{Asked, Building, Outcome, Target, done, key_of, not_built};
use crate::app::App;
use crate::domain::image::Image;
use crate::domain::sighting::Sighting;
use crate::domain::spec::JobPhase;
use crate::error::Result;
use crate::ops::build;

impl Building {
    /// Returns an image that was built of the same already, and writes where; nothing where
    /// there is none, or it is not wanted.
    pub(super) fn found(
        &self,
        app: &mut App,
        image: &Image,
        asked: &Asked,
        target: &Target,
    ) -> Result<Option<Outcome>> {
        if self.force {
            return Ok(None);
        }
        let key = key_of(image, &asked.base)?;
        let Some((url, seen)) = self.find(app, image, target, &key)? else {
            return Ok(None);
        };
        let config = &image.config;
        let is_known = config.url.as_ref() == Some(&url)
            && config.built().is_some_and(|built| built.key == key)
            && config.is_ready == Some(true)
            && (config.job.as_ref()).is_some_and(|job| job.phase == JobPhase::Succeeded);
        let image = match is_known {
            true => image.clone(),
            false => {
                let done = done(image, (&asked.base, &key), url, seen);
                build::succeed(&mut *app.write()?, app.actor(), &config.name, &done)?
            }
        };
        Ok(Some(Outcome {
            image,
            was_built: true,
        }))
    }

    /// Returns where an image is that was built of the same, and what is there.
    fn find(
        &self,
        app: &mut App,
        image: &Image,
        target: &Target,
        key: &str,
    ) -> Result<Option<(String, Sighting)>> {
        let now = app.actor().now;
        let mut places = Vec::new();
        if self.push.is_none() {
            let job = image.config.job.as_ref();
            places.extend(image.config.url.clone());
            places.extend(job.and_then(|job| job.text("target")));
        }
        places.push(target.reference.to_string());
        for (index, place) in places.iter().enumerate() {
            if places.iter().position(|other| other == place) != Some(index) {
                continue;
            }
            let Ok(reference) = app.reference(place) else {
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
                Ok(Some(seen)) if build::is_built(&seen, key) => {
                    return Ok(Some((place.clone(), seen)));
                }
                Ok(_) => {}
                Err(error) if is_same => return Err(not_built(image, error)),
                // It is pushed elsewhere now.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}
