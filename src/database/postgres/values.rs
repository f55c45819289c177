//! Values as PostgreSQL sends and takes them.

use super::copy::text_of;
use crate::calendar::{DAY, MICROSECONDS, from_wall_clock};
use crate::database::{Value, text};
use bytes::BytesMut;
use jiff::tz::TimeZone;
use postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};
use std::borrow::Cow;
use std::error::Error;

/// The day from which PostgreSQL counts, 2000-01-01, counted from 1970-01-01.
const FIRST_DAY: i64 = 10_957;

/// A value as it came, in the binary form of its type.
pub(super) struct Raw<'a>(pub &'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Takes a value apart. `zone` is the zone of times that name none.
///
/// # Errors
/// Says why the value cannot be read.
pub(super) fn decode<'a>(
    type_: &Type,
    raw: &'a [u8],
    zone: &TimeZone,
) -> Result<Value<'a>, String> {
    Ok(match *type_ {
        Type::BOOL => Value::Integer(i64::from(raw.first() == Some(&1))),
        Type::INT2 => Value::Integer(i16::from_be_bytes(sized(raw)?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(sized(raw)?).into()),
        Type::INT8 => Value::Integer(i64::from_be_bytes(sized(raw)?)),
        Type::OID => Value::Integer(u32::from_be_bytes(sized(raw)?).into()),
        Type::FLOAT8 => Value::Real(f64::from_be_bytes(sized(raw)?)),
        // Node reads it from its text form, which has no more digits than a float4.
        Type::FLOAT4 => {
            let printed = f32::from_be_bytes(sized(raw)?).to_string();
            Value::Real(printed.parse().unwrap_or(f64::NAN))
        }
        Type::NUMERIC => Value::Text(numeric(raw)?.into()),
        Type::JSON => match text::of_bytes(raw) {
            Value::Text(Cow::Borrowed(json)) => Value::Text(text::unquoted(json)),
            value => value,
        },
        Type::JSONB => match raw.split_first() {
            Some((1, json)) => text::of_bytes(json),
            _ => return Err("is jsonb of an unknown version".into()),
        },
        Type::TIMESTAMP => timestamp(i64::from_be_bytes(sized(raw)?), Some(zone)),
        Type::TIMESTAMPTZ => timestamp(i64::from_be_bytes(sized(raw)?), None),
        Type::DATE => Value::Text(date(i32::from_be_bytes(sized(raw)?)).into()),
        Type::TIME => Value::Text(time(i64::from_be_bytes(sized(raw)?)).into()),
        Type::BYTEA => Value::Bytes(raw.into()),
        Type::UUID => Value::Text(uuid(sized(raw)?).into()),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN | Type::XML => {
            text::of_bytes(raw)
        }
        _ => match type_.kind() {
            Kind::Domain(inner) => decode(inner, raw, zone)?,
            Kind::Enum(_) => text::of_bytes(raw),
            _ if type_.name() == "citext" => text::of_bytes(raw),
            _ => {
                return Err(format!(
                    "its type {} is not one that this program reads",
                    type_.name()
                ));
            }
        },
    })
}

fn sized<const N: usize>(raw: &[u8]) -> Result<[u8; N], String> {
    raw.try_into()
        .map_err(|_| format!("has {} bytes instead of {N}", raw.len()))
}

fn timestamp(microseconds: i64, zone: Option<&TimeZone>) -> Value<'static> {
    match microseconds {
        i64::MAX => Value::Text("infinity".into()),
        i64::MIN => Value::Text("-infinity".into()),
        _ => {
            let milliseconds = microseconds.div_euclid(MICROSECONDS) + FIRST_DAY * DAY;
            let instant = match zone {
                Some(zone) => from_wall_clock(milliseconds, zone),
                None => milliseconds,
            };
            let rest = microseconds.rem_euclid(MICROSECONDS);
            match instant.checked_mul(MICROSECONDS) {
                Some(whole) => Value::Timestamp(whole.saturating_add(rest)),
                // Past the last year of JavaScript, and of this program.
                None => Value::Text(text::date(milliseconds.div_euclid(DAY)).0.into()),
            }
        }
    }
}

fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        _ => {
            let (date, before_christ) = text::date(i64::from(days) + FIRST_DAY);
            if before_christ {
                format!("{date} BC")
            } else {
                date
            }
        }
    }
}

/// `HH:mm:ss`, and a fraction without zeros at its end where there is one.
fn time(microseconds: i64) -> String {
    let seconds = microseconds / 1_000_000;
    let mut time = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let fraction = microseconds % 1_000_000;
    if fraction > 0 {
        time.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    time
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The digits of a `numeric`, which come in groups of four.
fn numeric(raw: &[u8]) -> Result<String, String> {
    let word = |index: usize| -> Result<u16, String> {
        let bytes = raw.get(index * 2..index * 2 + 2);
        let bytes = bytes.ok_or_else(|| "is a numeric that is cut short".to_owned())?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let count = usize::from(word(0)?);
    // The power of 10,000 of the first group.
    let weight = i32::from(word(1)?.cast_signed());
    let sign = match word(2)? {
        0 => "",
        0x4000 => "-",
        0xd000 => return Ok("Infinity".into()),
        0xf000 => return Ok("-Infinity".into()),
        _ => return Ok("NaN".into()),
    };
    let scale = usize::from(word(3)?);
    let group = |power: i32| -> Result<u16, String> {
        match usize::try_from(weight - power) {
            Ok(index) if index < count => word(4 + index),
            _ => Ok(0),
        }
    };
    let mut text = String::new();
    for power in (0..=weight.max(0)).rev() {
        text.push_str(&format!("{:04}", group(power)?));
    }
    let whole = text.trim_start_matches('0');
    let mut out = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut fraction = String::new();
        let mut power = -1;
        while fraction.len() < scale {
            fraction.push_str(&format!("{:04}", group(power)?));
            power -= 1;
        }
        fraction.truncate(scale);
        out.push('.');
        out.push_str(&fraction);
    }
    Ok(out)
}

/// A value as a parameter, in its text form.
#[derive(Debug)]
pub(super) struct Parameter<'a>(pub &'a Value<'a>, pub &'a TimeZone);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match text_of(self.0, self.1) {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    postgres::types::to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric_of(words: &[u16]) -> String {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        numeric(&raw).expect("a number")
    }

    #[test]
    fn numerics_keep_all_their_digits() {
        // Groups, weight, sign, digits after the point, then the groups.
        assert_eq!(numeric_of(&[3, 1, 0, 2, 1234, 5678, 9100]), "12345678.91");
        assert_eq!(numeric_of(&[0, 0, 0, 2]), "0.00");
        assert_eq!(numeric_of(&[1, 0xffff, 0x4000, 3, 50]), "-0.005");
        assert_eq!(numeric_of(&[1, 0xfffe, 0, 8, 7]), "0.00000007");
        assert_eq!(numeric_of(&[1, 2, 0, 0, 3]), "300000000");
        assert_eq!(numeric_of(&[0, 0, 0xc000, 0]), "NaN");
        assert!(numeric(&[0, 1, 0, 0]).is_err());
    }

    #[test]
    fn times_are_in_the_zone_of_the_project_unless_they_name_their_own() {
        let zone = TimeZone::get("America/New_York").expect("a zone");
        // 2024-02-29 12:00:00.123456
        let microseconds = (1_709_208_000_123 - FIRST_DAY * DAY) * 1000 + 456;
        let raw = microseconds.to_be_bytes();
        for (type_, instant) in [
            (Type::TIMESTAMP, 1_709_226_000_123_456),
            (Type::TIMESTAMPTZ, 1_709_208_000_123_456),
        ] {
            let value = decode(&type_, &raw, &zone);
            assert_eq!(value, Ok(Value::Timestamp(instant)), "{type_}");
        }
        let raw = i64::MAX.to_be_bytes();
        let infinity = decode(&Type::TIMESTAMP, &raw, &zone);
        assert_eq!(infinity, Ok(Value::from("infinity")));
    }

    #[test]
    fn dates_and_times_of_day_are_printed_as_the_server_prints_them() {
        assert_eq!(date(0), "2000-01-01");
        assert_eq!(date(-730_120), "0001-12-31 BC");
        assert_eq!(time(49_500_000_000), "13:45:00");
        assert_eq!(time(123_000), "00:00:00.123");
    }
}
