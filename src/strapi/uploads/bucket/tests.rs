use super::fake::{Fake, Trouble, When};
use super::journal::LARGEST;
use super::place::is_id;
use super::*;
use crate::error::Kind;
use crate::model::{Asset, STAGING_PREFIX};
use crate::strapi::uploads::held::JOURNAL;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Longer than a lease is good for.
const LATER: Duration = Duration::from_secs(180);

/// What every file gets.
fn layout() -> Layout {
    Layout {
        prefix: "site/media/".to_owned(),
        attributes: Attributes {
            cache_control: Some("max-age=60".to_owned()),
            acl: Some("public-read".to_owned()),
            more: vec![
                (
                    "x-amz-server-side-encryption".to_owned(),
                    "aws:kms".to_owned(),
                ),
                ("X-Amz-Grant-Read".to_owned(), "id=1".to_owned()),
                ("x-amz-storage-class".to_owned(), "STANDARD_IA".to_owned()),
            ],
            ..Attributes::default()
        },
        name: "the bucket".to_owned(),
    }
}

fn bucket_with(willing: &Arc<Fake>, steady: &Arc<Fake>) -> Bucket {
    let mut bucket = Bucket::new(willing.clone(), steady.clone(), layout());
    bucket.clock = Clock::given(|| Duration::ZERO);
    bucket.pace = Pace {
        bringing: 1,
        telling: 1,
    };
    bucket
}

fn bucket(fake: &Arc<Fake>) -> Bucket {
    bucket_with(fake, fake)
}

fn stage(bucket: &Bucket) -> Box<dyn StagedUploads> {
    bucket.stage(Staged::Kept, &std::env::temp_dir(), &Effort::default())
}

fn asset(name: &str, size: usize) -> Asset {
    Asset {
        filename: name.to_owned(),
        sidecar: r#"{"mime":"text/x-test"}"#.to_owned(),
        size: size as u64,
    }
}

fn add(staged: &mut dyn StagedUploads, path: &str, text: &str) -> Result<()> {
    let content = &mut text.as_bytes();
    staged.add(&[path.to_owned()], &asset(path, text.len()), content)
}

fn known() -> BTreeSet<String> {
    ["both", "deep/both", "same", "gone", "never there"]
        .map(str::to_owned)
        .into()
}

fn before() -> Fake {
    Fake::new(&[
        ("site/media/both", "old"),
        ("site/media/deep/both", "old too"),
        ("site/media/same", "same"),
        ("site/media/gone", "goes"),
        ("site/media/stranger", "stays"),
        ("elsewhere", "stays"),
    ])
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect()
}

fn after() -> BTreeMap<String, String> {
    texts(&[
        ("site/media/both", "new"),
        ("site/media/deep/both", "new too"),
        ("site/media/same", "same"),
        ("site/media/deep/added", "added"),
        ("site/media/stranger", "stays"),
        ("elsewhere", "stays"),
    ])
}

/// Stages what makes [`after`] of [`before`].
fn stage_all(bucket: &Bucket) -> Result<Box<dyn StagedUploads>> {
    let mut staged = stage(bucket);
    for (path, text) in [
        ("both", "new"),
        ("same", "same"),
        ("deep/both", "new too"),
        ("deep/added", "added"),
    ] {
        add(staged.as_mut(), path, text)?;
    }
    staged.written()?;
    staged.replace(known())?;
    Ok(staged)
}

/// What a restore does; `committed` is the database.
fn restore(bucket: &Bucket, committed: &mut Option<String>) -> Result<()> {
    let mut staged = stage_all(bucket)?;
    staged.swap_in(TOKEN, "database")?;
    *committed = Some(TOKEN.to_owned());
    if let Err(error) = staged.settle() {
        staged.leave();
        return Err(error);
    }
    *committed = None;
    match staged.forget_old() {
        Some(left) => Err(crate::error::Error::failed(left)),
        None => Ok(()),
    }
}

