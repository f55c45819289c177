//! Restores of media into a bucket, and between a bucket and a folder, on the projects of `testdata/strapi5-s3` and
//! `testdata/strapi4-s3`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, PATIENTLY, run};
use crate::support::exact::assert_equal;
use crate::support::files::listing;
use crate::support::gallery::Gallery;
use crate::support::gate::{Fault, Moment};
use crate::support::media_store::{Object, assert_keeps_secrets, assert_same_objects, with_media};

/// What Strapi's archive has to become in this project.
fn moved_to(from: &Gallery, to: &Gallery) -> Archive {
    let of = format!("{}/{}", from.store.url(), from.prefix());
    let at = format!("{}/{}", to.store.url(), to.prefix());
    with_media(&from.restored(), false, "aws-s3", |url| {
        let name = url.strip_prefix(&of).unwrap();
        format!("{at}{name}")
    })
}

#[test]
fn a_restore_into_another_bucket_brings_objects_and_urls() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::empty(5)) else {
        return;
    };
    // Of another kind than they were.
    target.project.edit(
        ".env",
        "MEDIA_BUCKET",
        "MEDIA_ACL=public-read\nMEDIA_BUCKET",
    );
    let outcome = target
        .project
        .import(&original.strapi_archive(), &[])
        .ends_with(0);
    assert_keeps_secrets(&outcome.all());
    let mut expected = original.recorded_objects();
    for object in expected.values_mut() {
        object.public = true;
    }
    assert_same_objects(&expected, &target.store.objects());
    let (ours, _) = target.export(0, &[]);
    assert_equal(&moved_to(&original, &target), &ours, false);
}

#[test]
fn a_restore_writes_objects_as_the_options_of_uploads_say() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::empty(5)) else {
        return;
    };
    let options = "uploadStream: { CacheControl: 'max-age=3600', ACL: 'public-read' }";
    target
        .project
        .edit("config/plugins.js", "uploadStream: {}", options);
    let archive = original.strapi_archive();
    target.project.import(&archive, &[]).ends_with(0);
    let objects = target.store.objects();
    assert_eq!(objects.len(), 7);
    for (key, object) in objects {
        let cached = target.store.header(&key, "cache-control");
        assert_eq!(cached.as_deref(), Some("max-age=3600"), "{key}");
        assert!(object.public, "{key}");
    }
}

#[test]
fn a_restore_deletes_what_rows_named_and_leaves_what_nothing_names() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let archive = gallery.strapi_archive();
    gallery.project.sql(&format!(
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
         (900, 'n', 'new.txt', 'new', '.txt', 'text/plain', 0.01, '{}/new.txt', 'aws-s3')",
        gallery.store.url()
    ));
    let new = Object {
        bytes: b"uploaded since".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    gallery.store.put("new.txt", &new);
    gallery.store.put("robots.txt", &new);
    let changed = gallery.key("wide_");
    gallery.store.put(&changed, &new);
    gallery.store.remove(&gallery.key("notes_"));

    gallery.project.import(&archive, &[]).ends_with(0);
    let mut expected = gallery.recorded_objects();
    expected.insert("robots.txt".into(), new);
    assert_same_objects(&expected, &gallery.store.objects());
    let (ours, _) = gallery.export(0, &[]);
    assert_equal(&gallery.restored(), &ours, false);
}

#[test]
fn a_restore_of_what_a_project_exported_leaves_its_bucket_as_it_is() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        gallery.export(0, &[]);
        let (before, objects) = (gallery.project.state(), gallery.store.objects());
        let archive = gallery.project.archive("site.tar");
        let asked = gallery.store.requests().len();
        gallery.project.import(&archive, &[]).ends_with(0);
        assert_same_objects(&objects, &gallery.store.objects());
        assert_eq!(
            before.tables["files"],
            gallery.project.state().tables["files"]
        );
        // What is equal does not come a second time.
        let names: Vec<&String> = objects.keys().collect();
        let written = gallery.store.requests().split_off(asked);
        let written: Vec<_> = written
            .into_iter()
            .filter(|(method, key)| method == "PUT" && names.iter().any(|it| key.ends_with(*it)))
            .collect();
        assert!(written.is_empty(), "{written:?}");
    }
}

