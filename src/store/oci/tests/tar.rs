//! Tars with any header, true or not.

use std::fs;
use std::path::Path;

/// A member to be written.
#[derive(Clone)]
pub struct Made {
    pub name: String,
    pub kind: u8,
    pub target: String,
    pub bytes: Vec<u8>,
    /// What the header says instead of the size.
    pub size_field: Option<[u8; 12]>,
    pub is_damaged: bool,
}

pub fn member(name: &str, bytes: &[u8]) -> Made {
    Made {
        name: name.to_owned(),
        kind: b'0',
        target: String::new(),
        bytes: bytes.to_vec(),
        size_field: None,
        is_damaged: false,
    }
}

pub fn link(name: &str, kind: u8, target: &str) -> Made {
    Made {
        kind,
        target: target.to_owned(),
        ..member(name, b"")
    }
}

/// Writes a tar.
pub fn tar(file: &Path, members: &[Made]) {
    let mut bytes = Vec::new();
    for made in members {
        let mut header = vec![0; 512];
        let mut put = |at: usize, part: &[u8]| header[at..at + part.len()].copy_from_slice(part);
        put(0, made.name.as_bytes());
        put(100, b"0000644\0");
        put(124, format!("{:011o}\0", made.bytes.len()).as_bytes());
        if let Some(size) = made.size_field {
            put(124, &size);
        }
        put(148, b"        ");
        put(156, &[made.kind]);
        put(157, made.target.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        if made.is_damaged {
            header[0] ^= 1;
        }
        bytes.extend(header);
        bytes.extend(&made.bytes);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    fs::write(file, bytes).expect("written");
}
