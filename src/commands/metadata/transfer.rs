//! `imgdex metadata export` and `import`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Format;
use super::files::counted;
use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::group_names;
use crate::commands::verifying::verified;
use crate::domain::platform::Platform;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::metadata::{
    Digests, ExportOptions, ExportReport, ImportOptions, ImportReport, Told, export, import,
    references,
};
use crate::ops::verify::Questions;
use crate::output::console::Console;
use crate::output::format::Format as Output;
use crate::output::progress::Progress;
use crate::output::records::write_pretty;
use crate::output::table::Layout;

/// Write the images of a platform's catalog as the files that it reads
///
/// They go to `DIR/FORMAT`. Everything is written beside first, so that an export that
/// fails leaves the one before it whole. What the platform has no place for is told on
/// standard error, image by image.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata export runtime-images --directory metadata
  imgdex metadata export kubespawner --all --directory hub --digests pinned
  imgdex metadata export --directory metadata --clean --include-invalid")]
pub struct Export {
    #[command(flatten)]
    format: Format,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR")]
    directory: PathBuf,
    /// Every image that the format can hold, whatever catalogs it belongs to
    #[arg(long)]
    all: bool,
    /// Only images that this group may use
    #[arg(long, value_name = "GROUP", add = group_names())]
    group: Option<String>,
    /// Only images with this tag (give it again for more)
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Only images of this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// References by the digest that was last verified, by tag, or by both
    #[arg(long, value_name = "FORM", value_parser = Digests::NAMES)]
    digests: Option<String>,
    /// Remove the files of earlier exports first, and other valid files of the format
    #[arg(long)]
    clean: bool,
    /// Entries that are kept though they are not valid, as they came
    #[arg(long)]
    include_invalid: bool,
    /// Write names that the platform does not allow as the nearest allowed ones
    #[arg(long)]
    rename: bool,
}

/// Read the files of a platform into the catalog
///
/// The files of DIR are read, or those of `DIR/FORMAT` where DIR has none. Every good
/// one goes in; the others are left out and told, with exit code 3.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex metadata import runtime-images --directory metadata
  imgdex metadata import opendatahub --directory manifests --overwrite
  imgdex metadata import --directory metadata --strict")]
pub struct Import {
    #[command(flatten)]
    format: Format,
    /// The folder to read
    #[arg(short, long, value_name = "DIR")]
    directory: PathBuf,
    /// Replace the fields that a file has, where an image of its name exists
    #[arg(long)]
    overwrite: bool,
    /// Keep entries that are not valid, as they came
    #[arg(long)]
    include_invalid: bool,
    /// Take nothing unless everything can be taken
    #[arg(long)]
    strict: bool,
    /// Ask the registries first, and leave out what cannot be had
    #[arg(long)]
    verify: bool,
    /// Take entries whose names are not allowed under the nearest allowed names
    #[arg(long)]
    rename: bool,
}

impl Export {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let platform = self.format.platform;
        let catalog = app.read()?;
        if let Some(group) = &self.group {
            catalog.group(group)?;
        }
        let home = app.environment.get("HOME").map(PathBuf::from);
        let options = ExportOptions {
            platform,
            group: self.group,
            tags: self.tags,
            kind: self.kind.map(crate::domain::image_rules::canonical_kind),
            all: self.all,
            clean: self.clean,
            include_invalid: self.include_invalid,
            digests: (self.digests.as_deref())
                .and_then(Digests::from_name)
                .unwrap_or_default(),
            rename: self.rename,
            home: home.as_deref(),
            lock_timeout: app.settings.lock_timeout()?,
        };
        let mut progress = Progress::new("images", app.console.no_progress);
        let hold = app.interrupt.hold();
        let console = &mut app.console;
        let exported = export(
            &catalog,
            &self.directory,
            &options,
            &|| hold.go_on(),
            &mut |told| tell(console, &mut progress, platform, &told),
        );
        drop(hold);
        drop(progress);
        let report = match exported {
            Ok(report) => report,
            Err(ops::Error::Interrupted) => {
                let mut error = Error::from(ops::Error::Interrupted);
                if app.interrupt.was_to_terminate() {
                    error.kind = Kind::Terminated;
                }
                return Err(error);
            }
            Err(error) => return Err(error.into()),
        };
        print_export(app, &report)?;
        Ok(if report.left_out > 0 {
            Status::PartlyDone
        } else {
            Status::Done
        })
    }
}

fn print_export(app: &mut App, report: &ExportReport) -> Result<()> {
    if app.format == Output::Json {
        let answer = serde_json::json!({
            "exported": report.exported, "invalid": report.invalid, "leftOut": report.left_out,
        });
        return Ok(write_pretty(app.console.out(), &answer)?);
    }
    Ok(writeln!(
        app.console.out(),
        "Exported {} ({} of which {} invalid)",
        counted(report.exported, "instance"),
        report.invalid,
        if report.invalid == 1 { "is" } else { "are" }
    )?)
}

