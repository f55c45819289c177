//! Runs of imports, and data sets for them.

use super::PrismaService;
use super::data::{Place, comment, link, post, tags};
use crate::support::cli::{Outcome, backup};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The import of a data set by a project.
pub fn import(place: &Place, data: &Path) -> Command {
    let mut command = backup(["prisma", "import", "--data"]);
    command.arg(data).arg("--project").arg(place.path(""));
    // The service of the tests is at work on nothing of which it says nothing, unless it is told to.
    command.env("BACKUP_SETTLE", "0s");
    command
}

/// How many imports a service has seen.
pub fn imports(service: &PrismaService) -> usize {
    let seen = service.seen().into_iter();
    seen.filter(|it| it.what == "import").count()
}

/// The states that imports have left in a folder.
pub fn states(place: &Place) -> Vec<String> {
    let names = fs::read_dir(place.path("")).expect("a folder");
    names
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".import-state"))
        .collect()
}

/// A data set that takes several requests of each kind.
pub fn large(place: &Place) -> PathBuf {
    let big = |at: usize| post(&format!("big{at}"), &"x".repeat(300_000));
    let nodes: Vec<Value> = (0..12)
        .map(big)
        .chain((0..4000).map(|at| post(&format!("p{at}"), "T")))
        .chain((0..9000).map(|at| comment(&format!("c{at}"))))
        .chain((12..20).map(big))
        .collect();
    let lists: Vec<Value> = (0..8)
        .map(|at| tags(&format!("p{at}"), &["x".repeat(290_000).as_str(), "end"]))
        .chain((8..2000).map(|at| tags(&format!("p{at}"), &["a", "b"])))
        .collect();
    let relations: Vec<Value> = (0..9000)
        .map(|at| link(&format!("p{}", at % 4000), &format!("c{at}")))
        .collect();
    let nodes: Vec<Vec<Value>> = nodes.chunks(5000).map(<[Value]>::to_vec).collect();
    place.write("data", [&nodes, &[lists], &[relations]])
}

/// Runs a command that the service does something to.
pub fn killed(service: &PrismaService, command: &mut Command) -> Outcome {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    service.kills(child.id());
    Outcome::of(child.wait_with_output().expect("ended"))
}
