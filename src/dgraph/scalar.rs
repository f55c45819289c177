//! What values there are, and whether a text is one.
//!
//! Texts are as servers export them and as their loader takes them (`types/conversion.go` of Dgraph).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use std::marker::PhantomData;

/// What servers write for numbers that are none, which is no JSON.
pub const NO_NUMBERS: [&str; 3] = ["+Inf", "-Inf", "NaN"];

/// What Go takes as true or false.
const BOOLS: [&str; 12] = [
    "true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", "True", "False",
];

/// What a value is, as far as the row says it; the schema has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scalar {
    /// What has no type.
    Default,
    /// `xs:string`
    String,
    /// `xs:int`
    Int,
    /// `xs:float`
    Float,
    /// `xs:boolean`
    Bool,
    /// `xs:dateTime`
    DateTime,
    /// `geo:geojson`; servers write `'` for `"` in it.
    Geo,
    /// `xs:base64Binary`
    Binary,
    /// `xs:password`: a hash.
    Password,
    /// `xs:decimal`
    BigFloat,
    /// `xs:[]float32`
    Vector,
}

impl Scalar {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Default,
        Self::String,
        Self::Int,
        Self::Float,
        Self::Bool,
        Self::DateTime,
        Self::Geo,
        Self::Binary,
        Self::Password,
        Self::BigFloat,
        Self::Vector,
    ];
}

/// Why a text is no value of this type; `None` where it is one. The text is not in the answer: it may be a secret.
pub fn misfit(scalar: Scalar, text: &str) -> Option<&'static str> {
    let (fits, why) = match scalar {
        Scalar::Default | Scalar::String | Scalar::Password => return None,
        Scalar::Int => (
            text.parse::<i64>().is_ok(),
            "the schema says int, and it is no whole number of 64 bits",
        ),
        Scalar::Float => (
            is_finite(text) || NO_NUMBERS.contains(&text),
            "the schema says float, and it is no number",
        ),
        Scalar::BigFloat => (
            is_float(text),
            "the schema says bigfloat, and it is no number",
        ),
        Scalar::Bool => (
            BOOLS.contains(&text),
            "the schema says bool, and it is neither true nor false",
        ),
        Scalar::DateTime => (is_time(text), "the schema says datetime, and it is no time"),
        Scalar::Geo => (
            is_geo(text),
            "the schema says geo, and it is no place and no area in GeoJSON",
        ),
        Scalar::Binary => (
            STANDARD.decode(text).is_ok(),
            "the schema says binary, and it is no base64",
        ),
        Scalar::Vector => (
            is_vector(text),
            "the schema says float32vector, and it is no list of numbers",
        ),
    };
    (!fits).then_some(why)
}

/// A number in digits, with a point, an exponent and a sign.
fn is_float(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits.starts_with(|it: char| it == '.' || it.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// One that a float has room for: servers refuse larger ones.
fn is_finite(text: &str) -> bool {
    is_float(text) && text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// A year, a month, a day, or a time of a day with or without an offset: what `types.ParseTime` takes.
pub(super) fn is_time(text: &str) -> bool {
    let is_shaped = text.is_ascii() && text.len() >= 4;
    is_shaped && time(text).is_some()
}

fn time(text: &str) -> Option<()> {
    let number = |text: Option<&str>| {
        let text = text.filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?;
        text.parse::<i8>().ok()
    };
    let (date, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let year = date
        .get(..4)
        .filter(|it| it.bytes().all(|it| it.is_ascii_digit()))?;
    let year = year.parse::<i16>().ok()?;
    let (month, day) = match (date.len(), date.get(4..5), date.get(7..8)) {
        (4, ..) => (1, 1),
        (7, Some("-"), _) => (number(date.get(5..7))?, 1),
        (10, Some("-"), Some("-")) => (number(date.get(5..7))?, number(date.get(8..10))?),
        _ => return None,
    };
    Date::new(year, month, day).ok()?;
    if rest.is_empty() {
        return Some(());
    }
    let (clock, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let mut parts = clock.split(':');
    for limit in [24, 60, 60] {
        let part = parts.next().filter(|it| it.len() == 2);
        number(part).filter(|it| *it < limit)?;
    }
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let rest = fraction.trim_start_matches(|it: char| it.is_ascii_digit());
            (rest.len() < fraction.len()).then_some(rest)?
        }
    };
    match rest {
        "" | "Z" => Some(()),
        _ => {
            let (hours, minutes) = rest.strip_prefix(['+', '-'])?.split_once(':')?;
            for (part, limit) in [(hours, 24), (minutes, 60)] {
                let part = Some(part).filter(|it| it.len() == 2);
                number(part).filter(|it| *it < limit)?;
            }
            Some(())
        }
    }
}

/// What GeoJSON is of.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "type")]
    name: String,
}

/// One that has coordinates. What they are made of takes no room, so that long ones are read as they come.
#[derive(Deserialize)]
struct Placed<T> {
    #[serde(rename = "coordinates")]
    _coordinates: T,
}

/// One that has others.
#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "geometries")]
    _geometries: Vec<IgnoredAny>,
}

/// A number, which is not kept.
#[derive(Deserialize)]
#[serde(from = "f64")]
struct Number;

impl From<f64> for Number {
    fn from(_: f64) -> Self {
        Self
    }
}

/// Two numbers or more.
#[derive(Deserialize)]
#[serde(try_from = "Vec<Number>")]
struct Position;

impl TryFrom<Vec<Number>> for Position {
    type Error = &'static str;

    fn try_from(numbers: Vec<Number>) -> Result<Self, Self::Error> {
        match numbers.len() {
            0 | 1 => Err("a place has two numbers or more"),
            _ => Ok(Self),
        }
    }
}

/// Any number of these, which are not kept.
struct All<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for All<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<T>::deserialize(deserializer).map(|_| Self(PhantomData))
    }
}

