//! The man pages in `man/` come from the same definition as the parser.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::files::repository;

/// The pages in a folder: file name and content.
fn pages(folder: &Path) -> BTreeMap<String, String> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let page = fs::read_to_string(entry.path()).expect("a page");
            (entry.file_name().to_string_lossy().into_owned(), page)
        })
        .collect()
}

#[test]
fn the_man_pages_are_those_of_the_command_line() {
    let committed = repository("man");
    let fresh = tempfile::tempdir().expect("a folder");
    let command = strapi_backup::cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(command, fresh.path()).expect("pages");
    if std::env::var_os("RENEW").is_some() {
        for (name, page) in pages(fresh.path()) {
            fs::write(committed.join(name), page).expect("written");
        }
    }
    let (committed, fresh) = (pages(&committed), pages(fresh.path()));
    assert_eq!(
        committed.keys().collect::<Vec<_>>(),
        fresh.keys().collect::<Vec<_>>()
    );
    for (name, page) in fresh {
        assert!(
            committed[&name] == page,
            "man/{name} is stale; run: RENEW=1 cargo test the_man_pages"
        );
    }
}
