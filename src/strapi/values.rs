//! Values between a database and an archive.
//!
//! Out: what `fromDB` of each field type in `@strapi/database` gives, printed as JSON. In: what
//! `toDB` stores. Where Strapi loses something (digits of big integers), the right value is kept.

use crate::database::Value;
use crate::database::calendar::{DAY, MICROSECONDS, civil_date, days_of};
use crate::model::{Scalar, json};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// The last millisecond of JavaScript's dates, and the first with a minus.
const LAST: i64 = 8_640_000_000_000_000;

/// What of a database matters to its values.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The zone of times that name none.
    pub zone: TimeZone,
    /// Whether a column may hold a value of any kind, and times are whole milliseconds.
    pub is_sqlite: bool,
    /// See [`Dialect::stores_bare_strings`](super::dialect::Dialect::stores_bare_strings).
    pub bare_strings: bool,
}

/// What an archive holds of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// All of it.
    Whole,
    /// All of it, and Strapi's own import refuses it.
    Foreign,
    /// Something else that comes close; why.
    Changed(&'static str),
    /// Nothing; why.
    Empty(&'static str),
}

const NO_NUMBER: Kept = Kept::Empty("no number");
const NO_JSON: Kept = Kept::Empty("no number that JSON has");
const NO_TIME: Kept = Kept::Empty("no date and time of JavaScript");
const BYTES: Kept = Kept::Changed("bytes, taken as UTF-8");
const ROUNDED: Kept = Kept::Changed("finer than its form holds");

/// Appends a column's value as the JSON value of an attribute.
pub(super) fn write(out: &mut Vec<u8>, home: &Home, scalar: Scalar, value: &Value<'_>) -> Kept {
    if value.is_null() {
        out.extend_from_slice(b"null");
        return Kept::Whole;
    }
    match scalar {
        Scalar::Text => write_text(out, home, value),
        Scalar::Json => write_json(out, home, value),
        Scalar::BigInteger => write_big_integer(out, value),
        Scalar::Integer | Scalar::Float | Scalar::Decimal => write_a_number(out, value),
        Scalar::Boolean => match value {
            Value::Integer(1) => literal(out, "true"),
            Value::Integer(0) => literal(out, "false"),
            Value::Real(number) if *number == 1.0 => literal(out, "true"),
            Value::Real(number) if *number == 0.0 => literal(out, "false"),
            Value::Text(text) if text == "1" => literal(out, "true"),
            Value::Text(text) if text == "0" => literal(out, "false"),
            _ => empty(out, Kept::Empty("neither true nor false")),
        },
        Scalar::Date => match value {
            Value::Text(text) if !home.is_sqlite && is_no_day(text) => {
                empty(out, Kept::Empty("no day of the calendar"))
            }
            Value::Text(text) => {
                json::write_string(out, text);
                kept_if(is_day(text))
            }
            other => write_foreign(out, other),
        },
        Scalar::Time => match value {
            Value::Text(text) if is_clock(text) => {
                // PostgreSQL prints the digits it needs, and so does Strapi there.
                let full = match home.is_sqlite {
                    true => full_time(Cow::Borrowed(text)),
                    false => Cow::Borrowed(text.as_ref()),
                };
                json::write_string(out, &full);
                Kept::Whole
            }
            other => write_foreign(out, other),
        },
        Scalar::DateTime | Scalar::Timestamp => write_instant(out, home, scalar, value),
    }
}

/// Appends a value as the JSON value of its own kind.
pub(super) fn write_plain(out: &mut Vec<u8>, value: &Value<'_>) -> Kept {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(number) => json::write_i64(out, *number),
        Value::Real(number) => {
            json::write_f64(out, *number);
            if !number.is_finite() {
                return NO_JSON;
            }
        }
        Value::Text(text) | Value::Json(text) => json::write_string(out, text),
        Value::Timestamp(time) => json::write_string(out, &iso(*time)),
        Value::Bytes(bytes) => {
            json::write_string(out, &String::from_utf8_lossy(bytes));
            return BYTES;
        }
    }
    Kept::Whole
}

fn literal(out: &mut Vec<u8>, text: &str) -> Kept {
    out.extend_from_slice(text.as_bytes());
    Kept::Whole
}

fn empty(out: &mut Vec<u8>, why: Kept) -> Kept {
    out.extend_from_slice(b"null");
    why
}

