//! A project's configuration: its database, its public folder and its upload provider, found the way Strapi finds them
//! but without Node.
//!
//! The environment is `.env` under the process environment ([`mod@env`]). The files `config/<name>` and
//! `config/env/<NODE_ENV>/<name>` are JavaScript, TypeScript or JSON; they are made plain JavaScript (`source`), run in
//! an embedded engine that has limits and no way out (`engine`, `runtime/*.js`), and merged (`eval`). What comes out is
//! data, which is given its types here.
//!
//! Only `database`, `server` and `plugins` are evaluated, and only the keys that matter are looked at, so that a
//! configuration may hold what it likes elsewhere.

mod connection_string;
mod database;
mod engine;
pub mod env;
mod error;
mod eval;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod layout;
pub(super) mod limit;
mod redact;
mod source;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::database::{DatabaseSettings, Stop};
use serde_json::Value;

pub use env::{ChosenBy, NodeEnv};
pub use error::ConfigError;

use eval::{Evaluator, Unknown};
use layout::Layout;
use limit::{Clock, Lost, TIME_LIMIT};

/// The environment that a site is served from, by custom.
const PRODUCTION: &str = "production";

/// What this program needs to know of a project's configuration. `Debug` leaves out the options of the provider.
pub struct ProjectConfig {
    /// Where the data are.
    pub database: DatabaseSettings,
    /// The folder with `uploads` in it, as an absolute path.
    pub public_dir: PathBuf,
    /// The folder of the project's own code, components included: `src`, or where that is not there the compiled one.
    pub code: PathBuf,
    /// `url` of `config/server`, the address of the site, where it is one with a scheme. No slash stands at its end.
    pub site: Option<String>,
    /// Where the project keeps its media, or why that cannot be told: it matters only to those who need the media.
    pub upload: Result<Upload, ConfigError>,
    /// The environment that it was read for.
    pub node_env: NodeEnv,
    /// The file that names another database for production, relative to the project, where nobody chose an environment
    /// and the database is that of `development`; or where one was chosen that has no files.
    pub other_database: Option<PathBuf>,
    /// How long Knex waits for a connection (`acquireConnectionTimeout`), where the configuration says it.
    pub connection_timeout: Option<Duration>,
    /// The files that had a say, relative to the project.
    pub files: Vec<PathBuf>,
    /// The environment that Strapi runs in: that of the process, completed from `.env`. Not for printing.
    pub environment: BTreeMap<String, String>,
    /// `TZ`, the time zone that Strapi runs in where it is not the system's.
    pub time_zone: Option<String>,
    /// Files that could not be evaluated and were passed over, because the database was given by URL.
    pub warnings: Vec<ConfigError>,
}

/// The upload provider. `Debug` leaves out its options.
#[derive(Clone)]
pub struct Upload {
    /// Its name: `local`, `aws-s3` or a package.
    pub provider: String,
    /// Its options; `null` in them stands for what only Node could tell. They may hold credentials and are not for
    /// printing. `false` as an `ACL` is one that is there and undefined, which Strapi 5 tells from one that is not there.
    pub options: Value,
    /// What it is given with each upload by stream, which is how Strapi's import uploads as well.
    pub upload_options: Value,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Upload");
        shown
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}

impl Upload {
    /// What a project has that says nothing.
    fn local() -> Self {
        Self {
            provider: "local".into(),
            options: Value::Null,
            upload_options: Value::Null,
        }
    }
}

/// What is taken instead of what the project says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chosen<'a> {
    /// The database.
    pub database_url: Option<&'a str>,
    /// The environment, in place of `NODE_ENV`.
    pub environment: Option<&'a str>,
}

impl fmt::Debug for ProjectConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectConfig")
            .field("database", &self.database)
            .field("public_dir", &self.public_dir)
            .field("upload", &self.upload)
            .field("node_env", &self.node_env)
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Reads the configuration of the project in `project`.
///
/// `environment` is the process environment; this function does not look at it by itself. A database that is chosen, or
/// else `BACKUP_DATABASE_URL` in the environment or `.env`, overrides the project's database settings, of which nothing but
/// the schema of PostgreSQL is then looked at; what is wrong with its files is then a warning, and Strapi's defaults
/// apply. It is not waited for once `stop` is requested.
pub fn load(
    project: &Path,
    environment: &BTreeMap<String, String>,
    chosen: Chosen<'_>,
    stop: &Stop,
) -> Result<ProjectConfig, ConfigError> {
    let (project, environment) = (project.to_owned(), environment.clone());
    let database_url = chosen.database_url.map(str::to_owned);
    let node_env = chosen.environment.map(str::to_owned);
    let work = move |clock| {
        let chosen = Chosen {
            database_url: database_url.as_deref(),
            environment: node_env.as_deref(),
        };
        read(&project, &environment, chosen, clock)
    };
    limit::guard(stop, work).unwrap_or_else(|lost| {
        Err(match lost {
            Lost::Interrupted => ConfigError::Interrupted,
            Lost::Overdue(file) => ConfigError::TimeLimit {
                file,
                limit: TIME_LIMIT,
            },
            Lost::Broken(reason) => ConfigError::Engine { reason },
        })
    })
}

