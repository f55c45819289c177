//! `backup diff`: what is not the same in two archives, or in an archive and a project.

mod dangling;
mod side;
mod told;

use super::environment::Environment;
use super::filter::FilterArguments;
use super::key::KeyArguments;
use super::media::MediaArguments;
use super::progress::Progress;
use super::project::ChoiceArguments;
use super::run::RunArguments;
use super::terminal::Reports;
use super::verify::{damaged, print_faults, verdict};
use super::waiting::WaitArguments;
use super::{Cancellation, STREAM, effort, exit_code, open_archive, terminal};
use crate::comparison::{Comparison, Match};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::model::Stage;
use crate::strapi::ProjectSource;
use crate::transfer::summary::{ComparedFacts, Failure, Remembering, Summary};
use crate::transfer::{
    Description, Event, Filter, Observer, OnFault, Plan, Subject, Warning, WarningKind,
};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use dangling::Dangling;
use side::{Side, check_folder, is_project};
use std::path::{Path, PathBuf};

/// The two are not the same.
const DIFFERENT: u8 = 7;
/// The variable that has all projects use one database.
const DATABASE_URL: &str = "BACKUP_DATABASE_URL";

/// Say what is not the same in two archives, or in an archive and a project
///
/// Compares schemas, rows with their components, links, files and configuration, by what values mean
/// and not by how they are written; names what was added, removed and changed from the first to the
/// second, of rows also the attributes. Reads each once, keeps digests alone, and changes nothing.
/// When something was made and in which order it stands in an archive does not count.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup diff site-2026-11-20.tar.gz.enc site-2026-11-21.tar.gz.enc
  backup diff site.tar.gz.enc /srv/strapi --environment production
  backup diff before.tar after.tar --match document
  backup diff a.tar.gz.enc b.tar.gz.enc --key-file /etc/backup/key --other-key-file /etc/backup/old
  ssh backups@host cat site.tar.gz.enc | backup diff - /srv/strapi --only content

The key is for both archives, unless --other-key-file, --other-key-command or a BACKUP_OTHER_KEY
variable names another one for the second.

Exit codes: 0 the same, 7 different, 6 one of them is damaged, 12 wrong key.")]
pub(super) struct Arguments {
    /// The first: an archive (a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin),
    /// or the folder of a project
    #[arg(value_name = "A")]
    first: PathBuf,
    /// The second
    #[arg(value_name = "B")]
    second: PathBuf,
    /// What rows are known by: their ids; or their documents, languages and states, for archives that went
    /// through `strapi import`, which gives rows other ids (Strapi 5 alone has documents)
    #[arg(long = "match", value_name = "BY", value_enum, default_value_t)]
    matching: Match,
    /// Name all differences, not the first twenty of each kind. --json always does
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    key: KeyArguments,
    /// File that holds the key of the second archive, where that is another one
    #[arg(long, value_name = "FILE")]
    other_key_file: Option<PathBuf>,
    /// Command that prints the key of the second archive
    #[arg(long, value_name = "COMMAND", conflicts_with = "other_key_file")]
    other_key_command: Option<String>,
    #[command(flatten)]
    choices: ChoiceArguments,
    #[command(flatten)]
    waiting: WaitArguments,
    #[command(flatten)]
    media: MediaArguments,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    alone: RunArguments,
}

impl ValueEnum for Match {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Id, Self::Document]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

/// A comparison as it was asked for, every option in its place.
struct Request {
    names: [String; 2],
    sides: [Side; 2],
    matching: Match,
    all: bool,
    filter: Filter,
    verbose: bool,
    effort: Effort,
    cancellation: Cancellation,
    folder: PathBuf,
}

