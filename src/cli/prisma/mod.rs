//! `backup prisma`: services of Prisma 1 and their data sets.

mod export;
mod import;
mod service;
mod verdict;
mod verify;

use super::Cancellation;
use super::environment::Environment;
use super::frame::Frame;
use super::progress::Progress;
use crate::error::{Error, Result};
use clap::{Args, Subcommand};
use std::path::Path;

/// Export a service of Prisma 1, import into one, or check a data set
///
/// Data sets are in the Normalized Data Format of Prisma's own command line: a zip or a folder with nodes, lists and
/// relations. Neither Node nor that command line is needed.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    Export(export::Arguments),
    Import(import::Arguments),
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

/// What shows how far the work of a verb is.
fn progress(frame: &Frame, cancellation: &Cancellation) -> Progress {
    frame.progress(cancellation).checking("the data set")
}

/// Sees that what is named as a data set, or as a file for one, is not the standard input or output: a zip is read from its
/// end, and what is checked before it is sent is read twice.
fn no_stream(path: &Path) -> Result<()> {
    match path == Path::new("-") {
        false => Ok(()),
        true => Err(Error::usage("a data set is no stream, and cannot be `-`")
            .hint("name a file or a folder; a file that is called so is ./-")),
    }
}
