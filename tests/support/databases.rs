//! Projects on database servers. `scripts/servers` starts the servers and names them in the environment; without them
//! a test says that it is skipped.
//!
//! Every project gets a database of its own, filled from the dump in `testdata`, and the files of the archive that
//! real Strapi exported from exactly that state.

#![allow(dead_code, reason = "each test file uses a part of this module")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use strapi_backup::database::{
    Connection, ConnectionOptions, DatabaseSettings, Mysql, Postgres, ServerSettings,
};
use tempfile::TempDir;

use crate::archive::Archive;
use crate::cli::{KEY, Outcome, PLAIN, Project, backup, is_admin_table, run};

/// The stages of an archive that are lines of JSON.
pub const STAGES: [&str; 4] = ["schemas", "entities", "links", "configuration"];

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    Postgres,
    /// MySQL, or MariaDB in its place.
    Mysql,
}

impl Server {
    /// Its name in `testdata` and in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Server::Postgres => "postgres",
            Server::Mysql => "mysql",
        }
    }

    /// One of two, by kind.
    pub fn pick<T>(self, postgres: T, mysql: T) -> T {
        match self {
            Server::Postgres => postgres,
            Server::Mysql => mysql,
        }
    }

    fn variable(self) -> &'static str {
        self.pick("BACKUP_TEST_POSTGRES_URL", "BACKUP_TEST_MYSQL_URL")
    }

    /// Whether it runs; if not, says that the test is skipped.
    pub fn is_there(self) -> bool {
        let there = std::env::var_os(self.variable()).is_some();
        if !there {
            // Past the capture of the test runner: whoever runs the tests has to see what was skipped.
            let _ = writeln!(
                io::stderr(),
                "skipped: {} is not set (./scripts/servers sets it)",
                self.variable()
            );
        }
        there
    }

    /// The folder (PostgreSQL) or file (MySQL) of its socket, its port, and its user.
    fn address(self) -> (PathBuf, u16, &'static str) {
        let url = std::env::var(self.variable()).unwrap();
        let query = url.split_once('?').expect("a URL with a socket").1;
        let of = |name: &str| {
            query
                .split('&')
                .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let socket = of(self.pick("host", "socketPath")).expect("a socket");
        let port = of("port").map_or(0, |port| port.parse().unwrap());
        (socket.into(), port, self.pick("postgres", "root"))
    }

    /// A URL of a database of this name.
    pub fn url(self, database: &str) -> String {
        let (socket, port, user) = self.address();
        let socket = socket.display();
        match self {
            Server::Postgres => format!("postgres://{user}@/{database}?host={socket}&port={port}"),
            Server::Mysql => format!("mysql://{user}@localhost/{database}?socketPath={socket}"),
        }
    }

    /// Settings that lead to a database of this name.
    pub fn settings(self, database: &str) -> ServerSettings {
        let (socket, port, user) = self.address();
        ServerSettings {
            host: "localhost".into(),
            port,
            socket: Some(socket),
            database: database.into(),
            user: user.into(),
            password: None,
            schema: None,
            tls: None,
            options: ConnectionOptions::default(),
        }
    }

    /// The same over TCP, where the server speaks TLS.
    pub fn settings_over_tcp(self, database: &str) -> ServerSettings {
        let variable = self.pick("BACKUP_TEST_POSTGRES_PORT", "BACKUP_TEST_MYSQL_PORT");
        ServerSettings {
            host: "127.0.0.1".into(),
            port: std::env::var(variable).unwrap().parse().unwrap(),
            socket: None,
            ..self.settings(database)
        }
    }

    /// Connects with these settings.
    pub fn connect(
        self,
        settings: &ServerSettings,
    ) -> Result<Box<dyn Connection>, strapi_backup::error::Error> {
        Ok(match self {
            Server::Postgres => Box::new(Postgres::connect(settings, TimeZone::UTC)?),
            Server::Mysql => Box::new(Mysql::connect(settings, TimeZone::UTC)?),
        })
    }

    /// An empty database; gone when the value is.
    pub fn database(self) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("backup_test_{}_{number}", std::process::id());
        let options = self.pick(
            "ENCODING 'UTF8' TEMPLATE template0",
            "CHARACTER SET utf8mb4",
        );
        self.admin(&format!("CREATE DATABASE {name} {options}"));
        Database { server: self, name }
    }

    fn admin(self, sql: &str) {
        let settings = self.settings(self.pick("postgres", "mysql"));
        let mut connection = self.connect(&settings).unwrap();
        connection.execute(sql, &[]).unwrap();
    }
}

/// Runs a statement.
type Run = dyn FnMut(&str) -> Result<(), String>;

