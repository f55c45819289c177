//! The elements of files: read out of their text, without copying what is not escaped.

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A text of JSON, borrowed where nothing in it is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taken;
        impl<'de> Visitor<'de> for Taken {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Taken)
    }
}

/// A node: `{"_typeName": ..., "id": ..., ...}`.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The name of its type.
    pub type_name: Cow<'a, str>,
    /// Its id.
    pub id: Cow<'a, str>,
    /// Its other values by field, in the order of the text.
    pub fields: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// Values of one field that is a list: `{"_typeName": ..., "id": ..., "field": [...]}`. Those of further rows come behind.
#[derive(Debug, Clone)]
pub struct ListRow<'a> {
    /// The name of the node's type.
    pub type_name: Cow<'a, str>,
    /// The node's id.
    pub id: Cow<'a, str>,
    /// The field.
    pub field: Cow<'a, str>,
    /// The values.
    pub values: Vec<&'a RawValue>,
}

/// An end of a link: a node, and the field of it that leads to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End<'a> {
    /// The name of the node's type.
    pub type_name: Cow<'a, str>,
    /// The node's id.
    pub id: Cow<'a, str>,
    /// The field; one of the ends may have none.
    pub field: Option<Cow<'a, str>>,
}

/// A link between two nodes: `[{...}, {...}]`. Which of them comes first says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation<'a> {
    /// Its ends.
    pub ends: [End<'a>; 2],
}

/// Why a text is no such element, in words.
type Parsed<T> = Result<T, String>;

/// The members of an object, in order. A name twice is an error.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Taken;
        impl<'de> Visitor<'de> for Taken {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Taken)
    }
}

impl<'a> Members<'a> {
    fn parse(text: &'a str) -> Parsed<Self> {
        if !text.trim_start().starts_with('{') {
            return Err("it is no object".into());
        }
        let Self(members) = serde_json::from_str(text).map_err(|error| inner(&error))?;
        let mut names = HashSet::with_capacity(members.len());
        match members.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(format!("it has two values for `{name}`")),
            None => Ok(Self(members)),
        }
    }

    /// Takes a member out that is a text and not empty.
    fn text(&mut self, name: &str) -> Parsed<Cow<'a, str>> {
        let at = self.0.iter().position(|(own, _)| own == name);
        let at = at.ok_or_else(|| format!("it has no `{name}`"))?;
        let (_, value) = self.0.remove(at);
        let text: Result<Text<'a>, _> = serde_json::from_str(value.get());
        match text {
            Ok(Text(text)) if text.is_empty() => Err(format!("its `{name}` is empty")),
            Ok(Text(text)) => Ok(text),
            Err(_) => Err(format!("its `{name}` is no text")),
        }
    }
}

fn inner(error: &serde_json::Error) -> String {
    format!("it is no JSON: {error}")
}

impl<'a> Node<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// It is none; the words say why, and begin with "it".
    pub fn parse(text: &'a str) -> Parsed<Self> {
        let mut members = Members::parse(text)?;
        Ok(Self {
            type_name: members.text("_typeName")?,
            id: members.text("id")?,
            fields: members.0,
        })
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.fields.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| *value)
    }
}

impl<'a> ListRow<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// It is none; the words say why, and begin with "it".
    pub fn parse(text: &'a str) -> Parsed<Self> {
        let mut members = Members::parse(text)?;
        let type_name = members.text("_typeName")?;
        let id = members.text("id")?;
        let count = members.0.len();
        let Some((field, values)) = members.0.pop() else {
            return Err("it has no list".into());
        };
        if count > 1 {
            return Err(format!(
                "it has {count} lists, and the server takes the first and loses the others"
            ));
        }
        let values =
            serde_json::from_str(values.get()).map_err(|_| format!("its `{field}` is no list"))?;
        Ok(Self {
            type_name,
            id,
            field,
            values,
        })
    }
}

impl<'a> End<'a> {
    fn parse(text: &'a str) -> Parsed<Self> {
        let mut members = Members::parse(text)?;
        let (type_name, id) = (members.text("_typeName")?, members.text("id")?);
        let named = members.0.iter().position(|(name, _)| name == "fieldName");
        let field = match named {
            Some(at) if members.0[at].1.get() == "null" => {
                members.0.remove(at);
                None
            }
            Some(_) => Some(members.text("fieldName")?),
            None => None,
        };
        match members.0.first() {
            Some((name, _)) => Err(format!(
                "it has a member `{name}` that ends of relations do not have"
            )),
            None => Ok(Self {
                type_name,
                id,
                field,
            }),
        }
    }
}

