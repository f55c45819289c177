//! The schema of a set beside that of the server: what is new goes there, what is the same is left alone, and what differs
//! is told before anything is changed.
//!
//! `/alter` defines a predicate or a type anew, and without a word also where there are values of it: an index or an
//! `@upsert` that the statement does not have is gone (`checkSchema` and `runSchemaMutation` of its source refuse little else
//! than links that are to become values).

use super::occupied::{ask, list};
use super::target::Target;
use crate::dgraph::Dialect;
use crate::dgraph::row::{GALAXY, is_system};
use crate::dgraph::schema::{Directive, Field, Kind, Predicate, Schema, Type};
use crate::dgraph::server::text;
use crate::error::{Error, Kind as Failure, Result};
use serde_json::Value;
use std::collections::HashMap;

/// How many differences are told one by one.
const NAMED: usize = 100;
/// How long a definition may be that is told, in bytes.
const SHOWN: usize = 200;
/// Suffixes that have no arguments, with the names that they have in an answer to `schema {}`.
const SUFFIXES: [(&str, &str); 5] = [
    ("count", "count"),
    ("lang", "lang"),
    ("upsert", "upsert"),
    ("unique", "unique"),
    ("noconflict", "no_conflict"),
];

/// Whose definition counts where server and set have different ones of a predicate or a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// That of the server.
    Keep,
    /// That of the set.
    Replace,
}

/// What becomes of two schemas.
#[derive(Debug, Default)]
pub(super) struct Fit {
    /// What goes to the server.
    send: Schema,
    /// The definitions that differ: their names, with both forms.
    pub differ: Vec<String>,
    /// Those of them under which values of the set have no place.
    misfits: Vec<String>,
    /// The types of the server that get more fields.
    joined: Vec<String>,
}

/// The schema of the namespace in the server.
///
/// # Errors
/// It does not answer, or does not know who asks; or the user wants the run to stop.
pub(super) fn there(target: &Target) -> Result<Schema> {
    let answer = ask(&target.server, "schema {}", "the question for its schema");
    let answer = answer.map_err(|it| target.within(it))?;
    let mut schema = Schema::default();
    for predicate in list(&answer, "schema").iter().filter_map(predicate) {
        // The groups of a cluster have predicates of their own.
        let _ = schema.add(predicate);
    }
    for of in list(&answer, "types").iter().filter_map(type_of) {
        let _ = schema.add_type(of);
    }
    Ok(schema)
}

fn predicate(node: &Value) -> Option<Predicate> {
    let name = text(node, "predicate").filter(|it| !is_system(it))?;
    let is = |name: &str| node.get(name).and_then(Value::as_bool) == Some(true);
    let mut directives = Vec::new();
    let mut add = |name: &str, arguments| {
        directives.push(Directive {
            name: name.to_owned(),
            arguments,
        });
    };
    if is("reverse") {
        add("reverse", None);
    }
    let tokenizers = node.get("tokenizer").and_then(Value::as_array);
    let tokenizers: Vec<&str> = tokenizers
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !tokenizers.is_empty() {
        add("index", Some(tokenizers.join(", ")));
    }
    for (suffix, field) in SUFFIXES {
        if is(field) {
            add(suffix, None);
        }
    }
    Some(Predicate {
        namespace: GALAXY,
        name: name.to_owned(),
        kind: Kind::named(text(node, "type").unwrap_or("default")),
        is_list: is("list"),
        directives,
    })
}

fn type_of(node: &Value) -> Option<Type> {
    let name = text(node, "name").filter(|it| !is_system(it))?;
    let fields = node.get("fields").and_then(Value::as_array);
    let fields = fields.into_iter().flatten();
    let fields = fields.filter_map(|it| text(it, "name")).map(|name| {
        let reverse = name.strip_prefix('~');
        Field {
            name: reverse.unwrap_or(name).to_owned(),
            is_reverse: reverse.is_some(),
        }
    });
    Some(Type {
        namespace: GALAXY,
        name: name.to_owned(),
        fields: fields.collect(),
    })
}

/// A predicate in the one form that its equals have: suffixes in the order of servers, and only those that they tell.
fn canonical(of: &Predicate) -> Predicate {
    let mut directives = Vec::new();
    let plain = |name: &str| Directive {
        name: name.to_owned(),
        arguments: None,
    };
    if of.has("reverse") {
        directives.push(plain("reverse"));
    }
    let indexes = of.directives.iter().filter(|it| it.name == "index");
    let indexes = indexes.filter_map(|it| it.arguments.as_deref());
    let mut tokenizers: Vec<String> = indexes.flat_map(tokenizers).collect();
    tokenizers.sort_unstable();
    tokenizers.dedup();
    if !tokenizers.is_empty() {
        directives.push(Directive {
            arguments: Some(tokenizers.join(",")),
            ..plain("index")
        });
    }
    let suffixes = SUFFIXES.iter().filter(|(name, _)| of.has(name));
    directives.extend(suffixes.map(|(name, _)| plain(name)));
    Predicate {
        directives,
        ..of.clone()
    }
}

