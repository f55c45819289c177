//! Values between a database and an archive.
//!
//! Out: what `fromDB` of each field type in `@strapi/database` gives, printed as JSON. In: what
//! `toDB` stores. Where Strapi loses something (digits of big integers), the right value is kept.

use crate::database::Value;
use crate::database::calendar::{DAY, civil_date, days_of};
use crate::model::{Scalar, json};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// Appends a column's value as the JSON value of an attribute.
pub(super) fn write(out: &mut Vec<u8>, scalar: Scalar, value: &Value<'_>) {
    if value.is_null() {
        out.extend_from_slice(b"null");
        return;
    }
    match scalar {
        Scalar::Text => write_as_string(out, value),
        Scalar::Json => write_json(out, value),
        Scalar::BigInteger => match value {
            Value::Text(text) => json::write_string(out, &big_integer(text)),
            _ => write_as_string(out, value),
        },
        Scalar::Integer | Scalar::Float | Scalar::Decimal => match value {
            Value::Text(text) if text.trim().is_empty() => out.push(b'0'),
            Value::Text(text) if json::is_valid(text) && is_number(text) => {
                json::write_number(out, text.trim());
            }
            Value::Text(_) | Value::Bytes(_) => out.extend_from_slice(b"null"),
            _ => write_plain(out, value),
        },
        Scalar::Boolean => out.extend_from_slice(match value {
            Value::Integer(1) => b"true",
            Value::Integer(0) => b"false",
            Value::Real(number) if *number == 1.0 => b"true",
            Value::Real(number) if *number == 0.0 => b"false",
            Value::Text(text) if text == "1" => b"true",
            Value::Text(text) if text == "0" => b"false",
            _ => b"null",
        }),
        Scalar::Date | Scalar::Time => write_plain(out, value),
        Scalar::DateTime => match milliseconds(value) {
            Some(time) => json::write_string(out, &iso(time)),
            None => out.extend_from_slice(b"null"),
        },
        Scalar::Timestamp => match milliseconds(value) {
            Some(time) => json::write_string(out, &time.to_string()),
            None => out.extend_from_slice(b"null"),
        },
    }
}

/// Appends a value as the JSON value of its own kind.
pub(super) fn write_plain(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(number) => json::write_i64(out, *number),
        Value::Real(number) => json::write_f64(out, *number),
        Value::Text(text) | Value::Json(text) => json::write_string(out, text),
        Value::Timestamp(time) => json::write_string(out, &iso(*time)),
        Value::Bytes(bytes) => json::write_string(out, &String::from_utf8_lossy(bytes)),
    }
}

fn write_as_string(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Integer(_) | Value::Real(_) => {
            out.push(b'"');
            write_plain(out, value);
            out.push(b'"');
        }
        other => write_plain(out, other),
    }
}

/// Appends what a JSON column holds. Strapi parses a string it finds there once more (versions
/// before 5.0 stored JSON twice encoded) and falls back to the text itself.
fn write_json(out: &mut Vec<u8>, value: &Value<'_>) {
    let Value::Text(text) = value else {
        write_plain(out, value);
        return;
    };
    if text.trim_start().starts_with('"')
        && let Ok(inner) = serde_json::from_str::<String>(text)
    {
        if !json::write_compact(out, &inner) {
            json::write_string(out, text);
        }
    } else {
        json::write_compact_or_string(out, text);
    }
}

fn is_number(text: &str) -> bool {
    text.trim()
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// A big integer without the sign and the zeros it does not need.
fn big_integer(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => ("-", &trimmed[1..]),
        Some(b'+') => ("", &trimmed[1..]),
        _ => ("", trimmed),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    match digits.trim_start_matches('0') {
        "" => Cow::Borrowed("0"),
        digits => Cow::Owned(format!("{sign}{digits}")),
    }
}

/// Milliseconds since 1970, from what a datetime column holds: an instant; on SQLite a number, or
/// text, which is UTC unless it names another offset or none at all with a time of day (then it is
/// local).
fn milliseconds(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Timestamp(number) | Value::Integer(number) => Some(*number),
        Value::Real(number) => Some(number.trunc() as i64),
        Value::Text(text) => parse_time(text.trim()),
        _ => None,
    }
}

fn parse_time(text: &str) -> Option<i64> {
    if let Some(time) = iso_time(text) {
        return Some(time);
    }
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    let zone = if text.len() <= "YYYY-MM-DD".len() {
        TimeZone::UTC
    } else {
        TimeZone::system()
    };
    let zoned = civil.to_zoned(zone).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// `YYYY-MM-DDTHH:mm:ss.SSSZ`, with a sign and six digits for years outside 0 to 9999, as
/// `Date.prototype.toISOString` prints it.
fn iso(milliseconds: i64) -> String {
    let (year, month, day) = civil_date(milliseconds.div_euclid(DAY));
    let time = milliseconds.rem_euclid(DAY);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ if year < 0 => format!("-{:06}", -year),
        _ => format!("+{year:06}"),
    };
    format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        time / 3_600_000,
        time / 60_000 % 60,
        time / 1000 % 60,
        time % 1000
    )
}

