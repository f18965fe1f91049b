//! The digest of bytes that come piece by piece.

use std::fmt::Write;

use sha2::{Digest as _, Sha256, Sha512};

use super::reference::{Digest, DigestAlgorithm};

/// Bytes being hashed. A copy of it goes on from where it was made.
#[derive(Debug, Clone)]
pub enum Hashing {
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hashing {
    #[must_use]
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        match algorithm {
            DigestAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
            DigestAlgorithm::Sha512 => Self::Sha512(Box::default()),
        }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// Returns the digest of what came.
    ///
    /// # Panics
    /// Never: a hash in hexadecimal is a digest.
    #[must_use]
    pub fn finish(self) -> Digest {
        let (algorithm, hash) = match self {
            Self::Sha256(hash) => (DigestAlgorithm::Sha256, hash.finalize().to_vec()),
            Self::Sha512(hash) => (DigestAlgorithm::Sha512, hash.finalize().to_vec()),
        };
        let mut text = format!("{algorithm}:");
        for byte in hash {
            let _ = write!(text, "{byte:02x}");
        }
        text.parse().expect("a hash in hexadecimal is a digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_digest_of_the_whole() {
        for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
            let mut pieces = Hashing::new(algorithm);
            pieces.update(b"one ");
            let mut other = pieces.clone();
            pieces.update(b"two");
            other.update(b"three");
            let mut whole = Hashing::new(algorithm);
            whole.update(b"one two");
            assert_ne!(pieces.clone().finish(), other.finish());
            assert_eq!(pieces.finish(), whole.finish());
        }
    }
}
