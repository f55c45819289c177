//! The database settings of a project, out of an evaluated `config/database` or a database URL.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::connection_string;
use super::error::ConfigError;
use crate::database::{ConnectionOptions, DatabaseSettings, Secret, ServerSettings, TlsSettings};

/// The keys that have fields of their own, or that must not be passed on.
const CONSUMED: &[&str] = &[
    "host",
    "port",
    "socketPath",
    "database",
    "user",
    "username",
    "password",
    "schema",
    "search_path",
    "currentSchema",
    "ssl",
    "connectionString",
    "uri",
    "sslmode",
    "ssl-mode",
    "sslcert",
    "sslkey",
    "sslrootcert",
    "filename",
    "db",
    "passwordSha1",
    "password1",
    "uselibpqcompat",
];

/// The kinds of database, as clients and URL schemes name them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

impl Kind {
    /// By the client's name. Strapi 5 knows `sqlite`, `mysql` and `postgres`; Strapi 4 also `mysql2`; the rest are the
    /// names of the same clients in Knex.
    fn of_client(client: &str) -> Option<Self> {
        Some(match client {
            "sqlite" | "sqlite3" | "better-sqlite3" | "sqlite-legacy" => Self::Sqlite,
            "postgres" | "postgresql" | "pg" => Self::Postgres,
            "mysql" | "mysql2" | "mariadb" => Self::Mysql,
            _ => return None,
        })
    }
}

/// What the values of a configuration are read with: where errors point to, and what fills the gaps.
struct Reader<'a> {
    file: &'a Path,
    environment: &'a BTreeMap<String, String>,
}

/// Reads the value of `connection` in an evaluated `config/database`. `file` is named in errors.
pub(super) fn from_config(
    connection: &Value,
    project: &Path,
    file: &Path,
    environment: &BTreeMap<String, String>,
) -> Result<DatabaseSettings, ConfigError> {
    let reader = Reader { file, environment };
    let Some(client) = connection.get("client").and_then(Value::as_str) else {
        return Err(reader.problem("connection.client", "is missing"));
    };
    let Some(kind) = Kind::of_client(client) else {
        let problem =
            format!("is {client:?}, which Strapi does not know: it is postgres, mysql or sqlite");
        return Err(reader.problem("connection.client", problem));
    };
    let given = connection.get("connection").unwrap_or(&Value::Null);
    match kind {
        Kind::Sqlite => {
            let filename = given
                .as_str()
                .or_else(|| given.get("filename").and_then(Value::as_str));
            match filename.filter(|name| !name.is_empty()) {
                Some(filename) => Ok(DatabaseSettings::Sqlite {
                    path: project.join(filename),
                }),
                None => Err(reader.problem("connection.connection.filename", "is missing")),
            }
        }
        Kind::Postgres => {
            let mut map = reader.map(given, connection_string::postgres)?;
            let schema = schema_of(connection, &map);
            if let Some(url) = text(map.get("connectionString")) {
                // node-postgres: what the string says wins, even where it says nothing.
                let parsed = connection_string::postgres(&url);
                map.extend(
                    parsed.map_err(|it| {
                        reader.problem("connection.connection.connectionString", it)
                    })?,
                );
            }
            reader
                .postgres(&map, schema)
                .map(DatabaseSettings::Postgres)
        }
        Kind::Mysql => {
            let mut map = reader.map(given, connection_string::mysql)?;
            if let Some(url) = text(map.get("uri")) {
                let parsed = connection_string::mysql(&url);
                for (key, value) in
                    parsed.map_err(|it| reader.problem("connection.connection.uri", it))?
                {
                    if map.get(&key).is_none_or(is_falsy) {
                        map.insert(key, value);
                    }
                }
            }
            reader.mysql(&map).map(DatabaseSettings::Mysql)
        }
    }
}

