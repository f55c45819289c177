//! What is not the same in two sources: archives, or projects.
//!
//! Each side is read once, one after the other, into a sink that keeps digests: of each row, link, file and
//! setting what it is known by, a digest of all of it, and a short one of each attribute by its path, so that it can be
//! told which attributes differ and no value has to be kept. They are put in order on disk, and the two sides
//! are read side by side: memory stays flat however large the sources are.
//!
//! Values count by what they mean, and JSON by its content. Things are known by
//! their ids, or by documents, languages and paths where rows have other ids on the other side; then
//! links are told of by the documents that they join.

mod content;
mod difference;
mod key;
mod links;
mod merge;
mod paths;
mod record;
mod rows;
mod taker;

pub use difference::{
    Change, Changes, Difference, Kind, LinkEndFacts, LinkFacts, Tally, What, Which,
};

use crate::error::Result;
use crate::model::{Schemas, Stage};
use crate::sorting::{Sorted, Sorter};
use crate::transfer::{
    Description, Event, Extent, Filter, Observer, OnFault, Onlooker, Plan, SchemaDifference,
    SchemaStrategy, Source, Subject, Transfer, UPLOAD_TYPES, VersionStrategy, Warning, WarningKind,
    each_schema_difference,
};
use links::Links;
use merge::{Merge, Missing};
use paths::Paths;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use taker::{Digesting, Taker};

/// What rows are known by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Match {
    /// Their ids.
    #[default]
    Id,
    /// Their documents, languages and states of publication.
    Document,
}

impl Match {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Document => "document",
        }
    }
}

/// A comparison, to which sides are given one after the other.
pub struct Comparison<'a> {
    folder: PathBuf,
    matching: Match,
    filter: Filter,
    observer: &'a dyn Observer,
    /// The schemas of both sides.
    schemas: [Schemas; 2],
    all: Schemas,
    paths: Paths,
    missing: Missing,
    sides: Vec<Sorted>,
    without_document: BTreeMap<String, u64>,
    /// How many ends of links of a side are at rows that nothing tells apart.
    alike: u64,
    /// What each side was made without.
    absent: [Absent; 2],
}

/// What a side was made without, or has nothing of.
#[derive(Debug, Default)]
struct Absent {
    stages: BTreeSet<Stage>,
    types: BTreeSet<String>,
    uploads: bool,
}

/// The stages that a side may be made without; links go with entities.
const COMPARED: [Stage; 3] = [Stage::Entities, Stage::Assets, Stage::Configuration];

impl<'a> Comparison<'a> {
    /// Of two sources that say this of themselves, and of what of them a filter lets through. What one of them was made
    /// without is not compared. What does not fit into memory goes to `folder`.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the filter asks for what neither side has.
    pub fn new(
        descriptions: [&Description; 2],
        matching: Match,
        mut filter: Filter,
        folder: &Path,
        observer: &'a dyn Observer,
    ) -> Result<Self> {
        let schemas = descriptions.map(|it| it.schemas.clone().unwrap_or_default());
        let mut all = schemas[0].clone();
        all.add_missing(&schemas[1]);
        filter.check_types(&all)?;
        let asked = filter.clone();
        let mut absent: [Absent; 2] = Default::default();
        for ((description, own), absent) in descriptions.iter().zip(&schemas).zip(&mut absent) {
            let Some(scope) = &description.scope else {
                continue;
            };
            filter.check_scope(scope)?;
            let stages = COMPARED.into_iter().filter(|stage| asked.includes(*stage));
            absent.stages = stages
                .filter(|stage| !scope.stages.contains(stage))
                .collect();
            let mut narrowed = asked.clone();
            narrowed.narrow(scope, own);
            if narrowed.includes(Stage::Entities) {
                let gone = types_of(&asked, own).filter(|uid| !narrowed.includes_type(uid));
                absent.types = gone.map(str::to_owned).collect();
            }
            filter.narrow(scope, own);
        }
        Ok(Self {
            folder: folder.to_owned(),
            matching,
            filter,
            observer,
            schemas,
            all,
            paths: Paths::default(),
            missing: Missing::default(),
            sides: Vec::new(),
            without_document: BTreeMap::new(),
            alike: 0,
            absent,
        })
    }

