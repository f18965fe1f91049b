//! The members of a tar: one pass over the headers. Every number in them is somebody
//! else's, so sizes are held against the end of the file, and names are counted.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{BUFFER, Error, Result, unreadable, unwritable};
use super::fields::{number, part, text};
use super::{BLOCK, Compression, Limited, checksum, compression_of, decoder, field, largest};
use crate::domain::name::shorten;
use crate::store::files::GoOn;

/// How many members a tar may have; those of images have some hundreds.
const MOST_MEMBERS: u64 = 100_000;

/// Bytes of the largest extended header that is read: it holds names.
const LARGEST_EXTENSION: u64 = 64 * 1024;

/// A tar that is not compressed, or not any more.
#[derive(Debug)]
pub struct Tar {
    file: Arc<File>,
    /// The path that it was opened by.
    path: PathBuf,
    /// Bytes.
    size: u64,
}

/// A member, by its name without `./`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, and where its bytes are.
    File {
        at: u64,
        size: u64,
    },
    Folder,
    /// A link to a path, from the folder that the link is in.
    Symlink {
        target: String,
    },
    /// A link to another member by its name.
    Hardlink {
        target: String,
    },
    /// A device, a FIFO, a sparse file, or what is not known here.
    Special,
}

/// The bytes of a member. It reads by place, so many can be read at once.
#[derive(Debug, Clone)]
pub struct Section {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Section {
    /// Returns how many bytes are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Returns the bytes from an offset on.
    #[must_use]
    pub fn from(mut self, offset: u64) -> Self {
        let skipped = offset.min(self.left);
        self.at += skipped;
        self.left -= skipped;
        self
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(buffer.len());
        let count = self
            .file
            .read_at(buffer.get_mut(..most).unwrap_or_default(), self.at)?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

impl Tar {
    /// Opens a tar; one that is compressed is first uncompressed into a file that has
    /// no name.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unsafe`], [`Error::Read`], [`Error::Write`];
    /// [`Error::Violation`] for a bomb; [`Error::Interrupted`].
    pub fn open(path: &Path, go_on: GoOn<'_>) -> Result<Self> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::NotFound {
                what: format!("the archive `{}` does not exist", path.display()),
                hint: "name the file of an archive".to_owned(),
            },
            _ => unreadable(path)(error),
        };
        // Looked at before it is opened: opening a FIFO waits, and a device can do
        // something.
        let metadata = fs::metadata(path).map_err(failed)?;
        if metadata.is_dir() {
            return Err(Error::invalid(format!(
                "`{}` is a folder, and no archive: of folders, `oci:` is read",
                path.display()
            )));
        }
        if !metadata.is_file() {
            return Err(Error::Unsafe {
                what: format!("`{}` is not a regular file", path.display()),
                hint: "name the file of an archive".to_owned(),
            });
        }
        let file = File::open(path).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let mut tar = Self {
            file: Arc::new(file),
            path: path.to_path_buf(),
            size,
        };
        let mut beginning = [0; 4];
        let count = tar.section(0, size).read(&mut beginning);
        let count = count.map_err(unreadable(path))?;
        let compression = compression_of(beginning.get(..count).unwrap_or_default());
        if compression != Compression::None {
            tar.uncompress(compression, go_on)?;
        }
        Ok(tar)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what reads a part of the file.
    pub fn section(&self, at: u64, size: u64) -> Section {
        Section {
            file: Arc::clone(&self.file),
            at,
            left: size,
        }
    }

    fn uncompress(&mut self, compression: Compression, go_on: GoOn<'_>) -> Result<()> {
        let unwritable = unwritable(&std::env::temp_dir());
        let uncompressed = tempfile::tempfile().map_err(&unwritable)?;
        let decoder = decoder(compression, self.section(0, self.size));
        let mut decoder =
            Limited::new(decoder.map_err(unreadable(&self.path))?, largest(self.size));
        let mut buffer = vec![0; BUFFER];
        let mut size = 0;
        loop {
            if !go_on(size) {
                return Err(Error::Interrupted);
            }
            let count = match decoder.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error().is_some() => {
                    return Err(unreadable(&self.path)(error));
                }
                Err(error) => return Err(self.broken(&format!("{error}"))),
            };
            uncompressed
                .write_all_at(buffer.get(..count).unwrap_or_default(), size)
                .map_err(&unwritable)?;
            size += count as u64;
        }
        self.file = Arc::new(uncompressed);
        self.size = size;
        Ok(())
    }

    fn broken(&self, why: &str) -> Error {
        Error::violation(format!("`{}` is no whole tar: {why}", self.path.display()))
    }

    /// Reads a part of the file.
    fn bytes(&self, at: u64, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.section(at, size)
            .read_to_end(&mut bytes)
            .map_err(unreadable(&self.path))?;
        Ok(bytes)
    }

