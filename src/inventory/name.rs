//! What the name of an archive says: which site it is of, when it was made, whether it is complete.

use crate::archive::ArchiveName;
use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

/// What may stand between a date and the rest of a name.
const BETWEEN: [char; 5] = ['-', '_', '.', ' ', '+'];

/// A name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// What is left without extensions and date: archives of one group replace each other.
    pub group: String,
    /// Whether it says that something is missing.
    pub is_incomplete: bool,
    date: Option<Dated>,
}

/// A date in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dated {
    date: Date,
    time: Option<Time>,
    /// How far it is from UTC, where it says so; else it is that of this place.
    offset: Option<Offset>,
}

impl Name {
    /// Takes a name apart; `None` where it is no name of an archive.
    pub fn parse(name: &str) -> Option<Self> {
        let mut endings = ArchiveName::ENDINGS.iter();
        let stem = endings.find_map(|end| name.strip_suffix(end))?;
        let (stem, is_incomplete) = match stem.strip_suffix(ArchiveName::INCOMPLETE) {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        // Those of this program's own that are being written are hidden.
        if stem.is_empty() || stem.starts_with('.') {
            return None;
        }
        let found = last_date(stem);
        let group = match found {
            None => stem.to_owned(),
            Some((start, end, _)) => {
                let before = stem[..start].trim_end_matches(BETWEEN);
                let after = stem[end..].trim_start_matches(BETWEEN);
                match after {
                    "" => before.to_owned(),
                    after => format!("{before}*{after}"),
                }
            }
        };
        Some(Self {
            group,
            is_incomplete,
            date: found.map(|(_, _, date)| date),
        })
    }

    /// When the archive was made by its name. A day without a time of day is the time of the file, if that is of the
    /// same day, or else its beginning.
    pub fn made(&self, file: Timestamp, zone: &TimeZone) -> Option<Zoned> {
        let dated = self.date?;
        let own = match dated.offset {
            Some(offset) => TimeZone::fixed(offset),
            None => zone.clone(),
        };
        let file = file.to_zoned(zone.clone());
        let made = match dated.time {
            Some(time) => dated.date.to_datetime(time).to_zoned(own).ok()?,
            None if file.date() == dated.date => file,
            None => dated.date.to_zoned(own).ok()?,
        };
        Some(made.with_time_zone(zone.clone()))
    }
}

/// The last date in a text: where it begins and ends.
fn last_date(text: &str) -> Option<(usize, usize, Dated)> {
    let bytes = text.as_bytes();
    let mut last = None;
    let mut at = 0;
    while at < bytes.len() {
        let is_start = bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_digit());
        match is_start.then(|| date_at(bytes, at)).flatten() {
            Some((end, dated)) => {
                last = Some((at, end, dated));
                at = end;
            }
            None => at += 1,
        }
    }
    last
}

/// The number that so many digits stand for.
fn number(bytes: &[u8], at: usize, digits: usize) -> Option<i16> {
    let digits = bytes.get(at..at + digits)?;
    let is_number = digits.iter().all(u8::is_ascii_digit);
    let fold = |all: i16, digit: &u8| all * 10 + i16::from(digit - b'0');
    is_number.then(|| digits.iter().fold(0, fold))
}

/// Whether there is no digit.
fn ends(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(u8::is_ascii_digit)
}

/// A date that begins there: `2026-11-20` or `20261120`, with a time of day or without.
fn date_at(bytes: &[u8], at: usize) -> Option<(usize, Dated)> {
    let year = number(bytes, at, 4)?;
    let between = bytes.get(at + 4).filter(|it| b"-_.".contains(it));
    let gap = usize::from(between.is_some());
    if between.is_some() && bytes.get(at + 7) != between {
        return None;
    }
    let month = number(bytes, at + 4 + gap, 2)?;
    let day = number(bytes, at + 6 + 2 * gap, 2)?;
    let end = at + 8 + 2 * gap;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    if !(1970..3000).contains(&year) {
        return None;
    }
    let dated = Dated {
        date,
        time: None,
        offset: None,
    };
    match time_at(bytes, end) {
        Some((end, time)) => {
            let time = Some(time);
            let found = offset_at(bytes, end);
            let (end, offset) = found.map_or((end, None), |(end, offset)| (end, Some(offset)));
            let dated = Dated {
                time,
                offset,
                ..dated
            };
            Some((end, dated))
        }
        None => ends(bytes, end).then_some((end, dated)),
    }
}

