//! Pinning: references that say by digest what was verified.

use serde::Serialize;

use super::unchanged_but;
use crate::catalog::{Catalog, Changed};
use crate::domain::change::Actor;
use crate::domain::image::{Image, ImageConfig};
use crate::domain::reference::{Reference, Tag};
use crate::domain::sighting::Sighting;
use crate::ops::metadata::Digests;
use crate::ops::{Error, Result};

/// An image whose references say their digests.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pinned {
    pub name: String,
    pub url: Option<String>,
    pub url_for_gpu: Option<String>,
    pub pinned_tag: Option<String>,
    /// Whether it was another one before.
    #[serde(skip)]
    pub changed: bool,
    /// The tag of `urlForGpu`, where the image no longer says it.
    #[serde(skip)]
    pub dropped_tag: Option<String>,
}

/// Makes the references of images say the digests that were verified: of all of
/// them or of none. `form` is [`Digests::Pinned`] or [`Digests::Both`].
///
/// # Errors
/// For an unknown image, one without a reference, and one of which a reference was
/// not verified or is not in order.
pub fn pin(
    catalog: &mut Catalog,
    actor: Actor,
    names: &[String],
    form: Digests,
) -> Result<Vec<Pinned>> {
    let writer = catalog.begin(actor)?;
    let mut all = Vec::new();
    for name in names {
        let mut dropped_tag = None;
        let (image, changed) = writer.update_image::<Error>(name, "pin", |image| {
            check(image)?;
            let (config, dropped) = pinned(image, form);
            dropped_tag = dropped;
            Ok(unchanged_but(image, config))
        })?;
        let ImageConfig {
            name,
            url,
            url_for_gpu,
            pinned_tag,
            ..
        } = image.config;
        all.push(Pinned {
            name,
            url,
            url_for_gpu,
            pinned_tag,
            changed: changed == Changed::Yes,
            dropped_tag,
        });
    }
    writer.commit()?;
    Ok(all)
}

/// Returns the references of an image, with what was seen of them.
fn references(image: &Image) -> impl Iterator<Item = (&'static str, &str, &Sighting)> {
    let config = &image.config;
    let url = config.url.as_deref();
    let url_for_gpu = config.url_for_gpu.as_deref();
    let url = url.map(|text| ("url", text, &image.seen.url));
    let url_for_gpu = url_for_gpu.map(|text| ("urlForGpu", text, &image.seen.url_for_gpu));
    url.into_iter().chain(url_for_gpu)
}

fn has_digest(text: &str) -> bool {
    Reference::parse(text).is_ok_and(|reference| reference.digest().is_some())
}

/// Fails where an image has a reference of which nobody knows what it points to.
fn check(image: &Image) -> Result<()> {
    let name = &image.config.name;
    if references(image).next().is_none() {
        return Err(Error::invalid(format!(
            "image `{name}` has no reference that could be pinned"
        )));
    }
    let unverified = |what: String| Error::Unverified {
        what,
        hint: format!("`imgdex images verify {name}` asks the registry"),
    };
    let open = || references(image).filter(|(_, text, _)| !has_digest(text));
    for (field, text, seen) in open() {
        if seen.digest.is_none() || seen.seen_at.is_none() {
            let why = match &seen.problem {
                Some(problem) => format!("is not there to be pinned ({problem})"),
                None => "was not verified yet".to_owned(),
            };
            return Err(unverified(format!(
                "image `{name}` cannot be pinned: {field} `{text}` {why}"
            )));
        }
    }
    if image.config.is_ready == Some(false) && open().next().is_some() {
        let problem = image.seen.problem();
        let problem = problem.unwrap_or_else(|| "it is not ready".to_owned());
        return Err(unverified(format!(
            "image `{name}` cannot be pinned: {problem}"
        )));
    }
    Ok(())
}

/// Returns an image's configuration with its references in that form, and the tag
/// of `urlForGpu` that it has no place for: `pinnedTag` is that of `url`.
fn pinned(image: &Image, form: Digests) -> (ImageConfig, Option<String>) {
    let mut config = image.config.clone();
    let kept = config.pinned_tag.clone();
    let shown = |text: &str, seen: &Sighting, kept: Option<&str>| {
        form.shown(text, seen.digest.as_deref(), kept).0
    };
    let mut dropped = None;
    if let Some(text) = &image.config.url {
        config.pinned_tag = tag_of(text).or(kept.clone());
        config.url = Some(shown(text, &image.seen.url, kept.as_deref()));
    }
    if let Some(text) = &image.config.url_for_gpu {
        let tag = tag_of(text);
        if image.config.url.is_none() {
            config.pinned_tag = tag.or(kept.clone());
            config.url_for_gpu = Some(shown(text, &image.seen.url_for_gpu, kept.as_deref()));
        } else {
            dropped = tag
                .filter(|tag| form == Digests::Pinned && config.pinned_tag.as_ref() != Some(tag));
            config.url_for_gpu = Some(shown(text, &image.seen.url_for_gpu, None));
        }
    }
    (config, dropped)
}

