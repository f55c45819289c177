//! The options that say which project, and where its database is.

use super::{environment, terminal};
use crate::error::Result;
use crate::strapi::Project;
use clap::Args;
use std::path::PathBuf;

/// Which project.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// The folder of the Strapi project
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// Database to use instead of the one in the project's configuration
    ///
    /// sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or
    /// mysql://USER:PASSWORD@HOST:PORT/DATABASE. The variable BACKUP_DATABASE_URL does the same and
    /// does not show the password in the list of processes.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl ProjectArguments {
    /// Opens the project, and says what of its configuration could not be read.
    pub fn open(&self) -> Result<Project> {
        let project = Project::open(&self.project, &environment(), self.database_url.as_deref())?;
        for warning in project.warnings() {
            terminal::tell(&format!("note: {warning}"));
        }
        Ok(project)
    }
}
