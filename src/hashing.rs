//! Digests of what is read.

use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Reads content to its end. Gives its length in bytes, and the SHA-256 of it, which may go on.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_through(content: &mut dyn Read) -> io::Result<(u64, Sha256)> {
    let mut hasher = Hasher(Sha256::new());
    let length = io::copy(content, &mut hasher)?;
    Ok((length, hasher.0))
}

/// Bytes, such as those of a digest, in hexadecimal digits, in lower case.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hashes what is written.
pub(crate) struct Hasher(pub Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
