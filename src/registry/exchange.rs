//! One question to a registry and its answer, as whoever the registry wants to see.

use std::sync::PoisonError;

use bytes::Bytes;
use reqwest::header::WARNING;
use reqwest::{Method, Url};

use super::auth::{Shown, Target, denied};
use super::error::{Error, Reason, Result};
use super::requests::Client;
use super::transport::{Answer, LARGEST_ANSWER, Opened, Request};
use crate::domain::name::shorten;
use crate::domain::reference::{Reference, Registry, Repository};

/// The header by which a registry says that it is one.
const API_VERSION: &str = "docker-distribution-api-version";

/// What is asked about a repository.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub registry: &'a Registry,
    pub repository: Option<&'a Repository>,
    pub method: &'a Method,
    /// Below `/v2/REPOSITORY/`, or a whole address of the same origin.
    pub path: &'a str,
    /// What must be allowed, such as `pull` or `pull,push`.
    pub actions: &'static str,
    /// The repository that is to be read from besides.
    pub from: Option<&'a Repository>,
    pub accept: Option<&'static str>,
    /// A media type, and what has it.
    pub body: Option<(&'a str, &'a Bytes)>,
    /// The first byte that is asked for.
    pub first: u64,
    /// Bytes of the largest answer.
    pub limit: usize,
    pub attempt: &'a str,
}

impl<'a> Ask<'a> {
    pub fn new(
        (registry, repository): (&'a Registry, Option<&'a Repository>),
        method: &'a Method,
        path: &'a str,
        attempt: &'a str,
    ) -> Self {
        Self {
            registry,
            repository,
            method,
            path,
            actions: "pull",
            from: None,
            accept: None,
            body: None,
            first: 0,
            limit: LARGEST_ANSWER,
            attempt,
        }
    }

    /// Returns what is asked about the repository of a reference.
    pub fn of(
        reference: &'a Reference,
        method: &'a Method,
        path: &'a str,
        attempt: &'a str,
    ) -> Self {
        let place = (reference.registry(), Some(reference.repository()));
        Self::new(place, method, path, attempt)
    }

    /// Returns whom the question is about, for the one who shows credentials.
    pub fn target(&self, base: &'a Url) -> Target<'a> {
        Target {
            registry: self.registry,
            repository: self.repository,
            actions: self.actions,
            from: self.from,
            base,
        }
    }

    fn url(&self, base: &Url) -> Result<Url> {
        let whole = match self.repository {
            _ if self.path.contains("://") => self.path.to_owned(),
            Some(repository) => format!("{base}v2/{repository}/{}", self.path),
            None => format!("{base}v2/{}", self.path),
        };
        Url::parse(&whole).map_err(|_| Error::violation(self.attempt, "its address is not one"))
    }
}

impl Client {
    /// Asks a repository, as whoever it wants to see. The answer may tell a
    /// failure.
    pub(super) async fn ask(&self, ask: Ask<'_>) -> Result<Answer> {
        match self.exchange(ask, false).await? {
            Ok(opened) => Ok(opened.answer),
            Err(answer) => Ok(answer),
        }
    }

    /// Asks for an answer that is read piece by piece; one that tells a failure is
    /// `Err` in `Ok`.
    pub(super) async fn open(&self, ask: Ask<'_>) -> Result<std::result::Result<Opened, Answer>> {
        self.exchange(ask, true).await
    }

    async fn exchange(
        &self,
        ask: Ask<'_>,
        piecewise: bool,
    ) -> Result<std::result::Result<Opened, Answer>> {
        let Ask { attempt, .. } = ask;
        let base = self.transport.base(ask.registry).await?;
        let target = ask.target(&base);
        let mut request = Request {
            accept: ask.accept,
            limit: ask.limit,
            from: ask.first,
            body: ask.body.map(|(kind, body)| (kind.to_owned(), body.clone())),
            ..Request::new(ask.method.clone(), ask.url(&base)?, attempt)
        };
        let mut shown = self.auth.ahead(&self.transport, &target, attempt).await?;
        // Nothing, a token that was kept, a new one: no registry is asked more often.
        for _ in 0..3 {
            request.authorization = shown.as_ref().map(|shown| shown.header.clone());
            let answer = if piecewise {
                match self.transport.open(&request).await? {
                    Ok(opened) => {
                        self.notice(ask.registry, &opened.answer);
                        return Ok(Ok(opened));
                    }
                    Err(answer) => answer,
                }
            } else {
                self.transport.send(&request).await?
            };
            self.notice(ask.registry, &answer);
            match answer.status.as_u16() {
                401 => {
                    shown = Some(
                        self.show_again(&target, shown.as_ref(), &answer, attempt)
                            .await?,
                    )
                }
                403 => return Err(denied(&target, &answer, shown.as_ref(), attempt)),
                _ => return Ok(Err(answer)),
            }
        }
        Err(refused_always(ask.registry, attempt))
    }

    /// Returns what to show after a 401.
    pub(super) async fn show_again(
        &self,
        target: &Target<'_>,
        before: Option<&Shown>,
        answer: &Answer,
        attempt: &str,
    ) -> Result<Shown> {
        self.auth
            .after(&self.transport, target, (before, answer), attempt)
            .await
    }

    /// Keeps a registry's warning for people (RFC 7234, section 5.5: `299 - "…"`).
    pub(super) fn notice(&self, registry: &Registry, answer: &Answer) {
        const MOST: usize = 20;
        for value in answer.headers.get_all(WARNING) {
            let words = value.to_str().ok().and_then(|text| {
                let (_, words) = text.strip_prefix("299 ")?.split_once('"')?;
                words.rsplit_once('"').map(|(words, _)| shorten(words))
            });
            let Some(words) = words else { continue };
            let notice = format!("registry said: {words} (`{registry}`)");
            let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            if notices.len() < MOST && !notices.contains(&notice) {
                notices.push(notice);
            }
        }
    }
}

pub fn refused_always(registry: &Registry, attempt: &str) -> Error {
    Error::new(Reason::Denied, attempt)
        .because(format!("`{registry}` refuses whatever it is shown"))
}

/// Returns the media type of an answer, without its parameters.
pub fn media_type_of(answer: &Answer) -> Option<String> {
    let text = answer.header("content-type")?;
    let text = text.split(';').next().unwrap_or_default().trim();
    (!text.is_empty()).then(|| text.to_ascii_lowercase())
}

fn is_policy(words: Option<&str>) -> bool {
    words.is_some_and(|words| words.starts_with("PROJECTPOLICYVIOLATION"))
}

/// Returns an answer that is one, or the failure that it tells.
pub fn found(answer: Answer, ask: Ask<'_>) -> Result<Answer> {
    let status = answer.status;
    if status.is_success() {
        return Ok(answer);
    }
    let words = answer.words.clone();
    let failed = |reason| Error::new(reason, ask.attempt);
    let error = match status.as_u16() {
        404 => {
            let mut absent = failed(Reason::NotFound).because("it is not there");
            absent.by_page = answer.header(API_VERSION).is_none()
                && media_type_of(&answer).is_some_and(|kind| kind == "text/html");
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
        // Harbor's: a policy about vulnerabilities or signatures, or an immutable tag.
        412 if is_policy(words.as_deref()) => {
            failed(Reason::Policy).because("a policy of the project forbids it")
        }
        412 => {
            failed(Reason::Conflict).because("a rule there keeps it as it is (an immutable tag)")
        }
        _ => failed(Reason::Violation).because(format!("`{}` answered {status}", ask.registry)),
    };
    Err(error.said(words.as_deref()))
}
