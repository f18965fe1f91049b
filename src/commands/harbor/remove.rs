//! `imgdex harbor untag` and `delete`.

use std::borrow::Cow;

use clap::Args;
use serde::Serialize;

use super::immutable::explained;
use super::server::{Asked, Where};
use crate::app::App;
use crate::commands::{Status, confirmed, quoted};
use crate::domain::harbor::{Artifact, HarborPlace};
use crate::error::{Error, Kind, Result};
use crate::output::records::{Record, write_list, write_one};

/// Remove tags; the artifacts and their other tags stay
///
/// It shows which other tags each artifact still has, and warns where there are none.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor untag apps/my_cool_app:4.2-rc1
  imgdex harbor untag apps/my_cool_app:old apps/my_cool_app:older -o json")]
pub struct Untag {
    /// The tags
    #[arg(value_name = "PROJECT/REPOSITORY:TAG", required = true)]
    tags: Vec<String>,
    #[command(flatten)]
    place: Where,
}

/// Delete an artifact with all its tags
///
/// Where it is named by one of several tags, it is deleted with `--all-tags` only. Asks
/// first, on a terminal only.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex harbor delete apps/my_cool_app:4.2 --yes
  imgdex harbor delete apps/my_cool_app:4.2 --all-tags")]
pub struct Delete {
    /// The artifact
    #[arg(value_name = "PROJECT/REPOSITORY:TAG|@DIGEST")]
    artifact: String,
    /// Yes, its other tags, too
    #[arg(long)]
    all_tags: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: Where,
}

/// What was removed.
#[derive(Debug, Serialize)]
struct Removed {
    /// As it was named, with its host.
    reference: String,
    digest: String,
    /// Tags that are gone.
    removed: Vec<String>,
    /// Tags that the artifact still has.
    left: Vec<String>,
    /// Whether the artifact is gone, too.
    deleted: bool,
}

impl Record for Removed {
    const COLUMNS: &'static [&'static str] = &["reference", "removed", "left", "digest"];

    fn cells(&self) -> Vec<Cow<'_, str>> {
        vec![
            Cow::Borrowed(&self.reference),
            Cow::Owned(self.removed.join(", ")),
            Cow::Owned(self.left.join(", ")),
            Cow::Borrowed(&self.digest),
        ]
    }

    fn label(&self) -> &str {
        &self.reference
    }
}

fn names(artifact: &Artifact) -> Vec<String> {
    artifact.tags.iter().map(|tag| tag.name.clone()).collect()
}

impl Untag {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, places) = self.place.open_places(app, &self.tags)?;
        let mut tagged: Vec<(HarborPlace, String)> = Vec::new();
        for place in places {
            let tag = match (&place.tag, &place.digest) {
                (Some(tag), None) => tag.to_string(),
                _ => {
                    let path = place.path();
                    let message = format!("which tag of `{path}` is to go was not said");
                    return Err(Error::new(Kind::InvalidInput, message).hint(format!(
                        "name it as `{path}:TAG`, without a digest; `imgdex harbor tags {path}` \
                         shows the tags"
                    )));
                }
            };
            if !tagged.contains(&(place.clone(), tag.clone())) {
                tagged.push((place, tag));
            }
        }
        let mut done = Vec::new();
        let mut failed = None;
        for (place, tag) in tagged {
            match untag(app, &asked, &place, tag) {
                Ok(removed) => done.push(removed),
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        if failed.is_none() || !done.is_empty() {
            let width = app.console.width;
            write_list(app.console.out(), app.format, width, &done)?;
        }
        for removed in done.iter().filter(|removed| removed.left.is_empty()) {
            let path = removed
                .reference
                .rsplit_once(':')
                .map_or("", |(path, _)| path);
            app.console.warn(&format!(
                "warning: `{path}@{}` is left without a tag",
                removed.digest
            ));
            app.console.hint(&format!(
                "`imgdex harbor delete {path}@{}` deletes it",
                removed.digest
            ));
        }
        failed.map_or(Ok(Status::Done), Err)
    }
}

