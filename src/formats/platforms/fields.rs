//! Which fields of an image a platform has a place for: what an import replaces,
//! and what an export leaves behind.

use super::super::document::{Node, Value};
use super::super::image_update::keep_what_is_still_true;
use super::{Incoming, adalab, imagestream, kept, kubeflow, kubespawner, primehub};
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, ImageConfig, ImageType, NewImage};
use crate::domain::platform::Platform;
use crate::domain::reference::Reference;

/// A field, or some that belong together, that a platform may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    DisplayName,
    Description,
    Type,
    Url,
    UrlForGpu,
    /// `useImagePullSecret` or `pullSecret`.
    PullSecret,
    Global,
    Groups,
    Spec,
    Job,
    PullPolicy,
    Tags,
    Labels,
    Kind,
    Command,
    Picture,
    Author,
    Archived,
    Ready,
    Digest,
}

impl Field {
    /// Every field that a user gives, in the order in which an image is printed.
    const GIVEN: [Self; 17] = [
        Self::DisplayName,
        Self::Description,
        Self::Type,
        Self::Url,
        Self::UrlForGpu,
        Self::PullSecret,
        Self::Global,
        Self::Groups,
        Self::Spec,
        Self::Job,
        Self::PullPolicy,
        Self::Tags,
        Self::Labels,
        Self::Kind,
        Self::Command,
        Self::Picture,
        Self::Archived,
    ];

    /// Returns the name that the field has in the catalog's JSON, where the image
    /// has something in it that would be missed.
    fn missed(self, image: &Image) -> Option<&'static str> {
        let config = &image.config;
        let (name, is_set) = match self {
            Self::DisplayName => ("displayName", config.display_name != config.name),
            Self::Description => ("description", config.description.is_some()),
            Self::Type => ("type", config.image_type != ImageType::default()),
            Self::Url => ("url", config.url.is_some()),
            Self::UrlForGpu => ("urlForGpu", config.url_for_gpu.is_some()),
            Self::PullSecret if config.use_image_pull_secret.is_some() => {
                ("useImagePullSecret", true)
            }
            Self::PullSecret => ("pullSecret", config.pull_secret.is_some()),
            Self::Global => ("global", config.global),
            Self::Groups => ("groups", !image.groups.is_empty()),
            Self::Spec => ("imageSpec", config.spec.is_some()),
            Self::Job => ("jobStatus", config.job.is_some()),
            Self::PullPolicy => ("pullPolicy", config.pull_policy.is_some()),
            Self::Tags => ("tags", !config.tags.is_empty()),
            Self::Labels => ("labels", !config.labels.is_empty()),
            Self::Kind => ("kind", config.kind.is_some()),
            Self::Command => ("command", config.command.is_some()),
            Self::Picture => ("picture", config.picture.is_some()),
            Self::Archived => ("archived", config.archived),
            Self::Author => ("author", config.author.is_some()),
            Self::Ready => ("isReady", config.is_ready.is_some()),
            Self::Digest => ("digest", image.seen.url.digest.is_some()),
        };
        is_set.then_some(name)
    }

    fn copy(self, from: &NewImage, to: &mut NewImage) {
        let (old, new) = (&mut to.config, &from.config);
        match self {
            Self::DisplayName => old.display_name.clone_from(&new.display_name),
            Self::Description => old.description.clone_from(&new.description),
            Self::Type => old.image_type = new.image_type,
            Self::Url => take_reference(&mut old.url, new.url.as_ref()),
            Self::UrlForGpu => take_reference(&mut old.url_for_gpu, new.url_for_gpu.as_ref()),
            Self::PullSecret => {
                old.use_image_pull_secret
                    .clone_from(&new.use_image_pull_secret);
                old.pull_secret.clone_from(&new.pull_secret);
            }
            Self::Global => old.global = new.global,
            Self::Groups => to.groups.clone_from(&from.groups),
            Self::Spec => old.spec.clone_from(&new.spec),
            Self::Job => old.job.clone_from(&new.job),
            Self::PullPolicy => old.pull_policy = new.pull_policy,
            Self::Tags => old.tags.clone_from(&new.tags),
            Self::Labels => old.labels.clone_from(&new.labels),
            Self::Kind => old.kind.clone_from(&new.kind),
            Self::Command => old.command.clone_from(&new.command),
            Self::Picture => old.picture.clone_from(&new.picture),
            Self::Archived => old.archived = new.archived,
            Self::Author => old.author.clone_from(&new.author),
            Self::Ready => old.is_ready = new.is_ready,
            Self::Digest => to.seen.url.digest.clone_from(&from.seen.url.digest),
        }
    }
}

