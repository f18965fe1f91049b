//! Building one image, as `images build` and `images create --build` do it.

use std::path::PathBuf;
use std::time::Instant;

use super::ends::{Asked, Target, no_target, of_secret};
use crate::app::App;
use crate::app::network::Choices;
use crate::build::{Engine, Manager, Program, job_name};
use crate::catalog;
use crate::domain::image::Image;
use crate::domain::spec::{JobPhase, JobStatus};
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Begun, Done, Ending, LeftOver, Making, Turn};
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
        find(app, wanted)
    }

    /// Ends builds that were killed, removes what they left, credentials included, and
    /// writes that they have ended.
    pub fn sweep(&self, app: &App) -> Result<()> {
        let catalog = app.read()?;
        let exists = |name: &str, created_at: &str| match catalog.image(name) {
            Ok(image) => created_at.is_empty() || image.created_at == created_at,
            Err(error) => !matches!(error, catalog::Error::NotFound { .. }),
        };
        let path = app.place()?.path;
        build::sweep(&path, &exists, &mut |left_over| end(app, left_over));
        Ok(())
    }

    /// Takes the right to build an image, and ends what the last build of it left.
    pub fn turn(&self, app: &mut App, name: &str) -> Result<Turn> {
        let place = app.place()?;
        let interrupt = app.interrupt.clone();
        let mut is_told = false;
        let turn = Turn::take(&place.path, name, place.lock_timeout, &mut || {
            if !is_told {
                is_told = true;
                let message = format!("waiting for another process that builds `{name}`");
                app.console.note(&message);
            }
            !interrupt.is_seen()
        });
        let mut turn = turn.map_err(|error| match error {
            ops::Error::Interrupted => Error::new(interrupt.kind(), error.to_string()),
            other => other.into(),
        })?;
        if let Some(left_over) = turn.left_over() {
            end(app, left_over);
        }
        Ok(turn)
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

    /// Builds an image in its turn and writes what became of it; one that was built of the
    /// same is found instead, unless that is not wanted.
    pub fn build(
        &self,
        app: &mut App,
        image: &Image,
        asked: &Asked,
        turn: Turn,
    ) -> Result<Outcome> {
        let target = self.target(app, image)?;
        let target = self.open(app, target)?;
        if let Some(outcome) = self.found(app, image, asked, &target)? {
            return Ok(outcome);
        }
        self.check_pending(image, asked)?;
        let engine = self.engine(app)?;
        let created = app.actor().now;
        let managers: Vec<Manager> = self.secrets.iter().map(|(manager, _)| *manager).collect();
        let text = build::written(image, &asked.base, &created, &managers)?;
        self.check_push(app, image, &target)?;
        let (base, side) = (self.base_side(app, asked)?, self.target_side(app, &target));
        let making = Making {
            name: &image.config.name,
            containerfile: &text,
            base: &base,
            base_name: &asked.base.name,
            target: &side,
            engine: &engine,
            secrets: &self.secrets,
        };
        build::check(&making)?;
        let made = Made {
            image,
            asked,
            created: &created,
            target: &target,
        };
        made.make(app, &making, turn)
    }

    /// Refuses to build what the Job of a cluster is to make, unless that is wanted.
    pub fn check_pending(&self, image: &Image, asked: &Asked) -> Result<()> {
        let Some(job) = is_awaited(image, asked).filter(|_| !self.force) else {
            return Ok(());
        };
        let (name, target) = (&image.config.name, job.text("target").unwrap_or_default());
        let message = format!(
            "image `{name}` is to be built by the Job of a cluster, which has not pushed \
             `{target}` yet"
        );
        let job = job.text("jobName").unwrap_or_default();
        Err(Error::new(Kind::CheckFailed, message)
            .hint(format!(
                "`kubectl logs job/{job} --follow` shows how far it is"
            ))
            .hint(format!(
                "`imgdex images build {name} --force` builds it once more"
            )))
    }

    /// Checks that an image may be pushed, before it is built for a long time.
    fn check_push(&self, app: &mut App, image: &Image, target: &Target) -> Result<()> {
        let network = &target.reach.network;
        let checked = network.wait(network.client.check_push(&target.reference));
        target.reach.tell(app);
        checked.map_err(|error| {
            let error = ops::Error::from(error).into();
            not_built(image, of_secret(error, target.secret.as_deref()))
        })
    }
}

/// Returns the status of an image whose Job is to make what it still is.
pub fn is_awaited<'a>(image: &'a Image, asked: &Asked) -> Option<&'a JobStatus> {
    let wanted = build::wanted(image, &asked.base).ok()?;
    let job = image.config.job.as_ref();
    job.filter(|job| job.wanted().is_some_and(|of| of.key == wanted.key))
}

