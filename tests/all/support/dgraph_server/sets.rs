//! Export sets, read and written by the tests themselves.

use super::rdf::{self, Facet, Node, Object};
use super::schema::{self, Predicate, Schema};
use super::values::{Row, Said, converted, shaped};
use super::{Form, Held};
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use serde_json::{Map, Value, json};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// What a set holds of one namespace, without what is the server's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub schema: Schema,
    pub graphql: String,
    pub rows: Vec<Row>,
}

impl Contents {
    /// The rows as they are, in order.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.rows.iter().map(Row::line).collect();
        lines.sort();
        lines
    }

    /// The rows without their uids: two sets whose nodes have other uids are the same.
    pub fn shape(&self) -> Vec<String> {
        shape(&self.rows)
    }
}

impl Held {
    /// What it holds of a namespace.
    pub fn contents(&self, namespace: u64) -> Contents {
        let space = self.spaces.get(&namespace).cloned().unwrap_or_default();
        Contents {
            rows: space.rows().cloned().collect(),
            schema: space.schema,
            graphql: space.graphql,
        }
    }

    /// Exports it as a server of its form does, in this format: `json` or `rdf`.
    pub fn export(&self, folder: &Path, format: &str) {
        let is_old = self.form.is_old();
        let (mut schemas, mut rows, mut graphql) = (Vec::new(), Vec::new(), Vec::new());
        for namespace in self.spaces.keys() {
            let held = self.contents(*namespace);
            let prefix = match is_old {
                true => String::new(),
                false => format!("[{namespace:#x}] "),
            };
            let own = ("dgraph.type".to_owned(), Predicate::new("string", true));
            for (name, it) in held.schema.predicates.iter().chain([(&own.0, &own.1)]) {
                schemas.push(format!("{prefix}{}", it.line(name)));
            }
            for (name, fields) in &held.schema.types {
                let field = |it: &String| match it.starts_with('~') {
                    true => format!("\t<{it}>\n"),
                    false => format!("\t{it}\n"),
                };
                let fields: String = fields.iter().map(field).collect();
                schemas.push(format!("{prefix}type <{name}> {{\n{fields}}}\n"));
            }
            let shown = (!is_old).then_some(*namespace);
            for row in &held.rows {
                rows.push(match format {
                    "json" => format!("  {}", row.json(shown)).replace(":\"+Inf\"", ":+Inf"),
                    _ => row
                        .in_namespace(&shown.map_or_else(String::new, |it| format!(" <{it:#x}>"))),
                });
            }
            graphql.push(match is_old {
                true => held.graphql,
                false => json!({"Namespace": namespace, "Schema": held.graphql}).to_string(),
            });
        }
        // A predicate of a set comes before all types.
        schemas.sort_by_key(|it| it.contains("type <"));
        let rows = match format {
            "json" => format!("[\n{}\n]\n", rows.join(",\n")),
            _ => rows.iter().map(|it| format!("{it}\n")).collect(),
        };
        let graphql = match is_old {
            true => graphql.concat(),
            false => format!("[\n{}\n]\n", graphql.join(",\n")),
        };
        fs::create_dir_all(folder).expect("made");
        pack(&folder.join("g01.schema.gz"), &schemas.concat());
        pack(&folder.join(format!("g01.{format}.gz")), &rows);
        pack(&folder.join("g01.gql_schema.gz"), &graphql);
    }
}

/// Writes a file.
pub fn pack(path: &Path, text: &str) {
    pack_lines(path, [text.to_owned()]);
}

/// Writes a file of these lines, with what ends them, one after the other.
pub fn pack_lines(path: &Path, lines: impl IntoIterator<Item = String>) {
    let file = fs::File::create(path).expect("made");
    let mut out = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    for line in lines {
        out.write_all(line.as_bytes()).expect("written");
    }
    out.finish().expect("written");
}

