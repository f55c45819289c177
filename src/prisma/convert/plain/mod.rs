//! NDF without notes, of any service, as a source: content types are made of its data model.
//!
//! Rows get new ids, in the order of the ids of their nodes, and everything that needs an order is sorted on disk, so that
//! memory stays flat.

mod drafts;
mod gathered;
mod relations;
#[cfg(test)]
mod tests;
pub(super) mod values;

use self::drafts::made_of;
use self::gathered::Gathered;
use self::values::{Holds, is_cut, is_rounded, value};
use super::placeless::{Of, Placeless};
use super::system::PRISMA;
use crate::convert::plain::{
    Attribute, ContentType, LONGEST, Made, Pairs, description, document, end_key, end_row,
    has_documents, row_begun,
};
use crate::convert::system::System;
use crate::error::{Error, Result};
use crate::model::limits::DEEPEST;
use crate::model::{Line, ModelType, Schema, Schemas, Stage, json};
use crate::nesting::is_deeper_than;
use crate::prisma::ndf::{DataSet, ListRow, Node, Relation, ValueType};
use crate::prisma::sdl::{DataModel, Scalar};
use crate::sorting::{Record, Sorted, Sorter};
use crate::store::Interrupt;
use crate::transfer::{Description, Filter, Sink, Source};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Stands before a node among what is known of it; values of lists come behind.
const NODE: u8 = 0;
const LIST: u8 = 1;
/// Why something has no place.
const NO_TYPE: &str = "the data model has no such type with nodes";
const NO_FIELD: &str = "the data model has no such field";
const NO_RELATION: &str = "the data model has no such relation";
const NO_NODE: &str = "there is no such node";
const OTHER_TYPE: &str = "it is not of the type that the data model says";
const ROUNDED: &str = "it has more digits than Strapi keeps, and is rounded";
const CUT: &str = "it has more digits than the milliseconds that Strapi keeps, and is cut";
const TOO_LONG: &str = "it is longer than a list of an archive may be";
const TOO_DEEP: &str = "it is nested deeper than the JSON of an archive may be";

/// NDF of any service.
pub struct PlainSource {
    data: DataSet,
    made: Made<Holds>,
    version: String,
    /// What stands for times that no node has: RFC 3339 in UTC with milliseconds.
    now: String,
    spool: PathBuf,
    interrupt: Interrupt,
    /// How many bytes the values of a node may have together.
    longest: usize,
}

impl PlainSource {
    /// The data set at this path, with its data model, as content of a Strapi of this version. `now` is the time of the
    /// conversion (RFC 3339 in UTC with milliseconds), `spool` where sorting takes place.
    ///
    /// # Errors
    /// It is no data set, or the data model has no types.
    pub fn open(
        data: &Path,
        model: &DataModel,
        (version, now): (&str, &str),
        spool: &Path,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let data = DataSet::open(data, interrupt)?;
        if let Some(fault) = data.faults().first() {
            return Err(PRISMA.unfit(&data.path().display().to_string(), fault));
        }
        let made = made_of(model, has_documents(version));
        if made.types.is_empty() {
            let what = "the data model has no types with nodes: there is no place for any data";
            return Err(Error::usage(what).hint(
                "name the file that the service was deployed with, such as datamodel.prisma",
            ));
        }
        Ok(Self {
            data,
            made,
            version: version.to_owned(),
            now: now.to_owned(),
            spool: spool.to_owned(),
            interrupt: interrupt.clone(),
            longest: LONGEST,
        })
    }

    /// The files that a project needs for the content types: their places below its folder `src`, and their content.
    pub fn schema_files(&self) -> impl Iterator<Item = (String, String)> {
        self.made.types.iter().map(ContentType::schema_file)
    }

