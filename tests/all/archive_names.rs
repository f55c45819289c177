//! What archives are called on this machine: names that are taken, names of what is incomplete, names that are found.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use strapi_backup::transfer::summary::{Status, Summary};

use crate::support::cli::{KEY, PLAIN, Project, run};
use crate::support::files::listing;
use crate::support::strace::{Call, can_trace, injected_at, killed, number_of, traced};

/// The calls that rename, and those that see to the disk.
const RENAMES_AND_SYNCS: &str = "rename,renameat,renameat2,fsync,fdatasync,sync_file_range";

fn summary(project: &Project, name: &str) -> Summary {
    let text = fs::read(project.archive(name)).unwrap();
    Summary::parse(&text, name).unwrap()
}

/// Takes a file away that a row names.
fn make_incomplete(project: &Project) {
    fs::remove_file(project.uploads().join("notes_36b3257a18.txt")).unwrap();
}

#[test]
fn an_archive_is_replaced_only_where_that_was_asked_for() {
    let project = Project::testdata();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options.clone()).ends_with(0);
    let before = fs::read(project.archive("site.tar")).unwrap();
    project.sql("UPDATE articles SET title = 'changed'");
    project
        .run("export", options.clone())
        .ends_with(2)
        .says(["site.tar is there already", "--overwrite"]);
    assert!(fs::read(project.archive("site.tar")).unwrap() == before);
    // The summary of an archive is not taken for that of the next one.
    fs::write(project.archive("site.tar.summary.json"), "{}").unwrap();
    let options = [&options[..], &["--overwrite"]].concat();
    project.run("export", options).ends_with(0);
    assert!(fs::read(project.archive("site.tar")).unwrap() != before);
    assert_eq!(listing(&project.archives()), ["site.tar"]);
}

#[test]
fn an_incomplete_archive_never_takes_the_place_of_a_complete_one() {
    let project = Project::testdata();
    let options = [&["-f", "site", "--overwrite", "--summary"], &PLAIN[..]].concat();
    project.run("export", options.clone()).ends_with(0);
    let before = fs::read(project.archive("site.tar")).unwrap();
    make_incomplete(&project);
    for _ in 0..2 {
        let outcome = project.run("export", options.clone()).ends_with(3);
        assert!(
            outcome
                .stdout
                .contains("The archive is in site.incomplete.tar\n")
        );
        assert!(fs::read(project.archive("site.tar")).unwrap() == before);
        let names = [
            "site.incomplete.tar",
            "site.incomplete.tar.summary.json",
            "site.tar",
            "site.tar.summary.json",
        ];
        assert_eq!(listing(&project.archives()), names);
    }
    let told = summary(&project, "site.incomplete.tar.summary.json");
    assert_eq!((told.status, told.exit_code), (Status::Incomplete, 3));
    let told = summary(&project, "site.tar.summary.json");
    assert_eq!(told.status, Status::Complete);
    let length = told.archive.unwrap().size;
    assert_eq!(length, Some(before.len() as u64));
}

