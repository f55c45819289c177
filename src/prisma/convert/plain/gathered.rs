//! What is known of a node, as far as a line of an archive may be long.

use super::values::Holds;
use super::{LIST, NO_FIELD, NO_NODE, NODE};
use crate::convert::placeless::Placeless;
use crate::convert::plain::ContentType;
use crate::prisma::ndf::ListRow;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Bytes of values that are taken apart at once.
const TOGETHER: usize = 64 << 10;

/// What is known of a node.
#[derive(Default)]
pub struct Gathered {
    /// The node, as JSON.
    pub node: Option<String>,
    /// The values of its lists, by their fields.
    pub lists: BTreeMap<String, Values>,
    bytes: usize,
    /// The last field that has no place.
    lost: String,
}

/// The values of a list: `None` where they are longer than they may be.
pub struct Values(Option<Vec<String>>);

impl Values {
    /// Gives each of them, as JSON, until it is enough; gives whether it was all of them. They are gone one after the other.
    pub fn each(self, each: &mut dyn FnMut(&str) -> bool) -> bool {
        let Some(parts) = self.0 else { return false };
        parts.into_iter().all(|mut part| {
            part.push(']');
            let values: Vec<&RawValue> = serde_json::from_str(&part).unwrap_or_default();
            values.into_iter().all(|it| each(it.get()))
        })
    }
}

impl Gathered {
    /// Takes one more of a node of this type and id, a node before its lists; gives whether it may be.
    pub fn take(
        &mut self,
        value: &[u8],
        (own, id): (&ContentType<Holds>, &str),
        longest: usize,
        lost: &mut Placeless,
    ) -> bool {
        match value.split_first() {
            Some((&NODE, text)) => {
                self.bytes += text.len();
                let text = String::from_utf8_lossy(text).into_owned();
                self.node.replace(text).is_none()
            }
            Some((&LIST, rest)) => {
                let text = String::from_utf8_lossy(rest.get(8..).unwrap_or_default());
                if let Ok(row) = ListRow::parse(&text) {
                    self.list(&row, (own, id), longest, lost);
                }
                true
            }
            _ => true,
        }
    }

    fn list(
        &mut self,
        row: &ListRow<'_>,
        (own, id): (&ContentType<Holds>, &str),
        longest: usize,
        lost: &mut Placeless,
    ) {
        let field = &*row.field;
        let why = match &self.node {
            None => Some(NO_NODE),
            Some(_) => (!own.takes_list(field)).then_some(NO_FIELD),
        };
        if let Some(why) = why {
            if self.lost != *field {
                self.lost = field.to_owned();
                lost.add(why, (&own.name, field, id));
            }
            return;
        }
        let values = self.lists.entry(field.to_owned());
        let values = values.or_insert_with(|| Values(Some(Vec::new())));
        let Some(parts) = &mut values.0 else { return };
        let more: usize = row.values.iter().map(|it| it.get().len() + 1).sum();
        self.bytes += more;
        if self.bytes > longest {
            self.bytes -= more + parts.iter().map(String::len).sum::<usize>();
            values.0 = None;
            return;
        }
        for value in &row.values {
            match parts.last_mut().filter(|it| it.len() < TOGETHER) {
                Some(part) => part.push(','),
                None => parts.push("[".to_owned()),
            }
            if let Some(part) = parts.last_mut() {
                part.push_str(value.get());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::drafts::made_of;
    use super::*;
    use crate::convert::plain::LONGEST;
    use crate::prisma::sdl::DataModel;

    /// What is held of a node with these rows of lists, where it may have so many bytes, and what is said.
    fn gathered(longest: usize, rows: &[(&str, String)]) -> (Gathered, Vec<String>) {
        let text = "type A { id: ID! @id tags: [String!]! others: [Int!]! }";
        let made = made_of(&DataModel::parse(text, "test").expect("a model"), true);
        let (mut gathered, mut lost) = (Gathered::default(), Placeless::default());
        let node = [&[NODE][..], br#"{"_typeName":"A","id":"a"}"#].concat();
        let of = (&made.types[0], "a");
        assert!(gathered.take(&node, of, longest, &mut lost));
        for (number, (field, values)) in rows.iter().enumerate() {
            let text = format!(r#"{{"_typeName":"A","id":"a","{field}":[{values}]}}"#);
            let number = (number as u64).to_be_bytes();
            let row = [&[LIST][..], &number, text.as_bytes()].concat();
            assert!(gathered.take(&row, of, longest, &mut lost));
            assert!(gathered.bytes <= longest);
        }
        (gathered, lost.warnings().map(|it| it.to_string()).collect())
    }

    fn all(values: Values) -> (bool, Vec<String>) {
        let mut all = Vec::new();
        let is_whole = values.each(&mut |it| {
            all.push(it.to_owned());
            true
        });
        (is_whole, all)
    }

    #[test]
    fn lists_longer_than_a_line_may_be_are_not_held_in_memory() {
        let long = || ("tags", format!("\"{}\"", "x".repeat(300)));
        let short = || ("others", "1,2".to_owned());
        let rows = [short(), long(), long(), long(), long(), short()];
        let (mut held, _) = gathered(1000, &rows);
        let (is_whole, tags) = all(held.lists.remove("tags").expect("known"));
        assert!(!is_whole && tags.is_empty(), "{tags:?}");
        let (is_whole, others) = all(held.lists.remove("others").expect("known"));
        assert!(is_whole, "{others:?}");
        assert_eq!(others, ["1", "2", "1", "2"]);
        let (mut held, _) = gathered(2000, &rows);
        let (is_whole, tags) = all(held.lists.remove("tags").expect("known"));
        assert_eq!((is_whole, tags.len()), (true, 4));
    }

    #[test]
    fn many_values_come_in_their_order() {
        let rows: Vec<(&str, String)> = (0..40_000)
            .map(|number| ("others", number.to_string()))
            .chain([("others", String::new())])
            .collect();
        let (mut held, _) = gathered(LONGEST, &rows);
        let (is_whole, others) = all(held.lists.remove("others").expect("known"));
        let expected: Vec<String> = (0..40_000).map(|it| it.to_string()).collect();
        assert!(is_whole && others == expected);
    }

    #[test]
    fn rows_of_fields_that_are_not_known_are_told_once_and_not_held() {
        let row = || ("other", "1".to_owned());
        let (held, told) = gathered(1000, &[row(), row(), row()]);
        assert!(held.lists.is_empty());
        assert_eq!(
            told,
            ["`other` of A a: 1 not kept: the data model has no such field"]
        );
    }
}
