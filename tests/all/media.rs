//! Files of the media library that lie elsewhere than Strapi puts them.

use std::fs;
use std::os::unix::fs::symlink;

use crate::locks::{import_as, project_of_a_user};
use crate::support::archive::Archive;
use crate::support::cli::{PLAIN, Project, backup, run, strapi_archive};
use crate::support::restore::{assert_exports, project_with_other_data};
use crate::support::tarball::{ENTITIES, Tarball};

const NAIVE: &str = "naive_e42753c248.png";

/// The project with two of its files in folders of the upload folder, as their urls say.
fn with_folders() -> Project {
    let project = Project::testdata();
    for name in [NAIVE, "notes_36b3257a18.txt"] {
        fs::create_dir_all(project.uploads().join("2024/05")).unwrap();
        let there = project.uploads().join("2024/05").join(name);
        fs::rename(project.uploads().join(name), there).unwrap();
        project.sql(&format!(
            "UPDATE files SET url = '/uploads/2024/05/{name}' WHERE url = '/uploads/{name}'"
        ));
    }
    project
}

#[test]
fn files_in_folders_come_back_where_their_urls_say() {
    let original = with_folders();
    let archive = original.export("site", &[]);
    let project = project_with_other_data();
    let (strangers, dry) = (project.state(), project.import(&archive, &["--dry-run"]));
    dry.ends_with(0);
    assert!(strangers.files == project.state().files);
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    let there = "public/uploads/2024/05/naive_e42753c248.png";
    let (ours, theirs) = (project.state().files, original.state().files);
    assert_eq!(ours[there], theirs[there]);
    // And back again: the restore of another archive takes them away.
    project.import(&strapi_archive(), &[]).ends_with(0);
    assert!(!project.state().files.contains_key(there));
}

#[test]
fn files_of_formats_that_were_encoded_twice_come_along() {
    let project = Project::testdata();
    let whole = project.exported(&[]);
    project.sql("UPDATE files SET formats = json_quote(formats) WHERE formats IS NOT NULL");
    let path = project.export("twice", &[]);
    assert_eq!(Archive::open(&path, None).differences(&whole), [""; 0]);
    run(&mut backup(["verify", path.to_str().unwrap()])).ends_with(0);
    // Those of the project are replaced, not set aside under other names.
    let files = project
        .state()
        .uploads()
        .keys()
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>();
    project.import(&path, &[]).ends_with(0);
    assert!(project.state().uploads().keys().eq(files.iter()));
}

#[test]
fn a_link_out_of_the_upload_folder_takes_nothing_along_unless_that_is_asked_for() {
    let project = with_folders();
    let (uploads, notes) = (project.uploads(), "notes_36b3257a18.txt");
    // The folder itself is a link, one file leads to another place in it, one out of it, and a folder as well.
    let disk = project.archive("disk");
    fs::rename(&uploads, &disk).unwrap();
    symlink(&disk, &uploads).unwrap();
    let exported = |project: &Project, options: &[&str], code: i32| {
        let outcome = project.run("export", [&["-f", "site"], options, &PLAIN].concat());
        let said = outcome.ends_with(code).all();
        let path = project.archive(match code {
            0 => "site.tar",
            _ => "site.incomplete.tar",
        });
        let archive = Archive::open(&path, None);
        fs::remove_file(path).unwrap();
        (archive.assets(), said)
    };
    let (whole, _) = exported(&project, &[], 0);
    fs::rename(disk.join("2024/05").join(notes), disk.join("2024/kept.txt")).unwrap();
    symlink(
        uploads.join("2024/kept.txt"),
        disk.join("2024/05").join(notes),
    )
    .unwrap();
    let (inside, said) = exported(&project, &[], 0);
    assert!(inside == whole, "{said}");

    let secret = project.archive("secret");
    fs::create_dir(&secret).unwrap();
    fs::rename(disk.join("2024/05").join(NAIVE), secret.join("naive")).unwrap();
    symlink(secret.join("naive"), disk.join("2024/05").join(NAIVE)).unwrap();
    let (without, said) = exported(&project, &[], 3);
    assert!(
        said.contains("leads out of the folder by a link; --follow-links takes"),
        "{said}"
    );
    let mut less = whole.clone();
    less.retain(|name, _| !name.contains("naive"));
    assert!(without == less, "{said}");
    let (followed, said) = exported(&project, &["--follow-links"], 0);
    assert!(followed == whole, "{said}");

    fs::rename(disk.join("2024"), secret.join("2024")).unwrap();
    symlink(secret.join("2024"), disk.join("2024")).unwrap();
    let (without, said) = exported(&project, &[], 3);
    less.remove(notes);
    assert!(without == less, "{said}");
}