/// What the recovery of a project does with its uploads.
fn recover(bucket: &Bucket, token: &mut Option<String>) -> Result<()> {
    let held = bucket.hold()?;
    for swap in bucket.pending()? {
        let is_own = token
            .as_deref()
            .is_some_and(|token| swap.token().is_none_or(|own| own == token));
        if is_own || swap.is_done() {
            swap.finish()?;
            if is_own {
                *token = None;
            }
        } else {
            swap.undo()?;
        }
        swap.forget()?;
    }
    drop(held);
    bucket.sweep().map(drop)
}

/// What is kept of restores.
fn kept(fake: &Fake) -> Vec<String> {
    let mut keys = fake.keys();
    keys.retain(|key| key.contains(STAGING_PREFIX));
    keys
}

/// The key of something that the only restore there keeps.
fn own_key(fake: &Fake, name: &str) -> String {
    let mut keys = kept(fake);
    keys.retain(|key| key.ends_with(&format!("/{name}")));
    keys.pop().expect("it is there")
}

#[test]
fn a_restore_leaves_the_new_files_with_all_they_should_have_and_nothing_else() {
    let fake = Arc::new(before());
    for pace in [Pace::default(), bucket(&fake).pace] {
        let fake = Arc::new(before());
        let mut bucket = bucket(&fake);
        bucket.pace = pace;
        restore(&bucket, &mut None).expect("restored");
        assert_eq!(fake.texts(), after());
        for path in ["both", "deep/both", "deep/added"] {
            let object = fake.get(&bucket.key(path)).expect("an object");
            let expected = Attributes {
                media_type: Some("text/x-test".to_owned()),
                ..layout().attributes
            };
            assert_eq!(object.how, expected, "{path}");
        }
        // It is not touched, so it keeps what it had.
        let same = fake.get("site/media/same").expect("an object");
        assert_eq!(same.how, Attributes::default());
    }
}

#[test]
fn what_waits_is_readable_by_nobody_else() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    let kept = kept(&fake);
    assert_eq!(kept.len(), 3 + 2 + 2, "{kept:?}");
    for key in kept {
        let how = fake.get(&key).expect("an object").how;
        assert_eq!(how.acl, None, "{key}");
        if !key.contains("/old/") {
            let encryption = &layout().attributes.more[..1];
            assert_eq!(how.more, encryption, "{key}");
            assert!(how.media_type.is_some(), "{key}");
        }
    }
}

#[test]
fn a_restore_that_dies_at_any_request_is_finished_or_undone_also_if_that_dies_as_well() {
    let old = before().texts();
    let is_complete = |when, stop| -> bool {
        let fake = Arc::new(before());
        fake.trouble(stop, when, Trouble::Dies);
        let mut committed = None;
        let outcome = restore(&bucket(&fake), &mut committed);
        if !fake.revive(LATER) {
            outcome.expect("nothing was in its way");
            return true;
        }
        let kept = kept(&fake);
        let has = |name: &str| kept.iter().any(|key| key.ends_with(name));
        let (has_journal, is_done) = (has(JOURNAL), has("/done"));
        let is_new_anyway = is_done || fake.texts().contains_key("site/media/deep/added");
        for token in [None, Some(TOKEN.to_owned())] {
            let expected = match has_journal && !is_done {
                true if token.is_some() => after(),
                true => old.clone(),
                false if is_new_anyway => after(),
                false => old.clone(),
            };
            for second in 0.. {
                let fake = Arc::new(Fake::clone(&fake));
                let mut token = token.clone();
                let died = second > 0 && {
                    fake.trouble(
                        (second - 1) / 2,
                        [When::Before, When::After][second % 2],
                        Trouble::Dies,
                    );
                    let _ = recover(&bucket(&fake), &mut token);
                    fake.revive(LATER)
                };
                recover(&bucket(&fake), &mut token).expect("recovered");
                let what = format!("{when:?} {stop}, token {token:?}, {second}");
                assert_eq!(fake.texts(), expected, "{what}\n{}", fake.log().join("\n"));
                if second > 0 && !died {
                    break;
                }
            }
        }
        false
    };
    for when in [When::Before, When::After] {
        let stops = (0..).take_while(|stop| !is_complete(when, *stop)).count();
        assert!(stops > 25, "{stops}");
    }
}

