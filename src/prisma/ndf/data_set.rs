//! A data set that is read: what files it has, in which order.

use super::{ValueType, fault, file, zipped};
use crate::error::{Error, Result};
use crate::store::{Interrupt, open_named, open_plain, real_path, sort};
use rustix::fs::FileType;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// What to do about a data set that is none.
const SHAPE: &str = "a data set has the folders nodes, lists and relations at its top, with files 000001.json and so on in \
     them; it is a zip, a folder, or one of these files";
/// What to do about a zip that cannot be taken.
const ANEW: &str = "see that it was copied whole; or unpack it, see that every file is there, and zip what is in the folder anew";
/// The part of a mode that says what something is.
const TYPE: u32 = 0o170_000;
/// How many files that are passed over are named.
const NAMED: usize = 20;
/// What systems leave in folders, and Prisma's command line in its own.
const LITTER: [&str; 4] = ["__MACOSX", ".DS_Store", "state.json", "Thumbs.db"];

/// A file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// What it holds.
    pub kind: ValueType,
    /// Its name below the top of the data set, such as `nodes/000001.json`.
    pub name: String,
    /// The number in its name.
    pub number: Option<u64>,
    /// How many bytes it has.
    pub bytes: u64,
    /// Which entry of the zip it is.
    entry: usize,
}

/// Where the files lie.
enum Form {
    Zip(ZipArchive<File>),
    Folder,
    /// The data set is this file.
    Single,
}

/// A data set: a zip, a folder, or a single file.
pub struct DataSet {
    path: PathBuf,
    form: Form,
    files: Vec<DataFile>,
    /// Which of its folders are there, in the order of [`ValueType::ALL`].
    folders: [bool; 3],
    faults: Vec<String>,
    passed_over: Vec<String>,
    interrupt: Interrupt,
}

