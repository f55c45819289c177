//! Links from rows that stay to rows that are replaced: they are kept where the row that they lead to
//! comes back as the same document, and are gone where it does not.
//!
//! A row comes back if its type, its id and its document id do; a component, if its id does and it
//! belongs to such a row. Rows of Strapi 4 have no document ids: whether they come back cannot be
//! told, and links to them go, as they do in `strapi import`.

use super::clear::{self, Hand, IDS, Rows};
use super::kept_links::{KeptLinks, Place};
use crate::database::{Connection, Row, Value};
use crate::error::Result;
use crate::model::IdSet;
use crate::strapi::catalogue::Catalogue;
use crate::strapi::relations::Storage;
use crate::strapi::tables::{DOCUMENT_ID, Model};
use crate::transfer::{Deletion, Filter, Inspection};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, HashSet};

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

/// Links of rows that stay, as they were found.
#[derive(Default)]
pub(super) struct StayingLinks {
    kept: KeptLinks,
    /// How many do not come back, by type and attribute.
    lost: BTreeMap<(String, String), u64>,
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

    /// Those that come back.
    pub fn kept(self) -> KeptLinks {
        self.kept
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
        let number = self.links.kept.place(place);
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
                links.kept.keep(number, &values(row, width)?)
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
