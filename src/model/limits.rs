//! How large what an archive holds may be: what a reader takes, and a writer keeps to. `docs/FORMAT.md`
//! says the same.
//!
//! Without them an archive of a few megabytes could ask for any amount of memory.

use crate::nesting::is_deeper_than;

/// Bytes of an entry's name.
pub const LONGEST_NAME: usize = 4 << 10;
/// Bytes of the name of a file of the media library, and of each part of its path: file systems take no more.
pub const LONGEST_FILE_NAME: usize = 255;
/// Bytes of what stands before an entry and extends it.
pub const LONGEST_EXTENSION: u64 = 1 << 20;
/// Bytes of `metadata.json` and of `manifest.json`.
pub const LONGEST_TEXT: u64 = 1 << 20;
/// Bytes of a sidecar.
pub const LONGEST_SIDECAR: u64 = 1 << 20;
/// Bytes of `result.json`, which lists what could not be taken.
pub const LONGEST_RESULT: u64 = 8 << 20;
/// Bytes of a message in `result.json`.
pub const LONGEST_MESSAGE: usize = 1 << 10;
/// Bytes of `checksums.sha256`, which is never held in memory.
pub const LONGEST_LIST: u64 = 1 << 30;
/// Bytes of a line, without its break.
pub const LONGEST_LINE: u64 = 256 << 20;
/// Bytes of all schemas, which are held in memory.
pub const LONGEST_SCHEMAS: u64 = 8 << 20;
/// Content types, components, attributes, and components that dynamic zones take, of all schemas.
pub const MOST_PARTS: usize = 1 << 16;
/// How deep a schema may be nested.
pub const DEEPEST_SCHEMA: usize = 127;
/// Content types of which an archive has entities.
pub const MOST_TYPES: usize = 10_000;
/// Bytes of the names of all of them.
pub const LONGEST_TYPES: usize = 1 << 20;
/// Members of an object that is a row or part of one.
pub const MOST_MEMBERS: usize = 1 << 16;
/// How deep the JSON of an attribute may be nested, and components in each other.
pub const DEEPEST: usize = 512;

/// Whether JSON is nested deeper than [`DEEPEST`]: a list in a list is nested twice.
pub fn is_too_deep(json: &[u8]) -> bool {
    is_deeper_than(DEEPEST, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_too_deep_where_it_is_nested_once_more_than_the_limit() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(nested(DEEPEST).as_bytes()));
        assert!(is_too_deep(nested(DEEPEST + 1).as_bytes()));
        let wide = format!("[{}0]", r#"[],{"a":"[[[\"["},"#.repeat(DEEPEST));
        assert!(!is_too_deep(wide.as_bytes()));
        let text = format!("\"{}\"", "[".repeat(DEEPEST + 1));
        assert!(!is_too_deep(text.as_bytes()));
    }
}
