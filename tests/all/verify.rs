//! `backup verify`, and that an archive proves itself: what is not as it was written is found, named, and never
//! restored.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::archive::{Archive, decrypt, encrypt};
use crate::support::cli::{
    KEY, Outcome, PLAIN, Project, backup, run, strapi_archive, strapi_archive_of, testdata,
};
use crate::support::restore::assert_exports;
use crate::support::running::Running;
use crate::support::tarball::{ENTITIES, Entry, LINKS, Tarball, gzip};

/// Checks an archive.
fn verify(archive: &Path, options: &[&str]) -> Outcome {
    let archive = archive.to_str().unwrap();
    run(&mut backup([&["verify", archive], options].concat()))
}

/// Our plain export of the project in `testdata`, changed, as a file.
fn changed(project: &Project, change: impl FnOnce(&mut Tarball)) -> PathBuf {
    let mut tarball = Tarball::read(&project.export("good", &[]));
    change(&mut tarball);
    tarball.write(project.archive("changed.tar"))
}

/// Our encrypted export, changed by somebody who has the key of the cipher but not what authenticates.
fn encrypted(project: &Project, change: impl FnOnce(Tarball) -> Tarball) -> PathBuf {
    let options = ["-f", "site", "-k", KEY, "--no-compress", "--overwrite"];
    project.run("export", options).ends_with(0);
    let path = project.archive("site.tar.enc");
    let tarball = Tarball::of(&decrypt(&fs::read(&path).unwrap(), KEY));
    fs::write(&path, encrypt(&change(tarball).bytes(), KEY)).unwrap();
    path
}

/// The notes, but for the one that the key of the tests stands on the command line.
fn notes(outcome: &Outcome) -> Vec<&str> {
    let mut notes = outcome.lines("note");
    notes.retain(|note| !note.contains("a key on the command line"));
    notes
}

#[test]
fn every_form_of_an_export_is_whole() {
    let project = Project::testdata();
    for (options, name) in [
        (&["--no-encrypt", "--no-compress"][..], "site.tar"),
        (&["--no-encrypt"], "site.tar.gz"),
        (&["-k", KEY], "site.tar.gz.enc"),
        (&["-k", KEY, "--no-compress"], "site.tar.enc"),
        (&["--no-encrypt", "--format", "dir"], "site"),
    ] {
        project
            .run("export", [&["-f", "site"], options].concat())
            .ends_with(0);
        let key = name.ends_with(".enc");
        let options = if key { &["-k", KEY][..] } else { &[] };
        let outcome = verify(&project.archive(name), options).ends_with(0);
        let authenticated = outcome.stdout.contains("somebody who knew the key");
        assert_eq!(authenticated, key, "{}", outcome.all());
        assert!(outcome.stdout.contains("The archive is whole\n"));
        assert!(notes(&outcome).is_empty(), "{}", outcome.all());
    }
}

#[test]
fn archives_of_strapi_are_whole_and_nothing_protects_them() {
    for (archive, options) in [
        (strapi_archive(), &[][..]),
        (strapi_archive_of(4), &[]),
        (testdata("strapi-export.tar.gz.enc"), &["-k", KEY]),
    ] {
        let outcome = verify(&archive, options).ends_with(0);
        let notes = notes(&outcome);
        assert_eq!(notes.len(), 1, "{}", outcome.all());
        assert!(notes[0].contains("nothing protects its bytes"));
        verify(&archive, &[options, &["--strict"]].concat()).ends_with(3);
    }
}

#[test]
fn sha256sum_reads_the_checksums() {
    let project = Project::testdata();
    let folder = project.export_unpacked("site");
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "checksums.sha256"]);
    let outcome = run(check.current_dir(folder)).ends_with(0);
    // Schemas, entities, links, configuration, metadata, manifest, result; ten files with their sidecars.
    assert_eq!(outcome.stdout.lines().count(), 7 + 2 * 10);
}

#[test]
fn a_wrong_key_is_told_apart_from_damage() {
    let archive = testdata("strapi-export.tar.gz.enc");
    verify(&archive, &["-k", "wrong"])
        .ends_with(12)
        .says(["the key does not open"]);
    verify(&archive, &[]).ends_with(2).says(["a key is needed"]);
}

