//! What the catalog says of a build: each step is one transaction, and none is open
//! while an engine works.

use crate::catalog::Catalog;
use crate::domain::change::Actor;
use crate::domain::group::GroupsInput;
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::sighting::Sighting;
use crate::domain::spec::{JobPhase, JobStatus};
use crate::ops::{Error, Result};

/// A build that was pushed, and read back.
#[derive(Debug, Clone)]
pub struct Done {
    pub url: String,
    pub key: String,
    pub base_digest: String,
    pub job_name: String,
    pub seen: Sighting,
}

/// Writes that a build began, and where its image is pushed to.
///
/// # Errors
/// For an unknown image, and one that has no spec any more.
pub fn begin(catalog: &mut Catalog, actor: Actor, name: &str, target: &str) -> Result<Image> {
    let fields = [("target", Some(target)), ("message", None)];
    mark(catalog, actor, name, JobPhase::Running, &fields)
}

/// Writes that somebody else is to build it.
///
/// # Errors
/// As [`begin`].
pub fn pending(catalog: &mut Catalog, actor: Actor, name: &str, target: &str) -> Result<Image> {
    let fields = [("target", Some(target)), ("message", None)];
    mark(catalog, actor, name, JobPhase::Pending, &fields)
}

/// Writes how a build ended that made nothing: the last good reference stands.
///
/// # Errors
/// As [`begin`].
pub fn end(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    phase: JobPhase,
    message: Option<&str>,
) -> Result<Image> {
    mark(catalog, actor, name, phase, &[("message", message)])
}

fn mark(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    phase: JobPhase,
    fields: &[(&str, Option<&str>)],
) -> Result<Image> {
    change(catalog, actor, name, |image| {
        let mut config = image.config.clone();
        config.job = Some(JobStatus::after(config.job.as_ref(), phase, fields));
        NewImage {
            config,
            seen: image.seen.clone(),
            groups: GroupsInput::unchanged(),
        }
    })
}

/// Writes that an image is built: its reference, what was seen of that, that it is
/// ready, and by which build.
///
/// # Errors
/// As [`begin`].
pub fn succeed(catalog: &mut Catalog, actor: Actor, name: &str, done: &Done) -> Result<Image> {
    let fields = [
        ("jobName", Some(done.job_name.as_str())),
        ("image", Some(done.url.as_str())),
        ("key", Some(done.key.as_str())),
        ("baseDigest", Some(done.base_digest.as_str())),
        ("target", None),
        ("message", None),
    ];
    change(catalog, actor, name, |image| {
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
        NewImage {
            config,
            seen,
            groups: GroupsInput::unchanged(),
        }
    })
}

fn change(
    catalog: &mut Catalog,
    actor: Actor,
    name: &str,
    changed: impl FnOnce(&Image) -> NewImage,
) -> Result<Image> {
    let writer = catalog.begin(actor)?;
    let (image, _) = writer.update_image::<Error>(name, "build", |image| {
        // Somebody may have changed it while it was built.
        super::spec_of(image)?;
        Ok(changed(image))
    })?;
    writer.commit()?;
    Ok(image)
}
