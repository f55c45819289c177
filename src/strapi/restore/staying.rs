//! Links between rows that stay and rows that are replaced, of which an archive knows nothing: they are
//! kept where the row that is replaced comes back as the same document, and are gone where it does not.
//!
//! A row comes back if its type, its id and its document id do; a component, if its id does and it
//! belongs to such a row. Rows of Strapi 4 have no document ids: whether they come back cannot be
//! told, and their links go, as they do in `strapi import`.

use super::Placed;
use super::clear::{self, Hand, IDS, Rows, id_list};
use super::kept_links::{KeptLinks, Place};
use super::replaced::{Fate, Replaced};
use crate::database::{Connection, Row, Value};
use crate::error::Result;
use crate::model::IdSet;
use crate::strapi::catalogue::Catalogue;
use crate::strapi::relations::{Sharing, Storage, StoredRelation};
use crate::strapi::tables::{DOCUMENT_ID, Model};
use crate::transfer::{Deletion, Filter, Inspection};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// How many components may lie in each other.
const DEPTH: usize = 64;

/// Links of rows that stay, as they were found.
#[derive(Default)]
pub(super) struct StayingLinks {
    /// The components that the project has a place for.
    placed: Arc<Placed>,
    kept: KeptLinks,
    /// How many do not come back, by type and attribute.
    lost: BTreeMap<(String, String), u64>,
}

