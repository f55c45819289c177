//! Finds a Strapi project: its version, its database, its folders.

use super::config::{self, Chosen, ChosenBy, ProjectConfig};
use super::dialect::Dialect;
use super::uploads::{Library, Links, MediaOptions, Uploads};
use super::values::Home;
use super::version::{self, StrapiVersion};
use super::zone;
use crate::database::{
    Connection, DatabaseSettings, GLANCE, Mysql, Postgres, SLOW, Sqlite, Stop, Timeouts,
};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::model::Schemas;
use crate::store::{Access, Interrupt, real_path};
use crate::threads::start;
use jiff::tz::TimeZone;
use semver::Version;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

/// What is taken instead of what a project says.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// The URL of a database.
    pub database_url: Option<String>,
    /// The environment, in place of `NODE_ENV`.
    pub environment: Option<String>,
    /// The version of Strapi.
    pub strapi_version: Option<String>,
}

/// A Strapi project on disk.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) root: PathBuf,
    pub(super) version: StrapiVersion,
    pub(super) dialect: Dialect,
    pub(super) config: Arc<ProjectConfig>,
    /// Its content types and components, where it is made up of them; else its database and its folders say.
    pub(super) made_of: Option<Arc<Schemas>>,
    timeouts: Timeouts,
    media: MediaOptions,
    pub(super) stop: Stop,
    pub(super) effort: Effort,
}

/// Where it is, its Strapi, its database and its environment, for people.
impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (root, version) = (self.root.display(), self.version());
        let (database, environment) = (self.database_place(), self.node_env());
        write!(
            f,
            "{root} (Strapi {version}, database {database}, environment {environment})"
        )
    }
}

