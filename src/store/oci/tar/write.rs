//! Writing a tar beside its place. It gets its name when it is whole, and goes away if
//! it never is. The same contents make the same bytes: no time, no user.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::super::{Error, PREFIX, Result, unreadable, unwritable};
use super::{BLOCK, checksum, field};
use crate::store::files::{folder_of, sync};

/// The largest size that twelve octal digits say.
const LARGEST_OCTAL: u64 = 0o777_7777_7777;

/// A tar being written, one member after the other.
#[derive(Debug)]
pub struct TarWriter {
    file: NamedTempFile,
    place: PathBuf,
    /// Where the member begins that is being written, and its name.
    member: Option<(u64, String)>,
    /// Bytes.
    written: u64,
}

impl TarWriter {
    /// Begins a tar that will be at that path, in the place of the file that is there.
    ///
    /// # Errors
    /// [`Error::Unsafe`] where what is there is not a file, [`Error::Write`].
    pub fn create(path: &Path) -> Result<Self> {
        // A link stays, and what it leads to is replaced.
        let place = match fs::canonicalize(path) {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_path_buf(),
            Err(error) => return Err(unreadable(path)(error)),
        };
        if fs::symlink_metadata(&place).is_ok_and(|found| !found.is_file()) {
            return Err(Error::Unsafe {
                what: format!("`{}` exists and is not a regular file", path.display()),
                hint: "name a file that does not exist".to_owned(),
            });
        }
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o666))
            .tempfile_in(folder_of(&place))
            .map_err(unwritable(path))?;
        Ok(Self {
            file,
            place,
            member: None,
            written: 0,
        })
    }

    pub fn path(&self) -> &Path {
        &self.place
    }

    /// Begins a member; its size is what is written of it.
    pub fn begin(&mut self, name: &str) -> Result<()> {
        let mut headers = Vec::new();
        if name.len() > field::NAME.len() {
            let record = record("path", name);
            headers.extend(header("path", record.len() as u64, b'x'));
            headers.extend(record.as_bytes());
            headers.resize(headers.len().next_multiple_of(512), 0);
        }
        self.member = Some((self.written + headers.len() as u64, name.to_owned()));
        headers.extend(header(name, 0, b'0'));
        self.write(&headers)
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.as_file_mut().write_all(bytes);
        written.map_err(unwritable(&self.place))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Begins the contents of the member again.
    #[cfg(test)]
    pub fn restart(&mut self) -> Result<()> {
        use std::io::{Seek, SeekFrom};
        if let Some((at, _)) = self.member {
            let file = self.file.as_file_mut();
            file.set_len(at + BLOCK)
                .and_then(|()| file.seek(SeekFrom::Start(at + BLOCK)))
                .map_err(unwritable(&self.place))?;
            self.written = at + BLOCK;
        }
        Ok(())
    }

    /// Ends the member: now its size is known, and its header is written again.
    pub fn end(&mut self) -> Result<()> {
        let Some((at, name)) = self.member.take() else {
            return Ok(());
        };
        let size = self.written - at - BLOCK;
        let padding = size.next_multiple_of(BLOCK) - size;
        self.write(&vec![0; usize::try_from(padding).unwrap_or_default()])?;
        let header = header(&name, size, b'0');
        std::os::unix::fs::FileExt::write_all_at(self.file.as_file(), &header, at)
            .map_err(unwritable(&self.place))
    }

    /// Writes a whole member.
    pub fn put(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.begin(name)?;
        self.write(bytes)?;
        self.end()
    }

    /// Gives the tar its name. It is on the disk then.
    pub fn finish(mut self) -> Result<()> {
        self.end()?;
        self.write(&[0; 2 * 512])?;
        let failed = unwritable(&self.place);
        self.file.as_file().sync_all().map_err(&failed)?;
        let persisted: std::result::Result<File, _> = self.file.persist(&self.place);
        persisted.map_err(|error| failed(error.error))?;
        sync(folder_of(&self.place)).map_err(&failed)
    }
}

/// Returns `length key=value\n`, where the length counts itself.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length != rest.len() + length.to_string().len() {
        length = rest.len() + length.to_string().len();
    }
    format!("{length}{rest}")
}

/// Returns a header of ustar.
fn header(name: &str, size: u64, kind: u8) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |range: std::ops::Range<usize>, bytes: &[u8]| {
        let place = header.get_mut(range).unwrap_or_default();
        for (place, byte) in place.iter_mut().zip(bytes) {
            *place = *byte;
        }
    };
    put(field::NAME, name.as_bytes());
    put(field::MODE, b"0000644\0");
    put(field::UID, b"0000000\0");
    put(field::GID, b"0000000\0");
    match size <= LARGEST_OCTAL {
        true => put(field::SIZE, format!("{size:011o}\0").as_bytes()),
        false => {
            // Base 256, which GNU tar and Go's library write and everybody reads.
            let mut bytes = [0; 12];
            bytes[0] = 0x80;
            bytes[4..].copy_from_slice(&size.to_be_bytes());
            put(field::SIZE, &bytes);
        }
    }
    put(field::MTIME, b"00000000000\0");
    put(field::KIND..field::KIND + 1, &[kind]);
    put(field::MAGIC, b"ustar\x0000");
    let sum = checksum(&header);
    let place = header.get_mut(field::CHECKSUM).unwrap_or_default();
    place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}
