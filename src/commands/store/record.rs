//! `imgdex store record` and `refresh`.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;

use super::add::metadata;
use super::{print_added, store, stored_name};
use crate::app::App;
use crate::app::network::Choices;
use crate::commands::Status;
use crate::commands::complete::stored_uris;
use crate::commands::how::How;
use crate::commands::verifying::Verifying;
use crate::domain::stored_reference::name_of_reference;
use crate::error::{Error, Kind, Result};
use crate::ops;
use crate::ops::store::{NewRecord, Refreshed, questions_of, remotes, write_refreshed};
use crate::ops::verify::Status as Found;
use crate::output::records::{Record as Row, write_list};

/// Record an image of a registry without pulling it, or a URL
///
/// The registry is asked for digest, size, platforms and labels. `imgdex store get URI
/// --pull` pulls what is recorded, `imgdex store refresh` asks again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store record quay.io/jupyter/base-notebook:latest
  imgdex store record alpine:3 --name lab/alpine --metadata tool.json
  imgdex store record --url https://example.com/images/tool.sif
  echo '{\"url\": \"https://example.com/tool.sif\", \"licence\": \"MIT\"}' | \\
    imgdex store record --metadata -")]
pub struct Record {
    /// The image: `[HOST/]REPOSITORY[:TAG][@DIGEST]`
    #[arg(value_name = "REFERENCE", conflicts_with = "url")]
    reference: Option<String>,
    /// Any URL, which nobody is asked for; without it, the `url` of the metadata
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`; without it, the repository and tag, or the last
    /// part of the URL
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A JSON or YAML object to be kept with the record; `-` is standard input
    #[arg(long, value_name = "FILE")]
    metadata: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

impl Record {
    pub fn run(self, app: &mut App) -> Result<Status> {
        store(app)?;
        let name = self.name.as_deref().map(stored_name).transpose()?;
        let metadata = metadata(app, self.metadata)?;
        let image = match self.reference {
            None => ops::store::record_of_url(NewRecord {
                url: self.url,
                name,
                metadata,
            })?,
            Some(text) => {
                let text = text.strip_prefix("docker://").unwrap_or(&text);
                if text.contains("://") {
                    let rule = "a URL is given with `--url`";
                    return Err(Error::new(Kind::InvalidInput, rule));
                }
                let reference = app.reference(text)?;
                let made = name_of_reference(&reference);
                let name = match (name, made) {
                    (Some(mut name), made) => {
                        let tag = made.ok().and_then(|made| made.tag);
                        name.tag = name.tag.or(tag);
                        name
                    }
                    (None, Ok(made)) => made,
                    (None, Err(rule)) => {
                        let hint = "give one with `--name COLLECTION/NAME`";
                        return Err(Error::new(Kind::InvalidInput, rule).hint(hint));
                    }
                };
                let reach = app.reach(&[reference.registry()], &Choices::from(self.how))?;
                let network = &reach.network;
                let found = ops::store::record_of_reference(network, &reference, name, &metadata);
                reach.tell(app);
                found?
            }
        };
        let added = ops::store::record(&mut *app.write()?, app.actor(), &image)?;
        print_added(app, &added)?;
        Ok(Status::Done)
    }
}

/// Ask registries again for what is recorded and not on this machine
///
/// A tag that moved gets what it points to now. Records of plain URLs are not asked for.
/// The exit code is 13 where an image is missing, else 5 where access is denied, else 6
/// where a registry cannot be reached, else 7; 3 where one that is named cannot be asked
/// for.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store refresh
  imgdex store refresh lab/notebook -o json")]
pub struct Refresh {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`; all of them where none is named
    #[arg(value_name = "URI", add = stored_uris())]
    uris: Vec<String>,
    #[command(flatten)]
    how: How,
}

impl Refresh {
    pub fn run(self, app: &mut App) -> Result<Status> {
        store(app)?;
        let remotes = remotes(&*app.read()?, &self.uris)?;
        let questions = questions_of(&remotes, app.default_registry()?);
        let answers = Verifying::from(self.how).ask(app, questions)?;
        let rows = match remotes.is_empty() {
            true => Vec::new(),
            false => write_refreshed(&mut *app.write()?, app.actor(), &answers, &remotes)?,
        };
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(status(&rows))
    }
}

fn status(rows: &[Refreshed]) -> Status {
    let any = |status| rows.iter().any(|row| row.status == status);
    if any(Found::Missing) {
        Status::CheckFailed
    } else if any(Found::Denied) {
        Status::Denied
    } else if any(Found::Unreachable) {
        Status::Unavailable
    } else if any(Found::Invalid) {
        Status::Violation
    } else if any(Found::Skipped) {
        Status::PartlyDone
    } else {
        Status::Done
    }
}

impl Row for Refreshed {
    const COLUMNS: &'static [&'static str] = &["uri", "status", "problem"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.uri),
            Cow::Borrowed(self.status.name()),
            Cow::Borrowed(self.problem.as_deref().unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        &self.uri
    }
}
