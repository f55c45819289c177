//! What the tables of a project ask of the rows that come, held against them while they are staged.

use super::outside::Outside;
use crate::database::{Connection, Refusal, TableRules, Trigger, Value};
use crate::error::{Error, Result};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::tables::Model;
use crate::transfer::UPLOAD_TYPES;
use std::collections::HashMap;

/// Attributes of a file that it may have in another form here.
const MOVED: [&str; 3] = ["url", "provider", "formats"];

/// The rules of tables, each read with the first row that comes for it.
#[derive(Default)]
pub(super) struct Limits {
    triggers: Vec<Trigger>,
    outside: Outside,
    /// Of content types and components, by their uid.
    rows: HashMap<String, TableRules>,
    /// Of relations that have a table, by the uid of the owner and the attribute.
    links: HashMap<String, HashMap<String, TableRules>>,
    /// Of the configuration, by table and columns.
    settings: HashMap<(String, Vec<String>), TableRules>,
}

impl Limits {
    /// Finds out whose rules are not to be known.
    ///
    /// # Errors
    /// The catalogue of the database cannot be read.
    pub fn find(database: &mut dyn Connection, catalogue: &Catalogue) -> Result<Self> {
        Ok(Self {
            triggers: database.triggers()?,
            outside: Outside::find(database, catalogue)?,
            ..Self::default()
        })
    }

    /// Why the database would refuse a row of a content type or component: the id, then the model's
    /// columns.
    ///
    /// # Errors
    /// The catalogue cannot be read.
    pub fn row(
        &mut self,
        database: &mut dyn Connection,
        model: &Model,
        row: &[Value<'_>],
    ) -> Result<Option<Refusal>> {
        if !self.rows.contains_key(&model.uid) {
            let rules = self.rules_of_rows(database, model)?;
            self.rows.insert(model.uid.clone(), rules);
        }
        let rules = self.rows.get_mut(&model.uid);
        Ok(rules.and_then(|rules| rules.refusal(database, row)))
    }

    /// By how many characters or bytes the value at a place in a row may grow, where that is known.
    pub fn room(&self, uid: &str, place: usize, value: &Value<'_>) -> Option<u64> {
        self.rows.get(uid)?.room(place, value)
    }

    fn rules_of_rows(&self, database: &mut dyn Connection, model: &Model) -> Result<TableRules> {
        let columns = model.columns.iter().map(|column| column.column.clone());
        let names = std::iter::once("id".to_owned()).chain(columns).collect();
        let mut rules = TableRules::read(database, &model.table, names, &self.triggers)?;
        // Rows do not come twice, and components that do get other ids.
        rules = rules.not_unique("id");
        if self.outside.refer_to(&model.table) {
            rules = rules.changing_rows();
        }
        if model.uid == UPLOAD_TYPES[0] {
            for column in &model.columns {
                if MOVED.contains(&column.attribute.as_str()) {
                    rules = rules.not_knowing(&column.column);
                }
            }
        }
        Ok(rules)
    }

    /// Says why the database would refuse a link that is a row of its own. `columns` names its columns.
    ///
    /// # Errors
    /// It would; or the catalogue cannot be read.
    pub fn link(
        &mut self,
        database: &mut dyn Connection,
        (uid, attribute): (&str, &str),
        table: &str,
        columns: impl FnOnce() -> Vec<String>,
        row: &[Value<'_>],
    ) -> Result<()> {
        let known = self
            .links
            .get(uid)
            .is_some_and(|it| it.contains_key(attribute));
        if !known {
            let rules = TableRules::read(database, table, columns(), &self.triggers)?.one_by_one();
            let of_owner = self.links.entry(uid.to_owned()).or_default();
            of_owner.insert(attribute.to_owned(), rules);
        }
        let rules = self.links.get_mut(uid).and_then(|it| it.get_mut(attribute));
        rules.map_or(Ok(()), |rules| check(rules, database, row))
    }

    /// Says why the database would refuse a row of the configuration.
    ///
    /// # Errors
    /// It would; or the catalogue cannot be read.
    pub fn setting(
        &mut self,
        database: &mut dyn Connection,
        table: &str,
        columns: &[String],
        row: &[Value<'_>],
    ) -> Result<()> {
        let key = (table.to_owned(), columns.to_vec());
        if !self.settings.contains_key(&key) {
            let rules = TableRules::read(database, table, columns.to_vec(), &self.triggers)?;
            self.settings.insert(key.clone(), rules);
        }
        let rules = self.settings.get_mut(&key);
        rules.map_or(Ok(()), |rules| check(rules, database, row))
    }
}

/// The refusal of a row whose columns are all that is known of it.
fn check(rules: &mut TableRules, database: &dyn Connection, row: &[Value<'_>]) -> Result<()> {
    let Some(refusal) = rules.refusal(database, row) else {
        return Ok(());
    };
    let why = match refusal.column {
        Some(place) => format!("column {}: {}", rules.name(place), refusal.why),
        None => refusal.why,
    };
    Err(Error::failed(why).hint(refusal.advice))
}
