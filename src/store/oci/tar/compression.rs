//! What is compressed, told by its first bytes, and read within bounds.

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;

use super::super::BUFFER;

/// How many times larger than its file a compressed tar may become. Those of images are
/// two to ten times larger; of zeros, gzip makes a thousandth, and zstd far less.
const LARGEST_RATIO: u64 = 200;

/// What any compressed tar may become, however small its file. Bytes.
const ALWAYS_ALLOWED: u64 = 64 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Returns how something is compressed that begins with these bytes.
pub fn compression_of(beginning: &[u8]) -> Compression {
    match beginning {
        [0x1f, 0x8b, 8, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Returns how many bytes may come of so many compressed ones.
pub fn largest(compressed: u64) -> u64 {
    compressed.saturating_mul(LARGEST_RATIO).max(ALWAYS_ALLOWED)
}

/// Returns what reads the uncompressed bytes.
///
/// # Errors
/// Where zstd cannot begin.
pub fn decoder<'a>(
    compression: Compression,
    compressed: impl Read + 'a,
) -> io::Result<Box<dyn Read + 'a>> {
    Ok(match compression {
        Compression::None => Box::new(compressed),
        Compression::Gzip => {
            let buffered = BufReader::with_capacity(BUFFER / 16, compressed);
            Box::new(MultiGzDecoder::new(buffered))
        }
        // Windows over 128 MiB are refused, as the format's specification advises.
        Compression::Zstd => Box::new(zstd::Decoder::new(compressed)?),
    })
}

/// Reads so many bytes, and fails where there are more.
pub struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R> Limited<R> {
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "it becomes so much larger uncompressed as no image does",
            )
        })?;
        Ok(count)
    }
}