#[test]
fn each_kind_of_damage_is_named() {
    type Change = fn(&mut Tarball);
    let cases: [(Change, &str); 13] = [
        (
            |tar| tar.entry("assets/uploads/notes_36b3257a18.txt").content[0] ^= 1,
            "assets/uploads/notes_36b3257a18.txt is not what checksums.sha256 says",
        ),
        (
            |tar| drop(tar.remove("configuration/configuration_00001.jsonl")),
            "configuration/configuration_00001.jsonl is missing",
        ),
        (
            |tar| tar.entries.insert(9, Entry::file("notes.txt", "more")),
            "notes.txt is not listed in checksums.sha256",
        ),
        (
            |tar| tar.entries.insert(9, tar.entries[7].clone()),
            "stands there twice",
        ),
        (
            |tar| drop(tar.remove("checksums.sha256")),
            "checksums.sha256 is missing",
        ),
        (
            |tar| drop(tar.remove("manifest.json")),
            "manifest.json is missing, but what belongs to it is there",
        ),
        (
            |tar| drop(tar.remove("result.json")),
            "result.json is missing",
        ),
        (
            |tar| tar.entry("checksums.sha256").content[70] ^= 1,
            "is not listed in checksums.sha256",
        ),
        (
            |tar| {
                *tar = std::mem::replace(
                    tar,
                    Tarball {
                        entries: Vec::new(),
                    },
                )
                .edit_lines(LINKS, |lines| {
                    lines.pop();
                })
                .with_right_checksums()
            },
            "it holds 550 links; result.json says 551",
        ),
        (
            |tar| {
                let line = |lines: &mut Vec<String>| lines[0] = "{\"type\":".into();
                *tar = std::mem::replace(
                    tar,
                    Tarball {
                        entries: Vec::new(),
                    },
                )
                .edit_lines(ENTITIES, line)
                .with_right_checksums();
            },
            "entities/entities_00001.jsonl, line 1: EOF while parsing",
        ),
        (
            |tar| drop(tar.remove("assets/metadata/notes_36b3257a18.txt.json")),
            "assets/uploads/notes_36b3257a18.txt has no sidecar",
        ),
        (
            |tar| drop(tar.remove("assets/uploads/notes_36b3257a18.txt")),
            "assets/uploads/notes_36b3257a18.txt is missing, though it has a sidecar",
        ),
        (
            |tar| tar.entry(LINKS).name = "links/links_00002.jsonl".into(),
            "links/links_00001.jsonl is missing",
        ),
    ];
    let project = Project::testdata();
    let before = project.state();
    for (change, said) in cases {
        let archive = changed(&project, change);
        verify(&archive, &[]).ends_with(6).says([said, "error: "]);
        project.import(&archive, &[]).ends_with(6);
        before.assert_untouched(&project);
    }
}

#[test]
fn a_check_goes_on_after_what_is_wrong_and_lists_all_of_it() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        for name in ["notes_36b3257a18.txt", "small_2a9128b856.png"] {
            tar.entry(&format!("assets/uploads/{name}")).content[0] ^= 1;
        }
        let entities = tar.entry(ENTITIES);
        entities.content[0] = b'x';
    });
    let outcome = verify(&archive, &[]).ends_with(6);
    let faults = outcome.lines("error: ");
    for said in [
        "notes_36b3257a18.txt",
        "small_2a9128b856.png",
        "entities_00001.jsonl, line 1:",
        "entities_00001.jsonl is not what",
        "it holds 82 entities",
    ] {
        let found = faults.iter().any(|fault| fault.contains(said));
        assert_eq!(
            found,
            !said.starts_with("it holds"),
            "{said}\n{}",
            outcome.all()
        );
    }
    assert!(
        outcome.stdout.ends_with("The archive is damaged\n"),
        "{}",
        outcome.all()
    );
}

