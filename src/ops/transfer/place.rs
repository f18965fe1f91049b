//! The places that images are read from and written to.

use std::fmt;

use crate::domain::manifest::{Config, Descriptor, Manifest};
use crate::domain::reference::{Digest, Reference};
use crate::ops::{Error, Result};
use crate::registry::{Failure, Network, Supply, Target};

/// Where an image is read from.
pub enum Source {
    Registry(Reference),
}

/// Where an image is written to.
pub enum Destination {
    Registry(Reference),
}

/// Returns the failure of a blob as one of an operation.
pub fn failed(failure: Failure) -> Error {
    match failure {
        Failure::Registry(error) => error.into(),
        Failure::Local(error) => Error::Write {
            name: "a blob".to_owned(),
            source: std::io::Error::other(error),
        },
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
        }
    }
}

impl Source {
    /// Returns what is to be copied.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what it should be.
    pub fn root(&self, network: &Network) -> Result<Manifest> {
        match self {
            Self::Registry(reference) => Ok(network.wait(network.client.manifest(reference))?),
        }
    }

    /// Returns a manifest that belongs to it.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what it should be.
    pub fn manifest(&self, network: &Network, digest: &Digest) -> Result<Manifest> {
        match self {
            Self::Registry(reference) => {
                let one = reference.clone().with_digest(digest.clone());
                Ok(network.wait(network.client.manifest(&one))?)
            }
        }
    }

    /// Returns what a config says.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what it should be.
    pub fn config(&self, network: &Network, config: &Descriptor) -> Result<Config> {
        match self {
            Self::Registry(reference) => {
                Ok(network.wait(network.client.config(reference, config))?)
            }
        }
    }

    /// Returns what refers to a manifest.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn referrers(&self, network: &Network, subject: &Digest) -> Result<Vec<Descriptor>> {
        match self {
            Self::Registry(reference) => {
                let found = network.client.referrers(reference, subject, None);
                Ok(network.wait(found)?)
            }
        }
    }

    /// Returns where the bytes of a blob come from.
    pub fn supply(&self, _digest: &Digest) -> Supply {
        match self {
            Self::Registry(reference) => Supply::Registry(reference.clone()),
        }
    }
}

impl Destination {
    /// Refuses what cannot be put under the name that is wanted.
    ///
    /// # Errors
    /// Where the name has another digest.
    pub fn check(&self, root: &Manifest) -> Result<()> {
        match self {
            Self::Registry(reference) => match reference.digest() {
                Some(digest) if *digest != root.descriptor.digest => {
                    let found = &root.descriptor.digest;
                    Err(Error::Exists {
                        what: format!("`{reference}` cannot be `{found}`: its digest is another"),
                        hint: "give the target a tag instead".to_owned(),
                    })
                }
                _ => Ok(()),
            },
        }
    }

    /// Returns whether a manifest is there, and with it what it needs.
    ///
    /// # Errors
    /// Where that cannot be found out.
    pub fn has_manifest(&self, network: &Network, manifest: &Descriptor) -> Result<bool> {
        match self {
            Self::Registry(reference) => {
                let one = reference.clone().with_digest(manifest.digest.clone());
                Ok(network.wait(network.client.has_manifest(&one))?)
            }
        }
    }

    /// Returns where a blob goes.
    pub fn target(&self, source: &Source, _digest: &Digest, _size: u64) -> Target {
        match self {
            Self::Registry(to) => {
                let Source::Registry(from) = source;
                let mount = (from.registry() == to.registry()).then(|| from.repository().clone());
                Target::Registry {
                    to: to.clone(),
                    mount,
                }
            }
        }
    }

    /// Puts a manifest there, known only by its digest.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn put(&self, network: &Network, manifest: &Manifest) -> Result<()> {
        match self {
            Self::Registry(reference) => {
                let digest = manifest.descriptor.digest.clone();
                let one = reference.clone().with_digest(digest);
                Ok(network.wait(network.client.put_manifest(&one, manifest))?)
            }
        }
    }

    /// Puts the manifest there that was asked for, under its name.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn put_root(&self, network: &Network, manifest: &Manifest) -> Result<()> {
        match self {
            Self::Registry(reference) => match reference.tag() {
                Some(_) => {
                    let named = reference.clone().without_digest();
                    Ok(network.wait(network.client.put_manifest(&named, manifest))?)
                }
                None if reference.digest().is_some() => self.put(network, manifest),
                None => Ok(network.wait(network.client.put_manifest(reference, manifest))?),
            },
        }
    }
}
