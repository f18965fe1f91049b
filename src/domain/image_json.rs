//! An image as JSON: the one shape that lists, exports and the record of
//! changes share, with its fields in their documented order.

use super::group::Group;
use super::image::{Image, ImageConfig, PullPolicy};
use super::json_text::{ObjectWriter, write_json_string};
use super::spec::{ImageSpec, JobStatus};

impl Image {
    /// Writes the image as one JSON object, in one line.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::new(out);
        write_fields(&mut object, self, Unset::AsNull);
        object.text("createdAt", &self.created_at);
        object.text("updatedAt", &self.updated_at);
        object.raw("revision", &self.revision.to_string());
        object.kept(&self.config.extra);
        object.end();
    }

    /// Returns the image as one JSON object, in one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        text_of(|out| self.write_json(out))
    }

    /// Returns the image as the record of changes holds it: only what is set,
    /// without the times and the revision that the record has itself.
    #[must_use]
    pub fn to_recorded_json(&self) -> String {
        text_of(|out| {
            let mut object = ObjectWriter::new(out);
            write_fields(&mut object, self, Unset::Omitted);
            object.kept(&self.config.extra);
            object.end();
        })
    }
}

impl ImageSpec {
    /// Returns the spec as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        text_of(|out| {
            let mut object = ObjectWriter::new(out);
            object.text("baseImage", &self.base_image);
            optional(&mut object, "pullSecret", self.pull_secret.as_deref());
            object.object("packages", |packages| {
                for (manager, list) in [
                    ("apt", &self.apt),
                    ("conda", &self.conda),
                    ("pip", &self.pip),
                ] {
                    if !list.is_empty() {
                        packages.words(manager, list);
                    }
                }
            });
            object.kept(&self.extra);
            object.end();
        })
    }
}

impl JobStatus {
    /// Returns the status as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        text_of(|out| {
            let mut object = ObjectWriter::new(out);
            object.text("phase", self.phase.name());
            object.kept(&self.extra);
            object.end();
        })
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unset {
    AsNull,
    Omitted,
}

fn write_fields(object: &mut ObjectWriter<'_>, image: &Image, unset: Unset) {
    let config = &image.config;
    let always = unset == Unset::AsNull;
    let nullable = |object: &mut ObjectWriter<'_>, key, text: &Option<String>| match text {
        Some(text) => object.text(key, text),
        None if always => object.raw(key, "null"),
        None => {}
    };
    if always {
        object.text("id", &config.name);
    }
    object.text("name", &config.name);
    object.text("displayName", &config.display_name);
    nullable(object, "description", &config.description);
    object.text("type", config.image_type.name());
    nullable(object, "url", &config.url);
    nullable(object, "urlForGpu", &config.url_for_gpu);
    nullable(object, "useImagePullSecret", &config.use_image_pull_secret);
    optional(object, "pullSecret", config.pull_secret.as_deref());
    object.raw("global", flag(config.global));
    if always || !image.groups.is_empty() {
        object.list("groups", &image.groups, write_group);
    }
    match config.is_ready {
        Some(ready) => object.raw("isReady", flag(ready)),
        None if always => object.raw("isReady", "null"),
        None => {}
    }
    write_optional(object, config);
    write_seen(object, image);
}

/// The fields after `isReady` that a user gives: only where they are set.
fn write_optional(object: &mut ObjectWriter<'_>, config: &ImageConfig) {
    if let Some(spec) = &config.spec {
        object.raw("imageSpec", &spec.to_json());
    }
    if let Some(job) = &config.job {
        object.raw("jobStatus", &job.to_json());
    }
    if config.is_stale() {
        object.raw("stale", "true");
    }
    optional(
        object,
        "pullPolicy",
        config.pull_policy.map(PullPolicy::name),
    );
    if !config.tags.is_empty() {
        object.words("tags", &config.tags);
    }
    if !config.labels.is_empty() {
        object.raw("labels", &labels_json(&config.labels));
    }
    optional(object, "kind", config.kind.as_deref());
    optional(object, "command", config.command.as_deref());
    optional(object, "picture", config.picture.as_deref());
    optional(object, "author", config.author.as_deref());
    if config.archived {
        object.raw("archived", "true");
    }
    if !config.formats.is_empty() {
        object.words("formats", &config.formats);
    }
    optional(object, "pinnedTag", config.pinned_tag.as_deref());
}

fn write_seen(object: &mut ObjectWriter<'_>, image: &Image) {
    let seen = &image.seen;
    optional(object, "digest", seen.url.digest.as_deref());
    optional(object, "digestForGpu", seen.url_for_gpu.digest.as_deref());
    let leading = seen.leading();
    if !leading.platforms.is_empty() {
        object.words("platforms", &leading.platforms);
    }
    if let Some(size) = leading.size {
        object.raw("size", &size.to_string());
    }
    optional(object, "verifiedAt", leading.seen_at.as_deref());
    optional(object, "problem", seen.problem().as_deref());
    for (key, seen) in [
        ("vulnerabilities", &seen.url),
        ("vulnerabilitiesForGpu", &seen.url_for_gpu),
    ] {
        if let Some(scan) = &seen.scan {
            object.raw(key, &scan.to_json());
        }
    }
}

fn write_group(group: &Group, out: &mut Vec<u8>) {
    let mut object = ObjectWriter::new(out);
    object.text("id", &group.id);
    object.text("name", &group.name);
    object.text("displayName", &group.display_name);
    object.end();
}

/// Returns labels as JSON.
#[must_use]
pub fn labels_json(labels: &std::collections::BTreeMap<String, String>) -> String {
    text_of(|out| {
        out.push(b'{');
        for (index, (key, value)) in labels.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json_string(key, out);
            out.push(b':');
            write_json_string(value, out);
        }
        out.push(b'}');
    })
}

/// Returns strings as a JSON list.
#[must_use]
pub fn words_json(words: &[String]) -> String {
    text_of(|out| {
        out.push(b'[');
        for (index, word) in words.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json_string(word, out);
        }
        out.push(b']');
    })
}

fn flag(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

fn optional(object: &mut ObjectWriter<'_>, key: &'static str, text: Option<&str>) {
    if let Some(text) = text {
        object.text(key, text);
    }
}

fn text_of(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(512);
    write(&mut out);
    // Only whole strings and ASCII are written.
    String::from_utf8(out).unwrap_or_default()
}