    /// Reads all of it, for sorting.
    fn load(&mut self, pairs: &mut Pairs, lost: &mut Placeless) -> Result<Sorted> {
        let mut nodes = Sorter::new(&self.spool);
        let mut rows = 0_u64;
        let made = &self.made;
        for file in 0..self.data.files().len() {
            let (kind, name) = (
                self.data.files()[file].kind,
                self.data.files()[file].name.clone(),
            );
            self.data.read(file, &mut |number, text| {
                let fail = |why: String| PRISMA.unfit(&format!("{name}, element {number}"), &why);
                match kind {
                    ValueType::Nodes => {
                        let node = Node::parse(text).map_err(fail)?;
                        match made.number(&node.type_name) {
                            Some(model) => {
                                let mut value = vec![NODE];
                                value.extend_from_slice(text.as_bytes());
                                nodes.push(&end_key(model, &node.id), &value)?;
                            }
                            None => lost.add(NO_TYPE, (&node.type_name, "", &node.id)),
                        }
                    }
                    ValueType::Lists => {
                        let row = ListRow::parse(text).map_err(fail)?;
                        let Some(model) = made.number(&row.type_name) else {
                            lost.add(NO_TYPE, (&row.type_name, &row.field, &row.id));
                            return Ok(());
                        };
                        // The order of their coming is that of the values.
                        let mut value = vec![LIST];
                        value.extend_from_slice(&rows.to_be_bytes());
                        rows += 1;
                        value.extend_from_slice(text.as_bytes());
                        nodes.push(&end_key(model, &row.id), &value)?;
                    }
                    ValueType::Relations => {
                        let pair = Relation::parse(text).map_err(fail)?;
                        if !relations::push(pairs, made, &pair)? {
                            let [one, other] = &pair.ends;
                            let field = one.field.as_ref().or(other.field.as_ref());
                            let field = field.map_or("", |it| it);
                            lost.add(NO_RELATION, (&one.type_name, field, &one.id));
                        }
                    }
                }
                Ok(())
            })?;
        }
        nodes.finish()
    }

    /// Sends the rows.
    fn rows(
        &self,
        sorted: &Sorted,
        pairs: &mut Pairs,
        lost: &mut Placeless,
        (filter, sink): (&Filter, &mut dyn Sink),
    ) -> Result<()> {
        let mut reading = sorted.read()?;
        let mut last: Option<(Vec<u8>, Gathered)> = None;
        let (mut model, mut row) = (usize::MAX, 0);
        let mut end = |(key, found): (Vec<u8>, Gathered), lost: &mut Placeless| -> Result<()> {
            let Some((number, id)) = key.split_first_chunk::<8>() else {
                return Ok(());
            };
            let number = u64::from_be_bytes(*number) as usize;
            let id = String::from_utf8_lossy(id);
            let own = &self.made.types[number];
            if found.node.is_none() {
                return Ok(());
            }
            row = match number == model {
                true => row + 1,
                false => 1,
            };
            model = number;
            let document = document(&own.name, &id);
            pairs.row(
                number,
                &id,
                row,
                has_documents(&self.version).then_some(&*document),
            )?;
            let text = self.line(own, (row, &document), found, lost);
            let text = text.map_err(|why| PRISMA.unfit(&format!("{} {id}", own.name), &why))?;
            let parsed = Line::parse(Stage::Entities, &text);
            let parsed = parsed.map_err(|why| PRISMA.unfit(&format!("{} {id}", own.name), &why))?;
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
            if let Some((key, gathered)) = &mut last
                && let Some((number, id)) = key.split_first_chunk::<8>()
                && let own = &self.made.types[u64::from_be_bytes(*number) as usize]
                && let id = String::from_utf8_lossy(id)
                && !gathered.take(&record.value, (own, &id), self.longest, lost)
            {
                let name = String::from_utf8_lossy(record.key.get(8..).unwrap_or_default());
                return Err(PRISMA.unfit(&name, "there are two nodes of this id"));
            }
            room = record;
        }
        match last {
            Some(gathered) => end(gathered, lost),
            None => Ok(()),
        }
    }

