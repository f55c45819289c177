//! Loads entities and their components.

use super::{Goal, Restore};
use crate::database::{Connection, Refusal, Value};
use crate::error::{Error, Result};
use crate::model::{
    Attribute, Component, Entity, Fields, IdSet, Misfit, Paths, Schema, Short, Visitor,
    row_leads_astray, walk,
};
use crate::strapi::catalogue::Catalogue;
use crate::strapi::tables::Model;
use crate::transfer::{Filter, Inspection, Subject, UPLOAD_TYPES};
use std::collections::HashMap;
use std::sync::Arc;

/// The ids components get. They keep theirs, unless another row has it: one that stays, or one with
/// another owner, for Strapi's archives and ours hold a row once for each owner.
#[derive(Default)]
pub(super) struct ComponentIds {
    by_uid: HashMap<String, Taken>,
}

#[derive(Default)]
struct Taken {
    ids: IdSet,
    /// Those that come more than once.
    repeated: IdSet,
    next: i64,
    /// What became of ids that did not go to one row alone, or to another one.
    given: HashMap<i64, Vec<i64>>,
}

impl ComponentIds {
    /// Finds out which ids are taken by rows that stay.
    pub fn find(
        database: &mut dyn Connection,
        catalogue: &Catalogue,
        inspection: &Inspection,
        filter: &Filter,
    ) -> Result<Self> {
        let mut found = Self::default();
        for model in catalogue.models.components() {
            let mut taken = Taken {
                next: inspection.largest_component(&model.uid).max(0),
                ..Taken::default()
            };
            if let Some(repeated) = inspection.repeated_components(&model.uid) {
                taken.repeated = repeated.clone();
            }
            if filter.is_partial() {
                let sql = format!("SELECT id FROM {}", database.quote(&model.table));
                database.query(&sql, &[], &mut |row| {
                    if let Some(id) = row.value(0)?.as_i64() {
                        taken.next = taken.next.max(id);
                        taken.ids.insert(id);
                    }
                    Ok(())
                })?;
            }
            // Past the last number there is one that is taken, and the database says so.
            taken.next = taken.next.saturating_add(1);
            if !(taken.ids.is_empty() && taken.repeated.is_empty()) {
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
        let mut given = id;
        if taken.ids.contains(id) {
            given = taken.next;
            taken.next = taken.next.saturating_add(1);
        } else if taken.repeated.contains(id) {
            taken.ids.insert(id);
        } else {
            return id;
        }
        taken.given.entry(id).or_default().push(given);
        given
    }

    /// The ids that a component of the archive has here: one for each of its owners.
    pub fn resolve<'a>(&'a self, uid: &str, id: &'a i64) -> &'a [i64] {
        self.by_uid
            .get(uid)
            .and_then(|taken| taken.given.get(id))
            .map_or(std::slice::from_ref(id), Vec::as_slice)
    }
}

/// What is known of a row that is being loaded, for messages.
struct Place<'a> {
    entity: &'a Entity<'a>,
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.entity.content_type, self.entity.id)
    }
}

impl Place<'_> {
    fn wrong(&self, attribute: &str, why: &str) -> Error {
        let attribute = Short(attribute);
        Error::archive(format!("{self}, attribute `{attribute}`: {why}"))
    }

    /// The archive is right; the database is not made for it.
    fn refused(&self, attribute: &str, why: &str) -> Error {
        let attribute = Short(attribute);
        Error::failed(format!("{self}, attribute `{attribute}`: {why}")).hint(
            "change the value where the archive was made, or restore into another kind of database",
        )
    }

    /// The same, of a row of this model that its table cannot take.
    fn refused_row(&self, model: &Model, refusal: &Refusal) -> Error {
        let error = match refusal.column {
            Some(0) => self.refused("id", &refusal.why),
            Some(place) => self.refused(&model.columns[place - 1].attribute, &refusal.why),
            None => Error::failed(format!("{self}: {}", refusal.why)),
        };
        error.hint(refusal.advice)
    }
}

impl Restore {
    pub(super) fn entity(
        &mut self,
        goal: &mut Goal<'_>,
        catalogue: &Catalogue,
        entity: &Entity<'_>,
    ) -> Result<()> {
        let (Some(model), Some(schema)) = (
            catalogue.models.get(entity.content_type),
            catalogue.schemas.get(entity.content_type),
        ) else {
            self.count_lost(Subject::ContentType(entity.content_type.to_owned()));
            return Ok(());
        };
        let place = Place { entity };
        let is_file = entity.content_type == UPLOAD_TYPES[0];
        let with_urls = is_file
            .then(|| self.placement.with_urls(entity.data, self.uploads.as_ref()))
            .flatten();
        let data = with_urls.as_deref().unwrap_or(entity.data);
        let fields =
            Fields::parse(data).map_err(|error| place.wrong("data", &error.to_string()))?;
        if is_file && self.only_checks {
            if let Some(why) = row_leads_astray(&fields, Paths::Any) {
                return Err(Error::archive(format!("{place}: {why}")));
            }
            self.placement.row(&fields, self.uploads.as_ref())?;
        }
        if let Goal::Fill(filler) = goal {
            filler.place(&place);
        }
        self.write_row(goal, model, schema, entity.id, &fields, &place)?;
        let mut components = ComponentRows {
            restore: self,
            goal,
            catalogue,
            place: &place,
        };
        walk(
            &catalogue.schemas,
            schema,
            &fields,
            entity.id,
            &mut components,
        )
    }

