//! `imgdex images delete`, `archive` and `restore`.

use clap::Args;

use crate::app::App;
use crate::commands::complete::image_names;
use crate::commands::{Status, confirmed, quoted};
use crate::error::Result;
use crate::ops;

/// Delete images; their history stays
///
/// All of them are deleted, or none. Asks first, on a terminal only. `images
/// archive` hides an image instead.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images delete old-notebook
  imgdex images list --archived -o name | xargs imgdex images delete --yes")]
pub struct Delete {
    /// The images' names
    #[arg(value_name = "ID", required = true, add = image_names())]
    ids: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Delete {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        for id in &self.ids {
            catalog.image(id)?;
        }
        drop(catalog);
        if confirmed(app, self.yes, &format!("Delete {}?", quoted(&self.ids)))? {
            let mut ids = self.ids;
            ids.sort();
            ids.dedup();
            ops::images::delete(&mut *app.write()?, app.actor(), &ids)?;
            let place = app.place()?;
            for id in &ids {
                ops::build::forget_log(&place.path, id);
            }
            app.console.note(&format!("deleted {}", quoted(&ids)));
        }
        Ok(Status::Done)
    }
}

/// Hide an image from lists
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images archive old-notebook")]
pub struct Archive {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
}

impl Archive {
    pub fn run(self, app: &mut App) -> Result<Status> {
        set_archived(app, &self.id, true)
    }
}

/// Show an archived image in lists again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images restore old-notebook")]
pub struct Restore {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
}

impl Restore {
    pub fn run(self, app: &mut App) -> Result<Status> {
        set_archived(app, &self.id, false)
    }
}

fn set_archived(app: &mut App, id: &str, archived: bool) -> Result<Status> {
    app.read()?.image(id)?;
    let changed = ops::images::set_archived(&mut *app.write()?, app.actor(), id, archived)?;
    let line = match (archived, changed) {
        (true, true) => format!("archived `{id}`; `imgdex images restore {id}` brings it back"),
        (true, false) => format!("`{id}` is archived already"),
        (false, true) => format!("restored `{id}`"),
        (false, false) => format!("`{id}` is not archived"),
    };
    app.console.note(&line);
    Ok(Status::Done)
}
