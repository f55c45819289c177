//! The rules against restic's own examples, and against a model that was written from its documentation.

use super::*;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: &str = "2030-01-01T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a time")
}

fn made(text: &str) -> Zoned {
    format!("{text}[UTC]").parse().expect("a time")
}

fn complete(made: Zoned) -> Candidate {
    Candidate {
        made,
        is_complete: true,
    }
}

fn policy(quotas: &[(Period, u64)]) -> Policy {
    let quotas = quotas
        .iter()
        .map(|&(period, count)| (period, Quota::Of(count)));
    Policy::new(quotas, None).expect("rules")
}

/// The days of those that stay, and why.
fn kept(policy: &Policy, archives: &[Candidate]) -> Vec<(String, String)> {
    let verdicts = policy.apply(archives, now());
    let kept = archives.iter().zip(verdicts);
    kept.filter_map(|(archive, verdict)| match verdict {
        Verdict::Stays(reasons) => Some((archive.made.date().to_string(), reasons.join(", "))),
        Verdict::Goes(_) => None,
    })
    .collect()
}

/// "Suppose you have only made one backup every Sunday for 12 weeks": restic's documentation.
fn sundays() -> Vec<Candidate> {
    let first = made("2019-09-01T11:00");
    let weeks = (0..12).map(|week| jiff::Span::new().weeks(week));
    let dates = weeks.map(|weeks| first.checked_add(weeks).expect("a date"));
    dates.map(complete).collect()
}

#[test]
fn of_twelve_sundays_four_daily_ones_are_the_last_four() {
    let days = kept(&policy(&[(Period::Daily, 4)]), &sundays());
    let expected = ["2019-10-27", "2019-11-03", "2019-11-10", "2019-11-17"];
    let expected = expected.map(|day| (day.to_owned(), format!("daily {day}")));
    assert_eq!(days, expected);
}

#[test]
fn a_hundred_years_of_days_are_thinned_out_as_restic_says() {
    let last = date(2019, 11, 17).at(11, 0, 0, 0).to_zoned(TimeZone::UTC);
    let last = last.expect("a date");
    let days = (0..36_524).map(|day| jiff::Span::new().days(day));
    let archives: Vec<Candidate> = days
        .map(|days| complete(last.checked_sub(days).expect("a date")))
        .collect();
    let rules = [
        (Period::Daily, 7),
        (Period::Weekly, 5),
        (Period::Monthly, 12),
        (Period::Yearly, 75),
    ];
    let kept = kept(&policy(&rules), &archives);
    let why = |rule: &str| kept.iter().filter(|(_, why)| why.contains(rule)).count();
    assert_eq!(
        ["daily", "weekly", "monthly", "yearly"].map(why),
        [7, 5, 12, 75]
    );
    let only = |rule: &str| kept.iter().filter(|(_, why)| why.starts_with(rule)).count();
    assert_eq!(only("weekly"), 4, "one of them is a daily one already");
    assert_eq!(only("monthly"), 11, "the newest is a daily one already");
    // And the last day of 2018 is a monthly one.
    assert_eq!(only("yearly"), 73, "the newest is a daily one already");
}

#[test]
fn the_oldest_stays_while_a_count_is_not_used_up() {
    // The forum's example: four archives in one month, and --keep-monthly 4 keeps two.
    let archives = [
        "2024-01-02T13:42",
        "2024-01-03T01:04",
        "2024-01-04T20:09",
        "2024-01-04T20:20",
    ];
    let archives = archives.map(|time| complete(made(time)));
    let expected = [
        ("2024-01-02".to_owned(), "oldest monthly".to_owned()),
        ("2024-01-04".to_owned(), "monthly 2024-01".to_owned()),
    ];
    assert_eq!(kept(&policy(&[(Period::Monthly, 4)]), &archives), expected);
    let one = kept(&policy(&[(Period::Monthly, 1)]), &archives);
    assert_eq!(one, expected[1..]);
}

