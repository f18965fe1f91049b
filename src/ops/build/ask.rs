//! What registries are asked about a build: the base image, and what was built before.

use crate::build::Base;
use crate::domain::built::KEY_LABEL;
use crate::domain::manifest::{Content, Descriptor, Platform};
use crate::domain::reference::{Reference, Tag};
use crate::domain::sighting::Sighting;
use crate::ops::registry::{chosen, inspect, platforms_of};
use crate::ops::transfer::own_platform;
use crate::ops::{Error, Result};
use crate::registry::{Client, Reason};

/// Returns a base image as far as its reference says it.
#[must_use]
pub fn unasked_base(reference: &Reference) -> Base {
    let name = match (reference.tag(), reference.digest()) {
        (None, None) => reference.clone().with_tag(Tag::latest()),
        _ => reference.clone(),
    };
    Base {
        repository: format!("{}/{}", reference.registry(), reference.repository()),
        name: name.to_string(),
        digest: reference.digest().map(ToString::to_string),
        user: None,
    }
}

/// Asks what a base image is now, which must have an image for that platform; for any
/// where it is built who knows where.
///
/// # Errors
/// Those of the registry, and where there is no image for the platform.
pub async fn ask_base(
    client: &Client,
    reference: &Reference,
    platform: Option<&str>,
) -> Result<Base> {
    let whole = client.manifest(reference).await?;
    let mut base = Base {
        digest: Some(whole.descriptor.digest.to_string()),
        ..unasked_base(reference)
    };
    let (one, image) = match &whole.content {
        Content::Image { .. } => (reference.clone(), whole),
        Content::Index(entries) => {
            let entry = entry_for(platform, entries, reference)?;
            let one = reference.clone().with_digest(entry.digest.clone());
            let image = client.manifest(&one).await?;
            (one, image)
        }
    };
    if let Content::Image { config, .. } = &image.content {
        base.user = client.config(&one, config).await?.user;
    }
    Ok(base)
}

/// Returns the entry of an index that an engine takes.
fn entry_for<'a>(
    platform: Option<&str>,
    entries: &'a [Descriptor],
    reference: &Reference,
) -> Result<&'a Descriptor> {
    let usual = chosen(entries, platform.unwrap_or(&own_platform()));
    let found = match platform {
        None => usual,
        Some(wanted) => {
            let is_called = |platform: &Platform| platform.is_called(wanted);
            let is_wanted = |entry: &&Descriptor| entry.platform.as_ref().is_some_and(is_called);
            // What says no platform is for any, as engines take it.
            let is_for_any = |entry: &&Descriptor| entry.platform.is_none();
            let wanted = entries.iter().find(is_wanted);
            wanted.or_else(|| entries.iter().find(is_for_any))
        }
    };
    let platforms = platforms_of(entries).join(", ");
    found.ok_or_else(|| match platform {
        Some(wanted) if !platforms.is_empty() => Error::NotFound {
            what: format!(
                "base image `{reference}` has no image for `{wanted}`, but for: {platforms}"
            ),
            hint: "name another base image with `imgdex images update`, or build it in a cluster \
                   of such machines with `--engine kubernetes`"
                .to_owned(),
        },
        _ => Error::Violation {
            what: format!("base image `{reference}` is an index of no image"),
            hint: "name another base image with `imgdex images update`".to_owned(),
        },
    })
}

/// Returns what a reference points to, with the labels; nothing where it is missing.
///
/// # Errors
/// Those of the registry.
pub async fn look(client: &Client, reference: &Reference, now: &str) -> Result<Option<Sighting>> {
    match inspect(client, reference, Some(&own_platform())).await {
        Ok(found) => Ok(Some(Sighting {
            digest: Some(found.digest),
            media_type: Some(found.media_type),
            size: Some(found.size),
            platforms: found.platforms,
            labels: found.labels,
            seen_at: Some(now.to_owned()),
            ..Sighting::default()
        })),
        Err(Error::Registry(error)) if error.reason == Reason::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The label that says when an image was built, and so by which build.
const CREATED_LABEL: &str = "org.opencontainers.image.created";

/// Returns whether it is what a build of that key makes, or that one which made it at that
/// time.
#[must_use]
pub fn is_built(seen: &Sighting, key: &str, created: Option<&str>) -> bool {
    let has = |label: &str, text: &str| seen.labels.get(label).is_some_and(|has| has == text);
    has(KEY_LABEL, key) && created.is_none_or(|created| has(CREATED_LABEL, created))
}

/// Asks a registry for what was pushed: an image of that key, and of that time of creation.
///
/// # Errors
/// Those of the registry, and where it has none or another one.
pub async fn read_back(
    client: &Client,
    reference: &Reference,
    (key, created): (&str, &str),
    now: &str,
) -> Result<Sighting> {
    let wrong = |what: &str| Error::Violation {
        what: format!("`{reference}` was pushed, but {what}"),
        hint: "build it once more, with `--push` to where nobody else pushes".to_owned(),
    };
    match look(client, reference, now).await {
        Ok(None) => Err(wrong("the registry does not have it")),
        Ok(Some(seen)) if is_built(&seen, key, Some(created)) => Ok(seen),
        Ok(Some(_)) => Err(wrong("the registry has another image there")),
        Err(Error::Registry(mut error)) => {
            error.message = format!("`{reference}` was pushed; {}", error.message);
            Err(Error::Registry(error))
        }
        Err(error) => Err(error),
    }
}
