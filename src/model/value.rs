//! What the values of attributes are in an archive: the one place that says which JSON values are of the kind
//! that a schema names.

use super::limits::is_too_deep;
use super::{Attribute, Fields, Scalar, Schema, Short};
use crate::calendar::{MICROSECONDS, is_in_range, parse_time};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// Why a JSON value is none of this kind; `None` where it is one. Whether a database can store it is for the
/// database to say: texts, days and clocks are anything here, and numbers of any size.
pub fn misfit(scalar: Scalar, json: &str) -> Option<String> {
    if json == "null" {
        return None;
    }
    let (fits, kind) = match scalar {
        Scalar::Text | Scalar::Json | Scalar::Date | Scalar::Time => return None,
        Scalar::BigInteger => (is_number(json), "a whole number"),
        Scalar::Integer | Scalar::Float | Scalar::Decimal => (is_number(json), "a number"),
        Scalar::Boolean => (boolean(json).is_some(), "true or false"),
        Scalar::DateTime | Scalar::Timestamp => {
            let fits = instant(scalar, json, &TimeZone::UTC).is_some();
            (fits, "a date and time")
        }
    };
    (!fits).then(|| format!("{} is not {kind}", Short(json)))
}

/// The first attribute, components aside, whose JSON is nested too deep.
pub fn deep_attribute<'f>(schema: &Schema, fields: &'f Fields<'_>) -> Option<&'f str> {
    let mut attributes = schema.in_order();
    let is_deep = |(name, value): &&'f (Cow<'_, str>, &str)| {
        // Components in each other are looked at one by one: all of one, each time, would take long.
        value.starts_with(['[', '{'])
            && !matches!(
                attributes.attribute(name),
                Some(Attribute::Component { .. } | Attribute::DynamicZone { .. })
            )
            && is_too_deep(value.as_bytes())
    };
    let found = fields.0.iter().find(is_deep);
    found.map(|(name, _)| name.as_ref())
}

/// A boolean, as Strapi takes it.
pub(crate) fn boolean(json: &str) -> Option<bool> {
    match json {
        "true" | "1" | "\"true\"" | "\"1\"" => Some(true),
        "false" | "0" | "\"false\"" | "\"0\"" => Some(false),
        _ => None,
    }
}

/// The microseconds since 1970 of a datetime or timestamp: a text, or a number of milliseconds. A text that
/// names no zone is in `zone`.
pub(crate) fn instant(scalar: Scalar, json: &str, zone: &TimeZone) -> Option<i64> {
    let of_milliseconds = |number: i64| number.checked_mul(MICROSECONDS);
    let time = match text(json) {
        Some(inner) => {
            let number = match scalar {
                Scalar::Timestamp => inner.parse::<i64>().ok().and_then(of_milliseconds),
                _ => None,
            };
            number.or_else(|| parse_time(&inner, zone).map(|(time, _)| time))
        }
        None => match json.parse::<i64>() {
            Ok(number) => of_milliseconds(number),
            Err(_) => {
                let number = json.parse::<f64>().ok()?;
                let number = number.is_finite().then_some(number as i64);
                number.and_then(of_milliseconds)
            }
        },
    };
    time.filter(|time| is_in_range(*time))
}

fn is_number(json: &str) -> bool {
    match text(json) {
        Some(inner) => inner.trim().parse::<f64>().is_ok(),
        None => matches!(json.as_bytes().first(), Some(b'-' | b'0'..=b'9')),
    }
}

/// The text that a JSON string holds.
fn text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    match inner.contains('\\') {
        false => Some(Cow::Borrowed(inner)),
        true => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_the_kind_that_the_schema_says_or_not() {
        for (scalar, right, wrong) in [
            (
                Scalar::DateTime,
                &[
                    r#""2026-02-28T00:00:00.000Z""#,
                    r#""2026-02-28T00:00:00.123456789Z""#,
                    r#""2026-02-28 00:00:00""#,
                    r#""+275760-09-13T00:00:00.000Z""#,
                    "0",
                    "123456789",
                    "null",
                ][..],
                &[
                    r#""2026-02-30T00:00:00.000Z""#,
                    r#""+275760-09-13T00:00:00.001Z""#,
                    r#""today""#,
                    r#""123456789""#,
                    "{}",
                    "true",
                    "1e300",
                ][..],
            ),
            (
                Scalar::Timestamp,
                &[r#""123456789""#],
                &["[]", r#""\ud800""#],
            ),
            (
                Scalar::Integer,
                &["1", "1e999", r#"" 1 ""#],
                &["true", "{}", r#""one""#],
            ),
            (
                Scalar::BigInteger,
                &[r#""99999999999999999999""#, "1"],
                &[r#""abc""#, "[1]"],
            ),
            (
                Scalar::Boolean,
                &["true", "0", r#""1""#],
                &["2", r#""yes""#],
            ),
            (Scalar::Text, &["{}", "1", r#""\ud800""#], &[]),
        ] {
            for json in right {
                assert_eq!(misfit(scalar, json), None, "{scalar:?} {json}");
            }
            for json in wrong {
                assert!(misfit(scalar, json).is_some(), "{scalar:?} {json}");
            }
        }
    }
}