fn unpack(folder: &Path, name: &str) -> Option<String> {
    let mut bytes = fs::read(folder.join(name)).ok()?;
    if let Ok(key) = fs::read(folder.join("enc.key")) {
        let rest = bytes.split_off(16);
        let mut cipher =
            ctr::Ctr128BE::<aes::Aes256>::new_from_slices(&key, &bytes).expect("a key");
        bytes = rest;
        cipher.apply_keystream(&mut bytes);
    }
    let mut text = String::new();
    let mut unpacked = flate2::read::GzDecoder::new(bytes.as_slice());
    unpacked.read_to_string(&mut text).expect("unpacked");
    Some(text)
}

/// Reads a set of one group, by namespace. Rows and schemas of the server itself are left out.
pub fn read(folder: &Path, format: &str) -> BTreeMap<u64, Contents> {
    let mut all: BTreeMap<u64, Contents> = BTreeMap::new();
    let mut texts: BTreeMap<u64, String> = BTreeMap::new();
    let (mut namespace, mut is_own) = (0, false);
    let mut is_type = false;
    for line in unpack(folder, "g01.schema.gz").expect("a schema").lines() {
        let mut line = line;
        if let Some((prefix, rest)) = line.strip_prefix('[').and_then(|it| it.split_once("] ")) {
            (namespace, line) = (rdf::uid(prefix).expect("a namespace"), rest);
        }
        if !is_type {
            is_own = line.starts_with("<dgraph.") || line.starts_with("type <dgraph.");
            is_type = line.starts_with("type ");
        }
        is_type &= !line.starts_with('}');
        if !is_own {
            let text = texts.entry(namespace).or_default();
            *text += line;
            *text += "\n";
        }
    }
    for (namespace, text) in texts {
        let schema = schema::read(&text, Form::V2503).expect("a schema");
        all.entry(namespace).or_default().schema = schema;
    }
    let graphql = unpack(folder, "g01.gql_schema.gz").unwrap_or_default();
    match serde_json::from_str::<Vec<Value>>(&graphql) {
        Ok(schemas) => {
            for it in schemas {
                let namespace = it["Namespace"].as_u64().expect("a number");
                let text = it["Schema"].as_str().unwrap_or_default();
                all.entry(namespace).or_default().graphql = text.to_owned();
            }
        }
        Err(_) => all.entry(0).or_default().graphql = graphql,
    }
    let rows = unpack(folder, &format!("g01.{format}.gz")).expect("rows");
    for line in rows.lines() {
        let (namespace, row) = match format {
            "json" => {
                let line = line.trim().trim_end_matches(',');
                if !line.starts_with('{') {
                    continue;
                }
                let line = line.replace(":+Inf}", ":\"+Inf\"}");
                let object: Map<String, Value> = serde_json::from_str(&line).expect("JSON");
                let text = object.get("namespace").and_then(Value::as_str);
                let namespace = text.and_then(rdf::uid).unwrap_or_default();
                let row = from_json(&object, &all.entry(namespace).or_default().schema);
                (namespace, row)
            }
            _ => {
                let Some(quad) = rdf::read(line).expect("a row") else {
                    continue;
                };
                let label = line.rsplit_once(" <").map_or("", |it| it.1);
                let label = label.split('>').next().and_then(rdf::uid);
                let is_labelled = line.matches("> <").count()
                    > usize::from(matches!(quad.object, Object::Node(_))) + 1
                    || !matches!(quad.object, Object::Node(_)) && line.contains("\" <0x");
                let namespace = label.filter(|_| is_labelled).unwrap_or_default();
                (
                    namespace,
                    from_rdf(quad, &all.entry(namespace).or_default().schema),
                )
            }
        };
        let is_own = row.predicate.starts_with("dgraph.")
            && !matches!(&row.said, Said::Value(_, text) if row.predicate == "dgraph.type" && !text.starts_with("dgraph."));
        if !is_own {
            all.entry(namespace).or_default().rows.push(row);
        }
    }
    all
}

