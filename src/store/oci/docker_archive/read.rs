//! Reading: each layer is held against the config, compressed, and becomes a blob.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::{Compression as Level, GzBuilder};

use super::{Config, Item, MANIFEST, OCI_CONFIG, Progress, read_layer, with_tag};
use crate::domain::manifest::{Descriptor, OCI_MANIFEST, digest_of};
use crate::domain::name::shorten;
use crate::domain::reference::{Digest, DigestAlgorithm};
use crate::store::files::GoOn;
use crate::store::oci::archive::read;
use crate::store::oci::index::quoted;
use crate::store::oci::loose::LooseBlob;
use crate::store::oci::tar::{
    Compression, Kind, Limited, Section, Tar, compression_of, decoder, largest,
};
use crate::store::oci::{Error, LARGEST_DOCUMENT, Layout, Result, unreadable, unwritable};

/// How many links lead from one to the next. Docker's own lead to the layer at once.
const MOST_LINKS: usize = 8;

/// Bytes of the longest name that a layer or config has.
const LONGEST_NAME: usize = 512;

/// An archive being read.
struct Archive {
    tar: Tar,
    members: HashMap<String, Place>,
}

/// Where the bytes of a member are.
enum Place {
    File {
        at: u64,
        size: u64,
    },
    /// At another member, by its name; unset where that is outside of the archive.
    Link(Option<String>),
}

/// Puts an image of an archive into a layout as an OCI image, and returns its manifest,
/// which has no entry yet. The config's bytes stay as they are; layers that are not
/// compressed become gzip. Without `wanted`, the only image is meant.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] where it is no such archive, or several images
/// fit, naming them; [`Error::Violation`] where a layer is not what the config says, or
/// no image could be like that; [`Error::Unsafe`] where a name or a link leads out of it;
/// [`Error::Read`], [`Error::Write`], [`Error::Busy`], [`Error::Interrupted`].
pub fn into_layout(
    file: &Path,
    wanted: Option<&str>,
    layout: &Layout,
    mut go_on: GoOn<'_>,
) -> Result<Descriptor> {
    let archive = Archive::open(file, go_on)?;
    let item = archive.chosen(wanted)?;
    let config_bytes = archive.document(&item.config)?;
    let broken = |rule: String| {
        Error::violation(format!(
            "`{}` in `{}`: {rule}",
            shorten(&item.config),
            file.display()
        ))
    };
    check_name(&item.config, &config_bytes).map_err(broken)?;
    let config = Config::parse(&config_bytes).map_err(broken)?;
    let names = item.layers.unwrap_or_default();
    if names.len() != config.diff_ids.len() {
        return Err(broken(format!(
            "it has {} layers, and `{MANIFEST}` {}",
            config.diff_ids.len(),
            names.len()
        )));
    }
    let mut progress = Progress {
        go_on: &mut go_on,
        done: 0,
    };
    let mut known: HashMap<(u64, &Digest), Descriptor> = HashMap::new();
    let mut layers = Vec::new();
    for (name, diff_id) in names.iter().zip(&config.diff_ids) {
        let (at, size) = archive.place(name)?;
        // Images have the same empty layer many times over.
        let layer = match known.get(&(at, diff_id)) {
            Some(layer) => layer.clone(),
            None => {
                let section = archive.tar.section(at, size);
                let layer = put_layer(section, diff_id, layout, file, &mut progress)?;
                known.insert((at, diff_id), layer.clone());
                layer
            }
        };
        layers.push(layer.to_json());
    }
    let digest = layout.put_document(&config_bytes)?;
    let config_size = config_bytes.len() as u64;
    let config_json = descriptor(OCI_CONFIG, digest, config_size).to_json();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}","config":{config_json},"layers":[{}]}}"#,
        layers.join(",")
    );
    let digest = layout.put_document(manifest.as_bytes())?;
    Ok(Descriptor {
        platform: config.platform,
        ..descriptor(OCI_MANIFEST, digest, manifest.len() as u64)
    })
}