#[test]
fn a_dry_run_changes_nothing_in_a_bucket_and_tells_what_a_restore_would() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::new(5)) else {
        return;
    };
    let changed = target.key("wide_");
    let object = Object {
        bytes: b"changed".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    target.store.put(&changed, &object);
    let (before, objects) = (target.project.state(), target.store.objects());
    let archive = original.strapi_archive();
    let outcome = target.project.import(&archive, &["--dry-run"]).ends_with(0);
    // Visitors may see either version until the end: that has to stand in the plan.
    assert!(outcome.all().contains("visitors"), "{}", outcome.all());
    before.assert_untouched(&target.project);
    assert_same_objects(&objects, &target.store.objects());
    let written = target.store.requests();
    let written = written
        .iter()
        .filter(|(method, _)| method != "GET" && method != "HEAD");
    assert_eq!(written.count(), 0);
}

#[test]
fn a_dry_run_into_a_bucket_that_refuses_ends_as_the_restore_would() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    gallery
        .project
        .edit(".env", "MEDIA_KEY_ID=", "MEDIA_KEY_ID=NOT-");
    for options in [&["--dry-run"][..], &[]] {
        let before = gallery.project.state();
        let archive = gallery.strapi_archive();
        let outcome = gallery.project.import(&archive, options).ends_with(1);
        assert_keeps_secrets(&outcome.all());
        before.assert_untouched(&gallery.project);
        assert_same_objects(&gallery.recorded_objects(), &gallery.store.objects());
    }
}

#[test]
fn a_store_that_does_not_answer_is_not_taken_for_another_machine() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    // A restore that has committed, and whose files nobody can ask for now.
    gallery.project.sql(
        "INSERT INTO strapi_core_store_settings (key, value, type)
         VALUES ('backup_restore_token', '\"0123456789abcdef0123456789abcdef\"', 'string')",
    );
    gallery.store.fault("", Fault::Busy(usize::MAX));
    let before = gallery.project.state();
    let outcome = run(&mut gallery.project.command("recover", [])).ends_with(13);
    let outcome = outcome.says(["it cannot be told whether its files are in their places"]);
    assert!(
        !outcome.all().contains("delete the row"),
        "{}",
        outcome.all()
    );
    before.assert_untouched(&gallery.project);
}

#[test]
fn a_recovery_that_may_not_look_says_so_with_its_exit_code() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    run(&mut gallery.project.command("recover", [])).ends_with(0);
    gallery
        .project
        .edit(".env", "MEDIA_KEY_ID=", "MEDIA_KEY_ID=NOT-");
    let outcome = run(&mut gallery.project.command("recover", [])).ends_with(1);
    outcome.says(["it cannot be told whether an earlier restore has ended"]);
}

#[test]
fn what_cannot_be_told_of_earlier_restores_makes_an_export_incomplete() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    gallery.store.fault("", Fault::Busy(usize::MAX));
    let (ours, outcome) = gallery.export(3, &[]);
    outcome.says(["it cannot be told whether an earlier restore left something"]);
    assert_equal(&gallery.strapis(), &ours, false);
    run(&mut gallery.project.command("recover", [])).ends_with(1);
}

// ------------------------------------------------------------------ kills

