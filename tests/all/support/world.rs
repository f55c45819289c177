//! What the proofs with real Strapi share: projects that it made, and its own export of one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::thread;

use super::archive::Archive;
use super::canonical::without_links_to_nothing;
use super::servers::Server;
use super::strapi::{Harness, Project, Version};

/// The key of what is encrypted.
pub const KEY: &str = "a key with ünicode & spaces";

/// Where an export of ours is right and Strapi's is not: a text in the lines concerned, what Strapi writes there, what
/// we write.
type Deviation = (&'static str, &'static str, &'static str);

/// SQLite holds 64-bit integers; Strapi reads them as doubles. From servers it reads them as text.
const DEVIATIONS_ON_SQLITE: [Deviation; 2] = [
    (
        r#""title":"Largest integer""#,
        r#""distanceInMm":"9223372036854776000""#,
        r#""distanceInMm":"9223372036854775807""#,
    ),
    (
        r#""title":"First odd integer""#,
        r#""distanceInMm":"9007199254740992""#,
        r#""distanceInMm":"9007199254740993""#,
    ),
];

/// MariaDB holds the smallest and largest of doubles; the driver that Strapi 4 uses reads others.
const DEVIATIONS_OF_STRAPI_4_ON_MYSQL: [Deviation; 2] = [
    (
        r#""panels":["#,
        r#"`tick`","weight":0"#,
        r#"`tick`","weight":-5e-324"#,
    ),
    (
        r#""slug":"edges""#,
        r#""temperature":-1.7976931348623155e+308"#,
        r#""temperature":-1.7976931348623157e+308"#,
    ),
];

/// What all tests on one database share and none changes: projects that Strapi made, and its own export of one.
///
/// It lives as long as the process; the server that `scripts/servers` starts does not outlive it much.
pub struct World {
    /// The Strapi that made it.
    pub strapi: &'static Version,
    /// Where the databases are; nothing for SQLite.
    server: Option<Server>,
    /// Started once: all tables, no content.
    pub fresh: Project<'static>,
    /// With the content of the seed.
    pub seeded: Project<'static>,
    /// With other content, and admin users of its own.
    pub other: Project<'static>,
    /// What Strapi exports from `seeded`.
    pub archive: PathBuf,
    /// The key of `archive`: it is packed as Strapi does unless it is told otherwise on SQLite, and plain on servers.
    pub key: Option<&'static str>,
}

impl World {
    /// Makes the world of a version of Strapi on SQLite or a server. Tests share what [`Version::world`] keeps.
    pub fn make(
        strapi: &'static Version,
        harness: &'static Harness,
        server: Option<Server>,
    ) -> World {
        let fresh = harness.new_project("fresh", server);
        fresh.seed("boot");
        let (seeded, other) = (fresh.copy("seeded"), fresh.copy("other"));
        let key = server.is_none().then_some(KEY);
        let archive = thread::scope(|scope| {
            scope.spawn(|| other.seed("other"));
            seeded.seed("content");
            seeded.strapi_export("by-strapi", key)
        });
        World {
            strapi,
            server,
            fresh,
            seeded,
            other,
            archive,
            key,
        }
    }

    /// An archive as it is compared: a server's rows come in no order that means something, and its JSON columns put
    /// the members of objects in another one.
    pub fn open(&self, archive: &Path, key: Option<&str>) -> Archive {
        let archive = Archive::open(archive, key);
        match self.server {
            None => archive,
            Some(_) => archive.in_order_of_ids(),
        }
    }

    /// What Strapi exports from `seeded`, without the links to nothing that it may have left behind.
    pub fn strapis(&self) -> Archive {
        let (whole, gone) = without_links_to_nothing(&self.open(&self.archive, self.key));
        assert_eq!(gone > 0, self.left_links_behind());
        whole
    }

    fn left_links_behind(&self) -> bool {
        self.strapi.leaves_links_on_servers && self.server.is_some()
    }

    /// Our own export of `seeded`.
    pub fn our_export(&self, name: &str, arguments: &[&str], suffix: &str) -> PathBuf {
        self.seeded.our_export(name, arguments, suffix)
    }

    /// Has us restore what Strapi exported from `seeded`.
    pub fn our_import(&self, project: &Project) {
        let key = self.key.map(|key| ["-k", key]);
        let options = key.as_ref().map_or(&[][..], |options| options);
        project.our_import(&self.archive, options);
    }

    /// The same, with our values where Strapi's export has lost some. Each deviation has to occur.
    pub fn strapis_with_our_values(&self) -> Archive {
        let deviations = match (self.strapi.major, self.server) {
            (_, None) => &DEVIATIONS_ON_SQLITE[..],
            (4, Some(Server::Mysql)) => &DEVIATIONS_OF_STRAPI_4_ON_MYSQL,
            _ => &[],
        };
        with_values(self.strapis(), deviations)
    }

    /// What Strapi exports from a project.
    pub fn exported_by_strapi(&self, project: &Project) -> Archive {
        self.open(&project.strapi_export("exported-by-strapi", None), None)
    }

    /// Has Strapi import an archive into an empty project, and gives back what it exports from there.
    pub fn through_strapi(&self, archive: &Path, key: Option<&str>) -> Archive {
        let project = self.fresh.copy("taken-in-by-strapi");
        project.strapi_import(archive, key);
        self.exported_by_strapi(&project)
    }

    /// The files in the upload folder of the seeded project that an archive holds.
    pub fn exported_uploads(&self) -> BTreeSet<String> {
        let mut names = self.seeded.uploads();
        names.retain(|name| self.strapi.exports_logos || !name.starts_with("menu_logo_"));
        names
    }
}

/// What Strapi exported from a project on SQLite with the content of the seed, with our values where it has lost some.
pub fn with_our_values_on_sqlite(archive: Archive) -> Archive {
    with_values(archive, &DEVIATIONS_ON_SQLITE)
}

/// Puts our values into an archive of Strapi's. Each deviation has to occur.
fn with_values(mut archive: Archive, deviations: &[Deviation]) -> Archive {
    let shard = archive
        .entries
        .get_mut("entities/entities_00001.jsonl")
        .unwrap();
    let mut lines: Vec<String> = String::from_utf8_lossy(shard)
        .lines()
        .map(str::to_owned)
        .collect();
    for (of, strapis, ours) in deviations {
        let concerned = lines
            .iter_mut()
            .filter(|line| line.contains(of) && line.contains(strapis));
        let changed = concerned.map(|line| *line = line.replace(strapis, ours));
        assert_ne!(changed.count(), 0, "Strapi exports no {strapis} by now");
    }
    *shard = lines.join("\n").into_bytes();
    archive
}
