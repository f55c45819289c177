//! Digests of values by what they mean.

use crate::model::canonical::{inner, number, scalar};
use crate::model::json::string_length;
use crate::model::limits::is_too_deep;
use crate::model::{Scalar, json};
use sha2::{Digest as _, Sha256};

/// A digest: as many bytes as no two different things of a site share.
pub(super) type Digest = [u8; 16];

/// The digest of these bytes.
pub(super) fn digest(kind: u8, bytes: &[u8]) -> Digest {
    shortened(Sha256::new().chain_update([kind]).chain_update(bytes))
}

/// The first bytes of what SHA-256 gives.
pub(super) fn shortened(hasher: Sha256) -> Digest {
    let mut short = Digest::default();
    let length = short.len();
    short.copy_from_slice(&hasher.finalize()[..length]);
    short
}

/// The digest of a value of this kind. What is JSON counts by its content; `without` is the name of members that do
/// not count in it.
pub(super) fn value(
    kind: Option<Scalar>,
    value: &str,
    without: Option<&str>,
    text: &mut String,
) -> Digest {
    match kind {
        None | Some(Scalar::Json) => content(value, without),
        Some(kind) => {
            text.clear();
            scalar(text, kind, value);
            digest(b'v', text.as_bytes())
        }
    }
}

/// The digest of JSON by its content: blanks, the order of members and how a number or a text is written do not count.
pub(super) fn content(value: &str, without: Option<&str>) -> Digest {
    // Valid JSON is all that gets here; what is too deep is told of as damage.
    if is_too_deep(value.as_bytes()) || !json::is_valid(value) {
        return digest(b'?', value.as_bytes());
    }
    let mut reader = Reader {
        rest: value,
        without,
        number: String::new(),
    };
    reader.value()
}

/// Reads valid JSON.
struct Reader<'a> {
    rest: &'a str,
    without: Option<&'a str>,
    number: String,
}

impl<'a> Reader<'a> {
    /// What comes next, without blanks and what separates.
    fn peek(&mut self) -> u8 {
        const BETWEEN: [char; 6] = [' ', '\t', '\n', '\r', ',', ':'];
        self.rest = self.rest.trim_start_matches(BETWEEN);
        self.rest.bytes().next().unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn value(&mut self) -> Digest {
        match self.peek() {
            b'{' => self.object(),
            b'[' => {
                self.take(1);
                let mut list = Sha256::new_with_prefix(b"[");
                while !matches!(self.peek(), b']' | 0) {
                    list.update(self.value());
                }
                self.close();
                shortened(list)
            }
            b'"' => {
                let text = self.take(string_length(self.rest));
                digest(b'"', inner(text).as_bytes())
            }
            b'-' | b'0'..=b'9' => {
                let is_of_number = |c| matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E');
                let length = self.rest.find(|c| !is_of_number(c));
                let literal = self.take(length.unwrap_or(self.rest.len()));
                self.number.clear();
                number(&mut self.number, literal);
                digest(b'0', self.number.as_bytes())
            }
            _ => {
                let length = self.rest.find(|c: char| !c.is_ascii_lowercase());
                let length = length.unwrap_or(self.rest.len());
                let word = self.take(length.max(1).min(self.rest.len()));
                digest(b'w', word.as_bytes())
            }
        }
    }

    fn close(&mut self) {
        self.take(1.min(self.rest.len()));
    }

    /// A sum does not know in which order its members came.
    fn object(&mut self) -> Digest {
        self.take(1);
        let mut sum = 0_u128;
        while !matches!(self.peek(), b'}' | 0) {
            let name = inner(self.take(string_length(self.rest)));
            let value = self.value();
            if self.without.is_some_and(|without| without == name) {
                continue;
            }
            let member = Sha256::new_with_prefix(digest(b'k', name.as_bytes())).chain_update(value);
            sum = sum.wrapping_add(u128::from_le_bytes(shortened(member)));
        }
        self.close();
        digest(b'{', &sum.to_le_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_same_by_its_content() {
        for (one, other) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                r#"{ "b" : [ true , null ], "a" : 1.0 }"#,
            ),
            (r#""caf\u00e9""#, "\"café\""),
            ("[[],{}]", "[ [ ], { } ]"),
            ("1.50", "1.5"),
        ] {
            assert_eq!(content(one, None), content(other, None), "{one} {other}");
        }
        let one = r#"{"id":1,"a":[{"id":2,"b":3}]}"#;
        let other = r#"{"id":7,"a":[{"b":3}]}"#;
        assert_eq!(content(one, Some("id")), content(other, Some("id")));
        assert_ne!(content(one, None), content(other, None));
    }

    #[test]
    fn other_json_is_not_the_same() {
        let all = [
            "1",
            "\"1\"",
            "[1]",
            "[[1]]",
            "[1,2]",
            "[2,1]",
            "[12]",
            "null",
            "true",
            "\"true\"",
            "{}",
            "[]",
            "\"\"",
            r#"{"a":1}"#,
            r#"{"a":"1"}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":{"b":2}}"#,
            r#"{"b":1}"#,
            "0.12345678901234567890",
            "0.12345678901234567891",
        ];
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert_ne!(content(one, None), content(other, None), "{one} {other}");
            }
        }
    }

    #[test]
    fn json_without_bottom_has_a_digest_by_its_bytes() {
        let deep = "[".repeat(100_000);
        assert_eq!(content(&deep, None), content(&deep, None));
    }
}
