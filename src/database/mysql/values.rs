//! Values as MySQL sends and takes them.

use super::literal::time;
use crate::calendar::{DAY, MICROSECONDS, civil_date, days_of, from_wall_clock};
use crate::database::{Value, text};
use jiff::tz::TimeZone;
use mysql::consts::ColumnType;
use mysql::{Column, Params, Value as Sent};
use std::borrow::Cow;

/// The character set of columns that hold bytes.
const BINARY: u16 = 63;

/// Takes a value apart, by the type of its column. `zone` is the zone of times that name none.
pub(super) fn decode<'a>(column: &Column, value: &'a Sent, zone: &TimeZone) -> Value<'a> {
    match value {
        Sent::NULL => Value::Null,
        Sent::Int(number) => Value::Integer(*number),
        Sent::UInt(number) => match i64::try_from(*number) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Text(number.to_string().into()),
        },
        // Node reads it from its text form, which has no more digits than it holds.
        Sent::Float(number) => Value::Real(number.to_string().parse().unwrap_or(f64::NAN)),
        Sent::Double(number) => Value::Real(*number),
        Sent::Bytes(bytes) => bytes_of(column, bytes),
        Sent::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            if is_date(column) {
                return Value::Text(date.into());
            }
            let days = days_of((*year).into(), (*month).into(), (*day).into());
            let exists = civil_date(days) == ((*year).into(), (*month).into(), (*day).into());
            // A zero date is no time, and no month of JavaScript's; other such days take a session that
            // allows them, and no calendar does.
            if *year == 0 || !exists {
                return Value::Text(format!("{date} {hour:02}:{minute:02}:{second:02}").into());
            }
            let seconds = (i64::from(*hour) * 60 + i64::from(*minute)) * 60 + i64::from(*second);
            let local = days * DAY + seconds * 1000;
            Value::Timestamp(from_wall_clock(local, zone) * MICROSECONDS + i64::from(*micros))
        }
        Sent::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if *negative { "-" } else { "" };
            let hours = days * 24 + u32::from(*hours);
            let mut time = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
            let digits = usize::from(column.decimals());
            if (1..=6).contains(&digits) {
                time.push('.');
                time.push_str(&format!("{micros:06}")[..digits]);
            }
            Value::Text(time.into())
        }
    }
}

fn is_date(column: &Column) -> bool {
    matches!(
        column.column_type(),
        ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE
    )
}

fn bytes_of<'a>(column: &Column, bytes: &'a [u8]) -> Value<'a> {
    let type_ = column.column_type();
    let is_json = type_ == ColumnType::MYSQL_TYPE_JSON;
    let is_number = matches!(
        type_,
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL
    );
    if column.character_set() == BINARY && !is_json && !is_number {
        return Value::Bytes(Cow::Borrowed(bytes));
    }
    match text::of_bytes(bytes) {
        Value::Text(Cow::Borrowed(text)) if is_json => Value::Text(text::unquoted(text)),
        value => value,
    }
}

/// Values as parameters of a statement.
pub(super) fn parameters(values: &[Value<'_>], zone: &TimeZone) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let values = values.iter().map(|value| match value {
        Value::Null => Sent::NULL,
        Value::Integer(number) => Sent::Int(*number),
        Value::Real(number) => Sent::Double(*number),
        Value::Text(text) => Sent::Bytes(text.as_bytes().to_vec()),
        Value::Json(json) => Sent::Bytes(text::json(json).into_owned().into_bytes()),
        Value::Timestamp(instant) => Sent::Bytes(time(*instant, zone).into_bytes()),
        Value::Bytes(bytes) => Sent::Bytes(bytes.to_vec()),
    });
    Params::Positional(values.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(type_: ColumnType, decimals: u8, value: &'a Sent) -> Value<'a> {
        let column = Column::new(type_)
            .with_decimals(decimals)
            .with_character_set(45)
            .with_column_length(1);
        let zone = TimeZone::get("America/New_York").expect("a zone");
        decode(&column, value, &zone)
    }

    #[test]
    fn times_are_in_the_zone_of_the_project() {
        let value = Sent::Date(2024, 2, 29, 12, 0, 0, 123_456);
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_DATETIME, 6, &value),
            Value::Timestamp(1_709_226_000_123_456)
        );
    }

    #[test]
    fn zero_dates_are_no_times_but_stay_dates() {
        let zero = Sent::Date(0, 0, 0, 0, 0, 0, 0);
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_DATETIME, 6, &zero),
            Value::from("0000-00-00 00:00:00")
        );
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_DATE, 0, &zero),
            Value::from("0000-00-00")
        );
    }

    #[test]
    fn times_of_day_have_the_digits_of_their_column() {
        let time = Sent::Time(false, 0, 13, 45, 0, 120_000);
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_TIME, 3, &time),
            Value::from("13:45:00.120")
        );
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_TIME, 0, &time),
            Value::from("13:45:00")
        );
        let long = Sent::Time(true, 1, 2, 0, 0, 0);
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_TIME, 0, &long),
            Value::from("-26:00:00")
        );
    }

    #[test]
    fn a_string_in_a_json_column_comes_without_its_quotes() {
        let json = Sent::Bytes(br#""hello""#.to_vec());
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_JSON, 0, &json),
            Value::from("hello")
        );
        assert_eq!(
            read(ColumnType::MYSQL_TYPE_BLOB, 0, &json),
            Value::from(r#""hello""#)
        );
    }
}
