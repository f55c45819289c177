//! JSON bytes the way JavaScript writes them, without a tree in between.
//!
//! Strapi parses every JSON column and writes it again with `JSON.stringify`. The functions here
//! give the same bytes from the same text, with one difference, on purpose: a number that a 64-bit
//! float cannot hold keeps its digits instead of losing some.

use serde::de::IgnoredAny;

/// Appends `text` as a JSON string.
pub fn write_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut written = 0;
    for (chunk, start) in text.as_bytes().chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        // Without a way out of the loop it takes many bytes at once.
        if !chunk
            .iter()
            .fold(false, |any, byte| any | is_escaped(*byte))
        {
            continue;
        }
        for (at, byte) in (start..).zip(chunk) {
            if is_escaped(*byte) {
                out.push_str(&text[written..at]);
                write_escaped(out, *byte);
                written = at + 1;
            }
        }
    }
    out.push_str(&text[written..]);
    out.push('"');
}

/// Bytes of a text that are looked at together.
const CHUNK: usize = 32;

fn is_escaped(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

fn write_escaped(out: &mut String, byte: u8) {
    let escape = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        0x08 => "\\b",
        0x0c => "\\f",
        _ => {
            let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
            out.push_str("\\u00");
            out.extend([digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.push_str(escape);
}

/// Appends `number` as JavaScript prints it; `null` for what JSON has no number for.
pub fn write_f64(out: &mut String, number: f64) {
    let whole = number as i64;
    if whole as f64 == number && whole.unsigned_abs() <= EXACT {
        write_i64(out, whole);
    } else if number.is_finite() {
        let mut buffer = ryu_js::Buffer::new();
        out.push_str(buffer.format_finite(number));
    } else {
        out.push_str("null");
    }
}

/// Up to here floats have all whole numbers, and are printed as those are.
const EXACT: u64 = 1 << 53;

/// Appends `number`.
pub fn write_i64(out: &mut String, number: i64) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Whether `text` is one JSON value.
pub fn is_valid(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Appends the JSON value in `text` as `JSON.stringify(JSON.parse(text))` would print it, but keeps
/// every digit. Returns whether `text` was one JSON value; if not, nothing was appended.
pub fn write_compact(out: &mut String, text: &str) -> bool {
    if !is_valid(text) {
        return false;
    }
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = &rest[1..];
                continue;
            }
            b'"' => {
                let length = string_length(rest);
                copy_string(out, &rest[..length]);
                length
            }
            b'-' | b'0'..=b'9' => {
                let length = rest
                    .find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'))
                    .unwrap_or(rest.len());
                write_number(out, &rest[..length]);
                length
            }
            _ => {
                out.push(char::from(first));
                1
            }
        };
        rest = &rest[length..];
    }
    true
}

/// Appends what a text column holds: its JSON value, or the text itself as a string where it is none.
pub fn write_compact_or_string(out: &mut String, text: &str) {
    if !write_compact(out, text) {
        write_string(out, text);
    }
}

/// Length of the string literal at the start of `text`, quotes included.
pub(crate) fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (index, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

/// Copies a string literal, with the escapes JavaScript would choose.
fn copy_string(out: &mut String, literal: &str) {
    if !literal.contains('\\') {
        out.push_str(literal);
        return;
    }
    match serde_json::from_str::<String>(literal) {
        Ok(text) => write_string(out, &text),
        // A surrogate without its partner has no other form than its escape.
        Err(_) => out.push_str(literal),
    }
}

/// Appends a number literal as JavaScript prints it, or as it stands where that would lose digits.
pub fn write_number(out: &mut String, literal: &str) {
    let integer = literal.bytes().all(|byte| byte.is_ascii_digit());
    if integer && literal.len() <= 15 {
        out.push_str(literal);
        return;
    }
    if let Ok(number) = literal.parse::<f64>()
        && number.is_finite()
    {
        let mut buffer = ryu_js::Buffer::new();
        let printed = buffer.format_finite(number);
        if Decimal::parse(printed) == Decimal::parse(literal) {
            out.push_str(printed);
            return;
        }
    }
    out.push_str(literal);
}

/// A decimal number in a form that can be compared: `0.digits * 10^exponent`.
#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    fn parse(literal: &str) -> Option<Self> {
        let (negative, unsigned) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let leading_zeros = all.len() - significant.len();
        Some(Self {
            negative,
            digits,
            exponent: exponent + whole.len() as i64 - leading_zeros as i64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any JSON value whose numbers a float can hold.
    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i32>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn texts_and_numbers_are_printed_as_the_parser_prints_them(
            text in "[\\x00-\\x7f\\u{80}-\\u{10ffff}]{0,100}",
            whole in any::<i64>(),
            float in prop_oneof![any::<f64>(), (-(1_i64 << 54)..1 << 54).prop_map(|it| it as f64)],
        ) {
            let mut out = String::new();
            write_string(&mut out, &text);
            prop_assert_eq!(&out, &serde_json::to_string(&text).expect("text"));
            out.clear();
            write_i64(&mut out, whole);
            prop_assert_eq!(out, whole.to_string());
            if float.is_finite() {
                let mut buffer = ryu_js::Buffer::new();
                prop_assert_eq!(number(float), buffer.format(float).to_owned());
            }
        }

        #[test]
        fn compacting_changes_no_value_and_only_once(value in values()) {
            let spaced = serde_json::to_string_pretty(&value).expect("text");
            let once = compact(&spaced).expect("it is JSON");
            let again: serde_json::Value = serde_json::from_str(&once).expect("it still is");
            // 1.0 and 1 are the same to JavaScript, and not to the parser.
            prop_assert_eq!(compact(&again.to_string()), Some(once.clone()));
            prop_assert_eq!(compact(&once), Some(once));
        }
    }

    fn compact(text: &str) -> Option<String> {
        let mut out = String::new();
        write_compact(&mut out, text).then_some(out)
    }

    fn number(value: f64) -> String {
        let mut out = String::new();
        write_f64(&mut out, value);
        out
    }

    #[test]
    fn floats_are_printed_as_javascript_prints_them() {
        for (value, printed) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e+21"),
            (1e-7, "1e-7"),
            (-0.0, "0"),
            (3.0, "3"),
            (123456789.125, "123456789.125"),
            (f64::NAN, "null"),
        ] {
            assert_eq!(number(value), printed);
        }
    }

    #[test]
    fn json_is_compacted_as_javascript_would() {
        assert_eq!(
            compact(" { \"a\" : [ 1.0 , 1e2, -0, true ] }\n").as_deref(),
            Some(r#"{"a":[1,100,0,true]}"#)
        );
        assert_eq!(
            compact(r#""\u00e9\/\u0007\n\ud83c\udf89""#).as_deref(),
            Some("\"é/\\u0007\\n🎉\"")
        );
    }

    #[test]
    fn digits_that_a_float_cannot_hold_are_kept() {
        for literal in ["9007199254740993", "0.1234567890123456789", "1e400"] {
            assert_eq!(compact(literal).as_deref(), Some(literal));
        }
    }

    #[test]
    fn a_lone_surrogate_keeps_its_escape() {
        assert_eq!(compact(r#"["\ud800"]"#).as_deref(), Some(r#"["\ud800"]"#));
    }

    #[test]
    fn what_is_not_json_is_refused_and_leaves_nothing_behind() {
        for text in ["", "{", "nul", "1 2", "{'a':1}"] {
            assert_eq!(compact(text), None, "{text}");
        }
    }
}
