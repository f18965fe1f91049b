//! Metadata that travels with an image, as a referrer of it: attached where an image is
//! published, found again wherever it was copied to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use super::registry::usual;
use super::{Error, Result};
use crate::domain::attached::{
    ARTIFACT_TYPE, DESCRIPTION, Metadata, Parts, TITLE, artifact, created_of, parts_of,
};
use crate::domain::manifest::{Config, Content, Descriptor, Manifest};
use crate::domain::reference::{Digest, Reference};
use crate::formats::attached::metadata_of;
use crate::ops::error::Faults;
use crate::registry::{Client, Reason};

/// The most referrers of an image that are looked into, the newest by what their list
/// says.
const MOST: usize = 32;

/// What became of metadata that was to be attached.
#[derive(Debug, PartialEq, Eq)]
pub struct Attached {
    /// That of the artifact.
    pub digest: Digest,
    /// Whether nothing had to be sent.
    pub was_there: bool,
}

/// An artifact of our type, and when it says that it was made.
struct Found {
    created: Option<Timestamp>,
    manifest: Manifest,
}

/// Attaches metadata to what a reference points to, unless it is attached already. What
/// was attached before is deleted where the registry allows that; where it does not, the
/// newest counts. `now` is in RFC 3339.
///
/// # Errors
/// Those of the registry, and for metadata that is too large.
pub async fn attach(
    client: &Arc<Client>,
    subject: &Reference,
    metadata: &Metadata,
    now: &str,
) -> Result<Attached> {
    let head = client.head(subject).await?;
    let size = match head.size {
        Some(size) => size,
        None => client.manifest(subject).await?.descriptor.size,
    };
    let target = Descriptor {
        media_type: head.media_type,
        digest: head.digest,
        size,
        platform: None,
        artifact_type: None,
        annotations: BTreeMap::new(),
    };
    let before = found(client, subject, &target.digest).await?;
    // One that says that it was made later would count in place of this one.
    let created = match before.last().and_then(|newest| newest.created) {
        Some(newest) if now.parse().is_ok_and(|now: Timestamp| now <= newest) => newest
            .checked_add(1.second())
            .map_or_else(|_| now.to_owned(), |later| later.to_string()),
        _ => now.to_owned(),
    };
    let made = artifact(metadata, &target, &created).map_err(|rule| {
        Error::invalid(format!(
            "cannot attach the metadata of `{subject}` to it: {rule}"
        ))
    })?;
    if let Some(newest) = before.last()
        && layers_of(&newest.manifest) == layers_of(&made.manifest)
    {
        let digest = newest.manifest.descriptor.digest.clone();
        return Ok(Attached {
            digest,
            was_there: true,
        });
    }
    for (blob, bytes) in &made.blobs {
        client.put_small_blob(subject, (blob, bytes)).await?;
    }
    let digest = made.manifest.descriptor.digest.clone();
    let place = subject.clone().without_digest().with_digest(digest.clone());
    client.put_manifest(&place, &made.manifest).await?;
    let older: Vec<Digest> = before
        .into_iter()
        .map(|found| found.manifest.descriptor.digest)
        .filter(|older| *older != digest)
        .collect();
    // It is attached: what stays beside it does not count.
    let _ = client
        .delete_referrers(subject, &target.digest, &older)
        .await;
    Ok(Attached {
        digest,
        was_there: false,
    })
}

fn layers_of(manifest: &Manifest) -> Option<&[Descriptor]> {
    match &manifest.content {
        Content::Image { layers, .. } => Some(layers),
        Content::Index(_) => None,
    }
}

