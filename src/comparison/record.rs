//! What is kept of something that is compared: what it is known by, a digest of all of it, what is told of it, and a
//! short digest of each of its parts by name.

use super::content::{Digest, digest};
use super::key::{Parts as Reader, put_number, put_text};
use super::paths::{PathId, Paths};
use crate::model::LinkRef;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What something is; keys begin with it. Differences are told in this order.
pub(super) const ENTITY: u8 = 1;
pub(super) const LINK: u8 = 2;
pub(super) const FILE: u8 = 3;
pub(super) const SETTING: u8 = 4;

/// How many parts of one thing are told apart. Beyond that it is told which of its attributes differ, and not what in
/// them.
const MOST: usize = 16 << 10;
/// Bytes of the digest of a part.
const SHORT: usize = 8;

/// Collects the parts of something. What comes of them does not hang on the order in which they come.
pub(super) struct Gathering<'p> {
    paths: &'p mut Paths,
    /// Name, attribute, digest.
    list: Vec<(PathId, PathId, Digest)>,
    /// Of attributes whose parts are not told apart: the sums of their digests, for which no part has to be kept.
    /// Whoever writes an archive by hand can find other parts with the same sum: what a comparison says of rows with so
    /// many of them is no proof against liars.
    folded: BTreeMap<PathId, u128>,
    is_folding: bool,
}

impl<'p> Gathering<'p> {
    pub fn new(paths: &'p mut Paths) -> Self {
        Self {
            paths,
            list: Vec::new(),
            folded: BTreeMap::new(),
            is_folding: false,
        }
    }

    /// What an attribute is known by.
    pub fn attribute(&mut self, name: &str) -> PathId {
        self.paths.id(name).unwrap_or(PathId::MAX)
    }

    /// Adds a part of an attribute.
    pub fn add(&mut self, attribute: PathId, path: &str, value: Digest) {
        match self.paths.id(path) {
            Some(id) if !self.is_folding => self.list.push((id, attribute, value)),
            _ => fold(&mut self.folded, attribute, path, value),
        }
        if self.list.len() > MOST {
            self.is_folding = true;
            for (id, attribute, value) in std::mem::take(&mut self.list) {
                fold(&mut self.folded, attribute, self.paths.name(id), value);
            }
        }
    }

    /// The value under which it is sorted: what is compared first.
    pub fn value(self, about: &[u8]) -> Vec<u8> {
        let mut list = self.list;
        list.sort_unstable();
        let mut all: BTreeMap<PathId, u128> = self.folded;
        for part in list.chunk_by(|one, other| one.0 == other.0) {
            let values: Vec<u8> = part.iter().flat_map(|(.., value)| *value).collect();
            let value = match part {
                [(.., value)] if !all.contains_key(&part[0].0) => *value,
                _ => digest(b'n', &values),
            };
            let sum = all.entry(part[0].0).or_default();
            *sum = sum.wrapping_add(u128::from_le_bytes(value));
        }
        let mut whole = Sha256::new();
        for (id, value) in &all {
            whole.update(id.to_le_bytes());
            whole.update(value.to_le_bytes());
        }
        let parts = all.iter().flat_map(|(id, value)| {
            let value = value.to_le_bytes();
            id.to_le_bytes()
                .into_iter()
                .chain(value.into_iter().take(SHORT))
        });
        let mut out = value_of(super::content::shortened(whole), about);
        out.extend(parts);
        out
    }
}

fn fold(folded: &mut BTreeMap<PathId, u128>, attribute: PathId, path: &str, value: Digest) {
    let member = digest(b'p', &[path.as_bytes(), &value].concat());
    let sum = folded.entry(attribute).or_default();
    *sum = sum.wrapping_add(u128::from_le_bytes(member));
}

/// The value of something without parts.
pub(super) fn value_of(whole: Digest, about: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(whole.len() + 4 + about.len());
    value.extend_from_slice(&whole);
    value.extend_from_slice(&(about.len() as u32).to_le_bytes());
    value.extend_from_slice(about);
    value
}

/// A value, taken apart.
pub(super) struct Valued<'v> {
    pub about: &'v [u8],
    parts: &'v [u8],
}

/// The part of a value that says whether two things are the same.
pub(super) fn whole(value: &[u8]) -> &[u8] {
    &value[..size_of::<Digest>().min(value.len())]
}

impl<'v> Valued<'v> {
    pub fn of(value: &'v [u8]) -> Self {
        let mut reader = Reader(value);
        reader.bytes(size_of::<Digest>());
        let length = reader.bytes(4).try_into().map_or(0, u32::from_le_bytes);
        let about = reader.bytes(length as usize);
        Self {
            about,
            parts: reader.0,
        }
    }

