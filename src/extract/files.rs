//! Files of the media library: those of some names, or of some rows.

use super::file_names::{file_name, numbered};
use super::lines::Lines;
use super::names::{MOST_LISTED, several};
use super::place::Clashes;
use super::{Names, Place};
use crate::error::{Error, Result};
use crate::model::{
    Asset, ConfigItem, Entity, Fields, IdSet, Link, NameMap, Schema, Short, Stage, is_file_name,
    named_files,
};
use crate::transfer::{
    Examples, Nowhere, Report, Sink, Subject, UPLOAD_TYPES, Warning, WarningKind,
};
use std::io::{self, Read, Write};
use tempfile::SpooledTempFile;

/// Which files are wanted.
#[derive(Debug)]
pub enum Wanted {
    /// Those of these names.
    Named(Names),
    /// Those of these rows of `plugin::upload.file`, of which there are lines as well.
    Rows(IdSet),
}

/// What comes along with a file, and what it is called.
#[derive(Debug, Clone, Copy)]
pub struct FilesOptions {
    /// Its formats (`thumbnail`, ...).
    pub formats: bool,
    /// Its sidecar.
    pub metadata: bool,
    /// It is called as its user called it.
    pub user_names: bool,
}

/// Where files go.
enum To<'a> {
    /// Into a folder, with this in front of their names.
    Folder(&'a Place, &'static str),
    /// One of them, to be given on.
    One(&'a mut SpooledTempFile),
}

/// Takes files out of what a source streams.
pub struct Files<'a> {
    wanted: Wanted,
    options: FilesOptions,
    to: To<'a>,
    /// Where rows go whose files are taken.
    lines: Option<Lines<'a>>,
    /// How many rows and files there were.
    rows: u64,
    files: u64,
    /// The files that are to come, with their rows.
    expected: NameMap<i64>,
    taken: NameMap<()>,
    /// The names that were given, with the number of the next file that would have one.
    used: NameMap<u32>,
    found: u64,
    listed: Vec<String>,
    /// What is in the way of them.
    clashes: Clashes,
    report: Report,
}

/// What came of it.
#[derive(Debug)]
pub struct Found {
    /// What was taken, in numbers.
    pub report: Report,
    /// How many originals and formats were taken.
    pub files: u64,
    /// The first of them, with what their users called them.
    pub listed: Vec<String>,
    /// What rows name that is not there.
    pub missing: Option<Warning>,
}

impl<'a> Files<'a> {
    /// Takes files into a folder.
    pub fn into_folder(wanted: Wanted, options: FilesOptions, place: &'a Place) -> Self {
        Self::new(wanted, options, To::Folder(place, ""))
    }

