//! Restores a project: deletes what is in scope, loads what comes, and makes all of it visible at
//! once.
//!
//! The database change is one transaction. Files are staged beside the old ones and swapped right
//! before the transaction ends; should its end fail, they are swapped back. Ids of rows are kept.

mod clear;
mod configuration;
mod entities;
mod files;
mod inserters;
mod links;

use super::project::Project;
use super::tables::{CORE_STORE, INTERNAL_TABLES, Model, WEBHOOKS};
use super::{Content, schema};
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Metadata, Schema};
use crate::transfer::{
    Deletion, Description, Destination, Filter, Inspection, Plan, Sink, Stage, Warning, WarningKind,
};
use entities::ComponentIds;
use files::StagedFiles;
use inserters::Inserters;
use std::collections::BTreeMap;
use std::io::Read;

/// A project as a destination.
pub struct ProjectDestination {
    project: Project,
    database: Box<dyn Connection>,
    content: Content,
    restore: Option<Restore>,
}

/// A restore that has begun.
struct Restore {
    /// Which rows come, so that links to others can be left out.
    inspection: Inspection,
    component_ids: ComponentIds,
    inserters: Inserters,
    files: StagedFiles,
    /// The project's own row of content types, where the archive's would not describe its tables.
    own_schema: Option<String>,
    /// What the project has no place for, and how often it came.
    lost: BTreeMap<String, u64>,
}

impl ProjectDestination {
    /// Opens a project to restore into it. Nothing is changed before the restore begins.
    ///
    /// # Errors
    /// Its database cannot be opened, or does not fit its schemas.
    pub fn open(project: Project) -> Result<Self> {
        let mut database = project.connect_to_write()?;
        let content = schema::load(&project, database.as_mut())?;
        Ok(Self {
            project,
            database,
            content,
            restore: None,
        })
    }

    /// What is known of the project that its user should know as well.
    pub fn notices(&self) -> &[Warning] {
        &self.content.notices
    }

    /// Where the database is, for messages.
    pub fn database(&self) -> &str {
        self.database.target()
    }

    fn begun(&mut self) -> Result<(&mut dyn Connection, &Content, &mut Restore)> {
        match &mut self.restore {
            Some(restore) => Ok((self.database.as_mut(), &self.content, restore)),
            None => Err(Error::failed("the restore has not begun")),
        }
    }
}

/// The content types whose rows a transfer replaces.
fn replaced<'a>(content: &'a Content, filter: &Filter) -> Vec<&'a Model> {
    content
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
        Ok(Some(Description {
            metadata: Metadata::new(String::new(), self.project.version()),
            schemas: self.content.schemas.clone(),
        }))
    }

    fn survey(&mut self, filter: &Filter) -> Result<Vec<Deletion>> {
        let mut tables: Vec<(String, String)> = replaced(&self.content, filter)
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
            let folder = self.project.uploads();
            deletions.push(Deletion {
                count: files::count(&folder)?,
                what: format!("files in {}", folder.display()),
            });
        }
        deletions.retain(|deletion| deletion.count > 0);
        Ok(deletions)
    }

    fn replaces_data(&self) -> bool {
        true
    }

    fn begin(&mut self, plan: &Plan) -> Result<()> {
        let Some(inspection) = plan.inspection.clone() else {
            return Err(Error::failed("a restore needs to look at its source first"));
        };
        if plan.filter.includes(Stage::Assets) && !self.project.keeps_uploads() {
            return Err(Error::failed(format!(
                "the project keeps its uploads with the provider `{}`, which this version does not \
                 restore to",
                self.project.config.upload_provider
            ))
            .hint("restore everything else with --exclude files"));
        }
        self.database.begin_write()?;
        let mut files = StagedFiles::new(self.project.uploads());
        if plan.filter.includes(Stage::Assets) {
            files.replace_all()?;
        }
        let own_schema = if same_schemas(plan, &self.content) {
            None
        } else {
            schema::read_row(self.database.as_mut())?
        };
        clear::clear(self.database.as_mut(), &self.content, &plan.filter)?;
        let component_ids = ComponentIds::find(
            self.database.as_mut(),
            &self.content,
            &inspection,
            &plan.filter,
        )?;
        self.restore = Some(Restore {
            inspection,
            component_ids,
            inserters: Inserters::default(),
            files,
            own_schema,
            lost: BTreeMap::new(),
        });
        Ok(())
    }

    fn commit(&mut self, _metadata: &Metadata, warn: &mut dyn FnMut(Warning)) -> Result<()> {
        let Some(mut restore) = self.restore.take() else {
            return Err(Error::failed("the restore has not begun"));
        };
        self.database.flush()?;
        let tables = self.content.models.iter().map(|model| model.table.as_str());
        for table in tables.chain([CORE_STORE, WEBHOOKS]) {
            self.database.move_sequence_past_ids(table)?;
        }
        restore.files.swap_in()?;
        // From here on a failure puts the old files back when `files` is dropped.
        self.database.commit()?;
        if let Some(left) = restore.files.forget_old() {
            warn(Warning::new(
                WarningKind::Notice,
                format!("the old files could not be deleted: {left}"),
            ));
        }
        for (what, count) in restore.lost {
            warn(Warning::new(
                WarningKind::Lost,
                format!("the project has no place for {what}: {count} left out"),
            ));
        }
        Ok(())
    }
}

/// Whether the archive's schemas are the project's, in every property that travels.
fn same_schemas(plan: &Plan, content: &Content) -> bool {
    let (theirs, ours) = (&plan.source.schemas, &content.schemas);
    theirs.len() == ours.len()
        && theirs.iter().all(|schema| {
            ours.get(&schema.uid)
                .is_some_and(|own| own.json == schema.json)
        })
}

impl Sink for ProjectDestination {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        self.database.flush()
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        // The project's schemas are code; they were compared, and are not replaced.
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        let (database, content, restore) = self.begun()?;
        restore.entity(database, content, entity)?;
        database.flush_if_full()
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.begun()?.2.files.add(&asset.filename, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let (database, content, restore) = self.begun()?;
        restore.link(database, content, link)?;
        database.flush_if_full()
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let (database, _, restore) = self.begun()?;
        restore.configuration(database, item)?;
        database.flush_if_full()
    }

    fn warn(&mut self, _warning: Warning) {}
}

impl Restore {
    /// Counts something that the project has no place for.
    fn lose(&mut self, what: String) {
        *self.lost.entry(what).or_default() += 1;
    }
}
