//! The entries of an unpacked archive, in the order in which this program writes them.

use super::item::{Each, Item, Next, refused};
use super::layout::{self, Entry};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::store::Interrupt;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

/// Names at the top that come before the stages, and after them.
const FIRST: [&str; 2] = [layout::METADATA, layout::MANIFEST];
const LAST: [&str; 3] = [layout::RESULT, layout::CHECKSUMS, layout::HMAC];

/// What [`Entries::each`](super::entries::Entries::each) does, for a folder.
pub(super) fn each(
    root: &Path,
    interrupt: &Interrupt,
    effort: &Effort,
    each: &mut Each<'_>,
) -> Result<()> {
    let archive = root.display().to_string();
    for (number, name) in names(root)?.into_iter().enumerate() {
        let path = root.join(&name);
        let open = || -> io::Result<(File, u64)> {
            let file = File::open(&path)?;
            let length = file.metadata()?.len();
            Ok((file, length))
        };
        let (file, length) = open().map_err(|error| Error::io("read", &path, error))?;
        let named = layout::classify(&name).map_err(|why| refused(&archive, &name, &why))?;
        // A folder may hold more than was unpacked there, such as what a file manager leaves.
        if named.entry == Entry::Other {
            continue;
        }
        let next = each(Item {
            number: number as u64,
            entry: named.entry,
            name: named.name,
            length,
            content: &mut interrupt.reader(effort.metered(Work::Archive, BufReader::new(file))),
        })?;
        if next == Next::Stop {
            break;
        }
    }
    Ok(())
}

fn names(root: &Path) -> Result<Vec<String>> {
    let of = |names: &[&str]| -> Vec<String> {
        let there = names.iter().filter(|name| root.join(name).is_file());
        there.map(|name| (*name).to_owned()).collect()
    };
    let mut names = of(&FIRST);
    for stage in Stage::ALL {
        if stage == Stage::Assets {
            let mut sidecars: BTreeSet<String> =
                files(root, "assets/metadata")?.into_iter().collect();
            for upload in files(root, "assets/uploads")? {
                let sidecar = format!("{}.json", upload.replacen("/uploads/", "/metadata/", 1));
                let described = sidecars.take(&sidecar);
                // File managers leave such files everywhere.
                if described.is_none() && upload.contains("/.") {
                    continue;
                }
                names.extend(described);
                names.push(upload);
            }
            names.extend(sidecars);
        } else {
            names.extend(files(root, stage.as_str())?);
        }
    }
    names.extend(of(&LAST));
    Ok(names)
}

/// The names of the files in a folder below `root`, sorted.
fn files(root: &Path, folder: &str) -> Result<Vec<String>> {
    let path = root.join(folder);
    let mut above = root.to_owned();
    for part in Path::new(folder) {
        above.push(part);
        if above.is_symlink() {
            let archive = root.display().to_string();
            return Err(refused(&archive, folder, "it is a link, not a folder"));
        }
    }
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("read the folder", &path, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Error::io("read the folder", &path, error))?;
        let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .map_err(|error| Error::io("read", &entry.path(), error))?;
        if kind.is_symlink() {
            let archive = root.display().to_string();
            return Err(refused(&archive, &name, "it is a link, not a file"));
        }
        if kind.is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
