//! What the options mean, which of them exclude each other, and what is said about it.

use std::fs;
use std::process::Command;

use crate::support::archive::Archive;
use crate::support::cli::{KEY, Outcome, PLAIN, Project, backup, run, strapi_archive};
use crate::support::files::listing;

/// The whole command line of an export that writes `site.tar.gz.enc`.
const EXPORT: [&str; 4] = ["-f", "site", "-k", KEY];

// ------------------------------------------------------------------ names

#[test]
fn an_archive_is_called_after_the_local_time_unless_it_is_given_a_name() {
    let project = Project::testdata();
    let now = || {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
        let now = jiff::Timestamp::now().to_zoned(zone);
        now.strftime("export_%Y%m%d%H%M%S.tar.gz.enc").to_string()
    };
    let before = now();
    let mut command = project.command("export", ["-k", KEY]);
    run(command.env("TZ", "JST-9")).ends_with(0);
    let names = listing(&project.archives());
    assert_eq!(names.len(), 1);
    assert_eq!(names[0].len(), "export_YYYYMMDDHHMMSS.tar.gz.enc".len());
    assert!((before..=now()).contains(&names[0]), "{names:?}");
}

#[test]
fn the_extensions_of_an_archive_follow_its_packing_and_are_not_doubled() {
    for (file, options, expected) in [
        ("site", &["-k", KEY][..], "site.tar.gz.enc"),
        ("site.tar.gz.enc", &["-k", KEY], "site.tar.gz.enc"),
        ("site.tar.gz", &["-k", KEY, "--no-compress"], "site.tar.enc"),
        ("site.tar.gz.enc", &["--no-encrypt"], "site.tar.gz"),
        ("site.2026.10", &PLAIN, "site.2026.10.tar"),
        ("folder/site", &PLAIN, "folder/site.tar"),
    ] {
        let project = Project::testdata();
        fs::create_dir(project.archive("folder")).unwrap();
        let outcome = project.run("export", [&["-f", file], options].concat());
        let outcome = outcome.ends_with(0);
        assert!(project.archive(expected).is_file(), "{file} {options:?}");
        assert!(outcome.stdout.contains(expected), "{}", outcome.all());
        let packed = fs::read(project.archive(expected)).unwrap();
        let recognised = match expected.rsplit_once('.').unwrap().1 {
            "tar" => &packed[257..262] == b"ustar",
            "gz" => packed.starts_with(&[0x1f, 0x8b]),
            _ => packed.len().is_multiple_of(16),
        };
        assert!(recognised, "{expected}");
    }
}

#[test]
fn the_project_is_the_current_folder_unless_it_is_named() {
    let project = Project::testdata();
    let file = project.archive("site");
    let mut command = backup(["export", "--no-encrypt", "-f"]);
    run(command.arg(&file).current_dir(project.path())).ends_with(0);
    assert_eq!(listing(&project.archives()), ["site.tar.gz"]);
}

