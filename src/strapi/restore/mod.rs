//! Restores a project: deletes what is in scope, loads what comes, and makes all of it visible at
//! once.
//!
//! What comes is staged and checked before anything is changed for it. The database change is one
//! transaction. Files are staged beside the old ones and swapped right before the transaction ends;
//! should its end fail, they are swapped back. Ids of rows are kept.

mod clear;
mod configuration;
mod entities;
mod in_place;
mod inserters;
mod limits;
mod links;
mod outside;
mod placement;
pub(super) mod recovery;
mod staging;
mod staying;

use super::catalogue::Catalogue;
use super::core_store::{CORE_STORE, SCHEMA_KEY, WEBHOOKS, read_value};
use super::description::description;
use super::lock::{LockWait, ProjectLock};
use super::media;
use super::project::Project;
use super::running;
use super::schema;
use super::tables::{INTERNAL_TABLES, Model};
use super::uploads::{Staged, StagedUploads, Uploads, wanted};
use crate::database::{Connection, Inserter, LockMode, Value};
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::store::folder_of;
use crate::transfer::{
    Deletion, Description, Destination, Filter, Inspection, Load, Plan, Report, Sink, Spool,
    Subject, Survey, Warning, WarningKind,
};
use entities::ComponentIds;
use in_place::InPlace;
use inserters::Inserters;
use limits::Limits;
use outside::Outside;
use placement::Placement;
use staging::Intake;
use staying::StayingLinks;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A project as a destination.
pub struct ProjectDestination {
    project: Project,
    database: Box<dyn Connection>,
    catalogue: Catalogue,
    lock: ProjectLock,
    /// Where lines are spooled; `None` where nothing is going to be loaded.
    spools_to: Option<PathBuf>,
    /// What was staged.
    staged: Option<(Restore, Option<Spool>)>,
    /// How many bytes of lines are staged.
    lines: u64,
    loses_references: bool,
}

/// A project that is being restored.
struct ProjectLoad {
    project: Project,
    database: Box<dyn Connection>,
    catalogue: Catalogue,
    restore: Restore,
    /// The last to go, when all else is put back or forgotten.
    lock: ProjectLock,
}

/// What a restore knows and keeps while it goes on.
struct Restore {
    /// Whether what comes is only held against the project: then nothing is written to its database,
    /// and what it has no place for is counted.
    only_checks: bool,
    component_ids: ComponentIds,
    inserters: Inserters,
    limits: Limits,
    uploads: Box<dyn Uploads>,
    in_place: InPlace,
    /// Links of rows that stay; `None` once they are back.
    staying: Option<StayingLinks>,
    files: Box<dyn StagedUploads>,
    placement: Placement,
    own_schema: OwnSchema,
    /// What the project has no place for, and how often it came.
    lost: BTreeMap<Subject, u64>,
}

/// The project's own row of content types, without which nobody can read its tables.
#[derive(Default)]
struct OwnSchema {
    row: Option<String>,
    /// Whether the archive's would not describe the tables.
    wins: bool,
    /// Whether the row was deleted, and did not come yet.
    is_needed: bool,
}

impl ProjectDestination {
    /// Opens a project to restore into it, and keeps all other runs away. Nothing is changed before the
    /// restore begins, but that an earlier one which did not end is finished or undone. Lines that
    /// come are spooled in `spool_folder`.
    ///
    /// # Errors
    /// Another run holds it; its database cannot be opened, or does not fit its schemas.
    pub fn open(project: Project, wait: &LockWait, spool_folder: &Path) -> Result<Self> {
        let mut own = Self::after(project, wait, recovery::recover)?;
        own.spools_to = Some(spool_folder.to_owned());
        Ok(own)
    }

    /// Opens a project to see what a restore into it would do. An earlier restore that did not end is
    /// told of, and left as it is.
    ///
    /// # Errors
    /// As those of [`open`](Self::open).
    pub fn look(project: Project, wait: &LockWait) -> Result<Self> {
        Self::after(project, wait, recovery::describe)
    }

