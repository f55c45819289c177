//! One element of the list as a tree, with texts and numbers as they stand.
//!
//! It is JSON but for `+Inf`, `-Inf` and `NaN`, which servers write as they are; no crate reads these.

use super::super::escape::end_of_quoted;
use super::super::row::{NO_NUMBERS, is_json_number};
use super::{DEEPEST, MOST_VALUES};
use std::borrow::Cow;

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Raw<'a> {
    Null,
    Bool(bool),
    Text(Cow<'a, str>),
    /// A number, or one of [`NO_NUMBERS`].
    Number(&'a str),
    List(Vec<Raw<'a>>),
    Object(Object<'a>),
}

/// An object.
#[derive(Debug, PartialEq)]
pub(super) struct Object<'a> {
    pub members: Vec<(Cow<'a, str>, Raw<'a>)>,
    /// How it is written.
    pub text: &'a str,
}

/// Where it fails, in bytes from the beginning, and why.
pub(super) type Failure = (usize, String);

/// The object that `text` is.
pub(super) fn parse(text: &str) -> Result<Object<'_>, Failure> {
    let mut parser = Parser {
        text,
        at: 0,
        values: 0,
    };
    let read = parser.value(0).and_then(|raw| {
        parser.space();
        match (raw, parser.at == text.len()) {
            (Raw::Object(object), true) => Ok(object),
            (_, true) => Err("it is no object".to_owned()),
            (_, false) => Err("something stands behind its end".to_owned()),
        }
    });
    read.map_err(|why| (parser.at, why))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    values: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let is_space = |it: &&u8| matches!(it, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(is_space).count();
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.space();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn value(&mut self, depth: usize) -> Result<Raw<'a>, String> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("an object has more than {MOST_VALUES} values"));
        }
        if depth > DEEPEST {
            return Err(format!("it is nested more than {DEEPEST} levels deep"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.quoted().map(Raw::Text),
            Some(_) => self.bare(),
            None => Err("it ends too early".into()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Raw<'a>, String> {
        let start = self.at;
        self.at += 1;
        let mut members = Vec::new();
        if !self.take(b'}') {
            loop {
                if self.peek() != Some(b'"') {
                    return Err("a name in quotes is missing".into());
                }
                let name = self.quoted()?;
                if !self.take(b':') {
                    return Err("`:` is missing".into());
                }
                members.push((name, self.value(depth + 1)?));
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err("`,` or `}` is missing".into());
                }
            }
        }
        let text = &self.text[start..self.at];
        Ok(Raw::Object(Object { members, text }))
    }

    fn list(&mut self, depth: usize) -> Result<Raw<'a>, String> {
        self.at += 1;
        let mut items = Vec::new();
        if !self.take(b']') {
            loop {
                items.push(self.value(depth + 1)?);
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err("`,` or `]` is missing".into());
                }
            }
        }
        Ok(Raw::List(items))
    }

    /// A text, which begins here.
    fn quoted(&mut self) -> Result<Cow<'a, str>, String> {
        let rest = &self.text[self.at..];
        let length = end_of_quoted(rest).ok_or("a text does not end")?;
        let quoted = &rest[..length];
        let inner = &quoted[1..length - 1];
        if inner.bytes().any(|it| it < b' ') {
            return Err("a text has a control character that is not escaped".into());
        }
        let text = match inner.contains('\\') {
            false => Cow::Borrowed(inner),
            true => {
                let read = serde_json::from_str::<String>(quoted);
                Cow::Owned(read.map_err(|_| "a text has an escape that is none")?)
            }
        };
        self.at += length;
        Ok(text)
    }

    /// What stands without quotes.
    fn bare(&mut self) -> Result<Raw<'a>, String> {
        let rest = &self.text[self.at..];
        let is_end = |it: char| ",:]}[{\"".contains(it) || it.is_ascii_whitespace();
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let raw = match word {
            "null" => Raw::Null,
            "true" => Raw::Bool(true),
            "false" => Raw::Bool(false),
            _ if is_json_number(word) || NO_NUMBERS.contains(&word) => Raw::Number(word),
            _ => return Err("there is something that is neither a text nor a number".into()),
        };
        self.at += word.len();
        Ok(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_numbers_stay_as_they_are_written() {
        let text = r#" {"a":9007199254740993,"b":[1E+21,-Inf,NaN],"\u0063":"x\ny","d":{"e":null,"f":true},"g":{} }"#;
        let object = parse(text).expect("an object");
        let names: Vec<_> = object
            .members
            .iter()
            .map(|(name, _)| name.as_ref())
            .collect();
        assert_eq!(names, ["a", "b", "c", "d", "g"]);
        assert_eq!(object.members[0].1, Raw::Number("9007199254740993"));
        let numbers = ["1E+21", "-Inf", "NaN"].map(Raw::Number);
        assert_eq!(object.members[1].1, Raw::List(numbers.into()));
        assert_eq!(object.members[2].1, Raw::Text("x\ny".into()));
        let Raw::Object(d) = &object.members[3].1 else {
            panic!("an object");
        };
        assert_eq!(d.text, r#"{"e":null,"f":true}"#);
    }

    #[test]
    fn what_is_no_json_fails_where_it_stands() {
        for (text, at) in [
            ("{", 1),
            ("{\"a\"}", 4),
            ("{\"a\":}", 5),
            ("{\"a\":1,}", 7),
            ("{\"a\":01}", 5),
            ("{\"a\":Inf}", 5),
            ("{\"a\":\"\\q\"}", 5),
            ("{\"a\":\"\u{1}\"}", 5),
            ("{\"a\":[1 2]}", 8),
            ("{} x", 3),
            ("[]", 2),
        ] {
            assert_eq!(parse(text).expect_err(text).0, at, "{text}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        assert!(parse(&deep).is_err_and(|(_, why)| why.contains("deep")));
        let wide = format!("{{\"a\":[{}0]}}", "0,".repeat(MOST_VALUES));
        assert!(parse(&wide).is_err_and(|(_, why)| why.contains("more than")));
    }
}
