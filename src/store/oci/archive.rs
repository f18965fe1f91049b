//! An OCI archive being read: a tar of a layout, whose blobs are read where they lie.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use super::index::{self, Index};
use super::layout::{check_document, check_marker};
use super::tar::{Kind, Member, Section, Tar};
use super::{BLOBS, Error, INDEX, LARGEST_DOCUMENT, LARGEST_INDEX, MARKER, Result, unreadable};
use crate::domain::manifest::Descriptor;
use crate::domain::name::shorten;
use crate::domain::reference::Digest;
use crate::store::files::GoOn;

/// A layout in a tar, which may be compressed.
#[derive(Debug)]
pub struct ArchiveLayout {
    tar: Tar,
    entries: Vec<Descriptor>,
    /// Where the bytes of each blob are, and how many.
    blobs: HashMap<Digest, (u64, u64)>,
}

impl ArchiveLayout {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] where it is no OCI archive;
    /// [`Error::Violation`] where it is damaged, or no image could be like that;
    /// [`Error::Unsafe`] where a name leads out of it, or a file of the layout is a link;
    /// [`Error::Read`]; [`Error::Write`] where it cannot be uncompressed.
    #[cfg(test)]
    pub fn open(file: &Path) -> Result<Self> {
        Self::open_while(file, &mut |_| true)
    }

    /// Opens an archive, as [`ArchiveLayout::open`] does. A compressed one takes as long
    /// as it takes to uncompress it.
    ///
    /// # Errors
    /// Those of [`ArchiveLayout::open`], [`Error::Interrupted`].
    pub fn open_while(file: &Path, go_on: GoOn<'_>) -> Result<Self> {
        let tar = Tar::open(file, go_on)?;
        let mut documents = HashMap::new();
        let mut blobs = HashMap::new();
        tar.members(|member| {
            let Some(place) = regular(&tar, &member)? else {
                return Ok(());
            };
            if let Some(digest) = digest_of_name(&member.name) {
                // Of two, either is what its digest says, or it is not read.
                blobs.insert(digest, place);
            } else if [MARKER, INDEX].contains(&member.name.as_str())
                && documents.insert(member.name.clone(), place).is_some()
            {
                // Two readers could take two different ones of them.
                return Err(Error::violation(format!(
                    "`{}` has `{}` twice",
                    file.display(),
                    member.name
                )));
            }
            Ok(())
        })?;
        let document = |name: &str, limit: u64| match documents.get(name) {
            Some(place) => read(&tar, name, *place, limit),
            None => Err(Error::invalid(format!(
                "`{}` is no OCI archive: it has no `{name}`",
                file.display()
            ))),
        };
        check_marker(&document(MARKER, LARGEST_DOCUMENT)?).map_err(|rule| {
            Error::invalid(format!(
                "`{}` is no OCI archive that is read: {rule}",
                file.display()
            ))
        })?;
        let index = Index::parse(&document(INDEX, LARGEST_INDEX)?).map_err(|rule| {
            Error::violation(format!("`{INDEX}` in `{}`: {rule}", file.display()))
        })?;
        Ok(Self {
            tar,
            entries: index.descriptors(),
            blobs,
        })
    }

    /// Returns the path that it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.tar.path()
    }

    /// Returns the entries of `index.json`.
    #[must_use]
    pub fn entries(&self) -> &[Descriptor] {
        &self.entries
    }

    /// Returns the entry of a tag or a digest; without one that of `latest`, else the
    /// only one.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Invalid`] where several fit, both naming what there
    /// is.
    pub fn find(&self, tag: Option<&str>) -> Result<Descriptor> {
        let place = format!("the archive `{}`", self.path().display());
        index::find(&self.entries, tag, &place)
    }

    /// Returns the bytes of a manifest or config, which hash to the digest.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Violation`], [`Error::Read`].
    pub fn document(&self, digest: &Digest) -> Result<Vec<u8>> {
        let place = self.place(digest)?;
        let bytes = read(&self.tar, digest.as_str(), place, LARGEST_DOCUMENT)?;
        check_document(&bytes, digest, self.path())?;
        Ok(bytes)
    }

    /// Returns what reads a blob, and its bytes. What is read is not known to be the
    /// digest's.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn blob(&self, digest: &Digest) -> Result<(Section, u64)> {
        let (at, size) = self.place(digest)?;
        Ok((self.tar.section(at, size), size))
    }

    fn place(&self, digest: &Digest) -> Result<(u64, u64)> {
        self.blobs
            .get(digest)
            .copied()
            .ok_or_else(|| Error::NotFound {
                what: format!("`{}` has no blob `{digest}`", self.path().display()),
                hint: "get the archive again from where it came from".to_owned(),
            })
    }
}

/// Returns where a regular file is. A link in the place of one of the layout's files is
/// refused; elsewhere links are passed over, and followed nowhere.
fn regular(tar: &Tar, member: &Member) -> Result<Option<(u64, u64)>> {
    match member.kind {
        Kind::File { at, size } => Ok(Some((at, size))),
        Kind::Folder => Ok(None),
        _ => {
            let top = member.name.split('/').next().unwrap_or_default();
            match [MARKER, INDEX, BLOBS].contains(&top) {
                false => Ok(None),
                true => Err(Error::Unsafe {
                    what: format!(
                        "`{}` in `{}` is a link or a special file, and only regular files \
                         are read",
                        shorten(&member.name),
                        tar.path().display()
                    ),
                    hint: "nothing was read of it: get it from somebody else".to_owned(),
                }),
            }
        }
    }
}

/// Returns the digest that `blobs/<algorithm>/<hex>` is of.
fn digest_of_name(name: &str) -> Option<Digest> {
    let (algorithm, hex) = name.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

/// Reads a whole member of at most so many bytes.
pub(super) fn read(tar: &Tar, name: &str, (at, size): (u64, u64), limit: u64) -> Result<Vec<u8>> {
    if size > limit {
        return Err(Error::violation(format!(
            "`{}` in `{}` has {size} bytes, and at most {limit} are read of such a file",
            shorten(name),
            tar.path().display()
        )));
    }
    let mut bytes = Vec::new();
    tar.section(at, size)
        .read_to_end(&mut bytes)
        .map_err(unreadable(tar.path()))?;
    Ok(bytes)
}
