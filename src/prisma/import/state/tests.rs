//! States as runs leave them.

use super::*;
use crate::resuming::{hold, is_named, options};
use crate::store::open_plain;
use std::fs::{self, File};
use std::io::Write;

/// A data set of three requests of nodes.
fn verdict() -> Verdict {
    Verdict {
        chunks: [vec![[1; 16], [2; 16], [3; 16]], Vec::new(), Vec::new()],
        ..Verdict::default()
    }
}

fn endpoint(text: &str) -> Endpoint {
    Endpoint::parse(text).expect("an endpoint")
}

#[test]
fn what_a_run_that_was_cut_off_wrote_is_known_and_half_a_line_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    let places = places(&folder.path().join("a.zip"), &verdict, &endpoint, None);
    let open = || State::open(&places, &verdict, &endpoint);
    let mut state = open().expect("a state");
    for number in 0..3 {
        state.sending(ValueType::Nodes, number).expect("written");
    }
    state.take(ValueType::Nodes, 1).expect("written");
    state.unsent(ValueType::Nodes, 2).expect("written");
    let error = open().err().expect("held");
    assert_eq!(error.kind(), Kind::Locked);
    assert!(places.forget().is_err_and(|it| it.kind() == Kind::Locked));
    drop(state);
    let mut text = fs::read_to_string(&places.beside).expect("read");
    text.push_str("{\"taken\":[\"nod");
    fs::write(&places.beside, &text).expect("written");
    let mut state = open().expect("a state");
    assert!(state.is_taken(ValueType::Nodes, 1) && state.is_in_doubt(ValueType::Nodes, 0));
    assert!(!state.is_in_doubt(ValueType::Nodes, 2));
    state.take(ValueType::Nodes, 0).expect("written");
    drop(state);
    let state = open().expect("a state");
    assert_eq!((state.progress(), state.in_doubt()), ((2, 3), 0));
    drop(state);
    fs::write(&places.beside, text.replace("sending", "lending")).expect("written");
    let error = open().err().expect("damaged");
    assert!(error.advice().is_some_and(|it| it.contains("--restart")));
    places.forget().expect("forgotten");
    assert_eq!(open().expect("a state").progress(), (0, 3));
}

#[test]
fn another_server_and_another_content_have_another_state() {
    let data = Path::new("/data/a.zip");
    let of = |verdict: &Verdict, text: &str| places(data, verdict, &endpoint(text), None).beside;
    let mut other = verdict();
    other.chunks[0][2] = [4; 16];
    let places = [
        of(&verdict(), "http://a/b/c"),
        of(&verdict(), "http://a/b/d"),
        of(&other, "http://a/b/c"),
    ];
    assert!(places[0] != places[1] && places[0] != places[2]);
    assert_eq!(places[0], of(&verdict(), "http://a/b/c/"));
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_data_may_not_be_written_beside_the_state_lies_in_the_users_own_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("state/backup");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    // Nobody makes files there.
    let places = places(Path::new("/sys/a.zip"), &verdict, &endpoint, Some(&own));
    drop(State::open(&places, &verdict, &endpoint).expect("a state"));
    let existing = || places.existing().expect("known");
    assert!(existing().is_some_and(|path| path.starts_with(&own)));
    places.forget().expect("forgotten");
    assert_eq!(existing(), None);
}

#[test]
fn a_state_that_another_run_removes_before_it_is_held_is_not_taken_for_the_one_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    fs::write(&path, "old").expect("written");
    let opened = open_plain(&mut options(), &path).expect("opened");
    fs::remove_file(&path).expect("removed");
    assert!(!is_named(&opened, &path));
    assert!(hold(&path, false, "data set").expect("asked").is_none());
    fs::write(&path, "new").expect("written");
    assert!(!is_named(&opened, &path));
    let held = hold(&path, false, "data set")
        .expect("held")
        .expect("there");
    assert!(is_named(&held, &path));
    assert!(hold(&path, false, "data set").is_err_and(|it| it.kind() == Kind::Locked));
}

#[test]
fn copies_of_a_data_set_in_two_folders_are_not_imported_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("own");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    let [one, other] = ["one", "other"].map(|name| {
        let above = folder.path().join(name);
        fs::create_dir(&above).expect("made");
        places(&above.join("a.zip"), &verdict, &endpoint, Some(&own))
    });
    let open = |places: &Places| State::open(places, &verdict, &endpoint);
    let mut state = open(&one).expect("a state");
    assert!(open(&other).is_err_and(|it| it.kind() == Kind::Locked));
    state.take(ValueType::Nodes, 0).expect("written");
    drop(state);
    let state = open(&other).expect("a state");
    assert_eq!(state.progress(), (1, 3));
    drop(state);
    other.forget().expect("forgotten");
    assert_eq!(one.existing().expect("known"), None);
}

#[test]
fn a_line_that_came_in_part_is_taken_away_before_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    let places = places(&folder.path().join("a.zip"), &verdict, &endpoint, None);
    let mut state = State::open(&places, &verdict, &endpoint).expect("a state");
    state.sending(ValueType::Nodes, 0).expect("written");
    // What a full disk leaves of a line.
    state.journal.file.write_all(b"{\"taken").expect("written");
    state.journal.cut(state.journal.whole);
    state.sending(ValueType::Nodes, 1).expect("written");
    state.take(ValueType::Nodes, 1).expect("written");
    drop(state);
    let state = State::open(&places, &verdict, &endpoint).expect("a state");
    assert_eq!((state.progress(), state.in_doubt()), ((1, 3), 1));
}

#[test]
fn a_request_whose_intent_cannot_be_written_is_not_in_doubt() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    let places = places(&folder.path().join("a.zip"), &verdict, &endpoint, None);
    let mut state = State::open(&places, &verdict, &endpoint).expect("a state");
    // It can be read alone.
    state.journal.file = File::open(state.path()).expect("opened");
    assert!(state.sending(ValueType::Nodes, 0).is_err());
    assert!(state.is_new());
    // Nor is anything written behind what may be the part of a line.
    state.journal.file = options().open(state.path()).expect("opened");
    assert!(state.sending(ValueType::Nodes, 0).is_err());
    assert_eq!(
        fs::read_to_string(state.path())
            .expect("read")
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_file_that_is_no_state_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (verdict, endpoint) = (verdict(), endpoint("http://a/b/c"));
    let places = places(&folder.path().join("a.zip"), &verdict, &endpoint, None);
    for text in ["precious", "line\nprecious tail", "{}\n"] {
        fs::write(&places.beside, text).expect("written");
        let error = State::open(&places, &verdict, &endpoint)
            .err()
            .expect("no state");
        assert!(
            error.to_string().contains("is no state of this import"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&places.beside).expect("read"), text);
    }
    // The beginning of a first line is what a run leaves that was cut off.
    fs::write(&places.beside, r#"{"import":{"form"#).expect("written");
    let state = State::open(&places, &verdict, &endpoint).expect("a state");
    assert!(state.is_new());
}
