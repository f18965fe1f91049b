//! Many blobs, some of them at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::timeout;

use super::supply::Supply;
use super::upload::Upload;
use super::{Failure, How};
use crate::domain::reference::{Digest, Reference, Repository};
use crate::registry::Network;
use crate::registry::requests::Client;

/// Blobs that are looked at or sent at once.
const AT_ONCE: usize = 8;

/// Blobs whose bytes are on their way at once.
const STREAMS: usize = 4;

/// How often who waits is told how far it is.
const TICK: Duration = Duration::from_millis(100);

/// Where a blob is written to that is kept on this machine. What it says is hashed
/// there.
pub trait Sink: Send {
    /// Returns how many of its bytes are there already.
    fn offset(&self) -> u64;
    /// Takes the next bytes.
    ///
    /// # Errors
    /// Where they cannot be kept.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure>;
    /// Makes the blob one that is there.
    ///
    /// # Errors
    /// Where its bytes are not those of its digest, or cannot be kept.
    fn finish(self: Box<Self>) -> Result<(), Failure>;
}

/// Opens the place of a blob; nothing where it is there already.
pub type Opener = Arc<dyn Fn() -> Result<Option<Box<dyn Sink>>, Failure> + Send + Sync>;

/// Where a blob goes.
#[derive(Clone)]
pub enum Target {
    Registry {
        to: Reference,
        /// A repository of the same registry that has it.
        mount: Option<Repository>,
    },
    Local(Opener),
}

/// How far a blob is.
#[derive(Debug)]
pub struct Progress {
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    moved: Arc<AtomicU64>,
    state: AtomicU8,
}

/// What is being done with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Waiting,
    Moving,
    Done(How),
}

impl Progress {
    #[must_use]
    pub fn new(digest: Digest, size: u64) -> Arc<Self> {
        Arc::new(Self {
            digest,
            size,
            moved: Arc::default(),
            state: AtomicU8::new(0),
        })
    }

    /// Returns how many bytes are where they should be.
    pub fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Waiting,
            1 => State::Moving,
            2 => State::Done(How::Present),
            3 => State::Done(How::Mounted),
            _ => State::Done(How::Sent),
        }
    }

    fn set(&self, state: State) {
        let number = match state {
            State::Waiting => 0,
            State::Moving => 1,
            State::Done(How::Present) => 2,
            State::Done(How::Mounted) => 3,
            State::Done(How::Sent) => 4,
        };
        self.state.store(number, Ordering::Relaxed);
    }
}

/// A blob, where it is, and where it goes.
#[derive(Clone)]
pub struct Job {
    pub source: Supply,
    pub target: Target,
    pub progress: Arc<Progress>,
}

impl Network {
    /// Brings blobs where they should be, and asks now and then whether to go on.
    ///
    /// # Errors
    /// The first failure; the other blobs are given up then.
    pub fn transfer(&self, jobs: Vec<Job>, tick: &mut dyn FnMut() -> bool) -> Result<(), Failure> {
        self.wait(async {
            let streams = Arc::new(Semaphore::new(STREAMS));
            let mut waiting = VecDeque::from(jobs);
            let mut running = JoinSet::new();
            loop {
                while running.len() < AT_ONCE
                    && let Some(job) = waiting.pop_front()
                {
                    let client = Arc::clone(&self.client);
                    running.spawn(job.run(client, Arc::clone(&streams)));
                }
                match timeout(TICK, running.join_next()).await {
                    Err(_) => {}
                    Ok(None) => return Ok(()),
                    Ok(Some(Err(_))) => return Err(Failure::stopped()),
                    Ok(Some(Ok(done))) => done?,
                }
                if !tick() {
                    return Err(Failure::Interrupted);
                }
            }
        })
    }
}

impl Job {
    async fn run(self, client: Arc<Client>, streams: Arc<Semaphore>) -> Result<(), Failure> {
        let how = match self.target.clone() {
            Target::Registry { to, mount } => self.push(&client, &streams, &to, mount).await?,
            Target::Local(opener) => self.keep(&client, &streams, &opener).await?,
        };
        self.progress
            .moved
            .store(self.progress.size, Ordering::Relaxed);
        self.progress.set(State::Done(how));
        Ok(())
    }

    async fn push(
        &self,
        client: &Arc<Client>,
        streams: &Semaphore,
        to: &Reference,
        mount: Option<Repository>,
    ) -> Result<How, Failure> {
        let Progress { digest, size, .. } = &*self.progress;
        // What is mounted where it is already costs no more than the question.
        if mount.is_none() && client.has_blob(to, digest).await? {
            return Ok(How::Present);
        }
        let _held = streams.acquire().await;
        self.progress.set(State::Moving);
        let upload = Upload {
            client,
            to,
            digest,
            size: *size,
            supply: &self.source,
            mount: mount.as_ref(),
            moved: &self.progress.moved,
        };
        upload.run().await
    }

    async fn keep(
        &self,
        client: &Arc<Client>,
        streams: &Semaphore,
        opener: &Opener,
    ) -> Result<How, Failure> {
        let _held = streams.acquire().await;
        for is_last in [false, true] {
            let open = Arc::clone(opener);
            let opened = spawn_blocking(move || open()).await;
            let Some(sink) = opened.map_err(|_| Failure::stopped())?? else {
                return Ok(How::Present);
            };
            self.progress.set(State::Moving);
            let began_at = sink.offset();
            match self.fill(client, sink).await {
                Ok(()) => return Ok(How::Sent),
                // What was there from before may be what is wrong.
                Err(failure) if began_at > 0 && !is_last && failure.is_of_content() => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::stopped())
    }

    /// Fills a place. Hashing and writing are done by the thread that got the bytes:
    /// handing them over costs more than they do, and the others have theirs.
    async fn fill(&self, client: &Arc<Client>, mut sink: Box<dyn Sink>) -> Result<(), Failure> {
        let blob = (&self.progress.digest, self.progress.size);
        let mut at = sink.offset();
        let mut pieces = self.source.open(client, blob, at).await?;
        while let Some(piece) = pieces.next().await? {
            sink.write(&piece)?;
            at += piece.len() as u64;
            self.progress.moved.store(at, Ordering::Relaxed);
        }
        // The disk may take its time.
        let finished = spawn_blocking(move || sink.finish()).await;
        finished.map_err(|_| Failure::stopped())?
    }
}
