//! Finds a Strapi project: its version, its database, its folders.

use super::config::{self, ProjectConfig};
use super::dialect::Dialect;
use super::files::read_text;
use super::uploads::{Links, LocalUploads, Uploads};
use super::values::Home;
use super::zone;
use crate::database::{
    Connection, DatabaseSettings, GLANCE, Mysql, Postgres, Sqlite, Stop, Timeouts,
};
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::store::real_path;
use crate::threads::start;
use jiff::tz::TimeZone;
use semver::Version;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};

/// The packages that make a project a Strapi project, of all majors since 4.
const PACKAGES: [&str; 2] = ["@strapi/strapi", "@strapi/core"];

/// A Strapi project on disk.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) root: PathBuf,
    pub(super) version: String,
    pub(super) dialect: Dialect,
    pub(super) config: Arc<ProjectConfig>,
    timeouts: Timeouts,
    pub(super) stop: Stop,
    pub(super) effort: Effort,
}

impl Project {
    /// Finds the project in the folder `root`. `environment` is the process environment, which wins
    /// over the project's `.env` as it does in Strapi; `database_url` wins over the project's own
    /// database settings; `timeouts` says how long to wait for it. Neither its configuration nor its
    /// database is waited for once `stop` is requested.
    ///
    /// # Errors
    /// There is no Strapi project there, or its version or configuration cannot be told. Kind
    /// [`Interrupted`](crate::error::Kind::Interrupted): `stop` was requested.
    pub fn open(
        root: &Path,
        environment: &BTreeMap<String, String>,
        database_url: Option<&str>,
        timeouts: Timeouts,
        stop: Stop,
    ) -> Result<Self> {
        let root = root
            .canonicalize()
            .map_err(|error| Error::io("open the project at", root, error))?;
        let version = find_version(&root)?;
        let dialect = Dialect::of_version(&version)?;
        let config = Arc::new(config::load(&root, environment, database_url, &stop)?);
        Ok(Self {
            root,
            version,
            dialect,
            config,
            timeouts,
            stop,
            effort: Effort::default(),
        })
    }

    /// Has what is done with it collect how long that takes.
    #[must_use]
    pub fn measured(self, effort: &Effort) -> Self {
        let effort = effort.clone();
        Self { effort, ..self }
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
        &self.version
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether this version of Strapi carries the logos of the admin panel in its archives: since
    /// 5.49.0. Older ones would store the bytes where they expect none.
    pub(super) fn carries_logos(&self) -> bool {
        Version::parse(&self.version).is_ok_and(|version| version >= Version::new(5, 49, 0))
    }

    /// The files of its media library.
    pub(super) fn uploads(&self) -> Box<dyn Uploads> {
        self.uploads_with(Links::default())
    }

    /// The same, with these links in it.
    pub(super) fn uploads_with(&self, links: Links) -> Box<dyn Uploads> {
        Box::new(LocalUploads::new(
            &self.config.public_dir,
            &self.config.upload_provider,
            links,
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
        loop {
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
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("the database could not be opened"));
                }
            }
        }
    }

    /// The kind of its database: `sqlite`, `postgres`, `mysql`.
    pub(super) fn database_kind(&self) -> &'static str {
        match &self.config.database {
            DatabaseSettings::Sqlite { .. } => "sqlite",
            DatabaseSettings::Postgres(_) => "postgres",
            DatabaseSettings::Mysql(_) => "mysql",
        }
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

fn not_a_project(root: &Path, why: &str) -> Error {
    Error::failed(format!("{} is not a Strapi project: {why}", root.display())).hint(
        "run it in the folder that holds the project's package.json, or name that folder with \
         --project",
    )
}

fn read_json(path: &Path) -> Result<Option<Value>> {
    match read_text(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Error::failed(format!("{} is not JSON: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io("read", path, error)),
    }
}

/// The version of Strapi that is installed, else the exact version that `package.json` asks for.
fn find_version(root: &Path) -> Result<String> {
    let manifest = read_json(&root.join("package.json"))?
        .ok_or_else(|| not_a_project(root, "it has no package.json"))?;
    let wanted = |package: &str| {
        ["dependencies", "devDependencies"]
            .iter()
            .find_map(|group| manifest.get(group)?.get(package)?.as_str())
    };
    let Some((package, range)) = PACKAGES
        .iter()
        .find_map(|package| Some((*package, wanted(package)?)))
    else {
        return Err(not_a_project(
            root,
            "its package.json does not depend on @strapi/strapi",
        ));
    };
    // As Node does: workspaces keep node_modules further up.
    for folder in root.ancestors() {
        let installed = folder
            .join("node_modules")
            .join(package)
            .join("package.json");
        if let Some(version) = read_json(&installed)?
            .as_ref()
            .and_then(|json| json.get("version"))
            .and_then(Value::as_str)
        {
            return Ok(version.to_owned());
        }
    }
    if Version::parse(range).is_ok() {
        return Ok(range.to_owned());
    }
    Err(Error::failed(format!(
        "cannot tell which Strapi {} is on: node_modules is missing and package.json asks for \
         {package} \"{range}\"",
        root.display()
    ))
    .hint("run npm install, or write the exact version into package.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn project(manifest: &str, installed: Option<&str>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("package.json"), manifest).expect("written");
        if let Some(version) = installed {
            let package = folder.path().join("node_modules/@strapi/strapi");
            fs::create_dir_all(&package).expect("made");
            let json = format!(r#"{{"version":"{version}"}}"#);
            fs::write(package.join("package.json"), json).expect("written");
        }
        folder
    }

    #[test]
    fn the_installed_version_wins_over_package_json() {
        let manifest = r#"{"dependencies":{"@strapi/strapi":"5.0.0"}}"#;
        let folder = project(manifest, Some("5.54.0"));
        assert_eq!(find_version(folder.path()).expect("a version"), "5.54.0");
        let folder = project(manifest, None);
        assert_eq!(find_version(folder.path()).expect("a version"), "5.0.0");
    }

    #[test]
    fn a_range_without_node_modules_is_no_version() {
        let folder = project(r#"{"dependencies":{"@strapi/strapi":"^5.0.0"}}"#, None);
        let error = find_version(folder.path()).expect_err("no version");
        assert!(error.to_string().contains("^5.0.0"), "{error}");
    }

    #[test]
    fn a_package_json_that_is_nested_deep_too_large_or_no_file_is_named() {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        for text in [deep, " ".repeat(9 << 20)] {
            let folder = project(&text, None);
            let error = find_version(folder.path()).expect_err("no version");
            assert!(error.to_string().contains("/package.json"), "{error}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("package.json")).expect("made");
        let error = find_version(folder.path()).expect_err("no version");
        assert!(error.to_string().contains("it is not a file"), "{error}");
    }

    #[test]
    fn a_folder_without_strapi_is_not_a_project() {
        let folder = project(r#"{"dependencies":{"left-pad":"1.0.0"}}"#, None);
        let error = Project::open(
            folder.path(),
            &BTreeMap::new(),
            None,
            Timeouts::default(),
            Stop::default(),
        )
        .expect_err("no project");
        assert!(error.to_string().contains("is not a Strapi project"));
    }
}