#[test]
fn days_that_have_none_are_not_counted() {
    // The forum's other example, with restic's answer to --keep-daily 4 and to a duration of four days.
    let archives = [
        "05-01T08:00",
        "05-02T08:00",
        "05-02T11:00",
        "05-04T09:00",
        "05-05T10:00",
    ];
    let archives = archives.map(|time| complete(made(&format!("2023-{time}"))));
    let days = |policy: &Policy| -> Vec<String> {
        kept(policy, &archives)
            .into_iter()
            .map(|(day, _)| day)
            .collect()
    };
    let daily = days(&policy(&[(Period::Daily, 4)]));
    assert_eq!(
        daily,
        ["2023-05-01", "2023-05-02", "2023-05-04", "2023-05-05"]
    );
    let within = Policy::new([], Some("4d".parse().expect("a duration"))).expect("a rule");
    let within = days(&within);
    assert_eq!(
        within,
        ["2023-05-02", "2023-05-02", "2023-05-04", "2023-05-05"]
    );
}

#[test]
fn a_duration_is_counted_back_from_the_newest_that_is_not_of_the_future() {
    let archives = ["2029-12-01T00:00", "2029-12-30T00:00", "2035-01-01T00:00"];
    let archives = archives.map(|time| complete(made(time)));
    let within = Policy::new([], Some("7d".parse().expect("a duration"))).expect("a rule");
    let days: Vec<String> = kept(&within, &archives)
        .into_iter()
        .map(|(day, _)| day)
        .collect();
    assert_eq!(days, ["2029-12-30", "2035-01-01"]);
}

#[test]
fn weeks_go_from_monday_to_sunday_also_over_the_new_year() {
    // 2026-12-28 is a Monday, and 2027-01-03 the Sunday of the same week, the 53rd.
    let archives = [
        "2026-12-27T12:00",
        "2026-12-28T12:00",
        "2027-01-03T12:00",
        "2027-01-04T12:00",
    ];
    let archives = archives.map(|time| complete(made(time)));
    let weekly = kept(&policy(&[(Period::Weekly, 3)]), &archives);
    let expected = [
        ("2026-12-27", "weekly 2026-W52"),
        ("2027-01-03", "weekly 2026-W53"),
        ("2027-01-04", "weekly 2027-W01"),
    ];
    assert_eq!(
        weekly,
        expected.map(|(day, why)| (day.to_owned(), why.to_owned()))
    );
}

#[test]
fn days_are_those_of_the_zone_that_was_handed_in() {
    let times = ["2026-11-20T22:30Z", "2026-11-20T23:30Z"];
    let daily = |zone: &str| {
        let zone = TimeZone::get(zone).expect("a zone");
        let archives = times.map(|time| {
            let time: Timestamp = time.parse().expect("a time");
            complete(time.to_zoned(zone.clone()))
        });
        kept(&policy(&[(Period::Daily, 2)]), &archives)
    };
    let why =
        |kept: Vec<(String, String)>| -> Vec<String> { kept.into_iter().map(|it| it.1).collect() };
    assert_eq!(
        why(daily("Europe/Vienna")),
        ["daily 2026-11-20", "daily 2026-11-21"]
    );
    assert_eq!(why(daily("UTC")), ["oldest daily", "daily 2026-11-20"]);
}

#[test]
fn an_incomplete_archive_takes_no_place_and_goes_with_the_last_that_is_as_old() {
    let archive = |day: i8, is_complete| Candidate {
        made: date(2026, 11, day)
            .at(1, 0, 0, 0)
            .to_zoned(TimeZone::UTC)
            .expect("a date"),
        is_complete,
    };
    let archives = [
        archive(1, false),
        archive(2, true),
        archive(3, true),
        archive(4, false),
        archive(5, false),
    ];
    let verdicts = policy(&[(Period::Daily, 1)]).apply(&archives, now());
    let stays = |day: &str| Verdict::Stays(vec![format!("daily 2026-11-{day}")]);
    assert_eq!(
        verdicts,
        [
            Verdict::Goes("incomplete, and older than all that stay"),
            Verdict::Goes("no rule keeps it"),
            stays("03"),
            Verdict::Goes("no rule keeps it"),
            stays("05"),
        ]
    );
    // Where nothing complete is left of that time, the rules alone decide.
    let alone = [archive(1, false), archive(4, false)];
    let verdicts = policy(&[(Period::Daily, 7)]).apply(&alone, now());
    assert_eq!(verdicts, [stays("01"), stays("04")]);
}