/// The tokenizers in the arguments of an index. Options of one have quotes around their names in answers, and none in
/// schemas: `hnsw("metric":"euclidean")`, `hnsw(metric:"euclidean")`.
fn tokenizers(arguments: &str) -> Vec<String> {
    let (mut all, mut depth) = (vec![String::new()], 0_u32);
    for sign in arguments.chars().filter(|it| !it.is_whitespace()) {
        match sign {
            '"' => continue,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = all.last_mut() {
            last.extend(sign.to_lowercase());
        }
    }
    let sorted = |it: String| match it.strip_suffix(')').and_then(|it| it.split_once('(')) {
        Some((name, options)) => {
            let mut options: Vec<&str> = options.split(',').collect();
            options.sort_unstable();
            format!("{name}({})", options.join(","))
        }
        None => it,
    };
    let all = all.into_iter().filter(|it| !it.is_empty());
    all.map(sorted).collect()
}

/// Whether all values that one definition allows have their place under another one.
fn has_room(there: &Predicate, set: &Predicate) -> bool {
    there.kind == set.kind
        && (there.is_list || !set.is_list)
        && (there.has("lang") || !set.has("lang"))
}

/// A definition as a message has it.
fn told(of: &Predicate) -> String {
    let mut alone = Schema::default();
    let _ = alone.add(Predicate {
        namespace: GALAXY,
        ..of.clone()
    });
    let text = alone.text(Dialect::Before2103).unwrap_or_default();
    shortened(text.trim().trim_end_matches(" ."))
}

fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(SHOWN);
    match end < text.len() {
        true => format!("{}...", &text[..end]),
        false => text.to_owned(),
    }
}

impl Fit {
    /// What becomes of a schema of a set and that of a server, both without namespaces.
    pub fn of(set: &Schema, there: &Schema, precedence: Precedence) -> Self {
        let mut fit = Self::default();
        for own in set.predicates() {
            if let Some(theirs) = there.predicate(GALAXY, &own.name) {
                if canonical(theirs) == canonical(own) {
                    continue;
                }
                let both = format!("the server has {}, the set {}", told(theirs), told(own));
                if !has_room(theirs, own) {
                    fit.misfits.push(both.clone());
                }
                fit.differ.push(both);
                if precedence == Precedence::Keep {
                    continue;
                }
            }
            let _ = fit.send.add(own.clone());
        }
        let types: HashMap<&str, &Type> = there
            .types()
            .iter()
            .map(|it| (it.name.as_str(), it))
            .collect();
        for own in set.types() {
            let Some(theirs) = types.get(own.name.as_str()) else {
                let _ = fit.send.add_type(own.clone());
                continue;
            };
            let more: Vec<&Field> = missing(own, theirs);
            if precedence == Precedence::Replace {
                let gone = missing(theirs, own);
                if !(more.is_empty() && gone.is_empty()) {
                    let _ = fit.send.add_type(own.clone());
                }
                if !gone.is_empty() {
                    fit.differ.push(format!(
                        "the type {} of the server has {}, that of the set has not",
                        shortened(&own.name),
                        names(&gone)
                    ));
                }
            } else if !more.is_empty() {
                fit.joined.push(format!(
                    "the type {} of the server gets {} of that of the set",
                    shortened(&own.name),
                    names(&more)
                ));
                let fields = theirs.fields.iter().chain(more).cloned();
                let _ = fit.send.add_type(Type {
                    fields: fields.collect(),
                    ..own.clone()
                });
            }
        }
        fit
    }

    /// The text that goes to the server.
    pub fn text(&self) -> Result<String> {
        self.send.text(Dialect::Before2103)
    }

    /// Whether the server has all of the set's already, and no more in what both have.
    pub fn is_nothing(&self) -> bool {
        self.differ.is_empty() && self.send.predicates().is_empty() && self.send.types().is_empty()
    }

    /// That nothing can be sent before somebody has said whose definitions count.
    pub fn undecided(&self) -> Error {
        let what = "the server holds nodes, and defines some of it otherwise than the set:";
        Error::new(Failure::Schema, what)
            .listing(some(&self.differ))
            .hint(
                "nothing was changed: --schema keep leaves the definitions of the server as they are, and adds what is new; \
                 --schema replace puts those of the set in their place, also for the nodes that are there",
            )
    }