#[test]
fn a_file_in_a_folder_that_an_archive_lacks_stays() {
    let original = with_folders();
    fs::remove_file(original.uploads().join("2024/05").join(NAIVE)).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    original.run("export", options).ends_with(3);
    let project = with_folders();
    let before = project.state();
    project
        .import(&original.archive("site.incomplete.tar"), &[])
        .ends_with(3);
    assert_eq!(before.files, project.state().files);
}

#[test]
fn files_whose_urls_lead_elsewhere_come_to_the_upload_folder_and_get_its_urls() {
    for url in [
        "https://cdn.example.com/naive_e42753c248.png",
        "/robots.txt",
        "/uploads/.htaccess",
    ] {
        let archive = Tarball::read(&strapi_archive()).replace(
            ENTITIES,
            "\"url\":\"/uploads/naive_e42753c248.png\"",
            &format!("\"url\":\"{url}\""),
        );
        let project = Project::testdata();
        fs::write(project.path().join("public/robots.txt"), "the site's own").unwrap();
        fs::write(project.uploads().join(".htaccess"), "deny").unwrap();
        let before = project.state();
        let path = archive.write(project.archive("site.tar"));
        for options in [&["--dry-run"][..], &[]] {
            project.import(&path, options).ends_with(0).says([
                "the urls of 1 lead elsewhere; they come to the upload folder",
                "have there: row ",
                " (naive_e42753c248.png)",
            ]);
        }
        let after = project.state();
        assert!(before.files == after.files, "{url}");
        assert_eq!(before.tables["files"], after.tables["files"], "{url}");
    }
}

