//! `imgdex secrets`.

mod write;

use std::borrow::Cow;

use clap::{Args, Subcommand, ValueEnum};

use super::complete::secret_ids;
use super::{Status, confirmed, quoted};
use crate::app::App;
use crate::domain::secret::Secret;
use crate::error::{Error, Kind, Result};
use crate::formats::document::{Position, json, write_json_pretty, write_yaml};
use crate::ops;
use crate::ops::secrets;
use crate::output::format::Format;
use crate::output::json::write_text;
use crate::output::records::{Record, write_list, write_one};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(List),
    Create(write::Create),
    Get(Get),
    Update(write::Update),
    Delete(Delete),
    Export(Export),
}

/// List secrets: their descriptions, never their values
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex secrets list")]
pub struct List {}

/// Show one secret: its description, never its value
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex secrets get image-quay")]
pub struct Get {
    /// The secret's id, or its name where only one has it
    #[arg(value_name = "ID", add = secret_ids())]
    id: String,
}

/// Delete secrets that no image uses, and forget their values
///
/// All of them are deleted, or none. Asks first, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex secrets delete image-quay --yes")]
pub struct Delete {
    /// The secrets' ids
    #[arg(value_name = "ID", required = true, add = secret_ids())]
    ids: Vec<String>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Print a secret as a Kubernetes resource, its value included
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex secrets export image-quay --format kubernetes --reveal | kubectl apply -f -")]
pub struct Export {
    /// The secret's id
    #[arg(value_name = "ID", add = secret_ids())]
    id: String,
    /// What to print
    #[arg(long, value_enum)]
    format: ExportFormat,
    /// Yes, print the value
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// A Secret of type kubernetes.io/dockerconfigjson
    Kubernetes,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::List(_) => {
            let secrets = app.read()?.secrets()?;
            let width = app.console.width;
            write_list(app.console.out(), app.format, width, &secrets)?;
            Ok(Status::Done)
        }
        Verb::Get(get) => {
            let secret = app.read()?.secret(&get.id)?;
            write_one(app.console.out(), app.format, &secret)?;
            Ok(Status::Done)
        }
        Verb::Create(create) => create.run(app),
        Verb::Update(update) => update.run(app),
        Verb::Delete(delete) => delete.run(app),
        Verb::Export(export) => export.run(app),
    }
}

/// Returns a failure as the user sees it. That of the file of values is one of
/// the disk but where it is locked, or its folder open to others.
fn failure(error: ops::Error) -> Error {
    let (locked, open) = match &error {
        ops::Error::Credentials(error) => (error.is_locked(), error.is_unsafe()),
        _ => (false, false),
    };
    let mut failure = Error::from(error);
    if locked {
        failure.kind = Kind::Locked;
        failure.hint("wait for it or stop it, or wait longer with `--lock-timeout 300`")
    } else if open {
        failure.kind = Kind::Refused;
        failure.hint("take the right away: `chmod o-w FOLDER`")
    } else {
        failure
    }
}

impl Delete {
    fn run(self, app: &mut App) -> Result<Status> {
        let catalog = app.read()?;
        let mut ids: Vec<String> = Vec::new();
        for word in &self.ids {
            let id = catalog.secret(word)?.id;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        drop(catalog);
        if confirmed(app, self.yes, &format!("Delete {}?", quoted(&ids)))? {
            let keepers = app.keepers()?;
            secrets::delete(&mut *app.write()?, app.actor(), &keepers, &ids).map_err(failure)?;
            app.console.note(&format!("deleted {}", quoted(&ids)));
        }
        Ok(Status::Done)
    }
}

impl Export {
    fn run(self, app: &mut App) -> Result<Status> {
        let ExportFormat::Kubernetes = self.format;
        let catalog = app.read()?;
        catalog.secret(&self.id)?;
        if !self.reveal {
            return Err(Error::new(
                Kind::Refused,
                format!("a Kubernetes Secret holds the value of `{}`", self.id),
            )
            .hint("say that it is to be printed with `--reveal`, and pipe it to where it goes"));
        }
        let resource = secrets::export(&catalog, &app.keepers()?, &self.id)?;
        let tree = json::parse(resource.as_bytes(), Position::START).map_err(|fault| {
            Error::new(Kind::Failure, format!("cannot print the secret: {fault}"))
        })?;
        let mut text = Vec::new();
        match app.format {
            Format::Json => write_json_pretty(&tree, 0, &mut text),
            _ => write_yaml(&tree, 0, &mut text),
        }
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        match app.format {
            Format::Json => write_text(app.console.out(), &text)?,
            _ => app.console.out().write_all(&text)?,
        }
        Ok(Status::Done)
    }
}

impl Record for Secret {
    const COLUMNS: &'static [&'static str] = &[
        "id",
        "name",
        "displayName",
        "type",
        "registryHost",
        "username",
    ];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.id),
            Cow::Borrowed(&self.name),
            Cow::Borrowed(&self.display_name),
            Cow::Borrowed(self.secret_type.name()),
            Cow::Borrowed(self.registry_host.as_deref().unwrap_or_default()),
            Cow::Borrowed(self.username.as_deref().unwrap_or_default()),
        ]
    }

    fn label(&self) -> &str {
        &self.id
    }
}
