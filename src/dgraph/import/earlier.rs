//! Imports of the same folder into the same server that are not this one: of another content, or with other uids.

use super::state::Identity;
use crate::resuming::states;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// How many bytes of a state are read.
const READ: u64 = 64 << 10;

/// Another import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Where its state lies.
    pub path: PathBuf,
    /// Whether its rows were those that the set has now.
    pub is_same: bool,
}

impl Identity {
    /// Other imports of what lies at this path into the same server, as states beside it tell. What cannot be read tells
    /// nothing.
    pub fn earlier(&self, data: &Path) -> Vec<Earlier> {
        let own = self.content.split(' ').next();
        let states = states(data).into_iter();
        let others = states.filter_map(|path| {
            let (endpoint, content) = head(&path)?;
            let is_other = endpoint == self.endpoint && content != self.content;
            is_other.then(|| Earlier {
                is_same: content.split(' ').next() == own,
                path,
            })
        });
        others.collect()
    }
}

/// The endpoint and the content that a state is of.
fn head(path: &Path) -> Option<(String, String)> {
    // A pipe of this name would never be opened.
    path.symlink_metadata().ok().filter(|it| it.is_file())?;
    let file = File::open(path).ok()?;
    let mut line = String::new();
    BufReader::new(file.take(READ)).read_line(&mut line).ok()?;
    let read: Value = serde_json::from_str(&line).ok()?;
    let text = |name: &str| Some(read.get("import")?.get(name)?.as_str()?.to_owned());
    Some((text("endpoint")?, text("data")?))
}
