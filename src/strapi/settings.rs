//! Where a project keeps its database and its files, as far as its environment tells.
//!
//! This version reads `.env` and the process environment for the variables that generated projects
//! use; `config/*.js` is not evaluated yet.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a project keeps its database and its files.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The SQLite database file.
    pub database: PathBuf,
    /// The folder that is served, which holds `uploads`.
    pub public: PathBuf,
}

impl Settings {
    /// Reads the settings of the project at `root`; `environment` wins over its `.env`.
    ///
    /// # Errors
    /// `.env` cannot be read, or the database is one this version does not speak to.
    pub fn load(root: &Path, environment: &BTreeMap<String, String>) -> Result<Self> {
        let path = root.join(".env");
        let file = match fs::read_to_string(&path) {
            Ok(text) => parse_env(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Error::io("read", &path, error)),
        };
        let variable = |name: &str| {
            environment
                .get(name)
                .or_else(|| file.get(name))
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        match variable("DATABASE_CLIENT") {
            None | Some("sqlite" | "better-sqlite3" | "sqlite3") => {}
            Some(other) => {
                return Err(Error::failed(format!(
                    "the project's DATABASE_CLIENT is `{other}`; this version reads and restores \
                     SQLite only"
                ))
                .hint("use `strapi export` for this project until a later version"));
            }
        }
        let database = variable("DATABASE_FILENAME").unwrap_or(".tmp/data.db");
        Ok(Self {
            database: root.join(database),
            public: root.join("public"),
        })
    }
}

/// Reads `NAME=value` lines; quotes around a value are taken off, `#` starts a comment.
fn parse_env(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            if line.starts_with('#') {
                return None;
            }
            let (name, value) = line.split_once('=')?;
            let value = value.trim();
            let value = match value.chars().next() {
                Some(quote @ ('"' | '\'' | '`')) => {
                    value[1..].split(quote).next().unwrap_or_default()
                }
                _ => value.split('#').next().unwrap_or_default().trim_end(),
            };
            Some((name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_are_read_as_dotenv_reads_them() {
        let parsed = parse_env("A=1\n# B=2\nexport C = \"x # y\" # z\nD=v#w\n\nE=\n");
        let expected: BTreeMap<String, String> =
            [("A", "1"), ("C", "x # y"), ("D", "v"), ("E", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        assert_eq!(parsed, expected);
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".env"), "DATABASE_FILENAME=a.db").expect("written");
        let environment = [("DATABASE_FILENAME".to_owned(), "b.db".to_owned())].into();
        let settings = Settings::load(folder.path(), &environment).expect("settings");
        assert_eq!(settings.database, folder.path().join("b.db"));
    }
}
