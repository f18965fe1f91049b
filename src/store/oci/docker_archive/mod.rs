//! Archives as `docker save` writes them and `docker load` reads them: a tar with
//! `manifest.json`, a config, and layers that are tars themselves
//! (moby, image/tarexport; containers/image, docker/internal/tarfile).

mod read;
mod write;

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

pub use read::into_layout;
pub use write::from_layout;

use super::{BUFFER, Error, Result};
use crate::domain::hashing::Hashing;
use crate::domain::manifest::Platform;
use crate::domain::reference::{Digest, Reference};
use crate::store::files::GoOn;

/// The list of the images in an archive.
const MANIFEST: &str = "manifest.json";

const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// An image of an archive. The names are of members.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

/// What is read of a config.
#[derive(Debug)]
struct Config {
    platform: Option<Platform>,
    /// The digest of each layer's tar, uncompressed.
    diff_ids: Vec<Digest>,
}

impl Config {
    /// Returns what a config says.
    ///
    /// # Errors
    /// The rule that it breaks.
    fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(flatten)]
            platform: Option<Platform>,
            rootfs: RootFs,
        }
        #[derive(Deserialize)]
        struct RootFs {
            diff_ids: Option<Vec<String>>,
        }
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| format!("it is no config: {error}"))?;
        let texts = document.rootfs.diff_ids.unwrap_or_default();
        let parsed: std::result::Result<Vec<Digest>, _> =
            texts.iter().map(|text| text.parse()).collect();
        let is_known =
            |platform: &Platform| !platform.os.is_empty() && !platform.architecture.is_empty();
        Ok(Self {
            platform: document.platform.filter(is_known),
            diff_ids: parsed.map_err(|error| format!("`rootfs.diff_ids`: {error}"))?,
        })
    }
}

/// Returns a reference with everything that it leaves out, and a tag.
fn with_tag(text: &str) -> Option<String> {
    let reference = Reference::parse(text).ok()?;
    let (registry, repository) = (reference.registry(), reference.repository());
    let tag = reference.tag_or_latest()?;
    Some(format!("{registry}/{repository}:{tag}"))
}

/// Tells how much was read, and asks whether to go on.
struct Progress<'a, 'b> {
    go_on: &'a mut GoOn<'b>,
    done: u64,
}

/// Reads everything and gives it to `each`; `failed` is what an error of the reader is.
/// All of it hashes to the digest.
fn read_layer(
    reader: &mut dyn Read,
    diff_id: &Digest,
    progress: &mut Progress<'_, '_>,
    failed: &dyn Fn(io::Error) -> Error,
    mut each: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut hasher = Hashing::new(diff_id.algorithm());
    let mut buffer = vec![0; BUFFER];
    loop {
        if !(progress.go_on)(progress.done) {
            return Err(Error::Interrupted);
        }
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        let part = buffer.get(..count).unwrap_or_default();
        hasher.update(part);
        each(part)?;
        progress.done += count as u64;
    }
    let found = hasher.finish();
    if found.as_str() != diff_id.as_str() {
        return Err(Error::violation(format!(
            "a layer is `{found}`, and not `{diff_id}` as the config says"
        )));
    }
    Ok(())
}
