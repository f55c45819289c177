//! What `--as strapi` converts: where its data, its data model, its notes and its files lie.

use super::{Arguments, Room};
use crate::archive::ArchiveName;
use crate::convert::noted::NotedSource;
use crate::convert::notes;
use crate::dgraph;
use crate::dgraph::set::{ExportSet, Key};
use crate::error::{Error, Kind, Result};
use crate::prisma::convert::{PlainSource, layout, names_notes, noted_source};
use crate::prisma::ndf::ValueType;
use crate::prisma::project;
use crate::store::{Interrupt, Location, folder_of};
use crate::transfer::Source;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What to do where notes are missing.
const GO_WITHOUT: &str = "put strapi.json beside the data, as it was written with them, or convert without it: --no-notes";
/// The Strapi that an archive is for where nothing says it.
const VERSION: &str = "5.54.0";

/// A data set that is converted.
pub(super) enum Origin {
    /// One with notes of the archive that it was made of.
    Noted(Box<NotedSource>),
    /// Any other of Prisma 1.
    Plain(Box<PlainSource>),
    /// Any other of Dgraph.
    Set(Box<dgraph::convert::PlainSource>),
}

impl Origin {
    /// It, as content of a Strapi.
    pub fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Noted(source) => source.as_mut(),
            Self::Plain(source) => source.as_mut(),
            Self::Set(source) => source.as_mut(),
        }
    }

    /// The schema.json files of the content types that were made for it: their places below the folder `src` of a project, and
    /// their content; `None` where notes say which there are.
    pub fn schema_files(&self) -> Option<Vec<(String, String)>> {
        match self {
            Self::Noted(_) => None,
            Self::Plain(source) => Some(source.schema_files().collect()),
            Self::Set(source) => Some(source.schema_files().collect()),
        }
    }
}

/// The data in what was named, and the folder with what lies beside them.
fn parts(from: &Path) -> (PathBuf, PathBuf) {
    let zip = from.join(format!("{}.zip", layout::DATA));
    let folder = from.join(layout::DATA);
    // What has the name is taken, whatever it is: whoever opens it says what is wrong with it.
    let is_folder = folder.symlink_metadata().is_ok_and(|it| !it.is_file());
    match (zip.symlink_metadata().is_ok(), is_folder) {
        (true, _) => (zip, from.to_owned()),
        (false, true) => (folder, from.to_owned()),
        (false, false) => (from.to_owned(), folder_of(from).to_owned()),
    }
}

/// Sees that what is to be an archive is no data set of Prisma 1 and no set of Dgraph, as far as its names and first bytes tell.
///
/// # Errors
/// It is one: the conversion goes the other way.
pub(super) fn refuse_data_set(from: &Path) -> Result<()> {
    let is_set = match from.is_dir() {
        true => [layout::DATAMODEL, layout::NOTES, ValueType::Nodes.as_str()]
            .iter()
            .any(|name| from.join(name).exists()),
        // Nothing but a file is opened here: whatever else it is may wait for somebody who writes.
        false => from.is_file() && begins_as_zip(from),
    };
    let whose = match set_at(from, None, &Interrupt::default())? {
        Some(_) => "Dgraph",
        None if is_set => "Prisma 1",
        None => return Ok(()),
    };
    Err(Error::usage(format!(
        "{} is no archive, but what {whose} takes",
        from.display()
    ))
    .hint("an archive is made of it with --as strapi"))
}

fn begins_as_zip(path: &Path) -> bool {
    let mut start = [0; 2];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"PK"
}

