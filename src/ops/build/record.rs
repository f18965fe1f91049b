//! What the catalog says of a build: each step is one transaction, and none is open
//! while an engine works.

use crate::build::Base;
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
    /// As the spec that was built names it.
    pub base_image: Option<String>,
    /// The name by which this process began it; unset where it was only found.
    pub begun_as: Option<String>,
    pub seen: Sighting,
}

impl Done {
    /// Returns what a registry has of an image that is built upon that base image.
    ///
    /// # Errors
    /// Where the image has no spec.
    pub fn new(image: &Image, base: &Base, url: String, seen: Sighting) -> Result<Self> {
        Ok(Self {
            url,
            key: super::key_of(image, base)?,
            base_digest: base.digest.clone().unwrap_or_default(),
            base_image: (image.config.spec.as_ref()).map(|spec| spec.base_image.clone()),
            begun_as: None,
            seen,
        })
    }
}

/// How a build ends that makes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// The name by which it began.
    pub job_name: &'a str,
    pub phase: JobPhase,
    pub message: Option<&'a str>,
}

/// A build that begins.
#[derive(Debug, Clone, Copy)]
pub struct Begun<'a> {
    /// A name that no other build of the image has.
    pub job_name: &'a str,
    /// The reference that is pushed.
    pub target: &'a str,
    /// The label `org.opencontainers.image.created` of the only image that will do; unset
    /// where any other of the same key does, too.
    pub created: Option<&'a str>,
}

/// Writes that a build began, by which name, and where its image is pushed to.
///
/// # Errors
/// For an unknown image, and one that has no spec any more.
pub fn begin(catalog: &mut Catalog, actor: Actor, name: &str, build: Begun<'_>) -> Result<Image> {
    let job = |job: Option<&JobStatus>| begun(job, JobPhase::Running, &build);
    change(catalog, actor, name, |image| Ok(with(image, job)))
}

/// Writes that somebody else is to build it.
///
/// # Errors
/// As [`begin`].
pub fn pending(catalog: &mut Catalog, actor: Actor, name: &str, build: Begun<'_>) -> Result<Image> {
    let job = |job: Option<&JobStatus>| begun(job, JobPhase::Pending, &build);
    change(catalog, actor, name, |image| Ok(with(image, job)))
}

fn begun(before: Option<&JobStatus>, phase: JobPhase, build: &Begun<'_>) -> JobStatus {
    let fields = [
        ("jobName", Some(build.job_name)),
        ("target", Some(build.target)),
        ("created", build.created),
        ("message", None),
    ];
    JobStatus::after(before, phase, &fields)
}

/// Writes how a build ended that made nothing: the last good reference stands.
///
/// # Errors
/// As [`begin`], and where the image is no more what was begun to be built.
pub fn end(catalog: &mut Catalog, actor: Actor, name: &str, ending: Ending<'_>) -> Result<Image> {
    change(catalog, actor, name, |image| {
        check_begun(image, ending.job_name)?;
        let fields = [("message", ending.message)];
        let job = |job: Option<&JobStatus>| JobStatus::after(job, ending.phase, &fields);
        Ok(with(image, job))
    })
}

fn with(image: &Image, job: impl Fn(Option<&JobStatus>) -> JobStatus) -> NewImage {
    let mut config = image.config.clone();
    config.job = Some(job(config.job.as_ref()));
    NewImage {
        config,
        seen: image.seen.clone(),
        groups: GroupsInput::unchanged(),
    }
}

/// Checks that the build of that name is the one that runs: somebody may have deleted the
/// image and made another one of its name.
fn check_begun(image: &Image, job_name: &str) -> Result<()> {
    let job = image.config.job.as_ref();
    let is_ours = |job: &&JobStatus| {
        job.phase == JobPhase::Running && job.text("jobName").as_deref() == Some(job_name)
    };
    if job.filter(is_ours).is_some() {
        return Ok(());
    }
    let name = &image.config.name;
    Err(Error::Exists {
        what: format!("image `{name}` is no more the one whose build began"),
        hint: format!("`imgdex images history {name}` shows what became of it"),
    })
}

/// Writes that an image is built: its reference, what was seen of that, that it is
/// ready, and by which build. One that is `begun` must still be the one that runs.
///
/// # Errors
/// As [`end`].
pub fn succeed(catalog: &mut Catalog, actor: Actor, name: &str, done: &Done) -> Result<Image> {
    let fields = [
        ("image", Some(done.url.as_str())),
        ("key", Some(done.key.as_str())),
        ("baseDigest", Some(done.base_digest.as_str())),
        ("baseImage", done.base_image.as_deref()),
        ("target", None),
        ("created", None),
        ("message", None),
    ];
    change(catalog, actor, name, |image| {
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
    changed: impl FnOnce(&Image) -> Result<NewImage>,
) -> Result<Image> {
    let writer = catalog.begin(actor)?;
    let (image, _) = writer.update_image::<Error>(name, "build", |image| {
        // Somebody may have changed it while it was built.
        super::spec_of(image)?;
        changed(image)
    })?;
    writer.commit()?;
    Ok(image)
}
