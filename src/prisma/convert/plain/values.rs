//! Values of Prisma as Strapi has them.

use crate::convert::plain;
use crate::model::json;
use crate::prisma::sdl::Scalar;
use crate::prisma::verify;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Values.
    Scalar(Scalar),
    /// One of these.
    Enum(Vec<String>),
}

/// A value as Strapi exports it; `None` where it is none of this kind.
pub fn value(holds: &Holds, raw: &str) -> Option<String> {
    let text = || serde_json::from_str::<String>(raw).ok();
    match holds {
        Holds::Enum(values) => {
            let text = text()?;
            values.contains(&text).then(|| compact(raw))
        }
        Holds::Scalar(scalar) => match scalar {
            _ if !verify::fits(*scalar, raw) => None,
            Scalar::String | Scalar::Id | Scalar::Uuid | Scalar::Json => Some(compact(raw)),
            Scalar::Int => verify::int(raw).map(|it| it.to_string()),
            Scalar::Float => plain::float(raw),
            Scalar::Boolean => Some(raw.to_owned()),
            Scalar::DateTime => instant(raw),
        },
    }
}

/// Whether a number has more digits than Strapi keeps.
pub fn is_rounded(holds: &Holds, raw: &str) -> bool {
    *holds == Holds::Scalar(Scalar::Float) && plain::is_rounded(raw)
}

/// Whether a time has more digits than Strapi keeps.
pub fn is_cut(raw: &str) -> bool {
    let text = serde_json::from_str::<String>(raw).ok();
    let time = text.and_then(|it| verify::instant(&it));
    time.is_some_and(|it| it.subsec_nanosecond() % 1_000_000 != 0)
}

/// JSON as Strapi writes it.
pub fn compact(raw: &str) -> String {
    let mut out = String::new();
    match json::write_compact(&mut out, raw) {
        true => out,
        false => raw.to_owned(),
    }
}

/// A time, in each of the forms that a service takes: with and without an offset, or a fraction of the second. Strapi has none
/// before the year 0.
pub fn instant(raw: &str) -> Option<String> {
    let text: String = serde_json::from_str(raw).ok()?;
    let time = verify::instant(&text).filter(|it| it.year() >= 0)?;
    Some(plain::moment(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_strapi_exports_them() {
        for (scalar, raw, expected) in [
            (Scalar::String, "\"\\u00e4\"", Some("\"ä\"")),
            (Scalar::String, "1", None),
            (Scalar::Int, "2147483648", None),
            (Scalar::Int, "3.0", Some("3")),
            (Scalar::Float, "1.0", Some("1")),
            (Scalar::Json, "{ \"a\" : 1 }", Some("{\"a\":1}")),
            (
                Scalar::DateTime,
                "\"2017-11-29 14:35:13\"",
                Some("\"2017-11-29T14:35:13.000Z\""),
            ),
            (
                Scalar::DateTime,
                "\"2017-11-29T14:35:13.5+02:00\"",
                Some("\"2017-11-29T12:35:13.500Z\""),
            ),
            (Scalar::DateTime, "\"yesterday\"", None),
            (
                Scalar::DateTime,
                "\"9999-12-31T23:59:59.999Z\"",
                Some("\"9999-12-31T23:59:59.999Z\""),
            ),
            (
                Scalar::DateTime,
                "\"0001-01-01 00:00:00\"",
                Some("\"0001-01-01T00:00:00.000Z\""),
            ),
            (Scalar::DateTime, "\"0000-01-01T00:00:00+02:00\"", None),
        ] {
            let found = value(&Holds::Scalar(scalar), raw);
            assert_eq!(found.as_deref(), expected, "{scalar:?} {raw}");
        }
        let float = Holds::Scalar(Scalar::Float);
        for (raw, is_too_long) in [
            ("0.1", false),
            ("1.50", false),
            ("-0.0", false),
            ("1e300", false),
            ("0.1234567890123456789012345", true),
            ("9007199254740993", true),
        ] {
            assert_eq!(is_rounded(&float, raw), is_too_long, "{raw}");
        }
        for (raw, is_too_long) in [
            ("\"2017-11-29T14:35:13.123Z\"", false),
            ("\"2017-11-29T14:35:13.123000Z\"", false),
            ("\"2017-11-29T14:35:13.1234Z\"", true),
            ("\"2017-11-29T14:35:13.123000001+02:00\"", true),
            ("\"yesterday\"", false),
        ] {
            assert_eq!(is_cut(raw), is_too_long, "{raw}");
        }
        let holds = Holds::Enum(vec!["A".into()]);
        assert_eq!(value(&holds, "\"A\"").as_deref(), Some("\"A\""));
        assert_eq!(value(&holds, "\"B\""), None);
    }
}
