//! A row of a content type.

use super::json;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
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

/// The members of a JSON object, in order, each value still as text.
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

    /// The value of the member of this name; the last one where there are several.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.0
            .iter()
            .rev()
            .find_map(|(own, value)| (own == name).then_some(*value))
    }

    /// The text of the member of this name, if it is one.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// The object as text, with other values where `change` gives some.
    pub fn with(&self, change: &dyn Fn(&str, &str) -> Option<String>) -> String {
        let mut out = b"{".to_vec();
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::write_string(&mut out, name);
            out.push(b':');
            let changed = change(name, value);
            out.extend_from_slice(changed.as_deref().unwrap_or(value).as_bytes());
        }
        out.push(b'}');
        String::from_utf8(out).expect("JSON was written from text")
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
                    fields.push((name, map.next_value::<&'de RawValue>()?.get()));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A member's name, borrowed where it holds no escapes.
#[derive(Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The elements of a JSON array, each still as text.
///
/// # Errors
/// `text` is not a JSON array.
pub(super) fn elements(text: &str) -> Result<Vec<&str>, serde_json::Error> {
    let values: Vec<&RawValue> = serde_json::from_str(text)?;
    Ok(values.into_iter().map(RawValue::get).collect())
}
