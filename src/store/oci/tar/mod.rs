//! Tars of images, gone through and written: headers and places only. Nothing is ever
//! unpacked, so no name in a tar becomes a name of a file.
//!
//! The crate `tar` reads an extended header whole, however large it says that it is,
//! and writes no member whose size is known only in the end.

mod compression;
mod fields;
mod members;
mod write;

pub(super) use compression::{Compression, Limited, compression_of, decoder, largest};
pub use members::Section;
pub(super) use members::{Kind, Member, Tar};
pub(super) use write::TarWriter;

/// Bytes of a block: headers are one, and contents fill whole ones.
const BLOCK: u64 = 512;

/// Where the fields of a header are (POSIX.1-2017, pax, "ustar Interchange Format").
mod field {
    use std::ops::Range;

    pub const NAME: Range<usize> = 0..100;
    pub const MODE: Range<usize> = 100..108;
    pub const UID: Range<usize> = 108..116;
    pub const GID: Range<usize> = 116..124;
    pub const SIZE: Range<usize> = 124..136;
    pub const MTIME: Range<usize> = 136..148;
    pub const CHECKSUM: Range<usize> = 148..156;
    pub const KIND: usize = 156;
    pub const TARGET: Range<usize> = 157..257;
    pub const MAGIC: Range<usize> = 257..265;
    pub const PREFIX: Range<usize> = 345..500;
}

/// Returns the sum of a header's bytes, its checksum counted as spaces.
fn checksum(header: &[u8]) -> u64 {
    let space = u64::from(b' ');
    let byte = |(at, byte): (usize, &u8)| match field::CHECKSUM.contains(&at) {
        true => space,
        false => u64::from(*byte),
    };
    header.iter().enumerate().map(byte).sum()
}