impl DataSet {
    /// Opens the data set at this path: a folder, a `.zip`, or one `.json` file. Reading stops when the user wants that.
    ///
    /// # Errors
    /// Nothing is there, or kind [`Archive`](crate::error::Kind::Archive): it is no data set.
    pub fn open(path: &Path, interrupt: &Interrupt) -> Result<Self> {
        let about =
            fs::metadata(path).map_err(|error| Error::io("read the data set", path, error))?;
        let mut set = Self {
            path: real_path(path),
            form: Form::Folder,
            files: Vec::new(),
            folders: [false; 3],
            faults: Vec::new(),
            passed_over: Vec::new(),
            interrupt: interrupt.clone(),
        };
        if about.is_dir() {
            set.look_into_folder()?;
        } else {
            let file = open_named(path, "data set")?;
            match path
                .extension()
                .is_some_and(|it| it.eq_ignore_ascii_case("json"))
            {
                true => set.look_into_file(file, about.len())?,
                false => set.look_into_zip(file)?,
            }
        }
        if set.files.is_empty() {
            let none = "there are no files of nodes, lists or relations in it";
            let why = set.faults.first().map_or(none, String::as_str);
            return Err(set.no_data_set(why));
        }
        set.files.sort_by(|one, other| {
            let key = |it: &DataFile| (it.kind, it.number.unwrap_or(u64::MAX), it.name.clone());
            key(one).cmp(&key(other))
        });
        // Names that are other bytes may be the same text.
        let mut pairs = set.files.windows(2);
        if let Some([file, _]) = pairs.find(|pair| pair[0].name == pair[1].name) {
            return Err(set.damaged_zip(&zipped::twice_there(&file.name)));
        }
        if !set.is_single() {
            set.check_folders();
            set.check_numbers();
        }
        Ok(set)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its files: nodes, then lists, then relations, each in the order of their numbers.
    pub fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// Whether it is a single file: what it refers to may be on the server.
    pub fn is_single(&self) -> bool {
        matches!(self.form, Form::Single)
    }

    /// What stops reading.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// What is wrong with the names of its files.
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// The first names of what lies in it and is no part of it.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// Reads a file, the one of this number among [`DataSet::files`], to its end: `each` gets the number of each element in
    /// the file, from 1, and its text.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): it is not what a file of a data set is; or what `each` fails with.
    pub fn read(
        &mut self,
        file: usize,
        each: &mut dyn FnMut(u64, &str) -> Result<()>,
    ) -> Result<()> {
        let file = self.files[file].clone();
        let interrupt = self.interrupt.clone();
        let kind = Some(file.kind);
        let fail = |error: &dyn std::fmt::Display| {
            fault(format!("{}: cannot be read: {error}", file.name))
        };
        match &mut self.form {
            Form::Zip(archive) => {
                let entry = archive.by_index(file.entry).map_err(|error| fail(&error))?;
                file::read(entry, &file.name, kind, &interrupt, each)?;
            }
            form => {
                let path = match form {
                    Form::Folder => self.path.join(&file.name),
                    _ => self.path.clone(),
                };
                let opened = open_plain(OpenOptions::new().read(true), &path);
                let opened = opened.map_err(|error| Error::io("read", &path, error))?;
                file::read(opened, &file.name, kind, &interrupt, each)?;
            }
        }
        Ok(())
    }

    fn no_data_set(&self, why: &str) -> Error {
        fault(format!("{} is no data set: {why}", self.path.display())).hint(SHAPE)
    }

    fn damaged_zip(&self, why: &str) -> Error {
        fault(format!("{}: {why}", self.path.display())).hint(ANEW)
    }

    fn pass_over(&mut self, name: &str) {
        let is_litter = name.split('/').any(|part| LITTER.contains(&part));
        if !is_litter && self.passed_over.len() < NAMED {
            self.passed_over.push(name.to_owned());
        }
    }

    /// Takes a file, if its name is one of a data set.
    fn take(&mut self, name: &str, bytes: u64, entry: usize) {
        let Some((kind, stem)) = kind_of(name) else {
            match taken_for(name) {
                Some(other) => self.faults.push(format!(
                    "{name} is taken for {other} by some programs, and passed over by others"
                )),
                None => self.pass_over(name),
            }
            return;
        };
        let is_number = !stem.is_empty() && stem.bytes().all(|it| it.is_ascii_digit());
        self.files.push(DataFile {
            kind,
            name: name.to_owned(),
            number: is_number.then(|| stem.parse().ok()).flatten(),
            bytes,
            entry,
        });
    }

    fn look_into_folder(&mut self) -> Result<()> {
        let path = self.path.clone();
        let fail = |error| Error::io("read the folder", &path, error);
        for entry in fs::read_dir(&path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let folder = entry.file_name().to_string_lossy().into_owned();
            let Some(kind) = ValueType::named(&folder) else {
                match ValueType::named(&folded(&folder)) {
                    Some(kind) => self
                        .faults
                        .push(format!("{folder} should be called {kind}")),
                    None => self.pass_over(&folder),
                }
                continue;
            };
            self.folders[kind as usize] = true;
            let about = fs::metadata(entry.path()).map_err(fail)?;
            if !about.is_dir() {
                let found = sort(about.file_type());
                self.faults
                    .push(format!("{folder} is {found}, and no folder"));
                continue;
            }
            for entry in fs::read_dir(entry.path()).map_err(fail)? {
                self.interrupt.stop()?;
                let entry = entry.map_err(fail)?;
                let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
                let about = entry.metadata().map_err(fail)?;
                if about.is_file() {
                    self.take(&name, about.len(), 0);
                } else if kind_of(&name).is_some() {
                    let found = sort(about.file_type());
                    self.faults.push(format!("{name} is {found}, and no file"));
                } else {
                    self.pass_over(&name);
                }
            }
        }
        Ok(())
    }

    fn look_into_zip(&mut self, file: File) -> Result<()> {
        zipped::check_count(&file).map_err(|why| self.no_data_set(&why))?;
        let archive = ZipArchive::new(file).map_err(|error| {
            self.no_data_set(&format!("it is no zip that can be read: {error}"))
        })?;
        let mut archive = zipped::unambiguous(archive).map_err(|why| self.damaged_zip(&why))?;
        let mut wrapped = None;
        for entry in 0..archive.len() {
            let file = archive
                .by_index_raw(entry)
                .map_err(|error| self.no_data_set(&format!("its zip cannot be read: {error}")))?;
            let name = file.name().map(|name| name.into_owned());
            let Ok(name) = name else {
                self.pass_over("a file whose name is no text");
                continue;
            };
            if let Some(kind) = name.split_once('/').and_then(|it| ValueType::named(it.0)) {
                self.folders[kind as usize] = true;
            }
            if file.is_dir() {
                continue;
            }
            let (bytes, is_encrypted) = (file.size(), file.encrypted());
            let mode = file.unix_mode().unwrap_or_default();
            drop(file);
            let found = FileType::from_raw_mode(mode);
            if mode & TYPE != 0 && found != FileType::RegularFile {
                self.faults.push(format!(
                    "{name} in the zip is no file, but a link, a pipe or the like"
                ));
                continue;
            }
            if is_encrypted {
                return Err(self.no_data_set(&format!("{name} in it is encrypted")));
            }
            let mut parts = name.split('/');
            let is_wrapped = (parts.next(), parts.next().and_then(ValueType::named));
            if let (Some(folder), Some(_)) = is_wrapped
                && ValueType::named(folder).is_none()
                && !LITTER.contains(&folder)
            {
                wrapped = Some(folder.to_owned());
            }
            self.take(&name, bytes, entry);
        }
        if let Some(folder) = wrapped.filter(|_| self.files.is_empty()) {
            let why = format!("its folders stand within the folder {folder}, and not at its top");
            return Err(self
                .no_data_set(&why)
                .hint("unpack it, and name that folder; or zip what is in the folder, and not the folder itself"));
        }
        let checked = zipped::check(&mut archive, &self.interrupt)?;
        checked.map_err(|why| self.damaged_zip(&why))?;
        self.form = Form::Zip(archive);
        Ok(())
    }

    fn look_into_file(&mut self, file: File, bytes: u64) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let kind = file::read(file, &name, None, &self.interrupt, &mut |_, _| Ok(()))?;
        self.form = Form::Single;
        self.files.push(DataFile {
            kind,
            name,
            number: None,
            bytes,
            entry: 0,
        });
        Ok(())
    }