/// Sees that what is to be a data set is there, and is no archive of a Strapi.
fn refuse_archive(from: &Path) -> Result<()> {
    if from.symlink_metadata().is_err() {
        return Err(
            Error::failed(format!("there is no data set at {}", from.display()))
                .hint("check the name that was given"),
        );
    }
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    let is_archive = match from.is_dir() {
        true => from.join("metadata.json").is_file() && from.join("schemas").is_dir(),
        false => {
            let mut endings = ArchiveName::ENDINGS.iter().chain(&[".age", ".enc"]);
            endings.any(|ending| name.ends_with(ending))
        }
    };
    match is_archive {
        true => Err(Error::usage(format!(
            "{} is an archive of a Strapi, and no data set of Prisma 1 or Dgraph",
            from.display()
        ))
        .hint("what these take is made of it with --as ndf and --as dgraph")),
        false => Ok(()),
    }
}

/// Whether there are notes in this folder, which are to be taken.
///
/// # Errors
/// What has their name is no file, or cannot be read.
fn has_notes(folder: &Path) -> Result<bool> {
    let notes = folder.join(layout::NOTES);
    match notes.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read the notes", &notes, error).hint(GO_WITHOUT)),
        Ok(_) => notes::Reader::open(&notes).map(|_| true),
    }
}

/// Sees that a data model is of no notes, where there are none.
fn check_no_notes(model: &Path, beside: &Path) -> Result<()> {
    match names_notes(model)? {
        false => Ok(()),
        true => {
            let notes = beside.join(layout::NOTES);
            let what = format!(
                "{} was written with {}, which is not there",
                model.display(),
                notes.display()
            );
            Err(Error::failed(what).hint(GO_WITHOUT))
        }
    }
}

/// The export set of Dgraph in a folder, or in the one that lies in it; `None` where there is none, or data of Prisma 1.
///
/// # Errors
/// There are several, or the folder cannot be read.
fn set_at(from: &Path, key: Option<Key>, interrupt: &Interrupt) -> Result<Option<ExportSet>> {
    if !from.is_dir() || from.join(layout::DATAMODEL).exists() {
        return Ok(None);
    }
    match ExportSet::open(from, key, interrupt) {
        Ok(set) => Ok(Some(set)),
        Err(error) if error.kind() == Kind::Archive => Ok(None),
        Err(error) => Err(error),
    }
}

/// What converts a set of Dgraph.
fn find_set(arguments: &Arguments, room: &Room<'_>, from: &Path, set: ExportSet) -> Result<Origin> {
    if !arguments.datamodel.is_empty() {
        let what = "--datamodel is for data sets of Prisma 1";
        return Err(Error::usage(what).hint("leave it out: a set of Dgraph holds its schema"));
    }
    let interrupt = room.cancellation.interrupt();
    let spool = &room.environment.temporary;
    // They lie in the folder that was named, or beside the set.
    let beside = match from.join(layout::NOTES).symlink_metadata() {
        Ok(_) => from.to_owned(),
        Err(_) => folder_of(set.folder()).to_owned(),
    };
    if !arguments.no_notes && has_notes(&beside)? {
        refuse_needless(arguments, &beside)?;
        let source = dgraph::convert::noted_source(set, &beside, spool, &interrupt)?;
        return Ok(Origin::Noted(Box::new(source)));
    }
    if !arguments.no_notes && dgraph::convert::names_notes(&set)? {
        let notes = beside.join(layout::NOTES);
        let what = format!(
            "{} was written with {}, which is not there",
            set.folder().display(),
            notes.display()
        );
        return Err(Error::failed(what).hint(GO_WITHOUT));
    }
    let version = version(arguments)?;
    let now = now();
    let of = (version, now.as_str());
    let source = dgraph::convert::PlainSource::open(&set, of, spool, &interrupt)?;
    Ok(Origin::Set(Box::new(source)))
}

/// Sees that nothing is asked for that the notes say.
fn refuse_needless(arguments: &Arguments, beside: &Path) -> Result<()> {
    let needless = [
        (!arguments.datamodel.is_empty(), "--datamodel"),
        (arguments.schemas.is_some(), "--schemas"),
        (arguments.strapi_version.is_some(), "--strapi-version"),
    ];
    match needless.into_iter().find(|(is_given, _)| *is_given) {
        None => Ok(()),
        Some((_, name)) => {
            let notes = beside.join(layout::NOTES);
            let what = format!("{name} is of no use: {} says all of it", notes.display());
            Err(Error::usage(what).hint("leave it out, or have new content types made: --no-notes"))
        }
    }
}

