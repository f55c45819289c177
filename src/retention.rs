//! Which archives stay: restic's rules, with restic's words, on the archives' own dates.
//!
//! Nothing here reads or deletes. The rules are those of `restic forget`: of each hour, day, week, month or year that
//! has archives, the newest stays, for as many of these as a rule says; where there are fewer, the oldest archive stays
//! as well. An archive stays if one rule wants it.
//!
//! Incomplete archives stand apart: the same rules go over them on their own, so that none takes the place of a
//! complete one; and one that is older than every complete archive that stays goes, unless a duration or a rule without
//! a limit wants it.
//!
//! Archives with a date of the future, as a clock that was wrong gives them, stay, and no rule counts them: else each of
//! them would take the place of the newest until that day.

mod within;

#[cfg(test)]
mod tests;

pub use within::Within;

use crate::error::{Error, Result};
use jiff::{SignedDuration, Timestamp, Zoned};
use std::fmt;
use std::str::FromStr;

/// How far clocks and zones of two machines may differ.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Why archives of the future stay.
const FUTURE: &str = "dated in the future";

/// Whether a date is one that no archive can have yet.
pub fn is_of_the_future(made: &Zoned, now: Timestamp) -> bool {
    made.timestamp().duration_since(now) > AHEAD
}

/// How many archives a rule keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// As many; 0 is no rule.
    Of(u64),
    /// All.
    Unlimited,
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unlimited" | "-1" => Ok(Self::Unlimited),
            _ => text.parse().map(Self::Of).map_err(|_| {
                format!("`{text}` is no number of archives; for all of them write unlimited")
            }),
        }
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(count) => count.fmt(f),
            Self::Unlimited => f.write_str("unlimited"),
        }
    }
}

/// What a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Archives.
    Last,
    /// Hours that have archives.
    Hourly,
    /// Days.
    Daily,
    /// Weeks, from Monday on.
    Weekly,
    /// Months.
    Monthly,
    /// Years.
    Yearly,
}

impl Period {
    /// All, in the order in which reasons are told.
    pub const ALL: [Self; 6] = [
        Self::Last,
        Self::Hourly,
        Self::Daily,
        Self::Weekly,
        Self::Monthly,
        Self::Yearly,
    ];

    /// Its name in options and reasons.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Yearly => "yearly",
        }
    }

    /// Which one an archive belongs to, as it is told; two of one period have the same. The last archives have none.
    fn name_of(self, made: &Zoned) -> String {
        match self {
            Self::Last => String::new(),
            Self::Hourly => made.strftime("%Y-%m-%d %H:00").to_string(),
            Self::Daily => made.strftime("%Y-%m-%d").to_string(),
            Self::Weekly => made.strftime("%G-W%V").to_string(),
            Self::Monthly => made.strftime("%Y-%m").to_string(),
            Self::Yearly => made.strftime("%Y").to_string(),
        }
    }
}

/// The rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    quotas: Vec<(Period, Quota)>,
    within: Option<Within>,
}

impl Policy {
    /// These rules; a count of 0 and a duration of nothing are none, as in restic.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): there is no rule, and nothing would stay.
    pub fn new(
        quotas: impl IntoIterator<Item = (Period, Quota)>,
        within: Option<Within>,
    ) -> Result<Self> {
        let quotas = quotas.into_iter();
        let quotas: Vec<_> = quotas.filter(|(_, it)| *it != Quota::Of(0)).collect();
        let within = within.filter(|within| !within.is_nothing());
        if quotas.is_empty() && within.is_none() {
            return Err(Error::usage("no rule says which archives stay")
                .hint("give at least one, such as --keep-daily 7; a count of 0 is none"));
        }
        Ok(Self { quotas, within })
    }

