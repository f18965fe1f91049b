//! `imgdex store rm`, `rmi`, `mv` and `rename`.

use std::path::PathBuf;

use clap::Args;

use super::{at_length, store, stored_name};
use crate::app::App;
use crate::commands::complete::stored_uris;
use crate::commands::{Status, confirmed, quoted};
use crate::domain::stored::StoredImage;
use crate::error::{Error, Result};
use crate::ops;
use crate::ops::store::{find, find_all, find_one};

/// Which images are to be removed.
#[derive(Debug, Args)]
struct Which {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`
    #[arg(value_name = "URI", required = true, add = stored_uris())]
    uris: Vec<String>,
    /// Every tag and version that the URI leaves open
    #[arg(long)]
    all: bool,
}

impl Which {
    fn find(&self, app: &App) -> Result<Vec<StoredImage>> {
        let catalog = app.read()?;
        let mut images: Vec<StoredImage> = Vec::new();
        for uri in &self.uris {
            let found = if self.all {
                find_all(&catalog, uri)
            } else {
                find_one(&catalog, uri).map(|image| vec![image])
            };
            let found = found.map_err(|error| {
                let is_ambiguous =
                    matches!(error, ops::Error::Input { .. }) && stored_name(uri).is_ok();
                let failure = Error::from(error);
                if is_ambiguous {
                    failure.hint("`--all` takes all of them")
                } else {
                    failure
                }
            })?;
            for image in found {
                if !images.iter().any(|known| known.id == image.id) {
                    images.push(image);
                }
            }
        }
        Ok(images)
    }
}

/// Remove the records of images; their files stay
///
/// All of them are removed, or none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store rm lab/old
  imgdex store rm lab/old --all")]
pub struct Rm {
    #[command(flatten)]
    which: Which,
}

/// Remove images: their records and their files
///
/// All of them are removed, or none. Asks first, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store rmi lab/old --yes
  imgdex store rmi lab/old --all --yes")]
pub struct Rmi {
    #[command(flatten)]
    which: Which,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Move the file of an image to a path, or into a folder; its record follows
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store mv lab/old old.sif")]
pub struct Mv {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`
    #[arg(value_name = "URI", add = stored_uris())]
    uri: String,
    /// A path that does not exist, or a folder
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

/// Give an image another name, and its file in the store the place of that name
///
/// A tag or version that the new name leaves out stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store rename lab/old lab/older
  imgdex store rename lab/old lab/old:archived")]
pub struct Rename {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`
    #[arg(value_name = "URI", add = stored_uris())]
    uri: String,
    /// The new name
    #[arg(value_name = "NEW-URI")]
    new: String,
}

fn uris(images: &[StoredImage]) -> Vec<String> {
    images.iter().map(|image| image.uri.to_string()).collect()
}

impl Rm {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let images = self.which.find(app)?;
        ops::store::remove(&mut *app.write()?, app.actor(), &images, false)?;
        for uri in uris(&images) {
            app.console.note(&format!("removed the record of `{uri}`"));
        }
        Ok(Status::Done)
    }
}

impl Rmi {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let images = self.which.find(app)?;
        let question = format!("Delete {} and their files?", quoted(&uris(&images)));
        if !confirmed(app, self.yes, &question)? {
            return Ok(Status::Done);
        }
        let mut removed = ops::store::remove(&mut *app.write()?, app.actor(), &images, true)?;
        for uri in uris(&images) {
            app.console.note(&format!("removed `{uri}`"));
        }
        for path in removed.shared {
            app.console.warn(&format!(
                "`{}` stays: another record has it too",
                path.display()
            ));
        }
        let Some(last) = removed.failed.pop() else {
            return Ok(Status::Done);
        };
        for error in removed.failed {
            app.console.warn(&format!("warning: {error}"));
        }
        Err(Error::from(last).hint(
            "the record is removed, and the file is there: remove it by hand, or record it again \
             with `imgdex store check --repair`",
        ))
    }
}

impl Mv {
    pub fn run(self, app: &mut App) -> Result<Status> {
        store(app)?;
        let image = find(&*app.read()?, &self.uri)?;
        let mut catalog = app.write()?;
        let actor = app.actor();
        let path = at_length(app, |_, go_on| {
            ops::store::move_file(&mut catalog, actor, &image, &self.path, go_on)
        })?;
        app.console
            .note(&format!("moved `{}` to `{}`", image.uri, path.display()));
        Ok(Status::Done)
    }
}

impl Rename {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let store = store(app)?;
        let new = stored_name(&self.new)?;
        let image = find(&*app.read()?, &self.uri)?;
        let mut catalog = app.write()?;
        let actor = app.actor();
        let renamed = at_length(app, |_, go_on| {
            ops::store::rename(&mut catalog, actor, &image, new, &store, go_on)
        })?;
        app.console
            .note(&format!("renamed `{}` to `{}`", image.uri, renamed));
        Ok(Status::Done)
    }
}
