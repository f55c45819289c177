//! The rows of a set, brought together node by node on disk.

use super::super::super::Format;
use super::super::super::row::{Node, Object, TYPE, is_system};
use super::super::super::set::{Content, Context, ExportSet};
use super::LOST_PREDICATE;
use super::known::Catalogue;
use crate::convert::placeless::Placeless;
use crate::error::Result;
use crate::sorting::{Sorted, Sorter};
use std::path::Path;

/// Stand before what is known of a node: its types come first.
const TYPED: u8 = 0;
const VALUE: u8 = 1;
const EDGE: u8 = 2;

/// Something that is known of a node.
#[derive(Debug, PartialEq, Eq)]
pub enum Fact<'b> {
    /// It is of the type with this number.
    Type(u32),
    /// It has a value.
    Value {
        /// The number of the predicate.
        predicate: u32,
        /// The language, which may be empty.
        language: &'b str,
        /// The value, as it is written.
        text: &'b str,
        /// Whether something stood beside it.
        has_facets: bool,
    },
    /// It leads to another node.
    Edge {
        /// The number of the predicate.
        predicate: u32,
        /// The key of the other node.
        target: &'b [u8],
        /// Whether something stood beside it.
        has_facets: bool,
    },
}

impl<'b> Fact<'b> {
    /// It, from the value of a record.
    pub fn read(bytes: &'b [u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let predicate = u32::from_be_bytes(*number);
        if *kind == TYPED {
            return Some(Self::Type(predicate));
        }
        // The place among the rows is for the order alone.
        let (facets, rest) = rest.get(8..)?.split_first()?;
        let has_facets = *facets != 0;
        if *kind == EDGE {
            return Some(Self::Edge {
                predicate,
                target: rest,
                has_facets,
            });
        }
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (language, text) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        Some(Self::Value {
            predicate,
            language: std::str::from_utf8(language).ok()?,
            text: std::str::from_utf8(text).ok()?,
            has_facets,
        })
    }
}

fn typed(number: u32) -> Vec<u8> {
    let mut out = vec![TYPED];
    out.extend_from_slice(&number.to_be_bytes());
    out
}

/// What stands before a value or a link.
fn begun(kind: u8, predicate: u32, place: u64, has_facets: bool) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&predicate.to_be_bytes());
    out.extend_from_slice(&place.to_be_bytes());
    out.push(u8::from(has_facets));
    out
}

/// A value, as it is sorted: by its predicate and its place. Rows are shorter than 4 GiB.
pub fn value(
    predicate: u32,
    place: u64,
    has_facets: bool,
    (language, text): (&str, &str),
) -> Vec<u8> {
    let mut record = begun(VALUE, predicate, place, has_facets);
    record.extend_from_slice(&(language.len() as u32).to_be_bytes());
    record.extend_from_slice(language.as_bytes());
    record.extend_from_slice(text.as_bytes());
    record
}

/// What a node is sorted by: numbers in their order, and names behind them.
pub fn key_of(node: &Node) -> Vec<u8> {
    match node {
        Node::Uid(uid) => [&[0][..], &uid.to_be_bytes()].concat(),
        named => [&[1], named.to_string().as_bytes()].concat(),
    }
}

/// What a node of this key is called.
pub fn id_of(key: &[u8]) -> String {
    match key.split_first() {
        Some((0, uid)) => match <[u8; 8]>::try_from(uid) {
            Ok(uid) => Node::Uid(u64::from_be_bytes(uid)).to_string(),
            Err(_) => String::new(),
        },
        Some((_, name)) => String::from_utf8_lossy(name).into_owned(),
        None => String::new(),
    }
}

/// Reads all rows, by the keys of their nodes. Where a group is there in RDF and in JSON, RDF counts. What the server has for
/// itself is left out.
///
/// # Errors
/// The set is damaged or cannot be read, it has rows of several namespaces, or the folder cannot be written to.
pub fn load(
    set: &ExportSet,
    catalogue: &mut Catalogue,
    spool: &Path,
    lost: &mut Placeless,
) -> Result<Sorted> {
    let mut sorter = Sorter::new(spool);
    let mut place = 0_u64;
    // Rows are read by the schema while types are taken in.
    let schema = std::mem::take(&mut catalogue.schema);
    for file in set.files() {
        let Content::Rows(format) = file.content else {
            continue;
        };
        let rdf = Content::Rows(Format::Rdf);
        let is_rdf =
            |it: &super::super::super::set::SetFile| it.group == file.group && it.content == rdf;
        if format == Format::Json && set.files().iter().any(is_rdf) {
            continue;
        }
        let context = Context {
            schema: Some(&schema),
            dialect: catalogue.dialect,
            group: file.group,
        };
        let mut rows = set.rows(file, context)?;
        while let Some(row) = rows.next_row()? {
            let key = || key_of(&row.subject);
            if row.predicate == TYPE {
                if let Object::Value { value, .. } = &row.object
                    && !is_system(&value.text)
                {
                    catalogue.check_namespace(row.namespace)?;
                    let number = catalogue.type_number(&value.text)?;
                    sorter.push(&key(), &typed(number))?;
                }
                continue;
            }
            if is_system(&row.predicate) {
                continue;
            }
            catalogue.check_namespace(row.namespace)?;
            let has_facets = !row.facets.is_empty();
            place += 1;
            let Some(number) = catalogue.predicate(&row.predicate) else {
                lost.add(
                    LOST_PREDICATE,
                    ("the node", &row.predicate, &row.subject.to_string()),
                );
                continue;
            };
            match &row.object {
                Object::Edge(target) => {
                    let mut record = begun(EDGE, number, place, has_facets);
                    record.extend_from_slice(&key_of(target));
                    sorter.push(&key(), &record)?;
                }
                Object::Value { value, language } => {
                    let language = language.as_deref().unwrap_or_default();
                    let record = self::value(number, place, has_facets, (language, &value.text));
                    sorter.push(&key(), &record)?;
                }
            }
        }
    }
    catalogue.schema = schema;
    sorter.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_in_the_order_of_their_numbers_and_called_as_before() {
        let nodes = [
            Node::Uid(9),
            Node::Uid(255),
            Node::Uid(u64::MAX),
            Node::Blank("a".into()),
            Node::Named("alice".into()),
        ];
        let keys: Vec<Vec<u8>> = nodes.iter().map(key_of).collect();
        assert!(keys.is_sorted());
        for (node, key) in nodes.iter().zip(&keys) {
            assert_eq!(id_of(key), node.to_string());
        }
    }

    #[test]
    fn facts_are_read_as_they_were_written() {
        assert_eq!(Fact::read(&typed(7)), Some(Fact::Type(7)));
        let mut value = begun(VALUE, 3, 1, true);
        value.extend_from_slice(&2_u32.to_be_bytes());
        value.extend_from_slice("enä".as_bytes());
        let fact = Fact::Value {
            predicate: 3,
            language: "en",
            text: "ä",
            has_facets: true,
        };
        assert_eq!(Fact::read(&value), Some(fact));
        assert!(typed(u32::MAX) < begun(VALUE, 0, 0, false));
        for cut in 0..value.len() - 4 {
            let _ = Fact::read(&value[..cut]);
        }
    }
}
