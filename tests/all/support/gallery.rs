//! The projects in `testdata/strapi5-s3` and `testdata/strapi4-s3`, which keep their media in a bucket.
//!
//! Strapi 5.54.0 and 4.26.2 ran in them with version 5.52.3 and 4.26.2 of their provider for S3, before moto on port 19000:
//! `tests/strapi/gallery.js` filled them, `strapi export --no-encrypt` made the archives, and `objects` is what lay in
//! the buckets then. Strapi 5's bucket is private. Strapi 4's is public, with a root path and a base URL, and with a file
//! below a folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::archive::Archive;
use super::cli::{Outcome, PLAIN, Project};
use super::files::{listing, repository};
use super::media_store::{MediaStore, Object, assert_keeps_secrets, unsigned};

/// Where the columns are that hold URLs of files.
const URLS: [(&str, &str); 7] = [
    ("files", "url"),
    ("files", "formats"),
    ("exhibits", "summary"),
    ("exhibits", "body"),
    ("exhibits", "story"),
    ("exhibits", "data"),
    ("components_parts_quotes", "text"),
];

/// One of the projects, with a bucket of its own that holds what the recorded one held.
pub struct Gallery {
    pub major: u32,
    pub project: Project,
    pub store: MediaStore,
}

impl Gallery {
    /// The project of a major version of Strapi; `None`, and the test is skipped, where moto is not installed.
    #[track_caller]
    pub fn new(major: u32) -> Option<Gallery> {
        let store = MediaStore::new()?;
        let folder = folder(major);
        let project = Project::copied(&folder.join("project"), tempfile::tempdir().unwrap());
        let packed = fs::File::open(folder.join("data.db.gz")).unwrap();
        fs::create_dir(project.path().join(".tmp")).unwrap();
        let mut database = fs::File::create(project.database()).unwrap();
        io::copy(&mut GzDecoder::new(packed), &mut database).unwrap();
        project
            .edit(".env", "http://127.0.0.1:19000", &store.endpoint())
            .edit(".env", &format!("strapi{major}-media"), store.bucket());
        let gallery = Gallery {
            major,
            project,
            store,
        };
        gallery.rename_urls(&gallery.recorded(), &gallery.store.url());
        for (key, object) in gallery.recorded_objects() {
            gallery.store.put(&key, &object);
        }
        Some(gallery)
    }

    /// The same project without a file in its bucket and its library.
    #[track_caller]
    pub fn empty(major: u32) -> Option<Gallery> {
        let gallery = Gallery::new(major)?;
        for key in gallery.store.objects().keys() {
            gallery.store.remove(key);
        }
        gallery
            .project
            .sql("DELETE FROM files; DELETE FROM exhibits; DELETE FROM components_parts_quotes;");
        Some(gallery)
    }

    /// An export into a plain archive that has to end with a code: the archive, and what was said.
    #[track_caller]
    pub fn export(&self, code: i32, options: &[&str]) -> (Archive, Outcome) {
        let arguments = [&["-f", "site", "--overwrite"], &PLAIN[..], options].concat();
        let outcome = self.project.run("export", arguments).ends_with(code);
        assert_keeps_secrets(&outcome.all());
        let name = match code {
            3 => "site.incomplete.tar",
            _ => "site.tar",
        };
        let archive = Archive::open(&self.project.archive(name), None);
        (archive, outcome)
    }

    /// What stood before keys in the URLs of the recording.
    fn recorded(&self) -> String {
        format!("http://127.0.0.1:19000/strapi{}-media", self.major)
    }

    /// What stands before the names of its objects.
    pub fn prefix(&self) -> &'static str {
        if self.major == 4 { "site/media/" } else { "" }
    }

    /// Replaces the beginning of URLs in the database.
    pub fn rename_urls(&self, from: &str, to: &str) {
        for (table, column) in URLS {
            self.project.sql(&format!(
                "UPDATE {table} SET {column} = replace({column}, '{from}/', '{to}/')"
            ));
        }
    }

    /// What lay in the bucket of the recording.
    pub fn recorded_objects(&self) -> BTreeMap<String, Object> {
        let mut objects = BTreeMap::new();
        read_objects(&folder(self.major).join("objects"), "", &mut objects);
        for object in objects.values_mut() {
            object.public = self.major == 4;
        }
        objects
    }

    /// The key of the only object whose name begins so.
    pub fn key(&self, name: &str) -> String {
        let objects = self.recorded_objects();
        let mut found = objects.into_keys().filter(|key| {
            let last = key.rsplit('/').next().unwrap();
            last.starts_with(name)
        });
        let key = found.next().unwrap();
        assert_eq!(found.next(), None);
        key
    }

    /// The archive that Strapi made, as it is.
    pub fn strapi_archive(&self) -> PathBuf {
        folder(self.major).join("strapi-export.tar.gz")
    }

    /// What it holds, with the URLs of this bucket in place of the recorded one's, and without signatures.
    pub fn strapis(&self) -> Archive {
        self.with_urls_of_this_bucket(|_| true)
    }

    /// The same as it is after that archive was restored: URLs in texts are those of the recording, as Strapi leaves
    /// them.
    pub fn restored(&self) -> Archive {
        self.with_urls_of_this_bucket(|line| !line.contains("\"type\":\"api::"))
    }

    fn with_urls_of_this_bucket(&self, changes: impl Fn(&str) -> bool) -> Archive {
        let mut archive = unsigned(&Archive::open(&self.strapi_archive(), None));
        let (from, to) = (self.recorded(), self.store.url());
        for (name, bytes) in &mut archive.entries {
            if !name.starts_with("assets/uploads/") {
                let text = String::from_utf8(std::mem::take(bytes)).unwrap();
                let lines = text.split_inclusive('\n').map(|line| match changes(line) {
                    true => line.replace(&format!("{from}/"), &format!("{to}/")),
                    false => line.to_owned(),
                });
                *bytes = lines.collect::<String>().into_bytes();
            }
        }
        archive
    }
}

fn folder(major: u32) -> PathBuf {
    repository(&format!("testdata/strapi{major}-s3"))
}

fn read_objects(folder: &Path, prefix: &str, objects: &mut BTreeMap<String, Object>) {
    for name in listing(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            read_objects(&path, &format!("{prefix}{name}/"), objects);
            continue;
        }
        let mime = if name.ends_with(".png") {
            "image/png"
        } else {
            "text/plain"
        };
        let object = Object {
            bytes: fs::read(path).unwrap(),
            mime: mime.into(),
            public: false,
        };
        objects.insert(format!("{prefix}{name}"), object);
    }
}
