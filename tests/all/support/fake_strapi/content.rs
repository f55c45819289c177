//! What is in a file of the modelled site: bytes, or as many as are wanted, which cost no memory.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Strapi sends files in pieces of this length.
pub const PIECE: u64 = 64 << 10;

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Arc<Vec<u8>>),
    /// So many bytes of [`Content::block`], over and over.
    Made(u64),
}

impl Content {
    /// What long files consist of.
    pub fn block() -> &'static [u8] {
        static BLOCK: OnceLock<Vec<u8>> = OnceLock::new();
        BLOCK.get_or_init(|| (0..PIECE).map(|n| ((n * n) >> 3) as u8).collect())
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Made(length) => *length,
        }
    }

    /// How many pieces it is sent in.
    pub fn pieces(&self) -> u64 {
        self.len().div_ceil(PIECE)
    }

    fn piece(&self, number: u64) -> &[u8] {
        let start = number * PIECE;
        let length = PIECE.min(self.len() - start) as usize;
        match self {
            Content::Bytes(bytes) => &bytes[start as usize..][..length],
            Content::Made(_) => &Content::block()[..length],
        }
    }

    /// A piece as Strapi 5 sends it, or in the older form.
    pub fn sent(&self, number: u64, base64: bool) -> Value {
        static BLOCK: OnceLock<String> = OnceLock::new();
        let piece = self.piece(number);
        match (self, base64) {
            (Content::Made(_), true) if piece.len() as u64 == PIECE => {
                json!(BLOCK.get_or_init(|| STANDARD.encode(Content::block())))
            }
            (_, true) => json!(STANDARD.encode(piece)),
            (_, false) => json!({"type": "Buffer", "data": piece}),
        }
    }

    /// Its SHA-256 in hex.
    pub fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for number in 0..self.pieces() {
            digest.update(self.piece(number));
        }
        hex(&digest.finalize())
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Content {
        Content::Bytes(Arc::new(bytes.to_vec()))
    }
}

/// Bytes in small hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
