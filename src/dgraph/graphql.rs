//! The GraphQL schemas of a set, `gNN.gql_schema.gz`.
//!
//! Before 21.03 it is the text itself, with the comments that servers obey; from then on a list with one of each
//! namespace. Servers tell the two apart by whether it is a list of JSON, and so does this.

use super::escape::quote;
use super::schema::LONGEST_SCHEMA;
use super::{Dialect, GALAXY, refuse};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The GraphQL schema of one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GraphQl {
    /// The namespace.
    #[serde(rename = "Namespace")]
    pub namespace: u64,
    /// The schema in its own language; empty where there is none.
    #[serde(rename = "Schema")]
    pub schema: String,
    /// What else stands there: 21.12 has `Script`.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// All of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GraphQls {
    /// One of each namespace.
    pub schemas: Vec<GraphQl>,
    /// The dialect it is written in, where there is anything.
    pub dialect: Option<Dialect>,
}

impl GraphQls {
    /// Reads it. `file` names it in messages.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): it begins as a list, and is none, or it is too long.
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        if text.len() > LONGEST_SCHEMA {
            let why = format!("{file}: the schemas are longer than {LONGEST_SCHEMA} bytes");
            return Err(Error::archive(why));
        }
        if is_list(text) {
            let schemas = serde_json::from_str(text)
                .map_err(|error| Error::archive(format!("{file}: {error}")))?;
            return Ok(Self {
                schemas,
                dialect: Some(Dialect::Since2103),
            });
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        let schema = GraphQl {
            namespace: GALAXY,
            schema: text.to_owned(),
            more: Map::new(),
        };
        Ok(Self {
            schemas: vec![schema],
            dialect: Some(Dialect::Before2103),
        })
    }

    /// Its text in this dialect.
    ///
    /// # Errors
    /// There are schemas of other namespaces than the first, which the dialect has no form for; or one begins as a list of
    /// them does, which is no GraphQL, and would be read as such a list.
    pub fn text(&self, dialect: Dialect) -> Result<String> {
        if dialect == Dialect::Before2103 {
            let mut there = self.schemas.iter().filter(|it| !it.schema.is_empty());
            return match (there.next(), there.next()) {
                (None, _) => Ok(String::new()),
                (Some(one), None) if is_list(&one.schema) => Err(refuse(
                    "the GraphQL schema begins with `[`, as no schema does",
                )
                .hint("mend it in the set, in the file that ends with gql_schema.gz")),
                (Some(one), None) if one.namespace == GALAXY => Ok(one.schema.clone()),
                _ => Err(refuse(
                    "servers before 21.03 have one namespace, and there are GraphQL schemas of others",
                )
                .hint("choose one namespace, or write the set for servers from 21.03 on")),
            };
        }
        let mut out = "[\n".to_owned();
        for (at, one) in self.schemas.iter().enumerate() {
            if at > 0 {
                out.push_str(",\n");
            }
            out.push_str(&format!("{{\"Namespace\":{},\"Schema\":", one.namespace));
            quote(&one.schema, &mut out);
            for (name, value) in &one.more {
                out.push(',');
                quote(name, &mut out);
                out.push_str(&format!(":{value}"));
            }
            out.push('}');
        }
        out.push_str("\n]\n");
        Ok(out)
    }
}

/// Whether servers take a text for a list with a schema of each namespace.
fn is_list(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> GraphQls {
        GraphQls::parse(text, "g01.gql_schema.gz").expect("schemas")
    }

    #[test]
    fn both_dialects_hold_the_same() {
        let sdl = "type A { id: ID! s: String }\n# Dgraph.Allow-Origin \"https://e.com\"\n";
        let old = read(sdl);
        let new = old.text(Dialect::Since2103).unwrap();
        assert_eq!(
            new,
            "[\n{\"Namespace\":0,\"Schema\":\"type A { id: ID! s: String }\\n# Dgraph.Allow-Origin \\\"https://e.com\\\"\\n\"}\n]\n"
        );
        assert_eq!(read(&new).text(Dialect::Before2103).unwrap(), sdl);
        assert_eq!(old.text(Dialect::Before2103).unwrap(), sdl);
    }

    #[test]
    fn nothing_is_nothing_in_both() {
        assert_eq!(read("").text(Dialect::Since2103).unwrap(), "[\n\n]\n");
        assert_eq!(read("[\n\n]\n").text(Dialect::Before2103).unwrap(), "");
        let dropped = "[\n{\"Namespace\":0,\"Schema\":\"\"}\n]\n";
        assert_eq!(read(dropped).text(Dialect::Before2103).unwrap(), "");
        assert_eq!(read(dropped).text(Dialect::Since2103).unwrap(), dropped);
    }

    #[test]
    fn several_namespaces_and_what_is_not_known_stay() {
        let text = "[\n{\"Namespace\":0,\"Schema\":\"type A { a: Int }\",\"Script\":\"x\"},\n{\"Namespace\":1,\"Schema\":\"type B { b: Int }\"}\n]\n";
        let schemas = read(text);
        assert_eq!(schemas.text(Dialect::Since2103).unwrap(), text);
        assert!(schemas.text(Dialect::Before2103).is_err());
    }

    #[test]
    fn a_schema_that_would_be_read_as_a_list_is_refused() {
        let schemas = read("[\n{\"Namespace\":0,\"Schema\":\" [\"}\n]\n");
        assert!(schemas.text(Dialect::Before2103).is_err());
    }

    #[test]
    fn a_list_that_is_cut_is_damaged() {
        let error = GraphQls::parse("[\n{\"Namespace\":0,", "g01.gql_schema.gz").expect_err("cut");
        assert!(
            error.to_string().starts_with("g01.gql_schema.gz: "),
            "{error}"
        );
    }
}
