//! `backup dgraph`: servers of Dgraph, and their export sets.

mod export;
mod import;
mod imported;
mod server;
mod verdict;
mod verify;

use super::environment::Environment;
use crate::error::Result;
use clap::{Args, Subcommand};

/// Export a server of Dgraph, load a set into one, or check a set
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
    Export(Box<export::Arguments>),
    Import(Box<import::Arguments>),
    Verify(verify::Arguments),
}

impl Arguments {
    /// Runs it; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        match self.verb {
            Verb::Export(arguments) => arguments.run(environment),
            Verb::Import(arguments) => arguments.run(environment),
            Verb::Verify(arguments) => arguments.run(environment),
        }
    }
}
