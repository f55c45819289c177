//! Ways to reach a server: TLS, sockets, schemas, time zones.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;
use strapi_backup::database::{Connection, Secret, ServerSettings, TlsSettings};

use crate::support::archive::Archive;
use crate::support::cli::run;
use crate::support::databases::{Server, Site, assert_same_values, on_each_server, strapi_archive};

on_each_server!(
    tls_trusts_the_authority_it_is_given,
    tls_trusts_nobody_else,
    tls_checks_the_name_where_it_is_asked_to,
    tls_shows_the_clients_certificate,
    tls_settings_that_make_no_sense_are_named,
    a_connection_without_tls_has_none,
);

fn pem(name: &str) -> String {
    let folder = PathBuf::from(std::env::var_os("BACKUP_TEST_TLS").unwrap());
    fs::read_to_string(folder.join(name)).unwrap()
}

/// TLS that trusts the server's authority, which is that of MariaDB's certificate itself.
fn tls(server: Server) -> TlsSettings {
    TlsSettings {
        reject_unauthorized: true,
        verify_identity: true,
        ca: Some(pem(server.pick("ca.pem", "own.pem"))),
        cert: None,
        key: None,
        passphrase: None,
        servername: None,
    }
}

fn settings(server: Server, tls: Option<TlsSettings>) -> ServerSettings {
    ServerSettings {
        tls,
        ..server.settings_over_tcp(server.pick("postgres", "mysql"))
    }
}

/// Whether the server calls this connection encrypted.
fn is_encrypted(server: Server, connection: &mut dyn Connection) -> bool {
    let sql = server.pick(
        "SELECT ssl::text, 'x' FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        "SHOW STATUS LIKE 'Ssl_cipher'",
    );
    let mut encrypted = false;
    connection
        .query(sql, &[], &mut |row| {
            let column = server.pick(0, 1);
            let value = row.value(column)?;
            encrypted = !matches!(value.as_str(), None | Some("" | "false"));
            Ok(())
        })
        .unwrap();
    encrypted
}

#[track_caller]
fn assert_encrypted(server: Server, tls: TlsSettings) {
    let mut connection = server.connect(&settings(server, Some(tls))).unwrap();
    assert!(is_encrypted(server, connection.as_mut()));
}

#[track_caller]
fn assert_refused(server: Server, tls: TlsSettings, text: &str) {
    let Err(error) = server.connect(&settings(server, Some(tls))) else {
        panic!("connected");
    };
    let printed = format!("{error} {error:?}");
    assert!(printed.contains(text), "{printed}");
    assert!(!printed.contains("PRIVATE KEY"), "{printed}");
}

fn tls_trusts_the_authority_it_is_given(server: Server) {
    assert_encrypted(server, tls(server));
}

fn tls_trusts_nobody_else(server: Server) {
    let nobody = TlsSettings {
        ca: None,
        ..tls(server)
    };
    let words = server.pick("UnknownIssuer", "signed itself");
    assert_refused(server, nobody.clone(), words);
    let anybody = TlsSettings {
        reject_unauthorized: false,
        ..nobody
    };
    assert_encrypted(server, anybody);
}

fn tls_checks_the_name_where_it_is_asked_to(server: Server) {
    // The server listens on this address, and its certificate names another.
    let connect = |verify_identity| {
        let tls = TlsSettings {
            verify_identity,
            ..tls(server)
        };
        server.connect(&ServerSettings {
            host: "127.0.0.2".into(),
            ..settings(server, Some(tls))
        })
    };
    let Err(error) = connect(true) else {
        panic!("connected");
    };
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert!(is_encrypted(server, connect(false).unwrap().as_mut()));
    let other = TlsSettings {
        servername: Some("other.example".into()),
        ..tls(server)
    };
    assert_refused(server, other, "other.example");
}

