//! What columns of MySQL's types hold, in a session in which nothing is cut to fit.

use crate::calendar::{DAY, days_of, from_wall_clock};
use crate::database::{Column, Holds, Row, Value};
use crate::error::Result;
use jiff::tz::TimeZone;

/// What may be cut off the end of a text, in strict mode as well.
const SPACES: &[char] = &[' ', '\t', '\n', '\u{b}', '\u{c}', '\r'];

/// A column, from a row of `information_schema.columns`: its name, whether it is nullable, its default,
/// what else is said of it, its type without and with its length, how many characters and bytes it
/// holds, its character set, its precision and scale. Times are in `zone`.
pub(super) fn column(row: &dyn Row, zone: &TimeZone) -> Result<Option<Column>> {
    let text = |column: usize| -> Result<String> {
        let value = row.value(column)?;
        Ok(value.as_str().unwrap_or_default().to_ascii_lowercase())
    };
    let number = |column: usize| -> Result<Option<u64>> {
        let value = row.value(column)?;
        let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
        Ok(number.or_else(|| value.as_str()?.parse().ok()))
    };
    let name = row.value(0)?;
    let Some(name) = name.as_str() else {
        return Ok(None);
    };
    let type_ = text(4)?;
    let nullable = text(1)? == "yes";
    // A column that counts or is computed; and a TIMESTAMP takes NULL for the time that it is, on
    // servers that are configured so.
    let extra = text(3)?;
    let is_computed = extra.contains(" generated");
    let lenient = !extra.is_empty() || type_ == "timestamp";
    // Of an ENUM the first is the default.
    let default = !row.value(2)?.is_null() || type_ == "enum";
    let unsigned = text(5)?.contains("unsigned");
    let holds = match type_.as_str() {
        "tinyint" => integer(8, unsigned),
        "smallint" => integer(16, unsigned),
        "mediumint" => integer(24, unsigned),
        "int" => integer(32, unsigned),
        "bigint" => integer(64, unsigned),
        "decimal" => decimal(number(9)?, number(10)?),
        "char" | "varchar" => letters(&text(8)?, number(6)?, None),
        "tinytext" | "text" | "mediumtext" | "longtext" => letters(&text(8)?, None, number(7)?),
        "date" => Holds::Date { zeros: true },
        "time" => Holds::Time {
            hours: 838,
            leap_seconds: false,
        },
        "datetime" => Holds::Instant {
            first: from_wall_clock(days_of(1, 1, 1) * DAY, zone),
            last: from_wall_clock(days_of(10_000, 1, 1) * DAY - 1, zone),
        },
        // By the zone of the session, and on some servers to 2038 alone.
        "timestamp" => Holds::Instant {
            first: -DAY,
            last: days_of(2106, 2, 9) * DAY,
        },
        _ => Holds::Anything,
    };
    Ok(Some(Column {
        name: name.to_owned(),
        nullable,
        may_be_given_null: nullable || lenient,
        may_be_left_out: nullable || lenient || default,
        is_computed,
        holds,
    }))
}

fn integer(bits: u32, unsigned: bool) -> Holds {
    let (least, most) = match unsigned {
        true => (0, (1_i128 << bits) - 1),
        false => (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1),
    };
    Holds::Integer {
        least,
        most,
        rounds: true,
    }
}

fn decimal(precision: Option<u64>, scale: Option<u64>) -> Holds {
    let whole = precision.zip(scale).and_then(|(precision, scale)| {
        let whole = usize::try_from(precision.checked_sub(scale)?).ok()?;
        Some((whole, usize::try_from(scale).ok()?))
    });
    whole.map_or(Holds::Anything, |(whole, scale)| Holds::Decimal {
        whole,
        scale,
    })
}

/// In another character set a text takes other bytes, and has other spaces.
fn letters(character_set: &str, characters: Option<u64>, bytes: Option<u64>) -> Holds {
    match character_set {
        "utf8mb4" | "utf8mb3" | "utf8" => Holds::Text {
            characters,
            bytes,
            basic_plane: character_set != "utf8mb4",
            spaces: SPACES,
        },
        _ => Holds::Anything,
    }
}

/// More bytes than the statement takes that adds a row.
pub(super) fn most_bytes(table: &str, columns: &[String], row: &[Value<'_>]) -> usize {
    // A quote is doubled, a byte takes two digits; a text that is no JSON becomes a JSON string, in
    // which a byte may take six. Numbers and times take less than the rest.
    let longest = |value: &Value<'_>| match value {
        Value::Text(text) => text.len().saturating_mul(2),
        Value::Json(json) => json.len().saturating_mul(7),
        Value::Bytes(bytes) => bytes.len().saturating_mul(2),
        _ => 0,
    };
    let values = row.iter().map(|value| longest(value).saturating_add(64));
    let names = columns.iter().map(|name| name.len() * 2 + 4);
    values
        .chain(names)
        .fold(table.len() * 2 + 64, usize::saturating_add)
}
