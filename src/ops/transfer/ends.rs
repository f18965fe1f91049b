//! The two ends of a copy, opened from what the command line names: what has no form
//! that blobs can be read from or written to one by one goes by a layout in a scratch
//! folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::local::Local;
use super::place::{Destination, Source};
use super::sif;
use super::tools::{Form, Storage};
use crate::domain::manifest::Descriptor;
use crate::domain::reference::{Digest, Reference, Registry};
use crate::domain::transport::Endpoint;
use crate::ops::{Error, Result};
use crate::store::files::GoOn;
use crate::store::oci::{ArchiveLayout, ArchiveWriter, Layout, REF_NAME, docker_archive};

/// What a source turned out to be.
#[derive(Debug, Clone)]
pub enum Start {
    Endpoint(Endpoint),
    /// An image of a layout.
    Layout {
        folder: PathBuf,
        digest: Digest,
        /// As the user wrote it.
        name: String,
    },
    /// A Singularity image.
    Sif {
        file: PathBuf,
        /// What a registry is to call the file.
        title: String,
        /// As the user wrote it.
        name: String,
    },
}

/// Bytes that go into an archive at once.
const PIECE: usize = 1024 * 1024;

/// A source that is open, and what it needs as long as it is read.
#[derive(Debug)]
pub struct OpenSource {
    pub source: Source,
    _scratch: Option<TempDir>,
}

/// A target that is open, and what is to be done when the image is there.
#[derive(Debug)]
pub struct OpenTarget {
    pub destination: Destination,
    finish: Finish,
    _scratch: Option<TempDir>,
}

/// What becomes of the layout in the scratch folder.
#[derive(Debug)]
enum Finish {
    Nothing,
    OciArchive {
        file: PathBuf,
        tag: Option<String>,
    },
    DockerArchive {
        file: PathBuf,
        reference: Option<String>,
    },
    Tool {
        storage: Storage,
        image: String,
    },
}

impl Source {
    /// Returns the images of a repository.
    ///
    /// # Errors
    /// Where the text is no reference.
    pub fn registry(text: &str, default: &Registry) -> Result<Self> {
        Ok(Self::Registry(reference_of(text, default)?))
    }
}

fn reference_of(text: &str, default: &Registry) -> Result<Reference> {
    Reference::parse_with_default(text, default).map_err(|error| Error::invalid(error.to_string()))
}

impl OpenSource {
    /// Opens a source.
    ///
    /// # Errors
    /// Where it is not there, or not what it should be.
    pub fn open(start: &Start, default: &Registry, go_on: GoOn<'_>) -> Result<Self> {
        let plain = |source| Self {
            source,
            _scratch: None,
        };
        let endpoint = match start {
            Start::Endpoint(endpoint) => endpoint,
            Start::Layout {
                folder,
                digest,
                name,
            } => {
                return Ok(plain(Source::Local {
                    images: Local::Layout(Arc::new(Layout::open(folder)?)),
                    tag: Some(digest.to_string()),
                    name: name.clone(),
                }));
            }
            Start::Sif { file, title, name } => {
                return Ok(plain(Source::Local {
                    images: Local::Made(Arc::new(sif::made_of(file, title, go_on)?)),
                    tag: None,
                    name: name.clone(),
                }));
            }
        };
        let name = endpoint.to_string();
        let local = |images, tag: &Option<String>| Source::Local {
            images,
            tag: tag.clone(),
            name: name.clone(),
        };
        Ok(match endpoint {
            Endpoint::Registry(text) => plain(Source::registry(text, default)?),
            Endpoint::Layout { folder, tag } => {
                let layout = Arc::new(Layout::open(Path::new(folder))?);
                plain(local(Local::Layout(layout), tag))
            }
            Endpoint::OciArchive { file, tag } => {
                let archive = Arc::new(ArchiveLayout::open_while(Path::new(file), go_on)?);
                plain(local(Local::Archive(archive), tag))
            }
            Endpoint::DockerArchive { file, reference } => {
                let scratch = scratch_in(&std::env::temp_dir())?;
                let layout = Layout::create(scratch.path())?;
                let wanted = reference.as_deref();
                let image = docker_archive::into_layout(Path::new(file), wanted, &layout, go_on)?;
                layout.tag(&image, None)?;
                Self {
                    source: local(
                        Local::Layout(Arc::new(layout)),
                        &Some(image.digest.to_string()),
                    ),
                    _scratch: Some(scratch),
                }
            }
            Endpoint::ContainersStorage(image) => {
                let (layout, tag, scratch) = handed_over(Storage::Containers, image, go_on)?;
                Self {
                    source: local(Local::Layout(layout), &tag),
                    _scratch: Some(scratch),
                }
            }
            Endpoint::DockerDaemon(image) => {
                let (layout, tag, scratch) = handed_over(Storage::Docker, image, go_on)?;
                Self {
                    source: local(Local::Layout(layout), &tag),
                    _scratch: Some(scratch),
                }
            }
            Endpoint::Store(_) => return Err(unsupported(endpoint)),
        })
    }

    /// Returns whether something is to be cleaned up.
    pub fn has_scratch(&self) -> bool {
        self._scratch.is_some()
    }
}

