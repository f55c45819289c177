//! What a link is called where links are compared.

use crate::model::{Fields, Link, LinkEnd, LinkRef, Short, json};
use crate::strapi::models::Models;
use crate::strapi::relations::{Sharing, Storage, StoredRelation};
use serde_json::Value;

/// The name of a link: its two ends, as a list of type, row and attribute each.
pub(super) fn name(link: &Link<'_>) -> String {
    let mut name = String::from("[");
    for (index, end) in [&link.left, &link.right].into_iter().enumerate() {
        if index > 0 {
            name.push(',');
        }
        json::write_string(&mut name, &end.model);
        name.push(',');
        match &end.reference {
            LinkRef::Id(id) => json::write_i64(&mut name, *id),
            LinkRef::Document(document) => json::write_string(&mut name, document),
        }
        name.push(',');
        json::write_string(&mut name, end.field.as_deref().unwrap_or_default());
    }
    name.push(']');
    name
}

/// At which places of its ends it stands.
pub(super) fn places(link: &Link<'_>) -> String {
    let mut places = String::new();
    for end in [&link.left, &link.right] {
        match end.pos {
            Some(place) => json::write_f64(&mut places, place),
            None => places.push('-'),
        }
        places.push(' ');
    }
    places
}

/// The name of a link that another relation stores in the same table, and which both may hold; one side alone gives it
/// back.
pub(super) fn shared(models: &Models, link: &Link<'_>) -> Option<String> {
    let model = models.get(&link.left.model)?;
    let relation = model.relation(link.left.field.as_deref()?)?;
    let table = relation.storage.join_table()?;
    let (one, other) = match relation.sharing {
        Sharing::Alone => return None,
        Sharing::Read => (&link.left, &link.right),
        Sharing::Repeated => (&link.right, &link.left),
    };
    Some(format!("{table}: {} -> {}", one.reference, other.reference))
}

/// Whether no restore stores a link, and every export makes it from the rows themselves: their document ids.
pub(super) fn is_made(models: &Models, link: &Link<'_>) -> bool {
    let relation = models.get(&link.left.model).and_then(|model| {
        let attribute = link.left.field.as_deref()?;
        model.relation(attribute)
    });
    relation.is_some_and(|relation| {
        matches!(&relation.storage, Storage::JoinColumn { referenced, .. } if referenced != "id")
    })
}

/// Whether a line says the kind and the relation that the schema says of it, for an owner of type `uid`.
pub(super) fn is_of(relation: &StoredRelation, uid: &str, line: &str) -> bool {
    let Ok(said) = Fields::parse(line) else {
        return true;
    };
    let is = |member: &str, expected: &str| said.text(member).is_none_or(|it| it == expected);
    is("kind", relation.link_kind(uid)) && is("relation", relation.kind.as_str())
}

/// The ends that a name tells of: type, row and attribute each.
pub(super) fn ends(name: &str) -> Option<[LinkEnd<'static>; 2]> {
    let parts: Vec<Value> = serde_json::from_str(name).ok()?;
    let end = |start: usize| {
        let field = parts.get(start + 2)?.as_str()?;
        Some(LinkEnd {
            model: parts.get(start)?.as_str()?.to_owned().into(),
            reference: match parts.get(start + 1)? {
                Value::String(document) => LinkRef::Document(document.clone().into()),
                number => LinkRef::Id(number.as_i64()?),
            },
            field: (!field.is_empty()).then(|| field.to_owned().into()),
            pos: None,
        })
    };
    Some([end(0)?, end(3)?])
}

/// The name for people.
pub(super) fn shown(name: &str) -> String {
    match ends(name) {
        Some([left, right]) => format!("{left} -> {right}"),
        None => Short(name).to_string(),
    }
}
