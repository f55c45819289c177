//! `backup doctor`: what a backup or a restore of a project would use and need.

use super::environment::Environment;
use super::project::ProjectArguments;
use super::terminal::Reports;
use super::{Cancellation, terminal};
use crate::error::Result;
use crate::strapi::{Examination, Facts, Finding, Status};
use clap::Args;
use serde::Serialize;
use std::io::{self, IsTerminal};

/// Look at everything that a backup or a restore would use, and change nothing
///
/// Strapi's version, the environment, the database and what the user may do in it, the upload folder, locks, restores
/// that did not end, where the key would come from: a line each, with what to do about it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup doctor
  backup doctor --project /srv/strapi --environment production
  backup doctor --offline
  backup doctor --json | jq -r .database.host

Exit codes: 0 nothing is in the way, notes aside; 1 there are problems.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// Connect nowhere
    #[arg(long)]
    offline: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Line<'a> {
    ok: bool,
    #[serde(flatten)]
    facts: &'a Facts,
    findings: &'a [Finding],
}

impl Arguments {
    /// Looks; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let cancellation = Cancellation::listen()?;
        let found = self
            .project
            .examine(environment, &cancellation, self.offline);
        let mut found =
            found.map_err(|error| error.interrupted_with("not everything was looked at"))?;
        found.findings.push(key(environment));
        found.findings.extend(identity(environment));
        let ok = !found.has_problems();
        if self.json {
            let Examination { findings, facts } = &found;
            let line = serde_json::to_string(&Line {
                ok,
                facts,
                findings,
            });
            Reports::Stdout.print(&line.expect("texts and numbers serialise"));
        } else {
            print(&found.findings);
        }
        Ok(u8::from(!ok))
    }
}

fn print(findings: &[Finding]) {
    let widest = findings.iter().map(|it| it.subject.len()).max();
    let width = widest.unwrap_or_default();
    for finding in findings {
        let status = match finding.status {
            Status::Ok => "ok",
            Status::Note => "note",
            Status::Problem => "problem",
        };
        let advice = match &finding.advice {
            Some(advice) => format!("; {advice}"),
            None => String::new(),
        };
        let line = format!(
            "{status:<8} {:<width$}  {}{advice}",
            finding.subject, finding.text
        );
        Reports::Stdout.print(&terminal::safe(&line));
    }
}

/// Where the identity would come from that opens archives to recipients, where the environment has one.
fn identity(environment: &Environment) -> Option<Finding> {
    let place = super::identity::told(environment)?;
    let text = format!("{place}, unless an option names another");
    Some(Finding::ok("identity", text))
}

/// Where the key of an archive would come from.
fn key(environment: &Environment) -> Finding {
    let subject = "key";
    if let Some(place) = super::key::told(environment) {
        return Finding::ok(subject, format!("{place}, unless an option names another"));
    }
    let recipients = ["BACKUP_RECIPIENT", "BACKUP_RECIPIENTS_FILE"];
    if let Some(variable) = recipients.iter().find(|it| environment.get(it).is_some()) {
        let text = format!("exports take none: {variable} says whom they are encrypted to");
        return Finding::ok(subject, text);
    }
    if io::stdin().is_terminal() {
        return Finding::ok(
            subject,
            "asked for, unless an option or a variable gives it",
        );
    }
    Finding::note(
        subject,
        "nothing gives one, and nobody can be asked here: give --key-file or --no-encrypt, or set BACKUP_KEY",
    )
}