    /// Takes the next side. Where `is_all` is set, what it has nothing of it does not have; else it may have been made
    /// without that, unless it says what it was made from. Gives what is to be known of it, and what is wrong with it:
    /// then there is nothing to compare. `observer` watches this side alone.
    ///
    /// # Errors
    /// It cannot be read, or its digests cannot be put aside.
    pub fn take(
        &mut self,
        source: &mut dyn Source,
        is_all: bool,
        observer: &dyn Observer,
    ) -> Result<Plan> {
        let place = self.sides.len().min(1);
        let mut records = Sorter::new(&self.folder);
        let mut links = Links::new(&self.folder);
        let like = Description {
            schemas: Some(self.all.clone()),
            ..Description::default()
        };
        let mut taker = Taker {
            matching: self.matching,
            schemas: &self.schemas[place],
            paths: &mut self.paths,
            records: &mut records,
            links: &mut links,
            observer: self.observer,
            without_document: &mut self.without_document,
        };
        let digesting = Digesting {
            onlooker: Onlooker(&mut taker),
            like,
        };
        let mut transfer = Transfer {
            source,
            destination: Box::new(digesting),
            filter: self.filter.clone(),
            extent: match is_all {
                true => Extent::All,
                false => Extent::Said,
            },
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::GoOn,
            observer: &Unannounced(observer),
        };
        let plan = transfer.plan()?;
        drop(transfer);
        if self.matching == Match::Document {
            let alike = links.settle(&mut records, self.observer)?;
            self.alike = self.alike.max(alike);
        }
        self.sides.push(records.finish()?);
        if !is_all && plan.source.scope.is_none() {
            self.leave_out_what_is_missing(place, &plan.filter);
        }
        Ok(plan)
    }

    /// What a side that does not say what it was made from has nothing of, by the rule of a restore.
    fn leave_out_what_is_missing(&mut self, side: usize, held: &Filter) {
        for stage in COMPARED {
            if self.filter.includes(stage) && !held.includes(stage) {
                self.missing.stages.insert(stage);
                self.absent[side].stages.insert(stage);
            }
        }
        let upload = UPLOAD_TYPES[0];
        if self.filter.includes_type(upload) && !held.includes_type(upload) {
            self.missing.uploads = true;
            self.absent[side].uploads = true;
        }
    }

    /// What one side was made without and the other was not: `content`, `files`, `configuration`, `media library`, and
    /// types by their uids; and `links` where nothing tells the rows at some of their ends apart.
    pub fn not_compared(&self) -> Vec<String> {
        let [one, other] = &self.absent;
        let stages = one.stages.symmetric_difference(&other.stages);
        let mut names: Vec<String> = stages.map(|stage| called(*stage).to_owned()).collect();
        if one.uploads != other.uploads {
            names.push("media library".into());
        }
        names.extend(one.types.symmetric_difference(&other.types).cloned());
        if self.alike > 0 {
            names.push("links".into());
        }
        names
    }

    /// Whether there is no stage that both sides have something of.
    pub fn is_of_nothing(&self) -> bool {
        let is_compared = |stage| {
            self.filter.includes(stage)
                && !self.missing.stages.contains(&stage)
                && (stage != Stage::Entities || types_of(&self.filter, &self.all).next().is_some())
        };
        !COMPARED.into_iter().any(is_compared)
    }

    /// Hands over all differences, the first side's to the second's, and counts them. May be asked again.
    ///
    /// # Errors
    /// What was put aside cannot be read, the run is to stop, or `each` fails.
    pub fn differences(&self, each: &mut dyn FnMut(&Difference) -> Result<()>) -> Result<Tally> {
        let mut tally = Tally::default();
        let mut tell = |difference: Difference| {
            tally.count(&difference);
            each(&difference)
        };
        self.of_schemas(&mut tell)?;
        let mut twins = 0;
        if let [one, other] = self.sides.as_slice() {
            let merge = Merge {
                paths: &self.paths,
                missing: &self.missing,
                observer: self.observer,
            };
            twins = merge.run([one, other], &mut tell)?;
        }
        tally.twins = twins;
        Ok(tally)
    }