    /// Writes a row, without its components.
    fn write_row(
        &mut self,
        goal: &mut Goal<'_>,
        model: &Model,
        schema: &Schema,
        id: i64,
        fields: &Fields<'_>,
        place: &Place<'_>,
    ) -> Result<()> {
        let changed = match goal {
            Goal::Check(_) => HashMap::new(),
            Goal::Fill(_) => {
                let uploads = self.uploads.as_ref();
                self.rewriting
                    .rewritten((model, schema), fields, &mut self.placement, uploads)?
            }
        };
        let mut row: Vec<Value<'_>> = vec![Value::Null; model.columns.len() + 1];
        row[0] = Value::Integer(id);
        let mut given = vec![false; model.columns.len()];
        let mut next = 0;
        for (number, (name, value)) in fields.0.iter().enumerate() {
            if let Some(index) = model.place_of(name, next) {
                next = index + 1;
                let value = changed.get(&number).map_or(*value, String::as_str);
                row[index + 1] = model.columns[index]
                    .read(value)
                    .map_err(|why| place.refused(name, &why))?;
                if let Goal::Check(database) = goal
                    && let Some(why) = database.refusal(&row[index + 1])
                {
                    return Err(place.refused(name, why));
                }
                given[index] = true;
            } else if *value != "null" && is_foreign(schema, name) {
                self.count_lost(Subject::Attribute {
                    uid: model.uid.clone(),
                    attribute: name.to_string(),
                });
            }
        }
        let defaults = defaults(schema, model, &given);
        for (index, value) in &defaults {
            row[index + 1] = model.columns[*index].read(value).unwrap_or(Value::Null);
        }
        let filler = match goal {
            Goal::Check(database) => {
                if let Some(refusal) = self.limits.row(*database, model, &row)? {
                    return Err(place.refused_row(model, &refusal));
                }
                let limits = &self.limits;
                let room = |place: usize, value: &Value<'_>| limits.room(&model.uid, place, value);
                return self.rewriting.row((model, schema), id, fields, &row, &room);
            }
            Goal::Fill(filler) => filler,
        };
        let inserter = self.inserters.rows(filler, model);
        if self.in_place.take(&model.uid, id) {
            // No row to add; but those that this type adds come before what belongs to this one.
            filler.insert(inserter, &[])?;
            return filler.update_row(inserter, id, &row[1..]);
        }
        filler.insert(inserter, &row)
    }
}

/// Writes the components of an entity, each with what joins it to its owner. An owner is known by the
/// id it has here.
struct ComponentRows<'a, 'g> {
    restore: &'a mut Restore,
    goal: &'a mut Goal<'g>,
    catalogue: &'a Catalogue,
    place: &'a Place<'a>,
}

impl Visitor for ComponentRows<'_, '_> {
    type Owner = i64;
    type Error = Error;

    fn component(
        &mut self,
        (owner, owner_id): (&Schema, i64),
        component: &Component<'_, '_>,
    ) -> Result<Option<i64>> {
        let (attribute, schema) = (component.attribute, component.schema);
        let owner = self.catalogue.models.get(&owner.uid);
        let (Some(model), Some((owner, joins))) = (
            self.catalogue.models.get(&schema.uid),
            owner.and_then(|owner| Some((owner, owner.component_table.as_ref()?))),
        ) else {
            return Ok(None);
        };
        let fields = component.fields;
        let old = fields
            .get("id")
            .and_then(|id| id.parse::<i64>().ok())
            .ok_or_else(|| {
                self.place
                    .wrong(attribute, "a component has no integer `id`")
            })?;
        let restore = &mut *self.restore;
        if restore.only_checks {
            Arc::make_mut(&mut restore.placed).add(&schema.uid, old);
        }
        let id = restore.component_ids.assign(&schema.uid, old);
        restore.write_row(self.goal, model, schema, id, fields, self.place)?;
        let Goal::Fill(filler) = self.goal else {
            return Ok(Some(id));
        };
        let row = [
            Value::Integer(owner_id),
            Value::Integer(id),
            Value::from(schema.uid.as_str()),
            Value::from(attribute),
            Value::from(component.position.map(|position| position as f64)),
        ];
        let inserter = restore.inserters.components(filler, owner, joins);
        filler.insert(inserter, &row)?;
        Ok(Some(id))
    }

    fn go_on(&mut self) -> Result<()> {
        match self.restore.stop.is_requested() {
            true => Err(Error::interrupted()),
            false => Ok(()),
        }
    }

    fn misfit(&mut self, owner: &Schema, attribute: &str, misfit: Misfit<'_>) -> Result<()> {
        let count = match misfit {
            Misfit::Malformed(_) | Misfit::TooDeep => {
                return Err(self.place.wrong(attribute, &misfit.to_string()));
            }
            Misfit::OtherShape(items) => items as u64,
            Misfit::WithoutType | Misfit::NotTaken(_) | Misfit::Unknown(_) => 1,
        };
        let subject = Subject::ComponentsIn {
            uid: owner.uid.clone(),
            attribute: attribute.to_owned(),
        };
        self.restore.count_all_lost(subject, count);
        Ok(())
    }
}

/// Whether the project does not know an attribute. Relations and media of the data are links,
/// components have rows of their own, and `id` and `__component` are no attributes.
fn is_foreign(schema: &Schema, name: &str) -> bool {
    !matches!(name, "id" | "__component")
        && !matches!(
            schema.attribute(name),
            Some(
                Attribute::Relation(_)
                    | Attribute::Media
                    | Attribute::Component { .. }
                    | Attribute::DynamicZone { .. }
            )
        )
}

/// The defaults of attributes that the archive does not know, as JSON, by column.
fn defaults<'s>(schema: &'s Schema, model: &Model, given: &[bool]) -> Vec<(usize, &'s str)> {
    (0..given.len())
        .filter(|&index| !given[index])
        .filter_map(|index| Some((index, schema.default(&model.columns[index].attribute)?)))
        .collect()
}
