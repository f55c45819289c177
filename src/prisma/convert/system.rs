//! What conversions have to know of Prisma 1.

use super::plain::values::{Holds, value};
use crate::convert::form::{Fit, Form};
use crate::convert::rows::POSITION;
use crate::convert::system::System;
use crate::error::Error;
use crate::model::{Attribute, Scalar, is_component};
use crate::prisma::sdl;
use crate::prisma::verify;
use std::borrow::Cow;

/// Prisma 1.
pub static PRISMA: Prisma = Prisma;

/// Prisma 1, its server and its command line.
#[derive(Debug)]
pub struct Prisma;

/// What a service fills in by itself, where nothing was written.
const STAMPS: [&str; 2] = ["createdAt", "updatedAt"];
/// Names of types that Prisma has itself.
const RESERVED: [&str; 16] = [
    "Query",
    "Mutation",
    "Subscription",
    "String",
    "Int",
    "Float",
    "Boolean",
    "ID",
    "UUID",
    "Cuid",
    "DateTime",
    "Json",
    "Long",
    "Node",
    "PageInfo",
    "BatchPayload",
];

impl System for Prisma {
    fn reserved_types(&self) -> &'static [&'static str] {
        &RESERVED
    }

    fn reserved_fields(&self) -> &'static [&'static str] {
        &["id"]
    }

    fn longest_name(&self) -> usize {
        64
    }

    /// What servers reserve for it.
    fn longest_id(&self) -> usize {
        25
    }

    /// Servers take 10 MB at once.
    fn longest_node(&self) -> usize {
        9_900_000
    }

    fn field_name(&self, wanted: String, attribute: Option<&Attribute>) -> String {
        let is_time = STAMPS.contains(&wanted.as_str());
        match attribute {
            // Servers fill these in, with a time.
            Some(Attribute::Scalar(Scalar::DateTime)) => wanted,
            _ if is_time => wanted + "Value",
            _ => wanted,
        }
    }

    fn needs_way_back(&self) -> bool {
        true
    }

    /// They begin with a capital.
    fn is_enum_value(&self, value: &str) -> bool {
        value.starts_with(|it: char| it.is_ascii_uppercase())
            && value
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && value.len() <= 191
    }

    fn fit(&self, form: &Form, value: &str) -> Fit {
        let fits = match form {
            Form::Json => {
                return match value.starts_with(['{', '[']) {
                    true => Fit::Plain,
                    // The official CLI takes no texts, numbers and booleans for JSON.
                    false => Fit::Wrapped,
                };
            }
            // A service would round numbers of 64 bits, and has no dates without a time.
            Form::Text | Form::BigInteger => value.starts_with('"'),
            Form::Enum { values, .. } => {
                serde_json::from_str::<String>(value).is_ok_and(|own| values.contains(&own))
            }
            Form::Int => value.parse::<i32>().is_ok(),
            Form::Float | Form::Decimal => value.parse::<f64>().is_ok_and(f64::is_finite),
            Form::Boolean => matches!(value, "true" | "false"),
            Form::DateTime => is_instant(value),
        };
        match fits {
            true => Fit::Plain,
            false => Fit::None,
        }
    }

    fn value<'v>(&self, form: &Form, own: &'v str) -> Option<Cow<'v, str>> {
        let scalar = match (self.fit(form, own), form) {
            // What came from an archive goes back as it came.
            (Fit::Plain | Fit::Wrapped, _) => return Some(own.into()),
            (_, Form::Int) => sdl::Scalar::Int,
            (_, Form::DateTime) => sdl::Scalar::DateTime,
            _ => return None,
        };
        value(&Holds::Scalar(scalar), own).map(Cow::Owned)
    }

    fn own_value<'v>(&self, _form: &Form, own: &'v str) -> Option<Cow<'v, str>> {
        Some(own.into())
    }

    fn is_fixed(&self, uid: &str, field: &str) -> bool {
        let is_position = field == POSITION && is_component(uid);
        is_position || ["_typeName", "id"].contains(&field) || STAMPS.contains(&field)
    }

    fn unfit(&self, name: &str, why: &str) -> Error {
        Error::archive(format!("{name}: {why}"))
            .hint("`backup prisma verify` lists all that is wrong with a data set")
    }
}