/// Ends a build that was killed, and returns whether nothing of it is left.
fn end(app: &App, left_over: LeftOver) -> bool {
    // Another engine cannot remove what this one keeps, but end it.
    let engine = find(app, left_over.program).or_else(|_| find(app, None));
    let (name, job_name) = (left_over.image.clone(), left_over.job_name.clone());
    let is_gone = build::end_left_over(left_over, engine.ok().as_ref());
    let ending = Ending {
        job_name: &job_name,
        phase: JobPhase::Cancelled,
        message: Some("imgdex was killed while it was built"),
    };
    // It may be another image by now, or be gone.
    let _ = app
        .write()
        .map(|mut catalog| build::end(&mut catalog, app.actor(), &name, ending).map(|_| ()));
    is_gone
}

fn find(app: &App, wanted: Option<Program>) -> Result<Engine> {
    let path = app.environment.get("PATH").unwrap_or_default();
    let isolated = app.environment.get("BUILDAH_ISOLATION").is_some();
    let found = Engine::find(wanted, path.as_ref(), isolated);
    Ok(found.map_err(ops::Error::from)?)
}

/// An image that is made, of what and for whom.
struct Made<'a> {
    image: &'a Image,
    asked: &'a Asked,
    /// The label `org.opencontainers.image.created`.
    created: &'a str,
    target: &'a Target,
}

impl Made<'_> {
    /// Makes the image, and writes how that goes.
    fn make(&self, app: &mut App, making: &Making<'_>, turn: Turn) -> Result<Outcome> {
        let (name, base) = (making.name, &self.asked.base);
        let job_name = job_name(name, self.image.revision);
        let url = self.target.reference.to_string();
        let mut log = turn.begin(self.image, &job_name)?;
        let interrupt = app.interrupt.clone();
        let hold = interrupt.hold();
        let begun = Begun {
            image: self.image,
            job_name: &job_name,
            target: &url,
        };
        if let Err(error) = begin(app, begun) {
            log.forget();
            return Err(error);
        }
        let engine = making.engine.program.name();
        app.console
            .note(&format!("building `{name}` with {engine}: {url}"));
        let began = Instant::now();
        let mut progress = Progress::new("seconds", app.console.no_progress);
        let made = build::make(making, &mut log, &mut |line| {
            progress.done_at(began.elapsed().as_secs(), line);
            hold.go_on()
        });
        drop(progress);
        let network = &self.target.reach.network;
        let seen = made.and_then(|()| {
            let (wanted, now) = (build::wanted(self.image, base)?, app.actor().now);
            let read = build::read_back(
                &network.client,
                &self.target.reference,
                (&wanted.key, self.created),
                &now,
            );
            let read = network.wait_while(read, &mut || hold.go_on());
            Ok((wanted, read.unwrap_or(Err(ops::Error::Interrupted))?))
        });
        // Nothing is left to clean up: who waits for the catalog may be interrupted.
        drop(hold);
        let (phase, error) = match seen {
            Ok((made, seen)) => {
                let done = Done {
                    created_at: self.image.created_at.clone(),
                    url,
                    made,
                    begun_as: Some(job_name),
                    seen,
                };
                return write(app, name, &done);
            }
            Err(ops::Error::Interrupted) => {
                let message = format!("stopped before image `{name}` was built");
                (JobPhase::Cancelled, Error::new(interrupt.kind(), message))
            }
            Err(error) => (JobPhase::Failed, error.into()),
        };
        let ending = Ending {
            job_name: &job_name,
            phase,
            message: (phase == JobPhase::Failed).then_some(error.message.as_str()),
        };
        // The failure that is told of is the first one.
        let _ = app
            .write()
            .map(|mut catalog| build::end(&mut catalog, app.actor(), name, ending).map(|_| ()));
        Err(error)
    }
}

fn begin(app: &App, begun: Begun<'_>) -> Result<()> {
    build::begin(&mut *app.write()?, app.actor(), begun)?;
    Ok(())
}

/// Writes that an image is built, which the registry has already.
fn write(app: &App, name: &str, done: &Done) -> Result<Outcome> {
    let written = app
        .write()
        .and_then(|mut catalog| Ok(build::succeed(&mut catalog, app.actor(), name, done)?));
    let url = &done.url;
    let image = written.map_err(|mut error| {
        error.message = format!("`{url}` was pushed, but {}", error.message);
        let hint = match error.kind {
            Kind::NotFound | Kind::Conflict | Kind::InvalidInput => {
                format!("`imgdex registry delete {url}` removes what was pushed")
            }
            _ => format!("`imgdex images build {name} --push {url}` finds it there later"),
        };
        error.hint(hint)
    })?;
    Ok(Outcome {
        image,
        was_built: false,
    })
}

/// Returns the failure to build an image for that reason.
pub fn not_built(image: &Image, mut reason: Error) -> Error {
    let name = &image.config.name;
    reason.message = format!("image `{name}` cannot be built: {}", reason.message);
    reason
}
