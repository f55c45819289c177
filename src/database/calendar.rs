//! Days, dates and clocks: between instants and the wall-clock times that databases store.
//!
//! JavaScript's dates and PostgreSQL's reach further than calendar crates do, so the arithmetic of
//! days is done here; time zones are the crate's.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Milliseconds in a day.
pub const DAY: i64 = 86_400_000;
/// Microseconds in a millisecond.
pub const MICROSECONDS: i64 = 1000;
/// Years after which the calendar repeats itself, and the days in them.
const CYCLE: (i64, i64) = (400, 146_097);

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

#[cfg(test)]
mod tests {
    use super::*;

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
