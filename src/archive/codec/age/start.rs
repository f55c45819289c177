//! The first bytes of a file in the age format, which tell what opens it.

use super::{ARMOR, PART};
use crate::error::{Error, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The first line of the version that is known.
pub(super) const VERSION: &[u8] = b"age-encryption.org/v1\n";
/// How the part of a header begins that holds the key for a passphrase; it is the only one then.
const SCRYPT: &[u8] = b"-> scrypt ";
/// The most work that is done for a passphrase, as the power of two that is scrypt's N: 1 GB, and some seconds.
pub(super) const MOST_WORK: u8 = 20;

/// What opens a file, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Start {
    Passphrase,
    Recipients,
}

impl Start {
    /// Looks at the first bytes of a file, of which a few hundred suffice.
    ///
    /// # Errors
    /// They are not those of this format's first version; or a passphrase takes more work than is done.
    pub fn of(start: &[u8]) -> Result<Self> {
        let bare;
        let start = match start.starts_with(ARMOR) {
            true => {
                bare = without_armor(start);
                &bare[..]
            }
            false => start,
        };
        let cut = || Error::archive("it was cut short: the header of the age format has no end");
        if start.len() < VERSION.len() {
            return Err(cut());
        }
        let Some(parts) = start.strip_prefix(VERSION) else {
            return Err(Error::archive(
                "it is in another version of the age format than v1, which is known here",
            ));
        };
        if let Some(rest) = parts.strip_prefix(SCRYPT) {
            check_work(rest)?;
            return Ok(Self::Passphrase);
        }
        match parts {
            _ if parts.starts_with(PART) => Ok(Self::Recipients),
            _ if parts.len() < PART.len() => Err(cut()),
            _ => Err(broken_header()),
        }
    }
}

/// Sees that no hostile header has us work for hours. `rest` is the salt, a space and the number.
fn check_work(rest: &[u8]) -> Result<()> {
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let number = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let number = std::str::from_utf8(number).unwrap_or_default();
    match number.parse::<u64>() {
        Ok(work) if work > MOST_WORK.into() => Err(too_much_work(work)),
        _ => Ok(()),
    }
}

pub(super) fn too_much_work(work: u64) -> Error {
    Error::archive(format!(
        "its passphrase takes scrypt with N = 2^{work}, which is more than the 2^{MOST_WORK} (1 GB of memory) that are \
         done here"
    ))
    .hint("it is hostile, or was made with great care: if you know who made it, decrypt it with age, and give what comes out")
}

pub(super) fn broken_header() -> Error {
    Error::archive("the header of the age format is damaged")
}

/// The first bytes of what an armor holds, as far as whole lines of it are there.
fn without_armor(start: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    let lines = start.split_inclusive(|byte| *byte == b'\n').skip(1);
    for line in lines.filter(|line| line.ends_with(b"\n")) {
        let Ok(bytes) = BASE64_STANDARD.decode(line.trim_ascii_end()) else {
            break;
        };
        bare.extend(bytes);
    }
    bare
}
