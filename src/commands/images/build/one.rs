//! Building one image, as `images build` and `images create --build` do it.

use std::path::PathBuf;
use std::time::Instant;

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
use crate::output::progress::Progress;

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
    pub reach: Reach,
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
        let base = asked.map_err(|error| not_built(image, error))?;
        let credential = credential.or_else(|| reach.credential(&reference));
        Ok(Asked { base, credential })
    }

    pub(super) fn reach(
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
        let target = self.target(app, image)?;
        let target = self.open_target(app, target)?;
        let now = app.actor().now;
        let managers: Vec<Manager> = self.secrets.iter().map(|(manager, _)| *manager).collect();
        let text = build::written(image, &asked.base, &now, &managers)?;
        if let Some(outcome) = self.found(app, image, asked, &target)? {
            return Ok(outcome);
        }
        self.check_push(app, image, &target)?;
        let base = app.reference(&asked.base.name)?;
        let base = self.side(app, by_digest(base, &asked.base)?, asked.credential.clone());
        let side = self.side(app, target.reference.clone(), target.credential.clone());
        let making = Making {
            name: &image.config.name,
            containerfile: &text,
            base: &base,
            target: &side,
            engine: &engine,
            secrets: &self.secrets,
        };
        make(app, image, asked, &making, &target)
    }

    /// Checks that an image may be pushed, before it is built for a long time.
    fn check_push(&self, app: &mut App, image: &Image, target: &Target) -> Result<()> {
        let network = &target.reach.network;
        let checked = network.wait(network.client.check_push(&target.reference));
        target.reach.tell(app);
        checked.map_err(|error| not_built(image, error.into()))
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

/// Makes an image, and writes how that goes.
fn make(
    app: &mut App,
    image: &Image,
    asked: &Asked,
    making: &Making<'_>,
    target: &Target,
) -> Result<Outcome> {
    let (name, key) = (making.name, key_of(image, &asked.base)?);
    let url = target.reference.to_string();
    let mut log = Log::begin(&app.place()?.path, name)?;
    let interrupt = app.interrupt.clone();
    let hold = interrupt.hold();
    build::begin(&mut *app.write()?, app.actor(), name, &url)?;
    let engine = making.engine.program.name();
    app.console
        .note(&format!("building `{name}` with {engine}: {url}"));
    let (began, mut progress) = (
        Instant::now(),
        Progress::new("seconds", app.console.no_progress),
    );
    let made = build::make(making, &mut log, &mut |line| {
        progress.done_at(began.elapsed().as_secs(), line);
        hold.go_on()
    });
    drop(progress);
    let (phase, error) = match made.and_then(|()| read_back(target, &key, &app.actor().now)) {
        Ok(seen) => {
            let done = done(image, (&asked.base, &key), url, seen);
            let image = build::succeed(&mut *app.write()?, app.actor(), name, &done)?;
            return Ok(Outcome {
                image,
                was_built: false,
            });
        }
        Err(ops::Error::Interrupted) => {
            let message = format!("stopped before image `{name}` was built");
            (JobPhase::Cancelled, Error::new(interrupt.kind(), message))
        }
        Err(error) => (JobPhase::Failed, error.into()),
    };
    let message = (phase == JobPhase::Failed).then_some(error.message.as_str());
    // The failure that is told of is the first one.
    let _ = app
        .write()
        .map(|mut catalog| build::end(&mut catalog, app.actor(), name, phase, message).map(|_| ()));
    Err(error)
}

/// Returns the failure to build an image for that reason.
pub(super) fn not_built(image: &Image, reason: ops::Error) -> Error {
    let mut error = Error::from(reason);
    let name = &image.config.name;
    error.message = format!("image `{name}` cannot be built: {}", error.message);
    error
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
pub(super) fn key_of(image: &Image, base: &Base) -> Result<String> {
    let digest = base.digest.as_deref().unwrap_or_default();
    Ok(build::spec_of(image)?.build_key(digest))
}

pub(super) fn done(image: &Image, (base, key): (&Base, &str), url: String, seen: Sighting) -> Done {
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
