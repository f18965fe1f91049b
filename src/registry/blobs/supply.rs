//! Where the bytes of a blob come from: another registry, or a file.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Failure, download::Download};
use crate::domain::reference::{Digest, Reference};
use crate::registry::requests::Client;

/// Bytes that are read of a file at once.
const PIECE: u64 = 256 * 1024;

/// Pieces of a file that wait to be taken.
const AHEAD: usize = 2;

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
    File(mpsc::Receiver<io::Result<Bytes>>),
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
                let mut file = opened.map_err(|_| Failure::stopped())??;
                let (sender, pieces) = mpsc::channel(AHEAD);
                tokio::task::spawn_blocking(move || {
                    read_ahead(&mut *file, size - from, &sender);
                });
                Ok(Pieces::File(pieces))
            }
        }
    }
}

fn read_ahead(file: &mut dyn Read, length: u64, sender: &mpsc::Sender<io::Result<Bytes>>) {
    let mut done = 0;
    while done < length {
        let room = usize::try_from(PIECE.min(length - done)).unwrap_or(0);
        let mut piece = vec![0; room];
        let read = match file.read(&mut piece) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other,
        };
        let is_over = read.is_err();
        let sent = sender.blocking_send(read.map(|read| {
            piece.truncate(read);
            done += read as u64;
            Bytes::from(piece)
        }));
        if sent.is_err() || is_over {
            return;
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
            Self::File(pieces) => match pieces.recv().await {
                None => Ok(None),
                Some(read) => Ok(Some(read.map_err(Failure::local)?)),
            },
        }
    }
}
