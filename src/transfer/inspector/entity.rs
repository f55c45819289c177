//! What is looked at of one entity: its values, and the components in it.

use super::super::faults::Faults;
use super::super::{Examples, Inspection, Observer};
use crate::error::{Error, Result};
use crate::model::limits::DEEPEST;
use crate::model::{
    Attribute, Component, Fields, IdSet, Misfit, Schema, Short, Visitor, deep_attribute, misfit,
};
use std::collections::{BTreeMap, HashMap};

/// An entity, for messages.
pub(super) struct Place<'a> {
    pub content_type: &'a str,
    pub id: i64,
}

impl Place<'_> {
    pub fn damaged(&self, what: &str) -> Error {
        let uid = Short(self.content_type);
        Error::archive(format!("{uid} {}: {what}", self.id))
    }
}

/// The set of ids of a model.
pub(super) fn ids_of<'a>(models: &'a mut HashMap<String, IdSet>, uid: &str) -> &'a mut IdSet {
    if !models.contains_key(uid) {
        models.insert(uid.to_owned(), IdSet::default());
    }
    models.get_mut(uid).expect("it was just put there")
}

/// What is said of an attribute whose JSON is nested too deep.
pub(super) fn too_deep(attribute: &str) -> String {
    let attribute = Short(attribute);
    format!("attribute `{attribute}`: its JSON is nested deeper than {DEEPEST} levels")
}

/// The first value that is not of the kind that the schema says, and what is wrong with it.
pub(super) fn wrong_value(schema: &Schema, fields: &Fields<'_>) -> Option<String> {
    let mut attributes = schema.in_order();
    fields.0.iter().find_map(|(name, value)| {
        let Some(Attribute::Scalar(scalar)) = attributes.attribute(name) else {
            return None;
        };
        let why = misfit(*scalar, value)?;
        Some(format!("attribute `{}`: {why}", Short(name)))
    })
}

/// Collects the ids of an entity's components.
pub(super) struct Ids<'i, 'p> {
    pub found: &'i mut Inspection,
    pub shared: &'i mut BTreeMap<String, Examples>,
    pub faults: &'i mut Faults,
    pub entity: &'p Place<'p>,
    pub observer: &'p dyn Observer,
}

impl Visitor for Ids<'_, '_> {
    type Owner = ();
    type Error = Error;

    fn component(
        &mut self,
        (_, ()): (&Schema, ()),
        component: &Component<'_, '_>,
    ) -> Result<Option<()>> {
        let (attribute, uid) = (Short(component.attribute), &component.schema.uid);
        let named = Short(uid);
        if let Some(deep) = deep_attribute(component.schema, component.fields) {
            let why = too_deep(deep);
            self.faults.add(self.entity.damaged(&format!(
                "attribute `{attribute}`: a component {named}: {why}"
            )))?;
        }
        if let Some(why) = wrong_value(component.schema, component.fields) {
            self.faults.add(self.entity.damaged(&format!(
                "attribute `{attribute}`: a component {named}: {why}"
            )))?;
        }
        let id = component.fields.get("id");
        let Some(id) = id.and_then(|id| id.parse::<i64>().ok()) else {
            self.faults.add(self.entity.damaged(&format!(
                "attribute `{attribute}`: a component {named} has no integer `id`"
            )))?;
            return Ok(Some(()));
        };
        if !ids_of(&mut self.found.components, uid).insert(id) {
            ids_of(&mut self.found.repeated, uid).insert(id);
            let shared = self.shared.entry(uid.clone()).or_default();
            shared.add(|| id.to_string());
        }
        Ok(Some(()))
    }

    fn go_on(&mut self) -> Result<()> {
        match self.observer.is_cancelled() {
            true => Err(Error::interrupted()),
            false => Ok(()),
        }
    }

    fn misfit(&mut self, owner: &Schema, attribute: &str, misfit: Misfit<'_>) -> Result<()> {
        // Strapi keeps components that a dynamic zone took once; whoever loads them sees to them.
        if matches!(misfit, Misfit::NotTaken(_)) {
            return Ok(());
        }
        self.faults.add(self.entity.damaged(&format!(
            "attribute `{}` of {}: {misfit}",
            Short(attribute),
            Short(&owner.uid)
        )))
    }
}
