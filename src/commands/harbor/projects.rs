//! `imgdex harbor projects`.

use clap::{Args, Subcommand};

use super::rows::ProjectRow;
use super::server::Where;
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::project_name;
use crate::domain::size::bytes_of;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::{create_project, project, projects};
use crate::output::records::{write_list, write_one};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(List),
    Get(Get),
    Create(Create),
}

/// List the projects that you may see, with your role in each
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor projects list
  imgdex harbor projects list --search lab -o json")]
pub struct List {
    /// Only those whose name holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only those that anybody may pull from
    #[arg(long)]
    public: bool,
    #[command(flatten)]
    place: Where,
}

/// Show a project: your role, its quota, what keeps images from being pushed or pulled
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor projects get apps")]
pub struct Get {
    #[arg(value_name = "PROJECT")]
    name: String,
    #[command(flatten)]
    place: Where,
}

/// Create a project
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor projects create apps
  imgdex harbor projects create handouts --public --quota 50GiB")]
pub struct Create {
    #[arg(value_name = "NAME")]
    name: String,
    /// Let anybody pull from it
    #[arg(long)]
    public: bool,
    /// How much may be stored, such as 50GiB; -1 is no limit [default: the server's]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    quota: Option<String>,
    #[command(flatten)]
    place: Where,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::List(list) => list.run(app),
        Verb::Get(get) => get.run(app),
        Verb::Create(create) => create.run(app),
    }
}

impl List {
    fn run(self, app: &mut App) -> Result<Status> {
        let asked = self.place.open(app)?;
        let found = asked.ask(app, async |harbor| projects(harbor).await)?;
        let text = self.search.unwrap_or_default().to_lowercase();
        let rows: Vec<ProjectRow> = found
            .into_iter()
            .filter(|found| found.project.name.to_lowercase().contains(&text))
            .filter(|found| found.project.is_public() || !self.public)
            .map(ProjectRow::from)
            .collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(Status::Done)
    }
}

impl Get {
    fn run(self, app: &mut App) -> Result<Status> {
        checked(&self.name)?;
        let asked = self.place.open(app)?;
        let found = asked.ask(app, async |harbor| project(harbor, &self.name).await)?;
        write_one(app.console.out(), app.format, &ProjectRow::from(found))?;
        Ok(Status::Done)
    }
}

impl Create {
    fn run(self, app: &mut App) -> Result<Status> {
        checked(&self.name)?;
        let quota = match &self.quota {
            Some(text) => Some(bytes_of(text).map_err(|rule| {
                let message = format!("--quota: `{text}`: {rule}");
                Error::new(Kind::InvalidInput, message).hint("such as 500MiB, 50GiB, 1TiB or -1")
            })?),
            None => None,
        };
        let asked = self.place.open(app)?;
        let name = self.name;
        let made = asked.ask(app, async |harbor| {
            create_project(harbor, &name, self.public, quota).await
        })?;
        write_one(app.console.out(), app.format, &ProjectRow::from(made))?;
        Ok(Status::Done)
    }
}

fn checked(name: &str) -> Result<()> {
    project_name(name).map_err(|error| Error::new(Kind::InvalidInput, error.to_string()))
}
