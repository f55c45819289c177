//! The options that say which project, and where its database is.

use super::environment::Environment;
use super::{Cancellation, terminal};
use crate::database::Timeouts;
use crate::error::Result;
use crate::strapi::Project;
use clap::Args;
use std::path::{Path, PathBuf};

/// Which project.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// The folder of the Strapi project
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    database: DatabaseArguments,
}

/// Which database.
#[derive(Debug, Args)]
pub(super) struct DatabaseArguments {
    /// Database to use instead of the one in the project's configuration
    ///
    /// sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or
    /// mysql://USER:PASSWORD@HOST:PORT/DATABASE. The schema of PostgreSQL is the configuration's,
    /// unless the URL names one (?schema=NAME). The variable BACKUP_DATABASE_URL does the same and
    /// does not show the password in the list of processes.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl ProjectArguments {
    /// Opens the project, and says what of its configuration could not be read.
    pub fn open(&self, environment: &Environment, cancellation: &Cancellation) -> Result<Project> {
        self.database.open(&self.project, environment, cancellation)
    }
}

impl DatabaseArguments {
    /// Whether a database was given.
    pub fn is_given(&self) -> bool {
        self.database_url.is_some()
    }

    /// Opens a project with this database, and says what of its configuration could not be read.
    pub fn open(
        &self,
        folder: &Path,
        environment: &Environment,
        cancellation: &Cancellation,
    ) -> Result<Project> {
        let timeouts = Timeouts {
            lock: environment.database_timeout()?,
            ..Timeouts::default()
        };
        let url = self.database_url.as_deref();
        let project = Project::open(folder, environment.variables(), url, timeouts)?;
        for warning in project.warnings() {
            terminal::tell(&format!("note: {warning}"));
        }
        Ok(project.stop_with(cancellation.stop()))
    }
}
