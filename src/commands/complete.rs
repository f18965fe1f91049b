//! `imgdex completions`, and the answers to shells that complete a line.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::ArgExt;
use clap::{Args, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::{Cli, Status};
use crate::app::App;
use crate::app::catalogs::Opened;
use crate::catalog::{Catalog, Place};
use crate::config::{Environment, Flags, Settings};
use crate::domain::image::{Archived, ImageFilter, SortField};
use crate::error::{Error, Kind, Result};

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "IMGDEX_COMPLETE";

/// How long a lock on the catalog is waited for: somebody is typing.
pub const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// The most names that are offered.
const MOST: u64 = 500;

/// Print the completions of a shell, names out of the catalog included
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(imgdex completions bash)  # in ~/.bashrc
  source <(imgdex completions zsh)   # in ~/.zshrc
  imgdex completions fish > ~/.config/fish/completions/imgdex.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = ["bash", "zsh", "fish"])]
    shell: String,
}

impl Completions {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let shells = Shells::builtins();
        let shell = shells.completer(&self.shell).ok_or_else(|| {
            Error::new(
                Kind::InvalidInput,
                format!("there are no completions for `{}`", self.shell),
            )
        })?;
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, "imgdex", "imgdex", "imgdex", &mut script)?;
        app.console.out().write_all(&script)?;
        Ok(Status::Done)
    }
}

/// Answers a shell that asks for completions by the environment; returns
/// whether one did.
#[must_use]
pub fn answer(environment: &Environment, arguments: &[OsString], folder: Option<&Path>) -> bool {
    if environment.get(VARIABLE).is_none() {
        return false;
    }
    // A shell in the middle of a line can be told of no failure.
    CompleteEnv::with_factory(|| with_names(Cli::command(), &(Arc::new(catalog) as Opener)))
        .var(VARIABLE)
        .try_complete(arguments.iter().cloned(), folder)
        .unwrap_or(true)
}

/// Names in the catalog that a word may be.
#[derive(Debug, Clone, Copy)]
pub enum Names {
    Images,
    Groups,
    /// Ids of secrets.
    Secrets,
    /// Uris of stored images.
    Stored,
}

impl ArgExt for Names {}

/// Opens the catalog that names are taken from, if there is one.
pub type Opener = Arc<dyn Fn() -> Option<Opened> + Send + Sync>;

/// Completes the names of images.
pub fn image_names() -> Names {
    Names::Images
}

/// Completes the names of groups.
pub fn group_names() -> Names {
    Names::Groups
}

/// Completes the ids of secrets.
pub fn secret_ids() -> Names {
    Names::Secrets
}

/// Completes the uris of stored images.
pub fn stored_uris() -> Names {
    Names::Stored
}

/// Returns the command with names to complete out of a catalog.
pub fn with_names(command: Command, opener: &Opener) -> Command {
    command
        .mut_args(|argument| match argument.get::<Names>().copied() {
            None => argument,
            Some(names) => {
                let opener = Arc::clone(opener);
                argument.add(ArgValueCompleter::new(move |current: &OsStr| {
                    let begins = current.to_string_lossy();
                    let found = opener().map(|catalog| names.of(&catalog, &begins));
                    candidates(found.unwrap_or_default(), &begins)
                }))
            }
        })
        .mut_subcommands(|command| with_names(command, opener))
}

impl Names {
    /// Returns names that begin so, and others; what cannot be read is not offered.
    fn of(self, catalog: &Catalog, begins: &str) -> Vec<String> {
        let mut names = Vec::new();
        match self {
            Self::Images => {
                let filter = ImageFilter {
                    archived: Archived::Any,
                    search: (!begins.is_empty()).then(|| begins.to_owned()),
                    limit: Some(MOST),
                    ..ImageFilter::default()
                };
                let _ = catalog.for_each_image::<crate::catalog::Error>(&filter, |image| {
                    names.push(image.config.name);
                    Ok(())
                });
            }
            Self::Groups => {
                let groups = catalog.groups().unwrap_or_default();
                names.extend(groups.into_iter().map(|group| group.name));
            }
            Self::Secrets => {
                let secrets = catalog.secrets().unwrap_or_default();
                names.extend(secrets.into_iter().map(|secret| secret.id));
            }
            Self::Stored => {
                let _ = catalog.for_each_stored::<crate::catalog::Error>(begins, |image| {
                    if names.len() < MOST as usize {
                        names.push(image.uri.to_string());
                    }
                    Ok(())
                });
            }
        }
        names
    }
}

/// Completes the fields that a list can be sorted by.
pub fn image_fields() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = SortField::NAMES.into_iter().map(str::to_owned);
        candidates(names, &current.to_string_lossy())
    })
}

/// Completes the names of Harbors in the config file.
pub fn harbor_contexts() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let environment = Environment::new(std::env::vars_os());
        let settings = Settings::load(&Flags::default(), &environment).ok();
        let names = settings.iter().flat_map(Settings::harbor_contexts);
        candidates(names.map(str::to_owned), &current.to_string_lossy())
    })
}

fn candidates(words: impl IntoIterator<Item = String>, begins: &str) -> Vec<CompletionCandidate> {
    words
        .into_iter()
        .filter(|word| word.starts_with(begins))
        .map(CompletionCandidate::new)
        .collect()
}

/// Returns the catalog that the environment names, if there is one.
fn catalog() -> Option<Opened> {
    let environment = Environment::new(std::env::vars_os());
    let settings = Settings::load(&Flags::default(), &environment).ok()?;
    let opened = Catalog::open_for_reading(&Place {
        path: settings.catalog().ok()?,
        lock_timeout: LONGEST_WAIT,
    });
    opened.map(Opened::once).ok()
}
