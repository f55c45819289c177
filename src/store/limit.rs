//! How long small files may be that are read whole.

use crate::error::Error;

/// A longer file than is read whole.
pub(super) fn too_long(name: &str, most: u64) -> Error {
    Error::failed(format!(
        "{name} has more than the {most} bytes that it may have"
    ))
    .hint("it is none of this program's; move it elsewhere")
}