    fn parts(&self) -> impl Iterator<Item = (PathId, &'v [u8])> + use<'v> {
        self.parts.chunks_exact(4 + SHORT).map(|part| {
            let (id, value) = part.split_at(4);
            (id.try_into().map_or(0, PathId::from_le_bytes), value)
        })
    }

    /// The names of the parts that are not the same in both, in order. What stands in something that is told of is not
    /// told of.
    pub fn differing(&self, other: &Self, paths: &Paths) -> Vec<String> {
        let mut names: Vec<&str> = Vec::new();
        let (mut ours, mut theirs) = (self.parts().peekable(), other.parts().peekable());
        loop {
            let id = match (ours.peek(), theirs.peek()) {
                (None, None) => break,
                (Some((one, value)), Some((other, its))) if one == other => {
                    let (id, is_same) = (*one, value == its);
                    ours.next();
                    theirs.next();
                    match is_same {
                        true => continue,
                        false => id,
                    }
                }
                (Some((one, _)), other) if other.is_none_or(|(other, _)| one < other) => {
                    let id = *one;
                    ours.next();
                    id
                }
                (_, Some((other, _))) => {
                    let id = *other;
                    theirs.next();
                    id
                }
                (Some(_), None) => break,
            };
            names.push(paths.name(id));
        }
        names.sort_unstable_by(|one, other| in_steps(one).cmp(in_steps(other)));
        let mut told: Vec<String> = Vec::new();
        for name in names {
            let is_within = |outer: &String| {
                let rest = name.strip_prefix(outer.as_str());
                rest.is_some_and(|rest| rest.starts_with('.'))
            };
            // Whatever holds it stands directly before all that it holds.
            if !told.last().is_some_and(is_within) {
                told.push(name.to_owned());
            }
        }
        told
    }
}

/// The steps of a path, so that 10 comes behind 9.
fn in_steps(path: &str) -> impl Iterator<Item = (u64, &str)> {
    path.split('.')
        .map(|step| (step.parse().unwrap_or(0), step))
}

/// What is told of an entity beside what it is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct About {
    pub id: i64,
    pub document: String,
    pub locale: String,
    pub state: State,
}

/// Whether an entity is published, where its type knows that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    #[default]
    Unknown = 0,
    Draft = 1,
    Published = 2,
}

impl State {
    pub fn of(number: u8) -> Self {
        match number {
            1 => Self::Draft,
            2 => Self::Published,
            _ => Self::Unknown,
        }
    }

    /// Whether it is, where that is known.
    pub fn is_published(self) -> Option<bool> {
        (self != Self::Unknown).then_some(self == Self::Published)
    }
}

impl About {
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_number(&mut bytes, self.id);
        put_text(&mut bytes, &self.document);
        put_text(&mut bytes, &self.locale);
        bytes.push(self.state as u8);
        bytes
    }

    pub fn of(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        Self {
            id: reader.number(),
            document: reader.text(),
            locale: reader.text(),
            state: State::of(reader.byte()),
        }
    }
}

/// One end of a link, as it is known: by an id, a text, or the place of its row among documents.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub uid: String,
    pub of: EndOf,
    pub field: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum EndOf {
    Id(i64),
    Text(String),
    Place(Place),
}

/// Where a row stands among documents, and a component in its row.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Place {
    /// The type of the row.
    pub uid: String,
    pub document: String,
    pub locale: String,
    pub state: State,
    /// The digest of all that the row holds; empty where the others say which row it is.
    pub whole: Vec<u8>,
    /// The way to the component; empty where it is the row.
    pub path: String,
}

impl Place {
    pub fn put(&self, key: &mut Vec<u8>) {
        for text in [&self.uid, &self.document, &self.locale] {
            put_text(key, text);
        }
        key.push(self.state as u8);
        key.push(self.whole.len() as u8);
        key.extend_from_slice(&self.whole);
        put_text(key, &self.path);
    }

    pub fn take(reader: &mut Reader<'_>) -> Self {
        Self {
            uid: reader.text(),
            document: reader.text(),
            locale: reader.text(),
            state: State::of(reader.byte()),
            whole: {
                let length = reader.byte();
                reader.bytes(length.into()).to_owned()
            },
            path: reader.text(),
        }
    }
}

const BY_ID: u8 = 0;
const BY_TEXT: u8 = 1;
const BY_PLACE: u8 = 2;

impl EndOf {
    pub fn of(reference: &LinkRef<'_>) -> Self {
        match reference {
            LinkRef::Id(id) => Self::Id(*id),
            LinkRef::Document(document) => Self::Text(document.to_string()),
        }
    }