impl Archive {
    fn open(file: &Path, go_on: GoOn<'_>) -> Result<Self> {
        let tar = Tar::open(file, go_on)?;
        let mut members = HashMap::new();
        tar.members(|member| {
            let name = member.name;
            let place = match member.kind {
                Kind::File { at, size } => Place::File { at, size },
                Kind::Hardlink { target } => Place::Link(joined("", &target)),
                Kind::Symlink { target } => {
                    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                    Place::Link(joined(folder, &target))
                }
                Kind::Folder | Kind::Special => return Ok(()),
            };
            if name.len() > LONGEST_NAME {
                return Ok(());
            }
            let is_manifest = name == MANIFEST;
            if members.insert(name, place).is_some() && is_manifest {
                // Two readers could take two different ones of them.
                return Err(Error::violation(format!(
                    "`{}` has `{MANIFEST}` twice",
                    file.display()
                )));
            }
            Ok(())
        })?;
        if !members.contains_key(MANIFEST) {
            return Err(Error::invalid(format!(
                "`{}` is no archive of docker: it has no `{MANIFEST}`",
                file.display()
            )));
        }
        Ok(Self { tar, members })
    }

    /// Returns where the bytes of a member are, or of what it is a link to.
    fn place(&self, name: &str) -> Result<(u64, u64)> {
        let path = self.tar.path().display();
        let mut current = joined("", name);
        for _ in 0..=MOST_LINKS {
            let Some(inside) = &current else {
                return Err(Error::Unsafe {
                    what: format!("`{}` leads out of `{path}`", shorten(name)),
                    hint: "nothing was read of it: get it from somebody else".to_owned(),
                });
            };
            match self.members.get(inside) {
                Some(Place::File { at, size }) => return Ok((*at, *size)),
                Some(Place::Link(target)) => current.clone_from(target),
                None => {
                    let name = shorten(name);
                    return Err(Error::violation(format!("`{path}` has no file `{name}`")));
                }
            }
        }
        Err(Error::violation(format!(
            "`{}` in `{path}` is a link to a link, over {MOST_LINKS} times",
            shorten(name)
        )))
    }

    fn document(&self, name: &str) -> Result<Vec<u8>> {
        read(&self.tar, name, self.place(name)?, LARGEST_DOCUMENT)
    }

    /// Returns the image that is meant.
    fn chosen(&self, wanted: Option<&str>) -> Result<Item> {
        let path = self.tar.path().display();
        let items: Vec<Item> =
            serde_json::from_slice(&self.document(MANIFEST)?).map_err(|error| {
                Error::violation(format!("`{MANIFEST}` in `{path}` is no list: {error}"))
            })?;
        let name = |item: &Item| match item.repo_tags.as_deref() {
            Some(tags) if !tags.is_empty() => tags.iter().map(|tag| shorten(tag)).collect(),
            _ => vec![shorten(&item.config)],
        };
        let names = quoted(items.iter().flat_map(name));
        let normal = wanted.and_then(with_tag);
        let is_wanted = |item: &Item| match wanted {
            None => true,
            Some(wanted) => item
                .repo_tags
                .iter()
                .flatten()
                .any(|tag| tag == wanted || (normal.is_some() && with_tag(tag) == normal)),
        };
        let mut fitting = items.into_iter().filter(is_wanted);
        match (fitting.next(), fitting.next(), wanted) {
            (Some(item), None, _) => Ok(item),
            (Some(_), Some(_), None) => Err(Error::invalid(format!(
                "`{path}` has several images: name one of {names}"
            ))),
            (Some(_), Some(_), Some(wanted)) => Err(Error::violation(format!(
                "`{path}` has several images `{}`",
                shorten(wanted)
            ))),
            (None, _, Some(wanted)) => Err(Error::NotFound {
                what: format!("`{path}` has no image `{}`", shorten(wanted)),
                hint: format!("it has {names}"),
            }),
            (None, _, None) => Err(Error::NotFound {
                what: format!("`{path}` has no image"),
                hint: "save one into it first".to_owned(),
            }),
        }
    }
}

