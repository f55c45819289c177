//! A restore that fails leaves the database as it was, wherever the connection breaks; and says what happened without
//! giving a password away.

use crate::support::cli::{Outcome, PATIENTLY, Project, run};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::files::listing;

on_each_server!(
    a_connection_that_breaks_in_any_stage_leaves_everything_as_it_was,
    a_row_that_breaks_a_rule_leaves_everything_as_it_was,
    an_export_whose_connection_breaks_leaves_no_archive,
    a_server_that_is_not_there_is_named,
    a_database_that_is_not_there_is_named,
    a_password_is_never_printed,
    a_database_without_strapis_tables_is_refused,
);

/// Where the server ends the connection: the event and the table, in the order in which a restore comes to them.
const STAGES: [(&str, &str); 9] = [
    ("DELETE", "articles_tags_lnk"),
    ("DELETE", "articles"),
    ("INSERT", "articles"),
    ("INSERT", "components_shared_seos"),
    ("INSERT", "articles_cmps"),
    ("INSERT", "articles_tags_lnk"),
    ("UPDATE", "tags"),
    ("INSERT", "files_related_mph"),
    ("INSERT", "strapi_core_store_settings"),
];

/// Makes the server end a connection as soon as it changes a row of this table.
fn break_at(site: &Site, event: &str, table: &str) {
    match site.server() {
        Server::Postgres => site.database.sql([
            "CREATE OR REPLACE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM \
             pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN NULL; END $$",
            &format!("CREATE TRIGGER break BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION break()"),
        ]),
        Server::Mysql => site.database.sql([format!(
            "CREATE TRIGGER break_it BEFORE {event} ON {table} FOR EACH ROW KILL CONNECTION_ID()"
        )]),
    }
}

fn mend(site: &Site, table: &str) {
    site.database.sql([match site.server() {
        Server::Postgres => format!("DROP TRIGGER break ON {table}"),
        Server::Mysql => "DROP TRIGGER break_it".to_owned(),
    }]);
}

/// A project with content that no archive holds.
fn changed_site(server: Server) -> Site {
    let site = Site::new(server);
    site.database.sql([
        "UPDATE articles SET title = 'mine'",
        "DELETE FROM articles_tags_lnk WHERE id > 5",
        "INSERT INTO tags (id, document_id, name) VALUES (900, 'mine', 'mine')",
    ]);
    std::fs::write(site.uploads().join("mine.txt"), "mine").unwrap();
    site
}

fn a_connection_that_breaks_in_any_stage_leaves_everything_as_it_was(server: Server) {
    let (site, archive) = (changed_site(server), our_archive(server));
    let (tables, files) = (site.database.tables(), site.files());
    for (event, table) in STAGES {
        break_at(&site, event, table);
        let outcome = site.import(archive, &PATIENTLY).ends_with(1);
        assert_told_of_the_break(&outcome);
        mend(&site, table);
        assert!(tables == site.database.tables(), "{event} {table}");
        assert!(files == site.files(), "{event} {table}");
    }
    // The last moment at which anything can go wrong: the transaction ends, the new files are in their place.
    if server == Server::Postgres {
        break_at(&site, "INSERT", "articles");
        site.database.sql([
            "DROP TRIGGER break ON articles",
            "CREATE CONSTRAINT TRIGGER break AFTER INSERT ON articles DEFERRABLE INITIALLY DEFERRED FOR EACH ROW \
             EXECUTE FUNCTION break()",
        ]);
        let outcome = site.import(archive, &PATIENTLY).ends_with(1);
        assert_told_of_the_break(&outcome);
        mend(&site, "articles");
        assert!(tables == site.database.tables());
        assert!(files == site.files());
    }
    site.import(archive, &PATIENTLY).ends_with(0);
    assert!(tables != site.database.tables());
}

fn assert_told_of_the_break(outcome: &Outcome) {
    let told = [
        "terminating connection",
        "closed",
        "killed",
        "lost",
        "ended the connection",
    ];
    assert!(
        told.iter().any(|text| outcome.stderr.contains(text))
            && outcome.stderr.contains("nothing was changed"),
        "{}",
        outcome.all()
    );
}

fn a_row_that_breaks_a_rule_leaves_everything_as_it_was(server: Server) {
    let site = changed_site(server);
    // What only the server can tell; some titles of the archive are longer.
    site.database
        .sql(["ALTER TABLE articles ADD CONSTRAINT short CHECK (char_length(title) < 20)"]);
    let (tables, files) = (site.database.tables(), site.files());
    let outcome = site.import(our_archive(server), &[]).ends_with(1).says([
        "cannot write to",
        "articles",
        "short",
        "nothing was changed",
    ]);
    // The server tells the whole row, whatever stands in it.
    assert!(!outcome.stderr.contains("Failing row"), "{}", outcome.all());
    assert!(tables == site.database.tables());
    assert!(files == site.files());
}

