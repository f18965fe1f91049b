//! `imgdex harbor labels`.

mod artifact;

use std::borrow::Cow;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::scope::{OneScope, checked, flags};
use super::server::Where;
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::{Label, Project};
use crate::domain::name::{nearest, shorten};
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::Scope;
use crate::output::records::{Record, write_list, write_one};
use crate::registry::{self, Harbor, Reason};

#[derive(Debug, Subcommand)]
pub enum Verb {
    List(List),
    Create(Create),
    Delete(Delete),
    Add(artifact::Add),
    Remove(artifact::Remove),
}

/// List labels: words of Harbor's own that artifacts are marked with
///
/// Those of the whole server are listed, and those of the project where one is named.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor labels list --project apps")]
pub struct List {
    /// Of this project, too
    #[arg(long, value_name = "PROJECT")]
    project: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Create a label
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor labels create tested --project apps --color '#2E8B57'
  imgdex harbor labels create retired --system --description 'No longer maintained'")]
pub struct Create {
    /// Its name
    #[arg(value_name = "NAME", value_parser = label_name)]
    name: String,
    #[command(flatten)]
    scope: OneScope,
    /// What it stands for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    description: String,
    /// The colour that Harbor's pages show it in
    #[arg(long, value_name = "#RRGGBB", value_parser = color)]
    color: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Delete a label, and take it off everything that has it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor labels delete tested --project apps")]
pub struct Delete {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    scope: OneScope,
    #[command(flatten)]
    place: Where,
}

pub fn run(app: &mut App, verb: Verb) -> Result<Status> {
    match verb {
        Verb::List(list) => list.run(app),
        Verb::Create(create) => create.run(app),
        Verb::Delete(delete) => delete.run(app),
        Verb::Add(add) => add.run(app),
        Verb::Remove(remove) => remove.run(app),
    }
}

/// Reads the name of a label (Harbor: 1 to 128 characters).
fn label_name(text: &str) -> std::result::Result<String, String> {
    let is_name = !text.trim().is_empty()
        && text.chars().count() <= 128
        && !text.chars().any(char::is_control);
    match is_name {
        true => Ok(text.to_owned()),
        false => Err("a label has 1 to 128 characters, and no control characters".to_owned()),
    }
}

/// Reads a colour.
fn color(text: &str) -> std::result::Result<String, String> {
    let is_color = text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    match is_color {
        true => Ok(text.to_ascii_uppercase()),
        false => Err("a colour is `#` and six hexadecimal digits, such as `#2E8B57`".to_owned()),
    }
}

/// Whether a label is of a project: two of one name may be of a project and of the whole
/// server.
fn is_of_project(label: &Label) -> bool {
    label.scope == "p"
}

/// Returns the labels that a scope has itself.
async fn own_labels(
    harbor: &Harbor<'_>,
    scope: &Scope,
) -> registry::Result<(Option<Project>, Vec<Label>)> {
    let project = match scope {
        Scope::Project(name) => Some(harbor.project(name).await?),
        _ => None,
    };
    let mut labels = harbor.labels(project.as_ref()).await?;
    labels.retain(|label| is_of_project(label) == project.is_some());
    Ok((project, labels))
}

/// Returns the label of a name, one of a project before one of the whole server.
fn label_of<'a>(labels: &'a [Label], name: &str) -> Option<&'a Label> {
    let mut named = labels.iter().filter(|label| label.name == name);
    let first = named.next()?;
    match is_of_project(first) {
        true => Some(first),
        false => named.find(|label| is_of_project(label)).or(Some(first)),
    }
}

fn unknown(labels: &[Label], name: &str, place: &str, flags: &str) -> Error {
    let message = format!("there is no label `{}`{place}", shorten(name));
    let failure = Error::new(Kind::NotFound, message);
    match nearest(name, labels.iter().map(|label| label.name.as_str())) {
        Some(near) => failure.hint(format!("did you mean `{}`?", shorten(near))),
        None => failure.hint(format!(
            "`imgdex harbor labels list{flags}` shows what there is"
        )),
    }
}

impl List {
    fn run(self, app: &mut App) -> Result<Status> {
        if let Some(project) = &self.project {
            checked(project)?;
        }
        let asked = self.place.open(app)?;
        let labels = asked.ask(app, async |harbor| {
            let project = match &self.project {
                Some(name) => Some(harbor.project(name).await?),
                None => None,
            };
            harbor.labels(project.as_ref()).await
        })?;
        print(app, labels)
    }
}

