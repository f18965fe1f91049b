//! A blob on its way to a registry: hashed as it goes, so that the last byte of one
//! that is not what it should be is never sent, and able to go back to where the
//! registry lost it.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::Failure;
use super::supply::{Pieces, Supply};
use crate::domain::hashing::Hashing;
use crate::domain::reference::Digest;
use crate::registry::error::Error;
use crate::registry::requests::Client;

/// Bytes between two places that can be gone back to without hashing from the start.
const BETWEEN_MARKS: u64 = 8 * 1024 * 1024;

pub struct Flow {
    client: Arc<Client>,
    supply: Supply,
    digest: Digest,
    size: u64,
    attempt: String,
    pieces: Option<Pieces>,
    /// Read and hashed, and not handed out yet.
    rest: Bytes,
    /// The offset of the next byte that is handed out.
    at: u64,
    /// Counts the requests that the bytes were handed out to.
    turn: u64,
    hashed: u64,
    hashing: Hashing,
    /// The state of the hash at some offsets, in their order.
    marks: Vec<(u64, Hashing)>,
    /// Why there are no more bytes.
    pub failure: Option<Failure>,
}

impl Flow {
    pub fn new(
        client: &Arc<Client>,
        supply: &Supply,
        (digest, size): (&Digest, u64),
        attempt: &str,
    ) -> Self {
        let hashing = Hashing::new(digest.algorithm());
        Self {
            client: Arc::clone(client),
            supply: supply.clone(),
            digest: digest.clone(),
            size,
            attempt: attempt.to_owned(),
            pieces: None,
            rest: Bytes::new(),
            at: 0,
            turn: 0,
            hashed: 0,
            marks: vec![(0, hashing.clone())],
            hashing,
            failure: None,
        }
    }

    /// Returns the offset of the next byte that is handed out.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes to an offset that has been handed out already, and returns whose turn it is
    /// then: the bytes are those of one request at a time.
    pub fn turn_to(&mut self, at: u64) -> u64 {
        self.go_back(at);
        self.turn += 1;
        self.turn
    }

    /// Goes to an offset that has been handed out already.
    pub fn go_back(&mut self, at: u64) {
        if at == self.at {
            return;
        }
        let mark = self.marks.iter().rev().find(|(offset, _)| *offset <= at);
        let Some((offset, hashing)) = mark.cloned() else {
            return;
        };
        self.marks.retain(|(other, _)| *other <= offset);
        (self.hashed, self.hashing) = (offset, hashing);
        (self.pieces, self.rest, self.at) = (None, Bytes::new(), at);
    }

    /// Returns the next bytes, at most so many; nothing at the end. The last ones
    /// come only where all have the digest.
    pub async fn next(&mut self, turn: u64, most: u64) -> Option<Bytes> {
        if turn != self.turn {
            return None;
        }
        match self.try_next(most).await {
            Ok(piece) => piece,
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    async fn try_next(&mut self, most: u64) -> Result<Option<Bytes>, Failure> {
        while self.rest.is_empty() {
            if self.hashed == self.size {
                // A blob without bytes has a digest, too.
                self.verify()?;
                return Ok(None);
            }
            let pieces = match &mut self.pieces {
                Some(pieces) => pieces,
                none => {
                    let blob = (&self.digest, self.size);
                    none.insert(self.supply.open(&self.client, blob, self.hashed).await?)
                }
            };
            let Some(mut piece) = pieces.next().await? else {
                let rule = format!("it ended after {} of {} bytes", self.hashed, self.size);
                return Err(Error::violation(&self.attempt, rule).into());
            };
            self.hashing.update(&piece);
            let begin = self.hashed;
            self.hashed += piece.len() as u64;
            if self.hashed >= self.size {
                self.verify()?;
            }
            let marked = self.marks.last().map_or(0, |(offset, _)| *offset);
            if self.hashed - marked >= BETWEEN_MARKS {
                self.marks.push((self.hashed, self.hashing.clone()));
            }
            let skipped = self.at.saturating_sub(begin).min(piece.len() as u64);
            piece.advance(usize::try_from(skipped).unwrap_or(piece.len()));
            self.rest = piece;
        }
        let taken = usize::try_from(most.min(self.rest.len() as u64)).unwrap_or(self.rest.len());
        self.at += taken as u64;
        Ok(Some(self.rest.split_to(taken)))
    }

    fn verify(&self) -> Result<(), Failure> {
        let found = self.hashing.clone().finish();
        if self.hashed == self.size && found == self.digest {
            return Ok(());
        }
        let rule = if self.hashed == self.size {
            format!("what came is `{found}`")
        } else {
            format!(
                "it is longer than the {} bytes of its descriptor",
                self.size
            )
        };
        Err(Error::violation(&self.attempt, rule).into())
    }
}
