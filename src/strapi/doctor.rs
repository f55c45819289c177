//! Looks at everything that a backup or a restore of a project would use and need, and changes nothing.

mod facts;

use super::catalogue::Catalogue;
use super::config::{self, Chosen, ChosenBy, ProjectConfig};
use super::dialect::Dialect;
use super::lock::ProjectLock;
use super::project::{Choices, Project};
use super::restore::recovery;
use super::uploads::{LOCAL_PROVIDER, Uploads};
use super::version::{self, StrapiVersion};
use super::{running, schema};
use crate::database::{Connection, DatabaseSettings, Stop, Timeouts};
use crate::error::{Error, Result};
use crate::room::{available, worded};
use crate::store::{folder_of, real_path};
use rustix::fs::{Access, access};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use facts::{Database, Facts, Media, Strapi};

/// How many of several things of one kind are told.
const TOLD: usize = 5;

/// What was found of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Ok,
    /// Something is worth knowing, such as that a restore would fail.
    Note,
    /// A backup would fail, or something is to be seen to.
    Problem,
}

/// What was found of one thing.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// How it is.
    pub status: Status,
    /// What it is about, such as `database`.
    pub subject: &'static str,
    /// What was found.
    pub text: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Finding {
    /// That something is well.
    pub fn ok(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            subject,
            text: text.into(),
            advice: None,
        }
    }

    /// That something is worth knowing.
    pub fn note(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            status: Status::Note,
            ..Self::ok(subject, text)
        }
    }

    /// That something is in the way.
    pub fn problem(subject: &'static str, error: &Error) -> Self {
        Self {
            status: Status::Problem,
            advice: error.advice().map(str::to_owned),
            ..Self::ok(subject, error.to_string())
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Examination {
    /// In the order in which a run needs it.
    pub findings: Vec<Finding>,
    /// What is known, for programs.
    pub facts: Facts,
}

/// Where and how to look.
pub struct Examiner<'a> {
    /// The folder of the project.
    pub folder: &'a Path,
    /// The process environment.
    pub environment: &'a BTreeMap<String, String>,
    /// What is taken instead of what the project says.
    pub choices: &'a Choices,
    /// How long to wait for its database.
    pub timeouts: Timeouts,
    /// What ends it.
    pub stop: Stop,
    /// Whether nothing is connected to.
    pub offline: bool,
    /// Where lines are spooled.
    pub spool_folder: &'a Path,
}

impl Examiner<'_> {
    /// Looks at the project.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): that was asked for. Whatever else goes wrong is found.
    pub fn examine(&self) -> Result<Examination> {
        let mut found = Examination::default();
        let project = self.project(&mut found);
        if let Some(project) = &project {
            found.database(project, self.offline);
            found.uploads(project, self.offline);
        }
        found.spool(self.spool_folder);
        match self.stop.is_requested() {
            true => Err(Error::interrupted()),
            false => Ok(found),
        }
    }

    /// The project, where enough of it can be told.
    fn project(&self, found: &mut Examination) -> Option<Project> {
        let root = match self.folder.canonicalize() {
            Ok(root) => root,
            Err(error) => {
                let error = Error::io("open the project at", self.folder, error);
                found.problem("project", &error);
                return None;
            }
        };
        found.ok("project", root.display().to_string());
        let version = version::find(&root, self.choices.strapi_version.as_deref());
        let version = found.settled("Strapi", version);
        let dialect = version.as_ref().and_then(|version| {
            let dialect = found.settled("Strapi", Dialect::of_version(&version.version))?;
            found.strapi(version);
            Some(dialect)
        });
        let chosen = Chosen {
            database_url: self.choices.database_url.as_deref(),
            environment: self.choices.environment.as_deref(),
        };
        let config = config::load(&root, self.environment, chosen, &self.stop);
        let config = found.settled("configuration", config.map_err(Error::from))?;
        found.configuration(&config);
        let (version, dialect) = version.zip(dialect)?;
        let config = Arc::new(config);
        let (timeouts, stop) = (self.timeouts, self.stop.clone());
        let project = Project::assemble(root, version, dialect, config, timeouts, stop);
        if let Some(doubt) = project.doubt() {
            let advice = doubt.advice().map(str::to_owned);
            found.findings.push(Finding {
                advice,
                ..Finding::note("environment", doubt.to_string())
            });
        }
        Some(project)
    }
}