    /// The line of a row.
    fn line(
        &self,
        own: &ContentType<Holds>,
        (row, document): (u64, &str),
        Gathered {
            node, mut lists, ..
        }: Gathered,
        lost: &mut Placeless,
    ) -> Result<String, String> {
        let node = node.unwrap_or_default();
        let node = Node::parse(&node)?;
        let fields = node.fields.iter().map(|(name, raw)| (&**name, raw.get()));
        let fields: HashMap<&str, &str> = fields.collect();
        let documents = has_documents(&self.version);
        let mut out = row_begun(&own.uid, row, documents.then_some(document));
        for attribute in &own.attributes {
            json::write_string(&mut out, &attribute.name);
            out.push(':');
            let Some(form) = &attribute.form else {
                json::write_string(&mut out, &node.id);
                out.push(',');
                continue;
            };
            let of = (own.name.as_str(), attribute.field.as_str(), &*node.id);
            match (attribute.is_list, fields.get(&*attribute.field)) {
                (true, _) => match lists.remove(&attribute.field) {
                    Some(values) => {
                        let start = out.len();
                        let is_whole = values.each(&mut |raw| {
                            if let Some(value) = taken(attribute, form, raw, of, lost) {
                                out.push(if out.len() == start { '[' } else { ',' });
                                out.push_str(&value);
                            }
                            // Numbers may be longer as Strapi writes them.
                            out.len() <= 2 * self.longest
                        });
                        if out.len() == start {
                            out.push('[');
                        }
                        out.push(']');
                        if !is_whole {
                            lost.add(TOO_LONG, of);
                            out.truncate(start);
                            out.push_str("null");
                        }
                    }
                    None => out.push_str("null"),
                },
                (false, None | Some(&"null")) => out.push_str("null"),
                (false, Some(raw)) => {
                    let value = taken(attribute, form, raw, of, lost);
                    out.push_str(value.as_deref().unwrap_or("null"));
                }
            }
            out.push(',');
        }
        for (field, raw) in &node.fields {
            let of = (own.name.as_str(), &**field, &*node.id);
            match own.takes(field, raw.get(), &node.id) {
                false => lost.add(NO_FIELD, of),
                true if own.has_time(field) && is_cut(raw.get()) => lost.add(CUT, of),
                true => {}
            }
        }
        let time = |name: &str| {
            let given = fields.get(name).filter(|_| own.has_time(name));
            given.and_then(|it| values::instant(it))
        };
        let created = time("createdAt").unwrap_or_else(|| format!("\"{}\"", self.now));
        let updated = time("updatedAt").unwrap_or_else(|| created.clone());
        end_row(&mut out, [&created, &updated], documents);
        Ok(out)
    }
}

/// A value as Strapi exports it. What has no place, or is not all of it, is listed.
fn taken(
    attribute: &Attribute<Holds>,
    form: &Holds,
    raw: &str,
    of: Of<'_>,
    lost: &mut Placeless,
) -> Option<String> {
    let deepest = DEEPEST - usize::from(attribute.is_list);
    let value = value(form, raw);
    match &value {
        Some(_) if is_rounded(form, raw) => lost.add(ROUNDED, of),
        Some(_) if *form == Holds::Scalar(Scalar::DateTime) && is_cut(raw) => lost.add(CUT, of),
        Some(text) if is_deeper_than(deepest, text.as_bytes()) => {
            lost.add(TOO_DEEP, of);
            return None;
        }
        Some(_) => {}
        None => lost.add(OTHER_TYPE, of),
    }
    value
}

impl Source for PlainSource {
    fn name(&self) -> String {
        self.data.path().display().to_string()
    }

    fn describe(&mut self) -> Result<Description> {
        let mut schemas = Schemas::default();
        for own in &self.made.types {
            let schema = Schema::parse(&own.schema).map_err(|why| PRISMA.unfit(&own.name, &why))?;
            schemas.push(schema);
        }
        Ok(description(schemas, (&self.now, &self.version)))
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let mut lost = Placeless::default();
        let mut pairs = Pairs::new(&self.spool);
        let sorted = self.load(&mut pairs, &mut lost)?;
        let description = self.describe()?;
        let schemas = description.schemas.unwrap_or_default();
        sink.stage(Stage::Schemas, Some(schemas.len() as u64))?;
        for schema in schemas.iter() {
            debug_assert_eq!(schema.model_type, ModelType::ContentType);
            sink.schema(schema)?;
        }
        if filter.includes(Stage::Entities) {
            sink.stage(Stage::Entities, None)?;
            self.rows(&sorted, &mut pairs, &mut lost, (filter, sink))?;
            drop(sorted);
            sink.stage(Stage::Links, None)?;
            let room = (&*self.spool, &self.interrupt);
            pairs.send(&self.made, room, &mut lost, &mut |line| {
                let parsed = Line::parse(Stage::Links, line);
                let parsed = parsed.map_err(|why| PRISMA.unfit("a relation", &why))?;
                filter.send(&parsed, sink)
            })?;
        }
        lost.warnings().for_each(|warning| sink.warn(warning));
        Ok(())
    }
}

impl ContentType<Holds> {
    /// Whether what a node of this id says of a field has a place in it, or says nothing.
    pub fn takes(&self, field: &str, raw: &str, id: &str) -> bool {
        let own = self.by_field.get(field);
        let is_id = || serde_json::from_str::<String>(raw).is_ok_and(|it| it == id);
        match raw {
            "null" => true,
            // Its value was looked at where its attribute was written.
            _ if own.is_some_and(|own| !self.attributes[*own].is_list) => true,
            _ if self.has_time(field) => values::instant(raw).is_some(),
            _ => self.ids.iter().any(|it| it == field) && is_id(),
        }
    }
}
