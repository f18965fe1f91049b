//! `imgdex completions`, and the answers to shells that complete a line.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Args, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::{Cli, Status};
use crate::app::App;
use crate::catalog::{Catalog, Place};
use crate::config::{Environment, Flags, Settings};
use crate::domain::image::{Archived, ImageFilter, SortField};
use crate::error::{Error, Kind, Result};

/// The variable by which a shell asks for completions.
const VARIABLE: &str = "IMGDEX_COMPLETE";

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
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(arguments.iter().cloned(), folder)
        .unwrap_or(true)
}

/// Completes the names of images.
pub fn image_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let begins = current.to_string_lossy().into_owned();
        let filter = ImageFilter {
            archived: Archived::Any,
            search: (!begins.is_empty()).then(|| begins.clone()),
            ..ImageFilter::default()
        };
        let mut names = Vec::new();
        if let Some(catalog) = catalog() {
            // A name that cannot be read is one that is not offered.
            let _ = catalog.for_each_image::<crate::catalog::Error>(
                &ImageFilter {
                    limit: Some(MOST),
                    ..filter
                },
                |image| {
                    names.push(image.config.name);
                    Ok(())
                },
            );
        }
        candidates(names, &begins)
    })
}

/// Completes the names of groups.
pub fn group_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = catalog()
            .and_then(|catalog| catalog.groups().ok())
            .unwrap_or_default()
            .into_iter()
            .map(|group| group.name);
        candidates(names, &current.to_string_lossy())
    })
}

/// Completes the ids of secrets.
pub fn secret_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let ids = catalog()
            .and_then(|catalog| catalog.secrets().ok())
            .unwrap_or_default()
            .into_iter()
            .map(|secret| secret.id);
        candidates(ids, &current.to_string_lossy())
    })
}

/// Completes the uris of stored images.
pub fn stored_uris() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let begins = current.to_string_lossy();
        let mut uris = Vec::new();
        if let Some(catalog) = catalog() {
            // A uri that cannot be read is one that is not offered.
            let _ = catalog.for_each_stored::<crate::catalog::Error>(&begins, |image| {
                if uris.len() < MOST as usize {
                    uris.push(image.uri.to_string());
                }
                Ok(())
            });
        }
        candidates(uris, &begins)
    })
}

/// Completes the fields that a list can be sorted by.
pub fn image_fields() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let names = SortField::NAMES.into_iter().map(str::to_owned);
        candidates(names, &current.to_string_lossy())
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
fn catalog() -> Option<Catalog> {
    let environment = Environment::new(std::env::vars_os());
    let settings = Settings::load(&Flags::default(), &environment).ok()?;
    Catalog::open_for_reading(&Place {
        path: settings.catalog().ok()?,
        lock_timeout: std::time::Duration::from_secs(1),
    })
    .ok()
}