    /// Calls `each` with every member.
    ///
    /// # Errors
    /// [`Error::Violation`], [`Error::Unsafe`] for a name that leads out of the archive,
    /// [`Error::Read`], those of `each`.
    pub fn members(&self, mut each: impl FnMut(Member) -> Result<()>) -> Result<()> {
        let mut at = 0;
        let mut count = 0;
        let mut extension = Extension::default();
        while at < self.size {
            if at + BLOCK > self.size {
                return Err(self.broken("it was cut short"));
            }
            let header = self.bytes(at, BLOCK)?;
            if header.iter().all(|byte| *byte == 0) {
                break;
            }
            count += 1;
            if count > MOST_MEMBERS {
                return Err(Error::violation(format!(
                    "`{}` has over {MOST_MEMBERS} members, as no image has",
                    self.path.display()
                )));
            }
            let (kind, size) =
                kind_and_size(&header, &extension).map_err(|why| self.broken(&why))?;
            at += BLOCK;
            if size > self.size - at {
                return Err(self.broken(&format!("a member of {size} bytes goes over its end")));
            }
            match kind {
                b'x' | b'L' | b'K' => {
                    if size > LARGEST_EXTENSION {
                        return Err(self.broken(&format!("a name has {size} bytes")));
                    }
                    let bytes = self.bytes(at, size)?;
                    let read = extension.read(kind, &bytes);
                    read.map_err(|why| self.broken(&why))?;
                }
                // Of all members, such as a comment; nothing of it is used.
                b'g' => {}
                kind => {
                    let member = member(&header, kind, std::mem::take(&mut extension), at, size);
                    each(self.checked(member)?)?;
                }
            }
            at += size.next_multiple_of(BLOCK).min(self.size - at);
        }
        Ok(())
    }

    /// Returns the member without `./`, unless it leads out of the archive.
    fn checked(&self, mut member: Member) -> Result<Member> {
        let is_outside =
            member.name.starts_with('/') || member.name.split('/').any(|part| part == "..");
        if is_outside || member.name.contains('\0') {
            return Err(Error::Unsafe {
                what: format!(
                    "`{}` in `{}` leads out of the archive",
                    shorten(&member.name),
                    self.path.display()
                ),
                hint: "nothing was read of it: get it from somebody else".to_owned(),
            });
        }
        let parts = member.name.split('/');
        let parts: Vec<&str> = parts.filter(|part| !matches!(*part, "" | ".")).collect();
        member.name = parts.join("/");
        Ok(member)
    }
}

/// What extended headers say of the member that follows them.
#[derive(Debug, Default)]
struct Extension {
    name: Option<String>,
    target: Option<String>,
    size: Option<u64>,
    is_sparse: bool,
}

impl Extension {
    fn read(&mut self, kind: u8, bytes: &[u8]) -> std::result::Result<(), String> {
        match kind {
            b'L' => self.name = Some(text(bytes)),
            b'K' => self.target = Some(text(bytes)),
            _ => return self.read_records(bytes),
        }
        Ok(())
    }

    /// Reads records of `length key=value\n`.
    fn read_records(&mut self, bytes: &[u8]) -> std::result::Result<(), String> {
        let wrong = || "an extended header is malformed".to_owned();
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = rest
                .iter()
                .position(|byte| *byte == b' ')
                .ok_or_else(wrong)?;
            let length = std::str::from_utf8(rest.get(..space).unwrap_or_default());
            let length: usize = length
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or_else(wrong)?;
            let record = rest.get(space + 1..length).ok_or_else(wrong)?;
            let record = record.strip_suffix(b"\n").ok_or_else(wrong)?;
            let record = String::from_utf8_lossy(record);
            let (key, value) = record.split_once('=').ok_or_else(wrong)?;
            match key {
                "path" => self.name = Some(value.to_owned()),
                "linkpath" => self.target = Some(value.to_owned()),
                // A sign is no part of a number here.
                "size" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                    self.size = Some(value.parse().map_err(|_| wrong())?);
                }
                "size" => return Err(format!("`{}` is no size", shorten(value))),
                key if key.starts_with("GNU.sparse.") => self.is_sparse = true,
                _ => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Returns the letter of a member's kind and the bytes of its contents.
fn kind_and_size(header: &[u8], extension: &Extension) -> std::result::Result<(u8, u64), String> {
    if number(part(header, field::CHECKSUM)) != Ok(checksum(header)) {
        return Err("a header is not what its checksum says".to_owned());
    }
    let kind = header.get(field::KIND).copied().unwrap_or_default();
    let size = match (kind, extension.size) {
        (b'x' | b'g' | b'L' | b'K', _) | (_, None) => number(part(header, field::SIZE))?,
        (_, Some(size)) => size,
    };
    // Those have no contents, whatever they say.
    let size = if (b'1'..=b'6').contains(&kind) {
        0
    } else {
        size
    };
    Ok((kind, size))
}

fn member(header: &[u8], kind: u8, extension: Extension, at: u64, size: u64) -> Member {
    let is_ustar = part(header, field::MAGIC).starts_with(b"ustar\0");
    let name = extension.name.unwrap_or_else(|| {
        let name = text(part(header, field::NAME));
        let prefix = text(part(header, field::PREFIX));
        match is_ustar && !prefix.is_empty() {
            true => format!("{prefix}/{name}"),
            false => name,
        }
    });
    let target = extension
        .target
        .unwrap_or_else(|| text(part(header, field::TARGET)));
    let kind = match kind {
        b'5' => Kind::Folder,
        // A folder, as tars before 1988 wrote it.
        b'0' | 0 if name.ends_with('/') => Kind::Folder,
        b'0' | 0 | b'7' if !extension.is_sparse => Kind::File { at, size },
        b'1' => Kind::Hardlink { target },
        b'2' => Kind::Symlink { target },
        _ => Kind::Special,
    };
    Member { name, kind }
}
