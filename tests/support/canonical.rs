//! An archive in a form that does not depend on the ids of rows.
//!
//! `strapi import` gives every row a new id, so what it took in can only be compared with what it was given when rows
//! are told apart by something else. Here an entity is known by type, document, language and publication, a component
//! by the path that leads to it from its entity, and a link by its two ends. Strapi 4 has no documents; there the moment
//! at which a row was created, which an import keeps, and its first text stand for the document.

#![allow(dead_code, reason = "each test file uses a part of this module")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::archive::Archive;
use super::difference::{difference, report, short};

/// Rows of the core store that Strapi writes anew whenever it starts, so they differ between any two exports.
///
/// - `plugin_upload_metrics`: the minute of the week at which usage is reported, drawn from the time of the start for
///   as long as nothing was reported.
pub const REWRITTEN_AT_EVERY_START: [&str; 1] = ["plugin_upload_metrics"];

/// Content without ids: what it is called, and what it is.
#[derive(Debug, PartialEq)]
pub struct Canonical {
    items: BTreeMap<String, Value>,
}

/// Fails with a readable list unless both archives hold the same content.
pub fn assert_same(expected: &Archive, actual: &Archive) {
    let differences = Canonical::of(expected).differences(&Canonical::of(actual));
    if let Some(report) = report(&differences) {
        panic!("{report}");
    }
}

impl Canonical {
    /// The content of an archive.
    pub fn of(archive: &Archive) -> Canonical {
        let mut items = BTreeMap::new();
        let schemas = archive.jsonl("schemas");
        let mut names = Names {
            schemas: HashMap::new(),
            ends: HashMap::new(),
        };
        for schema in schemas {
            let uid = text(&schema, "uid");
            items.insert(format!("schema {uid}"), schema.clone());
            names.schemas.insert(uid, schema);
        }
        entities(archive, &mut names, &mut items);
        links(archive, &names, &mut items);
        configuration(archive, &mut items);
        for (file, asset) in archive.assets() {
            items.insert(format!("asset {file}"), json!(hex(&asset.bytes)));
            items.insert(format!("sidecar {file}"), without_id(&asset.sidecar));
        }
        items.insert(
            "strapi version".to_owned(),
            archive.json("metadata.json")["strapi"]["version"].clone(),
        );
        Canonical { items }
    }

    /// What has to change in this content to make it the other one, a line each.
    pub fn differences(&self, other: &Canonical) -> Vec<String> {
        let mut differences = Vec::new();
        for (name, expected) in &self.items {
            match other.items.get(name) {
                None => differences.push(format!("missing: {name}: {}", short(expected))),
                Some(actual) => differences
                    .extend(difference(expected, actual).map(|what| format!("{name}: {what}"))),
            }
        }
        let added = other
            .items
            .iter()
            .filter(|(name, _)| !self.items.contains_key(*name));
        differences
            .extend(added.map(|(name, value)| format!("not expected: {name}: {}", short(value))));
        differences
    }
}

/// What an id means: the schemas, and the name of every row that a link can point to.
struct Names {
    schemas: HashMap<String, Value>,
    ends: HashMap<(String, u64), String>,
}

impl Names {
    /// Drops the ids of the components inside `data`, and remembers each component by the path to it.
    fn name_components(&mut self, uid: &str, data: &mut Map<String, Value>, path: &str) {
        let attributes = self
            .schemas
            .get(uid)
            .map(|schema| schema["attributes"].clone());
        for (name, attribute) in attributes
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let kind = text(attribute, "type");
            if kind != "component" && kind != "dynamiczone" {
                continue;
            }
            let at = format!("{path}.{name}");
            match data.get_mut(name) {
                Some(Value::Object(one)) => self.name_component(attribute, one, &at),
                Some(Value::Array(many)) => {
                    for (index, one) in many.iter_mut().enumerate() {
                        let one = one
                            .as_object_mut()
                            .unwrap_or_else(|| panic!("{at} holds what is no component"));
                        self.name_component(attribute, one, &format!("{at}[{index}]"));
                    }
                }
                _ => {}
            }
        }
    }

    fn name_component(
        &mut self,
        attribute: &Value,
        component: &mut Map<String, Value>,
        path: &str,
    ) {
        let uid = match component.get("__component") {
            Some(uid) => uid.as_str().unwrap_or_default().to_owned(),
            None => text(attribute, "component"),
        };
        if let Some(id) = component.remove("id").and_then(|id| id.as_u64()) {
            let earlier = self.ends.insert((uid.clone(), id), path.to_owned());
            assert!(
                earlier.is_none(),
                "{uid} {id} is at {path} and at {}",
                earlier.unwrap_or_default()
            );
        }
        self.name_components(&uid, component, path);
    }

    /// The name of one end of a link.
    fn end(&self, end: &Value) -> String {
        let uid = text(end, "type");
        let row = match &end["ref"] {
            Value::Number(id) => {
                let id = id.as_u64().unwrap_or_default();
                let name = self.ends.get(&(uid.clone(), id));
                name.cloned()
                    .unwrap_or_else(|| format!("{uid} row {id}, which is not in the archive"))
            }
            other => format!("{uid} {other}"),
        };
        match &end["field"] {
            Value::String(field) => format!("{row} #{field}"),
            _ => row,
        }
    }
}

