//! How bytes are packed: compression and encryption, stacked in one place each way, and how to tell
//! them from the bytes.

mod age;
mod ahead;
mod background;
mod ecb;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod gzip;
mod identity_file;
mod lock;
mod members;
mod pack;
mod password;
mod pool;
mod recipients;
mod unpack;

#[cfg(any(test, feature = "fuzzing"))]
pub(super) use fuzzing::{age as open_age, scramble};
pub use identity_file::{IdentityFile, LockedIdentities};
pub use lock::{Cipher, Encryption, Keys, Lock, Unlock};
pub(super) use pack::Packer;
pub use pack::{Level, Packing};
pub use password::Password;
pub(super) use password::SALT;
pub use recipients::{Identities, Recipient};
pub(super) use unpack::{Sealed, Unpacked, needless_key};

use std::io::{self, Read};

/// How many bytes it takes to recognise a tar: its magic stands at 257.
const PROBE: usize = 512;

/// How a gzip member begins.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// What the first bytes of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrapping {
    /// A gzip member.
    Gzip,
    /// A tar header.
    Tar,
    /// The age format, in armor or not.
    Age,
    /// None of these: in Strapi's cipher, or something else.
    Unknown,
}

impl Wrapping {
    /// Recognises content by its first bytes.
    fn of(start: &[u8]) -> Self {
        if start.starts_with(&GZIP) {
            Self::Gzip
        } else if start.get(257..262) == Some(b"ustar") {
            Self::Tar
        } else if start.starts_with(age::MAGIC) || start.starts_with(age::ARMOR) {
            Self::Age
        } else {
            Self::Unknown
        }
    }
}

/// Reads up to `length` bytes; fewer only at the end.
fn read_start(reader: &mut dyn Read, length: usize) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(length);
    reader.take(length as u64).read_to_end(&mut start)?;
    Ok(start)
}
