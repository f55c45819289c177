use super::*;
use std::collections::BTreeMap;

/// An upload folder with `a` and `b`, and a staging folder in which a new `b` and `c` wait.
fn prepared() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let staging = folder.path().join("staging");
    for part in ["new", "old"] {
        fs::create_dir_all(staging.join(part)).expect("made");
    }
    for (name, text) in [("a", "old"), ("b", "old")] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    for name in ["b", "c"] {
        fs::write(staging.join("new").join(name), "new").expect("written");
    }
    (folder, staging)
}

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.is_file());
    files
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), text)
        })
        .collect()
}

fn of(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = files.iter();
    pairs
        .map(|(name, text)| ((*name).into(), (*text).into()))
        .collect()
}

/// Stops after so many moves, as a crash would.
fn stopped_after(moves: usize, folder: &Path, staging: &Path) -> Journal {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let all_of_it = Moves {
        made: Vec::new(),
        outgoing: names(&["a", "b"]),
        incoming: names(&["b", "c"]),
    };
    let journal = Journal::begin(staging, folder, ["t", "d"], all_of_it).expect("a journal");
    let all = [
        (folder.join("a"), staging.join("old/a")),
        (folder.join("b"), staging.join("old/b")),
        (staging.join("new/b"), folder.join("b")),
        (staging.join("new/c"), folder.join("c")),
    ];
    for (from, to) in all.iter().take(moves) {
        fs::rename(from, to).expect("moved");
    }
    journal
}

#[test]
fn a_swap_that_stopped_anywhere_is_undone_or_finished_and_either_can_be_repeated() {
    let (before, after) = (
        of(&[("a", "old"), ("b", "old")]),
        of(&[("b", "new"), ("c", "new")]),
    );
    for moves in 0..=4 {
        let (folder, staging) = prepared();
        stopped_after(moves, folder.path(), &staging);
        let read = Journal::read(&staging, folder.path()).expect("read");
        let journal = read.expect("a journal");
        for _ in 0..2 {
            journal.undo().expect("undone");
            assert_eq!(files(folder.path()), before, "{moves}");
        }
        for _ in 0..2 {
            journal.advance().expect("finished");
            assert_eq!(files(folder.path()), after, "{moves}");
        }
        assert!(!journal.is_done());
        journal.mark_done().expect("marked");
        assert!(journal.is_done());
        journal.forget().expect("forgotten");
        assert!(!staging.exists());
    }
}

#[test]
fn old_files_are_not_taken_for_new_ones_whose_staged_files_are_gone() {
    let before = of(&[("a", "old"), ("b", "old")]);
    for moves in 0..=2 {
        let (folder, staging) = prepared();
        let journal = stopped_after(moves, folder.path(), &staging);
        fs::remove_file(staging.join("new/b")).expect("gone");
        for _ in 0..2 {
            journal.undo().expect("undone");
            assert_eq!(files(folder.path()), before, "{moves}");
        }
    }
}

#[test]
fn an_undo_that_stopped_anywhere_is_completed() {
    for moves in 0..=4 {
        let (folder, staging) = prepared();
        let journal = stopped_after(4, folder.path(), &staging);
        let all = [
            (folder.path().join("b"), staging.join("new/b")),
            (folder.path().join("c"), staging.join("new/c")),
            (staging.join("old/a"), folder.path().join("a")),
            (staging.join("old/b"), folder.path().join("b")),
        ];
        for (from, to) in all.iter().take(moves) {
            fs::rename(from, to).expect("moved");
        }
        for _ in 0..2 {
            journal.undo().expect("undone");
            let before = of(&[("a", "old"), ("b", "old")]);
            assert_eq!(files(folder.path()), before, "{moves}");
        }
    }
}

#[test]
fn a_journal_that_was_cut_says_that_nothing_was_moved() {
    let (folder, staging) = prepared();
    stopped_after(0, folder.path(), &staging);
    let path = staging.join(JOURNAL);
    let text = fs::read_to_string(&path).expect("text");
    for length in 0..text.len() - 1 {
        fs::write(&path, &text[..length]).expect("written");
        let read = Journal::read(&staging, folder.path()).expect("read");
        assert!(read.is_none(), "{length}");
    }
}

#[test]
fn a_journal_that_names_files_elsewhere_is_not_believed() {
    let (folder, staging) = prepared();
    for name in ["../a", "/etc/passwd", "..", ".", "", "a/../../b", "a//b"] {
        let moves = Moves {
            outgoing: vec![name.to_owned()],
            ..Moves::default()
        };
        Journal::begin(&staging, folder.path(), ["t", "d"], moves).expect("a journal");
        let read = Journal::read(&staging, folder.path()).expect("read");
        assert!(read.is_none(), "{name}");
    }
}

#[test]
fn a_journal_that_was_damaged_after_files_moved_is_finished_or_undone_all_the_same() {
    for finishes in [false, true] {
        let (folder, staging) = prepared();
        stopped_after(3, folder.path(), &staging);
        fs::write(staging.join(JOURNAL), "zeros").expect("written");
        let read = Journal::read(&staging, folder.path()).expect("read");
        let journal = read.expect("files were moved");
        assert_eq!(journal.token(), None);
        let expected = if finishes {
            journal.finish().expect("finished");
            of(&[("b", "new"), ("c", "new")])
        } else {
            journal.undo().expect("undone");
            of(&[("a", "old"), ("b", "old")])
        };
        assert_eq!(files(folder.path()), expected);
    }
}

#[test]
fn links_that_somebody_made_in_the_upload_folder_are_not_followed() {
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = |at: &Path| std::os::unix::fs::symlink(elsewhere.path(), at).expect("a link");
    let (folder, staging) = prepared();
    fs::remove_dir_all(staging.join("new")).expect("gone");
    link(&staging.join("new"));
    Journal::read(&staging, folder.path()).expect_err("new is a link");
    let (folder, staging) = prepared();
    link(&folder.path().join("sub"));
    fs::create_dir(staging.join("new/sub")).expect("made");
    fs::write(staging.join("new/sub/x"), "new").expect("written");
    let moves = Moves {
        incoming: vec!["sub/x".into()],
        ..Moves::default()
    };
    let journal = Journal::begin(&staging, folder.path(), ["t", "d"], moves).expect("a journal");
    journal.advance().expect_err("sub is a link");
    journal.undo().expect_err("sub is a link");
    assert!(files(elsewhere.path()).is_empty());
}
