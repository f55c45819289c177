//! What is decided, and how it is carried out, on a shelf that does as it is told.

use super::*;
use crate::error::Error;
use crate::retention::{Period, Policy, Quota};
use crate::store::Origin;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const NOW: &str = "2026-11-22T12:00:00Z";

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A shelf of files with contents, which notes what is removed, and refuses some of it.
#[derive(Default)]
struct Fake {
    files: Mutex<BTreeMap<String, (Vec<u8>, SystemTime)>>,
    removed: Mutex<Vec<String>>,
    refuses: BTreeSet<String>,
    /// What archives are known by.
    ids: BTreeMap<String, &'static str>,
    /// Set when something was removed.
    requested: Arc<AtomicBool>,
}

impl Fake {
    fn put(&self, name: &str, content: &[u8], written: &str) -> &Self {
        let file = (content.to_vec(), time(written).into());
        self.files
            .lock()
            .expect("free")
            .insert(name.to_owned(), file);
        self
    }

    /// An archive nobody can look into, of four bytes, with its summary.
    fn archive(&self, name: &str, made: &str, status: &str) -> &Self {
        self.put(name, &[0xff, 1, 2, 3], made);
        let summary = summary(name, 4, made, status);
        self.put(&Summary::name_for(name), summary.as_bytes(), made)
    }
}

fn summary(name: &str, size: u64, made: &str, status: &str) -> String {
    format!(
        r#"{{"format":1,"program":"backup","command":"export","status":"{status}","exit_code":0,
            "archive":{{"name":"{name}","size":{size}}},"started":"{made}","stages":{{"entities":{{"count":7,"bytes":9}}}}}}"#
    )
}

impl Shelf for Fake {
    fn name(&self) -> String {
        "the shelf".into()
    }

