//! The time zone that Strapi runs in: what Node makes of `TZ`.

use jiff::tz::TimeZone;

/// The zone that Node takes for the value of `TZ`; `None` where it is none that Node or this program knows, and UTC is
/// taken, as Node does for most.
pub(super) fn named(value: &str) -> Option<TimeZone> {
    let name = value.strip_prefix(':').unwrap_or(value);
    let name = ["posix/", "right/"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    if name.is_empty() {
        return Some(TimeZone::UTC);
    }
    // Node tells upper case from lower.
    let known = TimeZone::get(name)
        .ok()
        .filter(|zone| zone.iana_name() == Some(name));
    known.or_else(|| is_offset(name).then(|| TimeZone::posix(name).ok())?)
}

/// Whether this is a name and whole hours, such as `UTC-5`. What POSIX allows besides, Node does not take.
fn is_offset(name: &str) -> bool {
    let hours = name.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
    let digits = hours.trim_start_matches(['+', '-']);
    name.len() - hours.len() >= 3
        && hours.len() <= digits.len() + 1
        && matches!(digits.len(), 1 | 2)
        && digits.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn zones_are_those_that_node_takes() {
        // process.env.TZ = zone; new Date('2024-06-01 12:00:00').toISOString()
        for (name, hour) in [
            ("Europe/Berlin", 10),
            (":Europe/Berlin", 10),
            ("posix/Europe/Berlin", 10),
            ("CET", 10),
            ("EST5EDT", 16),
            ("UTC-5", 7),
            ("GMT+3", 15),
            ("Etc/GMT+3", 15),
            ("", 12),
            ("UTC", 12),
        ] {
            let zone = named(name).expect(name);
            let time = date(2024, 6, 1).at(12, 0, 0, 0).to_zoned(zone).expect(name);
            let utc = time.with_time_zone(TimeZone::UTC);
            assert_eq!(utc.hour(), hour, "{name}");
        }
        for name in [
            "europe/berlin",
            "UTC+03:00",
            "<+03>-3",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "Nonsense/City",
            "/usr/share/zoneinfo/Europe/Berlin",
        ] {
            assert!(named(name).is_none(), "{name}");
        }
    }
}
