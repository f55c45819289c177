//! Links from rows that stay to rows that are replaced: they are kept where the row that they lead to
//! comes back as the same document, and are gone where it does not.
//!
//! A row comes back if its type, its id and its document id do; a component, if its id does and it
//! belongs to such a row. Rows of Strapi 4 have no document ids: whether they come back cannot be
//! told, and links to them go, as they do in `strapi import`.

use super::clear::{self, Hand, IDS, Rows};
use crate::database::{Connection, Row, Value};
use crate::error::{Error, Result};
use crate::model::IdSet;
use crate::strapi::catalogue::Catalogue;
use crate::strapi::relations::Storage;
use crate::strapi::tables::{DOCUMENT_ID, Model};
use crate::transfer::{Deletion, Filter, Inspection};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// How much of the links that come back is kept in memory, in bytes; more goes to a file without a
/// name.
const IN_MEMORY: usize = 8 << 20;

/// How many components may lie in each other.
const DEPTH: usize = 64;

/// The rows that are replaced.
pub(super) struct Replaced<'a> {
    /// Content types of which every row goes.
    pub types: &'a HashSet<&'a str>,
    /// Components that go with them, as unsigned numbers with the same bits; `None` where all do.
    pub components: Option<&'a HashMap<&'a str, RoaringTreemap>>,
}

impl Replaced<'_> {
    /// Whether rows of a model stay, at least some of them.
    fn stays(&self, model: &Model) -> bool {
        if model.is_component() {
            self.components.is_some()
        } else {
            !self.types.contains(model.uid.as_str())
        }
    }

    fn has_component(&self, uid: &str, id: i64) -> bool {
        self.components.is_none_or(|components| {
            let ids = components.get(uid);
            ids.is_some_and(|ids| ids.contains(id.cast_unsigned()))
        })
    }
}

/// Where links are stored: a table whose rows are links, or columns of rows that stay. The first
/// column is the id of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    table: String,
    columns: Vec<String>,
    is_table: bool,
}

/// Links of rows that stay, as they were found.
pub(super) struct StayingLinks {
    places: Vec<Place>,
    /// The links that come back.
    kept: SpooledTempFile,
    /// How many do not come back, by type and attribute.
    lost: BTreeMap<(String, String), u64>,
}

impl Default for StayingLinks {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            kept: tempfile::spooled_tempfile(IN_MEMORY),
            lost: BTreeMap::new(),
        }
    }
}

impl StayingLinks {
    /// Finds them, before anything is deleted.
    ///
    /// # Errors
    /// The database cannot be read, or what comes back not be kept.
    pub fn find(
        &mut self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        replaced: &Replaced<'_>,
        coming: &Inspection,
    ) -> Result<()> {
        for model in catalogue
            .models
            .iter()
            .filter(|model| replaced.stays(model))
        {
            for relation in &model.relations {
                let found = match &relation.storage {
                    Storage::JoinTable { .. } | Storage::JoinColumn { .. } => {
                        let target = relation.target.as_deref();
                        target
                            .filter(|target| replaced.types.contains(target))
                            .and_then(|target| catalogue.models.get(target))
                            .map(|target| vec![target])
                            .unwrap_or_default()
                    }
                    Storage::MorphTable { .. } | Storage::MorphColumns { .. } => {
                        let goes = |target: &&Model| {
                            target.is_component() || replaced.types.contains(target.uid.as_str())
                        };
                        catalogue.models.iter().filter(goes).collect()
                    }
                };
                for target in found {
                    let mut search = Search {
                        database: &mut *database,
                        catalogue,
                        replaced,
                        coming,
                        links: &mut *self,
                    };
                    search.links(model, &relation.attribute, &relation.storage, target)?;
                }
            }
        }
        Ok(())
    }

    /// Those that do not come back, for the plan.
    pub fn lost(self) -> Vec<Deletion> {
        self.lost
            .into_iter()
            .map(|((uid, attribute), count)| Deletion {
                what: format!("{uid}, {attribute}"),
                count,
            })
            .collect()
    }