    /// Takes files of rows into a folder in a folder, and the rows into a file in that.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn of_rows(
        ids: IdSet,
        options: FilesOptions,
        place: &'a Place,
        with_rows: bool,
    ) -> Result<Self> {
        let mut files = Self::new(Wanted::Rows(ids), options, To::Folder(place, "uploads/"));
        if with_rows {
            files.lines = Some(Lines::of_type(place, UPLOAD_TYPES[0], ".jsonl")?);
        }
        Ok(files)
    }

    /// Takes one file, without its formats.
    pub fn one(names: Names, spool: &'a mut SpooledTempFile) -> Self {
        let options = FilesOptions {
            formats: false,
            metadata: false,
            user_names: false,
        };
        Self::new(Wanted::Named(names), options, To::One(spool))
    }

    fn new(wanted: Wanted, options: FilesOptions, to: To<'a>) -> Self {
        Self {
            wanted,
            options,
            to,
            lines: None,
            rows: 0,
            files: 0,
            expected: NameMap::default(),
            taken: NameMap::default(),
            used: NameMap::default(),
            found: 0,
            listed: Vec::new(),
            clashes: Clashes::default(),
            report: Report::default(),
        }
    }

    /// What came of it, once the source was streamed to its end.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): nothing has one of the names, or several files do where one is wanted.
    pub fn finish(mut self) -> Result<Found> {
        self.clashes.check()?;
        if let Wanted::Named(names) = &self.wanted {
            names.check(self.files)?;
        }
        if let Some(lines) = self.lines.take() {
            lines.finish()?;
        }
        let mut rows = Examples::default();
        let mut missing: Vec<i64> = self.expected.values().copied().collect();
        missing.sort_unstable();
        let count = missing.len() as u64;
        missing.dedup();
        for id in missing {
            rows.add(|| id.to_string());
        }
        let missing = rows.warning(WarningKind::MissingAsset, Subject::Files);
        let missing = missing.map(|warning| warning.times(count));
        if matches!(self.to, To::One(_)) && self.found > 1 {
            return Err(several(self.found, &self.listed));
        }
        if let Some(warning) = &missing {
            self.report.count_warning(warning);
        }
        Ok(Found {
            report: self.report,
            files: self.found,
            listed: self.listed,
            missing,
        })
    }

    /// Expects a file of a row.
    fn expect(&mut self, name: &str, id: i64, is_original: bool) {
        if !is_file_name(name) {
            return;
        }
        if self.expected.insert(name, id).is_some() {
            return;
        }
        if let To::Folder(place, below) = &self.to
            && !(is_original && self.options.user_names)
        {
            place.look(&format!("{below}{name}"), &mut self.clashes);
        }
    }

    /// Whether a file is wanted that no row told of.
    fn is_wanted_alone(&mut self, filename: &str, sidecar: Option<&Fields<'_>>) -> bool {
        let Wanted::Named(names) = &mut self.wanted else {
            return false;
        };
        let text = |name: &str| sidecar.and_then(|it| it.text(name)).unwrap_or_default();
        let is_format = is_format(sidecar);
        if is_format && !self.options.formats {
            return names.want_exactly(filename);
        }
        if names.want(&[filename]) {
            return true;
        }
        if self.rows > 0 {
            return false;
        }
        // An archive of files alone: what describes them says what their rows would.
        match is_format {
            true => {
                let original = text("mainHash") + &text("ext");
                let kind = text("type") + "_";
                let name = text("name");
                names.want(&[&original, name.strip_prefix(&kind).unwrap_or(&name)])
            }
            false => names.want(&[&text("name")]),
        }
    }

    /// A name that no other file has that was taken. Names that users gave differ in more than upper and lower case, which
    /// some file systems do not tell apart; those on disk are what rows name, and stay.
    fn unique(&mut self, name: String) -> String {
        let folds = self.options.user_names;
        let key = |name: &str| match folds {
            true => name.to_lowercase(),
            false => name.to_owned(),
        };
        let mut number = self.used.get(&key(&name)).copied().unwrap_or(1);
        let mut unique = match number {
            1 => name.clone(),
            number => numbered(&name, number),
        };
        while self.used.get(&key(&unique)).is_some() {
            number += 1;
            unique = numbered(&name, number);
        }
        self.used.insert(&key(&name), number + 1);
        if unique != name {
            self.used.insert(&key(&unique), 2);
        }
        unique
    }

    fn list(&mut self, asset: &Asset, sidecar: Option<&Fields<'_>>, shown: &str) {
        self.found += 1;
        if self.listed.len() >= MOST_LISTED {
            return;
        }
        let given = sidecar.and_then(|it| it.text("name"));
        let mut line = Short(&asset.filename).to_string();
        if let Some(given) = given {
            line += &format!(" \"{}\"", Short(&given));
        }
        if let Some(id) = sidecar.and_then(|it| it.get("id")) {
            line += &format!(" (row {})", Short(id));
        }
        if shown != asset.filename {
            line += &format!(" as {}", Short(shown));
        }
        self.listed.push(line);
    }
}

/// Whether a sidecar is that of a format.
fn is_format(sidecar: Option<&Fields<'_>>) -> bool {
    sidecar.is_some_and(|it| it.get("mainHash").is_some())
}

