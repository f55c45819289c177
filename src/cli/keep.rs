//! The options that say which archives stay.

use crate::error::Result;
use crate::retention::{Period, Policy, Quota, Within};
use clap::Args;

/// Which archives stay. An archive stays if one of these wants it.
#[derive(Debug, Args)]
pub(super) struct RetentionArguments {
    /// Keep the last N archives; unlimited keeps all
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_last: Option<Quota>,
    /// Keep the last archive of each of the last N hours that have one
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_hourly: Option<Quota>,
    /// The same of days
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_daily: Option<Quota>,
    /// The same of weeks, from Monday to Sunday
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_weekly: Option<Quota>,
    /// The same of months
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_monthly: Option<Quota>,
    /// The same of years
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_yearly: Option<Quota>,
    /// Keep what is no older than this, seen from the newest: years, months, days and hours, such as 2y5m7d3h
    #[arg(long, value_name = "DURATION")]
    keep_within: Option<Within>,
}

impl RetentionArguments {
    /// Whether any was given.
    pub fn is_given(&self) -> bool {
        self.keep_within.is_some() || self.quotas().next().is_some()
    }

    fn quotas(&self) -> impl Iterator<Item = (Period, Quota)> {
        let quotas = [
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
        ];
        let quotas = Period::ALL.into_iter().zip(quotas);
        quotas.filter_map(|(period, quota)| Some((period, quota?)))
    }

    /// The rules.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): there are none.
    pub fn policy(&self) -> Result<Policy> {
        Policy::new(self.quotas(), self.keep_within)
    }
}
