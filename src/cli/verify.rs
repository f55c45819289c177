//! `backup verify`: whether an archive is whole, without a project.

use super::choices::StrategyArguments;
use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::project::ChoiceArguments;
use super::report::INCOMPLETE;
use super::run::RunArguments;
use super::terminal::Reports;
use super::{Cancellation, archive_facts, effort, exit_code, open_archive, report, terminal};
use crate::archive::{ArchiveSource, Outcome, Protection, Told};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::strapi::{Project, describe};
use crate::transfer::summary::{Failure, Remembering, Summary};
use crate::transfer::{Extent, Filter, Nowhere, OnFault, Plan, Transfer};
use clap::Args;
use indicatif::HumanCount;
use std::path::PathBuf;

/// Check that an archive is whole
///
/// Reads all of it once: decryption, compression, checksums and their authentication, every line,
/// files against their descriptions and rows, links against what they join, counts. Goes on after
/// what is wrong as far as it can, and lists it. Needs no project and changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup verify export_20261120154525.tar.gz.enc
  backup verify site.tar.gz.enc --key-file /etc/backup/key --require-authentication
  backup verify site.tar.gz.enc --project /srv/strapi
  backup verify s3://bucket/backups/site-2026-11-20 --key-file /etc/backup/key
  backup verify site.tar.gz.age --identity identity.txt
  ssh backups@host cat site.tar.gz.enc | backup verify - --key-file /etc/backup/key

Without an option for the key BACKUP_KEY and its like are looked for, and else it is asked for.

