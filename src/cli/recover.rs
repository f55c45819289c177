//! `backup recover`: sets right what a restore left half-way.

use super::Cancellation;
use super::environment::Environment;
use super::project::ProjectArguments;
use super::run::RunArguments;
use super::terminal::{self, Reports, Voice, safe};
use super::waiting::WaitArguments;
use crate::error::Result;
use crate::strapi::recover_project;
use crate::transfer::summary::Summary;
use clap::Args;

/// Finish or undo a restore that was interrupted
///
/// A restore that was killed, or lost its database or its power, is finished if the database has
/// committed it, and undone if not. Every export and import does this first; this command does only
/// that.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup recover
  backup recover --project /srv/strapi --lock-wait 10m")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    /// The restore was of this database, though it had another name then
    ///
    /// A journal names the database that knows whether the restore has committed. Where the project's has
    /// another name, nothing is done, because another database would be asked in vain.
    #[arg(long)]
    same_database: bool,
    #[command(flatten)]
    alone: RunArguments,
}

impl Arguments {
    /// Runs the recovery; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        alone.run(
            "recover",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let recovered = self.recover(environment, cancellation, summary);
                recovered.map_err(|error| {
                    error.interrupted_with("an earlier restore may still be half-way; run it again")
                })
            },
        )
    }

    fn recover(
        self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let project = self.project.open(environment, cancellation, false)?;
        summary.project = Some(project.root().display().to_string());
        let told = recover_project(
            &project,
            &self.waiting.wait(cancellation.interrupt()),
            self.same_database,
        )?;
        if told.is_empty() {
            say("There was nothing to do");
        }
        for line in told {
            say(&line);
        }
        Ok(0)
    }
}

/// Says what was done: with `--json` among the other lines.
fn say(line: &str) {
    match terminal::voice() {
        Voice::Json(_) => terminal::tell(line),
        _ => Reports::Stdout.print(&safe(line)),
    }
}
