//! Reads a project: everything from one moment of its database, in batches.

mod ahead;
mod assets;
mod attributes;
mod component_rows;
mod components;
mod configuration;
mod entities;
mod left_out;
mod link_lines;
mod links;

use self::attributes::Tally;
use super::catalogue::Catalogue;
use super::lock::{LockWait, ProjectLock};
use super::project::Project;
use super::restore::recovery::recover_first;
use super::schema;
use super::tables::Model;
use super::uploads::{Links, Uploads};
use crate::database::{Connection, LockMode, Snapshot, Value};
use crate::effort::Work;
use crate::error::{Error, Result};
use crate::model::limits::{LONGEST_NAME, LONGEST_SCHEMAS, MOST_MEMBERS};
use crate::model::{IdSet, Metadata, NameMap, Schema, Stage};
use crate::transfer::{
    Description, Examples, Filter, Provenance, Sink, Source, Subject, Warning, WarningKind,
};
use assets::MissingFiles;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The most rows that are read at once.
const MOST_ROWS: usize = 500;
/// How much the rows that are read at once are to take, in bytes.
const BATCH: usize = 4 << 20;

/// How many rows are read at once: as many as take a bounded amount of memory, if they are as long as those before.
#[derive(Clone, Copy)]
struct Rows(usize);

impl Rows {
    /// To begin with, while nothing is known of how long they are.
    const FIRST: Self = Self(50);

    /// After a batch of this size, of which this many rows were taken, with so many bytes, and more were `left`;
    /// `None` if these were the last.
    fn after(self, taken: usize, bytes: usize, left: bool) -> Option<Self> {
        if taken < self.0 && !left {
            return None;
        }
        let fits = BATCH / (bytes / taken.max(1)).max(1);
        Some(Self(fits.clamp(1, MOST_ROWS).min(self.0 * 4)))
    }
}

/// A project as a source.
pub struct ProjectSource {
    project: Project,
    database: Box<dyn Connection>,
    catalogue: Catalogue,
    snapshot: Snapshot,
    links: Links,
    _lock: ProjectLock,
}

impl ProjectSource {
    /// The project's tables that others may change while they are read.
    fn moving_tables(&self) -> impl Iterator<Item = &str> {
        let tables = self.catalogue.models.tables();
        let moving = |table: &&str| self.snapshot.moving.iter().any(|name| name == *table);
        tables.filter(moving)
    }

    /// Opens a project to read it. What is read from here on is from this moment.
    ///
    /// # Errors
    /// An import holds it; its database cannot be read, or does not fit its schemas.
    pub fn open(project: Project, wait: &LockWait) -> Result<Self> {
        let effort = project.effort.clone();
        let _watch = effort.start(Work::Database);
        let mut database = project.connect_to_read()?;
        let told = recover_first(&project, database.as_mut(), wait)?;
        let (lock, note) = ProjectLock::take(&project, database.as_mut(), LockMode::Shared, wait)?;
        let snapshot = database.begin_snapshot()?;
        let mut catalogue = schema::load(&project, database.as_mut())?;
        catalogue.notices.extend(note);
        catalogue.notices.extend(told);
        Ok(Self {
            _lock: lock,
            project,
            database,
            catalogue,
            snapshot,
            links: Links::default(),
        })
    }

    /// The same, which follows these links in the upload folder.
    #[must_use]
    pub fn with_links(self, links: Links) -> Self {
        Self { links, ..self }
    }
}

/// What one pass over the stages needs.
struct Reader<'a> {
    project: &'a Project,
    database: &'a mut dyn Connection,
    catalogue: &'a Catalogue,
    filter: &'a Filter,
    uploads: Arc<dyn Uploads>,
    /// Rows that were sent, by the place of their model; components with their owners: links of the others are left out as well.
    sent: Vec<IdSet>,
    /// In which order the members of components stand that hold others, by the place of their model.
    key_orders: HashMap<usize, Vec<usize>>,
    /// Values of entities and components that an archive cannot hold as they are.
    tally: Tally,
    /// Components that were sent more than once, by type.
    shared_components: BTreeMap<String, Examples>,
    /// Components that rows name by what is no id, by owner and attribute.
    unreadable_components: BTreeMap<(String, String), Examples>,
    /// Rows that were not sent, because no line could hold them.
    too_long: BTreeMap<String, IdSet>,
    /// Joins to components that are not there, by owner and attribute.
    gone_components: BTreeMap<(String, String), Examples>,
    /// Files whose rows lack what a sidecar needs.
    completed_sidecars: Examples,
    /// Files that could not be sent.
    missing_files: MissingFiles,
    /// Files that were sent, and the places they are from.
    sent_files: NameMap<String>,
}

impl Source for ProjectSource {
    fn name(&self) -> String {
        self.project.root().display().to_string()
    }

