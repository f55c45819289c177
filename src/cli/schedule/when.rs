//! At what times a schedule runs, in the words of systemd's timers and of cron.

use std::fmt;
use std::str::FromStr;

/// How often, and at what time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Every hour, at this minute.
    Hourly(Minute),
    /// Every day.
    Daily(Clock),
    /// Once a week.
    Weekly(Weekly),
}

/// A minute of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Minute(u8);

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u8,
    minute: u8,
}

/// A time on a day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weekly {
    /// From 0, Sunday, as cron counts.
    day: usize,
    clock: Clock,
}

/// The names of the days that systemd and people use.
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl When {
    /// What stands behind `OnCalendar=`.
    pub fn calendar(self) -> String {
        match self {
            Self::Hourly(Minute(minute)) => format!("*-*-* *:{minute:02}:00"),
            Self::Daily(clock) => format!("*-*-* {clock}:00"),
            Self::Weekly(Weekly { day, clock }) => format!("{} *-*-* {clock}:00", DAYS[day]),
        }
    }

    /// The first five fields of a line of cron.
    pub fn cron(self) -> String {
        match self {
            Self::Hourly(Minute(minute)) => format!("{minute} * * * *"),
            Self::Daily(Clock { hour, minute }) => format!("{minute} {hour} * * *"),
            Self::Weekly(Weekly { day, clock }) => {
                format!("{} {} * * {day}", clock.minute, clock.hour)
            }
        }
    }

    /// How much later than that a run may begin, so that not all machines start in the same second.
    pub fn delay(self) -> &'static str {
        match self {
            Self::Hourly(_) => "2m",
            Self::Daily(_) | Self::Weekly(_) => "15m",
        }
    }
}

/// When most sites sleep.
impl Default for Clock {
    fn default() -> Self {
        Self {
            hour: 2,
            minute: 30,
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// A number of one or two digits, below this.
fn number(text: &str, below: u8) -> Option<u8> {
    let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|it| it.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| is_number && *number < below)
}

impl FromStr for Minute {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        number(text, 60)
            .map(Self)
            .ok_or("give a minute from 0 to 59")
    }
}

impl FromStr for Clock {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_once(':')
            .and_then(|(hour, minute)| {
                Some(Self {
                    hour: number(hour, 24)?,
                    minute: number(minute, 60)?,
                })
            })
            .ok_or("give a time such as 02:30")
    }
}

impl FromStr for Weekly {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "give a day and a time such as 'Sun 03:00'";
        let (day, clock) = text.trim().split_once(' ').ok_or(wrong)?;
        let day = DAYS.iter().position(|name| name.eq_ignore_ascii_case(day));
        Ok(Self {
            day: day.ok_or(wrong)?,
            clock: clock.trim().parse().map_err(|_| wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_the_same_in_both_languages() {
        let cases = [
            (
                When::Hourly("5".parse().unwrap()),
                "*-*-* *:05:00",
                "5 * * * *",
            ),
            (
                When::Daily("2:30".parse().unwrap()),
                "*-*-* 02:30:00",
                "30 2 * * *",
            ),
            (
                When::Daily("00:00".parse().unwrap()),
                "*-*-* 00:00:00",
                "0 0 * * *",
            ),
            (
                When::Weekly("sat 23:59".parse().unwrap()),
                "Sat *-*-* 23:59:00",
                "59 23 * * 6",
            ),
            (
                When::Weekly(" Sun 03:00".parse().unwrap()),
                "Sun *-*-* 03:00:00",
                "0 3 * * 0",
            ),
        ];
        for (when, calendar, cron) in cases {
            assert_eq!((when.calendar().as_str(), &*when.cron()), (calendar, cron));
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "", "2", "24:00", "2:60", "-1:00", "+1:00", "02:30:00", " 2:30",
        ] {
            assert!(text.parse::<Clock>().is_err(), "{text}");
        }
        for text in ["60", "-1", "", "005"] {
            assert!(text.parse::<Minute>().is_err(), "{text}");
        }
        for text in ["Sunday 03:00", "Sun", "Sun 3", "03:00 Sun"] {
            assert!(text.parse::<Weekly>().is_err(), "{text}");
        }
    }
}