#[test]
fn with_strict_a_note_makes_an_archive_incomplete_by_name_as_well() {
    let project = Project::testdata();
    project.sql("INSERT INTO articles_tags_lnk (article_id, tag_id) VALUES (1, 777)");
    let options = [&["-f", "site", "--strict"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(3);
    assert_eq!(listing(&project.archives()), ["site.incomplete.tar"]);
}

#[test]
fn an_archive_goes_into_a_folder_that_exists_under_the_default_name() {
    let project = Project::testdata();
    fs::create_dir(project.archive("there")).unwrap();
    for folder in ["there", "there/"] {
        let options = [&["-f", folder], &PLAIN[..]].concat();
        project.run("export", options).ends_with(0);
        let names = listing(&project.archive("there"));
        assert!(
            names[0].starts_with("export_2") && names[0].ends_with(".tar"),
            "{names:?}"
        );
        fs::remove_file(project.archive("there").join(&names[0])).unwrap();
    }
    let options = [&["-f", "away/"], &PLAIN[..]].concat();
    project
        .run("export", options)
        .ends_with(1)
        .says(["there is no folder away"]);
}

#[test]
fn an_import_finds_an_archive_without_its_extensions() {
    let project = Project::testdata();
    let options = ["-f", "site", "-k", KEY];
    project.run("export", options).ends_with(0);
    let import = ["-f", "site", "-k", KEY, "--force"];
    project.run("import", import).ends_with(0);
    project
        .run("export", ["-f", "site", "--no-encrypt"])
        .ends_with(0);
    project.run("import", import).ends_with(2).says([
        "several archives are called site",
        "site.tar.gz.enc",
        "site.tar.gz",
    ]);
}

#[test]
fn a_summary_can_be_had_of_a_folder_and_not_of_stdout() {
    let project = Project::testdata();
    let options = ["-f", "site", "--no-encrypt", "--format", "dir", "--summary"];
    project.run("export", options).ends_with(0);
    let told = summary(&project, "site.summary.json");
    assert_eq!(told.archive.unwrap().name, "site");
    let options = [&["-f", "-", "--summary"], &PLAIN[..]].concat();
    project
        .run("export", options)
        .ends_with(2)
        .says(["--summary"]);
}

#[test]
fn an_old_summary_does_not_vouch_for_a_new_folder() {
    let project = Project::testdata();
    let options = ["-f", "site", "--no-encrypt", "--format", "dir"];
    let with_summary = [&options[..], &["--summary"]].concat();
    project.run("export", with_summary).ends_with(0);
    // Where the folder stays, so does its summary.
    project.run("export", options).ends_with(2);
    assert_eq!(summary(&project, "site.summary.json").exit_code, 0);
    fs::remove_dir_all(project.archive("site")).unwrap();
    project.run("export", options).ends_with(0);
    assert_eq!(listing(&project.archives()), ["site"]);
    // What is somebody's own is left alone.
    fs::remove_dir_all(project.archive("site")).unwrap();
    fs::write(project.archive("site.summary.json"), "mine").unwrap();
    project.run("export", options).ends_with(0);
    let text = fs::read(project.archive("site.summary.json")).unwrap();
    assert_eq!(text, b"mine");
}

#[test]
fn a_folder_that_is_not_there_is_told_before_the_key_is_asked_for() {
    let project = Project::testdata();
    for file in ["away/", "away/site"] {
        project
            .run("export", ["-f", file])
            .ends_with(1)
            .says(["there is no folder away"]);
    }
}

#[test]
fn a_name_that_is_not_utf_8_is_refused_and_a_folder_of_such_a_name_is_not() {
    let project = Project::testdata();
    let odd = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let export = |file: &OsStr, options: &[&str]| {
        let mut command = project.command("export", options.iter().copied());
        run(command.arg("-f").arg(file))
    };
    let unpacked = ["--no-encrypt", "--format", "dir"];
    for options in [&PLAIN[..], &unpacked] {
        export(&odd(b"s\xffte"), options)
            .ends_with(2)
            .says(["is not UTF-8", "--file"]);
    }
    assert_eq!(listing(&project.archives()), [""; 0]);
    let folder = project.archives().join(odd(b"d\xff"));
    fs::create_dir_all(&folder).unwrap();
    let with_summary = [&PLAIN[..], &["--summary"]].concat();
    export(&odd(b"d\xff"), &with_summary).ends_with(0);
    export(&odd(b"d\xff/site"), &with_summary).ends_with(0);
    let names = listing(&folder);
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(names[2..], ["site.tar", "site.tar.summary.json"]);
}

#[test]
fn a_name_that_is_too_long_is_told_before_anything_is_read() {
    let project = Project::testdata();
    // NAME.incomplete.tar has 15 bytes more, NAME.incomplete.tar.summary.json 28.
    let export = |length: usize, options: &[&str]| {
        let name = "x".repeat(length);
        project.run("export", [&["-f", &name], options].concat())
    };
    let with_summary = [&PLAIN[..], &["--summary"]].concat();
    for (length, options) in [(241, &PLAIN[..]), (228, &with_summary)] {
        let most = format!("may have {}", length - 1);
        export(length, options).ends_with(2).says([&*most]);
        assert_eq!(listing(&project.archives()), [""; 0]);
        export(length - 1, options).ends_with(0);
        fs::remove_dir_all(project.archives()).unwrap();
        fs::create_dir(project.archives()).unwrap();
    }
    // Nobody is asked for a key.
    export(240, &[]).ends_with(2).says(["may have 233"]);
    let key = format!("s3://bucket/{}", "x".repeat(1008));
    let options = [&["-f", &key], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(2);
    outcome.says(["may have 1007"]);
}

#[test]
fn a_folder_with_the_name_of_a_summary_is_told_before_an_archive_is_replaced() {
    let project = Project::testdata();
    let options = [&["-f", "site", "--overwrite", "--summary"], &PLAIN[..]].concat();
    for name in [
        "site.tar.summary.json",
        "site.incomplete.tar.summary.json",
        "site.incomplete.tar",
    ] {
        fs::write(project.archive("site.tar"), "old").unwrap();
        fs::create_dir(project.archive(name)).unwrap();
        let outcome = project.run("export", options.clone()).ends_with(2);
        outcome.says([name, "is a folder"]);
        assert_eq!(fs::read(project.archive("site.tar")).unwrap(), b"old");
        fs::remove_dir(project.archive(name)).unwrap();
    }
}

#[test]
fn an_old_summary_that_may_not_be_read_does_not_vouch_for_a_new_archive() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let archive = project.archive("site.tar");
    let summary = project.archive("site.tar.summary.json");
    let export = |options: &[&str]| {
        let named = ["-f", archive.to_str().unwrap()];
        let command = project.command("export", [&named, &PLAIN[..], options].concat());
        run(&mut injected_at(
            &command,
            &summary,
            "openat",
            "error=EACCES",
        ))
    };
    project.export("site", &["--summary"]);
    // Nobody can tell whose it is.
    fs::remove_file(&archive).unwrap();
    export(&[]).ends_with(1).says(["read the summary"]);
    assert_eq!(listing(&project.archives()), ["site.tar.summary.json"]);
    export(&["--overwrite"]).ends_with(0);
    assert_eq!(listing(&project.archives()), ["site.tar"]);
}

#[test]
fn an_archive_is_on_disk_before_the_summary_of_the_one_that_it_replaces_goes() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let archive = project.export("site", &["--summary"]);
    let options = ["-f", archive.to_str().unwrap(), "--overwrite"];
    let command = project.command("export", [&options, &PLAIN[..]].concat());
    let (outcome, calls) = traced(&command, RENAMES_AND_SYNCS, 0);
    outcome.ends_with(0);
    let summary = project.archive("site.tar.summary.json");
    let is = |found: &dyn Fn(&Call) -> bool| calls.iter().position(found).unwrap();
    let goes = is(&|call| call.renamed().is_some_and(|(from, _)| from == summary));
    let comes = is(&|call| call.renamed().is_some_and(|(_, to)| to == archive));
    assert!(goes < comes);
    // The folder alone is seen to in between.
    for call in &calls[goes..comes] {
        let synced = call.synced();
        assert!(
            synced.is_none_or(|path| path == project.archives()),
            "{call}"
        );
    }
}

#[test]
fn the_summary_of_an_archive_that_stays_stays_as_well() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let archive = project.export("site", &["--summary"]);
    let before = fs::read(&archive).unwrap();
    let options = ["-f", archive.to_str().unwrap(), "--overwrite"];
    let command = project.command("export", [&options, &PLAIN[..]].concat());
    // The folder cannot be seen to before the archive has its name.
    let folder = project.archives();
    run(&mut injected_at(&command, &folder, "fsync", "error=EIO")).ends_with(1);
    assert_eq!(fs::read(&archive).unwrap(), before);
    let names = listing(&folder);
    assert_eq!(names, ["site.tar", "site.tar.summary.json"]);
    assert_eq!(summary(&project, "site.tar.summary.json").exit_code, 0);
}

