//! Files and folders that the tests read, make and copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file or folder of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The names in a folder, sorted.
pub fn listing(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Copies a folder with all that is in it, but for symbolic links.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in listing(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        let kind = fs::symlink_metadata(&from).unwrap();
        if kind.is_dir() {
            copy_folder(&from, &to);
        } else if kind.is_file() {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// A folder for what the tests of this run share.
///
/// A run leaves it for whoever wants to look. The next one removes it, unless its process is still alive.
pub fn folder_of_this_run() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
        for name in listing(all) {
            let process = name.strip_prefix("run-");
            if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
                let _ = fs::remove_dir_all(all.join(&name));
            }
        }
        let folder = all.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    })
}
