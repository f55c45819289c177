//! Files of the media library that a restore brings elsewhere than they were: into a folder aside, from one provider to
//! another, and what content says of their urls.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::support::archive::Archive;
use crate::support::cli::{Project, run, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server};
use crate::support::restore::project_with_other_data;
use crate::support::strace::{can_trace, injected};
use crate::support::tarball::{CONFIGURATION, ENTITIES, Tarball};

on_each_server!(a_value_that_its_new_url_makes_too_long_is_refused_before_the_load);

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
    // What the database keeps of it is text.
    let mut command = project.import_command(&strapi_archive(), &["--files-to"]);
    command.arg(OsStr::from_bytes(b"a\xff"));
    run(&mut command).ends_with(2).says(["not text (UTF-8)"]);
    before.assert_untouched(&project);
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

/// The address that files are moved from in the tests below.
const BUCKET: &str = "https://b.example.com/m/";
/// Texts with urls in all places; `@` stands for where files were, or are.
const MARKDOWN: &str = "![ä](@naive_e42753c248.png \"t\")\n<img src=\"@small_2a9128b856.png?w=1\">\n\nSee @notes_36b3257a18.txt.";
const OTHERS: &str = "https://b.example.com/m/naive_e42753c248.png.bak https://b.example.com/m/xnaive_e42753c248.png";

/// Blocks with an image, whose object is that of a file of this provider.
fn blocks(provider: &str) -> String {
    let image = format!(
        r#"{{"name":"a \"b\".png","hash":"naive_e42753c248","ext":".png","size":3.5,"url":"@naive_e42753c248.png","provider":"{provider}","formats":{{"thumbnail":{{"url":"@thumbnail_naive_e42753c248.png"}}}}}}"#
    );
    format!(
        r#"[{{"type":"image","image":{image},"children":[]}},{{"type":"paragraph","children":[{{"type":"link","url":"@notes_36b3257a18.txt","children":[{{"type":"text","text":"@none.txt"}}]}}]}}]"#
    )
}

/// The statements that give content these texts, in every place that may have some.
fn content(of_provider: &str, at: &str) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('@', at).replace('\'', "''"));
    let markdown = quoted(&format!("{MARKDOWN} {OTHERS}"));
    let (one, blocks) = (
        quoted("@naive_e42753c248.png"),
        quoted(&blocks(of_provider)),
    );
    format!(
        "UPDATE articles SET body = {markdown}, content = {blocks}, summary = {one} WHERE id < 3;
         UPDATE components_shared_seos SET meta_description = {markdown};
         UPDATE components_shared_links SET href = {one};
         UPDATE components_blocks_heroes SET title = {one};"
    )
}

/// An archive whose content names files in a bucket, which its rows say have come from there.
fn of_a_bucket(more: &str) -> (Project, PathBuf) {
    let project = Project::testdata();
    project.sql(&content("aws-s3", BUCKET)).sql(more);
    let path = project.export("site", &[]);
    let moved = |text: &str| {
        let text = text.replace("\"/uploads/", &format!("\"{BUCKET}"));
        text.replace("\"provider\":\"local\"", "\"provider\":\"aws-s3\"")
    };
    let mut archive = Tarball::read(&path).edit_lines(ENTITIES, |lines| {
        for line in lines {
            if line.starts_with("{\"type\":\"plugin::upload.file\"") {
                *line = moved(line);
            }
        }
    });
    let names = archive.names().into_iter().map(str::to_owned);
    let names: Vec<String> = names
        .filter(|it| it.starts_with("assets/metadata/"))
        .collect();
    for name in names {
        archive = archive.edit_lines(&name, |lines| *lines = vec![moved(&lines.join("\n"))]);
    }
    (project, archive.with_right_checksums().write(path))
}