/// A database on a server.
pub struct Database {
    pub server: Server,
    pub name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let force = self.server.pick(" WITH (FORCE)", "");
        self.server
            .admin(&format!("DROP DATABASE {}{force}", self.name));
    }
}

impl Database {
    pub fn connect(&self) -> Box<dyn Connection> {
        let settings = self.server.settings(&self.name);
        self.server.connect(&settings).unwrap()
    }

    pub fn settings(&self) -> DatabaseSettings {
        let settings = self.server.settings(&self.name);
        match self.server {
            Server::Postgres => DatabaseSettings::Postgres(settings),
            Server::Mysql => DatabaseSettings::Mysql(settings),
        }
    }

    /// Runs statements one after the other, without the code under test.
    #[track_caller]
    pub fn sql<S: AsRef<str>>(&self, statements: impl IntoIterator<Item = S>) {
        let (socket, port, user) = self.server.address();
        let mut run: Box<Run> = match self.server {
            Server::Postgres => {
                let mut client = postgres::Config::new()
                    .host_path(socket)
                    .port(port)
                    .user(user)
                    .dbname(&self.name)
                    .connect(postgres::NoTls)
                    .unwrap();
                Box::new(move |sql| {
                    client
                        .batch_execute(sql)
                        .map_err(|error| format!("{error:?}"))
                })
            }
            Server::Mysql => {
                let options = mysql::OptsBuilder::new()
                    .socket(socket.to_str())
                    .user(Some(user))
                    .db_name(Some(&self.name));
                let mut connection = mysql::Conn::new(options).unwrap();
                Box::new(move |sql| {
                    mysql::prelude::Queryable::query_drop(&mut connection, sql)
                        .map_err(|error| error.to_string())
                })
            }
        };
        for sql in statements {
            let sql = sql.as_ref();
            if let Err(error) = run(sql) {
                panic!("{error}\n{sql}");
            }
        }
    }

    /// Feeds a dump to the server's own client.
    fn load(&self, dump: &Path) {
        let (socket, port, user) = self.server.address();
        let mut command = match self.server {
            Server::Postgres => {
                let mut psql = Command::new("psql");
                psql.args(["-q", "-1", "-X", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null"])
                    .args(["-U", user, "-p", &port.to_string(), "-d", &self.name, "-h"])
                    .arg(socket);
                psql
            }
            Server::Mysql => {
                let mut mariadb = Command::new("mariadb");
                mariadb
                    .args(["--no-defaults", "-u", user, &self.name, "-S"])
                    .arg(socket);
                mariadb
            }
        };
        let mut sql = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(dump).unwrap())
            .read_to_end(&mut sql)
            .unwrap();
        let mut client = command.stdin(Stdio::piped()).spawn().unwrap();
        client.stdin.take().unwrap().write_all(&sql).unwrap();
        assert!(client.wait().unwrap().success(), "{command:?}");
    }

    /// All rows of all tables, as text, in no order.
    pub fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let mut connection = self.connect();
        let names = connection.tables().unwrap();
        let mut tables = BTreeMap::new();
        for name in names {
            let columns = connection.columns(&name).unwrap().len();
            let sql = format!("SELECT * FROM {}", connection.quote(&name));
            let mut rows = Vec::new();
            connection
                .query(&sql, &[], &mut |row| {
                    let values: Result<Vec<_>, _> =
                        (0..columns).map(|column| row.value(column)).collect();
                    rows.push(format!("{:?}", values?));
                    Ok(())
                })
                .unwrap();
            rows.sort();
            tables.insert(name, rows);
        }
        tables
    }
}

/// A project whose database is on a server.
pub struct Site {
    pub database: Database,
    folder: TempDir,
}

impl Site {
    /// The project as it is in `testdata`: what Strapi exported [`strapi_archive`] from.
    pub fn new(server: Server) -> Site {
        let database = server.database();
        database.load(&testdata(server, "database.sql.gz"));
        let folder = tempfile::tempdir().unwrap();
        let site = Site { database, folder };
        // The three projects in testdata have the same code.
        let template = Project::testdata();
        fs::rename(template.path(), site.path()).unwrap();
        fs::remove_dir_all(site.path().join(".tmp")).unwrap();
        fs::remove_dir_all(site.uploads()).unwrap();
        fs::create_dir(site.uploads()).unwrap();
        for (name, asset) in strapi_archive(server).assets() {
            fs::write(site.uploads().join(name), asset.bytes).unwrap();
        }
        fs::create_dir(site.archives()).unwrap();
        site
    }

