//! A set as data that the notes beside it are brought together with.
//!
//! Rows come in any order, one a value: they are sorted by their nodes on disk, and links once more by where they lead.

use super::super::row::{Object, Row, Scalar, TYPE, is_system};
use super::super::schema::Schema;
use super::super::set::{Content, Context, ExportSet, SetFile, dialect};
use super::super::{Format, at};
use super::node::{Lost, Open, type_of_id};
use super::plain::{CUT, time};
use super::system::DGRAPH;
use super::{LOST_FACETS, ONE};
use crate::convert::data::{Data, Piece};
use crate::convert::noted::NotedSource;
use crate::convert::notes::named_in;
use crate::convert::rows::POSITION;
use crate::convert::system::System;
use crate::convert::table::PairEnd;
use crate::convert::tallies::foreign;
use crate::error::{Error, Result};
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::{Path, PathBuf};

/// Stands behind the node that a row is of: what says which node it is comes first.
const KNOWN_BY: u8 = 0;
const VALUE: u8 = 1;
const EDGE: u8 = 2;
/// Stands for what is beside a row, but for the place of a link.
const FACETS: char = '+';
/// Stands for what of a time is not kept.
const LONGER: &str = "<";
/// Why a place has no place.
const PLACES: &str = "the link stands there with several places, and has one";
/// Between the parts of what is sorted.
const BETWEEN: char = '\u{1f}';

/// The set, and the notes and files in this folder. `spool` is where sorting takes place.
///
/// # Errors
/// The set lacks files.
pub fn noted_source(
    set: ExportSet,
    folder: &Path,
    spool: &Path,
    interrupt: &Interrupt,
) -> Result<NotedSource> {
    let path = set.folder().to_owned();
    if let Some(fault) = set.faults().first() {
        return Err(DGRAPH.unfit(&path.display().to_string(), fault));
    }
    let data = SetData {
        set,
        path,
        interrupt: interrupt.clone(),
    };
    Ok(NotedSource::new(Box::new(data), folder, spool, interrupt))
}

