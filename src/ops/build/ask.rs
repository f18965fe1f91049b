//! What registries are asked about a build: the base image, and what was built before.

use crate::build::Base;
use crate::domain::built::KEY_LABEL;
use crate::domain::manifest::Content;
use crate::domain::reference::{Reference, Tag};
use crate::domain::sighting::Sighting;
use crate::ops::registry::{chosen, inspect};
use crate::ops::{Error, Result};
use crate::registry::{Client, Reason};

/// Returns the platform that engines of this machine build for.
fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        "powerpc64" => "linux/ppc64le",
        "s390x" => "linux/s390x",
        "riscv64" => "linux/riscv64",
        _ => "linux/amd64",
    }
}

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

/// Asks what a base image is now.
///
/// # Errors
/// Those of the registry.
pub async fn ask_base(client: &Client, reference: &Reference) -> Result<Base> {
    let whole = client.manifest(reference).await?;
    let mut base = Base {
        digest: Some(whole.descriptor.digest.to_string()),
        ..unasked_base(reference)
    };
    let (one, image) = match &whole.content {
        Content::Image { .. } => (reference.clone(), whole),
        Content::Index(entries) => {
            let entry = chosen(entries, platform()).ok_or_else(|| Error::Violation {
                what: format!("base image `{reference}` is an empty index"),
                hint: "name another base image".to_owned(),
            })?;
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

/// Returns what a reference points to, with the labels; nothing where it is missing.
///
/// # Errors
/// Those of the registry.
pub async fn look(client: &Client, reference: &Reference, now: &str) -> Result<Option<Sighting>> {
    match inspect(client, reference, Some(platform())).await {
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

/// Returns whether it is what a build of that key makes.
#[must_use]
pub fn is_built(seen: &Sighting, key: &str) -> bool {
    seen.labels.get(KEY_LABEL).is_some_and(|label| label == key)
}
