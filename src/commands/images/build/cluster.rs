//! Building in a cluster: the resources that do it are written, and applied by others.

use std::fs;

use serde_json::{Value, json};

use super::ends::{Asked, Target};
use super::one::{Building, not_built};
use crate::app::App;
use crate::build::{Job, JobEnd, job_name_of, resources};
use crate::domain::built::Wanted;
use crate::domain::image::Image;
use crate::domain::secret::SecretType;
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Begun, Side, Turn};
use crate::output::format::Format;
use crate::output::records::{write_pretty, write_yaml_of};

/// Bytes of the largest `ConfigMap`, with something to spare for what a cluster adds.
const LARGEST: usize = (1 << 20) - 4096;

/// Bytes of what `kubectl apply` keeps of a resource in its annotations.
const APPLIED: usize = 250 << 10;

/// What becomes of an image that a cluster is to build.
pub enum InCluster {
    /// It was built of the same already, or by the Job that is waited for.
    Built(Box<Image>),
    Written(Box<Written>),
}

/// A Job that builds an image. The image is nobody else's to build until that is known.
pub struct Written {
    image: Image,
    job_name: String,
    target: String,
    wanted: Wanted,
    /// Set where only this Job's image will do.
    created: Option<String>,
    resources: Vec<Value>,
    /// The secrets that the cluster needs.
    secrets: Vec<String>,
    /// What else it needs.
    advice: Vec<String>,
    _turn: Turn,
}

impl Building {
    /// Returns the Job that builds an image; where it was built of the same already, writes
    /// that instead.
    pub fn write_job(
        &self,
        app: &mut App,
        image: &Image,
        asked: &Asked,
        turn: Turn,
    ) -> Result<InCluster> {
        if !self.secrets.is_empty() {
            let message = "`--secret` names a file of this machine, which a cluster does not see";
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("leave it out, or build here with `--engine buildah`"));
        }
        let target = self.target(app, image)?;
        let target = self.open(app, target)?;
        if let Some(outcome) = self.found(app, image, asked, &target)? {
            return Ok(InCluster::Built(Box::new(outcome.image)));
        }
        self.check_pending(image, asked)?;
        let created = app.actor().now;
        let text = build::written(image, &asked.base, &created, &[])?;
        let name = image.config.name.as_str();
        let job_name = job_name_of(name, image.revision, &text);
        let base = self.base_side(app, asked)?;
        let spec = build::spec_of(image)?;
        let mut advice = Vec::new();
        if base.credential.is_some() && spec.pull_secret.is_none() {
            let registry = base.reference.registry();
            advice.push(format!(
                "`{registry}` was asked with a login of this machine, which the cluster does not \
                 have: name a secret as `pullSecret` of the imageSpec"
            ));
        }
        if self.target_side(app, &target).credential.is_some() && target.secret.is_none() {
            let registry = target.reference.registry();
            advice.push(format!(
                "`{registry}` was asked with a login of this machine, which the cluster does not \
                 have: name a secret with `--push-secret`"
            ));
        }
        let job = Job {
            name: &job_name,
            image: name,
            containerfile: &text,
            base: job_end(app, image, base, spec.pull_secret.as_deref())?,
            target: self.target_end(app, image, &target)?,
        };
        let resources = resources(&job);
        let size = resources.iter().map(|one| one.to_string().len()).max();
        if size > Some(LARGEST) {
            let message = "its packages and certificates are over 1 MiB together, and do not \
                           fit into a ConfigMap";
            return Err(not_built(image, Error::new(Kind::InvalidInput, message))
                .hint("name a `ca-file` with the registry's own certificates only")
                .hint("or build it here, with `--engine buildah`"));
        }
        let secrets = [&job.base, &job.target].map(|end| end.secret.clone());
        Ok(InCluster::Written(Box::new(Written {
            image: image.clone(),
            target: target.reference.to_string(),
            wanted: build::wanted(image, &asked.base)?,
            created: self.force.then_some(created),
            resources,
            secrets: secrets.into_iter().flatten().collect(),
            advice,
            job_name,
            _turn: turn,
        })))
    }

    fn target_end(&self, app: &App, image: &Image, target: &Target) -> Result<JobEnd> {
        let side = self.target_side(app, target);
        job_end(app, image, side, target.secret.as_deref())
    }
}

