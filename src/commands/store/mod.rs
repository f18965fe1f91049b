//! `imgdex store`: images kept or recorded on this machine.

mod add;
mod change;
mod check;
mod record;
mod show;

use std::path::PathBuf;

use clap::Subcommand;

use super::Status;
use crate::app::{App, located};
use crate::catalog::Put;
use crate::domain::stored::StoredName;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::store::Added;
use crate::output::format::Format;
use crate::output::progress::Progress;
use crate::store::files::GoOn;

#[derive(Debug, Subcommand)]
pub enum Verb {
    Add(add::Add),
    Record(record::Record),
    List(show::List),
    Get(show::Get),
    Inspect(show::Inspect),
    Rm(change::Rm),
    Rmi(change::Rmi),
    Mv(change::Mv),
    Rename(change::Rename),
    Labels(show::Labels),
    Refresh(record::Refresh),
    Check(check::Check),
    ImportSregistry(check::ImportSregistry),
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::Add(command) => command.run(app),
        Verb::Record(command) => command.run(app),
        Verb::List(command) => command.run(app),
        Verb::Get(command) => command.run(app),
        Verb::Inspect(command) => command.run(app),
        Verb::Rm(command) => command.run(app),
        Verb::Rmi(command) => command.run(app),
        Verb::Mv(command) => command.run(app),
        Verb::Rename(command) => command.run(app),
        Verb::Labels(command) => command.run(app),
        Verb::Refresh(command) => command.run(app),
        Verb::Check(command) => command.run(app),
        Verb::ImportSregistry(command) => command.run(app),
    }
}

/// Returns the folder of the store, which is needed to keep or record anything.
pub(super) fn store(app: &App) -> Result<PathBuf> {
    if let Some(store) = app.store() {
        return Ok(store);
    }
    if app.settings.get("store.path").is_none() {
        return Err(Error::new(
            Kind::InvalidInput,
            "there is no home folder, and nothing says where the store is",
        )
        .hint("set `IMGDEX_STORE` to a folder"));
    }
    Err(Error::new(
        Kind::Refused,
        "the store is turned off: nothing is kept or recorded",
    )
    .hint(
        "unset `IMGDEX_DISABLE_STORE`, and take `disabled` out of `[store]` in the config file, to \
         turn it on",
    ))
}

/// Returns the name that a text spells.
pub(super) fn stored_name(name: &str) -> Result<StoredName> {
    StoredName::parse(name).map_err(|rule| Error::new(Kind::InvalidInput, rule))
}

/// Does what may take long: its progress is told, and an interrupt ends it in order.
fn at_length<T>(
    app: &mut App,
    work: impl FnOnce(&mut App, GoOn<'_>) -> ops::Result<T>,
) -> Result<T> {
    let mut progress = Progress::new("MiB of a file", app.console.no_progress);
    let interrupt = app.interrupt.clone();
    let hold = interrupt.hold();
    let done = work(app, &mut |bytes| {
        progress.done(bytes >> 20);
        hold.go_on()
    });
    drop(hold);
    drop(progress);
    done.map_err(|error| match error {
        ops::Error::Interrupted if app.interrupt.was_to_terminate() => {
            let mut error = Error::from(ops::Error::Interrupted);
            error.kind = Kind::Terminated;
            error
        }
        ops::Error::Catalog(error) => match app.place() {
            Ok(place) => located(error.into(), &place.path),
            Err(_) => error.into(),
        },
        error => error.into(),
    })
}

/// Prints what was added, as sregistry does.
fn print_added(app: &mut App, added: &Added) -> Result<()> {
    match app.format {
        Format::Json | Format::Yaml => show::print_record(app, &added.image),
        Format::Name => Ok(writeln!(app.console.out(), "{}", added.image.uri)?),
        _ => Ok(print_put(app, &added.image.uri.to_string(), added.put)?),
    }
}

fn print_put(app: &mut App, uri: &str, put: Put) -> std::io::Result<()> {
    let word = match put {
        Put::New => "new",
        Put::Update => "update",
    };
    writeln!(app.console.out(), "[container][{word}] {uri}")
}
