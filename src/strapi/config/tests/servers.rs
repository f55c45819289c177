//! The settings of servers: sockets, TLS, connection strings and what fills the gaps.

use std::path::Path;

use super::{Project, mysql_with, postgres_with};

#[test]
fn the_gaps_of_a_postgres_connection_are_filled_like_node_postgres_does() {
    let it = postgres_with("{ user: 'u' }").postgres();
    assert_eq!(
        (it.host.as_str(), it.port, it.database.as_str()),
        ("localhost", 5432, "u")
    );
    assert_eq!(
        (it.password, it.schema, it.tls, it.socket),
        (None, None, None, None)
    );

    let it = postgres_with("{ port: NaN, ssl: undefined }")
        .variable("PGHOST", "/run/postgresql")
        .variable("PGPORT", "5433")
        .variable("PGUSER", "pg")
        .variable("PGDATABASE", "cms")
        .variable("PGPASSWORD", "secret")
        .variable("PGSSLMODE", "require")
        .postgres();
    assert_eq!(
        (
            it.host.as_str(),
            it.port,
            it.database.as_str(),
            it.user.as_str()
        ),
        ("localhost", 5433, "cms", "pg")
    );
    assert_eq!(it.socket.as_deref(), Some(Path::new("/run/postgresql")));
    assert!(it.tls.expect("TLS").reject_unauthorized);
}

#[test]
fn a_connection_may_be_a_string_or_a_function() {
    let it = postgres_with("'postgres://u:p@h:1/d?ssl=true'").postgres();
    assert_eq!(
        (it.host.as_str(), it.port, it.tls.is_some()),
        ("h", 1, true)
    );
    let it = postgres_with("async () => ({ host: await Promise.resolve('later'), database: 'd' })")
        .postgres();
    assert_eq!(it.host, "later");
    let it = mysql_with("() => ({ host: 'now', database: 'd' })").mysql();
    assert_eq!(it.host, "now");
    let project = Project::database(
        "module.exports = { connection: { client: 'sqlite3', connection: 'a.db' } };",
    );
    assert_eq!(project.sqlite(), "a.db");
}

#[test]
fn schemas_and_options_are_kept() {
    let it =
        postgres_with("{ database: 'd', schema: 'cms', application_name: 'x', onConnect() {} }")
            .postgres();
    assert_eq!(it.schema.as_deref(), Some("cms"));
    assert_eq!(
        it.options.0.keys().collect::<Vec<_>>(),
        ["application_name"]
    );
    let text = "module.exports = { connection: { client: 'pg', searchPath: ['first'], connection: { database: 'd' } } };";
    assert_eq!(
        Project::database(text).postgres().schema.as_deref(),
        Some("first")
    );
}

#[test]
fn tls_files_are_read_by_the_configuration() {
    let project = Project::new(&[
        ("certs/ca.pem", "-----BEGIN CERTIFICATE-----\nCA"),
        (
            "config/database.js",
            "const fs = require('fs');\nconst path = require('path');\nmodule.exports = ({ env }) => ({ connection: { client: 'postgres', connection: {\n\
             database: 'd', ssl: { ca: fs.readFileSync(path.join(process.cwd(), 'certs/ca.pem')),\n\
             cert: Buffer.from(env('CERT'), 'base64').toString(), key: fs.readFileSync('./certs/ca.pem', 'utf8'),\n\
             rejectUnauthorized: false } } } });",
        ),
    ]);
    let tls = project
        .variable("CERT", "Y2VydMOk")
        .postgres()
        .tls
        .expect("TLS");
    assert_eq!(tls.ca.as_deref(), Some("-----BEGIN CERTIFICATE-----\nCA"));
    assert_eq!(tls.cert.as_deref(), Some("certä"));
    assert!(tls.key.is_some_and(|key| key.expose().ends_with("CA")) && !tls.reject_unauthorized);
}

#[test]
fn mysql_has_its_own_ways() {
    let it = mysql_with(
        "{ socketPath: '/run/mysqld/mysqld.sock', database: 'd', user: 'u', charset: 'utf8mb4' }",
    )
    .mysql();
    assert_eq!(
        it.socket.as_deref(),
        Some(Path::new("/run/mysqld/mysqld.sock"))
    );
    let it =
        mysql_with("{ uri: 'mysql://url:pw@far:3310/other', host: 'near', database: 'd' }").mysql();
    assert_eq!(
        (
            it.host.as_str(),
            it.port,
            it.database.as_str(),
            it.user.as_str()
        ),
        ("near", 3310, "d", "url")
    );
    // mysql2 does not know connectionString.
    let it =
        mysql_with("{ connectionString: 'mysql://far/other', database: 'd', ssl: {} }").mysql();
    assert_eq!(it.host, "localhost");
    let tls = it.tls.expect("TLS");
    assert!(tls.reject_unauthorized && !tls.verify_identity);
    assert!(
        mysql_with("{ database: 'd', ssl: 'Amazon RDS' }")
            .error()
            .to_string()
            .contains("ssl.ca")
    );
    assert!(
        mysql_with("{ host: 'h' }")
            .error()
            .to_string()
            .contains("connection.database is missing")
    );
}

#[test]
fn a_database_url_keeps_the_schema_of_the_configuration_unless_it_names_one() {
    let project = || postgres_with("{ database: 'd', schema: env('SCHEMA', 'cms') }");
    let schema = |project: Project, url: &str| project.url(url).postgres().schema;
    assert_eq!(schema(project(), "postgres://h/d").as_deref(), Some("cms"));
    let other = project().variable("SCHEMA", "other");
    assert_eq!(schema(other, "postgres://h/d").as_deref(), Some("other"));
    for (query, named) in [
        ("schema=mine", "mine"),
        ("currentSchema=mine", "mine"),
        ("search_path=%22$user%22,%20%22My%20own%22,public", "My own"),
    ] {
        let url = format!("postgres://h/d?{query}");
        assert_eq!(schema(project(), &url).as_deref(), Some(named), "{url}");
    }
    let path = "module.exports = { connection: { client: 'pg', connection: 'postgres://h/d', searchPath: ['site', 'public'] } };";
    assert_eq!(
        schema(Project::database(path), "postgres://h/d").as_deref(),
        Some("site")
    );
    // What is for another kind of database says nothing.
    let mysql = mysql_with("{ database: 'd', schema: 'cms' }");
    assert_eq!(schema(mysql, "postgres://h/d"), None);
    assert_eq!(schema(Project::new(&[]), "postgres://h/d"), None);
    // Nor does one that cannot be read, which is said.
    let broken = Project::database("throw new Error('no')").url("postgres://h/d");
    let read = broken.read();
    assert_eq!(broken.postgres().schema, None);
    let warning = read.warnings[0].to_string();
    assert!(warning.starts_with("config/database.js:1: "), "{warning}");
}
