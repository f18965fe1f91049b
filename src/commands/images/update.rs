//! `imgdex images update` and `duplicate`.

use std::path::PathBuf;

use clap::Args;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::commands::input::{pictures, source, would_wait_for_typing};
use crate::error::{Error, Result};
use crate::ops;
use crate::output::details::write_details;
use crate::output::format::Format;
use crate::output::images::write_image;

const EXAMPLE: &str = r#"{
  "displayName": "Base notebook",
  "urlForGpu": null
}"#;

/// Change an image by a JSON merge patch (RFC 7396)
///
/// What the patch names is changed: null clears a field, a list replaces one,
/// an object is merged. `groups` as {"connect": […], "disconnect": […]} adds
/// and removes groups. The name stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"description\": \"Python 3.12\"}' | imgdex images update base
  imgdex images update base -f change.yaml
  echo '{\"groups\": {\"connect\": [\"research\"]}}' | imgdex images update base")]
pub struct Update {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
    /// Read this file instead of standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

impl Update {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let required = || Error::configuration_required(EXAMPLE);
        if would_wait_for_typing(app, self.file.as_deref()) {
            return Err(required());
        }
        let source = source(app, self.file.as_deref())?;
        // A missing catalog holds no such image: it is not made to say so.
        app.read()?.image(&self.id)?;
        let pictures = pictures(app, self.file.as_deref(), false);
        let mut catalog = app.write()?;
        let updated = ops::images::update(&mut catalog, app.actor(), &self.id, source, &pictures);
        let updated = match updated {
            Err(ops::Error::Empty) => return Err(required()),
            other => other?,
        };
        write_image(app.console.out(), app.format, &updated.image)?;
        app.console.flush()?;
        if updated.other_name {
            app.console.note(&format!(
                "the name stays `{}`: copy the image with `imgdex images duplicate {} NEW` to \
                 have another",
                self.id, self.id
            ));
        }
        if !updated.changed {
            app.console.note("nothing changed");
        }
        Ok(Status::Done)
    }
}

/// Copy an image under another name
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images duplicate base base-2025")]
pub struct Duplicate {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
    /// The name of the copy
    #[arg(value_name = "NEW")]
    new: String,
}

impl Duplicate {
    pub fn run(self, app: &mut App) -> Result<Status> {
        app.read()?.image(&self.id)?;
        let mut catalog = app.write()?;
        ops::images::duplicate(&mut catalog, app.actor(), &self.id, &self.new)?;
        let out = app.console.out();
        match app.format {
            Format::Table | Format::Wide => {
                write_details(out, &[("id", self.new.as_str().into())])?;
            }
            format => write_image(out, format, &catalog.image(&self.new)?)?,
        }
        Ok(Status::Done)
    }
}