/// The value to store for the JSON value `text` of an attribute.
///
/// # Errors
/// A sentence that says why the value does not fit the attribute's type.
pub(super) fn read(scalar: Scalar, text: &str) -> Result<Value<'_>, String> {
    if text == "null" {
        return Ok(Value::Null);
    }
    let first = text.as_bytes().first().copied().unwrap_or_default();
    match scalar {
        Scalar::Json => Ok(Value::Json(match first {
            b'"' => string(text)?,
            _ => Cow::Borrowed(text),
        })),
        Scalar::Text | Scalar::Date | Scalar::Time => Ok(match first {
            b'"' if scalar == Scalar::Time => Value::Text(full_time(string(text)?)),
            b'"' => Value::Text(string(text)?),
            b'-' | b'0'..=b'9' if scalar != Scalar::Text => number(text)?,
            _ => Value::Text(Cow::Borrowed(text)),
        }),
        Scalar::BigInteger => {
            let digits = if first == b'"' {
                string(text)?
            } else {
                Cow::Borrowed(text)
            };
            Ok(match digits.parse::<i64>() {
                Ok(number) => Value::Integer(number),
                // SQLite holds what is too large for it as a float; so does the text read back.
                Err(_) => match digits.parse::<f64>() {
                    Ok(number) if number.is_finite() => Value::Real(number),
                    _ => return Err(format!("{text} is not a whole number")),
                },
            })
        }
        Scalar::Integer | Scalar::Float | Scalar::Decimal => match first {
            b'"' => {
                let inner = string(text)?;
                inner
                    .trim()
                    .parse::<f64>()
                    .map(Value::Real)
                    .map_err(|_| format!("{text} is not a number"))
            }
            _ => Ok(match number(text)? {
                Value::Real(number) if scalar == Scalar::Decimal && !is_exact(number, text) => {
                    Value::Text(Cow::Borrowed(text))
                }
                number => number,
            }),
        },
        Scalar::Boolean => match text {
            "true" | "1" | "\"true\"" | "\"1\"" => Ok(Value::Integer(1)),
            "false" | "0" | "\"false\"" | "\"0\"" => Ok(Value::Integer(0)),
            _ => Err(format!("{text} is neither true nor false")),
        },
        Scalar::DateTime | Scalar::Timestamp => {
            if first != b'"' {
                let time = milliseconds(&number(text)?);
                return Ok(time.map_or(Value::Null, Value::Timestamp));
            }
            let inner = string(text)?;
            let time = if scalar == Scalar::Timestamp {
                inner.parse::<i64>().ok().or_else(|| parse_time(&inner))
            } else {
                parse_time(&inner)
            };
            time.map(Value::Timestamp)
                .ok_or_else(|| format!("{text} is not a date and time"))
        }
    }
}

fn string(text: &str) -> Result<Cow<'_, str>, String> {
    let inner = &text[1..text.len() - 1];
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(text)
        .map(Cow::Owned)
        .map_err(|error| format!("a text cannot be stored: {error}"))
}

fn number(text: &str) -> Result<Value<'static>, String> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Value::Integer(number));
    }
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(Value::Real)
        .ok_or_else(|| format!("{text} is not a number"))
}

/// Whether a number prints as it was written.
fn is_exact(number: f64, text: &str) -> bool {
    let mut printed = Vec::new();
    json::write_f64(&mut printed, number);
    printed == text.as_bytes()
}