#[test]
fn what_stands_where_zeros_belong_is_damage() {
    let project = Project::testdata();
    let good = fs::read(project.export("good", &[])).unwrap();
    let path = project.archive("stained.tar");
    let metadata = 512 + 200;
    let mut padding = good.clone();
    padding[metadata] = b'x';
    let mut end = good.clone();
    *end.last_mut().unwrap() = b'x';
    let behind = [&good[..], &[0; 2048], b"x"].concat();
    for (bytes, said) in [
        (padding, "behind the entry metadata.json stands something"),
        (end, "behind the end of the tar stands something"),
        (behind, "behind the end of the tar stands something"),
    ] {
        fs::write(&path, bytes).unwrap();
        verify(&path, &[]).ends_with(6).says([said]);
        project.import(&path, &[]).ends_with(6);
    }
    fs::write(&path, [&good[..], &[0; 4096]].concat()).unwrap();
    verify(&path, &[]).ends_with(0);
    let packed = project.archive("stained.tar.gz");
    for behind in [&b"x"[..], &[0; 512]] {
        fs::write(&packed, [&gzip(&good)[..], behind].concat()).unwrap();
        verify(&packed, &[]).ends_with(6);
        project.import(&packed, &[]).ends_with(6);
    }
}

#[test]
fn shards_of_strapi_that_are_missing_are_noticed() {
    let project = Project::testdata();
    let mut tarball = Tarball::read(&strapi_archive());
    let entities = tarball.entry(ENTITIES);
    entities.name = "entities/entities_00002.jsonl".into();
    let archive = tarball.write(project.archive("gap.tar"));
    verify(&archive, &[])
        .ends_with(6)
        .says(["entities/entities_00001.jsonl is missing"]);
    project.import(&archive, &[]).ends_with(6);
}

#[test]
fn an_archive_that_was_made_incomplete_is_whole_and_says_so() {
    let project = Project::testdata();
    fs::remove_file(project.uploads().join("notes_36b3257a18.txt")).unwrap();
    project
        .run("export", [&["-f", "site"], &PLAIN[..]].concat())
        .ends_with(3);
    let archive = project.archive("site.incomplete.tar");
    let outcome = verify(&archive, &[]).ends_with(3);
    assert!(outcome.stdout.ends_with("whole, but incomplete\n"));
    outcome.says(["it was incomplete when it was made", "notes_36b3257a18.txt"]);
    let result = Archive::open(&archive, None).json("result.json");
    assert_eq!(result["status"], "incomplete");
    assert_eq!(result["warnings"][0]["kind"], "missingAsset");
}

#[test]
fn dangling_links_are_a_note_in_archives_of_strapi_and_damage_in_ours() {
    let project = Project::testdata();
    let dangle = |lines: &mut Vec<String>| {
        let to = |line: &&mut String| {
            line.contains("\"right\":{\"type\":\"api::tag.tag\",\"field\":\"articles\",\"ref\":")
        };
        let line = lines.iter_mut().find(to).unwrap();
        *line = line.replace(
            "\"field\":\"articles\",\"ref\":",
            "\"field\":\"articles\",\"ref\":77",
        );
    };
    let strapis = Tarball::read(&strapi_archive()).edit_lines(LINKS, dangle);
    verify(&strapis.write(project.archive("strapis.tar")), &[])
        .ends_with(0)
        .says(["note: links of `tags` of api::article.article: 1 left out"]);
    let ours = Tarball::read(&project.export("good", &[]));
    let ours = ours.edit_lines(LINKS, dangle).with_right_checksums();
    verify(&ours.write(project.archive("ours.tar")), &[])
        .ends_with(6)
        .says(["links that join what the archive does not hold: 1"]);
}

#[test]
fn a_project_tells_whether_the_archive_would_restore_into_it() {
    let project = Project::testdata();
    let before = project.state();
    let archive = project.export("site", &[]);
    let path = project.path();
    let options = ["--project", path.to_str().unwrap()];
    verify(&archive, &options).ends_with(0);
    project.edit("package.json", "5.54.0", "5.53.0");
    verify(&archive, &options)
        .ends_with(4)
        .says(["the archive is of Strapi 5.54.0"]);
    let damaged = changed(&project, |tar| drop(tar.remove("result.json")));
    project.edit("package.json", "5.53.0", "5.54.0");
    project.edit_content_types(|types| {
        types["api::tag.tag"]["attributes"]["name"]["type"] = "text".into();
    });
    verify(&archive, &options)
        .ends_with(5)
        .says(["api::tag.tag: attribute `name`"]);
    let lenient = [&options[..], &["--schema-strategy", "ignore"]].concat();
    verify(&archive, &lenient).ends_with(0);
    // What is worst decides.
    let outcome = verify(&damaged, &options).ends_with(6);
    outcome.says(["api::tag.tag: attribute `name`", "result.json is missing"]);
    assert_eq!(before.uploads(), project.state().uploads());
}

