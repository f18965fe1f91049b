//! The client of registries (OCI distribution 1.1): the only HTTP. It knows
//! references, never images of the catalog. It starts a runtime only when it is
//! made, and builds TLS only when somebody is asked.

mod auth;
mod blobs;
mod error;
mod exchange;
#[cfg(test)]
#[path = "../../tests/support/fault_server.rs"]
pub mod fault_server;
mod harbor;
mod lists;
mod many;
mod pages;
mod put;
mod referrers;
mod requests;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

pub use auth::Finder;
pub use blobs::{Failure, How, Job, OpenFile, Opener, Progress, Sink, State, Supply, Target};
pub use error::{Error, Reason, Result};
pub use harbor::{Account, AccountKind, Harbor, Nature, NewRobot, Query};
pub use many::{Many, at_most};
pub use requests::{Client, Head};
pub use settings::{HostSettings, Proxies, Settings};

use std::future::Future;
use std::sync::Arc;

/// Threads that move blobs.
const WORKERS: usize = 2;

/// How often somebody who waits is looked for.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// What a network is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Work {
    /// Many small answers: one thread, which nothing is handed over to.
    #[default]
    Questions,
    /// Bytes that are hashed while others are sent.
    Blobs,
}

/// Waits for so long, without keeping anything else from going on.
pub async fn pause(time: std::time::Duration) {
    tokio::time::sleep(time).await;
}

/// A client, and the runtime that its requests run on.
pub struct Network {
    runtime: tokio::runtime::Runtime,
    pub client: Arc<Client>,
    stop: Option<Stop>,
}

/// Whether nobody waits for an answer any more.
pub type Stop = Arc<dyn Fn() -> bool + Send + Sync>;

/// What unwinds the thread where [`Stop`] says so: nothing is wrong, and whatever was
/// begun is let go as its values are dropped.
#[derive(Debug)]
pub struct Stopped;

impl Network {
    /// Returns a network with a runtime of its own.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn start(settings: Settings, finder: Finder, work: Work) -> std::io::Result<Self> {
        let mut builder = match work {
            Work::Questions => tokio::runtime::Builder::new_current_thread(),
            Work::Blobs => tokio::runtime::Builder::new_multi_thread(),
        };
        Ok(Self {
            runtime: builder.worker_threads(WORKERS).enable_all().build()?,
            client: Arc::new(Client::new(settings, finder)),
            stop: None,
        })
    }

    /// Returns the network, waiting only until `stop` says so.
    #[must_use]
    pub fn until(mut self, stop: Option<Stop>) -> Self {
        self.stop = stop;
        self
    }

    /// Waits for what is asked.
    ///
    /// # Panics
    /// With [`Stopped`], where the wait is over before there is an answer.
    pub fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        let Some(stop) = &self.stop else {
            return self.runtime.block_on(asked);
        };
        let answer = self.wait_while(asked, &mut || !stop());
        answer.unwrap_or_else(|| std::panic::resume_unwind(Box::new(Stopped)))
    }

    /// Waits for what is asked while `go_on` says so; nothing where that is over before
    /// there is an answer.
    pub fn wait_while<T>(
        &self,
        asked: impl Future<Output = T>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Option<T> {
        let mut asked = std::pin::pin!(asked);
        loop {
            let patient = async { tokio::time::timeout(PATIENCE, asked.as_mut()).await };
            match self.runtime.block_on(patient) {
                Ok(answer) => return Some(answer),
                Err(_) if !go_on() => return None,
                Err(_) => {}
            }
        }
    }
}
