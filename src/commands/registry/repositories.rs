//! `imgdex registry repositories` and `imgdex registry search`.

use clap::Args;

use super::rows::Named;
use super::{How, ask};
use crate::app::App;
use crate::commands::Status;
use crate::commands::login::registry_of;
use crate::credentials::ecosystem::host_of;
use crate::domain::reference::{Registry, Repository};
use crate::error::{Error, Kind, Result};
use crate::ops::registry::{Wanted, repositories};
use crate::output::records::write_list;

/// List the repositories of a registry
///
/// Docker Hub has no such list, and many registries show theirs to administrators
/// only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex registry repositories registry.example.com
  imgdex registry repositories registry.example.com -o name")]
pub struct Repositories {
    /// The registry [default: the default registry]
    #[arg(value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    how: How,
}

/// Search a registry's repositories by name
///
/// Finds those whose name holds TEXT, every character of it literal, whatever its
/// case. The registry's list of repositories is read whole: Docker Hub has none, and
/// many registries show theirs to administrators only.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "\
Examples:
  imgdex registry search registry.example.com notebook
  imgdex registry search registry.example.com/team app -o name
  imgdex registry search notebook")]
pub struct Search {
    /// The registry, or a part of it such as `registry.example.com/team` [default: the default
    /// registry]
    #[arg(value_name = "HOST[/PREFIX]")]
    place: Option<String>,
    /// What the name holds
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    how: How,
}

impl Repositories {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let registry = match &self.host {
            Some(host) => registry_of(host)?,
            None => app.default_registry()?,
        };
        list(app, self.how, &registry, &Wanted::default())
    }
}

impl Search {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let place = self.place.as_deref().map(host_of);
        let (host, prefix) = match &place {
            Some(place) => match place.split_once('/') {
                Some((host, prefix)) => (Some(host), Some(prefix)),
                None => (Some(place.as_str()), None),
            },
            None => (None, None),
        };
        let registry = match host {
            Some(host) => registry_of(host)?,
            None => app.default_registry()?,
        };
        let prefix: Option<Repository> = prefix.map(str::parse).transpose().map_err(bad)?;
        let wanted = Wanted {
            prefix,
            text: self.text,
        };
        list(app, self.how, &registry, &wanted)
    }
}

fn bad(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::InvalidInput, error.to_string())
}

fn list(app: &mut App, how: How, registry: &Registry, wanted: &Wanted) -> Result<Status> {
    let names = ask(app, how, registry, |network| {
        let asked = repositories(&network.client, registry, wanted);
        Ok(network.wait(asked)?)
    })?;
    let row = |name: String| Named {
        reference: format!("{registry}/{name}"),
        name,
    };
    let rows: Vec<Named> = names.into_iter().map(row).collect();
    let width = app.console.width;
    write_list(app.console.out(), app.format, width, &rows)?;
    Ok(Status::Done)
}
