//! What there is to be sent: read once before anything is, so that it is known what tells it from any other set.

use super::source::{Digest, Source, nodes};
use super::table::{Nodes, Table};
use crate::checking::{Event, Watch};
use crate::dgraph::row::{Node, Object, Row};
use crate::dgraph::{Dialect, rdf};
use crate::error::Result;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// How many rows are looked for later, to see that what earlier runs sent is still there.
const SAMPLES: usize = 64;

/// A row that can be looked for.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// The number of its request.
    pub request: usize,
    /// The number of its namespace among those that are sent.
    pub target: usize,
    /// Its file and its line.
    pub place: (usize, u64),
    pub node: Node,
    pub predicate: String,
}

/// What there is to be sent.
pub struct Survey {
    /// The namespaces that are sent.
    pub(super) namespaces: Vec<u64>,
    /// How many rows.
    pub rows: u64,
    /// How many are the server's own, and left out.
    pub left_out: u64,
    /// What tells each request from others.
    pub(super) digests: Vec<Digest>,
    /// The greatest uid.
    pub(super) greatest: u64,
    /// The nodes.
    pub(super) table: Table,
    pub(super) samples: Vec<Sample>,
    /// What tells all of it from any other.
    content: String,
}

impl Survey {
    /// Reads what is sent of these namespaces. What is sorted goes to files without names in `scratch`.
    ///
    /// # Errors
    /// The set cannot be read, the folder cannot be written to, or the user wants the run to stop.
    pub fn of(
        source: &Source<'_>,
        namespaces: &[u64],
        scratch: &Path,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let mut all = Nodes::new(scratch);
        let (mut rows, mut greatest) = (0, 0);
        let mut digests = Vec::new();
        let mut samples = Samples::default();
        watch.on(Event::Began {
            what: "requests",
            items: None,
        });
        let left_out = source.read(namespaces, &mut |chunk| {
            digests.push(chunk.digest());
            rows += chunk.rows.len() as u64;
            for placed in &chunk.rows {
                for node in nodes(&placed.row) {
                    all.push(node)?;
                    if let Node::Uid(uid) = node {
                        greatest = greatest.max(*uid);
                    }
                }
            }
            let suited = chunk.rows.iter().find(|it| is_found(&it.row));
            if let Some(placed) = suited {
                samples.push(Sample {
                    request: chunk.number,
                    target: chunk.target,
                    place: (placed.file, placed.line),
                    node: placed.row.subject.clone(),
                    predicate: placed.row.predicate.clone(),
                });
            }
            watch.on(Event::Advanced {
                items: 1,
                bytes: chunk.weight as u64,
            });
            Ok(())
        });
        watch.on(Event::Ended);
        let left_out = left_out?;
        let mut hasher = Sha256::new();
        digests.iter().for_each(|it| hasher.update(it));
        for namespace in namespaces {
            hasher.update(namespace.to_be_bytes());
            hasher.update(source.schema_of(*namespace).text(Dialect::Before2103)?);
            hasher.update([0]);
            hasher.update(source.graphql_of(*namespace).unwrap_or_default());
        }
        let content = hasher.finalize();
        Ok(Self {
            namespaces: namespaces.to_vec(),
            rows,
            left_out,
            digests,
            greatest,
            table: all.finish(source.set.interrupt())?,
            samples: samples.list,
            content: content[..16].iter().map(|it| format!("{it:02x}")).collect(),
        })
    }

    /// How many requests it is sent in.
    pub fn requests(&self) -> usize {
        self.digests.len()
    }

    /// What tells its content from any other.
    pub(super) fn content(&self) -> &str {
        &self.content
    }
}

/// Whether a row is found by asking whether its node has the predicate: of one with a language servers do not say that, and
/// one that RDF has no form for is never sent.
fn is_found(row: &Row) -> bool {
    let is_plain = match &row.object {
        Object::Value { language, .. } => language.is_none(),
        Object::Edge(_) => true,
    };
    is_plain && rdf::check(row, Dialect::Since2103).is_ok()
}

/// Samples that are spread evenly, however many requests there will be.
#[derive(Default)]
struct Samples {
    list: Vec<Sample>,
    /// One of so many requests is taken.
    stride: usize,
}

impl Samples {
    fn push(&mut self, sample: Sample) {
        self.stride = self.stride.max(1);
        if !sample.request.is_multiple_of(self.stride) {
            return;
        }
        self.list.push(sample);
        if self.list.len() > SAMPLES {
            self.stride *= 2;
            let stride = self.stride;
            self.list.retain(|it| it.request.is_multiple_of(stride));
        }
    }
}
