//! What an image holds, read where it comes from: reading it where it goes would count
//! as a pull there.

use std::collections::BTreeMap;

use crate::domain::manifest::{Config, Content, Descriptor, Manifest};
use crate::ops::Result;
use crate::ops::registry::{image_size, platforms_of, real_platform, usual};
use crate::ops::transfer::Source;
use crate::registry::Network;

/// Platforms of an index that are read.
const MOST_PLATFORMS: usize = 32;

/// What an image holds.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Bytes: config and layers; the sum over the platforms of an index.
    pub size: Option<u64>,
    pub platforms: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// What it runs, quoted as for a shell; of an index what its usual platform runs.
    pub command: Option<String>,
}

impl Contents {
    /// Returns what an image holds.
    ///
    /// # Errors
    /// Where something of it cannot be read.
    pub fn of(network: &Network, source: &Source, root: &Manifest) -> Result<Self> {
        match &root.content {
            Content::Image { config, layers } => {
                let said = config_of(network, source, config)?;
                Ok(Self {
                    size: Some(image_size(config, layers)),
                    platforms: said.platform.iter().map(ToString::to_string).collect(),
                    command: command(&said),
                    labels: said.labels,
                })
            }
            Content::Index(entries) => {
                let said = match usual(entries) {
                    None => Config::default(),
                    Some(entry) => match source.manifest(network, entry)?.content {
                        Content::Image { config, .. } => config_of(network, source, &config)?,
                        Content::Index(_) => Config::default(),
                    },
                };
                Ok(Self {
                    size: size_of_all(network, source, entries)?,
                    platforms: platforms_of(entries),
                    labels: BTreeMap::new(),
                    command: command(&said),
                })
            }
        }
    }
}

/// Returns what a config says; an artifact's says nothing.
fn config_of(network: &Network, source: &Source, config: &Descriptor) -> Result<Config> {
    let is_image = ["config.v1+json", "container.image.v1+json"]
        .iter()
        .any(|ending| config.media_type.ends_with(ending));
    match is_image {
        true => source.config(network, config),
        false => Ok(Config::default()),
    }
}

fn command(config: &Config) -> Option<String> {
    let words = config.command.iter().map(String::as_str);
    shlex::try_join(words).ok().filter(|text| !text.is_empty())
}

/// Returns the size of all platforms of an index; nothing where there are too many, or
/// one is an index again.
fn size_of_all(network: &Network, source: &Source, entries: &[Descriptor]) -> Result<Option<u64>> {
    let real = |entry: &&Descriptor| real_platform(entry).is_some();
    let images: Vec<&Descriptor> = entries.iter().filter(real).collect();
    if images.len() > MOST_PLATFORMS {
        return Ok(None);
    }
    let mut sum = 0_u64;
    for entry in images {
        match source.manifest(network, entry)?.content {
            Content::Image { config, layers } => {
                sum = sum.saturating_add(image_size(&config, &layers));
            }
            Content::Index(_) => return Ok(None),
        }
    }
    Ok(Some(sum))
}
