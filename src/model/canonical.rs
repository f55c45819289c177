//! Values in one form, however an archive writes them: two values are the same where these texts are.
//!
//! Written without a look at how values come into a database and out of it: only so does it tell whether they are what
//! they were.

use super::{Scalar, boolean, instant, json};
use crate::calendar::MICROSECONDS;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::borrow::Cow;

/// Appends a value of this kind.
pub(crate) fn scalar(out: &mut String, scalar: Scalar, value: &str) {
    if value == "null" {
        return out.push_str(value);
    }
    match scalar {
        Scalar::Json
            if value.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) =>
        {
            number(out, value);
        }
        Scalar::Json => compact(out, value),
        Scalar::Text | Scalar::Date => text(out, value),
        Scalar::Time => {
            let start = out.len();
            text(out, value);
            // Some write as many digits as they need, and some three.
            if out[start..].contains('.') {
                let length = out.trim_end_matches('0').trim_end_matches('.').len();
                out.truncate(length);
            }
        }
        Scalar::Decimal => number(out, &inner(value)),
        // SQLite holds these as floats, where they are not whole.
        Scalar::Integer | Scalar::BigInteger | Scalar::Float => float(out, &inner(value)),
        Scalar::Boolean => match boolean(value) {
            Some(value) => out.push_str(if value { "true" } else { "false" }),
            None => compact(out, value),
        },
        Scalar::DateTime | Scalar::Timestamp => match instant(scalar, value, &TimeZone::UTC) {
            Some(time) => json::write_i64(out, time.div_euclid(MICROSECONDS)),
            None => compact(out, value),
        },
    }
}

/// The text that a JSON string holds; anything else as it is.
pub(crate) fn inner(value: &str) -> Cow<'_, str> {
    if !value.starts_with('"') {
        return Cow::Borrowed(value);
    }
    let plain = value
        .get(1..value.len() - 1)
        .filter(|it| !it.contains('\\'));
    match plain {
        Some(plain) => Cow::Borrowed(plain),
        None => serde_json::from_str::<String>(value).map_or(Cow::Borrowed(value), Cow::Owned),
    }
}

/// Appends a text; a number is the text that it is written with.
fn text(out: &mut String, value: &str) {
    out.push_str(&inner(value));
}

/// Appends JSON without the blanks that mean nothing.
pub(crate) fn compact(out: &mut String, value: &str) {
    if !json::write_compact(out, value) {
        out.push_str(value);
    }
}

/// Appends a number, however it is written: whole ones of 64 bits with all their digits, decimal ones with those that
/// count, others as the float that is nearest.
pub(crate) fn number(out: &mut String, written: &str) {
    let written = written.trim();
    if let Ok(whole) = written.parse::<i64>() {
        return json::write_i64(out, whole);
    }
    let (sign, digits) = match written.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", written.strip_prefix('+').unwrap_or(written)),
    };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if let Some((whole, fraction)) = digits.split_once('.')
        && is_digits(whole)
        && is_digits(fraction)
    {
        let fraction = fraction.trim_end_matches('0');
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        if (whole, fraction) != ("0", "") {
            out.push_str(sign);
        }
        out.push_str(whole);
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        return;
    }
    match written.parse::<f64>() {
        Ok(float) if float.is_finite() => {
            let start = out.len();
            json::write_f64(out, float);
            // A float that is written without an exponent is like any other number.
            let short = out.split_off(start);
            match short.contains('e') || !short.contains('.') {
                true => out.push_str(&short),
                false => number(out, &short),
            }
        }
        _ => out.push_str(written),
    }
}

/// Appends a number: a whole one of 64 bits with all its digits, another as the float that is nearest.
fn float(out: &mut String, written: &str) {
    let written = written.trim();
    match (written.parse::<i64>(), written.parse::<f64>()) {
        (Err(_), Ok(nearest)) if nearest.is_finite() => {
            let mut text = String::new();
            json::write_f64(&mut text, nearest);
            number(out, &text);
        }
        _ => number(out, written),
    }
}

