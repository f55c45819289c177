//! Copies an export of one's own server out of the folders that it lies in.

use super::folders::{Folders, Run, lacking, open, print};
use super::names::FileName;
use super::own::Written;
use super::place::Place;
use super::whole::{Found, check};
use crate::checking::{Event, Watch};
use crate::dgraph::server::Cluster;
use crate::dgraph::server::Server;
use crate::error::{Error, Kind, Result};
use crate::store::Interrupt;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::time::Duration;

/// How often it is looked for an export that is not to be seen yet, as over a network, and how long it is waited between.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// How much is copied at once, in bytes.
const PIECE: usize = 256 << 10;

/// What was collected.
pub(super) struct Collected {
    /// The files and their bytes.
    pub files: BTreeMap<FileName, u64>,
    /// Whether they are encrypted.
    pub is_encrypted: bool,
    /// The groups of the cluster of which nothing was there.
    pub away: BTreeSet<u32>,
}

/// Copies the newest export that is whole; `None` where there is none since.
///
/// # Errors
/// One that the server names is not whole, or cannot be read; or nothing can be written; or the user wants the run to stop.
pub(super) fn collect(
    server: &Server,
    (folders, cluster, written): (&Folders, &Cluster, &Written),
    place: &Place,
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Option<Collected>> {
    let mut runs = folders.written(&written.files)?;
    for _ in 1..LOOKS {
        if !runs.is_empty() {
            break;
        }
        server.pause(PAUSE)?;
        runs = folders.written(&written.files)?;
    }
    let mut why = None;
    for (name, run) in runs {
        match copy_all(&run, cluster, place, interrupt, watch) {
            Ok(collected) => return Ok(Some(collected)),
            Err(error) if error.kind() == Kind::Archive => {
                let error = error.within(&name);
                watch.on(Event::Noted(&format!(
                    "{name} is not taken, as it is not whole: another export may be writing it"
                )));
                for file in run.into_keys() {
                    // It may not have been begun.
                    let _ = place.remove(file);
                }
                why = why.or(Some(error));
            }
            Err(error) => return Err(error),
        }
    }
    match why {
        None => Ok(None),
        Some(error) => Err(Error::failed(error.to_string()).hint("the server says that the export is done: see that its disk is not full, and run it again")),
    }
}

fn copy_all(
    run: &Run,
    cluster: &Cluster,
    place: &Place,
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Collected> {
    let names: BTreeSet<FileName> = run.keys().copied().collect();
    let (lacking, away) = lacking(&names, &cluster.groups);
    if !lacking.is_empty() {
        return Err(Error::archive(format!("it lacks {}", lacking.join(", "))));
    }
    let mut files = BTreeMap::new();
    let mut locked = Vec::new();
    for (&name, path) in run {
        let mut source = open(path)?;
        let about = |file: &std::fs::File| {
            let about = file.metadata();
            about.map_err(|error| Error::io("read", path, error))
        };
        let before = print(&about(&source)?);
        let mut copy = place.create(name)?;
        let (mut piece, mut bytes) = (vec![0; PIECE], 0);
        loop {
            interrupt.stop()?;
            let length = source.read(&mut piece);
            let length = length.map_err(|error| Error::io("read", path, error))?;
            if length == 0 {
                break;
            }
            let written = copy.write_all(&piece[..length]);
            written.map_err(|error| place.failed(name, error))?;
            bytes += length as u64;
            watch.on(Event::Advanced {
                items: 0,
                bytes: length as u64,
            });
        }
        copy.sync_all().map_err(|error| place.failed(name, error))?;
        if print(&about(&source)?) != before || before.0 != bytes {
            return Err(Error::archive(format!(
                "{name} was written to while it was read"
            )));
        }
        if check(place.read(name)?, name, interrupt)? == Found::Locked {
            locked.push(name);
        }
        files.insert(name, bytes);
        watch.on(Event::Advanced { items: 1, bytes: 0 });
    }
    match locked.first() {
        Some(name) if locked.len() < files.len() => {
            let what = format!("{name} is not compressed, and others are");
            Err(Error::archive(what))
        }
        found => Ok(Collected {
            is_encrypted: found.is_some(),
            files,
            away,
        }),
    }
}
