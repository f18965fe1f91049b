//! `imgdex harbor repositories`, `tags` and `artifacts`.

use clap::{Args, ValueEnum};

use super::rows::{ArtifactRow, RepositoryRow, TagRow};
use super::server::Where;
use crate::app::App;
use crate::commands::Status;
use crate::commands::verifying::platform;
use crate::domain::harbor::{HarborPlace, HarborTag, project_name};
use crate::domain::name::shorten;
use crate::domain::reference::Registry;
use crate::error::{Error, Kind, Result};
use crate::ops::harbor::Known;
use crate::output::records::write_list;
use crate::registry::Query;

/// In which order things are listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Sort {
    Name,
    /// The newest push first
    Pushed,
    /// The latest pull first
    Pulled,
    /// The largest first
    Size,
}

/// In which order repositories are listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RepositorySort {
    Name,
    /// The one that changed last first
    Updated,
    /// The one that is pulled most first
    Pulls,
    /// The one with the most artifacts first
    Artifacts,
}

/// List the repositories of a project
///
/// The column `metadata` names the images of the catalog that live there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor repositories apps
  imgdex harbor repositories apps --sort updated
  imgdex harbor repositories apps --search notebook -o json")]
pub struct Repositories {
    #[arg(value_name = "PROJECT")]
    project: String,
    /// Only those whose name holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[arg(long, value_name = "ORDER", value_enum, default_value = "name")]
    sort: RepositorySort,
    #[command(flatten)]
    place: Where,
}

/// List the tags of a repository
///
/// The column `metadata` names the images of the catalog that each tag is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor tags apps/my_cool_app
  imgdex harbor tags apps/my_cool_app --newest 5")]
pub struct Tags {
    #[arg(value_name = "PROJECT/REPOSITORY")]
    repository: String,
    /// Only those whose name holds this text
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    #[arg(long, value_name = "ORDER", value_enum, default_value = "name")]
    sort: Sort,
    /// Only so many, those that were pushed last
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    newest: Option<u32>,
    #[command(flatten)]
    place: Where,
}

/// List the artifacts of a repository, each with all its tags and its last scan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor artifacts apps/my_cool_app
  imgdex harbor artifacts apps/my_cool_app --newest 3 -o json
  imgdex harbor artifacts apps/my_cool_app --untagged --sort size")]
pub struct Artifacts {
    #[arg(value_name = "PROJECT/REPOSITORY")]
    repository: String,
    #[arg(long, value_name = "ORDER", value_enum, default_value = "pushed")]
    sort: Sort,
    /// Only so many, those that were pushed last
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    newest: Option<u32>,
    /// Only those without a tag
    #[arg(long, conflicts_with = "tag")]
    untagged: bool,
    /// Only those with a tag that holds this text
    #[arg(long, value_name = "TEXT")]
    tag: Option<String>,
    /// Only those with this label of Harbor's
    #[arg(long, value_name = "NAME")]
    label: Option<String>,
    /// Only those for this platform
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_parser = platform)]
    platform: Option<String>,
    #[command(flatten)]
    place: Where,
}

/// Returns what the catalog has of a server; nothing where there is no catalog.
fn known(app: &App, registry: &Registry) -> Result<Known> {
    Ok(Known::of(
        &*app.read()?,
        registry,
        &app.default_registry()?,
    )?)
}

impl Repositories {
    pub fn run(self, app: &mut App) -> Result<Status> {
        project_name(&self.project).map_err(|error| {
            Error::new(Kind::InvalidInput, error.to_string())
                .hint("`imgdex harbor projects list` shows the projects")
        })?;
        let asked = self.place.open(app)?;
        let project = self.project;
        let mut found = asked.ask(app, async |harbor| {
            harbor.project_repositories(&project).await
        })?;
        match self.sort {
            RepositorySort::Name => {}
            RepositorySort::Updated => {
                found.sort_by(|one, other| other.update_time.cmp(&one.update_time));
            }
            RepositorySort::Pulls => {
                found.sort_by_key(|found| std::cmp::Reverse(found.pull_count));
            }
            RepositorySort::Artifacts => {
                found.sort_by_key(|found| std::cmp::Reverse(found.artifact_count));
            }
        }
        let registry = &asked.server.registry;
        let known = known(app, registry)?;
        let text = self.search.unwrap_or_default().to_lowercase();
        let rows: Vec<RepositoryRow> = found
            .into_iter()
            .filter(|found| found.name.to_lowercase().contains(&text))
            .map(|found| RepositoryRow::new(registry, found, &known))
            .collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(Status::Done)
    }
}

