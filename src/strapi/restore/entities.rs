//! Loads entities and their components.

use super::Restore;
use crate::database::{Connection, Value};
use crate::error::{Error, Result};
use crate::model::{Attribute, Entity, Fields, Schema, elements};
use crate::strapi::Content;
use crate::strapi::tables::{ComponentField, ComponentShape, Model};
use crate::transfer::{Filter, Inspection, component_type};
use roaring::RoaringTreemap;
use std::collections::HashMap;

/// The ids components get. They keep theirs, unless a row that stays has it.
#[derive(Default)]
pub(super) struct ComponentIds {
    by_uid: HashMap<String, Taken>,
}

#[derive(Default)]
struct Taken {
    ids: RoaringTreemap,
    next: i64,
    moved: HashMap<i64, i64>,
}

impl ComponentIds {
    /// Finds out which ids are taken by rows that stay.
    pub fn find(
        database: &mut dyn Connection,
        content: &Content,
        inspection: &Inspection,
        filter: &Filter,
    ) -> Result<Self> {
        let mut found = Self::default();
        if !filter.is_partial() {
            return Ok(found);
        }
        for model in content.models.components() {
            let mut taken = Taken {
                next: inspection.largest_component(&model.uid),
                ..Taken::default()
            };
            let sql = format!("SELECT id FROM {}", database.quote(&model.table));
            database.query(&sql, &[], &mut |row| {
                if let Some(id) = row.value(0)?.as_i64() {
                    taken.next = taken.next.max(id);
                    taken.ids.extend(u64::try_from(id));
                }
                Ok(())
            })?;
            taken.next += 1;
            if !taken.ids.is_empty() {
                found.by_uid.insert(model.uid.clone(), taken);
            }
        }
        Ok(found)
    }

    /// The id a component of the archive gets here.
    fn assign(&mut self, uid: &str, id: i64) -> i64 {
        let Some(taken) = self.by_uid.get_mut(uid) else {
            return id;
        };
        if !u64::try_from(id).is_ok_and(|id| taken.ids.contains(id)) {
            return id;
        }
        let new = taken.next;
        taken.next += 1;
        taken.moved.insert(id, new);
        new
    }

    /// The id a component of the archive has here.
    pub fn resolve(&self, uid: &str, id: i64) -> i64 {
        self.by_uid
            .get(uid)
            .and_then(|taken| taken.moved.get(&id))
            .copied()
            .unwrap_or(id)
    }
}

/// What is known of a row that is being loaded, for messages.
struct Place<'a> {
    entity: &'a Entity<'a>,
}

impl Place<'_> {
    fn wrong(&self, attribute: &str, why: &str) -> Error {
        Error::archive(format!(
            "{} {}, attribute `{attribute}`: {why}",
            self.entity.content_type, self.entity.id
        ))
        .hint("everything was rolled back; the project is as it was")
    }

    /// The archive is right; the database is not made for it.
    fn refused(&self, attribute: &str, why: &str) -> Error {
        Error::failed(format!(
            "{} {}, attribute `{attribute}`: {why}",
            self.entity.content_type, self.entity.id
        ))
        .hint(
            "everything was rolled back; the project is as it was; change the value where the \
             archive was made, or restore into another kind of database",
        )
    }
}

/// A component that waits for its own row to be written.
struct Pending<'a> {
    field: &'a ComponentField,
    uid: String,
    item: &'a str,
    order: Option<f64>,
}

impl Restore {
    pub(super) fn entity(
        &mut self,
        database: &mut dyn Connection,
        content: &Content,
        entity: &Entity<'_>,
    ) -> Result<()> {
        let (Some(model), Some(schema)) = (
            content.models.get(entity.content_type),
            content.schemas.get(entity.content_type),
        ) else {
            self.lose(format!("the content type {}", entity.content_type));
            return Ok(());
        };
        let place = Place { entity };
        self.row(
            database,
            content,
            model,
            schema,
            entity.id,
            entity.data,
            &place,
        )
    }