/// As [`write_plain`], of an attribute that is to hold values of another kind.
fn write_foreign(out: &mut Vec<u8>, value: &Value<'_>) -> Kept {
    match write_plain(out, value) {
        Kept::Whole => Kept::Foreign,
        kept => kept,
    }
}

fn kept_if(takes: bool) -> Kept {
    if takes { Kept::Whole } else { Kept::Foreign }
}

fn write_text(out: &mut Vec<u8>, home: &Home, value: &Value<'_>) -> Kept {
    match value {
        Value::Real(number) if !number.is_finite() => empty(out, NO_JSON),
        Value::Integer(_) | Value::Real(_) => {
            out.push(b'"');
            write_plain(out, value);
            out.push(b'"');
            Kept::Whole
        }
        // A column of MySQL that holds bytes takes the same text again.
        Value::Bytes(bytes) if !home.is_sqlite && std::str::from_utf8(bytes).is_ok() => {
            write_plain(out, value);
            Kept::Whole
        }
        other => write_plain(out, other),
    }
}

fn write_big_integer(out: &mut Vec<u8>, value: &Value<'_>) -> Kept {
    match value {
        Value::Integer(number) => {
            out.push(b'"');
            json::write_i64(out, *number);
            out.push(b'"');
            Kept::Whole
        }
        Value::Real(number) if number.is_finite() => {
            out.push(b'"');
            json::write_f64(out, *number);
            out.push(b'"');
            kept_if(number.fract() == 0.0 && number.abs() < 1e21)
        }
        Value::Text(text) => match big_integer(text) {
            Some(digits) => {
                json::write_string(out, &digits);
                Kept::Whole
            }
            None => empty(out, NO_NUMBER),
        },
        _ => empty(out, NO_NUMBER),
    }
}

fn write_a_number(out: &mut Vec<u8>, value: &Value<'_>) -> Kept {
    match value {
        Value::Integer(_) | Value::Real(_) => write_plain(out, value),
        Value::Text(text) if json::is_valid(text) && is_number(text) => {
            json::write_number(out, text.trim());
            Kept::Whole
        }
        // As Strapi takes it.
        Value::Text(text) if text.trim().is_empty() => {
            out.push(b'0');
            Kept::Changed("an empty text where a number belongs")
        }
        _ => empty(out, NO_NUMBER),
    }
}

/// Appends what a JSON column holds. Strapi 5 parses a string it finds there once more (versions
/// before 5.0 stored JSON twice encoded) and falls back to the text itself.
fn write_json(out: &mut Vec<u8>, home: &Home, value: &Value<'_>) -> Kept {
    let Value::Text(text) = value else {
        return write_plain(out, value);
    };
    let is_string = text.trim_start().starts_with('"');
    if !home.bare_strings {
        if json::write_compact(out, text) {
            return Kept::Whole;
        }
        json::write_string(out, text);
        return Kept::Changed("no JSON");
    }
    if is_string {
        // What was encoded three times comes back as it was from its own text alone; and half of a
        // surrogate pair is in no text.
        let inner = serde_json::from_str::<String>(text).ok();
        let inner = inner.filter(|inner| !inner.trim_start().starts_with('"'));
        if !inner.is_some_and(|inner| json::write_compact(out, &inner)) {
            json::write_string(out, text);
        }
    } else {
        json::write_compact_or_string(out, text);
    }
    Kept::Whole
}

fn write_instant(out: &mut Vec<u8>, home: &Home, scalar: Scalar, value: &Value<'_>) -> Kept {
    let found = match value {
        Value::Timestamp(time) => Some((*time, Kept::Whole)),
        Value::Integer(number) => number.checked_mul(MICROSECONDS).map(|it| (it, Kept::Whole)),
        Value::Real(number) if number.abs() <= LAST as f64 => Some((
            number.trunc() as i64 * MICROSECONDS,
            match number.fract() == 0.0 {
                true => Kept::Whole,
                false => ROUNDED,
            },
        )),
        Value::Text(text) => parse_time(text.trim(), &home.zone).map(|(time, is_whole)| {
            let kept = if is_whole { Kept::Whole } else { ROUNDED };
            (time, kept)
        }),
        _ => None,
    };
    let Some((mut time, mut kept)) = found.filter(|(time, _)| is_in_range(*time)) else {
        return empty(out, NO_TIME);
    };
    let is_whole = time.rem_euclid(MICROSECONDS) == 0;
    if !is_whole && (home.is_sqlite || scalar == Scalar::Timestamp) {
        time -= time.rem_euclid(MICROSECONDS);
        kept = ROUNDED;
    }
    match scalar {
        Scalar::Timestamp => json::write_string(out, &(time / MICROSECONDS).to_string()),
        _ => json::write_string(out, &iso(time)),
    }
    kept
}

