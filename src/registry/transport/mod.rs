//! Requests and bounded answers: redirects, retries, limits and time-outs. What
//! registries mean by them, and who may ask, is not here.

mod address;
mod clients;
mod failure;
mod redirect;
mod retry;
mod tls;

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue,
};
use reqwest::{Method, StatusCode, Url};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use super::error::{Error, Reason, Result, words_of};
use super::settings::Settings;
use crate::domain::reference::Registry;
use address::Reach;
use clients::{Clients, authority};
use failure::Failure;

pub use redirect::same_origin;

/// Bytes of the largest manifest or config.
pub const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// Bytes of the largest answer that is neither, such as a token or an error.
pub const LARGEST_ANSWER: usize = 1024 * 1024;

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
    /// Bytes of the largest answer.
    pub limit: usize,
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
            limit: LARGEST_ANSWER,
            attempt: attempt.to_owned(),
        }
    }
}

impl Request {
    /// Returns what it shows, in every form in which an answer could repeat it.
    fn secrets(&self) -> Vec<Zeroizing<String>> {
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
    /// Returns a header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Speaks HTTP as the settings say.
#[derive(Debug)]
pub struct Transport {
    pub settings: Settings,
    clients: Clients,
    /// Whether registries of this machine speak TLS, where that was tried.
    local: Mutex<HashMap<String, bool>>,
}

impl Transport {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clients: Clients::default(),
            local: Mutex::default(),
        }
    }

    /// Returns the address of a registry: by https, or by plain http where the
    /// user said so, or where the registry is on this machine and speaks no TLS.
    ///
    /// # Errors
    /// For settings that cannot be used.
    pub async fn base(&self, registry: &Registry) -> Result<Url> {
        let endpoint = registry.endpoint();
        let said = self.settings.registry(registry);
        let tls = match said.plain_http {
            Some(plain) => !plain,
            None if !registry.is_loopback() || said.insecure || said.ca_file.is_some() => true,
            None => self.speaks_tls(&endpoint).await?,
        };
        let scheme = if tls { "https" } else { "http" };
        Url::parse(&format!("{scheme}://{endpoint}/")).map_err(|_| {
            Error::new(
                Reason::Settings,
                format!("`{endpoint}` is not a host that can be asked"),
            )
        })
    }

    /// Returns whether a registry of this machine speaks TLS. A bad certificate
    /// is TLS: there is no falling back from it.
    async fn speaks_tls(&self, endpoint: &str) -> Result<bool> {
        let mut known = self.local.lock().await;
        if let Some(tls) = known.get(endpoint) {
            return Ok(*tls);
        }
        let Ok(url) = Url::parse(&format!("https://{endpoint}/v2/")) else {
            return Ok(true);
        };
        let client = self.clients.probing(&self.settings)?;
        let patience = Duration::from_secs(5).min(self.settings.timing.total);
        let tried = client.head(url).timeout(patience).send().await;
        let tls = !tried.is_err_and(|error| failure::is_not_tls(&error));
        known.insert(endpoint.to_owned(), tls);
        Ok(tls)
    }