/// Returns the artifacts of our type that refer to a manifest, the one that counts last:
/// by when they were made, then by digest.
async fn found(client: &Client, reference: &Reference, subject: &Digest) -> Result<Vec<Found>> {
    let listed = client.referrers(reference, subject, Some(ARTIFACT_TYPE));
    let mut listed = match listed.await {
        // It can neither list them nor hold a list.
        Err(error) if error.reason == Reason::Unsupported => Vec::new(),
        other => other?,
    };
    listed.sort_by_key(|entry| std::cmp::Reverse(time_of(entry)));
    listed.truncate(MOST);
    let mut found = Vec::new();
    for entry in listed {
        let one = reference.clone().with_digest(entry.digest);
        let manifest = match client.manifest(&one).await {
            // The list was not told that it is gone.
            Err(error) if error.reason == Reason::NotFound => continue,
            other => other?,
        };
        // A list may say anything.
        let is_ours = manifest.descriptor.artifact_type.as_deref() == Some(ARTIFACT_TYPE);
        if is_ours && manifest.subject.as_ref() == Some(subject) {
            found.push(Found {
                created: time_of(&manifest.descriptor),
                manifest,
            });
        }
    }
    found.sort_by(|one, other| {
        let key = |found: &Found| {
            let digest = &found.manifest.descriptor.digest;
            (found.created, digest.to_string())
        };
        key(one).cmp(&key(other))
    });
    Ok(found)
}

fn time_of(descriptor: &Descriptor) -> Option<Timestamp> {
    created_of(descriptor)?.parse().ok()
}

/// Returns the metadata that is attached to an image: to its index, or else to what its
/// index has for the usual platform.
async fn attached_to(
    client: &Client,
    reference: &Reference,
    root: &Manifest,
) -> Result<Option<Metadata>> {
    let mut newest = found(client, reference, &root.descriptor.digest)
        .await?
        .pop();
    if let (None, Content::Index(entries)) = (&newest, &root.content)
        && let Some(entry) = usual(entries)
    {
        newest = found(client, reference, &entry.digest).await?.pop();
    }
    match newest {
        None => Ok(None),
        Some(found) => read(client, reference, &found.manifest).await.map(Some),
    }
}

async fn read(client: &Client, reference: &Reference, manifest: &Manifest) -> Result<Metadata> {
    let Parts { document, picture } = parts_of(manifest).map_err(|rule| Error::Violation {
        what: format!("the metadata of `{reference}` cannot be read: {rule}"),
        hint: format!(
            "`imgdex registry delete {}/{}@{}` takes it away where you may",
            reference.registry(),
            reference.repository(),
            manifest.descriptor.digest
        ),
    })?;
    let document = client.small_blob(reference, document).await?;
    let picture = match picture {
        Some(picture) => Some(client.small_blob(reference, picture).await?),
        None => None,
    };
    metadata_of(&document, picture).map_err(|found| {
        let mut faults = Faults::default();
        faults.file(&format!("the metadata of `{reference}`"), &found, false);
        faults.into_error(format!("the metadata of `{reference}` breaks the rules"))
    })
}

/// What a registry says of an image that is to be in a catalog.
#[derive(Debug)]
pub struct Described {
    pub metadata: Metadata,
    /// Whether somebody attached it; else it is what the image says of itself.
    pub is_attached: bool,
}

/// Returns what an image is: its attached metadata, or else what its annotations and its
/// config say.
///
/// # Errors
/// Those of the registry, and for metadata that breaks a rule.
pub async fn described(client: &Client, reference: &Reference) -> Result<Described> {
    let root = client.manifest(reference).await?;
    if let Some(metadata) = attached_to(client, reference, &root).await? {
        return Ok(Described {
            metadata,
            is_attached: true,
        });
    }
    let image = match &root.content {
        Content::Image { .. } => root.clone(),
        Content::Index(entries) => match usual(entries) {
            Some(entry) => {
                let one = reference.clone().with_digest(entry.digest.clone());
                client.manifest(&one).await?
            }
            None => root.clone(),
        },
    };
    let config = match &image.content {
        Content::Image { config, .. } => client.config(reference, config).await?,
        Content::Index(_) => Config::default(),
    };
    let said = |key: &str| {
        let annotations = [&root.descriptor.annotations, &image.descriptor.annotations];
        let places = [annotations[0], annotations[1], &config.labels];
        let found = places.into_iter().find_map(|place| place.get(key));
        found.filter(|text| !text.is_empty()).cloned()
    };
    let mut metadata = Metadata {
        display_name: said(TITLE),
        description: said(DESCRIPTION),
        ..Metadata::default()
    };
    let words = config.command.iter().map(String::as_str);
    let command = shlex::try_join(words).unwrap_or_default();
    metadata.command = (!command.is_empty()).then_some(command);
    metadata.labels = config.labels;
    metadata.labels.remove("");
    Ok(Described {
        metadata,
        is_attached: false,
    })
}

#[cfg(test)]
mod tests;
