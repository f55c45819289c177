//! The project's environment: `.env`, as `dotenv` reads it, which Strapi 5 uses, under the process environment. A variable
//! of the process wins over the file, even when it is empty.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use crate::dotenv::parse;
use crate::strapi::files;

const NODE_ENV: &str = "NODE_ENV";

/// What Strapi calls the environment: which files of `config/env` it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEnv {
    /// Its name, such as `production`.
    pub name: String,
    /// Who chose it.
    pub chosen_by: ChosenBy,
}

/// Who chose an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// The caller.
    Caller,
    /// `NODE_ENV` of the process.
    Process,
    /// `NODE_ENV` in `.env`.
    File,
    /// Nobody: it is Strapi's default, `development`.
    Nobody,
}

/// The environment a configuration sees: the process environment, completed from `.env` (or the file that `ENV_PATH`
/// names, taken from the project folder), with `NODE_ENV` being `chosen`, or else defaulting to `development`.
///
/// Unlike dotenv this does not pass over a file that exists and cannot be read, nor an `ENV_PATH` that leads nowhere:
/// going on would mean going on with another database.
pub fn load(
    project: &Path,
    process: &BTreeMap<String, String>,
    chosen: Option<&str>,
) -> Result<(BTreeMap<String, String>, NodeEnv), ConfigError> {
    let mut environment = process.clone();
    if let Some(name) = chosen {
        environment.insert(NODE_ENV.into(), name.into());
    }
    let named = process.get("ENV_PATH").filter(|path| !path.is_empty());
    let file = match named {
        Some(path) => project.join(with_home(path, process)),
        None => project.join(".env"),
    };
    match files::read_any(&file) {
        Ok(bytes) => {
            for (key, value) in parse(&String::from_utf8_lossy(&bytes)) {
                environment.entry(key).or_insert(value);
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => {}
        Err(error) => {
            let reason = match named {
                Some(_) => format!("{error} (ENV_PATH names it)"),
                None => error.to_string(),
            };
            return Err(ConfigError::Unreadable { file, reason });
        }
    }
    let name = environment.entry(NODE_ENV.into()).or_default();
    let chosen_by = match (chosen, process.get(NODE_ENV)) {
        (Some(_), _) => ChosenBy::Caller,
        _ if name.is_empty() => ChosenBy::Nobody,
        (None, Some(_)) => ChosenBy::Process,
        (None, None) => ChosenBy::File,
    };
    if name.is_empty() {
        *name = "development".into();
    }
    let name = name.clone();
    Ok((environment, NodeEnv { name, chosen_by }))
}

fn with_home(path: &str, process: &BTreeMap<String, String>) -> PathBuf {
    match (path.strip_prefix('~'), process.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}
