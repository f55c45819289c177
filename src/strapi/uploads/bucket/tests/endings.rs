//! Restores that end early, and what is done about them.

use super::super::fake::{Trouble, When};
use super::super::place::is_id;
use super::*;
use crate::store::Interrupt;
use crate::strapi::uploads::held::JOURNAL;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};

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
fn a_copy_that_is_told_and_not_made_costs_no_file() {
    let there = before().texts();
    for end in ["/old/deep/both", "media/deep/both", "media/deep/added"] {
        let fake = Arc::new(before());
        let mut staged = stage_all(&bucket(&fake)).expect("staged");
        fake.lie_of(Some(end));
        let error = staged.swap_in(TOKEN, "database").expect_err(end);
        assert!(error.to_string().contains("should be a copy"), "{error}");
        staged.put_back().expect("put back");
        drop(staged);
        assert_eq!(fake.texts(), there, "{end}");
    }
    // Neither end of a restore forgets what it has, but the next time does it.
    for token in [None, Some(TOKEN.to_owned())] {
        let fake = Arc::new(before());
        let mut staged = stage_all(&bucket(&fake)).expect("staged");
        staged.swap_in(TOKEN, "database").expect("swapped");
        staged.leave();
        drop(staged);
        let mut token = token;
        let expected = match &token {
            None => before().texts(),
            Some(_) => {
                fake.delete("site/media/deep/both");
                after()
            }
        };
        fake.lie_of(Some("media/deep/both"));
        let error = recover(&bucket(&fake), &mut token).expect_err("no copy");
        assert!(error.to_string().contains("should be a copy"), "{error}");
        fake.lie_of(None);
        recover(&bucket(&fake), &mut token).expect("recovered");
        assert_eq!(fake.texts(), expected);
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
            ending: Ending::default(),
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
fn files_that_were_put_back_are_as_they_were_and_get_what_files_get() {
    let fake = Arc::new(before());
    let own = Attributes {
        media_type: Some("text/css".to_owned()),
        content_encoding: Some("gzip".to_owned()),
        content_disposition: Some("attachment".to_owned()),
        cache_control: Some("no-store".to_owned()),
        ..Attributes::default()
    };
    fake.set_attributes("site/media/both", own.clone());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.put_back().expect("put back");
    drop(staged);
    assert_eq!(fake.texts(), before().texts());
    let both = fake.get("site/media/both").expect("an object");
    let all = layout().attributes;
    let expected = Attributes {
        acl: Some("public-read".to_owned()),
        more: all.more,
        ..own
    };
    assert_eq!(both.how, expected);
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
fn what_others_change_while_rows_are_loaded_is_noticed() {
    let change = |path: &str, text: &str| {
        let fake = Arc::new(before());
        let mut staged = stage_all(&bucket(&fake)).expect("staged");
        let key = format!("site/media/{path}");
        fake.set(&key, text.as_bytes());
        let swapped = staged.swap_in(TOKEN, "database");
        drop(staged);
        let mut expected = before().texts();
        expected.insert(key, text.to_owned());
        assert_eq!(fake.texts(), expected, "{path}");
        swapped
    };
    let error = change("same", "other").expect_err("it changed");
    assert!(
        error.to_string().contains("fake://bucket/site/media/same"),
        "{error}"
    );
    change("deep/added", "another's").expect("swapped, and put back");
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

/// A journal with its last line.
fn with_digest(lines: &str) -> String {
    let digest: String = Sha256::digest(lines)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{lines}{{\"digest\":\"{digest}\"}}\n")
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
        for last in ["digest", "none"] {
            let fake = Arc::new(before());
            let root = format!("site/media/{STAGING_PREFIX}{id}/");
            let journal = format!("{{\"token\":\"{TOKEN}\"}}\n{{\"database\":\"d\"}}\n{line}\n");
            let journal = match last {
                "digest" => with_digest(&journal),
                _ => journal,
            };
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
        let journal = with_digest(&format!(
            "{{\"token\":\"{token}\"}}\n{{\"database\":\"d\"}}\n{{\"in\":\"stranger\"}}\n"
        ));
        let key = format!("site/media/{STAGING_PREFIX}{folder}/{JOURNAL}");
        fake.set(&key, journal.as_bytes());
        recover(&bucket(&fake), &mut None).expect("recovered");
        assert_eq!(fake.texts()["site/media/stranger"], "stays");
    }
}

/// A restore that was left with its files in their places.
fn left() -> Arc<Fake> {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.leave();
    fake
}

#[test]
fn a_page_in_place_of_a_journal_is_no_journal() {
    let fake = left();
    fake.answer_with_a_page(JOURNAL, 1);
    recover(&bucket(&fake), &mut None).expect("recovered");
    assert_eq!(fake.texts(), before().texts());
    let fake = left();
    let there = fake.texts();
    fake.answer_with_a_page(JOURNAL, usize::MAX);
    let error = recover(&bucket(&fake), &mut None).expect_err("a page");
    assert!(error.to_string().contains("cannot read the journal"));
    // It is no doubt about what there may be, with which other runs go on.
    assert_eq!(error.kind(), Kind::HalfWay);
    let without_leases = |texts: BTreeMap<String, String>| -> BTreeMap<_, _> {
        let texts = texts.into_iter();
        texts.filter(|(key, _)| !key.ends_with("/lease")).collect()
    };
    assert_eq!(without_leases(fake.texts()), without_leases(there));
    assert!(bucket(&fake).sweep().is_err());
}

#[test]
fn a_journal_that_lacks_a_line_is_not_believed() {
    for line in 0..10 {
        let fake = left();
        let key = own_key(&fake, JOURNAL);
        let text = fake.texts()[&key].clone();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10, "{text}");
        let without = [&lines[..line], &lines[line + 1..]].concat().join("\n") + "\n";
        fake.set(&key, without.as_bytes());
        let bucket = bucket(&fake);
        let swaps = bucket.pending().expect("read");
        let [swap] = swaps.as_slice() else {
            panic!("one swap");
        };
        assert_eq!((swap.token(), swap.database()), (None, None), "{line}");
        assert!(swap.is_shared());
    }
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

#[test]
fn a_run_that_is_to_stop_deletes_no_longer_than_there_is_time() {
    let fake = Arc::new(before());
    let is_wanted = Arc::new(AtomicBool::new(false));
    let mut bucket = bucket(&fake);
    let wanted = Interrupt::new(Arc::clone(&is_wanted));
    bucket.ends.ending = Ending::within(wanted, Duration::ZERO);
    let staged = stage_all(&bucket).expect("staged");
    is_wanted.store(true, Ordering::Relaxed);
    drop(staged);
    let mut left = kept(&fake);
    left.retain(|key| key.contains("/new/"));
    assert_eq!(left.len(), 3, "{left:?}");
    // Others need not wait for the rest.
    assert!(kept(&fake).iter().all(|key| !key.ends_with("/lease")));
    recover(&self::bucket(&fake), &mut None).expect("recovered");
    assert_eq!(fake.texts(), before().texts());
}

#[test]
fn an_interruption_says_what_could_not_be_deleted() {
    let fake = Arc::new(before());
    let is_wanted = Arc::new(AtomicBool::new(false));
    let mut bucket = bucket(&fake);
    let wanted = Interrupt::new(Arc::clone(&is_wanted));
    bucket.ends.ending = Ending::within(wanted, Duration::ZERO);
    let mut staged = stage(&bucket);
    add(staged.as_mut(), "both", "new").expect("added");
    staged.written().expect("written");
    is_wanted.store(true, Ordering::Relaxed);
    let error = add(staged.as_mut(), "deep/both", "new too").expect_err("it is to stop");
    assert_eq!(error.kind(), Kind::Interrupted);
    let said = error.to_string();
    assert!(said.contains("nothing was changed"), "{said}");
    assert!(
        said.contains("fake://bucket/site/media/.backup-restore-"),
        "{said}"
    );
}

#[test]
fn files_that_are_half_way_go_back_whatever_the_user_wants() {
    let fake = Arc::new(before());
    let is_wanted = Arc::new(AtomicBool::new(false));
    let mut bucket = bucket(&fake);
    let wanted = Interrupt::new(Arc::clone(&is_wanted));
    bucket.ends.ending = Ending::within(wanted, Duration::ZERO);
    let stop = bucket.ends.ending.interrupt();
    let mut staged = stage_all(&bucket).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    is_wanted.store(true, Ordering::Relaxed);
    stop.stop()
        .expect("requests go on while files are half-way");
    staged.put_back().expect("put back");
    stop.stop().expect_err("nothing is half-way any more");
    let litter = staged.litter().expect("the rest could not be deleted");
    assert!(litter.contains("backup recover"), "{litter}");
    drop(staged);
    let mut files = fake.texts();
    files.retain(|key, _| !key.contains(STAGING_PREFIX));
    assert_eq!(files, before().texts());
    recover(&self::bucket(&fake), &mut None).expect("recovered");
    assert_eq!(fake.texts(), before().texts());
}

#[test]
fn litter_after_everything_was_put_back_is_no_failure_to_put_it_back() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    fake.refuse_lists();
    staged.put_back().expect("all is back");
    assert!(staged.litter().is_some());
}

#[test]
fn uploads_in_parts_of_restores_that_are_over_are_given_up() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let going_on = stage_all(&bucket).expect("staged");
    let own = own_key(&fake, "new/both");
    let over = format!("site/media/{STAGING_PREFIX}{}/new/large", "0".repeat(32));
    let others = [
        "site/media/large".to_owned(),
        format!("site/media/{STAGING_PREFIX}x/new/large"),
        format!("{STAGING_PREFIX}{}/new/large", "0".repeat(32)),
    ];
    for key in others.iter().chain([&own, &over]) {
        fake.begin(key);
    }
    bucket.give_up_uploads().expect("given up");
    assert_eq!(fake.begun(), [&others[..], &[own]].concat());
    drop(going_on);
    assert_eq!(bucket.sweep().expect("swept"), 0);
    assert_eq!(fake.begun(), others);
}

#[test]
fn a_place_where_only_a_lease_was_left_is_nothing_to_tell_of() {
    let fake = Arc::new(before());
    let place = format!("site/media/{STAGING_PREFIX}{}/", "0".repeat(32));
    fake.set(&format!("{place}lease"), b"");
    fake.revive(LATER);
    assert_eq!(bucket(&fake).sweep().expect("swept"), 0);
    assert_eq!(fake.texts(), before().texts());
    fake.set(&format!("{place}lease"), b"");
    fake.set(&format!("{place}new/a"), b"");
    fake.revive(LATER);
    assert_eq!(bucket(&fake).sweep().expect("swept"), 1);
    assert_eq!(fake.texts(), before().texts());
}

#[test]
fn a_recovery_leaves_what_the_site_has_written_since_the_kill() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let mut staged = stage_all(&bucket).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.leave();
    for path in ["both", "deep/added"] {
        fake.set(&format!("site/media/{path}"), b"written by the site since");
    }
    fake.revive(LATER);
    recover(&bucket, &mut None).expect("recovered");
    let mut expected = before().texts();
    for path in ["both", "deep/added"] {
        expected.insert(
            format!("site/media/{path}"),
            "written by the site since".into(),
        );
    }
    assert_eq!(fake.texts(), expected);
}

#[test]
fn what_was_not_overwritten_need_not_be_put_back_and_keeps_nothing_else_from_it() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let mut staged = stage_all(&bucket).expect("staged");
    // From here on nobody may copy what everybody reads: neither to a file's place nor back.
    fake.refuse("copy", true);
    let error = staged.swap_in(TOKEN, "database").expect_err("refused");
    assert!(error.to_string().contains("may not copy"), "{error}");
    staged.put_back().expect("nothing had changed");
    drop(staged);
    assert_eq!(fake.texts(), before().texts());
}