#[test]
fn a_restore_of_many_files_that_dies_with_requests_under_way_is_finished_or_undone() {
    let names: Vec<String> = (0..60).map(|number| format!("{number}")).collect();
    let expected = |text: &str, from| -> BTreeMap<String, String> {
        let keys = names[from..].iter().map(|it| format!("site/media/{it}"));
        keys.map(|key| (key, text.to_owned())).collect()
    };
    // Of some of them there is none before.
    let old = expected("old", 0)
        .into_iter()
        .filter(|(key, _)| !key.ends_with(['7', '3']));
    let old: BTreeMap<_, _> = old.collect();
    let new = expected("new", 0);
    let quick = |fake: &Arc<Fake>| Bucket {
        pace: Pace::default(),
        ..bucket(fake)
    };
    for stop in (100..290).step_by(7) {
        let fake = Fake::new(&[]);
        for key in old.keys() {
            fake.set(key, b"old");
        }
        let fake = Arc::new(fake);
        fake.trouble(stop, When::After, Trouble::Dies);
        let run = || -> Result<()> {
            let bucket = quick(&fake);
            let mut staged = stage(&bucket);
            for name in &names {
                add(staged.as_mut(), name, "new")?;
            }
            staged.replace(BTreeSet::new())?;
            staged.swap_in(TOKEN, "database")
        };
        assert!(run().is_err(), "{stop}");
        assert!(fake.revive(LATER));
        for token in [None, Some(TOKEN.to_owned())] {
            let fake = Arc::new(Fake::clone(&fake));
            let has_journal = kept(&fake).iter().any(|key| key.ends_with(JOURNAL));
            let expected = match token.is_some() && has_journal {
                true => &new,
                false => &old,
            };
            recover(&quick(&fake), &mut token.clone()).expect("recovered");
            assert_eq!(fake.texts(), *expected, "{stop} {token:?}");
        }
    }
}

#[test]
fn an_error_at_any_request_leaves_all_old_or_all_new_without_recovery() {
    let old = before().texts();
    for when in [When::Before, When::After] {
        for stop in 0.. {
            let fake = Arc::new(before());
            fake.trouble(stop, when, Trouble::Fails);
            let mut committed = None;
            let outcome = restore(&bucket(&fake), &mut committed);
            let files: BTreeMap<String, String> = fake
                .texts()
                .into_iter()
                .filter(|(key, _)| !key.contains(STAGING_PREFIX))
                .collect();
            let log = fake.log().join("\n");
            let is_new = files.get("site/media/both").is_some_and(|it| it == "new");
            match &outcome {
                Err(_) if !is_new => {
                    assert_eq!(files, old, "{when:?} {stop}\n{log}");
                    assert_eq!(kept(&fake), [""; 0], "{when:?} {stop}\n{log}");
                }
                _ => {
                    fake.revive(LATER);
                    recover(&bucket(&fake), &mut committed).expect("recovered");
                    assert_eq!(fake.texts(), after(), "{when:?} {stop}\n{log}");
                }
            }
            if outcome.is_ok() {
                assert!(stop > 25, "{stop}");
                break;
            }
        }
    }
}

#[test]
fn a_run_that_is_to_stop_deletes_what_it_staged() {
    let steady = Arc::new(before());
    let bucket = bucket_with(&Arc::new(before()), &steady);
    let willing = Arc::new(before());
    let bucket = Bucket {
        ends: Ends {
            willing: willing.clone(),
            steady: steady.clone(),
        },
        ..bucket
    };
    willing.trouble(2, When::Before, Trouble::Dies);
    assert!(stage_all(&bucket).is_err());
    assert_eq!(steady.texts(), before().texts());
    assert!(
        steady
            .log()
            .iter()
            .any(|it| it.starts_with("remove ") && it.ends_with("/lease"))
    );
}

