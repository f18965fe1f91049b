//! Requests and bounded answers: redirects, retries, limits and time-outs. What
//! registries mean by them, and who may ask, is not here.

mod address;
mod clients;
mod failure;
mod message;
mod redirect;
mod retry;
mod sending;
mod silence;
mod tls;

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, RANGE};
use reqwest::{Method, RequestBuilder, Response, Url};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use super::error::{Error, Reason, Result, words_of};
use super::settings::Settings;
use crate::domain::reference::Registry;
use address::Reach;
use clients::{Clients, Pace, authority};
use silence::Silence;

pub use failure::Failure;
pub use message::{Answer, Opened, Request};
pub use redirect::same_origin;
pub use retry::{asked, is_passing, pause};
pub use sending::{Sending, Watch};

/// Bytes of the largest manifest or config.
pub const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// Bytes of the largest answer that is neither, such as a token or an error.
pub const LARGEST_ANSWER: usize = 1024 * 1024;

/// Speaks HTTP as the settings say.
#[derive(Debug)]
pub struct Transport {
    pub settings: Settings,
    clients: Clients,
    /// Whether registries of this machine speak TLS, where that was tried.
    local: Mutex<HashMap<String, bool>>,
    /// Addresses of registries that are known for good.
    bases: std::sync::Mutex<HashMap<Registry, Url>>,
    silence: Silence,
}

