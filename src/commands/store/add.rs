//! `imgdex store add`.

use std::path::PathBuf;

use clap::Args;

use super::{at_length, print_added, store, stored_name};
use crate::app::App;
use crate::catalog::Catalog;
use crate::commands::Status;
use crate::commands::input::source;
use crate::error::{Error, Result};
use crate::ops;
use crate::ops::store::{Keep, NewFile};

/// Move a file into the store, and record it
///
/// It lies at STORE/COLLECTION/NAME/TAG@VERSION.ENDING; its version is its SHA-256
/// unless one is given. The tag stands for the file that was added last; the ones
/// before keep their versions.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store add tool.sif --name lab/tool
  imgdex store add tool.sif --name lab/tool:1.2 --copy
  imgdex store add tool.sif --name lab/tool@2026.1 --in-place --metadata tool.json")]
pub struct Add {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`; without them it is in `library`, tagged `latest`
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Keep a copy, and leave the file
    #[arg(long, conflicts_with = "in_place")]
    copy: bool,
    /// Only record where the file is
    #[arg(long)]
    in_place: bool,
    /// A JSON or YAML object to be kept with the record; `-` is standard input
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
}

impl Add {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let store = store(app)?;
        let name = stored_name(&self.name)?;
        let metadata = metadata(app, self.metadata)?;
        let new = NewFile {
            file: &self.file,
            name,
            keep: match (self.copy, self.in_place) {
                (true, _) => Keep::Copy,
                (_, true) => Keep::InPlace,
                _ => Keep::Move,
            },
            metadata,
            store: &store,
            origin: None,
        };
        let place = app.place()?;
        let open = || Ok(Catalog::open_for_writing(&place)?);
        let actor = app.actor();
        let added = at_length(app, |_, go_on| ops::store::add(open, actor, new, go_on))?;
        print_added(app, &added)?;
        let Some(error) = added.stays else {
            return Ok(Status::Done);
        };
        app.console.flush()?;
        let failure = Error::from(ops::Error::from(error));
        app.console.warn(&format!(
            "warning: the file is in the store, and stays where it was too: {}{}",
            failure.message,
            failure
                .cause
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default()
        ));
        Ok(Status::PartlyDone)
    }
}

/// Returns the fields of a file of metadata.
pub(super) fn metadata(app: &mut App, file: Option<PathBuf>) -> Result<Vec<(String, String)>> {
    match file {
        Some(file) => Ok(ops::store::metadata(source(app, Some(&file))?)?),
        None => Ok(Vec::new()),
    }
}
