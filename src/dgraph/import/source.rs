//! What is sent of a set: its rows, in requests that are cut alike each time, and its schemas.

use super::cutting::Cutter;
use crate::dgraph::graphql::GraphQl;
use crate::dgraph::rdf;
use crate::dgraph::row::{Node, Object, Row, TYPE, is_system};
use crate::dgraph::schema::{Predicate, Schema, Type};
use crate::dgraph::set::{Content, Context, ExportSet};
use crate::dgraph::verify::Verdict;
use crate::dgraph::{Dialect, Format};
use crate::error::{Error, Result};
use crate::hashing::Hasher;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What tells the rows of a request from others.
pub(super) type Digest = [u8; 8];

/// A row, and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub row: Row,
    /// The number of its file in the set.
    pub file: usize,
    /// Its line there, from 1.
    pub line: u64,
}

/// The rows of a request, all of one namespace.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Its number among all, from 0.
    pub number: usize,
    /// The number of the namespace among those that are sent.
    pub target: usize,
    pub rows: Vec<Placed>,
    /// About how many bytes its text and its rows have.
    pub weight: usize,
}

impl Chunk {
    /// What tells it from others, whatever uids its nodes get.
    pub fn digest(&self) -> Digest {
        let mut writer = rdf::Writer::new(Hasher(Sha256::new()), Dialect::Since2103);
        for placed in &self.rows {
            if writer.push(&placed.row).is_err() {
                // No request holds it; what it is about is enough.
                let mut hasher = writer.finish();
                hasher.0.update(placed.row.about());
                writer = rdf::Writer::new(hasher, Dialect::Since2103);
            }
        }
        let mut digest = Digest::default();
        digest.copy_from_slice(&writer.finish().0.finalize()[..8]);
        digest
    }
}

/// A set that was checked.
pub struct Source<'a> {
    pub(super) set: &'a ExportSet,
    schema: Schema,
    has_schema: bool,
    graphql: Vec<GraphQl>,
    dialect: Dialect,
    /// Its namespaces: those of rows and schemas that are not the server's own.
    namespaces: BTreeSet<u64>,
}

impl<'a> Source<'a> {
    /// What is to be sent of a set with this verdict.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): something is wrong with it. It cannot be read, or the user wants the run
    /// to stop.
    pub fn new(set: &'a ExportSet, verdict: &Verdict) -> Result<Self> {
        verdict.check()?;
        let (mut schema, mut has_schema) = (Schema::default(), false);
        let mut graphql: BTreeMap<u64, GraphQl> = BTreeMap::new();
        for file in set.files() {
            match file.content {
                Content::Schema => {
                    has_schema = true;
                    // Whether they fit together was checked.
                    schema.merge(set.schema(file)?);
                }
                Content::GraphQl => {
                    let read = set.graphql(file)?.schemas.into_iter();
                    let there = read.filter(|it| !it.schema.trim().is_empty());
                    graphql.extend(there.map(|it| (it.namespace, it)));
                }
                Content::Rows(_) => {}
            }
        }
        let mut namespaces = filled(verdict)?;
        let told = schema.predicates().iter().filter(|it| !is_system(&it.name));
        namespaces.extend(told.map(|it| it.namespace));
        namespaces.extend(graphql.keys());
        Ok(Self {
            set,
            schema,
            has_schema,
            graphql: graphql.into_values().collect(),
            dialect: verdict.dialect,
            namespaces,
        })
    }

    /// Whether rows of a namespace may have a predicate: where there is a schema, it has all of them.
    pub(super) fn may_have(&self, namespace: u64, predicate: &str) -> bool {
        !self.has_schema || self.schema.predicate(namespace, predicate).is_some()
    }

    /// Its namespaces.
    pub fn namespaces(&self) -> &BTreeSet<u64> {
        &self.namespaces
    }

    /// The name of a file.
    pub(super) fn file(&self, number: usize) -> &str {
        let file = self.set.files().get(number);
        file.map_or("", |it| it.name.as_str())
    }