impl Transport {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clients: Clients::default(),
            local: Mutex::default(),
            bases: std::sync::Mutex::default(),
            silence: Silence::default(),
        }
    }

    /// Returns whether the host of an address has not answered for a while.
    pub fn is_silent(&self, url: &Url) -> bool {
        let tries = retry::shortest(self.settings.timing.pause);
        self.silence.is_long(|| authority(url), tries)
    }

    /// Returns the address of a registry: by https, or by plain http where the
    /// user said so, or where the registry is on this machine and speaks no TLS.
    ///
    /// # Errors
    /// For settings that cannot be used.
    pub async fn base(&self, registry: &Registry) -> Result<Url> {
        let known = {
            let bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.get(registry).cloned()
        };
        if let Some(base) = known {
            return Ok(base);
        }
        let endpoint = registry.endpoint();
        let said = self.settings.registry(registry);
        let tls = match said.plain_http {
            Some(plain) => Some(!plain),
            None if !registry.is_loopback() || said.insecure || said.ca_file.is_some() => {
                Some(true)
            }
            None => self.speaks_tls(&endpoint).await?,
        };
        let scheme = if tls == Some(false) { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{endpoint}/")).map_err(|_| {
            Error::new(
                Reason::Settings,
                format!("`{endpoint}` is not a host that can be asked"),
            )
        })?;
        if tls.is_some() {
            let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
            bases.insert(registry.clone(), base.clone());
        }
        Ok(base)
    }

    /// Returns whether a registry of this machine speaks TLS; nothing where nobody
    /// is there yet. A bad certificate is TLS: there is no falling back from it.
    async fn speaks_tls(&self, endpoint: &str) -> Result<Option<bool>> {
        let mut known = self.local.lock().await;
        if let Some(tls) = known.get(endpoint) {
            return Ok(Some(*tls));
        }
        let Ok(url) = Url::parse(&format!("https://{endpoint}/v2/")) else {
            return Ok(None);
        };
        let client = self.clients.probing(&self.settings)?;
        let patience = Duration::from_secs(5).min(self.settings.timing.total);
        let tried = client.head(url).timeout(patience).send().await;
        let tls = !tried.as_ref().is_err_and(failure::is_not_tls);
        // Who is not there yet may speak either, later.
        if tls && tried.is_err_and(|error| error.is_connect() && !error.is_timeout()) {
            return Ok(None);
        }
        known.insert(endpoint.to_owned(), tls);
        Ok(Some(tls))
    }

    /// Asks, and asks again where that may help.
    ///
    /// # Errors
    /// Where there is no answer within the deadline, or none that may be used.
    /// An answer that tells a failure is an answer.
    pub async fn send(&self, request: &Request) -> Result<Answer> {
        match self.insist(request, false).await? {
            Got::Whole(answer) => Ok(answer),
            Got::Opened(opened) => Ok(opened.answer),
        }
    }

    /// Asks for an answer that is read piece by piece, and asks again until one begins.
    ///
    /// # Errors
    /// Those of [`Transport::send`]; an answer that tells a failure is `Err` in `Ok`.
    pub async fn open(&self, request: &Request) -> Result<std::result::Result<Opened, Answer>> {
        Ok(match self.insist(request, true).await? {
            Got::Whole(answer) => Err(answer),
            Got::Opened(opened) => Ok(opened),
        })
    }

    async fn insist(&self, request: &Request, piecewise: bool) -> Result<Got> {
        let timing = self.settings.timing;
        let deadline = Instant::now() + timing.total;
        let mut tries = 0;
        loop {
            tries += 1;
            let last = match timeout_at(deadline, self.once(request, piecewise)).await {
                Err(_) => {
                    self.silence.waited(authority(&request.url));
                    let seconds = timing.total.as_secs();
                    return Err(self.gone(request, &format!("no whole answer within {seconds} s")));
                }
                Ok(Ok(Got::Whole(answer)))
                    if retry::is_passing(answer.status)
                        && (!request.once || retry::is_refusal(answer.status)) =>
                {
                    Ok(answer)
                }
                Ok(Ok(Got::Whole(answer))) => return Ok(Got::Whole(Answer { tries, ..answer })),
                Ok(Ok(opened)) => return Ok(opened),
                Ok(Err(Failure::Final(error))) => return Err(error),
                Ok(Err(Failure::Passing(cause))) if request.once => {
                    return Err(self.in_doubt(request, &cause));
                }
                Ok(Err(Failure::Passing(cause) | Failure::Unasked(cause))) => Err(cause),
            };
            let asked = match &last {
                Ok(answer) => retry::asked(&answer.headers, jiff::Timestamp::now()),
                Err(_) => None,
            };
            let pause = asked.unwrap_or_else(|| retry::pause(timing.pause, tries));
            let most = self.silence.tries(|| authority(&request.url));
            if tries < most && Instant::now() + pause < deadline {
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
                    let said = answer.told();
                    self.gone(request, &cause)
                        .said_by(request.speaker, said.as_deref())
                }
            };
            return Err(told);
        }
    }

    /// Returns the failure of what must not be done twice.
    fn in_doubt(&self, request: &Request, cause: &str) -> Error {
        let host = authority(&request.url);
        let mut error = Error::new(Reason::Unavailable, request.attempt.clone())
            .because(format!(
                "`{host}`: {cause}; whether it was done is not known"
            ))
            .hint("look whether it was done before trying again");
        error.in_doubt = true;
        error
    }

    /// Returns the failure of a registry that is not there for now.
    fn gone(&self, request: &Request, cause: &str) -> Error {
        let host = authority(&request.url);
        Error::new(Reason::Unavailable, request.attempt.clone())
            .because(format!("`{host}`: {cause}"))
            .hint("try again later, or look at the network and at HTTPS_PROXY and NO_PROXY")
    }

    /// Asks once, wherever that leads.
    async fn once(&self, request: &Request, piecewise: bool) -> std::result::Result<Got, Failure> {
        let mut url = request.url.clone();
        let mut reach = Reach::Anywhere;
        for _ in 0..redirect::MOST {
            // Between two pieces somebody else may be waited for: whoever asks for the
            // next one watches the time.
            let pace = if piecewise {
                Pace::AsItComes
            } else {
                Pace::Usual
            };
            let client = self.clients.get(&self.settings, &url, reach, pace)?;
            let mut builder = client.request(request.method.clone(), url.clone());
            // No credential leaves the origin; it stays away after a way back, too.
            if let Some(value) = &request.authorization
                && reach == Reach::Anywhere
                && same_origin(&url, &request.url)
            {
                builder = builder.header(AUTHORIZATION, value);
            }
            let sent = filled(builder, request, &url).send().await;
            match &sent {
                Ok(response) if retry::is_broken(response.status(), response.headers()) => {
                    self.silence.broken(authority(&url));
                }
                Ok(_) => self.silence.ends(|| authority(&url)),
                Err(error) if error.is_connect() => self.silence.unconnected(authority(&url)),
                Err(error) if error.is_timeout() => self.silence.waited(authority(&url)),
                Err(_) => {}
            }
            let response = sent.map_err(|error| failure::of(request, &url, &error))?;
            if !redirect::is_one(response.status()) {
                refuse_compressed(request, &url, &response)?;
                if piecewise && response.status().is_success() {
                    let opened = Opened::new(request, response, self.settings.timing.idle);
                    return Ok(Got::Opened(opened));
                }
                let answer = self.collect(request, &url, response).await?;
                return Ok(Got::Whole(answer));
            }
            let target = redirect::target((request, &url), response.headers(), &self.settings)?;
            if reach == Reach::Anywhere && !same_origin(&target, &request.url) {
                reach = Reach::PublicOr(redirect::home_of(&request.url).await);
            }
            redirect::check_address(request, &target, reach)?;
            url = target;
        }
        let rule = format!("`{}` redirects without end", authority(&request.url));
        Err(Error::violation(request.attempt.clone(), rule).into())
    }

    /// Reads an answer whole, within its limit.
    async fn collect(
        &self,
        request: &Request,
        url: &Url,
        mut response: Response,
    ) -> std::result::Result<Answer, Failure> {
        let status = response.status();
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
        let mut answer = Answer::new(request, &response);
        let announced = response
            .content_length()
            .filter(|_| request.method != Method::HEAD);
        if !is_error && announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let failed = |error: &reqwest::Error| failure::of(request, url, error);
        while let Some(piece) = response.chunk().await.map_err(|error| failed(&error))? {
            if answer.body.len() + piece.len() > limit {
                if is_error {
                    // The status says enough.
                    answer.body.clear();
                    break;
                }
                return Err(too_large());
            }
            answer.body.extend_from_slice(&piece);
        }
        if is_error {
            answer.words = words_of(&answer.body, &request.secrets());
        }
        Ok(answer)
    }
}

