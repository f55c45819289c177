//! The options that say which project, and what is taken instead of what it says.

use super::environment::Environment;
use super::remote::named;
use super::{Cancellation, terminal};
use crate::database::Timeouts;
use crate::error::Result;
use crate::strapi::{Choices, Examination, Examiner, Project};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use std::path::{Path, PathBuf};

/// Which project.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// The folder of the Strapi project
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    #[command(flatten)]
    choices: ChoiceArguments,
}

/// What is taken instead of what the project says.
#[derive(Debug, Args)]
pub(super) struct ChoiceArguments {
    /// Database to use instead of the one in the project's configuration
    ///
    /// sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or
    /// mysql://USER:PASSWORD@HOST:PORT/DATABASE. The schema of PostgreSQL is the configuration's,
    /// unless the URL names one (?schema=NAME). The variable BACKUP_DATABASE_URL does the same and
    /// does not show the password in the list of processes.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Environment whose configuration is read, such as production [default: NODE_ENV, else development]
    ///
    /// Strapi reads config/env/NAME over config. NODE_ENV is taken from the process, else from .env of the project.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    environment: Option<String>,
    /// Version of Strapi that the project is on, such as 5.54.0
    ///
    /// [default: what is installed in node_modules, else what package.json or the lock file of npm, yarn or pnpm says]
    #[arg(long, value_name = "VERSION")]
    strapi_version: Option<String>,
}

impl ProjectArguments {
    /// Opens the project, and says what of its configuration could not be read.
    ///
    /// # Errors
    /// As of [`ChoiceArguments::open`].
    pub fn open(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        strict: bool,
    ) -> Result<Project> {
        self.open_at(None, environment, cancellation, strict)
    }

    /// The same for the project in another folder, where one is named.
    ///
    /// # Errors
    /// As of [`ChoiceArguments::open`].
    pub fn open_at(
        &self,
        folder: Option<&Path>,
        environment: &Environment,
        cancellation: &Cancellation,
        strict: bool,
    ) -> Result<Project> {
        let folder = folder.unwrap_or(&self.project);
        self.choices.open(folder, environment, cancellation, strict)
    }

    /// The options beside the folder that were given.
    pub fn given(&self) -> Vec<&'static str> {
        self.choices.given()
    }

    /// Looks at the project, or the one in another folder, and changes nothing.
    ///
    /// # Errors
    /// The run is to stop, or a variable of the environment makes no sense.
    pub fn examine(
        &self,
        folder: Option<&Path>,
        environment: &Environment,
        cancellation: &Cancellation,
        offline: bool,
    ) -> Result<Examination> {
        let examiner = Examiner {
            folder: folder.unwrap_or(&self.project),
            environment: environment.variables(),
            choices: &self.choices.choices(),
            timeouts: timeouts(environment)?,
            stop: cancellation.stop(),
            offline,
            spool_folder: &environment.temporary,
        };
        examiner.examine()
    }
}

/// How long to wait for databases.
fn timeouts(environment: &Environment) -> Result<Timeouts> {
    Ok(Timeouts {
        lock: environment.database_timeout()?,
        ..Timeouts::default()
    })
}

impl ChoiceArguments {
    fn choices(&self) -> Choices {
        Choices {
            database_url: self.database_url.clone(),
            environment: self.environment.clone(),
            strapi_version: self.strapi_version.clone(),
        }
    }

    /// Whether any was given.
    pub fn is_given(&self) -> bool {
        !self.given().is_empty()
    }

    /// The options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        named([
            ("--database-url", self.database_url.is_some()),
            ("--environment", self.environment.is_some()),
            ("--strapi-version", self.strapi_version.is_some()),
        ])
    }

    /// Opens a project with these choices, and says what of its configuration could not be read.
    ///
    /// # Errors
    /// It cannot be opened; or, where `strict`, it is a guess which environment is meant.
    pub fn open(
        &self,
        folder: &Path,
        environment: &Environment,
        cancellation: &Cancellation,
        strict: bool,
    ) -> Result<Project> {
        let project = Project::open(
            folder,
            environment.variables(),
            &self.choices(),
            timeouts(environment)?,
            cancellation.stop(),
        )?;
        for warning in project.warnings() {
            terminal::tell(&format!("note: {warning}"));
        }
        match project.doubt() {
            Some(doubt) if strict => return Err(doubt),
            Some(doubt) => {
                let advice = doubt.advice().unwrap_or_default();
                terminal::tell(&terminal::safe(&format!("note: {doubt}; {advice}")));
            }
            None => {}
        }
        Ok(project)
    }
}
