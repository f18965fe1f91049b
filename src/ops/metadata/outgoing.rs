//! An image as it goes out: its name, its references by tag or by digest, and the
//! names of its secrets in the cluster.

use std::collections::HashMap;

use crate::catalog::{self, Catalog};
use crate::domain::file_name::file_name;
use crate::domain::image::Image;
use crate::domain::platform::Platform;
use crate::domain::reference::{Digest, Reference, Tag};
use crate::formats::platforms::Outgoing;

/// How references are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Digests {
    /// As they stand in the catalog.
    #[default]
    AsWritten,
    /// `repository@digest`.
    Pinned,
    /// `repository:tag`.
    Tags,
    /// `repository:tag@digest`.
    Both,
}

impl Digests {
    /// The names of the forms that can be asked for.
    pub const NAMES: [&str; 3] = ["pinned", "tags", "both"];

    /// Returns the form of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "pinned" => Some(Self::Pinned),
            "tags" => Some(Self::Tags),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    /// Returns a reference in this form, and what it lacks to be so: then it is as
    /// it was.
    pub(in crate::ops) fn shown(
        self,
        text: &str,
        seen: Option<&str>,
        pinned_tag: Option<&str>,
    ) -> (String, Option<&'static str>) {
        let as_it_is = |lacks| (text.to_owned(), lacks);
        let Ok(reference) = Reference::parse(text) else {
            return as_it_is(None);
        };
        // A tag that the user wrote, or that a pin took away.
        let pinned: Option<Tag> = pinned_tag.and_then(|tag| tag.parse().ok());
        let tag = match (reference.tag(), reference.digest()) {
            (Some(tag), _) => Some(tag.clone()),
            (None, Some(_)) => pinned,
            (None, None) => Some(Tag::latest()),
        };
        let digest: Option<Digest> = match reference.digest() {
            Some(digest) => Some(digest.clone()),
            None => seen.and_then(|digest| digest.parse().ok()),
        };
        let end = text.len()
            - reference
                .digest()
                .map_or(0, |digest| digest.as_str().len() + 1)
            - reference.tag().map_or(0, |tag| tag.as_str().len() + 1);
        let repository = text.get(..end).unwrap_or(text);
        let unknown_digest = "its digest is not known: it was never verified";
        let unknown_tag = "its tag is not known: only a digest is";
        match (self, tag, digest) {
            (Self::AsWritten, ..) => as_it_is(None),
            (Self::Pinned, _, Some(digest)) => (format!("{repository}@{digest}"), None),
            (Self::Tags, Some(tag), _)
                if reference.tag().is_none() && reference.digest().is_none() =>
            {
                // `alpine` means its tag `latest` already.
                let _ = tag;
                as_it_is(None)
            }
            (Self::Tags, Some(tag), _) => (format!("{repository}:{tag}"), None),
            (Self::Both, Some(tag), Some(digest)) => (format!("{repository}:{tag}@{digest}"), None),
            (Self::Pinned | Self::Both, _, None) => as_it_is(Some(unknown_digest)),
            (Self::Tags | Self::Both, None, _) => as_it_is(Some(unknown_tag)),
        }
    }
}

/// The names that secrets have in a cluster, by their ids.
pub(super) struct SecretNames(HashMap<String, String>);

impl SecretNames {
    pub(super) fn of(catalog: &Catalog) -> catalog::Result<Self> {
        let secrets = catalog.secrets()?.into_iter();
        Ok(Self(
            secrets.map(|secret| (secret.id, secret.name)).collect(),
        ))
    }

    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }
}

/// What an image goes out with, beside itself.
pub(super) struct Prepared {
    /// The name that the platform allows.
    pub name: String,
    url: Option<String>,
    url_for_gpu: Option<String>,
    pull_secret: Option<String>,
    base_pull_secret: Option<String>,
    /// What its references lack to be written as asked for.
    pub lacks: Vec<(&'static str, &'static str)>,
}

impl Prepared {
    pub(super) fn of(image: &Image, name: &str, digests: Digests, secrets: &SecretNames) -> Self {
        let config = &image.config;
        let mut lacks = Vec::new();
        let mut shown = |field, text: &Option<String>, seen: Option<&str>, pinned: Option<&str>| {
            let (text, lack) = digests.shown(text.as_deref()?, seen, pinned);
            lacks.extend(lack.map(|lack| (field, lack)));
            Some(text)
        };
        let url = shown(
            "url",
            &config.url,
            image.seen.url.digest.as_deref(),
            config.pinned_tag.as_deref(),
        );
        let seen = image.seen.url_for_gpu.digest.as_deref();
        let url_for_gpu = shown("urlForGpu", &config.url_for_gpu, seen, None);
        let linked = |id: &String| secrets.name(id).to_owned();
        Self {
            name: name.to_owned(),
            url,
            url_for_gpu,
            pull_secret: (config.use_image_pull_secret.as_ref().map(linked))
                .or_else(|| config.pull_secret.clone()),
            base_pull_secret: (config.spec.as_ref())
                .and_then(|spec| spec.pull_secret.as_ref().map(linked)),
            lacks,
        }
    }

    pub(super) fn outgoing<'a>(&'a self, image: &'a Image) -> Outgoing<'a> {
        Outgoing {
            image,
            name: &self.name,
            url: self.url.as_deref(),
            url_for_gpu: self.url_for_gpu.as_deref(),
            pull_secret: self.pull_secret.as_deref(),
            base_pull_secret: self.base_pull_secret.as_deref(),
        }
    }
}

/// Returns the name of the file of an entry that has one of its own.
pub(super) fn entry_file(platform: Platform, name: &str) -> String {
    let ending = match platform {
        Platform::RuntimeImages | Platform::Adalab => "json",
        _ => "yaml",
    };
    file_name(name, ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_written_by_tag_or_by_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let other = format!("sha256:{}", "b".repeat(64));
        let check = |form: Digests, text: &str, seen: Option<&str>, pinned, expected: &str| {
            let (shown, lacks) = form.shown(text, seen, pinned);
            assert_eq!(shown, expected, "{form:?} {text}: {lacks:?}");
            lacks
        };
        let seen = Some(digest.as_str());
        let pinned = format!("host:5000/a@{digest}");
        let both = format!("host:5000/a:v1@{digest}");
        check(
            Digests::AsWritten,
            "host:5000/a:v1",
            seen,
            None,
            "host:5000/a:v1",
        );
        check(Digests::Pinned, "host:5000/a:v1", seen, None, &pinned);
        check(Digests::Pinned, &both, None, None, &pinned);
        check(Digests::Both, "host:5000/a:v1", seen, None, &both);
        check(Digests::Both, &pinned, None, Some("v1"), &both);
        check(Digests::Tags, &both, None, None, "host:5000/a:v1");
        check(Digests::Tags, &pinned, None, Some("v1"), "host:5000/a:v1");
        check(Digests::Tags, "alpine", seen, None, "alpine");
        check(
            Digests::Both,
            "alpine",
            seen,
            None,
            &format!("alpine:latest@{digest}"),
        );
        // The digest that the user wrote is the one that is meant.
        let written = format!("a@{other}");
        check(Digests::Pinned, &written, seen, None, &written);
        assert!(check(Digests::Tags, &pinned, None, None, &pinned).is_some());
        assert!(check(Digests::Pinned, "a:v1", None, None, "a:v1").is_some());
        assert!(check(Digests::Both, "a:v1", None, None, "a:v1").is_some());
        // A pinned tag tells of a pinned reference only.
        check(Digests::Tags, "a:v2", None, Some("v1"), "a:v2");
    }
}
