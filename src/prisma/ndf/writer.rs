//! Writes a data set, as Prisma's own command line names and packs it. It appears whole, under its name, or not at all.

use super::{PAGE, Page, ValueType, characters};
use crate::error::{Error, Result};
use crate::store::{Folder, Hidden, Temporary, check_folder, check_free, folder_of, sync_folder};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What a data set is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// One file, compressed.
    Zip,
    /// A folder.
    Dir,
}

/// What is written is hidden until it is whole.
enum Out {
    Zip {
        hidden: Box<Temporary>,
        zip: Box<ZipWriter<File>>,
    },
    Folder(Hidden),
}

/// Writes a data set, element by element, of any kind at any time. Dropped before it is finished, it leaves nothing behind.
pub struct Writer {
    path: PathBuf,
    overwrite: bool,
    out: Out,
    /// What is on its way into the next file of each kind.
    pages: [Page; 3],
    files: [u64; 3],
    elements: [u64; 3],
}

impl Writer {
    /// Begins one at this path. A folder must not be there, or be empty; a file is replaced with `overwrite` alone.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the name is taken; or nothing can be written there.
    pub fn create(path: &Path, form: Form, overwrite: bool) -> Result<Self> {
        let above = folder_of(path);
        check_folder(above)?;
        let fail = |error| Error::io("write", path, error);
        let out = match form {
            Form::Zip => {
                if path.is_dir() {
                    let what = format!("{} is there already, and is a folder", path.display());
                    return Err(Error::usage(what).hint("choose another name"));
                }
                if path.symlink_metadata().is_ok() && !overwrite {
                    return Err(taken(path));
                }
                let mut hidden = Box::new(Temporary::create(above).map_err(fail)?);
                let file = hidden.file().try_clone().map_err(fail)?;
                let mut zip = Box::new(ZipWriter::new(file));
                for kind in ValueType::ALL {
                    let added = zip.add_directory(format!("{kind}/"), options());
                    added.map_err(|error| fail(error.into()))?;
                }
                Out::Zip { hidden, zip }
            }
            Form::Dir => {
                check_free(path)
                    .map_err(|error| error.hint("choose another name, or remove it"))?;
                let hidden = Hidden::make(Folder::open(above).map_err(fail)?)?;
                Out::Folder(hidden)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            overwrite,
            out,
            pages: ValueType::ALL.map(Page::new),
            files: [0; 3],
            elements: [0; 3],
        })
    }

    /// Writes an element, as compact JSON.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, kind: ValueType, element: &str) -> Result<()> {
        let page = &self.pages[kind as usize];
        if !page.is_empty() && page.characters() + characters(element) > PAGE {
            self.end_file(kind)?;
        }
        self.pages[kind as usize].push(element);
        self.elements[kind as usize] += 1;
        Ok(())
    }

    /// Ends the file of this kind: what comes stands in another one. Without elements there is none to end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn end_file(&mut self, kind: ValueType) -> Result<()> {
        match self.pages[kind as usize].is_empty() {
            true => Ok(()),
            false => self.write(kind),
        }
    }

    /// How many elements of this kind were written.
    pub fn elements(&self, kind: ValueType) -> u64 {
        self.elements[kind as usize]
    }

    fn write(&mut self, kind: ValueType) -> Result<()> {
        let page = std::mem::replace(&mut self.pages[kind as usize], Page::new(kind));
        let number = &mut self.files[kind as usize];
        *number += 1;
        let name = format!("{kind}/{number:06}.json");
        let text = page.finish();
        let written = match &mut self.out {
            Out::Zip { zip, .. } => zip
                .start_file(&name, options())
                .map_err(io::Error::from)
                .and_then(|()| zip.write_all(text.as_bytes())),
            Out::Folder(hidden) => hidden
                .create(&name)
                .and_then(|mut file| file.write_all(text.as_bytes())),
        };
        written.map_err(|error| Error::io("write", &self.path.join(name), error))
    }

    /// Ends all files, and shows the data set under its name once it is on disk. Each kind has a file, also one without
    /// elements: Prisma's command line asks for that.
    ///
    /// # Errors
    /// The disk is full, or something has the name by now; then nothing is left of it.
    pub fn finish(mut self) -> Result<()> {
        for kind in ValueType::ALL {
            if !self.pages[kind as usize].is_empty() || self.files[kind as usize] == 0 {
                self.write(kind)?;
            }
        }
        let path = &self.path;
        let fail = |error| Error::io("write", path, error);
        match self.out {
            Out::Zip { hidden, zip } => {
                let file = zip.finish().map_err(|error| fail(error.into()))?;
                file.sync_all().map_err(fail)?;
                drop(file);
                let shown = hidden.persist(path, self.overwrite);
                shown.map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => taken(path),
                    _ => fail(error),
                })?;
                sync_folder(folder_of(path))
            }
            Out::Folder(hidden) => {
                let name = path.file_name().unwrap_or_default();
                hidden.show_as(name, "choose another name, or remove it")?;
                sync_folder(folder_of(path))
            }
        }
    }
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn taken(path: &Path) -> Error {
    Error::usage(format!("{} is there already", path.display()))
        .hint("choose another name, or replace it with --overwrite")
}

