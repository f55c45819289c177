//! Which values fit which types, and which are the same.

use super::super::sdl::{DataModel, FieldType, Scalar};
pub use crate::calendar::instant;
use crate::model::canonical;
use jiff::SignedDuration;
use serde_json::Value;
use serde_json::value::RawValue;

/// How much of a value stands in messages, in bytes.
const SHOWN: usize = 80;

/// Why a value does not fit a type, in words behind the name of the field; `None` where it does.
///
/// Both the server and Prisma's own command line differ on some; what the server refuses is refused.
pub fn misfit(model: &DataModel, kind: &FieldType, value: &RawValue) -> Option<String> {
    let text = value.get();
    let is_json = *kind == FieldType::Scalar(Scalar::Json);
    if text == "null" && !is_json {
        return Some("is null; where there is no value the key is left out".into());
    }
    let string = || serde_json::from_str::<String>(text).ok();
    let is_fit = match kind {
        FieldType::Relation(_) => false,
        FieldType::Enum(name) => string().is_some_and(|own| model.is_value(name, &own)),
        FieldType::Scalar(scalar) => fits(*scalar, text),
    };
    if is_fit {
        return None;
    }
    let name = match kind {
        FieldType::Scalar(scalar) => scalar.as_str(),
        FieldType::Enum(name) | FieldType::Relation(name) => name,
    };
    let shown = match text.len() > SHOWN {
        true => format!("{}...", &text[..text.floor_char_boundary(SHOWN)]),
        false => text.to_owned(),
    };
    Some(match kind {
        FieldType::Scalar(Scalar::DateTime) => {
            format!("is {shown}, and no DateTime such as \"2017-11-29T14:35:13.000Z\"")
        }
        FieldType::Scalar(Scalar::Int) => format!("is {shown}, and no Int of 32 bits"),
        _ => format!("is {shown}, and no {name}"),
    })
}

/// Whether a value, as JSON, is one of this type.
pub fn fits(scalar: Scalar, text: &str) -> bool {
    let string = || serde_json::from_str::<String>(text).ok();
    match scalar {
        Scalar::Json => true,
        Scalar::String | Scalar::Id => text.starts_with('"'),
        Scalar::Uuid => string().is_some_and(|own| is_uuid(&own)),
        Scalar::Boolean => matches!(text, "true" | "false"),
        Scalar::Int => int(text).is_some(),
        Scalar::Float => serde_json::from_str::<f64>(text).is_ok_and(f64::is_finite),
        Scalar::DateTime => string().is_some_and(|own| instant(&own).is_some()),
    }
}

/// The integer of 32 bits that a value is, as JSON.
pub fn int(text: &str) -> Option<i32> {
    // The server takes 3.0 for 3.
    let whole = || {
        let number = text.starts_with(|it: char| it == '-' || it.is_ascii_digit());
        let parsed = text.parse::<f64>().ok().filter(|_| number)?;
        let is_whole =
            parsed.fract() == 0.0 && parsed >= f64::from(i32::MIN) && parsed <= f64::from(i32::MAX);
        is_whole.then_some(parsed as i32)
    };
    text.parse().ok().or_else(whole)
}

/// Whether two values of a field are the same, however they are written: what the server exports is not what it was given.
pub fn is_same(kind: &FieldType, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let parsed = [one, other].map(|text| serde_json::from_str::<Value>(text).ok());
    let [Some(one), Some(other)] = parsed else {
        return canonical::is_same(one, other);
    };
    match (kind, one.as_str(), other.as_str()) {
        (FieldType::Scalar(Scalar::DateTime), Some(one), Some(other)) => {
            let [Some(one), Some(other)] = [one, other].map(instant) else {
                return false;
            };
            // The server keeps milliseconds, cut or rounded.
            one.duration_since(other).abs() < SignedDuration::from_millis(1)
        }
        (FieldType::Scalar(Scalar::Uuid), Some(one), Some(other)) => {
            one.eq_ignore_ascii_case(other)
        }
        (FieldType::Scalar(Scalar::Float), ..) => match (one.as_f64(), other.as_f64()) {
            // The server keeps thirty digits behind the point.
            (Some(one), Some(other)) => (one - other).abs() < 1e-30,
            _ => false,
        },
        _ => canonical::is_equal(&one, &other),
    }
}