/// Returns the name that a path in a folder of the archive leads to; nothing where that
/// is outside of it.
fn joined(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Checks a config that has its digest as name: `HEX.json`, or `blobs/sha256/HEX`.
fn check_name(name: &str, bytes: &[u8]) -> std::result::Result<(), String> {
    let hex = match name.strip_prefix("blobs/sha256/") {
        Some(hex) => hex,
        None => name.strip_suffix(".json").unwrap_or_default(),
    };
    let Ok(named) = format!("sha256:{hex}").parse::<Digest>() else {
        return Ok(());
    };
    match digest_of(bytes, DigestAlgorithm::Sha256) {
        found if found != named => Err(format!("its bytes are `{found}`")),
        _ => Ok(()),
    }
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest,
        size,
        platform: None,
        artifact_type: None,
        annotations: std::collections::BTreeMap::new(),
    }
}

/// Makes a blob of a layer: compressed, or as it is where it is compressed.
fn put_layer(
    mut section: Section,
    diff_id: &Digest,
    layout: &Layout,
    file: &Path,
    progress: &mut Progress<'_, '_>,
) -> Result<Descriptor> {
    let mut beginning = Vec::new();
    let begin = section.clone().take(4).read_to_end(&mut beginning);
    begin.map_err(unreadable(file))?;
    let compression = compression_of(&beginning);
    let blob = layout.begin_loose()?;
    let unwritable = unwritable(layout.path());
    let blob = if compression == Compression::None {
        let mut gzip = GzBuilder::new().mtime(0).write(blob, Level::default());
        let failed = unreadable(file);
        read_layer(&mut section, diff_id, progress, &failed, |part| {
            gzip.write_all(part).map_err(&unwritable)
        })?;
        gzip.finish().map_err(&unwritable)?
    } else {
        copied(section, compression, diff_id, blob, file, progress).map_err(
            |error| match error {
                Failure::Write(error) => unwritable(error),
                Failure::Other(error) => error,
            },
        )?
    };
    let media_type = match compression {
        Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        Compression::Gzip | Compression::None => "application/vnd.oci.image.layer.v1.tar+gzip",
    };
    let (digest, size) = blob.finish()?;
    Ok(descriptor(media_type, digest, size))
}

/// Why a compressed layer was not copied.
enum Failure {
    Write(io::Error),
    Other(Error),
}

/// Copies a compressed layer, which uncompressed is what the config says.
fn copied(
    section: Section,
    compression: Compression,
    diff_id: &Digest,
    blob: LooseBlob,
    file: &Path,
    progress: &mut Progress<'_, '_>,
) -> std::result::Result<LooseBlob, Failure> {
    let limit = largest(section.left());
    let mut copy = Copy {
        section,
        blob,
        failure: None,
    };
    let failed = |error: io::Error| match error.raw_os_error() {
        Some(_) => unreadable(file)(error),
        None => Error::violation(format!("a layer in `{}`: {error}", file.display())),
    };
    let done = decoder(compression, &mut copy)
        .map_err(failed)
        .and_then(|decoder| {
            let mut limited = Limited::new(decoder, limit);
            read_layer(&mut limited, diff_id, progress, &failed, |_| Ok(()))
        });
    // What follows the last compressed byte belongs to the blob as well.
    let done = done.and_then(|()| io::copy(&mut copy, &mut io::sink()).map_err(failed));
    match (copy.failure, done) {
        (Some(error), _) => Err(Failure::Write(error)),
        (None, Err(error)) => Err(Failure::Other(error)),
        (None, Ok(_)) => Ok(copy.blob),
    }
}

/// Writes what is read of it into a blob.
struct Copy {
    section: Section,
    blob: LooseBlob,
    /// Why it could not be written, which is not the reader's fault.
    failure: Option<io::Error>,
}

impl Read for Copy {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.section.read(buffer)?;
        let part = buffer.get(..count).unwrap_or_default();
        self.blob.write_all(part).map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            io::Error::from(kind)
        })?;
        Ok(count)
    }
}
