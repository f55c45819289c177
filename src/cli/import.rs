//! `backup import`: an archive into a project.

use super::choices::StrategyArguments;
use super::environment::Environment;
use super::filter::FilterArguments;
use super::key::KeyArguments;
use super::progress::Progress;
use super::project::ProjectArguments;
use super::prompt::Prompt;
use super::terminal::Reports;
use super::waiting::WaitArguments;
use super::{Cancellation, effort, open_archive, plan, report, terminal};
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use crate::strapi::{LockWait, Project, ProjectDestination};
use crate::transfer::{Extent, Filter, OnFault, Report, Source, Transfer, check_losses};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Restore a project from an archive
///
/// Checks everything first, then replaces what is in scope: content, media files and configuration
/// of the project are deleted and those of the archive loaded. Administrators, their roles and
/// tokens stay. Either all of it happens, or nothing. Stop Strapi before, and start it after.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup import --file export_20261120154525.tar.gz.enc
  backup import --file site.tar.gz.enc --key \"$KEY\" --dry-run
  backup import --project /srv/strapi --file site.tar.gz.enc --key \"$KEY\" --force
  backup import --file site.tar --only content
  backup import --file s3://bucket/backups/site-2026-11-20 --key \"$KEY\"
  ssh backups@host cat site.tar.gz.enc | backup import --file - --key \"$KEY\" --force

Without --key the variable BACKUP_KEY is used, or the key is asked for.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    /// The archive: a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin
    ///
    /// Its extensions may be left out.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// Do not ask before data is deleted
    #[arg(long)]
    force: bool,
    /// Check everything, print what would happen, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Let rows of tables that are not Strapi's be deleted, or lose their reference
    ///
    /// Such a row may refer, by a foreign key, to one that the archive does not hold and that is
    /// deleted. The plan counts what goes with it; without this option the import is refused.
    #[arg(long)]
    allow_reference_loss: bool,
    /// What is replaced [default: what the archive was made from]
    ///
    /// Archives that Strapi made do not say what that was. Of these, stages without any row or file
    /// stay as they are; within a stage, content types without rows are emptied; and the media library
    /// stays where the archive has neither rows nor files of it.
    #[arg(long, value_enum)]
    scope: Option<Extent>,
    #[command(flatten)]
    strategies: StrategyArguments,
    /// What to do with data that is there
    #[arg(
        long = "conflict-strategy",
        alias = "conflictStrategy",
        value_enum,
        default_value_t
    )]
    conflicts: Conflicts,
    /// Take every note as a sign of an incomplete restore (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

/// What to do with data that is there.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Conflicts {
    /// Delete what is in scope, then load the archive
    #[default]
    Restore,
}

/// An import as it was asked for, every option in its place.
struct Request {
    project: Project,
    source: Box<dyn Source>,
    spool_folder: PathBuf,
    filter: Filter,
    extent: Extent,
    strategies: StrategyArguments,
    /// Who is asked before anything is deleted; nobody with `--force` and `--dry-run`.
    prompt: Option<Prompt>,
    dry_run: bool,
    allow_reference_loss: bool,
    verbose: bool,
    effort: Effort,
    wait: LockWait,
    cancellation: Cancellation,
}

impl Arguments {
    /// Runs the import; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let strict = self.strict;
        let imported = self
            .request(environment)
            .and_then(|request| request.run().map_err(unchanged));
        let report = imported.map_err(|error| error.interrupted_with(NOTHING))?;
        Ok(report::exit_code(&report, strict))
    }

    fn request(self, environment: &Environment) -> Result<Request> {
        let cancellation = Cancellation::listen()?;
        let Conflicts::Restore = self.conflicts;
        let prompt = Prompt::beside(&self.file, cancellation.interrupt());
        let asks = !self.force && !self.dry_run;
        if asks && !prompt.is_possible() {
            return Err(Error::usage(
                "an import deletes data, and there is no terminal to ask whether it may",
            )
            .hint("add --force, or look first with --dry-run"));
        }
        let filter = self.filter.filter()?;
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        let archive = open_archive(
            &self.file,
            &self.key,
            OnFault::Stop,
            &cancellation,
            &effort,
            environment,
        )?;
        let project = self.project.open(environment, &cancellation, self.strict)?;
        let project = project.measured(&effort);
        Ok(Request {
            project,
            source: Box::new(archive),
            spool_folder: environment.temporary.clone(),
            filter,
            extent: self.scope.unwrap_or_default(),
            strategies: self.strategies,
            prompt: asks.then_some(prompt),
            dry_run: self.dry_run,
            allow_reference_loss: self.allow_reference_loss,
            verbose: self.verbose,
            effort,
            wait: self.waiting.wait(cancellation.interrupt()),
            cancellation,
        })
    }
}

/// What an import says that did not do anything.
const NOTHING: &str = "nothing was changed";

/// Says that an error changed nothing, if that is not told: whoever restores wants to know it first.
fn unchanged(error: Error) -> Error {
    let is_told = error.to_string().contains(NOTHING)
        || error
            .advice()
            .is_some_and(|advice| advice.contains(NOTHING));
    match error.kind() {
        Kind::Usage | Kind::HalfWay | Kind::Locked | Kind::Interrupted => error,
        _ if is_told => error,
        _ => error.also(NOTHING),
    }
}

impl Request {
    fn run(mut self) -> Result<Report> {
        let project = self.project.clone();
        let destination = if self.dry_run {
            ProjectDestination::look(project, &self.wait, &self.spool_folder)?
        } else {
            ProjectDestination::open(project, &self.wait, &self.spool_folder)?
        };
        let destination = destination.allow_reference_loss(self.allow_reference_loss);
        let target = self.project.to_string();
        let notices = destination.notices().to_vec();
        for notice in &notices {
            terminal::tell(&format!("note: {notice}"));
        }
        let cancellation = self.cancellation;
        let progress = Progress::new(&cancellation, self.verbose);
        let mut transfer = Transfer {
            source: self.source.as_mut(),
            destination: Box::new(destination),
            filter: self.filter,
            extent: self.extent,
            versions: self.strategies.versions(),
            schemas: self.strategies.schemas(),
            on_fault: OnFault::Stop,
            observer: &progress,
        };
        let mut plan = transfer.plan()?;
        // What a run announces it reports as well.
        for notice in &notices {
            plan.announced.count_warning(notice);
        }
        plan::print(&plan, &target);
        check_losses(&plan.losses, self.allow_reference_loss)?;
        if self.dry_run {
            Reports::Stdout.print(&report::table(&plan.announced));
            effort::tell(&self.effort, &[]);
            Reports::Stdout.print("Dry run: nothing was changed");
            return Ok(plan.announced);
        }
        let question = "Delete this and load the archive?";
        if let Some(prompt) = self.prompt
            && !self
                .effort
                .time(Work::Asking, || prompt.confirm(question))?
        {
            return Err(Error::new(
                Kind::Failed,
                "not confirmed; nothing was changed",
            ));
        }
        let report = transfer.run(&plan)?;
        cancellation.tell_held();
        Reports::Stdout.print(&report::table(&report));
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::tell(&shortfall);
        }
        effort::tell(&self.effort, &[]);
        Reports::Stdout.print(&format!(
            "{} is restored; start Strapi again if it was running",
            terminal::safe(&target)
        ));
        Ok(report)
    }
}