fn is_number(text: &str) -> bool {
    text.trim()
        .starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// A big integer without the sign and the zeros it does not need; `None` where it is none.
fn big_integer(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim();
    let (sign, digits) = match trimmed.as_bytes().first() {
        Some(b'-') => ("-", &trimmed[1..]),
        Some(b'+') => ("", &trimmed[1..]),
        _ => ("", trimmed),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(match digits.trim_start_matches('0') {
        "" => Cow::Borrowed("0"),
        digits if digits.len() == trimmed.len() => Cow::Borrowed(digits),
        digits => Cow::Owned(format!("{sign}{digits}")),
    })
}

/// Whether it is a day as Strapi takes it, `YYYY-MM-DD`.
fn is_day(text: &str) -> bool {
    day_of(text).is_some_and(|(year, month, day)| {
        (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (day <= 28 || civil_date(days_of(year, month, day)) == (year, month, day))
    })
}

/// Whether it looks like a day and is none, and no zero date either: MySQL has such in sessions that
/// allow them, and takes none back.
fn is_no_day(text: &str) -> bool {
    !is_day(text) && day_of(text).is_some_and(|(_, month, day)| month > 0 && day > 0)
}

fn day_of(text: &str) -> Option<(i64, i64, i64)> {
    let bytes = text.as_bytes();
    let part = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = &bytes[range];
        let number = digits.iter().map(|byte| i64::from(byte.wrapping_sub(b'0')));
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| number.fold(0, |all, digit| all * 10 + digit))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    Some((part(0..4)?, part(5..7)?, part(8..10)?))
}

/// Whether it is a time of day as Strapi takes it: `HH:mm:ss`, and three more digits at the most.
fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    let two = |at: usize, least: &[u8], most: &[u8]| {
        let part = &bytes[at..at + 2];
        part.iter().all(u8::is_ascii_digit) && least <= part && part <= most
    };
    matches!(bytes.len(), 8 | 10..=12)
        && two(0, b"00", b"23")
        && two(3, b"00", b"59")
        && two(6, b"00", b"59")
        && bytes[2] == b':'
        && bytes[5] == b':'
        && (bytes.len() == 8 || (bytes[8] == b'.' && bytes[9..].iter().all(u8::is_ascii_digit)))
}

fn is_in_range(time: i64) -> bool {
    (-LAST..=LAST).contains(&(time.div_euclid(MICROSECONDS)))
}

/// Microseconds since 1970, and whether that is all of it. Text is UTC unless it names another offset
/// or none at all with a time of day (then it is in `zone`).
fn parse_time(text: &str, zone: &TimeZone) -> Option<(i64, bool)> {
    if let Some(time) = iso_time(text) {
        return Some((time, true));
    }
    let parts = |timestamp: jiff::Timestamp| {
        let is_whole = timestamp.subsec_nanosecond() % 1000 == 0;
        (timestamp.as_microsecond(), is_whole)
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(parts(time));
    }
    let civil: DateTime = text.parse().ok()?;
    let zone = if text.len() <= "YYYY-MM-DD".len() {
        TimeZone::UTC
    } else {
        zone.clone()
    };
    Some(parts(civil.to_zoned(zone).ok()?.timestamp()))
}

/// `YYYY-MM-DDTHH:mm:ss.SSSZ`, with a sign and six digits for years outside 0 to 9999, as
/// `Date.prototype.toISOString` prints it; and with three digits more where they are not zero.
fn iso(microseconds: i64) -> String {
    let milliseconds = microseconds.div_euclid(MICROSECONDS);
    let (year, month, day) = civil_date(milliseconds.div_euclid(DAY));
    let time = milliseconds.rem_euclid(DAY);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ if year < 0 => format!("-{:06}", -year),
        _ => format!("+{year:06}"),
    };
    let mut text = format!(
        "{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}",
        time / 3_600_000,
        time / 60_000 % 60,
        time / 1000 % 60,
        time % 1000
    );
    let rest = microseconds.rem_euclid(MICROSECONDS);
    if rest > 0 {
        text.push_str(&format!("{rest:03}"));
    }
    text.push('Z');
    text
}