#[test]
fn an_object_with_the_same_content_is_not_brought_again() {
    let large = "x".repeat((5 << 20) + 3);
    let fake = Arc::new(Fake::new(&[
        ("site/media/whole", "text"),
        ("site/media/other", "tex-"),
        ("site/media/unknown", "text"),
        ("site/media/parts", &large),
        ("site/media/other parts", &large),
    ]));
    fake.set_etag("site/media/unknown", "\"0x8DC\"");
    // What S3 says of parts of 5 MiB: the digest of their digests.
    fake.set_etag("site/media/parts", "\"af9ceb5e3a73df299d2d6dcaa4ec72fc-2\"");
    fake.set_etag(
        "site/media/other parts",
        "\"00000000000000000000000000000000-2\"",
    );
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    for path in ["whole", "other", "unknown"] {
        add(staged.as_mut(), path, "text").expect("added");
    }
    for path in ["parts", "other parts"] {
        add(staged.as_mut(), path, &large).expect("added");
    }
    staged.written().expect("written");
    let brought: Vec<String> = kept(&fake)
        .iter()
        .filter_map(|key| Some(key.split_once("/new/")?.1.to_owned()))
        .collect();
    assert_eq!(brought, ["other", "other parts", "unknown"]);
    let remark = staged.remark().expect("a remark");
    assert!(
        remark.contains("there already as they come, and left alone: 2)"),
        "{remark}"
    );
    assert!(
        remark.contains("visitors may see either version"),
        "{remark}"
    );
}

#[test]
fn of_two_files_for_one_path_the_later_one_stays() {
    for (texts, expected) in [(["new", "newer"], "newer"), (["new", "old"], "old")] {
        let fake = Arc::new(Fake::new(&[("site/media/a", "old")]));
        let bucket = bucket(&fake);
        let mut staged = stage(&bucket);
        for text in texts {
            add(staged.as_mut(), "a", text).expect("added");
        }
        staged.swap_in(TOKEN, "database").expect("swapped");
        staged.settle().expect("settled");
        assert_eq!(staged.forget_old(), None);
        assert_eq!(fake.texts()["site/media/a"], expected);
        assert_eq!(kept(&fake), [""; 0]);
    }
}

#[test]
fn a_file_too_large_for_the_memory_comes_whole_to_all_its_paths() {
    let fake = Arc::new(Fake::new(&[]));
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    let large = "0123456789".repeat(1 << 19);
    let paths = ["a".to_owned(), "deep/b".to_owned()];
    let content = &mut large.as_bytes();
    staged
        .add(&paths, &asset("a", large.len()), content)
        .expect("added");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    for path in paths {
        assert!(fake.texts()[&bucket.key(&path)] == large, "{path}");
    }
}

#[test]
fn a_file_of_another_size_than_announced_is_refused() {
    for how in [Staged::Kept, Staged::Counted] {
        for size in [2, 4, 5 << 20] {
            let fake = Arc::new(before());
            let mut staged = bucket(&fake).stage(how, &std::env::temp_dir(), &Effort::default());
            let added = staged.add(&["a".to_owned()], &asset("a", size), &mut &b"abc"[..]);
            let error = added.expect_err("it has 3 bytes");
            assert_eq!(error.kind(), Kind::Archive);
            assert!(
                error
                    .to_string()
                    .contains(&format!("should have {size} bytes")),
                "{error}"
            );
            drop(staged);
            assert_eq!(fake.texts(), before().texts());
        }
    }
}

#[test]
fn names_that_no_object_may_have_are_refused() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    for path in [
        "../a",
        "a//b",
        ".backup-restore-x/a",
        "a\u{1}b",
        &"n/".repeat(600),
    ] {
        let error = add(staged.as_mut(), path, "text").expect_err("no path");
        assert_eq!(error.kind(), Kind::Archive, "{path}");
        assert!(!bucket.takes(path), "{path}");
    }
    assert_eq!(fake.log(), [""; 0]);
}

#[test]
fn a_check_writes_nothing_and_finds_out_whether_the_bucket_can_be_listed() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let count = || bucket.stage(Staged::Counted, &std::env::temp_dir(), &Effort::default());
    let mut staged = count();
    for path in ["both", "same"] {
        add(staged.as_mut(), path, "new").expect("counted");
    }
    staged.written().expect("written");
    assert!(staged.remark().is_some());
    drop(staged);
    let log = fake.log();
    assert!(
        log.iter()
            .all(|it| it.starts_with("look ") || it.starts_with("list ")),
        "{log:?}"
    );
    fake.refuse_lists();
    for error in [
        add(count().as_mut(), "both", "new").expect_err("refused"),
        add(stage(&bucket).as_mut(), "both", "new").expect_err("refused"),
        bucket.hold().map(drop).expect_err("refused"),
        bucket.pending().map(drop).expect_err("refused"),
        bucket.left().map(drop).expect_err("refused"),
        bucket.sweep().map(drop).expect_err("refused"),
    ] {
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(error.advice().expect("advice").contains("s3:ListBucket"));
    }
}

