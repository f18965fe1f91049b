//! `imgdex images history`.

use std::borrow::Cow;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::app::App;
use crate::commands::Status;
use crate::commands::complete::image_names;
use crate::domain::change::Change;
use crate::domain::json_text::value_of;
use crate::error::Result;
use crate::ops;
use crate::output::records::{Record, write_list};

/// Show every change of an image: when, by whom, and what it was and became
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex images history base
  imgdex images history base -o json | jq '.[-1].changes'")]
pub struct History {
    /// The image's name; of a deleted one too
    #[arg(value_name = "ID", add = image_names())]
    id: String,
}

impl History {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let changes: Vec<Row> = ops::images::history(&*app.read()?, &self.id)?
            .iter()
            .map(Row::of)
            .collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &changes)?;
        Ok(Status::Done)
    }
}

/// A change, with its fields before and after side by side.
#[derive(Debug, Serialize)]
struct Row {
    revision: u64,
    time: String,
    author: String,
    action: String,
    changes: Map<String, Value>,
    #[serde(skip)]
    name: String,
}

impl Row {
    fn of(change: &Change) -> Self {
        let fields = |text: &Option<String>| -> Map<String, Value> {
            match text.as_ref().map(|text| value_of(text)) {
                Some(Ok(Value::Object(fields))) => fields,
                _ => Map::new(),
            }
        };
        let (before, after) = (fields(&change.before), fields(&change.after));
        let mut changes = Map::new();
        for field in before.keys().chain(after.keys()) {
            let value =
                |fields: &Map<String, Value>| fields.get(field).cloned().unwrap_or_default();
            changes.insert(
                field.clone(),
                serde_json::json!({ "before": value(&before), "after": value(&after) }),
            );
        }
        Self {
            revision: change.revision,
            time: change.at.clone(),
            author: change.author.clone(),
            action: change.action.clone(),
            changes,
            name: change.revision.to_string(),
        }
    }

    fn summary(&self) -> String {
        let parts: Vec<String> = self
            .changes
            .iter()
            .map(|(field, change)| match self.action.as_str() {
                "create" => format!("{field}={}", text(&change["after"])),
                "delete" | "prune" => format!("{field}={}", text(&change["before"])),
                _ => format!(
                    "{field}: {} → {}",
                    text(&change["before"]),
                    text(&change["after"])
                ),
            })
            .collect();
        parts.join("; ")
    }
}

/// Returns a value in one line, a group by its name.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "-".to_owned(),
        Value::Array(values) => {
            let words: Vec<String> = values.iter().map(text).collect();
            words.join(",")
        }
        Value::Object(fields) if fields.contains_key("name") => text(&fields["name"]),
        other => other.to_string(),
    }
}

impl Record for Row {
    const COLUMNS: &'static [&'static str] = &["revision", "time", "author", "action", "changes"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Owned(self.revision.to_string()),
            Cow::Borrowed(&self.time),
            Cow::Borrowed(&self.author),
            Cow::Borrowed(&self.action),
            Cow::Owned(self.summary()),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}
