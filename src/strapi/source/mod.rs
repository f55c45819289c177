//! Reads a project: everything from one moment of its database, in batches.

mod assets;
mod attributes;
mod components;
pub(super) mod configuration;
mod entities;
mod link_lines;
mod links;

use super::project::Project;
use super::tables::Model;
use super::{Content, schema};
use crate::database::Connection;
use crate::error::Result;
use crate::model::Metadata;
use crate::transfer::{Description, Filter, Sink, Source, Stage, Warning};
use roaring::RoaringTreemap;
use std::collections::HashMap;

/// How many rows are read at once. Bounds memory, together with how large rows are.
const BATCH: usize = 500;

/// A project as a source.
pub struct ProjectSource {
    project: Project,
    database: Box<dyn Connection>,
    content: Content,
}

impl ProjectSource {
    /// Opens a project to read it. What is read from here on is from this moment.
    ///
    /// # Errors
    /// Its database cannot be read, or does not fit its schemas.
    pub fn open(project: Project) -> Result<Self> {
        let mut database = project.connect_to_read()?;
        database.begin_snapshot()?;
        let content = schema::load(&project, database.as_mut())?;
        Ok(Self {
            project,
            database,
            content,
        })
    }
}

/// What one pass over the stages needs.
struct Reader<'a> {
    project: &'a Project,
    database: &'a mut dyn Connection,
    content: &'a Content,
    filter: &'a Filter,
    /// Components that were sent, where the filter leaves content types out: links of the others
    /// are left out as well.
    sent_components: Option<HashMap<String, RoaringTreemap>>,
}

impl Source for ProjectSource {
    fn name(&self) -> String {
        self.project.root().display().to_string()
    }

    fn describe(&mut self) -> Result<Description> {
        let now = jiff::Timestamp::now();
        Ok(Description {
            metadata: Metadata::new(format!("{now:.3}"), self.project.version()),
            schemas: self.content.schemas.clone(),
        })
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        for notice in &self.content.notices {
            sink.warn(notice.clone());
        }
        let mut reader = Reader {
            project: &self.project,
            database: self.database.as_mut(),
            content: &self.content,
            filter,
            sent_components: filter.is_partial().then(HashMap::new),
        };
        for stage in Stage::ALL {
            if !filter.includes(stage) {
                continue;
            }
            match stage {
                Stage::Schemas => reader.schemas(sink)?,
                Stage::Entities => reader.entities(sink)?,
                Stage::Assets => reader.assets(sink)?,
                Stage::Links => reader.links(sink)?,
                Stage::Configuration => reader.configuration(sink)?,
            }
        }
        Ok(())
    }
}

impl Reader<'_> {
    fn schemas(&mut self, sink: &mut dyn Sink) -> Result<()> {
        sink.stage(Stage::Schemas, Some(self.content.schemas.len() as u64))?;
        self.content
            .schemas
            .iter()
            .try_for_each(|schema| sink.schema(schema))
    }
}

/// A list of column names for a query.
fn column_list<'a>(
    database: &dyn Connection,
    columns: impl IntoIterator<Item = &'a str>,
) -> String {
    columns
        .into_iter()
        .map(|name| database.quote(name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The beginning of a query for rows of a model: their ids, then their attributes.
fn select_rows(database: &dyn Connection, model: &Model) -> String {
    let names = ["id"]
        .into_iter()
        .chain(model.columns.iter().map(|column| column.column.as_str()));
    format!(
        "SELECT {} FROM {}",
        column_list(database, names),
        database.quote(&model.table)
    )
}

/// A query for the next rows of a model after an id, by id, as many as are read at once.
fn select_batch(database: &dyn Connection, model: &Model) -> String {
    let select = select_rows(database, model);
    format!("{select} WHERE id > ? ORDER BY id LIMIT {BATCH}")
}

/// Says that something was left out.
fn warn(sink: &mut dyn Sink, kind: crate::transfer::WarningKind, message: String) {
    sink.warn(Warning::new(kind, message));
}