/// Whether two texts are the same JSON, however they are written. Numbers of 64 bits are told apart.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let parsed = [one, other].map(|text| serde_json::from_str::<Value>(text).ok());
    if let [Some(one), Some(other)] = parsed {
        return is_equal(&one, &other);
    }
    // JSON that is nested too deep to be taken apart.
    let compacted = [one, other].map(|text| {
        let mut out = String::new();
        compact(&mut out, text);
        out
    });
    compacted[0] == compacted[1]
}

/// Whether JSON is the same whatever the order of its keys, and however its numbers are written.
pub(crate) fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let written = [one, other].map(|it| {
                let mut out = String::new();
                number(&mut out, &it.to_string());
                out
            });
            written[0] == written[1]
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let mut members = one.iter();
            let is_there = |(name, one): (&String, &Value)| {
                other.get(name).is_some_and(|other| is_equal(one, other))
            };
            one.len() == other.len() && members.all(is_there)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(kind: Scalar, one: &str, other: &str) -> bool {
        let (mut a, mut b) = (String::new(), String::new());
        scalar(&mut a, kind, one);
        scalar(&mut b, kind, other);
        a == b
    }

    #[test]
    fn values_are_the_same_however_they_are_written() {
        for (kind, one, other) in [
            (Scalar::Text, r#""caf\u00e9 \/""#, "\"café /\""),
            (Scalar::Text, "5", r#""5""#),
            (Scalar::Time, r#""12:00:00""#, r#""12:00:00.000""#),
            (Scalar::Time, r#""12:00:00.5""#, r#""12:00:00.500""#),
            (Scalar::Decimal, "1.50", "1.5"),
            (Scalar::Decimal, r#""1.50""#, "1.5"),
            (Scalar::Decimal, "-0.10", "-0.1"),
            (Scalar::Decimal, "2.0", "2"),
            (Scalar::Float, "-0.0", "0"),
            (
                Scalar::Float,
                "12345678901234567890.123456",
                "12345678901234567000",
            ),
            (
                Scalar::BigInteger,
                r#""123456789012345678901""#,
                r#""123456789012345680000""#,
            ),
            (Scalar::Float, "1e2", "100"),
            (Scalar::Float, "1.5e-3", "0.0015"),
            (Scalar::BigInteger, r#""007""#, "7"),
            (Scalar::Boolean, "1", "true"),
            (
                Scalar::DateTime,
                r#""2026-01-01T01:00:00.000+01:00""#,
                r#""2026-01-01T00:00:00.000Z""#,
            ),
            (Scalar::Timestamp, r#""1000""#, "1000"),
            (Scalar::Json, r#"{ "a": [1, 2] }"#, r#"{"a":[1,2]}"#),
            (Scalar::Json, "1.0", "1"),
        ] {
            assert!(same(kind, one, other), "{kind:?} {one} {other}");
        }
    }

    #[test]
    fn different_values_are_not_the_same() {
        for (kind, one, other) in [
            (Scalar::Text, r#""a""#, r#""b""#),
            (Scalar::Text, "null", r#""""#),
            (Scalar::Time, r#""12:00:00""#, r#""12:00:10""#),
            (Scalar::Time, r#""10:00:00.100""#, r#""10:00:00.010""#),
            (
                Scalar::Decimal,
                "0.12345678901234567890",
                "0.12345678901234567891",
            ),
            (
                Scalar::BigInteger,
                r#""9007199254740993""#,
                r#""9007199254740992""#,
            ),
            (Scalar::Integer, "10", "1"),
            (Scalar::Boolean, "true", "false"),
            (
                Scalar::DateTime,
                r#""2026-01-01T00:00:00.000Z""#,
                r#""2026-01-01T00:00:00.001Z""#,
            ),
            (Scalar::Json, r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
            (Scalar::Json, r#""1""#, "1"),
        ] {
            assert!(!same(kind, one, other), "{kind:?} {one} {other}");
        }
    }
}