fn job_end(app: &App, image: &Image, side: Side, secret: Option<&str>) -> Result<JobEnd> {
    let certificates = match &side.ca_file {
        None => None,
        Some(path) => {
            let read = fs::read_to_string(path);
            Some(read.map_err(|error| {
                let message = format!("cannot read `{}` (ca-file)", path.display());
                Error::new(Kind::Io, message).because(&error)
            })?)
        }
    };
    Ok(JobEnd {
        secret: secret.map(|id| secret_name(app, image, id)).transpose()?,
        verify_tls: side.verify_tls,
        certificates,
        reference: side.reference.to_string(),
    })
}

/// Returns the name that a secret has in a cluster.
fn secret_name(app: &App, image: &Image, id: &str) -> Result<String> {
    let secret = app.read()?.secret(id)?;
    if secret.secret_type != SecretType::Kubernetes {
        let message = format!(
            "secret `{id}` is `opaque`, and a Job reaches a registry only with one of type \
             `kubernetes`"
        );
        return Err(not_built(image, Error::new(Kind::InvalidInput, message))
            .hint("`imgdex secrets create --type kubernetes` makes one of that type"));
    }
    Ok(secret.name)
}

/// Prints Jobs for `kubectl apply -f -`, and writes then that the images are to be built.
pub fn write(app: &mut App, jobs: Vec<Written>) -> Result<()> {
    let resources = jobs.iter().flat_map(|job| &job.resources);
    print(app, resources)?;
    for job in &jobs {
        let begun = Begun {
            image: &job.image,
            job_name: &job.job_name,
            target: &job.target,
        };
        let created = job.created.as_deref();
        build::pending(&mut *app.write()?, app.actor(), begun, &job.wanted, created)?;
    }
    tell(app, &jobs);
    Ok(())
}

fn print<'a>(app: &mut App, resources: impl Iterator<Item = &'a Value>) -> Result<()> {
    let format = app.format;
    let out = app.console.out();
    match format {
        Format::Json => {
            let items: Vec<&Value> = resources.collect();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
            write_pretty(out, &list)?;
        }
        Format::Name => {
            for resource in resources {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let kind = text(&resource["kind"]).to_lowercase();
                writeln!(out, "{kind}/{}", text(&resource["metadata"]["name"]))?;
            }
        }
        _ => {
            for resource in resources {
                writeln!(out, "---")?;
                write_yaml_of(out, resource)?;
            }
        }
    }
    Ok(app.console.flush()?)
}

/// Tells what the cluster needs, and what comes afterwards.
fn tell(app: &mut App, jobs: &[Written]) {
    let mut told: Vec<&String> = Vec::new();
    for secret in jobs.iter().flat_map(|job| &job.secrets) {
        if !told.contains(&secret) {
            told.push(secret);
            app.console.hint(&format!(
                "the cluster needs the secret `{secret}`: `imgdex secrets export {secret} \
                 --format kubernetes --reveal | kubectl apply -f -`"
            ));
        }
    }
    let mut advised: Vec<&String> = Vec::new();
    for advice in jobs.iter().flat_map(|job| &job.advice) {
        if !advised.contains(&advice) {
            advised.push(advice);
            app.console.hint(advice);
        }
    }
    let of_one = |job: &Written| job.resources.iter().map(|one| one.to_string().len()).max();
    if jobs.iter().filter_map(of_one).max() > Some(APPLIED) {
        app.console.hint(
            "`kubectl apply` takes that much only with `--server-side`, as in `kubectl apply \
             --server-side -f -`",
        );
    }
    for job in jobs {
        let (image, name) = (&job.image.config.name, &job.job_name);
        app.console.hint(&format!(
            "once the job is done, `imgdex images build {image}` finds what it pushed, and \
             `kubectl delete job,configmap {name}` removes what built it"
        ));
    }
}