fn entities(archive: &Archive, names: &mut Names, items: &mut BTreeMap<String, Value>) {
    let mut order: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for mut entity in archive.jsonl("entities") {
        let uid = text(&entity, "type");
        let id = entity["id"].as_u64().expect("an entity has an id");
        let data = entity["data"].as_object_mut().expect("an entity has data");
        let published = if data.get("publishedAt").is_none_or(Value::is_null) {
            "draft"
        } else {
            "published"
        };
        let known_by = |field: &str| data.get(field).and_then(Value::as_str).unwrap_or("-");
        let document = match data.get("documentId") {
            Some(_) => known_by("documentId").to_owned(),
            None => {
                let first = data.values().find_map(Value::as_str).unwrap_or("-");
                format!("{} {first:?}", known_by("createdAt"))
            }
        };
        let stem = format!("{uid} {document} {} {published}", known_by("locale"));
        let twins = (1..).map(|n| {
            if n == 1 {
                stem.clone()
            } else {
                format!("{stem} ({n})")
            }
        });
        let name = twins
            .into_iter()
            .find(|name| !items.contains_key(&format!("entity {name}")))
            .unwrap();

        names.ends.insert((uid.clone(), id), name.clone());
        names.name_components(&uid, data, &name);
        order.entry(uid).or_default().push(json!(name));
        items.insert(
            format!("entity {name}"),
            Value::Object(std::mem::take(data)),
        );
    }
    for (uid, names) in order {
        items.insert(format!("order of {uid}"), Value::Array(names));
    }
}

fn links(archive: &Archive, names: &Names, items: &mut BTreeMap<String, Value>) {
    for link in archive.jsonl("links") {
        let name = format!(
            "link {} -> {}",
            names.end(&link["left"]),
            names.end(&link["right"])
        );
        let what = json!({
            "kind": link["kind"],
            "relation": link["relation"],
            "positions": [link["left"]["pos"], link["right"]["pos"]],
        });
        // Two links between the same ends are told apart by their positions only.
        let found = items.entry(name).or_insert_with(|| json!([]));
        let found = found.as_array_mut().unwrap();
        found.push(what);
        found.sort_by_key(Value::to_string);
    }
}

fn configuration(archive: &Archive, items: &mut BTreeMap<String, Value>) {
    for item in archive.jsonl("configuration") {
        let row = without_id(&item["value"]);
        let key = text(&row, "key");
        if REWRITTEN_AT_EVERY_START.contains(&key.as_str()) {
            continue;
        }
        let name = match text(&item, "type").as_str() {
            "core-store" => format!("core-store {key} {} {}", row["environment"], row["tag"]),
            kind => format!("{kind} {}", row["name"]),
        };
        assert!(
            items.insert(name.clone(), row).is_none(),
            "{name} stands twice in the configuration"
        );
    }
}

