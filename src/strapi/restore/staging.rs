//! What comes is put aside, and held against the project on its way: files where they will live, lines
//! in a spool.

use super::placement::Placement;
use super::{Goal, Restore};
use crate::database::Connection;
use crate::error::Result;
use crate::model::{Asset, ConfigItem, Entity, Fields, Link, Schema, Short, Stage};
use crate::room::wanted;
use crate::strapi::catalogue::Catalogue;
use crate::transfer::{Sink, Spool, Warning};
use std::io::Read;
use std::path::Path;

/// After how many bytes of lines it is looked again whether there is room for more.
const STEP: u64 = 1 << 20;

/// What was staged.
pub(super) struct Staging {
    pub restore: Restore,
    /// `None` where nothing is going to be loaded.
    pub spool: Option<Spool>,
    /// How many bytes the lines have.
    pub lines: u64,
}

/// Takes what comes for a restore that did not begin.
pub(super) struct Intake<'a> {
    pub database: &'a mut dyn Connection,
    pub catalogue: &'a Catalogue,
    pub spool_folder: &'a Path,
    pub staging: &'a mut Staging,
}

impl Intake<'_> {
    fn keep(&mut self, line: &str, put: impl FnOnce(&mut Spool) -> Result<()>) -> Result<()> {
        let before = self.staging.lines;
        self.staging.lines += line.len() as u64;
        if before / STEP != self.staging.lines / STEP || before == 0 {
            let needed = match self.staging.spool {
                Some(_) => STEP,
                None => self.staging.lines,
            };
            wanted(self.spool_folder, needed, "the lines of the archive")?;
        }
        self.staging.spool.as_mut().map_or(Ok(()), put)
    }
}

impl Sink for Intake<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.keep("", |spool| spool.stage(stage, items))
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.keep("", |spool| spool.schema(schema))
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.staging
            .restore
            .entity(&mut Goal::Check(self.database), self.catalogue, entity)?;
        self.keep(entity.line, |spool| spool.entity(entity))
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let restore = &mut self.staging.restore;
        restore.uploads.check_takes_files()?;
        let changed = restore.placement.changed();
        let from = Placement::from(&asset.sidecar, restore.uploads.as_ref());
        let uploads = restore.uploads.as_ref();
        let paths = restore
            .placement
            .paths(&asset.filename, from.as_deref(), uploads)?;
        if restore.placement.changed() > changed {
            restore.moved.add(|| {
                let sidecar = Fields::parse(&asset.sidecar);
                let id = sidecar.ok().and_then(|it| it.get("id")).unwrap_or("?");
                format!("row {id} ({})", Short(&asset.filename))
            });
        }
        restore.files.add(&paths, asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.staging
            .restore
            .link(&mut Goal::Check(self.database), self.catalogue, link)?;
        self.keep(link.line, |spool| spool.link(link))
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let goal = &mut Goal::Check(self.database);
        self.staging
            .restore
            .configuration(goal, &self.catalogue.models.home, item)?;
        self.keep(item.line, |spool| spool.configuration(item))
    }

    fn warn(&mut self, _warning: Warning) {}
}