#[test]
fn a_run_whose_lease_was_taken_or_is_too_old_overwrites_nothing_more() {
    for is_taken in [true, false] {
        let fake = Arc::new(before());
        let now = Arc::new(Mutex::new(Duration::ZERO));
        let mut own = bucket(&fake);
        let clock = Arc::clone(&now);
        own.clock = Clock::given(move || *clock.lock().expect("a time"));
        let mut staged = stage_all(&own).expect("staged");
        // In both cases it did not renew its lease for long.
        *now.lock().expect("a time") = Duration::from_secs(91);
        fake.revive(LATER);
        if is_taken {
            let held = bucket(&fake).hold().expect("free");
            assert_eq!(held.len(), 1);
            std::mem::forget(held);
        }
        let error = staged
            .swap_in(TOKEN, "database")
            .expect_err("not held any more");
        assert!(error.to_string().contains("does not hold"), "{error}");
        staged.put_back().expect("nothing to put back");
        drop(staged);
        // It keeps its hands off, whoever holds it now.
        assert_eq!(kept(&fake).len(), 4);
        fake.revive(LATER);
        recover(&bucket(&fake), &mut None).expect("recovered");
        assert_eq!(fake.texts(), before().texts());
    }
}

#[test]
fn a_restore_that_goes_on_is_not_touched_by_others() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    let other = bucket(&fake);
    for error in [
        other.hold().map(drop).expect_err("held"),
        other.left().map(drop).expect_err("held"),
        other.sweep().map(drop).expect_err("held"),
    ] {
        assert_eq!(error.kind(), Kind::Locked, "{error}");
        assert!(
            error.to_string().contains("still works in fake://bucket/"),
            "{error}"
        );
    }
    staged.swap_in(TOKEN, "database").expect("swapped");
    for swap in other.pending().expect("read") {
        let error = swap.undo().expect_err("held");
        assert_eq!(error.kind(), Kind::Locked, "{error}");
    }
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    assert_eq!(fake.texts(), after());
}

#[test]
fn a_restore_that_was_left_is_free_at_once() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    let kept = staged.leave().expect("objects were copied");
    assert!(
        kept.starts_with("fake://bucket/site/media/.backup-restore-"),
        "{kept}"
    );
    drop(staged);
    recover(&bucket(&fake), &mut None).expect("recovered");
    assert_eq!(fake.texts(), before().texts());
}

#[test]
fn files_that_were_put_back_get_what_files_get() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.put_back().expect("put back");
    drop(staged);
    assert_eq!(fake.texts(), before().texts());
    let both = fake.get("site/media/both").expect("an object");
    assert_eq!(both.how.acl.as_deref(), Some("public-read"));
}

#[test]
fn what_others_change_while_somebody_is_asked_is_noticed() {
    let change = |path: &str, text: Option<&str>| {
        let fake = Arc::new(before());
        let mut staged = stage(&bucket(&fake));
        add(staged.as_mut(), "same", "same").expect("added");
        add(staged.as_mut(), "deep/added", "added").expect("added");
        staged.written().expect("written");
        let key = format!("site/media/{path}");
        match text {
            Some(text) => fake.set(&key, text.as_bytes()),
            None => fake.delete(&key),
        }
        let expected: BTreeMap<String, String> = fake
            .texts()
            .into_iter()
            .filter(|(key, _)| !key.contains(STAGING_PREFIX))
            .collect();
        let replaced = staged.replace(known());
        let swapped = replaced.and_then(|()| staged.swap_in(TOKEN, "database"));
        drop(staged);
        assert_eq!(fake.texts(), expected, "{path}");
        swapped
    };
    for text in [Some("other"), None] {
        let error = change("same", text).expect_err("it changed");
        assert!(
            error.to_string().contains("fake://bucket/site/media/same"),
            "{error}"
        );
    }
    // That one is overwritten, and was there no more if it were not set aside.
    change("deep/added", Some("another's")).expect("swapped, and put back");
}