/// The value to store for the JSON value `text` of an attribute.
///
/// # Errors
/// A sentence that says why the value does not fit the attribute's type.
pub(super) fn read<'a>(home: &Home, scalar: Scalar, text: &'a str) -> Result<Value<'a>, String> {
    if text == "null" {
        return Ok(Value::Null);
    }
    let first = text.as_bytes().first().copied().unwrap_or_default();
    match scalar {
        Scalar::Json if !home.bare_strings && first == b'"' => Ok(Value::from(text)),
        Scalar::Json => Ok(match first {
            b'"' => Value::Json(string(text)?),
            // SQLite makes a number of such a text, and not always the nearest one.
            b'-' | b'0'..=b'9' if home.is_sqlite => match number(text) {
                Ok(Value::Real(number)) if !is_exact(number, text) => Value::Json(text.into()),
                Ok(number) => number,
                Err(_) => Value::Json(text.into()),
            },
            _ => Value::Json(Cow::Borrowed(text)),
        }),
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
            let of_milliseconds = |number: i64| number.checked_mul(MICROSECONDS);
            let time = if first == b'"' {
                let inner = string(text)?;
                let number = match scalar {
                    Scalar::Timestamp => inner.parse::<i64>().ok().and_then(of_milliseconds),
                    _ => None,
                };
                number.or_else(|| parse_time(&inner, &home.zone).map(|(time, _)| time))
            } else {
                match number(text)? {
                    Value::Integer(number) => of_milliseconds(number),
                    Value::Real(number) => of_milliseconds(number as i64),
                    _ => None,
                }
            };
            time.filter(|time| is_in_range(*time))
                .map(Value::Timestamp)
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
    match text.split_once('.').map_or((&*text, ""), |parts| parts) {
        (clock, fraction) if fraction.len() < 3 && is_clock(&text) => {
            Cow::Owned(format!("{clock}.{fraction:0<3}"))
        }
        _ => text,
    }
}

