//! Runs real Strapi: projects made from the template in `tests/strapi`, its seed, and the commands of its command line.
//!
//! `tests/strapi/install.sh 5 DIR` installs Strapi 5 once; `BACKUP_TEST_STRAPI5=DIR` tells the tests where it is. The
//! same goes for Strapi 4.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::files::{copy_folder, folder_of_this_run, repository};
use super::servers::{Database, Server};
use super::skip;
use super::sqlite::{rows, table_names};
use super::world::World;

/// Strapi answers within seconds; a minute means a slow machine, more means that it hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A major version of Strapi, and what the tests must know of it.
pub struct Version {
    /// Its number.
    pub major: u32,
    /// The versions of the packages stand in the folder `tests/strapi<release>`.
    pub release: &'static str,
    /// The folder of an installed Strapi is read from here.
    pub variable: &'static str,
    /// The table that says which user of the admin panel has which role.
    pub roles_of_users: &'static str,
    /// The table that says where in the content a file is used.
    pub uses_of_files: &'static str,
    /// Whether it leaves the links of components behind when it deletes them, on servers. It exports them as well.
    pub leaves_links_on_servers: bool,
    /// What it calls the client for MySQL and MariaDB.
    pub mysql_client: &'static str,
    /// A part of the template that it cannot run on a server. What stands in its place is in the folder `servers` beside
    /// its package.json.
    pub not_on_servers: Option<&'static str>,
    /// Whether archives hold the logos of the admin panel.
    pub exports_logos: bool,
    /// SQL that empties the references from rows that a restore keeps to rows that it replaces. Strapi leaves them as
    /// they are, since no new row gets an old id; with ids from the archive they would come to mean other rows.
    pub forgets: &'static str,
    /// What [`Version::harness`] keeps.
    pub harness: OnceLock<Harness>,
    /// What [`Version::world`] keeps: on SQLite, PostgreSQL and MySQL.
    pub worlds: [OnceLock<World>; 3],
}

impl Version {
    /// The installed Strapi; if there is none, the test is skipped.
    #[track_caller]
    pub fn harness(&'static self) -> Option<&'static Harness> {
        let variable = self.variable;
        let Some(installed) = std::env::var_os(variable) else {
            skip(&format!("{variable} is not set; ./scripts/test sets it"));
            return None;
        };
        let harness = || Harness::new(self, Path::new(&installed));
        Some(self.harness.get_or_init(harness))
    }

    /// The world on SQLite or a server; if the server or Strapi is not there, the test is skipped.
    #[track_caller]
    pub fn world(&'static self, server: Option<Server>) -> Option<&'static World> {
        if server.is_some_and(|server| !server.is_there()) {
            return None;
        }
        let harness = self.harness()?;
        let world = &self.worlds[server.map_or(0, |server| server.pick(1, 2))];
        Some(world.get_or_init(|| World::make(self, harness, server)))
    }
}

/// An installed Strapi and a folder for the projects of this run.
pub struct Harness {
    version: &'static Version,
    node_modules: PathBuf,
    work: PathBuf,
    projects: AtomicUsize,
}

/// A project that Strapi can run.
pub struct Project<'a> {
    harness: &'a Harness,
    /// Its folder.
    pub dir: PathBuf,
    /// Its database, unless that is a file in the folder.
    pub database: Option<Database>,
    /// Held by whatever runs in it, or copies it.
    in_use: Mutex<()>,
}

impl Harness {
    /// The harness of a Strapi that is installed in this folder.
    fn new(version: &'static Version, installed: &Path) -> Harness {
        let Version {
            release, variable, ..
        } = version;
        let node_modules = installed.join("node_modules");
        let node_modules = fs::canonicalize(&node_modules).unwrap_or_else(|error| {
            panic!(
                "{variable}: {}: {error}; run tests/strapi/install.sh {release}",
                node_modules.display()
            )
        });
        let work = folder_of_this_run().join(format!("strapi{release}"));
        fs::create_dir_all(&work).unwrap();
        Harness {
            version,
            node_modules,
            work,
            projects: AtomicUsize::new(0),
        }
    }

    /// A project from the template with an empty database, on SQLite or on a server; Strapi has not seen it yet.
    pub fn new_project(&self, name: &str, server: Option<Server>) -> Project<'_> {
        let database = server.map(Server::database);
        let project = self.project_from(&repository("tests/strapi/project"), name, database);
        if let (Some(_), Some(part)) = (server, self.version.not_on_servers) {
            fs::remove_dir_all(project.dir.join(part)).unwrap();
            project.add("servers");
        }
        project
    }

    /// A path that nothing has used, in the folder of this run.
    pub fn path(&self, name: &str) -> PathBuf {
        let number = self.projects.fetch_add(1, Ordering::Relaxed);
        self.work.join(format!("{number:02}-{name}"))
    }

