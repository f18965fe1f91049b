//! `imgdex catalog`.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Status;
use crate::app::catalogs::Opened;
use crate::app::{App, located};
use crate::catalog::{Catalog, Info, NEWEST_VERSION};
use crate::error::{Error, Kind, Result};
use crate::output::format::Format;
use crate::output::records::{Record, write_one, write_pretty, write_yaml_of};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Info(InfoArgs),
    Check(Check),
    Backup(Backup),
    Compact(Compact),
    Migrate(Migrate),
}

/// Show where the catalog is, its version and what it holds
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex catalog info
  imgdex catalog info -o json | jq .images")]
pub struct InfoArgs {}

/// Read the whole catalog and say whether it is whole; exit 8 where it is not
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex catalog check")]
pub struct Check {}

/// Copy the catalog into a new file while others use it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex catalog backup catalog-$(date +%F).db")]
pub struct Backup {
    /// The new file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Make the search index anew and give unused space back
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex catalog compact")]
pub struct Compact {}

/// Bring the catalog to the version of this program
///
/// Every command does this by itself when it first uses an older catalog.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex catalog backup before.db && imgdex catalog migrate")]
pub struct Migrate {}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Info(_) => info(app),
        Verb::Check(_) => check(app),
        Verb::Backup(backup) => backup.run(app),
        Verb::Compact(_) => {
            existing(app)?;
            let (before, after) = app.write()?.compact()?;
            app.console
                .note(&format!("{before} bytes before, {after} bytes after"));
            Ok(Status::Done)
        }
        Verb::Migrate(_) => {
            let place = app.place()?;
            let found = Catalog::migrate(&place)
                .map_err(|error| located(error.into(), &place.path))?
                .ok_or_else(|| missing(app))?;
            app.console.note(&match found {
                NEWEST_VERSION => format!("the catalog has version {NEWEST_VERSION} already"),
                found => format!("the catalog had version {found} and has {NEWEST_VERSION} now"),
            });
            Ok(Status::Done)
        }
    }
}

fn missing(app: &App) -> Error {
    let path = app.settings.get("catalog").unwrap_or_default();
    Error::new(Kind::NotFound, format!("there is no catalog at `{path}`"))
        .hint("the first `imgdex images create` makes it; another is named with `--catalog`")
}

fn existing(app: &App) -> Result<Opened> {
    let catalog = app.read()?;
    if catalog.is_in_memory() {
        return Err(missing(app));
    }
    Ok(catalog)
}

fn info(app: &mut App) -> Result<Status> {
    let mut info = app.read()?.info()?;
    if !info.exists {
        info.path = app.settings.catalog()?.display().to_string();
    }
    let out = app.console.out();
    match app.format {
        Format::Json => write_pretty(out, &info)?,
        Format::Yaml => write_yaml_of(out, &info)?,
        format => write_one(out, format, &info)?,
    }
    Ok(Status::Done)
}

fn check(app: &mut App) -> Result<Status> {
    let health = existing(app)?.check()?;
    if app.format == Format::Json {
        write_pretty(app.console.out(), &health)?;
        app.console.flush()?;
    }
    if health.problems.is_empty() {
        app.console.note("the catalog is whole");
        return Ok(Status::Done);
    }
    let mut failure = Error::new(Kind::BadCatalog, "the catalog is damaged").hint(
        "take a backup back; what can still be read is printed by `imgdex images list -o json`",
    );
    failure.lines = health.problems;
    Err(failure)
}

impl Backup {
    fn run(self, app: &mut App) -> Result<Status> {
        let catalog = existing(app)?;
        let hold = app.interrupt.hold();
        let done = catalog.backup(&self.file, &|| hold.go_on());
        drop(hold);
        match done {
            Ok(()) => {
                app.console
                    .note(&format!("backed up to `{}`", self.file.display()));
                Ok(Status::Done)
            }
            Err(error) => {
                let mut error = Error::from(error);
                if error.kind == Kind::Interrupted && app.interrupt.was_to_terminate() {
                    error.kind = Kind::Terminated;
                }
                Err(match error.kind {
                    Kind::Conflict => Error::new(
                        Kind::Conflict,
                        format!("`{}` exists already", self.file.display()),
                    )
                    .hint("name a file that does not exist yet"),
                    _ => error,
                })
            }
        }
    }
}

impl Record for Info {
    const COLUMNS: &'static [&'static str] = &[
        "path",
        "exists",
        "id",
        "version",
        "sqlite",
        "journal",
        "size",
        "logSize",
        "images",
        "archivedImages",
        "groups",
        "secrets",
        "storedImages",
        "invalidEntries",
        "changes",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        let number = |number: u64| Cow::Owned(number.to_string());
        vec![
            Cow::Borrowed(&self.path),
            Cow::Owned(self.exists.to_string()),
            Cow::Borrowed(self.id.as_deref().unwrap_or_default()),
            Cow::Owned(self.version.to_string()),
            Cow::Borrowed(self.sqlite),
            Cow::Borrowed(&self.journal),
            number(self.size),
            number(self.log_size),
            number(self.images),
            number(self.archived_images),
            number(self.groups),
            number(self.secrets),
            number(self.stored_images),
            number(self.invalid_entries),
            number(self.changes),
        ]
    }

    fn label(&self) -> &str {
        &self.path
    }
}
