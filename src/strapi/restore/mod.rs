//! Restores a project: deletes what is in scope, loads what comes, and makes all of it visible at
//! once.
//!
//! The database change is one transaction. Files are staged beside the old ones and swapped right
//! before the transaction ends; should its end fail, they are swapped back. Ids of rows are kept.

mod clear;
mod configuration;
mod entities;
mod inserters;
mod links;
pub(super) mod recovery;

use super::catalogue::Catalogue;
use super::core_store::{CORE_STORE, SCHEMA_KEY, WEBHOOKS, read_value};
use super::description::description;
use super::lock::{LockWait, ProjectLock};
use super::media;
use super::project::Project;
use super::schema;
use super::tables::{INTERNAL_TABLES, Model};
use super::uploads::StagedUploads;
use crate::database::{Connection, LockMode};
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::transfer::{
    Deletion, Description, Destination, Filter, Inspection, Load, Plan, Report, Sink, Subject,
    Warning, WarningKind,
};
use entities::ComponentIds;
use inserters::Inserters;
use std::collections::BTreeMap;
use std::io::Read;

/// A project as a destination.
pub struct ProjectDestination {
    project: Project,
    database: Box<dyn Connection>,
    catalogue: Catalogue,
    lock: ProjectLock,
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
    /// Which rows come, so that links to others can be left out.
    inspection: Inspection,
    component_ids: ComponentIds,
    inserters: Inserters,
    files: Box<dyn StagedUploads>,
    own_schema: OwnSchema,
    /// What the project has no place for, and how often it came.
    lost: BTreeMap<Subject, u64>,
}

/// The project's own row of content types, without which nobody can read its tables.
struct OwnSchema {
    row: Option<String>,
    /// Whether the archive's would not describe the tables.
    wins: bool,
    /// Whether the row was deleted, and did not come yet.
    is_needed: bool,
}

impl ProjectDestination {
    /// Opens a project to restore into it, and keeps all other runs away. Nothing is changed before the
    /// restore begins, but that an earlier one which did not end is finished or undone.
    ///
    /// # Errors
    /// Another run holds it; its database cannot be opened, or does not fit its schemas.
    pub fn open(project: Project, wait: &LockWait) -> Result<Self> {
        Self::after(project, wait, recovery::recover)
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
        Ok(Self {
            lock,
            project,
            database,
            catalogue,
        })
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

    fn survey(&mut self, filter: &Filter) -> Result<Vec<Deletion>> {
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
            let names = media::filenames(database, &self.catalogue, uploads.as_ref())?;
            deletions.push(Deletion {
                count: uploads.count(&names),
                what: format!("files of the media library in {}", uploads.place()),
            });
        }
        deletions.retain(|deletion| deletion.count > 0);
        Ok(deletions)
    }

    fn wants_inspection(&self) -> bool {
        true
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        let Self {
            project,
            mut database,
            catalogue,
            lock,
        } = *self;
        let inspection = plan.inspection.clone();
        database.begin_write()?;
        let uploads = project.uploads();
        let replaced = if plan.filter.includes(Stage::Assets) {
            let mut names = media::filenames(database.as_mut(), &catalogue, uploads.as_ref())?;
            // The archive has a row for it and not the file: better that one than none.
            names.retain(|name| !inspection.lacks_file(name));
            Some(names)
        } else {
            None
        };
        let files = uploads.stage(replaced)?;
        let own_schema = OwnSchema {
            row: read_value(database.as_mut(), SCHEMA_KEY)?,
            wins: !same_schemas(plan, &catalogue),
            is_needed: plan.filter.includes(Stage::Configuration),
        };
        clear::clear(database.as_mut(), &catalogue, &plan.filter)?;
        let component_ids =
            ComponentIds::find(database.as_mut(), &catalogue, &inspection, &plan.filter)?;
        Ok(Box::new(ProjectLoad {
            project,
            lock,
            database,
            catalogue,
            restore: Restore {
                inspection,
                component_ids,
                inserters: Inserters::default(),
                files,
                own_schema,
                lost: BTreeMap::new(),
            },
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
        restore.put_back_schema(database.as_mut())?;
        let token = recovery::new_token(!restore.files.is_empty())?;
        recovery::write_token(database.as_mut(), &token)?;
        database.flush()?;
        for table in catalogue.models.tables() {
            database.move_sequence_past_ids(table)?;
        }
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
        for (subject, count) in restore.lost {
            let reason = "the project has no place for";
            warn(Warning::new(WarningKind::Lost, subject, reason).times(count));
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
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        self.database.flush()
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

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.restore.files.add(&asset.filename, content)
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
    /// Counts something that the project has no place for.
    fn count_lost(&mut self, subject: Subject) {
        self.count_all_lost(subject, 1);
    }

    fn count_all_lost(&mut self, subject: Subject, count: u64) {
        *self.lost.entry(subject).or_default() += count;
    }
}
