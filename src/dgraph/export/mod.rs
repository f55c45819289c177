//! Has a server export what it holds, and takes the set to a folder.
//!
//! What a server offers is found out: Dgraph Cloud gives signed URLs, one's own server writes files where it runs. A set
//! appears whole under its name or not at all, and every file of it was read to its end before.

mod asking;
mod cloud;
mod collect;
mod fetch;
mod folders;
mod names;
mod own;
mod place;
mod request;
mod waiting;
mod whole;

pub use super::server::Cluster;
pub use place::free;
pub use request::{Namespace, Request};

use super::server::{Answered, Path as At, Server};
use super::set::Content;
use crate::checking::{Event, Watch};
use crate::error::{Error, Result};
use crate::store::Interrupt;
use cloud::Signed;
use collect::{Collected, collect};
use fetch::{Fetched, fetch};
use folders::{Folders, lacking};
use names::FileName;
use place::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is asked to find out whether GraphQL is spoken, which does nothing.
const PROBE: &str = "query { __typename }";
/// The stages of an export, as progress names them.
const ASKING: &str = "export";
const FETCHING: &str = "files";
/// How many files are listed where they stay on the server.
const LISTED: usize = 12;

/// What a server offers.
#[derive(Debug, Clone)]
pub enum Offer {
    /// Signed URLs, as Dgraph Cloud.
    Cloud,
    /// Files where it runs.
    Own(Cluster),
}

/// How an export ended.
#[derive(Debug)]
pub enum Exported {
    /// The set is in its folder.
    Here(Taken),
    /// The server has written it, and it is not here. This says where it is.
    There(Error),
}

/// A set that was taken.
#[derive(Debug)]
pub struct Taken {
    /// Its files and their bytes.
    pub files: BTreeMap<String, u64>,
    /// Whether it is encrypted, as the server writes it. Its content was not read then.
    pub is_encrypted: bool,
    /// The groups of the cluster whose files were not in the folders of the server.
    pub away: BTreeSet<u32>,
}

/// Sees that the folders can be read that one's own servers write exports into.
///
/// # Errors
/// One of them cannot.
pub fn look(folders: &[PathBuf]) -> Result<()> {
    Folders::look(folders).map(drop)
}

/// Finds out what a server offers. That changes nothing there.
///
/// # Errors
/// It offers nothing, does not know who asks, or does not answer; or the user wants the run to stop.
pub fn offer(server: &Server) -> Result<Offer> {
    let speaks = |path| {
        let answered = server.query(path, PROBE)?;
        Ok::<_, Error>(!matches!(answered, Answered::Nothing))
    };
    let denial = match speaks(At::Slash) {
        Ok(true) => return Ok(Offer::Cloud),
        Ok(false) => None,
        // A proxy in front of one's own server may let nobody ask for what it does not know.
        Err(error) if error.is_denied() => Some(error),
        Err(error) => return Err(error),
    };
    if speaks(At::Admin)? {
        return server.cluster().map(Offer::Own);
    }
    if let Some(error) = denial {
        return Err(error);
    }
    let what = format!(
        "{} speaks GraphQL neither at {} nor at {}",
        server.endpoint(),
        At::Slash.as_str(),
        At::Admin.as_str()
    );
    Err(Error::failed(what)
        .hint("give the URL of an alpha's HTTP port (8080), or of a backend of Dgraph Cloud"))
}

