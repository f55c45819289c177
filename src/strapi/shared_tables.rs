//! Relations whose two sides both say `inversedBy`, or one that says it of itself.
//!
//! Each side makes a join table, and each gives its own to the other side as well: both use that of
//! the side that comes last in the order of the models, and the first one's is left unused, with the
//! rows that it had before the other side said so. The rules are those of `createJoinTable` in
//! `@strapi/database`.

use super::relations::{Sharing, Storage};
use super::tables::Model;
use std::collections::{HashMap, HashSet};

/// A join table that Strapi makes and neither reads nor writes.
#[derive(Debug, Clone)]
pub(super) struct UnusedTable {
    pub table: String,
    /// The types of the rows that its rows refer to.
    pub ends: [String; 2],
}

/// Gives every relation the table that Strapi uses for it; returns those that nobody uses.
pub(super) fn share_tables(
    list: &mut [Model],
    by_uid: &HashMap<String, usize>,
) -> Vec<UnusedTable> {
    let places: Vec<(usize, usize)> = list
        .iter()
        .enumerate()
        .flat_map(|(model, of)| (0..of.relations.len()).map(move |relation| (model, relation)))
        .filter(|&(model, relation)| {
            list[model].relations[relation]
                .storage
                .join_table()
                .is_some()
        })
        .collect();
    let made: Vec<Storage> = places
        .iter()
        .map(|&(model, relation)| list[model].relations[relation].storage.clone())
        .collect();
    for (&(model, relation), storage) in places.iter().zip(&made) {
        list[model].relations[relation].storage = storage.clone();
        if let Some((model, relation)) = other_side(list, by_uid, (model, relation)) {
            list[model].relations[relation].storage = storage.turned();
        }
    }
    note_sharing(list, &places, &made);
    unused(list, &places, &made)
}

/// Where the relation is that another one names with `inversedBy`, if it is stored in a join table
/// between the same types.
fn other_side(
    list: &[Model],
    by_uid: &HashMap<String, usize>,
    (model, relation): (usize, usize),
) -> Option<(usize, usize)> {
    let owner = &list[model];
    let relation = &owner.relations[relation];
    let other = *by_uid.get(relation.target.as_deref()?)?;
    let inverse = relation.inversed_by.as_deref()?;
    let place = list[other].relations.iter().position(|it| {
        it.attribute == inverse
            && it.storage.join_table().is_some()
            && it.target.as_ref() == Some(&owner.uid)
    })?;
    Some((other, place))
}

/// Notes which relation reads the links of a table that several use: the one that made it, if it does.
fn note_sharing(list: &mut [Model], places: &[(usize, usize)], made: &[Storage]) {
    let mut users: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, &(model, relation)) in places.iter().enumerate() {
        if let Some(table) = list[model].relations[relation].storage.join_table() {
            users.entry(table.to_owned()).or_default().push(number);
        }
    }
    for (table, users) in users.into_iter().filter(|(_, users)| users.len() > 1) {
        let is_maker = |number: &&usize| made[**number].join_table() == Some(&table);
        let reader = *users.iter().find(is_maker).unwrap_or(&users[0]);
        for number in users {
            let (model, relation) = places[number];
            list[model].relations[relation].sharing = if number == reader {
                Sharing::Read
            } else {
                Sharing::Repeated
            };
        }
    }
}

fn unused(list: &[Model], places: &[(usize, usize)], made: &[Storage]) -> Vec<UnusedTable> {
    let used: HashSet<&str> = list
        .iter()
        .flat_map(|model| &model.relations)
        .filter_map(|relation| relation.storage.join_table())
        .collect();
    places
        .iter()
        .zip(made)
        .filter_map(|(&(model, relation), storage)| {
            let owner = &list[model];
            let table = storage.join_table().filter(|table| !used.contains(table))?;
            let target = owner.relations[relation].target.clone()?;
            Some(UnusedTable {
                table: table.to_owned(),
                ends: [owner.uid.clone(), target],
            })
        })
        .collect()
}