#[test]
fn an_archive_of_the_future_takes_no_place_and_stays() {
    let times = ["2029-12-30T00:00", "2029-12-31T00:00", "2031-05-01T00:00"];
    let archives = times.map(|time| complete(made(time)));
    for period in [Period::Last, Period::Daily] {
        let kept = kept(&policy(&[(period, 1)]), &archives);
        let days: Vec<&str> = kept.iter().map(|(day, _)| day.as_str()).collect();
        assert_eq!(days, ["2029-12-31", "2031-05-01"]);
        assert_eq!(kept[1].1, "dated in the future");
    }
    // What the clocks of two machines may differ by is nothing of the kind.
    let soon = ["2029-12-31T00:00", "2030-01-01T23:00"].map(|time| complete(made(time)));
    assert_eq!(kept(&policy(&[(Period::Last, 1)]), &soon).len(), 1);
}

#[test]
fn an_old_incomplete_archive_stays_where_a_rule_without_a_limit_or_a_duration_wants_it() {
    let archive = |time: &str, is_complete| Candidate {
        made: made(time),
        is_complete,
    };
    let archives = [
        archive("2029-12-30T00:00", false),
        archive("2029-12-31T00:00", true),
    ];
    let stays = |quotas: &[(Period, Quota)], within: Option<&str>| {
        let within = within.map(|text| text.parse().expect(text));
        let policy = Policy::new(quotas.iter().copied(), within).expect("a rule");
        let verdicts = policy.apply(&archives, now());
        matches!(verdicts[0], Verdict::Stays(_))
    };
    assert!(stays(&[(Period::Last, Quota::Unlimited)], None));
    assert!(stays(&[(Period::Daily, Quota::Unlimited)], None));
    assert!(stays(&[(Period::Last, Quota::Of(1))], Some("7d")));
    assert!(!stays(&[(Period::Last, Quota::Of(9))], None));
}

#[test]
fn no_rule_is_an_error_of_whoever_asks() {
    use crate::error::Kind;
    for quotas in [vec![], vec![(Period::Last, Quota::Of(0))]] {
        let error = Policy::new(quotas, Some(Within::default())).expect_err("no rule");
        assert_eq!(error.kind(), Kind::Usage);
    }
}

/// restic's rules as its documentation tells them, without a look at how they are carried out here: the periods that
/// have archives, the newest of each, as many as the rule says; the oldest of all where there are fewer.
fn model(quotas: &[(Period, Quota)], within: Option<Within>, times: &[Zoned]) -> BTreeSet<usize> {
    let newest_first = |a: &usize, b: &usize| times[*b].cmp(&times[*a]).then(b.cmp(a));
    let (future, mut order): (Vec<usize>, Vec<usize>) =
        (0..times.len()).partition(|&place| is_of_the_future(&times[place], now()));
    let mut kept: BTreeSet<usize> = future.into_iter().collect();
    order.sort_by(newest_first);
    for &(period, quota) in quotas {
        let mut periods: BTreeMap<Vec<i64>, usize> = BTreeMap::new();
        for (rank, &place) in order.iter().enumerate() {
            let time = &times[place];
            let (year, month, day) = (time.year().into(), time.month().into(), time.day().into());
            let week = time.date().iso_week_date();
            let key = match period {
                Period::Last => vec![-(rank as i64)],
                Period::Hourly => vec![year, month, day, time.hour().into()],
                Period::Daily => vec![year, month, day],
                Period::Weekly => vec![week.year().into(), week.week().into()],
                Period::Monthly => vec![year, month],
                Period::Yearly => vec![year],
            };
            periods.entry(key).or_insert(place);
        }
        let most = match quota {
            Quota::Of(most) => usize::try_from(most).expect("a small number"),
            Quota::Unlimited => usize::MAX,
        };
        kept.extend(periods.values().rev().take(most));
        if periods.len() < most {
            kept.extend(order.last());
        }
    }
    if let Some(within) = within {
        let past = order
            .iter()
            .find(|&&place| times[place].timestamp() < now());
        kept.extend(order.iter().copied().filter(|&place| match past {
            Some(&newest) => within.holds(&times[place], &times[newest]),
            None => true,
        }));
    }
    kept
}