    pub fn put(&self, key: &mut Vec<u8>) {
        match self {
            Self::Id(id) => {
                key.push(BY_ID);
                put_number(key, *id);
            }
            Self::Text(text) => {
                key.push(BY_TEXT);
                put_text(key, text);
            }
            Self::Place(place) => {
                key.push(BY_PLACE);
                place.put(key);
            }
        }
    }

    pub fn take(reader: &mut Reader<'_>) -> Self {
        match reader.byte() {
            BY_TEXT => Self::Text(reader.text()),
            BY_PLACE => Self::Place(Place::take(reader)),
            _ => Self::Id(reader.number()),
        }
    }
}

impl End {
    pub fn put(&self, key: &mut Vec<u8>) {
        put_text(key, &self.uid);
        self.of.put(key);
        put_text(key, &self.field);
    }

    pub fn take(reader: &mut Reader<'_>) -> Self {
        Self {
            uid: reader.text(),
            of: EndOf::take(reader),
            field: reader.text(),
        }
    }
}

/// The positions of a link at its ends, which is all that two links of the same ends differ in.
pub(super) type Positions = [Option<f64>; 2];

pub(super) fn put_positions(positions: Positions) -> Vec<u8> {
    let mut bytes = Vec::new();
    for position in positions {
        bytes.push(u8::from(position.is_some()));
        bytes.extend_from_slice(&position.unwrap_or_default().to_le_bytes());
    }
    bytes
}

pub(super) fn take_positions(bytes: &[u8]) -> Positions {
    let mut reader = Reader(bytes);
    [(); 2].map(|()| {
        let is_there = reader.byte() == 1;
        let position = reader.bytes(8).try_into().map_or(0.0, f64::from_le_bytes);
        is_there.then_some(position)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(paths: &mut Paths, parts: &[(&str, &str, u8)]) -> Vec<u8> {
        let mut gathering = Gathering::new(paths);
        for (attribute, path, value) in parts {
            let attribute = gathering.attribute(attribute);
            gathering.add(attribute, path, [*value; 16]);
        }
        gathering.value(b"x")
    }

    #[test]
    fn what_differs_is_named_in_the_order_of_its_places() {
        let mut paths = Paths::default();
        let mut parts = vec![("t", "title", 1), ("n", "n", 1)];
        let before = value(&mut paths, &parts);
        parts.reverse();
        assert_eq!(value(&mut paths, &parts), before, "in any order");
        parts.extend([
            ("b", "b.10.text", 1),
            ("b", "b.9", 1),
            ("b", "b.9.text", 1),
            ("b", "b.2.text", 1),
        ]);
        parts[0].2 = 2;
        let after = value(&mut paths, &parts);
        let names = Valued::of(&before).differing(&Valued::of(&after), &paths);
        assert_eq!(names, ["b.2.text", "b.9", "b.10.text", "n"]);
        assert_ne!(whole(&before), whole(&after));
        assert_eq!(Valued::of(&after).about, b"x");
    }

    #[test]
    fn of_parts_without_number_the_attribute_is_told() {
        let names: Vec<String> = (0..MOST + 10).map(|it| format!("zone.{it}.text")).collect();
        let mut paths = Paths::default();
        let mut parts: Vec<_> = names.iter().map(|it| ("zone", it.as_str(), 1)).collect();
        parts.push(("title", "title", 1));
        let before = value(&mut paths, &parts);
        parts.reverse();
        assert_eq!(value(&mut paths, &parts), before, "in any order");
        parts[20].2 = 2;
        let after = value(&mut paths, &parts);
        let names = Valued::of(&before).differing(&Valued::of(&after), &paths);
        assert_eq!(names, ["zone"]);
    }

    #[test]
    fn ends_of_links_come_back_out_of_their_keys() {
        let place = Place {
            uid: "api::a.a".into(),
            document: "d".into(),
            locale: "en".into(),
            state: State::Draft,
            whole: vec![0, 1, 2],
            path: "blocks.2".into(),
        };
        for of in [
            EndOf::Id(-3),
            EndOf::Text("t\0".into()),
            EndOf::Place(place),
        ] {
            let end = End {
                uid: "a.b".into(),
                of,
                field: "f".into(),
            };
            let mut key = Vec::new();
            end.put(&mut key);
            assert_eq!(End::take(&mut Reader(&key)), end);
        }
        for positions in [[None, None], [Some(1.0), Some(-0.5)]] {
            assert_eq!(take_positions(&put_positions(positions)), positions);
        }
    }
}
