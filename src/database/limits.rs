//! What columns hold, as far as it is known without asking the server.
//!
//! Whatever is refused here the database would refuse as well; what it may take is left to it.

use super::{Value, text};
use crate::calendar::{DAY, MICROSECONDS, civil_date, days_of};

/// The largest exponent of a number whose digits are looked at.
const MOST_ZEROS: i64 = 1000;

/// A column of a table, as the catalogue has it.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it may be `NULL`.
    pub nullable: bool,
    /// Whether `NULL` may be given for it: it is nullable, or the database puts a value in its place.
    pub may_be_given_null: bool,
    /// Whether a row may be added without it: it is nullable, or has a default.
    pub may_be_left_out: bool,
    /// Whether the database computes its values from other columns.
    pub is_computed: bool,
    /// What else is known of its values.
    pub holds: Holds,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Anything, or what only the database knows.
    Anything,
    /// Whole numbers.
    Integer {
        /// The least of them.
        least: i128,
        /// The largest of them.
        most: i128,
        /// Whether fractions are rounded, and not refused.
        rounds: bool,
    },
    /// Numbers with a fixed point. Digits after it are rounded off.
    Decimal {
        /// How many digits stand before the point.
        whole: usize,
        /// How many digits stand after it.
        scale: usize,
    },
    /// Texts. What is too long may be cut at its end, if no more than spaces are lost.
    Text {
        /// How many characters.
        characters: Option<u64>,
        /// How many bytes in UTF-8.
        bytes: Option<u64>,
        /// Whether characters past U+FFFF have no place, as in MySQL's `utf8mb3`.
        basic_plane: bool,
        /// What counts as a space.
        spaces: &'static [char],
    },
    /// Dates.
    Date {
        /// Whether year, month or day may be zero.
        zeros: bool,
    },
    /// Times of day.
    Time {
        /// The largest hour.
        hours: u32,
        /// Whether a minute may have 61 seconds.
        leap_seconds: bool,
    },
    /// Instants, in whole milliseconds since 1970.
    Instant {
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
}

impl Holds {
    /// By how many characters or bytes a text may grow that the column holds, where that is known.
    pub fn room(&self, value: &Value<'_>) -> Option<u64> {
        let Self::Text {
            characters, bytes, ..
        } = self
        else {
            return None;
        };
        let given = value.as_str()?;
        let stored = match value {
            Value::Json(json) => text::json(json),
            _ => given.into(),
        };
        let left =
            |most: &Option<u64>, length: usize| most.map(|it| it.saturating_sub(length as u64));
        let in_characters = characters.and_then(|_| left(characters, stored.chars().count()));
        in_characters
            .into_iter()
            .chain(left(bytes, stored.len()))
            .min()
    }

    /// Why a value has no place in the column, if that is certain.
    pub fn refusal(&self, value: &Value<'_>) -> Option<String> {
        match (self, value) {
            (Self::Anything, _) | (_, Value::Null) => None,
            (
                Self::Integer {
                    least,
                    most,
                    rounds,
                },
                value,
            ) => integer(*least, *most, *rounds, value),
            (Self::Decimal { whole, scale }, value) => decimal(*whole, *scale, value),
            (
                Self::Text {
                    characters,
                    bytes,
                    basic_plane,
                    spaces,
                },
                Value::Text(_) | Value::Json(_),
            ) => {
                let given = value.as_str().unwrap_or_default();
                // A text that is no JSON becomes a JSON string, in which a byte may take six.
                let longest = given.len().saturating_mul(6).saturating_add(2) as u64;
                let fits = |most: &Option<u64>| most.is_none_or(|most| longest <= most);
                if fits(characters) && fits(bytes) && !basic_plane {
                    return None;
                }
                let stored = match value {
                    Value::Json(json) => text::json(json),
                    _ => given.into(),
                };
                too_long(&stored, *characters, *bytes, spaces).or_else(|| {
                    let found = stored.chars().find(|&letter| letter > '\u{ffff}')?;
                    basic_plane.then(|| {
                        format!(
                            "it has the character U+{:X}, which the character set of its column \
                             lacks",
                            u32::from(found)
                        )
                    })
                })
            }
            (Self::Date { zeros }, Value::Text(text)) => {
                is_no_date(text, *zeros)?.then(|| format!("there is no date {text}"))
            }
            (
                Self::Time {
                    hours,
                    leap_seconds,
                },
                Value::Text(text),
            ) => is_no_time(text, *hours, *leap_seconds)?
                .then(|| format!("there is no time of day {text}")),
            (Self::Instant { first, last }, Value::Timestamp(instant)) => {
                let instant = &instant.div_euclid(MICROSECONDS);
                let year = |instant: i64| civil_date(instant.div_euclid(DAY)).0;
                (instant < first || instant > last).then(|| {
                    format!(
                        "its year {} is outside {} to {}, the range of its column",
                        year(*instant),
                        year(*first),
                        year(*last)
                    )
                })
            }
            _ => None,
        }
    }
}

