//! What the catalog says of a build: each step is one transaction, and none is open
//! while an engine works.

use super::{is_another, spec_of};
use crate::build::Base;
use crate::catalog::Catalog;
use crate::domain::built::Wanted;
use crate::domain::change::Actor;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::sighting::Sighting;
use crate::domain::spec::{JobPhase, JobStatus};
use crate::ops::{Error, Result};

/// A build that begins.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// The image that is built, as it was read.
    pub image: &'a Image,
    /// A name that no other build of the image has.
    pub job_name: &'a str,
    /// The reference that is pushed.
    pub target: &'a str,
}

/// How a build ends that makes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// The name by which it began.
    pub job_name: &'a str,
    pub phase: JobPhase,
    pub message: Option<&'a str>,
}

/// A build that was pushed, and read back.
#[derive(Debug, Clone)]
pub struct Done {
    /// When the image was created, by which another one of its name is told apart.
    pub created_at: String,
    pub url: String,
    /// What it was made of.
    pub made: Wanted,
    /// The name by which this process began it; unset where it was only found.
    pub begun_as: Option<String>,
    pub seen: Sighting,
}

/// Returns what is to be made of an image upon a base image.
///
/// # Errors
/// Where it has no spec.
pub fn wanted(image: &Image, base: &Base) -> Result<Wanted> {
    let (spec, digest) = (spec_of(image)?, base.digest.clone().unwrap_or_default());
    Ok(Wanted {
        key: spec.build_key(&digest),
        base_digest: digest,
        base_image: spec.base_image.clone(),
    })
}

/// Writes that a build began, by which name, and where its image is pushed to.
///
/// # Errors
/// Where the image is gone or another one, and where it has no spec any more.
pub fn begin(catalog: &mut Catalog, actor: Actor, build: Begun<'_>) -> Result<Image> {
    mark(catalog, actor, build, JobPhase::Running, &[])
}

/// Writes that somebody else is to build it, and what. The label
/// `org.opencontainers.image.created` is `created` of the only image that will do; unset
/// where any other of the same key does, too.
///
/// # Errors
/// As [`begin`].
pub fn pending(
    catalog: &mut Catalog,
    actor: Actor,
    build: Begun<'_>,
    wanted: &Wanted,
    created: Option<&str>,
) -> Result<Image> {
    let mut fields = wanted.fields().to_vec();
    fields.push(("created", created));
    mark(catalog, actor, build, JobPhase::Pending, &fields)
}

fn mark(
    catalog: &mut Catalog,
    actor: Actor,
    build: Begun<'_>,
    phase: JobPhase,
    more: &[(&str, Option<&str>)],
) -> Result<Image> {
    let Begun { image, .. } = build;
    let name = &image.config.name;
    change(catalog, actor, name, &image.created_at, |image| {
        let job = image.config.job_before_a_build();
        let mut fields = vec![
            ("jobName", Some(build.job_name)),
            ("target", Some(build.target)),
            ("message", None),
        ];
        fields.extend(Wanted::NONE);
        fields.extend_from_slice(more);
        Ok(with(image, JobStatus::after(job.as_ref(), phase, &fields)))
    })
}

/// Writes how a build ended that made nothing: the last good reference stands.
///
/// # Errors
/// Where the image is gone, or is no more what was begun to be built.
pub fn end(catalog: &mut Catalog, actor: Actor, name: &str, ending: Ending<'_>) -> Result<Image> {
    let writer = catalog.begin(actor)?;
    let (image, _) = writer.update_image::<Error>(name, "build", |image| {
        check_begun(image, ending.job_name)?;
        let fields = [("message", ending.message)];
        let job = JobStatus::after(image.config.job.as_ref(), ending.phase, &fields);
        Ok(with(image, job))
    })?;
    writer.commit()?;
    Ok(image)
}

fn with(image: &Image, job: JobStatus) -> NewImage {
    let config = ImageConfig {
        job: Some(job),
        ..image.config.clone()
    };
    NewImage {
        config,
        seen: image.seen.clone(),
        groups: GroupsInput::unchanged(),
    }
}

/// Checks that the build of that name is the one that runs.
fn check_begun(image: &Image, job_name: &str) -> Result<()> {
    let job = image.config.job.as_ref();
    let is_ours = |job: &&JobStatus| {
        job.phase == JobPhase::Running && job.text("jobName").as_deref() == Some(job_name)
    };
    match job.filter(is_ours) {
        Some(_) => Ok(()),
        None => Err(is_another(&image.config.name)),
    }
}

/// Writes that an image is built: its reference, what was seen of that, that it is
/// ready, and of what it was made. One that is `begun_as` must still be the one that runs.
///
/// # Errors
/// As [`begin`].
pub fn succeed(catalog: &mut Catalog, actor: Actor, name: &str, done: &Done) -> Result<Image> {
    let made = &done.made;
    let mut fields = vec![
        ("image", Some(done.url.as_str())),
        ("key", Some(made.key.as_str())),
        ("baseDigest", Some(made.base_digest.as_str())),
        ("baseImage", Some(made.base_image.as_str())),
        ("target", None),
        ("message", None),
    ];
    fields.extend(Wanted::NONE);
    change(catalog, actor, name, &done.created_at, |image| {
        if let Some(job_name) = &done.begun_as {
            check_begun(image, job_name)?;
        }
        let job = JobStatus::after(image.config.job.as_ref(), JobPhase::Succeeded, &fields);
        let is_new = image.config.url.as_deref() != Some(&done.url);
        let config = ImageConfig {
            url: Some(done.url.clone()),
            pinned_tag: image.config.pinned_tag.clone().filter(|_| !is_new),
            is_ready: Some(true),
            job: Some(job),
            ..image.config.clone()
        };
        let mut seen = image.seen.clone();
        seen.url = Sighting {
            scan: image.seen.url.scan.clone(),
            ..done.seen.clone()
        };
        seen.url.forget_other_scan();
        Ok(NewImage {
            config,
            seen,
            groups: GroupsInput::unchanged(),
        })
    })
}

fn change(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    created_at: &str,
    changed: impl FnOnce(&Image) -> Result<NewImage>,
) -> Result<Image> {
    let writer = catalog.begin(actor)?;
    let (image, _) = writer.update_image::<Error>(name, "build", |image| {
        // Somebody may have changed it since it was read, or made another one.
        if image.created_at != created_at {
            return Err(is_another(name));
        }
        spec_of(image)?;
        changed(image)
    })?;
    writer.commit()?;
    Ok(image)
}
