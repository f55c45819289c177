//! What the server did not take, told with the places it comes from.

use super::super::ndf::{ListRow, Node, Relation, ValueType};
use super::super::verify::Chunk;
use super::Shared;
use crate::error::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeSet, HashMap};

/// How many messages of one request are told.
const TOLD: usize = 100;
/// How long an id may be, in bytes: a UUID has 36 characters, any other has 25.
const LONGEST_ID: usize = 100;
/// How much of a message is told, in bytes.
const SHOWN: usize = 400;

/// The elements of a request.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    pub values: Vec<&'a RawValue>,
}

/// The elements of the body of a request, which this program wrote.
pub(super) fn elements(body: &str) -> Vec<&RawValue> {
    let read: Result<Body<'_>, _> = serde_json::from_str(body);
    read.map(|body| body.values).unwrap_or_default()
}

/// The ids in an element, and the name of its type.
fn ids(kind: ValueType, text: &str) -> (Vec<String>, String) {
    let none = (Vec::new(), String::new());
    match kind {
        ValueType::Nodes => Node::parse(text).map_or(none, |it| {
            (vec![it.id.into_owned()], it.type_name.into_owned())
        }),
        ValueType::Lists => ListRow::parse(text).map_or(none, |it| {
            let name = format!("{}.{}", it.type_name, it.field);
            (vec![it.id.into_owned()], name)
        }),
        ValueType::Relations => Relation::parse(text).map_or(none, |it| {
            let [one, other] = it.ends;
            let name = format!("{} to {}", one.type_name, other.type_name);
            (vec![one.id.into_owned(), other.id.into_owned()], name)
        }),
    }
}

/// The first element of a request with each id, by its number there from 0, and the name of its type.
type Places = HashMap<String, (u64, String)>;

fn places(chunk: &Chunk) -> Places {
    let mut places = Places::new();
    for (at, element) in elements(&chunk.body).iter().enumerate() {
        let (ids, name) = ids(chunk.kind, element.get());
        for id in ids {
            places.entry(id).or_insert((at as u64, name.clone()));
        }
    }
    places
}

/// What a message of the server speaks of: by the first id in it.
fn meant<'a>(places: &'a Places, text: &str) -> Option<&'a (u64, String)> {
    // A name of a table may be an id as well; ids stand behind a word that says so.
    let mut behind = ["Id: ", "id ", "ids "].into_iter().filter_map(|word| {
        let at = text.find(word)?;
        Some(&text[at + word.len()..])
    });
    // They may hold any characters.
    let begins = |text: &str| {
        let ends = (1..=text.floor_char_boundary(LONGEST_ID)).rev();
        let mut ids = ends.filter_map(|end| text.get(..end));
        ids.find_map(|id| places.get(id))
    };
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_');
    let mut words = text.split(|it| !is_part(it));
    behind
        .find_map(begins)
        .or_else(|| words.find_map(|word| places.get(word)))
}

/// The elements of a request that these messages speak of, by their numbers there, from 0.
pub(super) fn told_of(chunk: &Chunk, texts: &[String]) -> BTreeSet<u64> {
    let places = places(chunk);
    let meant = texts.iter().filter_map(|text| meant(&places, text));
    meant.map(|(at, _)| *at).collect()
}

/// Messages one after the other, those that follow on the same one counted with it, up to a limit.
fn once_each(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut told: Vec<(String, u64)> = Vec::new();
    let mut more = 0_u64;
    for text in texts {
        let is_full = told.len() == TOLD;
        match told.last_mut() {
            Some((last, times)) if *last == text => *times += 1,
            _ if is_full => more += 1,
            _ => told.push((text, 1)),
        }
    }
    let counted = told.into_iter().map(|(text, times)| match times {
        1 => text,
        times => format!("{text} ({times} times)"),
    });
    let rest = (more > 0).then(|| format!("and {more} more"));
    counted.chain(rest).collect()
}

impl Shared<'_> {
    /// What the server said of the elements that were sent as `body`, which are those of `chunk`, or some of them.
    pub(super) fn refused(&self, chunk: &Chunk, body: &str, texts: &[String]) -> Error {
        let places = places(chunk);
        let told = texts.iter().map(|text| {
            let shown = &text[..text.floor_char_boundary(SHOWN)];
            match self.origin(chunk, &places, text) {
                Some(place) => format!("{place}: {shown}"),
                None => format!("{}: {shown}", self.places(chunk)),
            }
        });
        let list = once_each(told);
        let sent = elements(body).len();
        Error::failed(format!(
            "the service did not take all of {sent} {} that were sent at once; it says:",
            chunk.kind
        ))
        .listing(list)
        .hint("see what the service holds already: it only adds, and no two nodes have one id")
    }

    /// Where the element comes from that a message speaks of.
    fn origin(&self, chunk: &Chunk, places: &Places, text: &str) -> Option<String> {
        let (at, name) = meant(places, text)?;
        let (file, number) = chunk.origin(*at)?;
        Some(format!("{}, element {number} ({name})", self.file(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_comes_again_and_again_is_told_once() {
        let texts = ["a", "b", "b", "b", "a"].map(str::to_owned);
        assert_eq!(once_each(texts.into_iter()), ["a", "b (3 times)", "a"]);
        let many = (0..TOLD + 2).map(|at| at.to_string());
        assert_eq!(once_each(many).last().expect("told"), "and 2 more");
    }
}