    /// Puts back those that come back, once the rows that they lead to are there.
    ///
    /// # Errors
    /// They cannot be read back, or stored.
    pub fn put_back(&mut self, database: &mut dyn Connection) -> Result<()> {
        database.flush()?;
        let mut kept = std::mem::replace(&mut self.kept, tempfile::spooled_tempfile(IN_MEMORY));
        kept.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut input = io::BufReader::new(kept);
        while let Some(place) = read_length(&mut input).map_err(unreadable)? {
            let place = &self.places[place];
            let mut row = Vec::with_capacity(place.columns.len());
            for _ in &place.columns {
                row.push(read_value(&mut input).map_err(unreadable)?);
            }
            if place.is_table {
                let inserter = database.inserter(&place.table, &place.columns)?;
                database.insert(inserter, &row)?;
                database.flush_if_full()?;
                continue;
            }
            let set: Vec<String> = place.columns[1..]
                .iter()
                .map(|column| format!("{} = ?", database.quote(column)))
                .collect();
            let sql = format!(
                "UPDATE {} SET {} WHERE id = ?",
                database.quote(&place.table),
                set.join(", ")
            );
            row.rotate_left(1);
            database.execute(&sql, &row)?;
        }
        database.flush()
    }

    fn place(&mut self, place: Place) -> usize {
        let known = self.places.iter().position(|own| *own == place);
        known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        })
    }

    fn keep(&mut self, place: usize, row: &[Value<'_>]) -> Result<()> {
        let mut bytes = (place as u64).to_le_bytes().to_vec();
        for value in row {
            write_value(&mut bytes, value);
        }
        self.kept.write_all(&bytes).map_err(|error| {
            Error::failed(format!("cannot keep links of rows that stay: {error}"))
                .hint("free some space for temporary files and run it again")
        })
    }
}

/// Counts the links from rows that stay to rows that do not come back, by type and attribute.
///
/// # Errors
/// The database cannot be read.
pub(super) fn survey(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    filter: &Filter,
    coming: &Inspection,
) -> Result<Vec<Deletion>> {
    let mut counting = CountingLinks {
        coming,
        found: StayingLinks::default(),
    };
    clear::clear(database, catalogue, filter, &mut counting)?;
    Ok(counting.found.lost())
}

/// Looks for links, and leaves everything as it is.
struct CountingLinks<'a> {
    coming: &'a Inspection,
    found: StayingLinks,
}

impl Hand for CountingLinks<'_> {
    fn begin(
        &mut self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        replaced: &Replaced<'_>,
    ) -> Result<()> {
        self.found.find(database, catalogue, replaced, self.coming)
    }

    fn delete(&mut self, _: &mut dyn Connection, _: &str, _: Rows<'_>) -> Result<()> {
        Ok(())
    }

    fn change(&mut self, _: &mut dyn Connection, _: &str, _: &[Value<'_>]) -> Result<()> {
        Ok(())
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::failed(format!("cannot read what was kept of links: {error}"))
}

/// Looks for links.
struct Search<'a> {
    database: &'a mut dyn Connection,
    catalogue: &'a Catalogue,
    replaced: &'a Replaced<'a>,
    coming: &'a Inspection,
    links: &'a mut StayingLinks,
}