    /// Asks, and asks again where that may help.
    ///
    /// # Errors
    /// Where there is no answer within the deadline, or none that may be used.
    /// An answer that tells a failure is an answer.
    pub async fn send(&self, request: &Request) -> Result<Answer> {
        let timing = self.settings.timing;
        let deadline = Instant::now() + timing.total;
        let mut tries = 0;
        loop {
            tries += 1;
            let last = match timeout_at(deadline, self.follow(request)).await {
                Err(_) => {
                    let seconds = timing.total.as_secs();
                    return Err(self.gone(request, &format!("no whole answer within {seconds} s")));
                }
                Ok(Ok(answer)) if !retry::is_passing(answer.status) => {
                    return Ok(Answer { tries, ..answer });
                }
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(Failure::Passing(cause))) => Err(cause),
            };
            let asked = match &last {
                Ok(answer) => retry::asked(&answer.headers, jiff::Timestamp::now()),
                Err(_) => None,
            };
            let pause = asked.unwrap_or_else(|| retry::pause(timing.pause, tries));
            if tries < retry::MOST_TRIES && Instant::now() + pause < deadline {
                sleep(pause).await;
                continue;
            }
            let told = match last {
                Err(cause) => self.gone(request, &cause),
                Ok(answer) => {
                    let times = if tries == 1 { "once" } else { "each time" };
                    let mut cause =
                        format!("asked {tries} times, it answered {} {times}", answer.status);
                    if tries == 1 {
                        cause = format!("it answered {}", answer.status);
                    }
                    if let Some(asked) = asked {
                        cause.push_str(&format!(" and asks to wait {} s", asked.as_secs()));
                    }
                    self.gone(request, &cause).said(answer.words.as_deref())
                }
            };
            return Err(told);
        }
    }

    /// Returns the failure of a registry that is not there for now.
    fn gone(&self, request: &Request, cause: &str) -> Error {
        let host = authority(&request.url);
        Error::new(Reason::Unavailable, request.attempt.clone())
            .because(format!("`{host}`: {cause}"))
            .hint("try again later, or look at the network and at HTTPS_PROXY and NO_PROXY")
    }

    /// Asks once, wherever that leads.
    async fn follow(&self, request: &Request) -> std::result::Result<Answer, Failure> {
        let mut url = request.url.clone();
        let mut reach = Reach::Anywhere;
        for _ in 0..redirect::MOST {
            let answer = self.once(request, &url, reach).await?;
            if !redirect::is_one(answer.status) {
                return Ok(answer);
            }
            let from = (request, &url);
            let target = redirect::target(from, &answer, &self.settings)?;
            if reach == Reach::Anywhere && !same_origin(&target, &request.url) {
                reach = Reach::PublicOr(redirect::home_of(&request.url).await);
            }
            redirect::check_address(request, &target, reach)?;
            url = target;
        }
        let rule = format!("`{}` redirects without end", authority(&request.url));
        Err(Error::violation(request.attempt.clone(), rule).into())
    }

    async fn once(
        &self,
        request: &Request,
        url: &Url,
        reach: Reach,
    ) -> std::result::Result<Answer, Failure> {
        let client = self.clients.get(&self.settings, url, reach)?;
        let mut builder = client.request(request.method.clone(), url.clone());
        if let Some(accept) = request.accept {
            builder = builder.header(ACCEPT, accept);
        }
        // No credential leaves the origin; it stays away after a way back, too.
        if let Some(value) = &request.authorization
            && reach == Reach::Anywhere
            && same_origin(url, &request.url)
        {
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(form) = &request.form
            && same_origin(url, &request.url)
        {
            let kind = "application/x-www-form-urlencoded";
            builder = builder.header(CONTENT_TYPE, kind).body(form.clone());
        }
        let failed = |error: &reqwest::Error| failure::of(request, url, error);
        let mut response = builder.send().await.map_err(|error| failed(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let is_error = status.is_client_error() || status.is_server_error();
        let limit = if is_error {
            LARGEST_ANSWER
        } else {
            request.limit
        };
        let too_large = || {
            let rule = format!(
                "`{}` answered with more than {} MiB",
                authority(url),
                limit >> 20
            );
            Failure::from(Error::violation(request.attempt.clone(), rule))
        };
        let mut body = Vec::new();
        let announced = response
            .content_length()
            .filter(|_| request.method != Method::HEAD);
        if !is_error && announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + piece.len() > limit {
                if is_error {
                    // The status says enough.
                    body.clear();
                    break;
                }
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        let words = if is_error {
            words_of(&body, &request.secrets())
        } else {
            None
        };
        let encoded = headers
            .get(CONTENT_ENCODING)
            .is_some_and(|value| value != "identity");
        if encoded && !is_error && !body.is_empty() {
            let rule = format!(
                "`{}` compressed its answer, which nobody asked for",
                authority(url)
            );
            return Err(Error::violation(request.attempt.clone(), rule).into());
        }
        Ok(Answer {
            status,
            headers,
            body,
            url: request.url.clone(),
            words,
            tries: 1,
        })
    }
}