impl Arguments {
    /// Runs the comparison; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        alone.run(
            "diff",
            Reports::Stdout,
            environment,
            |cancellation, summary| {
                let mut at = String::new();
                let request = self.request(environment, cancellation, &mut at);
                let compared = request.and_then(|it| it.run(summary, &mut at));
                compared.or_else(|error| {
                    let unfinished = "the two were not compared to the end";
                    damaged(error, summary, &terminal::safe(&at), unfinished)
                })
            },
        )
    }

    /// Opens both; `at` is the name of the one that is looked at.
    fn request(
        mut self,
        environment: &Environment,
        cancellation: &Cancellation,
        at: &mut String,
    ) -> Result<Request> {
        let paths = [self.first.clone(), self.second.clone()];
        self.check(&paths, environment)?;
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        // What one of them does not need, the other may.
        self.key.is_for_several = true;
        let has_other = self.other_key_file.is_some() || self.other_key_command.is_some();
        let other_key = match has_other {
            true => self
                .key
                .with_source(self.other_key_file.take(), self.other_key_command.take()),
            false if environment.has_other_key() => self.key.with_source(None, None),
            false => self.key.clone(),
        };
        let other_environment = environment.with_other_key();
        let mut open = |path: &Path, key: &KeyArguments, environment: &Environment| {
            *at = path.display().to_string();
            self.open(path, key, cancellation, &effort, environment)
        };
        let first = open(&paths[0], &self.key, environment)?;
        let second = open(&paths[1], &other_key, &other_environment)?;
        let other_needless = other_key
            .needless()
            .filter(|what| has_other && *what == "key");
        if other_needless.is_some() {
            return Err(Error::usage(format!(
                "{} takes no key, and an option names another one for it",
                paths[1].display()
            ))
            .hint("leave --other-key-file and --other-key-command out"));
        }
        if let Some(what) = self.key.needless() {
            let of = if has_other && what == "key" {
                "the first"
            } else {
                "either"
            };
            return Err(Error::usage(format!(
                "an option names the {what} of an archive, and {of} takes none"
            ))
            .hint(format!("leave the option for the {what} out")));
        }
        Ok(Request {
            names: paths.map(|path| path.display().to_string()),
            sides: [first, second],
            matching: self.matching,
            all: self.all,
            filter: self.filter.filter()?,
            verbose: self.verbose,
            effort,
            cancellation: cancellation.clone(),
            folder: environment.temporary.clone(),
        })
    }

    /// Whether the options fit together.
    fn check(&self, paths: &[PathBuf; 2], environment: &Environment) -> Result<()> {
        if paths.iter().all(|path| path == Path::new(STREAM)) {
            return Err(Error::usage("stdin holds one archive, and is named twice")
                .hint("name the other one by its file"));
        }
        let mut projects = 0;
        for path in paths {
            projects += usize::from(is_project(path)?);
        }
        let is_given = self.choices.is_given();
        match projects {
            0 if is_given => Err(Error::usage(
                "--database-url, --environment and --strapi-version say how to read a project, and neither is one",
            )
            .hint("leave them out, or name the folder of a project")),
            2 if is_given || environment.get(DATABASE_URL).is_some() => Err(Error::usage(format!(
                "--database-url, --environment, --strapi-version and {DATABASE_URL} would be for both projects"
            ))
            .hint("export one of them, and compare the archive with the other")),
            _ => Ok(()),
        }
    }

    fn open(
        &self,
        path: &Path,
        key: &KeyArguments,
        cancellation: &Cancellation,
        effort: &Effort,
        environment: &Environment,
    ) -> Result<Side> {
        if !is_project(path)? {
            check_folder(path)?;
            terminal::tell(&format!("archive: {}", path.display()));
            let fault = OnFault::GoOn;
            let archive = open_archive(path, key, fault, cancellation, effort, environment)?;
            return Ok(Side::Archive(Box::new(archive)));
        }
        terminal::tell(&format!("project: {}", path.display()));
        let project = self.choices.open(path, environment, cancellation, false)?;
        let project = project
            .measured(effort)
            .with_media(self.media.options(environment));
        let wait = self.waiting.wait(cancellation.interrupt());
        let source = ProjectSource::open(project, &wait)?;
        Ok(Side::Project(Box::new(source)))
    }
}

