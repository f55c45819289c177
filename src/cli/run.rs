//! What every run has around its work: how it speaks, who hears of its end, and the code it ends with.
//!
//! Whoever reads a run that nobody watches wants three things: silence while all is well, one document that tells all,
//! and to be told. Nothing of that changes the exit code.

use super::environment::Environment;
use super::terminal::{self, Reports, Voice};
use super::{Cancellation, child, exit_code};
use crate::error::{Error, Kind, Result};
use crate::store::{Interrupt, post};
use crate::transfer::summary::Summary;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use std::process::Command;
use std::thread;
use std::time::Duration;
use url::Url;

/// How long a monitor may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is told of the end, until it answers.
const ATTEMPTS: u32 = 3;
/// How long it is waited in between, at first.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a monitor may take where the run is to stop.
const LITTLE: Duration = Duration::from_secs(2);
/// Variables that a hook does not get.
const OWN: [&str; 7] = [
    "BACKUP_ON_SUCCESS",
    "BACKUP_ON_FAILURE",
    "BACKUP_PING_URL",
    "BACKUP_PROFILE",
    "BACKUP_CONFIG",
    "BACKUP_QUIET",
    "BACKUP_JSON",
];
/// The variable that tells a hook with which code the run ends.
const CODE: &str = "BACKUP_EXIT_CODE";

/// How a run speaks and who is told of it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Running alone")]
pub(super) struct RunArguments {
    /// Say nothing while all is well; what was held back is said when the exit code is not 0
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
    /// Print lines of JSON instead of words: progress, warnings, and a summary as the last
    #[arg(long)]
    json: bool,
    /// Command to run after exit code 0, with the summary as JSON on its stdin. /bin/sh runs it
    #[arg(long, value_name = "COMMAND")]
    on_success: Option<String>,
    /// The same after every other code; it is in the summary and in BACKUP_EXIT_CODE
    #[arg(long, value_name = "COMMAND")]
    on_failure: Option<String>,
    /// URL of a monitor such as healthchecks.io: URL/start is told when the run begins, and
    /// URL/CODE with its exit code when it ends
    #[arg(long, value_name = "URL", value_parser = monitor)]
    ping_url: Option<Url>,
}

/// The URL of a monitor.
fn monitor(text: &str) -> std::result::Result<Url, String> {
    let wrong = "give a URL that begins with https:// or http://".to_owned();
    let url = Url::parse(text).map_err(|_| wrong.clone())?;
    let fits = matches!(url.scheme(), "https" | "http") && url.has_host();
    fits.then_some(url).ok_or(wrong)
}

/// The last line of JSON.
#[derive(Serialize)]
struct Last<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    summary: &'a Summary,
}

impl RunArguments {
    /// Whether anybody wants the summary of the run.
    pub fn wants_summary(&self) -> bool {
        self.json
            || self.on_success.is_some()
            || self.on_failure.is_some()
            || self.ping_url.is_some()
    }

    /// Does the work of a verb; gives the exit code. What the work notes in the summary on its way is told also where
    /// it fails. `reports` is where lines of JSON go.
    pub fn run(
        self,
        verb: &str,
        reports: Reports,
        environment: &Environment,
        work: impl FnOnce(&Cancellation, &mut Summary) -> Result<u8>,
    ) -> Result<u8> {
        terminal::speak(match (self.quiet, self.json) {
            (true, _) => Voice::Quiet,
            (_, true) => Voice::Json(reports),
            _ => Voice::Words,
        });
        let mut summary = Summary::new(verb, Timestamp::now(), 0);
        let cancellation = Cancellation::listen()?;
        let interrupt = cancellation.interrupt();
        let begun = self.ping("start", Vec::new(), PATIENCE, environment, &interrupt);
        note(begun);
        let code = match work(&cancellation, &mut summary) {
            Ok(code) => code,
            Err(error) => {
                summary.fail(&error);
                terminal::print_error(&error);
                exit_code(error.kind())
            }
        };
        summary.end(code);
        if code != 0 {
            terminal::let_go();
        }
        let was_stopped = interrupt.check().is_err();
        match cancellation.afresh() {
            Ok(interrupt) => self.tell_of_end(&summary, was_stopped, environment, &interrupt),
            Err(error) => note(Err(error)),
        }
        terminal::object(&Last {
            r#type: "summary",
            summary: &summary,
        });
        Ok(code)
    }

    /// Runs the hook and tells the monitor, which has little time where somebody wants the run to stop.
    fn tell_of_end(
        &self,
        summary: &Summary,
        was_stopped: bool,
        environment: &Environment,
        interrupt: &Interrupt,
    ) {
        let code = summary.exit_code.to_string();
        let document = summary.to_json() + "\n";
        let (name, hook) = match summary.exit_code {
            0 => ("--on-success", &self.on_success),
            _ => ("--on-failure", &self.on_failure),
        };
        if let Some(hook) = hook {
            let mut command: Command = child::shell(hook);
            command.env(CODE, &code);
            // Those are of this run, and not of one that the hook may begin.
            for name in OWN {
                command.env_remove(name);
            }
            let ran = child::feed(command, document.clone().into_bytes(), interrupt);
            let ran = ran.and_then(|status| match status.success() {
                true => Ok(()),
                false => Err(Error::failed(child::ended(status))),
            });
            let stopped = |error: Error| match error.kind() {
                Kind::Interrupted => Error::failed("a signal stopped it"),
                _ => error,
            };
            note(ran.map_err(|error| stopped(error).within(format!("the command of {name}"))));
        }
        let (attempts, patience) = match was_stopped {
            true => (1, LITTLE),
            false => (ATTEMPTS, PATIENCE),
        };
        for attempt in 1..=attempts {
            let document = document.clone().into_bytes();
            let told = self.ping(&code, document, patience, environment, interrupt);
            if told.is_ok() || attempt == attempts || pause(attempt, interrupt).is_err() {
                note(told);
                break;
            }
        }
    }

    /// Tells the monitor.
    fn ping(
        &self,
        what: &str,
        body: Vec<u8>,
        patience: Duration,
        environment: &Environment,
        interrupt: &Interrupt,
    ) -> Result<()> {
        let Some(url) = &self.ping_url else {
            return Ok(());
        };
        let mut url = url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(what);
        }
        post(&url, body, &environment.access(interrupt.clone()), patience)
    }
}

/// Waits before a monitor is told again, longer each time.
fn pause(attempt: u32, interrupt: &Interrupt) -> Result<()> {
    child::meanwhile(interrupt, move || thread::sleep(PAUSE * attempt))
}

/// Says that somebody was not told; the run ends as it would have.
fn note(told: Result<()>) {
    if let Err(error) = told {
        terminal::alert(&format!("note: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_monitor_is_reached_over_http() {
        for text in [
            "https://hc.example/uuid",
            "http://127.0.0.1:8000/ping/x?create=1",
        ] {
            assert!(monitor(text).is_ok(), "{text}");
        }
        for text in ["hc.example/uuid", "ftp://a/b", "https://", "file:///x", ""] {
            assert!(monitor(text).is_err(), "{text}");
        }
    }
}