#[test]
fn files_of_a_bucket_come_into_the_upload_folder_and_content_names_them_there() {
    let (_source, archive) = of_a_bucket(
        "UPDATE articles SET meta = '{\"a\":\"https://b.example.com/m/naive_e42753c248.png\"}' WHERE id < 4;",
    );
    // As it has to be after all.
    let meta = "UPDATE articles SET meta = '{\"a\":\"https://b.example.com/m/naive_e42753c248.png\"}' WHERE id < 4;";
    let expected = Project::testdata();
    expected
        .sql(
            &content("local", "/uploads/")
                .replace("/uploads/none.txt", &format!("{BUCKET}none.txt")),
        )
        .sql(meta);
    let counted = Project::testdata();
    counted.sql(&content("aws-s3", BUCKET)).sql(meta);

    let project = project_with_other_data();
    let before = project.state();
    let body = "attribute `body` of api::article.article: urls of files that change stand in 2 of its values";
    let json = "attribute `meta` of api::article.article: urls of files that change stand in 3 of its values, which are JSON";
    let wanted = format!("{body}, and are replaced");
    project
        .import(&archive, &["--rewrite-urls", "--dry-run"])
        .ends_with(0)
        .says([&wanted, json]);
    before.assert_untouched(&project);
    project.import(&archive, &[]).ends_with(0).says([
        &format!("{body}; --rewrite-urls replaces them"),
        json,
        "attribute `content` of api::article.article: urls of files",
        "attribute `href` of shared.link: urls of files",
        "attribute `title` of blocks.hero: urls of files",
        "attribute `metaDescription` of shared.seo: urls of files",
        "the urls of 10 lead elsewhere; they come to the upload folder",
    ]);
    project.state().assert_same_content(&counted.state());
    project
        .import(&archive, &["--rewrite-urls"])
        .ends_with(0)
        .says([&wanted, json]);
    let after = project.state();
    after.assert_same_content(&expected.state());
    for (name, bytes) in Project::testdata().state().uploads() {
        assert!(after.uploads()[name] == bytes, "{name}");
    }
}

