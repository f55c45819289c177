//! The set of any user of Dgraph, without notes, as a source: content types are made of its GraphQL schema, else of what its
//! schema and its rows say.
//!
//! Rows are brought together by their nodes and sorted on disk, so that memory stays flat. A node is a row of the one type
//! that it has beside its interfaces; what has no type becomes a row of a content type for these.

mod extent;
mod fields;
mod inverses;
mod known;
mod line;
mod load;
mod made;
mod sdl;
mod survey;
#[cfg(test)]
mod tests;
mod values;

#[cfg(any(test, feature = "fuzzing"))]
pub(in super::super) use self::sdl::Graph;

pub(super) use self::values::{CUT, time};

use self::known::Catalogue;
use self::line::{Gathered, Writing, no_room, wrong_kind};
use self::load::{Fact, id_of};
use self::made::{Shaped, shaped};
use self::survey::{Survey, Told, each_fact, edge, survey};
use super::super::refuse;
use super::super::set::ExportSet;
use super::LOST_FACETS;
use super::system::DGRAPH;
use crate::convert::placeless::Placeless;
use crate::convert::plain::{ContentType, LONGEST, Pairs, Said, document, has_documents};
use crate::convert::system::System;
use crate::error::{Error, Result};
use crate::model::{Line, Schema, Schemas, Stage};
use crate::sorting::{Record, Sorted, Sorter};
use crate::store::Interrupt;
use crate::transfer::{Description, Filter, Sink, Source, Subject, Warning, WarningKind};
use std::path::{Path, PathBuf};

/// Stands before a node; what is known of it comes behind.
const NODE: u8 = 0;
const FACT: u8 = 1;
/// Why something has no place.
const LOST_PREDICATE: &str = "the schema has no such predicate";
const LOST_TYPES: &str = "a row has one type, and the node has several";
const LOST_LINK: &str = "its content type has no relation for it";
const NO_VALUE: &str = "the schema says that it is a value, and it links a node";

/// What is wrong with a set.
fn unfit(name: &str, why: &str) -> Error {
    DGRAPH.unfit(name, why)
}

/// A set of any user.
pub struct PlainSource {
    name: String,
    catalogue: Catalogue,
    /// All that is known of nodes, by their keys.
    facts: Sorted,
    survey: Survey,
    shaped: Shaped,
    lost: Placeless,
    version: String,
    /// What stands for times that no node has: RFC 3339 in UTC with milliseconds.
    now: String,
    spool: PathBuf,
    interrupt: Interrupt,
    /// How many bytes the values of a node may have together.
    longest: usize,
}

impl PlainSource {
    /// A set as content of a Strapi of this version. All of its rows are read. `now` is the time of the conversion (RFC 3339
    /// in UTC with milliseconds), `spool` where sorting takes place.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): the set is not whole, or damaged. It has several namespaces, or
    /// nothing that a content type could be made of; it cannot be read, or the user wants the run to stop.
    pub fn open(
        set: &ExportSet,
        (version, now): (&str, &str),
        spool: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let name = set.folder().display().to_string();
        if let Some(fault) = set.faults().first() {
            return Err(unfit(&name, fault));
        }
        let mut lost = Placeless::default();
        let mut catalogue = Catalogue::read(set)?;
        let facts = load::load(set, &mut catalogue, spool, &mut lost)?;
        let survey = survey(&facts, &mut catalogue, (spool, interrupt), &mut lost)?;
        let shaped = shaped(&catalogue, &survey, has_documents(version));
        if shaped.made.types.is_empty() {
            return Err(refuse(format!(
                "{name} has no types and no nodes of a user's: there is nothing to make an archive of"
            )));
        }
        Ok(Self {
            name,
            catalogue,
            facts,
            survey,
            shaped,
            lost,
            version: version.to_owned(),
            now: now.to_owned(),
            spool: spool.to_owned(),
            interrupt: interrupt.clone(),
            longest: LONGEST,
        })
    }

    /// The files that a project needs for the content types: their places below its folder `src`, and their content.
    pub fn schema_files(&self) -> impl Iterator<Item = (String, String)> {
        self.shaped.made.types.iter().map(ContentType::schema_file)
    }

    fn model(&self, number: u32) -> Option<usize> {
        self.shaped.models.get(number as usize).copied().flatten()
    }

    /// The nodes, by their content types and their order.
    fn nodes(&self, lost: &mut Placeless) -> Result<Sorted> {
        let mut sorter = Sorter::new(&self.spool);
        let of = (&self.catalogue, self.survey.untyped);
        let mut place = 0_u64;
        each_fact(&self.facts, of, &self.interrupt, &mut |key, own, told| {
            let Some(model) = self.model(own) else {
                return Ok(());
            };
            let whole = [&(model as u64).to_be_bytes(), key].concat();
            match told {
                Told::Node(_) => sorter.push(&whole, &[NODE]),
                Told::Fact(Fact::Value {
                    predicate,
                    language,
                    text,
                    ..
                }) => {
                    if self.catalogue.is_link(predicate) == Some(true) {
                        let name = &self.catalogue.predicates[predicate as usize].name;
                        let own = &self.shaped.made.types[model].name;
                        wrong_kind(lost, (own, name, &id_of(key)));
                        return Ok(());
                    }
                    // They come in their order.
                    place += 1;
                    sorter.push(&whole, &kept(predicate, place, (language, text)))
                }
                Told::Fact(_) => Ok(()),
            }
        })?;
        sorter.finish()
    }

