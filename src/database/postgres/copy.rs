//! Values in PostgreSQL's text forms: for parameters, and for the lines of `COPY`.

use crate::calendar::{MICROSECONDS, to_wall_clock};
use crate::database::{Value, text};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::fmt::Write;

/// Appends a line of `COPY ... FROM STDIN`.
pub(super) fn write_row(out: &mut Vec<u8>, row: &[Value<'_>], zone: &TimeZone) {
    for (index, value) in row.iter().enumerate() {
        if index > 0 {
            out.push(b'\t');
        }
        if let Value::Integer(number) = value {
            out.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            continue;
        }
        match text_of(value, zone) {
            None => out.extend_from_slice(b"\\N"),
            Some(text) => write_escaped(out, text.as_bytes()),
        }
    }
    out.push(b'\n');
}

/// Appends text with what `COPY` reads as something else in its written form.
fn write_escaped(out: &mut Vec<u8>, mut text: &[u8]) {
    let is_special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    while let Some(at) = text.iter().position(is_special) {
        out.extend_from_slice(&text[..at]);
        out.push(b'\\');
        out.push(match text[at] {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            other => other,
        });
        text = &text[at + 1..];
    }
    out.extend_from_slice(text);
}

/// The text from which PostgreSQL reads a value of any type it fits; `None` for `NULL`.
pub(super) fn text_of<'a>(value: &'a Value<'_>, zone: &TimeZone) -> Option<Cow<'a, str>> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(number) => Cow::Owned(number.to_string()),
        Value::Real(number) => Cow::Owned(text::float(*number)),
        Value::Text(text) => Cow::Borrowed(text.as_ref()),
        Value::Json(json) => text::json(json),
        Value::Timestamp(instant) => {
            let (mut text, before_christ) = text::wall_clock(*instant, zone);
            let milliseconds = instant.div_euclid(MICROSECONDS);
            let offset = (to_wall_clock(milliseconds, zone) - milliseconds) / 1000;
            // Columns without a zone take the clock's time and leave the offset, others use it.
            let sign = if offset < 0 { '-' } else { '+' };
            let offset = offset.abs();
            let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
            let _ = write!(text, "{sign}{hours:02}:{minutes:02}:{seconds:02}");
            if before_christ {
                text.push_str(" BC");
            }
            Cow::Owned(text)
        }
        Value::Bytes(bytes) => {
            let mut text = String::from("\\x");
            for byte in bytes.iter() {
                let _ = write!(text, "{byte:02x}");
            }
            Cow::Owned(text)
        }
    })
}

/// Why PostgreSQL cannot hold a value: no text of it has the character U+0000, and `jsonb` has
/// neither that nor half of a surrogate pair.
pub(super) fn refusal(value: &Value<'_>) -> Option<&'static str> {
    const NUL: &str = "it has the character U+0000, which PostgreSQL cannot hold";
    const SURROGATE: &str = "it has half of a surrogate pair, which PostgreSQL cannot hold in JSON";
    let text = value.as_str()?;
    if text.contains('\0') {
        return Some(NUL);
    }
    if !matches!(value, Value::Json(_)) || !text.contains("\\u") {
        return None;
    }
    // What is not JSON is stored as a JSON string, in which backslashes stand for themselves.
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
        return None;
    }
    // String by string, for JSON may be nested deeper than a tree of it could be.
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        let mut escaped = false;
        let end = rest[start + 1..].find(|character| {
            let is_end = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            is_end
        })?;
        let (literal, after) = rest[start..].split_at(end + 2);
        match serde_json::from_str::<String>(literal) {
            Ok(text) if text.contains('\0') => return Some(NUL),
            Ok(_) => {}
            Err(_) => return Some(SURROGATE),
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_escaped() {
        let mut out = Vec::new();
        let row = [
            Value::Integer(1),
            Value::Null,
            Value::from("a\tb\\c\nd\re \\N"),
            Value::Json("not \"json\"".into()),
            Value::Bytes(vec![0, 255].into()),
        ];
        write_row(&mut out, &row, &TimeZone::UTC);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "1\t\\N\ta\\tb\\\\c\\nd\\re \\\\N\t\"not \\\\\"json\\\\\"\"\t\\\\x00ff\n"
        );
    }

    #[test]
    fn times_carry_the_offset_of_their_zone() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        for (instant, text) in [
            (1_709_208_000_000_000, "2024-02-29 07:00:00.000-05:00:00"),
            (1_719_835_200_001_002, "2024-07-01 08:00:00.001002-04:00:00"),
            (
                -62_198_755_200_000_000,
                "0003-12-31 19:03:58.000-04:56:02 BC",
            ),
        ] {
            assert_eq!(
                text_of(&Value::Timestamp(instant), &zone).as_deref(),
                Some(text)
            );
        }
    }

    #[test]
    fn what_postgresql_cannot_hold_is_known_before() {
        for value in [
            Value::from("a\0b"),
            Value::Json(r#"{"a":["\u0000"]}"#.into()),
            Value::Json(r#"["\ud800"]"#.into()),
        ] {
            assert!(refusal(&value).is_some(), "{value:?}");
        }
        for value in [
            Value::from(r"a\u0000"),
            Value::Json(r#"["\\u0000 \ud83c\udf89"]"#.into()),
            Value::Json(r"\u0000".into()),
        ] {
            assert!(refusal(&value).is_none(), "{value:?}");
        }
    }
}