impl Sink for Files<'_> {
    /// What is known to be in the way is said before files are read.
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        match stage > Stage::Entities {
            true => self.clashes.check(),
            false => Ok(()),
        }
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        if entity.content_type != UPLOAD_TYPES[0] {
            return Ok(());
        }
        let Ok(row) = Fields::parse(entity.data) else {
            return Ok(());
        };
        self.rows += 1;
        let hash = row.text("hash").filter(|hash| !hash.is_empty());
        let original = hash.map(|hash| hash + &row.text("ext").unwrap_or_default());
        let mut files = Vec::new();
        named_files(
            &|name| row.text(name),
            row.get("formats"),
            &mut |name, _| files.push(name),
        );
        let given = row.text("name").unwrap_or_default();
        let is_wanted = match &mut self.wanted {
            Wanted::Named(names) => match &original {
                Some(original) => names.want(&[&given, original]),
                None => names.want(&[&given]),
            },
            Wanted::Rows(ids) => ids.contains(entity.id),
        };
        if is_wanted && let Some(lines) = &mut self.lines {
            lines.add(entity.line)?;
            let (stage, group) = (Stage::Entities, Some(entity.content_type));
            self.report.count(stage, group, entity.line.len() as u64);
        }
        for name in files {
            let is_original = original.as_ref() == Some(&name);
            let is_wanted = match (is_original, &mut self.wanted) {
                (true, _) => is_wanted,
                (false, Wanted::Rows(_)) => is_wanted && self.options.formats,
                (false, Wanted::Named(names)) if self.options.formats => {
                    names.want(&[&name]) || is_wanted
                }
                (false, Wanted::Named(names)) => names.want_exactly(&name),
            };
            if is_wanted {
                self.expect(&name, entity.id, is_original);
            }
        }
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.files += 1;
        let name = asset.filename.as_str();
        let sidecar = Fields::parse(&asset.sidecar).ok();
        let sidecar = sidecar.as_ref();
        // Early versions of Strapi 4 wrote "null" for a missing extension.
        let without = name.strip_suffix("null").unwrap_or(name);
        let row = self.expected.remove(name);
        let row = row.or_else(|| self.expected.remove(without));
        let is_wanted = row.is_some() || self.is_wanted_alone(name, sidecar);
        // Strapi writes a file twice that two rows share.
        if !is_wanted || self.taken.insert(name, ()).is_some() {
            return Nowhere::default().asset(asset, content);
        }
        let given = sidecar.and_then(|it| it.text("name"));
        let mut shown = name.to_owned();
        if self.options.user_names
            && !is_format(sidecar)
            && let Some(given) = given
        {
            shown = file_name(&given, name);
        }
        let shown = self.unique(shown);
        let beside = match self.options.metadata {
            true => Some(self.unique(format!("{shown}.json"))),
            false => None,
        };
        let is_first = self.found == 0;
        self.list(asset, sidecar, &shown);
        match &mut self.to {
            To::One(spool) if is_first => {
                let copied = io::copy(content, spool);
                let fail = |error| Error::failed(format!("cannot spool the file {name}: {error}"));
                copied.map_err(|error| Error::from_io(error, fail))?;
            }
            To::One(_) => return Nowhere::default().asset(asset, content),
            To::Folder(place, below) => {
                let (mut file, path) = place.file(&format!("{below}{shown}"))?;
                let written = io::copy(content, &mut file).and_then(|_| file.sync_all());
                let fail = |error| Error::io("write the file", &path, error);
                if let Err(error) = written {
                    // What is not whole is not shown.
                    place.remove(&format!("{below}{shown}"))?;
                    if let Some(row) = row {
                        self.expected.insert(name, row);
                    }
                    self.found -= 1;
                    self.listed
                        .truncate(self.found.try_into().unwrap_or(usize::MAX));
                    return Err(Error::from_io(error, fail));
                }
                if let Some(beside) = beside {
                    let (mut file, path) = place.file(&format!("{below}{beside}"))?;
                    let written = file.write_all(asset.sidecar.as_bytes());
                    written
                        .and_then(|()| file.sync_all())
                        .map_err(|error| Error::io("write the file", &path, error))?;
                }
            }
        }
        let group = asset.extension().unwrap_or("No extension");
        self.report.count(Stage::Assets, Some(group), asset.size);
        Ok(())
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}
