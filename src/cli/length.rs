//! How long names of archives may be, with all that is added to them.

use super::beside;
use crate::archive::{ArchiveName, Cipher};
use crate::error::{Error, Result};
use crate::store::{ObjectName, StoreKind, folder_of};
use crate::transfer::summary::Summary;
use std::path::Path;

/// How long a name may be where the file system does not tell, and a path.
const LONGEST_NAME: usize = 255;
const LONGEST_PATH: usize = 4095;
/// How long a name in an object store may be.
const LONGEST_KEY: usize = 1024;

/// What kind of archive comes, as far as its name tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub unpacked: bool,
    pub compressed: bool,
    pub cipher: Option<Cipher>,
    /// Whether a summary is laid beside it.
    pub summary: bool,
}

/// Sees that all names that an archive may get are as short as names in its folder have to be.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): one is not.
pub(super) fn check(path: &Path, form: Form) -> Result<()> {
    let complete = match form.unpacked {
        true => path.to_owned(),
        false => ArchiveName::of(path, form.compressed, form.cipher),
    };
    let longest = match form.unpacked {
        true => complete,
        false => ArchiveName::incomplete(&complete),
    };
    let longest = match form.summary {
        true => beside::summary_path(&longest),
        false => longest,
    };
    let bytes = |path: &Path| path.file_name().unwrap_or_default().len();
    let most = longest_name(folder_of(path));
    let over = bytes(&longest).saturating_sub(most);
    let over = over.max(longest.as_os_str().len().saturating_sub(LONGEST_PATH));
    too_long(&path.display().to_string(), (bytes(path), over), "bytes")
}

/// The same in an object store.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): one is not.
pub(super) fn check_key(name: &ObjectName, form: Form) -> Result<()> {
    if name.is_prefix() {
        return Ok(());
    }
    let archive = ArchiveName::of(Path::new(name.name()), form.compressed, form.cipher);
    let longest = name.with_name(&Summary::name_for(&archive.to_string_lossy()));
    let (length, unit): (fn(&str) -> usize, _) = match name.store {
        StoreKind::Azure => (|it| it.chars().count(), "characters"),
        _ => (str::len, "bytes"),
    };
    let over = length(&longest.key).saturating_sub(LONGEST_KEY);
    too_long(&name.to_string(), (length(&name.key), over), unit)
}

fn too_long(shown: &str, (length, over): (usize, usize), unit: &str) -> Result<()> {
    if over == 0 {
        return Ok(());
    }
    let most = length.saturating_sub(over);
    Err(Error::usage(format!(
        "the name of {shown} is too long, with what is added to it: it has {length} {unit}, and may have {most}"
    ))
    .hint("choose a shorter name with --file"))
}

/// How long names in a folder may be.
fn longest_name(folder: &Path) -> usize {
    let told = rustix::fs::statvfs(folder).map_or(0, |it| it.f_namemax);
    match usize::try_from(told) {
        Ok(0) | Err(_) => LONGEST_NAME,
        Ok(told) => told,
    }
}
