//! Where the files go that come: to the path that the url of their row says, where that is in the place
//! of the uploads; else to `<hash><ext>` in it, and the row gets the url of that, as it does from
//! `strapi import`.
//!
//! Other paths below the public folder are not believed, nor are hidden ones: an archive must not replace
//! what the site serves beside its media library. Where two files claim one path, the second one gets
//! another.

use crate::model::{Fields, NameMap, named_files};
use crate::strapi::media::{is_hidden, place};
use crate::strapi::uploads::{LOCAL_PROVIDER, Uploads};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// What rows of `plugin::upload.file` say of files, by the name that a file has in the archive. Some
/// sixty bytes a file, and more for those that lie in folders.
#[derive(Default)]
pub(super) struct Placement {
    hasher: RandomState,
    /// Paths that are taken, each with the hash of the name of its file.
    claims: NameMap<u64>,
    /// Folders that files lie in.
    folders: HashSet<String>,
    /// Files that lie under their own name because a url says so.
    plain: NameMap<()>,
    /// Files that lie elsewhere, for one row at least.
    elsewhere: HashMap<String, BTreeSet<String>>,
    /// Files that have a url which leads to no place here, and whether they came.
    moved: NameMap<bool>,
    /// Where those came to lie that could not have their own name.
    renamed: HashMap<String, String>,
    /// How many of those that were moved came.
    changed: u64,
}

impl Placement {
    /// Hears of a row that comes.
    pub fn row(&mut self, fields: &Fields<'_>, uploads: &dyn Uploads) {
        let provider = provider(fields);
        named_files(
            &|name| fields.text(name),
            fields.get("formats"),
            &mut |name, url| {
                let place = url.and_then(|url| place(uploads, &provider, &url));
                self.file(name, place);
            },
        );
    }

    /// Hears of a file that a row of the project names which stays.
    pub fn staying(&mut self, name: String, path: Option<String>) {
        if path.is_some() {
            self.file(name, path);
        }
    }

    fn file(&mut self, name: String, path: Option<String>) {
        match path {
            Some(path) if self.claim(&path, &name) => {
                if path == name {
                    self.plain.insert(&name, ());
                } else {
                    self.elsewhere.entry(name).or_default().insert(path);
                }
            }
            _ => {
                self.moved.insert(&name, false);
            }
        }
    }

    /// Takes a path for a file; gives whether it has it.
    fn claim(&mut self, path: &str, name: &str) -> bool {
        let own = self.hasher.hash_one(name);
        if let Some(taken) = self.claims.get(path) {
            return *taken == own;
        }
        let folders: Vec<&str> = Path::new(path)
            .ancestors()
            .skip(1)
            .filter_map(Path::to_str)
            .filter(|folder| !folder.is_empty())
            .collect();
        let is_file = |folder: &&str| self.claims.get(folder).is_some();
        if self.folders.contains(path) || folders.iter().any(is_file) {
            return false;
        }
        self.folders.extend(folders.into_iter().map(str::to_owned));
        self.claims.insert(path, own);
        true
    }

    /// A file comes; gives the paths at which it is going to lie.
    pub fn paths(&mut self, name: &str) -> Vec<String> {
        let is_moved = self.moved.get_mut(name).map(|came| {
            self.changed += u64::from(!*came);
            *came = true;
        });
        let elsewhere = self.elsewhere.get(name).into_iter().flatten();
        let mut paths: Vec<String> = elsewhere.cloned().collect();
        if self.plain.get(name).is_some() {
            paths.push(name.to_owned());
        } else if is_moved.is_some() || paths.is_empty() {
            paths.push(self.free_path(name));
        }
        paths
    }

    /// Whether a file that no row names can lie under its own name.
    pub fn is_free(&mut self, name: &str) -> bool {
        !is_hidden(name) && self.claim(name, name)
    }

    /// The file's own name, or one like it where that is hidden or taken.
    fn free_path(&mut self, name: &str) -> String {
        let mut path = name.to_owned();
        let mut number = 0;
        while is_hidden(&path) || !self.claim(&path, name) {
            number += 1;
            path = format!("{number}_{name}");
        }
        if number > 0 {
            self.renamed.insert(name.to_owned(), path.clone());
        }
        path
    }

    /// The paths of those files for which this is true, where they do not lie under their own names.
    pub fn paths_of(&self, wanted: impl Fn(&str) -> bool) -> HashSet<&str> {
        let files = self.elsewhere.iter().filter(|(name, _)| wanted(name));
        files
            .flat_map(|(_, paths)| paths)
            .map(String::as_str)
            .collect()
    }

