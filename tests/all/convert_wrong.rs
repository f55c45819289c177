//! `backup convert` of what is damaged, or of something else than it says: refused, and nothing is left at TO.

use crate::support::beasts;
use crate::support::cli::{Outcome, backup, run};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn convert(from: &Path, to: &Path, options: &[&str]) -> Outcome {
    let fixed: [&OsStr; 3] = ["convert".as_ref(), from.as_os_str(), to.as_os_str()];
    let options = options.iter().map(AsRef::as_ref);
    run(&mut backup(fixed.into_iter().chain(options)))
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// How many things are in a folder.
fn count(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

#[test]
fn archives_that_verify_refuses_become_no_ndf() {
    let mut wrong = Vec::new();
    for beast in beasts::all() {
        let folder = folder();
        let from = folder.path().join("beast.tar");
        fs::write(&from, &beast.tar).expect("written");
        let done = convert(&from, &folder.path().join("ndf"), &["--as", "ndf"]);
        let is_left = beast.verify == 6 && count(folder.path()) != 1;
        if (done.code == Some(6)) != (beast.verify == 6) || is_left {
            wrong.push(format!("{}: {:?} {}", beast.name, done.code, done.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
