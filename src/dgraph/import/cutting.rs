//! How rows become requests: which ones go together.

use super::source::{Chunk, Placed, nodes};
use crate::dgraph::escape::quoted;
use crate::dgraph::row::{Node, Object, Row};
use crate::error::Result;
use std::collections::BTreeMap;

/// How many rows a request has at the most: those of the live loader have as many.
const ROWS: usize = 1_000;
/// How many bytes it has, as [`weight`] counts them, unless one row alone has more.
const BYTES: usize = 4 << 20;
/// How many bytes those have together that are not whole yet, one for each namespace.
const OPEN: usize = 16 << 20;
/// What a row and a facet take in memory beside their texts, about; the same on every machine, so that requests are cut
/// alike.
const ROW: usize = 256;
const FACET: usize = 64;

/// The requests that are not whole yet, one for each namespace. When one is cut follows from what was read alone: each run
/// that goes on with an import cuts alike.
#[derive(Default)]
pub(super) struct Cutter {
    parts: BTreeMap<usize, (Vec<Placed>, usize)>,
    /// How many bytes all of them have.
    weight: usize,
    /// The number of the next request.
    next: usize,
}

impl Cutter {
    /// Takes a row; gives what is whole with it, or has to go so that there is room for it.
    ///
    /// # Errors
    /// What `give` says.
    pub fn push(
        &mut self,
        target: usize,
        placed: Placed,
        give: &mut dyn FnMut(Chunk) -> Result<()>,
    ) -> Result<()> {
        let weight = weight(&placed.row);
        let held = self.parts.get(&target).map_or(0, |(_, held)| *held);
        if held > 0 && held + weight > BYTES {
            self.send(target, give)?;
        }
        while self.weight > 0 && self.weight + weight > OPEN {
            let parts = self.parts.iter();
            let Some((largest, _)) = parts.max_by_key(|(_, (_, held))| *held) else {
                break;
            };
            self.send(*largest, give)?;
        }
        let (rows, held) = self.parts.entry(target).or_default();
        rows.push(placed);
        *held += weight;
        self.weight += weight;
        // What is whole is not kept until there is another row.
        match rows.len() >= ROWS || *held >= BYTES {
            true => self.send(target, give),
            false => Ok(()),
        }
    }

    fn send(&mut self, target: usize, give: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        let Some((rows, weight)) = self.parts.remove(&target) else {
            return Ok(());
        };
        self.weight -= weight;
        let number = self.next;
        self.next += 1;
        give(Chunk {
            number,
            target,
            rows,
            weight,
        })
    }

    /// Gives the rest.
    ///
    /// # Errors
    /// What `give` says.
    pub fn finish(mut self, give: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        while let Some((&target, _)) = self.parts.first_key_value() {
            self.send(target, give)?;
        }
        Ok(())
    }
}

/// About how many bytes a row has as it is sent, and in memory, whatever uids its nodes get.
fn weight(row: &Row) -> usize {
    let value = match &row.object {
        Object::Value { value, .. } => quoted(&value.text),
        Object::Edge(_) => 0,
    };
    let facets = row.facets.iter();
    let facets = facets.map(|it| FACET + it.key.len() + quoted(&it.text));
    let names = nodes(row).map(|it| match it {
        Node::Uid(_) => 0,
        Node::Blank(name) | Node::Named(name) => name.len(),
    });
    let value = value + names.sum::<usize>();
    ROW + value + row.predicate.len() + facets.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dgraph::row::{Scalar, Value};

    fn row(namespace: u64, text: String) -> Placed {
        let row = Row {
            subject: Node::Uid(1),
            namespace,
            predicate: "name".into(),
            object: Object::Value {
                value: Value {
                    scalar: Scalar::String,
                    text,
                },
                language: None,
            },
            facets: Vec::new(),
        };
        Placed {
            row,
            file: 0,
            line: 1,
        }
    }

    /// The targets of the requests, their rows, and what was held at the most.
    fn cut(rows: impl Iterator<Item = (usize, String)>) -> (Vec<(usize, usize)>, usize) {
        let (mut open, mut most) = (Cutter::default(), 0);
        let mut cut = Vec::new();
        let mut give = |chunk: Chunk| {
            assert_eq!(chunk.number, cut.len());
            cut.push((chunk.target, chunk.rows.len()));
            Ok(())
        };
        for (target, text) in rows {
            open.push(target, row(0, text), &mut give).expect("taken");
            most = most.max(open.weight);
        }
        open.finish(&mut give).expect("given");
        (cut, most)
    }

    #[test]
    fn unfinished_requests_of_many_namespaces_are_bounded_together_and_cut_alike() {
        let rows = || (0..90).map(|at| (at % 60, "x".repeat(400 << 10)));
        let (first, most) = cut(rows());
        assert!(most <= OPEN, "{most}");
        assert_eq!(first.iter().map(|(_, rows)| rows).sum::<usize>(), 90);
        assert_eq!(cut(rows()).0, first);
        let (small, _) = cut((0..2_500).map(|at| (at % 2, String::new())));
        assert_eq!(small, [(0, 1_000), (1, 1_000), (0, 250), (1, 250)]);
    }

    #[test]
    fn the_weight_of_a_row_is_that_of_what_is_sent() {
        let (cut, most) = cut((0..12).map(|_| (0, "<".repeat(1 << 19))));
        assert_eq!(cut, [(0, 1); 12]);
        assert!(most < BYTES, "{most}");
    }
}