#[test]
fn what_a_killed_export_leaves_in_a_folder_goes_with_the_next_one() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let archive = project.export("site", &["--summary"]);
    let options = ["-f", archive.to_str().unwrap(), "--overwrite"];
    let command = project.command("export", [&options, &PLAIN[..]].concat());
    let (outcome, calls) = traced(&command, RENAMES_AND_SYNCS, 0);
    outcome.ends_with(0);
    project.export("site", &["--summary"]);
    let comes = |call: &Call| call.renamed().is_some_and(|(_, to)| to == archive);
    let index = calls.iter().position(comes).unwrap();
    let number = number_of(&calls, index);
    killed(&command, RENAMES_AND_SYNCS, 0, &calls[index].name, number);
    // The new archive and the old summary.
    let names = listing(&project.archives());
    let hidden = names.iter().filter(|name| name.ends_with(".part"));
    assert_eq!(hidden.count(), 2, "{names:?}");
    let options = [&["-f", "other"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(0);
    assert_eq!(listing(&project.archives()), ["other.tar", "site.tar"]);
}

#[test]
fn a_summary_has_no_other_name_before_it_has_its_own() {
    if !can_trace() {
        return;
    }
    let project = Project::testdata();
    let options = [&["-f", "site", "--summary"], &PLAIN[..]].concat();
    let (outcome, calls) = traced(&project.command("export", options), "openat", 0);
    outcome.ends_with(0);
    for path in calls.iter().filter_map(Call::made) {
        assert!(!path.to_string_lossy().ends_with(".part"), "{path:?}");
    }
}