#[test]
fn what_the_site_wrote_after_the_commit_stays() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.settle().expect("settled");
    staged.leave();
    drop(staged);
    fake.revive(LATER);
    fake.set("site/media/gone", b"another");
    fake.set("site/media/both", b"newer");
    fake.delete("site/media/deep/added");
    recover(&bucket(&fake), &mut None).expect("recovered");
    let mut expected = after();
    expected.extend(texts(&[
        ("site/media/gone", "another"),
        ("site/media/both", "newer"),
    ]));
    expected.remove("site/media/deep/added");
    assert_eq!(fake.texts(), expected);
}

#[test]
fn a_file_that_is_nowhere_any_more_is_named() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.leave();
    drop(staged);
    fake.delete("site/media/deep/added");
    fake.delete(&own_key(&fake, "new/deep/added"));
    let mut token = Some(TOKEN.to_owned());
    let error = recover(&bucket(&fake), &mut token).expect_err("it is nowhere");
    assert!(
        error
            .to_string()
            .contains("fake://bucket/site/media/deep/added"),
        "{error}"
    );
    fake.set("site/media/deep/added", b"added");
    recover(&bucket(&fake), &mut token).expect("recovered");
    assert_eq!(fake.texts(), after());
    assert_eq!(token, None);
}

#[test]
fn what_a_journal_says_of_other_places_is_not_done() {
    let id = "f".repeat(32);
    assert!(is_id(&id));
    for line in [
        r#"{"in":"../../elsewhere"}"#,
        r#"{"out":"/elsewhere"}"#,
        r#"{"in":"a/../../elsewhere"}"#,
        r#"{"out":".backup-restore-0/x"}"#,
        r#"{"made":"x"}"#,
        "",
    ] {
        for last in ["end", "in"] {
            let fake = Arc::new(before());
            let root = format!("site/media/{STAGING_PREFIX}{id}/");
            let journal =
                format!("{{\"token\":\"{TOKEN}\"}}\n{{\"database\":\"d\"}}\n{line}\n\"{last}\"\n");
            fake.set(&format!("{root}{JOURNAL}"), journal.as_bytes());
            fake.set(&format!("{root}new/../../../elsewhere"), b"evil");
            for token in [None, Some(TOKEN.to_owned())] {
                let fake = Arc::new(Fake::clone(&fake));
                recover(&bucket(&fake), &mut token.clone()).expect("recovered");
                assert_eq!(fake.texts(), before().texts(), "{line}");
            }
        }
    }
    // Nor is one believed that is not at the place of a restore, or whose token is none.
    for (folder, token) in [("x", TOKEN), (&id, "t")] {
        let fake = Arc::new(before());
        let journal = format!(
            "{{\"token\":\"{token}\"}}\n{{\"database\":\"d\"}}\n{{\"in\":\"stranger\"}}\n\"end\"\n"
        );
        let key = format!("site/media/{STAGING_PREFIX}{folder}/{JOURNAL}");
        fake.set(&key, journal.as_bytes());
        recover(&bucket(&fake), &mut None).expect("recovered");
        assert_eq!(fake.texts()["site/media/stranger"], "stays");
    }
    const { assert!(LARGEST > 1 << 20) };
}

#[test]
fn a_damaged_journal_costs_no_file() {
    for token in [None, Some(TOKEN.to_owned())] {
        let fake = Arc::new(before());
        let mut staged = stage_all(&bucket(&fake)).expect("staged");
        staged.swap_in(TOKEN, "database").expect("swapped");
        staged.leave();
        drop(staged);
        fake.set(&own_key(&fake, JOURNAL), b"{\"token\":");
        recover(&bucket(&fake), &mut token.clone()).expect("recovered");
        let mut expected = match token {
            None => before().texts(),
            Some(_) => after(),
        };
        // What came where nothing was, and what was to go, nobody knows any more.
        expected.extend(texts(&[
            ("site/media/deep/added", "added"),
            ("site/media/gone", "goes"),
        ]));
        assert_eq!(fake.texts(), expected);
    }
}