    fn describe(&mut self) -> Result<Description> {
        let now = jiff::Timestamp::now();
        Ok(Description {
            metadata: Some(Metadata::new(format!("{now:.3}"), self.project.version())),
            schemas: Some(self.catalogue.schemas.clone()),
            scope: Some(Filter::default().scope(&self.catalogue.schemas)),
            provenance: Some(Provenance {
                time_zone: self.project.time_zone().iana_name().map(str::to_owned),
                database: Some(self.project.database_kind().into()),
                is_consistent: self.moving_tables().next().is_none(),
            }),
            is_own_archive: false,
        })
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        for notice in self.catalogue.notices.iter().chain(&self.catalogue.guesses) {
            sink.warn(notice.clone());
        }
        for table in self.moving_tables() {
            sink.warn(Warning::new(
                WarningKind::Notice,
                Subject::Table(table.to_owned()),
                "its storage engine has no transactions, so it may have changed while it was read",
            ));
        }
        let mut reader = Reader {
            project: &self.project,
            database: self.database.as_mut(),
            catalogue: &self.catalogue,
            filter,
            uploads: self.project.uploads_with(self.links).into(),
            sent: vec![IdSet::default(); self.catalogue.models.iter().count()],
            key_orders: HashMap::new(),
            tally: Tally::default(),
            shared_components: BTreeMap::new(),
            unreadable_components: BTreeMap::new(),
            too_long: BTreeMap::new(),
            gone_components: BTreeMap::new(),
            completed_sidecars: Examples::default(),
            missing_files: MissingFiles::default(),
            sent_files: NameMap::default(),
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
        sink.stage(Stage::Schemas, Some(self.catalogue.schemas.len() as u64))?;
        let mut bytes = 0;
        for schema in self.catalogue.schemas.iter() {
            bytes += check_schema(schema)?;
            if bytes > LONGEST_SCHEMAS {
                return Err(no_archive(format!(
                    "with that of {}, the schemas have more than the {LONGEST_SCHEMAS} bytes",
                    schema.uid
                )));
            }
            sink.schema(schema)?;
        }
        Ok(())
    }
}

/// Holds a schema against the limits of an archive, from which nothing could be restored without it; gives its
/// length.
fn check_schema(schema: &Schema) -> Result<u64> {
    let names = schema.attributes.iter().map(|(name, _)| name);
    if let Some(long) = [&schema.uid]
        .into_iter()
        .chain(names)
        .find(|name| name.len() > LONGEST_NAME)
    {
        let start = &long[..long.floor_char_boundary(SHOWN)];
        return Err(no_archive(format!(
            "the name {start}... in the schema of {} has {} bytes, more than the {LONGEST_NAME}",
            &schema.uid[..schema.uid.floor_char_boundary(SHOWN)],
            long.len(),
        )));
    }
    if schema.attributes.len() + MORE_MEMBERS > MOST_MEMBERS {
        return Err(no_archive(format!(
            "the schema of {} has {} attributes, more than the {}",
            schema.uid,
            schema.attributes.len(),
            MOST_MEMBERS - MORE_MEMBERS
        )));
    }
    Ok(schema.to_line().len() as u64)
}

/// How much of a name that is too long is shown, in bytes.
const SHOWN: usize = 60;
/// Members that rows may have beside those of the schema: ids, times, and what says which component they are.
const MORE_MEMBERS: usize = 32;

fn no_archive(why: String) -> Error {
    Error::failed(format!("{why} that an archive may hold"))
        .hint("make the schemas shorter, such as their descriptions, and start Strapi once")
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

/// A query for the next rows of a model after an id, or the first ones, by id, as many as are read at
/// once; and its parameters.
fn select_batch(
    database: &dyn Connection,
    model: &Model,
    after: Option<i64>,
    Rows(limit): Rows,
) -> (String, Vec<Value<'static>>) {
    let select = select_rows(database, model);
    let condition = after.map_or("", |_| "WHERE id > ?");
    (
        format!("{select} {condition} ORDER BY id LIMIT {limit}"),
        after.map(Value::Integer).into_iter().collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_rows_are_read_a_few_at_once_and_short_ones_many() {
        let next = |rows: Rows, bytes| rows.after(rows.0, bytes, false).expect("more").0;
        assert_eq!(next(Rows::FIRST, 50 * 100), 200);
        assert_eq!(next(Rows(200), 200 * 100), MOST_ROWS);
        assert_eq!(next(Rows(MOST_ROWS), MOST_ROWS << 20), 4);
        assert_eq!(next(Rows(4), 4 << 28), 1);
        assert_eq!(next(Rows(1), 0), 4);
        assert!(Rows(4).after(3, 100, false).is_none());
        assert!(Rows(4).after(3, 100, true).is_some());
    }
}