    /// Sends the rows.
    fn rows(
        &self,
        pairs: &mut Pairs,
        lost: &mut Placeless,
        (filter, sink): (&Filter, &mut dyn Sink),
    ) -> Result<()> {
        let nodes = self.nodes(lost)?;
        let mut reading = nodes.read()?;
        let mut last: Option<(Vec<u8>, Gathered)> = None;
        let (mut model, mut row) = (usize::MAX, 0);
        let now = format!("\"{}\"", self.now);
        let mut end = |(key, found): (Vec<u8>, Gathered), lost: &mut Placeless| -> Result<()> {
            let Some((own, id, number)) = self.row_of(&key) else {
                return Ok(());
            };
            row = match number == model {
                true => row + 1,
                false => 1,
            };
            model = number;
            let document = document(&own.name, &id);
            let document = has_documents(&self.version).then_some(document.as_str());
            pairs.row(number, &id, row, document)?;
            let mut writing = Writing {
                own,
                names: &|number| self.catalogue.predicates[number as usize].name.as_str(),
                numbers: &|name| self.catalogue.predicate(name),
                now: &now,
                lost,
            };
            let text = writing.line((row, &id), document, found);
            let parsed = Line::parse(Stage::Entities, &text);
            let parsed = parsed.map_err(|why| unfit(&format!("{} {id}", own.name), &why))?;
            filter.send(&parsed, sink)
        };
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            self.interrupt.stop()?;
            if last.as_ref().is_none_or(|(key, _)| *key != record.key) {
                if let Some(gathered) = last.take() {
                    end(gathered, lost)?;
                }
                last = Some((record.key.clone(), Gathered::default()));
            }
            if let (Some((_, found)), Some((&FACT, rest))) = (&mut last, record.value.split_first())
                && let Some(fact) = Fact::read(rest)
                && !found.take(&fact, self.longest)
                && let Fact::Value { predicate, .. } = fact
                && let Some((own, id, _)) = self.row_of(&record.key)
            {
                let name = &self.catalogue.predicates[predicate as usize].name;
                no_room(lost, (&own.name, name, &id));
            }
            room = record;
        }
        match last {
            Some(gathered) => end(gathered, lost),
            None => Ok(()),
        }
    }

    /// What a key of a node among those of the content types says: the content type, the id, and the number of the type.
    fn row_of(&self, key: &[u8]) -> Option<(&ContentType<made::Held>, String, usize)> {
        let (number, key) = key.split_first_chunk::<8>()?;
        let number = usize::try_from(u64::from_be_bytes(*number)).ok()?;
        let own = self.shaped.made.types.get(number)?;
        Some((own, id_of(key), number))
    }

    /// Takes the links.
    fn edges(&self, pairs: &mut Pairs, lost: &mut Placeless) -> Result<()> {
        let mut reading = self.survey.edges.read()?;
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            self.interrupt.stop()?;
            if let Some((of, from, to)) = edge(&record) {
                match self.shaped.links.get(&of) {
                    Some((number, true)) => {
                        pairs.link(&self.shaped.made, *number, (from, to), Said::Owner)?;
                    }
                    Some((number, false)) => {
                        pairs.link(&self.shaped.made, *number, (to, from), Said::Target)?;
                    }
                    None => {
                        let own = &self.catalogue.types[of.0 as usize].name;
                        let name = &self.catalogue.predicates[of.1 as usize].name;
                        let why = match self.catalogue.is_link(of.1) {
                            Some(false) => NO_VALUE,
                            _ => LOST_LINK,
                        };
                        lost.add(why, (own, name, from));
                    }
                }
            }
            room = record;
        }
        Ok(())
    }

    /// What should be known.
    fn notes(&self) -> impl Iterator<Item = Warning> {
        let count = self.survey.untyped_count;
        let known = self.catalogue.types.get(self.survey.untyped as usize);
        let untyped = known.filter(|_| count > 0).map(|known| {
            let subject = Subject::Entry(format!("{count} nodes without a type"));
            let reason = format!("they are rows of the content type {}", known.name);
            Warning::new(WarningKind::Notice, subject, reason)
        });
        untyped
            .into_iter()
            .chain(self.survey.dangling.iter().cloned())
    }
}

/// A fact of a node, as it is sorted once more.
fn kept(predicate: u32, place: u64, value: (&str, &str)) -> Vec<u8> {
    let mut record = vec![FACT];
    record.extend_from_slice(&load::value(predicate, place, false, value));
    record
}

impl Source for PlainSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn describe(&mut self) -> Result<Description> {
        let mut schemas = Schemas::default();
        for own in &self.shaped.made.types {
            let schema = Schema::parse(&own.schema).map_err(|why| unfit(&own.name, &why))?;
            schemas.push(schema);
        }
        Ok(crate::convert::plain::description(
            schemas,
            (&self.now, &self.version),
        ))
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let mut lost = self.lost.clone();
        let schemas = self.describe()?.schemas.unwrap_or_default();
        sink.stage(Stage::Schemas, Some(schemas.len() as u64))?;
        for schema in schemas.iter() {
            sink.schema(schema)?;
        }
        if filter.includes(Stage::Entities) {
            let mut pairs = Pairs::new(&self.spool);
            sink.stage(Stage::Entities, None)?;
            self.rows(&mut pairs, &mut lost, (filter, sink))?;
            sink.stage(Stage::Links, None)?;
            self.edges(&mut pairs, &mut lost)?;
            let room = (&*self.spool, &self.interrupt);
            pairs.send(&self.shaped.made, room, &mut lost, &mut |line| {
                let parsed = Line::parse(Stage::Links, line);
                let parsed = parsed.map_err(|why| unfit("a relation", &why))?;
                filter.send(&parsed, sink)
            })?;
        }
        self.notes().for_each(|warning| sink.warn(warning));
        lost.warnings().for_each(|warning| sink.warn(warning));
        Ok(())
    }
}