fn integer(least: i128, most: i128, rounds: bool, value: &Value<'_>) -> Option<String> {
    let outside = || {
        Some(format!(
            "it is outside {least} to {most}, the range of its column"
        ))
    };
    let number = match value {
        Value::Integer(number) => i128::from(*number),
        Value::Real(real) if real.is_finite() => match text::float(*real).parse::<i128>() {
            Ok(number) => number,
            // What is printed with an exponent, or has a fraction.
            Err(_) if real.abs() > 1e20 => return outside(),
            Err(_) if !rounds => return Some("its column takes whole numbers alone".into()),
            Err(_) if *real <= (least - 1) as f64 || *real >= (most + 1) as f64 => {
                return outside();
            }
            Err(_) => return None,
        },
        Value::Text(text) => match text.parse::<i128>() {
            Ok(number) => number,
            Err(_) => {
                let real = Value::Real(text.parse().ok()?);
                return integer(least, most, rounds, &real);
            }
        },
        _ => return None,
    };
    if number < least || number > most {
        return outside();
    }
    None
}

fn decimal(whole: usize, scale: usize, value: &Value<'_>) -> Option<String> {
    let printed = match value {
        Value::Integer(number) => number.to_string(),
        Value::Real(number) if number.is_finite() => text::float(*number),
        Value::Text(text) => text.to_string(),
        _ => return None,
    };
    overflows(&printed, whole, scale)?.then(|| {
        format!("it has more digits before the point than the {whole} that its column holds")
    })
}

/// Whether a number that is rounded to `scale` digits after the point has more than `whole` before it;
/// `None` where this is no number.
fn overflows(printed: &str, whole: usize, scale: usize) -> Option<bool> {
    let unsigned = printed.strip_prefix(['-', '+']).unwrap_or(printed);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.parse::<i64>().ok()?)),
        None => (unsigned, None),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if before.is_empty() || !is_digits(before) || !is_digits(after) {
        return None;
    }
    let digits = format!("{before}{after}");
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    if zeros == digits.len() {
        return Some(false);
    }
    let exponent_of = exponent.unwrap_or(0);
    if exponent_of.abs() > MOST_ZEROS {
        // Close to zero, or far from it.
        return (exponent_of > 0).then_some(true);
    }
    let point = i64::try_from(before.len()).ok()? + exponent_of - i64::try_from(zeros).ok()?;
    let Ok(point) = usize::try_from(point) else {
        return Some(false);
    };
    if point != whole {
        return Some(point > whole);
    }
    // As many nines as there may be, and one digit more that rounds them up. Numbers with an exponent
    // may be rounded in another way.
    let mut significant = digits[zeros..].bytes().chain(std::iter::repeat(b'0'));
    let all_nines = (0..whole + scale).all(|_| significant.next() == Some(b'9'));
    let next = significant.next().unwrap_or(b'0');
    Some(exponent.is_none() && all_nines && next >= b'5')
}

fn too_long(
    stored: &str,
    characters: Option<u64>,
    bytes: Option<u64>,
    spaces: &[char],
) -> Option<String> {
    if let Some(most) = characters.filter(|&most| stored.len() as u64 > most) {
        let count = stored.trim_end_matches(spaces).chars().count() as u64;
        if count > most {
            return Some(format!(
                "it has {count} characters, and its column holds {most}"
            ));
        }
    }
    if let Some(most) = bytes.filter(|&most| stored.len() as u64 > most) {
        let count = stored.trim_end_matches(spaces).len() as u64;
        if count > most {
            return Some(format!("it has {count} bytes, and its column holds {most}"));
        }
    }
    None
}

/// Whether `YYYY-MM-DD` names no day; `None` for what is written in another way.
fn is_no_date(text: &str, zeros: bool) -> Option<bool> {
    let [year, month, day] = numbers(text, '-', [4, 2, 2])?;
    if month > 12 || day > 31 {
        return Some(true);
    }
    if year == 0 || month == 0 || day == 0 {
        return Some(!zeros);
    }
    let (year, month, day) = (year.into(), month.into(), day.into());
    Some(civil_date(days_of(year, month, day)) != (year, month, day))
}

/// Whether `HH:mm:ss`, with a fraction or without, is no time; `None` for what is written in another
/// way.
fn is_no_time(text: &str, hours: u32, leap_seconds: bool) -> Option<bool> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let is_past_end = hour == hours && (minute, second) != (0, 0) && hours == 24;
    Some(hour > hours || minute > 59 || second > 59 + u32::from(leap_seconds) || is_past_end)
}