    fn after(
        project: Project,
        wait: &LockWait,
        see_to_earlier: fn(&Project, &mut dyn Connection) -> Result<Vec<String>>,
    ) -> Result<Self> {
        let mut database = project.connect_to_write()?;
        let (lock, _) = ProjectLock::take(&project, database.as_mut(), LockMode::Exclusive, wait)?;
        let told = see_to_earlier(&project, database.as_mut())?;
        let mut catalogue = schema::load(&project, database.as_mut())?;
        catalogue.notices.extend(told.into_iter().map(recovered));
        catalogue.notices.extend(running::others(database.as_mut()));
        Ok(Self {
            lock,
            project,
            database,
            catalogue,
            loses_references: false,
            spools_to: None,
            staged: None,
            lines: 0,
        })
    }

    /// Says whether rows of tables that are not Strapi's may be deleted, or lose their reference, with
    /// rows that do not come back.
    #[must_use]
    pub fn allow_reference_loss(mut self, allow: bool) -> Self {
        self.loses_references = allow;
        self
    }

    /// Sees that there is room for what the database needs while it is loaded. Servers look after
    /// their disks themselves.
    ///
    /// # Errors
    /// There is not.
    fn check_room(&self) -> Result<()> {
        let Some(file) = self.project.database_file() else {
            return Ok(());
        };
        // All of it goes into the rollback journal, at the most, and what comes is no smaller than its
        // lines by much.
        let now = file.metadata().map_or(0, |file| file.len());
        wanted(
            folder_of(file),
            now.max(self.lines),
            "the database's own journal and new rows",
        )
    }

    /// What is known of the project that its user should know as well.
    pub fn notices(&self) -> &[Warning] {
        &self.catalogue.notices
    }

    /// Where the database is, for messages.
    pub fn database(&self) -> &str {
        self.database.target()
    }
}

/// Tells of a restore that was finished or undone.
pub(super) fn recovered(what: String) -> Warning {
    Warning::new(WarningKind::Notice, Subject::Stage(Stage::Assets), what)
}

/// The content types whose rows a transfer replaces.
fn replaced<'a>(catalogue: &'a Catalogue, filter: &Filter) -> Vec<&'a Model> {
    catalogue
        .models
        .content_types()
        .filter(|model| filter.includes(Stage::Entities) && filter.includes_type(&model.uid))
        .collect()
}

/// The tables of internal models that a transfer empties: Strapi does so when neither content nor
/// configuration is narrowed.
fn emptied_tables(database: &mut dyn Connection, filter: &Filter) -> Result<Vec<&'static str>> {
    if filter.is_partial()
        || !filter.includes(Stage::Entities)
        || !filter.includes(Stage::Configuration)
    {
        return Ok(Vec::new());
    }
    let tables = database.tables()?;
    Ok(INTERNAL_TABLES
        .into_iter()
        .filter(|table| tables.contains(*table))
        .collect())
}

impl Destination for ProjectDestination {
    fn name(&self) -> String {
        self.project.root().display().to_string()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(Some(description(&self.project, &self.catalogue)))
    }

    fn survey(&mut self, filter: &Filter, coming: &Inspection) -> Result<Survey> {
        let mut tables: Vec<(String, String)> = replaced(&self.catalogue, filter)
            .into_iter()
            .map(|model| (model.uid.clone(), model.table.clone()))
            .collect();
        for table in emptied_tables(self.database.as_mut(), filter)? {
            tables.push((table.into(), table.into()));
        }
        if filter.includes(Stage::Configuration) {
            tables.push(("core-store".into(), CORE_STORE.into()));
            tables.push(("webhook".into(), WEBHOOKS.into()));
        }
        let mut deletions = Vec::new();
        for (what, table) in tables {
            let count = self.database.count(&table)?;
            deletions.push(Deletion { what, count });
        }
        if filter.includes(Stage::Assets) {
            let uploads = self.project.uploads();
            let database = self.database.as_mut();
            let names = media::paths(database, &self.catalogue, uploads.as_ref())?;
            deletions.push(Deletion {
                count: uploads.count(&names),
                what: format!("files of the media library in {}", uploads.place()),
            });
        }
        deletions.retain(|deletion| deletion.count > 0);
        let outside = Outside::find(self.database.as_mut(), &self.catalogue)?;
        let (losses, notices) =
            outside.survey(self.database.as_mut(), &self.catalogue, filter, coming)?;
        let links = staying::survey(self.database.as_mut(), &self.catalogue, filter, coming)?;
        Ok(Survey {
            deletions,
            links,
            losses,
            notices,
        })
    }