    /// Whatever writes data sets makes all three folders, also for nothing: one that is missing was lost.
    fn check_folders(&mut self) {
        for kind in ValueType::ALL {
            if !self.folders[kind as usize] {
                self.faults.push(format!(
                    "the folder {kind} is not there: a data set has nodes, lists and relations, also where one of them is empty"
                ));
            }
        }
    }

    /// Prisma's command line passes over files without a number, and what is missing between two of them is lost.
    fn check_numbers(&mut self) {
        for kind in ValueType::ALL {
            let mut next = 1;
            for file in self.files.iter().filter(|file| file.kind == kind) {
                let name = &file.name;
                match file.number {
                    None => self.faults.push(format!(
                        "{name} has no number: files are called 000001.json and so on"
                    )),
                    Some(number) if number > 0 && number.checked_add(1) == Some(next) => self
                        .faults
                        .push(format!("{name} has the same number as another file")),
                    Some(number) if number == next => next += 1,
                    Some(number) => {
                        self.faults.push(match number {
                            0 => format!("{name} has the number 0: files are counted from 1"),
                            _ => format!("{kind}/{next:06}.json is not there, and {name} is"),
                        });
                        next = number.saturating_add(1);
                    }
                }
            }
        }
    }
}

/// A name as systems see it that do not tell capitals from small letters.
fn folded(name: &str) -> String {
    name.to_uppercase().to_lowercase()
}

/// The name of a data set that some programs make of another one: with other signs between its parts, with dots for
/// folders, in capitals.
fn taken_for(name: &str) -> Option<String> {
    let folded = folded(name);
    let mut parts: Vec<&str> = Vec::new();
    for part in folded.split(['/', '\\']) {
        match part {
            ".." => drop(parts.pop()),
            // Some cut off dots and blanks at the end.
            part => match part.trim_end_matches(['.', ' ']) {
                "" => {}
                part => parts.push(part),
            },
        }
    }
    let whole = parts.join("/");
    kind_of(&whole).is_some().then_some(whole)
}

/// What a file of this name holds, if it is one of a data set, and its name without the ending.
fn kind_of(name: &str) -> Option<(ValueType, &str)> {
    let (folder, rest) = name.split_once('/')?;
    let parts = (ValueType::named(folder)?, rest.strip_suffix(".json")?);
    Some(parts).filter(|(_, stem)| !stem.contains('/') && !stem.starts_with('.'))
}

#[cfg(test)]
mod tests;
