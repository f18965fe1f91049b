//! The places that images are read from and written to.

use std::fmt;
use std::sync::Arc;

use super::local::{Local, place_in};
use crate::domain::manifest::{Config, Descriptor, Manifest, parsed_config};
use crate::domain::reference::{Digest, Reference, Tag};
use crate::ops::{Error, Result};
use crate::registry::{Failure, Network, Supply, Target};
use crate::store::oci::{self, Layout};

/// Where an image is read from.
#[derive(Debug, Clone)]
pub enum Source {
    Registry(Reference),
    Local {
        images: Local,
        /// A tag or a digest.
        tag: Option<String>,
        /// As the user wrote it.
        name: String,
    },
}

/// Where an image is written to.
#[derive(Debug, Clone)]
pub enum Destination {
    Registry(Reference),
    Layout {
        layout: Arc<Layout>,
        tag: Option<String>,
        /// As the user wrote it.
        name: String,
    },
    /// The layout of the store, whose entries are called after their digests.
    Store {
        layout: Arc<Layout>,
        /// Where the image comes from.
        reference: Option<String>,
    },
}

/// Returns the failure of a blob as one of an operation.
pub fn failed(failure: Failure) -> Error {
    match failure {
        Failure::Registry(error) => error.into(),
        Failure::Interrupted => Error::Interrupted,
        Failure::Local(error) => match error.downcast::<oci::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => Error::Read {
                name: "a blob".to_owned(),
                source: std::io::Error::other(error),
            },
        },
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
            Self::Local { name, .. } => formatter.write_str(name),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(formatter),
            Self::Layout { name, .. } => formatter.write_str(name),
            Self::Store { .. } => formatter.write_str("the store"),
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
            Self::Local { images, tag, .. } => images.root(tag.as_deref()),
        }
    }

    /// Returns the tags that it has, where it names none itself.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn tags(&self, network: &Network) -> Result<Vec<String>> {
        match self {
            Self::Registry(reference) => {
                let (registry, repository) = (reference.registry(), reference.repository());
                Ok(network.wait(network.client.tags(registry, repository))?)
            }
            Self::Local { images, .. } => {
                let name = |entry: &Descriptor| entry.annotations.get(oci::REF_NAME).cloned();
                Ok(images.entries()?.iter().filter_map(name).collect())
            }
        }
    }

    /// Returns the image of one tag of it.
    ///
    /// # Errors
    /// Where it names a tag or digest itself, or that is no tag.
    pub fn tagged(&self, tag: &str) -> Result<Self> {
        match self {
            Self::Registry(reference) => Ok(Self::Registry(tagged(reference, tag)?)),
            Self::Local {
                images,
                tag: None,
                name,
            } => Ok(Self::Local {
                images: images.clone(),
                tag: Some(tag.to_owned()),
                name: format!("{name}:{tag}"),
            }),
            Self::Local { name, .. } => Err(has_tag(name)),
        }
    }

    /// Returns a manifest that belongs to it.
    ///
    /// # Errors
    /// Where it cannot be read, or is not what it should be.
    pub fn manifest(&self, network: &Network, descriptor: &Descriptor) -> Result<Manifest> {
        match self {
            Self::Registry(reference) => {
                let one = reference.clone().with_digest(descriptor.digest.clone());
                Ok(network.wait(network.client.manifest(&one))?)
            }
            Self::Local { images, .. } => images.manifest(descriptor),
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
            Self::Local { images, name, .. } => {
                let bytes = images.document(&config.digest)?;
                let found = parsed_config(&bytes, config);
                Ok(found.map_err(|rule| {
                    oci::Error::violation(format!("the config of `{name}`: {rule}"))
                })?)
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
            Self::Local { images, .. } => images.referrers(subject),
        }
    }

    /// Returns where the bytes of a blob come from.
    pub fn supply(&self, digest: &Digest) -> Supply {
        match self {
            Self::Registry(reference) => Supply::Registry(reference.clone()),
            Self::Local { images, .. } => Supply::File(images.opener(digest)),
        }
    }
}

impl Destination {
    /// Returns the place of one tag in it.
    ///
    /// # Errors
    /// Where it names a tag or digest itself, or that is no tag.
    pub fn tagged(&self, tag: &str) -> Result<Self> {
        match self {
            Self::Registry(reference) => Ok(Self::Registry(tagged(reference, tag)?)),
            Self::Layout {
                layout,
                tag: None,
                name,
            } => Ok(Self::Layout {
                layout: Arc::clone(layout),
                tag: Some(tag.to_owned()),
                name: format!("{name}:{tag}"),
            }),
            Self::Layout { name, .. } => Err(has_tag(name)),
            Self::Store { .. } => Ok(self.clone()),
        }
    }