impl Request {
    fn run(mut self, summary: &mut Summary, at: &mut String) -> Result<u8> {
        let mut descriptions = Vec::new();
        let mut facts = Vec::new();
        for (name, side) in self.names.iter().zip(&mut self.sides) {
            at.clone_from(name);
            let described = side.source().describe();
            let description = described.map_err(|error| error.within(name))?;
            facts.push(side.facts(&description));
            descriptions.push(description);
        }
        summary.compared = Some(ComparedFacts {
            matching: self.matching.as_str().into(),
            sides: facts,
            ..ComparedFacts::default()
        });
        let [one, other] = descriptions.as_slice() else {
            unreachable!("there are two");
        };
        check_documents(self.matching, &self.names, [one, other])?;
        let progress = Progress::new(&self.cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let compared = self.compare([one, other], &watch, summary, at);
        summary.warn(watch.warnings());
        effort::tell(&self.effort, &[]);
        compared
    }

    fn compare(
        &mut self,
        descriptions: [&Description; 2],
        watch: &dyn Observer,
        summary: &mut Summary,
        at: &mut String,
    ) -> Result<u8> {
        let mut comparison = Comparison::new(
            descriptions,
            self.matching,
            self.filter.clone(),
            &self.folder,
            watch,
        )?;
        let mut verdicts = Vec::new();
        for (index, side) in self.sides.iter_mut().enumerate() {
            let name = &self.names[index];
            at.clone_from(name);
            terminal::tell(&format!("reading {name}"));
            let is_all = matches!(side, Side::Project(_));
            let dangling = Dangling::new(watch, name);
            let plan = comparison.take(side.source(), is_all, &dangling);
            let plan = plan.map_err(|error| error.within(name))?;
            dangling.tell();
            side.tell_of_export();
            remember(summary, index, &plan);
            if !plan.faults.is_empty() {
                terminal::alert(&format!("{name}:"));
                print_faults(&plan);
                verdicts.push(verdict(&terminal::safe(name), plan.faults.iter()));
            }
        }
        if !verdicts.is_empty() {
            Reports::Stdout.conclude(&verdicts.join(", and "));
            return Ok(exit_code(Kind::Archive));
        }
        if comparison.is_of_nothing() {
            return Err(Error::usage(
                "there is nothing to compare: what one of the two holds, the other was made without",
            )
            .hint("name two that hold content, files or configuration both"));
        }
        let tally = told::tell(&comparison, self.all)?;
        for note in comparison
            .notes(&tally)
            .iter()
            .chain(&versions(descriptions))
        {
            watch.on(Event::Warned(note));
        }
        if let Some(compared) = &mut summary.compared {
            told::remember(compared, &tally);
            compared.not_compared = comparison.not_compared();
        }
        match tally.all() {
            0 => {
                Reports::Stdout.conclude(match comparison.not_compared().is_empty() {
                    true => "The two are the same",
                    false => "What was compared is the same",
                });
                Ok(0)
            }
            _ => {
                Reports::Stdout.conclude("The two are different");
                Ok(DIFFERENT)
            }
        }
    }
}

/// Takes over what one of the two holds, and what is wrong with it.
fn remember(summary: &mut Summary, index: usize, plan: &Plan) {
    let faults = plan.faults.iter().map(Failure::from);
    summary.faults.extend(faults);
    summary.faults_left_out += plan.faults.more();
    let compared = summary.compared.as_mut();
    if let Some(side) = compared.and_then(|it| it.sides.get_mut(index)) {
        let stages = plan.announced.stages.iter();
        let counts = stages.map(|(stage, report)| (stage.to_string(), report.total.items));
        side.counts = counts.collect();
    }
}

/// Whether both have documents, where rows are to be known by these.
fn check_documents(
    matching: Match,
    names: &[String; 2],
    descriptions: [&Description; 2],
) -> Result<()> {
    let of_strapi_4 = |description: &Description| {
        let metadata = description.metadata.as_ref()?;
        let version = &metadata.strapi.version;
        version.starts_with("4.").then(|| version.clone())
    };
    if matching == Match::Id {
        return Ok(());
    }
    for (name, description) in names.iter().zip(descriptions) {
        if let Some(version) = of_strapi_4(description) {
            return Err(Error::usage(format!(
                "{name} is of Strapi {version}: rows of Strapi 4 have no document ids to be known by"
            ))
            .hint("leave --match out: rows are then known by their ids"));
        }
    }
    Ok(())
}

/// The note that the two are of different versions of Strapi, which is no difference by itself.
fn versions(descriptions: [&Description; 2]) -> Option<Warning> {
    let version = |it: &Description| it.metadata.as_ref().map(|it| it.strapi.version.clone());
    let [one, other] = descriptions.map(version);
    let (one, other) = (one?, other?);
    (one != other).then(|| {
        let reason =
            format!("Strapi {one} became Strapi {other}, which does not count as a difference");
        let subject = Subject::Stage(Stage::Schemas);
        Warning::new(WarningKind::Notice, subject, reason)
    })
}