/// What [`load`] does, on the thread that it does it on.
fn read(
    project: &Path,
    environment: &BTreeMap<String, String>,
    chosen: Chosen<'_>,
    clock: Clock,
) -> Result<ProjectConfig, ConfigError> {
    let layout = Layout::discover(project)?;
    clock.start(Path::new(".env"));
    let (environment, node_env) = env::load(&layout.project, environment, chosen.environment)?;
    clock.stop();
    let root = layout.project.clone();
    let config_dir = layout.config_dir();
    let source = root.join("src");
    let code = match source.is_dir() {
        true => source,
        false => Some(layout.dist().join("src"))
            .filter(|compiled| compiled.is_dir())
            .unwrap_or(source),
    };
    let evaluator = Evaluator::new(layout, &environment, clock)?;
    let from_environment = || environment.get("BACKUP_DATABASE_URL").map(String::as_str);
    let database_url = chosen
        .database_url
        .or_else(from_environment)
        .filter(|url| !url.is_empty());
    let mut warnings = Vec::new();

    let mut connection_timeout = None;
    let mut database = match database_url {
        Some(url) => database::from_url(url, &environment)?,
        None => match evaluator.get("database", "connection", Unknown::Refused)? {
            Some(found) => {
                connection_timeout = database::connection_timeout(&found.value);
                database::from_config(&found.value, &root, &found.file, &environment)?
            }
            None => {
                return Err(ConfigError::Missing {
                    name: "database",
                    dir: config_dir.clone(),
                });
            }
        },
    };
    let forgiving = database_url.is_some();
    if let DatabaseSettings::Postgres(server) = &mut database
        && forgiving
        && server.schema.is_none()
    {
        let schema = database_schema(&evaluator);
        server.schema = or_default(schema, forgiving, &mut warnings, || None)?;
    }
    let public_dir = or_default(
        public_dir(&evaluator, &root),
        forgiving,
        &mut warnings,
        || root.join("public"),
    )?;
    let site = site(&evaluator);
    let mut upload = upload(&evaluator);
    if forgiving {
        upload = Ok(or_default(upload, forgiving, &mut warnings, Upload::local)?);
    }
    // Whoever writes `prod` for `production` gets the general files.
    let is_usual = [PRODUCTION, "development", "test"].contains(&node_env.name.as_str());
    let is_unknown = !is_usual && !config_dir.join("env").join(&node_env.name).is_dir();
    let is_guess = (node_env.chosen_by == ChosenBy::Nobody || is_unknown) && database_url.is_none();
    let other_database = match is_guess {
        true => evaluator.file_of(PRODUCTION, "database"),
        false => None,
    };
    Ok(ProjectConfig {
        database,
        public_dir,
        code,
        site,
        upload,
        node_env,
        other_database,
        connection_timeout,
        files: evaluator.evaluated(),
        time_zone: environment.get("TZ").cloned(),
        environment,
        warnings,
    })
}

/// The result, or when `forgiving` the default in place of an error, which becomes a warning.
fn or_default<T>(
    result: Result<T, ConfigError>,
    forgiving: bool,
    warnings: &mut Vec<ConfigError>,
    default: impl FnOnce() -> T,
) -> Result<T, ConfigError> {
    result.or_else(|error| {
        if !forgiving {
            return Err(error);
        }
        warnings.push(error);
        Ok(default())
    })
}

/// The schema of PostgreSQL in `config/database`, where it is for PostgreSQL.
fn database_schema(evaluator: &Evaluator) -> Result<Option<String>, ConfigError> {
    let found = evaluator.get("database", "connection", Unknown::StandIn)?;
    let schema = found.and_then(|found| database::schema_in_config(&found.value));
    evaluator.without_stand_ins(schema.as_deref().unwrap_or_default())?;
    Ok(schema)
}

/// `dirs.public` of `config/server`, `./public` by default, taken from the project folder.
fn public_dir(evaluator: &Evaluator, project: &Path) -> Result<PathBuf, ConfigError> {
    let Some(found) = evaluator.get("server", "dirs", Unknown::StandIn)? else {
        return Ok(project.join("public"));
    };
    match found.value.get("public") {
        None | Some(Value::Null) => Ok(project.join("public")),
        Some(Value::String(dir)) => {
            evaluator.without_stand_ins(dir)?;
            Ok(layout::normal(&project.join(dir)))
        }
        Some(_) => Err(ConfigError::Value {
            file: found.file,
            key: "dirs.public".into(),
            problem: "is not a text".into(),
        }),
    }
}

/// `url` of `config/server`, where it can be told and is a whole one.
fn site(evaluator: &Evaluator) -> Option<String> {
    let found = evaluator.get("server", "url", Unknown::StandIn).ok()??;
    let url = found.value.as_str()?;
    evaluator.without_stand_ins(url).ok()?;
    let is_whole = url.starts_with("https://") || url.starts_with("http://");
    is_whole.then(|| url.trim_end_matches('/').to_owned())
}

/// `upload.config` of `config/plugins`: the provider and its options.
fn upload(evaluator: &Evaluator) -> Result<Upload, ConfigError> {
    let found = evaluator.get("plugins", "upload", Unknown::StandIn)?;
    let Some(found) = found else {
        return Ok(Upload::local());
    };
    let config = &found.value["config"];
    // All of `upload` may come from a package.
    for part in [&found.value, config, &config["provider"]] {
        evaluator.without_stand_ins(part.as_str().unwrap_or_default())?;
    }
    let provider = match &config["provider"] {
        Value::Null => Upload::local().provider,
        Value::String(name) => name.clone(),
        _ => {
            let (key, problem) = ("upload.config.provider".into(), "is not a text".into());
            return Err(ConfigError::Value {
                file: found.file,
                key,
                problem,
            });
        }
    };
    let options = |mut options: Value| {
        evaluator.drop_stand_ins(&mut options);
        options
    };
    Ok(Upload {
        provider,
        options: options(config["providerOptions"].clone()),
        upload_options: options(config["actionOptions"]["uploadStream"].clone()),
    })
}

#[cfg(test)]
mod tests;
