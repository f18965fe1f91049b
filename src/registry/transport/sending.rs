//! Bytes that are sent as they come: uploads, which are neither redirected nor
//! repeated here, and are given up only where the other side takes nothing more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reqwest::Body;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use tokio::time::{Instant, timeout};

use super::address::Reach;
use super::clients::Pace;
use super::failure::{self, Failure};
use super::{Answer, Request, Transport, redirect};
use crate::registry::error::Result;

/// What is sent.
pub struct Sending {
    pub body: Body,
    /// Bytes of the body.
    pub length: u64,
    /// Bytes of all that the registry then puts together.
    pub whole: u64,
    /// Which bytes of the whole they are, where it is not all of them.
    pub range: Option<String>,
    pub watch: Arc<Watch>,
    /// Whether it goes to a host that the registry named, and not the user.
    pub is_elsewhere: bool,
}

/// Whether bytes are still taken.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    /// When the other side took or got bytes, in milliseconds since it began.
    last: AtomicU64,
    /// Whether it is us that it waits for.
    is_ours: AtomicBool,
    /// Whether all bytes have been handed over.
    is_over: AtomicBool,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            last: AtomicU64::new(0),
            is_ours: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }
}

impl Watch {
    /// Notes that bytes are wanted.
    pub fn wanted(&self) {
        self.is_ours.store(true, Ordering::Relaxed);
    }

    /// Notes that bytes are handed over.
    pub fn handed(&self, is_last: bool) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
        self.is_ours.store(false, Ordering::Relaxed);
        self.is_over.store(is_last, Ordering::Relaxed);
    }

    /// Returns for how long the other side has done nothing.
    fn idle(&self) -> Duration {
        if self.is_ours.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(last)
    }
}

impl Transport {
    /// Sends bytes once. The answer may tell a failure.
    ///
    /// # Errors
    /// Where there is none.
    pub async fn upload(
        &self,
        request: &Request,
        sending: Sending,
    ) -> std::result::Result<Answer, Failure> {
        let reach = if sending.is_elsewhere {
            Reach::PublicOr(self.home(request).await)
        } else {
            Reach::Anywhere
        };
        redirect::check_address(request, &request.url, reach)?;
        let pace = Pace::AsItComes;
        let client = self
            .clients
            .get(&self.settings, &request.url, reach, pace)?;
        let mut builder = client
            .request(request.method.clone(), request.url.clone())
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, sending.length)
            .body(sending.body);
        if let Some(range) = sending.range {
            builder = builder.header(CONTENT_RANGE, range);
        }
        if let Some(value) = &request.authorization {
            builder = builder.header(AUTHORIZATION, value);
        }
        let timing = self.settings.timing;
        let mut sent = std::pin::pin!(builder.send());
        let step = (timing.stall / 4).max(Duration::from_millis(1));
        let response = loop {
            match timeout(step, &mut sent).await {
                Ok(response) => break response,
                Err(_) => {
                    let watch = &sending.watch;
                    // Who has it all may have to write it all.
                    let patience = if watch.is_over.load(Ordering::Relaxed) {
                        timing.stall + Duration::from_secs(sending.whole >> 24)
                    } else {
                        timing.stall
                    };
                    if watch.idle() > patience {
                        let seconds = patience.as_secs();
                        let cause = format!("it took nothing and said nothing for {seconds} s");
                        return Err(Failure::Passing(cause));
                    }
                }
            }
        };
        let response = response.map_err(|error| failure::of(request, &request.url, &error))?;
        // This client waits for as long as it must; what is left is a few words.
        let read = self.collect(request, &request.url, response);
        match timeout(timing.total, read).await {
            Ok(read) => read,
            Err(_) => Err(Failure::Passing("its answer came to no end".to_owned())),
        }
    }

    /// Returns where the registry of a request is.
    async fn home(&self, request: &Request) -> super::address::Place {
        match &request.home {
            Some(home) => redirect::home_of(home).await,
            None => super::address::Place::Public,
        }
    }

    /// Returns the address that an answer gives for what comes next.
    ///
    /// # Errors
    /// Where it gives none, or one that is not to be asked.
    pub fn place_of(&self, request: &Request, answer: &Answer) -> Result<reqwest::Url> {
        redirect::place((request, &request.url), &answer.headers, &self.settings)
    }
}
