//! Opens a connection and sets what the rest of this room relies on.

use super::explain::explain;
use crate::database::Timeouts;
use crate::database::settings::ServerSettings;
use crate::database::tls;
use crate::error::{Error, Result};
use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// No limit ends a long transaction; texts and times have one meaning; no query is worth compiling. A
/// database that does not know the encoding of its texts hands over those that are not UTF-8 as well,
/// where it would fail the whole query.
const SESSION: &str = "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO, YMD'; SET \
    standard_conforming_strings = on; SET statement_timeout = 0; SET \
    idle_in_transaction_session_timeout = 0; SET jit = off; SELECT set_config('client_encoding', \
    'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'";

/// Connects to the server. Gives as well what the connection is encrypted with, if it is.
pub(super) fn open(
    settings: &ServerSettings,
    timeouts: Timeouts,
    target: &str,
) -> Result<(Client, Option<MakeRustlsConnect>)> {
    let mut config = Config::new();
    config
        .user(&settings.user)
        .dbname(&settings.database)
        .port(settings.port)
        .connect_timeout(timeouts.connect)
        .application_name("backup");
    match &settings.socket {
        Some(folder) => config.host_path(folder),
        None => config.host(&settings.host),
    };
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    let tls = settings.tls.as_ref().filter(|_| settings.socket.is_none());
    let connector = tls
        .map(|tls| tls::config(tls).map(MakeRustlsConnect::new))
        .transpose()
        .map_err(|why| Error::failed(format!("cannot open {target}: {why}")))?;
    let connected = match &connector {
        Some(connector) => config.ssl_mode(SslMode::Require).connect(connector.clone()),
        None => config.ssl_mode(SslMode::Disable).connect(NoTls),
    };
    let mut client = connected.map_err(|error| explain(target, false, "open", error))?;
    let mut session = SESSION.to_owned();
    if let Some(schema) = &settings.schema {
        session.push_str(&format!(
            "; SET search_path TO \"{}\"",
            schema.replace('"', "\"\"")
        ));
    }
    if let Some(wait) = timeouts.lock() {
        session.push_str(&format!("; SET lock_timeout = {}", lock_timeout(wait)));
    }
    client
        .batch_execute(&session)
        .map_err(|error| explain(target, false, "open", error))?;
    Ok((client, connector))
}

/// A wait as `lock_timeout` takes it, in milliseconds; 0 would wait for ever.
pub(super) fn lock_timeout(wait: Duration) -> u128 {
    wait.as_millis().max(1)
}
