//! The project of `testdata` on SQLite, PostgreSQL or MySQL, for tests that are the same on all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strapi_backup::database::{Connection, Sqlite, Timeouts};

use super::archive::Archive;
use super::cli::{Outcome, Project};
use super::databases::{Server, Site};

/// A project on one of the databases.
pub enum Anywhere {
    Sqlite(Box<Project>),
    Server(Box<Site>),
}

impl Anywhere {
    pub fn new(server: Option<Server>) -> Anywhere {
        match server {
            None => Anywhere::Sqlite(Box::new(Project::testdata())),
            Some(server) => Anywhere::Server(Box::new(Site::new(server))),
        }
    }

    pub fn project(&self) -> &Project {
        match self {
            Anywhere::Sqlite(project) => project,
            Anywhere::Server(site) => site,
        }
    }

    /// What an id is on this database.
    pub fn id(&self) -> &'static str {
        match self {
            Anywhere::Server(site) => site.server().pick("integer", "integer unsigned"),
            Anywhere::Sqlite(_) => "integer",
        }
    }

    #[track_caller]
    pub fn sql<const N: usize>(&self, statements: [&str; N]) -> &Anywhere {
        match self {
            Anywhere::Sqlite(project) => {
                project.sql(&statements.join(";"));
            }
            Anywhere::Server(site) => site.database.sql(statements),
        }
        self
    }

    pub fn connect(&self) -> Box<dyn Connection> {
        match self {
            Anywhere::Sqlite(project) => {
                let path = project.database();
                Box::new(Sqlite::open_to_write(&path, Timeouts::default()).unwrap())
            }
            Anywhere::Server(site) => site.database.connect(),
        }
    }

    /// The values of two columns of a table, by the first.
    pub fn rows(&self, table: &str, columns: [&str; 2]) -> Vec<(String, String)> {
        let [first, second] = columns;
        let sql = format!("SELECT {first}, {second} FROM {table} ORDER BY 1");
        let mut rows = Vec::new();
        self.connect()
            .query(&sql, &[], &mut |row| {
                rows.push((
                    format!("{:?}", row.value(0)?),
                    format!("{:?}", row.value(1)?),
                ));
                Ok(())
            })
            .unwrap();
        rows
    }

    pub fn export(&self) -> PathBuf {
        self.project().export("site", &[])
    }

    pub fn import(&self, archive: &Path, options: &[&str]) -> Outcome {
        self.project().import(archive, options)
    }

    /// All rows of all tables, as text.
    pub fn tables(&self) -> BTreeMap<String, Vec<String>> {
        match self {
            Anywhere::Server(site) => site.database.tables(),
            Anywhere::Sqlite(project) => {
                let rows = |rows: &Vec<Vec<_>>| rows.iter().map(|row| format!("{row:?}")).collect();
                let tables = project.state().tables;
                let tables = tables.iter().map(|(name, all)| (name.clone(), rows(all)));
                tables.collect()
            }
        }
    }

    /// Fails unless the project exports what stands in an archive.
    #[track_caller]
    pub fn assert_exports(&self, archive: &Path) {
        let again = self.project().exported(&[]);
        assert_eq!(Archive::open(archive, None).differences(&again), [""; 0]);
    }
}

/// Makes a test for each database out of every function named, which takes an [`Anywhere`].
macro_rules! on_each_database {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $name() {
                super::$name(crate::support::anywhere::Anywhere::new(None).into());
            })+
        }
        mod servers {
            $(pub fn $name(server: crate::support::databases::Server) {
                super::$name(crate::support::anywhere::Anywhere::new(Some(server)).into());
            })+
            crate::support::databases::on_each_server!($($name),+);
        }
    };
}
pub(crate) use on_each_database;
