//! `backup dgraph`: export sets of Dgraph.

mod verdict;
mod verify;

use super::environment::Environment;
use crate::error::Result;
use clap::{Args, Subcommand};

/// Check an export set of Dgraph
///
/// Sets are as servers of Dgraph export them, of all versions from 20.03 on: a folder with the rows as JSON or RDF, and the
/// schemas.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    Verify(verify::Arguments),
}

impl Arguments {
    /// Runs it; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        match self.verb {
            Verb::Verify(arguments) => arguments.run(environment),
        }
    }
}
