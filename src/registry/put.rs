//! Manifests put into a registry, and what refers to others made known there.

use bytes::Bytes;
use reqwest::Method;

use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found};
use super::requests::Client;
use super::transport::{Request, same_origin};
use crate::domain::manifest::{ACCEPT, Content, Descriptor, Manifest, OCI_INDEX};
use crate::domain::reference::{Digest, Reference};

impl Client {
    /// Returns what a reference points to, as the registry says and with the rights
    /// that are needed to push to it; nothing where it is not there.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub async fn digest_for_push(&self, reference: &Reference) -> Result<Option<Digest>> {
        let attempt = format!("cannot look `{reference}` up");
        let path = format!("manifests/{}", reference.identifier());
        let ask = Ask {
            actions: "pull,push",
            accept: Some(ACCEPT),
            ..Ask::of(reference, &Method::HEAD, &path, &attempt)
        };
        let answer = self.ask(ask).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let answer = found(answer, ask)?;
        let said = answer.header("docker-content-digest");
        let said = said.and_then(|text| text.parse().ok());
        if let Some(digest) = said.or_else(|| reference.digest().cloned()) {
            return Ok(Some(digest));
        }
        // It is there, and some registries do not say what it is.
        Ok(Some(self.manifest(reference).await?.descriptor.digest))
    }

    /// Checks that images may be pushed to a reference's repository, by an upload that is
    /// begun and given up.
    ///
    /// # Errors
    /// Where they may not, and where the registry cannot be asked.
    pub async fn check_push(&self, reference: &Reference) -> Result<()> {
        let attempt = format!("cannot push to `{reference}`");
        let ask = Ask {
            actions: "pull,push",
            ..Ask::of(reference, &Method::POST, "blobs/uploads/", &attempt)
        };
        let answer = found(self.ask(ask).await?, ask)?;
        let request = Request::new(Method::POST, answer.url.clone(), &attempt);
        let upload = self.transport.place_of(&request, &answer)?;
        if same_origin(&upload, &self.transport.base(reference.registry()).await?) {
            // Registries forget by themselves what is not gone on with.
            let ask = Ask {
                actions: "pull,push",
                ..Ask::of(reference, &Method::DELETE, upload.as_str(), &attempt)
            };
            let _ = self.ask(ask).await;
        }
        Ok(())
    }

    /// Puts a manifest under the tag or digest of a reference. Where it has a subject
    /// and the registry keeps no list of referrers, the list is kept behind a tag
    /// (distribution spec, "Pushing Manifests with Subject").
    ///
    /// # Errors
    /// Where it is not taken, or taken as something else.
    pub async fn put_manifest(&self, reference: &Reference, manifest: &Manifest) -> Result<()> {
        let keeps_list = self.put(reference, manifest).await?;
        match &manifest.subject {
            Some(subject) if !keeps_list => self.add_referrer(reference, subject, manifest).await,
            _ => Ok(()),
        }
    }

    /// Puts a manifest, and returns whether the registry knows whom it refers to.
    async fn put(&self, reference: &Reference, manifest: &Manifest) -> Result<bool> {
        let attempt = format!("cannot put the manifest `{reference}`");
        let body = Bytes::from(manifest.bytes.clone());
        let path = format!("manifests/{}", reference.identifier());
        let ask = Ask {
            actions: "pull,push",
            body: Some((&manifest.descriptor.media_type, &body)),
            ..Ask::of(reference, &Method::PUT, &path, &attempt)
        };
        let answer = found(self.ask(ask).await?, ask)?;
        let said = answer.header("docker-content-digest");
        let said = said.and_then(|text| text.parse::<Digest>().ok());
        let digest = &manifest.descriptor.digest;
        if let Some(said) = said
            && said.algorithm() == digest.algorithm()
            && said != *digest
        {
            let rule = format!("the registry took `{digest}` as `{said}`");
            return Err(Error::violation(attempt, rule));
        }
        Ok(answer.header("oci-subject").is_some())
    }

    async fn add_referrer(
        &self,
        reference: &Reference,
        subject: &Digest,
        manifest: &Manifest,
    ) -> Result<()> {
        let attempt = format!("cannot add `{reference}` to the referrers of `{subject}`");
        let Some(list) = super::referrers::fallback(reference, subject) else {
            return Ok(());
        };
        let mut entries = match self.manifest(&list).await {
            Err(error) if error.reason == Reason::NotFound => Vec::new(),
            other => match other?.content {
                Content::Index(entries) => entries,
                Content::Image { .. } => {
                    let rule = format!("`{list}` is not an index of referrers");
                    return Err(Error::violation(attempt, rule));
                }
            },
        };
        let own = manifest.as_referrer();
        if entries.iter().any(|entry| entry.digest == own.digest) {
            return Ok(());
        }
        entries.push(own);
        self.put_list(&list, &entries, &attempt).await
    }

    /// Deletes referrers of a manifest, and takes them out of the list behind a tag where
    /// the registry keeps none itself (distribution spec, "Deleting Manifests").
    ///
    /// # Errors
    /// Where one must not or cannot be deleted; the others are.
    pub async fn delete_referrers(
        &self,
        reference: &Reference,
        subject: &Digest,
        referrers: &[Digest],
    ) -> Result<()> {
        let attempt = format!("cannot take referrers of `{subject}` out of their list");
        let mut failed = None;
        let mut gone = Vec::new();
        for digest in referrers {
            let one = reference.clone().with_digest(digest.clone());
            match self.delete(&one, digest).await {
                Err(error) if error.reason != Reason::NotFound => failed = Some(error),
                _ => gone.push(digest),
            }
        }
        if !gone.is_empty()
            && let Some(list) = super::referrers::fallback(reference, subject)
            && let Ok(manifest) = self.manifest(&list).await
            && let Content::Index(mut entries) = manifest.content
        {
            let before = entries.len();
            entries.retain(|entry| !gone.contains(&&entry.digest));
            if entries.len() < before {
                self.put_list(&list, &entries, &attempt).await?;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn put_list(
        &self,
        list: &Reference,
        entries: &[Descriptor],
        attempt: &str,
    ) -> Result<()> {
        let entries: Vec<String> = entries.iter().map(Descriptor::to_json).collect();
        let index = format!(
            r#"{{"schemaVersion":2,"mediaType":"{OCI_INDEX}","manifests":[{}]}}"#,
            entries.join(",")
        );
        let index = Manifest::checked(index.into_bytes(), None, &[])
            .map_err(|rule| Error::violation(attempt, rule))?;
        self.put(list, &index).await.map(|_| ())
    }
}
