//! Archives at random: schemas, rows that fit them or do not, links that lead somewhere or do not.

use super::Lines;
use crate::model::{Schema, Stage};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// The line of a schema with these attributes.
pub fn schema(uid: &str, attributes: Value) -> String {
    let model = match uid.contains("::") {
        true => "contentType",
        false => "component",
    };
    let schema = json!({
        "collectionName": uid, "attributes": attributes, "modelType": model, "modelName": uid, "uid": uid,
    });
    let schema = Schema::from_json(schema.as_object().expect("an object")).expect("a schema");
    schema.to_line().to_owned()
}

/// Names of attributes, some of which other systems do not take, or take for others.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,3}",
        prop::sample::select(vec![
            "position",
            "uid",
            "as",
            "strapiId",
            "sumAggregate",
            "id2",
            "createdAt",
            "created_at",
            "created-at",
            "updatedAt",
            "ключ",
            "2x",
            "_",
            "Title",
            "title",
            "TITLE",
            "documentId",
            "a b",
            "_typeName",
        ])
        .prop_map(str::to_owned),
        "[A-Za-z_]{60,90}",
    ]
}

fn attribute() -> impl Strategy<Value = Value> {
    let scalars = vec![
        "string",
        "text",
        "uid",
        "json",
        "blocks",
        "integer",
        "biginteger",
        "float",
        "decimal",
        "boolean",
        "date",
        "time",
        "datetime",
        "timestamp",
        "custom",
    ];
    prop_oneof![
        6 => (prop::sample::select(scalars), any::<bool>())
            .prop_map(|(kind, required)| json!({"type": kind, "required": required})),
        1 => Just(json!({"type": "enumeration", "enum": ["A", "B_2"]})),
        1 => Just(json!({"type": "enumeration", "enum": ["a", "so-so"]})),
        2 => any::<bool>().prop_map(|many| json!({"type": "component", "component": "c.box", "repeatable": many})),
        1 => Just(json!({"type": "component", "component": "c.none"})),
        2 => Just(json!({"type": "dynamiczone", "components": ["c.box", "d.box", "c.none"]})),
        1 => any::<bool>().prop_map(|many| json!({"type": "media", "multiple": many})),
        1 => Just(json!({"type": "relation", "relation": "morphToMany"})),
        2 => (
            prop::sample::select(vec!["oneToOne", "oneToMany", "manyToOne", "manyToMany"]),
            prop::sample::select(vec!["api::a.a", "api::b.b", "plugin::upload.file", "admin::user"]),
            prop::sample::select(vec!["none", "inversedBy", "mappedBy"]),
            names(),
        )
            .prop_map(|(kind, target, side, back)| {
                json!({"type": "relation", "relation": kind, "target": target, side: back})
            }),
    ]
}

fn attributes() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((names(), attribute()), 0..7).prop_map(|all| all.into_iter().collect())
}

/// Any value, which fits an attribute or does not.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,6}".prop_map(Into::into),
        prop::sample::select(vec![
            "A",
            "so-so",
            "2026-11-20T15:28:46.121Z",
            "c.box",
            "2026-11-20"
        ])
        .prop_map(Into::into),
    ];
    let component = |inner: BoxedStrategy<Value>| {
        (prop::option::of(0..4_i64), any::<bool>(), names(), inner).prop_map(
            |(id, zone, name, inner)| {
                let mut object = Map::new();
                if let Some(id) = id {
                    object.insert("id".into(), id.into());
                }
                object.insert(name, inner);
                if zone {
                    object.insert("__component".into(), "c.box".into());
                }
                Value::Object(object)
            },
        )
    };
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            component(inner.clone().boxed()),
            prop::collection::vec(component(inner.boxed()), 0..3).prop_map(Into::into),
        ]
    })
}

prop_compose! {
    /// Any archive.
    pub fn archives()(
        schemas in prop::collection::vec(attributes(), 5),
        rows in prop::collection::vec(
            (0..3_usize, prop::collection::vec((any::<prop::sample::Index>(), values()), 0..6), any::<bool>()),
            0..12,
        ),
        links in prop::collection::vec(
            (0..5_usize, 0..5_usize, any::<[prop::sample::Index; 2]>(), 0..6_i64, 0..6_i64, 0..4_u8),
            0..12,
        ),
    ) -> Lines {
        let uids = ["plugin::upload.file", "api::a.a", "api::b.b", "c.box", "d.box"];
        let mut entities = Vec::new();
        let mut next = [0_i64, i64::from(u32::MAX), i64::MAX - 20];
        for (model, values, spaced) in rows {
            let known: Vec<&String> = schemas[model].keys().collect();
            let mut data = Map::new();
            data.insert("documentId".into(), "abc".into());
            for (index, value) in values {
                let name = match known.is_empty() {
                    true => "unknown",
                    false => known[index.index(known.len())].as_str(),
                };
                data.insert(name.to_owned(), value);
            }
            next[model] += 1;
            let space = if spaced { " " } else { "" };
            entities.push(format!(
                "{{\"type\":\"{}\",{space}\"id\":{},\"data\":{}}}", uids[model], next[model], Value::Object(data),
            ));
        }
        let links = links.into_iter().map(|(left, right, fields, from, to, form)| {
            let field = |model: usize, index: &prop::sample::Index| {
                let names: Vec<&String> = schemas[model].keys().collect();
                (!names.is_empty()).then(|| names[index.index(names.len())].clone())
            };
            let mut line = json!({
                "kind": "relation.basic",
                "relation": "oneToMany",
                "left": {"type": uids[left], "field": field(left, &fields[0]), "ref": from},
                "right": {"ref": to, "type": uids[right]},
            });
            match form {
                0 => line["right"]["field"] = field(right, &fields[1]).into(),
                1 => line["left"]["pos"] = 1.5.into(),
                2 => line["right"]["ref"] = "abc".into(),
                _ => {
                    line["left"]["field"] = "related".into();
                    line["right"]["field"] = field(right, &fields[1]).into();
                }
            }
            line.to_string()
        });
        let links = links.collect();
        let mut all: Vec<Map<String, Value>> = schemas.clone();
        all[0].insert("related".into(), json!({"type": "relation", "relation": "morphToMany"}));
        let schemas = uids.iter().zip(all).map(|(uid, attributes)| schema(uid, attributes.into()));
        let mut lines = Lines::of([(Stage::Schemas, schemas.collect())]);
        for (stage, all) in [(Stage::Entities, entities), (Stage::Links, links)] {
            if !all.is_empty() {
                lines.lines.insert(stage, all);
            }
        }
        lines
    }
}
