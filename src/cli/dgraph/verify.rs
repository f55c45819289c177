//! `backup dgraph verify`: whether an export set is whole, without a server.

use super::super::environment::Environment;
use super::super::findings::{print_findings, print_losses};
use super::super::frame::Frame;
use super::super::report::INCOMPLETE;
use super::super::terminal::Reports;
use super::super::{Cancellation, exit_code};
use super::verdict;
use crate::dgraph::set::{ExportSet, Key};
use crate::dgraph::verify;
use crate::error::{Kind, Result};
use crate::transfer::summary::Summary;
use clap::Args;
use indicatif::HumanCount;
use std::path::PathBuf;

/// Check an export set
///
/// Reads all of it once, and lists everything that is wrong: files that are missing, cut or damaged, rows that are none,
/// predicates that the schema does not have, values that are not of their types. Links to nodes that the set has no rows of
/// are counted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup dgraph verify dgraph.r91.u1120.1541
  backup dgraph verify export --encryption-key-file key

Exit codes: 0 whole, 1 failed, 2 usage, 3 whole, but with numbers that are no JSON, 6 something is wrong with it, 12 wrong key.")]
pub(super) struct Arguments {
    /// The set: the folder with g01.json.gz or g01.rdf.gz, or the one that holds it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// File with the key that the server encrypts with: 16, 24 or 32 bytes
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    #[command(flatten)]
    frame: Frame,
}

impl Arguments {
    /// Runs the check; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("dgraph verify", environment, |cancellation, summary| {
                self.check(environment, cancellation, summary)
            })
    }

    fn check(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let interrupt = cancellation.interrupt();
        let key = self.encryption_key_file.as_deref();
        let key = key.map(|it| Key::read(it, &interrupt));
        let set = ExportSet::open(&self.folder, key.transpose()?, &interrupt)?;
        let progress = self.frame.progress(cancellation);
        let found = verify::verify(&set, &environment.temporary, &progress)?;
        verdict::note(summary, &found);
        verdict::print(Reports::Stdout, &found);
        print_findings(&found.findings);
        print_losses(&found.losses);
        let [wrong, lost] = [&found.findings, &found.losses].map(|it| it.count());
        match (wrong, lost) {
            (0, 0) => {
                Reports::Stdout.conclude("The export set is whole");
                Ok(0)
            }
            (0, lost) => {
                let lost = HumanCount(lost);
                Reports::Stdout.conclude(&format!(
                    "The export set is whole, and {lost} of its rows have numbers that are no JSON"
                ));
                Ok(INCOMPLETE)
            }
            (wrong, _) => {
                let things = match wrong {
                    1 => "1 thing is".to_owned(),
                    _ => format!("{} things are", HumanCount(wrong)),
                };
                Reports::Stdout.conclude(&format!("{things} wrong with the export set"));
                Ok(exit_code(Kind::Archive))
            }
        }
    }
}
