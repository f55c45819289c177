//! What `import` and `transfer` share: the options of a restore, and the one way of it: plan, ask, run, report.

use super::choices::StrategyArguments;
use super::environment::Environment;
use super::filter::FilterArguments;
use super::media::MediaArguments;
use super::progress::{self, Progress};
use super::prompt::Prompt;
use super::remote::named;
use super::safety::SafetyPlan;
use super::terminal::{Reports, Voice};
use super::{Cancellation, effort, plan, report, terminal};
use crate::effort::{Effort, Work};
use crate::error::{Error, Kind, Result};
use crate::model::Stage;
use crate::remote::{PushOptions, RemoteDestination, Site};
use crate::store::real_path;
use crate::strapi::{LockWait, MediaOptions, Project, ProjectDestination};
use crate::transfer::summary::{Remembering, Summary, WarningList};
use crate::transfer::{
    Destination, Extent, Filter, OnFault, Report, Source, Transfer, Warning, check_losses,
};
use clap::{Args, ValueEnum};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a restore is done.
#[derive(Debug, Args)]
pub(super) struct RestoreArguments {
    /// Do not ask before data is deleted
    #[arg(long)]
    force: bool,
    /// Check everything, print what would happen, change nothing
    #[arg(long)]
    dry_run: bool,
    /// Let rows of tables that are not Strapi's be deleted, or lose their reference
    ///
    /// Such a row may refer, by a foreign key, to one that does not come back and is deleted. The plan
    /// counts what goes with it; without this option the restore is refused.
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
    pub strict: bool,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

/// What to do with data that is there.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Conflicts {
    /// Delete what is in scope, then load what comes
    #[default]
    Restore,
}

impl RestoreArguments {
    /// Whether it is asked before data is deleted.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): it is to be asked, and nobody is there. `verb` is what would delete.
    pub fn asks(&self, verb: &str, prompt: &Prompt) -> Result<bool> {
        let asks = !self.force && !self.dry_run;
        if asks && !prompt.is_possible() {
            return Err(Error::usage(format!(
                "{verb} deletes data, and there is no terminal to ask whether it may"
            ))
            .hint("add --force, or look first with --dry-run"));
        }
        Ok(asks)
    }

    /// The options that were given and are for a project that is restored.
    pub fn for_targets(&self) -> Vec<&'static str> {
        named([
            ("--allow-reference-loss", self.allow_reference_loss),
            ("--files-to", self.files_to.is_some()),
            ("--rewrite-urls", self.rewrite_urls),
        ])
    }

    /// The options that were given and are for projects, on whichever side.
    pub fn for_projects(&self) -> Vec<&'static str> {
        let mut given = self.for_targets();
        given.extend(self.media.given());
        given
    }

    /// The filter.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): its options exclude each other.
    pub fn filter(&self) -> Result<Filter> {
        self.filter.filter()
    }

    /// What collects how long things take, where that is to be told.
    pub fn effort(&self) -> Effort {
        self.verbose.then(Effort::measured).unwrap_or_default()
    }

    /// How files of a project are found that comes.
    pub fn media_options(&self, environment: &Environment) -> MediaOptions {
        self.media.options(environment)
    }

    /// A project that is restored, with what these options say of its files.
    ///
    /// # Errors
    /// Kind [`Usage`](Kind::Usage): the folder for files makes no sense.
    pub fn target(
        &self,
        project: Project,
        wait: LockWait,
        filter: &Filter,
        environment: &Environment,
    ) -> Result<Target> {
        let media = MediaOptions {
            aside: files_aside(self.files_to.as_deref(), &project, filter)?,
            ..self.media.options(environment)
        };
        Ok(Target::Project(Box::new(project.with_media(media)), wait))
    }
}

/// What is restored.
pub(super) enum Target {
    /// A project on this machine.
    Project(Box<Project>, LockWait),
    /// A running Strapi, and what is done so that its files are not lost.
    Site(Box<Site>, SafetyPlan),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(project, _) => project.fmt(f),
            Self::Site(site, _) => f.write_str(&site.name()),
        }
    }
}

/// A restore as it was asked for, every option in its place.
pub(super) struct Restore<'a> {
    /// Where the data comes from.
    pub source: Box<dyn Source>,
    /// What that is.
    pub coming: plan::Coming,
    /// Where the data goes.
    pub target: Target,
    /// What to take along.
    pub filter: Filter,
    /// How it is done.
    pub how: RestoreArguments,
    /// Who is asked before anything is deleted; nobody with `--force` and `--dry-run`.
    pub prompt: Option<Prompt>,
    /// What collects how long things take.
    pub effort: Effort,
    /// What stops it.
    pub cancellation: Cancellation,
    /// What is to be known before, beside what the destination says.
    pub notes: Vec<Warning>,
    /// The process environment.
    pub environment: &'a Environment,
}

/// What a restore says that did not do anything.
pub(super) const NOTHING: &str = "nothing was changed";