fn print(app: &mut App, labels: Vec<Label>) -> Result<Status> {
    let rows: Vec<LabelRow> = labels.into_iter().map(LabelRow::from).collect();
    let width = app.console.width;
    write_list(app.console.out(), app.format, width, &rows)?;
    Ok(Status::Done)
}

impl Create {
    fn run(self, app: &mut App) -> Result<Status> {
        let scope = self.scope.scope()?;
        let asked = self.place.open(app)?;
        let (name, color) = (self.name.as_str(), self.color.as_deref());
        let description = self.description.as_str();
        let made = asked.ask(app, async |harbor| {
            let project = match &scope {
                Scope::Project(name) => Some(harbor.project(name).await?),
                _ => None,
            };
            let made = harbor
                .create_label(name, description, color, project.as_ref())
                .await;
            if let Err(error) = made {
                return Ok(Err(error));
            }
            Ok(Ok(own_labels(harbor, &scope).await?.1))
        })?;
        let labels = made.map_err(|error| {
            let (in_doubt, reason) = (error.in_doubt, error.reason);
            let mut failure = Error::from(error);
            let list = format!("imgdex harbor labels list{}", flags(&scope));
            if in_doubt {
                failure.hints = vec![format!("it may be there all the same: `{list}` shows it")];
            } else if reason == Reason::Conflict {
                failure = failure.hint(format!("`{list}` shows it"));
            }
            failure
        })?;
        let label = label_of(&labels, name).cloned().unwrap_or_else(|| Label {
            name: self.name.clone(),
            ..Label::default()
        });
        write_one(app.console.out(), app.format, &LabelRow::from(label))?;
        Ok(Status::Done)
    }
}

impl Delete {
    fn run(self, app: &mut App) -> Result<Status> {
        let scope = self.scope.scope()?;
        let asked = self.place.open(app)?;
        let (_, labels) = asked.ask(app, async |harbor| own_labels(harbor, &scope).await)?;
        let Some(label) = label_of(&labels, &self.name) else {
            let place = match &scope {
                Scope::Project(name) => format!(" of the project `{name}`"),
                _ => " of the whole server".to_owned(),
            };
            return Err(unknown(&labels, &self.name, &place, &flags(&scope)));
        };
        asked.ask(app, async |harbor| harbor.delete_label(label).await)?;
        app.console
            .note(&format!("deleted the label `{}`", label.name));
        Ok(Status::Done)
    }
}

/// A label.
#[derive(Debug, Serialize)]
struct LabelRow {
    id: i64,
    name: String,
    /// `project` or `system`.
    scope: &'static str,
    color: Option<String>,
    description: String,
}

impl From<Label> for LabelRow {
    fn from(label: Label) -> Self {
        Self {
            scope: if is_of_project(&label) {
                "project"
            } else {
                "system"
            },
            id: label.id,
            name: label.name,
            color: Some(label.color).filter(|color| !color.is_empty()),
            description: label.description,
        }
    }
}

impl Record for LabelRow {
    const COLUMNS: &'static [&'static str] = &["id", "name", "scope", "color", "description"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Owned(self.id.to_string()),
            Cow::Borrowed(&self.name),
            Cow::Borrowed(self.scope),
            Cow::Borrowed(self.color.as_deref().unwrap_or_default()),
            Cow::Borrowed(&self.description),
        ]
    }

    fn label(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_the_project_is_meant_before_one_of_the_server() {
        let label = |id: i64, scope: &str| Label {
            id,
            name: "tested".to_owned(),
            scope: scope.to_owned(),
            ..Label::default()
        };
        let check = |labels: &[Label], expected: Option<i64>| {
            assert_eq!(label_of(labels, "tested").map(|label| label.id), expected);
        };
        check(&[label(1, "g"), label(2, "p")], Some(2));
        check(&[label(2, "p"), label(1, "g")], Some(2));
        check(&[label(1, "g")], Some(1));
        check(&[], None);
    }

    #[test]
    fn colours_and_names_follow_their_rules() {
        assert_eq!(color("#2e8b57").as_deref(), Ok("#2E8B57"));
        for bad in [
            "", "#", "2E8B57", "#2E8B5", "#2E8B5G", "#2E8B577", "red", "#éé7",
        ] {
            assert!(color(bad).is_err(), "{bad}");
        }
        assert!(label_name("in test, 2").is_ok());
        for bad in ["", " ", "a\nb", &"a".repeat(129)] {
            assert!(label_name(bad).is_err(), "{bad}");
        }
    }
}
