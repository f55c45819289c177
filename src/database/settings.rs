//! How to reach a database: what a project's configuration or a database URL comes down to.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// Which database a project uses, and how to reach it.
#[derive(Debug, Clone, PartialEq)]
pub enum DatabaseSettings {
    /// A SQLite file.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
    /// A PostgreSQL server.
    Postgres(ServerSettings),
    /// A MySQL or MariaDB server.
    Mysql(ServerSettings),
}

impl DatabaseSettings {
    /// The kind of database: `sqlite`, `postgres`, `mysql`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Postgres(_) => "postgres",
            Self::Mysql(_) => "mysql",
        }
    }

    /// Where this leads, for messages: everything but the password.
    pub fn target(&self) -> String {
        match self {
            Self::Sqlite { path } => path.display().to_string(),
            Self::Postgres(server) | Self::Mysql(server) => server.target(self.kind()),
        }
    }
}

/// How to reach a database on a server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSettings {
    /// The host's name or address. `localhost` when a socket is used.
    pub host: String,
    /// The TCP port, which on PostgreSQL is also part of the socket's name.
    pub port: u16,
    /// The unix socket to use instead of TCP: its folder on PostgreSQL, the socket itself on MySQL.
    pub socket: Option<PathBuf>,
    /// The database's name.
    pub database: String,
    /// The user's name. Empty when the project names none.
    pub user: String,
    /// The password, if there is one.
    pub password: Option<Secret>,
    /// The PostgreSQL schema that holds the tables; without one the server's search path decides.
    pub schema: Option<String>,
    /// TLS, if the connection is to use it.
    pub tls: Option<TlsSettings>,
    /// What else the connection says, such as `timezone` or `application_name`.
    pub options: ConnectionOptions,
}

impl ServerSettings {
    /// The server and the database on it, whoever connects.
    pub fn place(&self) -> String {
        match &self.socket {
            Some(socket) => format!("{}/{}", socket.display(), shown_database(&self.database)),
            None => {
                let (host, database) = (shown_host(&self.host), shown_database(&self.database));
                format!("{host}:{}/{database}", self.port)
            }
        }
    }

    /// Where this leads, for messages: everything but the password.
    pub(super) fn target(&self, scheme: &str) -> String {
        let user = match self.user.as_str() {
            "" => String::new(),
            user => format!("{}@", shown_user(user)),
        };
        format!("{scheme}://{user}{}", self.place())
    }
}

/// A host as it may be shown: whoever puts a URL there puts a password there.
pub(crate) fn shown_host(host: &str) -> &str {
    host.rsplit('@').next().unwrap_or_default()
}

/// The same for the name of a user.
pub(crate) fn shown_user(user: &str) -> &str {
    user.split(':').next().unwrap_or_default()
}

/// The same for the name of a database.
pub(crate) fn shown_database(database: &str) -> &str {
    database.split('?').next().unwrap_or_default()
}

/// Settings of a connection that have no field of their own. `Debug` shows their names only.
#[derive(Clone, PartialEq, Default)]
pub struct ConnectionOptions(pub BTreeMap<String, Value>);

impl fmt::Debug for ConnectionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How to secure a connection, in the terms of Node's TLS options.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsSettings {
    /// Whether the server's certificate must be signed by a known authority (`rejectUnauthorized`).
    pub reject_unauthorized: bool,
    /// Whether the certificate must also name the host. Always so on PostgreSQL, by
    /// `verifyIdentity` on MySQL.
    pub verify_identity: bool,
    /// The authorities to trust instead of the well-known ones, in PEM.
    pub ca: Option<String>,
    /// The client's certificate, in PEM.
    pub cert: Option<String>,
    /// The client's private key, in PEM.
    pub key: Option<Secret>,
    /// What the private key is encrypted with.
    pub passphrase: Option<Secret>,
    /// The name to expect in the certificate instead of the host's.
    pub servername: Option<String>,
}

/// A password or private key. It can be used, but neither `{}` nor `{:?}` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that hands it to a database client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shows_a_password() {
        let settings = ServerSettings {
            host: "db".into(),
            port: 5432,
            socket: None,
            database: "site".into(),
            user: "strapi".into(),
            password: Some(Secret::new("hunter2")),
            schema: None,
            tls: None,
            options: ConnectionOptions([("password1".to_owned(), "hunter2".into())].into()),
        };
        assert_eq!(
            settings.target("postgres"),
            "postgres://strapi@db:5432/site"
        );
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
