//! `imgdex config`.

use std::borrow::Cow;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Status;
use crate::app::App;
use crate::error::Result;
use crate::output::records::{Record, write_list};

#[derive(Debug, Subcommand)]
pub enum Verb {
    Show(Show),
}

/// Print every setting in force, and where it came from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex config show
  IMGDEX_REGISTRY=quay.io imgdex config show -o json")]
pub struct Show {}

pub fn run(app: &mut App, verb: &Verb) -> Result<Status> {
    match verb {
        Verb::Show(_) => {
            let rows: Vec<Row> = app
                .settings
                .all
                .iter()
                .map(|setting| Row {
                    name: setting.name.clone(),
                    value: setting.value.as_deref().map(shown),
                    origin: setting.origin.to_string(),
                })
                .collect();
            let width = app.console.width;
            write_list(app.console.out(), app.format, width, &rows)?;
        }
    }
    Ok(Status::Done)
}

/// Returns a value without the credentials of an address in it: the environment may
/// have some, though no setting should.
fn shown(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return value.to_owned();
    };
    match rest.rsplit_once('@') {
        Some((_, rest)) => format!("{scheme}://<redacted>@{rest}"),
        None => value.to_owned(),
    }
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    value: Option<String>,
    origin: String,
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &["name", "value", "origin"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.name),
            Cow::Borrowed(self.value.as_deref().unwrap_or_default()),
            Cow::Borrowed(&self.origin),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
