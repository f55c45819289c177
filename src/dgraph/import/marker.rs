//! Nodes that the server makes, where nothing leases uids: each once, whatever is lost on the way.
//!
//! A marker says of each which one of the set it is. It is made by an upsert: a query for the marker, and a row for what
//! was not found, in one transaction. Two of these with the same marker are in each other's way, since the predicate has
//! `@upsert`: the one that commits later is aborted. So a request whose answer is lost is sent again, and finds what the
//! first one made. At the end the predicate goes, and all markers with it. Its name holds the key of the import: two of
//! them at once do not take each other's away.

use super::each::each;
use super::occupied::{ask, list};
use super::table::{Key, Ranked};
use super::target::Target;
use super::writing::{Outcome, Writer, alter};
use crate::checking::{Event, Watch};
use crate::dgraph::row::{Node, number};
use crate::dgraph::server::text;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// What its name begins with.
const PREFIX: &str = "backup.import.";
/// How many nodes a request makes.
const NODES: u64 = 1_000;

/// The predicate that marks nodes.
pub(super) struct Marker {
    predicate: String,
}

impl Marker {
    /// That of the import with this key.
    pub fn of(key: &str) -> Self {
        Self {
            predicate: format!("{PREFIX}{key}"),
        }
    }

    /// What finds a node, in DQL.
    pub fn function(&self, node: &Node) -> String {
        self.equal(&Key::of(node))
    }

    fn equal(&self, key: &Key) -> String {
        format!("eq(<{}>, \"{}\")", self.predicate, key.text())
    }

    /// Finds all of these.
    fn found(&self, keys: &[Key]) -> String {
        let values: Vec<String> = keys.iter().map(|it| format!("\"{}\"", it.text())).collect();
        let (name, values) = (&self.predicate, values.join(","));
        format!("found(func: eq(<{name}>, [{values}])) {{ uid <{name}> }}\n")
    }

    /// Makes those of these that are not there.
    fn upsert(&self, keys: &[Key]) -> String {
        let name = &self.predicate;
        let mut query = self.found(keys);
        let mut set = String::new();
        for (at, key) in keys.iter().enumerate() {
            query.push_str(&format!("v{at} as var(func: {})\n", self.equal(key)));
            set.push_str(&format!("uid(v{at}) <{name}> \"{}\" .\n", key.text()));
        }
        format!("upsert {{\nquery {{\n{query}}}\nmutation {{\nset {{\n{set}}}\n}}\n}}\n")
    }

    /// Sees that the server has it.
    pub fn add(&self, target: &Target) -> Result<()> {
        let schema = format!("<{}>: string @index(exact) @upsert .\n", self.predicate);
        self.alter(target, &schema)
    }

    /// Takes it away, and with it all markers.
    pub fn remove(&self, target: &Target) -> Result<()> {
        self.alter(target, &json!({ "drop_attr": self.predicate }).to_string())
    }

    fn alter(&self, target: &Target, body: &str) -> Result<()> {
        let server = &target.server;
        match alter(server, body).map_err(|it| target.within(it))? {
            Outcome::Taken(_) => Ok(()),
            Outcome::Refused(said) => {
                let what = format!("the predicate {}", self.predicate);
                Err(target.within(server.refused(&what, &[said])))
            }
        }
    }
}

/// What makes nodes.
pub(super) struct Maker<'a> {
    pub marker: &'a Marker,
    pub target: &'a Target,
    pub writer: &'a Writer,
    /// Whether earlier runs may have made some.
    pub has_begun: bool,
    pub watch: &'a dyn Watch,
}

impl Maker<'_> {
    /// Makes all nodes that are not there; gives the uids of all.
    ///
    /// # Errors
    /// The server does not answer, or makes none; or the user wants the run to stop.
    pub fn make(&self, table: &super::table::Table, scratch: &Path) -> Result<Ranked> {
        let uids = Ranked::new(scratch, table.count)?;
        let starts = (0..table.count).step_by(NODES as usize);
        self.watch.on(Event::Began {
            what: "nodes",
            items: Some(table.count),
        });
        let made = each(
            |give| starts.into_iter().try_for_each(give),
            |start| {
                let keys = table.keys(start, NODES)?;
                uids.set(start, &self.uids(&keys)?)?;
                self.watch.on(Event::Advanced {
                    items: keys.len() as u64,
                    bytes: 0,
                });
                Ok(())
            },
        );
        self.watch.on(Event::Ended);
        made.map(|()| uids)
    }

    fn uids(&self, keys: &[Key]) -> Result<Vec<u64>> {
        let within = |error| self.target.within(error);
        let server = &self.target.server;
        let mut known = HashMap::new();
        if self.has_begun {
            let query = format!("{{ {} }}", self.marker.found(keys));
            let there = ask(server, &query, "the question which nodes are there");
            self.take_found(&there.map_err(within)?, &mut known);
            if let Some(uids) = all(keys, &known) {
                return Ok(uids);
            }
        }
        let upsert = self.marker.upsert(keys);
        let outcome = self.writer.rows(server, upsert.as_bytes());
        let data = match outcome.map_err(within)? {
            Outcome::Taken(data) => data,
            Outcome::Refused(said) => return Err(within(server.refused("new nodes", &[said]))),
        };
        if let Some(queries) = data.get("queries").and_then(Value::as_object) {
            self.take_found(queries, &mut known);
        }
        for (at, key) in keys.iter().enumerate() {
            let name = format!("uid(v{at})");
            let uid = data.get("uids").and_then(|it| text(it, &name));
            if let Some(uid) = uid.and_then(number) {
                known.entry(key.text()).or_insert(uid);
            }
        }
        all(keys, &known).ok_or_else(|| {
            let what = format!(
                "{} does not say which uids nodes got, of each its own",
                server.endpoint()
            );
            Error::failed(what).hint(
                "name a Zero with --zero, which leases uids; and see what the server's log says",
            )
        })
    }

    /// Takes the nodes of an answer.
    fn take_found(&self, data: &Map<String, Value>, known: &mut HashMap<String, u64>) {
        for node in list(data, "found") {
            let value = text(node, &self.marker.predicate);
            let uid = text(node, "uid").and_then(number);
            if let (Some(value), Some(uid)) = (value, uid) {
                known.entry(value.to_owned()).or_insert(uid);
            }
        }
    }
}

/// The uids of all of these, where all are known, and each is that of one alone.
fn all(keys: &[Key], known: &HashMap<String, u64>) -> Option<Vec<u64>> {
    let uids = keys.iter().map(|it| known.get(&it.text()).copied());
    let uids: Vec<u64> = uids.collect::<Option<_>>()?;
    let apart: HashSet<u64> = uids.iter().copied().filter(|it| *it > 0).collect();
    (apart.len() == keys.len()).then_some(uids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_uid_is_that_of_two_nodes_or_of_none() {
        let nodes = [Node::Uid(5), Node::Uid(6)];
        let keys: Vec<Key> = nodes.iter().map(Key::of).collect();
        let known = |uids: [u64; 2]| {
            let texts = keys.iter().map(Key::text);
            texts.zip(uids).collect::<HashMap<_, _>>()
        };
        assert_eq!(all(&keys, &known([7, 8])), Some(vec![7, 8]));
        for wrong in [[7, 7], [0, 8], [0, 0]] {
            assert_eq!(all(&keys, &known(wrong)), None);
        }
    }
}