    fn stage(&mut self, _filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        let (spool, how) = match &self.spools_to {
            Some(folder) => (Some(Spool::new(folder)?), Staged::Kept),
            None => (None, Staged::Counted),
        };
        let mut restore = Restore::new(&self.project, how);
        restore.limits = Limits::find(self.database.as_mut(), &self.catalogue)?;
        let (restore, spool) = self.staged.insert((restore, spool));
        Ok(Some(Box::new(Intake {
            database: self.database.as_mut(),
            catalogue: &self.catalogue,
            restore,
            spool: spool.as_mut(),
        })))
    }

    fn remarks(&mut self) -> Vec<Warning> {
        match &mut self.staged {
            Some((restore, _)) => restore.remarks(),
            None => Vec::new(),
        }
    }

    fn staged(&mut self) -> Option<Spool> {
        let spool = self.staged.as_mut()?.1.take()?;
        self.lines = spool.length();
        Some(spool)
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        self.check_room()?;
        let Self {
            project,
            mut database,
            catalogue,
            lock,
            staged,
            loses_references,
            ..
        } = *self;
        let mut restore = match staged {
            Some((restore, _)) => restore,
            None => Restore::new(&project, Staged::Kept),
        };
        database.begin_write()?;
        // First, for MySQL's transaction sees what there was when it first read.
        let outside = Outside::hold(database.as_mut(), &catalogue, &plan.filter)?;
        if plan.filter.includes(Stage::Assets) {
            restore.uploads.check_takes_files()?;
            let uploads = restore.uploads.as_ref();
            let mut paths = media::paths(database.as_mut(), &catalogue, uploads)?;
            // The archive has a row for it and not the file: better that one than none.
            let lacks = |name: &str| plan.inspection.lacks_file(name);
            let elsewhere = restore.placement.paths_of(lacks);
            paths.retain(|path| !lacks(path) && !elsewhere.contains(path.as_str()));
            restore.files.replace(paths)?;
        }
        restore.only_checks = false;
        restore.limits = Limits::default();
        restore.own_schema = OwnSchema {
            row: read_value(database.as_mut(), SCHEMA_KEY)?,
            wins: !same_schemas(plan, &catalogue),
            is_needed: plan.filter.includes(Stage::Configuration),
        };
        let (in_place, staying) =
            outside.clear(database.as_mut(), &catalogue, plan, loses_references)?;
        restore.in_place = in_place;
        restore.staying = Some(staying);
        restore.component_ids = ComponentIds::find(
            database.as_mut(),
            &catalogue,
            &plan.inspection,
            &plan.filter,
        )?;
        Ok(Box::new(ProjectLoad {
            project,
            lock,
            database,
            catalogue,
            restore,
        }))
    }
}

/// Whether the archive's schemas are the project's, in every property that travels.
fn same_schemas(plan: &Plan, catalogue: &Catalogue) -> bool {
    let ours = &catalogue.schemas;
    plan.source.schemas.as_ref().is_some_and(|theirs| {
        theirs.len() == ours.len()
            && theirs.iter().all(|schema| {
                ours.get(&schema.uid)
                    .is_some_and(|own| own.json == schema.json)
            })
    })
}

