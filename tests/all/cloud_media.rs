//! Media that lie in a bucket, with real Strapi as the judge: projects of both majors whose media go through Strapi's own
//! provider for S3, private, public, and below a folder of the bucket.
//!
//! Where nothing else is said, URLs that Strapi signed are compared without their signatures: it puts them into the
//! sidecars of files that are private, and they end soon.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::strapi4;
use crate::strapi5;
use crate::support::archive::Archive;
use crate::support::canonical::assert_same;
use crate::support::cli::PLAIN;
use crate::support::exact::assert_equal;
use crate::support::media_store::{
    MediaStore, Object, ROOT, Way, assert_keeps_secrets, assert_same_objects, unsigned, with_media,
};
use crate::support::strapi::{Project, Version};
use crate::support::world::with_our_values_on_sqlite;

/// Makes a test for each major of Strapi, and each way to keep media, out of the functions named.
macro_rules! of_each_way {
    (of each major: $($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn strapi4() {
                super::$name(&super::strapi4::STRAPI);
            }

            #[test]
            fn strapi5() {
                super::$name(&super::strapi5::STRAPI);
            }
        })+
    };
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            use super::{Way, strapi4, strapi5};
            of_each_way!(of $name strapi4::STRAPI => strapi4_private Private, strapi4_public Public, strapi4_rooted Rooted);
            of_each_way!(of $name strapi5::STRAPI => strapi5_private Private, strapi5_public Public, strapi5_rooted Rooted);
        })+
    };
    (of $name:ident $strapi:expr => $($test:ident $way:ident),+) => {
        $(#[test]
        fn $test() {
            super::$name(&$strapi, Way::$way);
        })+
    };
}

of_each_way!(
    our_export_equals_strapis_line_by_line_and_file_by_file,
    a_restore_into_another_bucket_is_exported_by_strapi_as_the_original_was,
);
of_each_way!(
    of each major:
    strapi_itself_moves_media_into_another_bucket_as_is_expected_of_us,
    strapi_imports_what_we_exported_from_a_private_bucket,
);

/// A project that Strapi filled, with its media in a bucket, and what Strapi exported from it. No test changes it.
struct Site {
    strapi: &'static Version,
    way: Way,
    store: MediaStore,
    project: Project<'static>,
    archive: PathBuf,
}

impl Site {
    /// The one that all tests of a version and a way share.
    #[track_caller]
    fn of(strapi: &'static Version, way: Way) -> Option<&'static Site> {
        static SITES: [[OnceLock<Site>; 3]; 2] = [const { [const { OnceLock::new() }; 3] }; 2];
        let store = MediaStore::new()?;
        strapi.harness()?;
        let place = &SITES[usize::from(strapi.major == 5)][way as usize];
        Some(place.get_or_init(|| {
            let project = project_in(&store, strapi, way, "with-media-in-a-bucket");
            project.seed("content");
            let archive = project.strapi_export("media-by-strapi", None);
            Site {
                strapi,
                way,
                store,
                project,
                archive,
            }
        }))
    }

    /// What Strapi exported.
    fn strapis(&self) -> Archive {
        self.store
            .plain(self.strapi, &Archive::open(&self.archive, None))
    }

    /// The same as it has to be exported from a project with its media elsewhere.
    fn moved_to(&self, store: &MediaStore, way: Way) -> Archive {
        // Signed ones have the port also where rows lack it.
        let prefix = prefix(self.way);
        let signed = format!("{}/{}", self.store.url(), prefix);
        let of_rows = self.store.url_in_rows(self.way, self.strapi.major);
        let from = [of_rows.as_str(), signed.trim_end_matches('/')];
        let to = store.url_in_rows(way, self.strapi.major);
        let moved = with_media(
            &unsigned(&Archive::open(&self.archive, None)),
            self.strapi.exports_logos,
            "aws-s3",
            |url| {
                let key = from.iter().find_map(|from| url.strip_prefix(from));
                let key = key.unwrap_or_else(|| panic!("{url} is not of {from:?}"));
                format!("{to}{key}")
            },
        );
        store.plain(self.strapi, &moved)
    }

    /// What has to lie in a bucket after a restore of the archive: the files, and the logos that Strapi 5 takes along.
    fn objects(&self, way: Way) -> BTreeMap<String, Object> {
        let prefix = prefix(way);
        let archive = Archive::open(&self.archive, None);
        let assets = archive.assets().into_iter().map(|(name, asset)| {
            let mime = asset.sidecar["mime"].as_str().unwrap().to_owned();
            let public = way != Way::Private;
            let bytes = asset.bytes;
            (
                format!("{prefix}{name}"),
                Object {
                    bytes,
                    mime,
                    public,
                },
            )
        });
        let mut objects: BTreeMap<String, Object> = assets.collect();
        if self.strapi.exports_logos {
            let of_this = self::prefix(self.way);
            let (key, mut logo) = self
                .store
                .objects()
                .into_iter()
                .find(|(key, _)| key.contains("menu_logo_"))
                .unwrap();
            logo.public = way != Way::Private;
            let name = key.strip_prefix(of_this.as_str()).unwrap();
            objects.insert(format!("{prefix}{name}"), logo);
        }
        objects
    }
}

/// What stands before the names of objects.
fn prefix(way: Way) -> String {
    match way {
        Way::Rooted => format!("{ROOT}/"),
        _ => String::new(),
    }
}

/// A project that Strapi has not seen yet, with its media in a bucket.
fn project_in(
    store: &MediaStore,
    strapi: &'static Version,
    way: Way,
    name: &str,
) -> Project<'static> {
    let project = strapi.harness().unwrap().new_project(name, None);
    let signals = "signals: { enabled: true, resolve: './src/plugins/signals' },";
    store.serve(&project.dir, way, strapi.major, signals);
    project
}