/// Three numbers of so many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        *number = part.bytes().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + u32::from(byte - b'0'))
        })?;
    }
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(holds: &Holds, values: impl IntoIterator<Item = Value<'static>>) -> Vec<bool> {
        let refused = values.into_iter().map(|value| holds.refusal(&value));
        refused.map(|why| why.is_some()).collect()
    }

    #[test]
    fn whole_numbers_have_a_range() {
        for (rounds, fraction) in [(true, false), (false, true)] {
            let holds = Holds::Integer {
                least: i64::MIN.into(),
                most: i64::MAX.into(),
                rounds,
            };
            let given = [
                Value::Integer(i64::MIN),
                Value::Real(9.223_372_036_854_776e18),
                Value::Real(1e300),
                Value::Real(3.0),
                Value::Real(1.5),
                Value::from("many"),
            ];
            let expected = [false, true, true, false, fraction, false];
            assert_eq!(refused(&holds, given), expected);
        }
        let holds = Holds::Integer {
            least: 0,
            most: 255,
            rounds: true,
        };
        let given = [-1.0, -0.5, 255.0, 255.4, 256.0].map(Value::Real);
        assert_eq!(
            refused(&holds, given),
            [true, false, false, false, true],
            "what is rounded is left to the server"
        );
    }

    #[test]
    fn digits_before_the_point_are_counted_once_the_rest_is_rounded() {
        for (printed, expected) in [
            ("99999999.99", Some(false)),
            ("-99999999.994999", Some(false)),
            ("99999999.995", Some(true)),
            ("100000000", Some(true)),
            ("00012345678.5", Some(false)),
            ("0.000000001", Some(false)),
            ("1e-7", Some(false)),
            ("1e-9999", None),
            ("1e+21", Some(true)),
            ("1.5e7", Some(false)),
            ("0e99999", Some(false)),
            ("1e99999", Some(true)),
            ("many", None),
            ("", None),
        ] {
            assert_eq!(overflows(printed, 8, 2), expected, "{printed}");
        }
        assert_eq!(overflows("0.995", 0, 2), Some(true));
        assert_eq!(overflows("0.0995", 0, 2), Some(false));
    }

    #[test]
    fn only_what_is_more_than_spaces_makes_a_text_too_long() {
        let holds = |characters, bytes| Holds::Text {
            characters,
            bytes,
            basic_plane: false,
            spaces: &[' '],
        };
        let given = || ["éé", "éé  ", "éé\t", "ééé"].map(Value::from);
        let expected = [false, false, true, true];
        assert_eq!(refused(&holds(Some(2), None), given()), expected);
        assert_eq!(refused(&holds(None, Some(4)), given()), expected);
        // As it is stored.
        let json = ["12", "no"].map(|json| Value::Json(json.into()));
        assert_eq!(refused(&holds(Some(3), None), json), [false, true]);
    }

    #[test]
    fn characters_that_a_character_set_lacks_are_named() {
        let holds = Holds::Text {
            characters: Some(255),
            bytes: None,
            basic_plane: true,
            spaces: &[' '],
        };
        assert_eq!(holds.refusal(&Value::from("é\u{ffff}")), None);
        let why = holds.refusal(&Value::from("a🎉")).expect("refused");
        assert!(why.contains("U+1F389"), "{why}");
    }

    #[test]
    fn days_and_times_that_are_none_are_known() {
        for (date, with_zeros, without) in [
            ("2024-02-29", Some(false), Some(false)),
            ("2023-02-29", Some(true), Some(true)),
            ("2024-13-01", Some(true), Some(true)),
            ("2024-00-00", Some(false), Some(true)),
            ("0000-00-00", Some(false), Some(true)),
            ("0044-03-15 BC", None, None),
            ("10000-01-01", None, None),
            ("today", None, None),
        ] {
            assert_eq!(is_no_date(date, true), with_zeros, "{date}");
            assert_eq!(is_no_date(date, false), without, "{date}");
        }
        for (time, mysql, postgres) in [
            ("23:59:59.999", Some(false), Some(false)),
            ("23:59:60", Some(true), Some(false)),
            ("24:00:00.000", Some(false), Some(false)),
            ("24:00:01", Some(false), Some(true)),
            ("25:00:00", Some(false), Some(true)),
            ("12:61:00", Some(true), Some(true)),
            ("-838:59:59", None, None),
            ("1 pm", None, None),
        ] {
            assert_eq!(is_no_time(time, 838, false), mysql, "{time}");
            assert_eq!(is_no_time(time, 24, true), postgres, "{time}");
        }
    }
}
