//! The two registries of a build: the one that has the base image, and the one that gets
//! what is built.

use super::one::{Builder, Building};
use crate::app::App;
use crate::app::network::Reach;
use crate::build::Base;
use crate::domain::credential::Credential;
use crate::domain::image::Image;
use crate::domain::reference::{Reference, Registry, Tag};
use crate::domain::spec::JobPhase;
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Side};
use crate::ops::transfer::own_platform;
use crate::ops::{self};

/// A base image as it is now, and how it was asked for.
#[derive(Clone)]
pub struct Asked {
    pub base: Base,
    credential: Option<Credential>,
}

/// Where an image is pushed to.
pub struct Target {
    pub reference: Reference,
    pub reach: Reach,
    /// The catalog's secret that is pushed with.
    pub secret: Option<String>,
    credential: Option<Credential>,
}

impl Building {
    /// Asks what an image's base image is now, which must be there for this machine where
    /// it is built here.
    pub fn ask(&self, app: &mut App, image: &Image) -> Result<Asked> {
        let own = own_platform();
        let is_here = self.builder(app) != Builder::Kubernetes;
        self.ask_for(app, image, is_here.then_some(own.as_str()))
    }

    /// Asks what an image's base image is now, which must be there for that platform.
    pub fn ask_for(&self, app: &mut App, image: &Image, platform: Option<&str>) -> Result<Asked> {
        let spec = build::spec_of(image)?;
        let reference = app.reference(&spec.base_image)?;
        let secret = spec.pull_secret.as_deref();
        let credential = self.credential(app, secret, reference.registry())?;
        let reach = self.reach(app, &reference, credential.as_ref())?;
        let client = &reach.network.client;
        let asked = (reach.network).wait(build::ask_base(client, &reference, platform));
        reach.tell(app);
        let base = asked.map_err(|error| of_secret(error.into(), secret))?;
        let credential = credential.or_else(|| reach.credential(&reference));
        Ok(Asked { base, credential })
    }

    /// Returns where an image is pushed to.
    pub fn target(&self, app: &App, image: &Image) -> Result<Reference> {
        if let Some(text) = &self.push {
            let reference = app.reference(text).map_err(|mut error| {
                error.message = format!("--push: {}", error.message);
                error
            })?;
            if reference.digest().is_some() {
                let message =
                    format!("--push: `{text}` has a digest, and an image is pushed by tag");
                return Err(Error::new(Kind::InvalidInput, message));
            }
            let tag = reference.tag().cloned();
            return Ok(reference.with_tag(tag.unwrap_or_else(Tag::latest)));
        }
        if let Some(prefix) = app.settings.get("build.push-prefix") {
            return Ok(build::target(prefix, image)?);
        }
        let pending = (image.config.job.as_ref()).filter(|job| job.phase == JobPhase::Pending);
        match pending.and_then(|job| job.text("target")) {
            // It is on its way there already.
            Some(target) => app.reference(&target),
            None => Err(no_target(&format!("image `{}`", image.config.name))
                .hint("name it with `--push REGISTRY/REPOSITORY:TAG`")
                .hint("or set `push-prefix` in `[build]` of the config file")),
        }
    }

    /// Opens the registry that an image is pushed to.
    pub fn open(&self, app: &mut App, reference: Reference) -> Result<Target> {
        let secret = self.push_secret(app, reference.registry())?;
        let credential = self.credential(app, secret.as_deref(), reference.registry())?;
        let reach = self.reach(app, &reference, credential.as_ref())?;
        let credential = credential.or_else(|| reach.credential(&reference));
        Ok(Target {
            reference,
            reach,
            secret,
            credential,
        })
    }

    /// Returns the secret to push with: the one that is named, or that of the config file
    /// where it is for the registry.
    fn push_secret(&self, app: &mut App, registry: &Registry) -> Result<Option<String>> {
        if self.push_secret.is_some() {
            return Ok(self.push_secret.clone());
        }
        let Some(id) = app.settings.get("build.push-secret").map(str::to_owned) else {
            return Ok(None);
        };
        let secret = app.read()?.secret(&id)?;
        if build::serves(&secret, registry) {
            return Ok(Some(id));
        }
        app.console.note(&format!(
            "`push-secret` (`{id}`) is of another registry than `{registry}`, which is asked \
             with what `imgdex login` keeps"
        ));
        Ok(None)
    }

    fn credential(
        &self,
        app: &App,
        secret: Option<&str>,
        registry: &Registry,
    ) -> Result<Option<Credential>> {
        let Some(id) = secret else {
            return Ok(None);
        };
        match build::credential(&*app.read()?, &app.keepers()?, id, registry) {
            Ok(credential) => Ok(Some(credential)),
            // The cluster may have what is not kept here.
            Err(ops::Error::NotFound { .. }) if self.builder(app) == Builder::Kubernetes => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    pub fn reach(
        &self,
        app: &mut App,
        reference: &Reference,
        credential: Option<&Credential>,
    ) -> Result<Reach> {
        let registry = reference.registry();
        match credential {
            Some(credential) => app.reach_as(registry, &self.choices, credential.clone()),
            None => app.reach(&[registry], &self.choices),
        }
    }

    /// Returns how an engine reaches the base image, by its digest.
    pub fn base_side(&self, app: &App, asked: &Asked) -> Result<Side> {
        let reference = by_digest(app.reference(&asked.base.name)?, &asked.base)?;
        Ok(self.side(app, reference, asked.credential.clone()))
    }

    /// Returns how an engine reaches the place where an image is pushed to.
    pub fn target_side(&self, app: &App, target: &Target) -> Side {
        self.side(app, target.reference.clone(), target.credential.clone())
    }

    fn side(&self, app: &App, reference: Reference, credential: Option<Credential>) -> Side {
        let security = app.security(reference.registry(), &self.choices);
        Side {
            reference,
            credential,
            verify_tls: security.verify_tls,
            ca_file: security.ca_file,
        }
    }
}

pub fn no_target(image: &str) -> Error {
    let message = format!("{image} cannot be built: where it is to be pushed to was not said");
    Error::new(Kind::InvalidInput, message)
}

/// Returns a base image by digest alone: engines take no tag beside it.
fn by_digest(reference: Reference, base: &Base) -> Result<Reference> {
    let Some(digest) = &base.digest else {
        return Ok(reference);
    };
    Reference::parse(&format!("{}@{digest}", base.repository))
        .map_err(|error| Error::new(Kind::InvalidInput, error.to_string()))
}

/// Returns the failure to ask a registry, with what helps where it was asked with a secret
/// of the catalog: no login is looked at then.
pub fn of_secret(mut error: Error, secret: Option<&str>) -> Error {
    if let Some(id) = secret
        && error.kind == Kind::Denied
    {
        error.hints = vec![format!(
            "it was asked with the secret `{id}`: `imgdex secrets update {id} --password-stdin` \
             gives that another value"
        )];
    }
    error
}
