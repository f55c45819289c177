//! A node whose rows are being read.

use super::ID;
use crate::convert::data::Piece;
use crate::convert::plain::LONGEST;
use crate::error::Result;
use crate::model::json;
use std::borrow::Cow;

/// What a value takes beside its bytes, while a row is made of it: its name, and its place in lists.
const EACH: usize = 128;
/// Why a value has no place.
const SEVERAL: &str = "a row has one value there, and there are several";
const TOO_LONG: &str = "it is longer than the values of a row may be together";

/// Why what a predicate of a node says has no place, and the predicate.
pub struct Lost<'p>(pub &'static str, pub &'p str);

/// A node whose rows are being read: what it is known by comes first, and its values in the order of their predicates.
#[derive(Default)]
pub struct Open {
    /// What the set calls it.
    pub subject: String,
    /// Its type; empty where it has none.
    pub type_name: String,
    /// Its id; that of the set where it has no other, from its first value on.
    pub id: String,
    /// It, as an object of JSON.
    text: String,
    /// The last of its predicates with a value, and where that begins.
    last: (String, usize),
    /// How many values it has.
    count: usize,
    is_closed: bool,
    /// How many bytes its values may have together.
    longest: usize,
}

/// The type whose id this predicate holds.
pub fn type_of_id(predicate: &str) -> Option<&str> {
    predicate.strip_suffix(ID)?.strip_suffix('.')
}

impl Open {
    /// One of which nothing is known yet.
    pub fn new(subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            longest: LONGEST,
            ..Self::default()
        }
    }

    /// Takes the value of a predicate that says which node it is.
    pub fn known_by<'p>(&mut self, predicate: &'p str, text: &str) -> Option<Lost<'p>> {
        match type_of_id(predicate) {
            Some(type_name) if self.id.is_empty() => {
                type_name.clone_into(&mut self.type_name);
                text.clone_into(&mut self.id);
            }
            Some(type_name) if type_name != self.type_name || text != self.id => {
                return Some(Lost(SEVERAL, predicate));
            }
            // Without an id its type is for messages alone.
            None if self.type_name.is_empty() => text.clone_into(&mut self.type_name),
            _ => {}
        }
        None
    }

    /// The field of a predicate; all of it, where it is of another type.
    pub fn field<'p>(&self, predicate: &'p str) -> Cow<'p, str> {
        let field = predicate.strip_prefix(self.type_name.as_str());
        let field = field.and_then(|it| it.strip_prefix('.'));
        // These say something else in a node.
        let is_other = |it: &&str| !["id", "_typeName"].contains(it);
        match field.filter(is_other) {
            Some(field) => field.into(),
            None if predicate.contains('.') => predicate.into(),
            // Of no type at all, it is no field that is called so.
            None => format!("<{predicate}>").into(),
        }
    }

    /// Takes a value.
    pub fn add<'p>(&mut self, predicate: &'p str, text: &str) -> Option<Lost<'p>> {
        self.begin();
        let mut member = String::from(",");
        json::write_string(&mut member, &self.field(predicate));
        member.push(':');
        json::write_string(&mut member, text);
        let (last, at) = &self.last;
        if last == predicate {
            // A row may stand in a set twice.
            let is_same = self.text.get(*at..) == Some(&member);
            return (!is_same).then_some(Lost(SEVERAL, predicate));
        }
        let held = self.text.len() + self.count * EACH;
        if held + member.len() + EACH > self.longest {
            return Some(Lost(TOO_LONG, predicate));
        }
        self.last = (predicate.to_owned(), self.text.len());
        self.count += 1;
        self.text.push_str(&member);
        None
    }

    fn begin(&mut self) {
        if !self.text.is_empty() {
            return;
        }
        if self.id.is_empty() {
            self.id.clone_from(&self.subject);
        }
        self.text.push_str("{\"_typeName\":");
        json::write_string(&mut self.text, &self.type_name);
        self.text.push_str(",\"id\":");
        json::write_string(&mut self.text, &self.id);
    }

    /// Ends with its values; gives whether that is new, and it is a node at all.
    pub fn close(&mut self) -> bool {
        if self.is_closed || self.subject.is_empty() {
            return false;
        }
        self.begin();
        self.text.push('}');
        self.is_closed = true;
        true
    }

    /// Gives it, and forgets its values.
    ///
    /// # Errors
    /// `take` fails.
    pub fn give(&mut self, take: &mut dyn FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        let text = std::mem::take(&mut self.text);
        take(Piece::Node {
            type_name: &self.type_name,
            id: &self.id,
            text: &text,
        })
    }

    /// Gives something that has no place.
    ///
    /// # Errors
    /// `take` fails.
    pub fn lose(
        &self,
        Lost(why, predicate): Lost<'_>,
        take: &mut dyn FnMut(Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        let id = if self.id.is_empty() {
            &self.subject
        } else {
            &self.id
        };
        let of = (
            self.type_name.as_str(),
            &*self.field(predicate),
            id.as_str(),
        );
        take(Piece::Lost { why, of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_holds_no_more_than_the_values_of_a_row_may_be() {
        let mut node = Open::new("0x1");
        node.longest = 10_000;
        assert!(node.known_by("A.strapiId", "a_1").is_none());
        let lost = (0..100_000).filter(|number| {
            let lost = node
                .add(&format!("A.f{number:06}"), "some value")
                .map(|it| it.0);
            assert!(lost.is_none_or(|it| it == TOO_LONG));
            lost.is_some()
        });
        assert!(lost.count() > 99_000);
        assert!(node.close() && node.text.len() < node.longest);
        assert!(
            node.text
                .starts_with(r#"{"_typeName":"A","id":"a_1","f000000":"some value","#)
        );
    }

    #[test]
    fn a_second_value_has_no_place_and_a_row_that_stands_twice_is_one() {
        let mut node = Open::new("0x1");
        assert!(node.known_by("A.strapiId", "a_1").is_none());
        assert!(node.known_by("A.strapiId", "a_1").is_none());
        assert!(node.known_by("A.strapiId", "a_2").is_some());
        assert!(node.known_by("B.strapiId", "a_1").is_some());
        assert!(node.add("A.t", "one").is_none());
        assert!(node.add("A.t", "one").is_none());
        assert!(node.add("A.t", "other").is_some_and(|it| it.0 == SEVERAL));
        assert!(node.add("t", "DQL").is_none());
        assert!(node.close() && !node.close());
        assert_eq!(
            node.text,
            r#"{"_typeName":"A","id":"a_1","t":"one","<t>":"DQL"}"#
        );
    }
}