    /// What becomes of the archives of one group, in their order; of those of one moment, the last counts as the newest.
    /// Those [of the future](is_of_the_future) stay, and take no part. Other dates after `now` are believed, but durations
    /// are not counted back from them.
    pub fn apply(&self, archives: &[Candidate], now: Timestamp) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Goes("no rule keeps it"); archives.len()];
        for (archive, verdict) in archives.iter().zip(&mut verdicts) {
            if is_of_the_future(&archive.made, now) {
                *verdict = Verdict::Stays(vec![FUTURE.into()]);
            }
        }
        let oldest = self.keep(archives, None, now, &mut verdicts);
        self.keep(archives, Some(oldest), now, &mut verdicts);
        verdicts
    }

    /// Goes over the complete archives, or over the incomplete ones, which are told when the oldest complete one was
    /// made that stays; gives when the oldest was made that stays.
    fn keep(
        &self,
        archives: &[Candidate],
        incomplete: Option<Option<Timestamp>>,
        now: Timestamp,
        verdicts: &mut [Verdict],
    ) -> Option<Timestamp> {
        let complete = incomplete.is_none();
        let mut order: Vec<usize> = (0..archives.len())
            .rev()
            .filter(|&place| archives[place].is_complete == complete)
            .filter(|&place| !is_of_the_future(&archives[place].made, now))
            .collect();
        order.sort_by(|&a, &b| {
            archives[b]
                .made
                .timestamp()
                .cmp(&archives[a].made.timestamp())
        });
        let last = order.last().copied();
        // The newest that is not of the future.
        let newest = order.iter().map(|&place| &archives[place].made);
        let newest = newest.into_iter().find(|made| made.timestamp() < now);
        let mut rules: Vec<Rule> = self.quotas.iter().map(|&rule| Rule::new(rule)).collect();
        let mut oldest = None;
        for place in order {
            let made = &archives[place].made;
            let mut reasons = Vec::new();
            // Whether a rule wants it that is not about how many there are.
            let mut is_firm = false;
            if let Some(within) = self.within
                && newest.is_none_or(|newest| within.holds(made, newest))
            {
                reasons.push(format!("within {within}"));
                is_firm = true;
            }
            let is_last = Some(place) == last;
            for rule in &mut rules {
                if let Some(reason) = rule.keeps(made, is_last) {
                    reasons.push(reason);
                    is_firm |= rule.left == Quota::Unlimited;
                }
            }
            let is_older = incomplete
                .flatten()
                .is_some_and(|oldest| made.timestamp() < oldest);
            if is_older && !is_firm {
                verdicts[place] = Verdict::Goes("incomplete, and older than all that stay");
            } else if !reasons.is_empty() {
                verdicts[place] = Verdict::Stays(reasons);
                oldest = Some(made.timestamp());
            }
        }
        oldest
    }
}

/// A rule, and what it has counted.
struct Rule {
    period: Period,
    left: Quota,
    /// The period of the last archive that it kept.
    reached: Option<String>,
}

impl Rule {
    fn new((period, left): (Period, Quota)) -> Self {
        Self {
            period,
            left,
            reached: None,
        }
    }

    /// Why it keeps the next older archive, if it does; the last one stays while the count is not used up.
    fn keeps(&mut self, made: &Zoned, is_last: bool) -> Option<String> {
        if self.left == Quota::Of(0) {
            return None;
        }
        let name = self.period.name_of(made);
        let is_new = self.period == Period::Last || self.reached.as_ref() != Some(&name);
        if !is_new && !is_last {
            return None;
        }
        if let Quota::Of(left) = &mut self.left {
            *left -= 1;
        }
        let rule = self.period.as_str();
        let reason = match (is_new, name.as_str()) {
            (true, "") => rule.to_owned(),
            (true, name) => format!("{rule} {name}"),
            (false, _) => format!("oldest {rule}"),
        };
        self.reached = Some(name);
        Some(reason)
    }
}

/// An archive as far as the rules look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// When it was made, in the zone whose days count.
    pub made: Zoned,
    /// Whether nothing is missing from it.
    pub is_complete: bool,
}

/// What becomes of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays, for these reasons.
    Stays(Vec<String>),
    /// It goes, for this one.
    Goes(&'static str),
}
