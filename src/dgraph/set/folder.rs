//! Finds the files of a set, and opens them.

use super::super::graphql::GraphQls;
use super::super::schema::{LONGEST_SCHEMA, Schema};
use super::super::{Dialect, Format};
use super::crypt::Key;
use super::gzip;
use super::rows::{Context, Rows};
use crate::error::{Error, Result};
use crate::store::{Interrupt, about_named, open_named};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

/// What a file of a set holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// The schema.
    Schema,
    /// The GraphQL schemas.
    GraphQl,
    /// Rows.
    Rows(Format),
}

impl Content {
    /// All of them.
    const ALL: [Self; 4] = [
        Self::Schema,
        Self::GraphQl,
        Self::Rows(Format::Rdf),
        Self::Rows(Format::Json),
    ];

    fn extension(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::GraphQl => "gql_schema",
            Self::Rows(format) => format.extension(),
        }
    }

    /// The name of the file with this of a group.
    pub(in crate::dgraph) fn name(self, group: u32) -> String {
        format!("g{group:02}.{}.gz", self.extension())
    }

    /// The group and the content that a name tells.
    pub(in crate::dgraph) fn of(name: &str) -> Option<(u32, Self)> {
        let (group, rest) = name.strip_prefix('g')?.split_once('.')?;
        let extension = rest.strip_suffix(".gz")?;
        let is_number = group.bytes().all(|it| it.is_ascii_digit());
        let group = is_number.then(|| group.parse().ok())??;
        let content = Self::ALL.into_iter().find(|it| it.extension() == extension);
        content.map(|content| (group, content))
    }
}

/// A file of a set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetFile {
    /// The number of the group.
    pub group: u32,
    /// What it holds.
    pub content: Content,
    /// Its name.
    pub name: String,
}

/// A set.
#[derive(Debug)]
pub struct ExportSet {
    folder: PathBuf,
    files: Vec<SetFile>,
    passed_over: Vec<String>,
    key: Option<Key>,
    interrupt: Interrupt,
}

/// What lies in a folder.
struct Listing {
    files: Vec<SetFile>,
    others: Vec<String>,
    folders: Vec<PathBuf>,
}

impl ExportSet {
    /// Opens the set in this folder, or in the one that lies in it.
    ///
    /// # Errors
    /// The folder cannot be read. Kind [`Archive`](crate::error::Kind::Archive): there is no set in it. Kind
    /// [`Usage`](crate::error::Kind::Usage): there are several.
    pub fn open(path: &Path, key: Option<Key>, interrupt: &Interrupt) -> Result<Self> {
        let about = about_named(path, "set")?;
        let none = |why: &str| {
            Error::archive(format!("{}: {why}", path.display())).hint(
                "an export set is a folder with g01.json.gz or g01.rdf.gz, and g01.schema.gz beside it",
            )
        };
        if !about.is_dir() {
            return Err(none("it is no folder, and no export set"));
        }
        let mut folder = path.to_owned();
        let mut listing = list(&folder)?;
        if listing.files.is_empty() {
            let mut found = Vec::new();
            for below in std::mem::take(&mut listing.folders) {
                interrupt.stop()?;
                let listing = list(&below)?;
                if !listing.files.is_empty() {
                    found.push((below, listing));
                }
            }
            if found.len() > 1 {
                let names = found.iter().map(|(below, _)| below.display().to_string());
                let why = format!("{}: there are several export sets in it", path.display());
                return Err(Error::usage(why)
                    .listing(names.collect())
                    .hint("name one of them"));
            }
            match found.pop() {
                Some(one) => (folder, listing) = one,
                None => return Err(none("there is no export set in it")),
            }
        }
        Ok(Self {
            folder,
            files: listing.files,
            passed_over: listing.others,
            key,
            interrupt: interrupt.clone(),
        })
    }

    /// The folder that the files lie in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its files: by group, and of each the schemas first. Where a group is there in both formats, RDF comes first.
    pub fn files(&self) -> &[SetFile] {
        &self.files
    }

