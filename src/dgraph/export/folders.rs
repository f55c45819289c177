//! The folders that one's own servers write exports into, as they are seen from here.
//!
//! Each group of a cluster writes into the folder of its own leader, below a folder of the same name for all of them. What
//! lay there before the export is not of it, unless it was written anew: two exports within a minute share a folder.

use super::names::{FileName, RunName};
use crate::dgraph::set::Content;
use crate::error::{Error, Result};
use crate::store::open_plain;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells whether a file is the same as before: its length, when it was written, and which it is.
pub(super) type Print = (u64, i64, i64, u64);

/// The same for all files of a run.
type Prints = BTreeMap<PathBuf, Print>;

/// The folders, and what lay there before the export.
pub(super) struct Folders {
    paths: Vec<PathBuf>,
    before: BTreeMap<RunName, Prints>,
}

/// The files of a run, by their names.
pub(super) type Run = BTreeMap<FileName, PathBuf>;

impl Folders {
    /// Looks what lies there now.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn look(paths: &[PathBuf]) -> Result<Self> {
        Ok(Self {
            before: runs(paths)?,
            paths: paths.to_vec(),
        })
    }

    /// The runs that were written since, the newest first, and of each the files that were. With `listed`, which is what
    /// the server says that it wrote, the runs in it alone.
    ///
    /// # Errors
    /// A folder cannot be read, or two folders have a file of the same name in the same run.
    pub fn written(&self, listed: &[String]) -> Result<Vec<(RunName, Run)>> {
        let named = named(listed);
        let mut found = Vec::new();
        for (name, prints) in runs(&self.paths)?.into_iter().rev() {
            if !named.is_empty() && !named.contains(&name) {
                continue;
            }
            let before = self.before.get(&name);
            let mut run = Run::new();
            for (path, print) in prints {
                let Some(file) = own_name(&path) else {
                    continue;
                };
                // A file that was written anew within the same tick of a clock looks as it did before.
                let said = format!("{name}/{file}");
                let is_listed = listed.iter().any(|it| it.ends_with(&said));
                if before.and_then(|it| it.get(&path)) == Some(&print) && !is_listed {
                    continue;
                }
                if let Some(other) = run.insert(file, path.clone()) {
                    let what = format!(
                        "{} and {} are of one export, and have one name",
                        other.display(),
                        path.display()
                    );
                    return Err(Error::failed(what).hint("name each folder once with --export-dir"));
                }
            }
            if !run.is_empty() {
                found.push((name, run));
            }
        }
        Ok(found)
    }
}

/// What a run lacks: every group has rows and a schema, and so has every group of the cluster.
pub(super) fn lacking(
    files: &BTreeSet<FileName>,
    groups: &BTreeSet<u32>,
) -> (Vec<String>, BTreeSet<u32>) {
    let here: BTreeSet<u32> = files.iter().map(|it| it.group).collect();
    let mut lacking = Vec::new();
    for &group in &here {
        let of =
            |is: fn(Content) -> bool| files.iter().any(|it| it.group == group && is(it.content));
        if !of(|it| matches!(it, Content::Rows(_))) {
            lacking.push(format!("the rows of group {group}"));
        }
        if !of(|it| it == Content::Schema) {
            lacking.push(Content::Schema.name(group));
        }
    }
    (lacking, groups.difference(&here).copied().collect())
}

fn own_name(path: &Path) -> Option<FileName> {
    FileName::parse(path.file_name()?.to_str()?)
}

/// What tells whether a file is the same.
pub(super) fn print(about: &Metadata) -> Print {
    (about.len(), about.mtime(), about.mtime_nsec(), about.ino())
}

/// Opens a file of a run. Links are not followed.
pub(super) fn open(path: &Path) -> Result<File> {
    let opened = open_plain(OpenOptions::new().read(true), path);
    opened.map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    let worded = Error::io("read the export in", path, error);
    match is_denied {
        true => worded.hint("servers keep their exports to the user that they run as: run it as that user, or as root"),
        false => worded,
    }
}

/// All runs that lie in these folders.
fn runs(paths: &[PathBuf]) -> Result<BTreeMap<RunName, Prints>> {
    let mut runs: BTreeMap<RunName, Prints> = BTreeMap::new();
    for path in paths {
        let fail = |error| unreadable(path, error);
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let is_folder = entry.file_type().is_ok_and(|it| it.is_dir());
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|_| is_folder).and_then(RunName::parse) else {
                continue;
            };
            let run = runs.entry(name).or_default();
            let below = entry.path();
            let fail = |error| unreadable(&below, error);
            for file in fs::read_dir(&below).map_err(fail)? {
                let path = file.map_err(fail)?.path();
                if own_name(&path).is_none() {
                    continue;
                }
                // It may be gone by now, and was no file of a finished run then.
                if let Ok(about) = path.symlink_metadata() {
                    run.insert(path, print(&about));
                }
            }
        }
    }
    runs.retain(|_, prints| !prints.is_empty());
    Ok(runs)
}

/// The runs that a server's list of files names.
fn named(files: &[String]) -> BTreeSet<RunName> {
    let names = files.iter().flat_map(|it| it.split('/'));
    names.filter_map(RunName::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, run: &str, file: &str, text: &str) {
        fs::create_dir_all(folder.join(run)).expect("made");
        fs::write(folder.join(run).join(file), text).expect("written");
    }

    #[test]
    fn only_what_was_written_since_is_of_an_export_and_that_of_all_folders() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let paths = folders.each_ref().map(|it| it.path().to_owned());
        let [one, other] = &paths;
        write(one, "dgraph.r5.u1120.1541", "g01.rdf.gz", "old");
        write(one, "dgraph.r7.u1120.1542", "g01.rdf.gz", "old");
        let looked = Folders::look(&paths).expect("looked");
        assert!(looked.written(&[]).expect("read").is_empty());
        write(one, "dgraph.r5.u1120.1541", "g01.rdf.gz", "newer");
        write(one, "dgraph.r12.u1120.1542", "g01.rdf.gz", "new");
        write(one, "dgraph.r12.u1120.1542", "notes", "");
        write(one, "lost+found", "g01.rdf.gz", "");
        write(other, "dgraph.r12.u1120.1542", "g02.rdf.gz", "new");
        let found = looked.written(&[]).expect("read");
        let names: Vec<String> = found.iter().map(|it| it.0.to_string()).collect();
        assert_eq!(names, ["dgraph.r12.u1120.1542", "dgraph.r5.u1120.1541"]);
        assert_eq!(found[0].1.len(), 2);
        let meant = [
            "dgraph.r7.u1120.1542/g01.rdf.gz".into(),
            "../../etc/passwd".into(),
        ];
        let found = looked.written(&meant).expect("read");
        assert_eq!(
            (found.len(), found[0].0.to_string()),
            (1, "dgraph.r7.u1120.1542".into())
        );
        write(other, "dgraph.r12.u1120.1542", "g01.rdf.gz", "twice");
        assert!(looked.written(&[]).is_err());
    }

    #[test]
    fn what_a_run_lacks_is_named() {
        let files = [
            "g01.rdf.gz",
            "g01.schema.gz",
            "g03.schema.gz",
            "g04.json.gz",
        ];
        let files = files.iter().filter_map(|it| FileName::parse(it)).collect();
        let (lacking, away) = lacking(&files, &[1, 2, 3].into());
        assert_eq!(lacking, ["the rows of group 3", "g04.schema.gz"]);
        assert_eq!(away, [2].into());
    }
}
