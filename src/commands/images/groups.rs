//! `imgdex images list-groups`, `add-group` and `remove-group`.

use clap::Args;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::{group_names, image_names};
use crate::error::Result;
use crate::ops::images::{Membership, change_membership, list_groups};
use crate::output::records::write_list;

/// List the groups that may use an image: none where everybody may
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images list-groups base")]
pub struct ListGroups {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
}

impl ListGroups {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let groups = list_groups(&*app.read()?, &self.id)?;
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &groups)?;
        Ok(Status::Done)
    }
}

/// Let a group use an image
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images add-group base research")]
pub struct AddGroup {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
    /// The group's name or id
    #[arg(value_name = "GROUP", add = group_names())]
    group: String,
}

impl AddGroup {
    pub fn run(self, app: &mut App) -> Result<Status> {
        change(app, &self.id, &self.group, Membership::Add)
    }
}

/// Let a group use an image no longer
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images remove-group base research")]
pub struct RemoveGroup {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
    /// The group's name or id
    #[arg(value_name = "GROUP", add = group_names())]
    group: String,
}

impl RemoveGroup {
    pub fn run(self, app: &mut App) -> Result<Status> {
        change(app, &self.id, &self.group, Membership::Remove)
    }
}

fn change(app: &mut App, id: &str, group: &str, membership: Membership) -> Result<Status> {
    let catalog = app.read()?;
    catalog.image(id)?;
    catalog.group(group)?;
    drop(catalog);
    let image = change_membership(&mut *app.write()?, app.actor(), id, group, membership)?;
    if app.console.verbose {
        let names: Vec<&str> = image
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        app.console
            .note(&format!("groups of `{id}`: {}", names.join(", ")));
    }
    Ok(Status::Done)
}