#[test]
fn an_export_into_the_public_folder_says_who_can_fetch_it() {
    let project = Project::testdata();
    let elsewhere = project.archive("uploads");
    fs::rename(project.uploads(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, project.uploads()).unwrap();
    let public = project.path().join("public");
    let at = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    for (file, format, served) in [
        (at(&public.join("site")), "tar", "/site.tar"),
        (
            at(&project.uploads().join("site")),
            "tar",
            "/uploads/site.tar",
        ),
        (at(&elsewhere.join("other")), "tar", "/uploads/other.tar"),
        (at(&public.join("../public/tree")), "dir", "/tree"),
    ] {
        let options = [&["-f", &file, "--format", format], &PLAIN[..]].concat();
        let told = format!("Strapi serves it to everybody as {served};");
        let outcome = project.run("export", options).ends_with(0).says([&told]);
        let first = outcome.stderr.lines().next().unwrap_or_default();
        assert!(first.starts_with("note: "), "{}", outcome.all());
    }
    // Also where it gets its name and place by default.
    let mut command = project.command("export", PLAIN);
    run(command.arg("--strict").current_dir(&public))
        .ends_with(3)
        .says(["Strapi serves it to everybody as /export_"]);
    let quiet = project.run("export", [&["-f", "site"], &PLAIN[..]].concat());
    assert!(!quiet.ends_with(0).stderr.contains("serves"));
}

#[test]
fn a_folder_is_never_written_over() {
    let project = Project::testdata();
    fs::create_dir(project.archive("site.tar")).unwrap();
    fs::write(project.archive("site.tar/precious"), "").unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project
        .run("export", options)
        .ends_with(2)
        .says(["site.tar is a folder", "--file"]);
    let dir = ["-f", "site.tar", "--no-encrypt", "--format", "dir"];
    project
        .run("export", dir)
        .ends_with(2)
        .says(["not an empty folder", "--file"]);
    assert_eq!(listing(&project.archive("site.tar")), ["precious"]);
    assert_eq!(listing(&project.archives()), ["site.tar"]);
}

// ------------------------------------------------------------------ questions and rehearsals

#[test]
fn an_import_without_force_and_without_a_terminal_refuses_before_it_looks_at_anything() {
    let project = Project::testdata();
    let before = project.state();
    for file in [
        strapi_archive().to_str().unwrap(),
        "there is no such archive",
    ] {
        project.run("import", ["-f", file]).ends_with(2).says([
            "an import deletes data",
            "no terminal",
            "--force",
            "--dry-run",
        ]);
    }
    before.assert_untouched(&project);
}

#[test]
fn a_dry_run_prints_the_plan_and_changes_nothing() {
    let project = Project::testdata();
    let before = project.state();
    let database = project.database().canonicalize().unwrap();
    let archive = strapi_archive();
    let outcome = project
        .run("import", ["--dry-run", "-f", archive.to_str().unwrap()])
        .ends_with(0);
    before.assert_untouched(&project);
    for text in [
        "archive: made 2026-11-20T15:45:25.965Z on Strapi 5.54.0",
        database.to_str().unwrap(),
        "to be deleted:",
        "        30  api::article.article",
        "        43  core-store",
        "        10  files of the media library in ",
        "not touched: administrators, roles and tokens",
    ] {
        assert!(outcome.stderr.contains(text), "{text}\n{}", outcome.all());
    }
    assert!(
        outcome.stdout.contains("api::article.article"),
        "{}",
        outcome.all()
    );
    assert!(
        outcome.stdout.ends_with("Dry run: nothing was changed\n"),
        "{}",
        outcome.all()
    );
}

#[test]
fn a_plan_names_the_settings_that_decide_who_gets_in() {
    let project = Project::testdata();
    let archive = strapi_archive();
    let beginning = "from the archive come ";
    let outcome = project.import(&archive, &["--dry-run"]).ends_with(0);
    assert_eq!(
        outcome.lines(beginning),
        [
            "from the archive come settings of who gets in: core_admin_auth, plugin_users-permissions_advanced, \
             plugin_users-permissions_email, plugin_users-permissions_grant",
            "from the archive come webhooks, which tell others of changes: 1",
        ]
    );
    let outcome = project.import(&archive, &["--dry-run", "--exclude", "config"]);
    assert!(outcome.lines(beginning).is_empty(), "{}", outcome.all());
}

#[test]
fn a_dry_run_finds_the_faults_an_import_would() {
    let project = Project::testdata();
    project.edit("package.json", "5.54.0", "5.54.1");
    let archive = strapi_archive();
    let options = ["--dry-run", "-f", archive.to_str().unwrap()];
    project.run("import", options).ends_with(4);
}

#[test]
fn a_partial_plan_says_what_stays() {
    let project = Project::testdata();
    let archive = strapi_archive();
    let options = [
        "--dry-run",
        "--only",
        "config",
        "-f",
        archive.to_str().unwrap(),
    ];
    let outcome = project.run("import", options).ends_with(0);
    let stays = "not touched: content, files, administrators, roles and tokens";
    assert_eq!(outcome.lines("not touched"), [stays]);
    assert!(
        !outcome.stderr.contains("api::article.article"),
        "{}",
        outcome.all()
    );
}

#[test]
fn the_table_at_the_end_counts_by_content_type_and_file_extension() {
    let project = Project::testdata();
    let outcome = project.run("export", EXPORT).ends_with(0);
    let count = |name: &str| {
        let line = outcome
            .stdout
            .lines()
            .rfind(|line| line.ends_with(&format!("  {name}")));
        let line = line.unwrap_or_else(|| panic!("no {name}\n{}", outcome.all()));
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(count("-- api::tag.tag"), "6");
    assert_eq!(count("-- .png"), "8");
    assert_eq!(count("entities"), "82");
    assert_eq!(count("links"), "551");
    assert_eq!(count("Total"), "719");
}

// ------------------------------------------------------------------ spellings

#[test]
fn options_of_strapi_are_understood_in_its_spelling_and_in_ours() {
    let project = Project::testdata();
    for [versions, schemas, conflicts] in [
        [
            "--versionStrategy",
            "--schemaStrategy",
            "--conflictStrategy",
        ],
        [
            "--version-strategy",
            "--schema-strategy",
            "--conflict-strategy",
        ],
    ] {
        let options = [versions, "minor", schemas, "strict", conflicts, "restore"];
        project.import(&strapi_archive(), &options).ends_with(0);
    }
    for [size, only, exclude] in [
        [
            "--maxSizeJsonl",
            "--onlyContentTypes",
            "--excludeContentTypes",
        ],
        [
            "--max-size-jsonl",
            "--only-content-types",
            "--exclude-content-types",
        ],
    ] {
        let options = [
            size,
            "1",
            only,
            "api::tag.tag",
            exclude,
            "api::author.author",
        ];
        let archive = project.exported(&options);
        assert_eq!(archive.lines("entities").len(), 6);
    }
}

#[test]
fn values_that_mean_nothing_are_refused() {
    let project = Project::testdata();
    let archive = strapi_archive();
    let before = project.state();
    for options in [
        ["--versionStrategy", "loose"],
        ["--schemaStrategy", "loose"],
        ["--conflictStrategy", "merge"],
        ["--only", "media-library"],
        ["--exclude", "everything"],
    ] {
        project
            .import(&archive, &options)
            .ends_with(2)
            .says([options[1]]);
    }
    before.assert_untouched(&project);
    let size = ["-f", "site", "--no-encrypt", "--max-size-jsonl", "0"];
    project
        .run("export", size)
        .ends_with(2)
        .says(["--max-size-jsonl"]);
    let format = ["-f", "site", "--no-encrypt", "--format", "zip"];
    project
        .run("export", format)
        .ends_with(2)
        .says(["zip", "tar", "dir"]);
    let dir = ["-f", "site", "--format", "dir", "-k", KEY];
    project
        .run("export", dir)
        .ends_with(2)
        .says(["cannot be encrypted", "--no-encrypt"]);
    assert!(listing(&project.archives()).is_empty());
}

// ------------------------------------------------------------------ filters

#[test]
fn filters_that_contradict_themselves_are_refused() {
    let project = Project::testdata();
    let tag = "api::tag.tag";
    let before = project.state();
    for (options, said) in [
        (
            &["--only", "content", "--exclude", "content"][..],
            "`content` is both",
        ),
        (
            &["--only", "files,config", "--exclude", "config"],
            "`config` is both",
        ),
        (&["--exclude", "content,files,config"], "nothing is left"),
        (
            &["--only-content-types", tag, "--exclude-content-types", tag],
            "`api::tag.tag` is both",
        ),
    ] {
        let export = [&EXPORT[..], options].concat();
        project.run("export", export).ends_with(2).says([said]);
        project
            .import(&strapi_archive(), options)
            .ends_with(2)
            .says([said]);
    }
    assert!(listing(&project.archives()).is_empty());
    before.assert_untouched(&project);
}

#[test]
fn content_types_that_do_not_exist_are_named_beside_those_that_do() {
    let project = Project::testdata();
    let before = project.state();
    for option in ["--only-content-types", "--exclude-content-types"] {
        let options = [option, "api::tag.tag,api::tga.tga"];
        let said = [
            option,
            "do not exist: api::tga.tga",
            "api::author.author, api::bookmark",
            "plugin::upload.file, plugin::upload.folder",
            "plugin::users-permissions.user",
        ];
        let export = [&EXPORT[..], &options].concat();
        project.run("export", export).ends_with(2).says(said);
        project
            .import(&strapi_archive(), &options)
            .ends_with(2)
            .says(said);
    }
    assert!(listing(&project.archives()).is_empty());
    before.assert_untouched(&project);
}

// ------------------------------------------------------------------ incomplete results

#[test]
fn an_export_of_what_is_there_lists_what_is_missing() {
    let project = Project::testdata();
    project.sql(
        "INSERT INTO articles_tags_lnk (article_id, tag_id) VALUES (1, 777);
         INSERT INTO files_related_mph (file_id, related_id, related_type, field) VALUES
            (2, 888, 'api::article.article', 'gallery')",
    );
    for file in ["naive_e42753c248.png", "small_big_one_d7c4af0ac8.png"] {
        fs::remove_file(project.uploads().join(file)).unwrap();
    }
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(3);
    let lines = outcome.lines("warning: ");
    assert_eq!(lines.len(), 3, "{}", outcome.all());
    for texts in [
        ["plugin::upload.file 2 ", "(naive_e42753c248.png)"],
        ["format thumbnail", "(thumbnail_naive_e42753c248.png)"],
        ["format small", "(small_big_one_d7c4af0ac8.png)"],
    ] {
        let told = |line: &&&str| texts.iter().all(|text| line.contains(text));
        let told = lines
            .iter()
            .filter(told)
            .filter(|line| line.contains("is left out"));
        assert_eq!(told.count(), 1, "{texts:?}\n{}", outcome.all());
    }
    // What the site itself lacks is no fault of the export.
    let notes = outcome.lines("note: ");
    assert_eq!(notes.len(), 2, "{}", outcome.all());
    assert_eq!(
        notes[0],
        "note: links of `related` of plugin::upload.file: 1 left out: plugin::upload.file 2 (related) -> \
         api::article.article 888 (gallery): one of the two does not exist"
    );
    assert!(notes[1].contains("api::tag.tag 777"), "{}", notes[1]);
    let end = "incomplete: 3 files are missing (listed above)";
    assert!(outcome.stderr.contains(end), "{}", outcome.all());
    let archive = Archive::open(&project.archive("site.incomplete.tar"), None);
    assert_eq!(archive.assets().len(), 10 - 3);
    assert_eq!(archive.lines("links").len(), 551);
}

#[test]
fn what_stands_in_the_place_of_an_upload_and_is_no_file_is_missing() {
    let project = Project::testdata();
    let [pipe, folder] =
        ["notes_36b3257a18.txt", "small_2a9128b856.png"].map(|name| project.uploads().join(name));
    fs::remove_file(&pipe).unwrap();
    fs::remove_file(&folder).unwrap();
    run(Command::new("mkfifo").arg(&pipe)).ends_with(0);
    fs::create_dir(&folder).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = project.run("export", options).ends_with(3);
    assert_eq!(outcome.lines("warning: ").len(), 2, "{}", outcome.all());
}

#[test]
fn an_import_lists_the_links_whose_rows_are_not_in_the_archive() {
    let project = Project::testdata();
    let folder = project.unpacked();
    let entities = folder.join("entities/entities_00001.jsonl");
    let text = fs::read_to_string(&entities).unwrap();
    let author = |line: &&str| !line.starts_with(r#"{"type":"api::author.author","id":2,"#);
    fs::write(
        &entities,
        text.lines().filter(author).collect::<Vec<_>>().join("\n"),
    )
    .unwrap();
    let outcome = project.import(&folder, &[]).ends_with(0);
    let links: Vec<&str> = outcome.lines("note: ");
    let links: Vec<&&str> = links
        .iter()
        .filter(|line| line.contains(" links of "))
        .collect();
    let said = "api::author.author 2 is not in the archive";
    assert!(
        !links.is_empty() && links.iter().all(|line| line.contains(said)),
        "{}",
        outcome.all()
    );
    assert_eq!(project.state().tables["authors"].len(), 2);
}

// ------------------------------------------------------------------ help

#[test]
fn the_help_of_each_command_has_examples() {
    for (verb, example) in [
        ("export", "backup export --project"),
        ("import", "backup import --project"),
        ("completions", "backup completions bash"),
        ("convert", "backup convert site.tar.gz.enc"),
        ("prisma export", "backup prisma export --project"),
        ("prisma import", "backup prisma import --data"),
        ("prisma verify", "backup prisma verify export.zip"),
        ("dgraph verify", "backup dgraph verify dgraph.r91"),
    ] {
        let words = verb.split(' ').chain(["--help"]);
        let Outcome { stdout, .. } = run(&mut backup(words)).ends_with(0);
        assert!(stdout.contains(example), "{stdout}");
    }
    let Outcome { stdout, .. } = run(&mut backup(["--help"])).ends_with(0);
    assert!(
        stdout.contains("Exit codes: 0 done, 1 failed, 2 usage"),
        "{stdout}"
    );
}

#[test]
fn without_a_command_the_help_is_shown_and_nothing_done() {
    run(&mut backup([""; 0]))
        .ends_with(2)
        .says(["export", "import"]);
    run(&mut backup(["import"])).ends_with(2).says(["--file"]);
    let version = run(&mut backup(["--version"])).ends_with(0);
    assert_eq!(
        version.stdout,
        format!("backup {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let outcome = run(&mut backup(["completions", shell])).ends_with(0);
        assert!(outcome.stdout.contains("only-content-types"), "{shell}");
        assert!(outcome.stderr.is_empty(), "{}", outcome.all());
    }
    run(&mut backup(["completions", "tcsh"]))
        .ends_with(2)
        .says(["tcsh"]);
}

// ------------------------------------------------------------------ what is said

#[test]
fn verbose_runs_end_with_where_the_time_went() {
    let project = Project::testdata();
    let archive = project.archive("site.tar.gz.enc");
    let archive = archive.to_str().unwrap();
    let runs: [(&str, &[&str], &[&str]); 3] = [
        ("export", &EXPORT, &["database", "lines of JSON"]),
        ("verify", &[archive, "-k", KEY], &["lines of JSON"]),
        (
            "import",
            &["-f", archive, "-k", KEY, "--force"],
            &["database", "lines of JSON"],
        ),
    ];
    for (verb, options, parts) in runs {
        let with = |more: &[&str]| {
            let options = [options, more].concat();
            match verb {
                "verify" => run(&mut backup([&["verify"], &options[..]].concat())),
                _ => project.run(verb, options),
            }
        };
        let outcome = with(&["--verbose"]).ends_with(0);
        let told = outcome.lines("where ");
        let [told] = told[..] else {
            panic!("{verb}\n{}", outcome.all());
        };
        assert!(told.contains(" went: ") && told.contains("; the brake is "));
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
        if verb == "export" {
            fs::remove_file(archive).unwrap();
        }
        assert!(with(&[]).ends_with(0).lines("where ").is_empty());
    }
}
