//! Media libraries with Azure's and Google's providers, on emulators: out of a folder into a container or bucket, and
//! back.

use std::fs;

use crate::support::archive::Archive;
use crate::support::cli::Project;
use crate::support::exact::assert_equal;
use crate::support::media_store::with_media;
use crate::support::stores::{Kind, Store, translating};

/// The emulator's account.
const ACCOUNT: &str = "devstoreaccount1";

/// The provider of a store, its options, and what the urls of its files begin with.
fn provider(store: &Store) -> (&'static str, String, String) {
    let Store { bucket, port, .. } = store;
    match store.kind {
        Kind::Azure => {
            let service = format!("http://127.0.0.1:{port}/{ACCOUNT}");
            (
                "strapi-provider-upload-azure-storage",
                format!(
                    "authType: 'default', account: '{ACCOUNT}', accountKey: env('AZURE_STORAGE_KEY'),
                     serviceBaseURL: '{service}', containerName: '{bucket}', defaultPath: 'assets'"
                ),
                format!("{service}/{bucket}/assets"),
            )
        }
        _ => (
            "@strapi-community/strapi-provider-upload-google-cloud-storage",
            format!("bucketName: '{bucket}', basePath: 'site', uniform: true"),
            format!("https://storage.googleapis.com/{bucket}/site"),
        ),
    }
}

/// A project with nothing in it that keeps its files there.
fn empty_at(store: &Store) -> Project {
    let project = Project::empty();
    let (name, options, _) = provider(store);
    let config = format!(
        "module.exports = ({{ env }}) => ({{ upload: {{ config: {{ provider: '{name}', providerOptions: {{ {options} }} }} }} }});"
    );
    fs::write(project.path().join("config/plugins.js"), config).unwrap();
    let file = project.path().join(".env");
    let mut variables = fs::read_to_string(&file).unwrap();
    for (name, value) in store.variables() {
        variables.push_str(&format!("{name}={value}\n"));
    }
    fs::write(file, variables).unwrap();
    project
}

fn into_a_store_and_back(kind: Kind) {
    let Some(store) = Store::new(kind) else {
        return;
    };
    // What stands for Google's knows Amazon's names of headers.
    let store = match kind {
        Kind::Google => store.at(translating(store.port).0),
        _ => store,
    };
    let original = Project::testdata();
    let archive = original.export("local", &[]);
    let there = empty_at(&store);
    let outcome = there.import(&archive, &[]).ends_with(0);
    assert!(!there.uploads().exists());
    let (name, _, base) = provider(&store);
    let expected = with_media(&Archive::open(&archive, None), true, name, |url| {
        let file = url.rsplit('/').next().unwrap();
        match kind {
            // Each file has a folder of its own there.
            Kind::Google => format!("{base}/{}/{file}", file.rsplit_once('.').unwrap().0),
            _ => format!("{base}/{file}"),
        }
    });
    let again = there.export("there", &[]);
    assert_equal(&expected, &Archive::open(&again, None), false);
    assert!(!outcome.all().contains("Eby8vdM02x"), "{}", outcome.all());

    // Once more, over what is there now.
    there.import(&again, &[]).ends_with(0);
    assert_equal(
        &expected,
        &Archive::open(&there.export("twice", &[]), None),
        false,
    );
    let back = Project::empty();
    back.import(&again, &[]).ends_with(0);
    assert_equal(
        &Archive::open(&archive, None),
        &Archive::open(&back.export("back", &[]), None),
        false,
    );
    assert_eq!(store.names(), Vec::<String>::new(), "beside its prefix");
}

#[test]
fn media_move_into_a_container_of_azures_and_back() {
    into_a_store_and_back(Kind::Azure);
}

#[test]
fn media_move_into_a_bucket_of_googles_and_back() {
    into_a_store_and_back(Kind::Google);
}
