//! Building in a cluster: the resources that do it are written, and applied by others.

use super::building::{Asked, Building, by_digest};
use crate::app::App;
use crate::build::{Job, JobEnd, resources};
use crate::domain::image::Image;
use crate::error::{Error, Kind, Result};
use crate::ops::build;
use crate::output::format::Format;
use crate::output::records::{write_pretty, write_yaml_of};

impl Building {
    /// Prints the resources that build an image, and writes that it is to be built; where
    /// it was built of the same already, writes that instead.
    pub fn write_job(&self, app: &mut App, image: &Image) -> Result<()> {
        if !self.secrets.is_empty() {
            let message = "`--secret` names a file of this machine, which a cluster does not see";
            return Err(Error::new(Kind::InvalidInput, message)
                .hint("leave it out, or build here with `--engine buildah`"));
        }
        let name = &image.config.name;
        let target = self.target(app, image)?;
        let asked = self.ask(app, image)?;
        let target = self.open_target(app, target)?;
        if self.found(app, image, &asked, &target)?.is_some() {
            app.console.note(&format!(
                "`{name}` is built already of the same base image and packages; `--force` builds \
                 it again"
            ));
            return Ok(());
        }
        let text = build::written(image, &asked.base, &app.actor().now, &[])?;
        let url = target.reference.to_string();
        let job = Job {
            image: name,
            revision: image.revision,
            containerfile: &text,
            base: self.base_end(app, image, &asked)?,
            target: JobEnd {
                secret: secret_name(app, self.push_secret(app))?,
                verify_tls: app
                    .security(target.reference.registry(), &self.choices)
                    .verify_tls,
                reference: url.clone(),
            },
        };
        let resources = resources(&job);
        build::pending(&mut *app.write()?, app.actor(), name, &url)?;
        let format = app.format;
        let out = app.console.out();
        match format {
            Format::Json => {
                let list =
                    serde_json::json!({"apiVersion": "v1", "kind": "List", "items": resources});
                write_pretty(out, &list)?;
            }
            _ => {
                for resource in &resources {
                    writeln!(out, "---")?;
                    write_yaml_of(out, resource)?;
                }
            }
        }
        app.console.flush()?;
        for end in [&job.base, &job.target] {
            if let Some(secret) = &end.secret {
                app.console.hint(&format!(
                    "the cluster needs the secret `{secret}`: `imgdex secrets export {secret} \
                     --format kubernetes --reveal | kubectl apply -f -`"
                ));
            }
        }
        app.console.hint(&format!(
            "once the job is done, `imgdex images build {name}` finds what it pushed"
        ));
        Ok(())
    }

    fn base_end(&self, app: &App, image: &Image, asked: &Asked) -> Result<JobEnd> {
        let reference = by_digest(app.reference(&asked.base.name)?, &asked.base)?;
        let spec = build::spec_of(image)?;
        Ok(JobEnd {
            secret: secret_name(app, spec.pull_secret.clone())?,
            verify_tls: app.security(reference.registry(), &self.choices).verify_tls,
            reference: reference.to_string(),
        })
    }
}

/// Returns the name that a secret has in a cluster.
fn secret_name(app: &App, id: Option<String>) -> Result<Option<String>> {
    let Some(id) = id else {
        return Ok(None);
    };
    Ok(Some(app.read()?.secret(&id)?.name))
}