/// GeoJSON, with `'` for `"` as servers write it.
fn is_geo(text: &str) -> bool {
    fn has<'t, T: Deserialize<'t>>(text: &'t str) -> bool {
        serde_json::from_str::<Placed<T>>(text).is_ok()
    }
    let text = text.replace('\'', "\"");
    let Ok(shape) = serde_json::from_str::<Shape>(&text) else {
        return false;
    };
    match shape.name.as_str() {
        "Point" => has::<Position>(&text),
        "LineString" | "MultiPoint" => has::<All<Position>>(&text),
        "Polygon" | "MultiLineString" => has::<All<All<Position>>>(&text),
        "MultiPolygon" => has::<All<All<All<Position>>>>(&text),
        "GeometryCollection" => serde_json::from_str::<Collection>(&text).is_ok(),
        _ => false,
    }
}

/// Numbers of 32 bits with one comma between each two, or with spaces alone (`types.ParseVFloat`).
fn is_vector(text: &str) -> bool {
    let inner = text
        .trim()
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'));
    inner.is_some_and(|inner| {
        let fits = |it: &str| is_float(it) && it.parse::<f32>().is_ok_and(f32::is_finite);
        match inner.contains(',') {
            true => inner.split(',').all(|it| fits(it.trim())),
            false => inner.split_ascii_whitespace().all(fits),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_that_the_loader_takes() {
        for text in [
            "2006",
            "2006-01",
            "2006-01-02",
            "2006-01-02T15:04:05",
            "2006-01-02T15:04:05.5",
            "2024-02-29T00:00:00Z",
            "2020-01-01T10:00:00.123456789+05:30",
            "1969-12-31T00:00:00-00:00",
        ] {
            assert!(is_time(text), "{text}");
        }
        for text in [
            "",
            "206",
            "2006-1-2",
            "2006-13-01",
            "2023-02-29",
            "2006-01-02T",
            "2006-01-02T24:00:00Z",
            "2006-01-02T15:04",
            "2006-01-02 15:04:05",
            "2006-01-02T15:04:05.Z",
            "2006-01-02T15:04:05+5:30",
            "2006-01-02T15:04:05Zx",
            "２００６",
            "-006",
        ] {
            assert!(!is_time(text), "{text}");
        }
    }

    #[test]
    fn numbers_and_places_that_servers_refuse_are_none() {
        let point = |of: &str| format!("{{'type':'Point','coordinates':{of}}}");
        for (scalar, text) in [
            (Scalar::Float, "1e400".to_owned()),
            (Scalar::Vector, "[1,,2]".to_owned()),
            (Scalar::Vector, "[1,2,]".to_owned()),
            (Scalar::Vector, "[1,2 3]".to_owned()),
            (Scalar::Vector, "[1e39]".to_owned()),
            (Scalar::Geo, point("['a']")),
            (Scalar::Geo, point("['a','b']")),
            (Scalar::Geo, point("[]")),
            (Scalar::Geo, point("[1]")),
            (Scalar::Geo, point("[[1,2]]")),
            (Scalar::Geo, point("[1,1e999]")),
            (Scalar::Geo, point("[1,2]").replace("Point", "Polygon")),
        ] {
            assert!(misfit(scalar, &text).is_some(), "{text}");
        }
        for (scalar, text) in [
            (Scalar::BigFloat, "1e400"),
            (Scalar::Vector, "[1  2.5]"),
            (Scalar::Vector, " [ 1 , 2 ] "),
            (Scalar::Geo, "{'coordinates':[1,2,3],'type':'Point'}"),
            (
                Scalar::Geo,
                "{'type':'LineString','coordinates':[[1,2],[3,4]]}",
            ),
            (
                Scalar::Geo,
                "{'type':'Polygon','coordinates':[[[1,2],[3,4],[1,2]]]}",
            ),
            (
                Scalar::Geo,
                "{'type':'MultiPolygon','coordinates':[[[[1,2],[3,4],[1,2]]]]}",
            ),
            (Scalar::Geo, "{'type':'GeometryCollection','geometries':[]}"),
        ] {
            assert_eq!(misfit(scalar, text), None, "{text}");
        }
    }

    #[test]
    fn values_are_checked_against_their_types() {
        for (scalar, good, bad) in [
            (
                Scalar::Int,
                &["42", "-9223372036854775808"][..],
                &["", "4.0", "9223372036854775808"][..],
            ),
            (
                Scalar::Float,
                &["4", "1E+21", "+Inf", "NaN", "-.5"],
                &["", "Inf", "nan", "x"],
            ),
            (
                Scalar::BigFloat,
                &["123456789.123456789123456789"],
                &["+Inf", ""],
            ),
            (Scalar::Bool, &["true", "F"], &["yes", ""]),
            (
                Scalar::Geo,
                &["{'type':'Point','coordinates':[-3.25,12.5]}"],
                &["{'type':'Point'}", "{}", ""],
            ),
            (Scalar::Binary, &["aGVsbG8=", ""], &["a", "a b="]),
            (
                Scalar::Vector,
                &["[1,2.5,3]", "[]", "[1 2]"],
                &["1,2", "[a]", ""],
            ),
            (Scalar::String, &["", "x"], &[]),
        ] {
            for text in good {
                assert_eq!(misfit(scalar, text), None, "{text}");
            }
            for text in bad {
                assert!(misfit(scalar, text).is_some(), "{text}");
            }
        }
    }
}