/// Returns the tag that a reference says or means; nothing where it has only a digest.
fn tag_of(text: &str) -> Option<String> {
    let reference = Reference::parse(text).ok()?;
    let tag = match (reference.tag(), reference.digest()) {
        (Some(tag), _) => tag.clone(),
        (None, None) => Tag::latest(),
        (None, Some(_)) => return None,
    };
    Some(tag.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn image(url: &str, url_for_gpu: &str, pinned_tag: &str) -> Image {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let seen = |digit: &str| Sighting {
            digest: Some(digest(digit)),
            seen_at: Some("2026-01-01T00:00:00Z".to_owned()),
            ..Sighting::default()
        };
        let mut image = Image::default();
        image.config.url = text(url);
        image.config.url_for_gpu = text(url_for_gpu);
        image.config.pinned_tag = text(pinned_tag);
        image.seen.url = seen("a");
        image.seen.url_for_gpu = seen("b");
        image
    }

    /// `expected` is url, urlForGpu, pinnedTag and the tag that is dropped.
    fn check(form: Digests, before: [&str; 3], expected: [&str; 4]) {
        let named = |text: &str| text.replace("@A", &format!("@{}", digest("a")));
        let named = |text: &str| named(text).replace("@B", &format!("@{}", digest("b")));
        let image = image(&named(before[0]), &named(before[1]), before[2]);
        let (config, dropped) = pinned(&image, form);
        let found = [config.url, config.url_for_gpu, config.pinned_tag, dropped];
        let found = found.map(Option::unwrap_or_default);
        assert_eq!(found, expected.map(named), "{form:?} {before:?}");
        // Once more changes nothing.
        let mut again = image;
        again.config.url = Some(found[0].clone()).filter(|text| !text.is_empty());
        again.config.url_for_gpu = Some(found[1].clone()).filter(|text| !text.is_empty());
        again.config.pinned_tag = Some(found[2].clone()).filter(|text| !text.is_empty());
        assert_eq!(pinned(&again, form), (again.config.clone(), None));
    }

    #[test]
    fn references_are_pinned_as_they_are_spelt() {
        use Digests::{Both, Pinned};
        check(Pinned, ["alpine:3", "", ""], ["alpine@A", "", "3", ""]);
        check(Pinned, ["alpine", "", ""], ["alpine@A", "", "latest", ""]);
        check(Both, ["alpine:3", "", ""], ["alpine:3@A", "", "3", ""]);
        check(
            Both,
            ["alpine", "", ""],
            ["alpine:latest@A", "", "latest", ""],
        );
        check(
            Pinned,
            ["h:5/x:1", "h:5/x:1", ""],
            ["h:5/x@A", "h:5/x@B", "1", ""],
        );
        check(Pinned, ["x:1", "x:1-gpu", ""], ["x@A", "x@B", "1", "1-gpu"]);
        check(
            Both,
            ["x:1", "x:1-gpu", ""],
            ["x:1@A", "x:1-gpu@B", "1", ""],
        );
        check(Pinned, ["", "x:gpu", ""], ["", "x@B", "gpu", ""]);
        // From one form to the other.
        check(Pinned, ["x:1@A", "", "1"], ["x@A", "", "1", ""]);
        check(Both, ["x@A", "", "1"], ["x:1@A", "", "1", ""]);
        check(Both, ["x@A", "", ""], ["x@A", "", "", ""]);
    }

    #[test]
    fn only_what_was_verified_is_pinned() {
        let mut image = image("x:1", "", "");
        image.config.name = "x".to_owned();
        assert!(super::check(&image).is_ok());
        image.config.is_ready = Some(false);
        assert!(super::check(&image).is_err(), "it is missing");
        image.config.is_ready = None;
        image.seen.url.seen_at = None;
        assert!(super::check(&image).is_err(), "somebody only said so");
        image.config.url = Some(format!("x@{}", digest("a")));
        assert!(super::check(&image).is_ok(), "there is nothing to pin");
        image.config.url = None;
        assert!(super::check(&image).is_err(), "there is nothing at all");
    }
}
