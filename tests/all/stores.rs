//! Archives in object stores: written, found, read and replaced, and what is left where something goes wrong meanwhile.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;

use sha2::{Digest, Sha256};
use strapi_backup::transfer::summary::{Status, Summary};

use crate::limits::measured_with;
use crate::support::cli::{KEY, Outcome, PLAIN, Project, backup, run};
use crate::support::deep_store::DeepStore;
use crate::support::odd_store::OddStore;
use crate::support::relay::{Relay, Verdict, Way, after};
use crate::support::running::{Running, miss_files};
use crate::support::stores::{Kind, SECRET, Store};

const KINDS: [Kind; 3] = [Kind::S3, Kind::Google, Kind::Azure];
/// More than two parts.
const LARGE: usize = 40 << 20;

/// Runs a command on a project with what leads to a store. No output may hold what nobody may read.
fn told(mut command: Command) -> Outcome {
    let outcome = run(&mut command);
    assert!(!outcome.all().contains(SECRET), "{}", outcome.all());
    outcome
}

fn export(project: &Project, store: &Store, name: &str, options: &[&str]) -> Outcome {
    let url = store.url(name);
    let arguments = [&["-f", &url][..], &PLAIN, options].concat();
    told(store.lead(project.command("export", arguments)))
}

fn import(project: &Project, store: &Store, name: &str, options: &[&str]) -> Outcome {
    let url = store.url(name);
    let command = project.import_command(Path::new(&url), options);
    told(store.lead(command))
}

/// A project with a file that no compressor makes smaller, and that file's name.
fn with_large_file() -> (Project, String) {
    let project = Project::testdata();
    let file = large_file(&project);
    let mut state = 1_u64;
    let mut content = Vec::with_capacity(LARGE);
    while content.len() < LARGE {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        content.extend_from_slice(&state.to_be_bytes());
    }
    fs::write(project.uploads().join(&file), content).unwrap();
    (project, file)
}

/// A file of the media library that a row names.
fn large_file(project: &Project) -> String {
    let connection = project.connect();
    let sql = "SELECT hash || ext FROM files WHERE ext = '.png' ORDER BY id LIMIT 1";
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn summary(store: &Store, archive: &str) -> Summary {
    let name = Summary::name_for(archive);
    let text = store.shelf().read(&name, Summary::LONGEST).unwrap();
    Summary::parse(&text.expect("there is a summary"), &name).unwrap()
}

fn stored(store: &Store, name: &str) -> Vec<u8> {
    store.shelf().read(name, u64::MAX).unwrap().expect(name)
}

fn hex(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_goes_into_a_store_comes_back_as_it_was() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let (project, file) = with_large_file();
        let before = project.state();
        export(&project, &store, "site", &[]).ends_with(0);
        assert_eq!(store.names(), ["site.tar", "site.tar.summary.json"]);
        let verify = ["verify".to_owned(), store.url("site.tar")];
        told(store.lead(backup(verify))).ends_with(0);
        let empty = Project::empty();
        import(&empty, &store, "site.tar", &[]).ends_with(0);
        empty.state().assert_same_content(&before);
        assert!(empty.state().uploads()[&*file] == before.uploads()[&*file]);
    }
}

#[test]
fn an_encrypted_archive_of_one_part_comes_back_as_it_was() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let project = Project::testdata();
        let before = project.state();
        let url = store.url("a/b c/site-2026-11-20");
        let command = project.command("export", ["-f", &url, "-k", KEY]);
        told(store.lead(command)).ends_with(0);
        project.sql("UPDATE articles SET title = 'changed'");
        // Extensions may be left out.
        import(&project, &store, "a/b c/site-2026-11-20", &["-k", KEY]).ends_with(0);
        project.state().assert_same_content(&before);
    }
}

