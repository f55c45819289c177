//! What is known of a project, for programs.

use crate::database::{DatabaseSettings, shown_database, shown_host, shown_user};
use serde::Serialize;
use std::path::PathBuf;

/// What is known of a project, for programs. Holds no password.
#[derive(Debug, Default, Serialize)]
pub struct Facts {
    /// Its Strapi.
    pub strapi: Option<Strapi>,
    /// The environment that its configuration was read for.
    pub environment: Option<String>,
    /// Where its data are.
    pub database: Option<Database>,
    /// Where its media are.
    pub uploads: Option<Media>,
}

/// Which Strapi it is.
#[derive(Debug, Serialize)]
pub struct Strapi {
    /// Its version.
    pub version: String,
    /// Where that was read.
    pub from: String,
}

/// A database. What one of its kind does not have is `null`.
#[derive(Debug, Default, Serialize)]
pub struct Database {
    /// `sqlite`, `postgres` or `mysql`.
    pub client: String,
    /// The host's name or address, or the socket.
    pub host: Option<String>,
    /// The TCP port.
    pub port: Option<u16>,
    /// The user's name.
    pub user: Option<String>,
    /// The database's name.
    pub database: Option<String>,
    /// The schema of PostgreSQL, where one is named.
    pub schema: Option<String>,
    /// Whether the connection is encrypted, and how far the server is checked: `off`, `unchecked`, `authority` or
    /// `full`.
    pub tls: Option<&'static str>,
    /// The file.
    pub file: Option<PathBuf>,
}

/// Where media are.
#[derive(Debug, Serialize)]
pub struct Media {
    /// The upload provider, where it can be told.
    pub provider: Option<String>,
    /// The upload folder.
    pub folder: PathBuf,
}

impl Database {
    /// What settings say.
    pub(super) fn of(settings: &DatabaseSettings) -> Self {
        let client = settings.kind();
        let server = match settings {
            DatabaseSettings::Sqlite { path } => {
                return Self {
                    client: client.into(),
                    file: Some(path.clone()),
                    ..Self::default()
                };
            }
            DatabaseSettings::Postgres(server) | DatabaseSettings::Mysql(server) => server,
        };
        let tls = match (&server.tls, &server.socket) {
            (None, _) | (_, Some(_)) => "off",
            (Some(tls), None) if !tls.reject_unauthorized => "unchecked",
            (Some(tls), None) if !tls.verify_identity => "authority",
            _ => "full",
        };
        let host = match &server.socket {
            Some(socket) => socket.display().to_string(),
            None => shown_host(&server.host).to_owned(),
        };
        Self {
            client: client.into(),
            host: Some(host),
            port: Some(server.port).filter(|_| client == "postgres" || server.socket.is_none()),
            user: Some(shown_user(&server.user).to_owned()).filter(|user| !user.is_empty()),
            database: Some(shown_database(&server.database).to_owned()),
            schema: server.schema.clone(),
            tls: Some(tls),
            file: None,
        }
    }
}
