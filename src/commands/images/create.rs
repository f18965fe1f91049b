//! `imgdex images create`.

use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;

use super::build::many::Many;
use super::build::one::Building;
use super::from::From;
use crate::app::App;
use crate::catalog::Catalog;
use crate::commands::input::{Kept, pictures, source, would_wait_for_typing};
use crate::commands::verifying::verified;
use crate::commands::{Status, quoted};
use crate::domain::name::check_resource_name;
use crate::error::{Error, Result};
use crate::ops::images::{CreateOptions, CreateReport, Existing, Named, create, references};
use crate::ops::verify::Questions;
use crate::ops::{self};
use crate::output::details::write_details;
use crate::output::format::Format;
use crate::output::images::{ListPrinter, write_image};
use crate::output::progress::Progress;

/// What an input looks like.
const EXAMPLE: &str = r#"{
  "name": "base-notebook",
  "displayName": "Base notebook",
  "description": "JupyterLab with Python 3.12",
  "type": "both",
  "url": "quay.io/jupyter/base-notebook:python-3.12",
  "urlForGpu": "quay.io/jupyter/pytorch-notebook:cuda12-python-3.12",
  "global": true
}"#;

/// Add images from JSON or YAML: one object, a list, or one object a line
///
/// All of the input goes in, in one transaction, or none of it. With `--from`, registries
/// say what the images are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images create <<EOF
  {\"name\": \"scipy\", \"url\": \"quay.io/jupyter/scipy-notebook:latest\", \"global\": true}
  EOF
  imgdex images create -f images.yaml --update-existing
  imgdex images create -f images.yaml --verify
  imgdex images create -f images.yaml --build
  imgdex images create --from registry.example.com/team/app:1 --id app
  imgdex images list -o json | imgdex --catalog other.db images create")]
pub struct Create {
    /// Read this file instead of standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Make an image of what is attached to this reference in its registry, or else of
    /// what it says of itself; may be given again
    ///
    /// Nothing is read from standard input. What the registry says is written too, as by
    /// `images verify`.
    #[arg(long, value_name = "REF", conflicts_with = "file")]
    from: Vec<String>,
    /// The name of the image of `--from`, once for each [default: its repository and tag]
    #[arg(long = "id", value_name = "NAME", requires = "from", value_parser = name)]
    ids: Vec<String>,
    /// Leave images whose name exists as they are
    #[arg(long, conflicts_with = "update_existing")]
    skip_existing: bool,
    /// Update images whose name exists, as `images update` does
    #[arg(long)]
    update_existing: bool,
    /// Ask the registries first: nothing is created unless all references can be had
    ///
    /// Exit code 13 where one is missing or of the wrong platform (`platform` of the
    /// config file), else 5, 6 or 7 as of `images verify`.
    #[arg(long)]
    verify: bool,
    /// Build and push what has an `imageSpec` afterwards, as `images build` does
    #[arg(long, conflicts_with = "dry_run")]
    build: bool,
    /// Check everything and write nothing
    #[arg(long)]
    dry_run: bool,
}

fn name(text: &str) -> std::result::Result<String, String> {
    check_resource_name("id", text).map(|()| text.to_owned())
}

impl Create {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let required = || Error::configuration_required(EXAMPLE);
        let building = Building::default();
        if self.build {
            // Nothing is created that could then not be built.
            building.check(app)?;
        }
        if self.from.is_empty() && would_wait_for_typing(app, self.file.as_deref()) {
            return Err(required());
        }
        let (source, verified) = if !self.from.is_empty() {
            let asked = From {
                references: &self.from,
                names: &self.ids,
                dry_run: self.dry_run,
                verify: self.verify,
            };
            asked.ask(app)?
        } else if self.verify {
            let input = Kept::of(app, self.file.as_deref())?;
            let mut questions = Questions::new(app.default_registry()?);
            // What cannot be read is told without asking anybody.
            let verified = match references(input.source()?, &mut questions) {
                true => Some(Rc::new(verified(app, questions)?)),
                false => None,
            };
            (input.source()?, verified)
        } else {
            (source(app, self.file.as_deref())?, None)
        };
        let options = CreateOptions {
            existing: match (self.skip_existing, self.update_existing) {
                (true, _) => Existing::Skip,
                (_, true) => Existing::Update,
                _ => Existing::Refuse,
            },
            dry_run: self.dry_run,
            pictures: pictures(app, self.file.as_deref(), self.dry_run),
            verified,
        };
        let place = app.place()?;
        let open = || -> ops::Result<Catalog> {
            if options.dry_run && Catalog::open_for_reading(&place)?.is_in_memory() {
                return Ok(Catalog::in_memory()?);
            }
            Ok(Catalog::open_for_writing(&place)?)
        };
        let mut progress = Progress::new("images", app.console.no_progress);
        let created = create(source, &options, app.actor(), open, |count| {
            progress.done(count);
        });
        drop(progress);
        let mut report = match created {
            Err(ops::Error::Empty) => return Err(required()),
            Err(ops::Error::Catalog(error)) => {
                return Err(crate::app::located(error.into(), &place.path));
            }
            other => other?,
        };
        // Names are told at once, images as they are at the end.
        let status = match app.format {
            Format::Table | Format::Wide | Format::Name => None,
            _ => Some(self.build(app, &building, &mut report)),
        };
        let printed = self
            .print(app, &mut report)
            .and_then(|()| Ok(app.console.flush()?));
        if let Err(mut error) = printed {
            if !self.dry_run {
                error.message.push_str("; what was asked for is done");
            }
            return Err(error);
        }
        self.advise(app, &report);
        match status {
            Some(status) => status,
            None => self.build(app, &building, &mut report),
        }
    }

    /// Builds those of the images that are to be built.
    fn build(
        &self,
        app: &mut App,
        building: &Building,
        report: &mut CreateReport,
    ) -> Result<Status> {
        if !self.build {
            return Ok(Status::Done);
        }
        let mut names = Vec::new();
        let catalog = app.read()?;
        report.for_each_name::<Error>(|name| {
            let config = catalog.image(name)?.config;
            if config.spec.is_some() && (config.is_stale() || !config.was_built()) {
                names.push(config.name);
            }
            Ok(())
        })?;
        drop(catalog);
        let (built, status) = Many::new(building, false).build(app, &names)?;
        for image in built {
            let url = image.config.url.unwrap_or_default();
            app.console
                .note(&format!("built `{}`: {url}", image.config.name));
        }
        Ok(status)
    }

    fn print(&self, app: &mut App, report: &mut CreateReport) -> Result<()> {
        let out = app.console.out();
        match app.format {
            Format::Table | Format::Wide => report
                .for_each_name::<Error>(|name| Ok(write_details(out, &[("id", name.into())])?)),
            Format::Name => report.for_each_name::<Error>(|name| Ok(writeln!(out, "{name}")?)),
            // Nothing was written that could be read back.
            format if self.dry_run || report.is_empty() => {
                let mut printer = ListPrinter::new(format);
                printer.begin(None, out)?;
                Ok(printer.end(out)?)
            }
            format => {
                let catalog = app.read()?;
                let out = app.console.out();
                if report.single && matches!(format, Format::Json | Format::Yaml) {
                    return report.for_each_name::<Error>(|name| {
                        Ok(write_image(out, format, &catalog.image(name)?)?)
                    });
                }
                let mut printer = ListPrinter::new(format);
                printer.begin(None, out)?;
                report.for_each_name::<Error>(|name| {
                    Ok(printer.print(&catalog.image(name)?, out)?)
                })?;
                Ok(printer.end(out)?)
            }
        }
    }

    fn advise(&self, app: &mut App, report: &CreateReport) {
        if self.dry_run {
            app.console.note(&format!(
                "dry run: nothing was written ({} to create, {} to update)",
                report.created, report.updated
            ));
        }
        if report.skipped > 0 {
            app.console.note(&match report.skipped {
                1 => "left 1 image as it is: the name exists".to_owned(),
                count => format!("left {count} images as they are: the names exist"),
            });
        }
        if report.unseen.count > 0 {
            let first = report.unseen.first.first().map_or("ID", String::as_str);
            app.console.hint(&format!(
                "nobody can see {}: let a group use it with `imgdex images add-group {first} \
                 GROUP`, or everybody with `\"global\": true`",
                named(&report.unseen)
            ));
        }
        if report.without_reference.count > 0 {
            app.console.hint(&format!(
                "there is nothing to pull for {}: it has neither `url` nor `urlForGpu`",
                named(&report.without_reference)
            ));
        }
        if report.to_build.count > 0
            && !self.build
            && app.settings.get("build.push-prefix").is_none()
        {
            app.console.hint(&format!(
                "{} is to be built, but no build target is configured: set `push-prefix` in \
                 `[build]` of the config file",
                named(&report.to_build)
            ));
        }
    }
}

fn named(images: &Named) -> String {
    let more = images.count.saturating_sub(images.first.len() as u64);
    let first = quoted(&images.first);
    if more == 0 {
        first
    } else {
        format!("{first} and {more} more")
    }
}