#[test]
fn a_summary_says_what_the_archive_beside_it_is() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    export(&project, &store, "site", &[]).ends_with(0);
    let summary = summary(&store, "site.tar");
    let content = stored(&store, "site.tar");
    let archive = summary.archive.expect("it names the archive");
    assert_eq!(archive.name, "site.tar");
    assert_eq!(archive.size, Some(content.len() as u64));
    assert_eq!(archive.sha256, Some(hex(&content)));
    assert!(!archive.encrypted && !archive.compressed);
    assert_eq!((summary.status, summary.exit_code), (Status::Complete, 0));
    assert_eq!(summary.strapi.as_deref(), Some("5.54.0"));
    assert_eq!(summary.database.as_deref(), Some("sqlite"));
    assert_eq!(
        summary.stages["entities"].groups["api::article.article"].count,
        30
    );
}

#[test]
fn what_is_incomplete_keeps_its_name_in_a_store_and_says_so_beside_it() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    fs::remove_file(project.uploads().join(large_file(&project))).unwrap();
    export(&project, &store, "site", &[]).ends_with(3);
    let summary = summary(&store, "site.tar");
    assert_eq!((summary.status, summary.exit_code), (Status::Incomplete, 3));
    assert!(summary.warnings.iter().any(|told| told.incomplete));
}

#[test]
fn a_name_in_a_store_is_replaced_only_where_that_was_asked_for() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let project = Project::testdata();
        export(&project, &store, "site", &[]).ends_with(0);
        let before = stored(&store, "site.tar");
        project.sql("UPDATE articles SET title = 'changed'");
        export(&project, &store, "site", &[])
            .ends_with(2)
            .says(["is there already", "--overwrite"]);
        assert!(stored(&store, "site.tar") == before);
        export(&project, &store, "site", &["--overwrite"]).ends_with(0);
        let after = stored(&store, "site.tar");
        assert!(after != before);
        let archive = summary(&store, "site.tar").archive.unwrap();
        assert_eq!(archive.sha256, Some(hex(&after)));
    }
}

#[test]
fn what_somebody_else_put_there_meanwhile_is_not_replaced() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    for (number, (project, _)) in [with_large_file(), (Project::testdata(), String::new())]
        .into_iter()
        .enumerate()
    {
        let name = format!("site-{number}.tar");
        let (other, theirs) = (store.clone(), name.clone());
        let mut came = false;
        // Before what makes the object appear.
        let relay = Relay::new(store.port, move |way, bytes| {
            let completes = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes);
                let put = format!("PUT /{}/{theirs} ", other.bucket);
                text.starts_with(&put) || (text.starts_with("POST ") && text.contains("uploadId="))
            };
            if way == Way::Request && !came && completes(bytes) {
                came = true;
                other.put(&theirs, b"theirs");
            }
            Verdict::Pass
        });
        export(&project, &store.at(relay.port), &name, &[])
            .ends_with(1)
            .says(["has come meanwhile"]);
        assert_eq!(stored(&store, &name), b"theirs");
        assert_eq!(store.unfinished(), 0);
    }
}

#[test]
fn the_default_name_goes_where_a_url_ends_with_a_slash() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    export(&project, &store, "backups/", &[]).ends_with(0);
    let items = store.shelf_at("backups/").list().unwrap();
    let names: Vec<&str> = items.iter().map(|item| &*item.name).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("export_2") && names[0].ends_with(".tar"));
    assert_eq!(Summary::archive_of(names[1]), Some(names[0]));
}

#[test]
fn a_shelf_lists_reads_and_removes_what_lies_on_it_alone() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let project = Project::testdata();
        for name in ["a", "a/b", "a/c", "ab"] {
            export(&project, &store, name, &[]).ends_with(0);
        }
        let shelf = store.shelf_at("a");
        let names = || -> Vec<String> {
            let items = shelf.list().unwrap();
            items.into_iter().map(|item| item.name).collect()
        };
        let all = ["b.tar", "b.tar.summary.json", "c.tar", "c.tar.summary.json"];
        assert_eq!(names(), all);
        assert!(shelf.read("b.tar", 10).is_err());
        assert_eq!(shelf.read("d.tar", 10).unwrap(), None);
        let mut content = Vec::new();
        let mut origin = shelf.open("b.tar").unwrap();
        std::io::copy(&mut origin.open(false).unwrap(), &mut content).unwrap();
        assert_eq!(origin.length(), Some(content.len() as u64));
        shelf.remove("b.tar").unwrap();
        shelf.remove("b.tar").unwrap();
        assert_eq!(names(), all[1..]);
    }
}

