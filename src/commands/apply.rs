//! `imgdex apply`.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::input::pictures;
use super::{Status, confirmed};
use crate::app::App;
use crate::app::catalogs::Opened;
use crate::error::Result;
use crate::ops::apply::{Action, Applied, ApplyOptions, Prune, apply};
use crate::ops::documents::Documents;
use crate::output::format::Format;
use crate::output::records::{Record, write_list};
use crate::output::text::visible;

/// Make the catalog say what a folder of JSON or YAML files says
///
/// A document is an image, or a group or a secret's description where it says
/// `kind: group` or `kind: secret`. What a document of an image leaves out has
/// its default; what was observed (digest, isReady, times) stays. All of it is
/// applied, in one transaction, or none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex apply -f catalog/
  imgdex apply -f catalog/ --prune --dry-run
  imgdex images list -o yaml > images.yaml && imgdex apply -f images.yaml")]
pub struct Apply {
    /// A folder, with the folders in it, or a file; `-` is standard input
    #[arg(short, long, value_name = "DIR|FILE")]
    file: PathBuf,
    /// Delete images that an earlier `apply` made and the documents no longer hold
    #[arg(long)]
    prune: bool,
    /// Say what would be done and write nothing
    #[arg(long)]
    dry_run: bool,
    /// What these documents are called: `--prune` deletes only what was applied under this name
    #[arg(long, value_name = "NAME", default_value = "default")]
    set: String,
    /// Do not ask before images are deleted
    #[arg(short, long)]
    yes: bool,
}

impl Apply {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let documents = Documents::read(&self.file, &mut app.stdin)?;
        let mut options = ApplyOptions {
            set: self.set,
            prune: if self.prune {
                Prune::Every
            } else {
                Prune::None
            },
            dry_run: self.dry_run,
            pictures: pictures(app, None, self.dry_run),
        };
        if self.prune && !self.dry_run && !self.yes && app.console.can_ask {
            let names = to_be_pruned(app, &documents, &options)?;
            let question = format!("Delete {}?", super::quoted(&names));
            if !names.is_empty() && !confirmed(app, false, &question)? {
                return Ok(Status::Done);
            }
            // Somebody else may have changed the catalog since.
            options.prune = Prune::Agreed(names);
        }
        let mut catalog = if self.dry_run {
            rehearsal_catalog(app)?
        } else {
            app.write()?
        };
        let applied = apply(&mut catalog, app.actor(), &documents, &options)?;
        let unchanged = applied
            .iter()
            .filter(|one| one.action == Action::Unchanged)
            .count();
        let out = app.console.out();
        let rows: Vec<Row> = applied.iter().filter_map(Row::of).collect();
        match app.format {
            Format::Table | Format::Wide => rows
                .iter()
                .try_for_each(|row| writeln!(out, "{} {}", visible(&row.label), row.action))?,
            format => write_list(out, format, None, &rows)?,
        }
        app.console.flush()?;
        let dry = if self.dry_run {
            " (dry run: nothing was written)"
        } else {
            ""
        };
        app.console.note(&format!(
            "{} changed, {unchanged} unchanged{dry}",
            applied.len() - unchanged
        ));
        Ok(Status::Done)
    }
}

/// Returns the names of the images that would be deleted.
fn to_be_pruned(app: &App, documents: &Documents, options: &ApplyOptions) -> Result<Vec<String>> {
    let mut rehearsal = options.clone();
    rehearsal.dry_run = true;
    rehearsal.pictures.dry_run = true;
    let applied = apply(
        &mut *rehearsal_catalog(app)?,
        app.actor(),
        documents,
        &rehearsal,
    )?;
    Ok(applied
        .into_iter()
        .filter(|one| one.action == Action::Pruned)
        .map(|one| one.name)
        .collect())
}

/// One thing that was changed.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    name: String,
    action: &'static str,
    #[serde(skip)]
    label: String,
}

impl Row {
    fn of(applied: &Applied) -> Option<Self> {
        (applied.action != Action::Unchanged).then(|| Self {
            kind: applied.kind.name(),
            name: applied.name.clone(),
            action: applied.action.name(),
            label: format!("{}/{}", applied.kind.name(), applied.name),
        })
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &["kind", "name", "action"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(self.kind),
            Cow::Borrowed(&self.name),
            Cow::Borrowed(self.action),
        ]
    }

    fn label(&self) -> &str {
        &self.label
    }
}

/// Returns the catalog to try something out on; a missing one is not made.
fn rehearsal_catalog(app: &App) -> Result<Opened> {
    let catalog = app.read()?;
    if catalog.is_in_memory() {
        return Ok(catalog);
    }
    app.write()
}
