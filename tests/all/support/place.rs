//! Sites that restores run into again and again, wherever their databases are, and all that a restore could change in
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::cli::Project;
use super::databases::Site;

/// Rows of tables, or files, as text or bytes.
pub type Content = BTreeMap<String, Vec<u8>>;

/// A site that restores run into, again and again.
pub trait Place {
    fn project(&self) -> &Project;
    /// All rows of all tables.
    fn rows(&self) -> BTreeMap<String, Vec<String>>;
    fn sql(&self, statement: &str);

    /// Makes it one with other rows and files than the archive holds.
    fn spoil(&self) {
        self.sql("UPDATE articles SET title = 'old'");
        self.sql("DELETE FROM articles_tags_lnk");
        // Without them no row names the files that are removed here.
        self.sql("UPDATE files SET formats = NULL");
        let uploads = self.project().uploads();
        for name in self.files().keys() {
            if name.starts_with("notes_") {
                fs::write(uploads.join(name), "old").unwrap();
            } else if name.starts_with("medium_") {
                fs::remove_file(uploads.join(name)).unwrap();
            }
        }
    }

    /// All rows, to be compared.
    fn tables(&self) -> Content {
        let tables = self.rows().into_iter();
        tables
            .map(|(name, rows)| (name, rows.join("\n").into_bytes()))
            .collect()
    }

    /// The same without the ids that every restore gives anew, and that nothing names.
    fn content(&self) -> Content {
        let tables = self.rows().into_iter();
        tables
            .map(|(name, mut rows)| {
                if is_numbered_anew(&name) {
                    for row in &mut rows {
                        let id = row.find(',').unwrap_or_default();
                        row.drain(..id);
                    }
                    rows.sort();
                }
                (name, rows.join("\n").into_bytes())
            })
            .collect()
    }

    /// The files in the upload folder, and whatever lies beside them.
    fn files(&self) -> Content {
        let entries = fs::read_dir(self.project().uploads()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        paths
            .map(|path| {
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, fs::read(&path).unwrap_or_default())
            })
            .collect()
    }

    /// The same without what a restore keeps there for itself.
    fn visible_files(&self) -> Content {
        let mut files = self.files();
        files.retain(|name, _| !name.starts_with(".backup-"));
        files
    }
}

/// The names of what differs.
pub fn changed(one: &Content, other: &Content) -> Vec<String> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |name: &&String| one.get(*name) != other.get(*name);
    names.into_iter().filter(differs).cloned().collect()
}

fn is_numbered_anew(table: &str) -> bool {
    let joins = ["_lnk", "_cmps", "_mph"];
    table == "strapi_core_store_settings" || joins.iter().any(|end| table.ends_with(end))
}

impl Place for Project {
    fn project(&self) -> &Project {
        self
    }

    fn rows(&self) -> BTreeMap<String, Vec<String>> {
        let tables = self.state().tables.into_iter();
        let tables = tables.filter(|(name, _)| name != "sqlite_sequence");
        tables
            .map(|(name, rows)| (name, rows.iter().map(|row| format!("{row:?}")).collect()))
            .collect()
    }

    fn sql(&self, statement: &str) {
        Project::sql(self, statement);
    }
}

impl Place for Site {
    fn project(&self) -> &Project {
        self
    }

    fn rows(&self) -> BTreeMap<String, Vec<String>> {
        self.database.tables()
    }

    fn sql(&self, statement: &str) {
        self.database.sql([statement]);
    }
}
