//! Blobs from and to registries, many at once: streamed, hashed as they go, and gone
//! on with where they break off. What a local blob is written to is not known here.

mod download;
mod flow;
mod job;
mod supply;
mod upload;

use std::error::Error as StdError;

use reqwest::Method;

use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found};
use super::requests::Client;
use crate::domain::reference::{Digest, Reference};

pub use job::{Job, Opener, Progress, Sink, State, Target};
pub use supply::{OpenFile, Supply};

/// Why a blob is not where it should be.
#[derive(Debug)]
pub enum Failure {
    Registry(Error),
    /// A failure of this machine's files, as whoever keeps them tells it.
    Local(Box<dyn StdError + Send + Sync>),
    /// Somebody asked to stop.
    Interrupted,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Registry(error)
    }
}

impl Failure {
    pub fn local(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Local(Box::new(error))
    }

    /// Returns whether other bytes might do.
    fn is_of_content(&self) -> bool {
        match self {
            Self::Registry(error) => error.reason == Reason::Violation,
            Self::Local(_) => true,
            Self::Interrupted => false,
        }
    }

    fn stopped() -> Self {
        Self::local(std::io::Error::other("the work on a blob was broken off"))
    }
}

/// How a blob came to be where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It was there.
    Present,
    /// The registry took it from another of its repositories.
    Mounted,
    Sent,
}

impl Client {
    /// Returns whether a repository has a blob.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub async fn has_blob(&self, place: &Reference, digest: &Digest) -> Result<bool> {
        let attempt = format!(
            "cannot look for the blob `{digest}` in `{}/{}`",
            place.registry(),
            place.repository()
        );
        let path = format!("blobs/{digest}");
        let ask = Ask {
            actions: "pull,push",
            ..Ask::of(place, &Method::HEAD, &path, &attempt)
        };
        let answer = self.ask(ask).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        found(answer, ask).map(|_| true)
    }
}
