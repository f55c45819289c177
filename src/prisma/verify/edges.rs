//! What elements are known by: hashes that are the same however an element is written.

use super::super::ndf::{End, Relation};
use super::super::sdl::{DataModel, Edge};
use super::chunks::Digest;
use crate::checking::hash;

/// What a node is known by: its id, which no other node has, of whatever type.
pub fn node_id(id: &str) -> Digest {
    hash(&["node", id])
}

/// What the list of a node is known by.
pub fn list_id(id: &str, field: &str) -> Digest {
    hash(&["list", id, field])
}

/// A link, as the data model sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EdgeId<'m> {
    /// The relation.
    pub edge: Edge<'m>,
    /// What the link is known by, from whichever end it is told.
    pub id: Digest,
    /// Which of the ends stands on the first side of the relation.
    pub first: usize,
}

/// What a link is known by.
///
/// # Errors
/// It does not fit the data model; the words say why.
pub fn edge_id<'m>(model: &'m DataModel, relation: &Relation<'_>) -> Result<EdgeId<'m>, String> {
    let told = relation.ends.iter().position(|end| end.field.is_some());
    let at = told.ok_or("it has no `fieldName` on either end")?;
    let (own, other) = (&relation.ends[at], &relation.ends[1 - at]);
    let field = own.field.as_deref().unwrap_or_default();
    let edge = find(model, own, field)?;
    let (target, back) = match edge.is_first {
        true => (edge.other, edge.back),
        false => (edge.first.on, Some(edge.first.field)),
    };
    if other.type_name != target {
        return Err(format!(
            "{}.{field} links {target}, and its other end is of {}",
            own.type_name, other.type_name
        ));
    }
    if let Some(named) = other.field.as_deref().filter(|named| back != Some(*named)) {
        find(model, other, named)?;
        return Err(match back {
            Some(back) => format!(
                "{}.{field} and {target}.{named} are not ends of one relation: the other end is {target}.{back}",
                own.type_name
            ),
            None => format!(
                "{}.{field} has no field on its other end, and {target}.{named} is named there",
                own.type_name
            ),
        });
    }
    // One field on both ends: which end comes first says nothing.
    let is_own_back = back == Some(field) && target == own.type_name;
    let first = match edge.is_first {
        true if is_own_back && other.id < own.id => 1 - at,
        true => at,
        false => 1 - at,
    };
    let ids = [&*relation.ends[first].id, &*relation.ends[1 - first].id];
    Ok(EdgeId {
        edge,
        id: hash(&["edge", edge.first.on, edge.first.field, ids[0], ids[1]]),
        first,
    })
}

fn find<'m>(model: &'m DataModel, end: &End<'_>, field: &str) -> Result<Edge<'m>, String> {
    let name = &*end.type_name;
    if model.of_name(name).is_none() {
        return Err(format!("there is no type {name}"));
    }
    match model.edge(name, field) {
        Some(edge) => Ok(edge),
        None if model.field(name, field).is_some() => Err(format!("{name}.{field} is no relation")),
        None => Err(format!("{name} has no field {field}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_known_from_either_end() {
        let text = "type A { id: ID! @id, bs: [B!]!, friend: A @relation(name: \"F\"), up: A @relation(name: \"T\"),
            down: [A!]! @relation(name: \"T\"), c: C } type B { id: ID! @id, a: A } type C { id: ID! @id }";
        let model = DataModel::parse(text, "x").expect("a data model");
        let end = |on: &str, id: &str, field: &str| match field {
            "" => format!(r#"{{"_typeName":"{on}","id":"{id}"}}"#),
            _ => format!(r#"{{"_typeName":"{on}","id":"{id}","fieldName":"{field}"}}"#),
        };
        let id = |one: &str, other: &str| {
            let text = format!("[{one},{other}]");
            let relation = Relation::parse(&text).expect("a relation");
            edge_id(&model, &relation).map(|it| it.id)
        };
        let same = |pairs: &[(String, String)]| {
            let ids: Vec<_> = pairs
                .iter()
                .map(|(one, other)| id(one, other).expect("an id"))
                .collect();
            assert!(ids.iter().all(|it| *it == ids[0]), "{pairs:?}");
            ids[0]
        };
        let pair = |one: [&str; 3], other: [&str; 3]| {
            let [one, other] = [one, other].map(|[on, name, field]| end(on, name, field));
            (one, other)
        };
        same(&[
            pair(["A", "1", "bs"], ["B", "1", "a"]),
            pair(["B", "1", "a"], ["A", "1", "bs"]),
            pair(["B", "1", ""], ["A", "1", "bs"]),
            pair(["B", "1", "a"], ["A", "1", ""]),
        ]);
        same(&[
            pair(["A", "1", "friend"], ["A", "2", "friend"]),
            pair(["A", "2", "friend"], ["A", "1", "friend"]),
            pair(["A", "2", "friend"], ["A", "1", ""]),
        ]);
        let up = same(&[
            pair(["A", "1", "up"], ["A", "2", "down"]),
            pair(["A", "2", "down"], ["A", "1", ""]),
        ]);
        let down = id(&end("A", "1", "down"), &end("A", "2", "up")).expect("an id");
        assert_ne!(up, down);
        for (one, other, why) in [
            (end("A", "1", "bs"), end("A", "1", ""), "links B"),
            (
                end("A", "1", "bs"),
                end("B", "1", "id"),
                "B.id is no relation",
            ),
            (end("A", "1", "x"), end("B", "1", ""), "A has no field x"),
            (end("X", "1", "x"), end("B", "1", ""), "no type X"),
            (
                end("A", "1", "up"),
                end("A", "1", "friend"),
                "not ends of one relation",
            ),
        ] {
            let error = id(&one, &other).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