    /// The same project without content and files.
    pub fn emptied(server: Server) -> Site {
        let site = Site::new(server);
        let mut connection = site.database.connect();
        let tables = connection.tables().unwrap();
        let emptied = tables
            .iter()
            .filter(|name| !name.starts_with("strapi_") && !is_admin_table(name));
        let names: Vec<String> = emptied.map(|name| connection.quote(name)).collect();
        match server {
            Server::Postgres => {
                let sql = format!("TRUNCATE {} CASCADE", names.join(", "));
                connection.execute(&sql, &[]).unwrap();
            }
            Server::Mysql => {
                connection
                    .execute("SET SESSION foreign_key_checks = 0", &[])
                    .unwrap();
                for name in names {
                    connection
                        .execute(&format!("TRUNCATE {name}"), &[])
                        .unwrap();
                }
            }
        }
        fs::remove_dir_all(site.uploads()).unwrap();
        site
    }

    pub fn server(&self) -> Server {
        self.database.server
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn uploads(&self) -> PathBuf {
        self.path().join("public/uploads")
    }

    pub fn archives(&self) -> PathBuf {
        self.folder.path().join("archives")
    }

    pub fn url(&self) -> String {
        self.server().url(&self.database.name)
    }

    /// A run of the binary on this project, before it starts.
    pub fn command<'a>(&self, verb: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = backup([verb, "--project"]);
        command
            .arg(self.path())
            .args(arguments)
            .env("BACKUP_DATABASE_URL", self.url())
            .current_dir(self.archives());
        command
    }

    /// Exports into a plain archive of this name and gives its path. Nothing may be missing from it.
    #[track_caller]
    pub fn export(&self, name: &str, options: &[&str]) -> PathBuf {
        let arguments = [&["-f", name], &PLAIN[..], options].concat();
        run(&mut self.command("export", arguments)).ends_with(0);
        self.archives().join(format!("{name}.tar"))
    }

    /// What an export holds.
    #[track_caller]
    pub fn exported(&self) -> Archive {
        Archive::open(&self.export("exported", &[]), None)
    }

    /// Imports an archive without a question.
    pub fn import(&self, archive: &Path, options: &[&str]) -> Outcome {
        let file = archive.to_str().unwrap();
        let arguments = [&["--force", "-f", file], options].concat();
        run(&mut self.command("import", arguments))
    }

    /// The files in the upload folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = fs::read_dir(self.uploads()) else {
            return BTreeMap::new();
        };
        entries
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read(entry.path()).unwrap())
            })
            .collect()
    }
}

/// A file of the testdata of a server.
pub fn testdata(server: Server, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("testdata/strapi5-{}", server.name()))
        .join(name)
}

/// The archive that Strapi 5.54.0 exported from the project on this server.
pub fn strapi_archive(server: Server) -> &'static Archive {
    static ARCHIVES: [OnceLock<Archive>; 2] = [OnceLock::new(), OnceLock::new()];
    server
        .pick(&ARCHIVES[0], &ARCHIVES[1])
        .get_or_init(|| Archive::open(&testdata(server, "strapi-export.tar.gz.enc"), Some(KEY)))
}

/// Fails unless two archives hold the same lines, as JSON values and in whatever order, and the same files.
#[track_caller]
pub fn assert_same_values(actual: &Archive, expected: &Archive) {
    for stage in STAGES {
        let (actual, expected) = (sorted(actual, stage), sorted(expected, stage));
        let missing: Vec<_> = expected.iter().filter(|it| !actual.contains(it)).collect();
        let added: Vec<_> = actual.iter().filter(|it| !expected.contains(it)).collect();
        assert!(
            actual == expected,
            "{stage}\nmissing: {missing:#?}\nadded: {added:#?}"
        );
    }
    assert!(
        actual.assets() == expected.assets(),
        "the files are not the same"
    );
}

/// The lines of a stage, without what depends on a database's order of members.
fn sorted(archive: &Archive, stage: &str) -> Vec<String> {
    let mut lines: Vec<String> = archive.jsonl(stage).iter().map(canonical).collect();
    lines.sort();
    lines
}

/// A JSON value with the members of objects in the order of their names.
fn canonical(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let members: BTreeMap<&String, String> = members
                .iter()
                .map(|(name, value)| (name, canonical(value)))
                .collect();
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name:?}:{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Json::Array(list) => {
            let list: Vec<String> = list.iter().map(canonical).collect();
            format!("[{}]", list.join(","))
        }
        other => other.to_string(),
    }
}

/// Makes a test for each server out of every function named.
#[macro_export]
macro_rules! on_each_server {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[test]
            fn $name() {
                let server = $crate::databases::Server::Postgres;
                if server.is_there() {
                    super::$name(server);
                }
            })+
        }
        mod mysql {
            $(#[test]
            fn $name() {
                let server = $crate::databases::Server::Mysql;
                if server.is_there() {
                    super::$name(server);
                }
            })+
        }
    };
}
