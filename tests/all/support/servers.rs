//! Database servers and databases on them. `scripts/servers` starts the servers and names them in the environment;
//! without them a test says that it is skipped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::tz::TimeZone;
use strapi_backup::database::{
    Connection, ConnectionOptions, Mysql, Postgres, ServerSettings, Timeouts, Value,
};

use super::skip;

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

    /// Whether it runs; if not, the test is skipped.
    #[track_caller]
    pub fn is_there(self) -> bool {
        let variable = self.variable();
        let there = std::env::var_os(variable).is_some();
        if !there {
            skip(&format!("{variable} is not set; ./scripts/servers sets it"));
        }
        there
    }

    /// The folder (PostgreSQL) or file (MySQL) of its socket, its port, and its user.
    pub fn address(self) -> (PathBuf, u16, &'static str) {
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
        self.url_through(&self.address().0, database)
    }

    /// The same through another socket, which stands before that of the server.
    pub fn url_through(self, socket: &Path, database: &str) -> String {
        let (_, port, user) = self.address();
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
        let waits = Timeouts::default();
        Ok(match self {
            Server::Postgres => Box::new(Postgres::connect(settings, TimeZone::UTC, waits)?),
            Server::Mysql => Box::new(Mysql::connect(settings, TimeZone::UTC, waits)?),
        })
    }

    /// An empty database; gone when the value is.
    pub fn database(self) -> Database {
        self.database_with(self.pick(
            "ENCODING 'UTF8' TEMPLATE template0",
            "CHARACTER SET utf8mb4",
        ))
    }

    fn database_with(self, options: &str) -> Database {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("backup_test_{}_{number}", std::process::id());
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
    /// Connects as the program does.
    pub fn connect(&self) -> Box<dyn Connection> {
        let settings = self.server.settings(&self.name);
        self.server.connect(&settings).unwrap()
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
            if sql.is_empty() {
                continue;
            }
            if let Err(error) = run(sql) {
                panic!("{error}\n{sql}");
            }
        }
    }

    /// Feeds a dump to the server's own client.
    pub fn load(&self, dump: &Path) {
        let mut sql = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(dump).unwrap())
            .read_to_end(&mut sql)
            .unwrap();
        self.feed(&sql);
    }

    /// A second database in exactly this state.
    pub fn copy(&self) -> Database {
        match self.server {
            Server::Postgres => self
                .server
                .database_with(&format!("TEMPLATE {}", self.name)),
            Server::Mysql => {
                let (socket, _, user) = self.server.address();
                let mut dump = Command::new("mariadb-dump");
                dump.args(["--no-defaults", "-u", user, &self.name, "-S"])
                    .arg(socket);
                let dump = dump.stderr(Stdio::inherit()).output().unwrap();
                assert!(dump.status.success(), "mariadb-dump of {}", self.name);
                let copy = self.server.database();
                copy.feed(&dump.stdout);
                copy
            }
        }
    }

    fn feed(&self, sql: &[u8]) {
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
        let mut client = command.stdin(Stdio::piped()).spawn().unwrap();
        client.stdin.take().unwrap().write_all(sql).unwrap();
        assert!(client.wait().unwrap().success(), "{command:?}");
    }

    /// All rows of all tables, as text, in no order.
    pub fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let mut connection = self.connect();
        let tables = connection.tables().unwrap();
        // The texts of PostgreSQL's rows are its own.
        let widths = match self.server {
            Server::Postgres => BTreeMap::new(),
            Server::Mysql => widths(connection.as_mut()),
        };
        let mut read = |table: String| {
            let name = connection.quote(&table);
            let sql = self.server.pick(
                format!("SELECT whole::text FROM {name} whole"),
                format!("SELECT * FROM {name}"),
            );
            let columns = widths.get(&table).copied().unwrap_or(1);
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
            (table, rows)
        };
        tables.into_iter().map(&mut read).collect()
    }
}

/// How many columns each table has.
fn widths(connection: &mut dyn Connection) -> BTreeMap<String, usize> {
    let sql = "SELECT table_name, count(*) FROM information_schema.columns \
               WHERE table_schema = database() GROUP BY table_name";
    let mut widths = BTreeMap::new();
    connection
        .query(sql, &[], &mut |row| {
            let (table, width) = (row.value(0)?, row.value(1)?);
            let table = table.as_str().unwrap().to_owned();
            let Value::Integer(width) = width else {
                panic!("{table} has {width:?} columns");
            };
            widths.insert(table, usize::try_from(width).unwrap());
            Ok(())
        })
        .unwrap();
    widths
}
