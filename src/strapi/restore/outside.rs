//! Tables that are not Strapi's and refer to its tables by foreign keys: what a restore does to their
//! rows.
//!
//! Rows that come back are changed where they are ([`InPlace`](super::in_place::InPlace)), so that whoever refers to them goes
//! on doing so. With those that do not come back the database deletes or changes the rows that refer
//! to them, or refuses; that is counted before.

use super::clear::{self, Hand, IDS, Rows, id_conditions, tables_of_rows};
use super::replaced;
use crate::database::{Connection, ForeignKey, Heir, OnChange};
use crate::error::{Error, Result};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::core_store::{CORE_STORE, WEBHOOKS};
use crate::strapi::tables::{INTERNAL_TABLES, Model};
use crate::transfer::{
    Filter, Inspection, LossKind, Plan, ReferenceLoss, Subject, Warning, WarningKind, check_losses,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How far deletions are followed from table to table. Rows may refer to each other in a ring.
const DEPTH: usize = 12;
/// How many times they are followed from the rows of one table on: tables that refer to each other in
/// many ways have more ways through them than can be walked.
const STEPS: usize = 200;

/// Who refers to Strapi's tables from outside.
#[derive(Default)]
pub(super) struct Outside {
    /// All foreign keys, if one of them is of a table that is not Strapi's and refers to one that is.
    keys: Vec<ForeignKey>,
    /// Strapi's tables.
    owned: HashSet<String>,
    /// Tables of others that inherit from Strapi's.
    heirs: Vec<Heir>,
}

/// Rows of a table that do not come back.
pub(super) struct Going {
    pub table: String,
    pub condition: String,
}

/// What tells losses apart: table, columns, table referred to, kind.
type Name = (String, Vec<String>, String, LossKind);

/// What was counted. A row that is lost in two ways may count twice.
#[derive(Default)]
struct Losses {
    counts: BTreeMap<Name, u64>,
    /// Those that were not followed to their end: all rows that could be lost count.
    bounded: BTreeSet<Name>,
    /// How often a deletion was followed.
    steps: usize,
}

impl Outside {
    /// Finds out.
    ///
    /// # Errors
    /// The catalogue of the database cannot be read.
    pub fn find(database: &mut dyn Connection, catalogue: &Catalogue) -> Result<Self> {
        let mut owned: HashSet<String> = INTERNAL_TABLES.map(str::to_owned).into();
        owned.extend([CORE_STORE, WEBHOOKS].map(str::to_owned));
        for model in catalogue.models.iter() {
            owned.insert(model.table.clone());
            let joining = tables_of_rows(model).into_iter();
            owned.extend(joining.map(|(table, _)| table.to_owned()));
        }
        let unused = catalogue.models.unused_tables().iter();
        owned.extend(unused.map(|unused| unused.table.clone()));
        let keys = database.foreign_keys()?;
        let is_outside =
            |key: &ForeignKey| !owned.contains(&key.table) && owned.contains(&key.referenced);
        let mut heirs = database.heirs()?;
        heirs.retain(|heir| owned.contains(&heir.from));
        Ok(if keys.iter().any(is_outside) {
            Self { keys, owned, heirs }
        } else {
            Self {
                heirs,
                ..Self::default()
            }
        })
    }

    /// Finds out, in the transaction that writes and before it reads anything, and keeps others from
    /// referring to content that is replaced.
    ///
    /// # Errors
    /// As [`find`](Self::find), or somebody else holds the tables.
    pub fn hold(
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        filter: &Filter,
    ) -> Result<Self> {
        let outside = Self::find(database, catalogue)?;
        for model in replaced(catalogue, filter) {
            if outside.refer_to(&model.table) {
                database.hold_ids(&model.table, &mut |_| {})?;
            }
        }
        Ok(outside)
    }

    /// Whether somebody refers to a table of Strapi's.
    pub fn refer_to(&self, table: &str) -> bool {
        self.keys_to(table).next().is_some()
    }

    /// Whether somebody refers to a column of a table of Strapi's.
    pub fn refer_to_column(&self, table: &str, column: &str) -> bool {
        self.keys_to(table)
            .any(|key| key.referenced_columns.iter().any(|it| same(it, column)))
    }

    fn keys_to(&self, table: &str) -> impl Iterator<Item = &ForeignKey> {
        self.keys
            .iter()
            .filter(move |key| key.referenced == table && !self.owned.contains(&key.table))
    }

    /// What a restore would do to tables outside, and the triggers that it would set off.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn survey(
        &self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        filter: &Filter,
        coming: &Inspection,
    ) -> Result<(Vec<ReferenceLoss>, Vec<Warning>)> {
        let triggers = database.triggers()?;
        if self.keys.is_empty() && self.heirs.is_empty() && triggers.is_empty() {
            return Ok(Default::default());
        }
        let look = self.look(database, catalogue, filter, coming)?;
        self.refuse_heirs(&look)?;
        let notices = triggers
            .iter()
            .filter(|trigger| look.tables.contains(&trigger.table))
            .map(|trigger| {
                let what = if trigger.is_rule { "rule" } else { "trigger" };
                let reason = format!(
                    "the {what} {}, which is not Strapi's, acts on rows that are deleted, changed or \
                     added",
                    trigger.name
                );
                let subject = Subject::Table(trigger.table.clone());
                Warning::new(WarningKind::Notice, subject, reason)
            })
            .collect();
        Ok((self.losses(database, &look)?, notices))
    }

    /// Sees that a restore does no more to tables outside than was planned and is allowed.
    ///
    /// # Errors
    /// It would.
    pub fn check(
        &self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        plan: &Plan,
        allowed: bool,
    ) -> Result<()> {
        if self.keys.is_empty() && self.heirs.is_empty() {
            return Ok(());
        }
        let look = self.look(database, catalogue, &plan.filter, &plan.inspection)?;
        self.refuse_heirs(&look)?;
        let losses = self.losses(database, &look)?;
        check_losses(&losses, allowed)?;
        if losses == plan.losses {
            return Ok(());
        }
        Err(Error::failed(
            "rows of tables that are not Strapi's changed since it was counted what becomes of them; \
             nothing was changed",
        )
        .hint("run it again"))
    }

    /// Whatever is deleted of a table would be of those that inherit from it, and their rows be taken for
    /// its own; rows of the archive would come beside those that stay there.
    fn refuse_heirs(&self, look: &Look<'_>) -> Result<()> {
        let mut heirs = self.heirs.iter();
        let Some(Heir { table, from }) = heirs.find(|heir| look.tables.contains(&heir.from)) else {
            return Ok(());
        };
        Err(Error::failed(format!(
            "the table {table}, which is not Strapi's, inherits from {from}, which is replaced: its rows \
             would be deleted as well; nothing was changed"
        ))
        .hint(format!(
            "take it out for as long as the restore takes (ALTER TABLE {table} NO INHERIT {from}), or \
             leave this content out"
        )))
    }

    fn look<'a>(
        &'a self,
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        filter: &Filter,
        coming: &'a Inspection,
    ) -> Result<Look<'a>> {
        let mut look = Look {
            outside: self,
            coming,
            tables: BTreeSet::new(),
            going: Vec::new(),
            returning: BTreeSet::new(),
        };
        clear::clear(database, catalogue, filter, &mut look)?;
        Ok(look)
    }

    fn losses(&self, database: &mut dyn Connection, look: &Look<'_>) -> Result<Vec<ReferenceLoss>> {
        let mut losses = Losses::default();
        for going in &look.going {
            self.follow_all(database, going, &mut losses)?;
        }
        for table in &look.returning {
            for key in self.keys_to(table).filter(|key| can_change(key)) {
                let count = referring(database, key)?;
                losses.add(name_of(key, LossKind::MayBeEmptied), count);
            }
        }
        Ok(losses.in_order())
    }

    /// What becomes of rows outside when these rows are deleted.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn losses_of(
        &self,
        database: &mut dyn Connection,
        going: &Going,
    ) -> Result<Vec<ReferenceLoss>> {
        let mut losses = Losses::default();
        self.follow_all(database, going, &mut losses)?;
        Ok(losses.in_order())
    }

    fn follow_all(
        &self,
        database: &mut dyn Connection,
        Going { table, condition }: &Going,
        losses: &mut Losses,
    ) -> Result<()> {
        if losses.bounded.is_empty() {
            losses.steps = 0;
        }
        let name = database.quote(table);
        let rows = format!("SELECT 1 FROM {name} l0 WHERE {condition}");
        self.keys_to(table)
            .try_for_each(|key| self.follow(database, key, &rows, 0, losses))
    }

    /// Counts the rows that refer by `key` to rows that are deleted, and goes on with those that are
    /// deleted for it. `rows` is the beginning of a query of the rows that are deleted, which it
    /// calls `l0`, `l1` and so on by `depth`.
    fn follow(
        &self,
        database: &mut dyn Connection,
        key: &ForeignKey,
        rows: &str,
        depth: usize,
        losses: &mut Losses,
    ) -> Result<()> {
        let pairs = key.columns.iter().zip(&key.referenced_columns);
        let matching: Vec<String> = pairs
            .map(|(mine, theirs)| {
                let (mine, theirs) = (database.quote(mine), database.quote(theirs));
                format!("l{depth}.{theirs} = l{}.{mine}", depth + 1)
            })
            .collect();
        let from = format!(
            "FROM {} l{} WHERE EXISTS ({rows} AND {})",
            key.quoted,
            depth + 1,
            matching.join(" AND ")
        );
        let count = database.number(&format!("SELECT count(*) {from}"), &[])?;
        if count == 0 {
            return Ok(());
        }
        let kind = kind_of(key);
        losses.add(name_of(key, kind), count);
        if kind != LossKind::Deleted {
            return Ok(());
        }
        if depth >= DEPTH || losses.steps >= STEPS {
            return self.bound(database, &key.table, losses);
        }
        let rows = format!("SELECT 1 {from}");
        for next in self.keys.iter().filter(|it| it.referenced == key.table) {
            losses.steps += 1;
            self.follow(database, next, &rows, depth + 1, losses)?;
        }
        Ok(())
    }

    /// Counts all rows that could be lost with rows of a table, and with those, each key once.
    fn bound(&self, database: &mut dyn Connection, table: &str, losses: &mut Losses) -> Result<()> {
        for key in self.keys.iter().filter(|it| it.referenced == table) {
            let kind = kind_of(key);
            let name = name_of(key, kind);
            if losses.bounded.contains(&name) {
                continue;
            }
            let count = referring(database, key)?;
            losses.counts.remove(&name);
            losses.add(name.clone(), count);
            losses.bounded.insert(name);
            if kind == LossKind::Deleted && count > 0 {
                self.bound(database, &key.table, losses)?;
            }
        }
        Ok(())
    }
}

