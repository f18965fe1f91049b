//! Building one image, as `images build` and `images create --build` do it.

use std::path::PathBuf;

use crate::app::App;
use crate::app::network::{Choices, Reach};
use crate::build::{Base, Engine, Manager, Program, job_name};
use crate::domain::credential::Credential;
use crate::domain::image::Image;
use crate::domain::reference::Reference;
use crate::domain::sighting::Sighting;
use crate::domain::spec::JobPhase;
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Done, Log, Making, Side};
use crate::ops::{self};

/// Who builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// A program of this machine; the first that is installed where none is named.
    Here(Option<Program>),
    Kubernetes,
}

impl Builder {
    /// Returns the builder of a name, as the command line and the config file have it.
    pub fn from_name(name: Option<&str>) -> Self {
        match name {
            Some("kubernetes") => Self::Kubernetes,
            name => Self::Here(name.and_then(Program::from_name)),
        }
    }
}

/// How images are built.
#[derive(Debug, Default)]
pub struct Building {
    /// A name of [`Builder`].
    pub engine: Option<String>,
    /// A reference.
    pub push: Option<String>,
    /// The id or name of a secret.
    pub push_secret: Option<String>,
    pub force: bool,
    pub secrets: Vec<(Manager, PathBuf)>,
    pub choices: Choices,
}

/// A base image as it is now, and how it was asked for.
pub struct Asked {
    pub base: Base,
    credential: Option<Credential>,
}

/// A registry that images are pushed to.
pub(super) struct Target {
    pub reference: Reference,
    reach: Reach,
    credential: Option<Credential>,
}

/// What became of an image.
pub struct Outcome {
    pub image: Image,
    /// Whether it was there already.
    pub was_built: bool,
}

impl Building {
    /// Returns who builds: the flag, the config file, or whoever is installed.
    pub fn builder(&self, app: &App) -> Builder {
        let setting = app.settings.get("build.engine");
        Builder::from_name(self.engine.as_deref().or(setting))
    }

    /// Returns the engine of this machine.
    pub fn engine(&self, app: &App) -> Result<Engine> {
        let wanted = match self.builder(app) {
            Builder::Here(wanted) => wanted,
            Builder::Kubernetes => {
                let message = "a cluster builds no image from here: its Job is only written";
                return Err(Error::new(Kind::InvalidInput, message)
                    .hint("write it with `imgdex images build ID --engine kubernetes`")
                    .hint("or set another `engine` in `[build]` of the config file"));
            }
        };
        let path = app.environment.get("PATH").unwrap_or_default();
        let isolated = app.environment.get("BUILDAH_ISOLATION").is_some();
        let found = Engine::find(wanted, path.as_ref(), isolated);
        Ok(found.map_err(ops::Error::from)?)
    }

    /// Checks that images can be built at all, before there is one.
    pub fn check(&self, app: &App) -> Result<()> {
        if app.settings.get("build.push-prefix").is_none() {
            return Err(no_target("an image").hint(
                "set `push-prefix` in `[build]` of the config file, or leave `--build` out",
            ));
        }
        self.engine(app).map(|_| ())
    }

    /// Returns where an image is pushed to.
    pub fn target(&self, app: &App, image: &Image) -> Result<Reference> {
        if let Some(text) = &self.push {
            let reference = app.reference(text)?;
            if reference.digest().is_some() {
                let message =
                    format!("--push: `{text}` has a digest, and an image is pushed by tag");
                return Err(Error::new(Kind::InvalidInput, message));
            }
            let tag = reference.tag().cloned();
            let tag = tag.unwrap_or_else(crate::domain::reference::Tag::latest);
            return Ok(reference.with_tag(tag));
        }
        let Some(prefix) = app.settings.get("build.push-prefix") else {
            let name = format!("image `{}`", image.config.name);
            return Err(no_target(&name)
                .hint("name it with `--push REGISTRY/REPOSITORY:TAG`")
                .hint("or set `push-prefix` in `[build]` of the config file"));
        };
        Ok(build::target(prefix, image)?)
    }

    /// Asks what an image's base image is now.
    pub fn ask(&self, app: &mut App, image: &Image) -> Result<Asked> {
        let spec = build::spec_of(image)?;
        let reference = app.reference(&spec.base_image)?;
        let credential = match &spec.pull_secret {
            None => None,
            Some(id) => Some(build::credential(
                &*app.read()?,
                &app.keepers()?,
                id,
                reference.registry(),
            )?),
        };
        let reach = self.reach(app, &reference, credential.as_ref())?;
        let asked = reach
            .network
            .wait(build::ask_base(&reach.network.client, &reference));
        reach.tell(app);
        let base = asked.map_err(|error| {
            let mut error = Error::from(error);
            let name = &image.config.name;
            error.message = format!("image `{name}` cannot be built: {}", error.message);
            error
        })?;
        let credential = credential.or_else(|| reach.credential(&reference));
        Ok(Asked { base, credential })
    }

