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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Schema, Schemas};
    use crate::strapi::dialect::Dialect;
    use crate::strapi::models::Models;
    use crate::strapi::relations::Order;
    use crate::strapi::values::Home;
    use jiff::tz::TimeZone;
    use serde_json::{Value, json};

    /// A schema of relations, each with its name, kind, target and the attribute that it is `inversedBy`.
    fn schema(name: &str, relations: &[(&str, &str, &str, Option<&str>)]) -> Schema {
        let uid = |name: &str| format!("api::{name}.{name}");
        let attributes = relations.iter().map(|(attribute, kind, target, inverse)| {
            let mut json = json!({"type": "relation", "relation": kind, "target": uid(target)});
            if let Some(inverse) = inverse {
                json["inversedBy"] = json!(inverse);
            }
            ((*attribute).to_owned(), json)
        });
        let json = json!({
            "uid": uid(name), "modelType": "contentType", "modelName": name,
            "collectionName": format!("{name}s"),
            "attributes": Value::Object(attributes.collect()),
        });
        Schema::from_json(json.as_object().expect("an object")).expect("a schema")
    }

    fn models(schemas: impl IntoIterator<Item = Schema>) -> Models {
        let schemas: Schemas = schemas.into_iter().collect();
        let home = Home {
            zone: TimeZone::UTC,
            is_sqlite: true,
            bare_strings: false,
        };
        Models::new(&schemas, Dialect::V5, home).expect("it can be mapped")
    }

    /// How a relation is stored: table, left, right, their orders, and with whom.
    fn stored(models: &Models, name: &str, attribute: &str) -> (String, Sharing) {
        let model = models.get(&format!("api::{name}.{name}")).expect("a model");
        let relation = model.relation(attribute).expect("a relation");
        let Storage::JoinTable {
            table,
            left,
            right,
            left_order,
            right_order,
            ..
        } = &relation.storage
        else {
            panic!("{attribute} has no join table");
        };
        let order = |order: &Order| order.column().cloned().unwrap_or("-".into());
        let orders = [order(left_order), order(right_order)];
        let shown = format!("{table} {left} {right} {}", orders.join(" "));
        (shown, relation.sharing)
    }

    #[test]
    fn both_sides_of_a_relation_use_the_table_of_the_last() {
        let a = schema("a", &[("bs", "manyToMany", "b", Some("a"))]);
        let b = schema("b", &[("a", "manyToOne", "a", Some("bs"))]);
        let first = models([a.clone(), b.clone()]);
        let expected = "bs_a_lnk b_id a_id - b_ord".to_owned();
        assert_eq!(stored(&first, "b", "a"), (expected, Sharing::Read));
        let expected = "bs_a_lnk a_id b_id b_ord -".to_owned();
        assert_eq!(stored(&first, "a", "bs"), (expected, Sharing::Repeated));
        let unused: Vec<&str> = first
            .unused_tables()
            .iter()
            .map(|it| it.table.as_str())
            .collect();
        assert_eq!(unused, ["as_bs_lnk"]);

        let second = models([b, a]);
        let expected = "as_bs_lnk a_id b_id b_ord a_ord".to_owned();
        assert_eq!(stored(&second, "a", "bs"), (expected, Sharing::Read));
        let expected = "as_bs_lnk b_id a_id a_ord b_ord".to_owned();
        assert_eq!(stored(&second, "b", "a"), (expected, Sharing::Repeated));
    }

    #[test]
    fn an_attribute_that_is_its_own_inverse_has_its_table_from_the_other_side() {
        let friends = ("friends", "manyToMany", "a", Some("friends"));
        let models = models([schema("a", &[friends])]);
        let expected = "as_friends_lnk inv_a_id a_id inv_a_ord a_ord".to_owned();
        assert_eq!(stored(&models, "a", "friends"), (expected, Sharing::Alone));
        assert!(models.unused_tables().is_empty());
    }

    #[test]
    fn a_side_that_names_no_inverse_has_the_table_of_who_comes_last() {
        let a = schema("a", &[("bs", "manyToMany", "b", Some("as"))]);
        let b = schema("b", &[("as", "manyToMany", "a", None)]);
        let apart = models([a.clone(), b.clone()]);
        for (name, attribute) in [("a", "bs"), ("b", "as")] {
            assert_eq!(stored(&apart, name, attribute).1, Sharing::Alone);
        }
        let shared = models([b, a]);
        assert_eq!(stored(&shared, "a", "bs").1, Sharing::Read);
        assert_eq!(stored(&shared, "b", "as").1, Sharing::Repeated);
    }

    #[test]
    fn an_inverse_that_does_not_exist_changes_nothing() {
        let models = models([schema("a", &[("b", "oneToOne", "a", Some("nothing"))])]);
        let expected = "as_b_lnk a_id inv_a_id - -".to_owned();
        assert_eq!(stored(&models, "a", "b"), (expected, Sharing::Alone));
    }
}
