//! What the verbs of other systems have around their work.

use super::Cancellation;
use super::environment::Environment;
use super::progress::Progress;
use super::run::RunArguments;
use super::terminal::Reports;
use crate::error::Result;
use crate::transfer::summary::Summary;
use clap::Args;

/// What the verbs of other systems have around their work.
#[derive(Debug, Args)]
pub(super) struct Frame {
    /// Say more
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

impl Frame {
    /// Does the work of a verb, such as `prisma verify`; gives the exit code.
    pub fn run(
        &self,
        verb: &str,
        environment: &Environment,
        work: impl FnOnce(&Cancellation, &mut Summary) -> Result<u8>,
    ) -> Result<u8> {
        let alone = self.alone.clone();
        alone.run(verb, Reports::Stdout, environment, work)
    }

    /// What shows how far the work is.
    pub fn progress(&self, cancellation: &Cancellation) -> Progress {
        Progress::new(cancellation, self.verbose)
    }
}
