//! What columns of PostgreSQL's types hold.

use crate::calendar::{DAY, days_of};
use crate::database::Holds;

/// The bytes that PostgreSQL adds to the length in a type's modifier.
const HEADER: i64 = 4;

/// What a column of a type of the system holds; `modifier` is what stands in parentheses behind its
/// name, as the catalogue has it.
pub(super) fn holds(type_: &str, modifier: i64) -> Holds {
    let integer = |least: i64, most: i64| Holds::Integer {
        least: least.into(),
        most: most.into(),
        rounds: false,
    };
    let given = modifier.checked_sub(HEADER).filter(|&given| given >= 0);
    match (type_, given) {
        ("int2", _) => integer(i16::MIN.into(), i16::MAX.into()),
        ("int4", _) => integer(i32::MIN.into(), i32::MAX.into()),
        ("int8", _) => integer(i64::MIN, i64::MAX),
        ("varchar" | "bpchar", Some(length)) => Holds::Text {
            characters: u64::try_from(length).ok(),
            bytes: None,
            basic_plane: false,
            spaces: &[' '],
        },
        ("numeric", Some(given)) => decimal(given),
        ("date", _) => Holds::Date { zeros: false },
        ("time", _) => Holds::Time {
            hours: 24,
            leap_seconds: true,
        },
        // From 4713 BC to 294276. What is left of the first year the server decides on, by the zone.
        ("timestamp" | "timestamptz", _) => Holds::Instant {
            first: days_of(-4713, 1, 1) * DAY,
            last: days_of(294_277, 1, 2) * DAY,
        },
        _ => Holds::Anything,
    }
}

/// Precision and scale are halves of one number. A scale may be negative, or more than the precision:
/// the server knows what becomes of that.
fn decimal(given: i64) -> Holds {
    let (precision, scale) = (given >> 16, given & 0x7ff);
    match (usize::try_from(precision - scale), usize::try_from(scale)) {
        (Ok(whole), Ok(scale)) => Holds::Decimal { whole, scale },
        _ => Holds::Anything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_read() {
        let Holds::Text { characters, .. } = holds("varchar", 259) else {
            panic!("a varchar holds text");
        };
        assert_eq!(characters, Some(255));
        assert_eq!(holds("varchar", -1), Holds::Anything);
        let modifier = |precision: i64, scale: i64| (precision << 16 | scale & 0x7ff) + HEADER;
        let expected = Holds::Decimal { whole: 8, scale: 2 };
        assert_eq!(holds("numeric", modifier(10, 2)), expected);
        assert_eq!(holds("numeric", modifier(3, -2)), Holds::Anything);
        assert_eq!(holds("numeric", modifier(3, 5)), Holds::Anything);
        assert_eq!(holds("numeric", -1), Holds::Anything);
    }
}
