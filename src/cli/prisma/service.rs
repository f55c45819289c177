//! Which service is meant: what `prisma.yml` says, and the options that override it.

use super::super::environment::Environment;
use super::super::secret::{Sort, line_of_file};
use super::super::terminal;
use crate::error::{Error, Result};
use crate::prisma::project::{Definition, data_model, first_secret};
use crate::prisma::sdl::DataModel;
use crate::prisma::service::{Endpoint, Service};
use crate::store::Interrupt;
use clap::Args;
use std::path::PathBuf;

/// The variable that Prisma's own command line takes an endpoint from.
const ENDPOINT: &str = "PRISMA_MANAGEMENT_API_ENDPOINT";

/// Which service is meant.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Service")]
pub(super) struct ServiceArguments {
    /// The folder of the project, with prisma.yml or prisma/prisma.yml in it
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// A file of variables for prisma.yml [default: .env in the folder of the project]
    #[arg(short, long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Where the service is, such as http://localhost:4466/service/stage [default: that of prisma.yml]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The secret of the service [default: that of prisma.yml]. It shows in the list of processes: rather name a file
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_file")]
    secret: Option<String>,
    /// A file that holds the secret, in one line
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// The data model of the service [default: that of prisma.yml]. May be given several times
    #[arg(long, value_name = "FILE")]
    datamodel: Vec<PathBuf>,
}

/// A service, as it was asked for.
pub(super) struct Meant {
    /// What asks it.
    pub service: Service,
    /// Its data model.
    pub model: DataModel,
}

impl ServiceArguments {
    /// What the options and the project say.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): something is missing, or makes no sense.
    pub fn open(&self, environment: &Environment, interrupt: &Interrupt) -> Result<Meant> {
        let definition = Definition::find(&self.project);
        let definition = definition.map(|file| {
            let env_file = self.env_file.as_deref();
            Definition::load(&file, &self.project, env_file, environment.variables())
        });
        let is_complete = self.endpoint.is_some() && !self.datamodel.is_empty();
        let definition = match definition.transpose() {
            // What is not needed may be wrong.
            Err(_) if is_complete && (self.secret.is_some() || self.secret_file.is_some()) => None,
            definition => definition?,
        };
        let missing = |what: &str, option: &str| {
            let folder = self.project.display();
            let found = match &definition {
                Some(definition) => format!("{} does not say it", definition.file.display()),
                None => format!("there is no prisma.yml in {folder}"),
            };
            Error::usage(format!("{what} is not known: {found}")).hint(format!(
                "name the folder of the project with --project, or give {option}"
            ))
        };
        let own = definition.as_ref().and_then(|it| it.endpoint.clone());
        let endpoint = self.endpoint.clone().or(own);
        let endpoint = endpoint.or_else(|| environment.get(ENDPOINT).map(str::to_owned));
        let endpoint = endpoint.ok_or_else(|| missing("the endpoint", "--endpoint"))?;
        let endpoint = Endpoint::parse(&endpoint)?;
        let files = match self.datamodel.is_empty() {
            false => self.datamodel.clone(),
            true => definition
                .as_ref()
                .map(|it| it.datamodel.clone())
                .unwrap_or_default(),
        };
        if files.is_empty() {
            return Err(missing("the data model", "--datamodel"));
        }
        let model = data_model(&files)?;
        let secret = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => first_secret(secret),
            (None, Some(file)) => first_secret(&line_of_file(file, Sort::Secret, interrupt)?),
            (None, None) => definition.and_then(|it| it.secret),
        };
        if secret.is_none() {
            terminal::tell("note: there is no secret: the service is asked without a token");
        }
        let access = environment.access(interrupt.clone());
        let service = Service::new(&endpoint, secret.as_ref(), &access)?;
        Ok(Meant { service, model })
    }
}