    fn project_from(&self, template: &Path, name: &str, database: Option<Database>) -> Project<'_> {
        let dir = self.path(name);
        copy_folder(template, &dir);
        symlink(&self.node_modules, dir.join("node_modules")).unwrap();
        // What the project depends on is what is installed.
        let package = format!("tests/strapi{}/package.json", self.version.release);
        fs::copy(repository(&package), dir.join("package.json")).unwrap();
        if let Some(database) = &database {
            use_database(&dir.join(".env"), database, self.version.mysql_client);
        }
        Project {
            harness: self,
            dir,
            database,
            in_use: Mutex::new(()),
        }
    }
}

impl<'a> Project<'a> {
    /// A second project in exactly this state.
    pub fn copy(&self, name: &str) -> Project<'a> {
        self.copy_for(self.harness, name)
    }

    /// A second project in this state, whose code is brought to another Strapi. It has not run yet.
    pub fn copy_for<'b>(&self, harness: &'b Harness, name: &str) -> Project<'b> {
        // Nothing may use the first meanwhile: files come and go, and PostgreSQL copies no database that is in use.
        let _turn = self.turn();
        let database = self.database.as_ref().map(Database::copy);
        harness.project_from(&self.dir, name, database)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a folder beside the package.json of this Strapi to the code of the project.
    pub fn add(&self, folder: &str) {
        let folder = format!("tests/strapi{}/{folder}", self.harness.version.release);
        copy_folder(&repository(&folder), &self.dir);
    }

    /// Fills the project; see `tests/strapi/seed.js` for the modes.
    pub fn seed(&self, mode: &str) -> String {
        self.run(
            "node",
            &[
                repository("tests/strapi/seed.js").as_os_str(),
                self.dir.as_os_str(),
                mode.as_ref(),
            ],
        )
    }

    /// Fills a project of any content model at random; see `tests/strapi/fill.js`.
    pub fn fill(&self, seed: &str) -> String {
        self.run(
            "node",
            &[
                repository("tests/strapi/fill.js").as_os_str(),
                self.dir.as_os_str(),
                seed.as_ref(),
            ],
        )
    }

    /// Serves the project while a shell runs a script in it; see `tests/strapi/serve.js`. Gives what was said.
    pub fn serve(&self, script: &str) -> String {
        let path = self.harness.path("script.sh");
        fs::write(&path, script).unwrap();
        self.run(
            "node",
            &[
                repository("tests/strapi/serve.js").as_os_str(),
                self.dir.as_os_str(),
                path.as_os_str(),
            ],
        )
    }

    /// Runs a script in the project while Strapi does not. Gives what was said.
    pub fn shell(&self, script: &str) -> String {
        self.run("sh", &["-eux".as_ref(), "-c".as_ref(), script.as_ref()])
    }

    /// `strapi export`: with a key as most people run it, compressed and encrypted, else neither. Strapi adds suffixes to
    /// the name; so does what comes back.
    pub fn strapi_export(&self, name: &str, key: Option<&str>) -> PathBuf {
        let base = self.harness.path(name);
        let mut arguments = vec!["export".as_ref(), "-f".as_ref(), base.as_os_str()];
        let (options, suffix) = match &key {
            Some(key) => (["-k", key], ".tar.gz.enc"),
            None => (["--no-encrypt", "--no-compress"], ".tar"),
        };
        arguments.extend(as_os(&options));
        self.strapi(&arguments);
        with_suffix(&base, suffix)
    }

    /// `strapi import`; what it said is searched for warnings.
    pub fn strapi_import(&self, file: &Path, key: Option<&str>) {
        let mut arguments = vec![
            "import".as_ref(),
            "--force".as_ref(),
            "-f".as_ref(),
            file.as_os_str(),
        ];
        if let Some(key) = key {
            arguments.extend::<[&OsStr; 2]>(["-k".as_ref(), key.as_ref()]);
        }
        let output = self.strapi(&arguments);
        let warnings = warnings(&output);
        assert!(
            warnings.is_empty(),
            "strapi import warns: {warnings:#?}\n\nAll it said:\n{output}"
        );
    }

    /// `backup export` of this project; the archive with its suffixes.
    pub fn our_export(&self, name: &str, arguments: &[&str], suffix: &str) -> PathBuf {
        self.our_export_that_ends_with(0, name, arguments, suffix).0
    }

    /// The same for a project that may not be whole; also what the command said.
    pub fn our_export_that_ends_with(
        &self,
        code: i32,
        name: &str,
        arguments: &[&str],
        suffix: &str,
    ) -> (PathBuf, String) {
        let base = self.harness.path(name);
        let output = self.backup(
            "export",
            &[
                &["--overwrite".as_ref(), "-f".as_ref(), base.as_os_str()],
                &as_os(arguments)[..],
            ]
            .concat(),
            code,
        );
        let archive = with_suffix(&base, suffix);
        assert!(
            archive.exists(),
            "backup export wrote no {}",
            archive.display()
        );
        (archive, output)
    }

    /// `backup import --force` into this project.
    pub fn our_import(&self, file: &Path, arguments: &[&str]) {
        self.our_import_that_ends_with(0, file, arguments);
    }

    /// The same for an archive that may not be whole; what the command said.
    pub fn our_import_that_ends_with(&self, code: i32, file: &Path, arguments: &[&str]) -> String {
        let fixed: [&OsStr; 3] = ["--force".as_ref(), "-f".as_ref(), file.as_os_str()];
        self.backup("import", &[&fixed, &as_os(arguments)[..]].concat(), code)
    }

    /// The names of the files in its upload folder.
    pub fn uploads(&self) -> BTreeSet<String> {
        let folder = fs::read_dir(self.dir.join("public/uploads")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with('.')).collect()
    }

    /// Every row of every table whose name `wanted` accepts, in an order of their own.
    pub fn rows(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<String>> {
        if let Some(database) = &self.database {
            let mut tables = database.tables();
            tables.retain(|table, _| wanted(table));
            return tables;
        }
        let database = self.sqlite();
        let mut tables = table_names(&database);
        tables.retain(|table| wanted(table));
        let read = |table: String| {
            let rows = rows(&database, &table);
            let rows = rows.iter().map(|row| format!("{row:?}")).collect();
            (table, rows)
        };
        tables.into_iter().map(read).collect()
    }

    fn sqlite(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.dir.join(".tmp/data.db")).unwrap()
    }

    /// Changes the database behind Strapi's back.
    pub fn sql(&self, statements: &str) {
        if let Some(database) = &self.database {
            return database.sql([statements]);
        }
        self.sqlite().execute_batch(statements).unwrap();
    }

    fn strapi(&self, arguments: &[&OsStr]) -> String {
        self.run(self.harness.node_modules.join(".bin/strapi"), arguments)
    }

    fn backup(&self, verb: &str, arguments: &[&OsStr], code: i32) -> String {
        let project: [&OsStr; 3] = [verb.as_ref(), "--project".as_ref(), self.dir.as_os_str()];
        self.run_until(
            code,
            env!("CARGO_BIN_EXE_backup"),
            &[&project, arguments].concat(),
        )
    }

    /// Runs a command in the project and gives back all it said. Fails with that when the command fails.
    fn run(&self, program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> String {
        self.run_until(0, program, arguments)
    }

    /// The same for a command that has to end with a certain code.
    fn run_until(&self, code: i32, program: impl AsRef<OsStr>, arguments: &[&OsStr]) -> String {
        // A test that waits is not a test that hangs.
        let turn = self.turn();
        let log = self.harness.path("output.log");
        let output = fs::File::create(&log).unwrap();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .env("NODE_ENV", "production")
            .env("NODE_NO_WARNINGS", "1")
            .env("STRAPI_TELEMETRY_DISABLED", "true")
            .env("FORCE_COLOR", "0")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let process = child.id().to_string();
        let (ended, end) = mpsc::channel::<()>();
        let watch = thread::spawn(move || {
            let hangs = end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
            if hangs {
                Command::new("kill")
                    .args(["-s", "KILL", &process])
                    .status()
                    .unwrap();
            }
            hangs
        });
        let status = child.wait().unwrap();
        drop(ended);
        let hung = watch.join().unwrap();
        drop(turn);
        let said = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
        assert!(
            !hung,
            "{command:?} was still running after {} s:\n{said}",
            PATIENCE.as_secs()
        );
        assert_eq!(
            status.code(),
            Some(code),
            "{command:?} ended with {status}:\n{said}"
        );
        said
    }
}

