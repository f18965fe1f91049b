//! Blobs from and to registries, many at once: streamed, hashed as they go, and gone
//! on with where they break off. What a local blob is written to is not known here.

mod download;
mod flow;
mod job;
mod supply;
mod upload;

use std::error::Error as StdError;
use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;

use super::error::{Error, Reason, Result};
use super::exchange::{Ask, found};
use super::requests::Client;
use super::transport::LARGEST_DOCUMENT;
use crate::domain::manifest::{Descriptor, digest_of};
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
    /// Returns the bytes of a blob that is small enough to be held.
    ///
    /// # Errors
    /// Where it is not there, cannot be asked for, or is not what its descriptor says.
    pub async fn small_blob(&self, place: &Reference, blob: &Descriptor) -> Result<Vec<u8>> {
        let attempt = format!("cannot read the blob `{}` of `{place}`", blob.digest);
        let path = format!("blobs/{}", blob.digest);
        let size = usize::try_from(blob.size).unwrap_or(usize::MAX);
        if size > LARGEST_DOCUMENT {
            return Err(Error::violation(attempt, "it is larger than 4 MiB"));
        }
        let ask = Ask {
            limit: LARGEST_DOCUMENT,
            ..Ask::of(place, &Method::GET, &path, &attempt)
        };
        let bytes = found(self.ask(ask).await?, ask)?.body;
        if digest_of(&bytes, blob.digest.algorithm()) != blob.digest || bytes.len() != size {
            return Err(Error::violation(
                attempt,
                "what came is not what was asked for",
            ));
        }
        Ok(bytes)
    }

    /// Brings bytes into a repository, unless it has them.
    ///
    /// # Errors
    /// Where they are not taken.
    pub async fn put_small_blob(
        self: &Arc<Self>,
        place: &Reference,
        (blob, bytes): (&Descriptor, &[u8]),
    ) -> Result<()> {
        if self.has_blob(place, &blob.digest).await? {
            return Ok(());
        }
        let bytes = Bytes::copy_from_slice(bytes);
        let open: OpenFile = Arc::new(move |from| {
            let mut cursor = Cursor::new(bytes.clone());
            cursor.set_position(from);
            Ok(Box::new(cursor))
        });
        let upload = upload::Upload {
            client: self,
            to: place,
            digest: &blob.digest,
            size: blob.size,
            supply: &Supply::File(open),
            mount: None,
            moved: &Arc::default(),
        };
        match upload.run().await {
            Ok(_) => Ok(()),
            Err(Failure::Registry(error)) => Err(error),
            // Bytes in memory are always there.
            Err(Failure::Local(_) | Failure::Interrupted) => {
                let attempt = format!("cannot send the blob `{}` to `{place}`", blob.digest);
                Err(Error::new(Reason::Unavailable, attempt).because("it was broken off"))
            }
        }
    }
}