impl MediaStore {
    /// An archive without what signed URLs have more than those of rows: their signatures, and in Strapi 4 the port.
    fn plain(&self, strapi: &Version, archive: &Archive) -> Archive {
        let plain = unsigned(archive);
        if strapi.major == 4 {
            return with_media(&plain, strapi.exports_logos, "aws-s3", |url| {
                self.without_port(url)
            });
        }
        plain
    }

    fn without_port(&self, url: &str) -> String {
        url.replacen(&self.endpoint(), "http://127.0.0.1", 1)
    }
}

fn our_export_equals_strapis_line_by_line_and_file_by_file(strapi: &'static Version, way: Way) {
    let Some(site) = Site::of(strapi, way) else {
        return;
    };
    let (ours, said) = site
        .project
        .our_export_that_ends_with(0, "media-by-us", &PLAIN, ".tar");
    assert_keeps_secrets(&said);
    let ours = Archive::open(&ours, None);
    for bytes in ours.entries.values() {
        assert_keeps_secrets(&String::from_utf8_lossy(bytes));
    }
    let ours = site.store.plain(strapi, &ours);
    assert_equal(&with_our_values_on_sqlite(site.strapis()), &ours, false);
}

/// Where the media of each way are moved to.
fn other(way: Way) -> Way {
    match way {
        Way::Private => Way::Public,
        Way::Public => Way::Rooted,
        Way::Rooted => Way::Private,
    }
}

fn a_restore_into_another_bucket_is_exported_by_strapi_as_the_original_was(
    strapi: &'static Version,
    way: Way,
) {
    let (Some(site), Some(store)) = (Site::of(strapi, way), MediaStore::new()) else {
        return;
    };
    let way = other(way);
    let project = project_in(&store, strapi, way, "with-media-in-another-bucket");
    project.seed("other");
    let old: Vec<String> = store.objects().into_keys().collect();
    assert_eq!(old.len(), 2, "{old:?}");
    // Nothing of the project's: it has to stay.
    let stranger = Object {
        bytes: b"User-agent: *\n".to_vec(),
        mime: "text/plain".into(),
        public: true,
    };
    store.put("robots.txt", &stranger);

    let said = project.our_import_that_ends_with(0, &site.archive, &[]);
    assert_keeps_secrets(&said);
    let mut expected = site.objects(way);
    expected.insert("robots.txt".into(), stranger);
    assert_same_objects(&expected, &store.objects());
    let exported = Archive::open(&project.strapi_export("moved-by-strapi", None), None);
    let exported = store.plain(strapi, &exported);
    assert_equal(&site.moved_to(&store, way), &exported, true);
}

/// What the tests expect of a restore is what Strapi's own import does.
fn strapi_itself_moves_media_into_another_bucket_as_is_expected_of_us(strapi: &'static Version) {
    let (Some(site), Some(store)) = (Site::of(strapi, Way::Private), MediaStore::new()) else {
        return;
    };
    let project = project_in(&store, strapi, Way::Rooted, "with-media-moved-by-strapi");
    project.seed("other");
    project.strapi_import(&site.archive, None);
    assert_same_objects(&site.objects(Way::Rooted), &store.objects());
    let exported = Archive::open(&project.strapi_export("moved-by-strapi", None), None);
    let exported = store.plain(strapi, &exported);
    assert_same(&site.moved_to(&store, Way::Rooted), &exported);
}

fn strapi_imports_what_we_exported_from_a_private_bucket(strapi: &'static Version) {
    let (Some(site), Some(store)) = (Site::of(strapi, Way::Private), MediaStore::new()) else {
        return;
    };
    let ours = site.project.our_export("private-by-us", &PLAIN, ".tar");
    let project = project_in(&store, strapi, Way::Public, "with-media-from-us");
    project.seed("boot");
    project.strapi_import(&ours, None);
    assert_same_objects(&site.objects(Way::Public), &store.objects());
    let exported = Archive::open(&project.strapi_export("taken-from-us", None), None);
    let exported = store.plain(strapi, &exported);
    assert_same(&site.moved_to(&store, Way::Public), &exported);
}
