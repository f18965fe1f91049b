//! Images on this machine as one end of a copy: layouts, archives, and artifacts that
//! are made of a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::manifest::{Descriptor, Manifest};
use crate::domain::reference::Digest;
use crate::ops::Error;
use crate::registry::{Failure, OpenFile, Opener, Sink};
use crate::store::oci::{self, ArchiveLayout, Layout, NewBlob};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Images on this machine that can be read.
#[derive(Debug, Clone)]
pub enum Local {
    Layout(Arc<Layout>),
    Archive(Arc<ArchiveLayout>),
    /// A manifest that stands nowhere yet, and what it needs.
    Made(Arc<Made>),
}

/// An artifact that is made of a file.
#[derive(Debug)]
pub struct Made {
    pub manifest: Manifest,
    /// Small blobs, such as the config.
    pub documents: BTreeMap<Digest, Vec<u8>>,
    pub files: BTreeMap<Digest, PathBuf>,
}

impl Local {
    /// Returns the manifest of a tag or digest; without one that of `latest`, else the
    /// only one.
    ///
    /// # Errors
    /// Where there is none, or several, or it is not what it should be.
    pub fn root(&self, tag: Option<&str>) -> Result<Manifest> {
        let descriptor = match self {
            Self::Layout(layout) => layout.find(tag)?,
            Self::Archive(archive) => archive.find(tag)?,
            Self::Made(made) => return Ok(made.manifest.clone()),
        };
        self.manifest(&descriptor)
    }

    /// Returns the manifest that a descriptor stands for.
    ///
    /// # Errors
    /// Where it is not there, or not what it should be.
    pub fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        let bytes = self.document(&descriptor.digest)?;
        let said = Some(descriptor.media_type.clone()).filter(|said| !said.is_empty());
        let found = Manifest::checked(bytes, said, &[Some(&descriptor.digest)]);
        Ok(found.map_err(|rule| {
            oci::Error::violation(format!("the manifest `{}`: {rule}", descriptor.digest))
        })?)
    }

    /// Returns the bytes of a manifest or config.
    ///
    /// # Errors
    /// Where it is not there, or not what it should be.
    pub fn document(&self, digest: &Digest) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Layout(layout) => layout.document(digest)?,
            Self::Archive(archive) => archive.document(digest)?,
            Self::Made(made) => made.documents.get(digest).cloned().unwrap_or_default(),
        })
    }

    /// Returns the manifests that can be asked for.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn entries(&self) -> Result<Vec<Descriptor>> {
        Ok(match self {
            Self::Layout(layout) => layout.entries()?,
            Self::Archive(archive) => archive.entries().to_vec(),
            Self::Made(_) => Vec::new(),
        })
    }

    /// Returns the manifests that refer to one: they stand beside it in the index.
    ///
    /// # Errors
    /// Where one of them cannot be read.
    pub fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>> {
        let mut found = Vec::new();
        for entry in self.entries()? {
            if self.manifest(&entry)?.subject.as_ref() == Some(subject) {
                found.push(entry);
            }
        }
        Ok(found)
    }

    /// Returns what opens a blob.
    pub fn opener(&self, digest: &Digest) -> OpenFile {
        let (local, digest) = (self.clone(), digest.clone());
        Arc::new(move |from| local.open(&digest, from))
    }

    fn open(&self, digest: &Digest, from: u64) -> Result<Box<dyn Read + Send>, Failure> {
        let seek = |mut file: File| {
            file.seek(SeekFrom::Start(from)).map_err(Failure::local)?;
            Ok::<Box<dyn Read + Send>, Failure>(Box::new(file))
        };
        match self {
            Self::Layout(layout) => seek(layout.blob(digest).map_err(Failure::local)?.0),
            Self::Archive(archive) => {
                let (section, _) = archive.blob(digest).map_err(Failure::local)?;
                Ok(Box::new(section.from(from)))
            }
            Self::Made(made) => match made.files.get(digest) {
                Some(path) => seek(File::open(path).map_err(Failure::local)?),
                None => {
                    let bytes = made.documents.get(digest).cloned().unwrap_or_default();
                    let mut cursor = Cursor::new(bytes);
                    cursor.set_position(from);
                    Ok(Box::new(cursor))
                }
            },
        }
    }
}

/// Returns what opens the place of a blob in a layout.
pub fn place_in(layout: &Arc<Layout>, digest: &Digest, size: u64) -> Opener {
    let (layout, digest) = (Arc::clone(layout), digest.clone());
    Arc::new(move || {
        if layout.holds(&digest, size).map_err(Failure::local)? {
            return Ok(None);
        }
        let blob = layout.begin(&digest, size).map_err(Failure::local)?;
        Ok(Some(Box::new(Place(blob)) as Box<dyn Sink>))
    })
}

/// A blob that is written into a layout.
struct Place(NewBlob);

impl Sink for Place {
    fn offset(&self) -> u64 {
        self.0.offset()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write(bytes).map_err(Failure::local)
    }

    fn finish(self: Box<Self>) -> Result<(), Failure> {
        self.0.finish().map_err(Failure::local)
    }
}