impl Examination {
    /// Whether there are problems.
    pub fn has_problems(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.status == Status::Problem)
    }

    fn ok(&mut self, subject: &'static str, text: impl Into<String>) {
        self.findings.push(Finding::ok(subject, text));
    }

    fn problem(&mut self, subject: &'static str, error: &Error) {
        self.findings.push(Finding::problem(subject, error));
    }

    /// The value, or nothing where there is an error, which becomes a problem.
    fn settled<T>(&mut self, subject: &'static str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.problem(subject, &error)).ok()
    }

    fn strapi(&mut self, found: &StrapiVersion) {
        let StrapiVersion { version, from } = found;
        self.ok("Strapi", format!("{version} ({from})"));
        self.facts.strapi = Some(Strapi {
            version: version.clone(),
            from: from.clone(),
        });
    }

    /// What the configuration says, without asking anybody.
    fn configuration(&mut self, config: &ProjectConfig) {
        let by = match config.node_env.chosen_by {
            ChosenBy::Caller => "--environment",
            ChosenBy::Process => "NODE_ENV",
            ChosenBy::File => "NODE_ENV in .env",
            ChosenBy::Nobody => "by default: NODE_ENV is not set",
        };
        let name = &config.node_env.name;
        self.ok("environment", format!("{name} ({by})"));
        self.facts.environment = Some(name.clone());
        let files: Vec<String> = config
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        if !files.is_empty() {
            self.ok("configuration", files.join(", "));
        }
        for warning in &config.warnings {
            self.findings
                .push(Finding::note("configuration", warning.to_string()));
        }
        self.place(&config.database);
        self.facts.uploads = Some(Media {
            provider: config.upload.as_ref().ok().map(|it| it.provider.clone()),
            folder: config.public_dir.join("uploads"),
        });
    }

    /// Where the database is.
    fn place(&mut self, settings: &DatabaseSettings) {
        let facts = Database::of(settings);
        let place = settings.target();
        let tls = match facts.tls {
            None | Some("off") => String::new(),
            Some(tls) => format!(", TLS ({tls})"),
        };
        let schema = match &facts.schema {
            Some(schema) => format!(", schema {schema}"),
            None => String::new(),
        };
        self.ok("database", format!("{place}{schema}{tls}"));
        self.facts.database = Some(facts);
    }

    fn database(&mut self, project: &Project, offline: bool) {
        if offline {
            self.ok("database", "not asked (--offline)");
            return;
        }
        if let Some(journal) = project.database_file().and_then(hot_journal) {
            // Whoever opens it rolls that back.
            let text = format!(
                "not asked: a writer was killed and left {}, which the next run rolls back",
                journal.display()
            );
            self.findings.push(Finding::note("database", text));
            return;
        }
        let Some(mut database) = self.settled("database", project.connect_to_read()) else {
            return;
        };
        let database = database.as_mut();
        let Some(catalogue) = self.settled("database", schema::load(project, database)) else {
            return;
        };
        let (types, components) = (
            catalogue.models.iter().count(),
            catalogue.models.components().count(),
        );
        let types = types - components;
        self.ok(
            "database",
            format!("it answers, and has {types} content types and {components} components"),
        );
        for notice in &catalogue.notices {
            self.findings
                .push(Finding::note("database", notice.to_string()));
        }
        if let Some(others) = running::others(database) {
            self.findings
                .push(Finding::note("database", others.to_string()));
        }
        if !self.can_read(database, &catalogue) {
            return;
        }
        self.rights(project, &catalogue);
        let held = ProjectLock::look(project, database);
        if self.settled("lock", held).is_some() {
            self.ok("lock", "no restore holds the project");
        }
        let told = recovery::describe(project, database);
        let left = project.uploads().left();
        let (told, left) = (
            self.settled("earlier restores", told),
            self.settled("earlier restores", left),
        );
        if told.as_ref().is_some_and(Vec::is_empty) && left.as_ref().is_some_and(Vec::is_empty) {
            self.ok("earlier restores", "all have ended, and left nothing");
        }
        let left = left.unwrap_or_default().into_iter().map(|place| {
            format!(
                "an earlier restore left {place}; the next import, or backup recover, deletes it"
            )
        });
        for text in told.unwrap_or_default().into_iter().chain(left) {
            self.findings.push(Finding::note("earlier restores", text));
        }
    }

    /// Whether all tables can be read.
    fn can_read(&mut self, database: &mut dyn Connection, catalogue: &Catalogue) -> bool {
        for table in catalogue.models.tables() {
            let sql = format!("SELECT 1 FROM {} WHERE 1 = 0", database.quote(table));
            let read = database.query(&sql, &[], &mut |_| Ok(()));
            if self.settled("rights", read).is_none() {
                return false;
            }
        }
        true
    }

    /// What the user may do in the database.
    fn rights(&mut self, project: &Project, catalogue: &Catalogue) {
        let writing = project.connect_to_write().and_then(|mut database| {
            database.check_writable()?;
            Ok(database)
        });
        let mut database = match writing {
            Ok(database) => database,
            Err(error) => {
                // An export needs no more.
                let note = Finding::note("rights", format!("no restore: {error}"));
                let advice = error.advice().map(str::to_owned);
                self.findings.push(Finding { advice, ..note });
                return;
            }
        };
        if let Some(file) = project.database_file() {
            self.sqlite(file);
            return;
        }
        let mut refused = Vec::new();
        for table in catalogue.models.tables() {
            let tried = database.check_rights(table);
            refused.extend(tried.err().map(|error| (table, error)));
        }
        let Some((_, first)) = refused.first() else {
            self.ok("rights", "all tables of Strapi can be read and written");
            return;
        };
        let names: Vec<&str> = refused.iter().map(|(table, _)| *table).take(TOLD).collect();
        let more = match refused.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!("no restore into {}{more}: {first}", names.join(", "));
        let advice = first.advice().map(str::to_owned);
        let note = Finding::note("rights", text);
        self.findings.push(Finding { advice, ..note });
    }

    fn sqlite(&mut self, file: &Path) {
        let folder = folder_of(file);
        if access(folder, Access::WRITE_OK).is_err() {
            let text = format!(
                "no restore: {} cannot be written to, where SQLite puts its journal",
                folder.display()
            );
            self.findings.push(Finding::note("rights", text));
            return;
        }
        let size = file.metadata().map_or(0, |file| file.len());
        let text = format!("{} can be read and written{}", worded(size), room(folder));
        self.ok("rights", text);
    }

    fn uploads(&mut self, project: &Project, offline: bool) {
        let config = &project.config;
        let provider = match &config.upload {
            Ok(upload) => upload.provider.clone(),
            Err(error) => {
                let text = format!("no restore of files: {error}");
                self.findings.push(Finding::note("uploads", text));
                return;
            }
        };
        let folder = config.public_dir.join("uploads");
        let uploads = project.uploads();
        if provider != LOCAL_PROVIDER {
            self.elsewhere(uploads.as_ref(), &provider, offline);
        }
        // Files from before it had that provider may lie there still.
        if self.settled("uploads", uploads.check()).is_none() || provider != LOCAL_PROVIDER {
            return;
        }
        let place = folder.display();
        if !folder.is_dir() {
            let text = format!("{place} is not there yet");
            self.findings.push(Finding::note("uploads", text));
        } else if access(&folder, Access::WRITE_OK).is_err() {
            let text = format!("no restore of files: {place} cannot be written to");
            self.findings.push(Finding::note("uploads", text));
        } else {
            let text = format!("{place} can be read and written{}", room(&folder));
            self.ok("uploads", text);
        }
    }

    /// Where files are kept by another provider than the local one.
    fn elsewhere(&mut self, uploads: &dyn Uploads, provider: &str, offline: bool) {
        if offline {
            let text = format!("the provider {provider} was not asked");
            self.findings.push(Finding::note("uploads", text));
            return;
        }
        match uploads.check_takes_files() {
            Ok(()) => {
                let text = format!(
                    "{} can be listed, for the provider {provider}",
                    uploads.place()
                );
                self.ok("uploads", text);
            }
            Err(error) if !error.is_denied() => self.problem("uploads", &error),
            // An export goes on by URL.
            Err(error) => {
                let note = Finding::note("uploads", format!("no restore of files: {error}"));
                let advice = error.advice().map(str::to_owned);
                self.findings.push(Finding { advice, ..note });
            }
        }
    }

    fn spool(&mut self, folder: &Path) {
        let place = folder.display();
        match access(folder, Access::WRITE_OK) {
            Ok(()) => self.ok("temporary files", format!("{place}{}", room(folder))),
            Err(error) => {
                let error = Error::io(
                    "write to the folder for temporary files",
                    folder,
                    error.into(),
                )
                .hint("name another one with TMPDIR");
                self.problem("temporary files", &error);
            }
        }
    }
}

/// How much room there is.
fn room(folder: &Path) -> String {
    match available(folder) {
        Some(free) => format!(", {} free", worded(free)),
        None => String::new(),
    }
}

/// The journal beside a SQLite database that has something in it, as a writer leaves one that is killed.
fn hot_journal(file: &Path) -> Option<PathBuf> {
    let mut journal = real_path(file).into_os_string();
    journal.push("-journal");
    let journal = PathBuf::from(journal);
    let length = journal.metadata().map_or(0, |journal| journal.len());
    (length > 0).then_some(journal)
}