#[test]
fn an_archive_may_come_through_a_pipe_and_be_written_to_one() {
    let project = Project::testdata();
    let path = project.path();
    let export = [
        "export",
        "-f",
        "-",
        "-k",
        KEY,
        "--project",
        path.to_str().unwrap(),
    ];
    let output = backup(export).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("The archive is in stdout"), "{stderr}");
    let archive = project.archive("site.tar.gz.enc");
    fs::write(&archive, output.stdout).unwrap();
    let through_a_pipe = |arguments: &[&str]| {
        let mut cat = Command::new("cat");
        let mut cat = cat.arg(&archive).stdout(Stdio::piped()).spawn().unwrap();
        let mut command = project.command(arguments[0], arguments[1..].iter().copied());
        let outcome = run(command.stdin(cat.stdout.take().unwrap()));
        cat.wait().unwrap();
        outcome
    };
    let project_options = ["verify", "-", "-k", KEY];
    through_a_pipe(&project_options).ends_with(0);
    let before = project.state();
    project.sql("DELETE FROM tags; UPDATE articles SET title = 'changed'");
    through_a_pipe(&["import", "-f", "-", "-k", KEY, "--force"]).ends_with(0);
    before.assert_same_content(&project.state());
}

#[test]
fn strapis_archives_may_come_through_a_pipe_though_they_tell_their_version_last() {
    let project = Project::testdata();
    let archive = fs::File::open(strapi_archive()).unwrap();
    project.sql("DELETE FROM tags");
    let mut command = project.command("import", ["-f", "-", "--force"]);
    let mut cat = Command::new("cat");
    let mut cat = cat.stdin(archive).stdout(Stdio::piped()).spawn().unwrap();
    run(command.stdin(cat.stdout.take().unwrap())).ends_with(0);
    cat.wait().unwrap();
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
}

#[test]
fn whoever_changes_an_encrypted_archive_without_the_key_of_its_checksums_is_found_out() {
    let project = Project::testdata();
    let before = project.state();
    let archive = encrypted(&project, |tar| {
        tar.replace(ENTITIES, "\"name\":\"", "\"name\":\"x")
            .with_right_checksums()
    });
    verify(&archive, &["-k", KEY])
        .ends_with(6)
        .says(["checksums.hmac is not that of checksums.sha256"]);
    project.import(&archive, &["-k", KEY]).ends_with(6);
    let archive = encrypted(&project, |mut tar| {
        tar.remove("checksums.hmac");
        tar
    });
    verify(&archive, &["-k", KEY])
        .ends_with(6)
        .says(["checksums.hmac is missing"]);
    project.import(&archive, &["-k", KEY]).ends_with(6);
    before.assert_untouched(&project);
}

#[test]
fn what_looks_like_an_archive_of_strapis_is_taken_with_a_note_unless_it_must_be_authentic() {
    let project = Project::testdata();
    let stripped = encrypted(&project, |mut tar| {
        let ours = [
            "manifest.json",
            "result.json",
            "checksums.sha256",
            "checksums.hmac",
        ];
        tar.entries
            .retain(|entry| !ours.contains(&entry.name.as_str()));
        tar
    });
    let demand = ["-k", KEY, "--require-authentication"];
    let before = project.state();
    for outcome in [
        verify(&stripped, &demand),
        project.import(&stripped, &demand),
    ] {
        outcome
            .ends_with(6)
            .says(["is not authenticated", "--require-authentication"]);
    }
    let plain = project.export("plain", &[]);
    verify(&plain, &["--require-authentication"])
        .ends_with(6)
        .says(["it is not encrypted"]);
    project
        .import(&plain, &["--require-authentication"])
        .ends_with(6);
    before.assert_untouched(&project);
    project
        .import(&stripped, &["-k", KEY])
        .ends_with(0)
        .says(["note: ", "nothing protects its bytes"]);
    let whole = encrypted(&project, |tar| tar);
    verify(&whole, &demand).ends_with(0);
    project.import(&whole, &demand).ends_with(0);
}

