//! The client of registries (OCI distribution 1.1): the only HTTP. It knows
//! references, never images of the catalog. It starts a runtime only when it is
//! made, and builds TLS only when somebody is asked.

mod auth;
mod error;
#[cfg(test)]
#[path = "../../tests/support/fault_server.rs"]
mod fault_server;
mod pages;
mod referrers;
mod requests;
mod settings;
#[cfg(test)]
mod tests;
mod transport;

pub use auth::Finder;
pub use error::{Error, Reason};
pub use requests::{Client, Head};
pub use settings::{HostSettings, Proxies, Settings};

use std::future::Future;

/// A client, and the runtime that its requests run on.
pub struct Network {
    runtime: tokio::runtime::Runtime,
    pub client: Client,
}

impl Network {
    /// Returns a network with a runtime of its own.
    ///
    /// # Errors
    /// Where the system gives no runtime.
    pub fn start(settings: Settings, finder: Finder) -> std::io::Result<Self> {
        Ok(Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?,
            client: Client::new(settings, finder),
        })
    }

    /// Waits for what is asked.
    pub fn wait<T>(&self, asked: impl Future<Output = T>) -> T {
        self.runtime.block_on(asked)
    }
}