    fn reach(
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

    /// Returns the secret to push with: the flag or the config file.
    pub(super) fn push_secret(&self, app: &App) -> Option<String> {
        let setting = app.settings.get("build.push-secret").map(str::to_owned);
        self.push_secret.clone().or(setting)
    }

    pub(super) fn open_target(&self, app: &mut App, reference: Reference) -> Result<Target> {
        let credential = match self.push_secret(app) {
            None => None,
            Some(id) => Some(build::credential(
                &*app.read()?,
                &app.keepers()?,
                &id,
                reference.registry(),
            )?),
        };
        let reach = self.reach(app, &reference, credential.as_ref())?;
        let credential = credential.or_else(|| reach.credential(&reference));
        Ok(Target {
            reference,
            reach,
            credential,
        })
    }

    /// Builds an image and writes what became of it; one that was built of the same is
    /// found instead, unless that is not wanted.
    pub fn build(&self, app: &mut App, image: &Image, asked: &Asked) -> Result<Outcome> {
        let engine = self.engine(app)?;
        let key = key_of(image, &asked.base)?;
        let target = self.target(app, image)?;
        let target = self.open_target(app, target)?;
        let now = app.actor().now;
        let managers: Vec<Manager> = self.secrets.iter().map(|(manager, _)| *manager).collect();
        let text = build::written(image, &asked.base, &now, &managers)?;
        let name = image.config.name.as_str();
        if let Some(outcome) = self.found(app, image, asked, &target)? {
            return Ok(outcome);
        }
        let done = |url: String, seen: Sighting| done(image, (&asked.base, &key), url, seen);
        let base = app.reference(&asked.base.name)?;
        let base = self.side(app, by_digest(base, &asked.base)?, asked.credential.clone());
        let side = self.side(app, target.reference.clone(), target.credential.clone());
        let making = Making {
            name,
            containerfile: &text,
            base: &base,
            target: &side,
            engine: &engine,
            secrets: &self.secrets,
        };
        let mut log = Log::begin(&app.place()?.path, name)?;
        let interrupt = app.interrupt.clone();
        let hold = interrupt.hold();
        let url = target.reference.to_string();
        build::begin(&mut *app.write()?, app.actor(), name, &url)?;
        app.console.note(&format!(
            "building `{name}` with {}: {url}",
            engine.program.name()
        ));
        let mut go_on = |_: &str| hold.go_on();
        let made = build::make(&making, &mut log, &mut go_on);
        let made = made.and_then(|()| read_back(&target, &key, &app.actor().now));
        let failed = |app: &App, phase, message: Option<&str>| {
            // The failure that is told of is the first one.
            let catalog = app.write();
            catalog.map(|mut catalog| {
                let _ = build::end(&mut catalog, app.actor(), name, phase, message);
            })
        };
        match made {
            Ok(seen) => {
                let done = done(url, seen);
                let image = build::succeed(&mut *app.write()?, app.actor(), name, &done)?;
                Ok(Outcome {
                    image,
                    was_built: false,
                })
            }
            Err(ops::Error::Interrupted) => {
                let _ = failed(app, JobPhase::Cancelled, None);
                let message = format!("stopped before image `{name}` was built");
                Err(Error::new(interrupt.kind(), message))
            }
            Err(error) => {
                let _ = failed(app, JobPhase::Failed, Some(&error.to_string()));
                Err(error.into())
            }
        }
    }

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
                Err(error) if is_same => return Err(error.into()),
                // It is pushed elsewhere now.
                Err(_) => {}
            }
        }
        Ok(None)
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

fn no_target(image: &str) -> Error {
    let message = format!("{image} cannot be built: where it is to be pushed to was not said");
    Error::new(Kind::InvalidInput, message)
}

/// Returns a base image by digest alone: engines take no tag beside it.
pub(super) fn by_digest(reference: Reference, base: &Base) -> Result<Reference> {
    let Some(digest) = &base.digest else {
        return Ok(reference);
    };
    Reference::parse(&format!("{}@{digest}", base.repository))
        .map_err(|error| Error::new(Kind::InvalidInput, error.to_string()))
}

/// Returns the key of a build of an image upon what its base image is now.
fn key_of(image: &Image, base: &Base) -> Result<String> {
    let digest = base.digest.as_deref().unwrap_or_default();
    Ok(build::spec_of(image)?.build_key(digest))
}

fn done(image: &Image, (base, key): (&Base, &str), url: String, seen: Sighting) -> Done {
    Done {
        url,
        key: key.to_owned(),
        base_digest: base.digest.clone().unwrap_or_default(),
        job_name: job_name(&image.config.name, image.revision),
        seen,
    }
}

/// Asks a registry what was pushed.
fn read_back(target: &Target, key: &str, now: &str) -> ops::Result<Sighting> {
    let network = &target.reach.network;
    let looked = network.wait(build::look(&network.client, &target.reference, now))?;
    let reference = &target.reference;
    let wrong = |what: String| ops::Error::Violation {
        what,
        hint: "build it once more, with `--push` to where nobody else pushes".to_owned(),
    };
    match looked {
        None => Err(wrong(format!(
            "`{reference}` was pushed, but the registry does not have it"
        ))),
        Some(seen) if !build::is_built(&seen, key) => Err(wrong(format!(
            "`{reference}` was pushed, but the registry has another image there"
        ))),
        Some(seen) => Ok(seen),
    }
}
