//! What points to a manifest: signatures, lists of contents, and other artifacts
//! that name it as their subject.

use reqwest::Method;

use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found, media_type_of};
use super::pages::Pages;
use super::requests::Client;
use super::transport::LARGEST_DOCUMENT;
use crate::domain::manifest::{Content, Descriptor, Manifest};
use crate::domain::reference::{Digest, Reference, Tag};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Client {
    /// Returns the referrers of a manifest, those of one type where it is given.
    ///
    /// A registry without the API keeps them behind the tag that stands for the
    /// digest (distribution spec, "Referrers Tag Schema").
    ///
    /// # Errors
    /// Where the registry cannot be asked, or answers with something else.
    pub async fn referrers(
        &self,
        reference: &Reference,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>> {
        let attempt = format!("cannot list the referrers of `{reference}`");
        let violation = |rule: String| Error::violation(&attempt, rule);
        let ask = Ask {
            accept: Some(INDEX),
            limit: LARGEST_DOCUMENT,
            ..Ask::of(reference, &Method::GET, "", &attempt)
        };
        let mut pages = Pages::default();
        let mut referrers = Vec::new();
        let mut next = Some(format!("referrers/{subject}"));
        let mut is_first = true;
        while let Some(path) = next {
            let page = Ask { path: &path, ..ask };
            let answer = self.ask(page).await?;
            if is_first && answer.status == 404 {
                referrers = self.behind_tag(reference, subject, &attempt).await?;
                break;
            }
            is_first = false;
            let answer = found(answer, ask)?;
            let said = media_type_of(&answer);
            let manifest = Manifest::checked(answer.body.clone(), said, &[]).map_err(violation)?;
            let Content::Index(entries) = manifest.content else {
                return Err(violation("what came is no index".to_owned()));
            };
            next = pages.next(&answer, entries.len()).map_err(violation)?;
            referrers.extend(entries);
        }
        // A registry need not do this, and says so only by a header.
        if let Some(wanted) = artifact_type {
            referrers.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
        }
        Ok(referrers)
    }

    async fn behind_tag(
        &self,
        reference: &Reference,
        subject: &Digest,
        attempt: &str,
    ) -> Result<Vec<Descriptor>> {
        let Some(fallback) = fallback(reference, subject) else {
            return Ok(Vec::new());
        };
        let manifest = match self.manifest(&fallback).await {
            Err(error) if error.reason == Reason::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        match manifest.content {
            Content::Index(entries) if manifest.descriptor.digest != *subject => Ok(entries),
            _ => {
                let rule = format!("`{fallback}` is not an index of referrers");
                Err(Error::violation(attempt, rule))
            }
        }
    }
}

/// Returns the tag that stands for a digest where a registry keeps no lists of
/// referrers.
pub fn fallback(reference: &Reference, subject: &Digest) -> Option<Reference> {
    let tag = format!("{}-{}", subject.algorithm(), subject.hex());
    // A tag has at most 128 characters, fewer than this has with `sha512`.
    let tag: String = tag.chars().take(128).collect();
    let tag = tag.parse::<Tag>().ok()?;
    Some(reference.clone().without_digest().with_tag(tag))
}
