//! Values as literals in SQL, for a session in which backslashes are letters.

use crate::database::{Value, text};
use jiff::tz::TimeZone;
use std::io::Write;

/// Appends a row of `INSERT ... VALUES`.
pub(super) fn write_row(out: &mut Vec<u8>, row: &[Value<'_>], zone: &TimeZone) {
    for (index, value) in row.iter().enumerate() {
        out.push(if index == 0 { b'(' } else { b',' });
        write_value(out, value, zone);
    }
    out.push(b')');
}

/// Appends a value.
pub(super) fn write_value(out: &mut Vec<u8>, value: &Value<'_>, zone: &TimeZone) {
    match value {
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Integer(number) => {
            let _ = write!(out, "{number}");
        }
        Value::Real(number) => out.extend_from_slice(text::float(*number).as_bytes()),
        Value::Text(text) => write_text(out, text),
        Value::Json(json) => write_text(out, &text::json(json)),
        Value::Timestamp(instant) => write_text(out, &time(*instant, zone)),
        Value::Bytes(bytes) => {
            out.extend_from_slice(b"X'");
            for byte in bytes.iter() {
                let _ = write!(out, "{byte:02x}");
            }
            out.push(b'\'');
        }
    }
}

/// A time as a datetime column takes it. MySQL has no years before the first, and refuses this.
pub(super) fn time(instant: i64, zone: &TimeZone) -> String {
    match text::wall_clock(instant, zone) {
        (time, false) => time,
        (time, true) => format!("{time} BC"),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'\'');
    let mut parts = text.split('\'');
    out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        out.extend_from_slice(b"''");
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'\'');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_quoted() {
        let mut out = Vec::new();
        let row = [
            Value::Integer(-1),
            Value::Null,
            Value::Real(0.5),
            Value::from("it's \\ '' \0"),
            Value::Json("plain".into()),
            Value::Timestamp(0),
            Value::Bytes(vec![0, 255].into()),
        ];
        write_row(&mut out, &row, &TimeZone::UTC);
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "(-1,NULL,0.5,'it''s \\ '''' \0','\"plain\"','1970-01-01 00:00:00.000',X'00ff')"
        );
    }
}