    /// What is told beside differences.
    pub fn notes(&self, tally: &Tally) -> Vec<Warning> {
        let [one, other] = &self.absent;
        let stages = one.stages.symmetric_difference(&other.stages);
        let mut notes: Vec<Warning> = stages.map(|stage| not_compared(*stage)).collect();
        let types: Vec<&str> = one
            .types
            .symmetric_difference(&other.types)
            .map(String::as_str)
            .collect();
        if !types.is_empty() {
            let types = types.join(", ");
            let reason = format!("not compared, because one side was made without: {types}");
            notes.push(note(Stage::Entities, reason));
        }
        if one.uploads != other.uploads {
            let reason =
                "the media library is not compared: one side has neither its rows nor its files";
            notes.push(note(Stage::Assets, reason.into()));
        }
        let rows: u64 = self.without_document.values().sum();
        if rows > 0 {
            let reason = format!("{rows} rows have no document id: they are compared as a whole");
            notes.push(note(Stage::Entities, reason));
        }
        if self.alike > 0 {
            let reason = format!(
                "not compared: which of several rows that hold the same {} ends of links are at",
                self.alike
            );
            notes.push(note(Stage::Links, reason));
        }
        if tally.twins > 0 {
            let reason = format!(
                "{} rows share document, language and state with others: which of them is which is guessed",
                tally.twins
            );
            notes.push(note(Stage::Entities, reason));
        }
        notes
    }

    fn of_schemas(&self, tell: &mut dyn FnMut(Difference) -> Result<()>) -> Result<()> {
        let [one, other] = &self.schemas;
        let mut told = Ok(());
        let mut types = Vec::new();
        each_schema_difference(one, other, &mut |difference| {
            let SchemaDifference {
                uid,
                path,
                source: before,
                destination: after,
            } = difference;
            let counts = !self.filter.is_partial() || self.filter.includes_type(uid);
            if told.is_err() || !counts {
                return;
            }
            let change = match (before, after) {
                (None, _) => Change::Added,
                (_, None) => Change::Removed,
                _ => Change::Changed,
            };
            let uid = (*uid).to_owned();
            if path.is_empty() {
                let what = What::Type { uid };
                return types.push(Difference { change, what });
            }
            let value = |value: &Option<&str>| value.map(cut);
            told = tell(Difference {
                change,
                what: What::Schema {
                    uid,
                    path: path.join("."),
                    before: value(before),
                    after: value(after),
                },
            });
        });
        told?;
        types.into_iter().try_for_each(tell)
    }
}

/// Hears of all but what comes next: it may be no archive that is read.
struct Unannounced<'a>(&'a dyn Observer);

impl Observer for Unannounced<'_> {
    fn on(&self, event: Event<'_>) {
        if !matches!(event, Event::Entered(_)) {
            self.0.on(event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// How long a value of a schema may be that is told.
const LONGEST_TOLD: usize = 1000;

fn cut(value: &str) -> String {
    match value.char_indices().nth(LONGEST_TOLD) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// The content types that take part.
fn types_of<'f>(filter: &'f Filter, schemas: &'f Schemas) -> impl Iterator<Item = &'f str> {
    let types = schemas.content_types().map(|schema| schema.uid.as_str());
    types.filter(|uid| filter.includes_type(uid))
}

fn note(stage: Stage, reason: String) -> Warning {
    Warning::new(WarningKind::Notice, Subject::Stage(stage), reason)
}

fn not_compared(stage: Stage) -> Warning {
    let what = called(stage);
    note(
        stage,
        format!("{what} not compared: one side was made without"),
    )
}

fn called(stage: Stage) -> &'static str {
    match stage {
        Stage::Schemas => "schemas",
        Stage::Entities | Stage::Links => "content",
        Stage::Assets => "files",
        Stage::Configuration => "configuration",
    }
}
