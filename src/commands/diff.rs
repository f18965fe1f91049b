//! `imgdex diff`.

use std::path::PathBuf;

use clap::Args;

use super::Status;
use super::input::pictures;
use crate::app::App;
use crate::error::{Error, Result};
use crate::ops::documents::Documents;
use crate::ops::plan::diff;
use crate::output::text::visible_lines;

/// Show what `apply` would change, as unified diffs; exit 13 where it would
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex diff -f catalog/
  imgdex diff -f catalog/ --prune && echo 'the catalog is as git says'")]
pub struct Diff {
    /// A folder, with the folders in it, or a file; `-` is standard input
    #[arg(short, long, value_name = "DIR|FILE")]
    file: PathBuf,
    /// Count images that `apply --prune` would delete too
    #[arg(long)]
    prune: bool,
    /// The set that `--prune` is about
    #[arg(long, value_name = "NAME", default_value = "default")]
    set: String,
}

impl Diff {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let documents = Documents::read(&self.file, &mut app.stdin)?;
        let catalog = app.read()?;
        let pictures = pictures(app, None, true);
        let set = self.prune.then_some(self.set.as_str());
        let out = app.console.out();
        let difference = catalog.in_snapshot(|catalog| {
            diff::<Error>(catalog, &documents, set, &pictures, |text| {
                Ok(out.write_all(visible_lines(text).as_bytes())?)
            })
        })?;
        Ok(if difference.count == 0 {
            Status::Done
        } else {
            Status::CheckFailed
        })
    }
}
