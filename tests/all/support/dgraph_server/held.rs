//! What a server holds: namespaces with schemas and rows, and how it takes more.

use super::Form;
use super::rdf::{Node, Object, Quad};
use super::schema::{Predicate, Schema};
use super::values::{Row, Said, converted};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

/// A namespace.
#[derive(Clone, Debug, Default)]
pub struct Space {
    pub schema: Schema,
    /// Its schema in GraphQL; empty for none.
    pub graphql: String,
    /// By predicate, node, and what tells a value of one predicate from others.
    rows: BTreeMap<String, BTreeMap<(u64, String), Row>>,
}

/// What went into a server that keeps no rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: u64,
    /// The sum of the hashes of the rows, so that their order does not count.
    pub sum: u64,
}

impl Tally {
    pub fn add(&mut self, line: &str) {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

/// All that a server holds.
#[derive(Clone, Debug)]
pub struct Held {
    pub form: Form,
    pub spaces: BTreeMap<u64, Space>,
    /// The greatest uid that was handed out; none above it may be written.
    pub lease: u64,
    /// The uids that blank nodes were given.
    pub made: BTreeSet<u64>,
    /// How often each row came in transactions that were committed, by its text. No row of a marker is among them.
    pub sent: BTreeMap<String, u32>,
    /// Counts rows in place of keeping them.
    pub tally: Option<Tally>,
}

/// What came of rows.
pub struct Taken {
    /// What was made, by the name of the blank node or `uid(v)`.
    pub uids: BTreeMap<String, u64>,
    pub predicates: BTreeSet<String>,
}

/// The nodes that queries have found, by their variables.
pub type Variables = BTreeMap<String, Vec<u64>>;

impl Space {
    /// The rows, without those of the server itself.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let own = |name: &str| name.starts_with("dgraph.") && name != "dgraph.type";
        let all = self.rows.iter().filter(move |it| !own(it.0));
        all.flat_map(|it| it.1.values()).filter(
            |it| !matches!(&it.said, Said::Value(_, text) if it.predicate == "dgraph.type" && text.starts_with("dgraph.")),
        )
    }

    /// The rows of a node under a predicate.
    pub fn of(&self, uid: u64, predicate: &str) -> impl Iterator<Item = &Row> {
        let rows = self.rows.get(predicate);
        let range = (uid, String::new())..(uid.saturating_add(1), String::new());
        rows.into_iter()
            .flat_map(move |it| it.range(range.clone()).map(|it| it.1))
    }

    /// All rows of a predicate.
    pub fn under(&self, predicate: &str) -> impl Iterator<Item = &Row> {
        self.rows
            .get(predicate)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    fn insert(&mut self, row: Row) {
        let known = self.schema.predicates.get(&row.predicate);
        let is_list = row.predicate == "dgraph.type" || known.is_some_and(|it| it.is_list);
        let slot = match row.lang.as_str() {
            "" if is_list => row.object(),
            "" => String::new(),
            lang => format!("@{lang}"),
        };
        let rows = self.rows.entry(row.predicate.clone()).or_default();
        rows.insert((row.uid, slot), row);
    }

    /// Removes a predicate with its rows.
    pub fn drop_predicate(&mut self, name: &str) {
        self.schema.predicates.remove(name);
        self.rows.remove(name);
    }

    /// Removes all rows; the schema stays.
    pub fn drop_rows(&mut self) {
        self.rows.clear();
    }

    /// Whether a predicate or a row is left whose name begins so.
    pub fn has_any(&self, prefix: &str) -> bool {
        let mut names = self.schema.predicates.keys().chain(self.rows.keys());
        names.any(|it| it.starts_with(prefix))
    }
}

impl Held {
    /// Nothing at all.
    pub fn new(form: Form) -> Held {
        Held {
            form,
            spaces: [(0, Space::default())].into(),
            lease: 0,
            made: BTreeSet::new(),
            sent: BTreeMap::new(),
            tally: None,
        }
    }

    /// Namespaces with access control: each has its group of guardians and its groot.
    pub fn with_access_control(mut self, namespaces: &[u64]) -> Held {
        self.spaces.clear();
        for namespace in namespaces {
            let space = self.spaces.entry(*namespace).or_default();
            for (name, kind) in [
                ("guardians", "dgraph.type.Group"),
                ("groot", "dgraph.type.User"),
            ] {
                self.lease += 1;
                for (predicate, text) in [("dgraph.xid", name), ("dgraph.type", kind)] {
                    space.insert(Row {
                        uid: self.lease,
                        predicate: predicate.into(),
                        lang: String::new(),
                        said: Said::Value("string".into(), text.into()),
                        facets: BTreeMap::new(),
                    });
                }
            }
        }
        self
    }

    /// Hands out so many uids: the first and the last of them.
    pub fn assign(&mut self, count: u64) -> Result<(u64, u64), String> {
        if count == 0 {
            return Err("Nothing to be leased".into());
        }
        let first = self.lease + 1;
        self.lease = self
            .lease
            .checked_add(count)
            .ok_or("Cannot lease more uids")?;
        Ok((first, self.lease))
    }

    /// Takes rows into a namespace: all of them, or none.
    pub fn take(
        &mut self,
        namespace: u64,
        quads: &[Quad],
        found: &Variables,
    ) -> Result<Taken, String> {
        let mut uids = BTreeMap::new();
        for quad in quads {
            let target = match &quad.object {
                Object::Node(node) => Some(node),
                Object::Value(..) => None,
            };
            for node in [Some(&quad.subject), target].into_iter().flatten() {
                match node {
                    Node::Uid(uid) if *uid > self.lease => {
                        let lease = self.lease;
                        return Err(format!(
                            "Uid: [{uid}] cannot be greater than lease: [{lease}]"
                        ));
                    }
                    Node::Uid(_) => {}
                    Node::Blank(name) => drop(uids.insert(name.clone(), 0)),
                    Node::Variable(name) => {
                        let known = found.get(name).ok_or_else(|| {
                            format!("Some variables are used but not defined\nDefined:[]\nUsed:[{name}]\n")
                        })?;
                        if known.is_empty() {
                            uids.insert(format!("uid({name})"), 0);
                        }
                    }
                }
            }
        }
        let (first, _) = match uids.len() as u64 {
            0 => (0, 0),
            count => (self.lease + 1, self.lease + count),
        };
        for (at, uid) in uids.values_mut().enumerate() {
            *uid = first + at as u64;
        }
        let mut schema = self.spaces.entry(namespace).or_default().schema.clone();
        let mut rows = Vec::new();
        for quad in quads {
            let predicate = predicate(&mut schema, quad)?;
            let of = |node: &Node| match node {
                Node::Uid(uid) => vec![*uid],
                Node::Blank(name) => vec![uids[name]],
                Node::Variable(name) if found[name].is_empty() => {
                    vec![uids[&format!("uid({name})")]]
                }
                Node::Variable(name) => found[name].clone(),
            };
            let said: Vec<Said> = match &quad.object {
                Object::Node(_) if predicate.kind != "uid" => {
                    let name = &quad.predicate;
                    return Err(format!(
                        "Input for predicate {name:?} of type scalar is uid. Edge: entity"
                    ));
                }
                Object::Node(node) => of(node).into_iter().map(Said::Node).collect(),
                Object::Value(text, kind) => {
                    if !quad.lang.is_empty() && !predicate.has("@lang") {
                        let name = &quad.predicate;
                        return Err(format!(
                            "Attr: [{name}] should have @lang directive in schema to mutate edge: [value:{text:?}]"
                        ));
                    }
                    let (kind, text) =
                        converted(kind.as_deref(), text, &predicate, &quad.predicate)?;
                    vec![Said::Value(kind, text)]
                }
            };
            for (uid, said) in of(&quad.subject)
                .into_iter()
                .flat_map(|uid| said.clone().into_iter().map(move |said| (uid, said)))
            {
                rows.push(Row {
                    uid,
                    predicate: quad.predicate.clone(),
                    lang: quad.lang.clone(),
                    said,
                    facets: quad.facets.clone(),
                });
            }
        }
        let predicates = rows.iter().map(|it| it.predicate.clone()).collect();
        let space = self.spaces.entry(namespace).or_default();
        space.schema = schema;
        for row in rows {
            match &mut self.tally {
                Some(tally) => tally.add(&row.line()),
                None => {
                    let line = format!("{namespace:#x} {}", row.line());
                    *self.sent.entry(line).or_default() += 1;
                    space.insert(row);
                }
            }
        }
        self.lease += uids.len() as u64;
        if self.tally.is_none() {
            self.made.extend(uids.values());
        }
        Ok(Taken { uids, predicates })
    }
}

/// The predicate of a row. One that the schema lacks is made from it.
fn predicate(schema: &mut Schema, quad: &Quad) -> Result<Predicate, String> {
    let name = &quad.predicate;
    if let Some(known) = schema.predicates.get(name) {
        return Ok(known.clone());
    }
    if name == "dgraph.type" {
        return Ok(Predicate {
            directives: vec!["@index(exact)".into()],
            ..Predicate::new("string", true)
        });
    }
    if name.starts_with("dgraph.graphql.") {
        return Err(format!("Cannot mutate graphql reserved predicate {name}"));
    }
    if name.starts_with("dgraph.") {
        return Err(format!(
            "Can't store predicate `{name}` as it is prefixed with `dgraph.` which is reserved as the namespace for \
             dgraph's internal types/predicates."
        ));
    }
    let made = match &quad.object {
        Object::Node(_) => Predicate::new("uid", true),
        Object::Value(..) => Predicate::new("default", false),
    };
    schema.predicates.insert(name.clone(), made.clone());
    Ok(made)
}