/// Reads a time as [`iso`] prints it, with three digits after the point or six. Its years reach
/// further than the calendar crate's, whose last hours of 9999 are missing as well.
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
    let fine = match rest.len().checked_sub(digits + 17)? {
        3 => part(digits + 16, 3, "Z")? * MICROSECONDS,
        6 => part(digits + 16, 6, "Z")?,
        _ => return None,
    };
    let year = sign * part(0, digits, "-")?;
    let (month, day) = (part(digits + 1, 2, "-")?, part(digits + 4, 2, "T")?);
    let (hour, minute) = (part(digits + 7, 2, ":")?, part(digits + 10, 2, ":")?);
    let second = part(digits + 13, 2, ".")?;
    let days = days_of(year, month, day);
    let exists = civil_date(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60;
    let whole = days * DAY + ((hour * 60 + minute) * 60 + second) * 1000;
    let time = whole.checked_mul(MICROSECONDS)?.checked_add(fine)?;
    exists.then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn home(is_sqlite: bool) -> Home {
        Home {
            zone: TimeZone::get("America/New_York").expect("a zone"),
            is_sqlite,
            bare_strings: true,
        }
    }

    fn kept(is_sqlite: bool, scalar: Scalar, value: Value<'_>) -> (String, Kept) {
        let mut out = Vec::new();
        let kept = write(&mut out, &home(is_sqlite), scalar, &value);
        (String::from_utf8(out).expect("UTF-8"), kept)
    }

    fn written(scalar: Scalar, value: Value<'_>) -> String {
        kept(true, scalar, value).0
    }

    fn read(scalar: Scalar, text: &str) -> Result<Value<'_>, String> {
        super::read(&home(false), scalar, text)
    }

    proptest! {
        #[test]
        fn every_time_of_javascript_comes_back(time in -8_640_000_000_000_000_000_i64..=8_640_000_000_000_000_000) {
            let text = format!("\"{}\"", iso(time));
            prop_assert_eq!(read(Scalar::DateTime, &text), Ok(Value::Timestamp(time)));
        }
    }

    #[test]
    fn times_are_printed_as_javascript_prints_them() {
        for (microseconds, printed) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1_000, "1969-12-31T23:59:59.999Z"),
            (1_709_208_000_000_000, "2024-02-29T12:00:00.000Z"),
            (32_472_144_000_001_000, "2999-01-01T00:00:00.001Z"),
            (253_402_300_799_999_000, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000_000, "+010000-01-01T00:00:00.000Z"),
            (-62_198_755_200_000_000, "-000001-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_709_208_000_000_120, "2024-02-29T12:00:00.000120Z"),
        ] {
            assert_eq!(iso(microseconds), printed);
            let text = format!("\"{printed}\"");
            let read = read(Scalar::DateTime, &text).expect("a time");
            assert_eq!(read, Value::Timestamp(microseconds), "{printed}");
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
            (Value::from(r#""\ud800""#), r#""\"\\ud800\"""#),
            (Value::from(r#""\"a\"""#), r#""\"\\\"a\\\"\"""#),
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
            ("\"24:00:00\"", "24:00:00"),
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

    #[test]
    fn what_an_archive_cannot_hold_as_it_is_is_told() {
        let empty = |why| ("null", Kept::Empty(why));
        let number = "no number";
        for (scalar, value, (shown, told)) in [
            (Scalar::Integer, Value::from("abc"), empty(number)),
            (Scalar::Integer, Value::Real(1.5), ("1.5", Kept::Whole)),
            (Scalar::Decimal, Value::from("NaN"), empty(number)),
            (
                Scalar::Float,
                Value::Real(f64::INFINITY),
                empty("no number that JSON has"),
            ),
            (Scalar::BigInteger, Value::Real(f64::NAN), empty(number)),
            (
                Scalar::BigInteger,
                Value::Real(1.5),
                ("\"1.5\"", Kept::Foreign),
            ),
            (Scalar::BigInteger, Value::from("abc"), empty(number)),
            (
                Scalar::Boolean,
                Value::Integer(5),
                empty("neither true nor false"),
            ),
            (
                Scalar::Text,
                Value::Real(f64::NAN),
                empty("no number that JSON has"),
            ),
            (
                Scalar::Text,
                Value::Bytes(b"a\xff".as_slice().into()),
                ("\"a\u{fffd}\"", BYTES),
            ),
            (
                Scalar::Json,
                Value::Real(f64::INFINITY),
                empty("no number that JSON has"),
            ),
            (
                Scalar::Date,
                Value::from("2024-02-29"),
                ("\"2024-02-29\"", Kept::Whole),
            ),
            (
                Scalar::Date,
                Value::from("2023-02-29"),
                ("\"2023-02-29\"", Kept::Foreign),
            ),
            (
                Scalar::Date,
                Value::from("infinity"),
                ("\"infinity\"", Kept::Foreign),
            ),
            (Scalar::Date, Value::Integer(7), ("7", Kept::Foreign)),
            (
                Scalar::Time,
                Value::from("13:45:00"),
                ("\"13:45:00.000\"", Kept::Whole),
            ),
            (
                Scalar::Time,
                Value::from("13:45:00.1234"),
                ("\"13:45:00.1234\"", Kept::Foreign),
            ),
            (
                Scalar::Time,
                Value::from("24:00:00"),
                ("\"24:00:00\"", Kept::Foreign),
            ),
            (
                Scalar::DateTime,
                Value::Integer(i64::MAX),
                empty("no date and time of JavaScript"),
            ),
            (
                Scalar::DateTime,
                Value::from("infinity"),
                empty("no date and time of JavaScript"),
            ),
            (
                Scalar::DateTime,
                Value::Real(0.5),
                ("\"1970-01-01T00:00:00.000Z\"", ROUNDED),
            ),
            (
                Scalar::DateTime,
                Value::from("1970-01-01T00:00:00.000001Z"),
                ("\"1970-01-01T00:00:00.000Z\"", ROUNDED),
            ),
            (
                Scalar::DateTime,
                Value::from("1970-01-01 00:00:00"),
                ("\"1970-01-01T05:00:00.000Z\"", Kept::Whole),
            ),
        ] {
            let found = kept(true, scalar, value.clone());
            assert_eq!(found, (shown.to_owned(), told), "{scalar:?} {value:?}");
        }
        for (scalar, value, shown, told) in [
            (
                Scalar::DateTime,
                Value::Timestamp(1),
                "\"1970-01-01T00:00:00.000001Z\"",
                Kept::Whole,
            ),
            (Scalar::Timestamp, Value::Timestamp(1), "\"0\"", ROUNDED),
            (
                Scalar::Time,
                Value::from("13:45:00"),
                "\"13:45:00\"",
                Kept::Whole,
            ),
            (
                Scalar::Text,
                Value::Bytes(b"a".as_slice().into()),
                "\"a\"",
                Kept::Whole,
            ),
        ] {
            let found = kept(false, scalar, value.clone());
            assert_eq!(found, (shown.to_owned(), told), "{scalar:?} {value:?}");
        }
    }
}
