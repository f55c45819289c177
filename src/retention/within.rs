//! A duration as restic writes it: `2y5m7d3h`.

use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan, Zoned};
use std::fmt;
use std::str::FromStr;

/// Years, months, days and hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Within {
    years: u32,
    months: u32,
    days: u32,
    hours: u32,
}

impl Within {
    /// Whether it is no time at all.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// Whether `made` is no longer ago than this, seen from `newest`. What is newer always is.
    pub(super) fn holds(self, made: &Zoned, newest: &Zoned) -> bool {
        // Where it reaches back further than the calendar does, everything is within it.
        self.before(newest)
            .is_none_or(|start| made.timestamp() > start.timestamp())
    }

    /// This long before a time. A day that the month does not have is one of the next month, as in restic: a month before
    /// March 31st is March 3rd.
    fn before(self, time: &Zoned) -> Option<Zoned> {
        let civil = time.datetime();
        let months = i64::from(civil.year()) * 12 + i64::from(civil.month()) - 1;
        let months = months - i64::from(self.years) * 12 - i64::from(self.months);
        let year = i16::try_from(months.div_euclid(12)).ok()?;
        let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
        let days = i64::from(civil.day()) - 1 - i64::from(self.days);
        let date = Date::new(year, month, 1).ok()?;
        let date = date.checked_add(days.days()).ok()?;
        let start = date.to_datetime(civil.time());
        let start = start.to_zoned(time.time_zone().clone()).ok()?;
        let hours = SignedDuration::from_hours(i64::from(self.hours));
        start.checked_sub(hours).ok()
    }
}

impl FromStr for Within {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no duration: write years, months, days and hours, such as 2y5m7d3h"
            )
        };
        let mut within = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number = rest[..end].parse().map_err(|_| wrong())?;
            let unit = match rest.as_bytes()[end] {
                b'y' => &mut within.years,
                b'm' => &mut within.months,
                b'd' => &mut within.days,
                b'h' => &mut within.hours,
                _ => return Err(wrong()),
            };
            *unit = number;
            rest = &rest[end + 1..];
        }
        match text.is_empty() {
            true => Err(wrong()),
            false => Ok(within),
        }
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.years, 'y'),
            (self.months, 'm'),
            (self.days, 'd'),
            (self.hours, 'h'),
        ];
        for (number, unit) in parts.into_iter().filter(|(number, _)| *number > 0) {
            write!(f, "{number}{unit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Zoned {
        format!("{text}[Europe/Vienna]").parse().expect("a time")
    }

    #[test]
    fn a_duration_is_read_as_restic_reads_it_and_written_again() {
        for text in ["2y5m7d3h", "30d", "1h", "10y12h"] {
            assert_eq!(text.parse::<Within>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "1",
            "d",
            "1w",
            "-1d",
            "1d ",
            "1 d",
            "99999999999d",
            "1dd",
        ] {
            text.parse::<Within>().expect_err(text);
        }
        assert!("0d".parse::<Within>().expect("nothing").is_nothing());
    }

    #[test]
    fn a_duration_goes_back_by_the_calendar_and_then_by_hours() {
        for (within, from, start) in [
            ("1m", "2026-03-31T12:00", "2026-03-03T12:00"),
            ("1y", "2024-02-29T12:00", "2023-03-01T12:00"),
            ("7d", "2026-03-31T12:00", "2026-03-24T12:00"),
            ("2y5m7d3h", "2026-11-22T02:00", "2024-06-14T23:00"),
            // The night on which a clock skips an hour.
            ("24h", "2026-03-29T12:00", "2026-03-28T11:00"),
            ("1d", "2026-03-29T12:00", "2026-03-28T12:00"),
        ] {
            let within: Within = within.parse().expect(within);
            assert_eq!(within.before(&time(from)), Some(time(start)), "{within}");
        }
        let far: Within = "4000000000y".parse().expect("far");
        assert!(far.holds(&time("0001-01-01T00:00"), &time("2026-01-01T00:00")));
    }

    #[test]
    fn what_is_exactly_as_old_is_not_within() {
        let within: Within = "1d".parse().expect("a day");
        let newest = time("2026-11-22T12:00");
        assert!(!within.holds(&time("2026-11-21T12:00"), &newest));
        assert!(within.holds(&time("2026-11-21T12:00:01"), &newest));
    }
}
