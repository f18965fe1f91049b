//! Where the bytes of a blob come from: another registry, or a file.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;

use super::{Failure, download::Download};
use crate::domain::reference::{Digest, Reference};
use crate::registry::requests::Client;

/// Bytes that are read of a file at once.
const PIECE: u64 = 128 * 1024;

/// Opens a blob that is kept on this machine, from an offset on.
pub type OpenFile = Arc<dyn Fn(u64) -> Result<Box<dyn Read + Send>, Failure> + Send + Sync>;

/// Where the bytes of a blob come from.
#[derive(Clone)]
pub enum Supply {
    /// A repository.
    Registry(Reference),
    File(OpenFile),
}

/// The bytes of a blob, one after the other.
pub enum Pieces {
    Download(Box<Download>),
    File(Reading),
}

impl Supply {
    /// Returns the bytes of a blob from an offset on.
    ///
    /// # Errors
    /// For a file that cannot be opened.
    pub async fn open(
        &self,
        client: &Arc<Client>,
        (digest, size): (&Digest, u64),
        from: u64,
    ) -> Result<Pieces, Failure> {
        match self {
            Self::Registry(place) => {
                let download = Download::new(Arc::clone(client), place, (digest, size), from);
                Ok(Pieces::Download(Box::new(download)))
            }
            Self::File(open) => {
                let open = Arc::clone(open);
                let opened = tokio::task::spawn_blocking(move || open(from)).await;
                let file = opened.map_err(|_| Failure::stopped())??;
                let left = size - from;
                Ok(Pieces::File(Reading { file, left }))
            }
        }
    }
}

/// A file being read. It is read by the thread that sends it: most of it is in memory,
/// and handing it over costs more.
pub struct Reading {
    file: Box<dyn Read + Send>,
    left: u64,
}

impl Reading {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut piece = vec![0; usize::try_from(PIECE.min(self.left)).unwrap_or(0)];
        loop {
            match self.file.read(&mut piece) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => {
                    piece.truncate(read);
                    self.left -= read as u64;
                    return Ok(Some(Bytes::from(piece)));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Pieces {
    /// Returns the next bytes; nothing at the end.
    ///
    /// # Errors
    /// Where they cannot be had.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Download(download) => Ok(download.next().await?),
            Self::File(reading) => reading.next().map_err(Failure::local),
        }
    }
}