#[cfg(test)]
mod tests {
    use super::super::DataSet;
    use super::*;
    use crate::store::Interrupt;
    use std::fs;

    /// All elements of a data set, and how many files it has.
    fn all(path: &Path) -> (Vec<String>, usize) {
        let mut set = DataSet::open(path, &Interrupt::default()).expect("a data set");
        let mut elements = Vec::new();
        for at in 0..set.files().len() {
            let read = set.read(at, &mut |_, text| {
                elements.push(text.to_owned());
                Ok(())
            });
            read.expect("read");
        }
        (elements, set.files().len())
    }

    #[test]
    fn what_is_written_is_read_as_the_same_from_a_zip_and_from_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, form) in [("a.zip", Form::Zip), ("a", Form::Dir)] {
            let path = folder.path().join(name);
            let mut writer = Writer::create(&path, form, false).expect("begun");
            let node =
                |number: usize| format!("{{\"id\":\"{number}\",\"s\":\"{}\"}}", "ä".repeat(900));
            for number in 0..1500 {
                writer
                    .push(ValueType::Nodes, &node(number))
                    .expect("written");
            }
            writer.push(ValueType::Relations, "[]").expect("written");
            assert!(!path.exists());
            writer.finish().expect("finished");
            let (elements, files) = all(&path);
            let expected: Vec<String> = (0..1500).map(node).chain(["[]".to_owned()]).collect();
            assert_eq!(elements, expected);
            // Two of nodes, none but an empty one of lists, one of relations.
            assert_eq!(files, 4, "{name}");
            let error = Writer::create(&path, form, false).err().expect("taken");
            assert!(error.to_string().contains("already"), "{error}");
        }
        let path = folder.path().join("a.zip");
        let writer = Writer::create(&path, Form::Zip, true).expect("begun");
        writer.finish().expect("finished");
        assert_eq!(all(&path), (Vec::new(), 3));
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 2);
    }

    #[test]
    fn a_file_ends_before_it_has_more_characters_than_a_page_of_the_server() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let mut writer = Writer::create(&path, Form::Dir, false).expect("begun");
        let element = |length: usize| format!("\"{}\"", "🎉".repeat((length - 2) / 2));
        for length in [600_000, 400_000, 2, 1_200_000, 2] {
            writer
                .push(ValueType::Lists, &element(length))
                .expect("written");
        }
        writer.finish().expect("finished");
        let lengths = ["000001", "000002", "000003", "000004"].map(|name| {
            let text = fs::read_to_string(path.join(format!("lists/{name}.json"))).expect("read");
            let head = "{\"valueType\":\"lists\",\"values\":[]}".len();
            characters(&text) - head
        });
        assert_eq!(lengths, [1_000_001, 2, 1_200_000, 2]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        for form in [Form::Zip, Form::Dir] {
            let path = folder.path().join("a");
            let mut writer = Writer::create(&path, form, false).expect("begun");
            writer.push(ValueType::Nodes, "{}").expect("taken");
            writer.end_file(ValueType::Nodes).expect("written");
            drop(writer);
            assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 0);
        }
    }
}