/// Whether the GraphQL schema of a set names the notes that were written with it.
///
/// # Errors
/// It cannot be read.
pub fn names_notes(set: &ExportSet) -> Result<bool> {
    for file in set.files() {
        if file.content == Content::GraphQl {
            let schemas = set.graphql(file)?.schemas;
            if schemas.iter().any(|it| named_in(&it.schema).is_some()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

struct SetData {
    set: ExportSet,
    path: PathBuf,
    interrupt: Interrupt,
}

impl Data for SetData {
    fn path(&self) -> &Path {
        &self.path
    }

    fn system(&self) -> &'static dyn System {
        &DGRAPH
    }

    fn check_notes(&mut self, digest: &str) -> Result<()> {
        for file in self.set.files() {
            if file.content != Content::GraphQl {
                continue;
            }
            for own in self.set.graphql(file)?.schemas {
                if let Some((named, line)) = named_in(&own.schema).filter(|it| it.0 != digest) {
                    let path = self.path.join(&file.name);
                    return Err(foreign(format!(
                        "{}: line {line} of the GraphQL schema names other notes ({named})",
                        path.display()
                    )));
                }
            }
        }
        Ok(())
    }

    fn read(&mut self, spool: &Path, take: &mut dyn FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        let rows = self.sorted_rows(spool)?.finish()?;
        let mut targets = Sorter::new(spool);
        let mut reading = rows.read()?;
        let mut node = Open::default();
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            self.interrupt.stop()?;
            let (subject, kind) = split_key(&record.key);
            if node.subject != subject {
                close(&mut node, &mut targets, take)?;
                node = Open::new(subject);
            }
            let [predicate, beside, text] = parts(&record.value);
            let place = beside.strip_suffix(FACETS);
            if place.is_some() {
                node.lose(Lost(LOST_FACETS, predicate), take)?;
            }
            let lost = match kind {
                KNOWN_BY => node.known_by(predicate, text),
                VALUE => {
                    if place.unwrap_or(beside) == LONGER {
                        node.lose(Lost(CUT, predicate), take)?;
                    }
                    node.add(predicate, text)
                }
                _ => {
                    close(&mut node, &mut targets, take)?;
                    let field = node.field(predicate);
                    let place = place.unwrap_or(beside);
                    let edge = [&node.type_name, &node.id, &*field, place];
                    let edge = edge.join(&BETWEEN.to_string());
                    targets.push(&key(text, EDGE), edge.as_bytes())?;
                    None
                }
            };
            if let Some(lost) = lost {
                node.lose(lost, take)?;
            }
            room = record;
        }
        close(&mut node, &mut targets, take)?;
        drop(reading);
        let targets = targets.finish()?;
        let mut reading = targets.read()?;
        let (mut target, mut known) = (String::new(), String::new());
        let mut last = String::new();
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            self.interrupt.stop()?;
            let (subject, kind) = split_key(&record.key);
            let value = std::str::from_utf8(&record.value).unwrap_or_default();
            if kind == KNOWN_BY {
                (target, known) = (subject.to_owned(), value.to_owned());
                last.clear();
            } else if target == subject {
                // A link to a node that is not there leads nowhere, and its pair is missed by the notes.
                let mut parts = value.split(BETWEEN);
                let mut next = || parts.next().unwrap_or_default();
                let owner = (next(), next(), next());
                let place = next();
                // Those of one link follow each other.
                let link = value.strip_suffix(place).unwrap_or(value);
                if link == last {
                    let (type_name, id, field) = owner;
                    let of = (type_name, field, id);
                    take(Piece::Lost { why: PLACES, of })?;
                    room = record;
                    continue;
                }
                link.clone_into(&mut last);
                let place = place.parse().ok();
                let (type_name, id) = known.split_once(BETWEEN).unwrap_or_default();
                let ends = [
                    PairEnd {
                        type_name: owner.0,
                        id: owner.1,
                        field: Some(owner.2),
                    },
                    PairEnd {
                        type_name,
                        id,
                        field: None,
                    },
                ];
                take(Piece::Pair {
                    ends,
                    is_whole: false,
                    place,
                })?;
            }
            room = record;
        }
        Ok(())
    }
}

impl SetData {
    /// All rows but those of the server itself, by their nodes.
    fn sorted_rows(&self, spool: &Path) -> Result<Sorter> {
        let files = self.set.files();
        let (mut schema, mut graphql) = (Schema::default(), Vec::new());
        for file in files {
            match file.content {
                Content::Schema => {
                    let found = schema.merge(self.set.schema(file)?);
                    if let Some(why) = found.first() {
                        return Err(DGRAPH.unfit(&file.name, why));
                    }
                }
                Content::GraphQl => graphql.push(self.set.graphql(file)?),
                Content::Rows(_) => {}
            }
        }
        let dialect = dialect(&schema, &graphql);
        let mut sorter = Sorter::new(spool);
        let mut namespace = None;
        for file in files {
            let Content::Rows(format) = file.content else {
                continue;
            };
            let rdf = Content::Rows(Format::Rdf);
            let has_rdf = |it: &SetFile| it.group == file.group && it.content == rdf;
            if format == Format::Json && files.iter().any(has_rdf) {
                continue;
            }
            let context = Context {
                schema: Some(&schema),
                dialect,
                group: file.group,
            };
            let mut rows = self.set.rows(file, context)?;
            while let Some(row) = rows.next_row()? {
                if is_of_the_server(&row) {
                    continue;
                }
                let first = *namespace.get_or_insert(row.namespace);
                if row.namespace != first {
                    let why = format!(
                        "{} is of namespace {:#x}, and others are of {first:#x}: a Strapi has none",
                        row.about(),
                        row.namespace
                    );
                    let error = Error::failed(at(&file.name, rows.line(), why).to_string());
                    return Err(error.hint(ONE));
                }
                push(&row, &mut sorter)?;
            }
        }
        Ok(sorter)
    }
}

/// Whether a row is of the server itself, which each namespace has.
fn is_of_the_server(row: &Row) -> bool {
    match &row.object {
        Object::Value { value, .. } if row.predicate == TYPE => is_system(&value.text),
        _ => row.predicate != TYPE && is_system(&row.predicate),
    }
}

/// Takes a row.
fn push(row: &Row, sorter: &mut Sorter) -> Result<()> {
    let subject = row.subject.to_string();
    let name = row.predicate.as_str();
    let (kind, name, text) = match &row.object {
        Object::Edge(target) => (EDGE, name.to_owned(), target.to_string()),
        Object::Value { value, language } => {
            let is_id = name == TYPE || type_of_id(name).is_some();
            let name = match language {
                Some(language) => format!("{name}@{language}"),
                None => name.to_owned(),
            };
            let kind = if is_id { KNOWN_BY } else { VALUE };
            (kind, name, value.text.clone())
        }
    };
    let name = name.replace(BETWEEN, " ");
    let beside = beside(row);
    sorter.push(
        &key(&subject, kind),
        format!("{name}{BETWEEN}{beside}{BETWEEN}{text}").as_bytes(),
    )
}

/// What stands beside a row: the place of a link among others, where it has one, and a sign for what of a time is not kept,
/// and one for everything else.
fn beside(row: &Row) -> String {
    let (mut place, mut more) = (None, false);
    for facet in &row.facets {
        let number = facet.text.parse::<f64>().ok().filter(|it| it.is_finite());
        match (&row.object, number) {
            (Object::Edge(_), Some(_)) if facet.key == POSITION && place.is_none() => {
                place = number
            }
            _ => more = true,
        }
    }
    let mut out = place.map_or_else(String::new, |it| it.to_string());
    if let Object::Value { value, .. } = &row.object
        && value.scalar == Scalar::DateTime
        && time(&value.text).is_some_and(|(_, is_cut)| is_cut)
    {
        out.push_str(LONGER);
    }
    if more {
        out.push(FACETS);
    }
    out
}

/// The predicate, what stands beside it, and the value or the other node, of a row that was sorted.
fn parts(value: &[u8]) -> [&str; 3] {
    let value = std::str::from_utf8(value).unwrap_or_default();
    let mut parts = value.splitn(3, BETWEEN);
    [(); 3].map(|()| parts.next().unwrap_or_default())
}

/// Gives a node, if it was not given yet, and notes what links that lead to it have to know.
fn close(
    node: &mut Open,
    targets: &mut Sorter,
    take: &mut dyn FnMut(Piece<'_>) -> Result<()>,
) -> Result<()> {
    if !node.close() {
        return Ok(());
    }
    let known = format!("{}{BETWEEN}{}", node.type_name, node.id);
    targets.push(&key(&node.subject, KNOWN_BY), known.as_bytes())?;
    node.give(take)
}

fn key(subject: &str, kind: u8) -> Vec<u8> {
    let mut key = subject.as_bytes().to_vec();
    key.extend([0, kind]);
    key
}

fn split_key(key: &[u8]) -> (&str, u8) {
    match key {
        [subject @ .., 0, kind] => (std::str::from_utf8(subject).unwrap_or_default(), *kind),
        _ => ("", EDGE),
    }
}
