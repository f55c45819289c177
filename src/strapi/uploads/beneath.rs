//! Opens files in a folder that others may write to, without leaving it: a link there could lead to any
//! file that this process may read, and change between a look at it and its opening.

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// To go through a folder, nobody needs to read it.
#[cfg(target_os = "linux")]
const SEARCH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const SEARCH: OFlags = OFlags::RDONLY;

/// Why a file was not opened.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// A link leads out of the folder.
    LeadsOut,
    /// It cannot be.
    Failed(io::Error),
}

impl From<Errno> for NotOpened {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// Opens the file at the path `inside` the folder `root`. Links are followed where they stay in the
/// folder; the folder itself may be one.
///
/// # Errors
/// It is no file, cannot be opened, or lies elsewhere.
pub(super) fn open_beneath(root: &Path, inside: &Path) -> Result<File, NotOpened> {
    match open_without_links(root, inside) {
        // One part of the path is a link: where it leads to now is a path without links.
        Err(Errno::LOOP | Errno::NOTDIR) => {
            let real = |path: &Path| path.canonicalize().map_err(NotOpened::Failed);
            let (root, file) = (real(root)?, real(&root.join(inside))?);
            match file.strip_prefix(&root) {
                Ok(inside) => Ok(open_without_links(&root, inside)?),
                Err(_) => Err(NotOpened::LeadsOut),
            }
        }
        opened => Ok(opened?),
    }
}

/// The same for a path without links, whatever becomes of it meanwhile.
fn open_without_links(root: &Path, inside: &Path) -> Result<File, Errno> {
    let folder = SEARCH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at: OwnedFd = openat(CWD, root, folder, Mode::empty())?;
    if let Some(folders) = inside.parent() {
        for part in folders {
            at = openat(&at, part, folder | OFlags::NOFOLLOW, Mode::empty())?;
        }
    }
    let name = inside.file_name().ok_or(Errno::NOENT)?;
    // Before it is opened: opening a device may do something.
    match FileType::from_raw_mode(statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(Errno::LOOP),
        _ => return Err(Errno::NOENT),
    }
    // It may have become a pipe since, whose opening waits for whoever writes into it.
    let file = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(&at, name, file, Mode::empty())?;
    match FileType::from_raw_mode(fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(file.into()),
        _ => Err(Errno::NOENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;

    fn read(root: &Path, inside: &str) -> Result<String, NotOpened> {
        let mut text = String::new();
        let mut file = open_beneath(root, Path::new(inside))?;
        file.read_to_string(&mut text).expect("text");
        Ok(text)
    }

    #[test]
    fn links_are_followed_inside_a_folder_and_not_out_of_it() {
        let top = tempfile::tempdir().expect("a folder");
        let real = top.path().join("real");
        fs::create_dir_all(real.join("2024/a")).expect("made");
        fs::create_dir(top.path().join("out")).expect("made");
        fs::write(real.join("one"), "one").expect("written");
        fs::write(real.join("2024/a/two"), "two").expect("written");
        fs::write(top.path().join("secret"), "secret").expect("written");
        fs::write(top.path().join("out/three"), "secret").expect("written");
        let root = top.path().join("uploads");
        symlink("real", &root).expect("linked");
        for (name, target) in [
            ("near", "one".to_owned()),
            ("far", root.join("2024/a/two").display().to_string()),
            ("2024/up", "../one".to_owned()),
            ("2023", "2024".to_owned()),
            ("chain", "2023/up".to_owned()),
            ("leak", "../secret".to_owned()),
            ("twice", "leak".to_owned()),
            ("out", top.path().join("out").display().to_string()),
            (
                "sibling",
                top.path().join("real-secret").display().to_string(),
            ),
            ("gone", "nothing".to_owned()),
            ("round", "round".to_owned()),
        ] {
            symlink(target, real.join(name)).expect("linked");
        }
        fs::write(top.path().join("real-secret"), "secret").expect("written");
        for (inside, text) in [
            ("one", "one"),
            ("./2024/a/two", "two"),
            ("near", "one"),
            ("far", "two"),
            ("2024/up", "one"),
            ("2023/a/two", "two"),
            ("chain", "one"),
        ] {
            assert_eq!(read(&root, inside).expect(inside), text, "{inside}");
        }
        for inside in ["leak", "twice", "out/three", "sibling"] {
            let error = read(&root, inside).expect_err(inside);
            assert!(matches!(error, NotOpened::LeadsOut), "{inside}: {error:?}");
        }
        for inside in ["gone", "round", "none", "2024", "one/x"] {
            let error = read(&root, inside).expect_err(inside);
            assert!(matches!(error, NotOpened::Failed(_)), "{inside}: {error:?}");
        }
    }
}