impl<'a> Relation<'a> {
    /// Reads one.
    ///
    /// # Errors
    /// It is none; the words say why, and begin with "it" or "its".
    pub fn parse(text: &'a str) -> Parsed<Self> {
        let ends: Vec<&'a RawValue> = match text.trim_start().starts_with('[') {
            true => serde_json::from_str(text).map_err(|error| inner(&error))?,
            false => return Err("it is no list of two ends".into()),
        };
        let &[one, other] = ends.as_slice() else {
            let count = ends.len();
            return Err(format!("it has {count} ends, and a relation has two"));
        };
        let end = |which: &str, end: &'a RawValue| {
            End::parse(end.get()).map_err(|why| format!("its {which} end is wrong: {why}"))
        };
        let ends = [end("first", one)?, end("second", other)?];
        match ends.iter().any(|end| end.field.is_some()) {
            true => Ok(Self { ends }),
            false => Err("it has no `fieldName` on either end".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_as_they_stand() {
        let node =
            Node::parse(r#"{"_typeName":"User","id":"a","n":1.50,"s":"\u00e4"}"#).expect("a node");
        assert_eq!((&*node.type_name, &*node.id), ("User", "a"));
        assert_eq!(node.field("n").map(RawValue::get), Some("1.50"));
        let row =
            ListRow::parse(r#"{"id":"a","hobbies":["x", 1],"_typeName":"User"}"#).expect("a row");
        let values: Vec<&str> = row.values.iter().map(|it| it.get()).collect();
        assert_eq!((&*row.field, values), ("hobbies", vec!["\"x\"", "1"]));
        let relation = r#"[{"_typeName":"A","id":"1","fieldName":"b"},{"_typeName":"B","id":"0","fieldName":null}]"#;
        let [one, other] = Relation::parse(relation).expect("a relation").ends;
        assert_eq!((one.field.as_deref(), other.field), (Some("b"), None));
        assert_eq!(&*other.id, "0");
    }

    #[test]
    fn an_element_of_very_many_members_does_not_take_a_look_at_each_for_each() {
        let members: Vec<String> = (0..500_000).map(|at| format!("\"f{at}\":{at}")).collect();
        let members = members.join(",");
        let text = format!(r#"{{"_typeName":"A","id":"a",{members}}}"#);
        let node = Node::parse(&text).expect("a node");
        assert_eq!(node.fields.len(), 500_000);
        let text = format!(r#"{{"_typeName":"A","id":"a",{members},"f0":1}}"#);
        let error = Node::parse(&text).expect_err("twice");
        assert_eq!(error, "it has two values for `f0`");
    }

    #[test]
    fn what_is_no_element_says_why() {
        for (text, why) in [
            ("[]", "no object"),
            (r#"{"id":"a"}"#, "no `_typeName`"),
            (r#"{"_typeName":"A"}"#, "no `id`"),
            (r#"{"_typeName":"A","id":1}"#, "`id` is no text"),
            (r#"{"_typeName":"A","id":""}"#, "`id` is empty"),
            (
                r#"{"_typeName":"A","id":"a","x":1,"x":2}"#,
                "two values for `x`",
            ),
        ] {
            let error = Node::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        for (text, why) in [
            (r#"{"_typeName":"A","id":"a"}"#, "no list"),
            (r#"{"_typeName":"A","id":"a","x":[],"y":[]}"#, "2 lists"),
            (r#"{"_typeName":"A","id":"a","x":"y"}"#, "`x` is no list"),
        ] {
            let error = ListRow::parse(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
        let end = r#"{"_typeName":"A","id":"a"}"#;
        for (text, why) in [
            ("{}".to_owned(), "no list of two ends"),
            (format!("[{end}]"), "1 ends"),
            (format!("[{end},{end}]"), "no `fieldName` on either"),
            (format!("[{end},3]"), "second end"),
            (
                format!(r#"[{end},{{"_typeName":"A","id":"a","fieldName":"f","x":1}}]"#),
                "`x`",
            ),
        ] {
            let error = Relation::parse(&text).expect_err(&text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