#[test]
fn an_archive_that_was_decrypted_by_hand_is_whole_but_not_authenticated() {
    let project = Project::testdata();
    let path = encrypted(&project, |tar| tar);
    let plain = project.archive("plain.tar");
    fs::write(&plain, decrypt(&fs::read(path).unwrap(), KEY)).unwrap();
    let outcome = verify(&plain, &[]).ends_with(0);
    assert!(outcome.stdout.contains("nothing proves who listed them"));
}

#[test]
fn a_manifest_of_a_newer_format_asks_for_a_newer_program() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        tar.entry("manifest.json").content = b"{\"format\": 2}".to_vec();
    });
    for outcome in [verify(&archive, &[]), project.import(&archive, &[])] {
        outcome.ends_with(4).says(["format 2", "a newer one"]);
    }
}

#[test]
fn an_archive_that_was_packed_anew_is_whole() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        tar.entries.sort_by(|one, other| one.name.cmp(&other.name));
    });
    verify(&archive, &[])
        .ends_with(0)
        .says(["note: ", "it was packed anew"]);
    let before = project.state();
    project.import(&archive, &[]).ends_with(0);
    before.assert_same_content(&project.state());
}

#[test]
fn a_manifest_says_what_an_archive_was_made_from() {
    let project = Project::testdata();
    let mut command = project.command(
        "export",
        [&["-f", "site", "--exclude", "config"], &PLAIN[..]].concat(),
    );
    run(command.env("TZ", "Europe/Vienna")).ends_with(0);
    let manifest = Archive::open(&project.archive("site.tar"), None).json("manifest.json");
    assert_eq!(manifest["format"], 1);
    assert_eq!(manifest["program"], "backup");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
    let stages = serde_json::json!(["schemas", "entities", "assets", "links"]);
    assert_eq!(manifest["scope"]["stages"], stages);
    let types = manifest["scope"]["types"].as_array().unwrap();
    assert!(types.contains(&"api::tag.tag".into()));
    assert!(!types.contains(&"admin::user".into()));
    assert_eq!(
        manifest["filters"]["exclude"],
        serde_json::json!(["config"])
    );
    assert_eq!(manifest["timeZone"], "Europe/Vienna");
    assert_eq!(manifest["database"], "sqlite");
    assert_eq!(manifest["consistent"], true);
    assert_eq!(manifest["authentication"], serde_json::Value::Null);
}

#[test]
fn rows_that_share_a_file_do_not_make_an_archive_that_holds_it_twice() {
    let project = Project::testdata();
    project.sql(
        "INSERT INTO files (document_id, name, hash, ext, mime, size, url, provider)
         SELECT 'copy', name, hash, ext, mime, size, url, provider FROM files WHERE ext = '.txt'",
    );
    let archive = project.export("site", &[]);
    assert_eq!(Archive::open(&archive, None).assets().len(), 10);
    verify(&archive, &[]).ends_with(0);
    let before = project.state();
    project.import(&archive, &[]).ends_with(0);
    before.assert_same_content(&project.state());
}

#[test]
fn links_of_rows_and_components_that_are_gone_stay_out_of_an_archive() {
    for gone in [
        "DELETE FROM files WHERE id = 1",
        "DELETE FROM components_blocks_heroes WHERE id = 1",
        "DELETE FROM components_shared_links",
        "DELETE FROM articles_cmps WHERE component_type = 'blocks.hero'",
        "DELETE FROM authors",
    ] {
        let project = Project::testdata();
        project.sql(&format!("PRAGMA foreign_keys = OFF; {gone}"));
        let archive = project.export("site", &[]);
        verify(&archive, &[]).ends_with(0);
        project.import(&archive, &[]).ends_with(0);
    }
}

