//! `backup doctor`: what a backup or a restore of a project, or of a running Strapi, would use and need.

mod key;
mod site;

use super::environment::Environment;
use super::project::ProjectArguments;
use super::prompt::Prompt;
use super::remote::{self, End, RemoteArguments, named};
use super::terminal::Reports;
use super::token::TokenArguments;
use super::{Cancellation, terminal};
use crate::error::Result;
use crate::strapi::{Examination, Facts, Finding, Status};
use clap::Args;
use serde::Serialize;
use std::ffi::OsString;
use std::path::PathBuf;

/// Look at everything that a backup or a restore would use, and change nothing
///
/// Strapi's version, the environment, the database and what the user may do in it, the upload folder, locks, restores
/// that did not end, where the key would come from: a line each, with what to do about it.
///
/// With --from URL the same of a running Strapi: whether it is reached, its version, what the token allows.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup doctor
  backup doctor --project /srv/strapi --environment production
  backup doctor --offline
  backup doctor --json | jq -r .database.host
  backup doctor --from https://cms.example.com/admin --token-file /etc/backup/token

Exit codes: 0 nothing is in the way, notes aside; 1 there are problems.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// What is looked at in place of --project: the URL of a running Strapi's admin panel, or a project's folder
    #[arg(long, value_name = "URL|DIR", conflicts_with = "project")]
    from: Option<PathBuf>,
    /// Connect nowhere
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    token: TokenArguments,
    #[command(flatten)]
    remote: RemoteArguments,
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
    /// Looks; gives the exit code. `profile` says how an export would name the profile that was chosen.
    pub fn run(self, environment: &Environment, profile: &[OsString]) -> Result<u8> {
        let cancellation = Cancellation::listen()?;
        let found = self.look(environment, &cancellation);
        let mut found =
            found.map_err(|error| error.interrupted_with("not everything was looked at"))?;
        found.findings.push(key::key(environment, profile));
        found.findings.extend(key::identity(environment));
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

impl Arguments {
    fn look(&self, environment: &Environment, cancellation: &Cancellation) -> Result<Examination> {
        let end = self.from.as_deref();
        let end = end.map(|from| End::parse("--from", from)).transpose()?;
        let token = self.token.source();
        if let Some(End::Site(address)) = end {
            let mut given = self.project.given();
            given.extend(named([("--offline", self.offline)]));
            remote::refuse_with_site(&given, "--from")?;
            let prompt = Prompt::new(cancellation.interrupt());
            return site::examine(address, &self.remote, &token, environment, &prompt);
        }
        let mut given: Vec<&str> = token.option().into_iter().collect();
        given.extend(self.remote.given());
        remote::refuse_without_site(&given, "--from")?;
        let folder = match &end {
            Some(End::Folder(folder)) => Some(folder.as_path()),
            _ => None,
        };
        self.project
            .examine(folder, environment, cancellation, self.offline)
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
