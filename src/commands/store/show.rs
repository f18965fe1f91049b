//! `imgdex store list`, `get`, `inspect` and `labels`.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;

use clap::Args;
use serde::Serialize;

use super::store;
use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::stored_uris;
use crate::commands::how::How;
use crate::commands::transfer::pull_recorded;
use crate::domain::stored::StoredImage;
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Position, json, write_json_pretty, write_yaml};
use crate::ops::store::{find, place_of};
use crate::output::format::Format;
use crate::output::json::write_text;
use crate::output::records::{Each, Record, write_walk};
use crate::output::text::visible;

/// List what is kept or recorded, in the order of creation
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store list
  imgdex store list lab/ -o name")]
pub struct List {
    /// Only those whose uri holds this text
    #[arg(value_name = "QUERY", default_value = "", hide_default_value = true)]
    query: String,
}

/// Print where an image is, or the reference or URL where only that is recorded
///
/// It is the path of a file, or `oci:FOLDER:NAME`, which podman and skopeo take as it is.
/// Without a tag it is `latest`, or the only one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store get lab/old
  imgdex store get lab/old --pull
  cp \"$(imgdex store get lab/old:latest)\" copy.sif")]
pub struct Get {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`
    #[arg(value_name = "URI", add = stored_uris())]
    uri: String,
    /// Pull the image first where only its reference is recorded
    #[arg(long)]
    pull: bool,
    #[command(flatten)]
    how: How,
}

/// Show everything that is known of an image, as JSON
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store inspect lab/old
  imgdex store inspect lab/old | jq -r .metrics.sha256")]
pub struct Inspect {
    /// `[COLLECTION/]NAME[:TAG][@VERSION]`
    #[arg(value_name = "URI", add = stored_uris())]
    uri: String,
}

/// Show labels, or set one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex store labels lab/old --key stage --value tested
  imgdex store labels lab/old
  imgdex store labels --key stage")]
pub struct Labels {
    /// The image: `[COLLECTION/]NAME[:TAG][@VERSION]`; all of them where none is named
    #[arg(value_name = "URI", add = stored_uris())]
    uri: Option<String>,
    /// Only this label
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Set the label to this
    #[arg(long, value_name = "VALUE", requires_all = ["uri", "key"])]
    value: Option<String>,
}

impl List {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        let (format, width) = (app.format, app.console.width);
        let out = app.console.out();
        catalog.in_snapshot::<_, Error>(|catalog| {
            write_walk(out, format, width, &mut |each| {
                catalog.for_each_stored::<Error>(&self.query, |image| Ok(each(&Listed::of(image))?))
            })
        })?;
        Ok(Status::Done)
    }
}

impl Get {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let mut image = find(&*app.read()?, &self.uri)?;
        if self.pull && image.path.is_none() {
            image = pull_recorded(app, &image, self.how.into())?;
        }
        let answer = place_of(&image)?;
        let is_terminal = app.console.width.is_some();
        let out = app.console.out();
        if is_terminal {
            writeln!(out, "{}", visible(&answer.to_string_lossy()))?;
        } else {
            // Whoever reads it opens it: it is not shown, but given as it is.
            out.write_all(answer.as_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(Status::Done)
    }
}

impl Inspect {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let image = find(&*app.read()?, &self.uri)?;
        print_record(app, &image)?;
        Ok(Status::Done)
    }
}

/// Prints a record as JSON, or as YAML where that is asked for.
pub(super) fn print_record(app: &mut App, image: &StoredImage) -> Result<()> {
    let tree = json::parse(image.to_json().as_bytes(), Position::START)
        .map_err(|fault| Error::new(Kind::Failure, format!("cannot print the record: {fault}")))?;
    let mut text = Vec::new();
    if app.format == Format::Yaml {
        write_yaml(&tree, 0, &mut text);
    } else {
        write_json_pretty(&tree, 0, &mut text);
    }
    if text.last() != Some(&b'\n') {
        text.push(b'\n');
    }
    match app.format {
        Format::Yaml => app.console.out().write_all(&text)?,
        _ => write_text(app.console.out(), &text)?,
    }
    Ok(())
}

impl Labels {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        let image = match &self.uri {
            Some(uri) => Some(find(&catalog, uri)?),
            None => None,
        };
        if let (Some(image), Some(key), Some(value)) = (&image, &self.key, &self.value) {
            store(app)?;
            let set = crate::ops::store::label(&mut *app.write()?, app.actor(), image, key, value)?;
            if !set {
                app.console.note("nothing changed");
            }
            return Ok(Status::Done);
        }
        let (format, width) = (app.format, app.console.width);
        let out = app.console.out();
        let labels_of = |image: &StoredImage, each: Each<'_, Label>| {
            image
                .labels
                .iter()
                .filter(|(key, _)| self.key.as_ref().is_none_or(|wanted| wanted == *key))
                .try_for_each(|(key, value)| {
                    each(&Label {
                        uri: image.uri.to_string(),
                        key: key.clone(),
                        value: value.clone(),
                    })
                })
        };
        catalog.in_snapshot::<_, Error>(|catalog| {
            write_walk(out, format, width, &mut |each| match &image {
                Some(image) => Ok(labels_of(image, each)?),
                None => catalog.for_each_stored("", |image| Ok(labels_of(&image, each)?)),
            })
        })?;
        Ok(Status::Done)
    }
}

/// A line of the list.
#[derive(Debug, Serialize)]
struct Listed {
    date: String,
    location: &'static str,
    client: String,
    uri: String,
    image: Option<String>,
    url: Option<String>,
}

impl Listed {
    fn of(image: StoredImage) -> Self {
        Self {
            location: image.location(),
            uri: image.uri.to_string(),
            date: image.created_at,
            client: image.client,
            image: image.path.map(|path| path.display().to_string()),
            url: image.url,
        }
    }
}

impl Record for Listed {
    const COLUMNS: &'static [&'static str] = &["date", "location", "client", "uri"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.date),
            Cow::Borrowed(self.location),
            Cow::Borrowed(&self.client),
            Cow::Borrowed(&self.uri),
        ]
    }

    fn label(&self) -> &str {
        &self.uri
    }
}

/// A label of an image.
#[derive(Debug, Serialize)]
struct Label {
    uri: String,
    key: String,
    value: String,
}

impl Record for Label {
    const COLUMNS: &'static [&'static str] = &["uri", "key", "value"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.uri),
            Cow::Borrowed(&self.key),
            Cow::Borrowed(&self.value),
        ]
    }

    fn label(&self) -> &str {
        &self.key
    }
}
