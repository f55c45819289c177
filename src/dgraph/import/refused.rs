//! Rows that the server does not take, and what may be said of them: where they stand and why, and never their value.

use super::source::{Placed, Source};
use crate::dgraph::row::{Object, Row};
use crate::error::Error;
use serde::{Deserialize, Serialize};

/// How many rows may be refused: with more of them something else is wrong than rows.
pub(super) const MOST: usize = 1_000;
/// How much of a reason is told, in bytes.
const SHOWN: usize = 400;
/// How long what is said of a row can be, in bytes.
const LONGEST: usize = 4 << 10;
/// How long a value is at the least that is looked for in any part of a reason, in bytes; shorter ones stand in any word.
const SHORTEST: usize = 3;
/// What stands in its place.
const HIDDEN: &str = "...";

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// Its node and its predicate.
    pub about: String,
    /// What the server says, without its value.
    pub why: String,
}

impl Refusal {
    /// One with what the server says.
    pub fn of(row: &Row, said: &str) -> Self {
        Self {
            about: row.about(),
            why: without_value(row, said),
        }
    }

    /// Whether it is one that is told, which says little.
    pub fn is_short(&self) -> bool {
        self.about.len().max(self.why.len()) <= LONGEST
    }

    /// It as an error that names the place.
    pub fn told(&self, source: &Source<'_>, (file, line): (usize, u64)) -> Error {
        let (name, about, why) = (source.file(file), &self.about, &self.why);
        Error::failed(format!(
            "{name}, line {line}: {about}: it is refused: {why}"
        ))
    }
}

impl Placed {
    /// Where it stands.
    pub fn place(&self) -> (usize, u64) {
        (self.file, self.line)
    }
}

/// A text of the server without what may be the value of a row: the value itself, what stands in quotes, and what stands in
/// brackets, where it is not the predicate. Servers write times and numbers in their own way there.
fn without_value(row: &Row, said: &str) -> String {
    let value = match &row.object {
        Object::Value { value, .. } => Some(value.text.as_str()),
        Object::Edge(_) => None,
    };
    let facets = row.facets.iter().map(|it| it.text.as_str());
    let mut text = said.to_owned();
    for hidden in value.into_iter().chain(facets) {
        for (open, close) in [('[', ']'), ('"', '"')] {
            let framed = format!("{open}{hidden}{close}");
            text = text.replace(&framed, &format!("{open}{HIDDEN}{close}"));
        }
        text = match hidden.len() {
            0..SHORTEST => without_word(&text, hidden),
            _ => text.replace(hidden, HIDDEN),
        };
    }
    let mut before = ' ';
    let first = text.char_indices().find(|(_, it)| {
        let is_one = *it == '"' || *it == '\'' && !before.is_alphanumeric();
        before = *it;
        is_one
    });
    if let (Some((first, _)), Some(last)) = (first, text.rfind(['"', '\'']))
        && first < last
    {
        text.replace_range(first + 1..last, HIDDEN);
    }
    let mut from = 0;
    while let Some(open) = text[from..].find('[').map(|at| from + at + 1) {
        let close = text[open..].find(']').map_or(text.len(), |at| open + at);
        from = close;
        if text[open..close] != row.predicate {
            text.replace_range(open..close, HIDDEN);
            from = open + HIDDEN.len();
        }
    }
    let end = text.floor_char_boundary(SHOWN);
    if end < text.len() {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// A text without a word.
fn without_word(text: &str, word: &str) -> String {
    if word.is_empty() {
        return text.to_owned();
    }
    let is_part = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (front, found) = rest.split_at(at);
        let behind = &found[word.len()..];
        let before = front.chars().next_back().or(out.chars().next_back());
        out.push_str(front);
        match is_part(before) || is_part(behind.chars().next()) {
            true => out.push_str(word),
            false => out.push_str(HIDDEN),
        }
        rest = behind;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dgraph::row::{Node, Scalar, Value};

    #[test]
    fn no_reason_holds_the_value() {
        let mut row = Row {
            subject: Node::Uid(5),
            namespace: 0,
            predicate: "age".into(),
            object: Object::Value {
                value: Value {
                    scalar: Scalar::Int,
                    text: "42".into(),
                },
                language: None,
            },
            facets: Vec::new(),
        };
        let said = "strconv.ParseInt: parsing \"42\": invalid syntax";
        let refusal = Refusal::of(&row, said);
        assert_eq!(refusal.about, "0x5 age");
        assert_eq!(
            refusal.why,
            "strconv.ParseInt: parsing \"...\": invalid syntax"
        );
        let said = "could not insert duplicate value [42] for predicate [age]";
        let why = Refusal::of(&row, said).why;
        assert_eq!(
            why,
            "could not insert duplicate value [...] for predicate [age]"
        );
        // A time as servers write it is another text than in the row.
        let said =
            "could not insert duplicate value [2020-01-02 00:00:00 +0000 UTC] for predicate [age]";
        let why = Refusal::of(&row, said).why;
        assert_eq!(
            why,
            "could not insert duplicate value [...] for predicate [age]"
        );
        assert_eq!(Refusal::of(&row, "no number: 42").why, "no number: ...");
        assert_eq!(
            Refusal::of(&row, "it can't: '4\\n2'").why,
            "it can't: '...'"
        );
        if let Object::Value { value, .. } = &mut row.object {
            value.text = "hunter\"2".into();
        }
        for said in [
            "parsing \"hunter\\\"2\": invalid syntax",
            "duplicate value [hunter\"2] for [age]",
            "parsing [hunter\"2",
        ] {
            let why = Refusal::of(&row, said).why;
            assert!(!why.contains("hunter") && !why.contains("2"), "{why}");
        }
        let why = Refusal::of(&row, "no number: hunter\"2").why;
        assert!(!why.contains("2"), "{why}");
    }
}