#[test]
fn what_is_wrong_with_one_entry_does_not_hide_what_is_wrong_with_another() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        tar.entry("assets/uploads/notes_36b3257a18.txt").content[0] ^= 1;
        tar.entry(ENTITIES).content[30] = 0xff;
        tar.entry("result.json").content[5] = 0xff;
        tar.entry("schemas/schemas_00001.jsonl").content[0] = b'x';
        tar.entry("metadata.json").content[0] = b'x';
    });
    verify(&archive, &[]).ends_with(6).says([
        "notes_36b3257a18.txt is not what",
        "entities_00001.jsonl, line 1: it is not UTF-8",
        "result.json: it is not UTF-8",
        "schemas_00001.jsonl, line 1: expected value",
        "metadata.json does not tell",
    ]);
    let mut tarball = Tarball::read(&strapi_archive());
    let sidecar = |entry: &Entry| entry.name.starts_with("assets/metadata/");
    tarball.entries.retain(|entry| !sidecar(entry));
    let archive = tarball.write(project.archive("lonely.tar"));
    let outcome = verify(&archive, &[]).ends_with(6);
    assert_eq!(outcome.lines("error: ").len(), 6, "{}", outcome.all());
    assert!(
        outcome.stdout.contains("551"),
        "links are read\n{}",
        outcome.all()
    );
    outcome.says(["5 more files: each has no sidecar"]);
}

#[test]
fn thousands_of_broken_lines_are_told_of_in_a_few() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        let links = tar.entry(LINKS);
        links
            .content
            .iter_mut()
            .filter(|byte| **byte == b'{')
            .for_each(|byte| *byte = b'x');
    });
    let outcome = verify(&archive, &[]).ends_with(6);
    assert!(outcome.stderr.lines().count() < 40, "{}", outcome.all());
    outcome.says(["links/links_00001.jsonl: 546 more lines are none"]);
}

#[test]
fn an_archive_holds_nothing_beside_what_its_manifest_names() {
    let project = Project::testdata();
    for (from, to, said) in [
        (
            "\"assets\",\n",
            "",
            "it holds 10 assets, which manifest.json does not name",
        ),
        (
            "\"api::tag.tag\",\n",
            "",
            "it holds entities of api::tag.tag, which manifest.json does not name",
        ),
    ] {
        let archive = changed(&project, |tar| {
            let manifest = tar.entry("manifest.json");
            let text = String::from_utf8(manifest.content.clone()).unwrap();
            assert!(text.contains(from), "{text}");
            manifest.content = text.replacen(from, to, 1).into_bytes();
            *tar = tar.clone().with_right_checksums();
        });
        verify(&archive, &[]).ends_with(6).says([said]);
        project.import(&archive, &[]).ends_with(6);
    }
}

#[test]
fn an_authentication_is_there_exactly_where_the_manifest_announces_it() {
    let project = Project::testdata();
    let forged = encrypted(&project, |mut tar| {
        let manifest = tar.entry("manifest.json");
        let text = String::from_utf8(manifest.content.clone()).unwrap();
        let start = text.find("\"authentication\"").unwrap();
        manifest.content = format!("{}\"authentication\": null\n}}", &text[..start]).into_bytes();
        tar.with_right_checksums()
    });
    verify(&forged, &["-k", KEY])
        .ends_with(6)
        .says(["checksums.hmac is there, which manifest.json does not announce"]);
    let tarball = Tarball::of(&decrypt(&fs::read(&forged).unwrap(), KEY));
    let mut downgraded = tarball;
    downgraded.remove("checksums.hmac");
    let path = project.archive("downgraded.tar.enc");
    fs::write(&path, encrypt(&downgraded.bytes(), KEY)).unwrap();
    let said = "it is encrypted, and manifest.json announces no authentication";
    verify(&path, &["-k", KEY]).ends_with(6).says([said]);
    project.import(&path, &["-k", KEY]).ends_with(6);
    let demand = ["-k", KEY, "--require-authentication"];
    verify(&path, &demand).ends_with(6);
    project.import(&path, &demand).ends_with(6);
}