/// Returns a failure where a place names more than a repository.
fn repository_only(place: &HarborPlace, verb: &str) -> Result<()> {
    if place.tag.is_none() && place.digest.is_none() {
        return Ok(());
    }
    let path = place.path();
    let message = format!("`{path}` is meant whole: name no tag and no digest");
    Err(Error::new(Kind::InvalidInput, message).hint(format!("`imgdex harbor {verb} {path}`")))
}

impl Tags {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, place) = self.place.open_place(app, &self.repository)?;
        repository_only(&place, "tags")?;
        let query = Query {
            sort: Some("-push_time".to_owned()),
            ..Query::default()
        };
        let found = asked.ask(app, async |harbor| {
            harbor.tags(&place.project, &place.repository, &query).await
        })?;
        let registry = &asked.server.registry;
        let known = known(app, registry)?;
        let text = self.search.unwrap_or_default().to_lowercase();
        let mut rows: Vec<TagRow> = found
            .into_iter()
            .filter(|(tag, _)| tag.name.to_lowercase().contains(&text))
            .map(|(tag, artifact)| TagRow::new(registry, &place.path(), tag, &artifact, &known))
            .collect();
        if let Some(newest) = self.newest {
            rows.sort_by(|one, other| other.pushed.cmp(&one.pushed));
            rows.truncate(usize::try_from(newest).unwrap_or(usize::MAX));
        }
        match self.sort {
            Sort::Name => rows.sort_by(|one, other| one.name.cmp(&other.name)),
            Sort::Pushed => rows.sort_by(|one, other| other.pushed.cmp(&one.pushed)),
            Sort::Pulled => rows.sort_by(|one, other| other.pulled.cmp(&one.pulled)),
            Sort::Size => rows.sort_by_key(|row| std::cmp::Reverse(row.size)),
        }
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(Status::Done)
    }
}

/// Checks a text that tags are to hold: Harbor's filters have letters of their own, which
/// cannot be escaped.
fn check_tag(text: &str) -> Result<()> {
    let is_of_tags = |one: char| one.is_ascii_alphanumeric() || "._-".contains(one);
    if !text.is_empty() && text.chars().all(is_of_tags) {
        return Ok(());
    }
    let message = format!("--tag: no tag holds `{}`", shorten(text));
    Err(Error::new(Kind::InvalidInput, message)
        .hint("tags are of letters, digits, `.`, `_` and `-`"))
}

impl Artifacts {
    pub fn run(self, app: &mut App) -> Result<Status> {
        if let Some(tag) = &self.tag {
            check_tag(tag)?;
        }
        let (asked, place) = self.place.open_place(app, &self.repository)?;
        repository_only(&place, "artifacts")?;
        // Harbor itself filters by tags alone, and perhaps lets more through.
        let is_filtered = self.label.is_some() || self.platform.is_some() || self.tag.is_some();
        let newest = self
            .newest
            .map(|newest| usize::try_from(newest).unwrap_or(usize::MAX));
        let query = Query {
            tagged: self.untagged.then_some(false),
            tag: self.tag.clone(),
            sort: Some("-push_time".to_owned()),
            most: newest.filter(|_| !is_filtered),
        };
        let mut found = asked.ask(app, async |harbor| {
            harbor
                .artifacts(&place.project, &place.repository, &query)
                .await
        })?;
        if let Some(text) = &self.tag {
            let holds = |tag: &HarborTag| tag.name.contains(text.as_str());
            found.retain(|found| found.tags.iter().any(holds));
        }
        if let Some(label) = &self.label {
            found.retain(|found| found.labels.iter().any(|known| known.name == *label));
        }
        if let Some(platform) = &self.platform {
            found.retain(|found| found.is_for(platform));
        }
        found.sort_by(|one, other| other.push_time.cmp(&one.push_time));
        found.truncate(newest.unwrap_or(usize::MAX));
        match self.sort {
            Sort::Pushed => {}
            Sort::Name => found.sort_by(|one, other| one.digest.cmp(&other.digest)),
            Sort::Pulled => found.sort_by(|one, other| other.pulled().cmp(&one.pulled())),
            Sort::Size => found.sort_by_key(|found| std::cmp::Reverse(found.size)),
        }
        let registry = &asked.server.registry;
        let known = known(app, registry)?;
        let rows: Vec<ArtifactRow> = found
            .into_iter()
            .map(|found| ArtifactRow::new(registry, &place.path(), found, &known))
            .collect();
        let width = app.console.width;
        write_list(app.console.out(), app.format, width, &rows)?;
        Ok(Status::Done)
    }
}
