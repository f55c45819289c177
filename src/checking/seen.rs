//! What was seen and where it stands, as records of a [`Sorter`](crate::sorting::Sorter) hold it.

use sha2::{Digest as _, Sha256};

/// How many bytes of an id are kept for messages.
const SHOWN: usize = 64;

/// Where an element stands: the number of the file, and its own in there.
pub(crate) type Place = (usize, u64);

/// The place that these bytes begin with.
pub(crate) fn place(bytes: &[u8]) -> Option<Place> {
    let (file, number) = bytes.split_at_checked(4)?;
    let file = u32::from_be_bytes(file.try_into().ok()?);
    let number = u64::from_be_bytes(number.get(..8)?.try_into().ok()?);
    Some((file as usize, number))
}

/// A place as bytes, whose order is that of the places.
pub(crate) fn bytes_of((file, number): Place) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&u32::try_from(file).unwrap_or(u32::MAX).to_be_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The beginning of a text, as much as a message needs of it.
pub(crate) fn begin(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// What something is known by that has these parts: a hash of 128 bits, which no other has.
pub(crate) fn hash(parts: &[&str]) -> [u8; 16] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize()[..16]);
    digest
}