impl Search<'_> {
    /// Looks through the links of a relation to one type.
    fn links(
        &mut self,
        model: &Model,
        attribute: &str,
        storage: &Storage,
        target: &Model,
    ) -> Result<()> {
        let (place, owner, reference, type_) = match storage {
            Storage::JoinTable {
                table, left, right, ..
            } => (self.table(table)?, left.as_str(), right, None),
            Storage::MorphTable {
                table,
                left,
                id,
                type_,
            } => (self.table(table)?, left.as_str(), id, Some(type_)),
            Storage::JoinColumn { column, referenced } if referenced == "id" => {
                (columns(model, &[column]), "id", column, None)
            }
            Storage::JoinColumn { .. } => return Ok(()),
            Storage::MorphColumns { id, type_ } => {
                (columns(model, &[id, type_]), "id", id, Some(type_))
            }
        };
        let survivors = match target.is_component() {
            true => Some(self.surviving_components(&place.table, reference, type_, target)?),
            false => None,
        };
        let database = &mut *self.database;
        let quote = |name: &str| database.quote(name);
        let document = target.column_of(DOCUMENT_ID);
        let mut selected: Vec<String> = place
            .columns
            .iter()
            .map(|column| format!("l.{}", quote(column)))
            .collect();
        selected.push(format!("l.{}", quote(owner)));
        selected.push(format!("l.{}", quote(reference)));
        selected.push(document.map_or("NULL".into(), |column| format!("t.{}", quote(column))));
        let of_type = type_.map_or(String::new(), |type_| {
            let uid = target.uid.replace('\'', "''");
            format!(" AND l.{} = '{uid}'", quote(type_))
        });
        let sql = format!(
            "SELECT {} FROM {} l JOIN {} t ON t.id = l.{} WHERE l.{} IS NOT NULL{of_type} ORDER BY l.id",
            selected.join(", "),
            quote(&place.table),
            quote(&target.table),
            quote(reference),
            quote(reference),
        );
        let width = place.columns.len();
        let number = self.links.place(place);
        let (replaced, coming, links) = (self.replaced, self.coming, &mut *self.links);
        database.query(&sql, &[], &mut |row| {
            let id =
                |column: usize| -> Result<i64> { Ok(row.value(column)?.as_i64().unwrap_or(0)) };
            let (from, to) = (id(width)?, id(width + 1)?);
            // The row that holds the link goes itself.
            if model.is_component() && replaced.has_component(&model.uid, from) {
                return Ok(());
            }
            let comes_back = match &survivors {
                Some(_) if !replaced.has_component(&target.uid, to) => return Ok(()),
                Some(survivors) => survivors.contains(to),
                None => {
                    let document = row.value(width + 2)?;
                    let document = document.as_str();
                    document.is_some_and(|document| coming.comes_back(&target.uid, to, document))
                }
            };
            if comes_back {
                links.keep(number, &values(row, width)?)
            } else {
                let name = (model.uid.clone(), attribute.to_owned());
                *links.lost.entry(name).or_default() += 1;
                Ok(())
            }
        })
    }

    fn table(&mut self, table: &str) -> Result<Place> {
        let all = self.database.columns(table)?.into_iter();
        let mut columns: Vec<String> = all.map(|column| column.name).collect();
        // Tables of links have an id; where somebody made one without, it is not needed.
        if let Some(id) = columns.iter().position(|column| column == "id") {
            columns.swap(0, id);
        }
        Ok(Place {
            table: table.to_owned(),
            columns,
            is_table: true,
        })
    }

    /// The components that links lead to and that come back.
    fn surviving_components(
        &mut self,
        table: &str,
        reference: &str,
        type_: Option<&String>,
        component: &Model,
    ) -> Result<IdSet> {
        let Some(type_) = type_ else {
            return Ok(IdSet::default());
        };
        let sql = format!(
            "SELECT DISTINCT {} FROM {} WHERE {} = ?",
            self.database.quote(reference),
            self.database.quote(table),
            self.database.quote(type_)
        );
        let mut ids = Vec::new();
        let uid = [Value::from(component.uid.as_str())];
        self.database.query(&sql, &uid, &mut |row| {
            ids.extend(row.value(0)?.as_i64());
            Ok(())
        })?;
        self.surviving(component, ids, 0)
    }

    /// Those of these components that come back.
    fn surviving(&mut self, component: &Model, mut ids: Vec<i64>, depth: usize) -> Result<IdSet> {
        let mut surviving = IdSet::default();
        ids.retain(|&id| {
            self.coming.has(&component.uid, id) && self.replaced.has_component(&component.uid, id)
        });
        if ids.is_empty() || depth > DEPTH {
            return Ok(surviving);
        }
        for owner in self.catalogue.models.iter() {
            let Some(joins) = &owner.component_table else {
                continue;
            };
            for ids in ids.chunks(IDS) {
                let sql = format!(
                    "SELECT entity_id, {id} FROM {} WHERE component_type = ? AND {id} IN ({})",
                    self.database.quote(&joins.table),
                    list(ids),
                    id = self.database.quote(&joins.id_column),
                );
                let mut pairs: Vec<(i64, i64)> = Vec::new();
                let uid = [Value::from(component.uid.as_str())];
                self.database.query(&sql, &uid, &mut |row| {
                    pairs.extend(row.value(0)?.as_i64().zip(row.value(1)?.as_i64()));
                    Ok(())
                })?;
                let owners: Vec<i64> = pairs.iter().map(|(owner, _)| *owner).collect();
                let owners = match owner.is_component() {
                    true => self.surviving(owner, owners, depth + 1)?,
                    false => self.returning(owner, &owners)?,
                };
                for (_, id) in pairs.iter().filter(|(owner, _)| owners.contains(*owner)) {
                    surviving.insert(*id);
                }
            }
        }
        Ok(surviving)
    }

    /// Those of these rows of a content type that are replaced and come back.
    fn returning(&mut self, model: &Model, ids: &[i64]) -> Result<IdSet> {
        let mut returning = IdSet::default();
        let Some(document) = model.column_of(DOCUMENT_ID) else {
            return Ok(returning);
        };
        if !self.replaced.types.contains(model.uid.as_str()) {
            return Ok(returning);
        }
        for ids in ids.chunks(IDS) {
            let sql = format!(
                "SELECT id, {} FROM {} WHERE id IN ({})",
                self.database.quote(document),
                self.database.quote(&model.table),
                list(ids)
            );
            let coming = self.coming;
            self.database.query(&sql, &[], &mut |row| {
                let (id, document) = (row.value(0)?, row.value(1)?);
                if let Some((id, document)) = id.as_i64().zip(document.as_str())
                    && coming.comes_back(&model.uid, id, document)
                {
                    returning.insert(id);
                }
                Ok(())
            })?;
        }
        Ok(returning)
    }
}

