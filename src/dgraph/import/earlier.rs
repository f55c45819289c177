//! Imports of the same folder into the same server that are not this one: of another content, or with other uids.

use super::state::Identity;
use crate::resuming::{kept, states};
use crate::store::open_plain;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How many bytes of a state are read.
const READ: u64 = 64 << 10;

/// What was imported there, of what is imported now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kin {
    /// The rows that the set has now.
    Same,
    /// The same namespaces, when they held other rows.
    Changed,
    /// Some of the same namespaces, or more than these.
    Part,
}

/// Another import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Where its state lies.
    pub path: PathBuf,
    /// What its rows were.
    pub kin: Kin,
}

/// The folder that a state is of, however it was called since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    path: String,
    device: u64,
    inode: u64,
}

impl Origin {
    /// That of a folder with this real path.
    pub fn of(folder: &Path) -> Self {
        let about = folder.metadata();
        let (device, inode) = about.map_or((0, 0), |it| (it.dev(), it.ino()));
        Self {
            path: folder.to_string_lossy().into_owned(),
            device,
            inode,
        }
    }

    /// Whether that folder is this one now.
    fn is(&self, now: &Self) -> bool {
        let is_moved = (self.device, self.inode) == (now.device, now.inode)
            && self.inode > 0
            && !Path::new(&self.path).exists();
        self.path == now.path || is_moved
    }
}

impl Identity {
    /// Other imports of what lies at this path into the same namespaces of the same server, as states tell that lie beside
    /// it, or that the user's `own` folder knows of. What cannot be read tells nothing.
    pub fn earlier(&self, data: &Path, own: Option<&Path>) -> Vec<Earlier> {
        let beside = states(data);
        let now = Origin::of(data);
        let elsewhere = own.map(|it| kept("dgraph", it)).unwrap_or_default();
        let is_of_it =
            |path: &PathBuf| !beside.contains(path) && origin(path).is_some_and(|it| it.is(&now));
        let elsewhere = elsewhere.into_iter().filter(is_of_it);
        let all = beside.iter().cloned().chain(elsewhere);
        all.filter_map(|path| {
            Some(Earlier {
                kin: self.kin(&path)?,
                path,
            })
        })
        .collect()
    }

    /// What the import of a state was, if it is another one that has something to do with this.
    fn kin(&self, path: &Path) -> Option<Kin> {
        let head = line(path, 0)?;
        let text = |name: &str| head.get("import")?.get(name)?.as_str();
        let content = text("data")?;
        if text("endpoint")? != self.endpoint || content == self.content {
            return None;
        }
        let (digest, spaces) = parts(content);
        let (own_digest, own) = parts(&self.content);
        if !own.iter().any(|it| spaces.contains(it)) {
            return None;
        }
        Some(match digest == own_digest {
            true => Kin::Same,
            false if spaces == own => Kin::Changed,
            false => Kin::Part,
        })
    }
}

/// What a content is told by: the digest of its rows, and its namespaces with those that they go to.
fn parts(content: &str) -> (&str, Vec<&str>) {
    let mut words = content.split(' ');
    let digest = words.next().unwrap_or_default();
    (digest, words.filter(|it| it.contains(':')).collect())
}

/// The folder that a state is of.
fn origin(path: &Path) -> Option<Origin> {
    let mut read = line(path, 1)?;
    serde_json::from_value(read.get_mut("origin")?.take()).ok()
}

/// One of the first lines of a state.
fn line(path: &Path, at: usize) -> Option<Value> {
    // A pipe of this name would never be opened.
    let file = open_plain(OpenOptions::new().read(true), path).ok()?;
    let mut lines = BufReader::new(file.take(READ)).lines();
    serde_json::from_str(&lines.nth(at)?.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn identity(content: &str) -> Identity {
        Identity {
            endpoint: "http://localhost:8080".into(),
            content: content.into(),
        }
    }

    #[test]
    fn an_import_whose_state_lies_in_the_users_own_folder_is_known_by_the_folder_that_it_was_of() {
        let place = tempfile::tempdir().expect("a folder");
        let path = |name: &str| place.path().join(name);
        let (set, other, own) = (path("set"), path("other"), path("own"));
        for folder in [&set, &other, &own] {
            fs::create_dir(folder).expect("made");
        }
        let state = own.join("dgraph-0123456789abcdef.import-state");
        let origin = serde_json::to_string(&Origin::of(&set)).expect("a text");
        let head = r#"{"import":{"format":1,"endpoint":"http://localhost:8080","data":"aa 0:0 new uids","requests":1}}"#;
        let text = format!("{head}\n{{\"origin\":{origin}}}\n\"began\"\n");
        fs::write(&state, text).expect("written");
        let found = |data: &Path| identity("bb 0:0 new uids").earlier(data, Some(&own));
        let kin = Kin::Changed;
        assert_eq!(found(&set), [Earlier { path: state, kin }]);
        assert!(found(&other).is_empty());
        // Moved, it is the same one.
        fs::rename(&set, path("moved")).expect("moved");
        assert_eq!(found(&path("moved")).len(), 1);
    }

    #[test]
    fn an_import_of_other_namespaces_is_no_earlier_one_of_these() {
        let place = tempfile::tempdir().expect("a folder");
        let set = place.path().join("set");
        fs::create_dir(&set).expect("made");
        let state = place.path().join("set.0123456789abcdef.import-state");
        let kin = |content: &str, now: &str| {
            let head = serde_json::json!({"import": {"endpoint": "http://localhost:8080", "data": content}});
            fs::write(&state, format!("{head}\n")).expect("written");
            let found = identity(now).earlier(&set, None);
            found.first().map(|it| it.kin)
        };
        assert_eq!(kin("aa 0:0", "bb 1:0 new uids"), None);
        assert_eq!(kin("aa 0:0", "aa 0:1 new uids"), None);
        assert_eq!(kin("aa 0:0", "aa 0:0 new uids"), Some(Kin::Same));
        assert_eq!(kin("aa 0:0", "bb 0:0 new uids"), Some(Kin::Changed));
        assert_eq!(kin("aa 0:0 1:1", "bb 0:0 new uids"), Some(Kin::Part));
        assert_eq!(kin("aa 0:0", "aa 0:0"), None);
    }
}
