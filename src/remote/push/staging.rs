//! What comes is put aside, and held against the site on its way: lines in a spool, files in a file without a name.

use super::files::StagedFiles;
use super::fitting::{Change, bare};
use super::losses::Losses;
use crate::error::{Error, Result};
use crate::model::{Asset, AssetMetadata, ConfigItem, Entity, Link, Schema, Stage};
use crate::remote::wire::LARGEST_FRAME;
use crate::room::wanted;
use crate::transfer::{Sink, Spool, Warning};
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a message has beside its items, in bytes.
const ENVELOPE: usize = 4 << 10;
/// After how many bytes of lines it is looked again whether there is room for more.
const STEP: u64 = 1 << 20;

/// What was staged.
pub(super) struct Staging {
    pub losses: Losses,
    pub lines: Spool,
    pub files: StagedFiles,
    folder: PathBuf,
    length: u64,
    /// Whether rows come along.
    has_rows: bool,
}

impl Staging {
    /// Nothing yet; it waits in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn new(folder: &Path, losses: Losses) -> Result<Self> {
        Ok(Self {
            losses,
            lines: Spool::new(folder)?,
            files: StagedFiles::new(folder)?,
            folder: folder.to_owned(),
            length: 0,
            has_rows: false,
        })
    }

    /// Looks whether a line fits into a message and onto the disk.
    fn keep(&mut self, line: &str, what: impl FnOnce() -> String) -> Result<()> {
        if line.len() + ENVELOPE > LARGEST_FRAME {
            let length = line.len();
            return Err(Error::failed(format!(
                "{} has {length} bytes, and a running Strapi takes no message of more than 100 MiB",
                what()
            ))
            .hint("make it smaller where the archive was made, or leave its content type out"));
        }
        let before = self.length;
        self.length += line.len() as u64;
        if before / STEP != self.length / STEP || before == 0 {
            wanted(&self.folder, STEP, "the lines of the archive")?;
        }
        Ok(())
    }
}

/// Takes what comes for a push that did not begin.
pub(super) struct Intake<'a>(pub &'a mut Staging);

impl Sink for Intake<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        match stage {
            Stage::Schemas => Ok(()),
            _ => self.0.lines.stage(stage, items),
        }
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        // Those of the site are code; they were compared, and are not replaced.
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.0.has_rows = true;
        let name = || format!("{} {}", entity.content_type, entity.id);
        match self.0.losses.entity(entity)? {
            Change::Gone => Ok(()),
            Change::None => {
                let bare = bare(entity.line, &["type", "id", "data"]);
                let line = bare.as_deref().unwrap_or(entity.line);
                self.0.keep(line, name)?;
                self.0.lines.entity(&Entity { line, ..*entity })
            }
            Change::Other(line) => {
                self.0.keep(&line, name)?;
                let parsed = Entity::parse(&line)
                    .map_err(|error| Error::archive(format!("{}: {error}", name())))?;
                self.0.lines.entity(&parsed.entity())
            }
        }
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let metadata = AssetMetadata::parse(&asset.sidecar, &asset.filename)
            .map_err(|why| Error::archive(format!("the sidecar of {}: {why}", asset.filename)))?;
        if self.0.has_rows && !self.0.losses.file(metadata.id, &asset.filename) {
            return Ok(());
        }
        self.0.files.add(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        if !self.0.losses.link(link) {
            return Ok(());
        }
        let bare = bare(link.line, &["kind", "relation", "left", "right"]);
        let line = bare.as_deref().unwrap_or(link.line);
        self.0.keep(line, || "a link".into())?;
        self.0.lines.link(&Link {
            line,
            ..link.clone()
        })
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        if !self.0.losses.configuration(item)? {
            return Ok(());
        }
        let bare = bare(item.line, &["type", "value"]);
        let line = bare.as_deref().unwrap_or(item.line);
        self.0
            .keep(line, || format!("a row of the {}", item.kind.as_str()))?;
        self.0.lines.configuration(&ConfigItem { line, ..*item })
    }

    fn warn(&mut self, _warning: Warning) {}
}
