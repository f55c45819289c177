//! `backup verify`: whether an archive is whole, without a project.

use super::choices::StrategyArguments;
use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::project::DatabaseArguments;
use super::report::INCOMPLETE;
use super::terminal::{Answers, Reports};
use super::{Cancellation, STREAM, exit_code, open_archive, report, terminal};
use crate::archive::{ArchiveSource, Protection};
use crate::error::{Error, Kind, Result};
use crate::strapi::{Project, describe};
use crate::transfer::{Filter, Nowhere, OnFault, Plan, Transfer, WarningKind};
use clap::Args;
use indicatif::HumanCount;
use std::path::{Path, PathBuf};

/// Check that an archive is whole
///
/// Reads all of it once: decryption, compression, checksums and their authentication, every line,
/// files against their descriptions and rows, links against what they join, counts. Goes on after
/// what is wrong as far as it can, and lists it. Needs no project and changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup verify export_20261120154525.tar.gz.enc
  backup verify site.tar.gz.enc --key \"$KEY\" --require-authentication
  backup verify site.tar.gz.enc --project /srv/strapi
  ssh backups@host cat site.tar.gz.enc | backup verify - --key \"$KEY\"

Without --key the variable BACKUP_KEY is used, or the key is asked for.

Exit codes: 0 whole, 3 whole but made incomplete, 4 and 5 versions and schemas do not match those of
--project, 6 damaged, 12 wrong key; 6 before 4 and 5 before 3.")]
pub(super) struct Arguments {
    /// The archive: a file, a folder that holds an unpacked one, or - for stdin
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// Check as well whether the archive would restore into the project in this folder
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArguments,
    #[command(flatten)]
    strategies: StrategyArguments,
    /// Take every note as a sign of an incomplete archive (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more
    #[arg(long)]
    verbose: bool,
}

/// A check as it was asked for, every option in its place.
struct Request {
    archive: ArchiveSource,
    project: Option<Project>,
    strategies: StrategyArguments,
    strict: bool,
    verbose: bool,
}

impl Arguments {
    /// Runs the check; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.request(environment)?.run()
    }

    fn request(self, environment: &Environment) -> Result<Request> {
        let answers = if self.archive == Path::new(STREAM) {
            Answers::Device
        } else {
            Answers::Stdin
        };
        let project = match &self.project {
            Some(folder) => Some(self.database.open(folder, environment)?),
            None => None,
        };
        Ok(Request {
            archive: open_archive(&self.archive, &self.key, answers, environment)?,
            project,
            strategies: self.strategies,
            strict: self.strict,
            verbose: self.verbose,
        })
    }
}

impl Request {
    fn run(mut self) -> Result<u8> {
        let like = match &self.project {
            Some(project) => Some(describe(project)?),
            None => None,
        };
        let progress = Progress::new(&Cancellation::listen()?, self.verbose);
        let mut transfer = Transfer {
            source: &mut self.archive,
            destination: Box::new(Nowhere { like }),
            filter: Filter::default(),
            versions: self.strategies.versions,
            schemas: self.strategies.schemas,
            on_fault: OnFault::GoOn,
            observer: &progress,
        };
        let plan = transfer.plan()?;
        drop(transfer);
        let none = Protection::default();
        let protection = self.archive.protection().unwrap_or(&none);
        terminal::tell(&report::origin(&plan.source));
        Reports::Stdout.print(&report::table(&plan.announced));
        Ok(self.conclude(&plan, protection))
    }

    /// Says what was found; gives the exit code.
    fn conclude(&self, plan: &Plan, protection: &Protection) -> u8 {
        let dangling = dangling(plan, protection);
        for fault in plan.faults.iter().chain(&dangling) {
            terminal::print_error(fault);
        }
        if plan.faults.more() > 0 {
            let more = HumanCount(plan.faults.more());
            terminal::tell(&format!("error: and {more} more of these"));
        }
        let worst = |kind: Kind| plan.faults.iter().any(|fault| fault.kind() == kind);
        let damaged = worst(Kind::Archive) || dangling.is_some();
        if !damaged {
            for line in proofs(protection) {
                Reports::Stdout.print(&line);
            }
        }
        let verdict = |kind: Kind, text: &str| {
            Reports::Stdout.print(text);
            exit_code(kind)
        };
        let was_incomplete = protection
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.is_incomplete());
        if damaged {
            verdict(Kind::Archive, "The archive is damaged")
        } else if worst(Kind::Version) {
            verdict(
                Kind::Version,
                "The archive is whole, but of another version than the project",
            )
        } else if worst(Kind::Schema) {
            verdict(
                Kind::Schema,
                "The archive is whole, but has other schemas than the project",
            )
        } else if was_incomplete || report::exit_code(&plan.announced, self.strict) != 0 {
            Reports::Stdout.print("The archive is whole, but incomplete");
            INCOMPLETE
        } else {
            Reports::Stdout.print("The archive is whole");
            0
        }
    }
}

/// This program leaves out links to nothing, so one in an archive of its own is a fault.
fn dangling(plan: &Plan, protection: &Protection) -> Option<Error> {
    let links = *plan.announced.warnings.get(&WarningKind::OrphanLink)?;
    protection.digests?;
    let what = format!("{links} links in the archive join what is not in it");
    Some(Error::archive(what).hint("report this; importing the archive leaves these links out"))
}

/// What proves that the archive is whole.
fn proofs(protection: &Protection) -> Vec<String> {
    let Some(entries) = protection.digests else {
        return Vec::new();
    };
    let authenticated = if protection.is_authenticated {
        "they were listed by somebody who knew the key"
    } else {
        "nothing proves who listed them"
    };
    vec![format!(
        "{} entries have the checksums that are listed; {authenticated}",
        HumanCount(entries)
    )]
}
