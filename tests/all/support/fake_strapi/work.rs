//! What a push does to the rows of the modelled site, within its transaction.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::site::Site;

/// Content as the transaction sees it.
pub(super) struct Work {
    entities: Vec<Value>,
    links: Vec<Value>,
    configuration: Vec<Value>,
    /// The new id of a row or component of this type that was sent under an old id.
    new_ids: HashMap<(String, u64), u64>,
    last_ids: HashMap<String, u64>,
    schemas: Map<String, Value>,
    major: u32,
}

/// What came of a link.
pub(super) enum Linked {
    Yes,
    /// An end was not sent; this is what Strapi says of it.
    Skipped(String),
}

impl Work {
    /// A transaction on a site.
    pub fn on(site: &Site) -> Work {
        let mut last_ids = HashMap::new();
        for row in &site.entities {
            each_id(row, &site.schemas, &mut |uid, id| {
                let last = last_ids.entry(uid.to_owned()).or_insert(0);
                *last = id.max(*last);
            });
        }
        Work {
            entities: site.entities.clone(),
            links: site.links.clone(),
            configuration: site.configuration.clone(),
            new_ids: HashMap::new(),
            last_ids,
            schemas: site.schemas.clone(),
            major: site.major(),
        }
    }

    /// Makes the work the site.
    pub fn commit(self, site: &mut Site) {
        site.entities = self.entities;
        site.links = self.links;
        site.configuration = self.configuration;
    }

    /// Deletes what `restore` says.
    pub fn delete(&mut self, restore: &Value) {
        let list = |field: &str| restore["entities"][field].as_array();
        let holds = |list: &[Value], uid: &str| list.iter().any(|name| name == uid);
        let deleted = |uid: &str| {
            let protected = self.major >= 5 && uid.starts_with("admin::");
            let excluded = list("exclude").is_some_and(|list| holds(list, uid));
            let included = list("include").is_none_or(|list| holds(list, uid));
            included && !excluded && !protected
        };
        self.entities
            .retain(|row| !deleted(row["type"].as_str().unwrap()));
        let mut there = BTreeSet::new();
        for row in &self.entities {
            each_id(row, &self.schemas, &mut |uid, id| {
                there.insert((uid.to_owned(), id));
            });
        }
        let stays = |end: &Value| {
            let uid = end["type"].as_str().unwrap_or_default().to_owned();
            end["ref"]
                .as_u64()
                .is_none_or(|id| there.contains(&(uid, id)))
        };
        self.links
            .retain(|link| stays(&link["left"]) && stays(&link["right"]));
        let all = list("include").is_none();
        let emptied = |kind: &str| all || restore["configuration"][kind] != false;
        let (store, hooks) = (emptied("coreStore"), emptied("webhook"));
        self.configuration
            .retain(|item| match item["type"].as_str() {
                Some("webhook") => !hooks,
                _ => !store,
            });
    }

    /// Writes a row under a new id; or says why not.
    pub fn insert(&mut self, row: &Value) -> Result<(), String> {
        let uid = row["type"].as_str().unwrap_or_default();
        if self.major >= 5 && uid.starts_with("admin::") {
            return Err(format!(
                "Remote push cannot transfer protected type \"{uid}\" at {uid}"
            ));
        }
        if !self.schemas.contains_key(uid) && !uid.starts_with("admin::") {
            return Err(format!(
                "Remote push received invalid relation payload at {uid}: unknown schema \"{uid}\""
            ));
        }
        let mut row = row.clone();
        let id = self.renumber(uid, &row["id"]);
        row["id"] = id.into();
        let mut data = row["data"].take();
        self.renumber_components(uid, &mut data);
        row["data"] = data;
        self.entities.push(row);
        Ok(())
    }

    /// Writes a link between rows that were sent.
    pub fn link(&mut self, link: &Value) -> Linked {
        let mut link = link.clone();
        for side in ["left", "right"] {
            let end = &mut link[side];
            let Some(id) = end["ref"].as_u64() else {
                continue;
            };
            let uid = end["type"].as_str().unwrap_or_default().to_owned();
            match self.new_ids.get(&(uid.clone(), id)) {
                Some(id) => end["ref"] = (*id).into(),
                // Strapi 4 takes the old id for one of its own, and its database refuses what leads nowhere.
                None if self.major < 5 && self.is_there(&uid, id) => {}
                None => {
                    return Linked::Skipped(format!(
                        "Skipping link: no mapping found for {uid}:{id}"
                    ));
                }
            }
        }
        let field_of = |end: &Value| -> Option<bool> {
            let schema = self.schemas.get(end["type"].as_str()?)?;
            Some(schema["attributes"].get(end["field"].as_str()?).is_some())
        };
        // A field that does not exist is accepted, and nothing is written.
        if field_of(&link["left"]) != Some(false) {
            self.links.push(link);
        }
        Linked::Yes
    }

