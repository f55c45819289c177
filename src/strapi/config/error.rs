//! What can go wrong while a project's configuration is read, and what to do about it.

use std::fmt;
use std::path::PathBuf;

/// The way round a configuration that cannot be read, for every message that needs it.
const WAY_ROUND: &str = "correct the file, or give the connection with --database-url or \
                         BACKUP_DATABASE_URL (sqlite:PATH, postgres://... or mysql://...)";

/// A place in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the project where it lies inside it.
    pub file: PathBuf,
    /// The line, counted from 1, where it is known.
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file.display()),
            None => write!(f, "{}", self.file.display()),
        }
    }
}

/// Why a project's configuration could not be read. Messages carry no passwords: values of the environment are
/// never printed, and those that look secret are blotted out of the texts that a configuration throws.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The project has no such configuration file.
    #[error(
        "{} holds no {name}.js or {name}.ts: is this a Strapi project? If its {name} is configured elsewhere, give the \
         connection with --database-url or BACKUP_DATABASE_URL (sqlite:PATH, postgres://... or mysql://...)",
        dir.display()
    )]
    Missing {
        /// The name of the configuration, `database`.
        name: &'static str,
        /// The folder that was searched.
        dir: PathBuf,
    },
    /// A file is there and cannot be read.
    #[error("{} cannot be read: {reason}; check its permissions and that it is a file", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is not valid JavaScript, TypeScript or JSON.
    #[error("{at}: syntax error: {message}; {WAY_ROUND}")]
    Syntax {
        /// Where.
        at: Place,
        /// What the parser said.
        message: String,
    },
    /// The file uses a TypeScript feature that is more than types and is not supported.
    #[error(
        "{at}: {what} cannot be evaluated here; build the project (dist/config is read then), or {WAY_ROUND}"
    )]
    Unsupported {
        /// Where.
        at: Place,
        /// The feature.
        what: String,
    },
    /// The configuration threw an exception.
    #[error("{at}: the configuration threw an error: {message}; {WAY_ROUND}")]
    Threw {
        /// Where.
        at: Place,
        /// The message of the exception.
        message: String,
    },
    /// The configuration needs a module that is not provided while it is read.
    #[error(
        "{at}: the module '{module}' cannot be loaded here: a configuration is read without Node and without \
         node_modules, and only path, fs, os, url, dotenv, pg-connection-string, @strapi/database, @strapi/utils and the \
         project's own files are there; {WAY_ROUND}"
    )]
    UnknownModule {
        /// Where it is required.
        at: Place,
        /// The module's name.
        module: String,
    },
    /// The configuration ran for too long.
    #[error("{}: the configuration did not finish within {limit:?} and was stopped; {WAY_ROUND}", file.display())]
    TimeLimit {
        /// The file that was being evaluated.
        file: PathBuf,
        /// The limit.
        limit: std::time::Duration,
    },
    /// The configuration used too much memory.
    #[error("{}: the configuration used more than {megabytes} MB of memory and was stopped; {WAY_ROUND}", file.display())]
    MemoryLimit {
        /// The file that was being evaluated.
        file: PathBuf,
        /// The limit.
        megabytes: usize,
    },
    /// The configuration was evaluated, and a value in it is missing or makes no sense.
    #[error("{}: {key} {problem}; {WAY_ROUND}", file.display())]
    Value {
        /// The file, relative to the project.
        file: PathBuf,
        /// The name of the value, as a path of keys.
        key: String,
        /// What is wrong with it. Never the value itself, where it may be secret.
        problem: String,
    },
    /// The database URL given on the command line or in the environment is not usable.
    #[error(
        "the database URL {problem}; expected sqlite:PATH, postgres://user:password@host:port/database?schema=...&sslmode=... \
         or mysql://user:password@host:port/database (special characters in the password percent-encoded)"
    )]
    DatabaseUrl {
        /// What is wrong with it. Never the URL, which holds the password.
        problem: String,
    },
    /// The user wanted the run to stop.
    #[error("interrupted")]
    Interrupted,
    /// The embedded engine itself failed.
    #[error("the JavaScript engine failed: {reason}; {WAY_ROUND}")]
    Engine {
        /// What it said.
        reason: String,
    },
}

impl From<ConfigError> for crate::error::Error {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Interrupted => Self::interrupted(),
            error => Self::failed(error.to_string()).source(error),
        }
    }
}
