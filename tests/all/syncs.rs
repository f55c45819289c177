//! In which order a restore writes to disk, as its system calls tell: what a later step relies on is there before it.
//! `power.rs` shows what the order is good for, where the database is a file; this holds for servers as well.

use std::path::{Path, PathBuf};

use crate::support::cli::{Project, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::place::Place;
use crate::support::strace::{Call, can_trace, traced};

on_each_server!(a_restore_writes_to_disk_in_an_order_that_no_loss_of_power_breaks);

const CALLS: &str = "openat,write,pwrite64,sendto,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,fsync,\
                     fdatasync,syncfs";

/// Whether something is at a path.
type IsIt<'a> = dyn Fn(&Path) -> bool + 'a;

/// A trace of a restore, and where things are in it.
struct Order<'a> {
    calls: &'a [Call],
    uploads: PathBuf,
    /// The folder of SQLite's database.
    database: Option<PathBuf>,
}

impl Order<'_> {
    /// The first call after another one that does this.
    fn after(&self, start: usize, does: impl Fn(&Call) -> bool) -> Option<usize> {
        (start + 1..self.calls.len()).find(|call| does(&self.calls[*call]))
    }

    /// The last call before another one that does this.
    fn before(&self, end: usize, does: impl Fn(&Call) -> bool) -> Option<usize> {
        (0..end).rev().find(|call| does(&self.calls[*call]))
    }

    /// Whether a file or folder is synced between two calls.
    fn is_synced(&self, path: &Path, start: usize, end: usize) -> bool {
        let syncs = |call: &Call| {
            call.synced().is_some_and(|synced| {
                synced == path
                    || call.name == "syncfs"
                        && synced.starts_with(&self.uploads)
                        && path.starts_with(&self.uploads)
            })
        };
        self.after(start, syncs).is_some_and(|sync| sync < end)
    }

    /// The next end of a transaction that wrote.
    fn commit(&self, start: usize) -> Option<usize> {
        self.after(start, |call| match &self.database {
            Some(folder) => call.removed().is_some_and(|path| {
                path.parent() == Some(folder) && path.to_str().unwrap().ends_with("-journal")
            }),
            None => {
                call.written().is_some() && call.bytes(1).windows(6).any(|text| text == b"COMMIT")
            }
        })
    }

    /// What is in the wrong order.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&mut |is_right, what| {
            if !is_right {
                faults.push(what);
            }
        })
        .unwrap_or_else(|| faults.push("a step is missing".to_owned()));
        faults
    }

    fn check(&self, expect: &mut dyn FnMut(bool, String)) -> Option<()> {
        let uploads = Some(self.uploads.as_path());
        let renames = self.calls.iter().enumerate();
        let renames =
            renames.filter_map(|(at, call)| call.renamed().map(|(from, to)| (at, from, to)));
        let (outs, rest): (Vec<_>, Vec<_>) =
            renames.partition(|(_, from, _)| from.parent() == uploads);
        let ins: Vec<_> = rest
            .into_iter()
            .filter(|(_, _, to)| to.parent() == uploads)
            .collect();
        let (first, old) = (outs.first()?.0, outs.first()?.2.parent()?);
        let last = ins.last()?.0;
        let staging = old.parent()?;
        let journal = staging.join("journal.jsonl");
        let mark = staging.join("done");

        for (_, from, _) in &ins {
            let written = self.before(first, |call| {
                call.written().is_some_and(|path| path == *from)
            })?;
            expect(
                self.is_synced(from, written, first),
                format!("{} is synced before a file moves", from.display()),
            );
        }
        let made = self.before(first, makes(&journal))?;
        let written = self.before(first, |call| {
            call.written().is_some_and(|path| path == journal)
        })?;
        expect(
            self.is_synced(&journal, written, first),
            "the journal is synced before a file moves".into(),
        );
        expect(
            self.is_synced(staging, made, first),
            "the journal's folder is synced before a file moves".into(),
        );
        let begun = self.before(first, |call| {
            call.name == "mkdir" && call.opened(0) == staging
        })?;
        expect(
            self.is_synced(&self.uploads, begun, first),
            "the staging folder is synced before a file moves".into(),
        );

        for (at, _, to) in &outs {
            for folder in [&self.uploads, to.parent()?] {
                expect(
                    self.is_synced(folder, *at, ins[0].0),
                    format!("{} goes to disk before others come", to.display()),
                );
            }
        }
        let commit = self.commit(last)?;
        for (at, from, _) in &ins {
            for folder in [&self.uploads, from.parent()?] {
                expect(
                    self.is_synced(folder, *at, commit),
                    format!("{} comes to disk before the commit", from.display()),
                );
            }
        }
        let marked = self.after(0, makes(&mark))?;
        expect(commit < marked, "the commit comes before the mark".into());
        let forgotten = self.commit(marked)?;
        expect(
            self.is_synced(&mark, marked, forgotten),
            "the mark is synced before the token is deleted".into(),
        );
        expect(
            self.is_synced(staging, marked, forgotten),
            "the mark's folder is synced before the token is deleted".into(),
        );
        let removed = self.after(0, |call| call.removed().is_some_and(|path| path == journal))?;
        expect(
            forgotten < removed,
            "the token is deleted before the journal".into(),
        );
        if let Some(folder) = &self.database {
            expect(
                self.is_synced(folder, commit, marked),
                "SQLite's commit is synced before the mark".into(),
            );
            expect(
                self.is_synced(folder, forgotten, removed),
                "the token's end is synced before the journal is deleted".into(),
            );
        }
        let deleted = self.after(0, |call| {
            call.removed()
                .is_some_and(|path| path != journal && path.starts_with(staging))
        })?;
        expect(
            removed < deleted,
            "the journal is deleted before the old files".into(),
        );
        expect(
            self.is_synced(staging, removed, deleted),
            "that the journal is deleted is synced before the old files are".into(),
        );
        Some(())
    }
}

