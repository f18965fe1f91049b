//! Many references at once: so that a registry has at most so many requests to
//! answer at a time, nobody waits for one that is gone, and one bad answer is of
//! one reference only.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::error::{Error, Reason, Result};
use super::requests::{Client, Head};
use crate::domain::manifest::{Config, Descriptor, Manifest};
use crate::domain::reference::{Reference, Registry};

/// Does works in their order, at most `count` of them at a time.
pub async fn at_most<W: Future<Output = ()>>(count: usize, works: impl IntoIterator<Item = W>) {
    let mut works = works.into_iter().fuse();
    let mut running: FuturesUnordered<W> = works.by_ref().take(count.max(1)).collect();
    while running.next().await.is_some() {
        running.extend(works.next());
    }
}

/// Asks about many references, with what that tells of their registries.
#[derive(Debug)]
pub struct Many<'a> {
    client: &'a Client,
    /// Whether what answers at a host is a registry at all, where that was in doubt.
    registries: Mutex<HashMap<Registry, bool>>,
}

impl<'a> Many<'a> {
    /// Returns a way to ask about many references.
    #[must_use]
    pub fn new(client: &'a Client) -> Self {
        Self {
            client,
            registries: Mutex::default(),
        }
    }

    /// Returns what a registry says of a manifest, as [`Client::head`] does. It is
    /// not asked where it has been silent for long, and "not there" is believed of
    /// registries only.
    ///
    /// # Errors
    /// Those of [`Client::head`].
    pub async fn head(&self, reference: &Reference) -> Result<Head> {
        self.check(reference).await?;
        match self.client.head(reference).await {
            Err(error) if error.by_page && !self.is_registry(reference.registry()).await => {
                let host = reference.registry();
                let rule = format!("`{host}` answered 404 with a page, as no registry does");
                Err(Error::new(Reason::Unavailable, error.message).because(rule))
            }
            other => other,
        }
    }

    /// Returns a manifest, as [`Client::manifest`] does.
    ///
    /// # Errors
    /// Those of [`Client::manifest`].
    pub async fn manifest(&self, reference: &Reference) -> Result<Manifest> {
        self.check(reference).await?;
        self.client.manifest(reference).await
    }

    /// Returns the config of an image, as [`Client::config`] does.
    ///
    /// # Errors
    /// Those of [`Client::config`].
    pub async fn config(&self, reference: &Reference, config: &Descriptor) -> Result<Config> {
        self.check(reference).await?;
        self.client.config(reference, config).await
    }

    /// Fails where the registry has been silent for long.
    async fn check(&self, reference: &Reference) -> Result<()> {
        let transport = &self.client.transport;
        let base = transport.base(reference.registry()).await?;
        if !transport.is_silent(&base) {
            return Ok(());
        }
        let host = reference.registry();
        let rule = format!("`{host}`: it did not answer when it was asked for others");
        let attempt = format!("cannot look `{reference}` up");
        Err(Error::new(Reason::Unavailable, attempt).because(rule))
    }

    /// Returns whether a registry answers at a host, asked once for all references:
    /// `/v2/` is the address by which the protocol tells (distribution spec,
    /// "Determining Support").
    async fn is_registry(&self, registry: &Registry) -> bool {
        let known = {
            let registries = self.registries.lock();
            let registries = registries.unwrap_or_else(PoisonError::into_inner);
            registries.get(registry).copied()
        };
        if let Some(known) = known {
            return known;
        }
        let is_one = match self.client.greet(registry).await {
            Ok(_) => true,
            Err(error) => error.reason == Reason::Denied,
        };
        let mut registries = (self.registries.lock()).unwrap_or_else(PoisonError::into_inner);
        registries.insert(registry.clone(), is_one);
        is_one
    }
}