fn tell(console: &mut Console, progress: &mut Progress, platform: Platform, told: &Told<'_>) {
    let platform = platform.name();
    match told {
        Told::Lost { name, fields } => console.note(&format!(
            "image `{name}`: {platform} has no place for {}",
            fields.join(", ")
        )),
        Told::LeftOut { name, why } => {
            console.warn(&format!("image `{name}` is left out: {why}"));
        }
        Told::Renamed { name, to } => {
            console.note(&format!("image `{name}` is written as `{to}`"));
        }
        Told::Lacks { name, field, what } => console.note(&format!(
            "image `{name}`: {field} is written as it stands in the catalog: {what}"
        )),
        Told::Foreign { file } => {
            console.warn(&format!("`{file}` is of no export, and stays"));
        }
        Told::Progress(count) => progress.done(*count),
    }
}

impl Import {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let platform = self.format.platform;
        if !platform.is_read() {
            return Err(Error::new(
                Kind::InvalidInput,
                format!(
                    "`{}` is written only, and cannot be imported",
                    platform.name()
                ),
            )
            .hint("import the platform's own list of images, such as `runtime-images`"));
        }
        let mut options = ImportOptions {
            platform,
            overwrite: self.overwrite,
            include_invalid: self.include_invalid,
            strict: self.strict,
            rename: self.rename,
            verified: None,
        };
        let verified = if self.verify {
            let mut questions = Questions::new(app.default_registry()?);
            references(&self.directory, options, &mut questions)?;
            Some(verified(app, questions)?)
        } else {
            None
        };
        options.verified = verified.as_ref();
        let place = app.place()?;
        let open = || Ok(crate::catalog::Catalog::open_for_writing(&place)?);
        let mut progress = Progress::new("files", app.console.no_progress);
        let actor = app.actor();
        let imported = import(&self.directory, options, actor, open, |count| {
            progress.done(count);
        });
        drop(progress);
        let mut report = imported.map_err(|error| match error {
            ops::Error::Catalog(error) => crate::app::located(error.into(), &place.path),
            error => {
                let mut failure = Error::from(error);
                if failure.kind == Kind::Conflict {
                    failure.hints =
                        vec!["`--overwrite` replaces the fields that the files have".to_owned()];
                }
                failure
            }
        })?;
        print_import(app, &mut report)?;
        app.console.flush()?;
        if report.left_out.count == 0 {
            return Ok(Status::Done);
        }
        if report.counts.existing > 0 && !self.overwrite {
            app.console
                .hint("`--overwrite` replaces the fields that a file has of an image that exists");
        }
        if report.left_out.count > report.counts.existing && !self.include_invalid {
            app.console.hint(
                "correct the files and import again; `--include-invalid` keeps entries as they \
                 came",
            );
        }
        Ok(Status::PartlyDone)
    }
}

fn print_import(app: &mut App, report: &mut ImportReport) -> Result<()> {
    let width = app.console.width;
    let format = app.format;
    let out = app.console.out();
    if format == Output::Json {
        return print_import_as_json(out, report);
    }
    writeln!(
        out,
        "Imported {}",
        counted(report.counts.imported, "instance")
    )?;
    if report.counts.invalid > 0 {
        let is = if report.counts.invalid == 1 {
            "is"
        } else {
            "are"
        };
        writeln!(out, "{} of which {is} invalid", report.counts.invalid)?;
    }
    if report.counts.unchanged > 0 {
        let is = if report.counts.unchanged == 1 {
            "is"
        } else {
            "are"
        };
        writeln!(
            out,
            "{} {is} unchanged",
            counted(report.counts.unchanged, "instance")
        )?;
    }
    if report.left_out.count == 0 {
        return Ok(());
    }
    let left_out = &mut report.left_out;
    writeln!(
        out,
        "{} could not be imported\n\nThe following files could not be imported:",
        counted(left_out.count, "instance")
    )?;
    let mut layout = Layout::new(&["File", "Reason"]);
    left_out.for_each::<Error>(|file, reason| {
        layout.measure(&[file, reason]);
        Ok(())
    })?;
    layout.fit(width);
    layout.write_header(out)?;
    left_out.for_each::<Error>(|file, reason| Ok(layout.write_row(&[file, reason], out)?))
}

fn print_import_as_json(out: &mut dyn Write, report: &mut ImportReport) -> Result<()> {
    write!(
        out,
        "{{\n  \"imported\": {},\n  \"invalid\": {},\n  \"unchanged\": {},\n  \"leftOut\": [",
        report.counts.imported, report.counts.invalid, report.counts.unchanged
    )?;
    let mut separator = "";
    report.left_out.for_each::<Error>(|file, reason| {
        let row = serde_json::json!({ "file": file, "reason": reason }).to_string();
        write!(out, "{separator}\n    ")?;
        separator = ",";
        Ok(crate::output::json::write_text(out, row.as_bytes())?)
    })?;
    let end = if report.left_out.count > 0 {
        "\n  ]"
    } else {
        "]"
    };
    Ok(writeln!(out, "{end}\n}}")?)
}
