//! What the modelled server holds: rows, links, configuration, files, and how it is set up.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::archive::Archive;
use super::content::Content;

/// A site.
#[derive(Clone, Debug)]
pub struct Site {
    /// The version of Strapi; its first digit decides how the server behaves.
    pub version: String,
    /// The path of the admin panel.
    pub path: String,
    /// Whether there is a salt for transfer tokens.
    pub salt: bool,
    /// Whether transfers are switched on.
    pub enabled: bool,
    /// Whether the database has one connection only, as SQLite has in Strapi: everybody waits for a push.
    pub one_connection: bool,
    /// The schemas by their names.
    pub schemas: Map<String, Value>,
    /// The rows, as lines of an archive.
    pub entities: Vec<Value>,
    /// The links, as lines of an archive.
    pub links: Vec<Value>,
    /// The configuration, as lines of an archive.
    pub configuration: Vec<Value>,
    /// The upload folder.
    pub files: BTreeMap<String, Content>,
    /// What pushes have put aside and not deleted, by the names of the folders.
    pub backups: BTreeMap<String, BTreeMap<String, Content>>,
    /// Whether the lifecycle hooks are on.
    pub hooks: bool,
    /// The socket that holds a transaction.
    pub transaction_of: Option<usize>,
    /// Whether the process has ended.
    pub dead: bool,
    /// Whether somebody asked for it since.
    pub was_missed: bool,
    /// How many are connected.
    pub connected: usize,
}

impl Site {
    /// The site that an archive was made of, with administrators and tokens of its own.
    pub fn of(archive: &Archive) -> Site {
        let version = archive.json("metadata.json")["strapi"]["version"].clone();
        let schemas = archive.jsonl("schemas").into_iter();
        let named = |schema: Value| (schema["uid"].as_str().unwrap().to_owned(), schema);
        let files = archive.assets().into_iter();
        let mut site = Site {
            version: version.as_str().unwrap().to_owned(),
            path: "/admin".to_owned(),
            salt: true,
            enabled: true,
            one_connection: true,
            schemas: schemas.map(named).collect(),
            entities: archive.jsonl("entities"),
            links: archive.jsonl("links"),
            configuration: archive.jsonl("configuration"),
            files: files
                .map(|(name, asset)| (name, Content::from(&asset.bytes[..])))
                .collect(),
            backups: BTreeMap::new(),
            hooks: true,
            transaction_of: None,
            dead: false,
            was_missed: false,
            connected: 0,
        };
        site.add_administrators();
        site
    }

    /// The same from the file of an archive that is not encrypted.
    pub fn of_file(path: &Path) -> Site {
        Site::of(&Archive::open(path, None))
    }

    /// The same, with no content, no files and no configuration.
    pub fn emptied(mut self) -> Site {
        let ours = |of: &Value| of.as_str().unwrap_or_default().starts_with("admin::");
        self.entities.retain(|row| ours(&row["type"]));
        self.links.retain(|link| ours(&link["left"]["type"]));
        self.configuration.clear();
        self.files.clear();
        self
    }

    /// The first number of its version.
    pub fn major(&self) -> u32 {
        self.version.split('.').next().unwrap().parse().unwrap()
    }

    /// Adds a file of the media library, its row included.
    pub fn add_file(&mut self, hash: &str, ext: &str, content: Content) {
        let id = self.next_id("plugin::upload.file");
        let name = format!("{hash}{ext}");
        let data = json!({
            "documentId": format!("document{id}"), "name": name, "alternativeText": null,
            "caption": null, "width": null, "height": null, "formats": null, "hash": hash,
            "ext": ext, "mime": "application/octet-stream", "size": content.len() as f64 / 1000.0,
            "url": format!("/uploads/{name}"), "previewUrl": null, "provider": "local",
            "provider_metadata": null, "folderPath": "/",
            "createdAt": "2026-11-20T15:28:46.073Z", "updatedAt": "2026-11-20T15:28:46.073Z",
        });
        self.entities
            .push(json!({"type": "plugin::upload.file", "id": id, "data": data}));
        self.files.insert(name, content);
    }

    /// An id that no row of this type has.
    pub fn next_id(&self, uid: &str) -> u64 {
        let ids = self.entities.iter().filter(|row| row["type"] == uid);
        ids.filter_map(|row| row["id"].as_u64()).max().unwrap_or(0) + 1
    }

    /// What no archive may hold, and every pull sends.
    fn add_administrators(&mut self) {
        let rows = [
            (
                "admin::role",
                json!({"name": "Super Admin", "code": "strapi-super-admin"}),
            ),
            (
                "admin::user",
                json!({"email": "admin@example.com", "password": "$2a$10$a-hash-of-a-password"}),
            ),
            (
                "admin::api-token",
                json!({"name": "a token", "accessKey": "a-hash-of-an-api-token"}),
            ),
            (
                "admin::transfer-token",
                json!({"name": "a token", "accessKey": "a-hash-of-a-transfer-token"}),
            ),
            (
                "plugin::content-releases.release",
                json!({"name": "a release"}),
            ),
        ];
        for (uid, data) in rows {
            let id = self.next_id(uid);
            let row = json!({"type": uid, "id": id, "data": data});
            self.entities.insert(0, row);
        }
        self.links.insert(
            0,
            json!({
                "kind": "relation.basic", "relation": "manyToMany",
                "left": {"type": "admin::user", "ref": 1, "field": "roles", "pos": 1},
                "right": {"type": "admin::role", "ref": 1, "field": "users", "pos": 1},
            }),
        );
    }
}
