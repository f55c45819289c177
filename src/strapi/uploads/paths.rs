//! Paths below an upload folder, and what is done with them: whoever may write there must not have
//! files elsewhere touched.

use crate::error::{Error, Result};
use crate::model::is_file_name;
use crate::store::{Owner, folder_of};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The bytes that a name may have on the usual file systems.
pub(in crate::strapi) const LONGEST_NAME: usize = 255;
/// The bytes that a path may have, its end included.
const LONGEST_PATH: usize = 4096;
/// The bytes of it that are left to what this tool puts between an upload folder and a path below it.
const STAGING_ROOM: usize = 64;
/// How many folders a path may lead through: who looks at paths remembers the folders of each.
const MOST_FOLDERS: usize = 16;

/// Whether there can be a file at a path below an upload folder.
pub(super) fn can_be(folder: &Path, path: &str) -> bool {
    path.len() + folder.as_os_str().len() + STAGING_ROOM < LONGEST_PATH
        && path.split('/').count() <= MOST_FOLDERS + 1
        && path.split('/').all(|name| name.len() <= LONGEST_NAME)
}

/// Whether a path below the upload folder stays below it, and out of what this tool keeps there.
pub(super) fn stays_inside(path: &str) -> bool {
    path.split('/').all(is_file_name)
}

/// The paths of the files below a folder, relative to it; none where it is not there.
///
/// # Errors
/// It cannot be read.
pub(super) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).min_depth(1) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error)
                if error.depth() == 0
                    && error
                        .io_error()
                        .is_some_and(|error| error.kind() == io::ErrorKind::NotFound) =>
            {
                return Ok(files);
            }
            Err(error) => return Err(Error::io("read the folder", folder, error.into())),
        };
        let inside = entry.path().strip_prefix(folder).ok();
        // Ours are text.
        if let Some(path) = inside.and_then(Path::to_str)
            && !entry.file_type().is_dir()
        {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

/// The folders that a path leads through, without the root that it is relative to.
fn folders(path: &str) -> impl Iterator<Item = &Path> {
    let folders = Path::new(path).ancestors().skip(1);
    folders.filter(|folder| !folder.as_os_str().is_empty())
}

/// What the folders are that a path leads through, from the outermost to the last that is there.
fn folders_there(root: &Path, path: &str) -> impl Iterator<Item = fs::Metadata> {
    let mut folders: Vec<PathBuf> = folders(path).map(|folder| root.join(folder)).collect();
    folders.reverse();
    let there = folders.into_iter().map(fs::symlink_metadata);
    there.map_while(Result::ok)
}

/// Whether a folder that this path leads through is a link.
fn leads_through_link(root: &Path, path: &str) -> bool {
    folders_there(root, path).any(|folder| folder.is_symlink())
}

/// Whether a path leads through a link or to another file system, from which nothing can be renamed.
pub(super) fn leads_elsewhere(root: &Path, path: &str) -> bool {
    let own = || fs::metadata(root).ok().map(|root| root.dev());
    folders_there(root, path).any(|folder| folder.is_symlink() || Some(folder.dev()) != own())
}

/// Refuses such a path.
///
/// # Errors
/// It leads through one.
pub(super) fn refuse_links(root: &Path, path: &str) -> Result<()> {
    if !leads_through_link(root, path) {
        return Ok(());
    }
    Err(Error::failed(format!(
        "{} leads through a link, which no restore makes",
        root.join(path).display()
    ))
    .hint("see who made the link, take it away, and run it again"))
}

/// Makes a folder like the one it lies in, if there is none.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    make_alike(folder).map_err(|error| Error::io("make the folder", folder, error))
}

/// The same for all folders that lead there.
pub(super) fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder_of(folder);
    if parent != folder {
        make_folders(parent)?;
    }
    make_alike(folder)
}

fn make_alike(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => {
            Owner::of_folder(&fs::metadata(folder_of(folder))?).give(folder);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whether something has this name, be it a link to nothing.
pub(super) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| Error::io("move the file", from, error))
}