/// How many rows refer to others by a key.
fn referring(database: &mut dyn Connection, key: &ForeignKey) -> Result<i64> {
    let refer: Vec<String> = key
        .columns
        .iter()
        .map(|column| format!("{} IS NOT NULL", database.quote(column)))
        .collect();
    let sql = format!(
        "SELECT count(*) FROM {} WHERE {}",
        key.quoted,
        refer.join(" AND ")
    );
    database.number(&sql, &[])
}

/// What becomes of rows that refer to one that is deleted.
fn kind_of(key: &ForeignKey) -> LossKind {
    match key.on_delete {
        OnChange::Cascade => LossKind::Deleted,
        OnChange::Empty => LossKind::Emptied,
        OnChange::Forbid => LossKind::Forbidden,
    }
}

/// Whether a reference can be lost because the row that it is to comes back: with the same id, but
/// another value in a column that the key is of.
fn can_change(key: &ForeignKey) -> bool {
    let by_id = key
        .referenced_columns
        .iter()
        .all(|column| same(column, "id"));
    !by_id && key.on_update == OnChange::Empty
}

/// Whether two names are of one column; SQLite knows no cases.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn name_of(key: &ForeignKey, kind: LossKind) -> Name {
    (
        key.table.clone(),
        key.columns.clone(),
        key.referenced.clone(),
        kind,
    )
}