fn tls_shows_the_clients_certificate(server: Server) {
    let client = TlsSettings {
        cert: Some(pem("client.pem")),
        key: Some(Secret::new(pem("client.key"))),
        ..tls(server)
    };
    assert_encrypted(server, client.clone());
    if server == Server::Postgres {
        let mut connection = server.connect(&settings(server, Some(client))).unwrap();
        let sql = "SELECT count(*) FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND client_dn = '/CN=client'";
        assert_eq!(connection.number(sql, &[]).unwrap(), 1);
    }
}

fn tls_settings_that_make_no_sense_are_named(server: Server) {
    let encrypted = TlsSettings {
        cert: Some(pem("client.pem")),
        key: Some(Secret::new(pem("client.key"))),
        passphrase: Some(Secret::new("hunter2")),
        ..tls(server)
    };
    assert_refused(server, encrypted, "is encrypted");
    let broken = TlsSettings {
        ca: Some("no certificate".into()),
        ..tls(server)
    };
    assert_refused(server, broken, "ssl.ca");
}

fn a_connection_without_tls_has_none(server: Server) {
    let mut connection = server.connect(&settings(server, None)).unwrap();
    assert!(!is_encrypted(server, connection.as_mut()));
}

#[test]
fn tables_in_another_schema_are_found_by_its_name() {
    let server = Server::Postgres;
    if !server.is_there() {
        return;
    }
    let site = Site::new(server);
    site.database.sql([
        "ALTER SCHEMA public RENAME TO \"The CMS\"",
        "CREATE SCHEMA public",
    ]);
    run(&mut site.command("export", ["--no-encrypt", "-f", "site"]))
        .ends_with(1)
        .says(["is not a Strapi database"]);
    let url = format!("{}&schema=The%20CMS", site.url());
    let archive = site.export("site", &["--database-url", &url]);
    assert_same_values(&Archive::open(&archive, None), strapi_archive(server));
    site.import(&archive, &["--database-url", &url])
        .ends_with(0);
    let again = site.export("again", &["--database-url", &url]);
    let again = Archive::open(&again, None);
    assert_eq!(Archive::open(&archive, None).differences(&again), [""; 0]);
}

#[test]
fn a_database_url_leaves_the_schema_to_the_configuration() {
    let server = Server::Postgres;
    if !server.is_there() {
        return;
    }
    let site = Site::new(server);
    site.database
        .sql(["ALTER SCHEMA public RENAME TO cms", "CREATE SCHEMA public"]);
    let export = ["--no-encrypt", "-f", "site"];
    let in_cms = |command: &mut Command| {
        command
            .env("DATABASE_CLIENT", "postgres")
            .env("DATABASE_SCHEMA", "cms");
        run(command)
    };
    in_cms(&mut site.command("export", export)).ends_with(0);
    let archive = site.archive("site.tar.gz");
    assert_same_values(&Archive::open(&archive, None), strapi_archive(server));
    in_cms(&mut site.import_command(&archive, &[])).ends_with(0);
    // What the URL says wins.
    let url = format!("{}&currentSchema=public", site.url());
    let other = ["--no-encrypt", "-f", "other", "--database-url", &url];
    in_cms(&mut site.command("export", other))
        .ends_with(1)
        .says(["is not a Strapi database"]);
}

#[test]
fn the_timezone_of_a_mysql_connection_is_that_of_its_times() {
    let server = Server::Mysql;
    if !server.is_there() {
        return;
    }
    let site = Site::new(server);
    let before = site.database.tables();
    // A + in a URL is a space.
    let url = format!("{}&timezone=%2B02%3A00", site.url());
    let archive = site.export("site", &["--database-url", &url]);
    let articles = Archive::open(&archive, None).jsonl("entities");
    let article = articles
        .iter()
        .find(|it| it["type"] == "api::article.article" && it["id"] == 1);
    let at: Json = "2024-02-29T10:00:00.000Z".into();
    assert_eq!(article.unwrap()["data"]["releaseAt"], at);
    site.import(&archive, &["--database-url", &url])
        .ends_with(0);
    assert_eq!(before["articles"], site.database.tables()["articles"]);
}
