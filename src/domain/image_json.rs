//! An image as JSON: the one shape that lists, exports and the record of
//! changes share, with its fields in their documented order.

use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use super::image::{Image, ImageConfig, Seen};
use super::spec::{ImageSpec, JobStatus};

impl Serialize for Image {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_fields(&mut map, self, Unset::AsNull)?;
        map.serialize_entry("createdAt", &self.created_at)?;
        map.serialize_entry("updatedAt", &self.updated_at)?;
        map.serialize_entry("revision", &self.revision)?;
        write_extra(&mut map, &self.config.extra)?;
        map.end()
    }
}

/// An image as the record of changes holds it: only what is set, without the
/// times and the revision that the record has itself.
pub struct Recorded<'a>(pub &'a Image);

impl Serialize for Recorded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write_fields(&mut map, self.0, Unset::Omitted)?;
        write_extra(&mut map, &self.0.config.extra)?;
        map.end()
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unset {
    AsNull,
    Omitted,
}

fn write_fields<M: SerializeMap>(map: &mut M, image: &Image, unset: Unset) -> Result<(), M::Error> {
    let config = &image.config;
    let nulls = unset == Unset::AsNull;
    if nulls {
        map.serialize_entry("id", &config.name)?;
    }
    map.serialize_entry("name", &config.name)?;
    map.serialize_entry("displayName", &config.display_name)?;
    entry(map, "description", config.description.as_ref(), nulls)?;
    map.serialize_entry("type", config.image_type.name())?;
    entry(map, "url", config.url.as_ref(), nulls)?;
    entry(map, "urlForGpu", config.url_for_gpu.as_ref(), nulls)?;
    entry(
        map,
        "useImagePullSecret",
        config.use_image_pull_secret.as_ref(),
        nulls,
    )?;
    entry(map, "pullSecret", config.pull_secret.as_ref(), false)?;
    map.serialize_entry("global", &config.global)?;
    if nulls || !image.groups.is_empty() {
        map.serialize_entry("groups", &image.groups)?;
    }
    entry(map, "isReady", config.is_ready, nulls)?;
    write_optional(map, config)?;
    write_seen(map, &image.seen)
}

/// The fields after `isReady` that a user gives: only where they are set.
fn write_optional<M: SerializeMap>(map: &mut M, config: &ImageConfig) -> Result<(), M::Error> {
    entry(map, "imageSpec", config.spec.as_ref(), false)?;
    entry(map, "jobStatus", config.job.as_ref(), false)?;
    let policy = config.pull_policy.map(super::image::PullPolicy::name);
    entry(map, "pullPolicy", policy, false)?;
    if !config.tags.is_empty() {
        map.serialize_entry("tags", &config.tags)?;
    }
    if !config.labels.is_empty() {
        map.serialize_entry("labels", &config.labels)?;
    }
    entry(map, "kind", config.kind.as_ref(), false)?;
    entry(map, "command", config.command.as_ref(), false)?;
    entry(map, "picture", config.picture.as_ref(), false)?;
    entry(map, "author", config.author.as_ref(), false)?;
    if config.archived {
        map.serialize_entry("archived", &true)?;
    }
    if !config.formats.is_empty() {
        map.serialize_entry("formats", &config.formats)?;
    }
    entry(map, "pinnedTag", config.pinned_tag.as_ref(), false)
}

fn write_seen<M: SerializeMap>(map: &mut M, seen: &Seen) -> Result<(), M::Error> {
    entry(map, "digest", seen.url.digest.as_ref(), false)?;
    entry(map, "digestForGpu", seen.url_for_gpu.digest.as_ref(), false)?;
    let leading = seen.leading();
    if !leading.platforms.is_empty() {
        map.serialize_entry("platforms", &leading.platforms)?;
    }
    entry(map, "size", leading.size, false)?;
    entry(map, "verifiedAt", leading.seen_at.as_ref(), false)?;
    entry(map, "problem", seen.problem(), false)
}

fn entry<M: SerializeMap, T: Serialize>(
    map: &mut M,
    key: &'static str,
    value: Option<T>,
    null_where_unset: bool,
) -> Result<(), M::Error> {
    if value.is_some() || null_where_unset {
        map.serialize_entry(key, &value)?;
    }
    Ok(())
}

fn write_extra<M: SerializeMap>(map: &mut M, extra: &[(String, String)]) -> Result<(), M::Error> {
    for (key, text) in extra {
        let raw: &RawValue = serde_json::from_str(text).map_err(M::Error::custom)?;
        map.serialize_entry(key, raw)?;
    }
    Ok(())
}

impl Serialize for ImageSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("baseImage", &self.base_image)?;
        entry(&mut map, "pullSecret", self.pull_secret.as_ref(), false)?;
        map.serialize_entry("packages", &Packages(self))?;
        write_extra(&mut map, &self.extra)?;
        map.end()
    }
}

struct Packages<'a>(&'a ImageSpec);

impl Serialize for Packages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let lists = [
            ("apt", &self.0.apt),
            ("conda", &self.0.conda),
            ("pip", &self.0.pip),
        ];
        for (manager, packages) in lists {
            if !packages.is_empty() {
                map.serialize_entry(manager, packages)?;
            }
        }
        map.end()
    }
}

impl Serialize for JobStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("phase", self.phase.name())?;
        write_extra(&mut map, &self.extra)?;
        map.end()
    }
}