    fn list(&self) -> Result<Vec<Item>> {
        let files = self.files.lock().expect("free");
        let items = files.iter().map(|(name, (content, written))| Item {
            name: name.clone(),
            size: content.len() as u64,
            modified: *written,
        });
        Ok(items.collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn Origin>> {
        let content = self.read(name, u64::MAX)?.expect("there");
        let origin = crate::store::StreamOrigin::new(
            name,
            std::io::Cursor::new(content),
            &std::env::temp_dir(),
        );
        Ok(Box::new(origin))
    }

    fn read(&self, name: &str, _most: u64) -> Result<Option<Vec<u8>>> {
        let files = self.files.lock().expect("free");
        Ok(files.get(name).map(|(content, _)| content.clone()))
    }

    fn id(&self, name: &str) -> Result<Option<String>> {
        match self.ids.get(name) {
            Some(&"?") => Err(Error::failed("no answer")),
            id => Ok(id.map(|&id| id.to_owned())),
        }
    }

    fn remove(&self, name: &str) -> Result<()> {
        if self.refuses.contains(name) {
            return Err(Error::failed("no"));
        }
        self.files.lock().expect("free").remove(name);
        self.removed.lock().expect("free").push(name.to_owned());
        self.requested.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn look() -> Look<'static> {
    Look {
        zone: TimeZone::UTC,
        now: time(NOW),
        keys: Keys::default(),
        needs_summaries: false,
        spool_folder: Path::new("/nowhere"),
        interrupt: Interrupt::default(),
    }
}

fn in_a_store() -> Look<'static> {
    Look {
        needs_summaries: true,
        ..look()
    }
}

fn daily(count: u64) -> Policy {
    Policy::new([(Period::Daily, Quota::Of(count))], None).expect("a rule")
}

fn decide(shelf: &Fake, look: &Look<'_>, policy: &Policy, beside: Option<&str>) -> Pruning {
    let inventory = Inventory::take(shelf, look).expect("listed");
    let scope = Scope {
        beside: beside.map(str::to_owned),
    };
    Pruning::decide(inventory, policy, &scope, look.now)
}

fn carry_out(pruning: &Pruning, shelf: &Fake) -> Removed {
    let mut removed = Removed::default();
    let carried = pruning.carry_out(shelf, &look(), &mut removed);
    carried.expect("tried");
    removed
}

/// A complete archive of this name, as it was looked at.
pub(super) fn stocked(name: &str) -> Stocked {
    let shelf = Fake::default();
    shelf.archive(name, "2026-11-10T01:00:00Z", "complete");
    let inventory = Inventory::take(&shelf, &look()).expect("listed");
    inventory.archives[0].clone()
}

/// What becomes of what, with the first reason.
fn actions(pruning: &Pruning) -> Vec<(&str, Action, &str)> {
    let decisions = pruning.decisions.iter();
    decisions
        .map(|it| (it.archive.name.as_str(), it.action, it.reasons[0].as_str()))
        .collect()
}

#[test]
fn two_sites_in_one_place_never_remove_each_other() {
    let shelf = Fake::default();
    for day in 10..=12 {
        let made = format!("2026-11-{day}T01:00:00Z");
        shelf.archive(&format!("shop-2026-11-{day}.tar.gz.enc"), &made, "complete");
    }
    shelf.archive(
        "site-2026-11-01.tar.gz.enc",
        "2026-11-01T01:00:00Z",
        "complete",
    );
    let pruning = decide(&shelf, &look(), &daily(1), None);
    let going: Vec<&str> = pruning.going().map(|it| it.name.as_str()).collect();
    assert_eq!(
        going,
        ["shop-2026-11-10.tar.gz.enc", "shop-2026-11-11.tar.gz.enc"]
    );
    // And where one of them was just written, the other is not even looked at.
    let pruning = decide(
        &shelf,
        &look(),
        &daily(1),
        Some("site-2026-11-01.tar.gz.enc"),
    );
    assert_eq!(pruning.decisions.len(), 1);
}

#[test]
fn what_nothing_proves_to_be_ours_is_left_and_counts_for_nothing() {
    let shelf = Fake::default();
    let old = "2026-11-01T01:00:00Z";
    shelf.archive("site-2026-11-01.tar.gz.enc", old, "complete");
    // As long as whole blocks of the cipher, and not as its summary says.
    shelf.put("site-2026-11-02.tar.gz.enc", &[0xff; 32], old);
    let wrong = summary("site-2026-11-02.tar.gz.enc", 31, old, "complete");
    shelf.put(
        "site-2026-11-02.tar.gz.enc.summary.json",
        wrong.as_bytes(),
        old,
    );
    shelf.put("site-2026-11-03.tar.gz.enc", &[0xff; 32], old);
    shelf.put("site-2026-11-04.tar", b"text that somebody called so", old);
    shelf.put("site-2026-11-05.tar", b"", old);
    let pruning = decide(&shelf, &look(), &daily(1), None);
    let expected = [
        (
            "site-2026-11-01.tar.gz.enc",
            Action::Keep,
            "daily 2026-11-01",
        ),
        (
            "site-2026-11-02.tar.gz.enc",
            Action::Leave,
            "not known to be ours: it has not the size that its summary says",
        ),
        (
            "site-2026-11-03.tar.gz.enc",
            Action::Leave,
            "not known to be ours: it is encrypted, and has no summary",
        ),
    ];
    assert_eq!(actions(&pruning)[..3], expected);
    assert!(
        actions(&pruning)[3..]
            .iter()
            .all(|it| it.1 == Action::Leave)
    );
}

#[test]
fn an_archive_that_may_still_be_written_is_left_unless_this_run_has_made_it() {
    let shelf = Fake::default();
    shelf.archive(
        "site-2026-11-21.tar.gz.enc",
        "2026-11-21T01:00:00Z",
        "complete",
    );
    shelf.put(
        "site-2026-11-22.tar.gz.enc",
        &[0xff; 32],
        "2026-11-22T11:59:30Z",
    );
    let mut inventory = Inventory::take(&shelf, &look()).expect("listed");
    // As if a key had proved it.
    inventory.archives[1].doubt = None;
    let archives = inventory.archives.clone();
    let scope = Scope::default();
    let pruning = Pruning::decide(inventory, &daily(1), &scope, time(NOW));
    assert_eq!(actions(&pruning)[0].1, Action::Keep);
    assert_eq!(actions(&pruning)[1].1, Action::Leave);
    let inventory = Inventory {
        archives,
        ..Inventory::default()
    };
    let scope = Scope {
        beside: Some("site-2026-11-22.tar.gz.enc".into()),
    };
    let pruning = Pruning::decide(inventory, &daily(1), &scope, time(NOW));
    let actions: Vec<Action> = pruning.decisions.iter().map(|it| it.action).collect();
    assert_eq!(actions, [Action::Remove, Action::Keep]);
}

#[test]
fn in_an_object_store_an_archive_without_a_summary_is_not_complete() {
    let shelf = Fake::default();
    shelf.archive("site-2026-11-20.tar", "2026-11-20T01:00:00Z", "complete");
    shelf.put("site-2026-11-21.tar", b"", "2026-11-21T01:00:00Z");
    let inventory = Inventory::take(&shelf, &in_a_store()).expect("listed");
    let complete: Vec<bool> = inventory.archives.iter().map(|it| it.is_complete).collect();
    assert_eq!(complete, [true, false]);
    assert!(!inventory.archives[1].is_fresh);
    shelf.put("site-2026-11-22.tar", b"", "2026-11-22T11:30:00Z");
    let inventory = Inventory::take(&shelf, &in_a_store()).expect("listed");
    assert!(inventory.archives[2].is_fresh);
}

#[test]
fn the_summary_of_an_archive_that_was_replaced_is_not_believed_whatever_its_size() {
    let mut shelf = Fake::default();
    let made = "2026-11-20T12:00:00Z";
    // Its own; one of an earlier archive; where the store keeps none; where it does not answer.
    let ids = [
        ("a", "1", true),
        ("b", "2", false),
        ("c", "", true),
        ("d", "?", false),
    ];
    for (name, id, _) in ids {
        let name = format!("{name}.tar");
        shelf.archive(&name, made, "complete");
        let text = summary(&name, 4, made, "complete").replace(r#""size""#, r#""id":"1","size""#);
        shelf.put(&Summary::name_for(&name), text.as_bytes(), made);
        if !id.is_empty() {
            shelf.ids.insert(name, id);
        }
    }
    let inventory = Inventory::take(&shelf, &in_a_store()).expect("listed");
    for (archive, (name, _, is_believed)) in inventory.archives.iter().zip(ids) {
        assert_eq!(archive.name, format!("{name}.tar"));
        assert_eq!(archive.is_complete, is_believed, "{archive:?}");
        assert_eq!(archive.doubt.is_none(), is_believed, "{archive:?}");
    }
}

#[test]
fn incomplete_archives_displace_no_complete_one() {
    let shelf = Fake::default();
    shelf.archive("site-2026-11-19.tar", "2026-11-19T01:00:00Z", "incomplete");
    shelf.archive("site-2026-11-20.tar", "2026-11-20T01:00:00Z", "complete");
    for day in [21, 22] {
        let name = format!("site-2026-11-{day}.incomplete.tar");
        shelf.archive(&name, &format!("2026-11-{day}T01:00:00Z"), "incomplete");
    }
    let pruning = decide(&shelf, &look(), &daily(1), None);
    let actions: Vec<Action> = pruning.decisions.iter().map(|it| it.action).collect();
    assert_eq!(
        actions,
        [Action::Remove, Action::Keep, Action::Remove, Action::Keep]
    );
}

#[test]
fn an_archive_goes_before_its_summary_and_what_cannot_go_is_listed() {
    let mut shelf = Fake::default();
    for day in 10..=13 {
        let made = format!("2026-11-{day}T01:00:00Z");
        shelf.archive(&format!("site-2026-11-{day}.tar"), &made, "complete");
    }
    shelf.refuses.insert("site-2026-11-11.tar".into());
    shelf
        .refuses
        .insert("site-2026-11-12.tar.summary.json".into());
    let pruning = decide(&shelf, &look(), &daily(1), None);
    let removed = carry_out(&pruning, &shelf);
    assert_eq!(
        *shelf.removed.lock().expect("free"),
        [
            "site-2026-11-10.tar",
            "site-2026-11-10.tar.summary.json",
            "site-2026-11-12.tar"
        ]
    );
    let failed: Vec<&str> = removed
        .failed
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        failed,
        ["site-2026-11-11.tar", "site-2026-11-12.tar.summary.json"]
    );
    assert_eq!((removed.archives.len(), removed.bytes), (2, 8));
    // The summary that was left goes when it is old enough.
    shelf.refuses.clear();
    let later = Look {
        now: time("2026-11-24T00:00:00Z"),
        ..look()
    };
    let pruning = decide(&shelf, &later, &daily(1), None);
    assert_eq!(pruning.orphans, ["site-2026-11-12.tar.summary.json"]);
}

#[test]
fn a_run_that_is_stopped_still_tells_what_it_has_removed() {
    let shelf = Fake::default();
    for day in 10..=12 {
        let made = format!("2026-11-{day}T01:00:00Z");
        shelf.archive(&format!("site-2026-11-{day}.tar"), &made, "complete");
    }
    let pruning = decide(&shelf, &look(), &daily(1), None);
    let stopped = Look {
        interrupt: Interrupt::new(Arc::clone(&shelf.requested)),
        ..look()
    };
    let mut removed = Removed::default();
    let error = pruning.carry_out(&shelf, &stopped, &mut removed);
    let error = error.expect_err("stopped");
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(
        error.to_string().contains("1 archives were removed"),
        "{error}"
    );
    let facts = pruning.facts("there", false, &removed);
    let told = facts
        .archives
        .iter()
        .map(|it| (it.action.as_str(), it.removed));
    let told: Vec<(&str, bool)> = told.collect();
    assert_eq!(told, [("remove", true), ("remove", false), ("keep", false)]);
    assert_eq!((facts.removed, facts.removed_bytes), (1, 4));
}

#[test]
fn what_was_written_to_meanwhile_stays() {
    let shelf = Fake::default();
    for day in 10..=12 {
        let made = format!("2026-11-{day}T01:00:00Z");
        shelf.archive(&format!("site-2026-11-{day}.tar"), &made, "complete");
    }
    let pruning = decide(&shelf, &look(), &daily(1), None);
    shelf.put("site-2026-11-10.tar", b"another", "2026-11-22T11:59:59Z");
    let removed = carry_out(&pruning, &shelf);
    assert_eq!(removed.changed, ["site-2026-11-10.tar"]);
    assert_eq!(removed.archives, ["site-2026-11-11.tar"]);
}

#[test]
fn nothing_goes_from_a_group_whose_kept_archive_vanished_or_changed_meanwhile() {
    let removals = |change: &dyn Fn(&Fake)| {
        let shelf = Fake::default();
        for site in ["shop", "site"] {
            for day in 10..=12 {
                let made = format!("2026-11-{day}T01:00:00Z");
                shelf.archive(&format!("{site}-2026-11-{day}.tar"), &made, "complete");
            }
        }
        let pruning = decide(&shelf, &look(), &daily(1), None);
        change(&shelf);
        let removed = carry_out(&pruning, &shelf);
        let failed: Vec<String> = removed.failed.into_iter().map(|(name, _)| name).collect();
        assert_eq!(failed, ["site-2026-11-10.tar", "site-2026-11-11.tar"]);
        assert_eq!(
            removed.archives,
            ["shop-2026-11-10.tar", "shop-2026-11-11.tar"]
        );
    };
    let forget = |shelf: &Fake, name: &str| drop(shelf.files.lock().expect("free").remove(name));
    removals(&|shelf| forget(shelf, "site-2026-11-12.tar"));
    removals(&|shelf| forget(shelf, "site-2026-11-12.tar.summary.json"));
    removals(&|shelf| {
        shelf.put("site-2026-11-12.tar", b"another", "2026-11-22T11:59:59Z");
    });
}

#[test]
fn the_archive_that_was_just_made_stays_beside_one_of_the_future() {
    for later in ["2026-11-22T20:00:00Z", "2031-01-01T00:00:00Z"] {
        let shelf = Fake::default();
        shelf.archive("site-1-2026-11-21.tar", "2026-11-21T01:00:00Z", "complete");
        shelf.archive("site-1-2026-11-22.tar", "2026-11-22T11:00:00Z", "complete");
        shelf.archive("site-1-2031-01-01.tar", later, "complete");
        let last = Policy::new([(Period::Last, Quota::Of(1))], None).expect("a rule");
        for policy in [last, daily(1)] {
            let pruning = decide(&shelf, &look(), &policy, Some("site-1-2026-11-22.tar"));
            let actions: Vec<Action> = pruning.decisions.iter().map(|it| it.action).collect();
            assert_eq!(actions, [Action::Remove, Action::Keep, Action::Keep]);
        }
    }
}

#[test]
fn a_summary_of_another_program_or_without_its_archive_name_is_no_orphan_of_ours() {
    let shelf = Fake::default();
    let old = "2026-11-01T01:00:00Z";
    let other = summary("elsewhere.tar", 4, old, "complete");
    shelf.put("site.tar.summary.json", other.as_bytes(), old);
    shelf.put("shop.tar.summary.json", b"{}", old);
    let inventory = Inventory::take(&shelf, &look()).expect("listed");
    assert!(inventory.orphans.is_empty());
}