#[test]
fn a_media_library_is_not_emptied_by_an_archive_of_strapis_that_has_none() {
    let mut tarball = Tarball::read(&strapi_archive());
    tarball
        .entries
        .retain(|entry| !entry.name.starts_with("assets/"));
    let of_files = |line: &String| !line.contains("plugin::upload.file\"");
    let tarball = tarball
        .edit_lines(ENTITIES, |lines| lines.retain(of_files))
        .edit_lines(LINKS, |lines| lines.retain(of_files));
    let project = Project::testdata();
    let archive = tarball.write(project.archive("site.tar"));
    let before = project.state();
    project
        .import(&archive, &[])
        .ends_with(0)
        .says(["note: the archive holds no files"]);
    let after = project.state();
    assert_eq!(before.uploads(), after.uploads());
    assert_eq!(before.tables["files"], after.tables["files"]);
}

#[test]
fn what_an_archive_was_made_without_cannot_be_asked_of_it() {
    let project = Project::testdata();
    let before = project.state();
    let without = project.export("without", &["--exclude", "files"]);
    project
        .import(&without, &["--only", "files"])
        .ends_with(2)
        .says(["the archive was made without files"]);
    let tags = project.export("tags", &["--only-content-types", "api::tag.tag"]);
    project
        .import(&tags, &["--only-content-types", "api::author.author"])
        .ends_with(2)
        .says(["the archive was made without api::author.author"]);
    before.assert_untouched(&project);
}

#[test]
fn an_unpacked_export_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::testdata();
    let folder = project.export_unpacked("site");
    for (name, mode) in [("", 0o700), ("entities", 0o700), (ENTITIES, 0o600)] {
        let metadata = fs::metadata(folder.join(name)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}

#[test]
fn an_archive_that_is_cut_on_its_way_through_a_pipe_is_cut_and_not_a_full_disk() {
    let project = Project::testdata();
    let before = project.state();
    let archive = fs::read(project.export("site", &[])).unwrap();
    for length in [600, 100_000, archive.len() - 3000] {
        let cut = project.archive("cut.tar");
        fs::write(&cut, &archive[..length]).unwrap();
        let mut command = project.command("import", ["-f", "-", "--force"]);
        run(command.stdin(fs::File::open(&cut).unwrap()))
            .ends_with(6)
            .says(["stdin was cut short"]);
    }
    before.assert_untouched(&project);
}

#[test]
fn a_folder_for_temporary_files_that_is_not_there_does_not_make_an_archive_damaged() {
    let project = Project::testdata();
    let archive = fs::File::open(strapi_archive()).unwrap();
    let mut command = project.command("import", ["-f", "-", "--force"]);
    command.env("TMPDIR", "/nowhere").stdin(archive);
    run(&mut command).ends_with(1).says(["/nowhere"]);
}

#[test]
fn a_run_that_waits_for_its_archive_can_be_interrupted() {
    for signal in ["INT", "TERM", "HUP"] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut command = backup(["verify", "-"]);
        command.stdin(reader);
        let mut running = Running::start(command);
        // More than a pipe holds: when all of it is written, the program reads, and waits for more.
        let archive = fs::read(strapi_archive()).unwrap();
        std::io::Write::write_all(&mut writer, &archive[..200_000]).unwrap();
        running.signal(signal);
        running.end().ends_with(130).says(["error: interrupted"]);
    }
}

#[test]
fn a_note_about_an_archive_from_a_pipe_is_told_once() {
    let project = Project::testdata();
    let mut command = project.command("import", ["-f", "-", "--force"]);
    let outcome = run(command.stdin(fs::File::open(strapi_archive()).unwrap())).ends_with(0);
    assert_eq!(outcome.lines("note: ").len(), 1, "{}", outcome.all());
}

#[test]
fn strategies_without_a_project_to_hold_the_archive_against_make_no_sense() {
    for option in [
        ["--version-strategy", "exact"],
        ["--database-url", "sqlite:x"],
    ] {
        verify(&strapi_archive(), &option)
            .ends_with(2)
            .says(["--project"]);
    }
}

