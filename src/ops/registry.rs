//! What is asked of registries: tags, digests, manifests and what they say of
//! an image.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Result;
use crate::domain::manifest::{Config, Content, Descriptor, Manifest, Platform};
use crate::domain::reference::{Digest, Reference, Registry, Repository};
use crate::registry::Client;

/// The platform that is looked at where an image has many and none is chosen.
const USUAL_PLATFORM: &str = "linux/amd64";

/// What a registry says of an image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    pub reference: String,
    pub digest: String,
    pub media_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Bytes of the config and the layers of the image of `platform`.
    pub size: u64,
    /// Which of the platforms size, creation and labels are of.
    pub platform: Option<String>,
    pub platforms: Vec<String>,
    /// As the image has it.
    pub created: Option<String>,
    pub labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Returns what a registry says of an image. Of one with many platforms it is
/// what it says of `platform`, of linux/amd64, or else of the first.
///
/// # Errors
/// Those of the registry.
pub async fn inspect(
    client: &Client,
    reference: &Reference,
    platform: Option<&str>,
) -> Result<Inspection> {
    let whole = client.manifest(reference).await?;
    let (digest, media_type) = (
        whole.descriptor.digest.to_string(),
        whole.descriptor.media_type.clone(),
    );
    let annotations = whole.descriptor.annotations.clone();
    let artifact_type = whole.descriptor.artifact_type.clone();
    let (platforms, image) = match &whole.content {
        Content::Image { .. } => (None, Some((reference.clone(), whole))),
        Content::Index(entries) => {
            let image = match chosen(entries, platform.unwrap_or(USUAL_PLATFORM)) {
                None => None,
                Some(entry) => {
                    let one = reference.clone().with_digest(entry.digest.clone());
                    let manifest = client.manifest(&one).await?;
                    Some((one, manifest))
                }
            };
            (Some(platforms_of(entries)), image)
        }
    };
    let (size, config) = match image {
        None => (0, Config::default()),
        Some((one, manifest)) => described(client, &one, &manifest).await?,
    };
    let platform = config.platform.as_ref().map(Platform::to_string);
    Ok(Inspection {
        reference: reference.to_string(),
        digest,
        media_type,
        artifact_type,
        size,
        platforms: platforms.unwrap_or_else(|| platform.iter().cloned().collect()),
        platform,
        created: config.created,
        labels: config.labels,
        annotations,
    })
}

/// Returns the size of an image and what its config says. An index inside of an
/// index is not gone into.
async fn described(
    client: &Client,
    reference: &Reference,
    manifest: &Manifest,
) -> Result<(u64, Config)> {
    let Content::Image { config, layers } = &manifest.content else {
        return Ok((0, Config::default()));
    };
    let size = image_size(config, layers);
    Ok((size, client.config(reference, config).await?))
}

/// Returns the bytes of an image's config and layers.
pub(in crate::ops) fn image_size(config: &Descriptor, layers: &[Descriptor]) -> u64 {
    layers
        .iter()
        .fold(config.size, |sum, layer| sum.saturating_add(layer.size))
}

/// Returns the platforms of an index; attestations have none.
pub(in crate::ops) fn platforms_of(entries: &[Descriptor]) -> Vec<String> {
    let known = |entry: &Descriptor| Some(real_platform(entry)?.to_string());
    let mut platforms: Vec<String> = Vec::new();
    for platform in entries.iter().filter_map(known) {
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    platforms
}

/// Returns the platform of an entry of an index; an attestation has none.
pub(in crate::ops) fn real_platform(entry: &Descriptor) -> Option<&Platform> {
    let platform = entry.platform.as_ref()?;
    (platform.os != "unknown" && !platform.os.is_empty()).then_some(platform)
}

/// Returns the entry of the platform that is usually meant, or else of the first.
pub(in crate::ops) fn usual(entries: &[Descriptor]) -> Option<&Descriptor> {
    chosen(entries, USUAL_PLATFORM)
}

pub(super) fn chosen<'a>(entries: &'a [Descriptor], wanted: &str) -> Option<&'a Descriptor> {
    let mut with_platform = entries
        .iter()
        .filter(|entry| real_platform(entry).is_some());
    let fits = |entry: &&Descriptor| {
        real_platform(entry).is_some_and(|platform| platform.is_called(wanted))
    };
    with_platform
        .clone()
        .find(fits)
        .or_else(|| with_platform.next())
        .or_else(|| entries.first())
}

/// One referrer of a manifest.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    pub digest: String,
    pub artifact_type: Option<String>,
    pub media_type: String,
    /// Bytes of the referrer's manifest.
    pub size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Returns what points to an image: signatures, lists of contents and the like.
