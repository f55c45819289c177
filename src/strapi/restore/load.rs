//! A project that is being restored: rows are loaded in one transaction, files swapped as it ends.

use super::{Goal, Restore, recovery};
use crate::database::Filler;
use crate::effort::Work;
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::lock::ProjectLock;
use crate::strapi::project::Project;
use crate::strapi::uploads::StagedUploads;
use crate::transfer::{Event, Load, Report, Sink, Subject, Warning, WarningKind};
use std::io::Read;

/// A project that is being restored.
pub(super) struct ProjectLoad {
    pub project: Project,
    pub filler: Filler,
    pub catalogue: Catalogue,
    pub restore: Restore,
    /// The last to go, when all else is put back or forgotten.
    pub lock: ProjectLock,
}

impl Load for ProjectLoad {
    fn commit(
        self: Box<Self>,
        _outcome: &Report,
        warn: &mut dyn FnMut(Warning),
        _tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        // What stands first here goes last.
        let Self {
            lock: _lock,
            project,
            filler,
            catalogue,
            mut restore,
        } = *self;
        let mut database = filler.into_connection()?;
        let effort = project.effort.clone();
        let mut watch = effort.start(Work::Database);
        restore.put_back_links(database.as_mut())?;
        // Before rows are deleted again.
        database.complete()?;
        restore.in_place.finish(database.as_mut())?;
        restore.put_back_schema(database.as_mut())?;
        let token = recovery::new_token(!restore.files.is_empty(), restore.files.aside())?;
        recovery::write_token(database.as_mut(), &token)?;
        database.flush()?;
        for table in catalogue.models.tables() {
            database.move_sequence_past_ids(table)?;
        }
        project.shut_out_stops()?;
        let identity = project.database_identity();
        let swap = || restore.files.swap_in(&token, &identity);
        let swapped = watch.pause(|| effort.time(Work::Sync, swap));
        swapped.map_err(|error| put_back(restore.files.as_mut(), error))?;
        if let Err(error) = database.commit() {
            database.rollback();
            match recovery::has_committed(&project, &token) {
                Ok(Some(again)) => database = again,
                Ok(None) => return Err(put_back(restore.files.as_mut(), error)),
                Err(away) => {
                    let kept = restore.files.leave();
                    return Err(half_way(&error, &away, kept));
                }
            }
        }
        let settled = restore.files.settle();
        if let Err(error) = settled.and_then(|()| recovery::delete_token(database.as_mut())) {
            restore.files.leave();
            let reason = format!(
                "the restore is done, and what it leaves the next run clears away: {error}"
            );
            warn(Warning::new(
                WarningKind::Notice,
                Subject::Stage(Stage::Assets),
                reason,
            ));
        }
        let others = restore.files.of_other_owners();
        if others > 0 {
            let reason = "could not get the owner, group and mode of what they replace, which takes root; \
                          see that Strapi can read them";
            warn(Warning::new(WarningKind::Notice, Subject::Files, reason).times(others));
        }
        if let Some(left) = restore.files.forget_old() {
            warn(Warning::new(
                WarningKind::Notice,
                Subject::Path(left),
                "the old files are of no use any more",
            ));
        }
        Ok(())
    }
}

/// Puts the old files back because of an error, which is another one if that fails.
fn put_back(files: &mut dyn StagedUploads, error: Error) -> Error {
    let Err(stuck) = files.put_back() else {
        return match files.litter() {
            Some(advice) => error.also(advice),
            None => error,
        };
    };
    Error::new(
        Kind::HalfWay,
        format!(
            "{error}; the database is as it was, and the old files cannot be put back: {stuck}"
        ),
    )
    .hint("when files can be written there again, run backup recover: it puts them back")
}

fn half_way(error: &Error, away: &Error, kept: Option<String>) -> Error {
    let files = kept.map_or(String::new(), |kept| {
        format!("; the new files are in their places, and the old ones in {kept}")
    });
    Error::new(
        Kind::HalfWay,
        format!(
            "it is not known whether the database has committed: {error}; and it cannot be asked: \
             {away}{files}"
        ),
    )
    .hint(
        "when the database answers again, run backup recover: it finishes the restore or undoes it",
    )
}

impl Sink for ProjectLoad {
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        self.filler.flush()?;
        if stage > Stage::Entities {
            self.restore.put_back_links(self.filler.connection()?)?;
        }
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        // The project's schemas are code; they were compared, and are not replaced.
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        let mut goal = Goal::Fill(&mut self.filler);
        self.restore.entity(&mut goal, &self.catalogue, entity)
    }

    fn asset(&mut self, _asset: &Asset, _content: &mut dyn Read) -> Result<()> {
        // It is staged.
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let mut goal = Goal::Fill(&mut self.filler);
        self.restore.link(&mut goal, &self.catalogue, link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let mut goal = Goal::Fill(&mut self.filler);
        let home = &self.catalogue.models.home;
        self.restore.configuration(&mut goal, home, item)
    }

    fn warn(&mut self, _warning: Warning) {}
}