#[test]
fn several_archives_that_may_be_meant_are_named() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    export(&project, &store, "site", &[]).ends_with(0);
    let url = store.url("site");
    let command = project.command("export", ["-f", &url, "--no-encrypt"]);
    told(store.lead(command)).ends_with(0);
    import(&project, &store, "site", &[]).ends_with(2).says([
        "several archives",
        "site.tar.gz",
        "site.tar",
    ]);
}

#[test]
fn what_a_store_lacks_or_does_not_allow_is_named_with_what_to_do() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let project = Project::testdata();
        import(&project, &store, "nothing", &[])
            .ends_with(1)
            .says(["there is no archive at", "nothing"]);
        let away = Store {
            bucket: "nobodys".into(),
            ..store
        };
        for outcome in [
            export(&project, &away, "site", &[]),
            import(&project, &away, "site", &[]),
        ] {
            outcome.ends_with(1).says([" `nobodys`", "make the "]);
        }
    }
}

#[test]
fn wrong_credentials_are_told_from_missing_ones() {
    let Some(store) = Store::strict() else { return };
    let project = Project::testdata();
    for outcome in [
        export(&project, &store, "site", &[]),
        import(&project, &store, "site", &[]),
    ] {
        outcome
            .ends_with(1)
            .says(["InvalidAccessKeyId", "the credentials are wrong", "AWS_"]);
    }
    let mut command = store.lead(project.command("export", ["-f", &store.url("x"), PLAIN[0]]));
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    told(command)
        .ends_with(2)
        .says(["there are no credentials for s3://", "AWS_ACCESS_KEY_ID"]);
}

#[test]
fn a_profile_of_the_aws_tools_leads_to_a_store() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    let home = project.archive("home");
    fs::create_dir_all(home.join(".aws")).unwrap();
    let config = format!(
        "[profile site]\nendpoint_url = http://127.0.0.1:{}\nregion = eu-central-1\n",
        store.port
    );
    fs::write(home.join(".aws/config"), config).unwrap();
    let keys = format!("[site]\naws_access_key_id = id\naws_secret_access_key = {SECRET}\n");
    fs::write(home.join(".aws/credentials"), keys).unwrap();
    let mut command = project.command("export", ["-f", &store.url("site"), PLAIN[0], PLAIN[1]]);
    command.env("HOME", &home).env("AWS_PROFILE", "site");
    told(command).ends_with(0);
    assert_eq!(store.names(), ["site.tar", "site.tar.summary.json"]);
    let mut command = project.command("export", ["-f", &store.url("site"), PLAIN[0]]);
    command.env("HOME", &home).env("AWS_PROFILE", "other");
    told(command).ends_with(2).says(["no profile `other`"]);
}

#[test]
fn a_store_behind_tls_is_believed_where_its_authority_is() {
    let Some(store) = Store::behind_tls() else {
        return;
    };
    let project = Project::testdata();
    let url = store.url("site");
    let command = || {
        let mut command = store.lead(project.command("export", ["-f", &url, PLAIN[0]]));
        let endpoint = format!("https://127.0.0.1:{}", store.port);
        command.env("AWS_ENDPOINT_URL", endpoint);
        command
    };
    told(command())
        .ends_with(1)
        .says(["no authority that is trusted has signed", "AWS_CA_BUNDLE"]);
    let mut trusting = command();
    trusting.env("AWS_CA_BUNDLE", Store::authority());
    told(trusting).ends_with(0);
}

#[test]
fn a_store_that_cannot_be_reached_is_named() {
    let nowhere = Store {
        kind: Kind::S3,
        bucket: "bucket".into(),
        port: 1,
    };
    let project = Project::testdata();
    let outcome = export(&project, &nowhere, "site", &[]).ends_with(1);
    outcome.says(["s3://bucket/site.tar", "refused", "can be reached"]);
}