/// A time of day with seconds and milliseconds, as Strapi stores it; PostgreSQL prints fewer digits.
fn full_time(text: Cow<'_, str>) -> Cow<'_, str> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (clock, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_clock = clock.len() == "HH:mm:ss".len()
        && clock.split(':').count() == 3
        && clock.split(':').all(|part| part.len() == 2 && digits(part));
    if is_clock && fraction.len() < 3 && digits(fraction) {
        Cow::Owned(format!("{clock}.{fraction:0<3}"))
    } else {
        text
    }
}

/// Reads a time as [`iso`] prints it. Its years reach further than the calendar crate's, whose last
/// hours of 9999 are missing as well.
fn iso_time(text: &str) -> Option<i64> {
    let (sign, digits, rest) = match text.as_bytes().first()? {
        b'+' => (1, 6, &text[1..]),
        b'-' => (-1, 6, &text[1..]),
        _ => (1, 4, text),
    };
    let part = |start: usize, length: usize, after: &str| {
        let digits = rest.get(start..start + length)?;
        let right = rest.get(start + length..)?.starts_with(after)
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| digits.parse::<i64>().ok())?
    };
    let year = sign * part(0, digits, "-")?;
    let (month, day) = (part(digits + 1, 2, "-")?, part(digits + 4, 2, "T")?);
    let (hour, minute) = (part(digits + 7, 2, ":")?, part(digits + 10, 2, ":")?);
    let (second, fraction) = (part(digits + 13, 2, ".")?, part(digits + 16, 3, "Z")?);
    let days = days_of(year, month, day);
    let exists = rest.len() == digits + 20
        && civil_date(days) == (year, month, day)
        && hour < 24
        && minute < 60
        && second < 60;
    exists.then(|| days * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(scalar: Scalar, value: Value<'_>) -> String {
        let mut out = Vec::new();
        write(&mut out, scalar, &value);
        String::from_utf8(out).expect("UTF-8")
    }

    proptest! {
        #[test]
        fn every_time_of_javascript_comes_back(time in -8_640_000_000_000_000_i64..=8_640_000_000_000_000) {
            let text = format!("\"{}\"", iso(time));
            prop_assert_eq!(read(Scalar::DateTime, &text), Ok(Value::Timestamp(time)));
        }
    }

    #[test]
    fn times_are_printed_as_javascript_prints_them() {
        for (milliseconds, printed) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (1_709_208_000_000, "2024-02-29T12:00:00.000Z"),
            (32_472_144_000_001, "2999-01-01T00:00:00.001Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (-62_198_755_200_000, "-000001-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso(milliseconds), printed);
            let text = format!("\"{printed}\"");
            let read = read(Scalar::DateTime, &text).expect("a time");
            assert_eq!(read, Value::Timestamp(milliseconds), "{printed}");
        }
    }

    #[test]
    fn big_integers_keep_their_digits() {
        let value = Value::Integer(9_007_199_254_740_993);
        assert_eq!(written(Scalar::BigInteger, value), "\"9007199254740993\"");
        assert_eq!(written(Scalar::BigInteger, Value::from("+007")), "\"7\"");
        assert_eq!(
            written(Scalar::BigInteger, Value::Real(9.223372036854776e18)),
            "\"9223372036854776000\""
        );
    }

    #[test]
    fn json_columns_are_read_as_strapi_reads_them() {
        for (stored, written_as) in [
            (Value::from(r#"{ "a": 1.0 }"#), r#"{"a":1}"#),
            (Value::from(r#""{\"a\":1}""#), r#"{"a":1}"#),
            (Value::from(r#""text""#), r#""\"text\"""#),
            (Value::from("not json"), r#""not json""#),
            (Value::from("null"), "null"),
            (Value::Real(12.5), "12.5"),
        ] {
            assert_eq!(written(Scalar::Json, stored), written_as);
        }
    }

    #[test]
    fn booleans_come_from_numbers() {
        assert_eq!(written(Scalar::Boolean, Value::Integer(1)), "true");
        assert_eq!(written(Scalar::Boolean, Value::Integer(0)), "false");
        assert_eq!(written(Scalar::Boolean, Value::Integer(2)), "null");
        assert_eq!(written(Scalar::Boolean, Value::Null), "null");
    }

    #[test]
    fn times_of_day_get_the_digits_strapi_gives_them() {
        for (text, stored) in [
            ("\"13:45:00\"", "13:45:00.000"),
            ("\"13:45:00.12\"", "13:45:00.120"),
            ("\"13:45:00.123\"", "13:45:00.123"),
            ("\"soon\"", "soon"),
        ] {
            assert_eq!(read(Scalar::Time, text), Ok(Value::from(stored)));
        }
    }

    #[test]
    fn decimals_keep_digits_that_a_float_cannot_hold() {
        let long = "12345678901234567890.123456789";
        assert_eq!(read(Scalar::Decimal, long), Ok(Value::from(long)));
        assert_eq!(read(Scalar::Decimal, "1.5"), Ok(Value::Real(1.5)));
    }

    #[test]
    fn values_that_do_not_fit_are_refused() {
        for (scalar, text) in [
            (Scalar::Boolean, "\"maybe\""),
            (Scalar::Integer, "\"many\""),
            (Scalar::DateTime, "\"yesterday\""),
            (Scalar::DateTime, "\"2023-02-29T00:00:00.000Z\""),
            (Scalar::DateTime, "\"2024-01-01T24:00:60.000Z\""),
            (Scalar::BigInteger, "\"1.5e\""),
        ] {
            assert!(read(scalar, text).is_err(), "{text}");
        }
    }
}
