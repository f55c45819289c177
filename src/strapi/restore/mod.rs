//! Restores a project: deletes what is in scope, loads what comes, and makes all of it visible at
//! once.
//!
//! What comes is staged and checked before anything is changed for it. The database change is one
//! transaction. Files are staged beside the old ones and swapped right before the transaction ends;
//! should its end fail, they are swapped back. Ids of rows are kept.

mod clear;
mod configuration;
mod destination;
mod entities;
mod in_place;
mod inserters;
mod kept_links;
mod limits;
mod links;
mod load;
mod outside;
mod placement;
pub(super) mod recovery;
mod replaced;
mod rewriting;
mod staging;
mod staying;
mod urls;

pub use destination::ProjectDestination;

use super::catalogue::Catalogue;
use super::project::Project;
use super::tables::{INTERNAL_TABLES, Model};
use super::uploads::{Staged, StagedUploads, Uploads};
use crate::database::{Connection, Filler, Stop};
use crate::error::Result;
use crate::model::{IdSet, Stage};
use crate::transfer::{Examples, Filter, MOST_OF_A_KIND, Subject, Warning, WarningKind};
use entities::ComponentIds;
use in_place::InPlace;
use inserters::Inserters;
use kept_links::KeptLinks;
use limits::Limits;
use links::SharedLinks;
use placement::Placement;
use rewriting::Rewriting;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// What a restore knows and keeps while it goes on.
struct Restore {
    /// Whether what comes is only held against the project: then nothing is written to its database,
    /// and what it has no place for is counted.
    only_checks: bool,
    stop: Stop,
    component_ids: ComponentIds,
    inserters: Inserters,
    limits: Limits,
    uploads: Box<dyn Uploads>,
    in_place: InPlace,
    /// Links of rows that stay; `None` once they are back.
    staying: Option<KeptLinks>,
    files: Box<dyn StagedUploads>,
    placement: Placement,
    rewriting: Rewriting,
    /// Files that came and lie elsewhere than their rows say.
    moved: Examples,
    placed: Arc<Placed>,
    shared_links: SharedLinks,
    own_schema: OwnSchema,
    /// What the project has no place for, and how often it came.
    lost: BTreeMap<Subject, u64>,
}

/// Where rows go that come.
enum Goal<'a> {
    /// Nowhere: they are held against what the tables ask of them.
    Check(&'a mut dyn Connection),
    /// Into their tables. What is wrong with a row names its place already.
    Fill(&'a mut Filler),
}

impl Goal<'_> {
    /// The database, once it has all rows that came.
    fn database(&mut self) -> Result<&mut dyn Connection> {
        match self {
            Self::Check(database) => Ok(*database),
            Self::Fill(filler) => filler.connection(),
        }
    }
}

/// The components that the project has a place for, of those that come.
#[derive(Debug, Default, Clone)]
struct Placed(HashMap<String, IdSet>);

impl Placed {
    fn add(&mut self, uid: &str, id: i64) {
        if !self.0.contains_key(uid) {
            self.0.insert(uid.to_owned(), IdSet::default());
        }
        self.0.get_mut(uid).map(|ids| ids.insert(id));
    }

    fn has(&self, uid: &str, id: i64) -> bool {
        self.0.get(uid).is_some_and(|ids| ids.contains(id))
    }
}

/// The project's own row of content types, without which nobody can read its tables.
#[derive(Default)]
struct OwnSchema {
    row: Option<String>,
    /// Whether the row was deleted, and did not come yet.
    is_needed: bool,
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

impl Restore {
    /// Nothing known yet: what comes is only checked. What is too much for the memory goes to `folder`.
    fn new(project: &Project, how: Staged, folder: &Path) -> Self {
        let uploads = project.uploads();
        Self {
            only_checks: true,
            stop: project.stop(),
            component_ids: ComponentIds::default(),
            inserters: Inserters::default(),
            limits: Limits::default(),
            in_place: InPlace::default(),
            staying: None,
            files: uploads.stage(how, folder, &project.effort),
            placement: Placement::new(folder).keeping_urls(uploads.keeps_urls()),
            rewriting: Rewriting::new(folder, project.site()),
            uploads,
            moved: Examples::default(),
            placed: Arc::default(),
            shared_links: SharedLinks::default(),
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
            // Names from an archive may all be different.
            let subject = match self.lost.len() < MOST_OF_A_KIND || self.lost.contains_key(&subject)
            {
                true => subject,
                false => Subject::Entry("other things".into()),
            };
            *self.lost.entry(subject).or_default() += count;
        }
    }

    /// Puts the links of rows that stay back, now that all rows are there.
    fn put_back_links(&mut self, database: &mut dyn Connection) -> Result<()> {
        match self.staying.take() {
            Some(staying) => staying.put_back(database),
            None => Ok(()),
        }
    }

    /// What is to be known of that which was checked.
    fn remarks(&mut self) -> Vec<Warning> {
        let mut remarks = Vec::new();
        let moved = std::mem::take(&mut self.moved);
        if let Some(note) = moved.warning(WarningKind::Notice, Subject::Files) {
            let reason = format!(
                "the urls of {} lead elsewhere; they come to {}, and their rows get the urls they have \
                 there: {}",
                note.count,
                self.uploads.called(),
                note.reason
            );
            remarks.push(Warning { reason, ..note });
        }
        remarks.extend(self.placement.shut_out());
        let urls = self
            .rewriting
            .warnings(&mut self.placement, self.uploads.as_ref());
        remarks.extend(urls);
        for (subject, count) in std::mem::take(&mut self.lost) {
            let reason = "the project has no place for";
            remarks.push(Warning::new(WarningKind::Lost, subject, reason).times(count));
        }
        remarks
    }
}
