//! Dates, times of day and instants as text.

use crate::calendar::{DAY, MICROSECONDS, civil_date, days_of};
use std::borrow::Cow;

/// Whether it is a day as Strapi takes it, `YYYY-MM-DD`.
pub(super) fn is_day(text: &str) -> bool {
    day_of(text).is_some_and(|(year, month, day)| {
        (1..=12).contains(&month)
            && (1..=31).contains(&day)
            && (day <= 28 || civil_date(days_of(year, month, day)) == (year, month, day))
    })
}

/// Whether it looks like a day and is none, and no zero date either: MySQL has such in sessions that
/// allow them, and takes none back.
pub(super) fn is_no_day(text: &str) -> bool {
    !is_day(text) && day_of(text).is_some_and(|(_, month, day)| month > 0 && day > 0)
}

fn day_of(text: &str) -> Option<(i64, i64, i64)> {
    let bytes = text.as_bytes();
    let part = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = &bytes[range];
        let number = digits.iter().map(|byte| i64::from(byte.wrapping_sub(b'0')));
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| number.fold(0, |all, digit| all * 10 + digit))
    };
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    Some((part(0..4)?, part(5..7)?, part(8..10)?))
}

/// Whether it is a time of day as Strapi takes it: `HH:mm:ss`, and three more digits at the most.
pub(super) fn is_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    let two = |at: usize, least: &[u8], most: &[u8]| {
        let part = &bytes[at..at + 2];
        part.iter().all(u8::is_ascii_digit) && least <= part && part <= most
    };
    matches!(bytes.len(), 8 | 10..=12)
        && two(0, b"00", b"23")
        && two(3, b"00", b"59")
        && two(6, b"00", b"59")
        && bytes[2] == b':'
        && bytes[5] == b':'
        && (bytes.len() == 8 || (bytes[8] == b'.' && bytes[9..].iter().all(u8::is_ascii_digit)))
}

/// `YYYY-MM-DDTHH:mm:ss.SSSZ`, with a sign and six digits for years outside 0 to 9999, as
/// `Date.prototype.toISOString` prints it; and with three digits more where they are not zero.
pub(super) fn iso(microseconds: i64) -> String {
    let milliseconds = microseconds.div_euclid(MICROSECONDS);
    let (year, month, day) = civil_date(milliseconds.div_euclid(DAY));
    let (time, fine) = (
        milliseconds.rem_euclid(DAY),
        microseconds.rem_euclid(MICROSECONDS),
    );
    let mut text = String::with_capacity("+YYYYYY-MM-DDTHH:mm:ss.SSSSSSZ".len());
    let digits = match year {
        0..=9999 => 4,
        _ => {
            text.push(if year < 0 { '-' } else { '+' });
            6
        }
    };
    push_padded(&mut text, year.abs(), digits);
    for (before, number, digits) in [
        ('-', month, 2),
        ('-', day, 2),
        ('T', time / 3_600_000, 2),
        (':', time / 60_000 % 60, 2),
        (':', time / 1000 % 60, 2),
        ('.', time % 1000, 3),
    ] {
        text.push(before);
        push_padded(&mut text, number, digits);
    }
    if fine > 0 {
        push_padded(&mut text, fine, 3);
    }
    text.push('Z');
    text
}

/// Appends the last digits of a number, with zeros in front. There are many times, and the formatting machinery
/// takes its time.
fn push_padded(text: &mut String, number: i64, digits: u32) {
    for power in (0..digits).rev() {
        let digit = number / 10_i64.pow(power) % 10;
        text.push(char::from(b'0' + digit as u8));
    }
}

/// A time of day with seconds and milliseconds, as Strapi stores it; PostgreSQL prints fewer digits.
pub(super) fn full_time(text: Cow<'_, str>) -> Cow<'_, str> {
    match text.split_once('.').map_or((&*text, ""), |parts| parts) {
        (clock, fraction) if fraction.len() < 3 && is_clock(&text) => {
            Cow::Owned(format!("{clock}.{fraction:0<3}"))
        }
        _ => text,
    }
}
