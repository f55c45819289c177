//! What conversions have to know of Dgraph.
//!
//! Which names its GraphQL takes stands in `graphql/schema/rules.go` of its source, as far as no other place is named.

use super::super::row::is_json_number;
use super::ID;
use super::plain::time;
use crate::convert::form::{Fit, Form};
use crate::convert::rows::POSITION;
use crate::convert::system::System;
use crate::error::Error;
use crate::model::{Attribute, is_component, json};
use std::borrow::Cow;

/// Dgraph.
pub static DGRAPH: Dgraph = Dgraph;

/// Dgraph, with its GraphQL.
#[derive(Debug)]
pub struct Dgraph;

/// Names of types that it has itself, but for those that end as in [`GENERATED`].
const RESERVED: [&str; 30] = [
    "Query",
    "Mutation",
    "Subscription",
    "String",
    "Int",
    "Int64",
    "Float",
    "Boolean",
    "ID",
    "DateTime",
    "Password",
    "Point",
    "PointList",
    "Polygon",
    "MultiPolygon",
    "uid",
    "as",
    "DgraphIndex",
    "DgraphDefault",
    "AuthRule",
    "HTTPMethod",
    "Mode",
    "CustomHTTP",
    "CustomGraphQL",
    "IntRange",
    "Int64Range",
    "FloatRange",
    "DateTimeRange",
    "GenerateQueryParams",
    "GenerateMutationParams",
];
/// How the names of types end that it makes of every type: `ArticleFilter` of `Article`. `Aggregate` is no such name, but no
/// field may end with it, and fields are called after types.
const GENERATED: [&str; 9] = [
    "Ref",
    "Patch",
    "Input",
    "Payload",
    "Result",
    "Filter",
    "Order",
    "Orderable",
    AGGREGATE,
];
/// How no field may end.
const AGGREGATE: &str = "Aggregate";
/// What loaders take for all values of a predicate (`x.Star` of its source).
const STAR: &str = "_STAR_ALL";
/// Bytes of names before anything is put behind them.
const LONGEST_WANTED: usize = 56;

/// A name that ends in none of these ways.
fn ending(mut wanted: String, otherwise: &[&str], more: &str) -> String {
    wanted.truncate(wanted.floor_char_boundary(LONGEST_WANTED));
    if otherwise.iter().any(|it| wanted.ends_with(it)) {
        wanted.push_str(more);
    }
    wanted
}

impl System for Dgraph {
    fn reserved_types(&self) -> &'static [&'static str] {
        &RESERVED
    }

    fn reserved_fields(&self) -> &'static [&'static str] {
        &["id", "uid", "as", "Subscription", ID]
    }

    fn longest_name(&self) -> usize {
        64
    }

    /// An id is a value like any other.
    fn longest_id(&self) -> usize {
        64
    }

    /// Where every byte is escaped, this is what a row may have.
    fn longest_node(&self) -> usize {
        super::super::LONGEST_ROW / 7
    }

    fn type_name(&self, wanted: String) -> String {
        ending(wanted, &GENERATED, "Type")
    }

    fn field_name(&self, wanted: String, _attribute: Option<&Attribute>) -> String {
        ending(wanted, &[AGGREGATE], "Value")
    }

    fn needs_way_back(&self) -> bool {
        false
    }

    /// Names of GraphQL are letters, digits and `_`; the values of constants are none.
    fn is_enum_value(&self, value: &str) -> bool {
        value.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
            && !value.starts_with("__")
            && !["true", "false", "null"].contains(&value)
            && value
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && value.len() <= 191
    }

    /// A node holds texts, as rows do.
    fn fit(&self, form: &Form, value: &str) -> Fit {
        let text = || serde_json::from_str::<String>(value).ok();
        let text = match form {
            Form::Text => text().filter(|it| is_kept(it)),
            Form::Enum { values, .. } => text().filter(|it| values.contains(it)),
            Form::Int => Some(value.to_owned()).filter(|it| is_int(it)),
            Form::BigInteger => text().filter(|it| is_digits(it)),
            Form::Float => {
                let number = value.parse::<f64>().ok().filter(|it| it.is_finite());
                number.map(|_| value.to_owned())
            }
            Form::Decimal => Some(value.to_owned()).filter(|it| is_json_number(it)),
            Form::Boolean => Some(value.to_owned()).filter(|it| boolean(it).is_some()),
            Form::DateTime => text().filter(|it| time(it).is_some_and(|(time, _)| time == value)),
            Form::Json => Some(value.to_owned()),
        };
        text.map_or(Fit::None, Fit::Text)
    }

    fn value<'v>(&self, form: &Form, own: &'v str) -> Option<Cow<'v, str>> {
        let text = serde_json::from_str::<String>(own).ok()?;
        Some(Cow::Owned(match form {
            Form::Text | Form::Enum { .. } => return Some(own.into()),
            Form::Int => text.parse::<i64>().ok()?.to_string(),
            Form::BigInteger => is_digits(&text).then(|| format!("\"{text}\""))?,
            Form::Float => float(text)?,
            Form::Decimal => Some(text).filter(|it| is_json_number(it))?,
            Form::Boolean => boolean(&text)?.to_string(),
            // Servers write as many digits of the second as it needs, with any offset.
            Form::DateTime => time(&text)?.0,
            Form::Json => Some(text).filter(|it| json::is_valid(it))?,
        }))
    }

    fn is_fixed(&self, uid: &str, field: &str) -> bool {
        let is_position = field == POSITION && is_component(uid);
        is_position || ["_typeName", "id"].contains(&field)
    }

    fn unfit(&self, name: &str, why: &str) -> Error {
        Error::archive(format!("{name}: {why}"))
            .hint("`backup dgraph verify` lists all that is wrong with a set")
    }
}