#[test]
fn a_connection_that_is_cut_in_an_upload_is_made_again() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let (project, _) = with_large_file();
        let before = project.state();
        let relay = Relay::new(store.port, after(20 << 20, Way::Request, Verdict::Cut));
        export(&project, &store.at(relay.port), "site", &[]).ends_with(0);
        let empty = Project::empty();
        import(&empty, &store, "site", &[]).ends_with(0);
        empty.state().assert_same_content(&before);
    }
}

#[test]
fn a_connection_that_is_cut_in_a_download_goes_on_where_it_stopped() {
    for kind in KINDS {
        let Some(store) = Store::new(kind) else {
            return;
        };
        let (project, _) = with_large_file();
        let before = project.state();
        export(&project, &store, "site", &[]).ends_with(0);
        let relay = Relay::new(store.port, after(20 << 20, Way::Answer, Verdict::Cut));
        let empty = Project::empty();
        import(&empty, &store.at(relay.port), "site", &[]).ends_with(0);
        empty.state().assert_same_content(&before);
        let heads = relay.heads();
        let resumed = heads.lines().filter_map(|line| {
            let range = line.split_once("range: bytes=")?.1;
            range.split_once('-')?.0.parse::<usize>().ok()
        });
        // What was asked for before and given up counts among what was passed on.
        assert!(resumed.max().unwrap() > 1 << 20, "{heads}");
    }
}

#[test]
fn an_archive_that_is_replaced_while_it_is_read_is_an_error() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let (project, _) = with_large_file();
    export(&project, &store, "site", &[]).ends_with(0);
    let other = stored(&store, "site.tar.summary.json");
    let (there, mut judge) = (store.clone(), after(20 << 20, Way::Answer, Verdict::Cut));
    let relay = Relay::new(store.port, move |way, bytes| {
        let verdict = judge(way, bytes);
        if verdict == Verdict::Cut {
            there.put("site.tar", &other);
        }
        verdict
    });
    let before = project.state();
    import(&project, &store.at(relay.port), "site.tar", &[])
        .ends_with(1)
        .says([
            "was changed or removed while it was read",
            "nothing was changed",
        ]);
    before.assert_untouched(&project);
}

/// An export that has sent some parts, and whose next bytes do not arrive.
fn half_way(project: &Project, store: &Store) -> (Running, Relay) {
    let relay = Relay::new(store.port, after(20 << 20, Way::Request, Verdict::Hold));
    let url = store.url("site");
    let arguments = [&["-f", &*url][..], &PLAIN].concat();
    let command = store
        .at(relay.port)
        .lead(project.command("export", arguments));
    let running = Running::start(command);
    relay.wait();
    (running, relay)
}

#[test]
fn an_export_that_is_killed_in_an_upload_leaves_no_archive_and_the_next_one_clears_up() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let (project, _) = with_large_file();
    let (mut running, _relay) = half_way(&project, &store);
    running.signal("KILL");
    assert_eq!(running.end().code, None);
    assert_eq!(store.names(), [""; 0]);
    assert_eq!(store.unfinished(), 1);
    export(&project, &store, "site", &[]).ends_with(0);
    assert_eq!(store.names(), ["site.tar", "site.tar.summary.json"]);
    assert_eq!(store.unfinished(), 0);
}

#[test]
fn an_export_that_is_interrupted_in_an_upload_leaves_nothing() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    project.sql(&miss_files());
    let large = with_large_file().0;
    fs::copy(
        large.uploads().join(large_file(&large)),
        project.uploads().join(large_file(&project)),
    )
    .unwrap();
    let (sent, heard) = mpsc::channel();
    let mut passed = 0;
    let relay = Relay::new(store.port, move |way, bytes| {
        passed += if way == Way::Request { bytes.len() } else { 0 };
        if passed > 20 << 20 {
            let _ = sent.send(());
        }
        Verdict::Pass
    });
    let url = store.url("site");
    let arguments = [&["-f", &*url][..], &PLAIN].concat();
    let command = project.command("export", arguments);
    let mut running = Running::start(store.at(relay.port).lead(command));
    // It does not get further than this: it waits for somebody to read what else it says.
    running.until("warning: plugin::upload.file ");
    heard.recv().unwrap();
    running.signal("INT");
    running
        .end()
        .ends_with(130)
        .says(["interrupted: no archive was written"]);
    assert_eq!(store.names(), [""; 0]);
    assert_eq!(store.unfinished(), 0);
}

