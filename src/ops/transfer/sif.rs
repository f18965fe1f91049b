//! Singularity images as artifacts of registries: a file is the one layer of its
//! manifest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ends::scratch_in;
use super::local::{Made, place_in};
use super::place::Source;
use super::{Blobs, Choice, Copied, Tick, bring, chosen};
use crate::domain::manifest::{Descriptor, Manifest};
use crate::domain::name::shorten;
use crate::domain::reference::Digest;
use crate::domain::sif;
use crate::ops::{Error, Result};
use crate::registry::{Job, Network, Progress, Target};
use crate::store::files::{self, GoOn};
use crate::store::oci::Layout;

/// Returns whether a file is a Singularity image.
///
/// # Errors
/// Where it cannot be read.
fn is_sif(path: &Path) -> Result<bool> {
    let unreadable = |source| Error::Read {
        name: path.display().to_string(),
        source,
    };
    let mut head = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(sif::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    Ok(sif::is_head(&head))
}

/// Returns the artifact that is made of a file, all of which is read for its digest.
///
/// # Errors
/// For what is no Singularity image, and where it cannot be read.
pub(super) fn made_of(path: &Path, title: &str, go_on: GoOn<'_>) -> Result<Made> {
    let mut source = files::Source::open(path)?;
    if !is_sif(path)? {
        return Err(Error::invalid(format!(
            "`{}` is no Singularity image (SIF): of other files, `oci-archive:FILE` and \
             `docker-archive:FILE` are read",
            path.display()
        )));
    }
    let measured = source.measure(go_on)?;
    let digest = format!("sha256:{}", measured.sha256).parse::<Digest>();
    let manifest = digest
        .map_err(|error| error.to_string())
        .and_then(|digest| sif::manifest_of(title, digest, measured.size))
        .map_err(Error::invalid)?;
    let mut made = Made {
        documents: BTreeMap::new(),
        files: BTreeMap::new(),
        manifest,
    };
    if let Some(layer) = sif::file_of(&made.manifest) {
        let path = source.path().to_path_buf();
        made.files.insert(layer.digest.clone(), path);
    }
    let config = crate::domain::manifest::digest_of(
        sif::CONFIG_BYTES,
        crate::domain::reference::DigestAlgorithm::Sha256,
    );
    made.documents.insert(config, sif::CONFIG_BYTES.to_vec());
    Ok(made)
}

/// Brings the file of an artifact into a layout, as a blob that no entry needs.
///
/// # Errors
/// Where it cannot be had, or is not what its digest says.
pub(in crate::ops) fn bring_file(
    network: &Network,
    source: &Source,
    layout: &Arc<Layout>,
    file: &Descriptor,
    tick: Tick<'_>,
) -> Result<(Blobs, PathBuf)> {
    let job = Job {
        source: source.supply(&file.digest),
        target: Target::Local(place_in(layout, &file.digest, file.size)),
        progress: Progress::new(file.digest.clone(), file.size),
    };
    let blobs = bring(network, vec![job], tick)?;
    Ok((blobs, layout.blob_path(&file.digest)))
}

/// Gets the file of an artifact, in the place of whatever has its name. It has its name
/// only when it is whole.
///
/// # Errors
/// For what is no Singularity image, and where it cannot be had or written.
pub fn fetch_sif(
    network: &Network,
    source: &Source,
    file: &Path,
    choice: &Choice,
    tick: Tick<'_>,
) -> Result<Copied> {
    let root = chosen(network, source, choice)?;
    let Some(layer) = sif::file_of(&root) else {
        return Err(Error::invalid(format!(
            "`{source}` is no Singularity image, and `{}` is the name of one: take \
             `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`",
            shorten(&file.display().to_string())
        )));
    };
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let scratch = scratch_in(folder)?;
    let layout = Arc::new(Layout::create(scratch.path())?.durable());
    let (blobs, blob) = bring_file(network, source, &layout, layer, tick)?;
    fs::rename(blob, file)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|source| Error::Write {
            name: file.display().to_string(),
            source,
        })?;
    Ok(copied(source, &root, file.display().to_string(), blobs))
}

/// Returns what is told of a file that was copied.
pub(in crate::ops) fn copied(
    source: &Source,
    root: &Manifest,
    target: String,
    blobs: Blobs,
) -> Copied {
    Copied {
        source: source.to_string(),
        target,
        digest: root.descriptor.digest.to_string(),
        media_type: root.descriptor.media_type.clone(),
        manifests: 1,
        blobs,
        referrers: 0,
        foreign_layers: Vec::new(),
    }
}