impl OpenTarget {
    /// Opens a target.
    ///
    /// # Errors
    /// Where it cannot be written to.
    pub fn open(endpoint: &Endpoint, default: &Registry) -> Result<Self> {
        let name = endpoint.to_string();
        let plain = |destination| Self {
            destination,
            finish: Finish::Nothing,
            _scratch: None,
        };
        let beside = |file: &Path, finish| {
            let folder = file.parent().filter(|folder| *folder != Path::new(""));
            let scratch = scratch_in(folder.unwrap_or(Path::new(".")))?;
            let layout = Arc::new(Layout::create(scratch.path())?);
            Ok::<_, Error>(Self {
                destination: Destination::Layout {
                    layout,
                    tag: None,
                    name: name.clone(),
                },
                finish,
                _scratch: Some(scratch),
            })
        };
        Ok(match endpoint {
            Endpoint::Registry(text) => plain(Destination::Registry(reference_of(text, default)?)),
            Endpoint::Layout { folder, tag } => plain(Destination::Layout {
                layout: Arc::new(Layout::create(Path::new(folder))?),
                tag: tag.clone(),
                name: name.clone(),
            }),
            Endpoint::OciArchive { file, tag } => {
                let (file, tag) = (PathBuf::from(file), tag.clone());
                beside(&file.clone(), Finish::OciArchive { file, tag })?
            }
            Endpoint::DockerArchive { file, reference } => {
                let (file, reference) = (PathBuf::from(file), reference.clone());
                beside(&file.clone(), Finish::DockerArchive { file, reference })?
            }
            Endpoint::ContainersStorage(image) => in_scratch(Storage::Containers, image, name)?,
            Endpoint::DockerDaemon(image) => in_scratch(Storage::Docker, image, name)?,
            Endpoint::Store(_) => return Err(unsupported(endpoint)),
        })
    }

    /// Returns whether something is to be cleaned up.
    pub fn has_scratch(&self) -> bool {
        self._scratch.is_some()
    }

    /// Makes of the scratch folder what was asked for.
    ///
    /// # Errors
    /// Where it cannot be written, or cannot hold such an image.
    pub fn finish(self, go_on: GoOn<'_>) -> Result<()> {
        let Destination::Layout { layout, .. } = &self.destination else {
            return Ok(());
        };
        match &self.finish {
            Finish::Nothing => Ok(()),
            Finish::OciArchive { file, tag } => {
                let entries = layout.entries()?;
                archive(layout, &entries, tag.as_deref(), file, go_on)
            }
            Finish::DockerArchive { file, reference } => {
                let image = layout.find(None)?;
                let reference = reference.as_deref();
                Ok(docker_archive::from_layout(
                    layout, &image, reference, file, go_on,
                )?)
            }
            Finish::Tool { storage, image } => {
                let scratch = scratch_in(&std::env::temp_dir())?;
                let file = scratch.path().join("image.tar");
                match storage {
                    Storage::Containers => {
                        archive(layout, &layout.entries()?, Some(image), &file, go_on)?;
                    }
                    Storage::Docker => {
                        let found = layout.find(None)?;
                        docker_archive::from_layout(layout, &found, Some(image), &file, go_on)?;
                    }
                }
                storage.take(image, &file, go_on)
            }
        }
    }
}

/// Returns an image that another program handed over, and the folder that it is in.
fn handed_over(
    storage: Storage,
    image: &str,
    go_on: GoOn<'_>,
) -> Result<(Arc<Layout>, Option<String>, TempDir)> {
    let scratch = scratch_in(&std::env::temp_dir())?;
    let path = scratch.path().join("image");
    let layout = match storage.hand_over(image, &path, go_on)? {
        Form::Layout => Layout::open(&path)?,
        Form::DockerArchive => {
            let layout = Layout::create(&scratch.path().join("layout"))?;
            let found = docker_archive::into_layout(&path, None, &layout, go_on)?;
            layout.tag(&found, None)?;
            layout
        }
    };
    let found = layout.find(None)?.digest.to_string();
    Ok((Arc::new(layout), Some(found), scratch))
}

/// Returns a target that another program takes the image from.
fn in_scratch(storage: Storage, image: &str, name: String) -> Result<OpenTarget> {
    let image = storage.name_for(image)?;
    let scratch = scratch_in(&std::env::temp_dir())?;
    let layout = Arc::new(Layout::create(scratch.path())?);
    Ok(OpenTarget {
        destination: Destination::Layout {
            layout,
            tag: None,
            name,
        },
        finish: Finish::Tool { storage, image },
        _scratch: Some(scratch),
    })
}

/// Writes all of a layout into an archive; its last entry has the tag.
fn archive(
    layout: &Layout,
    entries: &[Descriptor],
    tag: Option<&str>,
    file: &Path,
    go_on: GoOn<'_>,
) -> Result<()> {
    use std::io::Read;
    let mut writer = ArchiveWriter::create(file)?;
    let mut buffer = vec![0; PIECE];
    let mut done = 0;
    for digest in layout.digests()? {
        let (mut blob, size) = layout.blob(&digest)?;
        let mut target = writer.begin(&digest, size)?;
        loop {
            let count = blob.read(&mut buffer).map_err(|source| Error::Read {
                name: layout.path().display().to_string(),
                source,
            })?;
            if count == 0 {
                break;
            }
            target.write(buffer.get(..count).unwrap_or_default())?;
            done += count as u64;
            if !go_on(done) {
                return Err(Error::Interrupted);
            }
        }
        writer = target.finish()?;
    }
    let last = entries.len().saturating_sub(1);
    let named: Vec<(Descriptor, Option<String>)> = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| {
            let own = entry.annotations.get(REF_NAME).map(String::as_str);
            let tag = tag.filter(|_| at == last).or(own).map(str::to_owned);
            (entry.clone(), tag)
        })
        .collect();
    Ok(writer.finish(&named)?)
}

pub(super) fn scratch_in(folder: &Path) -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix(".imgdex-copy-")
        .tempdir_in(folder)
        .map_err(|source| Error::Write {
            name: folder.display().to_string(),
            source,
        })
}

fn unsupported(endpoint: &Endpoint) -> Error {
    Error::invalid(format!("`{endpoint}` cannot be used here"))
}
