//! Whole projects, written into a temporary folder and read with [`load`].

mod dials;
mod failures;
mod hostile;
mod layouts;
mod modules;
mod servers;
mod templates;

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;

use super::{Chosen, ConfigError, ProjectConfig, load};
use crate::database::{DatabaseSettings, ServerSettings, Stop};

/// A project that is made of the files it is given.
struct Project {
    dir: TempDir,
    environment: BTreeMap<String, String>,
    url: Option<String>,
    chosen: Option<String>,
    stop: Stop,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let project = Self {
            dir,
            environment: BTreeMap::new(),
            url: None,
            chosen: None,
            stop: Stop::default(),
        };
        for (name, text) in files {
            let path = project.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        project
    }

    /// A project with a `config/database.js` of this text.
    fn database(text: &str) -> Self {
        Self::new(&[("config/database.js", text)])
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    fn url(mut self, url: &str) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Chooses an environment.
    fn of(mut self, environment: &str) -> Self {
        self.chosen = Some(environment.into());
        self
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn load(&self) -> Result<ProjectConfig, ConfigError> {
        let chosen = Chosen {
            database_url: self.url.as_deref(),
            environment: self.chosen.as_deref(),
        };
        load(self.path(), &self.environment, chosen, &self.stop)
    }

    fn read(&self) -> ProjectConfig {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> ConfigError {
        match self.load() {
            Ok(config) => panic!("read {config:?}"),
            Err(error) => error,
        }
    }

    fn upload(&self) -> super::Upload {
        let upload = self.read().upload;
        upload.unwrap_or_else(|error| panic!("{error}"))
    }

    fn sqlite(&self) -> String {
        match self.read().database {
            DatabaseSettings::Sqlite { path } => path
                .strip_prefix(self.path())
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn postgres(&self) -> ServerSettings {
        match self.read().database {
            DatabaseSettings::Postgres(server) => server,
            other => panic!("{other:?}"),
        }
    }

    fn mysql(&self) -> ServerSettings {
        match self.read().database {
            DatabaseSettings::Mysql(server) => server,
            other => panic!("{other:?}"),
        }
    }
}

/// A `config/database.js` for PostgreSQL whose connection is this JavaScript object.
fn postgres_with(connection: &str) -> Project {
    Project::database(&format!(
        "module.exports = ({{ env }}) => ({{ connection: {{ client: 'postgres', connection: {connection} }} }});"
    ))
}

/// The same for MySQL.
fn mysql_with(connection: &str) -> Project {
    Project::database(&format!(
        "module.exports = ({{ env }}) => ({{ connection: {{ client: 'mysql', connection: {connection} }} }});"
    ))
}