/// An answer, or the beginning of one.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Got {
    Whole(Answer),
    Opened(Opened),
}

/// Returns the request with what is sent besides who asks.
fn filled(mut builder: RequestBuilder, request: &Request, url: &Url) -> RequestBuilder {
    if let Some(accept) = request.accept {
        builder = builder.header(ACCEPT, accept);
    }
    if request.from > 0 {
        builder = builder.header(RANGE, format!("bytes={}-", request.from));
    }
    if !same_origin(url, &request.url) {
        return builder;
    }
    if let Some((name, value)) = request.extra {
        builder = builder.header(name, value);
    }
    if let Some(form) = &request.form {
        let kind = "application/x-www-form-urlencoded";
        builder = builder.header(CONTENT_TYPE, kind).body(form.clone());
    }
    if let Some((kind, body)) = &request.body {
        builder = builder.header(CONTENT_TYPE, kind).body(body.clone());
    }
    builder
}

/// Refuses an answer that is compressed: its size would not be bounded.
fn refuse_compressed(request: &Request, url: &Url, response: &Response) -> Result<()> {
    let headers = response.headers();
    let encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|value| value != "identity");
    if !encoded || !response.status().is_success() || request.method == Method::HEAD {
        return Ok(());
    }
    let rule = format!(
        "`{}` compressed its answer, which nobody asked for",
        authority(url)
    );
    Err(Error::violation(request.attempt.clone(), rule))
}