/// `acquireConnectionTimeout` in the value of `connection` in an evaluated `config/database`, which is in milliseconds.
pub(super) fn connection_timeout(connection: &Value) -> Option<Duration> {
    let milliseconds = connection.get("acquireConnectionTimeout")?.as_u64()?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

/// Reads a database URL: `sqlite:PATH`, `postgres://...` or `mysql://...`. A relative path is left as it is.
pub(super) fn from_url(
    url: &str,
    environment: &BTreeMap<String, String>,
) -> Result<DatabaseSettings, ConfigError> {
    let bad = |problem: String| ConfigError::DatabaseUrl { problem };
    let Some((scheme, rest)) = url.trim().split_once(':') else {
        return Err(bad("has no scheme".into()));
    };
    let reader = Reader {
        file: Path::new("the database URL"),
        environment,
    };
    let as_url_problem = |error| match error {
        ConfigError::Value { key, problem, .. } => bad(format!(
            "has no usable {}: it {problem}",
            key.replace("connection.connection.", "")
        )),
        other => other,
    };
    match Kind::of_client(scheme) {
        Some(Kind::Sqlite) => match rest.strip_prefix("//").unwrap_or(rest) {
            "" => Err(bad("names no file".into())),
            path => Ok(DatabaseSettings::Sqlite {
                path: PathBuf::from(path),
            }),
        },
        Some(kind) if !rest.starts_with("//") => {
            let name = if kind == Kind::Mysql {
                "mysql"
            } else {
                "postgres"
            };
            Err(bad(format!("does not start with {name}://")))
        }
        Some(Kind::Postgres) => {
            let map = connection_string::postgres(url.trim()).map_err(bad)?;
            reader
                .postgres(&map, schema_in_url(&map))
                .map(DatabaseSettings::Postgres)
                .map_err(as_url_problem)
        }
        Some(Kind::Mysql) => {
            let map = connection_string::mysql(url.trim()).map_err(bad)?;
            reader
                .mysql(&map)
                .map(DatabaseSettings::Mysql)
                .map_err(as_url_problem)
        }
        None => Err(bad(
            "has a scheme that is not sqlite, postgres or mysql".into()
        )),
    }
}

/// The schema of PostgreSQL that a connection names: for Knex, `schema` and else the first of `searchPath`.
fn schema_of(connection: &Value, map: &Map<String, Value>) -> Option<String> {
    text(map.get("schema")).or_else(|| text(connection.get("searchPath")?.get(0)))
}

/// The schema that a database URL names, in the words of several clients.
fn schema_in_url(map: &Map<String, Value>) -> Option<String> {
    let given = text(map.get("schema")).or_else(|| text(map.get("currentSchema")));
    given.or_else(|| {
        let path = text(map.get("search_path"))?;
        let mut names = path.split(',').map(|name| name.trim().trim_matches('"'));
        let first = names.find(|name| !name.is_empty() && *name != "$user")?;
        Some(first.to_owned())
    })
}

/// The schema of PostgreSQL in the value of `connection` in an evaluated `config/database`.
pub(super) fn schema_in_config(connection: &Value) -> Option<String> {
    let client = connection.get("client").and_then(Value::as_str)?;
    if Kind::of_client(client) != Some(Kind::Postgres) {
        return None;
    }
    let empty = Map::new();
    let given = connection.get("connection").and_then(Value::as_object);
    schema_of(connection, given.unwrap_or(&empty))
}

impl Reader<'_> {
    fn problem(&self, key: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::Value {
            file: self.file.to_owned(),
            key: key.to_owned(),
            problem: problem.into(),
        }
    }

    /// `connection.connection` as an object; a string in its place is a connection string.
    fn map(
        &self,
        given: &Value,
        parse: impl Fn(&str) -> Result<Map<String, Value>, String>,
    ) -> Result<Map<String, Value>, ConfigError> {
        match given {
            Value::Object(map) => Ok(map.clone()),
            Value::String(url) => {
                parse(url).map_err(|it| self.problem("connection.connection", it))
            }
            _ => Err(self.problem("connection.connection", "is missing or not an object")),
        }
    }

    /// Fills gaps the way node-postgres does: from the `PG...` variables, then with its defaults.
    fn postgres(
        &self,
        map: &Map<String, Value>,
        schema: Option<String>,
    ) -> Result<ServerSettings, ConfigError> {
        let value = |key: &str| {
            text(map.get(key)).or_else(|| self.variable(&format!("PG{}", key.to_uppercase())))
        };
        let user = value("user")
            .or_else(|| self.variable("USER"))
            .unwrap_or_default();
        let database = value("database").unwrap_or_else(|| user.clone());
        let ssl = match map.get("ssl") {
            Some(ssl) => ssl.clone(),
            None => match self.variable("PGSSLMODE").as_deref() {
                Some("prefer" | "require" | "verify-ca" | "verify-full") => Value::Bool(true),
                Some("no-verify") => Value::from("no-verify"),
                _ => Value::Bool(false),
            },
        };
        let host = value("host").unwrap_or_else(|| "localhost".into());
        self.server(
            map,
            ServerSettings {
                socket: host.starts_with('/').then(|| PathBuf::from(&host)),
                host,
                port: self.port(value("port"), 5432)?,
                database,
                user,
                password: value("password").map(Secret::new),
                schema,
                tls: TlsSettings::read(&ssl, true).map_err(|(key, it)| self.problem(&key, it))?,
                options: ConnectionOptions::default(),
            },
        )
    }

    fn mysql(&self, map: &Map<String, Value>) -> Result<ServerSettings, ConfigError> {
        let host = text(map.get("host")).unwrap_or_else(|| "localhost".into());
        let socket =
            text(map.get("socketPath")).or_else(|| host.starts_with('/').then(|| host.clone()));
        let ssl = map.get("ssl").unwrap_or(&Value::Null);
        self.server(
            map,
            ServerSettings {
                host,
                port: self.port(text(map.get("port")), 3306)?,
                socket: socket.map(PathBuf::from),
                database: text(map.get("database")).unwrap_or_default(),
                user: text(map.get("user")).unwrap_or_default(),
                password: text(map.get("password"))
                    .or_else(|| text(map.get("password1")))
                    .map(Secret::new),
                schema: None,
                tls: TlsSettings::read(ssl, false).map_err(|(key, it)| self.problem(&key, it))?,
                options: ConnectionOptions::default(),
            },
        )
    }

    /// What both kinds of server have in common.
    fn server(
        &self,
        map: &Map<String, Value>,
        mut settings: ServerSettings,
    ) -> Result<ServerSettings, ConfigError> {
        if settings.database.is_empty() {
            return Err(self.problem("connection.connection.database", "is missing"));
        }
        if settings.socket.is_some() {
            settings.host = "localhost".into();
        }
        let rest = map
            .iter()
            .filter(|(key, value)| !CONSUMED.contains(&key.as_str()) && !value.is_null());
        settings.options = ConnectionOptions(
            rest.map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
        );
        Ok(settings)
    }

    fn port(&self, given: Option<String>, default: u16) -> Result<u16, ConfigError> {
        match given {
            None => Ok(default),
            Some(port) => {
                let bad = || self.problem("connection.connection.port", "is not a port number");
                port.trim().parse().map_err(|_| bad())
            }
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.environment
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }
}

/// A string or number as text. What JavaScript takes for false is as good as absent.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        it if is_falsy(it) => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        _ => false,
    }
}
