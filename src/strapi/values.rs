//! Values between a database and an archive.
//!
//! Out: what `fromDB` of each field type in `@strapi/database` gives, printed as JSON. In: what
//! `toDB` stores. Where Strapi loses something (digits of big integers), the right value is kept, and
//! what an archive cannot hold is told.

mod times;

use crate::calendar::{LAST, MICROSECONDS, is_in_range, parse_time};
use crate::database::Value;
use crate::model::{Scalar, Short, boolean, instant, json};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use times::{full_time, is_clock, is_day, is_no_day, iso};

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
pub(super) fn write(out: &mut String, home: &Home, scalar: Scalar, value: &Value<'_>) -> Kept {
    if value.is_null() {
        out.push_str("null");
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
pub(super) fn write_plain(out: &mut String, value: &Value<'_>) -> Kept {
    match value {
        Value::Null => out.push_str("null"),
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

fn literal(out: &mut String, text: &str) -> Kept {
    out.push_str(text);
    Kept::Whole
}

fn empty(out: &mut String, why: Kept) -> Kept {
    out.push_str("null");
    why
}

/// As [`write_plain`], of an attribute that is to hold values of another kind.
fn write_foreign(out: &mut String, value: &Value<'_>) -> Kept {
    match write_plain(out, value) {
        Kept::Whole => Kept::Foreign,
        kept => kept,
    }
}

fn kept_if(takes: bool) -> Kept {
    if takes { Kept::Whole } else { Kept::Foreign }
}

fn write_text(out: &mut String, home: &Home, value: &Value<'_>) -> Kept {
    match value {
        Value::Real(number) if !number.is_finite() => empty(out, NO_JSON),
        Value::Integer(_) | Value::Real(_) => {
            out.push('"');
            write_plain(out, value);
            out.push('"');
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

fn write_big_integer(out: &mut String, value: &Value<'_>) -> Kept {
    match value {
        Value::Integer(number) => {
            out.push('"');
            json::write_i64(out, *number);
            out.push('"');
            Kept::Whole
        }
        Value::Real(number) if number.is_finite() => {
            out.push('"');
            json::write_f64(out, *number);
            out.push('"');
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

fn write_a_number(out: &mut String, value: &Value<'_>) -> Kept {
    match value {
        Value::Integer(_) | Value::Real(_) => write_plain(out, value),
        Value::Text(text) if json::is_valid(text) && is_number(text) => {
            json::write_number(out, text.trim());
            Kept::Whole
        }
        // As Strapi takes it.
        Value::Text(text) if text.trim().is_empty() => {
            out.push('0');
            Kept::Changed("an empty text where a number belongs")
        }
        _ => empty(out, NO_NUMBER),
    }
}

/// Appends what a JSON column holds. Strapi 5 parses a string it finds there once more (versions
/// before 5.0 stored JSON twice encoded) and falls back to the text itself.
fn write_json(out: &mut String, home: &Home, value: &Value<'_>) -> Kept {
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

fn write_instant(out: &mut String, home: &Home, scalar: Scalar, value: &Value<'_>) -> Kept {
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
                // Columns of servers may have been made larger.
                Err(_) if !home.is_sqlite && big_integer(&digits).is_some() => Value::Text(digits),
                // SQLite holds what is too large for it as a float; so does the text read back.
                Err(_) => match digits.parse::<f64>() {
                    Ok(number) if number.is_finite() => Value::Real(number),
                    _ => return Err(format!("{} is not a whole number", Short(text))),
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
                    .map_err(|_| format!("{} is not a number", Short(text)))
            }
            _ => Ok(match number(text)? {
                Value::Real(number)
                    if (scalar == Scalar::Decimal || !home.is_sqlite)
                        && !is_exact(number, text) =>
                {
                    Value::Text(Cow::Borrowed(text))
                }
                number => number,
            }),
        },
        Scalar::Boolean => boolean(text)
            .map(|value| Value::Integer(value.into()))
            .ok_or_else(|| format!("{} is neither true nor false", Short(text))),
        Scalar::DateTime | Scalar::Timestamp => instant(scalar, text, &home.zone)
            .map(Value::Timestamp)
            .ok_or_else(|| format!("{} is not a date and time", Short(text))),
    }
}

fn string(text: &str) -> Result<Cow<'_, str>, String> {
    let inner = &text[1..text.len() - 1];
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(text)
        .map(Cow::Owned)
        .map_err(|_| "half a surrogate pair cannot be stored in a text".to_owned())
}

fn number(text: &str) -> Result<Value<'static>, String> {
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Value::Integer(number));
    }
    text.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(Value::Real)
        .ok_or_else(|| format!("{} is not a number", Short(text)))
}

/// Whether a number is all that was written.
fn is_exact(number: f64, text: &str) -> bool {
    let (mut printed, mut written) = (String::new(), String::new());
    json::write_f64(&mut printed, number);
    json::write_number(&mut written, text);
    printed == written
}

#[cfg(test)]
mod tests;
