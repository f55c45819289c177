//! Where the long values of a JSON text end, so that what lies in each other need not be read once for
//! each level.

use super::entity::{Fields, Members, Name};
use super::json::string_length;
use super::limits::DEEPEST;

/// Objects and lists of fewer bytes are read again; a text of long ones has fewer than one of these for
/// each seven bytes.
const SHORT: usize = 256;
/// How deep a list or object may lie that is noted: each component lies in one object, and may lie in a
/// list.
const NOTED: usize = 2 * DEEPEST + 2;

/// A text of valid JSON, and where the long objects and lists in it end.
#[derive(Debug)]
pub(super) struct Skips<'a> {
    text: &'a str,
    /// Where each begins and ends, in order.
    ends: Vec<(u32, u32)>,
}

impl<'a> Skips<'a> {
    /// Reads a text of valid JSON once; it has at most 4 GiB.
    pub fn new(text: &'a str) -> Self {
        let mut ends: Vec<(u32, u32)> = Vec::new();
        // Those that are open, as places in the list.
        let mut open = Vec::new();
        let mut deeper = 0_usize;
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at += string_length(&text[at..]);
                    continue;
                }
                b'[' | b'{' if open.len() == NOTED => deeper += 1,
                b'[' | b'{' => {
                    open.push(ends.len());
                    ends.push((at as u32, 0));
                }
                b']' | b'}' if deeper > 0 => deeper -= 1,
                b']' | b'}' => {
                    if let Some(place) = open.pop() {
                        let end = at as u32 + 1;
                        if ((end - ends[place].0) as usize) < SHORT {
                            // Those inside it are shorter, and are gone.
                            ends.truncate(place);
                        } else {
                            ends[place].1 = end;
                        }
                    }
                }
                _ => {}
            }
            at += 1;
        }
        ends.shrink_to_fit();
        Self { text, ends }
    }

    /// The value that `rest` begins with, which is a part of the text up to its end.
    fn value(&self, rest: &'a str) -> &'a str {
        let length = match rest.as_bytes().first() {
            Some(b'"') => string_length(rest),
            Some(b'[' | b'{') => {
                let start = (rest.as_ptr() as usize - self.text.as_ptr() as usize) as u32;
                match self.ends.binary_search_by_key(&start, |(start, _)| *start) {
                    Ok(found) => (self.ends[found].1 - start) as usize,
                    Err(_) => bracketed_length(rest),
                }
            }
            _ => rest.find(is_behind).unwrap_or(rest.len()),
        };
        &rest[..length]
    }

    /// The elements of a list in the text.
    pub fn elements(&self, list: &'a str) -> impl Iterator<Item = &'a str> {
        let mut rest = &list[1..];
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(|c| is_space(c) || c == ',');
            if rest.starts_with(']') {
                return None;
            }
            let value = self.value(rest);
            rest = &rest[value.len()..];
            (!value.is_empty()).then_some(value)
        })
    }

    /// Takes an object in the text apart, as [`Fields::parse`] does.
    ///
    /// # Errors
    /// It is none, or has names or members that it may not have.
    pub fn fields(&self, object: &'a str) -> Result<Fields<'a>, serde_json::Error> {
        if !object.starts_with('{') {
            return Fields::parse(object);
        }
        let mut members = Members::default();
        let mut rest = &object[1..];
        loop {
            rest = rest.trim_start_matches(|c| is_space(c) || c == ',');
            if !rest.starts_with('"') {
                return Ok(members.into_fields());
            }
            let (name, behind) = rest.split_at(string_length(rest));
            let Name(name) = serde_json::from_str(name)?;
            rest = behind.trim_start_matches(|c| is_space(c) || c == ':');
            let value = self.value(rest);
            rest = &rest[value.len()..];
            members.add(name, value)?;
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// Whether it stands behind a number or a word.
fn is_behind(c: char) -> bool {
    is_space(c) || matches!(c, ',' | ']' | '}')
}

/// Length of the list or object at the start of `text`.
fn bracketed_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at += string_length(&text[at..]);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::elements;

    #[test]
    fn what_is_skipped_is_what_would_be_read() {
        let long = format!(
            r#"{{"a":"{}]\"","b":[[],{{"x":1}}]}}"#,
            "x".repeat(2 * SHORT)
        );
        for inner in [r#"[ 1 , "]," , {"a" : [2, null]},-3.5e1]"#, "[]", &long] {
            let text = format!(
                r#"{{"one": [{inner},{inner} , [{inner}]], "\u0061":{inner},"one":[{inner}] ,"end":true}}"#
            );
            let skips = Skips::new(&text);
            let fields = skips.fields(&text).expect("an object");
            let read = Fields::parse(&text).expect("an object");
            assert_eq!(fields.0, read.0);
            let list = fields.get("one").expect("a list");
            let expected: Vec<&str> = elements(list).expect("a list").collect();
            assert_eq!(skips.elements(list).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn only_long_values_are_noted_and_no_deeper_than_components_lie() {
        let short = format!("[{}0]", "[[1],{}],".repeat(1000));
        assert_eq!(Skips::new(&short).ends.len(), 1);
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Skips::new(&deep).ends.len(), NOTED);
    }
}
