//! Days, dates and clocks: between instants, the wall-clock times that databases store, and the texts that
//! archives hold.
//!
//! JavaScript's dates and PostgreSQL's reach further than calendar crates do, so the arithmetic of
//! days is done here; time zones are the crate's.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use std::fmt;

/// Milliseconds in a day.
pub const DAY: i64 = 86_400_000;
/// Microseconds in a millisecond.
pub const MICROSECONDS: i64 = 1000;
/// Years after which the calendar repeats itself, and the days in them.
const CYCLE: (i64, i64) = (400, 146_097);

/// A moment in UTC to the second, as RFC 3339 has it. It is rounded down: what is dated so was not made later than it was.
pub fn in_seconds(time: Timestamp) -> String {
    let down = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Floor);
    time.round(down).unwrap_or(time).to_string()
}

/// The moment that a text names, in one of the forms that services of Prisma 1 take: `2017-11-29T14:35:13.000Z`, also without a
/// fraction, with an offset, or as `2017-11-29 14:35:13`. It is a time of the calendar, in UTC: moments that are counted end
/// before the last day of the year 9999, which many write for "never".
pub fn instant(text: &str) -> Option<DateTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', ' '])?;
    let (time, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(it, like)| {
                if like == b'0' {
                    it.is_ascii_digit()
                } else {
                    it == like
                }
            })
    };
    let (clock, fraction) = time.split_at_checked(8)?;
    let is_fraction = fraction.is_empty()
        || fraction.strip_prefix('.').is_some_and(|digits| {
            (1..=9).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit())
        });
    if !(shape(date, "0000-00-00") && shape(clock, "00:00:00") && is_fraction) {
        return None;
    }
    let offset = match zone {
        "Z" => 0,
        "" => 0,
        _ => {
            let digits: String = zone[1..].chars().filter(|it| *it != ':').collect();
            if !(shape(&zone[1..], "00:00") || shape(&zone[1..], "0000")) {
                return None;
            }
            let number: i64 = digits.parse().ok()?;
            let seconds = (number / 100 * 60 + number % 100) * 60;
            if zone.starts_with('-') {
                -seconds
            } else {
                seconds
            }
        }
    };
    let civil: DateTime = format!("{date}T{time}").parse().ok()?;
    civil.checked_sub(SignedDuration::from_secs(offset)).ok()
}

/// The proleptic Gregorian date of a day counted from 1970-01-01: year, month and day.
pub fn civil_date(days: i64) -> (i64, i64, i64) {
    // Years are counted from March, so that the leap day comes last; 400 years are one era.
    let days = days + 719_468;
    let era = days.div_euclid(CYCLE.1);
    let day_of_era = days.rem_euclid(CYCLE.1);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * CYCLE.0 + i64::from(month <= 2);
    (year, month, day)
}

/// The day counted from 1970-01-01 of a date; the inverse of [`civil_date`].
pub fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(CYCLE.0);
    let year_of_era = year.rem_euclid(CYCLE.0);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * CYCLE.1 + day_of_era - 719_468
}

/// What a clock shows so many milliseconds after midnight, with `fine` microseconds more: `HH:mm:ss.SSS`, and three
/// digits more where they are not zero.
pub fn clock(time: i64, fine: i64) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let (hours, minutes) = (time / 3_600_000, time / 60_000 % 60);
        let (seconds, thousandths) = (time / 1000 % 60, time % 1000);
        write!(f, "{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}")?;
        match fine {
            0 => Ok(()),
            fine => write!(f, "{fine:03}"),
        }
    })
}

/// The instant at which clocks in `zone` show `local`. Both are milliseconds since 1970, `local` as
/// if the clock stood in UTC. Of two such instants it is the first, as in JavaScript.
pub fn from_wall_clock(local: i64, zone: &TimeZone) -> i64 {
    let (shifted, cycles) = into_range(local);
    let instant = civil(shifted)
        .and_then(|civil| civil.to_zoned(zone.clone()).ok())
        .map_or(shifted, |zoned| zoned.timestamp().as_millisecond());
    instant + cycles * CYCLE.1 * DAY
}

/// What clocks in `zone` show at an instant; the inverse of [`from_wall_clock`].
pub fn to_wall_clock(instant: i64, zone: &TimeZone) -> i64 {
    let (shifted, cycles) = into_range(instant);
    let offset = jiff::Timestamp::from_millisecond(shifted)
        .map_or(0, |timestamp| zone.to_offset(timestamp).seconds());
    shifted + i64::from(offset) * 1000 + cycles * CYCLE.1 * DAY
}

/// Moves a time by whole cycles of the calendar into the years that the calendar crate knows.
fn into_range(milliseconds: i64) -> (i64, i64) {
    let (year, ..) = civil_date(milliseconds.div_euclid(DAY));
    let cycles = if (-9000..9999).contains(&year) {
        0
    } else {
        (year - 2000).div_euclid(CYCLE.0)
    };
    (milliseconds - cycles * CYCLE.1 * DAY, cycles)
}

