//! The option that says how long to wait for other runs.

use super::terminal;
use crate::store::Interrupt;
use crate::strapi::LockWait;
use clap::Args;
use std::time::Duration;

/// How long to wait.
#[derive(Debug, Args)]
pub(super) struct WaitArguments {
    /// Wait so long for other runs on the project to end, such as 30s, 10m or 1h30m, instead of
    /// ending at once (exit code 11)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    lock_wait: Option<Duration>,
}

impl WaitArguments {
    /// The options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        self.lock_wait.iter().map(|_| "--lock-wait").collect()
    }

    /// How long to wait, until the user wants the run to stop.
    pub fn wait(&self, interrupt: Interrupt) -> LockWait {
        LockWait {
            patience: self.lock_wait.unwrap_or_default(),
            interrupt,
            tell: Some(terminal::tell),
        }
    }
}

/// A duration as people write it.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = "give a time such as 30s, 10m or 1h30m".to_owned();
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong.clone())?;
    Duration::try_from(parsed).map_err(|_| wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_a_direction() {
        for (text, seconds) in [
            ("30s", 30),
            ("10m", 600),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "5", "-5s", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
