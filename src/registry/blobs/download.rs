//! A blob as it comes from a registry: from where it broke off, where it breaks off.

use std::sync::Arc;

use bytes::{Buf, Bytes};
use reqwest::Method;
use reqwest::header::CONTENT_RANGE;
use tokio::time::sleep;

use crate::domain::reference::{Digest, Reference};
use crate::registry::error::{Error, Reason, Result};
use crate::registry::exchange::{Ask, found};
use crate::registry::requests::Client;
use crate::registry::transport::{Opened, pause};

/// How often a download is begun again without having come further.
const MOST_TRIES: u32 = 5;

/// Bytes that count as having come further.
const FURTHER: u64 = 1024 * 1024;

/// A blob on its way. Its bytes are not hashed here, only counted.
pub struct Download {
    client: Arc<Client>,
    /// Its registry and repository.
    place: Reference,
    digest: Digest,
    size: u64,
    /// The offset of the next byte.
    at: u64,
    opened: Option<Opened>,
    /// Bytes to come that are there already.
    skip: u64,
    tries: u32,
    /// Where it was when it broke off the last time.
    broke_at: u64,
}

impl Download {
    /// Returns a blob of so many bytes, from an offset on. Nothing is asked yet.
    pub fn new(
        client: Arc<Client>,
        place: &Reference,
        (digest, size): (&Digest, u64),
        from: u64,
    ) -> Self {
        Self {
            client,
            place: place.clone(),
            digest: digest.clone(),
            size,
            at: from,
            opened: None,
            skip: 0,
            tries: 0,
            broke_at: from,
        }
    }

    /// Returns the next bytes; nothing at the end.
    ///
    /// # Errors
    /// Where it is not there, cannot be had, or has another size.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.at < self.size {
            let mut opened = match self.opened.take() {
                Some(opened) => opened,
                None => self.open().await?,
            };
            let mut piece = match opened.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    self.broke_off("it ended early").await?;
                    continue;
                }
                Err(cause) => {
                    self.broke_off(&cause).await?;
                    continue;
                }
            };
            self.opened = Some(opened);
            let skipped = self.skip.min(piece.len() as u64);
            self.skip -= skipped;
            piece.advance(usize::try_from(skipped).unwrap_or(piece.len()));
            if piece.is_empty() {
                continue;
            }
            self.at += piece.len() as u64;
            if self.at > self.size {
                return Err(self.too_long());
            }
            return Ok(Some(piece));
        }
        Ok(None)
    }

    async fn open(&mut self) -> Result<Opened> {
        let attempt = self.attempt();
        let path = format!("blobs/{}", self.digest);
        let ask = Ask {
            first: self.at,
            ..Ask::of(&self.place, &Method::GET, &path, &attempt)
        };
        let opened = match self.client.open(ask).await? {
            Ok(opened) => opened,
            // Where nothing is left to send, a range begins behind the end.
            Err(answer) if answer.status == 416 => return Err(self.too_long()),
            Err(answer) => {
                let told = found(answer, ask).err();
                return Err(told.unwrap_or_else(|| self.too_long()));
            }
        };
        // "GET with Range is optional": a 200 begins at zero again.
        let from = match opened.answer.status.as_u16() {
            206 => opened.answer.headers.get(CONTENT_RANGE).and_then(first_of),
            _ => Some(0),
        };
        let Some(from) = from.filter(|from| *from <= self.at) else {
            let rule = "it sent another range than was asked for";
            return Err(Error::violation(attempt, rule));
        };
        if opened
            .length()
            .is_some_and(|length| length != self.size.saturating_sub(from))
        {
            let length = opened.length().unwrap_or_default();
            let rule = format!(
                "it has {} bytes, and not the {} of its descriptor",
                from.saturating_add(length),
                self.size
            );
            return Err(Error::violation(attempt, rule));
        }
        self.skip = self.at - from;
        Ok(opened)
    }

    /// Waits before the next try.
    async fn broke_off(&mut self, cause: &str) -> Result<()> {
        self.tries += 1;
        if self.at - self.broke_at >= FURTHER {
            self.tries = 1;
        }
        self.broke_at = self.at;
        if self.tries >= MOST_TRIES {
            let told = format!(
                "`{}`: {cause}, {} times, after {} of {} bytes",
                self.place.registry(),
                self.tries,
                self.at,
                self.size
            );
            return Err(Error::new(Reason::Unavailable, self.attempt())
                .because(told)
                .hint("try again later: what is there already is not asked for again"));
        }
        sleep(pause(
            self.client.transport.settings.timing.pause,
            self.tries,
        ))
        .await;
        Ok(())
    }

    fn attempt(&self) -> String {
        let place = format!("{}/{}", self.place.registry(), self.place.repository());
        format!("cannot read the blob `{}` of `{place}`", self.digest)
    }

    fn too_long(&self) -> Error {
        let rule = format!("it is not the {} bytes of its descriptor", self.size);
        Error::violation(self.attempt(), rule)
    }
}

/// Returns the first byte of a `Content-Range`.
fn first_of(value: &reqwest::header::HeaderValue) -> Option<u64> {
    let range = value.to_str().ok()?.trim().strip_prefix("bytes ")?;
    range.split_once('-')?.0.trim().parse().ok()
}