/// How far a time is from UTC, as it stands behind it: `Z`, `+02:00`, `+0200`, `-03:30`. Without a colon, what
/// stands behind a minus may be anything.
fn offset_at(bytes: &[u8], at: usize) -> Option<(usize, Offset)> {
    let sign = match bytes.get(at)? {
        b'Z' => return Some((at + 1, Offset::UTC)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(bytes, at + 1, 2)?;
    let gap = usize::from(bytes.get(at + 3) == Some(&b':'));
    let minutes = number(bytes, at + 3 + gap, 2)?;
    let end = at + 5 + gap;
    let is_doubtful = sign < 0 && gap == 0;
    if is_doubtful || !ends(bytes, end) || hours > 14 || minutes > 59 {
        return None;
    }
    let seconds = sign * (i32::from(hours) * 60 + i32::from(minutes)) * 60;
    Some((end, Offset::from_seconds(seconds).ok()?))
}

/// A time of day that begins there, or behind one character: `0130`, `T01:30:59`, `_01-30`.
fn time_at(bytes: &[u8], at: usize) -> Option<(usize, Time)> {
    let gap = usize::from(bytes.get(at).is_some_and(|it| b"Tt_-. ".contains(it)));
    let at = at + gap;
    let hour = number(bytes, at, 2)?;
    let between = bytes.get(at + 2).filter(|it| b":-.h_".contains(it));
    let gap = usize::from(between.is_some());
    let minute = number(bytes, at + 2 + gap, 2)?;
    let end = at + 4 + gap;
    let has_second = bytes.get(end) == between || between.is_none();
    let second = number(bytes, end + gap, 2).filter(|_| has_second && ends(bytes, end + gap + 2));
    let end = match second {
        Some(_) => end + gap + 2,
        None => end,
    };
    let part = |number: i16| i8::try_from(number).ok();
    let time = Time::new(part(hour)?, part(minute)?, part(second.unwrap_or(0))?, 0).ok()?;
    ends(bytes, end).then_some((end, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Group and date of a name, made in Vienna from a file of 2026-11-20 05:00.
    fn taken_apart(name: &str) -> (String, String) {
        let zone = TimeZone::get("Europe/Vienna").expect("a zone");
        let file: Timestamp = "2026-11-20T04:00:00Z".parse().expect("a time");
        let parsed = Name::parse(name).expect(name);
        let made = parsed.made(file, &zone);
        let made = made.map_or("-".into(), |it| it.strftime("%F %T").to_string());
        (parsed.group, made)
    }

    #[test]
    fn names_say_which_site_and_when() {
        for (name, group, made) in [
            ("site-2026-11-20.tar.gz.enc", "site", "2026-11-20 05:00:00"),
            ("site-2026-11-19.tar", "site", "2026-11-19 00:00:00"),
            ("site-20261120-0130.tar.gz", "site", "2026-11-20 01:30:00"),
            (
                "export_20261120013059.tar.gz.enc",
                "export",
                "2026-11-20 01:30:59",
            ),
            (
                "site_2026-11-20T01:30:59.tar.enc",
                "site",
                "2026-11-20 01:30:59",
            ),
            ("site-20261120T003000Z.tar", "site", "2026-11-20 01:30:00"),
            ("site.2026_11_20_01-30.tar", "site", "2026-11-20 01:30:00"),
            (
                "site-2026-11-20T01:30:00+02:00.tar",
                "site",
                "2026-11-20 00:30:00",
            ),
            (
                "site-2026-07-20T01:30:00-03:30-weekly.tar",
                "site*weekly",
                "2026-07-20 07:00:00",
            ),
            (
                "site-20261120-0130-0002.tar",
                "site*0002",
                "2026-11-20 01:30:00",
            ),
            ("2026-11-20.tar", "", "2026-11-20 05:00:00"),
            ("2026-11-19-shop.tar", "*shop", "2026-11-19 00:00:00"),
            (
                "site-2026-11-19-weekly.tar",
                "site*weekly",
                "2026-11-19 00:00:00",
            ),
            ("site-2026-11-19-2.tar", "site*2", "2026-11-19 00:00:00"),
            ("v20250101-20261119.tar", "v20250101", "2026-11-19 00:00:00"),
            ("site.tar.gz", "site", "-"),
            ("site-2026-13-40.tar", "site-2026-13-40", "-"),
            ("order-202611201.tar", "order-202611201", "-"),
            ("site-20261120999.tar", "site-20261120999", "-"),
            ("größe-2026-11-19.tar", "größe", "2026-11-19 00:00:00"),
        ] {
            assert_eq!(taken_apart(name), (group.into(), made.into()), "{name}");
        }
    }

    #[test]
    fn the_documents_own_names_of_two_sites_are_two_groups() {
        let group = |name: &str| Name::parse(name).expect(name).group;
        assert_ne!(
            group("shop-2026-11-20.tar.gz.enc"),
            group("site-2026-11-20.tar.gz.enc")
        );
        assert_eq!(
            group("site-2026-11-20.tar.gz.enc"),
            group("site-2026-11-19.incomplete.tar")
        );
    }

    #[test]
    fn what_is_no_archive_by_its_name_is_none() {
        for name in [
            "site.zip",
            "site.tar.gz.enc.summary.json",
            ".tar",
            ".backup-x.tar",
            "tar",
            ".incomplete.tar",
        ] {
            assert_eq!(Name::parse(name), None, "{name}");
        }
        assert!(
            Name::parse("a.incomplete.tar")
                .expect("a name")
                .is_incomplete
        );
    }
}