fn columns(model: &Model, names: &[&String]) -> Place {
    let names = names.iter().map(|name| (*name).clone());
    Place {
        table: model.table.clone(),
        columns: std::iter::once("id".to_owned()).chain(names).collect(),
        is_table: false,
    }
}

fn list(ids: &[i64]) -> String {
    let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
    ids.join(",")
}

fn values(row: &dyn Row, width: usize) -> Result<Vec<Value<'_>>> {
    (0..width).map(|column| row.value(column)).collect()
}

// A value in the spool: its kind as one byte, then 8 bytes; those of texts and bytes are their length,
// and they follow.

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    let (kind, number, bytes): (u8, u64, &[u8]) = match value {
        Value::Null => (0, 0, &[]),
        Value::Integer(number) => (1, number.cast_unsigned(), &[]),
        Value::Real(number) => (2, number.to_bits(), &[]),
        Value::Timestamp(time) => (3, time.cast_unsigned(), &[]),
        Value::Text(text) => (4, text.len() as u64, text.as_bytes()),
        Value::Json(text) => (5, text.len() as u64, text.as_bytes()),
        Value::Bytes(bytes) => (6, bytes.len() as u64, bytes),
    };
    out.push(kind);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn read_value(input: &mut impl Read) -> io::Result<Value<'static>> {
    let mut head = [0; 9];
    input.read_exact(&mut head)?;
    let number = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
    let mut bytes = || {
        let mut bytes = Vec::new();
        input.by_ref().take(number).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
    };
    Ok(match head[0] {
        0 => Value::Null,
        1 => Value::Integer(number.cast_signed()),
        2 => Value::Real(f64::from_bits(number)),
        3 => Value::Timestamp(number.cast_signed()),
        4 => Value::Text(text(bytes()?)?.into()),
        5 => Value::Json(text(bytes()?)?.into()),
        _ => Value::Bytes(bytes()?.into()),
    })
}

/// The number of the place of the next link; `None` at the end.
fn read_length(input: &mut impl io::BufRead) -> io::Result<Option<usize>> {
    if input.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut number = [0; 8];
    input.read_exact(&mut number)?;
    Ok(Some(u64::from_le_bytes(number) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_the_spool() {
        let values = [
            Value::Null,
            Value::Integer(-1),
            Value::Real(1.5),
            Value::Timestamp(-2),
            Value::Text("ä".into()),
            Value::Json("{}".into()),
            Value::Bytes(vec![0, 255].into()),
        ];
        let mut bytes = Vec::new();
        values
            .iter()
            .for_each(|value| write_value(&mut bytes, value));
        let mut input = &bytes[..];
        for value in &values {
            assert_eq!(read_value(&mut input).expect("a value"), *value);
        }
        assert!(input.is_empty());
    }
}