#[test]
fn an_address_before_an_url_is_that_of_the_site_only_if_the_configuration_says_so() {
    let text = "https://site.example.com/cms/uploads/old/naive.png https://other.example.com/uploads/old/naive.png \
                /uploads/old/naive.png https://b.example.com/naive.png";
    let source = Project::testdata();
    source.sql(&format!("UPDATE articles SET body = '{text}' WHERE id = 1"));
    let path = source.export("site", &[]);
    let archive = |url: &str| {
        let lines = |lines: &mut Vec<String>| {
            for line in lines {
                if line.starts_with("{\"type\":\"plugin::upload.file\"")
                    && line.contains("/uploads/naive")
                {
                    *line = line
                        .replacen(
                            "\"/uploads/naive_e42753c248.png\"",
                            &format!("\"{url}\""),
                            1,
                        )
                        .replace("\"provider\":\"local\"", "\"provider\":\"custom\"");
                }
            }
        };
        let edited = Tarball::read(&path).edit_lines(ENTITIES, lines);
        edited
            .with_right_checksums()
            .write(source.archive("edited.tar"))
    };
    let body = |project: &Project| -> String {
        let sql = "SELECT body FROM articles WHERE id = 1";
        project
            .connect()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    let new = "/uploads/naive_e42753c248.png";
    let told = "behind the address of a site that `url` in config/server does not say is this one, stand in 1";
    let project = Project::testdata();
    let relative = archive("/uploads/old/naive.png");
    project
        .import(&relative, &["--rewrite-urls"])
        .ends_with(0)
        .says([told]);
    assert_eq!(
        body(&project),
        text.replace(" /uploads/old/naive.png", &format!(" {new}"))
    );

    project.edit(
        "config/server.js",
        "host:",
        "url: 'https://site.example.com/cms/', host:",
    );
    project
        .import(&relative, &["--rewrite-urls"])
        .ends_with(0)
        .says([told]);
    let expected = text
        .replace(" /uploads/old/naive.png", &format!(" {new}"))
        .replace("/cms/uploads/old/naive.png", &format!("/cms{new}"));
    assert_eq!(body(&project), expected);
    // A whole url is followed by a whole one, where the site's address is known.
    let absolute = archive("https://b.example.com/naive.png");
    project.import(&absolute, &["--rewrite-urls"]).ends_with(0);
    let site = format!("https://site.example.com/cms{new}");
    assert_eq!(
        body(&project),
        text.replace("https://b.example.com/naive.png", &site)
    );
}

#[test]
fn a_url_that_still_leads_to_another_file_stays_in_content() {
    let project = Project::testdata();
    project.sql("UPDATE articles SET body = '/uploads/small_2a9128b856.png' WHERE id = 1");
    let original = project.state();
    let archive = Tarball::read(&project.export("site", &[])).replace(
        ENTITIES,
        "\"url\":\"/uploads/notes_36b3257a18.txt\"",
        "\"url\":\"/uploads/small_2a9128b856.png\"",
    );
    let path = archive
        .with_right_checksums()
        .write(project.archive("edited.tar"));
    project.import(&path, &["--rewrite-urls"]).ends_with(0);
    project.state().assert_same_content(&original);
}

#[test]
fn files_of_other_providers_that_the_project_has_are_told_as_left_behind() {
    let project = Project::testdata();
    let archive = our_archive(&project);
    project
        .sql("UPDATE files SET provider = 'cloudinary', url = 'https://c/' || hash WHERE id < 3");
    project
        .import(&archive, &["--dry-run"])
        .ends_with(0)
        .says(["files of the provider `cloudinary`: 7 that rows of the project name lie there, and stay there"]);
}

fn a_value_that_its_new_url_makes_too_long_is_refused_before_the_load(server: Server) {
    let site = Site::new(server);
    let (before, url) = (site.database.tables(), "https://b/n.png");
    let original = crate::support::databases::our_archive(server);
    let names = files_of(original).into_keys();
    let name = names
        .into_iter()
        .find(|name| name.starts_with("naive_"))
        .unwrap();
    let own = format!("\"/uploads/{name}\"");
    let text = format!("{url} {}", "x".repeat(255 - 1 - url.len()));
    let edited = Tarball::read(original).edit_lines(ENTITIES, |lines| {
        for line in lines {
            if line.starts_with("{\"type\":\"plugin::upload.file\"") {
                *line = line.replacen(&own, &format!("\"{url}\""), 1);
            }
            if line.starts_with("{\"type\":\"api::article.article\",\"id\":1,") {
                let mut entity: serde_json::Value = serde_json::from_str(line).unwrap();
                entity["data"]["title"] = text.as_str().into();
                *line = entity.to_string();
            }
        }
    });
    let path = edited
        .with_right_checksums()
        .write(site.archives().join("edited.tar"));
    for options in [&["--dry-run"][..], &[]] {
        let wait = ["--lock-wait", "1m", "--rewrite-urls"];
        site.import(&path, &[&wait[..], options].concat())
            .ends_with(1)
            .says([
                "api::article.article 1, attribute `title`: with the new urls of its files it is longer",
                "nothing was changed",
            ]);
    }
    assert!(before == site.database.tables());
    site.import(&path, &["--lock-wait", "1m", "--dry-run"])
        .ends_with(0);
}

#[test]
fn a_logo_comes_with_the_provider_of_the_project() {
    let project = Project::testdata();
    let settings = "INSERT INTO strapi_core_store_settings (id, key, value, type) VALUES
        (900, 'core_admin_project-settings', '@', 'object');
        DELETE FROM strapi_core_store_settings WHERE key = 'core_admin_project-settings' AND id <> 900;";
    let logo = |provider: &str, url: &str| {
        format!(
            r#"{{"menuLogo":{{"name":"l.png","hash":"logo_1","url":"{url}","width":1,"height":1,"ext":".png","size":0.1,"provider":"{provider}"}},"authLogo":null}}"#
        )
    };
    let here = logo("local", "/uploads/logo_1.png");
    fs::write(project.uploads().join("logo_1.png"), "logo").unwrap();
    project.sql(&settings.replace('@', &here));
    let expected = project.state();
    let archive = Tarball::read(&project.export("site", &[]))
        .replace(
            CONFIGURATION,
            "\"url\":\"/uploads/logo_1.png\"",
            "\"url\":\"https://b.example.com/logo_1.png\"",
        )
        .replace(
            CONFIGURATION,
            "\"provider\":\"local\"",
            "\"provider\":\"aws-s3\"",
        );
    let path = archive
        .with_right_checksums()
        .write(project.archive("edited.tar"));
    fs::remove_file(project.uploads().join("logo_1.png")).unwrap();
    project.import(&path, &[]).ends_with(0);
    let after = project.state();
    after.assert_same_content(&expected);
    assert!(after.files == expected.files);
    // Where files come aside its url stays, as those of all files do.
    project.import(&path, &["--files-to", "aside"]).ends_with(0);
    let there = logo("aws-s3", "https://b.example.com/logo_1.png");
    let sql =
        "SELECT value FROM strapi_core_store_settings WHERE key = 'core_admin_project-settings'";
    let value: String = project
        .connect()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(value, there);
    assert!(project.archive("aside/logo_1.png").exists());
}

#[test]
fn rows_and_logos_that_lead_out_of_the_upload_folder_do_not_get_into_a_project() {
    let project = Project::testdata();
    let path = project.export("site", &[]);
    let wrong = [
        (ENTITIES, "\"url\":\"/uploads/", "\"url\":\"/uploads/../../"),
        (ENTITIES, "\"hash\":\"", "\"hash\":\"../../"),
    ];
    for (entry, from, to) in wrong {
        let edited = Tarball::read(&path).replace(entry, from, to);
        let edited = edited
            .with_right_checksums()
            .write(project.archives().join("edited.tar"));
        project
            .run("import", ["-f", edited.to_str().unwrap(), "--force"])
            .ends_with(6)
            .says(["leads out of the media library"]);
    }
}