impl StayingLinks {
    /// None yet.
    pub fn new(placed: Arc<Placed>) -> Self {
        Self {
            placed,
            ..Self::default()
        }
    }

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
        for model in catalogue.models.iter() {
            for relation in &model.relations {
                let targets = targets(catalogue, replaced, model, relation);
                if targets.is_empty() || relation.sharing == Sharing::Repeated {
                    continue;
                }
                let present = types_in(database, model, &relation.storage)?;
                let is_there = |target: &&&Model| {
                    let present = present.as_ref();
                    present.is_none_or(|present| present.contains(&target.uid))
                };
                for target in targets.iter().filter(is_there) {
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
                count: Some(count),
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
    placed: Arc<Placed>,
) -> Result<Vec<Deletion>> {
    let mut counting = CountingLinks {
        coming,
        found: StayingLinks::new(placed),
    };
    clear::clear(database, catalogue, filter, &mut counting)?;
    Ok(counting.found.lost())
}

/// The types that links of this relation may lead to, where only one end of them is replaced.
fn targets<'a>(
    catalogue: &'a Catalogue,
    replaced: &Replaced<'_>,
    model: &Model,
    relation: &StoredRelation,
) -> Vec<&'a Model> {
    let all: Vec<&Model> = match (&relation.storage, &relation.target) {
        (Storage::JoinColumn { referenced, .. }, _) if referenced != "id" => Vec::new(),
        (Storage::MorphTable { .. } | Storage::MorphColumns { .. }, _) => {
            catalogue.models.iter().collect()
        }
        (_, Some(target)) => catalogue.models.get(target).into_iter().collect(),
        (_, None) => Vec::new(),
    };
    let parts = |target: &&Model| replaced.parts(model, target);
    all.into_iter().filter(parts).collect()
}

/// The types that links lead to which say it themselves; `None` where they do not.
fn types_in(
    database: &mut dyn Connection,
    model: &Model,
    storage: &Storage,
) -> Result<Option<HashSet<String>>> {
    let (table, column) = match storage {
        Storage::MorphTable { table, type_, .. } => (table, type_),
        Storage::MorphColumns { type_, .. } => (&model.table, type_),
        Storage::JoinTable { .. } | Storage::JoinColumn { .. } => return Ok(None),
    };
    let (table, column) = (database.quote(table), database.quote(column));
    let sql = format!("SELECT DISTINCT {column} FROM {table}");
    let types = database.names(&sql, &[])?;
    Ok(Some(types.into_iter().collect()))
}

/// Keeps others from adding links that would be deleted and not be seen, before anything is read in the
/// transaction that deletes.
///
/// # Errors
/// Somebody else holds the tables.
pub(super) fn hold(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    filter: &Filter,
) -> Result<()> {
    let gone = super::replaced(catalogue, filter);
    if gone.is_empty() {
        return Ok(());
    }
    let components = HashMap::new();
    let replaced = Replaced {
        types: &gone.iter().map(|model| model.uid.as_str()).collect(),
        components: filter.is_partial().then_some(&components),
    };
    let mut tables = BTreeSet::new();
    for model in catalogue.models.iter() {
        for relation in &model.relations {
            if !targets(catalogue, &replaced, model, relation).is_empty() {
                tables.insert(match &relation.storage {
                    Storage::JoinTable { table, .. } | Storage::MorphTable { table, .. } => table,
                    Storage::JoinColumn { .. } | Storage::MorphColumns { .. } => &model.table,
                });
            }
        }
    }
    for table in tables {
        database.hold(table)?;
    }
    Ok(())
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

    fn delete(&mut self, database: &mut dyn Connection, table: &str, _: Rows<'_>) -> Result<()> {
        database.check_restorable(table)
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
                ..
            } => (self.table(table)?, left.as_str(), id, Some(type_)),
            Storage::JoinColumn { column, referenced } if referenced == "id" => {
                (columns(model, &[column]), "id", column, None)
            }
            Storage::JoinColumn { .. } => return Ok(()),
            Storage::MorphColumns { id, type_ } => {
                (columns(model, &[id, type_]), "id", id, Some(type_))
            }
        };
        let of_type = type_.map_or(String::new(), |type_| {
            let uid = target.uid.replace('\'', "''");
            format!(" AND l.{} = '{uid}'", self.database.quote(type_))
        });
        let reference = self.database.quote(reference);
        let owner = self.database.quote(owner);
        let table = self.database.quote(&place.table);
        let which = format!("l.{reference} IS NOT NULL{of_type}");
        let mut ids_of = |column: &str, model: &Model| {
            let sql = format!("SELECT DISTINCT l.{column} FROM {table} l WHERE {which}");
            self.surviving_components(&sql, model)
        };
        let owners = ids_of(&owner, model)?;
        let targets = ids_of(&reference, target)?;
        let database = &mut *self.database;
        let quote = |name: &str| database.quote(name);
        let document = |alias: &str, model: &Model| {
            let column = model.column_of(DOCUMENT_ID);
            column.map_or("NULL".into(), |column| format!("{alias}.{}", quote(column)))
        };
        let columns = place
            .columns
            .iter()
            .map(|column| format!("l.{}", quote(column)));
        let mut selected: Vec<String> = columns.collect();
        selected.extend([format!("l.{owner}"), format!("l.{reference}")]);
        selected.extend([document("o", model), document("t", target)]);
        let has_id = place.columns.first().is_some_and(|column| column == "id");
        let order = database.order_of_rows(has_id, "l");
        let sql = format!(
            "SELECT {} FROM {table} l JOIN {} o ON o.id = l.{owner} JOIN {} t ON t.id = l.{reference} \
             WHERE {which}{order}",
            selected.join(", "),
            quote(&model.table),
            quote(&target.table),
        );
        let width = place.columns.len();
        let number = self.links.kept.place(place);
        let (replaced, coming, links) = (self.replaced, self.coming, &mut *self.links);
        let fate = |model: &Model, id: i64, document: Option<&str>, survivors: &IdSet| {
            let goes = match model.is_component() {
                true => replaced.has_component(&model.uid, id),
                false => replaced.types.contains(model.uid.as_str()),
            };
            let comes_back = match document {
                _ if model.is_component() => survivors.contains(id),
                Some(document) => coming.comes_back(&model.uid, id, document),
                None => false,
            };
            match (goes, comes_back) {
                (false, _) => Fate::Stays,
                (true, true) => Fate::ComesBack,
                (true, false) => Fate::Goes,
            }
        };
        database.query(&sql, &[], &mut |row| {
            let id =
                |column: usize| -> Result<i64> { Ok(row.value(column)?.as_i64().unwrap_or(0)) };
            let (from, to) = (id(width)?, id(width + 1)?);
            let (of_owner, of_target) = (row.value(width + 2)?, row.value(width + 3)?);
            match (
                fate(model, from, of_owner.as_str(), &owners),
                fate(target, to, of_target.as_str(), &targets),
            ) {
                (Fate::Stays, Fate::ComesBack) | (Fate::ComesBack, Fate::Stays) => {
                    links.kept.keep(number, &values(row, width)?)
                }
                // A row that comes back as another document, and its links, are others.
                (Fate::Goes, Fate::Stays) if !coming.has(&model.uid, from) => Ok(()),
                (Fate::Stays, Fate::Goes) | (Fate::Goes, Fate::Stays) => {
                    let name = (model.uid.clone(), attribute.to_owned());
                    *links.lost.entry(name).or_default() += 1;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }

    fn table(&mut self, table: &str) -> Result<Place> {
        let all = self.database.columns(table)?.into_iter();
        let mut columns: Vec<String> = all.map(|column| column.name).collect();
        let id = columns.iter().position(|column| column == "id");
        columns.swap(0, id.unwrap_or_default());
        Ok(Place {
            table: table.to_owned(),
            columns,
            is_table: true,
        })
    }

    /// The components that come back, of those whose ids a query gives.
    fn surviving_components(&mut self, ids: &str, model: &Model) -> Result<IdSet> {
        if !model.is_component() {
            return Ok(IdSet::default());
        }
        let mut found = Vec::new();
        self.database.query(ids, &[], &mut |row| {
            found.extend(row.value(0)?.as_i64());
            Ok(())
        })?;
        self.surviving(model, found, 0)
    }

    /// Those of these components that come back.
    fn surviving(&mut self, component: &Model, mut ids: Vec<i64>, depth: usize) -> Result<IdSet> {
        let mut surviving = IdSet::default();
        ids.retain(|&id| {
            self.links.placed.has(&component.uid, id)
                && self.coming.has(&component.uid, id)
                && self.replaced.has_component(&component.uid, id)
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
                    id_list(ids),
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
                id_list(ids)
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

fn values(row: &dyn Row, width: usize) -> Result<Vec<Value<'_>>> {
    (0..width).map(|column| row.value(column)).collect()
}
