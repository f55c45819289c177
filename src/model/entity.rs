//! A row of a content type.

use super::json;
use super::limits::{LONGEST_NAME, MOST_MEMBERS};
use serde::de::{DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// A row of a content type, with its components and dynamic zones nested inside `data`, and without
/// its relations and media (these are links).
#[derive(Debug, Clone, Copy)]
pub struct Entity<'a> {
    /// The uid of the content type, such as `api::article.article`.
    pub content_type: &'a str,
    /// The id of the row.
    pub id: i64,
    /// The line of the archive: `{"type": uid, "id": n, "data": {attributes}}`, without line break.
    pub line: &'a str,
    /// The `data` object inside the line.
    pub data: &'a str,
}

/// The shape of an entity's line, for parsing.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    content_type: Cow<'a, str>,
    id: i64,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// An entity's line, taken apart. Keeps what the line does not hold in plain form.
pub struct ParsedEntity<'a> {
    content_type: Cow<'a, str>,
    id: i64,
    data: &'a str,
    line: &'a str,
}

impl<'a> ParsedEntity<'a> {
    /// The entity, borrowed from here.
    pub fn entity(&self) -> Entity<'_> {
        Entity {
            content_type: &self.content_type,
            id: self.id,
            line: self.line,
            data: self.data,
        }
    }
}

impl Entity<'_> {
    /// Takes a line of `entities/*.jsonl` apart.
    ///
    /// # Errors
    /// The line is not JSON, or lacks `type`, an integer `id` or an object `data`.
    pub fn parse(line: &str) -> Result<ParsedEntity<'_>, serde_json::Error> {
        require_object(line)?;
        let parsed: Line<'_> = serde_json::from_str(line)?;
        check_name(&parsed.content_type)?;
        let data = parsed.data.get();
        if !data.starts_with('{') {
            return Err(serde_json::Error::custom("`data` is not an object"));
        }
        Ok(ParsedEntity {
            content_type: parsed.content_type,
            id: parsed.id,
            data,
            line,
        })
    }
}

/// A derived parser also takes the members of an object as the elements of an array.
pub(super) fn require_object(line: &str) -> Result<(), serde_json::Error> {
    if line.trim_start().starts_with('{') {
        Ok(())
    } else {
        Err(serde_json::Error::custom("the line is not an object"))
    }
}

/// How many members of an object are found by comparing their names one by one.
const FEW: usize = 64;

/// Names are kept, so they may not be of any length.
pub(super) fn check_name(name: &str) -> Result<(), serde_json::Error> {
    check_length(name, LONGEST_NAME)
}

fn check_length(name: &str, longest: usize) -> Result<(), serde_json::Error> {
    if name.len() > longest {
        let length = name.len();
        return Err(serde_json::Error::custom(format_args!(
            "a name has {length} bytes, more than the {longest} that it may have"
        )));
    }
    Ok(())
}

/// The members of a JSON object, in order, each value still as text. Of members of one name the last
/// one counts, in the place of the first, as in JavaScript.
#[derive(Debug)]
pub struct Fields<'a>(pub Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Fields<'a> {
    /// Takes an object apart, one level deep.
    ///
    /// # Errors
    /// `text` is not a JSON object.
    pub fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The same, with names of any length: those of formats of a file, and of what is in them. Nobody keeps
    /// these.
    ///
    /// # Errors
    /// `text` is not a JSON object.
    pub fn parse_with_any_names(text: &'a str) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let taker = Taker {
            longest_name: usize::MAX,
        };
        let fields = taker.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(fields)
    }

    /// The value of the member of this name.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find_map(|(own, value)| (own == name).then_some(*value))
    }

    /// The text of the member of this name, if it is one.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// The object as text, with other values where `change` gives some.
    pub fn with(&self, change: &dyn Fn(&str, &str) -> Option<String>) -> String {
        let mut out = String::from('{');
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json::write_string(&mut out, name);
            out.push(':');
            let changed = change(name, value);
            out.push_str(changed.as_deref().unwrap_or(value));
        }
        out.push('}');
        out
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let taker = Taker {
            longest_name: LONGEST_NAME,
        };
        taker.deserialize(deserializer)
    }
}

/// Takes an object apart.
struct Taker {
    longest_name: usize,
}

