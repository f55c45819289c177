//! Data sets for a service.

use super::Held;
use crate::support::files::repository;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with a project, and data sets in it.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// A project of the sample's data model, for a service.
    pub fn new(endpoint: &str) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Place { folder };
        fs::copy(sample("types.graphql"), place.path("datamodel.prisma")).expect("copied");
        place.points_to(endpoint);
        place
    }

    /// The project is of this service from now on.
    pub fn points_to(&self, endpoint: &str) {
        let yml =
            format!("endpoint: {endpoint}\ndatamodel: datamodel.prisma\nsecret: ${{env:SECRET}}\n");
        fs::write(self.path("prisma.yml"), yml).expect("written");
        fs::write(self.path(".env"), "SECRET=my-secret\n").expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a data set into a folder: these files of nodes, lists and relations.
    pub fn write(&self, name: &str, files: [&[Vec<Value>]; 3]) -> PathBuf {
        let path = self.path(name);
        for (kind, files) in ["nodes", "lists", "relations"].into_iter().zip(files) {
            let below = path.join(kind);
            fs::create_dir_all(&below).expect("made");
            for (at, values) in files.iter().enumerate() {
                let text = json!({"valueType": kind, "values": values}).to_string();
                fs::write(below.join(format!("{:06}.json", at + 1)), text).expect("written");
            }
        }
        path
    }
}

/// A file of the sample of Prisma's command line.
pub fn sample(name: &str) -> PathBuf {
    repository("testdata/ndf").join(name)
}

pub fn post(id: &str, title: &str) -> Value {
    json!({"_typeName": "Post", "id": id, "title": title, "state": "Published"})
}

pub fn comment(id: &str) -> Value {
    json!({"_typeName": "Comment", "id": id, "text": "x"})
}

pub fn tags(id: &str, tags: &[&str]) -> Value {
    json!({"_typeName": "Post", "id": id, "tags": tags})
}

pub fn link(post: &str, comment: &str) -> Value {
    json!([
        {"_typeName": "Post", "id": post, "fieldName": "comments"},
        {"_typeName": "Comment", "id": comment, "fieldName": "post"}
    ])
}

/// What a service holds once all of a data set is there.
pub fn expected(data: &Path) -> Held {
    let mut held = Held::default();
    for kind in ["nodes", "lists", "relations"] {
        let mut files: Vec<PathBuf> = fs::read_dir(data.join(kind))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        files.sort();
        for file in files {
            let body = serde_json::from_slice(&fs::read(file).expect("read")).expect("JSON");
            let answer = held.import(&body, super::Kept::All);
            assert_eq!(answer, "[]");
        }
    }
    held
}