/// Whether servers give a text back as it came: they cut zero bytes off its end.
fn is_kept(text: &str) -> bool {
    !text.ends_with('\0') && text != STAR
}

/// Whether it is a whole number of 64 bits, as servers write these.
fn is_int(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|it| it.to_string() == text)
}

/// Whether it is a whole number of any length: Strapi exports the largest of 64 bits rounded up.
fn is_digits(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit())
}

/// A number as JSON has it. Servers write `1E+21`, which is JSON, and take `.5`, which is none.
fn float(text: String) -> Option<String> {
    let number = text.parse::<f64>().ok().filter(|it| it.is_finite())?;
    if is_json_number(&text) {
        return Some(text);
    }
    let mut out = String::new();
    json::write_f64(&mut out, number);
    Some(out)
}

/// What Go takes for a truth value.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "t" | "T" | "TRUE" | "True" => Some(true),
        "false" | "0" | "f" | "F" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_texts_and_come_back_as_they_were() {
        for (form, value, text) in [
            (Form::Text, r#""a""#, Some("a")),
            (Form::Text, r#""""#, Some("")),
            (Form::Text, r#""a\u0000""#, None),
            (Form::Text, r#""_STAR_ALL""#, None),
            (Form::Text, "1", None),
            (Form::Int, "2147483648", Some("2147483648")),
            (Form::Int, "1.0", None),
            (Form::Int, "9223372036854775808", None),
            (
                Form::BigInteger,
                r#""9007199254740993""#,
                Some("9007199254740993"),
            ),
            (
                Form::BigInteger,
                r#""9223372036854776000""#,
                Some("9223372036854776000"),
            ),
            (Form::BigInteger, "7", None),
            (Form::Float, "1.50", Some("1.50")),
            (Form::Float, "1e999", None),
            (
                Form::Decimal,
                "0.1000000000000000000001",
                Some("0.1000000000000000000001"),
            ),
            (Form::Decimal, r#""1""#, None),
            (Form::Boolean, "true", Some("true")),
            (
                Form::DateTime,
                r#""2026-11-20T15:28:46.120Z""#,
                Some("2026-11-20T15:28:46.120Z"),
            ),
            // What many write for "never".
            (
                Form::DateTime,
                r#""9999-12-31T23:59:59.999Z""#,
                Some("9999-12-31T23:59:59.999Z"),
            ),
            (Form::DateTime, r#""2026-11-20T15:28:46Z""#, None),
            (Form::DateTime, r#""2026-11-20""#, None),
            (Form::Json, r#"{"a":[1, 2.0]}"#, Some(r#"{"a":[1, 2.0]}"#)),
            (Form::Json, r#""b""#, Some(r#""b""#)),
        ] {
            let fit = DGRAPH.fit(&form, value);
            let expected = text.map_or(Fit::None, |it| Fit::Text(it.to_owned()));
            assert_eq!(fit, expected, "{form:?} {value}");
            if let Some(text) = text {
                let mut own = String::new();
                json::write_string(&mut own, text);
                assert_eq!(
                    DGRAPH.value(&form, &own).as_deref(),
                    Some(value),
                    "{form:?}"
                );
            }
        }
    }

    #[test]
    fn what_servers_write_in_their_own_way_is_read_as_strapi_has_it() {
        for (form, text, value) in [
            (
                Form::DateTime,
                "2026-11-20T15:28:46Z",
                Some(r#""2026-11-20T15:28:46.000Z""#),
            ),
            (
                Form::DateTime,
                "2026-11-20T15:28:46.12+01:00",
                Some(r#""2026-11-20T14:28:46.120Z""#),
            ),
            (Form::DateTime, "soon", None),
            (Form::Float, "1E+21", Some("1E+21")),
            (Form::Float, ".5", Some("0.5")),
            (Form::Float, "+Inf", None),
            (Form::Int, "3.5", None),
            (Form::Boolean, "t", Some("true")),
            (Form::Json, "{", None),
            (Form::Decimal, "NaN", None),
        ] {
            let own = format!("\"{text}\"");
            assert_eq!(
                DGRAPH.value(&form, &own).as_deref(),
                value,
                "{form:?} {text}"
            );
        }
    }

    #[test]
    fn names_that_graphql_makes_itself_are_not_given_away() {
        for (wanted, name) in [
            ("Article", "Article"),
            ("ArticleFilter", "ArticleFilterType"),
            ("Order", "OrderType"),
            ("UpdateArticleInput", "UpdateArticleInputType"),
        ] {
            assert_eq!(DGRAPH.type_name(wanted.into()), name);
        }
        assert_eq!(
            DGRAPH.field_name("sumAggregate".into(), None),
            "sumAggregateValue"
        );
        assert!(DGRAPH.is_enum_value("so_so") && DGRAPH.is_enum_value("_1"));
        for value in ["so-so", "1st", "true", "__a", "", "ä"] {
            assert!(!DGRAPH.is_enum_value(value), "{value}");
        }
    }
}
