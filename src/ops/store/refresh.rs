//! Asking the sources of records again that have nothing on this machine.

use std::collections::BTreeSet;

use serde::Serialize;

use super::find;
use super::oci::{FOUND, fields_of_image, with_given};
use super::start::reference_text;
use crate::catalog::{Catalog, Writer};
use crate::domain::change::Actor;
use crate::domain::reference::Registry;
use crate::domain::sighting::Sighting;
use crate::domain::stored::{StoredImage, StoredUri};
use crate::ops::verify::{Answers, Questions, Status, judge};
use crate::ops::{Error, Result};

/// A record that is to be asked for, and the reference that it names.
#[derive(Debug)]
pub struct Remote {
    image: StoredImage,
    /// The reference, or why it cannot be asked for.
    reference: std::result::Result<String, String>,
}

/// What was found of a record.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    pub uri: String,
    pub reference: Option<String>,
    pub status: Status,
    pub digest: Option<String>,
    pub problem: Option<String>,
}

/// Returns the records that are to be asked for: those that are named, or else all that
/// name a registry, have nothing on this machine, and are what their tags stand for.
///
/// # Errors
/// Where one that is named is not there.
pub fn remotes(catalog: &Catalog, uris: &[String]) -> Result<Vec<Remote>> {
    let mut remotes = Vec::new();
    for uri in uris {
        let image = find(catalog, uri)?;
        let reference = match &image.path {
            None => reference_text(&image).map_err(|error| error.to_string()),
            Some(_) => Err("it is on this machine; a pull brings what is newer".to_owned()),
        };
        remotes.push(Remote { image, reference });
    }
    if !uris.is_empty() {
        return Ok(remotes);
    }
    let mut names = BTreeSet::new();
    catalog.for_each_stored::<Error>("", |image| {
        if image.path.is_none() {
            names.insert((image.uri.collection, image.uri.name));
        }
        Ok(())
    })?;
    for (collection, name) in names {
        let mut tags = BTreeSet::new();
        let mut images = catalog.stored(&collection, &name)?;
        // The one that was added last is what a tag stands for.
        while let Some(image) = images.pop() {
            let is_meant = tags.insert(image.uri.tag.clone());
            if is_meant
                && image.path.is_none()
                && let Ok(reference) = reference_text(&image)
            {
                let reference = Ok(reference);
                remotes.push(Remote { image, reference });
            }
        }
    }
    remotes.sort_by_key(|remote| remote.image.id);
    Ok(remotes)
}

/// Returns what registries are to be asked.
#[must_use]
pub fn questions_of(remotes: &[Remote], default: Registry) -> Questions {
    let mut questions = Questions::new(default);
    for remote in remotes {
        if let Ok(text) = &remote.reference {
            questions.add(text);
            questions.know(&seen_of(&remote.image));
        }
    }
    questions
}

/// Writes what was found of each record that is still there, and returns it.
///
/// # Errors
/// Those of the catalog; nothing is written then.
pub fn write_refreshed(
    catalog: &mut Catalog,
    actor: Actor,
    answers: &Answers,
    remotes: &[Remote],
) -> Result<Vec<Refreshed>> {
    let now = actor.now.clone();
    let writer = catalog.begin(actor)?;
    let mut rows = Vec::new();
    for remote in remotes {
        let mut row = Refreshed {
            uri: remote.image.uri.to_string(),
            reference: remote.reference.clone().ok(),
            status: Status::Skipped,
            digest: None,
            problem: remote.reference.clone().err(),
        };
        if let Ok(text) = &remote.reference {
            match (writer.stored_image(&remote.image.uri)?, answers.of(text)) {
                (Some(image), Some(answer)) if image.path.is_none() => {
                    let verdict = judge(&seen_of(&image), &answer, None, &now);
                    row.status = verdict.status;
                    row.problem = verdict.problem;
                    row.digest.clone_from(&verdict.seen.digest);
                    if verdict.status.is_good() {
                        row.uri = put(&writer, image, &verdict.seen)?.to_string();
                    }
                }
                (Some(image), None) if image.path.is_none() => {
                    row.problem = Some(format!("`{text}` is no reference"));
                }
                _ => row.problem = Some("it was changed meanwhile".to_owned()),
            }
        }
        rows.push(row);
    }
    writer.commit()?;
    Ok(rows)
}

/// Writes what a source is now; where a version is the digest, it is another one.
fn put(writer: &Writer<'_>, image: StoredImage, seen: &Sighting) -> Result<StoredUri> {
    let Some(digest) = &seen.digest else {
        return Ok(image.uri);
    };
    let mut after = image.clone();
    let found = fields_of_image(
        digest,
        seen.media_type.as_deref().unwrap_or_default(),
        seen.size,
        (&seen.platforms, &seen.labels),
    );
    after.metadata = with_given(found, &image.metadata);
    let hex = |digest: &str| digest.strip_prefix("sha256:").map(str::to_owned);
    let before = text_of(&image, "digest");
    if image.uri.version.is_some() && image.uri.version == before.as_deref().and_then(hex) {
        after.uri.version = hex(digest).or(after.uri.version);
    }
    if after.uri != image.uri && writer.stored_image(&after.uri)?.is_none() {
        writer.rename_stored(&image, &after.uri)?;
    }
    if after != image {
        writer.put_stored(&after)?;
    }
    Ok(after.uri)
}

/// Returns what a record knows of its source.
fn seen_of(image: &StoredImage) -> Sighting {
    let value = |name: &str| {
        let field = image.metadata.iter().find(|(key, _)| key == name)?;
        serde_json::from_str::<serde_json::Value>(&field.1).ok()
    };
    let [_, _, size, platforms, labels] = FOUND.map(value);
    Sighting {
        digest: text_of(image, "digest"),
        media_type: text_of(image, "mediaType"),
        size: size.and_then(|size| size.as_u64()),
        platforms: platforms
            .and_then(|list| serde_json::from_value(list).ok())
            .unwrap_or_default(),
        labels: labels
            .and_then(|labels| serde_json::from_value(labels).ok())
            .unwrap_or_default(),
        ..Sighting::default()
    }
}

/// Returns a field of a record that is text.
pub(super) fn text_of(image: &StoredImage, name: &str) -> Option<String> {
    let field = image.metadata.iter().find(|(key, _)| key == name)?;
    serde_json::from_str(&field.1).ok()
}