impl Losses {
    fn add(&mut self, name: Name, count: i64) {
        if let Ok(count @ 1..) = u64::try_from(count)
            && !self.bounded.contains(&name)
        {
            *self.counts.entry(name).or_default() += count;
        }
    }

    fn in_order(self) -> Vec<ReferenceLoss> {
        self.counts
            .into_iter()
            .map(
                |((table, columns, referenced, kind), count)| ReferenceLoss {
                    table,
                    columns,
                    referenced,
                    kind,
                    count,
                },
            )
            .collect()
    }
}

/// Looks at what is to be deleted.
struct Look<'a> {
    outside: &'a Outside,
    coming: &'a Inspection,
    /// Tables that rows are deleted of.
    tables: BTreeSet<String>,
    /// Rows that do not come back, of tables that somebody refers to.
    going: Vec<Going>,
    /// Tables that rows come back to, and that somebody refers to.
    returning: BTreeSet<String>,
}

impl Look<'_> {
    fn going(&mut self, table: &str, condition: String) {
        self.going.push(Going {
            table: table.to_owned(),
            condition,
        });
    }

    fn model(&mut self, database: &mut dyn Connection, model: &Model) -> Result<()> {
        self.returning.insert(model.table.clone());
        let mut gone = Vec::new();
        let sql = format!("SELECT id FROM {}", database.quote(&model.table));
        database.query(&sql, &[], &mut |row| {
            let id = row.value(0)?.as_i64();
            gone.extend(id.filter(|&id| !self.coming.has(&model.uid, id)));
            Ok(())
        })?;
        for ids in id_conditions(gone.chunks(IDS)) {
            self.going(&model.table, ids);
        }
        Ok(())
    }
}

impl Hand for Look<'_> {
    fn delete(&mut self, database: &mut dyn Connection, table: &str, rows: Rows<'_>) -> Result<()> {
        self.tables.insert(table.to_owned());
        if !self.outside.refer_to(table) {
            return Ok(());
        }
        match rows {
            Rows::All => self.going(table, "1 = 1".into()),
            Rows::Where(condition) => self.going(table, condition),
            Rows::Of(model) => self.model(database, model)?,
        }
        Ok(())
    }
}
