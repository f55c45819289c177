//! `backup recover`: sets right what a restore left half-way.

use super::Cancellation;
use super::environment::Environment;
use super::project::ProjectArguments;
use super::terminal::{Reports, safe};
use super::waiting::WaitArguments;
use crate::error::Result;
use crate::strapi::recover_project;
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
}

impl Arguments {
    /// Runs the recovery; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.recover(environment).map_err(|error| {
            error.interrupted_with("an earlier restore may still be half-way; run it again")
        })
    }

    fn recover(self, environment: &Environment) -> Result<u8> {
        let cancellation = Cancellation::listen()?;
        let project = self.project.open(environment, &cancellation, false)?;
        let told = recover_project(
            &project,
            &self.waiting.wait(cancellation.interrupt()),
            self.same_database,
        )?;
        if told.is_empty() {
            Reports::Stdout.print("There was nothing to do");
        }
        for line in told {
            Reports::Stdout.print(&safe(&line));
        }
        Ok(0)
    }
}