/// Removes one tag.
fn untag(app: &mut App, asked: &Asked, place: &HarborPlace, tag: String) -> Result<Removed> {
    let (project, repository) = (place.project.as_str(), place.repository.as_str());
    let done = asked.ask(app, async |harbor| {
        let artifact = harbor.artifact(project, repository, &tag).await?;
        // By its digest: the tag may be another artifact's by now.
        let place = (project, repository);
        let done = harbor.delete_tag(place, &artifact.digest, &tag).await;
        Ok(done.map(|()| artifact))
    })?;
    let artifact = match done {
        Ok(artifact) => artifact,
        Err(error) => {
            let tags = std::slice::from_ref(&tag);
            return Err(explained(app, asked, error, (place, tags)));
        }
    };
    let mut left = names(&artifact);
    left.retain(|name| *name != tag);
    Ok(Removed {
        reference: format!("{}/{}:{tag}", asked.server.registry, place.path()),
        digest: artifact.digest,
        removed: vec![tag],
        left,
        deleted: false,
    })
}

impl Delete {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let (asked, place) = self.place.open_place(app, &self.artifact)?;
        named(&place, "delete")?;
        let (project, repository) = (place.project.as_str(), place.repository.as_str());
        let identifier = place.identifier();
        let artifact = asked.ask(app, async |harbor| {
            harbor.artifact(project, repository, &identifier).await
        })?;
        let (path, tags) = (place.path(), names(&artifact));
        let digest = artifact.digest;
        let tag = place.tag.as_ref().map(ToString::to_string);
        let others: Vec<String> = (tags.iter().filter(|name| Some(*name) != tag.as_ref()))
            .cloned()
            .collect();
        if let Some(tag) = &tag {
            if place.digest.is_some() && !tags.contains(tag) {
                let message = format!("`{path}@{digest}` does not have the tag `{tag}`");
                return Err(Error::new(Kind::Conflict, message).hint(format!(
                    "`imgdex harbor tags {path}` shows what each tag is"
                )));
            }
            if !others.is_empty() && !self.all_tags {
                let message = format!(
                    "`{path}:{tag}` has other tags, which would go, too: {}",
                    quoted(&others)
                );
                return Err(Error::new(Kind::Refused, message)
                    .hint(format!(
                        "`imgdex harbor untag {path}:{tag}` removes only this tag"
                    ))
                    .hint(format!(
                        "`imgdex harbor delete {path}:{tag} --all-tags` deletes it with all of them"
                    )));
            }
        }
        let host = &asked.server.registry;
        let which = match tags.as_slice() {
            [] => "which has no tag".to_owned(),
            tags => format!("with the tags {}", quoted(tags)),
        };
        let question = format!("Delete `{path}@{digest}`, {which}, from `{host}`?");
        if !confirmed(app, self.yes, &question)? {
            return Ok(Status::Done);
        }
        // By its digest: the tag may have moved while somebody was asked.
        let done = asked.ask(app, async |harbor| {
            Ok(harbor.delete_artifact(project, repository, &digest).await)
        })?;
        if let Err(error) = done {
            return Err(explained(app, &asked, error, (&place, &tags)));
        }
        let reference = match &tag {
            Some(tag) => format!("{host}/{path}:{tag}"),
            None => format!("{host}/{path}@{digest}"),
        };
        let removed = Removed {
            reference,
            digest,
            removed: tags,
            left: Vec::new(),
            deleted: true,
        };
        write_one(app.console.out(), app.format, &removed)?;
        app.console
            .note(&format!("deleted `{path}@{}`", removed.digest));
        Ok(Status::Done)
    }
}

/// Returns a failure where a place names no artifact.
///
/// # Errors
/// That one.
pub fn named(place: &HarborPlace, verb: &str) -> Result<()> {
    if place.tag.is_some() || place.digest.is_some() {
        return Ok(());
    }
    let path = place.path();
    let message = format!("`{path}` names neither a tag nor a digest");
    Err(Error::new(Kind::InvalidInput, message)
        .hint(format!("name one: `imgdex harbor {verb} {path}:TAG`"))
        .hint(format!("`imgdex harbor tags {path}` shows the tags")))
}
