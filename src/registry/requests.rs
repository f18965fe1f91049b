//! What a registry can be asked, reference by reference.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use reqwest::header::{CONTENT_LENGTH, WARNING};
use reqwest::{Method, Url};

use super::auth::{Auth, Finder, Target, denied};
use super::error::{Error, Reason, Result};
use super::pages::{self, Pages};
use super::settings::Settings;
use super::transport::{Answer, LARGEST_DOCUMENT, Request, Transport};
use crate::domain::manifest::{ACCEPT, Config, Descriptor, Manifest, parsed_config};
use crate::domain::name::shorten;
use crate::domain::reference::{Digest, Reference, Registry, Repository};

/// The header that tells a manifest's digest.
const DIGEST: &str = "docker-content-digest";

/// A client of registries, with what it learned of them.
pub struct Client {
    transport: Transport,
    auth: Auth,
    /// What registries want people to read, once each.
    notices: Mutex<Vec<String>>,
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

/// What is asked about a repository.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub registry: &'a Registry,
    pub repository: Option<&'a Repository>,
    pub method: &'a Method,
    /// Below `/v2/REPOSITORY/`, or a whole address of the same origin.
    pub path: &'a str,
    pub accept: Option<&'static str>,
    pub limit: usize,
    pub attempt: &'a str,
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
        let ask = Ask {
            registry,
            repository: None,
            method: &Method::GET,
            path: "",
            accept: None,
            limit: super::transport::LARGEST_ANSWER,
            attempt: &attempt,
        };
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
        let ask = Ask {
            registry: reference.registry(),
            repository: Some(reference.repository()),
            method,
            path: &format!("manifests/{}", reference.identifier()),
            accept: Some(ACCEPT),
            limit: LARGEST_DOCUMENT,
            attempt,
        };
        let base = self.transport.base(ask.registry).await?;
        let answer = self.ask_at(&base, ask, "pull").await?;
        found(answer, ask)
    }

    /// Returns the config of an image.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or is not what it should be.
    pub async fn config(&self, reference: &Reference, config: &Descriptor) -> Result<Config> {
        let attempt = format!("cannot read the config of `{reference}`");
        let ask = Ask {
            registry: reference.registry(),
            repository: Some(reference.repository()),
            method: &Method::GET,
            path: &format!("blobs/{}", config.digest),
            accept: None,
            limit: LARGEST_DOCUMENT,
            attempt: &attempt,
        };
        let base = self.transport.base(ask.registry).await?;
        let answer = found(self.ask_at(&base, ask, "pull").await?, ask)?;
        parsed_config(&answer.body, config).map_err(|rule| Error::violation(&attempt, rule))
    }

    /// Returns the tags of a repository, sorted: "the tags MUST be in lexical
    /// order" (distribution spec, "Listing Tags"), and not every registry does so.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or its pages have no end.
    pub async fn tags(&self, registry: &Registry, repository: &Repository) -> Result<Vec<String>> {
        let attempt = format!("cannot list the tags of `{registry}/{repository}`");
        let ask = Ask {
            registry,
            repository: Some(repository),
            method: &Method::GET,
            path: "tags/list?n=1000",
            accept: Some("application/json"),
            limit: pages::LARGEST,
            attempt: &attempt,
        };
        let mut pages = Pages::default();
        let mut tags = Vec::new();
        let base = self.transport.base(registry).await?;
        let mut next = Some(String::new());
        while let Some(path) = next {
            let page = Ask {
                path: if path.is_empty() { ask.path } else { &path },
                ..ask
            };
            let answer = found(self.ask_at(&base, page, "pull").await?, ask)?;
            let found = pages::tags_of(&answer.body);
            let found = found.map_err(|rule| Error::violation(&attempt, rule))?;
            next = pages
                .next(&answer, found.len())
                .map_err(|rule| Error::violation(&attempt, rule))?;
            tags.extend(found);
        }
        tags.sort();
        Ok(tags)
    }

    /// Deletes the manifest of a digest, and with it every tag that points to it.
    ///
    /// # Errors
    /// Where it is not there, or must not or cannot be deleted.
    pub async fn delete(&self, reference: &Reference, digest: &Digest) -> Result<()> {
        let attempt = format!("cannot delete `{reference}`");
        let ask = Ask {
            registry: reference.registry(),
            repository: Some(reference.repository()),
            method: &Method::DELETE,
            path: &format!("manifests/{digest}"),
            accept: None,
            limit: super::transport::LARGEST_ANSWER,
            attempt: &attempt,
        };
        let base = self.transport.base(ask.registry).await?;
        let answer = self.ask_at(&base, ask, "pull,delete").await?;
        if answer.status == 404 && answer.tries > 1 {
            // The first try did it, and its answer was lost.
            return Ok(());
        }
        found(answer, ask).map(|_| ())
    }

    /// Asks a repository, as whoever it wants to see. The answer may tell a
    /// failure.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer> {
        let base = self.transport.base(ask.registry).await?;
        self.ask_at(&base, ask, "pull").await
    }

    async fn ask_at(&self, base: &Url, ask: Ask<'_>, actions: &'static str) -> Result<Answer> {
        let Ask { attempt, .. } = ask;
        let whole = match ask.repository {
            _ if ask.path.contains("://") => ask.path.to_owned(),
            Some(repository) => format!("{base}v2/{repository}/{}", ask.path),
            None => format!("{base}v2/{}", ask.path),
        };
        let url =
            Url::parse(&whole).map_err(|_| Error::violation(attempt, "its address is not one"))?;
        let target = Target {
            registry: ask.registry,
            repository: ask.repository,
            actions,
            base,
        };
        let mut request = Request {
            accept: ask.accept,
            limit: ask.limit,
            ..Request::new(ask.method.clone(), url, attempt)
        };
        let mut shown = self.auth.ahead(&self.transport, &target, attempt).await?;
        // Nothing, a token that was kept, a new one: no registry is asked more often.
        for _ in 0..3 {
            request.authorization = shown.as_ref().map(|shown| shown.header.clone());
            let answer = self.transport.send(&request).await?;
            self.notice(ask.registry, &answer);
            match answer.status.as_u16() {
                401 => {
                    let before = (shown.as_ref(), &answer);
                    let next = self
                        .auth
                        .after(&self.transport, &target, before, attempt)
                        .await?;
                    shown = Some(next);
                }
                403 => return Err(denied(&target, &answer, shown.is_some(), attempt)),
                _ => return Ok(answer),
            }
        }
        Err(Error::new(Reason::Denied, attempt)
            .because(format!("`{}` refuses whatever it is shown", ask.registry)))
    }

    /// Keeps a registry's warning for people (RFC 7234, section 5.5: `299 - "…"`).
    fn notice(&self, registry: &Registry, answer: &Answer) {
        const MOST: usize = 20;
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        for value in answer.headers.get_all(WARNING) {
            let words = value.to_str().ok().and_then(|text| {
                let (_, words) = text.strip_prefix("299 ")?.split_once('"')?;
                words.rsplit_once('"').map(|(words, _)| shorten(words))
            });
            let Some(words) = words else { continue };
            let notice = format!("registry said: {words} (`{registry}`)");
            if notices.len() < MOST && !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
}

/// Returns the media type of an answer, without its parameters.
pub(super) fn media_type_of(answer: &Answer) -> Option<String> {
    let text = answer.header("content-type")?;
    let text = text.split(';').next().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_ascii_lowercase())
}

/// Returns an answer that is one, or the failure that it tells.
pub(super) fn found(answer: Answer, ask: Ask<'_>) -> Result<Answer> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let words = answer.words.clone();
    let failed = |reason| Error::new(reason, ask.attempt);
    let error = match status.as_u16() {
        404 => {
            let absent = failed(Reason::NotFound).because("it is not there");
            match ask
                .repository
                .filter(|_| ask.path.starts_with("manifests/"))
            {
                Some(repository) => {
                    let place = format!("{}/{repository}", ask.registry);
                    absent.hint(format!(
                        "`imgdex registry tags {place}` shows what there is"
                    ))
                }
                None => absent,
            }
        }
        405 | 501 => failed(Reason::Unsupported)
            .because(format!("`{}` does not allow it ({status})", ask.registry)),
        _ => failed(Reason::Violation).because(format!("`{}` answered {status}", ask.registry)),
    };
    Err(error.said(words.as_deref()))
}
