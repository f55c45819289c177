//! Exports that go on with what is there by then.

use super::*;
use serde_json::value::RawValue;

/// A folder for pages, with so many of nodes that an earlier run has fetched.
fn fetched(count: i64) -> (tempfile::TempDir, PathBuf) {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join(".a.unfinished");
    let mut pages = open(&folder, false).expect("begun");
    for row in 1..=count {
        let element = format!(r#"{{"_typeName":"A","id":"{row}"}}"#);
        let page = Exported {
            elements: vec![RawValue::from_string(element).expect("JSON")],
            next: Cursor {
                row,
                ..Cursor::START
            },
        };
        pages.keep(ValueType::Nodes, &page).expect("kept");
    }
    (above, folder)
}

fn open(folder: &Path, restart: bool) -> Result<Pages> {
    let endpoint = Endpoint::parse("http://a/b/c").expect("an endpoint");
    Pages::open(folder.to_owned(), &endpoint, restart, &Interrupt::default())
}

/// Sees that it is refused with these words, and that it begins anew where that is asked for.
fn refused(folder: &Path, why: &str) {
    let error = open(folder, false).err().expect(why);
    assert!(error.to_string().contains(why), "{why}: {error}");
    let advice = error.advice().unwrap_or_default();
    assert!(advice.contains("--restart"), "{why}: {advice}");
    let anew = open(folder, true).expect("anew");
    assert_eq!((anew.elements(), anew.continued()), (0, None));
    assert_eq!(anew.cursor(ValueType::Nodes), Cursor::START);
    let left = fs::read_dir(folder.join("nodes")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn an_export_goes_on_with_its_pages_and_with_one_that_was_not_written_down() {
    let (_above, folder) = fetched(3);
    fs::write(folder.join("nodes/000004.json"), "half").expect("written");
    let pages = open(&folder, false).expect("goes on");
    assert_eq!(
        (pages.elements(), pages.cursor(ValueType::Nodes).row),
        (3, 3)
    );
    assert!(pages.expect(ValueType::Nodes, 3, None).is_ok());
    let error = pages.expect(ValueType::Nodes, 2, None).expect_err("fewer");
    assert!(
        error.to_string().contains("3 elements were fetched"),
        "{error}"
    );
}

#[test]
fn an_export_does_not_go_on_where_pages_are_gone_cut_changed_or_more() {
    let page = |folder: &Path, number: u32| folder.join(format!("nodes/{number:06}.json"));
    for number in [1, 3] {
        let (_above, folder) = fetched(3);
        fs::remove_file(page(&folder, number)).expect("removed");
        refused(
            &folder,
            &format!("{number:06}.json was fetched, and is gone"),
        );
    }
    let (_above, folder) = fetched(3);
    let text = fs::read_to_string(page(&folder, 3)).expect("read");
    fs::write(page(&folder, 3), &text[..text.len() - 1]).expect("cut");
    refused(&folder, "nodes does not hold what was fetched");
    let (_above, folder) = fetched(3);
    fs::write(page(&folder, 2), text.replace("\"3\"", "\"4\"")).expect("changed");
    refused(&folder, "nodes does not hold what was fetched");
    let (_above, folder) = fetched(3);
    fs::write(page(&folder, 2), text.repeat(9)).expect("changed");
    refused(&folder, "000002.json is not what was fetched");
    for name in ["000005.json", "5.json", "x"] {
        let (_above, folder) = fetched(3);
        fs::write(folder.join("nodes").join(name), &text).expect("written");
        refused(&folder, &format!("{name} was not fetched"));
    }
}

#[test]
fn pages_without_a_state_are_of_no_export() {
    let (_above, folder) = fetched(3);
    fs::remove_file(folder.join(STATE)).expect("removed");
    let pages = open(&folder, false).expect("anew");
    assert_eq!((pages.elements(), pages.continued()), (0, None));
    let left = fs::read_dir(folder.join("nodes")).expect("a folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn a_damaged_state_and_very_large_numbers_in_it_are_told_and_end_nothing() {
    let largest = u64::MAX.to_string();
    let (_above, folder) = fetched(2);
    let state = fs::read_to_string(folder.join(STATE)).expect("read");
    let with = |from: &str, to: &str| {
        let changed = state.replacen(from, to, 1);
        assert_ne!(changed, state);
        changed
    };
    let files = with("\"files\":2", &format!("\"files\":{largest}"));
    let bytes = with("\"bytes\":", "\"bytes\":1844674407370955");
    for (text, why) in [
        (String::new(), "is no state of an export"),
        (state[..state.len() - 1].to_owned(), "is no state"),
        (with("\"format\":2", "\"format\":1"), "is no state"),
        (
            with("\"files\":2", "\"files\":99999999999999999999"),
            "is no state",
        ),
        (with("\"files\":2", "\"files\":-1"), "is no state"),
        (files, "000003.json was fetched, and is gone"),
        (bytes, "does not hold what was fetched"),
        (" ".repeat(1 << 20) + &state, "is no state"),
    ] {
        let (_above, folder) = fetched(2);
        fs::write(folder.join(STATE), text).expect("written");
        refused(&folder, why);
    }
    // How many elements there are is seen when they are read.
    let (_above, folder) = fetched(2);
    let text = with("\"elements\":2", &format!("\"elements\":{largest}"));
    fs::write(folder.join(STATE), text).expect("written");
    let mut pages = open(&folder, false).expect("goes on");
    let page = Exported {
        elements: vec![RawValue::from_string("1".into()).expect("JSON")],
        next: Cursor {
            row: i64::MAX,
            table: i64::MAX,
            ..Cursor::START
        },
    };
    pages.keep(ValueType::Nodes, &page).expect("kept");
    pages.keep(ValueType::Lists, &page).expect("kept");
    assert_eq!(pages.elements(), u64::MAX);
    assert!(pages.expect(ValueType::Nodes, 3, None).is_err());
}
