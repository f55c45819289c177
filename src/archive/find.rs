//! Finds the archive that somebody names, also where its extensions were left out.

use super::layout::METADATA;
use super::{Archive, ArchiveName};
use crate::error::{Error, Result};
use crate::store::{Access, Location, StreamOrigin, open_objects};
use std::io::Read;
use std::path::{Path, PathBuf};

impl Archive {
    /// The archive at a location: the one of this name, or else the one whose name has extensions of archives behind
    /// that. `stream` is what is read where stdin is named. What must be spooled goes to `folder`.
    ///
    /// # Errors
    /// There is none, or there are several; or it cannot be read.
    pub fn locate(
        location: &Location,
        stream: impl Read + Send + 'static,
        access: &Access,
        folder: &Path,
    ) -> Result<Self> {
        match location {
            Location::Stream => {
                let origin = StreamOrigin::new("stdin", stream, folder);
                Self::from_origin(Box::new(origin), folder)
            }
            Location::Path(path) => Self::at_until(&meant(path)?, folder, access.interrupt()),
            Location::Object(name) => {
                let mut found = open_objects(name, &ArchiveName::ENDINGS, access)?;
                match found.pop() {
                    Some(origin) if found.is_empty() => Self::from_origin(origin, folder),
                    Some(origin) => {
                        let names = found.iter().map(|origin| origin.name());
                        let names = names.chain([origin.name()]).collect();
                        Err(several(&name.to_string(), names))
                    }
                    None => Err(Error::failed(format!("there is no archive at {name}"))
                        .hint("check the name that was given")),
                }
            }
        }
    }
}

/// The path that is meant by this one.
fn meant(path: &Path) -> Result<PathBuf> {
    let is_one = match path.is_dir() {
        true => path.join(METADATA).is_file(),
        false => path.symlink_metadata().is_ok(),
    };
    let mut found = Vec::new();
    if !is_one && path.file_name().is_some() {
        let with = |ending: &&str| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            path.with_file_name(name)
        };
        found = ArchiveName::ENDINGS
            .iter()
            .map(with)
            .filter(|path| path.is_file())
            .collect();
    }
    match found.len() {
        0 if is_one || path.is_dir() => Ok(path.to_owned()),
        0 => match incomplete(path) {
            Some(other) => Err(
                Error::failed(format!("there is no archive at {}", path.display()))
                    .hint(format!("there is an incomplete one: {}", other.display())),
            ),
            None => Ok(path.to_owned()),
        },
        1 => Ok(found.remove(0)),
        _ => {
            let names = found.iter().map(|path| path.display().to_string());
            Err(several(&path.display().to_string(), names.collect()))
        }
    }
}

/// An incomplete archive that was to be called so.
fn incomplete(path: &Path) -> Option<PathBuf> {
    let names = [""].iter().chain(&ArchiveName::ENDINGS).map(|ending| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        ArchiveName::incomplete(&path.with_file_name(name))
    });
    names.into_iter().find(|name| name.is_file())
}

fn several(name: &str, names: Vec<String>) -> Error {
    Error::usage(format!("several archives are called {name}:"))
        .listing(names)
        .hint("give the whole name of one of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::fs;

    #[test]
    fn extensions_may_be_left_out_where_one_archive_is_meant() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str| fs::write(path(name), "").expect("written");
        assert_eq!(meant(&path("site")).expect("nothing"), path("site"));
        write("site.incomplete.tar.gz.enc");
        for name in ["site", "site.tar.gz.enc"] {
            let error = meant(&path(name)).expect_err("an incomplete one");
            let advice = error.advice().expect("some");
            assert!(advice.contains("site.incomplete.tar.gz.enc"), "{advice}");
        }
        write("site.tar.gz.enc");
        write("site.tar.gz.enc.summary.json");
        let found = meant(&path("site")).expect("one");
        assert_eq!(found, path("site.tar.gz.enc"));
        // A folder of that name is no archive, unless one is unpacked in it.
        fs::create_dir(path("site")).expect("made");
        let found = meant(&path("site")).expect("one");
        assert_eq!(found, path("site.tar.gz.enc"));
        write("site/metadata.json");
        assert_eq!(meant(&path("site")).expect("unpacked"), path("site"));
        fs::remove_dir_all(path("site")).expect("removed");
        write("site.tar");
        let error = meant(&path("site")).expect_err("two");
        assert_eq!(error.kind(), Kind::Usage);
        let told = error.to_string();
        assert!(
            told.contains("site.tar.gz.enc") && told.contains("site.tar"),
            "{told}"
        );
        write("site");
        assert_eq!(meant(&path("site")).expect("itself"), path("site"));
    }
}
