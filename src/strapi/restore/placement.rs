//! Where the files go that come: to the path that the url of their row says, where that is in the place
//! of the uploads; else to `<hash><ext>` in it, and the row gets the url of that, as it does from
//! `strapi import`.
//!
//! Other paths below the public folder are not believed, nor are hidden ones: an archive must not replace
//! what the site serves beside its media library. Where two files claim one path, the second one gets
//! another.

use crate::error::Result;
use crate::model::{Fields, NameMap, named_files};
use crate::strapi::media::{is_hidden, place};
use crate::strapi::uploads::{LOCAL_PROVIDER, LONGEST_NAME, Uploads};
use crate::transfer::{Examples, Place, Subject, Texts, Warning, WarningKind};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// At how many paths a file may lie beside its own name.
const MOST_PATHS: usize = 100;
/// Bytes of a name that stay of one that is too long for a file.
const SHORTENED: usize = 200;
/// Bytes of the longest extension that stays.
const LONGEST_EXTENSION: usize = 16;

/// What rows of `plugin::upload.file` say of files, by the name that a file has in the archive. In memory
/// stay some hundred bytes a file, and sixteen for each folder; paths are put aside.
pub(super) struct Placement {
    hasher: RandomState,
    /// Whether no row gets another url, and files go under their names alone.
    keeps_urls: bool,
    /// Paths that are taken, each with the hash of the name of its file.
    claims: NameMap<u64>,
    /// Folders that files lie in.
    folders: NameMap<()>,
    /// Files that rows name or that came, by the hash of their names.
    files: HashMap<u64, File>,
    paths: Texts,
    /// Files whose urls lead to no place here, by the hashes of these: the hash of the name of each, and the name.
    urls: HashMap<u64, (u64, Place)>,
    /// How many came of those that have a url which leads to no place here.
    changed: u64,
    /// Paths of files that did not come because another of the same name did.
    shut_out: Examples,
}

/// Where a file goes.
#[derive(Default)]
struct File {
    /// Paths at which it lies, for one row at least, beside that of its own name.
    elsewhere: Vec<Place>,
    /// Whether it lies under its own name because a url says so.
    is_plain: bool,
    /// Whether it has a url which leads to no place here.
    is_moved: bool,
    came: bool,
    /// The hash of the path that it is from, where it lies there alone although rows have others for it.
    only: Option<u64>,
    /// What stands in front of its name where it could not have its own.
    number: u32,
}

/// What comes of asking for a path.
#[derive(PartialEq)]
enum Claim {
    New,
    Own,
    Taken,
}