/// Times that crowd in hours, days and years, some of them after [`NOW`].
fn times() -> impl Strategy<Value = Vec<Zoned>> {
    let zone = prop_oneof![Just("UTC"), Just("Europe/Vienna"), Just("America/St_Johns")];
    let step = prop_oneof![0..3_600_i64, 0..400_000_i64, 0..40_000_000_i64];
    (zone, proptest::collection::vec(step, 0..40)).prop_map(|(zone, steps)| {
        let zone = TimeZone::get(zone).expect("a zone");
        let mut second = 1_900_000_000;
        let mut times = Vec::new();
        for step in steps {
            second -= step;
            let time = Timestamp::from_second(second).expect("a time");
            times.push(time.to_zoned(zone.clone()));
        }
        times
    })
}

fn quota() -> impl Strategy<Value = Quota> {
    prop_oneof![(0..6_u64).prop_map(Quota::Of), Just(Quota::Unlimited)]
}

fn within() -> impl Strategy<Value = Option<Within>> {
    const TEXTS: [&str; 7] = ["1h", "36h", "3d", "1m", "5m7d", "2y5m7d3h", "0d"];
    let text = proptest::sample::select(&TEXTS[..]);
    proptest::option::of(text.prop_map(|text| text.parse().expect(text)))
}

proptest! {
    #[test]
    fn the_rules_keep_what_a_plain_model_of_restics_keeps(
        times in times().prop_shuffle(),
        quotas in proptest::array::uniform6(proptest::option::of(quota())),
        within in within(),
    ) {
        let quotas: Vec<(Period, Quota)> = Period::ALL
            .into_iter()
            .zip(quotas)
            .filter_map(|(period, quota)| Some((period, quota?)))
            .collect();
        let Ok(policy) = Policy::new(quotas.clone(), within) else {
            return Ok(());
        };
        let archives: Vec<Candidate> = times.iter().cloned().map(complete).collect();
        let verdicts = policy.apply(&archives, now());
        let kept: BTreeSet<usize> = verdicts
            .iter()
            .enumerate()
            .filter_map(|(place, verdict)| matches!(verdict, Verdict::Stays(_)).then_some(place))
            .collect();
        let within = within.filter(|within| !within.is_nothing());
        prop_assert_eq!(kept, model(&quotas, within, &times));
    }

    #[test]
    fn the_newest_complete_archive_stays_whatever_else_is_there(
        times in times(),
        complete in proptest::collection::vec(any::<bool>(), 40),
        period in proptest::sample::select(&Period::ALL[..]),
        count in 1..4_u64,
    ) {
        let archives: Vec<Candidate> = times
            .into_iter()
            .zip(complete)
            .map(|(made, is_complete)| Candidate { made, is_complete })
            .collect();
        let policy = policy(&[(period, count)]);
        let verdicts = policy.apply(&archives, now());
        let past = archives.iter().filter(|it| !is_of_the_future(&it.made, now()));
        let newest = past.filter(|it| it.is_complete).map(|it| &it.made).max();
        if let Some(newest) = newest {
            let is_newest = |it: &Candidate| it.is_complete && it.made == *newest;
            let stays = archives.iter().zip(&verdicts);
            let mut stays = stays.filter(|(it, _)| is_newest(it)).map(|(_, verdict)| verdict);
            prop_assert!(stays.any(|verdict| matches!(verdict, Verdict::Stays(_))));
        }
        // And so do those of the future.
        for (archive, verdict) in archives.iter().zip(&verdicts) {
            prop_assert!(!is_of_the_future(&archive.made, now()) || matches!(verdict, Verdict::Stays(_)));
        }
        // And all of them, where there is no limit.
        let all = Policy::new([(Period::Last, Quota::Unlimited)], None).expect("a rule");
        let stay = all.apply(&archives, now());
        prop_assert!(stay.iter().all(|verdict| matches!(verdict, Verdict::Stays(_))));
        // And the complete ones fare as if the others were not there.
        let alone: Vec<Candidate> = archives.iter().filter(|it| it.is_complete).cloned().collect();
        let of_complete = archives.iter().zip(&verdicts).filter(|(it, _)| it.is_complete);
        let of_complete: Vec<Verdict> = of_complete.map(|(_, verdict)| verdict.clone()).collect();
        prop_assert_eq!(of_complete, policy.apply(&alone, now()));
    }
}