///
/// # Errors
/// Those of the registry.
pub async fn referrers(
    client: &Client,
    reference: &Reference,
    artifact_type: Option<&str>,
) -> Result<Vec<Referrer>> {
    let subject = client.head(reference).await?.digest;
    let found = client.referrers(reference, &subject, artifact_type).await?;
    let told = found.into_iter().map(|found| Referrer {
        digest: found.digest.to_string(),
        artifact_type: found.artifact_type,
        media_type: found.media_type,
        size: found.size,
        annotations: found.annotations,
    });
    Ok(told.collect())
}

/// Which repositories are wanted; all of them by default.
#[derive(Debug, Default)]
pub struct Wanted {
    /// This repository and those beneath it.
    pub prefix: Option<Repository>,
    /// What the name holds, whatever its case.
    pub text: String,
}

impl Wanted {
    fn fits(&self, name: &str) -> bool {
        let is_beneath = self.prefix.as_ref().is_none_or(|prefix| {
            let rest = name.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        // Names of repositories are ASCII, in lower case.
        is_beneath && name.to_lowercase().contains(&self.text.to_lowercase())
    }
}

/// Returns the names of a registry's repositories that are wanted.
///
/// # Errors
/// Those of the registry.
pub async fn repositories(
    client: &Client,
    registry: &Registry,
    wanted: &Wanted,
) -> Result<Vec<String>> {
    let mut names = client.repositories(registry).await?;
    names.retain(|name| wanted.fits(name));
    Ok(names)
}

/// Returns the digest that is deleted where a reference is: what its tag points
/// to now, hashed and not only said.
///
/// # Errors
/// Those of the registry.
pub async fn target_of_delete(client: &Client, reference: &Reference) -> Result<Digest> {
    Ok(client.manifest(reference).await?.descriptor.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(digit: char, platform: &str) -> Descriptor {
        let mut parts = platform.split('/');
        let mut next = || parts.next().map(str::to_owned);
        let (os, architecture) = (next(), next());
        Descriptor {
            media_type: String::new(),
            digest: format!("sha256:{}", digit.to_string().repeat(64))
                .parse()
                .expect("a digest"),
            size: 1,
            platform: os.filter(|os| !os.is_empty()).map(|os| Platform {
                os,
                architecture: architecture.unwrap_or_default(),
                variant: next(),
            }),
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn one_platform_of_an_index_is_chosen() {
        let check = |platforms: &[&str], wanted: &str, expected: Option<char>| {
            let entries: Vec<Descriptor> = ('a'..='f')
                .zip(platforms)
                .map(|(digit, platform)| entry(digit, platform))
                .collect();
            let found =
                chosen(&entries, wanted).and_then(|entry| entry.digest.hex().chars().next());
            assert_eq!(found, expected, "{platforms:?} {wanted}");
        };
        check(&["linux/arm64", "linux/amd64"], "linux/amd64", Some('b'));
        check(&["linux/arm64", "linux/arm/v7"], "linux/arm", Some('b'));
        check(&["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7", Some('b'));
        check(
            &["unknown/unknown", "linux/s390x"],
            "linux/amd64",
            Some('b'),
        );
        check(&["", ""], "linux/amd64", Some('a'));
        check(&[], "linux/amd64", None);
    }

    #[test]
    fn repositories_are_wanted_by_what_their_names_hold() {
        let check = |prefix: &str, text: &str, expected: &[&str]| {
            let wanted = Wanted {
                prefix: (!prefix.is_empty()).then(|| prefix.parse().expect("a repository")),
                text: text.to_owned(),
            };
            let names = ["a.b", "axb", "team", "team/app", "team/app-b", "teams/app"];
            let found: Vec<&str> = names.into_iter().filter(|name| wanted.fits(name)).collect();
            assert_eq!(found, expected, "{prefix} {text}");
        };
        check("", "A.B", &["a.b"]);
        check("", "app", &["team/app", "team/app-b", "teams/app"]);
        check("", "m/a", &["team/app", "team/app-b"]);
        check("team", "", &["team", "team/app", "team/app-b"]);
        check("team/app", "a", &["team/app"]);
        check("", ".*", &[]);
        check("", "%", &[]);
    }

    #[test]
    fn attestations_are_no_platforms() {
        let entries = [
            entry('a', "linux/arm/v7"),
            entry('b', "unknown/unknown"),
            entry('c', ""),
        ];
        assert_eq!(platforms_of(&entries), ["linux/arm/v7"]);
    }
}