/// Runs a restore that could be put together; gives the exit code.
///
/// # Errors
/// It could not be put together, failed, or was not confirmed.
pub(super) fn conclude(
    restore: Result<Restore<'_>>,
    strict: bool,
    summary: &mut Summary,
) -> Result<u8> {
    let restored = restore.and_then(|it| it.run(summary));
    let report = restored.map_err(|error| error.interrupted_with(NOTHING))?;
    Ok(report::exit_code(&report, strict))
}

/// Says that an error changed nothing, if that is not told: whoever restores wants to know it first.
pub(super) fn unchanged(error: Error) -> Error {
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

impl Restore<'_> {
    /// Plans, asks, restores and reports.
    ///
    /// # Errors
    /// Something failed, or was not confirmed.
    pub fn run(mut self, summary: &mut Summary) -> Result<Report> {
        let voice = terminal::voice();
        if self.prompt.is_some() && voice == Voice::Quiet {
            // Whoever is asked has to know what.
            terminal::speak(Voice::Words);
        }
        let target = self.target.to_string();
        let (destination, own) = self.destination()?;
        let notices = [std::mem::take(&mut self.notes), own].concat();
        let mut warnings = WarningList::default();
        for notice in &notices {
            progress::warn(notice);
            warnings.add(notice);
        }
        let cancellation = self.cancellation;
        let progress =
            Progress::new(&cancellation, self.how.verbose).checking(self.coming.called());
        let watch = Remembering::new(&progress);
        let mut transfer = Transfer {
            source: self.source.as_mut(),
            destination,
            filter: self.filter,
            extent: self.how.scope.unwrap_or_default(),
            versions: self.how.strategies.versions(),
            schemas: self.how.strategies.schemas(),
            on_fault: OnFault::Stop,
            observer: &watch,
        };
        let planned = transfer.plan();
        summary.warn(warnings.joined(watch.warnings()));
        let mut plan = planned.map_err(unchanged)?;
        summary.source(&plan.source);
        // What a run announces it reports as well.
        for notice in &notices {
            plan.announced.count_warning(notice);
        }
        plan::print(&plan, &target, &self.coming);
        if let Target::Site(_, safety) = &self.target {
            safety.tell();
        }
        check_losses(&plan.losses, self.how.allow_reference_loss).map_err(unchanged)?;
        if self.how.dry_run {
            summary.report(&plan.announced);
            report::print(Reports::Stdout, &plan.announced);
            effort::tell(&self.effort, &[]);
            Reports::Stdout.conclude("Dry run: nothing was changed");
            return Ok(plan.announced);
        }
        let question = format!("Delete this and load {}?", self.coming.called());
        if let Some(prompt) = self.prompt
            && !self
                .effort
                .time(Work::Asking, || prompt.confirm(&question))?
        {
            return Err(Error::new(
                Kind::Failed,
                "not confirmed; nothing was changed",
            ));
        }
        terminal::speak(voice);
        let transferred = transfer.run(&plan);
        summary.warn(warnings.joined(watch.warnings()));
        let report = match (transferred, &self.target) {
            (Ok(report), Target::Project(..)) => report,
            (Ok(report), Target::Site(_, safety)) => {
                summary.safety_copy = safety.after_success();
                report
            }
            (Err(error), Target::Project(..)) => return Err(unchanged(error)),
            (Err(error), Target::Site(_, safety)) => {
                summary.safety_copy = safety.after_failure();
                return Err(error);
            }
        };
        cancellation.tell_held();
        summary.report(&report);
        report::print(Reports::Stdout, &report);
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::alert(&shortfall);
        }
        effort::tell(&self.effort, &[]);
        let after = match &self.target {
            Target::Project(..) => "; start Strapi again if it was running",
            Target::Site(..) => "",
        };
        Reports::Stdout.conclude(&format!("{} is restored{after}", terminal::safe(&target)));
        Ok(report)
    }
}

impl Restore<'_> {
    /// Opens what is restored; gives also what is to be known of it.
    fn destination(&self) -> Result<(Box<dyn Destination>, Vec<Warning>)> {
        let spool = &self.environment.temporary;
        match &self.target {
            Target::Project(project, wait) => {
                let project = Project::clone(project);
                let destination = match self.how.dry_run {
                    true => ProjectDestination::look(project, wait, spool)?,
                    false => ProjectDestination::open(project, wait, spool)?,
                };
                let destination = destination
                    .allow_reference_loss(self.how.allow_reference_loss)
                    .rewrite_urls(self.how.rewrite_urls);
                let notices = destination.notices().to_vec();
                Ok((Box::new(destination), notices))
            }
            Target::Site(site, safety) => {
                let options = PushOptions {
                    safety: safety.copy(),
                    lock_folder: Environment::locks(),
                    half_way: Some(Arc::new({
                        let cancellation = self.cancellation.clone();
                        move |is_half_way| cancellation.half_way(is_half_way)
                    })),
                    tell: Some(terminal::tell),
                };
                let site = Site::clone(site);
                let destination = RemoteDestination::new(site, spool, options);
                Ok((Box::new(destination), Vec::new()))
            }
        }
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
