//! What a service holds, by the rules of its server: it only adds, no two nodes have one id, and no link is there twice.

use super::Kept;
use serde_json::{Value, json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What a service holds.
#[derive(Clone, Default)]
pub struct Held {
    /// By id, as they came.
    pub nodes: BTreeMap<String, Value>,
    /// The values of lists, by id and field; with the type.
    pub lists: BTreeMap<(String, String), (String, Vec<Value>)>,
    /// As they came; with the ends in order, to find them again.
    pub relations: Vec<Value>,
    /// The server's bug: the links of the second of these relations, by the fields on both ends, are exported with the ids
    /// of the first, since both stand in one table.
    pub mistaken: Option<[[&'static str; 2]; 2]>,
    /// Nodes are exported as this writes them.
    pub rewritten: Option<fn(&Value) -> Value>,
    edges: BTreeSet<String>,
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// What a link is known by: its ids.
fn edge(value: &Value) -> String {
    let mut ends = [text(&value[0], "id"), text(&value[1], "id")];
    ends.sort();
    let mut fields = [text(&value[0], "fieldName"), text(&value[1], "fieldName")];
    fields.sort();
    format!("{ends:?} {fields:?}")
}

impl Held {
    /// Fails unless two services hold the same.
    #[track_caller]
    pub fn is_same(&self, other: &Held, place: &str) {
        let sorted = |held: &Held| {
            let mut relations: Vec<String> = held.relations.iter().map(Value::to_string).collect();
            relations.sort();
            relations
        };
        assert_eq!(self.nodes.len(), other.nodes.len(), "{place}: nodes");
        assert!(self.nodes == other.nodes, "{place}: nodes differ");
        assert!(self.lists == other.lists, "{place}: lists differ");
        assert!(sorted(self) == sorted(other), "{place}: relations differ");
    }

    /// Takes what was sent, or as much of it as is kept. Gives the answer.
    pub fn import(&mut self, body: &Value, kept: Kept) -> String {
        let values = body["values"].as_array().cloned().unwrap_or_default();
        let count = match kept {
            Kept::Nothing => 0,
            Kept::Half => values.len() / 2,
            Kept::All => values.len(),
        };
        let mut errors = Vec::new();
        for value in values.into_iter().take(count) {
            match body["valueType"].as_str() {
                Some("nodes") => {
                    let (id, name) = (text(&value, "id"), text(&value, "_typeName"));
                    match self.nodes.entry(id) {
                        Entry::Vacant(entry) => {
                            entry.insert(value);
                        }
                        Entry::Occupied(entry) => errors.push(format!(
                            "Failure inserting {name} with Id: {}. Cause: duplicate key value violates unique constraint",
                            entry.key()
                        )),
                    }
                }
                Some("lists") => {
                    let (id, name) = (text(&value, "id"), text(&value, "_typeName"));
                    let fields = value.as_object().into_iter().flatten();
                    let list = fields
                        .into_iter()
                        .find(|(key, _)| !["id", "_typeName"].contains(&key.as_str()));
                    let Some((field, Value::Array(values))) = list else {
                        continue;
                    };
                    if !self.nodes.contains_key(&id) {
                        errors.push(format!("Failure inserting into listTable {name}_{field} for the id {id}. Cause: violates foreign key constraint"));
                        continue;
                    }
                    let held = self
                        .lists
                        .entry((id, field.clone()))
                        .or_insert((name, Vec::new()));
                    held.1.extend(values.iter().cloned());
                }
                _ => {
                    if self.edges.insert(edge(&value)) {
                        self.relations.push(value);
                    } else {
                        let (one, other) = (text(&value[0], "id"), text(&value[1], "id"));
                        errors.push(format!("Failure inserting into relationtable _X with ids {one} and {other}. Cause: duplicate key"));
                    }
                }
            }
        }
        json!(errors).to_string()
    }

    fn elements(&self, kind: &str) -> Vec<Value> {
        match kind {
            "nodes" => {
                let write = self.rewritten.unwrap_or(Value::clone);
                self.nodes.values().map(write).collect()
            }
            "lists" => {
                let lists = self.lists.iter();
                let rows = lists.map(|((id, field), (name, values))| json!({"_typeName": name, "id": id, field: values}));
                rows.collect()
            }
            _ => self.exported(),
        }
    }

    fn exported(&self) -> Vec<Value> {
        let Some([first, second]) = self.mistaken else {
            return self.relations.clone();
        };
        let is_of = |value: &Value, fields: [&str; 2]| {
            let named = |at: usize| text(&value[at], "fieldName");
            fields.contains(&named(0).as_str()) && fields.contains(&named(1).as_str())
        };
        let mut out = self.relations.clone();
        out.retain(|value| !is_of(value, second));
        let others = out.iter().filter(|value| is_of(value, first)).cloned();
        let others: Vec<Value> = others
            .map(|mut value| {
                for at in 0..2 {
                    let is_first = value[at]["fieldName"] == first[0];
                    value[at]["fieldName"] = json!(second[usize::from(!is_first)]);
                }
                value
            })
            .collect();
        out.extend(others);
        out
    }

    /// A page of so many characters at most, from a cursor on. Gives the answer.
    pub fn export(&self, body: &Value, page: usize) -> String {
        let elements = self.elements(body["fileType"].as_str().unwrap_or_default());
        let row = body["cursor"]["row"].as_u64().unwrap_or_default() as usize;
        let (mut size, mut next) = (0, row);
        let mut taken = Vec::new();
        for element in elements.iter().skip(row) {
            let text = element.to_string();
            if size > 0 && size + text.len() > page {
                break;
            }
            size += text.len();
            next += 1;
            taken.push(text);
        }
        let is_over = next >= elements.len();
        let cursor = match is_over {
            true => json!({"table": -1, "row": -1, "field": -1, "array": -1}),
            false => json!({"table": 0, "row": next, "field": 0, "array": 0}),
        };
        format!(
            "{{\"out\":{{\"jsonElements\":[{}],\"size\":{size}}},\"cursor\":{cursor},\"isFull\":{}}}",
            taken.join(","),
            !is_over
        )
    }
}