/// Takes a reference over, unless it says the same in other words (`alpine` and
/// `docker.io/library/alpine:latest`).
fn take_reference(old: &mut Option<String>, new: Option<&String>) {
    let meaning = |text: &String| {
        let reference = Reference::parse(text).ok()?;
        Some((
            reference.registry().to_string(),
            reference.repository().as_str().to_owned(),
            reference.tag_or_latest().map(str::to_owned),
            reference.digest().map(|digest| digest.as_str().to_owned()),
        ))
    };
    let is_same = match (old.as_ref(), new) {
        (Some(old), Some(new)) => meaning(old).is_some_and(|old| Some(old) == meaning(new)),
        _ => false,
    };
    if !is_same {
        *old = new.cloned();
    }
}

/// Returns an image of the catalog as a platform's file wants it: the fields that
/// the file has are replaced, and the others stay.
#[must_use]
pub fn overlaid(platform: Platform, before: &Image, incoming: &Incoming) -> NewImage {
    let mut after = NewImage {
        config: before.config.clone(),
        groups: GroupsInput::unchanged(),
        seen: before.seen.clone(),
    };
    let observed = [Field::Ready, Field::Digest];
    let (seen, given): (Vec<Field>, Vec<Field>) =
        (incoming.fields.iter()).partition(|field| observed.contains(field));
    let is_resource = platform == Platform::Primehub && !is_patch(platform, incoming);
    let is_pinned = platform == Platform::Adalab && adalab::is_pinned_form(before, &incoming.image);
    for field in given {
        let new = &incoming.image;
        let is_same = says_the_same(platform, field, &after.config, &new.config);
        let stays = is_same
            || is_pinned && field == Field::Url
            || is_resource && primehub::cannot_say(field, &before.config, &new.config);
        if !stays {
            field.copy(new, &mut after);
        }
    }
    if after.config.url != before.config.url {
        after.config.pinned_tag = None;
    }
    if is_patch(platform, incoming) {
        take_extra(incoming.image.config.extra.clone(), &mut after.config);
    } else {
        take_kept(platform, incoming, &mut after.config);
    }
    if !after
        .config
        .formats
        .iter()
        .any(|format| format == platform.name())
    {
        after.config.formats.push(platform.name().to_owned());
    }
    keep_what_is_still_true(before, &mut after);
    for field in seen {
        if !(is_pinned && field == Field::Digest) {
            field.copy(&incoming.image, &mut after);
        }
    }
    super::super::image::settle_readiness(&mut after.config);
    after
}

/// Returns whether two images say the same of a field, though not in the same words:
/// what a platform writes otherwise than it was, it does not change.
fn says_the_same(platform: Platform, field: Field, old: &ImageConfig, new: &ImageConfig) -> bool {
    match (platform, field) {
        (Platform::Kubespawner, Field::Command) => match (&old.command, &new.command) {
            (Some(old), Some(new)) => kubespawner::is_same_command(old, new),
            _ => false,
        },
        // There is no more than runtimes and all others.
        (Platform::Opendatahub, Field::Kind) => {
            let is_runtime = |config: &ImageConfig| config.kind.as_deref() == Some("runtime");
            !is_runtime(old) && !is_runtime(new)
        }
        // A kind that AdaLab has no type for is not written.
        (Platform::Adalab, Field::Kind) => {
            let kind = old.kind.as_deref();
            new.kind.is_none() && kind.is_some_and(|kind| !adalab::is_type(kind))
        }
        // An empty one is not written.
        (Platform::Kubeflow, Field::Description) => [old, new]
            .iter()
            .all(|config| config.description.as_deref().is_none_or(str::is_empty)),
        _ => false,
    }
}

/// Returns whether a file is a patch: PrimeHub's JSON says only what it names, and
/// what it does not name stays, while its resource says all of an image.
fn is_patch(platform: Platform, incoming: &Incoming) -> bool {
    let said = |field: &Field| incoming.fields.contains(field) || *field == Field::Groups;
    platform == Platform::Primehub && !held(platform).iter().all(said)
}

/// Replaces what was kept of an earlier file by what is kept of this one.
fn take_kept(platform: Platform, incoming: &Incoming, to: &mut ImageConfig) {
    let from = &incoming.image.config;
    let old = kept::kept_of(to, platform);
    let mut new = kept::kept_of(from, platform);
    if platform == Platform::Kubeflow {
        // Two files speak of one image: what the other said stays.
        let other = kubeflow::other_part(incoming, old.as_ref());
        new = new.and_then(|new| kubeflow::with_default_of(old.as_ref(), new));
        new = match (new, other) {
            (Some(new), other) => Some(kept::with_kept(new, other.as_ref())),
            (None, other) => other,
        };
    }
    if platform == Platform::Opendatahub && old.is_none() {
        new = new.filter(|new| !imagestream::is_only_written(to, new));
    }
    let is_same = match (&old, &new) {
        (Some(old), Some(new)) => kept::is_same(old, new),
        _ => false,
    };
    let mut taken = ImageConfig::default();
    kept::keep(&mut taken, platform, if is_same { old } else { new });
    if taken.extra.is_empty() {
        to.extra.retain(|(key, _)| key != platform.name());
    }
    let others = (from.extra.iter()).filter(|(key, _)| key != platform.name());
    take_extra(taken.extra.into_iter().chain(others.cloned()).collect(), to);
}

