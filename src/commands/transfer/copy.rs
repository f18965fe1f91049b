//! The command lines.

use clap::Args;

use super::super::Status;
use super::super::how::How;
use super::super::store::stored_name;
use super::places::{SourceName, TargetName, endpoint, source, target};
use super::run::Transfer;
use crate::app::App;
use crate::app::network::Choices;
use crate::domain::reference;
use crate::domain::transport::Endpoint;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::transfer::Choice;
use crate::output::records::write_one;

/// Copy an image from one place to another
///
/// Every digest is checked on the way. Blobs that are there already are not sent, and
/// where both sides are one registry it takes them from itself. The tag appears in the
/// target only when all that it needs is there; what broke off is gone on with by the
/// next try.
///
/// A place is `HOST/REPOSITORY:TAG`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`,
/// `docker-archive:FILE[:REFERENCE]`, `store:URI`, `containers-storage:IMAGE` or
/// `docker-daemon:IMAGE`; a Singularity image is a path that ends in `.sif`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex copy alpine:3 registry.example.com/mirror/alpine:3
  imgdex copy --all-tags quay.io/jupyter/base-notebook oci:notebooks
  imgdex copy --platform linux/arm64 alpine:3 oci-archive:alpine.tar:3")]
pub struct Copy {
    /// Where it is
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where it goes
    #[arg(value_name = "TARGET")]
    target: String,
    /// Copy every tag of a repository; both sides are named without one
    #[arg(long, conflicts_with = "platform")]
    all_tags: bool,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
}

/// Get an image from a registry
///
/// It goes into the store, unless `--to` names another place: `imgdex store get` then
/// prints where other tools find it. A Singularity image becomes a file, in the store or
/// where `--to FILE.sif` says.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex pull alpine:3
  imgdex pull quay.io/jupyter/base-notebook:latest --name lab/notebook:1
  imgdex pull quay.io/jupyter/base-notebook:latest --to oci:notebook:latest
  imgdex pull alpine:3 --to docker-archive:alpine.tar:alpine:3 --platform linux/amd64")]
pub struct Pull {
    /// The image
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// Where it goes [default: the store]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// What the store calls it: `[COLLECTION/]NAME[:TAG][@VERSION]` [default: its repository
    /// and tag]
    #[arg(long, value_name = "NAME", conflicts_with = "to")]
    name: Option<String>,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
}

/// Send an image of this machine to a registry
///
/// A Singularity image is named by its path, and becomes an artifact, as Singularity and
/// Apptainer push it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex push oci:notebook:latest registry.example.com/team/notebook:1
  imgdex push docker-daemon:app:1 registry.example.com/team/app:1
  imgdex push tool.sif registry.example.com/team/tool:1
  imgdex push docker-archive:alpine.tar registry.example.com/mirror/alpine:3")]
pub struct Push {
    /// Where it is
    #[arg(value_name = "SOURCE")]
    source: String,
    /// What it is called in the registry
    #[arg(value_name = "REFERENCE")]
    reference: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    how: How,
}

/// Give an image in a registry another tag
///
/// Nothing is pulled. An image that has the tag so far loses it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex tag registry.example.com/team/app:1 latest")]
pub struct Tag {
    /// The image, by tag or digest
    #[arg(value_name = "REFERENCE")]
    reference: String,
    /// The tag that it gets
    #[arg(value_name = "TAG")]
    tag: String,
    #[command(flatten)]
    how: How,
}

/// What is copied.
#[derive(Debug, Args)]
struct What {
    /// Only the image of this platform [default: all of them; this machine's where the
    /// target holds one]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<String>,
    /// What refers to it as well: signatures, lists of contents
    #[arg(long)]
    referrers: bool,
    /// Look at every blob, even where the target has the manifest already
    #[arg(long)]
    force: bool,
}

impl From<What> for Choice {
    fn from(what: What) -> Self {
        Self {
            platform: what.platform,
            one_platform: false,
            referrers: what.referrers,
            force: what.force,
        }
    }
}

impl Copy {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let transfer = Transfer {
            source: source(&self.source)?,
            target: target(&self.target)?,
            choice: self.what.into(),
            all_tags: self.all_tags,
            choices: self.how.into(),
            url: None,
        };
        transfer.run(app)
    }
}

impl Pull {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let transfer = Transfer {
            target: match (self.to, self.name) {
                (Some(to), _) => target(&to)?,
                (None, Some(name)) => TargetName::Store(Some(stored_name(&name)?)),
                (None, None) => TargetName::Store(None),
            },
            source: SourceName::Endpoint(in_registry(&self.reference)?),
            choice: self.what.into(),
            all_tags: false,
            choices: self.how.into(),
            url: None,
        };
        transfer.run(app)
    }
}

impl Push {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let transfer = Transfer {
            source: source(&self.source)?,
            target: TargetName::Endpoint(in_registry(&self.reference)?),
            choice: self.what.into(),
            all_tags: false,
            choices: self.how.into(),
            url: None,
        };
        transfer.run(app)
    }
}

impl Tag {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let reference = app.reference(&self.reference)?;
        let tag = self.tag.parse::<reference::Tag>().map_err(|error| {
            Error::new(Kind::InvalidInput, error.to_string()).hint(format!(
                "the second word is only a tag; `imgdex copy {} {}` gives it another name",
                self.reference, self.tag
            ))
        })?;
        let reach = app.reach(&[reference.registry()], &Choices::from(self.how))?;
        let done = ops::transfer::tag(&reach.network, &reference, tag);
        reach.tell(app);
        write_one(app.console.out(), app.format, &done?)?;
        Ok(Status::Done)
    }
}

/// Returns the end of a copy that is an image of a registry.
fn in_registry(text: &str) -> Result<Endpoint> {
    match endpoint(text)? {
        found @ Endpoint::Registry(_) => Ok(found),
        other => Err(Error::new(
            Kind::InvalidInput,
            format!("`{other}` is not an image of a registry"),
        )
        .hint("`imgdex copy SOURCE TARGET` copies between any two places")),
    }
}
