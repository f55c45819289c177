//! What of a value an archive holds, and what comes back.

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
    let mut out = String::new();
    let kept = write(&mut out, &home(is_sqlite), scalar, &value);
    (out, kept)
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
        (Scalar::DateTime, "8640000000000001"),
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

#[test]
fn strapi_4_stores_every_value_of_a_json_column_as_json() {
    let home = Home {
        bare_strings: false,
        ..home(true)
    };
    for (stored, written_as, told) in [
        (r#""text""#, r#""text""#, Kept::Whole),
        (r#""\ud800""#, r#""\ud800""#, Kept::Whole),
        ("no JSON", r#""no JSON""#, Kept::Changed("no JSON")),
    ] {
        let mut out = String::new();
        let kept = write(&mut out, &home, Scalar::Json, &Value::from(stored));
        assert_eq!((out.as_str(), kept), (written_as, told));
        let read = super::read(&home, Scalar::Json, written_as);
        assert_eq!(read, Ok(Value::from(written_as)));
    }
}