/// Adds unknown fields, in place of those of the same name.
fn take_extra(incoming: Vec<(String, String)>, to: &mut ImageConfig) {
    for (key, value) in incoming {
        match to.extra.iter_mut().find(|(known, _)| *known == key) {
            Some(known) => known.1 = value,
            None => to.extra.push((key, value)),
        }
    }
}

/// Returns whether an import changes no more of an image than that it belongs to
/// the platform, and its place among the tags of its ImageStream.
#[must_use]
pub fn says_nothing_new(platform: Platform, before: &Image, after: &NewImage) -> bool {
    let neutral = |config: &ImageConfig| {
        let mut config = config.clone();
        config.formats.clear();
        if platform == Platform::Opendatahub
            && let Some(Ok(mut entries)) = kept::kept_of(&config, platform).map(Node::into_map)
        {
            entries.retain(|entry| entry.key != "order");
            config.extra.retain(|(key, _)| key != platform.name());
            kept::keep(&mut config, platform, Some(Node::new(Value::Map(entries))));
        }
        config
    };
    let none = GroupsInput::unchanged();
    after.groups == none
        && before.seen == after.seen
        && neutral(&before.config) == neutral(&after.config)
}

/// Returns the fields that a platform has a place for.
#[must_use]
pub fn held(platform: Platform) -> &'static [Field] {
    match platform {
        Platform::RuntimeImages => &[
            Field::DisplayName,
            Field::Description,
            Field::Url,
            Field::PullSecret,
            Field::PullPolicy,
            Field::Tags,
        ],
        Platform::Primehub => &[
            Field::DisplayName,
            Field::Description,
            Field::Type,
            Field::Url,
            Field::UrlForGpu,
            Field::PullSecret,
            Field::Groups,
            Field::Spec,
            Field::Job,
        ],
        Platform::Opendatahub => &[
            Field::DisplayName,
            Field::Description,
            Field::Url,
            Field::Kind,
        ],
        Platform::Kubespawner => &[
            Field::DisplayName,
            Field::Description,
            Field::Url,
            Field::PullSecret,
            Field::PullPolicy,
            Field::Command,
        ],
        Platform::Kubeflow => &[
            Field::DisplayName,
            Field::Description,
            Field::Url,
            Field::PullPolicy,
            Field::Labels,
        ],
        Platform::Adalab => &[
            Field::DisplayName,
            Field::Description,
            Field::Url,
            Field::Kind,
            Field::Command,
            Field::Picture,
            Field::Author,
            Field::Archived,
            Field::Ready,
            Field::Digest,
        ],
        Platform::Kustomize => &[Field::Url],
    }
}

/// Returns the names of the fields that the platform has no place for and that
/// the image has something in: what an export leaves behind. What the program
/// itself notes of an image (its author, times, what was seen) is not among them.
#[must_use]
pub fn lost(platform: Platform, image: &Image) -> Vec<String> {
    let held = held(platform);
    let mut lost: Vec<String> = Field::GIVEN
        .iter()
        .filter(|field| {
            let is_held = held.contains(field) || is_held_by_runtime(platform, **field, image);
            !is_held || !has_room(platform, **field, image)
        })
        .filter_map(|field| field.missed(image).map(str::to_owned))
        .collect();
    // Shown as another field of the same name as the platform's own.
    lost.extend(
        (image.config.extra.iter())
            .filter(|(key, _)| key != platform.name())
            .map(|(key, _)| key.clone()),
    );
    lost
}

/// Returns whether Open Data Hub has a place for a field in its runtimes alone.
fn is_held_by_runtime(platform: Platform, field: Field, image: &Image) -> bool {
    platform == Platform::Opendatahub
        && image.config.kind.as_deref() == Some("runtime")
        && RUNTIME_ONLY.contains(&field)
}

/// What Open Data Hub has in the metadata of a runtime, and nowhere for a workbench.
pub(super) const RUNTIME_ONLY: [Field; 3] = [Field::Tags, Field::PullPolicy, Field::PullSecret];

/// Returns whether a field that the platform has can take what the image has in
/// it.
fn has_room(platform: Platform, field: Field, image: &Image) -> bool {
    let kind = image.config.kind.as_deref().unwrap_or_default();
    match (platform, field) {
        (Platform::Primehub, Field::Groups) => image.groups.len() <= 1 && !image.config.global,
        (Platform::Primehub, Field::Spec) => primehub::has_room_for_spec(&image.config),
        (Platform::Primehub, Field::Job) => primehub::has_room_for_job(&image.config),
        (Platform::Opendatahub, Field::Kind) => ["notebook", "runtime"].contains(&kind),
        (Platform::Adalab, Field::Kind) => ADALAB_TYPES.contains(&kind),
        _ => true,
    }
}

/// The types of AdaLab's images.
pub(super) const ADALAB_TYPES: [&str; 5] = ["app", "base", "internal", "kernel", "lab_app"];