/// Whether a value is a time like `"2026-11-20T15:28:46.121Z"`: no other form is taken by both the official CLI and the server.
fn is_instant(value: &str) -> bool {
    const LIKE: &[u8] = b"\"0000-00-00T00:00:00.000Z\"";
    value.len() == LIKE.len()
        && value.bytes().zip(LIKE).all(|(own, like)| match like {
            b'0' => own.is_ascii_digit(),
            like => own == *like,
        })
        && verify::fits(sdl::Scalar::DateTime, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::form::enum_values;
    use crate::convert::forms::Forms;
    use crate::model::{Fields, Schema};
    use serde_json::json;

    #[test]
    fn values_that_either_end_would_refuse_do_not_fit() {
        for (form, value, fit) in [
            (Form::Text, "\"a\"", Fit::Plain),
            (Form::Text, "1", Fit::None),
            (Form::Int, "-2147483648", Fit::Plain),
            (Form::Int, "2147483648", Fit::None),
            (Form::Int, "1.0", Fit::None),
            (Form::Float, "1e300", Fit::Plain),
            (Form::Float, "\"1\"", Fit::None),
            (Form::DateTime, "\"2026-11-20T15:28:46.121Z\"", Fit::Plain),
            (Form::DateTime, "\"9999-12-31T23:59:59.999Z\"", Fit::Plain),
            (Form::DateTime, "\"2026-02-30T15:28:46.121Z\"", Fit::None),
            (Form::DateTime, "\"2026-11-20T15:28:46Z\"", Fit::None),
            (Form::DateTime, "\"2026-11-20\"", Fit::None),
            (Form::Boolean, "1", Fit::None),
            (Form::Json, "[1]", Fit::Plain),
            (Form::Json, "\"a\"", Fit::Wrapped),
        ] {
            assert_eq!(PRISMA.fit(&form, value), fit, "{form:?} {value}");
        }
    }

    #[test]
    fn enumerations_become_enums_where_all_values_are_names() {
        let values = |text: &str| enum_values(&Fields::parse(text).expect("an object"), &PRISMA);
        assert_eq!(
            values(r#"{"enum":["Draft","DONE_2"]}"#),
            Some(vec!["Draft".to_owned(), "DONE_2".to_owned()])
        );
        for other in [
            r#"{"enum":["Draft","so-so"]}"#,
            r#"{"enum":["sad"]}"#,
            "{}",
            r#"{"enum":[]}"#,
        ] {
            assert_eq!(values(other), None, "{other}");
        }
    }

    #[test]
    fn values_of_another_type_are_taken_as_strapi_has_them_or_not_at_all() {
        let attributes = json!({
            "title": {"type": "string"},
            "count": {"type": "integer"},
            "at": {"type": "datetime"},
            "price": {"type": "decimal"},
            "on": {"type": "boolean"},
            "mood": {"type": "enumeration", "enum": ["happy", "so-so"]},
            "kind": {"type": "enumeration", "enum": ["A", "B"]},
            "any": {"type": "json"},
            "day": {"type": "date"},
            "time": {"type": "time"},
            "views": {"type": "biginteger"},
        });
        let line = crate::convert::testing::schema("api::a.a", attributes);
        let schema = Schema::parse(&line).expect("a schema");
        let forms = Forms::of(Some(&schema), &PRISMA);
        for (attribute, value, expected) in [
            ("title", "\"a\"", Some("\"a\"")),
            ("title", "{\"a\":1}", None),
            ("count", "3", Some("3")),
            ("count", "3.0", Some("3")),
            ("count", "1.5", None),
            (
                "at",
                "\"2017-11-29T14:35:13.000Z\"",
                Some("\"2017-11-29T14:35:13.000Z\""),
            ),
            (
                "at",
                "\"2017-11-29 14:35:13\"",
                Some("\"2017-11-29T14:35:13.000Z\""),
            ),
            ("at", "\"abc\"", None),
            ("price", "1.50", Some("1.50")),
            ("price", "\"1\"", None),
            ("on", "1", None),
            ("mood", "\"so-so\"", Some("\"so-so\"")),
            ("mood", "\"nonsense\"", None),
            ("kind", "\"B\"", Some("\"B\"")),
            ("kind", "\"C\"", None),
            ("any", "1", Some("1")),
            ("day", "\"2017-11-29\"", Some("\"2017-11-29\"")),
            ("day", "\"abc\"", None),
            ("time", "\"14:35:13.000\"", Some("\"14:35:13.000\"")),
            ("time", "\"25:35:13\"", None),
            (
                "views",
                "\"9007199254740993\"",
                Some("\"9007199254740993\""),
            ),
            ("views", "\"99999999999999999999999\"", None),
        ] {
            let taken = forms.taken(attribute, value, false);
            assert_eq!(taken.as_deref(), expected, "{attribute} {value}");
        }
        assert!(forms.taken("mood", "\"nonsense\"", true).is_some());
        assert!(forms.taken("mood", "1", true).is_none());
    }
}
