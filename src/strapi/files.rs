//! Files of a project that are read as a whole: plain ones, of moderate size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The largest of them, in bytes.
const FILE_LIMIT: u64 = 8 << 20;

/// The text of such a file.
///
/// # Errors
/// It is none, is too large, is not UTF-8, or cannot be read.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let not_text = |_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            "stream did not contain valid UTF-8",
        )
    };
    String::from_utf8(read(path)?).map_err(not_text)
}

/// The bytes of such a file.
///
/// # Errors
/// It is none, is too large, or cannot be read.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    read_any(path)
}

/// The bytes of a file that may be a pipe.
///
/// # Errors
/// It is too large, or cannot be read.
pub(super) fn read_any(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_LIMIT {
        let what = format!("it is larger than {} MB", FILE_LIMIT >> 20);
        return Err(io::Error::other(what));
    }
    Ok(bytes)
}