    /// Writes a row, then its components, then what joins them.
    #[expect(clippy::too_many_arguments, reason = "a row is all of these")]
    fn row(
        &mut self,
        database: &mut dyn Connection,
        content: &Content,
        model: &Model,
        schema: &Schema,
        id: i64,
        data: &str,
        place: &Place<'_>,
    ) -> Result<()> {
        let fields =
            Fields::parse(data).map_err(|error| place.wrong("data", &error.to_string()))?;
        let mut row: Vec<Value<'_>> = vec![Value::Null; model.columns.len() + 1];
        row[0] = Value::Integer(id);
        let mut given = vec![false; model.columns.len()];
        let mut pending = Vec::new();
        for (name, value) in &fields.0 {
            if let Some(index) = model.columns.iter().position(|c| c.attribute == **name) {
                row[index + 1] = model.columns[index]
                    .read(value)
                    .map_err(|why| place.wrong(name, &why))?;
                if let Some(why) = database.refusal(&row[index + 1]) {
                    return Err(place.refused(name, why));
                }
                given[index] = true;
            } else if let Some(field) = model
                .component_fields
                .iter()
                .find(|f| f.attribute == **name)
            {
                self.wait_for(content, model, field, value, place, &mut pending)?;
            } else if *value != "null" && is_foreign(schema, name) {
                self.lose(format!("attribute `{name}` of {}", model.uid));
            }
        }
        let defaults = defaults(schema, model, &given);
        for (index, value) in &defaults {
            row[index + 1] = model.columns[*index].read(value).unwrap_or(Value::Null);
        }
        self.inserters
            .rows(database, model)
            .and_then(|inserter| database.insert(inserter, &row))
            .map_err(|error| {
                error.within(format!("{} {}", place.entity.content_type, place.entity.id))
            })?;
        for waiting in pending {
            self.component(database, content, model, id, waiting, place)?;
        }
        Ok(())
    }

    /// Takes the value of an attribute that holds components apart.
    fn wait_for<'a>(
        &mut self,
        content: &Content,
        model: &Model,
        field: &'a ComponentField,
        value: &'a str,
        place: &Place<'_>,
        pending: &mut Vec<Pending<'a>>,
    ) -> Result<()> {
        if value == "null" {
            return Ok(());
        }
        let is_list = value.starts_with('[');
        let items = if is_list {
            elements(value).map_err(|error| place.wrong(&field.attribute, &error.to_string()))?
        } else {
            vec![value]
        };
        let wants_list = !matches!(field.shape, ComponentShape::Single(_));
        for (position, item) in items.into_iter().enumerate() {
            let uid = match &field.shape {
                ComponentShape::Single(uid) | ComponentShape::Repeatable(uid) => Some(uid.clone()),
                ComponentShape::Zone(uids) => component_type(item).filter(|uid| uids.contains(uid)),
            };
            let fits = is_list == wants_list;
            match uid.filter(|uid| fits && content.models.get(uid).is_some()) {
                Some(uid) => pending.push(Pending {
                    field,
                    uid,
                    item,
                    order: is_list.then(|| (position + 1) as f64),
                }),
                None => self.lose(format!(
                    "a component in attribute `{}` of {}",
                    field.attribute, model.uid
                )),
            }
        }
        Ok(())
    }

    fn component(
        &mut self,
        database: &mut dyn Connection,
        content: &Content,
        owner: &Model,
        owner_id: i64,
        waiting: Pending<'_>,
        place: &Place<'_>,
    ) -> Result<()> {
        let attribute = &waiting.field.attribute;
        let (Some(model), Some(schema), Some(joins)) = (
            content.models.get(&waiting.uid),
            content.schemas.get(&waiting.uid),
            &owner.component_table,
        ) else {
            return Ok(());
        };
        let fields = Fields::parse(waiting.item)
            .map_err(|error| place.wrong(attribute, &error.to_string()))?;
        let old = fields
            .get("id")
            .and_then(|id| id.parse::<i64>().ok())
            .ok_or_else(|| place.wrong(attribute, "a component has no integer `id`"))?;
        let id = self.component_ids.assign(&waiting.uid, old);
        self.row(database, content, model, schema, id, waiting.item, place)?;
        let row = [
            Value::Integer(owner_id),
            Value::Integer(id),
            Value::from(waiting.uid.as_str()),
            Value::from(attribute.as_str()),
            Value::from(waiting.order),
        ];
        self.inserters
            .components(database, owner, joins)
            .and_then(|inserter| database.insert(inserter, &row))
            .map_err(|error| {
                error.within(format!("{} {}", place.entity.content_type, place.entity.id))
            })
    }
}

/// Whether the project does not know an attribute. Relations and media of the data are links, and
/// `id` and `__component` are no attributes.
fn is_foreign(schema: &Schema, name: &str) -> bool {
    !matches!(name, "id" | "__component")
        && !matches!(
            schema.attribute(name),
            Some(Attribute::Relation(_) | Attribute::Media)
        )
}

/// The defaults of attributes that the archive does not know, as JSON, by column.
fn defaults(schema: &Schema, model: &Model, given: &[bool]) -> Vec<(usize, String)> {
    let Some(attributes) = schema.json.get("attributes") else {
        return Vec::new();
    };
    (0..given.len())
        .filter(|&index| !given[index])
        .filter_map(|index| {
            let default = attributes
                .get(&model.columns[index].attribute)?
                .get("default")?;
            Some((index, default.to_string()))
        })
        .collect()
}