    /// Refuses what cannot be put under the name that is wanted.
    ///
    /// # Errors
    /// Where the name has another digest.
    pub fn check(&self, root: &Manifest) -> Result<()> {
        let Self::Registry(reference) = self else {
            return Ok(());
        };
        let found = &root.descriptor.digest;
        match reference.digest() {
            Some(digest) if digest != found => Err(Error::Exists {
                what: format!("`{reference}` cannot be `{found}`: its digest is another"),
                hint: "give the target a tag instead".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Returns whether the name has that manifest already.
    ///
    /// # Errors
    /// Where that cannot be found out.
    pub fn is_that(&self, network: &Network, root: &Manifest) -> Result<bool> {
        match self {
            Self::Registry(reference) => {
                let named = reference.clone().without_digest();
                let named = match reference.tag() {
                    None if reference.digest().is_some() => reference.clone(),
                    _ => named,
                };
                let found = network.wait(network.client.digest_for_push(&named))?;
                Ok(found.as_ref() == Some(&root.descriptor.digest))
            }
            Self::Layout { .. } | Self::Store { .. } => Ok(false),
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
                Ok(network
                    .wait(network.client.digest_for_push(&one))?
                    .is_some())
            }
            // Looking at each blob costs next to nothing.
            Self::Layout { .. } | Self::Store { .. } => Ok(false),
        }
    }

    /// Returns where a blob goes.
    pub fn target(&self, source: &Source, digest: &Digest, size: u64) -> Target {
        match self {
            Self::Registry(to) => Target::Registry {
                to: to.clone(),
                mount: match source {
                    Source::Registry(from)
                        if from.registry() == to.registry()
                            && from.repository() != to.repository() =>
                    {
                        Some(from.repository().clone())
                    }
                    _ => None,
                },
            },
            Self::Layout { layout, .. } | Self::Store { layout, .. } => {
                Target::Local(place_in(layout, digest, size))
            }
        }
    }

    /// Puts a manifest there, known only by its digest.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn put(&self, network: &Network, manifest: &Manifest) -> Result<()> {
        let digest = &manifest.descriptor.digest;
        match self {
            Self::Registry(reference) => {
                let one = reference.clone().with_digest(digest.clone());
                Ok(network.wait(network.client.put_manifest(&one, manifest))?)
            }
            Self::Layout { layout, .. } | Self::Store { layout, .. } => {
                put_document(layout, manifest)?;
                // There is no other way to find what refers to an image.
                if manifest.subject.is_some() {
                    layout.tag(&manifest.as_entry(), None)?;
                }
                Ok(())
            }
        }
    }

    /// Puts the manifest there that was asked for, under its name.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn put_root(&self, network: &Network, manifest: &Manifest) -> Result<()> {
        match self {
            Self::Registry(reference) => {
                let named = match reference.tag() {
                    Some(_) => reference.clone().without_digest(),
                    None => reference.clone(),
                };
                Ok(network.wait(network.client.put_manifest(&named, manifest))?)
            }
            Self::Layout { layout, tag, .. } => {
                put_document(layout, manifest)?;
                Ok(layout.tag(&manifest.as_entry(), tag.as_deref())?)
            }
            Self::Store { layout, reference } => {
                put_document(layout, manifest)?;
                tag_in_store(layout, manifest, reference.as_deref())
            }
        }
    }
}

/// Makes the entry of a manifest in the layout of the store.
///
/// # Errors
/// Where it cannot be written.
pub fn tag_in_store(layout: &Layout, manifest: &Manifest, reference: Option<&str>) -> Result<()> {
    let mut entry = manifest.as_entry();
    if let Some(reference) = reference {
        entry
            .annotations
            .insert(oci::IMAGE_NAME.to_owned(), reference.to_owned());
    }
    Ok(layout.tag(&entry, Some(manifest.descriptor.digest.hex()))?)
}

fn tagged(reference: &Reference, tag: &str) -> Result<Reference> {
    if reference.tag().is_some() || reference.digest().is_some() {
        return Err(has_tag(&reference.to_string()));
    }
    let tag = tag.parse::<Tag>();
    let tag = tag.map_err(|error| Error::invalid(error.to_string()))?;
    Ok(reference.clone().with_tag(tag))
}

fn has_tag(name: &str) -> Error {
    Error::invalid(format!(
        "`{name}` is one image: with `--all-tags`, name both sides without a tag"
    ))
}

fn put_document(layout: &Layout, manifest: &Manifest) -> Result<()> {
    let Descriptor { digest, size, .. } = &manifest.descriptor;
    if !layout.holds(digest, *size)? {
        layout.put_document_as(&manifest.bytes, digest)?;
    }
    Ok(())
}
