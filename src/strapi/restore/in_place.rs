//! Rows that tables outside refer to, and that come back: they are changed where they are.

use super::Placed;
use super::clear::{self, Hand, IDS, Rows, id_conditions};
use super::kept_links::KeptLinks;
use super::outside::{Going, Outside};
use super::replaced::Replaced;
use super::staying::StayingLinks;
use crate::database::{Connection, Value};
use crate::error::Result;
use crate::strapi::catalogue::Catalogue;
use crate::strapi::relations::Storage;
use crate::strapi::tables::Model;
use crate::transfer::{Inspection, Plan, check_losses};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Rows of a model that wait for their new values.
pub(super) struct Kept {
    table: String,
    /// Their ids, as the unsigned numbers with the same bits.
    ids: RoaringTreemap,
}

/// Deletes everything in scope, but for rows that come back and that somebody refers to. Gives these, and
/// the links of rows that stay.
///
/// # Errors
/// It would do more to tables outside than was planned or is allowed.
pub(super) fn clear(
    outside: Outside,
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    plan: &Plan,
    allowed: bool,
    placed: Arc<Placed>,
) -> Result<(InPlace, KeptLinks)> {
    outside.check(database, catalogue, plan, allowed)?;
    let mut deleting = Deleting::new(&outside, &plan.inspection, StayingLinks::new(placed));
    clear::clear(database, catalogue, &plan.filter, &mut deleting)?;
    let Deleting { kept, staying, .. } = deleting;
    let waiting = InPlace {
        outside,
        kept,
        loses_references: allowed,
    };
    Ok((waiting, staying.kept()))
}

/// The rows that wait for their new values.
#[derive(Default)]
pub(super) struct InPlace {
    outside: Outside,
    kept: BTreeMap<String, Kept>,
    loses_references: bool,
}

impl InPlace {
    /// Whether the row of a model waits for its new values. It does not wait any more.
    pub fn take(&mut self, uid: &str, id: i64) -> bool {
        let kept = self.kept.get_mut(uid);
        kept.is_some_and(|kept| kept.ids.remove(id.cast_unsigned()))
    }

    /// Deletes the rows that were announced and did not come, because the project has no place for
    /// what holds them.
    ///
    /// # Errors
    /// Somebody refers to one of them.
    pub fn finish(&mut self, database: &mut dyn Connection) -> Result<()> {
        for kept in std::mem::take(&mut self.kept).into_values() {
            let ids: Vec<i64> = kept.ids.iter().map(u64::cast_signed).collect();
            for condition in id_conditions(ids.chunks(IDS)) {
                let going = Going {
                    table: kept.table.clone(),
                    condition,
                };
                check_losses(
                    &self.outside.losses_of(database, &going)?,
                    self.loses_references,
                )?;
                delete(database, &going.table, &going.condition)?;
            }
        }
        Ok(())
    }
}

/// Deletes what is to be deleted, but for rows that come back and that somebody refers to.
pub(super) struct Deleting<'a> {
    outside: &'a Outside,
    coming: &'a Inspection,
    /// Those rows, by the uid of their model.
    pub kept: BTreeMap<String, Kept>,
    /// Links of rows that stay.
    pub staying: StayingLinks,
}

impl<'a> Deleting<'a> {
    pub fn new(outside: &'a Outside, coming: &'a Inspection, staying: StayingLinks) -> Self {
        Self {
            outside,
            coming,
            kept: BTreeMap::new(),
            staying,
        }
    }

    fn keep(&mut self, database: &mut dyn Connection, model: &Model) -> Result<()> {
        let mut ids = RoaringTreemap::new();
        let mut gone = Vec::new();
        database.hold_ids(&model.table, &mut |id| {
            if self.coming.has(&model.uid, id) {
                ids.insert(id.cast_unsigned());
            } else {
                gone.push(id);
            }
        })?;
        for list in id_conditions(gone.chunks(IDS)) {
            delete(database, &model.table, &list)?;
        }
        self.empty_columns(database, model)?;
        let kept = Kept {
            table: model.table.clone(),
            ids,
        };
        self.kept.insert(model.uid.clone(), kept);
        Ok(())
    }

    /// Takes the values out of the rows that are left: a value that must be unique may come back in
    /// another row, and links are added to rows that have none.
    fn empty_columns(&self, database: &mut dyn Connection, model: &Model) -> Result<()> {
        let table = &model.table;
        let of_relations = model.relations.iter().flat_map(|it| match &it.storage {
            Storage::JoinColumn { column, .. } => vec![column.as_str()],
            Storage::MorphColumns { id, type_ } => vec![id.as_str(), type_.as_str()],
            Storage::JoinTable { .. } | Storage::MorphTable { .. } => Vec::new(),
        });
        let own = model.columns.iter().map(|column| column.column.as_str());
        let wanted: HashSet<&str> = own.chain(of_relations).collect();
        let set: Vec<String> = database
            .columns(table)?
            .into_iter()
            .filter(|column| column.nullable && wanted.contains(column.name.as_str()))
            .filter(|column| !self.outside.refer_to_column(table, &column.name))
            .map(|column| format!("{} = NULL", database.quote(&column.name)))
            .collect();
        if set.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE {} SET {}", database.quote(table), set.join(", "));
        database.execute(&sql, &[]).map(drop)
    }
}

impl Hand for Deleting<'_> {
    fn begin(
        &mut self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        replaced: &Replaced<'_>,
    ) -> Result<()> {
        self.staying
            .find(database, catalogue, replaced, self.coming)
    }

    fn delete(&mut self, database: &mut dyn Connection, table: &str, rows: Rows<'_>) -> Result<()> {
        match rows {
            Rows::Of(model) if self.outside.refer_to(table) => self.keep(database, model),
            Rows::All | Rows::Of(_) => database.empty(table),
            Rows::Where(condition) => delete(database, table, &condition),
        }
    }

    fn change(
        &mut self,
        database: &mut dyn Connection,
        sql: &str,
        parameters: &[Value<'_>],
    ) -> Result<()> {
        database.execute(sql, parameters).map(drop)
    }
}

fn delete(database: &mut dyn Connection, table: &str, condition: &str) -> Result<()> {
    let sql = format!("DELETE FROM {} WHERE {condition}", database.quote(table));
    database.execute(&sql, &[]).map(drop)
}
