//! `backup import`: an archive into a project.

use super::choices::StrategyArguments;
use super::environment::Environment;
use super::filter::FilterArguments;
use super::key::KeyArguments;
use super::media::MediaArguments;
use super::progress::{self, Progress};
use super::project::ProjectArguments;
use super::prompt::Prompt;
use super::run::RunArguments;
use super::terminal::{Reports, Voice};
use super::waiting::WaitArguments;
use super::{Cancellation, archive_facts, effort, open_archive, plan, report, terminal};
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use crate::model::Stage;
use crate::store::real_path;
use crate::strapi::{LockWait, MediaOptions, Project, ProjectDestination};
use crate::transfer::summary::{Remembering, Summary, WarningList};
use crate::transfer::{Extent, Filter, OnFault, Report, Source, Transfer, check_losses};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Restore a project from an archive
///
/// Checks everything first, then replaces what is in scope: content, media files and configuration
/// of the project are deleted and those of the archive loaded. Administrators, their roles and
/// tokens stay. Either all of it happens, or nothing. Stop Strapi before, and start it after.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup import --file export_20261120154525.tar.gz.enc
  backup import --file site.tar.gz.enc --key-file /etc/backup/key --dry-run
  backup import --project /srv/strapi --file site.tar.gz.enc --key-file /etc/backup/key --force
  backup import --file site.tar --only content
  backup import --file site.tar.gz.enc --key-file /etc/backup/key --files-to /srv/files
  backup import --file s3://bucket/backups/site-2026-11-20 --key-file /etc/backup/key
  backup import --file site.tar.gz.age --identity identity.txt
  ssh backups@host cat site.tar.gz.enc | backup import --file - --key-file /etc/backup/key --force

Without an option for the key BACKUP_KEY and its like are looked for, and else it is asked for.")]
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
    /// Put the files of the media library into this folder, and not where the project keeps them
    ///
    /// For projects whose upload provider takes files from Strapi alone. The folder is empty or not there
    /// yet; it gets the files under the names that they have in the archive. Rows keep the urls of the
    /// archive, and no file of the project is changed or deleted: have the provider serve the files there.
    #[arg(long, value_name = "DIR", conflicts_with = "rewrite_urls")]
    files_to: Option<PathBuf>,
    /// Replace the urls in content of files that get another url
    ///
    /// A file that comes to another place than it was has another url there, as after a change of the
    /// upload provider. Its row gets it in any case. With this option texts, rich text and blocks that name
    /// the old url get the new one as well; without it the plan counts them.
    #[arg(long)]
    rewrite_urls: bool,
    #[command(flatten)]
    media: MediaArguments,
    /// Take every note as a sign of an incomplete restore (exit code 3)
    #[arg(long)]
    strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    alone: RunArguments,
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
    rewrite_urls: bool,
    verbose: bool,
    effort: Effort,
    wait: LockWait,
    cancellation: Cancellation,
}

impl Arguments {
    /// Runs the import; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let strict = self.strict;
        let alone = self.alone.clone();
        alone.run(
            "import",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let request = self.request(environment, cancellation, summary);
                let imported = request.and_then(|it| it.run(summary).map_err(unchanged));
                let report = imported.map_err(|error| error.interrupted_with(NOTHING))?;
                Ok(report::exit_code(&report, strict))
            },
        )
    }

    fn request(
        self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<Request> {
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
            cancellation,
            &effort,
            environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        let project = self.project.open(environment, cancellation, self.strict)?;
        summary.project = Some(project.root().display().to_string());
        let media = MediaOptions {
            aside: files_aside(self.files_to.as_deref(), &project, &filter)?,
            ..self.media.options(environment)
        };
        let project = project.measured(&effort).with_media(media);
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
            rewrite_urls: self.rewrite_urls,
            verbose: self.verbose,
            effort,
            wait: self.waiting.wait(cancellation.interrupt()),
            cancellation: cancellation.clone(),
        })
    }
}

/// The folder that files are put into, if that is not where the project keeps them.
fn files_aside(
    folder: Option<&Path>,
    project: &Project,
    filter: &Filter,
) -> Result<Option<PathBuf>> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let shown = folder.display();
    if !filter.includes(Stage::Assets) {
        return Err(Error::usage(format!(
            "--files-to {shown} says where files go, and other options leave them out"
        ))
        .hint("leave --files-to out, or let files come along"));
    }
    let served = project.serves(folder);
    if served.is_some_and(|served| served.starts_with("/uploads")) {
        return Err(Error::usage(format!(
            "--files-to {shown} is in the upload folder of the project"
        ))
        .hint("name a folder elsewhere, or leave it out"));
    }
    let absolute = std::path::absolute(folder);
    let absolute = absolute.map_err(|error| Error::io("find the folder", folder, error))?;
    let real = real_path(&absolute);
    // The database keeps it as text, for whoever recovers.
    if real.to_str().is_none() {
        return Err(Error::usage(format!(
            "--files-to {} has a name that is not text (UTF-8)",
            real.display()
        ))
        .hint("name a folder whose path is text: a recovery has to find it"));
    }
    Ok(Some(real))
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
    fn run(mut self, summary: &mut Summary) -> Result<Report> {
        let voice = terminal::voice();
        if self.prompt.is_some() && voice == Voice::Quiet {
            // Whoever is asked has to know what.
            terminal::speak(Voice::Words);
        }
        let project = self.project.clone();
        let destination = if self.dry_run {
            ProjectDestination::look(project, &self.wait, &self.spool_folder)?
        } else {
            ProjectDestination::open(project, &self.wait, &self.spool_folder)?
        };
        let destination = destination
            .allow_reference_loss(self.allow_reference_loss)
            .rewrite_urls(self.rewrite_urls);
        let target = self.project.to_string();
        let notices = destination.notices().to_vec();
        let mut warnings = WarningList::default();
        for notice in &notices {
            progress::warn(notice);
            warnings.add(notice);
        }
        let cancellation = self.cancellation;
        let progress = Progress::new(&cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let mut transfer = Transfer {
            source: self.source.as_mut(),
            destination: Box::new(destination),
            filter: self.filter,
            extent: self.extent,
            versions: self.strategies.versions(),
            schemas: self.strategies.schemas(),
            on_fault: OnFault::Stop,
            observer: &watch,
        };
        let planned = transfer.plan();
        summary.warn(warnings.joined(watch.warnings()));
        let mut plan = planned?;
        summary.source(&plan.source);
        // What a run announces it reports as well.
        for notice in &notices {
            plan.announced.count_warning(notice);
        }
        plan::print(&plan, &target);
        check_losses(&plan.losses, self.allow_reference_loss)?;
        if self.dry_run {
            summary.report(&plan.announced);
            report::print(Reports::Stdout, &plan.announced);
            effort::tell(&self.effort, &[]);
            Reports::Stdout.conclude("Dry run: nothing was changed");
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
        terminal::speak(voice);
        let transferred = transfer.run(&plan);
        summary.warn(warnings.joined(watch.warnings()));
        let report = transferred?;
        cancellation.tell_held();
        summary.report(&report);
        report::print(Reports::Stdout, &report);
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::alert(&shortfall);
        }
        effort::tell(&self.effort, &[]);
        Reports::Stdout.conclude(&format!(
            "{} is restored; start Strapi again if it was running",
            terminal::safe(&target)
        ));
        Ok(report)
    }
}