#[test]
fn what_was_checked_is_loaded_also_where_the_archive_is_written_to_meanwhile() {
    let project = Project::testdata();
    for (good, other) in [
        (
            fs::read(strapi_archive()).unwrap(),
            Tarball::read(&strapi_archive())
                .replace(ENTITIES, "\"name\":\"", "\"name\":\"x")
                .bytes(),
        ),
        {
            let good = Tarball::read(&project.export("good", &[]));
            let other = good
                .clone()
                .replace(ENTITIES, "\"name\":\"", "\"name\":\"x");
            (good.bytes(), other.with_right_checksums().bytes())
        },
    ] {
        let before = project.state();
        project.sql("UPDATE tags SET name = 'changed'");
        let archive = project.archive("site.tar");
        fs::write(&archive, good).unwrap();
        let strapi = project.connect();
        strapi.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut running = Running::start(project.import_command(&archive, &[]));
        // It cannot begin to write before the lock is given back.
        running.until("not touched: ");
        fs::write(&archive, other).unwrap();
        strapi.execute_batch("ROLLBACK").unwrap();
        running.end().ends_with(0);
        let (tags, files) = (
            project.state().tables["tags"].clone(),
            project.state().files,
        );
        assert_eq!((&tags, &files), (&before.tables["tags"], &before.files));
    }
}

#[test]
fn folders_of_an_unpacked_archive_may_not_be_links() {
    let project = Project::testdata();
    let folder = project.export_unpacked("site");
    let (uploads, elsewhere) = (folder.join("assets/uploads"), project.archive("elsewhere"));
    fs::rename(&uploads, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &uploads).unwrap();
    verify(&folder, &[])
        .ends_with(6)
        .says(["it is a link, not a folder"]);
    project.import(&folder, &[]).ends_with(6);
}

#[test]
fn components_are_no_entities() {
    let project = Project::testdata();
    let archive = Tarball::read(&strapi_archive()).edit_lines(ENTITIES, |lines| {
        lines.push(r#"{"type":"shared.seo","id":991,"data":{"metaTitle":"x"}}"#.into());
    });
    let archive = archive.write(project.archive("site.tar"));
    for outcome in [verify(&archive, &[]), project.import(&archive, &[])] {
        outcome
            .ends_with(6)
            .says(["shared.seo 991: this is a component"]);
    }
}

#[test]
fn what_is_called_encrypted_has_to_be() {
    let project = Project::testdata();
    let plain = project.export("plain", &[]);
    let called = project.archive("site.tar.gz.enc");
    fs::copy(plain, &called).unwrap();
    let mut command = project.import_command(&called, &[]);
    run(command.env("BACKUP_KEY", KEY))
        .ends_with(6)
        .says(["is not encrypted, though its name says so"]);
    verify(&called, &[]).ends_with(6);
}

#[test]
fn an_archive_for_which_there_is_no_stdout_is_not_made() {
    let project = Project::testdata();
    let binary = env!("CARGO_BIN_EXE_backup");
    let path = project.path();
    for (to, code) in [(">&-", 2), ("1</dev/null", 1), (">/dev/full", 1)] {
        let export = format!(
            "'{binary}' export --no-encrypt --project '{}' -f - {to}",
            path.display()
        );
        let outcome = run(Command::new("sh").args(["-c", &export])).ends_with(code);
        assert!(
            !outcome.stderr.contains("The archive is in"),
            "{}",
            outcome.all()
        );
    }
}

#[test]
fn a_full_stdout_does_not_change_the_code_of_what_was_done() {
    let project = Project::testdata();
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    for (verb, arguments) in [
        (
            "export",
            &["-f", "site", "--no-encrypt", "--no-compress"][..],
        ),
        ("import", &["-f", "site.tar", "--dry-run"]),
        ("import", &["-f", "site.tar", "--force"]),
        ("recover", &[]),
    ] {
        let mut command = project.command(verb, arguments.iter().copied());
        run(command.stdout(full())).ends_with(0);
    }
    let archive = project.archive("site.tar");
    let mut command = backup(["verify", archive.to_str().unwrap()]);
    run(command.stdout(full())).ends_with(0);
    verify(&archive, &[]).ends_with(0);
}

#[test]
fn damage_is_told_before_what_does_not_match_because_of_it() {
    let project = Project::testdata();
    let archive = changed(&project, |tar| {
        let schemas = tar.entry("schemas/schemas_00001.jsonl");
        let text = String::from_utf8(schemas.content.clone()).unwrap();
        schemas.content = text
            .replacen("\"required\":true", "\"required\":null", 1)
            .into_bytes();
    });
    project
        .import(&archive, &[])
        .ends_with(6)
        .says(["schemas_00001.jsonl is not what checksums.sha256 says"]);
}
