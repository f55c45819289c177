//! Values of Dgraph as Strapi has them.

use super::super::super::row::{NO_NUMBERS, Scalar, is_json_number};
use super::super::super::scalar::misfit;
use crate::calendar::instant;
use crate::convert::plain::{float, is_rounded, moment};
use crate::model::json;
use crate::model::limits::DEEPEST;
use crate::nesting::is_deeper_than;
use serde_json::{Value, json};

/// Why a value has no place, or not all of it.
pub const OTHER_TYPE: &str = "it is not of the type that the schema says";
pub const OUTSIDE: &str =
    "it is before the year 0 or after 9999 in UTC, and Strapi has no such times";
pub const NO_NUMBER: &str = "it is +Inf, -Inf or NaN, which Strapi has no number for";
pub const TOO_LARGE: &str = "it is larger than the 32 bits that the GraphQL schema says";
pub const NO_VALUE_OF_IT: &str = "it is none of the values that the GraphQL schema says";
pub const TOO_DEEP: &str = "it is nested deeper than the JSON of an archive may be";
pub const ROUNDED: &str = "it has more digits than Strapi keeps, and is rounded";
pub const CUT: &str = "it has more digits than the milliseconds that Strapi keeps, and is cut";
/// Up to here JavaScript has all whole numbers.
const EXACT: u64 = 1 << 53;
/// The digits of a second that are read.
const NANOSECONDS: usize = 9;

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// A text, and what has no better place: base64, numbers of any size.
    Text,
    /// A whole number of 32 bits.
    Int,
    /// One of 64 bits.
    BigInt,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A time.
    Time,
    /// GeoJSON.
    Geo,
    /// A list of numbers.
    Vector,
    /// A hash.
    Password,
    /// One of these.
    Enum(Vec<String>),
}

impl Form {
    /// The one for values of a predicate.
    pub fn of(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Default | Scalar::String | Scalar::Binary | Scalar::BigFloat => Self::Text,
            Scalar::Int => Self::BigInt,
            Scalar::Float => Self::Float,
            Scalar::Bool => Self::Bool,
            Scalar::DateTime => Self::Time,
            Scalar::Geo => Self::Geo,
            Scalar::Password => Self::Password,
            Scalar::Vector => Self::Vector,
        }
    }

    /// What a schema says of an attribute of it. A string of Strapi has 255 characters, and its decimals two digits behind
    /// the point, so that texts are what holds all of the others.
    pub fn properties(&self, is_list: bool) -> Value {
        match self {
            _ if is_list => json!({"type": "json"}),
            Self::Enum(values) => json!({"type": "enumeration", "enum": values}),
            _ => json!({"type": match self {
                Self::Int => "integer",
                Self::BigInt => "biginteger",
                Self::Float => "float",
                Self::Bool => "boolean",
                Self::Time => "datetime",
                Self::Geo | Self::Vector => "json",
                Self::Password => "password",
                Self::Text | Self::Enum(_) => "text",
            }}),
        }
    }

    /// A value as Strapi exports it, in a list or alone, and what of it is not kept.
    ///
    /// # Errors
    /// Why it has no place.
    pub fn value(
        &self,
        text: &str,
        is_listed: bool,
    ) -> Result<(String, Option<&'static str>), &'static str> {
        let mut out = String::new();
        let mut less = None;
        match self {
            Self::Text | Self::Password => json::write_string(&mut out, text),
            Self::Enum(values) => match values.iter().any(|it| it == text) {
                true => json::write_string(&mut out, text),
                false => return Err(NO_VALUE_OF_IT),
            },
            Self::Int => match text.parse::<i64>() {
                Ok(number) if i32::try_from(number).is_ok() => json::write_i64(&mut out, number),
                Ok(_) => return Err(TOO_LARGE),
                Err(_) => return Err(OTHER_TYPE),
            },
            Self::BigInt => {
                let number = text.parse::<i64>().map_err(|_| OTHER_TYPE)?;
                // In JSON a number is one of JavaScript's.
                match is_listed && number.unsigned_abs() <= EXACT {
                    true => json::write_i64(&mut out, number),
                    false => out = format!("\"{number}\""),
                }
            }
            Self::Float => {
                if NO_NUMBERS.contains(&text) {
                    return Err(NO_NUMBER);
                }
                out = float(text).ok_or(OTHER_TYPE)?;
                less = (is_json_number(text) && is_rounded(text)).then_some(ROUNDED);
            }
            Self::Bool => {
                fitting(Scalar::Bool, text)?;
                let is_true = text == "1" || text.starts_with(['t', 'T']);
                out.push_str(if is_true { "true" } else { "false" });
            }
            Self::Time => {
                fitting(Scalar::DateTime, text)?;
                let (time, is_cut) = time(text).ok_or(OUTSIDE)?;
                out = time;
                less = is_cut.then_some(CUT);
            }
            Self::Geo => {
                fitting(Scalar::Geo, text)?;
                let text = text.replace('\'', "\"");
                let deepest = DEEPEST - usize::from(is_listed);
                if is_deeper_than(deepest, text.as_bytes()) {
                    return Err(TOO_DEEP);
                }
                if !json::write_compact(&mut out, &text) {
                    return Err(OTHER_TYPE);
                }
            }
            Self::Vector => {
                fitting(Scalar::Vector, text)?;
                let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
                let is_between = |it: char| it == ',' || it.is_ascii_whitespace();
                for number in inner.split(is_between).filter(|it| !it.is_empty()) {
                    out.push(if out.is_empty() { '[' } else { ',' });
                    out.push_str(&float(number).ok_or(OTHER_TYPE)?);
                }
                if out.is_empty() {
                    out.push('[');
                }
                out.push(']');
            }
        }
        Ok((out, less))
    }
}