#[test]
fn a_signal_ends_a_run_whose_store_does_not_answer_any_more() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let (project, _) = with_large_file();
    let (mut running, _relay) = half_way(&project, &store);
    running.signal("INT");
    running.end().ends_with(130);
    assert_eq!(store.names(), [""; 0]);

    export(&project, &store, "whole", &[]).ends_with(0);
    let relay = Relay::new(store.port, after(20 << 20, Way::Answer, Verdict::Hold));
    let url = store.url("whole");
    let command = project.import_command(Path::new(&url), &[]);
    let mut running = Running::start(store.at(relay.port).lead(command));
    relay.wait();
    running.signal("INT");
    running.end().ends_with(130);
}

#[test]
fn an_interruption_while_an_archive_appears_does_not_say_that_there_is_none() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    let relay = Relay::new(store.port, |way, bytes| {
        let put = way == Way::Request && bytes.starts_with(b"PUT ");
        if put { Verdict::Hold } else { Verdict::Pass }
    });
    let url = store.url("site");
    let arguments = [&["-f", &*url][..], &PLAIN].concat();
    let command = project.command("export", arguments);
    let mut running = Running::start(store.at(relay.port).lead(command));
    relay.wait();
    running.signal("INT");
    let outcome = running.end().ends_with(130);
    assert!(!outcome.all().contains("no archive was written"));
    outcome.says(["it is not known whether", "site.tar was written"]);
}

#[test]
fn an_export_that_is_killed_while_it_replaces_an_archive_leaves_none_that_is_whole_without_its_summary()
 {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let complete = || {
        let place = store.url("");
        let listed = told(store.lead(backup(["list", "--json", &place]))).ends_with(0);
        let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
        let archives = listed["archives"].as_array().unwrap();
        assert_eq!(archives.len(), 1);
        archives[0]["complete"] == true
    };
    let project = Project::testdata();
    // Before the store has what replaces it; and when it has, before the run knows of that.
    for is_replaced in [false, true] {
        export(&project, &store, "site", &["--overwrite"]).ends_with(0);
        let before = stored(&store, "site.tar");
        let mut was_put = false;
        let relay = Relay::new(store.port, move |way, bytes| {
            was_put |= way == Way::Request && bytes.starts_with(b"PUT ");
            let is_time = was_put && (!is_replaced || way == Way::Answer);
            if is_time {
                Verdict::Hold
            } else {
                Verdict::Pass
            }
        });
        let url = store.url("site");
        let arguments = [&["-f", &*url, "--overwrite"][..], &PLAIN].concat();
        let command = project.command("export", arguments);
        let mut running = Running::start(store.at(relay.port).lead(command));
        relay.wait();
        running.signal("KILL");
        assert_eq!(running.end().code, None);
        let after = stored(&store, "site.tar");
        assert_eq!(after != before, is_replaced);
        // So that its size does not tell.
        assert_eq!(after.len(), before.len());
        let told = summary(&store, "site.tar").archive.unwrap();
        assert_eq!(told.sha256, Some(hex(&before)));
        assert_eq!(complete(), !is_replaced);
    }
    export(&project, &store, "site", &["--overwrite"]).ends_with(0);
    assert!(complete());
}