/// A project whose library a restore of the recorded one changes in every way: an object is overwritten, one comes, one
/// goes, and others are equal.
fn changed_library() -> Option<Gallery> {
    let gallery = Gallery::new(5)?;
    gallery.project.sql(&format!(
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
         (900, 'n', 'new.txt', 'new', '.txt', 'text/plain', 0.01, '{}/new.txt', 'aws-s3')",
        gallery.store.url()
    ));
    let new = Object {
        bytes: b"uploaded since".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    gallery.store.put("new.txt", &new);
    for changed in ["wide_", "deep_", "thumbnail_wide_"] {
        gallery.store.put(&gallery.key(changed), &new);
    }
    gallery.store.remove(&gallery.key("notes_"));
    gallery.store.remove(&gallery.key("small_wide_"));
    Some(gallery)
}

#[test]
fn a_restore_whose_store_fell_silent_ends_soon_after_a_signal_and_leaves_the_rest_to_the_next_run()
{
    let Some(gallery) = changed_library() else {
        return;
    };
    let (before, objects) = (gallery.project.state(), gallery.store.objects());
    // The lease, and a file.
    gallery.store.fall_silent(2);
    let archive = gallery.strapi_archive();
    let mut restore = gallery
        .project
        .import_command(&archive, &[])
        .spawn()
        .unwrap();
    assert!(gallery.store.wait_for_stop(&mut restore));
    let process = restore.id().to_string();
    run(Command::new("kill").args(["-s", "INT", &process])).ends_with(0);
    let outcome = Outcome::of(restore.wait_with_output().unwrap()).ends_with(130);
    outcome.says(["nothing was changed; what could not be deleted in time of s3://"]);
    before.assert_untouched(&gallery.project);

    gallery.store.let_an_hour_pass();
    let outcome = run(&mut gallery.project.command("recover", PATIENTLY)).ends_with(0);
    assert!(
        outcome.all().contains("an earlier restore left behind"),
        "{}",
        outcome.all()
    );
    assert_same_objects(&objects, &gallery.store.objects());
}

/// How many requests a restore makes that change something.
fn changes_of_a_restore() -> Option<usize> {
    let gallery = changed_library()?;
    let archive = gallery.strapi_archive();
    gallery.project.import(&archive, &[]).ends_with(0);
    let requests = gallery.store.requests().into_iter();
    Some(
        requests
            .filter(|(method, _)| method != "GET" && method != "HEAD")
            .count(),
    )
}

/// Kills a restore at a moment, recovers, and wants all to be old or all to be new; whether it is new.
fn is_new_after_a_kill(moment: Moment, after: usize) -> Option<bool> {
    let gallery = changed_library().unwrap();
    let (before, objects) = (gallery.project.state(), gallery.store.objects());
    gallery.store.stop(moment, after);
    let archive = gallery.strapi_archive();
    let mut command = gallery.project.import_command(&archive, &[]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut restore = command.spawn().unwrap();
    if !gallery.store.wait_for_stop(&mut restore) {
        return None;
    }
    restore.kill().unwrap();
    restore.wait().unwrap();

    gallery.store.let_an_hour_pass();
    run(&mut gallery.project.command("recover", PATIENTLY)).ends_with(0);
    let is_new = gallery.project.state().tables["files"] != before.tables["files"];
    if is_new {
        assert_same_objects(&gallery.recorded_objects(), &gallery.store.objects());
        let (ours, _) = gallery.export(0, &[]);
        assert_equal(&gallery.restored(), &ours, false);
    } else {
        assert!(before.tables == gallery.project.state().tables);
        assert_same_objects(&objects, &gallery.store.objects());
    }
    Some(is_new)
}

#[test]
fn a_restore_into_a_bucket_that_is_killed_leaves_the_old_or_the_new() {
    let Some(changes) = changes_of_a_restore() else {
        return;
    };
    let moments =
        (0..changes).flat_map(|after| [Moment::Before, Moment::After].map(|it| (it, after)));
    let moments: Vec<_> = moments.collect();
    let wanted = 40.min(moments.len());
    let outcomes: Vec<Option<bool>> = (0..wanted)
        .map(|number| {
            let (moment, after) = moments[number * moments.len() / wanted];
            is_new_after_a_kill(moment, after)
        })
        .collect();
    for outcome in [false, true] {
        assert!(outcomes.contains(&Some(outcome)), "{outcomes:?}");
    }
    let stopped = outcomes.iter().flatten().count();
    assert!(stopped * 10 >= wanted * 9, "{outcomes:?}");
}

// ------------------------------------------------------------------ between providers

/// An empty project that keeps its media in its own folder.
fn local() -> Option<Gallery> {
    let gallery = Gallery::empty(5)?;
    let plugins = gallery.project.path().join("config/plugins.js");
    fs::write(plugins, "module.exports = () => ({});\n").unwrap();
    Some(gallery)
}

#[test]
fn media_move_from_a_bucket_to_a_folder_and_back() {
    let (Some(original), Some(local), Some(back)) = (Gallery::new(5), local(), Gallery::empty(5))
    else {
        return;
    };
    local
        .project
        .import(&original.strapi_archive(), &[])
        .ends_with(0);
    let mut uploads = listing(&local.project.uploads());
    uploads.retain(|name| !name.starts_with('.'));
    assert!(uploads.iter().eq(original.recorded_objects().keys()));
    let (ours, _) = local.export(0, &[]);
    let of = original.store.url();
    let expected = with_media(&original.restored(), false, "local", |url| {
        format!("/uploads{}", url.strip_prefix(&of).unwrap())
    });
    assert_equal(&expected, &ours, false);

    let archive = local.project.archive("site.tar");
    back.project.import(&archive, &[]).ends_with(0);
    assert_same_objects(&original.recorded_objects(), &back.store.objects());
    let (ours, _) = back.export(0, &[]);
    assert_equal(&moved_to(&original, &back), &ours, false);
}

/// The texts of the exhibit that names URLs.
fn texts(gallery: &Gallery) -> [String; 5] {
    let connection = gallery.project.connect();
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    [
        read("SELECT summary FROM exhibits WHERE summary IS NOT NULL"),
        read("SELECT body FROM exhibits WHERE body IS NOT NULL"),
        read("SELECT story FROM exhibits WHERE story IS NOT NULL"),
        read("SELECT text FROM components_parts_quotes"),
        read("SELECT data FROM exhibits WHERE data IS NOT NULL"),
    ]
}

#[test]
fn urls_in_texts_are_counted_and_rewritten_when_asked_to() {
    for to_local in [false, true] {
        let target = if to_local { local() } else { Gallery::empty(5) };
        let (Some(original), Some(target)) = (Gallery::new(5), target) else {
            return;
        };
        original.export(0, &[]);
        let archive = original.project.archive("site.tar");
        let before = texts(&original);
        let plan = target.project.import(&archive, &["--dry-run"]).ends_with(0);
        assert!(plan.all().contains("--rewrite-urls"), "{}", plan.all());
        target.project.import(&archive, &[]).ends_with(0);
        assert_eq!(texts(&target), before);

        target
            .project
            .import(&archive, &["--rewrite-urls"])
            .ends_with(0);
        let to = if to_local {
            "/uploads/".to_owned()
        } else {
            format!("{}/", target.store.url())
        };
        let from = format!("{}/", original.store.url());
        let after = texts(&target);
        for (before, after) in before[..4].iter().zip(&after) {
            assert!(before.contains(&from), "{before}");
            // The picture in the blocks tells its provider too.
            let (before, after) = (before.replace(&from, &to), after.as_str());
            let expected = [before.replace("aws-s3", "local"), before];
            assert!(expected.iter().any(|it| it == after), "{after}");
        }
        // No text, markdown or blocks.
        assert_eq!(before[4], after[4]);
    }
}

#[test]
fn files_for_a_provider_that_cannot_be_written_to_are_put_aside() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::empty(5)) else {
        return;
    };
    target
        .project
        .edit("config/plugins.js", "'aws-s3'", "'cloudinary'");
    let archive = original.strapi_archive();
    let before = target.project.state();
    target
        .project
        .import(&archive, &[])
        .ends_with(1)
        .says(["cloudinary", "--files-to"]);
    before.assert_untouched(&target.project);

    let aside: PathBuf = target.project.archive("aside");
    let options = ["--files-to", aside.to_str().unwrap()];
    target.project.import(&archive, &options).ends_with(0);
    for (key, object) in original.recorded_objects() {
        assert!(fs::read(aside.join(&key)).unwrap() == object.bytes, "{key}");
    }
    let rows = |gallery: &Gallery, table: &str| gallery.project.state().tables[table].len();
    for table in ["files", "exhibits", "files_related_mph"] {
        assert_eq!(rows(&original, table), rows(&target, table), "{table}");
    }
    assert!(target.store.objects().is_empty());
}