/// Finds all of it.
///
/// # Errors
/// Something of it is not there, or is not what it should be.
pub(super) fn find(arguments: &Arguments, room: &Room<'_>) -> Result<Origin> {
    let Location::Path(from) = Location::parse(arguments.from.as_os_str())? else {
        let what = "a data set of Prisma 1 or Dgraph is a file or a folder on this machine";
        return Err(Error::usage(what).hint("copy it here first"));
    };
    refuse_archive(&from)?;
    let interrupt = room.cancellation.interrupt();
    let key = arguments.encryption_key_file.as_deref();
    let key = key.map(|it| Key::read(it, &interrupt)).transpose()?;
    let has_key = key.is_some();
    if let Some(set) = set_at(&from, key, &interrupt)? {
        return find_set(arguments, room, &from, set);
    }
    if has_key {
        let what = format!("there is no export set of Dgraph in {}", from.display());
        return Err(Error::usage(what).hint("--encryption-key-file is for such sets"));
    }
    let (data, beside) = parts(&from);
    let spool = &room.environment.temporary;
    if !arguments.no_notes && has_notes(&beside)? {
        refuse_needless(arguments, &beside)?;
        let source = noted_source(&data, &beside, spool, &interrupt)?;
        return Ok(Origin::Noted(Box::new(source)));
    }
    if !arguments.no_notes {
        match arguments.datamodel.as_slice() {
            [] => check_no_notes(&beside.join(layout::DATAMODEL), &beside)?,
            given => given
                .iter()
                .try_for_each(|model| check_no_notes(model, &beside))?,
        }
    }
    let model = match arguments.datamodel.as_slice() {
        [] => {
            let beside = [beside.join(layout::DATAMODEL)];
            project::data_model(&beside).map_err(|error| match error.kind() {
                Kind::Failed => error.hint(
                    "name the data model that the service was deployed with: --datamodel FILE",
                ),
                _ => error,
            })?
        }
        given => project::data_model(given)?,
    };
    let now = now();
    let of = (version(arguments)?, now.as_str());
    let source = PlainSource::open(&data, &model, of, spool, &interrupt)?;
    Ok(Origin::Plain(Box::new(source)))
}

/// The time of the conversion.
fn now() -> String {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    now.to_string()
}

/// The version that the archive is for.
///
/// # Errors
/// It is none of a Strapi that has archives.
fn version(arguments: &Arguments) -> Result<&str> {
    let version = arguments.strapi_version.as_deref().unwrap_or(VERSION);
    let major = semver::Version::parse(version).map(|it| it.major);
    match major {
        Ok(4 | 5) => Ok(version),
        _ => Err(Error::usage(format!(
            "--strapi-version {version} is no version of Strapi 4 or 5"
        ))
        .hint("give all of it, as in the project's package.json: 5.54.0")),
    }
}

/// The folder that the files of the schemas go to.
pub(super) fn schemas_folder(arguments: &Arguments) -> Result<PathBuf> {
    if let Some(folder) = &arguments.schemas {
        return Ok(folder.clone());
    }
    let Location::Path(to) = Location::parse(arguments.to.as_os_str())? else {
        let what = "the files of the schemas need a folder on this machine";
        return Err(Error::usage(what).hint("name it with --schemas"));
    };
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let stem = ArchiveName::stem(&name);
    if stem.is_empty() || to.is_dir() {
        let what = format!(
            "{} names no archive that they could lie beside",
            to.display()
        );
        return Err(Error::usage(what).hint("name their folder with --schemas"));
    }
    Ok(to.with_file_name(format!("{stem}-schemas")))
}
