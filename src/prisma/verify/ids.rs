//! What hangs on more than one element: which ids there are, what refers to them, and what is there twice.
//!
//! All of it is sorted on disk by hashes of 128 bits; then what belongs together stands together.

use super::at;
use super::chunks::Digest;
use super::edges::{list_id, node_id};
use crate::checking::{Findings, Place, begin, bytes_of, place};
use crate::error::Result;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// What a record is about. Its key begins with this.
const ID: u8 = 0;
const EDGE: u8 = 1;
const SINGLE: u8 = 2;
const LIST: u8 = 3;
/// After how many records it is looked whether the user wants the run to stop.
const LOOKED: u64 = 1000;

/// What an element has to do with an id. Nodes come first among those with one id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Node = 0,
    List = 1,
    End = 2,
}

/// Takes what was seen of ids.
pub(super) struct Ids(Sorter);

/// What stands under a key.
struct Seen<'a> {
    is_node: bool,
    of_type: u16,
    place: Place,
    shown: &'a str,
}

impl<'a> Seen<'a> {
    fn read(value: &'a [u8]) -> Option<Self> {
        let (head, shown) = value.split_at_checked(15)?;
        Some(Self {
            is_node: head[0] == Role::Node as u8,
            of_type: u16::from_be_bytes(head[1..3].try_into().ok()?),
            place: place(&head[3..])?,
            shown: std::str::from_utf8(shown).ok()?,
        })
    }
}

fn key(what: u8, id: &Digest) -> [u8; 17] {
    let mut key = [what; 17];
    key[1..].copy_from_slice(id);
    key
}

impl Ids {
    /// The number of a type that is not known.
    pub const UNKNOWN: u16 = u16::MAX;

    pub fn new(scratch: &Path) -> Self {
        Self(Sorter::new(scratch))
    }

    /// An id was seen, of a type of this number.
    pub fn push(&mut self, role: Role, of_type: u16, place: Place, id: &str) -> Result<()> {
        let shown = begin(id);
        let mut value = Vec::with_capacity(15 + shown.len());
        value.push(role as u8);
        value.extend_from_slice(&of_type.to_be_bytes());
        value.extend_from_slice(&bytes_of(place));
        value.extend_from_slice(shown.as_bytes());
        self.0.push(&key(ID, &node_id(id)), &value)
    }

    /// Values of a list of a node were seen.
    pub fn list(&mut self, id: &str, field: &str) -> Result<()> {
        self.0.push(&key(LIST, &list_id(id, field)), &[])
    }

    /// A link was seen.
    pub fn edge(&mut self, edge: &Digest, place: Place) -> Result<()> {
        self.0.push(&key(EDGE, edge), &bytes_of(place))
    }

    /// A link was seen that the node can have one of, in this field of its type.
    pub fn single(&mut self, id: &str, on: &str, field: &str, place: Place) -> Result<()> {
        let mut value = bytes_of(place).to_vec();
        value.extend_from_slice(format!("{on}.{field} of {}", begin(id)).as_bytes());
        self.0.push(&key(SINGLE, &list_id(id, field)), &value)
    }

    /// Looks at all of it. Whatever is referred to has to be there only where the data set `is_whole`. Gives whether values
    /// of one list stand in several rows.
    ///
    /// # Errors
    /// What is sorted cannot be read, or the user wants the run to stop.
    pub fn finish(
        self,
        (files, types): (&[String], &[String]),
        is_whole: bool,
        interrupt: &Interrupt,
        findings: &mut Findings,
    ) -> Result<bool> {
        let sorted = self.0.finish()?;
        let mut reading = sorted.read()?;
        let mut group = Group::new(files, types, is_whole);
        let mut room = Record::default();
        let mut has_split_lists = false;
        let mut passed = 0_u64;
        while let Some(record) = reading.next(std::mem::take(&mut room))? {
            if passed.is_multiple_of(LOOKED) {
                interrupt.stop()?;
            }
            passed += 1;
            let is_next = group.key != record.key;
            if is_next {
                group.key.clear();
                group.key.extend_from_slice(&record.key);
                group.node = None;
                group.first = None;
            }
            match record.key.first() {
                Some(&ID) => group.id(&record.value, findings),
                Some(&LIST) => has_split_lists |= !is_next,
                Some(&what) => group.twice(what, &record.value, findings),
                None => {}
            }
            room = record;
        }
        Ok(has_split_lists)
    }
}

/// What has one key.
struct Group<'a> {
    files: &'a [String],
    types: &'a [String],
    is_whole: bool,
    key: Vec<u8>,
    /// The node, where it was seen: its type and where it stands.
    node: Option<(u16, Place)>,
    /// Where the first one stands.
    first: Option<Place>,
}

impl<'a> Group<'a> {
    fn new(files: &'a [String], types: &'a [String], is_whole: bool) -> Self {
        Self {
            files,
            types,
            is_whole,
            key: Vec::new(),
            node: None,
            first: None,
        }
    }

    fn file(&self, (file, _): Place) -> &'a str {
        self.files.get(file).map_or("", String::as_str)
    }

    fn name(&self, of_type: u16) -> &'a str {
        let found = self.types.get(usize::from(of_type));
        found.map_or("an unknown type", String::as_str)
    }

    fn told(&self, place: Place) -> String {
        format!("{}, element {}", self.file(place), place.1)
    }

    fn id(&mut self, value: &[u8], findings: &mut Findings) {
        let Some(seen) = Seen::read(value) else {
            return;
        };
        let id = seen.shown;
        let why = match self.node {
            _ if seen.is_node && self.node.is_none() => {
                self.node = Some((seen.of_type, seen.place));
                return;
            }
            Some((_, before)) if seen.is_node => format!(
                "the id `{id}` is there already: {}; no two nodes of a service have one id, of whatever types",
                self.told(before)
            ),
            None if self.is_whole => format!("there is no node with the id `{id}`"),
            None => return,
            // What is wrong with an unknown type was said.
            Some((of_type, _)) if of_type == seen.of_type || seen.of_type == Ids::UNKNOWN => return,
            Some((of_type, _)) => format!(
                "`{id}` is a node of {}, and this says {}",
                self.name(of_type),
                self.name(seen.of_type)
            ),
        };
        let error = at(self.file(seen.place), seen.place.1, &why);
        let is_link = value[0] == Role::End as u8;
        findings.add(match is_link {
            false => error,
            true => error.hint(
                "servers of Prisma 1 export wrong ids where one table holds several relations; give these relations \
                 @relation(link: TABLE), deploy, and export again",
            ),
        });
    }

    /// Something is there that should be there once.
    fn twice(&mut self, what: u8, value: &[u8], findings: &mut Findings) {
        let Some(here) = place(value) else { return };
        let Some(before) = self.first else {
            self.first = Some(here);
            return;
        };
        let before = self.told(before);
        let why = match what {
            EDGE => format!("the same link is there already: {before}"),
            _ => {
                let field = value.get(12..).unwrap_or_default();
                let field = String::from_utf8_lossy(field);
                format!("{field} links one node, and has a link already: {before}")
            }
        };
        findings.add(at(self.file(here), here.1, &why));
    }
}