impl Placement {
    /// Nothing known yet; paths that are too much for the memory go to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            hasher: RandomState::new(),
            keeps_urls: false,
            claims: NameMap::default(),
            folders: NameMap::default(),
            files: HashMap::new(),
            paths: Texts::new(folder),
            urls: HashMap::new(),
            changed: 0,
            shut_out: Examples::default(),
        }
    }

    /// The same, but where rows keep their urls files come under their names.
    #[must_use]
    pub fn keeping_urls(self, keeps_urls: bool) -> Self {
        Self { keeps_urls, ..self }
    }

    /// Hears of a row that comes.
    ///
    /// # Errors
    /// Its paths cannot be put aside.
    pub fn row(&mut self, fields: &Fields<'_>, uploads: &dyn Uploads) -> Result<()> {
        let provider = provider(fields);
        let mut outcome = Ok(());
        named_files(
            &|name| fields.text(name),
            fields.get("formats"),
            &mut |name, url| {
                let place = url
                    .as_deref()
                    .and_then(|url| place(uploads, &provider, url));
                if outcome.is_ok() {
                    outcome = self.file(&name, place.as_deref(), url.as_deref());
                }
            },
        );
        outcome
    }

    /// Hears of a file that a row of the project names which stays.
    ///
    /// # Errors
    /// Its path cannot be put aside.
    pub fn staying(&mut self, name: &str, path: Option<&str>) -> Result<()> {
        match path {
            Some(_) => self.file(name, path, None),
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &str, path: Option<&str>, url: Option<&str>) -> Result<()> {
        if self.keeps_urls {
            return Ok(());
        }
        let own = self.hasher.hash_one(name);
        let claimed = match path {
            Some(path) if !self.is_everywhere(own) => self.claim(path, own),
            Some(path) if self.claims.get(path) == Some(&own) => Claim::Own,
            _ => Claim::Taken,
        };
        let file = self.files.entry(own).or_default();
        match path.filter(|_| claimed != Claim::Taken) {
            Some(path) if path == name => file.is_plain = true,
            Some(path) if claimed == Claim::New => file.elsewhere.push(self.paths.keep(path)?),
            Some(_) => {}
            None => {
                file.is_moved = true;
                // What tells files apart by a query is none of those that content names without it.
                if let Some(url) = url.filter(|url| !url.is_empty() && !url.contains(['?', '#'])) {
                    let text = self.paths.keep(name)?;
                    self.urls
                        .entry(self.hasher.hash_one(url))
                        .or_insert((own, text));
                }
            }
        }
        Ok(())
    }

    /// Whether a file lies at as many paths as it may.
    fn is_everywhere(&self, own: u64) -> bool {
        let file = self.files.get(&own);
        file.is_some_and(|file| file.elsewhere.len() >= MOST_PATHS)
    }

    /// Takes a path for a file.
    fn claim(&mut self, path: &str, own: u64) -> Claim {
        match self.claims.get(path) {
            Some(taken) if *taken == own => return Claim::Own,
            Some(_) => return Claim::Taken,
            None => {}
        }
        // Above a folder that is known all are.
        let folders = path.rmatch_indices('/').map(|(end, _)| &path[..end]);
        let is_new = |folder: &&str| self.folders.get(folder).is_none();
        let folders: Vec<&str> = folders.take_while(is_new).collect();
        let is_file = |folder: &&str| self.claims.get(folder).is_some();
        if self.folders.get(path).is_some() || folders.iter().any(is_file) {
            return Claim::Taken;
        }
        for folder in folders {
            self.folders.insert(folder, ());
        }
        self.claims.insert(path, own);
        Claim::New
    }

    /// A file comes; gives the paths at which it is going to lie. `from` is the path that its sidecar says: where
    /// rows have others for a file of this name, that is another file, which an archive cannot hold beside it.
    ///
    /// # Errors
    /// They cannot be read back.
    pub fn paths(
        &mut self,
        name: &str,
        from: Option<&str>,
        uploads: &dyn Uploads,
    ) -> Result<Vec<String>> {
        let own = self.hasher.hash_one(name);
        let file = self.files.entry(own).or_default();
        self.changed += u64::from(file.is_moved && !file.came);
        file.came = true;
        let mut paths = Vec::new();
        for path in &file.elsewhere {
            paths.push(self.paths.read(*path)?);
        }
        if file.is_plain {
            paths.push(name.to_owned());
        }
        if let Some(from) = from
            && paths.len() > 1
            && paths.iter().any(|path| path == from)
        {
            file.only = Some(self.hasher.hash_one(from));
            for path in paths.iter().filter(|path| *path != from) {
                self.shut_out.add(|| path.clone());
            }
            return Ok(vec![from.to_owned()]);
        }
        if !file.is_plain && (file.is_moved || paths.is_empty()) {
            paths.push(self.free_path(name, own, uploads));
        }
        Ok(paths)
    }

    /// Files that did not come because another of the same name did, where there are any.
    pub fn shut_out(&mut self) -> Option<Warning> {
        let shut_out = std::mem::take(&mut self.shut_out);
        let warning = shut_out.warning(WarningKind::MissingAsset, Subject::Files)?;
        let subject = Subject::Path(warning.reason);
        let reason = "the archive holds another file of the same name".into();
        Some(Warning {
            subject,
            reason,
            ..warning
        })
    }

    /// The path at which a file that no row names can lie under its own name.
    pub fn free_for(&mut self, name: &str, uploads: &dyn Uploads) -> Option<String> {
        let own = self.hasher.hash_one(name);
        let path = uploads.path_for(name);
        let can_be = name.len() <= LONGEST_NAME && !is_hidden(name);
        (can_be && self.claim(&path, own) != Claim::Taken).then_some(path)
    }

    /// The file's own name, or one like it where that is hidden, taken or too long.
    fn free_path(&mut self, name: &str, own: u64, uploads: &dyn Uploads) -> String {
        let mut number = self.files.get(&own).map_or(0, |file| file.number);
        let mut path = uploads.path_for(&numbered(name, number));
        while path.split('/').any(is_hidden) || self.claim(&path, own) == Claim::Taken {
            number += 1;
            path = uploads.path_for(&numbered(name, number));
        }
        self.files.entry(own).or_default().number = number;
        path
    }

    /// Whether a row names a file for this path that did not come.
    pub fn waits_for(&self, path: &str) -> bool {
        let file = self.claims.get(path).and_then(|own| self.files.get(own));
        let is_other = |only: u64| only != self.hasher.hash_one(path);
        file.is_some_and(|file| !file.came || file.only.is_some_and(is_other))
    }

    /// How many files came that get another url than their row says.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// Whether files came that get another url.
    pub fn moves_urls(&self) -> bool {
        self.changed > 0 && !self.urls.is_empty()
    }

    /// The url that the file has here whose row has this one, if it came and has another here.
    ///
    /// # Errors
    /// Its name cannot be read back.
    pub fn new_url(&mut self, url: &str, uploads: &dyn Uploads) -> Result<Option<String>> {
        let Some((own, text)) = self.urls.get(&self.hasher.hash_one(url)).copied() else {
            return Ok(None);
        };
        let file = self.files.get(&own);
        let Some(number) = file.filter(|it| it.is_moved && it.came).map(|it| it.number) else {
            return Ok(None);
        };
        // Another row may have the same, and its file lies there.
        let there = place(uploads, &uploads.served("").0, url);
        if there.is_some_and(|path| self.claims.get(&path).is_some()) {
            return Ok(None);
        }
        let name = self.paths.read(text)?;
        let (_, url) = uploads.served(&uploads.path_for(&numbered(&name, number)));
        Ok(Some(url))
    }

    /// A row with the urls that its files have here; `None` where it has them already.
    pub fn with_urls(&self, row: &str, uploads: &dyn Uploads) -> Option<String> {
        if self.changed == 0 {
            return None;
        }
        let row = Fields::parse(row).ok()?;
        let provider = provider(&row);
        let formats = row
            .get("formats")
            .and_then(|text| Fields::parse_with_any_names(text).ok());
        let formats = formats.and_then(|formats| self.formats(&formats, &provider, uploads));
        let own = self.served(&row, &provider, uploads);
        if own.is_none() && formats.is_none() {
            return None;
        }
        let own = own.as_ref();
        let url = own.map(|(_, url)| json!(url).to_string());
        let other = own.filter(|(there, _)| *there != provider);
        let provider = other.map(|(there, _)| json!(there).to_string());
        Some(with_members(
            &row,
            &[("url", url), ("provider", provider), ("formats", formats)],
        ))
    }

    /// The formats of a row with the urls that they have here; `None` where they have them already.
    fn formats(
        &self,
        formats: &Fields<'_>,
        provider: &str,
        uploads: &dyn Uploads,
    ) -> Option<String> {
        let changed = |text: &str| {
            let format = Fields::parse_with_any_names(text).ok()?;
            let (_, url) = self.served(&format, provider, uploads)?;
            let url = json!(url).to_string();
            Some(with_members(&format, &[("url", Some(url))]))
        };
        let is_changed = formats
            .0
            .iter()
            .any(|(_, format)| changed(format).is_some());
        is_changed.then(|| formats.with(&|_, format| changed(format)))
    }

    /// The path that the sidecar of a file says it is from, where it is one here.
    pub fn from(sidecar: &str, uploads: &dyn Uploads) -> Option<String> {
        let sidecar = Fields::parse(sidecar).ok()?;
        place(uploads, &provider(&sidecar), &sidecar.text("url")?)
    }

    /// The provider and the url that a file has here, if it came and has others in its row.
    fn served(
        &self,
        file: &Fields<'_>,
        row_provider: &str,
        uploads: &dyn Uploads,
    ) -> Option<(String, String)> {
        let name = file.text("hash")? + &file.text("ext").unwrap_or_default();
        let own = self.hasher.hash_one(&name);
        let known = self.files.get(&own);
        let known = known.filter(|known| known.is_moved && known.came)?;
        let path = file.text("url");
        let path = path.and_then(|url| place(uploads, row_provider, &url));
        if path.is_some_and(|path| self.claims.get(&path) == Some(&own)) {
            return None;
        }
        Some(uploads.served(&uploads.path_for(&numbered(&name, known.number))))
    }
}