fn without_id(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.remove("id");
    }
    value
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMAS: [&str; 3] = [
        r#"{"uid":"api::a.a","attributes":{"box":{"type":"component","component":"c.box"},"zone":{"type":"dynamiczone"}}}"#,
        r#"{"uid":"api::b.b","attributes":{"name":{"type":"string"}}}"#,
        r#"{"uid":"c.box","attributes":{"inner":{"type":"component","component":"c.box","repeatable":true}}}"#,
    ];
    const ENTITIES: [&str; 3] = [
        r#"{"type":"api::a.a","id":1,"data":{"documentId":"a1","locale":"en","publishedAt":null,"box":{"id":5,"inner":[{"id":6},{"id":7}]},"zone":[{"__component":"c.box","id":8}]}}"#,
        r#"{"type":"api::a.a","id":2,"data":{"documentId":"a1","locale":"en","publishedAt":"2020-01-01T00:00:00.000Z","box":null,"zone":[]}}"#,
        r#"{"type":"api::b.b","id":1,"data":{"documentId":"b1","name":"b"}}"#,
    ];
    const LINKS: [&str; 4] = [
        r#"{"kind":"relation.basic","relation":"manyToMany","left":{"type":"api::a.a","ref":1,"field":"bs","pos":1},"right":{"type":"api::b.b","ref":1,"field":"as","pos":2}}"#,
        r#"{"kind":"relation.basic","relation":"oneToOne","left":{"type":"c.box","ref":7,"field":"b"},"right":{"type":"api::b.b","ref":1}}"#,
        r#"{"kind":"relation.basic","relation":"oneToOne","left":{"type":"c.box","ref":8,"field":"b"},"right":{"type":"api::b.b","ref":1}}"#,
        r#"{"kind":"relation.circular","relation":"oneToMany","left":{"type":"api::a.a","ref":2,"field":"localizations"},"right":{"type":"api::a.a","ref":"a1"}}"#,
    ];
    const CONFIGURATION: [&str; 2] = [
        r#"{"type":"core-store","value":{"id":1,"key":"k","value":{"x":1},"type":"object","environment":null,"tag":null}}"#,
        r#"{"type":"webhook","value":{"id":1,"name":"hook","enabled":true}}"#,
    ];

    fn sample() -> Archive {
        let mut archive = Archive::default();
        let mut add =
            |name: &str, text: String| archive.entries.insert(name.to_owned(), text.into_bytes());
        add("schemas/schemas_00001.jsonl", SCHEMAS.join("\n"));
        add("entities/entities_00001.jsonl", ENTITIES.join("\n"));
        add("links/links_00001.jsonl", LINKS.join("\n"));
        add(
            "configuration/configuration_00001.jsonl",
            CONFIGURATION.join("\n"),
        );
        add("assets/uploads/x.txt", "bytes".to_owned());
        add(
            "assets/metadata/x.txt.json",
            r#"{"id":3,"name":"x"}"#.to_owned(),
        );
        add(
            "metadata.json",
            r#"{"createdAt":"now","strapi":{"version":"5.0.0"}}"#.to_owned(),
        );
        archive
    }

    fn changed(stage: &str, from: &str, to: &str) -> Archive {
        let mut archive = sample();
        let (_, bytes) = archive
            .entries
            .iter_mut()
            .find(|(name, _)| name.starts_with(stage))
            .unwrap();
        let before = String::from_utf8(bytes.clone()).unwrap();
        let after = before.replace(from, to);
        assert_ne!(before, after, "the test changed nothing");
        *bytes = after.into_bytes();
        archive
    }

    fn differences(changed: &Archive) -> Vec<String> {
        Canonical::of(&sample()).differences(&Canonical::of(changed))
    }

    #[test]
    fn ids_and_the_time_of_the_export_make_no_difference() {
        let mut renumbered = sample();
        for (name, bytes) in &mut renumbered.entries {
            let mut text = String::from_utf8(bytes.clone()).unwrap();
            if name.starts_with("entities") || name.starts_with("links") {
                for id in (1..=8).rev() {
                    text = text.replace(&format!("\"id\":{id}"), &format!("\"id\":{}", id + 40));
                    text = text.replace(&format!("\"ref\":{id}"), &format!("\"ref\":{}", id + 40));
                }
            } else if name.starts_with("configuration") || name.starts_with("assets/metadata") {
                text = text.replace("\"id\":", "\"id\":9");
            }
            *bytes = text.replace("\"now\"", "\"later\"").into_bytes();
        }
        assert_same(&sample(), &renumbered);
    }

    #[test]
    fn a_lost_link_is_a_difference() {
        let found = differences(&changed("links", LINKS[2], ""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("missing: link api::a.a a1 en draft.zone[0] #b -> api::b.b b1"),
            "{found:?}"
        );
    }

    #[test]
    fn a_link_that_appears_twice_is_a_difference() {
        let twice = format!("{}\n{}", LINKS[1], LINKS[1]);
        assert_eq!(differences(&changed("links", LINKS[1], &twice)).len(), 1);
    }

    #[test]
    fn a_link_to_another_row_is_a_difference() {
        let found = differences(&changed("links", r#""ref":"a1""#, r#""ref":"a2""#));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_link_to_a_row_that_is_not_there_is_a_difference() {
        let found = differences(&changed("links", r#""ref":8"#, r#""ref":9"#));
        assert!(
            found
                .iter()
                .any(|line| line.contains("c.box row 9, which is not in the archive")),
            "{found:?}"
        );
    }

    #[test]
    fn a_changed_position_is_a_difference() {
        for (from, to) in [
            (r#""pos":1"#, r#""pos":3"#),
            (r#""pos":2"#, r#""pos":3"#),
            (r#","pos":2"#, ""),
        ] {
            let found = differences(&changed("links", from, to));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("positions"), "{found:?}");
        }
    }

    #[test]
    fn a_moved_component_is_a_difference() {
        // The component with a link changes places with its neighbour: the data look the same, the link does not.
        let found = differences(&changed(
            "entities",
            r#"{"id":6},{"id":7}"#,
            r#"{"id":7},{"id":6}"#,
        ));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("box.inner[1] #b") && found[1].contains("box.inner[0] #b"),
            "{found:?}"
        );
        // It moves to another field.
        let moved = changed(
            "entities",
            r#""box":{"id":5,"inner":[{"id":6},{"id":7}]}"#,
            r#""box":{"id":5,"inner":[{"id":6}]}"#,
        );
        assert!(
            differences(&moved)
                .iter()
                .any(|line| line.contains("inner: expected"))
        );
    }

    #[test]
    fn a_changed_value_or_publication_is_a_difference() {
        assert_eq!(
            differences(&changed("entities", r#""name":"b""#, r#""name":"c""#)).len(),
            1
        );
        assert!(
            !differences(&changed(
                "entities",
                r#""publishedAt":null"#,
                r#""publishedAt":"2020""#
            ))
            .is_empty()
        );
    }

    #[test]
    fn rows_without_documents_are_known_by_their_creation_and_their_first_text() {
        let without_documents = |archive: &mut Archive| {
            for (name, bytes) in &mut archive.entries {
                if name.starts_with("entities") {
                    let text = String::from_utf8(bytes.clone()).unwrap();
                    let text = text.replace("documentId", "createdAt");
                    *bytes = text.into_bytes();
                }
            }
        };
        let (mut expected, mut actual) = (sample(), sample());
        without_documents(&mut expected);
        without_documents(&mut actual);
        assert_same(&expected, &actual);
        let mut actual = changed("entities", r#""name":"b""#, r#""name":"b","more":1"#);
        without_documents(&mut actual);
        let found = Canonical::of(&expected).differences(&Canonical::of(&actual));
        assert_eq!(
            found,
            [r#"entity api::b.b b1 "b1" - draft: .more is not expected"#]
        );
    }

    #[test]
    fn changed_rows_of_another_order_are_a_difference() {
        let swapped = [ENTITIES[1], ENTITIES[0], ENTITIES[2]].join("\n");
        let found = differences(&changed("entities", &ENTITIES.join("\n"), &swapped));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("order of api::a.a"), "{found:?}");
    }

    #[test]
    fn a_changed_byte_or_sidecar_of_an_asset_is_a_difference() {
        assert_eq!(
            differences(&changed("assets/uploads", "bytes", "bytes\n")).len(),
            1
        );
        assert_eq!(
            differences(&changed(
                "assets/metadata",
                r#""name":"x""#,
                r#""name":"y""#
            ))
            .len(),
            1
        );
    }

    #[test]
    fn a_changed_setting_webhook_or_schema_is_a_difference() {
        assert_eq!(
            differences(&changed("configuration", r#""x":1"#, r#""x":2"#)).len(),
            1
        );
        assert_eq!(
            differences(&changed("configuration", "hook\"", "hook2\"")).len(),
            2
        );
        assert_eq!(
            differences(&changed("schemas", "repeatable", "repeated")).len(),
            1
        );
    }
}
