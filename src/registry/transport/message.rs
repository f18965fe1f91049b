//! What is asked, and what is answered.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::LARGEST_ANSWER;
use super::failure::{self, Failure};
use crate::domain::name::shorten;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub accept: Option<&'static str>,
    /// Sent to the origin of `url` and to no other.
    pub authorization: Option<HeaderValue>,
    /// A form.
    pub form: Option<String>,
    /// A media type, and what has it.
    pub body: Option<(String, Bytes)>,
    /// The registry that named `url`, where the user did not.
    pub home: Option<Url>,
    /// The first byte that is asked for.
    pub from: u64,
    /// Bytes of the largest answer.
    pub limit: usize,
    /// One more header.
    pub extra: Option<(&'static str, &'static str)>,
    /// Whether it must not be done twice: it is asked again only where nothing can
    /// have come of it.
    pub once: bool,
    /// Whose words an answer that tells a failure has: `registry`, `Harbor`.
    pub speaker: &'static str,
    /// What is attempted, for messages: `cannot list the tags of …`.
    pub attempt: String,
}

impl Request {
    pub fn new(method: Method, url: Url, attempt: &str) -> Self {
        Self {
            method,
            url,
            accept: None,
            authorization: None,
            form: None,
            body: None,
            home: None,
            from: 0,
            limit: LARGEST_ANSWER,
            extra: None,
            once: false,
            speaker: "registry",
            attempt: attempt.to_owned(),
        }
    }

    /// Returns what it shows, in every form in which an answer could repeat it.
    pub(super) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut secrets = Vec::new();
        let shown = self
            .authorization
            .as_ref()
            .and_then(|value| value.to_str().ok());
        if let Some((scheme, value)) = shown.and_then(|text| text.split_once(' ')) {
            secrets.push(Zeroizing::new(value.to_owned()));
            let pair = STANDARD.decode(value).ok().filter(|_| scheme == "Basic");
            let pair = pair.and_then(|pair| String::from_utf8(pair).ok());
            if let Some((_, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
                secrets.push(Zeroizing::new(password.to_owned()));
            }
        }
        let form = self
            .form
            .as_ref()
            .and_then(|form| Url::parse(&format!("form:?{form}")).ok());
        for (key, value) in form.iter().flat_map(Url::query_pairs) {
            if key == "refresh_token" {
                secrets.push(Zeroizing::new(value.into_owned()));
            }
        }
        secrets
    }
}

/// What was answered, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Of the origin that was asked; redirects lead elsewhere.
    pub url: Url,
    /// The registry's own words about what is wrong.
    pub words: Option<String>,
    /// How often it was asked for.
    pub tries: u32,
}

impl Answer {
    /// Returns the answer without its body.
    pub(super) fn new(request: &Request, response: &Response) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: Vec::new(),
            url: request.url.clone(),
            words: None,
            tries: 1,
        }
    }

    /// Returns the server's words, with the number of the request where it gives one:
    /// its administrator finds by it what happened.
    pub fn told(&self) -> Option<String> {
        let words = self.words.clone()?;
        Some(match self.header("x-request-id") {
            Some(id) => format!("{words} (X-Request-Id: {})", shorten(id)),
            None => words,
        })
    }

    /// Returns a header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer whose body comes piece by piece.
#[derive(Debug)]
pub struct Opened {
    /// Without its body.
    pub answer: Answer,
    request: Request,
    response: Response,
    /// How long a piece may take.
    idle: Duration,
}

impl Opened {
    pub(super) fn new(request: &Request, response: Response, idle: Duration) -> Self {
        Self {
            answer: Answer::new(request, &response),
            request: request.clone(),
            response,
            idle,
        }
    }

    /// Returns how many bytes are to come, where it was said.
    pub fn length(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// Returns the next piece; nothing at the end.
    ///
    /// # Errors
    /// Why no more came.
    pub async fn next(&mut self) -> std::result::Result<Option<Bytes>, String> {
        let Ok(piece) = timeout(self.idle, self.response.chunk()).await else {
            return Err("it sent nothing in time".to_owned());
        };
        piece.map_err(
            |error| match failure::of(&self.request, &self.answer.url, &error) {
                Failure::Passing(cause) | Failure::Unasked(cause) => cause,
                Failure::Final(error) => error.to_string(),
            },
        )
    }
}