fn civil(milliseconds: i64) -> Option<DateTime> {
    let (year, month, day) = civil_date(milliseconds.div_euclid(DAY));
    let time = milliseconds.rem_euclid(DAY);
    DateTime::new(
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
        (time / 3_600_000).try_into().ok()?,
        (time / 60_000 % 60).try_into().ok()?,
        (time / 1000 % 60).try_into().ok()?,
        i32::try_from(time % 1000).ok()? * 1_000_000,
    )
    .ok()
}

/// The last millisecond of JavaScript's dates, and the first with a minus.
pub const LAST: i64 = 8_640_000_000_000_000;

/// Whether JavaScript has a date of so many microseconds since 1970.
pub fn is_in_range(time: i64) -> bool {
    (-LAST..=LAST).contains(&(time.div_euclid(MICROSECONDS)))
}

/// Microseconds since 1970, and whether that is all of it. Text is UTC unless it names another offset
/// or none at all with a time of day (then it is in `zone`).
pub fn parse_time(text: &str, zone: &TimeZone) -> Option<(i64, bool)> {
    if let Some(time) = iso_time(text) {
        return Some((time, true));
    }
    let parts = |timestamp: jiff::Timestamp| {
        let is_whole = timestamp.subsec_nanosecond() % 1000 == 0;
        (timestamp.as_microsecond(), is_whole)
    };
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(parts(time));
    }
    let civil: DateTime = text.parse().ok()?;
    let zone = if text.len() <= "YYYY-MM-DD".len() {
        TimeZone::UTC
    } else {
        zone.clone()
    };
    Some(parts(civil.to_zoned(zone).ok()?.timestamp()))
}

/// Reads a time as `Date.prototype.toISOString` prints it, with three digits after the point or six. Its years reach
/// further than the calendar crate's, whose last hours of 9999 are missing as well.
fn iso_time(text: &str) -> Option<i64> {
    let (sign, digits, rest) = match text.as_bytes().first()? {
        b'+' => (1, 6, &text[1..]),
        b'-' => (-1, 6, &text[1..]),
        _ => (1, 4, text),
    };
    let part = |start: usize, length: usize, after: &str| {
        let digits = rest.get(start..start + length)?;
        let right = rest.get(start + length..)?.starts_with(after)
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| digits.parse::<i64>().ok())?
    };
    let fine = match rest.len().checked_sub(digits + 17)? {
        3 => part(digits + 16, 3, "Z")? * MICROSECONDS,
        6 => part(digits + 16, 6, "Z")?,
        _ => return None,
    };
    let year = sign * part(0, digits, "-")?;
    let (month, day) = (part(digits + 1, 2, "-")?, part(digits + 4, 2, "T")?);
    let (hour, minute) = (part(digits + 7, 2, ":")?, part(digits + 10, 2, ":")?);
    let second = part(digits + 13, 2, ".")?;
    let days = days_of(year, month, day);
    let exists = civil_date(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60;
    let whole = days * DAY + ((hour * 60 + minute) * 60 + second) * 1000;
    let time = whole.checked_mul(MICROSECONDS)?.checked_add(fine)?;
    exists.then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dated_to_the_second_is_not_dated_later_than_it_was() {
        for (moment, dated) in [
            ("2026-11-22T10:00:00.999Z", "2026-11-22T10:00:00Z"),
            ("2026-11-22T10:00:01Z", "2026-11-22T10:00:01Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(in_seconds(moment.parse().expect("a moment")), dated);
        }
    }

    #[test]
    fn wall_clocks_and_instants_turn_into_each_other() {
        let zone = TimeZone::get("Europe/Paris").expect("a zone");
        // 2024-02-29 12:00 and 2024-07-01 12:00 in Paris, and a time in the year 12024.
        for (local, instant) in [
            (1_709_208_000_000, 1_709_204_400_000),
            (1_719_835_200_000, 1_719_828_000_000),
            (
                1_709_208_000_000 + 25 * CYCLE.1 * DAY,
                1_709_204_400_000 + 25 * CYCLE.1 * DAY,
            ),
        ] {
            assert_eq!(from_wall_clock(local, &zone), instant);
            assert_eq!(to_wall_clock(instant, &zone), local);
        }
    }

    #[test]
    fn dates_and_days_turn_into_each_other() {
        for days in [-800_000, -719_528, -1, 0, 11_016, 19_782, 3_000_000] {
            let (year, month, day) = civil_date(days);
            assert_eq!(days_of(year, month, day), days);
        }
        assert_eq!(civil_date(19_782), (2024, 2, 29));
    }
}