    /// The schema of a namespace as servers of all versions take it: without namespaces, and without what is the server's
    /// own.
    pub(super) fn schema_of(&self, namespace: u64) -> Schema {
        let mut schema = Schema::default();
        let predicates = self.schema.predicates().iter();
        for it in predicates.filter(|it| it.namespace == namespace && !is_system(&it.name)) {
            // Each is there once, and stays so.
            let _ = schema.add(Predicate {
                namespace: 0,
                ..it.clone()
            });
        }
        let types = self.schema.types().iter();
        for it in types.filter(|it| it.namespace == namespace && !is_system(&it.name)) {
            let _ = schema.add_type(Type {
                namespace: 0,
                ..it.clone()
            });
        }
        schema
    }

    /// A predicate of the schema, where the set has one.
    pub(super) fn predicate(&self, namespace: u64, name: &str) -> Option<&Predicate> {
        self.schema.predicate(namespace, name)
    }

    /// The GraphQL schema of a namespace, where it has one.
    pub(super) fn graphql_of(&self, namespace: u64) -> Option<&str> {
        let found = self.graphql.iter().find(|it| it.namespace == namespace);
        found.map(|it| it.schema.as_str())
    }

    /// Reads the rows of these namespaces, and gives them in requests. Gives how many rows are the server's own, which are
    /// left out.
    ///
    /// # Errors
    /// What `give` says; the set cannot be read; or the user wants the run to stop.
    pub(super) fn read(
        &self,
        namespaces: &[u64],
        give: &mut dyn FnMut(Chunk) -> Result<()>,
    ) -> Result<u64> {
        let mut open = Cutter::default();
        let mut left_out = 0;
        for (number, file) in self.set.files().iter().enumerate() {
            let Content::Rows(format) = file.content else {
                continue;
            };
            let rdf = Content::Rows(Format::Rdf);
            let mut files = self.set.files().iter();
            let has_rdf = files.any(|it| it.group == file.group && it.content == rdf);
            // A group that is there in both formats counts once.
            if format == Format::Json && has_rdf {
                continue;
            }
            let context = Context {
                schema: self.has_schema.then_some(&self.schema),
                dialect: self.dialect,
                group: file.group,
            };
            let mut rows = self.set.rows(file, context)?;
            while let Some(row) = rows.next_row()? {
                let target = namespaces.iter().position(|it| *it == row.namespace);
                let Some(target) = target else { continue };
                if is_own(&row) {
                    left_out += 1;
                    continue;
                }
                let placed = Placed {
                    row,
                    file: number,
                    line: rows.line(),
                };
                open.push(target, placed, give)?;
            }
        }
        open.finish(give)?;
        Ok(left_out)
    }
}

/// The namespaces with rows that are not the server's own. What was not counted is none.
fn filled(verdict: &Verdict) -> Result<BTreeSet<u64>> {
    let counted: u64 = verdict.namespaces.values().map(|it| it.items).sum();
    if counted < verdict.rows.items {
        let count = verdict.namespaces.len();
        return Err(Error::failed(format!(
            "the set has more than {count} namespaces, which is too much for one import"
        ))
        .hint("split it"));
    }
    let mut own: BTreeMap<u64, u64> = BTreeMap::new();
    let predicates = verdict.predicates.iter();
    let predicates = predicates.filter(|((_, name), _)| is_system(name) && name != TYPE);
    let types = verdict
        .types
        .iter()
        .filter(|((_, name), _)| is_system(name));
    for ((namespace, _), count) in predicates.chain(types) {
        *own.entry(*namespace).or_default() += count.items;
    }
    let all = verdict.namespaces.iter();
    let filled = all.filter(|(it, count)| count.items > own.get(it).copied().unwrap_or_default());
    Ok(filled.map(|(it, _)| *it).collect())
}

/// Whether a row is the server's own: nobody may write those, and a server makes its own.
fn is_own(row: &Row) -> bool {
    let names_own = match &row.object {
        Object::Value { value, .. } => is_system(&value.text),
        Object::Edge(_) => false,
    };
    is_system(&row.predicate) && (row.predicate != TYPE || names_own)
}

/// The nodes of a row.
pub(super) fn nodes(row: &Row) -> impl Iterator<Item = &Node> {
    let target = match &row.object {
        Object::Edge(node) => Some(node),
        Object::Value { .. } => None,
    };
    std::iter::once(&row.subject).chain(target)
}