/// Whether a call makes a file.
fn makes(path: &Path) -> impl Fn(&Call) -> bool {
    move |call| call.made().is_some_and(|made| made == path)
}

fn assert_order(place: &dyn Place, archive: &Path, database: Option<PathBuf>) {
    if !can_trace() {
        return;
    }
    place.spoil();
    let project = place.project();
    let uploads = project.uploads().canonicalize().unwrap();
    let (outcome, mut calls) = traced(&project.import_command(archive, &[]), CALLS, 64);
    outcome.ends_with(0);
    calls.retain(|call| call.result().is_some());
    let faults = |calls: &[Call]| {
        let (uploads, database) = (uploads.clone(), database.clone());
        Order {
            calls,
            uploads,
            database,
        }
        .faults()
    };
    assert_eq!(faults(&calls), [""; 0]);

    // It sees each of them: none of these syncs could be left out, and none of these calls come earlier.
    let is_in_uploads = |path: &Path| path.starts_with(&uploads);
    let end = |end: &'static str| move |path: &Path| path.ends_with(end);
    let syncs: [(&str, &IsIt); 7] = [
        ("the journal", &end("journal.jsonl")),
        ("the mark", &end("done")),
        ("the folder of the files that come", &end("new")),
        ("the folder of the files that go", &end("old")),
        ("the upload folder", &|path| path == uploads),
        ("the staging folder", &|path| {
            is_in_uploads(path) && path.parent() == Some(&uploads)
        }),
        ("the folder of the database", &|path| {
            database.as_deref() == Some(path)
        }),
    ];
    for (what, is_it) in syncs {
        let mut without = calls.clone();
        without.retain(|call| {
            call.name == "syncfs" || !call.synced().is_some_and(|path| is_it(&path))
        });
        let is_made = without.len() < calls.len();
        assert_eq!(
            is_made,
            !faults(&without).is_empty(),
            "without a sync of {what}"
        );
        assert!(
            is_made || database.is_none(),
            "a restore does not sync {what}"
        );
    }
    let mut without = calls.clone();
    without.retain(|call| {
        call.name != "syncfs"
            && !call
                .synced()
                .is_some_and(|path| path.parent().is_some_and(|parent| parent.ends_with("new")))
    });
    assert!(
        !faults(&without).is_empty(),
        "without a sync of the files that come"
    );

    let order = Order {
        calls: &calls,
        uploads: uploads.clone(),
        database: database.clone(),
    };
    let first = calls
        .iter()
        .position(|call| call.renamed().is_some())
        .unwrap();
    let last = calls
        .iter()
        .rposition(|call| call.renamed().is_some())
        .unwrap();
    let commit = order.commit(last).unwrap();
    let mark = order
        .after(0, |call| {
            call.made().is_some_and(|path| path.ends_with("done"))
        })
        .unwrap();
    let journal = order
        .after(0, |call| {
            call.synced()
                .is_some_and(|path| path.ends_with("journal.jsonl"))
        })
        .unwrap();
    let removed = order
        .after(0, |call| {
            call.removed()
                .is_some_and(|path| path.ends_with("journal.jsonl"))
        })
        .unwrap();
    for (what, from, to) in [
        ("the commit before a file has come", commit, last),
        ("the mark before the commit", mark, commit),
        ("the journal's end before the mark", removed, mark),
        (
            "a file that moves before the journal is synced",
            first,
            journal,
        ),
    ] {
        let mut swapped = calls.clone();
        let call = swapped.remove(from);
        swapped.insert(to, call);
        assert!(!faults(&swapped).is_empty(), "{what}");
    }
}

#[test]
fn a_restore_writes_to_disk_in_an_order_that_no_loss_of_power_breaks_on_sqlite() {
    let project = Project::testdata();
    let folder = project.database().parent().unwrap().canonicalize().unwrap();
    assert_order(&project, &strapi_archive(), Some(folder));
}

fn a_restore_writes_to_disk_in_an_order_that_no_loss_of_power_breaks(server: Server) {
    assert_order(&Site::new(server), our_archive(server), None);
}
