//! The rules that an image keeps by itself, whatever the catalog holds.

use std::collections::BTreeSet;

use super::image::{ImageConfig, NewImage};
use super::name::{check_instance_name, check_resource_name, nearest, shorten};
use super::platform::Platform;
use super::reference::Reference;
use super::spec::ImageSpec;

/// A rule that is broken: the path of the field, and the rule with the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    /// Such as `imageSpec.packages.pip[1]`.
    pub field: String,
    pub message: String,
}

impl FieldFault {
    /// Returns the fault of a field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The most faults of one image that are told of, so that no input costs more
/// than a look at all of it.
pub const MOST_FAULTS: usize = 50;

/// Returns the rules that the image breaks, the first of them where there are
/// many: none where it is good.
#[must_use]
pub fn faults(image: &NewImage) -> Vec<FieldFault> {
    let mut faults = Vec::new();
    let config = &image.config;
    check_name(config, &mut faults);
    for (field, url) in [("url", &config.url), ("urlForGpu", &config.url_for_gpu)] {
        if let Some(url) = url {
            check_reference(field, url, &mut faults);
        }
    }
    if let Some(spec) = &config.spec {
        check_spec(config, spec, &mut faults);
    }
    if let Some(kind) = &config.kind
        && !kind.is_empty()
        && !is_kind(kind)
    {
        faults.push(FieldFault::new(
            "kind",
            format!(
                "kind should be `app`, `base`, `internal`, `kernel`, `lab_app`, `notebook`, \
                 `runtime` or another lower-case word, but is `{}`",
                shorten(kind)
            ),
        ));
    }
    check_texts(config, &mut faults);
    check_lists(config, &mut faults);
    faults.truncate(MOST_FAULTS);
    faults
}

/// Adds the rule that the name breaks, if it breaks one.
pub fn check_name(config: &ImageConfig, faults: &mut Vec<FieldFault>) {
    let elyra = config
        .formats
        .iter()
        .any(|format| format == "runtime-images");
    let checked = if elyra {
        check_instance_name("name", &config.name)
    } else {
        check_resource_name("name", &config.name)
    };
    if let Err(rule) = checked {
        faults.push(FieldFault::new("name", rule));
    }
}

fn check_reference(field: &str, text: &str, faults: &mut Vec<FieldFault>) {
    if let Err(error) = Reference::check(text) {
        let hint = error.hint().map(|hint| format!(" ({hint})"));
        faults.push(FieldFault::new(
            field,
            match text.contains('@') && text.contains(':') {
                // It may hold a password: `user:password@host/app`.
                true => format!(
                    "not an image reference: {error}{}",
                    hint.unwrap_or_default()
                ),
                false => format!(
                    "`{}` is not an image reference: {error}{}",
                    shorten(text),
                    hint.unwrap_or_default()
                ),
            },
        ));
    }
}

fn check_spec(config: &ImageConfig, spec: &ImageSpec, faults: &mut Vec<FieldFault>) {
    if (config.url.is_some() || config.url_for_gpu.is_some()) && !config.was_built() {
        faults.push(FieldFault::new(
            "imageSpec",
            "imageSpec cannot use with url and urlForGpu",
        ));
    }
    if spec.base_image.is_empty() {
        faults.push(FieldFault::new(
            "imageSpec.baseImage",
            "Invalid imageSpec: baseImage is required",
        ));
    } else {
        check_reference("imageSpec.baseImage", &spec.base_image, faults);
    }
    if spec.has_no_packages() {
        faults.push(FieldFault::new(
            "imageSpec.packages",
            "Invalid imageSpec: packages is required: at least one in `apt`, `conda` or `pip`",
        ));
    }
    let most = MOST_FAULTS.saturating_sub(faults.len());
    faults.extend(spec.package_faults().take(most));
}

fn check_texts(config: &ImageConfig, faults: &mut Vec<FieldFault>) {
    for (field, text) in [
        ("author", &config.author),
        ("pinnedTag", &config.pinned_tag),
        ("picture", &config.picture),
        ("kind", &config.kind),
        ("pullSecret", &config.pull_secret),
    ] {
        if text.as_ref().is_some_and(String::is_empty) {
            let rule = format!("{field} should not be empty; null leaves it unset");
            faults.push(FieldFault::new(field, rule));
        }
    }
    let Some((scheme, rest)) = config.picture.as_ref().and_then(|url| url.split_once(':')) else {
        return;
    };
    if !["http", "https", "sha256"].contains(&scheme) {
        faults.push(FieldFault::new(
            "picture",
            "picture should be an `https://` URL, the path of a PNG, JPEG or GIF file, or a \
             platform's id",
        ));
    } else if rest
        .split(['?', '#'])
        .next()
        .is_some_and(|path| path.contains('@'))
    {
        faults.push(FieldFault::new(
            "picture",
            "the URL of a picture should hold no user name or password",
        ));
    }
}

fn check_lists(config: &ImageConfig, faults: &mut Vec<FieldFault>) {
    for (index, format) in config.formats.iter().enumerate() {
        if faults.len() >= MOST_FAULTS {
            return;
        }
        if !Platform::NAMES.contains(&format.as_str()) {
            let near =
                nearest(format, Platform::NAMES).map(|known| format!(": did you mean `{known}`?"));
            faults.push(FieldFault::new(
                format!("formats[{index}]"),
                format!(
                    "formats should be among {}, but has `{}`{}",
                    Platform::NAMES.join(", "),
                    shorten(format),
                    near.unwrap_or_default()
                ),
            ));
        }
    }
    for (field, words) in [("tags", &config.tags), ("formats", &config.formats)] {
        if words.len() > 1 {
            let mut known = BTreeSet::new();
            for (index, word) in words.iter().enumerate() {
                if faults.len() >= MOST_FAULTS {
                    return;
                }
                if !known.insert(word) {
                    faults.push(FieldFault::new(
                        format!("{field}[{index}]"),
                        format!(
                            "{field} should be unique, but `{}` is there twice",
                            shorten(word)
                        ),
                    ));
                }
            }
        }
    }
    if let Some(index) = config.tags.iter().position(String::is_empty) {
        faults.push(FieldFault::new(
            format!("tags[{index}]"),
            "a tag should not be empty",
        ));
    }
    if config.labels.contains_key("") {
        faults.push(FieldFault::new(
            "labels",
            "a label's key should not be empty",
        ));
    }
}

/// Returns the kind as the catalog keeps it: AdaLab also spells `base` as
/// `base_image`.
#[must_use]
pub fn canonical_kind(kind: String) -> String {
    if kind == "base_image" {
        "base".to_owned()
    } else {
        kind
    }
}

/// Returns whether a picture is given as a file: by a path or by an ending.
/// Else it is a URL, the digest of a kept file, or a platform's own id.
#[must_use]
pub fn is_picture_file(picture: &str) -> bool {
    const ENDINGS: [&str; 4] = [".png", ".jpg", ".jpeg", ".gif"];
    if picture.contains("://") {
        return false;
    }
    let lower = picture.to_ascii_lowercase();
    picture.contains('/') || ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

fn is_kind(kind: &str) -> bool {
    kind.len() <= 63
        && kind.starts_with(|first: char| first.is_ascii_lowercase())
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}