    /// How many files came that get another url than their row says.
    pub fn changed(&self) -> u64 {
        self.changed
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
        Some(row.with(&|name, _| match (name, &own) {
            ("url", Some((_, url))) => Some(json!(url).to_string()),
            ("provider", Some((provider, _))) => Some(json!(provider).to_string()),
            ("formats", _) => formats.clone(),
            _ => None,
        }))
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
            Some(format.with(&|name, _| (name == "url").then(|| json!(url).to_string())))
        };
        let is_changed = formats
            .0
            .iter()
            .any(|(_, format)| changed(format).is_some());
        is_changed.then(|| formats.with(&|_, format| changed(format)))
    }

    /// The provider and the url that a file has here, if it came and has others in its row.
    fn served(
        &self,
        file: &Fields<'_>,
        row_provider: &str,
        uploads: &dyn Uploads,
    ) -> Option<(&'static str, String)> {
        let name = file.text("hash")? + &file.text("ext").unwrap_or_default();
        if !self.moved.get(&name).copied().unwrap_or(false) {
            return None;
        }
        let path = file.text("url");
        let path = path.and_then(|url| place(uploads, row_provider, &url));
        let own = self.hasher.hash_one(&name);
        if path.is_some_and(|path| self.claims.get(&path) == Some(&own)) {
            return None;
        }
        Some(uploads.served(self.renamed.get(&name).unwrap_or(&name)))
    }
}

fn provider(row: &Fields<'_>) -> String {
    row.text("provider")
        .unwrap_or_else(|| LOCAL_PROVIDER.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strapi::uploads::{Links, LocalUploads};
    use std::path::Path;

    fn uploads() -> LocalUploads {
        LocalUploads::new(Path::new("/site/public"), LOCAL_PROVIDER, Links::Inside)
    }

    fn placement(rows: &[&str]) -> Placement {
        let mut placement = Placement::default();
        for row in rows {
            placement.row(&Fields::parse(row).expect("a row"), &uploads());
        }
        placement
    }

    #[test]
    fn files_go_where_their_urls_say_if_that_is_in_the_upload_folder() {
        let mut placement = placement(&[
            r#"{"hash":"a","ext":".png","url":"/uploads/a.png"}"#,
            r#"{"hash":"b","ext":".png","url":"/uploads/2024/b.png"}"#,
            r#"{"hash":"b","ext":".png","url":"/uploads/b.png"}"#,
            r#"{"hash":"c","ext":".png","url":"/robots.txt"}"#,
            r#"{"hash":"d","ext":".png","url":"/uploads/../../etc/passwd"}"#,
            r#"{"hash":"e","ext":"","url":"/uploads/.htaccess"}"#,
            r#"{"hash":".htaccess","ext":"","url":"/uploads/.htaccess"}"#,
            r#"{"hash":"f","ext":".png","url":"/uploads/a.png"}"#,
            r#"{"hash":"g","ext":".png","url":"https://cdn/g.png"}"#,
            r#"{"hash":"h","ext":".png","url":"/uploads/g.png"}"#,
            r#"{"hash":"i","ext":".png","url":"/uploads/a.png/i.png"}"#,
            r#"{"hash":"2024","ext":"","url":"/uploads/2024"}"#,
        ]);
        let expected: [(&str, &[&str]); 12] = [
            ("a.png", &["a.png"]),
            ("b.png", &["2024/b.png", "b.png"]),
            ("c.png", &["c.png"]),
            ("d.png", &["d.png"]),
            ("e", &["e"]),
            (".htaccess", &["1_.htaccess"]),
            ("f.png", &["f.png"]),
            ("g.png", &["1_g.png"]),
            ("h.png", &["g.png"]),
            ("i.png", &["i.png"]),
            ("2024", &["1_2024"]),
            ("of no row", &["of no row"]),
        ];
        for (name, paths) in expected {
            assert_eq!(placement.paths(name), paths, "{name}");
        }
        assert_eq!(placement.changed(), 8);
    }

    #[test]
    fn rows_get_the_urls_that_their_files_have_here_where_the_files_came() {
        let row = r#"{"name":"n","meta":1.00000000000000000000001,"hash":"a","ext":".png","url":"https://cdn/a.png","provider":"aws-s3","formats":{"thumbnail":{"hash":"t_a","ext":".png","url":"https://cdn/t_a.png","width":1}}}"#;
        let mut placement = placement(&[row]);
        assert_eq!(placement.with_urls(row, &uploads()), None);
        placement.paths("a.png");
        placement.paths("t_a.png");
        let changed = placement.with_urls(row, &uploads()).expect("changed");
        let expected = row
            .replace("https://cdn", "/uploads")
            .replace("aws-s3", "local");
        assert_eq!(changed, expected);
    }
}
