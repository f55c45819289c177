//! Projects on database servers. `scripts/servers` starts the servers and names them in the environment; without them
//! a test says that it is skipped.
//!
//! Every project gets a database of its own, filled from the dump in `testdata`, and the files of the archive that
//! real Strapi exported from exactly that state.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::archive::{Archive, STAGES};
use super::cli::{KEY, Outcome, PLAIN, Project, backup, is_admin_table, run};
pub use super::servers::{Database, Server};

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
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[test]
            fn $name() {
                let server = $crate::support::databases::Server::Postgres;
                if server.is_there() {
                    super::$name(server);
                }
            })+
        }
        mod mysql {
            $(#[test]
            fn $name() {
                let server = $crate::support::databases::Server::Mysql;
                if server.is_there() {
                    super::$name(server);
                }
            })+
        }
    };
}

pub(crate) use on_each_server;