    /// Sees that all values of the set have their place where the definitions of the server stay.
    ///
    /// # Errors
    /// Kind [`Schema`](Failure::Schema): they have not.
    pub fn check(&self) -> Result<()> {
        if self.misfits.is_empty() {
            return Ok(());
        }
        let what = "values of the set have no place under definitions of the server:";
        Err(Error::new(Failure::Schema, what)
            .listing(some(&self.misfits))
            .hint(
                "nothing was changed: --schema replace puts the definitions of the set in their place; or rename these \
                 predicates in a copy of the set",
            ))
    }

    /// What should be known of it, a line each.
    pub fn notes(&self, precedence: Precedence) -> Vec<String> {
        let which = match precedence {
            Precedence::Keep => "that of the server stays",
            Precedence::Replace => "that of the set takes its place",
        };
        let differ = self.differ.iter().map(|it| format!("{it}: {which}"));
        let all: Vec<String> = differ.chain(self.joined.iter().cloned()).collect();
        some(&all)
    }
}

/// The fields of one type that another has not.
fn missing<'a>(of: &'a Type, from: &Type) -> Vec<&'a Field> {
    let fields = of.fields.iter();
    fields.filter(|it| !from.fields.contains(it)).collect()
}

fn names(fields: &[&Field]) -> String {
    let names = fields.iter().map(|it| match it.is_reverse {
        true => format!("~{}", it.name),
        false => it.name.clone(),
    });
    shortened(&names.collect::<Vec<_>>().join(", "))
}

/// As many of these as are told.
pub(super) fn some(all: &[String]) -> Vec<String> {
    let mut some: Vec<String> = all.iter().take(NAMED).cloned().collect();
    if all.len() > NAMED {
        some.push(format!("and {} more", all.len() - NAMED));
    }
    some
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(text: &str) -> Schema {
        Schema::parse(text, "x").expect("a schema")
    }

    #[test]
    fn what_a_server_tells_of_its_schema_is_what_was_sent_to_it() {
        let set = schema(
            "<name>:string @index(term, exact) @lang @upsert .\n<v>:float32vector @index(hnsw(metric:\"euclidean\", exponent:\"5\")) .\n\
             <friend>:[uid] @reverse @count .\n<key>:string @index(hash) @upsert @unique .\n<n>:int @noconflict .\n<Big>:Default .\n",
        );
        let nodes = [
            json!({"predicate": "name", "type": "string", "index": true, "tokenizer": ["exact", "term"], "upsert": true, "lang": true}),
            json!({"predicate": "v", "type": "float32vector", "tokenizer": ["hnsw(\"exponent\":\"5\",\"metric\":\"euclidean\")"], "index_specs": []}),
            json!({"predicate": "friend", "type": "uid", "reverse": true, "count": true, "list": true}),
            json!({"predicate": "key", "type": "string", "index": true, "tokenizer": ["hash"], "upsert": true, "unique": true}),
            json!({"predicate": "n", "type": "int", "no_conflict": true}),
            json!({"predicate": "Big", "type": "default"}),
        ];
        let mut there = Schema::default();
        for node in &nodes {
            there.add(predicate(node).expect("one")).expect("added");
        }
        let fit = Fit::of(&set, &there, Precedence::Keep);
        assert!(fit.differ.is_empty(), "{:?}", fit.differ);
        assert_eq!(fit.text().expect("a text"), "");
        assert!(predicate(&json!({"predicate": "dgraph.xid", "type": "string"})).is_none());
    }

    #[test]
    fn what_differs_is_told_with_both_forms_and_goes_or_stays() {
        let there = schema(
            "<name>:string @index(exact, term) @upsert .\n<list>:[string] .\n<one>:uid .\ntype <Person> {\n\tname\n\tsecret\n}\n",
        );
        let set = schema(
            "<name>:string @index(exact) .\n<list>:string .\n<one>:[uid] .\n<new>:int .\ntype <Person> {\n\tname\n\tnew\n\t<~one>\n}\n",
        );
        let keep = Fit::of(&set, &there, Precedence::Keep);
        assert_eq!(keep.differ.len(), 3);
        let both = "the server has <name>:string @index(exact, term) @upsert, the set <name>:string @index(exact)";
        assert_eq!(keep.differ[0], both);
        // Several links have no place where there may be one.
        assert_eq!(keep.misfits.len(), 1);
        assert!(keep.check().is_err());
        let text = keep.text().expect("a text");
        assert_eq!(
            text,
            "<new>:int . \ntype <Person> {\n\tname\n\tsecret\n\tnew\n\t<~one>\n}\n"
        );
        let notes = keep.notes(Precedence::Keep);
        assert!(
            notes[3].ends_with("gets new, ~one of that of the set"),
            "{notes:?}"
        );
        let replace = Fit::of(&set, &there, Precedence::Replace);
        assert_eq!(
            replace.text().expect("a text"),
            set.text(Dialect::Before2103).expect("a text")
        );
        assert!(
            replace.differ[3].contains("has secret"),
            "{:?}",
            replace.differ
        );
    }
}
