//! `imgdex harbor labels add` and `remove`: labels of an artifact.

use clap::Args;

use super::super::remove::named;
use super::super::server::{Asked, Where};
use super::{label_name, label_of, print, unknown};
use crate::app::App;
use crate::commands::Status;
use crate::domain::harbor::{HarborPlace, Label, Project};
use crate::error::Result;
use crate::registry::Reason;

/// Put labels on an artifact
///
/// It shows the labels that the artifact has then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor labels add apps/my_cool_app:4.2 tested approved
  imgdex harbor labels add apps/my_cool_app:4.2 nightly --create")]
pub struct Add {
    /// The artifact
    #[arg(value_name = "PROJECT/REPOSITORY:TAG|@DIGEST")]
    artifact: String,
    /// The names of the labels
    #[arg(value_name = "LABEL", required = true, value_parser = label_name)]
    labels: Vec<String>,
    /// Create in the project those that are not there
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    place: Where,
}

/// Take labels off an artifact
///
/// It shows the labels that the artifact has then.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor labels remove apps/my_cool_app:4.2 tested")]
pub struct Remove {
    /// The artifact
    #[arg(value_name = "PROJECT/REPOSITORY:TAG|@DIGEST")]
    artifact: String,
    /// The names of the labels
    #[arg(value_name = "LABEL", required = true)]
    labels: Vec<String>,
    #[command(flatten)]
    place: Where,
}

/// Returns the labels that an artifact of a project may have.
fn usable(app: &mut App, asked: &Asked, place: &HarborPlace) -> Result<(Project, Vec<Label>)> {
    asked.ask(app, async |harbor| {
        let project = harbor.project(&place.project).await?;
        let labels = harbor.labels(Some(&project)).await?;
        Ok((project, labels))
    })
}

/// Prints the labels of an artifact.
fn print_labels(app: &mut App, asked: &Asked, place: &HarborPlace) -> Result<Status> {
    let identifier = place.identifier();
    let artifact = asked.ask(app, async |harbor| {
        harbor
            .artifact(&place.project, &place.repository, &identifier)
            .await
    })?;
    print(app, artifact.labels)
}

impl Add {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, place) = self.place.open_place(app, &self.artifact)?;
        named(&place, "labels add")?;
        let (project, mut labels) = usable(app, &asked, &place)?;
        let missing: Vec<&String> = (self.labels.iter())
            .filter(|name| label_of(&labels, name).is_none())
            .collect();
        if let Some(name) = missing.first().filter(|_| !self.create) {
            let place = format!(" that `{}` may have", place.path());
            let flags = format!(" --project {}", project.name);
            return Err(unknown(&labels, name, &place, &flags)
                .hint("`--create` creates in the project what is not there"));
        }
        if !missing.is_empty() {
            labels = asked.ask(app, async |harbor| {
                for name in missing {
                    let made = harbor.create_label(name, "", None, Some(&project)).await;
                    // Somebody else may have made it meanwhile.
                    match made {
                        Err(error) if error.reason == Reason::Conflict => {}
                        other => other?,
                    }
                }
                harbor.labels(Some(&project)).await
            })?;
        }
        let identifier = place.identifier();
        for name in &self.labels {
            let Some(label) = label_of(&labels, name) else {
                let place = format!(" that `{}` may have", place.path());
                return Err(unknown(&labels, name, &place, ""));
            };
            let repository = (place.project.as_str(), place.repository.as_str());
            asked.ask(app, async |harbor| {
                harbor.add_label(repository, &identifier, label).await
            })?;
        }
        print_labels(app, &asked, &place)
    }
}

impl Remove {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, place) = self.place.open_place(app, &self.artifact)?;
        named(&place, "labels remove")?;
        let identifier = place.identifier();
        let repository = (place.project.as_str(), place.repository.as_str());
        // It is there, or the failure says so: a label that it does not have is none.
        let artifact = asked.ask(app, async |harbor| {
            harbor
                .artifact(repository.0, repository.1, &identifier)
                .await
        })?;
        let (project, labels) = usable(app, &asked, &place)?;
        let mut chosen: Vec<&Label> = Vec::new();
        for name in &self.labels {
            let on_it = label_of(&artifact.labels, name);
            match on_it.or_else(|| label_of(&labels, name)) {
                Some(label) => chosen.push(label),
                None => {
                    let place = format!(" that `{}` may have", place.path());
                    let flags = format!(" --project {}", project.name);
                    return Err(unknown(&labels, name, &place, &flags));
                }
            }
        }
        for label in chosen {
            asked.ask(app, async |harbor| {
                harbor.remove_label(repository, &identifier, label).await
            })?;
        }
        print_labels(app, &asked, &place)
    }
}
