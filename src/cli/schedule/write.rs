//! Puts the files of a schedule where they belong.

use crate::cli::terminal;
use crate::error::{Error, Result};
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes files into a folder. What is there and says the same stays.
///
/// # Errors
/// One of them is there, says something else and is not to be replaced; then nothing is written. Or writing fails.
pub(super) fn write(folder: &Path, files: &[(String, String)], overwrite: bool) -> Result<()> {
    let mut new = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
            terminal::tell(&format!("unchanged: {}", path.display()));
            continue;
        }
        if !overwrite && path.symlink_metadata().is_ok() {
            let what = format!("{} is there and says something else", path.display());
            return Err(Error::failed(what)
                .hint("look at it; replace it with --overwrite, or choose another --name"));
        }
        new.push((path, text));
    }
    for (path, text) in new {
        let put = || -> std::io::Result<()> {
            let mut file = NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file()
                .set_permissions(Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            match overwrite {
                true => file.persist(&path)?,
                false => file.persist_noclobber(&path)?,
            };
            Ok(())
        };
        put().map_err(|error| Error::io("write", &path, error))?;
        terminal::tell(&format!("written: {}", path.display()));
    }
    Ok(())
}
