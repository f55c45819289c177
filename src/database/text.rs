//! The text forms of values that servers read and that are the same on all of them.

use super::Value;
use crate::calendar::{DAY, MICROSECONDS, civil_date, clock, to_wall_clock};
use jiff::tz::TimeZone;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A number, with as many digits as it takes to read it back.
pub(super) fn float(number: f64) -> String {
    ryu_js::Buffer::new().format(number).to_owned()
}

/// JSON text as it is, anything else as a JSON string.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(serde_json::Value::from(text).to_string()),
    }
}

/// A JSON string without its quotes, anything else as it is: what Node's drivers make of a column
/// that they parse before Strapi does.
pub(super) fn unquoted(text: &str) -> Cow<'_, str> {
    if text.trim_start().starts_with('"')
        && let Ok(inner) = serde_json::from_str::<String>(text)
    {
        return Cow::Owned(inner);
    }
    Cow::Borrowed(text)
}

/// Text as it came, or its bytes where they are not UTF-8.
pub(super) fn of_bytes(bytes: &[u8]) -> Value<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::Text(Cow::Borrowed(text)),
        Err(_) => Value::Bytes(Cow::Borrowed(bytes)),
    }
}

/// What a clock in `zone` shows at an instant, in microseconds: `YYYY-MM-DD HH:mm:ss.SSS`, with three
/// digits more where they are not zero, and whether the year is before the first, which it then counts
/// backwards.
pub(super) fn wall_clock(instant: i64, zone: &TimeZone) -> (String, bool) {
    let local = to_wall_clock(instant.div_euclid(MICROSECONDS), zone);
    let (date, before_christ) = date(local.div_euclid(DAY));
    let clock = clock(local.rem_euclid(DAY), instant.rem_euclid(MICROSECONDS));
    (format!("{date} {clock}"), before_christ)
}

/// A day counted from 1970-01-01, as `YYYY-MM-DD`, and whether its year is before the first.
pub(super) fn date(days: i64) -> (String, bool) {
    let (year, month, day) = civil_date(days);
    let before_christ = year < 1;
    let year = if before_christ { 1 - year } else { year };
    (format!("{year:04}-{month:02}-{day:02}"), before_christ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_json_becomes_a_json_string() {
        assert_eq!(json(r#"{"a":1}"#), r#"{"a":1}"#);
        assert_eq!(json("null"), "null");
        assert_eq!(json("say \"hi\""), r#""say \"hi\"""#);
        assert_eq!(unquoted(r#""say \"hi\"""#), "say \"hi\"");
        assert_eq!(unquoted("[1]"), "[1]");
    }

    #[test]
    fn times_before_the_first_year_are_counted_backwards() {
        let (text, before) = wall_clock(-62_198_755_200_000_000, &TimeZone::UTC);
        assert_eq!((text.as_str(), before), ("0002-01-01 00:00:00.000", true));
        for (instant, shown) in [
            (-1000, "1969-12-31 23:59:59.999"),
            (-1, "1969-12-31 23:59:59.999999"),
        ] {
            let (text, before) = wall_clock(instant, &TimeZone::UTC);
            assert_eq!((text.as_str(), before), (shown, false));
        }
    }

    #[test]
    fn numbers_are_printed_with_all_their_digits() {
        assert_eq!(float(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(float(1e21), "1e+21");
        assert_eq!(float(3.0), "3");
    }
}