fn an_export_whose_connection_breaks_leaves_no_archive(server: Server) {
    let site = Site::new(server);
    // The table of a component becomes a view that ends the connection of whoever reads it.
    match server {
        Server::Postgres => site.database.sql([
            "CREATE FUNCTION break() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM \
             pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN true; END $$",
            "ALTER TABLE tags RENAME TO hidden",
            "CREATE VIEW tags AS SELECT * FROM hidden WHERE break()",
        ]),
        Server::Mysql => site.database.sql([
            "CREATE FUNCTION break_it() RETURNS int BEGIN KILL CONNECTION_ID(); RETURN 1; END",
            "RENAME TABLE tags TO hidden",
            "CREATE VIEW tags AS SELECT * FROM hidden WHERE break_it()",
        ]),
    }
    let outcome = run(&mut site.command("export", ["--no-encrypt", "-f", "site"])).ends_with(1);
    assert_told_of_the_break(&outcome);
    assert_eq!(std::fs::read_dir(site.archives()).unwrap().count(), 0);
}

/// An export of a project whose database this URL names, which must fail.
fn refused(url: &str) -> Outcome {
    let project = Project::testdata();
    let arguments = ["--no-encrypt", "--database-url", url, "-f", "site"];
    let outcome = project.run("export", arguments).ends_with(1);
    assert!(listing(&project.archives()).is_empty());
    outcome
}

fn a_server_that_is_not_there_is_named(server: Server) {
    let scheme = server.name();
    refused(&format!("{scheme}://me:hunter2@127.0.0.1:1/site")).says([
        &format!("{scheme}://me@127.0.0.1:1/site"),
        "check that the server runs",
    ]);
}

fn a_database_that_is_not_there_is_named(server: Server) {
    refused(&server.url("backup_test_none"))
        .says(["backup_test_none", "check the name of the database"]);
}

fn a_password_is_never_printed(server: Server) {
    const PASSWORD: &str = "hunter2'\"\\";
    const ENCODED: &str = "hunter2%27%22%5C";
    let site = Site::new(server);
    let name = &site.database.name;
    let literal = PASSWORD.replace('\'', "''");
    match server {
        Server::Postgres => site.database.sql([format!(
            "CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{literal}'"
        )]),
        Server::Mysql => site.database.sql([
            "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'".to_owned(),
            format!("CREATE USER {name}@localhost IDENTIFIED BY '{literal}'"),
            format!("GRANT ALL ON {name}.* TO {name}@localhost"),
        ]),
    }
    let user = server.pick("postgres@", "root@");
    let right = site.url().replace(user, &format!("{name}:{ENCODED}@"));
    let wrong = site.url().replace(user, &format!("{name}:{ENCODED}x@"));
    let missing = format!("{}://{name}:{ENCODED}@127.0.0.1:1/site", server.name());
    let archive = site.export("site", &[]);
    let archive = archive.to_str().unwrap();
    let export = vec!["--verbose", "--no-encrypt", "--overwrite", "-f", "other"];
    let import = vec!["--verbose", "--force", "-f", archive];
    for (url, verb, arguments, code) in [
        (&right, "export", &export, 0),
        (&right, "import", &import, 0),
        (&wrong, "export", &export, server.pick(3, 1)),
        (&missing, "import", &import, 1),
    ] {
        for in_environment in [true, false] {
            let mut command = site.command(verb, arguments.iter().copied());
            if in_environment {
                command.env("BACKUP_DATABASE_URL", url);
            } else {
                command.args(["--database-url", url]);
            }
            let outcome = run(&mut command);
            let all = outcome.all();
            assert!(!all.contains("hunter2"), "{all}");
            // PostgreSQL's private server trusts everybody, so there a wrong password does no harm.
            if code != 3 {
                assert_eq!(outcome.code, Some(code), "{all}");
            }
            assert!(
                code == 1 || all.contains("restored") || all.contains("archive"),
                "{all}"
            );
        }
    }
    site.database.sql([format!(
        "DROP {} {name}{}",
        server.pick("ROLE", "USER"),
        server.pick("", "@localhost")
    )]);
}

fn a_database_without_strapis_tables_is_refused(server: Server) {
    let database = server.database();
    refused(&server.url(&database.name)).says(["is not a Strapi database"]);
}
