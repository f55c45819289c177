//! Which node of Dgraph stands for a node of a conversion.

use super::super::row::Node;
use crate::convert::mapping::Mapping;
use std::collections::HashMap;

/// The uids below it are left to the server: what it holds for itself has such.
const FIRST: u64 = 1 << 16;

/// Gives nodes their uids: the same in every run, and so that those of one type lie apart by the number of types. So no
/// table of them is needed.
#[derive(Debug)]
pub struct Uids {
    /// The numbers of types by what ids begin with.
    tags: HashMap<String, u64>,
}

impl Uids {
    /// Those of these types.
    pub fn new(mapping: &Mapping) -> Self {
        let tags = mapping.types.iter().map(|own| own.tag.clone());
        Self {
            tags: tags.zip(0..).collect(),
        }
    }

    /// The node of this id. Ids without a number of 32 bits are names of blank nodes, to which loaders give uids.
    pub fn node(&self, id: &str) -> Node {
        let found = id.rsplit_once('_').and_then(|(tag, number)| {
            let parsed = number.parse::<u32>().ok()?;
            (parsed.to_string() == number).then_some((*self.tags.get(tag)?, u64::from(parsed)))
        });
        match found {
            Some((model, number)) => Node::Uid(FIRST + number * self.tags.len() as u64 + model),
            None => Node::Blank(id.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_a_uid_of_its_own() {
        let tags = ["article", "cBox", "file"].map(str::to_owned);
        let uids = Uids {
            tags: tags.into_iter().zip(0..).collect(),
        };
        assert_eq!(uids.node("article_0"), Node::Uid(FIRST));
        assert_eq!(uids.node("file_0"), Node::Uid(FIRST + 2));
        assert_eq!(uids.node("article_1"), Node::Uid(FIRST + 3));
        for id in [
            "article_-1",
            "article_4294967296",
            "x0123",
            "other_1",
            "article_01",
        ] {
            assert_eq!(uids.node(id), Node::Blank(id.to_owned()));
        }
    }
}