    fn is_there(&self, uid: &str, id: u64) -> bool {
        let mut found = false;
        for row in &self.entities {
            each_id(row, &self.schemas, &mut |of, its| {
                found |= of == uid && its == id;
            });
        }
        found
    }

    /// Writes an item of the configuration. One of an unknown kind is accepted, and nothing is written.
    pub fn configure(&mut self, item: &Value) {
        if matches!(item["type"].as_str(), Some("core-store" | "webhook")) {
            let mut item = item.clone();
            item["value"]["id"] = (self.configuration.len() + 1).into();
            self.configuration.push(item);
        }
    }

    /// Whether a file's row was sent under this id.
    pub fn knows_file(&self, id: &Value) -> bool {
        let id = id.as_u64().unwrap_or_default();
        self.new_ids
            .contains_key(&("plugin::upload.file".to_owned(), id))
    }

    /// Writes into the row of a file where it lies by now.
    pub fn put(&mut self, sidecar: &Value, name: &str) {
        let id = sidecar["id"].as_u64().unwrap_or_default();
        let id = self.new_ids[&("plugin::upload.file".to_owned(), id)];
        let mut rows = self.entities.iter_mut();
        let row = rows.find(|row| row["type"] == "plugin::upload.file" && row["id"] == id);
        let data = &mut row.unwrap()["data"];
        let place = match sidecar["type"].as_str() {
            None => data,
            Some(kind) if data["formats"].get(kind).is_some() => &mut data["formats"][kind],
            Some(_) => return,
        };
        place["url"] = format!("/uploads/{name}").into();
        if sidecar.get("type").is_none() {
            place["provider"] = "local".into();
        }
    }

    fn renumber(&mut self, uid: &str, old: &Value) -> u64 {
        let last = self.last_ids.entry(uid.to_owned()).or_insert(0);
        *last += 1;
        if let Some(old) = old.as_u64() {
            self.new_ids.insert((uid.to_owned(), old), *last);
        }
        *last
    }

    fn renumber_components(&mut self, uid: &str, data: &mut Value) {
        let attributes = match self.schemas.get(uid) {
            Some(schema) => schema["attributes"].clone(),
            None => return,
        };
        for (name, attribute) in attributes.as_object().into_iter().flatten() {
            let Some(of) = component_of(attribute) else {
                continue;
            };
            let Some(value) = data.get_mut(name) else {
                continue;
            };
            let list = match value {
                Value::Array(list) => &mut list[..],
                one => std::slice::from_mut(one),
            };
            for component in list.iter_mut().filter(|one| one.is_object()) {
                let named = component["__component"].as_str().map(str::to_owned);
                let uid = named.unwrap_or_else(|| of.to_owned());
                component["id"] = self.renumber(&uid, &component["id"].clone()).into();
                self.renumber_components(&uid, component);
            }
        }
    }
}

/// What `getMetadata` answers.
pub(super) fn metadata(site: &Site) -> Value {
    json!({"createdAt": "2026-11-21T10:53:26.531Z", "strapi": {"version": site.version}})
}

/// The component that an attribute holds; an empty name where each says what it is.
fn component_of(attribute: &Value) -> Option<&str> {
    match attribute["type"].as_str()? {
        "component" => attribute["component"].as_str(),
        "dynamiczone" => Some(""),
        _ => None,
    }
}

/// Names a row, and the components in it.
fn each_id(row: &Value, schemas: &Map<String, Value>, with: &mut dyn FnMut(&str, u64)) {
    fn descend(
        uid: &str,
        data: &Value,
        schemas: &Map<String, Value>,
        with: &mut dyn FnMut(&str, u64),
    ) {
        let attributes = schemas
            .get(uid)
            .and_then(|schema| schema["attributes"].as_object());
        for (name, attribute) in attributes.into_iter().flatten() {
            let Some(of) = component_of(attribute) else {
                continue;
            };
            let list = match &data[name] {
                Value::Array(list) => &list[..],
                one => std::slice::from_ref(one),
            };
            for component in list.iter().filter(|one| one.is_object()) {
                let uid = component["__component"].as_str().unwrap_or(of);
                with(uid, component["id"].as_u64().unwrap_or_default());
                descend(uid, component, schemas, with);
            }
        }
    }
    let uid = row["type"].as_str().unwrap_or_default();
    with(uid, row["id"].as_u64().unwrap_or_default());
    descend(uid, &row["data"], schemas, with);
}
