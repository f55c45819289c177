//! `backup import`: an archive into a project.

use super::filter::FilterArguments;
use super::progress::Progress;
use super::project::ProjectArguments;
use super::{Cancellation, key, report, terminal};
use crate::archive::{ArchiveSource, is_encrypted};
use crate::error::{Error, Kind, Result};
use crate::strapi::ProjectDestination;
use crate::transfer::{Plan, Report, SchemaStrategy, Stage, Transfer, VersionStrategy};
use clap::{Args, ValueEnum};
use indicatif::HumanCount;
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

Without --key the variable BACKUP_KEY is used, or the key is asked for.")]
pub(super) struct Arguments {
    #[command(flatten)]
    project: ProjectArguments,
    /// The archive: a file, or a folder that holds an unpacked one
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Key the archive was encrypted with
    #[arg(short, long, value_name = "KEY")]
    key: Option<String>,
    /// Do not ask before data is deleted
    #[arg(long)]
    force: bool,
    /// Check everything, print what would happen, change nothing
    #[arg(long)]
    dry_run: bool,
    /// How much the Strapi versions of archive and project may differ
    #[arg(
        long = "version-strategy",
        alias = "versionStrategy",
        value_enum,
        default_value_t
    )]
    versions: Versions,
    /// How much the schemas of archive and project may differ
    #[arg(
        long = "schema-strategy",
        alias = "schemaStrategy",
        value_enum,
        default_value_t
    )]
    schemas: Schemas,
    /// What to do with data that is there
    #[arg(
        long = "conflict-strategy",
        alias = "conflictStrategy",
        value_enum,
        default_value_t
    )]
    conflicts: Conflicts,
    /// Say more
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
}

/// How much versions may differ.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Versions {
    /// The same Strapi, and the same plugins where both sides name theirs
    #[default]
    Exact,
    /// The same major.minor.patch
    Patch,
    /// The same major.minor
    Minor,
    /// The same major
    Major,
    /// Anything
    Ignore,
}

/// How much schemas may differ.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Schemas {
    /// Not at all
    #[default]
    Exact,
    /// In private, required, configurable and default of attributes
    Strict,
    /// Anything: what fits is loaded, the rest is listed as lost
    Ignore,
}

/// What to do with data that is there.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Conflicts {
    /// Delete what is in scope, then load the archive
    #[default]
    Restore,
}

impl Arguments {
    /// Runs the import.
    pub fn run(self) -> Result<Report> {
        let filter = self.filter.filter()?;
        let Conflicts::Restore = self.conflicts;
        let asks = !self.force && !self.dry_run;
        if asks && !terminal::is_interactive() {
            return Err(Error::usage(
                "an import deletes data, and there is no terminal to ask whether it may",
            )
            .hint("add --force, or look first with --dry-run"));
        }
        let mut source = self.open_archive()?;
        let project = self.project.open()?;
        let mut destination = ProjectDestination::open(project.clone())?;
        let target = format!(
            "{} (Strapi {}, database {})",
            project.root().display(),
            project.version(),
            destination.database()
        );
        for notice in destination.notices() {
            terminal::tell(&format!("note: {notice}"));
        }
        let cancellation = Cancellation::listen()?;
        let progress = Progress::new(&cancellation, self.verbose);
        let mut transfer = Transfer {
            source: &mut source,
            destination: &mut destination,
            filter,
            versions: self.versions.into(),
            schemas: self.schemas.into(),
            observer: &progress,
        };
        let plan = transfer.plan()?;
        print_plan(&plan, &target);
        if self.dry_run {
            terminal::print(&report::table(&plan.announced))?;
            terminal::print("Dry run: nothing was changed")?;
            return Ok(plan.announced);
        }
        let question = "Delete this and load the archive?";
        if asks && !cancellation.while_idle(|| terminal::confirm(question))? {
            return Err(Error::new(
                Kind::Failed,
                "not confirmed; nothing was changed",
            ));
        }
        let report = transfer.run(&plan)?;
        terminal::print(&report::table(&report))?;
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::tell(&shortfall);
        }
        terminal::print(&format!(
            "{} is restored; start Strapi again if it was running",
            terminal::safe(&target)
        ))?;
        Ok(report)
    }

    fn open_archive(&self) -> Result<ArchiveSource> {
        if is_encrypted(&self.file)? {
            let key = match key::given(self.key.as_deref())? {
                Some(key) => key,
                None => key::ask_existing()?,
            };
            ArchiveSource::open(&self.file, Some(&key))
        } else {
            // A key in the environment is for the archives that need it; one that was typed is not.
            ArchiveSource::open(&self.file, self.key.as_deref())
        }
    }
}

/// Says what is going to be deleted and what stays.
fn print_plan(plan: &Plan, target: &str) {
    terminal::tell(&format!(
        "archive: made {} on Strapi {}",
        plan.source
            .metadata
            .created_at
            .as_deref()
            .unwrap_or("at an unknown time"),
        plan.source.metadata.strapi.version
    ));
    terminal::tell(&format!("target:  {target}"));
    if plan.deletions.is_empty() {
        terminal::tell("to be deleted: nothing, the target is empty");
    } else {
        terminal::tell("to be deleted:");
        for deletion in &plan.deletions {
            terminal::tell(&format!(
                "  {:>10}  {}",
                HumanCount(deletion.count).to_string(),
                deletion.what
            ));
        }
    }
    let kept: Vec<&str> = [
        (Stage::Entities, "content"),
        (Stage::Assets, "files"),
        (Stage::Configuration, "configuration"),
    ]
    .into_iter()
    .filter(|(stage, _)| !plan.filter.includes(*stage))
    .map(|(_, name)| name)
    .chain(["administrators, roles and tokens"])
    .collect();
    terminal::tell(&format!("not touched: {}", kept.join(", ")));
    if plan.filter.is_partial() && plan.filter.includes(Stage::Entities) {
        terminal::tell("links between content that is replaced and content that stays are removed");
    }
}

impl From<Versions> for VersionStrategy {
    fn from(versions: Versions) -> Self {
        match versions {
            Versions::Exact => Self::Exact,
            Versions::Patch => Self::Patch,
            Versions::Minor => Self::Minor,
            Versions::Major => Self::Major,
            Versions::Ignore => Self::Ignore,
        }
    }
}

impl From<Schemas> for SchemaStrategy {
    fn from(schemas: Schemas) -> Self {
        match schemas {
            Schemas::Exact => Self::Exact,
            Schemas::Strict => Self::Strict,
            Schemas::Ignore => Self::Ignore,
        }
    }
}
