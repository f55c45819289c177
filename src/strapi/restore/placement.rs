//! Where the files go that come: to the path that the url of their row says, where that is in the place
//! of the uploads; else to `<hash><ext>` in it, and the row gets the url of that, as it does from
//! `strapi import`.
//!
//! Other paths below the public folder are not believed: an archive must not replace what the site
//! serves beside its media library.

use crate::model::{Fields, NameMap};
use crate::strapi::uploads::{LOCAL_PROVIDER, Uploads};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What rows of `plugin::upload.file` say of files, by the name that a file has in the archive. Some
/// forty bytes a file, and more for those that lie in folders.
#[derive(Default)]
pub(super) struct Placement {
    /// Files that lie under their own name, for one row at least.
    plain: NameMap<()>,
    /// Files that lie elsewhere, for one row at least.
    elsewhere: HashMap<String, BTreeSet<String>>,
    /// Files whose url leads to no place here, and whether they came.
    moved: NameMap<bool>,
    /// How many of those came.
    changed: u64,
}

impl Placement {
    /// Hears of a row.
    pub fn row(&mut self, fields: &Fields<'_>, uploads: &dyn Uploads) {
        let text = |of: &Fields<'_>, name: &str| {
            of.get(name)
                .and_then(|value| serde_json::from_str::<String>(value).ok())
        };
        let provider = text(fields, "provider").unwrap_or_else(|| LOCAL_PROVIDER.to_owned());
        let mut file = |of: &Fields<'_>| {
            let name = text(of, "hash").unwrap_or_default() + &text(of, "ext").unwrap_or_default();
            if !name.is_empty() {
                self.file(name, place(uploads, &provider, text(of, "url").as_deref()));
            }
        };
        file(fields);
        let formats = fields.get("formats").map(Fields::parse);
        for (_, format) in formats.iter().flatten().flat_map(|formats| &formats.0) {
            if let Ok(format) = Fields::parse(format) {
                file(&format);
            }
        }
    }

    fn file(&mut self, name: String, place: Option<String>) {
        match place {
            Some(path) if path == name => {
                self.plain.insert(&name, ());
            }
            Some(path) => {
                self.elsewhere.entry(name).or_default().insert(path);
            }
            None => {
                self.plain.insert(&name, ());
                self.moved.insert(&name, false);
            }
        }
    }

    /// A file comes; gives the paths at which it is going to lie.
    pub fn paths(&mut self, name: &str) -> Vec<String> {
        if let Some(came) = self.moved.get_mut(name) {
            self.changed += u64::from(!*came);
            *came = true;
        }
        let mut paths: Vec<String> = Vec::new();
        let elsewhere = self.elsewhere.get(name).into_iter().flatten();
        paths.extend(elsewhere.cloned());
        if paths.is_empty() || self.plain.get(name).is_some() {
            paths.push(name.to_owned());
        }
        paths
    }

    /// The paths of those files for which this is true.
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
        let Ok(Json::Object(mut row)) = serde_json::from_str(row) else {
            return None;
        };
        let provider = row.get("provider").and_then(Json::as_str);
        let provider = provider.unwrap_or(LOCAL_PROVIDER).to_owned();
        let mut is_changed = false;
        let mut formats = row.get_mut("formats").map(Json::take);
        for format in formats
            .iter_mut()
            .filter_map(Json::as_object_mut)
            .flat_map(|formats| formats.values_mut())
            .filter_map(Json::as_object_mut)
        {
            is_changed |= self.set_url(format, &provider, uploads).is_some();
        }
        if let Some(formats) = formats {
            row.insert("formats".into(), formats);
        }
        if let Some(own) = self.set_url(&mut row, &provider, uploads) {
            is_changed = true;
            row.insert("provider".into(), json!(own));
        }
        is_changed.then(|| Json::Object(row).to_string())
    }

    /// Gives a file the url that it has here, if it came and has another one; gives its provider.
    fn set_url(
        &self,
        file: &mut Map<String, Json>,
        provider: &str,
        uploads: &dyn Uploads,
    ) -> Option<&'static str> {
        let text = |name: &str| file.get(name).and_then(Json::as_str);
        let name = format!(
            "{}{}",
            text("hash").unwrap_or_default(),
            text("ext").unwrap_or_default()
        );
        let came = self.moved.get(&name).copied().unwrap_or(false);
        if !came || place(uploads, provider, text("url")).is_some() {
            return None;
        }
        let (own, url) = uploads.served(&name);
        file.insert("url".into(), json!(url));
        Some(own)
    }
}

/// The path that a url says. One that is hidden is none: web servers keep their rules in such files.
fn place(uploads: &dyn Uploads, provider: &str, url: Option<&str>) -> Option<String> {
    let path = uploads.path(provider, url?)?;
    let is_hidden = path.split('/').any(|name| name.starts_with('.'));
    (!is_hidden).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strapi::uploads::LocalUploads;
    use std::path::Path;

    fn uploads() -> LocalUploads {
        LocalUploads::new(Path::new("/site/public"), LOCAL_PROVIDER)
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
        ]);
        let expected: [(&str, &[&str]); 6] = [
            ("a.png", &["a.png"]),
            ("b.png", &["2024/b.png", "b.png"]),
            ("c.png", &["c.png"]),
            ("d.png", &["d.png"]),
            ("e", &["e"]),
            ("of no row", &["of no row"]),
        ];
        for (name, paths) in expected {
            assert_eq!(placement.paths(name), paths, "{name}");
        }
        assert_eq!(placement.changed(), 3);
    }

    #[test]
    fn rows_get_the_urls_that_their_files_have_here_where_the_files_came() {
        let row = r#"{"name":"n","hash":"a","ext":".png","url":"https://cdn/a.png","provider":"aws-s3","formats":{"thumbnail":{"hash":"t_a","ext":".png","url":"https://cdn/t_a.png","width":1}}}"#;
        let mut placement = placement(&[row]);
        assert_eq!(placement.with_urls(row, &uploads()), None);
        placement.paths("a.png");
        placement.paths("t_a.png");
        let changed = placement.with_urls(row, &uploads()).expect("changed");
        let expected = row
            .replace("https://cdn", "/uploads")
            .replace("aws-s3", "local");
        let read = |text: &str| serde_json::from_str::<Json>(text).expect("JSON");
        assert_eq!(read(&changed), read(&expected));
    }
}
