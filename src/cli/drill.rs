//! `backup drill`: whether an archive comes back, tried out.

use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::report::{Heads, INCOMPLETE, Line};
use super::run::RunArguments;
use super::terminal::Reports;
use super::verify::{
    DAMAGED, THE_ARCHIVE, damaged, has_notes, is_incomplete, print_faults, tell_of_export,
};
use super::{Cancellation, archive_facts, effort, exit_code, open_archive, report, terminal};
use crate::archive::{ArchiveSource, Protection};
use crate::effort::Effort;
use crate::error::{Kind, Result};
use crate::strapi::{Drill, Drilled, LockWait};
use crate::transfer::OnFault;
use crate::transfer::summary::{Failure, Remembering, Summary};
use clap::Args;
use indicatif::HumanCount;
use std::path::PathBuf;
use std::sync::Arc;

/// Restore an archive into a site that is thrown away, and see that all of it comes back
///
/// Makes a SQLite database from the archive's schemas in a folder for temporary files, restores the
/// archive into it as import does, exports it again, and compares row by row, link by link, file by
/// file and setting by setting. Needs no project, no server and no Strapi, and changes nothing. It
/// proves the archive, not the server that it is for.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup drill export_20261120154525.tar.gz.enc
  backup drill site.tar.gz.enc --key-file /etc/backup/key --no-files
  TMPDIR=/var/tmp backup drill site.tar.gz.enc --key-file /etc/backup/key

Without an option for the key BACKUP_KEY and its like are looked for, and else it is asked for. TMPDIR has to have room for
what the archive holds, unpacked: for files once, for rows, links and settings up to three times.

Exit codes: 0 all of it comes back, 3 all of it comes back, but the archive was made incomplete, 6 it
is damaged or something does not come back, 12 wrong key.")]
pub(super) struct Arguments {
    /// The archive: a file, a folder that holds an unpacked one, or - for stdin
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// Leave the files of the media library out
    #[arg(long)]
    no_files: bool,
    /// Take every note as a sign of an incomplete archive (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

/// What stands above what came back.
const HEADS: Heads = Heads {
    eye: ["Type", "In the archive", "Came back"],
    shown: [report::count, report::count],
    plain: ["Count", "Back", "Type"],
};
/// How many differences are told one by one.
const TOLD: usize = 20;

impl Arguments {
    /// Runs the drill; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        alone.run(
            "drill",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let drilled = self.drill(environment, cancellation, summary);
                drilled.or_else(|error| {
                    damaged(
                        error,
                        summary,
                        THE_ARCHIVE,
                        "the archive was not tried out to its end",
                    )
                })
            },
        )
    }

    fn drill(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        let mut archive = open_archive(
            &self.archive,
            &self.key,
            OnFault::GoOn,
            cancellation,
            &effort,
            environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        let progress = Progress::new(cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let drill = Drill {
            source: &mut archive,
            files: !self.no_files,
            folder: &environment.temporary,
            observer: &watch,
            requested: Arc::clone(&cancellation.requested),
            wait: LockWait {
                interrupt: cancellation.interrupt(),
                ..LockWait::default()
            },
            effort: effort.clone(),
        };
        let drilled = drill.run();
        summary.warn(watch.warnings());
        let drilled = drilled?;
        summary.source(&drilled.plan.source);
        summary.report(&drilled.plan.announced);
        let faults = drilled.plan.faults.iter().map(Failure::from);
        let differences = drilled.differences.list.iter().map(|it| Failure {
            message: it.to_string(),
            advice: None,
        });
        summary.faults = faults.chain(differences).collect();
        let differences = &drilled.differences;
        summary.faults_left_out = differences.count - differences.list.len() as u64;
        if let Some(returned) = &drilled.returned {
            summary.return_of(returned);
        }
        effort::tell(&effort, &[]);
        Ok(self.conclude(&archive, &drilled))
    }

    /// Says what was found; gives the exit code.
    fn conclude(&self, archive: &ArchiveSource, drilled: &Drilled) -> u8 {
        let none = Protection::default();
        let protection = archive.protection().unwrap_or(&none);
        let (plan, differences) = (&drilled.plan, &drilled.differences);
        terminal::tell(&report::origin(&plan.source));
        protection.outcome.iter().for_each(tell_of_export);
        if !plan.faults.is_empty() {
            print_faults(plan);
            Reports::Stdout.conclude(DAMAGED);
            return exit_code(Kind::Archive);
        }
        report::print_lines(Reports::Stdout, &HEADS, &lines(drilled));
        for difference in differences.list.iter().take(TOLD) {
            terminal::alert(&format!("error: {difference}"));
        }
        let more = differences.count.saturating_sub(TOLD as u64);
        if more > 0 {
            terminal::alert(&format!("error: {} more of these", HumanCount(more)));
        }
        let (verdict, code) = if differences.count > 0 {
            (
                "The archive does not come back as it is",
                exit_code(Kind::Archive),
            )
        } else if is_incomplete(plan, protection) {
            (
                "All that the archive holds comes back, but it is incomplete",
                INCOMPLETE,
            )
        } else if self.strict && (has_notes(plan, protection) || !differences.notes().is_empty()) {
            (
                "All that the archive holds comes back, with notes (--strict)",
                INCOMPLETE,
            )
        } else {
            ("All that the archive holds comes back", 0)
        };
        Reports::Stdout.conclude(verdict);
        if self.no_files {
            Reports::Stdout.conclude("Files were left out (--no-files)");
        }
        code
    }
}

/// What the archive holds, and how much of it came back: of each stage, by its name.
fn lines(drilled: &Drilled) -> Vec<Line> {
    let returned = drilled.returned.as_ref();
    let stages = drilled.plan.announced.stages.iter();
    stages
        .map(|(stage, report)| {
            let back = returned.and_then(|returned| returned.stages.get(stage));
            let back = back.map_or(0, |back| back.total.items);
            (stage.to_string(), report.total.items, back)
        })
        .collect()
}
