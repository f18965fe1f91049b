//! `imgdex images get`.

use clap::Args;

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::error::Result;
use crate::output::images::write_image;

/// Show one image with all its fields
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images get base
  imgdex images get base -o json")]
pub struct Get {
    /// The image's name
    #[arg(value_name = "ID", add = image_names())]
    id: String,
}

impl Get {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let image = app.read()?.image(&self.id)?;
        write_image(app.console.out(), app.format, &image)?;
        Ok(Status::Done)
    }
}