/// An archive of this size goes to a store and is checked there, in bounded memory.
fn stays_flat(size: u64) {
    let store = DeepStore::start();
    let project = Project::testdata();
    let file = File::create(project.uploads().join(large_file(&project))).unwrap();
    file.set_len(size).unwrap();
    let root = project.path();
    let export = [
        "export",
        "--project",
        root.to_str().unwrap(),
        "-f",
        "s3://bucket/site",
    ];
    let export = [&export[..], &PLAIN].concat();
    let verify = vec!["verify", "s3://bucket/site.tar"];
    for (arguments, most) in [(export, 2 * IN_FLIGHT), (verify, IN_FLIGHT)] {
        let Some((outcome, peak)) = measured_with(arguments, &store.variables()) else {
            return;
        };
        let outcome = outcome.ends_with(0);
        assert!(peak <= most, "{} MB\n{}", peak >> 20, outcome.all());
    }
    assert!(store.length() > size);
}

/// What parts on their way take, and a half more.
const IN_FLIGHT: u64 = 120 << 20;

#[test]
fn a_large_archive_goes_to_a_store_and_comes_back_in_flat_memory() {
    stays_flat(400 << 20);
}

#[test]
#[ignore = "long: 5 GB go to a store and come back"]
fn a_huge_archive_goes_to_a_store_and_comes_back_in_flat_memory() {
    stays_flat(5 << 30);
}

#[test]
fn urls_of_other_kinds_are_refused_and_what_stands_in_them_is_not_printed() {
    let project = Project::testdata();
    for url in [
        format!("s3://key:{SECRET}@bucket/site"),
        format!("https://user:{SECRET}@example.com/site"),
        "s3:///site".into(),
        "s3://bucket//site".into(),
    ] {
        let mut command = project.command("export", ["-f", &url, PLAIN[0]]);
        command
            .env("AWS_ACCESS_KEY_ID", "x")
            .env("AWS_SECRET_ACCESS_KEY", "y");
        told(command).ends_with(2);
        told(project.import_command(Path::new(&url), &[])).ends_with(2);
    }
    let path = project.archive("site");
    let url = format!("file://{}", path.display());
    let arguments = [&["-f", &*url][..], &PLAIN].concat();
    project.run("export", arguments).ends_with(0);
    assert!(project.archive("site.tar").exists());
    run(&mut project.import_command(Path::new(&url), &[])).ends_with(0);
}

/// `list` of what answers oddly.
fn list(store: &OddStore) -> Outcome {
    let mut command = backup(["list", "s3://bucket/"]);
    command.envs(store.variables());
    told(command)
}

/// An export there.
fn export_to(store: &OddStore) -> Outcome {
    let project = Project::testdata();
    let mut command = project.command("export", ["-f", "s3://bucket/site", PLAIN[0]]);
    command.envs(store.variables());
    told(command)
}

#[test]
fn a_redirection_of_a_store_takes_credentials_nowhere() {
    let elsewhere = OddStore::start(|_, _| "HTTP/1.1 200 OK\r\n\r\n".into());
    let there = elsewhere.port;
    let store = OddStore::start(move |_, _| {
        format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{there}/x\r\nContent-Length: 0\r\n\r\n"
        )
    });
    for outcome in [list(&store), export_to(&store)] {
        outcome
            .ends_with(1)
            .says(["sends elsewhere", "307", "AWS_REGION"]);
    }
    assert_eq!(elsewhere.requests(), [""; 0]);
}

#[test]
fn an_error_of_a_store_that_is_too_long_is_given_up() {
    let long = "x".repeat(8 << 20);
    let answered = long.clone();
    let store = OddStore::start(move |_, _| {
        let length = answered.len();
        format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\n\r\n{answered}")
    });
    for outcome in [list(&store), export_to(&store)] {
        outcome.ends_with(1).says(["is longer than 1 MiB"]);
    }
    let store = OddStore::start(move |_, _| page(&long.repeat(3), None));
    list(&store).ends_with(1).says(["is longer than 16 MiB"]);
}

/// A page of a list, and what leads to the next one.
fn page(prefix: &str, token: Option<&str>) -> String {
    let token =
        token.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>"));
    let truncated = token.is_some();
    let token = token.unwrap_or_default();
    let body = format!(
        "<ListBucketResult><Name>bucket</Name><Prefix>{prefix}</Prefix><KeyCount>0</KeyCount><IsTruncated>{truncated}</IsTruncated>{token}</ListBucketResult>"
    );
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
}

