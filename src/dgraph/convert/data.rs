//! A set as data that the notes beside it are brought together with.
//!
//! Rows come in any order, one a value: they are sorted by their nodes on disk, and links once more by where they lead.

use super::super::row::{Object, Row, TYPE, is_system};
use super::super::schema::Schema;
use super::super::set::{Content, Context, ExportSet, SetFile, dialect};
use super::super::{Format, at};
use super::system::DGRAPH;
use super::{ID, ONE};
use crate::convert::noted::{Data, NotedSource, Piece};
use crate::convert::notes::named_in;
use crate::convert::system::System;
use crate::convert::table::PairEnd;
use crate::convert::tallies::foreign;
use crate::error::{Error, Result};
use crate::model::json;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::{Path, PathBuf};

/// Stands behind the node that a row is of: what says which node it is comes first.
const KNOWN_BY: u8 = 0;
const VALUE: u8 = 1;
const EDGE: u8 = 2;
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
                node.close(&mut targets, take)?;
                node = Open {
                    subject: subject.to_owned(),
                    ..Open::default()
                };
            }
            let value = std::str::from_utf8(&record.value).unwrap_or_default();
            let (predicate, text) = value.split_once(BETWEEN).unwrap_or((value, ""));
            match kind {
                KNOWN_BY => node.known_by(predicate, text),
                VALUE => node.add(predicate, text),
                _ => {
                    node.close(&mut targets, take)?;
                    let edge = [&node.type_name, &node.id, node.field(predicate)];
                    let edge = edge.join(&BETWEEN.to_string());
                    targets.push(&key(text, EDGE), edge.as_bytes())?;
                }
            }
            room = record;
        }
        node.close(&mut targets, take)?;
        drop(reading);
        let targets = targets.finish()?;
        let mut reading = targets.read()?;
        let (mut target, mut known) = (String::new(), String::new());
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            self.interrupt.stop()?;
            let (subject, kind) = split_key(&record.key);
            let value = std::str::from_utf8(&record.value).unwrap_or_default();
            if kind == KNOWN_BY {
                (target, known) = (subject.to_owned(), value.to_owned());
            } else if target == subject {
                // A link to a node that is not there leads nowhere, and its pair is missed by the notes.
                let mut parts = value.split(BETWEEN);
                let mut next = || parts.next().unwrap_or_default();
                let owner = (next(), next(), next());
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
    sorter.push(
        &key(&subject, kind),
        format!("{name}{BETWEEN}{text}").as_bytes(),
    )
}

/// The type whose id this predicate holds.
fn type_of_id(predicate: &str) -> Option<&str> {
    predicate.strip_suffix(ID)?.strip_suffix('.')
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

/// A node whose rows are being read.
#[derive(Default)]
struct Open {
    subject: String,
    type_name: String,
    id: String,
    text: String,
    is_closed: bool,
}

impl Open {
    fn known_by(&mut self, predicate: &str, text: &str) {
        match type_of_id(predicate) {
            Some(type_name) => {
                type_name.clone_into(&mut self.type_name);
                text.clone_into(&mut self.id);
            }
            // Without an id its type is for messages alone.
            None if self.type_name.is_empty() => text.clone_into(&mut self.type_name),
            None => {}
        }
    }

    /// The field of a predicate; all of it, where it is of another type.
    fn field<'p>(&self, predicate: &'p str) -> &'p str {
        let field = predicate.strip_prefix(self.type_name.as_str());
        let field = field.and_then(|it| it.strip_prefix('.'));
        // These say something else in a node.
        let is_other = |it: &&str| !["id", "_typeName"].contains(it);
        field.filter(is_other).unwrap_or(predicate)
    }

    fn add(&mut self, predicate: &str, text: &str) {
        let field = self.field(predicate);
        let mut member = String::from(",");
        json::write_string(&mut member, field);
        member.push(':');
        json::write_string(&mut member, text);
        self.text.push_str(&member);
    }

    /// Gives the node, if it was not given yet.
    fn close(
        &mut self,
        targets: &mut Sorter,
        take: &mut dyn FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        if self.is_closed || self.subject.is_empty() {
            return Ok(());
        }
        self.is_closed = true;
        if self.id.is_empty() {
            self.id.clone_from(&self.subject);
        }
        let mut text = String::from("{\"_typeName\":");
        json::write_string(&mut text, &self.type_name);
        text.push_str(",\"id\":");
        json::write_string(&mut text, &self.id);
        text.push_str(&std::mem::take(&mut self.text));
        text.push('}');
        let known = format!("{}{BETWEEN}{}", self.type_name, self.id);
        targets.push(&key(&self.subject, KNOWN_BY), known.as_bytes())?;
        take(Piece::Node {
            type_name: &self.type_name,
            id: &self.id,
            text: &text,
        })
    }
}
