//! `imgdex store check` and `import-sregistry`.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{at_length, print_put, store};
use crate::app::App;
use crate::catalog::Catalog;
use crate::commands::Status;
use crate::error::Result;
use crate::ops;
use crate::ops::store::{Finding, Imported};
use crate::output::records::{Record, write_list};

/// Find records whose files are gone, and files without records
///
/// The exit code is 13 where there are any.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store check
  imgdex store check --repair --search ~")]
pub struct Check {
    /// Link moved files again, drop records whose files are gone, and record files that have
    /// none; no file is deleted
    #[arg(long)]
    repair: bool,
    /// Look for moved files in this folder too, by their hashes
    #[arg(long, value_name = "DIR")]
    search: Option<PathBuf>,
}

impl Check {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let folder = match self.repair {
            true => Some(store(app)?),
            false => app.store(),
        };
        let mut writing = match self.repair {
            true => Some(app.write()?),
            false => None,
        };
        let catalog = app.read()?;
        let check = ops::store::Check {
            store: folder.as_deref(),
            search: self.search.as_deref(),
        };
        let actor = app.actor();
        let repair = writing.as_mut().map(|catalog| (&mut **catalog, actor));
        let findings = at_length(app, |_, go_on| {
            ops::store::check(&catalog, check, repair, go_on)
        })?;
        let rows: Vec<Row> = findings.iter().map(Row::of).collect();
        if rows.is_empty() {
            app.console.note("records and files agree");
        }
        let is_json = matches!(
            app.format,
            crate::output::format::Format::Json | crate::output::format::Format::Yaml
        );
        if !rows.is_empty() || is_json {
            let width = app.console.width;
            write_list(app.console.out(), app.format, width, &rows)?;
        }
        if findings.iter().all(|finding| finding.repair.is_some()) {
            return Ok(Status::Done);
        }
        app.console.flush()?;
        for finding in &findings {
            if let (Some(uri), Some(found)) = (&finding.uri, &finding.found) {
                app.console
                    .note(&format!("the file of `{uri}` is at `{}`", found.display()));
            }
        }
        if !self.repair {
            app.console.hint(
                "`imgdex store check --repair` makes them agree; with `--search DIR` it looks for \
                 moved files there too",
            );
        }
        Ok(Status::CheckFailed)
    }
}

#[derive(Debug, Serialize)]
struct Row {
    problem: &'static str,
    uri: Option<String>,
    path: String,
    repair: Option<&'static str>,
}

impl Row {
    fn of(finding: &Finding) -> Self {
        Self {
            problem: finding.problem,
            uri: finding.uri.clone(),
            path: finding.path.display().to_string(),
            repair: finding.repair,
        }
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &["problem", "uri", "path", "repair"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(self.problem),
            Cow::Borrowed(self.uri.as_deref().unwrap_or_default()),
            Cow::Borrowed(&self.path),
            Cow::Borrowed(self.repair.unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        self.uri.as_deref().unwrap_or(&self.path)
    }
}

/// Take over the records of sregistry; its database and files stay as they are
///
/// Images that are on the disk are recorded where they are, others by their URL.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store import-sregistry ~/.singularity/sregistry.db")]
pub struct ImportSregistry {
    /// sregistry's database
    #[arg(value_name = "DB")]
    database: PathBuf,
}

impl ImportSregistry {
    pub fn run(self, app: &mut App) -> Result<Status> {
        store(app)?;
        let place = app.place()?;
        let open = || Ok(Catalog::open_for_writing(&place)?);
        let actor = app.actor();
        let mut is_whole = true;
        at_length(app, |app, go_on| {
            ops::store::import(&self.database, open, actor, go_on, |imported| {
                match imported {
                    Imported::Put(uri, put) => print_put(app, &uri, put)?,
                    Imported::LeftOut(name, why) => {
                        is_whole = false;
                        app.console.warn(&format!("`{name}` is left out: {why}"));
                    }
                }
                Ok(())
            })
        })?;
        Ok(if is_whole {
            Status::Done
        } else {
            Status::PartlyDone
        })
    }
}
