//! Writing: each layer uncompressed and held against the config, named as skopeo names
//! them: `HEX.tar` by its uncompressed digest, and `HEX.json` for the config.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::{Config, DOCKER_CONFIG, Item, MANIFEST, OCI_CONFIG, Progress, read_layer, with_tag};
use crate::domain::manifest::{Content, Descriptor, Manifest, digest_of};
use crate::domain::name::shorten;
use crate::domain::reference::{Digest, DigestAlgorithm};
use crate::store::files::GoOn;
use crate::store::oci::tar::{Limited, TarWriter, compression_of, decoder, largest};
use crate::store::oci::{Error, Layout, Result, unreadable, unwritable};

/// Writes an image of a layout as an archive, which takes the place of a file of that
/// name when it is whole. `repo_tag` is what `docker load` will call the image.
///
/// # Errors
/// [`Error::Invalid`] for an index, an artifact, or a reference without a tag;
/// [`Error::NotFound`] where the layout has not all of it; [`Error::Violation`] where a
/// layer is not what the config says; [`Error::Unsafe`], [`Error::Read`],
/// [`Error::Write`], [`Error::Interrupted`].
pub fn from_layout(
    layout: &Layout,
    image: &Descriptor,
    repo_tag: Option<&str>,
    file: &Path,
    mut go_on: GoOn<'_>,
) -> Result<()> {
    let repo_tags = match repo_tag {
        None => Vec::new(),
        Some(text) => vec![with_tag(text).ok_or_else(|| {
            Error::invalid(format!(
                "`{}` cannot name an image in an archive of docker: give a reference with a tag",
                shorten(text)
            ))
        })?],
    };
    let (config_digest, layers) = parts(layout, image)?;
    let bytes = layout.document(&config_digest)?;
    let broken = |rule: String| Error::violation(format!("the config `{config_digest}`: {rule}"));
    let config = Config::parse(&bytes).map_err(broken)?;
    if layers.len() != config.diff_ids.len() {
        return Err(broken(format!(
            "it has {} layers, and the manifest {}",
            config.diff_ids.len(),
            layers.len()
        )));
    }
    let mut tar = TarWriter::create(file)?;
    let digest = digest_of(&bytes, DigestAlgorithm::Sha256);
    let hex = digest.hex();
    let mut item = Item {
        config: format!("{hex}.json"),
        repo_tags: Some(repo_tags),
        layers: None,
    };
    tar.put(&item.config, &bytes)?;
    let mut progress = Progress {
        go_on: &mut go_on,
        done: 0,
    };
    let mut written = HashSet::new();
    let mut names = Vec::new();
    for (layer, diff_id) in layers.iter().zip(&config.diff_ids) {
        let name = format!("{}.tar", diff_id.hex());
        if written.insert(diff_id) {
            tar.begin(&name)?;
            write_layer(layout, layer, diff_id, &mut tar, &mut progress)?;
            tar.end()?;
        }
        names.push(name);
    }
    item.layers = Some(names);
    let manifest = serde_json::to_vec(&[item]);
    let manifest = manifest.map_err(|error| unwritable(file)(error.into()))?;
    tar.put(MANIFEST, &manifest)?;
    tar.finish()
}

/// Returns the config and the layers of an image that docker can load.
fn parts(layout: &Layout, image: &Descriptor) -> Result<(Digest, Vec<Descriptor>)> {
    let digest = &image.digest;
    let said = Some(image.media_type.clone()).filter(|said| !said.is_empty());
    let manifest = Manifest::checked(layout.document(digest)?, said, &[Some(digest)]);
    let manifest = manifest.map_err(|rule| Error::violation(format!("`{digest}`: {rule}")))?;
    match manifest.content {
        Content::Index(_) => Err(Error::invalid(format!(
            "`{digest}` is an index of several images, and an archive of docker has one: name \
             it with `--platform`, or write an `oci-archive:`"
        ))),
        Content::Image { config, layers } => match config.media_type.as_str() {
            OCI_CONFIG | DOCKER_CONFIG => Ok((config.digest, layers)),
            other => Err(Error::invalid(format!(
                "`{digest}` is an artifact with a config of `{}`, and no image that docker \
                 could load: write an `oci-archive:`",
                shorten(other)
            ))),
        },
    }
}

fn write_layer(
    layout: &Layout,
    layer: &Descriptor,
    diff_id: &Digest,
    tar: &mut TarWriter,
    progress: &mut Progress<'_, '_>,
) -> Result<()> {
    let (blob, size): (File, u64) = layout.blob(&layer.digest)?;
    let path = layout.path().to_path_buf();
    if size != layer.size {
        return Err(Error::violation(format!(
            "`{}` has {size} bytes, and not {} as the manifest says",
            layer.digest, layer.size
        )));
    }
    let mut beginning = [0; 4];
    let count = blob.read_at(&mut beginning, 0).map_err(unreadable(&path))?;
    let compression = compression_of(beginning.get(..count).unwrap_or_default());
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(_) => unreadable(&path)(error),
        None => Error::violation(format!("the layer `{}`: {error}", layer.digest)),
    };
    let decoder = decoder(compression, blob).map_err(failed)?;
    let mut limited = Limited::new(decoder, largest(size));
    read_layer(&mut limited, diff_id, progress, &failed, |part| {
        tar.write(part)
    })
}