/// An object with these values of members, where there are such, be they in it or not.
pub(super) fn with_members(object: &Fields<'_>, members: &[(&str, Option<String>)]) -> String {
    let value = |name: &str| members.iter().find(|(own, _)| *own == name)?.1.clone();
    let mut text = object.with(&|name, _| value(name));
    for (name, value) in members {
        if let Some(value) = value
            && object.get(name).is_none()
        {
            text.pop();
            let comma = if text.len() > 1 { "," } else { "" };
            text.push_str(&format!("{comma}{}:{value}}}", json!(name)));
        }
    }
    text
}

/// A name with this number in front of it, if it is not 0; shortened where no file could have it.
fn numbered(name: &str, number: u32) -> String {
    let number = match number {
        0 => String::new(),
        number => format!("{number}_"),
    };
    let name = match number.len() + name.len() <= LONGEST_NAME {
        true => Cow::Borrowed(name),
        false => Cow::Owned(shortened(name)),
    };
    number + &name
}

/// The beginning of a name, something that tells it from others that begin so, and its extension.
fn shortened(name: &str) -> String {
    let digest = Sha256::digest(name);
    let digits: String = digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let extension = name.rfind('.').map_or("", |dot| &name[dot..]);
    let extension = match extension.len() <= LONGEST_EXTENSION {
        true => extension,
        false => "",
    };
    let beginning = &name[..name.floor_char_boundary(SHORTENED)];
    format!("{beginning}_{digits}{extension}")
}

fn provider(row: &Fields<'_>) -> String {
    row.text("provider")
        .unwrap_or_else(|| LOCAL_PROVIDER.to_owned())
}

#[cfg(test)]
mod tests;