/// Has the server export, and takes the set to its place. `folders` are those that one's own servers write exports into, as
/// they are seen from here.
///
/// # Errors
/// The server refuses, fails, or does not answer; the set cannot be fetched, or is not whole, or cannot be written; or the
/// user wants the run to stop. Nothing is under its name then.
pub fn export(
    server: &Server,
    offer: &Offer,
    request: &Request,
    (path, folders): (&Path, &[PathBuf]),
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Exported> {
    let own =
        |cluster: &Cluster| from_own(server, cluster, request, (path, folders), interrupt, watch);
    match offer {
        Offer::Own(cluster) => own(cluster),
        Offer::Cloud => {
            let place = Place::new(path)?;
            match from_cloud(server, request, &place, interrupt, watch)? {
                Some(files) => here(place, files, false, BTreeSet::new()),
                // Something answers at that path, and is one's own server all the same.
                None => own(&Cluster::default()),
            }
        }
    }
}

fn here(
    place: Place,
    files: BTreeMap<FileName, u64>,
    is_encrypted: bool,
    away: BTreeSet<u32>,
) -> Result<Exported> {
    place.show()?;
    let files = files.into_iter();
    Ok(Exported::Here(Taken {
        files: files
            .map(|(name, bytes)| (name.to_string(), bytes))
            .collect(),
        is_encrypted,
        away,
    }))
}

/// Does something that is a stage.
fn stage<T>(
    watch: &dyn Watch,
    what: &'static str,
    items: Option<u64>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    watch.on(Event::Began { what, items });
    let done = work();
    watch.on(Event::Ended);
    done
}

/// Has the server export, which is a stage of one.
fn asking<T>(watch: &dyn Watch, work: impl FnOnce() -> Result<T>) -> Result<T> {
    stage(watch, ASKING, None, || {
        let done = work()?;
        watch.on(Event::Advanced { items: 1, bytes: 0 });
        Ok(done)
    })
}

/// Tells what the server could not be told.
fn remark(watch: &dyn Watch, has_namespace: bool) {
    if !has_namespace {
        watch.on(Event::Noted(
            "the server has no namespaces, and exports all that it holds",
        ));
    }
}

fn from_cloud(
    server: &Server,
    request: &Request,
    place: &Place,
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Option<BTreeMap<FileName, u64>>> {
    let begin = || asking(watch, || cloud::begin(server, request));
    let Some(mut signed) = begin()? else {
        return Ok(None);
    };
    remark(watch, signed.has_namespace);
    check_set(server, &signed)?;
    let mut is_renewed = false;
    let mut done = BTreeMap::new();
    while !fetch_all(server, &signed, &mut done, (place, interrupt, watch))? {
        if is_renewed {
            let what = format!(
                "{}: signed URLs hold no more as soon as they are there",
                server.endpoint()
            );
            return Err(
                Error::failed(what).hint("check the clock of this machine, and run it again")
            );
        }
        is_renewed = true;
        if signed.renew(server)? {
            watch.on(Event::Noted(
                "a signed URL held no more; the server gave others",
            ));
            continue;
        }
        watch.on(Event::Noted(
            "a signed URL held no more; the server exports once more, and all is fetched anew",
        ));
        for name in std::mem::take(&mut done).into_keys() {
            place.remove(name)?;
        }
        signed = begin()?.ok_or_else(|| {
            Error::failed(format!("{} exports no more", server.endpoint())).hint("run it again")
        })?;
        check_set(server, &signed)?;
    }
    if !signed.has_format {
        let rows = done.keys().find_map(|it| match it.content {
            Content::Rows(format) => Some(format),
            Content::Schema | Content::GraphQl => None,
        });
        if let Some(format) = rows.filter(|it| *it != request.format) {
            let extension = format.extension();
            watch.on(Event::Noted(&format!(
                "the server lets nobody choose the format, and exports {extension}"
            )));
        }
    }
    Ok(Some(done))
}

/// Sees that nothing is missing among the files that are signed.
fn check_set(server: &Server, signed: &Signed) -> Result<()> {
    let names = signed.files.keys().copied().collect();
    match lacking(&names, &BTreeSet::new()).0 {
        lacking if lacking.is_empty() => Ok(()),
        lacking => {
            let what = format!(
                "{} signs no URL for {}",
                server.endpoint(),
                lacking.join(", ")
            );
            Err(Error::failed(what)
                .hint("run it again; if it stays so, see what the console of the server offers"))
        }
    }
}

/// Fetches what is not here yet. Gives whether all of it is.
fn fetch_all(
    server: &Server,
    signed: &Signed,
    done: &mut BTreeMap<FileName, u64>,
    (place, interrupt, watch): (&Place, &Interrupt, &dyn Watch),
) -> Result<bool> {
    let left = signed.files.len() - done.len();
    stage(watch, FETCHING, Some(left as u64), || {
        for (&name, url) in &signed.files {
            if done.contains_key(&name) {
                continue;
            }
            interrupt.stop()?;
            match fetch(server, (name, url), place, interrupt, watch)? {
                Fetched::Expired => return Ok(false),
                Fetched::Whole => {}
            }
            let about = place.read(name)?.metadata();
            let about = about.map_err(|error| place.failed(name, error))?;
            done.insert(name, about.len());
            watch.on(Event::Advanced { items: 1, bytes: 0 });
        }
        Ok(true)
    })
}

fn from_own(
    server: &Server,
    cluster: &Cluster,
    request: &Request,
    (path, paths): (&Path, &[PathBuf]),
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Exported> {
    let place = match paths.is_empty() {
        true => None,
        false => Some(Place::new(path)?),
    };
    let folders = Folders::look(paths)?;
    let written = asking(watch, || own::export(server, request))?;
    remark(watch, written.has_namespace);
    let mut listed: Vec<String> = written
        .files
        .iter()
        .take(LISTED)
        .map(|it| server.clean(it))
        .collect();
    if written.files.len() > LISTED {
        listed.push(format!("and {} more", written.files.len() - LISTED));
    }
    let there = |what: String, hint: &str| {
        let what = match listed.is_empty() {
            true => what,
            false => format!("{what}:"),
        };
        Ok(Exported::There(
            Error::failed(what).listing(listed.clone()).hint(hint),
        ))
    };
    let Some(place) = place else {
        let what = format!(
            "the export is done, and nothing of it is here: its files lie where the server {} runs, in the newest folder of \
             its export folder ({})",
            server.endpoint(),
            "export in the folder it was started in, unless it was started with --export"
        );
        return there(
            what,
            "copy them from there, of each group from its leader; or run it where that folder can be read, with --export-dir",
        );
    };
    let collected = stage(watch, FETCHING, None, || {
        collect(
            server,
            (&folders, cluster, &written),
            &place,
            interrupt,
            watch,
        )
    })?;
    match collected {
        Some(Collected {
            files,
            is_encrypted,
            away,
        }) => here(place, files, is_encrypted, away),
        None => {
            let shown: Vec<String> = paths.iter().map(|it| it.display().to_string()).collect();
            let what = format!(
                "the export is done, and nothing of it is here: no export of this run is in {}",
                shown.join(" or ")
            );
            there(
                what,
                "see that --export-dir names the folder that the server writes exports into",
            )
        }
    }
}