fn fitting(scalar: Scalar, text: &str) -> Result<(), &'static str> {
    match misfit(scalar, text) {
        None => Ok(()),
        Some(_) => Err(OTHER_TYPE),
    }
}

/// Why a text is no time that Strapi has.
pub fn no_time(text: &str) -> &'static str {
    misfit(Scalar::DateTime, text).map_or(OUTSIDE, |_| OTHER_TYPE)
}

/// A time as Strapi exports it, in quotes, and whether it had more digits. What says a year, a month or a day alone begins there, and
/// what says no offset is in UTC, as the server takes it. Strapi has none before the year 0.
pub fn time(text: &str) -> Option<(String, bool)> {
    let whole = match text.len() {
        4 => format!("{text}-01-01T00:00:00"),
        7 => format!("{text}-01T00:00:00"),
        10 => format!("{text}T00:00:00"),
        _ => text.to_owned(),
    };
    let (whole, is_longer) = shortened(&whole);
    let time = instant(&whole).filter(|it| it.year() >= 0)?;
    let is_cut = is_longer || time.subsec_nanosecond() % 1_000_000 != 0;
    Some((moment(time), is_cut))
}

/// A time with no more digits of a second than are read, and whether it had more that say something.
fn shortened(text: &str) -> (String, bool) {
    let Some((before, rest)) = text.split_once('.') else {
        return (text.to_owned(), false);
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (kept, more) = rest[..digits].split_at(digits.min(NANOSECONDS));
    let is_longer = more.bytes().any(|it| it != b'0');
    (format!("{before}.{kept}{}", &rest[digits..]), is_longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_strapi_exports_them() {
        let colours = Form::Enum(vec!["RED".into()]);
        for (form, text, expected) in [
            (Form::Text, "a\"b", Ok("\"a\\\"b\"")),
            (Form::Int, "42", Ok("42")),
            (Form::Int, "2147483648", Err(TOO_LARGE)),
            (Form::Int, "4.0", Err(OTHER_TYPE)),
            (Form::BigInt, "9007199254740993", Ok("\"9007199254740993\"")),
            (Form::BigInt, "9223372036854775808", Err(OTHER_TYPE)),
            (Form::Float, "1E+21", Ok("1e+21")),
            (Form::Float, "4", Ok("4")),
            (Form::Float, "+Inf", Err(NO_NUMBER)),
            (Form::Float, "NaN", Err(NO_NUMBER)),
            (Form::Bool, "true", Ok("true")),
            (Form::Bool, "F", Ok("false")),
            (Form::Bool, "yes", Err(OTHER_TYPE)),
            (Form::Time, "2006", Ok("\"2006-01-01T00:00:00.000Z\"")),
            (Form::Time, "2006-02", Ok("\"2006-02-01T00:00:00.000Z\"")),
            (
                Form::Time,
                "2024-01-02T03:04:05.678+02:00",
                Ok("\"2024-01-02T01:04:05.678Z\""),
            ),
            (Form::Time, "0000-01-01T00:00:00+02:00", Err(OUTSIDE)),
            (Form::Time, "9999-12-31T23:00:00-02:00", Err(OUTSIDE)),
            (Form::Time, "yesterday", Err(OTHER_TYPE)),
            (
                Form::Geo,
                "{'type':'Point','coordinates':[-3.25,12.5]}",
                Ok(r#"{"type":"Point","coordinates":[-3.25,12.5]}"#),
            ),
            (Form::Geo, "{}", Err(OTHER_TYPE)),
            (Form::Vector, "[1 2.5 3]", Ok("[1,2.5,3]")),
            (Form::Vector, "[]", Ok("[]")),
            (Form::Vector, "1,2", Err(OTHER_TYPE)),
            (Form::Password, "$2a$10$x", Ok("\"$2a$10$x\"")),
            (colours.clone(), "RED", Ok("\"RED\"")),
            (colours, "BLUE", Err(NO_VALUE_OF_IT)),
        ] {
            let found = form.value(text, false);
            let found = found.as_ref().map(|(value, less)| {
                assert_eq!(*less, None, "{text}");
                value.as_str()
            });
            assert_eq!(found.map_err(|why| *why), expected, "{form:?} {text}");
        }
    }

    #[test]
    fn what_is_not_all_of_a_value_is_said() {
        let less = |form: Form, text| form.value(text, false).expect("a value").1;
        let cut = "2020-01-01T10:00:00.123456789+05:30";
        assert_eq!(less(Form::Time, cut), Some(CUT));
        assert_eq!(less(Form::Time, "2020-01-01T10:00:00.1230000000000"), None);
        assert_eq!(
            less(Form::Time, "2020-01-01T10:00:00.1230000000001"),
            Some(CUT)
        );
        let digits = "0.12345678901234567890123";
        assert_eq!(less(Form::Float, digits), Some(ROUNDED));
    }

    #[test]
    fn whole_numbers_in_lists_are_numbers_as_far_as_javascript_has_them() {
        let listed = |text| Form::BigInt.value(text, true).expect("a value").0;
        assert_eq!(listed("9007199254740992"), "9007199254740992");
        assert_eq!(listed("-9007199254740993"), "\"-9007199254740993\"");
    }
}