fn known(schema: &Schema, name: &str) -> Predicate {
    let own = || {
        Predicate::new(
            if name.starts_with("dgraph.") {
                "string"
            } else {
                "default"
            },
            true,
        )
    };
    schema.predicates.get(name).cloned().unwrap_or_else(own)
}

fn from_rdf(quad: rdf::Quad, schema: &Schema) -> Row {
    let uid = |node: &Node| match node {
        Node::Uid(uid) => *uid,
        other => panic!("{other:?}"),
    };
    let said = match &quad.object {
        Object::Node(node) => Said::Node(uid(node)),
        Object::Value(text, kind) => {
            let to = known(schema, &quad.predicate);
            let (kind, text) =
                converted(kind.as_deref(), text, &to, &quad.predicate).expect("a value");
            Said::Value(kind, text)
        }
    };
    Row {
        uid: uid(&quad.subject),
        predicate: quad.predicate,
        lang: quad.lang,
        said,
        facets: quad.facets,
    }
}

fn from_json(object: &Map<String, Value>, schema: &Schema) -> Row {
    let uid = |it: &Value| rdf::uid(it["uid"].as_str().expect("a uid")).expect("a uid");
    let others = |it: &&String| !["uid", "namespace"].contains(&it.as_str()) && !it.contains('|');
    let name = object.keys().find(others).expect("a predicate");
    let (predicate, lang) = name.split_once('@').unwrap_or((name, ""));
    let mut all = object.clone();
    let said = match &object[name] {
        Value::Array(targets) => {
            let target = targets[0].as_object().expect("a node");
            all.extend(target.clone());
            Said::Node(uid(&targets[0]))
        }
        value => {
            let kind = known(schema, predicate).kind;
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let text = shaped(&kind, &text).expect("a value");
            Said::Value(kind, text)
        }
    };
    let facets = all.iter().filter_map(|(key, value)| {
        let facet = match value {
            Value::Number(number) => Facet::Number(number.as_f64().expect("a number").to_string()),
            other => Facet::Text(other.as_str().unwrap_or_default().to_owned()),
        };
        Some((key.split_once('|')?.1.to_owned(), facet))
    });
    Row {
        uid: uid(&Value::Object(object.clone())),
        predicate: predicate.to_owned(),
        lang: lang.to_owned(),
        said,
        facets: facets.collect(),
    }
}

fn hash(it: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish()
}

/// The rows with what each node is like in the place of its uid: what it says, what points at it, and what those are
/// like, over several steps.
fn shape(rows: &[Row]) -> Vec<String> {
    let mut like: HashMap<u64, u64> = HashMap::new();
    for _ in 0..6 {
        let mut seen: HashMap<u64, Vec<u64>> = HashMap::new();
        for row in rows {
            let of = |uid: &u64| like.get(uid).copied().unwrap_or_default();
            let tail = match &row.said {
                Said::Node(target) => {
                    let points = hash((&row.predicate, of(&row.uid), "points"));
                    seen.entry(*target).or_default().push(points);
                    hash((&row.predicate, of(target), format!("{:?}", row.facets)))
                }
                Said::Value(..) => hash(row.tail()),
            };
            seen.entry(row.uid).or_default().push(tail);
        }
        like = seen
            .into_iter()
            .map(|(uid, mut all)| {
                all.sort_unstable();
                (uid, hash(all))
            })
            .collect();
    }
    let of = |uid: &u64| like.get(uid).copied().unwrap_or_default();
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let subject = of(&row.uid);
            match &row.said {
                Said::Node(target) => format!(
                    "{subject:x} {} {:x} {:?}",
                    row.predicate,
                    of(target),
                    row.facets
                ),
                Said::Value(..) => format!("{subject:x} {}", row.tail()),
            }
        })
        .collect();
    lines.sort();
    lines
}
