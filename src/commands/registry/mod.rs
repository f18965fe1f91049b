//! `imgdex registry`.

mod repositories;
mod rows;

use clap::{Args, Subcommand};

use super::how::How;
use super::{Status, confirmed};
use crate::app::App;
use crate::domain::manifest::Manifest;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::output::format::Format;
use crate::output::json::write_text;
use crate::output::records::{write_list, write_one, write_pretty, write_yaml_of};
use crate::registry::{Head, Network};
use rows::{Pointed, Tag};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Tags(Tags),
    Digest(Digest),
    Manifest(ShowManifest),
    Inspect(Inspect),
    Referrers(Referrers),
    Delete(Delete),
    Repositories(repositories::Repositories),
    Search(repositories::Search),
}

/// List the tags of a repository
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry tags quay.io/jupyter/base-notebook
  imgdex registry tags alpine -o json")]
pub struct Tags {
    /// The repository, such as `quay.io/jupyter/base-notebook`
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    #[command(flatten)]
    how: How,
}

/// Print the digest that a reference points to
///
/// It is what the registry says, in one small request; `manifest` and `inspect`
/// read the manifest and hash it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry digest alpine:3
  imgdex registry digest quay.io/jupyter/base-notebook -o json")]
pub struct Digest {
    /// The image, such as `alpine:3`
    #[arg(value_name = "REFERENCE")]
    reference: String,
    #[command(flatten)]
    how: How,
}

/// Print a manifest
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry manifest alpine:3
  imgdex registry manifest alpine:3 --raw | sha256sum")]
pub struct ShowManifest {
    /// The image, such as `alpine:3`
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Print its bytes as they are
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    how: How,
}

/// Show what a registry says of an image: digest, size, platforms, labels
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry inspect alpine:3
  imgdex registry inspect alpine:3 --platform linux/arm64 -o json")]
pub struct Inspect {
    /// The image, such as `alpine:3`
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Whose size, creation and labels to show [default: linux/amd64, else the first]
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<String>,
    #[command(flatten)]
    how: How,
}

/// List what points to an image: signatures, lists of contents and the like
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry referrers registry.example.com/team/app:1
  imgdex registry referrers registry.example.com/team/app:1 --artifact-type application/spdx+json")]
pub struct Referrers {
    /// The image, such as `alpine:3`
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Only those of this type
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Delete a manifest from a registry, and with it every tag that points to it
///
/// Asks first, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry delete registry.example.com/team/app:1 --yes")]
pub struct Delete {
    /// The image, by tag or digest
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    how: How,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Tags(tags) => tags.run(app),
        Verb::Digest(digest) => digest.run(app),
        Verb::Manifest(manifest) => manifest.run(app),
        Verb::Inspect(inspect) => inspect.run(app),
        Verb::Referrers(referrers) => referrers.run(app),
        Verb::Delete(delete) => delete.run(app),
        Verb::Repositories(repositories) => repositories.run(app),
        Verb::Search(search) => search.run(app),
    }
}

/// Asks a registry, and prints what it wants people to know.
fn ask<T>(
    app: &mut App,
    how: How,
    registry: &Registry,
    what: impl FnOnce(&Network) -> Result<T>,
) -> Result<T> {
    let reach = app.reach(&[registry], &how.into())?;
    let answer = what(&reach.network);
    reach.tell(app);
    answer
}

impl Tags {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.repository)?;
        if reference.tag().is_some() || reference.digest().is_some() {
            let repository = format!("{}/{}", reference.registry(), reference.repository());
            let message = format!("`{}` is an image, not a repository", self.repository);
            return Err(Error::new(Kind::InvalidInput, message)
                .hint(format!("`imgdex registry tags {repository}`")));
        }
        let tags = ask(app, self.how, reference.registry(), |network| {
            let tags = network
                .client
                .tags(reference.registry(), reference.repository());
            Ok(network.wait(tags)?)
        })?;
        let tags: Vec<Tag> = tags.into_iter().map(|name| Tag { name }).collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &tags)?;
        Ok(Status::Done)
    }
}

impl Digest {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        let head = ask(app, self.how, reference.registry(), |network| {
            Ok(network.wait(network.client.head(&reference))?)
        })?;
        let format = match app.format {
            Format::Table => Format::Name,
            other => other,
        };
        let target = Pointed::new(&reference, head);
        write_one(app.console.out(), format, &target)?;
        Ok(Status::Done)
    }
}

impl ShowManifest {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        let manifest: Manifest = ask(app, self.how, reference.registry(), |network| {
            Ok(network.wait(network.client.manifest(&reference))?)
        })?;
        let is_terminal = app.console.width.is_some();
        let out = app.console.out();
        if self.raw && is_terminal {
            write_text(out, &manifest.bytes)?;
        } else if self.raw {
            out.write_all(&manifest.bytes)?;
        } else {
            match app.format {
                Format::Csv | Format::Name => {
                    let descriptor = manifest.descriptor;
                    let head = Head {
                        media_type: descriptor.media_type,
                        digest: descriptor.digest,
                        size: Some(descriptor.size),
                    };
                    write_one(out, app.format, &Pointed::new(&reference, head))?;
                }
                format => {
                    let value: serde_json::Value = serde_json::from_slice(&manifest.bytes)
                        .map_err(|error| {
                            Error::new(Kind::Violation, "cannot show the manifest").because(&error)
                        })?;
                    match format {
                        Format::Yaml => write_yaml_of(out, &value)?,
                        _ => write_pretty(out, &value)?,
                    }
                }
            }
        }
        Ok(Status::Done)
    }
}

impl Inspect {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        let setting = app.settings.get("platform").map(str::to_owned);
        let platform = self.platform.or(setting);
        let inspection = ask(app, self.how, reference.registry(), |network| {
            let asked = ops::registry::inspect(&network.client, &reference, platform.as_deref());
            Ok(network.wait(asked)?)
        })?;
        write_one(app.console.out(), app.format, &inspection)?;
        Ok(Status::Done)
    }
}

impl Referrers {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        let wanted = self.artifact_type;
        let referrers = ask(app, self.how, reference.registry(), |network| {
            let asked = ops::registry::referrers(&network.client, &reference, wanted.as_deref());
            Ok(network.wait(asked)?)
        })?;
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &referrers)?;
        Ok(Status::Done)
    }
}

impl Delete {
    fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        if reference.tag().is_none() && reference.digest().is_none() {
            let message = format!("`{}` names neither a tag nor a digest", self.reference);
            return Err(Error::new(Kind::InvalidInput, message).hint(format!(
                "`imgdex registry tags {}` shows the tags",
                self.reference
            )));
        }
        let reach = app.reach(&[reference.registry()], &self.how.into())?;
        let network = &reach.network;
        let found = network.wait(ops::registry::target_of_delete(&network.client, &reference));
        let done = found.map_err(Error::from).and_then(|digest| {
            let question =
                format!("Delete {reference} ({digest}) and every tag that points to it?");
            if confirmed(app, self.yes, &question)? {
                network.wait(network.client.delete(&reference, &digest))?;
                app.console.note(&format!("deleted {reference} ({digest})"));
            }
            Ok(())
        });
        reach.tell(app);
        done.map(|()| Status::Done)
    }
}