impl Load for ProjectLoad {
    fn commit(self: Box<Self>, _outcome: &Report, warn: &mut dyn FnMut(Warning)) -> Result<()> {
        let Self {
            project,
            mut database,
            catalogue,
            mut restore,
            lock,
        } = *self;
        restore.put_back_links(database.as_mut())?;
        restore.in_place.finish(database.as_mut())?;
        restore.put_back_schema(database.as_mut())?;
        let token = recovery::new_token(!restore.files.is_empty())?;
        recovery::write_token(database.as_mut(), &token)?;
        database.flush()?;
        for table in catalogue.models.tables() {
            database.move_sequence_past_ids(table)?;
        }
        project.shut_out_stops()?;
        let swapped = restore.files.swap_in(&token);
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
        if let Some(left) = restore.files.forget_old() {
            warn(Warning::new(
                WarningKind::Notice,
                Subject::Path(left),
                "the old files are of no use any more",
            ));
        }
        drop(lock);
        Ok(())
    }
}

/// Puts the old files back because of an error, which is another one if that fails.
fn put_back(files: &mut dyn StagedUploads, error: Error) -> Error {
    let Err(stuck) = files.put_back() else {
        return error;
    };
    Error::new(
        Kind::HalfWay,
        format!(
            "{error}; the database is as it was, and the old files cannot be put back: {stuck}"
        ),
    )
    .hint("when the upload folder can be written to, run backup recover: it puts them back")
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
        self.database.flush()?;
        if stage > Stage::Entities {
            self.restore.put_back_links(self.database.as_mut())?;
        }
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        // The project's schemas are code; they were compared, and are not replaced.
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        let database = self.database.as_mut();
        self.restore.entity(database, &self.catalogue, entity)?;
        database.flush_if_full()
    }

    fn asset(&mut self, _asset: &Asset, _content: &mut dyn Read) -> Result<()> {
        // It is staged.
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let database = self.database.as_mut();
        self.restore.link(database, &self.catalogue, link)?;
        database.flush_if_full()
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let database = self.database.as_mut();
        self.restore.configuration(database, item)?;
        database.flush_if_full()
    }

    fn warn(&mut self, _warning: Warning) {}
}

impl Restore {
    /// Nothing known yet: what comes is only checked.
    fn new(project: &Project, how: Staged) -> Self {
        let uploads = project.uploads();
        Self {
            only_checks: true,
            component_ids: ComponentIds::default(),
            inserters: Inserters::default(),
            limits: Limits::default(),
            in_place: InPlace::default(),
            staying: None,
            files: uploads.stage(how),
            uploads,
            placement: Placement::default(),
            own_schema: OwnSchema::default(),
            lost: BTreeMap::new(),
        }
    }

    /// Counts something that the project has no place for.
    fn count_lost(&mut self, subject: Subject) {
        self.count_all_lost(subject, 1);
    }

    fn count_all_lost(&mut self, subject: Subject, count: u64) {
        if self.only_checks {
            *self.lost.entry(subject).or_default() += count;
        }
    }

    /// Adds a row, unless it is only checked.
    fn add(
        &mut self,
        database: &mut dyn Connection,
        row: &[Value<'_>],
        inserter: impl FnOnce(&mut Inserters, &mut dyn Connection) -> Result<Inserter>,
    ) -> Result<()> {
        if self.only_checks {
            return Ok(());
        }
        let inserter = inserter(&mut self.inserters, database)?;
        database.insert(inserter, row)
    }

    /// Puts the links of rows that stay back, now that all rows are there.
    fn put_back_links(&mut self, database: &mut dyn Connection) -> Result<()> {
        match self.staying.take() {
            Some(mut staying) => staying.put_back(database),
            None => Ok(()),
        }
    }

    /// What is to be known of that which was checked.
    fn remarks(&mut self) -> Vec<Warning> {
        let mut remarks = Vec::new();
        let changed = self.placement.changed();
        if changed > 0 {
            let reason = "their urls lead elsewhere; they come to the upload folder, and their rows get \
                          the urls they have there";
            remarks.push(Warning::new(WarningKind::Notice, Subject::Files, reason).times(changed));
        }
        for (subject, count) in std::mem::take(&mut self.lost) {
            let reason = "the project has no place for";
            remarks.push(Warning::new(WarningKind::Lost, subject, reason).times(count));
        }
        remarks
    }
}