Exit codes: 0 whole, 3 whole but made incomplete, 4 and 5 versions and schemas do not match those of
--project, 6 damaged, 12 wrong key; 6 before 4 and 5 before 3.")]
pub(super) struct Arguments {
    /// The archive: a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// Check as well whether the archive would restore into the project in this folder
    #[arg(long, value_name = "DIR")]
    project: Option<PathBuf>,
    #[command(flatten)]
    choices: ChoiceArguments,
    #[command(flatten)]
    strategies: StrategyArguments,
    /// Take every note as a sign of an incomplete archive (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

/// The verdict on an archive that is not as it was written.
pub(super) const DAMAGED: &str = "The archive is damaged";

/// What verdicts call the only archive.
pub(super) const THE_ARCHIVE: &str = "The archive";

/// How many of the warnings of an export are told.
const TOLD: usize = 20;

/// A check as it was asked for, every option in its place.
struct Request {
    archive: ArchiveSource,
    project: Option<Project>,
    strategies: StrategyArguments,
    strict: bool,
    verbose: bool,
    effort: Effort,
    cancellation: Cancellation,
}

impl Arguments {
    /// Runs the check; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        alone.run(
            "verify",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let request = self.request(environment, cancellation, summary);
                let checked = request.and_then(|it| it.run(summary));
                checked.or_else(|error| {
                    damaged(
                        error,
                        summary,
                        THE_ARCHIVE,
                        "the archive was not checked to its end",
                    )
                })
            },
        )
    }

    fn request(
        self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<Request> {
        if self.project.is_none() && (self.strategies.is_given() || self.choices.is_given()) {
            return Err(Error::usage(
                "--version-strategy, --schema-strategy and --database-url say how to check against a \
                 project, and none is named",
            )
            .hint("name it with --project"));
        }
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        let project = match &self.project {
            Some(folder) => {
                let project = self
                    .choices
                    .open(folder, environment, cancellation, self.strict)?;
                summary.project = Some(project.root().display().to_string());
                Some(project.measured(&effort))
            }
            None => None,
        };
        let archive = open_archive(
            &self.archive,
            &self.key,
            OnFault::GoOn,
            cancellation,
            &effort,
            environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        Ok(Request {
            archive,
            project,
            strategies: self.strategies,
            strict: self.strict,
            verbose: self.verbose,
            effort,
            cancellation: cancellation.clone(),
        })
    }
}

impl Request {
    fn run(mut self, summary: &mut Summary) -> Result<u8> {
        let like = match &self.project {
            Some(project) => Some(describe(project)?),
            None => None,
        };
        let progress = Progress::new(&self.cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let mut transfer = Transfer {
            source: &mut self.archive,
            destination: Box::new(Nowhere { like }),
            filter: Filter::default(),
            extent: Extent::default(),
            versions: self.strategies.versions(),
            schemas: self.strategies.schemas(),
            on_fault: OnFault::GoOn,
            observer: &watch,
        };
        let planned = transfer.plan();
        drop(transfer);
        summary.warn(watch.warnings());
        let plan = planned?;
        summary.source(&plan.source);
        summary.report(&plan.announced);
        summary.faults = plan.faults.iter().map(Failure::from).collect();
        effort::tell(&self.effort, &[]);
        let none = Protection::default();
        let protection = self.archive.protection().unwrap_or(&none);
        terminal::tell(&report::origin(&plan.source));
        report::print(Reports::Stdout, &plan.announced);
        Ok(self.conclude(&plan, protection))
    }

    /// Says what was found; gives the exit code.
    fn conclude(&self, plan: &Plan, protection: &Protection) -> u8 {
        protection.outcome.iter().for_each(tell_of_export);
        print_faults(plan);
        let found = |kind: Kind| plan.faults.iter().any(|fault| fault.kind() == kind);
        let worst = [Kind::Archive, Kind::Version, Kind::Schema]
            .into_iter()
            .find(|kind| found(*kind));
        if worst != Some(Kind::Archive) {
            for line in proofs(protection) {
                Reports::Stdout.conclude(&line);
            }
        }
        let bad = verdict(THE_ARCHIVE, plan.faults.iter());
        let (verdict, code) = match worst {
            Some(Kind::Archive) => (bad.as_str(), exit_code(Kind::Archive)),
            Some(Kind::Version) => (
                "The archive is whole, but of another version than the project",
                exit_code(Kind::Version),
            ),
            Some(_) => (
                "The archive is whole, but has other schemas than the project",
                exit_code(Kind::Schema),
            ),
            None if is_incomplete(plan, protection) => {
                ("The archive is whole, but incomplete", INCOMPLETE)
            }
            None if self.strict && has_notes(plan, protection) => {
                ("The archive is whole, with notes (--strict)", INCOMPLETE)
            }
            None => ("The archive is whole", 0),
        };
        Reports::Stdout.conclude(verdict);
        code
    }
}

/// The verdict on what is not as it was written; what lacks a proof alone is not damaged.
pub(super) fn verdict<'a>(what: &str, faults: impl Iterator<Item = &'a Error>) -> String {
    let mut faults = faults.filter(|fault| fault.kind() == Kind::Archive);
    match faults.all(Error::is_unproven) {
        true => format!("{what} is not authenticated"),
        false => format!("{what} is damaged"),
    }
}

/// What comes of an error of a check of something: what cannot be followed at all is damaged as well. Gives the exit code.
///
/// # Errors
/// Any other, which says that something is `unfinished` where it is an interruption.
pub(super) fn damaged(
    error: Error,
    summary: &mut Summary,
    what: &str,
    unfinished: &str,
) -> Result<u8> {
    if error.kind() != Kind::Archive {
        return Err(error.interrupted_with(unfinished));
    }
    summary.fail(&error);
    terminal::print_error(&error);
    Reports::Stdout.conclude(&verdict(what, [&error].into_iter()));
    Ok(exit_code(Kind::Archive))
}

/// Says what the export told of, what could not be taken first.
pub(super) fn tell_of_export(outcome: &Outcome) {
    let (losses, notes): (Vec<&Told>, Vec<&Told>) = outcome
        .warnings
        .iter()
        .partition(|told| told.is_incomplete());
    let warnings = losses.iter().map(|told| ("warning", *told));
    let notes = notes.iter().map(|told| ("note", *told));
    for (kind, told) in warnings.chain(notes).take(TOLD) {
        terminal::tell(&format!("when it was made: {kind}: {}", told.message));
    }
    let more = outcome.warnings.len().saturating_sub(TOLD) as u64 + outcome.more_warnings;
    if more > 0 {
        terminal::tell(&format!(
            "when it was made: {more} more of these; result.json in the archive lists up to a thousand"
        ));
    }
}

/// Says what is wrong; what to do is said once.
pub(super) fn print_faults(plan: &Plan) {
    let mut advice = Vec::new();
    for fault in plan.faults.iter() {
        terminal::tell_fault(fault);
        if let Some(hint) = fault.advice().filter(|hint| !advice.contains(hint)) {
            advice.push(hint);
        }
    }
    if plan.faults.more() > 0 {
        let more = HumanCount(plan.faults.more());
        terminal::alert(&format!("error: {more} more of these"));
    }
    for hint in advice {
        terminal::alert(&format!("  {hint}"));
    }
}

/// Whether something that exists is not in the archive.
pub(super) fn is_incomplete(plan: &Plan, protection: &Protection) -> bool {
    let when_made = protection
        .outcome
        .as_ref()
        .is_some_and(Outcome::is_incomplete);
    when_made || plan.announced.is_incomplete()
}

/// Whether there is anything that its user should know.
pub(super) fn has_notes(plan: &Plan, protection: &Protection) -> bool {
    let when_made = protection.outcome.as_ref();
    when_made.is_some_and(|outcome| !outcome.warnings.is_empty())
        || !plan.announced.warnings.is_empty()
}

/// What proves that the archive is whole.
fn proofs(protection: &Protection) -> Vec<String> {
    const NOBODY: &str = "whoever knows a recipient, which is public, can write such an archive";
    let Some(entries) = protection.digests else {
        // The age format proves also what has no list.
        return match (protection.is_to_recipients, protection.is_authenticated) {
            (true, _) => vec![format!("nothing proves who wrote it: {NOBODY}")],
            (false, true) => vec!["all of it was written by somebody who knew the key".into()],
            (false, false) => Vec::new(),
        };
    };
    let authenticated = if protection.is_to_recipients {
        &format!("nothing proves who wrote them: {NOBODY}")
    } else if protection.is_authenticated {
        "they were listed by somebody who knew the key"
    } else {
        "nothing proves who listed them"
    };
    vec![format!(
        "{} entries have the checksums that are listed; {authenticated}",
        HumanCount(entries)
    )]
}
