//! The client of registries (OCI distribution 1.1): the only HTTP. It knows
//! references, never images of the catalog. It starts a runtime only when it is
//! made, and builds TLS only when somebody is asked.

mod auth;
mod blobs;
mod error;
mod exchange;
#[cfg(test)]
#[path = "../../tests/support/fault_server.rs"]
mod fault_server;
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
pub use many::{Many, at_most};
pub use requests::{Client, Head};
pub use settings::{HostSettings, Proxies, Settings};

use std::future::Future;
use std::sync::Arc;

/// Threads that move blobs.
const WORKERS: usize = 2;

/// What a network is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Work {
    /// Many small answers: one thread, which nothing is handed over to.
    #[default]
    Questions,
    /// Bytes that are hashed while others are sent.
    Blobs,
}

/// A client, and the runtime that its requests run on.
pub struct Network {
    runtime: tokio::runtime::Runtime,
    pub client: Arc<Client>,
}

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
        })
    }

    /// Waits for what is asked.
    pub fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }
}