#[test]
fn a_list_that_gives_the_same_page_again_and_again_ends() {
    // It ends at some time, so that whoever goes on is found out.
    let store = OddStore::start(|_, number| page("", (number < 100).then_some("again")));
    list(&store)
        .ends_with(1)
        .says(["the same page again and again"]);
    assert_eq!(store.requests().len(), 2);
    let store =
        OddStore::start(|_, number| page("", (number < 3).then(|| number.to_string()).as_deref()));
    list(&store).ends_with(0);
    assert_eq!(store.requests().len(), 4);
}

#[test]
fn what_has_the_name_of_a_summary_and_is_none_stays() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    export(&project, &store, "other", &[]).ends_with(0);
    let other = stored(&store, "other.tar.summary.json");
    for (name, theirs) in [("site", &b"a text of mine"[..]), ("again", &other)] {
        let archive = format!("{name}.tar");
        let beside = Summary::name_for(&archive);
        store.put(&beside, theirs);
        export(&project, &store, name, &[]).ends_with(2).says([
            "is no summary of",
            &archive,
            "--overwrite",
        ]);
        assert_eq!(stored(&store, &beside), theirs);
        assert_eq!(store.shelf().read(&archive, u64::MAX).unwrap(), None);
        export(&project, &store, name, &["--overwrite"]).ends_with(0);
        assert_eq!(summary(&store, &archive).archive.unwrap().name, archive);
    }
}

#[test]
fn what_has_the_name_of_a_summary_in_a_folder_and_is_none_stays() {
    let project = Project::testdata();
    let theirs = project.archive("site.tar.summary.json");
    fs::create_dir_all(theirs.parent().unwrap()).unwrap();
    fs::write(&theirs, "mine").unwrap();
    let export =
        |options: &[&str]| project.run("export", [&["-f", "site"][..], &PLAIN, options].concat());
    export(&["--summary"])
        .ends_with(2)
        .says(["is no summary of", "--overwrite"]);
    assert!(!project.archive("site.tar").exists());
    // Where none is laid, nothing is in the way; and what is no summary is not taken away as one.
    export(&[]).ends_with(0);
    assert_eq!(fs::read(&theirs).unwrap(), b"mine");
    export(&["--summary", "--overwrite"]).ends_with(0);
    let text = fs::read(&theirs).unwrap();
    Summary::parse(&text, "site.tar.summary.json").unwrap();
    export(&["--overwrite"]).ends_with(0);
    assert!(!theirs.exists());
}

#[test]
fn of_two_exports_that_replace_one_name_the_one_that_is_not_there_says_so() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    // Before the summary of the first one comes; and after it, before it is looked whether that is right.
    for after in [false, true] {
        let project = Project::testdata();
        let url = store.url("site");
        let arguments = [&["-f", &*url, "--overwrite"][..], &PLAIN].concat();
        let mut other = Some((Project::testdata(), store.clone()));
        let names = arguments.join(" ");
        let mut summary_came = false;
        let relay = Relay::new(store.port, move |way, bytes| {
            let text = String::from_utf8_lossy(bytes);
            let is_summary = text.starts_with("PUT ") && text.contains(".summary.json ");
            let is_time = match way {
                Way::Request if is_summary => {
                    summary_came = true;
                    !after
                }
                Way::Answer => after && summary_came,
                Way::Request => false,
            };
            if is_time && let Some((project, store)) = other.take() {
                project.sql("UPDATE articles SET title = upper(title)");
                let command = project.command("export", names.split(' '));
                told(store.lead(command)).ends_with(0);
            }
            Verdict::Pass
        });
        let command = project.command("export", arguments);
        told(store.at(relay.port).lead(command))
            .ends_with(1)
            .says(["another run has replaced", "site.tar"]);
        // The one that is there has its own summary.
        let content = stored(&store, "site.tar");
        let archive = summary(&store, "site.tar").archive.unwrap();
        assert_eq!(archive.sha256, Some(hex(&content)), "after: {after}");
    }
}
