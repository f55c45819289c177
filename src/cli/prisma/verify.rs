//! `backup prisma verify`: whether a data set is whole, without a server.

use super::super::environment::Environment;
use super::super::findings::print_findings;
use super::super::frame::Frame;
use super::super::terminal::Reports;
use super::super::{Cancellation, exit_code};
use super::{no_stream, progress, verdict};
use crate::error::{Kind, Result};
use crate::prisma::ndf::DataSet;
use crate::prisma::{project, verify};
use crate::transfer::summary::Summary;
use clap::Args;
use indicatif::HumanCount;
use std::path::PathBuf;

/// Check a data set
///
/// Reads all of it once, and lists everything that is wrong: files and their numbers, every element against the data model,
/// ids that are there twice or not at all, links to nodes of the wrong type or that are there twice. It is what import
/// checks before it sends anything.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup prisma verify export.zip --datamodel datamodel.prisma
  backup prisma verify folder --datamodel types.graphql --datamodel enums.graphql
  backup prisma verify nodes.json --datamodel datamodel.prisma

Exit codes: 0 whole, 1 failed, 2 usage, 6 something is wrong with it.")]
pub(super) struct Arguments {
    /// The data set: a zip, a folder with nodes, lists and relations, or one file of these
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The data model that the data set is for. May be given several times, for one in several files
    #[arg(long, value_name = "FILE")]
    datamodel: Vec<PathBuf>,
    #[command(flatten)]
    frame: Frame,
}

impl Arguments {
    /// Runs the check; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("prisma verify", environment, |cancellation, summary| {
                self.check(environment, cancellation, summary)
            })
    }

    fn check(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        no_stream(&self.data)?;
        let model = match self.datamodel.is_empty() {
            true => None,
            false => Some(project::data_model(&self.datamodel)?),
        };
        let mut set = DataSet::open(&self.data, &cancellation.interrupt())?;
        let progress = progress(&self.frame, cancellation);
        let found = verify::verify(&mut set, model.as_ref(), &environment.temporary, &progress)?;
        verdict::note(summary, &found);
        verdict::print(Reports::Stdout, &found);
        print_findings(&found.findings);
        match found.findings.count() {
            0 => {
                Reports::Stdout.conclude("The data set is whole");
                Ok(0)
            }
            count => {
                let count = HumanCount(count);
                Reports::Stdout.conclude(&format!("{count} things are wrong with the data set"));
                Ok(exit_code(Kind::Archive))
            }
        }
    }
}
