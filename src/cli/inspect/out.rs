//! Where a page goes. It replaces another page and nothing else: a slip must not cost an archive or its key.

use super::super::STREAM;
use super::super::beside::summary_path;
use super::super::environment::Environment;
use super::super::printing::{Out, unprinted};
use super::Arguments;
use crate::error::{Error, Result};
use crate::portrait::html;
use crate::store::{
    Ending, FileNames, FileTarget, Receipt, check_folder, folder_of, not_opened, open_plain,
    real_path,
};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What to do about a name that the page cannot have.
const ANOTHER: &str = "give the page another name with --html";

/// Where a page goes.
pub(super) struct Page {
    /// `None` is stdout.
    path: Option<PathBuf>,
    overwrite: bool,
}

impl Page {
    /// Where it was asked for; it is seen that it can get there before anything is read.
    pub fn of(arguments: &Arguments, environment: &Environment) -> Result<Option<Self>> {
        let Some(path) = &arguments.html else {
            return Ok(None);
        };
        if path == Path::new(STREAM) {
            if arguments.json {
                return Err(Error::usage("--json and --html - both print to stdout")
                    .hint("name a file for the page"));
            }
            return Ok(Some(Self {
                path: None,
                overwrite: false,
            }));
        }
        let shown = path.display();
        if path.is_dir() {
            return Err(Error::usage(format!("{shown} is a folder")).hint(ANOTHER));
        }
        spare(path, arguments, environment)?;
        if path.symlink_metadata().is_ok() {
            if !arguments.overwrite {
                return Err(Error::usage(format!("{shown} is there already"))
                    .hint(format!("{ANOTHER}, or replace it with --overwrite")));
            }
            check_page(path)?;
        }
        check_folder(folder_of(path))?;
        Ok(Some(Self {
            path: Some(path.clone()),
            overwrite: arguments.overwrite,
        }))
    }

    /// Writes it; gives the file it is in.
    pub fn write(&self, page: &str) -> Result<Option<&Path>> {
        let Some(path) = &self.path else {
            let mut out = Out::default();
            let printed = out.write_all(page.as_bytes()).map_err(unprinted);
            return out.end(printed).map(|_| None);
        };
        let names = FileNames {
            complete: path.clone(),
            incomplete: path.clone(),
            overwrite: self.overwrite,
        };
        let file = FileTarget::create(names, Receipt::default())?;
        let mut file = file.called("page", "--html");
        file.write_all(page.as_bytes())
            .map_err(|error| Error::io("write the page", path, error))?;
        // Something else may have come there while the archive was read.
        file.publish_after(Ending::Complete, || match path.symlink_metadata() {
            Ok(_) if self.overwrite => check_page(path),
            _ => Ok(()),
        })?;
        Ok(Some(path))
    }
}

/// Sees that the page is none of the files that it is made from.
fn spare(path: &Path, arguments: &Arguments, environment: &Environment) -> Result<()> {
    let archive = &arguments.archive;
    let mut read = vec![
        (archive.clone(), "the archive itself"),
        (summary_path(archive), "the summary of the archive"),
    ];
    let keys = arguments.key.files(environment).into_iter();
    read.extend(keys.map(|file| (file, "the file with the key or identity")));
    let place = |path: &Path| fs::metadata(path).ok().map(|it| (it.dev(), it.ino()));
    let own = place(path);
    let same = read
        .iter()
        .find(|(file, _)| own.is_some() && place(file) == own);
    let what = match same {
        Some((_, what)) => *what,
        None if archive.is_dir() && real_path(folder_of(path)).starts_with(real_path(archive)) => {
            "in the archive"
        }
        None => return Ok(()),
    };
    Err(Error::usage(format!("{} is {what}", path.display())).hint(ANOTHER))
}

/// Sees that what is there may be replaced: another page, or nothing yet.
fn check_page(path: &Path) -> Result<()> {
    let refuse = |what: &str| {
        let what = format!("{} is {what}, and is not replaced", path.display());
        Err(Error::usage(what).hint(ANOTHER))
    };
    if path.symlink_metadata().is_ok_and(|it| !it.is_file()) {
        return refuse("no plain file");
    }
    let mut begin = Vec::new();
    let file = open_plain(OpenOptions::new().read(true), path)
        .map_err(|error| not_opened("see what is in", path, error))?;
    file.take(html::BEGIN.len() as u64)
        .read_to_end(&mut begin)
        .map_err(|error| Error::io("see what is in", path, error))?;
    if begin.is_empty() || begin == html::BEGIN.as_bytes() {
        return Ok(());
    }
    refuse("no page of backup inspect")
}
