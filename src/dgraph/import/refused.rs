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
/// How long a value is at the least that is looked for in a reason, in bytes; shorter ones stand in any text.
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
        .hint("mend these rows in the set, or the schema; all others are in the server")
    }
}

impl Placed {
    /// Where it stands.
    pub fn place(&self) -> (usize, u64) {
        (self.file, self.line)
    }
}

/// A text of the server without what may be the value of a row: what stands in quotes, and the value itself.
fn without_value(row: &Row, said: &str) -> String {
    let parts: Vec<&str> = said.split('"').collect();
    let parts = parts.iter().enumerate();
    let mut text: String = parts
        .map(|(at, part)| match at % 2 {
            0 => (*part).to_owned(),
            _ => format!("\"{HIDDEN}\""),
        })
        .collect();
    let value = match &row.object {
        Object::Value { value, .. } => Some(value.text.as_str()),
        Object::Edge(_) => None,
    };
    let facets = row.facets.iter().map(|it| it.text.as_str());
    for hidden in value.into_iter().chain(facets) {
        text = text.replace(&format!("[{hidden}]"), &format!("[{HIDDEN}]"));
        if hidden.len() >= SHORTEST {
            text = text.replace(hidden, HIDDEN);
        }
    }
    let end = text.floor_char_boundary(SHOWN);
    if end < text.len() {
        text.truncate(end);
        text.push_str("...");
    }
    text
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
        if let Object::Value { value, .. } = &mut row.object {
            value.text = "hunter\"2".into();
        }
        let why = Refusal::of(&row, "no number: hunter\"2").why;
        assert!(!why.contains("2"), "{why}");
    }
}