impl Project {
    /// Finds the project in the folder `root`. `environment` is the process environment, which wins
    /// over the project's `.env` as it does in Strapi; `choices` win over the project's own settings;
    /// `timeouts` says how long to wait for its database. Neither its configuration nor its database
    /// is waited for once `stop` is requested.
    ///
    /// # Errors
    /// There is no Strapi project there, or its version or configuration cannot be told. Kind
    /// [`Interrupted`](crate::error::Kind::Interrupted): `stop` was requested.
    pub fn open(
        root: &Path,
        environment: &BTreeMap<String, String>,
        choices: &Choices,
        timeouts: Timeouts,
        stop: Stop,
    ) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|error| Error::io("open the project at", root, error))?;
        let version = version::find(&root, choices.strapi_version.as_deref())?;
        let dialect = Dialect::of_version(&version.version)?;
        let chosen = Chosen {
            database_url: choices.database_url.as_deref(),
            environment: choices.environment.as_deref(),
        };
        let config = Arc::new(config::load(&root, environment, chosen, &stop)?);
        Ok(Self::assemble(
            root, version, dialect, config, timeouts, stop,
        ))
    }

    /// Puts together what was found of it.
    pub(super) fn assemble(
        root: PathBuf,
        version: StrapiVersion,
        dialect: Dialect,
        config: Arc<ProjectConfig>,
        timeouts: Timeouts,
        stop: Stop,
    ) -> Self {
        let answer = config.connection_timeout.unwrap_or(timeouts.answer);
        Self {
            root,
            version,
            dialect,
            config,
            made_of: None,
            timeouts: Timeouts { answer, ..timeouts },
            media: MediaOptions::default(),
            stop,
            effort: Effort::default(),
        }
    }

    /// The same, made up of these content types and components.
    #[must_use]
    pub(super) fn made_of(self, schemas: Arc<Schemas>) -> Self {
        let made_of = Some(schemas);
        Self { made_of, ..self }
    }

    /// Has what is done with it collect how long that takes.
    #[must_use]
    pub fn measured(self, effort: &Effort) -> Self {
        let effort = effort.clone();
        Self { effort, ..self }
    }

    /// Has files that do not lie on this machine found like this.
    #[must_use]
    pub fn with_media(self, media: MediaOptions) -> Self {
        Self { media, ..self }
    }

    /// From here on nothing is stopped.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): that was asked for before.
    pub(super) fn shut_out_stops(&self) -> Result<()> {
        self.stop.shut_out()
    }

    /// What tells that the run is to stop.
    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The version of Strapi it is on.
    pub fn version(&self) -> &str {
        &self.version.version
    }

    /// The environment (`NODE_ENV`) that its configuration was read for.
    pub fn node_env(&self) -> &str {
        &self.config.node_env.name
    }

    /// That nobody said which environment is meant, and production has a database of its own; with what to do about it.
    pub fn doubt(&self) -> Option<Error> {
        let file = self.config.other_database.as_ref()?;
        let (database, file) = (self.database_place(), file.display());
        let own = self.node_env();
        let (why, other) = match self.config.node_env.chosen_by {
            ChosenBy::Nobody => ("NODE_ENV is not set".to_owned(), own),
            _ => (format!("there is no config/env/{own}"), "development"),
        };
        Some(
            Error::failed(format!(
                "{why}, so this is the database of the general configuration, {database}; {file} names one for production"
            ))
            .hint(format!("say which with --environment production or --environment {other}")),
        )
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this version of Strapi carries the logos of the admin panel in its archives: since
    /// 5.49.0. Older ones would store the bytes where they expect none.
    pub(super) fn carries_logos(&self) -> bool {
        Version::parse(self.version()).is_ok_and(|version| version >= Version::new(5, 49, 0))
    }

    /// The files of its media library.
    pub(super) fn uploads(&self) -> Box<dyn Uploads> {
        self.uploads_with(Links::default())
    }

    /// The same, with these links in it.
    pub(super) fn uploads_with(&self, links: Links) -> Box<dyn Uploads> {
        let stop = self.stop.clone();
        let access = Access::new(
            self.config.environment.clone(),
            Interrupt::when(move || stop.is_requested()),
        );
        Box::new(Library::new(
            &self.config.public_dir,
            &self.config.upload,
            self.dialect.major(),
            links,
            access,
            self.media.clone(),
        ))
    }

    /// Under which path its Strapi serves a file to everybody, which need not be there yet: `None`
    /// where it does not lie in the public folder.
    pub fn serves(&self, file: &Path) -> Option<PathBuf> {
        let public = &self.config.public_dir;
        let absolute = std::path::absolute(file).ok()?;
        let places = match (absolute.parent(), absolute.file_name()) {
            (Some(folder), Some(name)) => vec![real_path(folder).join(name), absolute.clone()],
            _ => vec![absolute.clone()],
        };
        // The folder of the uploads is often a link to another disk.
        let uploads = public.join("uploads");
        let served = [
            (public.clone(), "/"),
            (real_path(public), "/"),
            (real_path(&uploads), "/uploads"),
        ];
        served.iter().find_map(|(folder, under)| {
            let below = places.iter().find_map(|it| it.strip_prefix(folder).ok())?;
            Some(Path::new(under).join(below))
        })
    }

    /// The address of its site, where its configuration says it; without a slash at its end.
    pub(super) fn site(&self) -> Option<&str> {
        self.config.site.as_deref()
    }

    /// What of its configuration could not be read, and does not matter now.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        self.config.warnings.iter().map(ToString::to_string)
    }

    /// Connects to its database to read it.
    pub(super) fn connect_to_read(&self) -> Result<Box<dyn Connection>> {
        self.connect(|project| match &project.config.database {
            DatabaseSettings::Sqlite { path } => {
                Ok(Box::new(Sqlite::open_to_read(path, project.timeouts)?))
            }
            _ => project.open_to_write(),
        })
    }

    /// Connects to its database to change it.
    pub(super) fn connect_to_write(&self) -> Result<Box<dyn Connection>> {
        self.connect(|project| {
            let mut database = project.open_to_write()?;
            database.see_all_rows()?;
            Ok(database)
        })
    }

    fn open_to_write(&self) -> Result<Box<dyn Connection>> {
        let (zone, waits) = (self.time_zone(), self.timeouts);
        Ok(match &self.config.database {
            DatabaseSettings::Sqlite { path } => Box::new(Sqlite::open_to_write(path, waits)?),
            DatabaseSettings::Postgres(server) => Box::new(Postgres::connect(server, zone, waits)?),
            DatabaseSettings::Mysql(server) => Box::new(Mysql::connect(server, zone, waits)?),
        })
    }

    /// Connects, but waits no longer than until that is to stop.
    fn connect(
        &self,
        open: fn(&Self) -> Result<Box<dyn Connection>>,
    ) -> Result<Box<dyn Connection>> {
        let (sender, opened) = mpsc::channel();
        let project = self.clone();
        // What is left behind in there ends with the process.
        start(move || sender.send(open(&project)))?;
        let began = Instant::now();
        let mut is_told = self.database_file().is_some();
        loop {
            if !is_told && began.elapsed() >= SLOW {
                is_told = true;
                let what = format!("{} does not let us in yet", self.database_place());
                self.stop.tell_slow(&what);
            }
            match opened.recv_timeout(GLANCE) {
                Ok(opened) => {
                    let mut database = opened?;
                    database.stop_with(&self.stop);
                    database.measure(&self.effort);
                    return Ok(database);
                }
                Err(RecvTimeoutError::Timeout) if self.stop.is_requested() => {
                    return Err(Error::interrupted());
                }
                Err(RecvTimeoutError::Timeout)
                    if self.database_file().is_none()
                        && began.elapsed() >= self.timeouts.answer =>
                {
                    return Err(self.no_answer());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("the database could not be opened"));
                }
            }
        }
    }

    fn no_answer(&self) -> Error {
        Error::failed(format!(
            "{} did not let us in within {} s",
            self.database_place(),
            self.timeouts.answer.as_secs_f64()
        ))
        .hint(
            "see whether the server is stuck, or something before it that takes connections; acquireConnectionTimeout \
             in the project's config/database says how long to wait",
        )
    }

    /// Where its database is, for messages. Holds no password.
    pub(super) fn database_place(&self) -> String {
        self.config.database.target()
    }

    /// The kind of its database: `sqlite`, `postgres`, `mysql`.
    pub(super) fn database_kind(&self) -> &'static str {
        self.config.database.kind()
    }

    /// What tells its database from others, as this machine knows it. Holds no password.
    pub(super) fn database_identity(&self) -> String {
        match &self.config.database {
            DatabaseSettings::Sqlite { path } => {
                let real = real_path(path);
                // A project that was moved as a whole has the same one.
                let inside = real.strip_prefix(real_path(&self.root));
                inside.unwrap_or(&real).display().to_string()
            }
            DatabaseSettings::Postgres(server) | DatabaseSettings::Mysql(server) => {
                let schema = server.schema.as_deref().unwrap_or_default();
                let kind = self.database_kind();
                format!("{kind} {} {}", server.place(), schema)
                    .trim()
                    .to_owned()
            }
        }
    }

    /// Whether both are configured to use one database, as far as their configurations tell.
    pub fn shares_database_with(&self, other: &Self) -> bool {
        match (self.database_file(), other.database_file()) {
            (Some(own), Some(other)) => real_path(own) == real_path(other),
            (None, None) => self.database_identity() == other.database_identity(),
            _ => false,
        }
    }

    /// The file that is its database, where it is one.
    pub(super) fn database_file(&self) -> Option<&Path> {
        match &self.config.database {
            DatabaseSettings::Sqlite { path } => Some(path),
            _ => None,
        }
    }

    /// The schema of PostgreSQL that its tables are in, where one is named.
    pub(super) fn database_schema(&self) -> Option<&str> {
        match &self.config.database {
            DatabaseSettings::Postgres(server) => server.schema.as_deref(),
            _ => None,
        }
    }

    /// What of its database matters to values.
    pub(super) fn home(&self) -> Home {
        Home {
            zone: self.time_zone(),
            is_sqlite: self.database_file().is_some(),
            bare_strings: self.dialect.stores_bare_strings(),
        }
    }

    /// The zone that Strapi runs in. Node's drivers store what its clock shows.
    pub(super) fn time_zone(&self) -> TimeZone {
        match &self.config.time_zone {
            Some(name) => zone::named(name).unwrap_or(TimeZone::UTC),
            None => TimeZone::system(),
        }
    }

    /// The value of `TZ`, where it is no zone.
    pub(super) fn unknown_zone(&self) -> Option<&str> {
        let name = self.config.time_zone.as_deref()?;
        zone::named(name).is_none().then_some(name)
    }
}
