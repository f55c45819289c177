//! Files of a project that are read as a whole: plain ones, of moderate size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The largest of them, in bytes.
pub(super) const FILE_LIMIT: u64 = 8 << 20;

/// The text of such a file.
///
/// # Errors
/// It is none, is too large, is not UTF-8, or cannot be read.
pub(super) fn read_text(path: &Path) -> io::Result<String> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(FILE_LIMIT + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > FILE_LIMIT {
        let what = format!("it is larger than {} MB", FILE_LIMIT >> 20);
        return Err(io::Error::other(what));
    }
    Ok(text)
}