#[test]
fn a_restore_and_its_dry_run_list_the_same_losses() {
    let archive = Tarball::read(&strapi_archive()).replace(
        ENTITIES,
        "\"title\":\"",
        "\"unknown\":1,\"title\":\"",
    );
    let project = Project::testdata();
    let path = archive.write(project.archive("site.tar"));
    let told = |options: &[&str]| {
        let outcome = project.import(&path, options).ends_with(3);
        let lines = outcome.lines("warning: the project has no place");
        assert!(!lines.is_empty(), "{}", outcome.all());
        lines.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(told(&["--dry-run"]), told(&[]));
}

#[test]
fn an_archive_in_the_upload_folder_is_restored_and_stays() {
    let project = project_with_other_data();
    let packed = project.uploads().join("site.tar");
    fs::copy(strapi_archive(), &packed).unwrap();
    project.import(&packed, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
    assert!(fs::read(&packed).unwrap() == fs::read(strapi_archive()).unwrap());
    let unpacked = project.uploads().join("site");
    fs::rename(project.unpacked(), &unpacked).unwrap();
    project.import(&unpacked, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
    assert!(unpacked.join("metadata.json").exists());
}

#[test]
fn files_of_rows_that_stay_are_replaced_where_they_lie_or_stay() {
    let project = with_folders();
    let incomplete = Project::testdata();
    fs::remove_file(incomplete.uploads().join("small_2a9128b856.png")).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    incomplete.run("export", options).ends_with(3);
    fs::write(project.uploads().join("2024/05").join(NAIVE), "changed").unwrap();
    let new = "INSERT INTO files (id, document_id, name, hash, ext, url, provider) VALUES \
               (900, 'n', 'n', 'new', '.txt', '/uploads/new.txt', 'local')";
    project.sql(new);
    fs::write(project.uploads().join("new.txt"), "uploaded since").unwrap();
    let before = project.state();
    for options in [
        &["--only", "files"][..],
        &["--exclude-content-types", "plugin::upload.file"],
    ] {
        let archive = incomplete.archive("site.incomplete.tar");
        project.import(&archive, options);
        let after = project.state();
        let mut expected = before.files.clone();
        let naive = "public/uploads/2024/05/naive_e42753c248.png".to_owned();
        let original = Project::testdata().state().files;
        expected.insert(
            naive,
            original["public/uploads/naive_e42753c248.png"].clone(),
        );
        assert!(
            after.files == expected,
            "{options:?}: {:?}",
            before.changes(&after)
        );
        assert_eq!(after.tables["files"], before.tables["files"]);
    }
}

#[test]
fn many_files_that_are_missing_do_not_flood_what_is_said() {
    let project = Project::testdata();
    let rows = |provider: &str, count: u32| {
        format!(
            "INSERT INTO files (name, hash, ext, mime, size, url, provider)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             SELECT 'n', '{provider}' || i, '.png', 'image/png', 1, '/uploads/' || i, '{provider}' FROM n"
        )
    };
    project.sql(&rows("aws-s3", 50));
    project.sql(&rows("local", 1005));
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(3);
    assert_eq!(outcome.lines("warning: ").len(), 1001);
    outcome.says([
        "warning: the archive lacks 55 of the files that rows of plugin::upload.file name (rows ",
    ]);
}

#[test]
fn a_file_does_not_come_where_another_of_its_name_lies() {
    let project = Project::testdata();
    let uploads = project.uploads();
    fs::create_dir(uploads.join("sub")).unwrap();
    fs::write(uploads.join("ok.txt"), "one").unwrap();
    fs::write(uploads.join("sub/ok.txt"), "other").unwrap();
    project.sql(
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
         (900, 'a', 'n', 'ok', '.txt', 'text/plain', 1, '/uploads/ok.txt', 'local'),
         (901, 'b', 'n', 'ok', '.txt', 'text/plain', 1, '/uploads/sub/ok.txt', 'local')",
    );
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(3);
    let archive = project.archive("site.incomplete.tar");
    let told = "warning: sub/ok.txt is left out: the archive holds another file of the same name";
    project.import(&archive, &[]).ends_with(3).says([told]);
    assert_eq!(fs::read(uploads.join("ok.txt")).unwrap(), b"one");
    assert_eq!(fs::read(uploads.join("sub/ok.txt")).unwrap(), b"other");
}

#[test]
fn two_files_with_one_url_both_come_back() {
    let archive = Tarball::read(&strapi_archive()).replace(
        ENTITIES,
        "\"url\":\"/uploads/notes_36b3257a18.txt\"",
        "\"url\":\"/uploads/small_2a9128b856.png\"",
    );
    let project = Project::testdata();
    let before = project.state();
    let path = archive.write(project.archive("site.tar"));
    project
        .import(&path, &[])
        .ends_with(0)
        .says(["lead elsewhere; they come to the upload folder"]);
    assert!(before.files == project.state().files);
    assert_eq!(before.tables["files"], project.state().tables["files"]);
}

#[test]
fn an_archive_cannot_plant_rules_for_the_web_server() {
    let archive = Tarball::read(&strapi_archive());
    let mut planted = archive.clone();
    let (name, sidecar) = (
        "assets/uploads/notes_36b3257a18.txt",
        "assets/metadata/notes_36b3257a18.txt.json",
    );
    planted.entry(name).name = "assets/uploads/.htaccess".into();
    planted.entry(sidecar).name = "assets/metadata/.htaccess.json".into();
    let planted = planted
        .replace(
            ENTITIES,
            "\"hash\":\"notes_36b3257a18\",\"ext\":\".txt\"",
            "\"hash\":\".htaccess\",\"ext\":\"\"",
        )
        .replace(
            ENTITIES,
            "/uploads/notes_36b3257a18.txt",
            "/uploads/.htaccess",
        );
    let project = Project::testdata();
    let path = planted.write(project.archive("site.tar"));
    project.import(&path, &[]);
    assert!(!project.uploads().join(".htaccess").exists());
    // Nor have it taken away, by a row that names it.
    fs::write(project.uploads().join(".htaccess"), "deny").unwrap();
    project.sql("UPDATE files SET url = '/uploads/.htaccess' WHERE id = 5");
    project.import(&strapi_archive(), &[]).ends_with(0);
    assert!(project.uploads().join(".htaccess").exists());
}

#[test]
fn files_that_cannot_keep_their_owner_are_told_of() {
    let Some((project, user)) = project_of_a_user() else {
        return;
    };
    let theirs = project.uploads().join(NAIVE);
    std::os::unix::fs::chown(&theirs, Some(0), Some(0)).unwrap();
    import_as(user, &project).ends_with(0).says([
        "note: files of plugin::upload.file",
        "could not get the owner",
    ]);
}
