//! `imgdex metadata`: catalogs as the files of the platforms that read them.

mod files;
mod transfer;
mod write;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::Status;
use crate::app::App;
use crate::domain::platform::Platform;
use crate::error::{Error, Result};
use crate::ops::metadata::{self, Removed};
use crate::output::metadata::EntryPrinter;

/// The most entries of a table that are held in memory.
const MOST_HELD: usize = 256;

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(List),
    Create(write::Create),
    Update(write::Update),
    Remove(Remove),
    Duplicate(Duplicate),
    Export(transfer::Export),
    Import(transfer::Import),
    Validate(files::Validate),
    Schema(files::Schema),
}

/// The platform whose files are meant.
#[derive(Debug, Args)]
pub struct Format {
    /// The platform whose catalog or files are meant
    #[arg(value_name = "FORMAT", default_value = "runtime-images", value_parser = platform())]
    platform: Platform,
}

/// Returns the parser of a platform's name.
fn platform() -> impl TypedValueParser<Value = Platform> {
    PossibleValuesParser::new(Platform::NAMES).try_map(|name| {
        Platform::from_name(&name).ok_or_else(|| format!("`{name}` is not a format"))
    })
}

/// List the entries of a platform's catalog, sorted by name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata list
  imgdex metadata list runtime-images --json
  imgdex metadata list kubespawner --include-invalid")]
pub struct List {
    #[command(flatten)]
    format: Format,
    /// Entries that are kept though they are not valid, too
    #[arg(long)]
    include_invalid: bool,
}

/// Remove an entry from a platform's catalog
///
/// The image itself is deleted, unless it belongs to other platforms' catalogs too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata remove runtime-images --name pandas")]
pub struct Remove {
    #[command(flatten)]
    format: Format,
    /// The entry's name
    #[arg(long, value_name = "NAME", add = super::complete::image_names())]
    name: String,
}

/// Copy an entry under another name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata duplicate runtime-images --name pandas --new pandas_gpu")]
pub struct Duplicate {
    #[command(flatten)]
    format: Format,
    /// The entry's name
    #[arg(long, value_name = "NAME", add = super::complete::image_names())]
    name: String,
    /// The name of the copy
    #[arg(long, value_name = "NAME")]
    new: String,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::List(list) => list.run(app),
        Verb::Create(create) => create.run(app),
        Verb::Update(update) => update.run(app),
        Verb::Remove(remove) => remove.run(app),
        Verb::Duplicate(duplicate) => {
            let platform = duplicate.format.platform;
            let (name, new) = (&duplicate.name, &duplicate.new);
            metadata::duplicate(&mut *app.write()?, app.actor(), platform, name, new)?;
            write::tell_written(app, platform, new)?;
            Ok(Status::Done)
        }
        Verb::Export(export) => export.run(app),
        Verb::Import(import) => import.run(app),
        Verb::Validate(validate) => validate.run(app),
        Verb::Schema(schema) => schema.run(app),
    }
}

impl List {
    fn run(self, app: &mut App) -> Result<Status> {
        let platform = self.format.platform;
        let include_invalid = self.include_invalid;
        let catalog = app.read()?;
        let resource = app.place()?.path.display().to_string();
        catalog.in_snapshot::<_, Error>(|catalog| {
            let mut printer = EntryPrinter::new(app.format, platform, &resource);
            // A short table is read once; a long one is not held in memory.
            let mut held = printer.measures().then(Vec::new);
            if printer.measures() {
                metadata::for_each::<Error>(catalog, platform, include_invalid, |entry| {
                    printer.measure(&entry);
                    match &mut held {
                        Some(entries) if entries.len() < MOST_HELD => entries.push(entry),
                        _ => held = None,
                    }
                    Ok(())
                })?;
            }
            let width = app.console.width;
            let out = app.console.out();
            printer.begin(width, out)?;
            match held {
                Some(entries) => {
                    for entry in &entries {
                        printer.print(entry, out)?;
                    }
                }
                None => metadata::for_each::<Error>(catalog, platform, include_invalid, |entry| {
                    Ok(printer.print(&entry, out)?)
                })?,
            }
            Ok(printer.end(out)?)
        })?;
        Ok(Status::Done)
    }
}

impl Remove {
    fn run(self, app: &mut App) -> Result<Status> {
        let platform = self.format.platform;
        let removed = metadata::remove(&mut *app.write()?, app.actor(), platform, &self.name)?;
        writeln!(
            app.console.out(),
            "Metadata instance '{}' removed from schemaspace '{}'.",
            crate::output::text::visible(&self.name),
            platform.name()
        )?;
        if removed == Removed::FromPlatform {
            app.console.flush()?;
            app.console.hint(&format!(
                "the image stays in the catalog, for its other formats; `imgdex images delete {}` \
                 deletes it",
                self.name
            ));
        }
        Ok(Status::Done)
    }
}

/// Refuses platforms whose entries are not made by flags.
fn only_runtime_images(platform: Platform) -> Result<()> {
    if platform == Platform::RuntimeImages {
        return Ok(());
    }
    Err(Error::new(
        crate::error::Kind::InvalidInput,
        format!(
            "entries of `{}` are not made one by one here",
            platform.name()
        ),
    )
    .hint(format!(
        "make the image with `imgdex images create` and `\"formats\": [\"{}\"]`, or import its \
         file with `imgdex metadata import {}`",
        platform.name(),
        platform.name()
    )))
}