impl<'de> DeserializeSeed<'de> for Taker {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Taker {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut members = Members {
            longest_name: self.longest_name,
            ..Members::default()
        };
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            let value = map.next_value::<&'de RawValue>()?.get();
            members.add(name, value).map_err(A::Error::custom)?;
        }
        Ok(members.into_fields())
    }
}

/// The members of an object that is being read.
pub(super) struct Members<'a> {
    fields: Vec<(Cow<'a, str>, &'a str)>,
    /// Of long objects only: of short ones the names are compared.
    places: HashMap<Cow<'a, str>, usize>,
    longest_name: usize,
}

impl Default for Members<'_> {
    fn default() -> Self {
        Self {
            fields: Vec::with_capacity(16),
            places: HashMap::new(),
            longest_name: LONGEST_NAME,
        }
    }
}

impl<'a> Members<'a> {
    /// Takes the next member in.
    pub fn add(&mut self, name: Cow<'a, str>, value: &'a str) -> Result<(), serde_json::Error> {
        check_length(&name, self.longest_name)?;
        let (fields, places) = (&mut self.fields, &mut self.places);
        let place = if places.is_empty() {
            fields.iter().position(|(own, _)| *own == name)
        } else {
            places.get(&name).copied()
        };
        match place {
            Some(place) => fields[place].1 = value,
            None if fields.len() == MOST_MEMBERS => {
                return Err(serde_json::Error::custom(format_args!(
                    "it has more than the {MOST_MEMBERS} members that an object may have"
                )));
            }
            None => {
                if !places.is_empty() {
                    places.insert(name.clone(), fields.len());
                }
                fields.push((name, value));
                if fields.len() == FEW && places.is_empty() {
                    let names = fields.iter().map(|(name, _)| name.clone());
                    *places = names.zip(0..).collect();
                }
            }
        }
        Ok(())
    }

    pub fn into_fields(self) -> Fields<'a> {
        Fields(self.fields)
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The elements of a JSON array, each still as text; `text` is valid JSON.
///
/// # Errors
/// `text` is not a JSON array.
pub fn elements(text: &str) -> Result<Elements<'_>, serde_json::Error> {
    match text.strip_prefix('[') {
        Some(rest) => Ok(Elements { rest }),
        None => Err(serde_json::Error::custom("it is not a list")),
    }
}

/// The elements of a JSON array, one after the other: a list of all could be several times as long as
/// the text.
#[derive(Debug)]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        const BETWEEN: [char; 5] = [' ', '\t', '\n', '\r', ','];
        let rest = self.rest.trim_start_matches(BETWEEN);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
        // The end of the array is no value.
        let value = values.next()?.ok()?.get();
        self.rest = &rest[value.len()..];
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(names: impl Iterator<Item = usize>) -> String {
        let members: Vec<String> = names.map(|name| format!("\"{name}\":{name}")).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn of_members_of_one_name_the_last_one_counts() {
        for members in [3, FEW + 10] {
            let text = object(0..members).replace('}', r#","1":"last"}"#);
            let fields = Fields::parse(&text).expect("an object");
            assert_eq!(fields.0.len(), members);
            assert_eq!(fields.0[1], ("1".into(), "\"last\""));
        }
    }

    #[test]
    fn objects_without_end_are_refused() {
        Fields::parse(&object(0..MOST_MEMBERS)).expect("as many as it may have");
        let error = Fields::parse(&object(0..MOST_MEMBERS + 1)).expect_err("one more");
        assert!(error.to_string().contains("65536 members"), "{error}");
        let name = "n".repeat(LONGEST_NAME + 1);
        let error = Fields::parse(&format!("{{\"{name}\":1}}")).expect_err("a long name");
        assert!(error.to_string().contains("4096"), "{error}");
    }

    #[test]
    fn elements_come_one_after_the_other() {
        let of = |text| -> Vec<&str> { elements(text).expect("a list").collect() };
        assert_eq!(
            of(r#"[ {"a":[1,2]} , "]," ,3.5]"#),
            [r#"{"a":[1,2]}"#, r#""],""#, "3.5"]
        );
        assert!(of("[]").is_empty() && of("[ ]").is_empty());
        assert!(elements("{}").is_err());
    }
}
