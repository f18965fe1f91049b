//! What a registry can be asked, reference by reference.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqwest::Method;
use reqwest::header::CONTENT_LENGTH;

use super::auth::{Auth, Finder};
use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found, media_type_of};
use super::settings::Settings;
use super::transport::{Answer, LARGEST_DOCUMENT, Transport};
use crate::domain::manifest::{ACCEPT, Config, Descriptor, Manifest, parsed_config};
use crate::domain::reference::{Digest, Reference, Registry};

/// The header that tells a manifest's digest.
const DIGEST: &str = "docker-content-digest";

/// A client of registries, with what it learned of them.
pub struct Client {
    pub(super) transport: Transport,
    pub(super) auth: Auth,
    /// What registries want people to read, once each.
    pub(super) notices: Mutex<Vec<String>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

/// What a registry says of a manifest without showing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub media_type: String,
    pub digest: Digest,
    /// Bytes of the manifest itself.
    pub size: Option<u64>,
}

impl Client {
    pub(super) fn new(settings: Settings, finder: Finder) -> Self {
        Self {
            transport: Transport::new(settings),
            auth: Auth::new(finder),
            notices: Mutex::default(),
        }
    }

    /// Returns what registries want people to read, and forgets it.
    pub fn notices(&self) -> Vec<String> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns what a registry says of a manifest, in one request; where it does
    /// not say it whole, the manifest is read.
    ///
    /// # Errors
    /// Where it is not there, or cannot be asked for.
    pub async fn head(&self, reference: &Reference) -> Result<Head> {
        let attempt = format!("cannot look `{reference}` up");
        let answer = self
            .manifest_answer(reference, &Method::HEAD, &attempt)
            .await?;
        let said = answer
            .header(DIGEST)
            .and_then(|text| text.parse::<Digest>().ok());
        let (Some(digest), Some(media_type)) = (said, media_type_of(&answer)) else {
            let manifest = self.manifest(reference).await?;
            return Ok(Head {
                media_type: manifest.descriptor.media_type,
                digest: manifest.descriptor.digest,
                size: Some(manifest.descriptor.size),
            });
        };
        if let Some(asked) = reference.digest()
            && asked.algorithm() == digest.algorithm()
            && *asked != digest
        {
            let rule = format!("the registry says that it is `{digest}`");
            return Err(Error::violation(attempt, rule));
        }
        let size = answer.headers.get(CONTENT_LENGTH);
        Ok(Head {
            media_type,
            digest,
            size: size.and_then(|size| size.to_str().ok()?.parse().ok()),
        })
    }

    /// Shows a registry who asks, and returns whether it wanted to know.
    ///
    /// # Errors
    /// Where it refuses, or cannot be asked.
    pub async fn greet(&self, registry: &Registry) -> Result<bool> {
        let attempt = format!("cannot log in to `{registry}`");
        let ask = Ask::new((registry, None), &Method::GET, "", &attempt);
        found(self.ask(ask).await?, ask)?;
        Ok(self.auth.was_asked(registry))
    }

    /// Returns a manifest, whose bytes are what the reference asks for.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or is not what it should be.
    pub async fn manifest(&self, reference: &Reference) -> Result<Manifest> {
        let attempt = format!("cannot read the manifest of `{reference}`");
        let answer = self
            .manifest_answer(reference, &Method::GET, &attempt)
            .await?;
        let said = answer
            .header(DIGEST)
            .and_then(|text| text.parse::<Digest>().ok());
        let media_type = media_type_of(&answer);
        let digests = [reference.digest(), said.as_ref()];
        Manifest::checked(answer.body, media_type, &digests)
            .map_err(|rule| Error::violation(attempt, rule))
    }

    async fn manifest_answer(
        &self,
        reference: &Reference,
        method: &Method,
        attempt: &str,
    ) -> Result<Answer> {
        let path = format!("manifests/{}", reference.identifier());
        let ask = Ask {
            accept: Some(ACCEPT),
            limit: LARGEST_DOCUMENT,
            ..Ask::of(reference, method, &path, attempt)
        };
        found(self.ask(ask).await?, ask)
    }

    /// Returns the config of an image.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or is not what it should be.
    pub async fn config(&self, reference: &Reference, config: &Descriptor) -> Result<Config> {
        let attempt = format!("cannot read the config of `{reference}`");
        let path = format!("blobs/{}", config.digest);
        let ask = Ask {
            limit: LARGEST_DOCUMENT,
            ..Ask::of(reference, &Method::GET, &path, &attempt)
        };
        let answer = found(self.ask(ask).await?, ask)?;
        parsed_config(&answer.body, config).map_err(|rule| Error::violation(&attempt, rule))
    }

    /// Deletes the manifest of a digest, and with it every tag that points to it.
    ///
    /// # Errors
    /// Where it is not there, or must not or cannot be deleted.
    pub async fn delete(&self, reference: &Reference, digest: &Digest) -> Result<()> {
        let attempt = format!("cannot delete `{reference}`");
        let path = format!("manifests/{digest}");
        let ask = Ask {
            actions: "pull,delete",
            ..Ask::of(reference, &Method::DELETE, &path, &attempt)
        };
        let answer = self.ask(ask).await?;
        if answer.status == 404 && answer.tries > 1 {
            // The first try did it, and its answer was lost.
            return Ok(());
        }
        found(answer, ask).map(|_| ()).map_err(|error| {
            let is_harbors = matches!(error.reason, Reason::Unsupported | Reason::Conflict);
            if !is_harbors {
                return error;
            }
            error.hint(format!(
                "on a Harbor, `imgdex harbor untag {reference}` removes one tag, and `imgdex \
                 harbor delete {reference}` an image with all its tags"
            ))
        })
    }
}
