//! Archives of Strapi before 4.12, whose files have no sidecars: what a file is, its row says.
//!
//! `testdata/strapi4-early` holds what Strapi 4.6.0 and 4.11.5 exported from one project.

use std::fs;
use std::process::Stdio;

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, Project, backup, run, strapi_archive_of};
use crate::support::files::repository;
use crate::support::restore::assert_same_lines;
use crate::support::tarball::{ENTITIES, Entry, Tarball};

const ANYTHING: [&str; 4] = ["--version-strategy", "ignore", "--schema-strategy", "exact"];

/// What Strapi 4.26 exported from its project in `testdata`, as Strapi 4.11.5 would have.
fn early() -> Tarball {
    let mut tarball = Tarball::read(&strapi_archive_of(4));
    let is_sidecar = |entry: &Entry| entry.name.starts_with("assets/metadata/");
    assert!(tarball.entries.iter().any(is_sidecar));
    tarball.entries.retain(|entry| !is_sidecar(entry));
    tarball.replace("metadata.json", "4.26.2", "4.11.5")
}

/// Restores it over the project that it comes from, after that lost its files and the rows of them.
#[track_caller]
fn assert_restores(tarball: &Tarball) -> Outcome {
    let project = Project::of(4);
    let path = tarball.write(project.archive("early.tar"));
    project.sql("DELETE FROM files");
    fs::remove_dir_all(project.uploads()).unwrap();
    let dry_run = [&ANYTHING[..], &["--dry-run"]].concat();
    project.import(&path, &dry_run).ends_with(0);
    let outcome = project.import(&path, &ANYTHING).ends_with(0);
    let (strapis, restored) = (
        Archive::open(&strapi_archive_of(4), None),
        project.exported(&[]),
    );
    for stage in ["entities", "links"] {
        assert_same_lines(&restored.lines(stage), &strapis.lines(stage));
    }
    assert_eq!(strapis.assets(), restored.assets());
    outcome
}

#[test]
fn what_strapi_exported_before_it_wrote_sidecars_is_whole() {
    for version in ["4.6.0", "4.11.5"] {
        let path = repository(&format!("testdata/strapi4-early/{version}.tar.gz"));
        let from_file = run(&mut backup(["verify", path.to_str().unwrap()]));
        let input = fs::File::open(&path).unwrap();
        let from_pipe = run(backup(["verify", "-"]).stdin(Stdio::from(input)));
        for outcome in [from_file, from_pipe] {
            outcome.ends_with(0).says([
                "it has no sidecars of files",
                // The logo of the admin panel is no file of the media library.
                "1 of its files are left out, because no row of plugin::upload.file names them",
                "assets/uploads/menu_logo_",
            ]);
        }
    }
}

#[test]
fn an_archive_without_sidecars_is_restored_as_one_with_them() {
    assert_restores(&early()).says(["it has no sidecars of files"]);
}

#[test]
fn an_archive_without_sidecars_may_have_its_entries_in_any_order() {
    let mut tarball = early();
    tarball.entries.reverse();
    assert_restores(&tarball);
}

#[test]
fn files_alone_are_taken_from_an_archive_without_sidecars() {
    let project = Project::of(4);
    let path = early().write(project.archive("early.tar"));
    let before = project.uploads();
    let files: Vec<_> = fs::read_dir(&before).unwrap().collect();
    assert!(!files.is_empty());
    for file in files {
        fs::write(file.unwrap().path(), "changed").unwrap();
    }
    let options = [&ANYTHING[..], &["--only", "files"]].concat();
    project.import(&path, &options).ends_with(0);
    let strapis = Archive::open(&strapi_archive_of(4), None);
    assert_eq!(strapis.assets(), project.exported(&[]).assets());
}

#[test]
fn sidecars_that_are_missing_elsewhere_are_faults() {
    let without_one = {
        let mut tarball = Tarball::read(&strapi_archive_of(4));
        let sidecar = |entry: &Entry| entry.name.starts_with("assets/metadata/");
        let first = tarball.entries.iter().position(sidecar).unwrap();
        tarball.entries.remove(first);
        tarball.replace("metadata.json", "4.26.2", "4.11.5")
    };
    let of_a_later_strapi = early().replace("metadata.json", "4.11.5", "4.12.0");
    let project = Project::of(4);
    let of_ours = {
        let mut tarball = Tarball::read(&project.export("ours", &[]));
        tarball
            .entries
            .retain(|entry| !entry.name.starts_with("assets/metadata/"));
        tarball
            .replace("metadata.json", "4.26.2", "4.11.5")
            .with_right_checksums()
    };
    for (name, tarball) in [
        ("one", without_one),
        ("later", of_a_later_strapi),
        ("ours", of_ours),
    ] {
        let path = tarball.write(project.archive(&format!("{name}.tar")));
        let input = fs::File::open(&path).unwrap();
        let from_pipe = run(backup(["verify", "-"]).stdin(Stdio::from(input)));
        let from_file = run(&mut backup(["verify", path.to_str().unwrap()]));
        for outcome in [from_pipe, from_file] {
            outcome
                .ends_with(6)
                .says(["has no sidecar in assets/metadata"]);
        }
    }
}

#[test]
fn a_file_without_a_sidecar_and_without_a_row_is_left_out() {
    let tarball = {
        let mut tarball = early();
        let place = tarball.position(ENTITIES) + 1;
        let entry = Entry::file("assets/uploads/stray.bin", "of nobody");
        tarball.entries.insert(place, entry);
        tarball
    };
    assert_restores(&tarball).says(["1 of its files are left out", "assets/uploads/stray.bin"]);
}
