//! What every store of media must do, whoever it is of.

use super::{About, Attributes, Body, Objects};
use std::io::{Read, Seek, SeekFrom, Write};

/// Larger than what goes in one piece.
pub(super) const LARGE: usize = (16 << 20) * 2 + 12345;

/// Bytes that are like no others.
pub(super) fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut noise = Vec::with_capacity(length + 8);
    while noise.len() < length {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        noise.extend_from_slice(&state.to_be_bytes());
    }
    noise.truncate(length);
    noise
}

pub(super) fn content(store: &dyn Objects, key: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut content = store.open(key).expect(key)?;
    content.bytes.read_to_end(&mut bytes).expect(key);
    Some(bytes)
}

pub(super) fn keys(store: &dyn Objects, prefix: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let each = &mut |key: &str, about: About| {
        assert!(about.size.is_some(), "{key}");
        keys.push(key.to_owned());
        Ok(())
    };
    store.list(prefix, each).expect(prefix);
    keys.sort_unstable();
    keys
}

/// How a picture is kept.
pub(super) fn picture() -> Attributes {
    Attributes {
        media_type: Some("image/png".into()),
        cache_control: Some("max-age=60".into()),
        ..Attributes::default()
    }
}

/// Writes, reads, copies, lists and removes under these keys.
pub(super) fn holds(store: &dyn Objects, keys_: &[&str]) {
    for key in keys_ {
        assert!(store.look(key).expect(key).is_none(), "{key}");
        assert!(content(store, key).is_none(), "{key}");
        store.remove(key).expect(key);
        let put = store.put(key, Body::Bytes(key.as_bytes()), &picture());
        put.expect(key);
        let about = store.look(key).expect(key).expect(key);
        assert_eq!(about.size, Some(key.len() as u64), "{key}");
        assert_eq!(about.media_type.as_deref(), Some("image/png"), "{key}");
        assert!(about.etag.is_some() && about.modified.is_some(), "{key}");
    }
    let mut all: Vec<&str> = keys_.to_vec();
    all.sort_unstable();
    assert_eq!(keys(store, ""), all);
    for key in keys_ {
        assert_eq!(content(store, key).expect(key), key.as_bytes());
        assert!(store.copy(key, "copied/to b", None).expect(key), "{key}");
        let copied = content(store, "copied/to b").expect(key);
        assert_eq!(copied, key.as_bytes());
        let about = store.look("copied/to b").expect(key).expect(key);
        assert_eq!(about.media_type.as_deref(), Some("image/png"), "{key}");
        store.remove(key).expect(key);
        assert!(store.look(key).expect(key).is_none(), "{key}");
    }
    assert_eq!(keys(store, "copied/"), ["copied/to b"]);
    assert_eq!(keys(store, "none/"), [""; 0]);
    assert!(!store.copy("nothing", "copied/to b", None).expect("asked"));
    assert!(!store.copy("nothing", "x", Some(&picture())).expect("asked"));
    // What was there is replaced, also by something empty.
    let empty = store.put("copied/to b", Body::Bytes(b""), &Attributes::default());
    empty.expect("written");
    let found = content(store, "copied/to b").expect("it is there");
    assert_eq!(found, b"");
    store.remove("copied/to b").expect("removed");
}

/// Writes a large file, from its beginning wherever it is read.
pub(super) fn holds_large_files(store: &dyn Objects) {
    let bytes = noise(LARGE);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&bytes).expect("written");
    file.seek(SeekFrom::Start(77)).expect("sought");
    let put = store.put("large", Body::File(&file, LARGE as u64), &picture());
    put.expect("written");
    let about = store.look("large").expect("asked").expect("there");
    assert_eq!(about.size, Some(LARGE as u64));
    assert_eq!(about.media_type.as_deref(), Some("image/png"));
    assert!(content(store, "large").expect("there") == bytes);
    store
        .put("large", Body::Bytes(&bytes[1..]), &picture())
        .expect("written");
    assert!(content(store, "large").expect("there") == bytes[1..]);
    // Less than was said is nothing.
    let more = Body::File(&file, LARGE as u64 + 1);
    store
        .put("larger", more, &picture())
        .expect_err("too short");
    assert!(store.look("larger").expect("asked").is_none());
}
