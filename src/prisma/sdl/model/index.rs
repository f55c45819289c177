//! Where the fields of a type are found: data sets are checked element by element, and types have any number of fields.

use super::{EnumType, Field, Type};
use std::collections::{BTreeMap, BTreeSet};

/// How many of the fields that lead to one type by one name of a relation are of use: a third one says nothing more than
/// that there is not one alone.
const LEADING: usize = 3;

/// The fields of a type, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    by_name: BTreeMap<String, usize>,
    /// By the type that they lead to, and the name of the relation.
    leading: BTreeMap<String, BTreeMap<Option<String>, Vec<usize>>>,
    /// Those that a node has to have, but for its id.
    required: Vec<usize>,
    id: Option<usize>,
    pub has_nodes: bool,
}

impl Index {
    pub fn new(own: &Type) -> Self {
        let mut index = Self {
            has_nodes: own.has_nodes(),
            ..Self::default()
        };
        for (at, field) in own.fields.iter().enumerate() {
            let known = index.by_name.entry(field.name.clone());
            known.or_insert(at);
            if let Some(target) = field.target() {
                let by_relation = index.leading.entry(target.to_owned()).or_default();
                let leading = by_relation.entry(field.relation.clone()).or_default();
                if leading.len() < LEADING {
                    leading.push(at);
                }
            } else if field.is_required && !field.is_list && field.name != "id" {
                index.required.push(at);
            }
            if index.id.is_none() && field.is_id() {
                index.id = Some(at);
            }
        }
        index
    }

    pub fn field<'t>(&self, own: &'t Type, name: &str) -> Option<&'t Field> {
        own.fields.get(*self.by_name.get(name)?)
    }

    /// The first fields that lead to this type, in a relation of this name or of none.
    pub fn leading<'t>(
        &self,
        own: &'t Type,
        to: &str,
        relation: &Option<String>,
    ) -> impl Iterator<Item = &'t Field> {
        let by_relation = self.leading.get(to);
        let found = by_relation.and_then(|it| it.get(relation));
        found.into_iter().flatten().map(|at| &own.fields[*at])
    }

    pub fn required<'t>(&self, own: &'t Type) -> impl ExactSizeIterator<Item = &'t Field> {
        self.required.iter().map(|at| &own.fields[*at])
    }

    pub fn id<'t>(&self, own: &'t Type) -> Option<&'t Field> {
        own.fields.get(self.id?)
    }
}

/// The values of an enum.
pub(super) fn values(of: &EnumType) -> BTreeSet<String> {
    of.values.iter().cloned().collect()
}
