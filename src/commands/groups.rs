//! `imgdex groups`.

use std::borrow::Cow;

use clap::{Args, Subcommand};

use super::complete::group_names;
use super::{Status, confirmed, quoted};
use crate::app::App;
use crate::catalog;
use crate::domain::group::Group;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::groups::{self, NewGroup};
use crate::output::records::{Record, write_list, write_one};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Create(Create),
    List(List),
    Get(Get),
    Delete(Delete),
}

/// Make a group
///
/// Prints nothing unless `-o` asks for it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex groups create teaching --display-name 'Teaching'
  imgdex groups create vision -o json")]
pub struct Create {
    /// The group's name
    #[arg(value_name = "NAME")]
    name: String,
    /// A UUID; one is made where none is given
    #[arg(long, value_name = "UUID")]
    id: Option<String>,
    /// The name shown to people; the name where none is given
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
}

/// List groups in the order of creation
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex groups list")]
pub struct List {}

/// Show one group
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex groups get research -o json")]
pub struct Get {
    /// The group's name or id
    #[arg(value_name = "GROUP", add = group_names())]
    group: String,
}

/// Delete groups, taking them from the images that list them
///
/// All of them are deleted, or none. Asks first, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex groups delete research --yes")]
pub struct Delete {
    /// The groups' names or ids
    #[arg(value_name = "GROUP", required = true, add = group_names())]
    groups: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Create(create) => {
            let (name, id) = (create.name.clone(), create.id.clone());
            let group = groups::create(
                &mut *app.write()?,
                app.actor(),
                NewGroup {
                    name: create.name,
                    id: create.id,
                    display_name: create.display_name,
                },
            )
            .map_err(|error| failure(error, &name, id.as_deref()))?;
            if app.flags.output.is_some() {
                write_one(app.console.out(), app.format, &group)?;
            } else if app.console.verbose {
                app.console
                    .note(&format!("made group `{}` ({})", group.name, group.id));
            }
        }
        Verb::List(_) => {
            let groups = app.read()?.groups()?;
            let width = app.console.width;
            write_list(app.console.out(), app.format, width, &groups)?;
        }
        Verb::Get(get) => {
            let group = app.read()?.group(&get.group)?;
            write_one(app.console.out(), app.format, &group)?;
        }
        Verb::Delete(delete) => return delete.run(app),
    }
    Ok(Status::Done)
}

/// Returns a failure to make a group, which exists by its name or by its id.
fn failure(error: ops::Error, name: &str, id: Option<&str>) -> Error {
    match (&error, id) {
        (ops::Error::Catalog(catalog::Error::Exists { name: known, .. }), Some(id))
            if known != name =>
        {
            Error::new(
                Kind::Conflict,
                format!("the id `{id}` is taken by group `{known}`"),
            )
            .hint("leave `--id` out, and one is made")
        }
        _ => error.into(),
    }
}

impl Delete {
    fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        let mut words: Vec<String> = Vec::new();
        for word in &self.groups {
            let id = catalog.group(word)?.id;
            if !words.contains(&id) {
                words.push(id);
            }
        }
        drop(catalog);
        if confirmed(app, self.yes, &format!("Delete {}?", quoted(&self.groups)))? {
            let images = groups::delete(&mut *app.write()?, app.actor(), &words)?;
            app.console
                .note(&format!("deleted {}", quoted(&self.groups)));
            if !images.is_empty() {
                app.console.note(&match images.as_slice() {
                    [name] => format!("taken from image `{name}`"),
                    names => format!("taken from {} images", names.len()),
                });
            }
        }
        Ok(Status::Done)
    }
}

impl Record for Group {
    const COLUMNS: &'static [&'static str] = &["id", "name", "displayName"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.id),
            Cow::Borrowed(&self.name),
            Cow::Borrowed(&self.display_name),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
