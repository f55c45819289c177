//! An archive in a form that does not depend on the ids of rows.
//!
//! `strapi import` gives every row a new id, so what it took in can only be compared with what it was given when rows
//! are told apart by something else. Here an entity is known by type, document, language and publication, a component
//! by the path that leads to it from its entity, and a link by its two ends. Strapi 4 has no documents; there the moment
//! at which a row was created, which an import keeps, and its first text stand for the document.

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

/// The same archive without the links to rows that it does not hold, and how many those are.
pub fn without_links_to_nothing(archive: &Archive) -> (Archive, usize) {
    let names = Names::of(archive, &mut BTreeMap::new());
    let mut whole = archive.clone();
    let mut count = 0;
    for (name, bytes) in &mut whole.entries {
        if !name.starts_with("links/") {
            continue;
        }
        let lines = std::str::from_utf8(bytes).unwrap().lines();
        let (kept, gone): (Vec<&str>, Vec<&str>) = lines.partition(|line| {
            let link: Value = serde_json::from_str(line).unwrap();
            ["left", "right"].iter().all(|end| names.knows(&link[end]))
        });
        count += gone.len();
        *bytes = kept.join("\n").into_bytes();
    }
    (whole, count)
}

impl Canonical {
    /// The content of an archive.
    pub fn of(archive: &Archive) -> Canonical {
        let mut items = BTreeMap::new();
        let names = Names::of(archive, &mut items);
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
    /// Names the rows of an archive, and puts its schemas and entities among the items.
    fn of(archive: &Archive, items: &mut BTreeMap<String, Value>) -> Names {
        let mut names = Names {
            schemas: HashMap::new(),
            ends: HashMap::new(),
        };
        for schema in archive.jsonl("schemas") {
            let uid = text(&schema, "uid");
            items.insert(format!("schema {uid}"), schema.clone());
            names.schemas.insert(uid, schema);
        }
        entities(archive, &mut names, items);
        names
    }

    /// Whether one end of a link is a row in the archive.
    fn knows(&self, end: &Value) -> bool {
        let id = end["ref"].as_u64();
        id.is_none_or(|id| self.ends.contains_key(&(text(end, "type"), id)))
    }

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
#[path = "canonical_tests.rs"]
mod tests;