/// Whether it is written as 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, it)| match at {
            8 | 13 | 18 | 23 => it == b'-',
            _ => it.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "enum E { A B } type T { id: ID! @id }";

    #[test]
    fn values_fit_as_the_server_takes_them() {
        let model = DataModel::parse(MODEL, "x").expect("a data model");
        let check = |kind: &FieldType, text: &str| {
            let raw = RawValue::from_string(text.to_owned()).expect("JSON");
            misfit(&model, kind, &raw)
        };
        let cases: [(FieldType, &[&str], &[&str]); 8] = [
            (
                FieldType::Scalar(Scalar::String),
                &["\"x\""],
                &["1", "null", "[]"],
            ),
            (
                FieldType::Scalar(Scalar::Int),
                &["1", "-2147483648", "3.0"],
                &["2147483648", "1.5", "\"12\"", "true"],
            ),
            (
                FieldType::Scalar(Scalar::Float),
                &["1", "1.5e3"],
                &["\"1\"", "1e999"],
            ),
            (
                FieldType::Scalar(Scalar::Boolean),
                &["true"],
                &["\"true\"", "1"],
            ),
            (
                FieldType::Scalar(Scalar::DateTime),
                &[
                    "\"2017-11-29T14:35:13.000Z\"",
                    "\"2017-11-29T14:35:13Z\"",
                    "\"2017-11-29T14:35:13.5+02:00\"",
                    "\"2017-11-29T14:35:13+0200\"",
                    "\"2017-11-29 14:35:13\"",
                    "\"9999-12-31T23:59:59.999Z\"",
                    "\"9999-12-30T22:00:00.000Z\"",
                    "\"9999-12-31T23:59:59+01:00\"",
                    "\"0001-01-01T00:00:00.000Z\"",
                    "\"0000-01-01T00:00:00.000Z\"",
                ],
                &[
                    "\"-0001-01-01T00:00:00.000Z\"",
                    "\"9999-12-32T00:00:00.000Z\"",
                    "\"10000-01-01T00:00:00.000Z\"",
                    "\"2017-11-29\"",
                    "\"2017-13-29T14:35:13Z\"",
                    "1",
                    "\"\"",
                    "\"2017-11-29T14:35:13+2\"",
                    "\"ä017-11-29T14:35:13Z\"",
                ],
            ),
            (
                FieldType::Scalar(Scalar::Json),
                &["null", "1", "{\"a\":[]}"],
                &[],
            ),
            (
                FieldType::Scalar(Scalar::Uuid),
                &["\"0b5fc9c5-6ed8-4a52-9d0f-5a3f6d8f1c11\""],
                &["\"0b5fc9c5\""],
            ),
            (FieldType::Enum("E".into()), &["\"A\""], &["\"C\"", "1"]),
        ];
        for (kind, good, bad) in cases {
            for text in good {
                assert_eq!(check(&kind, text), None, "{text}");
            }
            for text in bad {
                assert!(check(&kind, text).is_some(), "{kind:?} {text}");
            }
        }
    }

    #[test]
    fn moments_and_numbers_are_the_same_however_they_are_written() {
        let moment = FieldType::Scalar(Scalar::DateTime);
        let same = |one: &str, other: &str| is_same(&moment, one, other);
        assert!(same(
            "\"2017-11-29 14:35:13\"",
            "\"2017-11-29T14:35:13.000Z\""
        ));
        assert!(same(
            "\"2017-11-29T16:35:13+02:00\"",
            "\"2017-11-29T14:35:13.000Z\""
        ));
        assert!(!same(
            "\"2017-11-29T14:35:14Z\"",
            "\"2017-11-29T14:35:13.000Z\""
        ));
        assert!(same(
            "\"9999-12-31T23:59:59Z\"",
            "\"9999-12-31T23:59:59.000Z\""
        ));
        assert!(!same(
            "\"9999-12-31T23:59:59Z\"",
            "\"0001-01-01T00:00:00Z\""
        ));
        assert!(same(
            "\"1969-12-31T23:59:59.9996Z\"",
            "\"1970-01-01T00:00:00.000Z\""
        ));
        assert!(!same(
            "\"2017-11-29T14:35:13.001Z\"",
            "\"2017-11-29T14:35:13Z\""
        ));
        let deep = |blank: &str| format!("{}1{blank}{}", "[".repeat(300), "]".repeat(300));
        let kinds = [Scalar::Float, Scalar::Int, Scalar::Uuid, Scalar::Json];
        let [float, int, uuid, json] = kinds.map(FieldType::Scalar);
        for (kind, one, other) in [
            (&float, "1", "1.0"),
            (&float, "1e-40", "0"),
            (&int, "3", "3.0"),
            (&uuid, "\"0B5FC9C5\"", "\"0b5fc9c5\""),
            (&json, "{\"a\": 1}", "{\"a\":1}"),
            (
                &json,
                "{\"a\":[1,{\"b\":2.0}],\"c\":null}",
                "{\"c\":null,\"a\":[1.0,{\"b\":2}]}",
            ),
            (&json, "[\"\\u00e4\",1e3]", "[\"ä\",1000]"),
            (&json, &deep(" "), &deep("")),
        ] {
            assert!(is_same(kind, one, other), "{one} {other}");
        }
        for (kind, one, other) in [
            (&float, "1", "2"),
            (&json, "{\"a\":1}", "{\"a\":1,\"b\":1}"),
            (&json, "{\"a\":1}", "{\"b\":1}"),
            (&json, "[1,2]", "[2,1]"),
            (&json, "9007199254740993", "9007199254740992"),
            (&json, "1", "\"1\""),
            (&json, "null", "[]"),
            (&json, &deep("1"), &deep("")),
        ] {
            assert!(!is_same(kind, one, other), "{one} {other}");
        }
    }
}
