//! Harbor's side of a publication, step by step.

use std::path::Path;

use super::contents::Contents;
use super::marks::{labels, set};
use super::record::described;
use super::rights::{explained, project};
use super::standing::Standing;
use super::{Publication, ScanRule};
use crate::domain::attached::Metadata;
use crate::domain::harbor::ScanSummary;
use crate::domain::reference::{Digest, Reference};
use crate::domain::scanned::Scanned;
use crate::domain::sighting::Sighting;
use crate::ops::attached::attach;
use crate::ops::harbor::scan as scanning;
use crate::ops::transfer::{Blobs, Choice, Destination, Source, Tick, copy_root};
use crate::ops::{Error, Result};
use crate::registry::{Harbor, Network};
use crate::store::pictures;

/// What was put into Harbor.
#[derive(Debug, Clone)]
pub struct Put {
    pub digest: Digest,
    pub seen: Sighting,
    /// What the image itself runs.
    pub command: Option<String>,
    pub blobs: Blobs,
}

/// What a publication works with.
pub struct Means<'a> {
    pub network: &'a Network,
    pub source: &'a Source,
    /// Where pictures are kept, which travel with the metadata.
    pub store: Option<&'a Path>,
    /// RFC 3339, UTC.
    pub now: &'a str,
    /// Told what is done next.
    pub say: &'a mut dyn FnMut(&str),
    pub tick: Tick<'a>,
}

/// Puts an image with its metadata into Harbor.
///
/// # Errors
/// Where it must not or cannot be put there. The tag is as it was then, unless it was
/// the last step that failed.
pub fn put(publication: &Publication, standing: &Standing, means: Means<'_>) -> Result<Put> {
    let Means {
        network,
        source,
        store,
        now,
        say,
        tick,
    } = means;
    let client = &network.client;
    let target = publication
        .reference()
        .ok_or_else(|| Error::invalid(format!("`{}` is no repository", publication.path())))?;
    let harbor = network.wait(client.harbor(&publication.registry))?;
    let project = network.wait(project(&harbor, publication))?;
    let root = source.root(network)?;
    let digest = root.descriptor.digest.clone();
    holder(network, publication, &target, &digest)?;
    let contents = Contents::of(network, source, &root)?;
    let mut done = Put {
        digest: digest.clone(),
        seen: Sighting {
            digest: Some(digest.to_string()),
            media_type: Some(root.descriptor.media_type.clone()),
            size: contents.size,
            platforms: contents.platforms,
            labels: contents.labels,
            seen_at: Some(now.to_owned()),
            ..Sighting::default()
        },
        command: contents.command,
        blobs: Blobs::default(),
    };
    // Metadata that breaks a rule is told before anything is sent.
    let config = described(publication, standing, &done)?;
    let picture = config.picture.as_deref().zip(store);
    let picture = picture.and_then(|(picture, store)| pictures::get(picture, store));
    let metadata = Metadata::of(&config, picture);
    let go_on = |tick: &mut dyn FnMut(&[_]) -> bool| match tick(&[]) {
        true => Ok(()),
        false => Err(Error::Interrupted),
    };
    let labels = network.wait(labels(&harbor, &project, publication, say))?;

    let whole = format!("{}/{}@{digest}", publication.registry, publication.path());
    let whole = Reference::parse_with_default(&whole, &publication.registry)
        .map_err(|error| Error::invalid(error.to_string()))?;
    if !is_same(source, &target) {
        say("copying the image");
        let there = Destination::Registry(whole.clone());
        let copied = copy_root(network, (source, &there), &root, &Choice::default(), tick);
        done.blobs = copied.map_err(|error| explained(error, publication))?.blobs;
    }
    go_on(tick)?;
    if let Some(rule) = publication.scan {
        say("waiting for the scan");
        let found = scanned(network, &harbor, publication, &digest, (rule, tick))?;
        done.seen.scan = Some(Scanned::of(&digest.to_string(), &found));
        // Before anything is changed that others see.
        holder(network, publication, &target, &digest)?;
    }
    go_on(tick)?;
    say("attaching the metadata");
    network
        .wait(attach(client, &whole, &metadata, now))
        .map_err(|error| explained(error, publication))?;
    go_on(tick)?;
    network.wait(set(&harbor, publication, &labels, &digest, say))?;
    go_on(tick)?;
    // Much time may have gone by, and somebody else may have taken it.
    if holder(network, publication, &target, &digest)?.as_ref() != Some(&digest) {
        say("setting the tag");
        network.wait(client.put_manifest(&target, &root))?;
    }
    read_back(network, &target, &digest)?;
    Ok(done)
}

/// Returns whether an image is where it is published already.
fn is_same(source: &Source, target: &Reference) -> bool {
    matches!(source, Source::Registry(reference)
        if reference.registry() == target.registry()
            && reference.repository() == target.repository())
}

/// Returns what a tag points to.
///
/// # Errors
/// Where that is another image, which is to keep it.
fn holder(
    network: &Network,
    publication: &Publication,
    target: &Reference,
    digest: &Digest,
) -> Result<Option<Digest>> {
    let there = network.wait(network.client.digest_for_push(target));
    let there = there.map_err(|error| explained(error.into(), publication))?;
    match &there {
        Some(other) if other != digest && !publication.overwrite => Err(Error::Exists {
            what: format!("`{target}` is another image already: {other}, and not {digest}"),
            hint: "take another tag, or move this one with `--overwrite`".to_owned(),
        }),
        _ => Ok(there),
    }
}

/// Returns what a scan finds.
///
/// # Errors
/// Where it finds what must not be published, or does not come to its end.
fn scanned(
    network: &Network,
    harbor: &Harbor<'_>,
    publication: &Publication,
    digest: &Digest,
    (rule, tick): (ScanRule, Tick<'_>),
) -> Result<ScanSummary> {
    let place = (
        publication.project.as_str(),
        publication.repository.as_str(),
    );
    let identifier = digest.to_string();
    let found = network.wait(async {
        let started = scanning::start(harbor, place, &identifier).await?;
        let timing = scanning::Timing::until(rule.patience);
        scanning::wait(harbor, place, &started, timing, &mut |_| tick(&[])).await
    })?;
    let worst = found.worst();
    if rule.fail_on.is_none_or(|limit| worst < limit) {
        return Ok(found);
    }
    let (path, tag) = (publication.path(), &publication.tag);
    let whole = format!("{}/{path}@{digest}", publication.registry);
    Err(Error::Policy {
        what: format!(
            "`{path}:{tag}` is not published: its scan found {}; the image is there without the \
             tag",
            found.words()
        ),
        hint: format!("`imgdex harbor vulnerabilities {whole}` shows them"),
    })
}

/// Fails where a reference does not point to what was put there.
fn read_back(network: &Network, target: &Reference, digest: &Digest) -> Result<()> {
    let head = network.wait(network.client.head(target));
    let head = head.map_err(|error| Error::Later {
        what: format!(
            "`{target}` was put there, and cannot be read back: {}",
            error.cause.unwrap_or(error.message)
        ),
        hint: "the catalog says nothing of it yet: run the same command again".to_owned(),
    })?;
    if head.digest == *digest {
        return Ok(());
    }
    Err(Error::Violation {
        what: format!(
            "`{target}` is {} now, and not {digest}, which was put there",
            head.digest
        ),
        hint: "somebody else may have pushed to it: look, and try again".to_owned(),
    })
}
