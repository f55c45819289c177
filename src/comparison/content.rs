//! Digests of values by what they mean.

use crate::model::canonical::{inner, scalar};
use crate::model::json::string_length;
use crate::model::limits::is_too_deep;
use crate::model::{Scalar, json};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;

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

/// The digest of a value of this kind. What is JSON counts by its content, and so does what no value of the kind is.
pub(super) fn value(kind: Option<Scalar>, value: &str, text: &mut String) -> Digest {
    let is_foreign = |kind| kind != Scalar::Boolean && value.starts_with(['{', '[', 't', 'f']);
    match kind {
        None | Some(Scalar::Json) => content(value),
        Some(kind) if is_foreign(kind) => content(value),
        Some(Scalar::Decimal) => {
            text.clear();
            number(text, &inner(value));
            digest(b'v', text.as_bytes())
        }
        Some(kind) => {
            text.clear();
            scalar(text, kind, value);
            digest(b'v', text.as_bytes())
        }
    }
}

/// The digest of JSON by its content: blanks, the order of members and how a number or a text is written do not count.
pub(super) fn content(value: &str) -> Digest {
    // Valid JSON is all that gets here; what is too deep is told of as damage.
    if is_too_deep(value.as_bytes()) || !json::is_valid(value) {
        return digest(b'?', value.as_bytes());
    }
    let mut reader = Reader {
        rest: value,
        number: String::new(),
    };
    reader.value()
}

/// Reads valid JSON.
struct Reader<'a> {
    rest: &'a str,
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

    /// Of members of one name the last counts, as for all that read JSON.
    fn object(&mut self) -> Digest {
        self.take(1);
        let mut members: BTreeMap<Cow<'_, str>, Digest> = BTreeMap::new();
        while !matches!(self.peek(), b'}' | 0) {
            let name = inner(self.take(string_length(self.rest)));
            let value = self.value();
            members.insert(name, value);
        }
        self.close();
        let mut object = Sha256::new_with_prefix(b"{");
        for (name, value) in members {
            object.update(digest(b'k', name.as_bytes()));
            object.update(value);
        }
        shortened(object)
    }
}

/// The greatest exponent with which a number is written out.
const MOST_ZEROS: i64 = 400;

/// Appends a number with all its digits, however it is written: what is beyond the floats differs by what is written.
fn number(out: &mut String, written: &str) {
    match plain(written.trim()) {
        Some((sign, digits, point)) => {
            let whole = digits.get(..point).unwrap_or(&digits);
            let fraction = digits.get(point..).unwrap_or_default();
            let (whole, fraction) = (
                whole.trim_start_matches('0'),
                fraction.trim_end_matches('0'),
            );
            if sign && !(whole.is_empty() && fraction.is_empty()) {
                out.push('-');
            }
            out.push_str(if whole.is_empty() { "0" } else { whole });
            if !fraction.is_empty() {
                out.push('.');
                out.push_str(fraction);
            }
        }
        None => out.push_str(written),
    }
}

/// Whether a number is below zero, its digits, and how many of them are whole; `None` for what is none, or is written with
/// an exponent that nobody writes out.
fn plain(written: &str) -> Option<(bool, String, usize)> {
    let (sign, rest) = match written.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, written.strip_prefix('+').unwrap_or(written)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = [whole, fraction].concat();
    let is_number = !whole.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    if !is_number || exponent.abs() > MOST_ZEROS {
        return None;
    }
    let mut point = whole.len() as i64 + exponent;
    if point < 0 {
        digits.insert_str(0, &"0".repeat(point.unsigned_abs() as usize));
        point = 0;
    }
    let point = point as usize;
    if point > digits.len() {
        digits.push_str(&"0".repeat(point - digits.len()));
    }
    Some((sign, digits, point))
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
            ("1e2", "100.0"),
            ("-15E-4", "-0.0015"),
            ("-0.0", "0"),
            ("1.2345678901234567e19", "12345678901234567000"),
            ("12345678901234567890.0", "12345678901234567890"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ] {
            assert_eq!(content(one), content(other), "{one} {other}");
        }
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
            r#"{"a":2,"a":1,"b":0}"#,
            r#"{"a":1,"a":2,"b":0}"#,
            "12345678901234567890",
            "12345678901234567891",
            "1e500",
            "0.12345678901234567890",
            "0.12345678901234567891",
        ];
        for (index, one) in all.iter().enumerate() {
            for other in &all[index + 1..] {
                assert_ne!(content(one), content(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn what_no_value_of_a_kind_is_is_not_the_text_of_it() {
        let mut text = String::new();
        for (kind, one, other) in [
            (Scalar::Text, r#"{"a":1}"#, r#""{\"a\":1}""#),
            (Scalar::Text, "true", r#""true""#),
            (Scalar::Float, "[1]", r#""[1]""#),
            (
                Scalar::Decimal,
                "12345678901234567890",
                "12345678901234567891",
            ),
        ] {
            let [one, other] = [one, other].map(|it| value(Some(kind), it, &mut text));
            assert_ne!(one, other, "{kind:?}");
        }
        let [one, other] = ["12345678901234567890", r#""12345678901234567890.0""#]
            .map(|it| value(Some(Scalar::Decimal), it, &mut text));
        assert_eq!(one, other);
    }

    #[test]
    fn json_without_bottom_has_a_digest_by_its_bytes() {
        let deep = "[".repeat(100_000);
        assert_eq!(content(&deep), content(&deep));
    }
}
