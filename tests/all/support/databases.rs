//! Projects on database servers. `scripts/servers` starts the servers and names them in the environment; without them
//! a test says that it is skipped.
//!
//! Every project gets a database of its own, filled from the dump in `testdata`, and the files of the archive that
//! real Strapi exported from exactly that state.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::archive::{Archive, STAGES};
use super::cli::{KEY, Project, is_admin_table};
use super::files::{folder_of_this_run, repository};
pub use super::servers::{Database, Server};

/// Text that escaping gets wrong easily.
pub const ODD: &str = "tab\t newline\n return\r back\\slash \\N \\. quote ' double \" back`tick ? $1 % 🎉👩‍👩‍👧 \u{feff}é\u{301}";

/// A project whose database is on a server.
pub struct Site {
    /// The database; gone when the value is.
    pub database: Database,
    project: Project,
}

impl Deref for Site {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

impl Site {
    /// The project as it is in `testdata`: what Strapi exported [`strapi_archive`] from.
    pub fn new(server: Server) -> Site {
        let database = as_in_testdata(server);
        // The three projects in testdata have the same code.
        let project = Project::testdata();
        let project = project.moved(server.url(&database.name), &strapi_archive(server).assets());
        Site { database, project }
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

    /// The server that its database is on.
    pub fn server(&self) -> Server {
        self.database.server
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        self.server().url(&self.database.name)
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
    repository(&format!("testdata/strapi5-{}", server.name())).join(name)
}

/// A database filled from the dump in `testdata`.
fn as_in_testdata(server: Server) -> Database {
    /// What PostgreSQL copies, which takes it less time than to load the dump again.
    static TEMPLATE: OnceLock<Database> = OnceLock::new();
    let load = || {
        let database = server.database();
        database.load(&testdata(server, "database.sql.gz"));
        database
    };
    match server {
        Server::Postgres => TEMPLATE.get_or_init(load).copy(),
        Server::Mysql => load(),
    }
}

/// The plain archive that we export from the project as it is in `testdata`, made once.
pub fn our_archive(server: Server) -> &'static Path {
    static ARCHIVES: [OnceLock<PathBuf>; 2] = [OnceLock::new(), OnceLock::new()];
    server.pick(&ARCHIVES[0], &ARCHIVES[1]).get_or_init(|| {
        let kept = folder_of_this_run().join(format!("{}.tar", server.name()));
        fs::copy(Site::new(server).export("site", &[]), &kept).unwrap();
        kept
    })
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
    let (actual, expected) = (actual.in_order_of_ids(), expected.in_order_of_ids());
    for stage in STAGES {
        let (actual, expected) = (actual.lines(stage), expected.lines(stage));
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

/// Makes a test for each server out of every function named.
macro_rules! on_each_server {
    (on $module:ident $server:ident: $($name:ident)+) => {
        mod $module {
            $(#[test]
            fn $name() {
                let server = $crate::support::databases::Server::$server;
                if server.is_there() {
                    super::$name(server);
                }
            })+
        }
    };
    ($($name:ident),+ $(,)?) => {
        $crate::support::databases::on_each_server!(on postgres Postgres: $($name)+);
        $crate::support::databases::on_each_server!(on mysql Mysql: $($name)+);
    };
}

pub(crate) use on_each_server;
