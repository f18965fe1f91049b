//! Building in a cluster: the resources that do it are written, and applied by others.

use std::fs;

use serde_json::{Value, json};

use super::ends::{Asked, Target};
use super::one::{Building, not_built};
use crate::app::App;
use crate::build::{Job, JobEnd, job_name_of, resources};
use crate::domain::image::Image;
use crate::domain::secret::SecretType;
use crate::error::{Error, Kind, Result};
use crate::ops::build::{self, Begun, Side};
use crate::output::format::Format;
use crate::output::records::{write_pretty, write_yaml_of};

/// Bytes of the largest file of certificates that goes into a `ConfigMap`.
const LARGEST_CERTIFICATES: u64 = 512 << 10;

/// What becomes of an image that a cluster is to build.
pub enum InCluster {
    /// It was built of the same already.
    Built(Box<Image>),
    /// These resources build it.
    Written { resources: Vec<Value>, hints: Hints },
}

/// What the cluster needs for a Job, and what comes after it.
pub struct Hints {
    secrets: Vec<String>,
    image: String,
    job: String,
}

impl Building {
    /// Returns the resources that build an image, and writes that it is to be built; where
    /// it was built of the same already, writes that instead.
    pub fn write_job(&self, app: &mut App, image: &Image, asked: &Asked) -> Result<InCluster> {
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
        let created = app.actor().now;
        let text = build::written(image, &asked.base, &created, &[])?;
        let name = image.config.name.as_str();
        let url = target.reference.to_string();
        let job_name = job_name_of(name, image.revision, &text);
        let base = self.base_side(app, asked)?;
        let spec = build::spec_of(image)?;
        let job = Job {
            name: &job_name,
            image: name,
            containerfile: &text,
            base: job_end(app, image, base, spec.pull_secret.as_deref())?,
            target: self.target_end(app, image, &target)?,
        };
        let begun = Begun {
            job_name: &job_name,
            target: &url,
            created: self.force.then_some(created.as_str()),
        };
        build::pending(&mut *app.write()?, app.actor(), name, begun)?;
        let secrets = [&job.base, &job.target].map(|end| end.secret.clone());
        Ok(InCluster::Written {
            resources: resources(&job),
            hints: Hints {
                secrets: secrets.into_iter().flatten().collect(),
                image: name.to_owned(),
                job: job_name.clone(),
            },
        })
    }

    fn target_end(&self, app: &App, image: &Image, target: &Target) -> Result<JobEnd> {
        job_end(
            app,
            image,
            self.target_side(app, target),
            target.secret.as_deref(),
        )
    }
}

fn job_end(app: &App, image: &Image, side: Side, secret: Option<&str>) -> Result<JobEnd> {
    let certificates = match &side.ca_file {
        None => None,
        Some(path) => {
            let wrong = |error: &dyn std::error::Error| {
                let message = format!("cannot read `{}` (ca-file)", path.display());
                Error::new(Kind::Io, message).because(error)
            };
            let size = fs::metadata(path).map_err(|error| wrong(&error))?.len();
            if size > LARGEST_CERTIFICATES {
                let message = format!(
                    "`{}` (ca-file) is larger than 512 KiB, and does not fit into a ConfigMap",
                    path.display()
                );
                return Err(not_built(image, Error::new(Kind::InvalidInput, message))
                    .hint("name a file with the registry's own certificates only"));
            }
            Some(fs::read_to_string(path).map_err(|error| wrong(&error))?)
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

/// Prints resources for `kubectl apply -f -`.
pub fn print(app: &mut App, resources: &[Value]) -> Result<()> {
    let format = app.format;
    let out = app.console.out();
    match format {
        Format::Json => {
            let list = json!({"apiVersion": "v1", "kind": "List", "items": resources});
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
pub fn tell(app: &mut App, all: &[Hints]) {
    let mut told: Vec<&String> = Vec::new();
    for secret in all.iter().flat_map(|hints| &hints.secrets) {
        if !told.contains(&secret) {
            told.push(secret);
            app.console.hint(&format!(
                "the cluster needs the secret `{secret}`: `imgdex secrets export {secret} \
                 --format kubernetes --reveal | kubectl apply -f -`"
            ));
        }
    }
    for Hints { image, job, .. } in all {
        app.console.hint(&format!(
            "once the job is done, `imgdex images build {image}` finds what it pushed, and \
             `kubectl delete job,configmap {job}` removes what built it"
        ));
    }
}