    /// The names of what lies beside them, and is no part of a set.
    pub fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// What stops reading it.
    pub(in crate::dgraph) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The key that it is read with.
    pub(in crate::dgraph) fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }

    /// Whether it is encrypted, as far as its key says.
    pub fn is_encrypted(&self) -> bool {
        self.key.is_some()
    }

    /// What it lacks, group by group.
    pub fn faults(&self) -> Vec<String> {
        let groups: BTreeSet<u32> = self.files.iter().map(|it| it.group).collect();
        let mut faults = Vec::new();
        for group in groups {
            let of = |wanted: fn(Content) -> bool| {
                let files = self.files.iter().filter(|it| it.group == group);
                files.filter(|it| wanted(it.content)).count()
            };
            if of(|it| it == Content::Schema) == 0 {
                faults.push(format!("{} is missing", Content::Schema.name(group)));
            }
            if of(|it| matches!(it, Content::Rows(_))) == 0 {
                let [rdf, json] =
                    [Format::Rdf, Format::Json].map(|it| Content::Rows(it).name(group));
                faults.push(format!("neither {json} nor {rdf} is there"));
            }
            for content in Content::ALL {
                let files = self.files.iter().filter(|it| it.group == group);
                let names: Vec<&str> = files
                    .filter(|it| it.content == content)
                    .map(|it| it.name.as_str())
                    .collect();
                if names.len() > 1 {
                    faults.push(format!("{} hold the same", names.join(" and ")));
                }
            }
        }
        faults
    }

    /// Reads a file, unpacked and decrypted.
    ///
    /// # Errors
    /// It cannot be read, or the key does not open it. What is damaged is found on the way. Kind
    /// [`Usage`](crate::error::Kind::Usage): it is a pipe or a device, which nobody waits for.
    pub fn read(&self, file: &SetFile) -> Result<Box<dyn BufRead>> {
        let path = self.folder.join(&file.name);
        let inner = open_named(&path, "set")?;
        gzip::open(self.interrupt.reader(inner), &file.name, self.key.as_ref())
    }

    /// Reads the rows of a file.
    ///
    /// # Errors
    /// As [`read`](Self::read) says it. Kind [`Usage`](crate::error::Kind::Usage): it holds no rows.
    pub fn rows<'s>(
        &self,
        file: &SetFile,
        context: Context<'s>,
    ) -> Result<Rows<'s, Box<dyn BufRead>>> {
        let Content::Rows(format) = file.content else {
            return Err(Error::usage(format!("{} holds no rows", file.name)));
        };
        Ok(Rows::new(format, self.read(file)?, &file.name, context))
    }

    /// The schema in a file.
    ///
    /// # Errors
    /// It cannot be read, or is damaged.
    pub fn schema(&self, file: &SetFile) -> Result<Schema> {
        Schema::parse(&self.text(file)?, &file.name)
    }

    /// The GraphQL schemas in a file.
    ///
    /// # Errors
    /// They cannot be read, or are damaged.
    pub fn graphql(&self, file: &SetFile) -> Result<GraphQls> {
        GraphQls::parse(&self.text(file)?, &file.name)
    }

    fn text(&self, file: &SetFile) -> Result<String> {
        let mut bytes = Vec::new();
        let longest = LONGEST_SCHEMA as u64 + 1;
        let read = self.read(file)?.take(longest).read_to_end(&mut bytes);
        read.map_err(|error| {
            Error::from_io(error, |error| {
                Error::failed(format!("cannot read {}: {error}", file.name)).source(error)
            })
        })?;
        let none = |_| Error::archive(format!("{}: it is not UTF-8", file.name));
        String::from_utf8(bytes).map_err(none)
    }
}

/// The dialect of a set, from what its schemas say; where they say nothing, that of today. A schema without namespaces is
/// often made by hand for servers of all versions: then the GraphQL schemas tell.
pub(in crate::dgraph) fn dialect(schema: &Schema, graphql: &[GraphQls]) -> Dialect {
    let said = graphql.iter().filter_map(|it| it.dialect).max();
    schema.dialect().max(said).unwrap_or(Dialect::Since2103)
}

fn list(folder: &Path) -> Result<Listing> {
    let fail = |error| Error::io("list", folder, error);
    let mut listing = Listing {
        files: Vec::new(),
        others: Vec::new(),
        folders: Vec::new(),
    };
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        // A link to nowhere is no folder; reading it says what it is.
        let is_folder = fs::metadata(&path).is_ok_and(|it| it.is_dir());
        match Content::of(&name) {
            _ if is_folder => listing.folders.push(path),
            Some((group, content)) => listing.files.push(SetFile {
                group,
                content,
                name,
            }),
            None => listing.others.push(name),
        }
    }
    listing.files.sort();
    listing.others.sort();
    listing.folders.sort();
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn names_tell_group_and_content() {
        assert_eq!(
            Content::of("g01.json.gz"),
            Some((1, Content::Rows(Format::Json)))
        );
        assert_eq!(
            Content::of("g123.gql_schema.gz"),
            Some((123, Content::GraphQl))
        );
        for name in [
            "g01.json",
            "g.json.gz",
            "gx.rdf.gz",
            "g01.txt.gz",
            "h01.rdf.gz",
            "g+1.rdf.gz",
        ] {
            assert_eq!(Content::of(name), None, "{name}");
        }
        for content in Content::ALL {
            assert_eq!(Content::of(&content.name(7)), Some((7, content)));
        }
    }

    #[test]
    fn a_set_is_found_in_its_folder_or_in_the_one_above() {
        let above = tempfile::tempdir().unwrap();
        let open = |path: &Path| ExportSet::open(path, None, &Interrupt::default());
        let error = open(above.path()).expect_err("nothing there");
        assert_eq!(error.kind(), Kind::Archive);
        let below = above.path().join("dgraph.r1.u1122.1200");
        fs::create_dir(&below).unwrap();
        for name in ["g02.rdf.gz", "g01.json.gz", "g01.schema.gz", "notes.txt"] {
            fs::write(below.join(name), "").unwrap();
        }
        for path in [above.path(), &below] {
            let set = open(path).expect("a set");
            let names: Vec<_> = set.files().iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names, ["g01.schema.gz", "g01.json.gz", "g02.rdf.gz"]);
            assert_eq!(set.passed_over(), ["notes.txt"]);
            assert_eq!(set.faults(), ["g02.schema.gz is missing"]);
        }
        let other = above.path().join("dgraph.r2.u1122.1200");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("g1.schema.gz"), "").unwrap();
        let error = open(above.path()).expect_err("two");
        assert_eq!((error.kind(), error.parts().1.len()), (Kind::Usage, 2));
        let error = open(&below.join("g01.json.gz")).expect_err("a file");
        assert_eq!(error.kind(), Kind::Archive);
    }
}
