//! Rolling files of JSON lines.
//!
//! A tar entry tells its length before its content, so a shard is spooled: in memory while it is
//! small, then in an unnamed file beside the archive.

use super::layout::shard_name;
use crate::error::{Error, Result};
use crate::model::Stage;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::SpooledTempFile;

/// How much of a shard is kept in memory, in bytes.
const IN_MEMORY: usize = 4 << 20;

/// A full shard: its entry's name, its length, its content.
pub(super) struct Shard {
    pub name: String,
    pub length: u64,
    pub content: SpooledTempFile,
}

/// Collects the lines of one stage.
pub(super) struct Shards {
    stage: Stage,
    limit: u64,
    folder: PathBuf,
    number: u32,
    length: u64,
    content: Option<SpooledTempFile>,
}

impl Shards {
    /// Shards of at most `limit` bytes, spooled in `folder`.
    pub fn new(stage: Stage, limit: u64, folder: &Path) -> Self {
        Self {
            stage,
            limit,
            folder: folder.to_owned(),
            number: 0,
            length: 0,
            content: None,
        }
    }

    /// The stage the lines are of.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Adds a line; gives the shard that became full by it. `what` names the line in errors.
    pub fn push(&mut self, line: &str, what: impl FnOnce() -> String) -> Result<Option<Shard>> {
        let line_length = line.len() as u64;
        if line_length > self.limit {
            return Err(Error::failed(format!(
                "{} takes {line_length} bytes, more than a shard may have ({})",
                what(),
                self.limit
            ))
            .hint("allow larger shards with --max-size-jsonl"));
        }
        let full = if self.length > 0 && self.length + 1 + line_length > self.limit {
            self.take()?
        } else {
            None
        };
        let content = self
            .content
            .get_or_insert_with(|| tempfile::spooled_tempfile_in(IN_MEMORY, &self.folder));
        let mut write = || -> io::Result<()> {
            if self.length > 0 {
                content.write_all(b"\n")?;
                self.length += 1;
            }
            content.write_all(line.as_bytes())?;
            self.length += line_length;
            Ok(())
        };
        write().map_err(|error| Error::io("spool a shard in", &self.folder, error))?;
        Ok(full)
    }

    /// Takes what was collected, if anything was.
    pub fn take(&mut self) -> Result<Option<Shard>> {
        let Some(mut content) = self.content.take() else {
            return Ok(None);
        };
        content
            .rewind()
            .map_err(|error| Error::io("spool a shard in", &self.folder, error))?;
        self.number += 1;
        Ok(Some(Shard {
            name: shard_name(self.stage, self.number),
            length: std::mem::take(&mut self.length),
            content,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn text(shard: Shard) -> String {
        let (mut text, mut content) = (String::new(), shard.content);
        content.read_to_string(&mut text).expect("text");
        assert_eq!(text.len() as u64, shard.length);
        text
    }

    #[test]
    fn a_shard_rolls_before_it_passes_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shards = Shards::new(Stage::Links, 7, folder.path());
        let push = |shards: &mut Shards, line| shards.push(line, String::new).expect("pushed");
        assert!(push(&mut shards, "abc").is_none());
        assert!(push(&mut shards, "def").is_none());
        let first = push(&mut shards, "g").expect("a full shard");
        assert_eq!(first.name, "links/links_00001.jsonl");
        assert_eq!(text(first), "abc\ndef");
        let second = shards.take().expect("taken").expect("a shard");
        assert_eq!(second.name, "links/links_00002.jsonl");
        assert_eq!(text(second), "g");
    }

    #[test]
    fn a_line_larger_than_a_shard_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut shards = Shards::new(Stage::Entities, 3, folder.path());
        let Err(error) = shards.push("four", || "api::a.a 7".into()) else {
            panic!("it fits");
        };
        assert!(error.to_string().starts_with("api::a.a 7 takes 4 bytes"));
    }
}
