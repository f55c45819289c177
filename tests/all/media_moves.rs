//! Files of the media library that a restore brings elsewhere than they were: into a folder aside, from one provider to
//! another, and what content says of their urls.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::archive::Archive;
use crate::support::cli::{Project, run, strapi_archive};
use crate::support::restore::project_with_other_data;
use crate::support::strace::{can_trace, injected};

/// A project whose provider takes files from Strapi alone, with other data than the archive's.
fn with_cloudinary() -> Project {
    let project = project_with_other_data();
    let plugins = "module.exports = () => ({ upload: { config: { provider: 'cloudinary' } } });";
    fs::write(project.path().join("config/plugins.js"), plugins).unwrap();
    project
}

/// What [`Project::testdata`] exports.
fn our_archive(project: &Project) -> PathBuf {
    let original = Project::testdata();
    let path = project.archive("site.tar");
    fs::copy(original.export("site", &[]), &path).unwrap();
    path
}

/// The files in a folder; what this program keeps there as well, by its name.
fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    let entries = entries.map(|entry| entry.unwrap());
    let file = |entry: fs::DirEntry| {
        let bytes = fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().into_string().unwrap(), bytes)
    };
    entries.map(file).collect()
}

/// The files that an archive holds.
fn files_of(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let assets = Archive::open(archive, None).assets().into_iter();
    assets.map(|(name, asset)| (name, asset.bytes)).collect()
}

#[test]
fn files_that_only_strapi_can_give_a_provider_come_to_a_folder_aside() {
    let project = with_cloudinary();
    let (archive, before) = (our_archive(&project), project.state());
    for options in [&["--dry-run"][..], &[]] {
        project.import(&archive, options).ends_with(1).says([
            "with the provider `cloudinary`",
            "--files-to",
            "nothing was changed",
        ]);
    }
    before.assert_untouched(&project);

    let aside = ["--files-to", "aside"];
    let folder = project.archive("aside");
    let count = files_of(&archive).len();
    let told = format!(
        "{count} come to {}",
        folder.canonicalize().unwrap_or(folder.clone()).display()
    );
    let dry = [&aside[..], &["--dry-run"]].concat();
    project.import(&archive, &dry).ends_with(0).says([&told]);
    assert!(!folder.exists());
    before.assert_untouched(&project);

    project.import(&archive, &aside).ends_with(0).says([&told]);
    assert!(files_in(&folder) == files_of(&archive));
    let mode = fs::metadata(&folder).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let after = project.state();
    assert!(before.files == after.files, "the project's own files");
    after.assert_same_content(&Project::testdata().state());

    // It is not empty any more.
    project
        .import(&archive, &aside)
        .ends_with(1)
        .says(["is not empty", "nothing was changed"]);
    assert!(files_in(&folder) == files_of(&archive));
}

#[test]
fn urls_that_lead_elsewhere_stay_as_they_are_where_files_come_aside() {
    let project = Project::testdata();
    project.sql("UPDATE files SET url = '/media/naive.png' WHERE url LIKE '%naive_e42753c248.png'");
    fs::create_dir(project.path().join("public/media")).unwrap();
    fs::rename(
        project.uploads().join("naive_e42753c248.png"),
        project.path().join("public/media/naive.png"),
    )
    .unwrap();
    let archive = project.export("site", &[]);
    let before = project.state();
    project
        .import(&archive, &["--files-to", "aside"])
        .ends_with(0);
    let after = project.state();
    assert_eq!(before.tables["files"], after.tables["files"]);
    assert!(before.files == after.files);
    assert!(project.archive("aside/naive_e42753c248.png").exists());
}

#[test]
fn a_folder_for_files_makes_sense_or_nothing_is_done() {
    let project = with_cloudinary();
    fs::write(project.archive("file"), "").unwrap();
    let before = project.state();
    for (options, code, says) in [
        (&["--files-to", "file"][..], 1, "put files into the folder"),
        (&["--files-to", "no/such"], 1, "make "),
        (
            &["--files-to", "aside", "--exclude", "files"],
            2,
            "leave them out",
        ),
        (
            &["--files-to", "../project/public/uploads"],
            2,
            "in the upload folder",
        ),
        (
            &["--files-to", "../project/public/uploads/new"],
            2,
            "in the upload folder",
        ),
    ] {
        project
            .import(&strapi_archive(), options)
            .ends_with(code)
            .says([says]);
        before.assert_untouched(&project);
    }
}

#[test]
fn files_come_aside_as_a_whole_or_go_again_with_the_next_run() {
    if !can_trace() {
        return;
    }
    let options = ["--files-to", "aside"];
    // The third name that changes is that of a file; the commit syncs its journal after all of them.
    for (calls, place) in [
        ("rename,renameat,renameat2", 3),
        ("fdatasync,fsync", 1),
        ("fdatasync,fsync", 6),
        ("unlink,unlinkat", 1),
        ("unlink,unlinkat", 2),
        ("unlink,unlinkat", 3),
        ("rmdir", 2),
    ] {
        let project = with_cloudinary();
        let (folder, before) = (project.archive("aside"), project.state());
        let archive = our_archive(&project);
        let command = project.import_command(&archive, &options);
        let kill = format!("signal=KILL:when={place}");
        run(&mut injected(&command, calls, &kill));
        // A run that does not know of the folder.
        project.run("recover", []).ends_with(0);
        if before.changes(&project.state()).is_empty() {
            project.import(&archive, &options).ends_with(0);
        }
        assert!(files_in(&folder) == files_of(&archive), "{calls} {place}");
        project
            .state()
            .assert_same_content(&Project::testdata().state());
    }
}