/// Has a project use a database on a server, through its environment as on any host.
fn use_database(env: &Path, database: &Database, mysql_client: &str) {
    let text = fs::read_to_string(env).unwrap();
    let others = text.lines().filter(|line| !line.starts_with("DATABASE_"));
    let mut lines: Vec<String> = others.map(str::to_owned).collect();
    let (socket, port, user) = database.server.address();
    let socket = socket.display();
    lines.push(format!("DATABASE_NAME={}", database.name));
    lines.push(format!("DATABASE_USERNAME={user}"));
    lines.extend(match database.server {
        Server::Postgres => [
            "DATABASE_CLIENT=postgres".to_owned(),
            format!("DATABASE_HOST={socket}\nDATABASE_PORT={port}"),
        ],
        Server::Mysql => [
            format!("DATABASE_CLIENT={mysql_client}"),
            format!("DATABASE_SOCKET={socket}"),
        ],
    });
    fs::write(env, lines.join("\n") + "\n").unwrap();
}

/// The lines of Strapi's output that say that something did not go as it should.
pub fn warnings(output: &str) -> Vec<&str> {
    let suspicious = |line: &&str| {
        let line = line.to_lowercase();
        ["warn", "skipp", "omit"]
            .iter()
            .any(|word| line.contains(word))
    };
    output.lines().filter(suspicious).collect()
}

fn with_suffix(base: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(base);
    name.push(suffix);
    PathBuf::from(name)
}

fn as_os<'a>(arguments: &[&'a str]) -> Vec<&'a OsStr> {
    arguments
        .iter()
        .map(|argument| OsStr::new(*argument))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_strapi_are_found_and_plain_lines_are_not() {
        let output = "Starting import...\n[warn]: Skipping link a\n✔ links: 3 transferred\nOmitting asset x\nsome Skipped";
        assert_eq!(
            warnings(output),
            [
                "[warn]: Skipping link a",
                "Omitting asset x",
                "some Skipped"
            ]
        );
    }
}
