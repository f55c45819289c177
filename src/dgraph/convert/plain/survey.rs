//! What the rows hold: of which type each node is, which predicates nodes of a type have, and where links lead to.

use super::known::{Catalogue, Known};
use super::load::{Fact, id_of};
use super::{LOST_FACETS, LOST_TYPES};
use crate::convert::placeless::Placeless;
use crate::error::Result;
use crate::sorting::{Record, Sorted, Sorter};
use crate::store::Interrupt;
use crate::transfer::{Subject, Warning, WarningKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many fields of types are told apart, of those that no schema lists.
const MOST: usize = 1 << 18;
/// How many types of a node are looked at.
const MOST_TYPES_OF_ONE: usize = 64;
/// Stand before what is known of a node that links lead to.
const NODE: u8 = 0;
const EDGE: u8 = 1;

/// What the rows hold.
pub struct Survey {
    /// The number that stands for nodes without a type.
    pub untyped: u32,
    /// How many of these there are.
    pub untyped_count: u64,
    /// The predicates with values, by type.
    pub values: BTreeSet<(u32, u32)>,
    /// Those with values in languages that no field is for.
    pub languages: BTreeSet<(u32, u32)>,
    /// The predicates with links, by type, and the types that they lead to.
    pub links: BTreeSet<(u32, u32, u32)>,
    /// Links to nodes that are not there.
    pub dangling: Vec<Warning>,
    /// Links: by type, predicate and other type; both ends.
    pub edges: Sorted,
}

/// What comes of a node, one after the other.
pub enum Told<'b> {
    /// Its types, as far as they are told apart.
    Node(&'b [u32]),
    /// A value or a link.
    Fact(Fact<'b>),
}

/// The type that a node is a row of: the one type that it has beside its interfaces; of several the one with the most fields.
pub fn decided(types: &[u32], catalogue: &Catalogue, untyped: u32) -> u32 {
    let known = |number: &u32| catalogue.types.get(*number as usize);
    let concrete = types
        .iter()
        .filter(|it| known(it).is_some_and(|it| !it.is_interface));
    let widest = concrete.max_by(|one, other| {
        let width = |it: &u32| known(it).map_or(0, Known::width);
        // Of two as wide the first one.
        width(one).cmp(&width(other)).then_with(|| other.cmp(one))
    });
    widest.copied().unwrap_or(untyped)
}

/// Takes the key of a node, the number of its type, and what comes of it.
pub type Each<'f> = dyn FnMut(&[u8], u32, Told<'_>) -> Result<()> + 'f;

/// Goes through all nodes: of each its types first.
///
/// # Errors
/// What was sorted cannot be read, the run is to stop, or `each` fails.
pub fn each_fact(
    sorted: &Sorted,
    (catalogue, untyped): (&Catalogue, u32),
    interrupt: &Interrupt,
    each: &mut Each<'_>,
) -> Result<()> {
    let mut reading = sorted.read()?;
    let mut key: Option<Vec<u8>> = None;
    let (mut types, mut own): (Vec<u32>, Option<u32>) = (Vec::new(), None);
    let mut room = Record::default();
    while let Some(record) = reading.next(room)? {
        interrupt.stop()?;
        if key.as_ref() != Some(&record.key) {
            if let Some(key) = key.take().filter(|_| own.is_none()) {
                let own = decided(&types, catalogue, untyped);
                each(&key, own, Told::Node(&types))?;
            }
            key = Some(record.key.clone());
            types.clear();
            own = None;
        }
        match Fact::read(&record.value) {
            Some(Fact::Type(number))
                if types.len() < MOST_TYPES_OF_ONE && !types.contains(&number) =>
            {
                types.push(number);
            }
            Some(Fact::Type(_)) | None => {}
            Some(fact) => {
                let own = match own {
                    Some(own) => own,
                    None => {
                        let decided = decided(&types, catalogue, untyped);
                        each(&record.key, decided, Told::Node(&types))?;
                        *own.insert(decided)
                    }
                };
                each(&record.key, own, Told::Fact(fact))?;
            }
        }
        room = record;
    }
    match key.filter(|_| own.is_none()) {
        Some(key) => {
            let own = decided(&types, catalogue, untyped);
            each(&key, own, Told::Node(&types))
        }
        None => Ok(()),
    }
}

/// Goes through all rows once.
///
/// # Errors
/// What was sorted cannot be read, the folder cannot be written to, or the run is to stop.
pub fn survey(
    sorted: &Sorted,
    catalogue: &mut Catalogue,
    (spool, interrupt): (&Path, &Interrupt),
    lost: &mut Placeless,
) -> Result<Survey> {
    let untyped = catalogue.types.len() as u32;
    let mut nodes = Sorter::new(spool);
    let (mut values, mut languages) = (BTreeSet::new(), BTreeSet::new());
    let mut untyped_count = 0;
    let known: &Catalogue = catalogue;
    let name = |number: u32| {
        let known = known.types.get(number as usize);
        known.map_or("the node", |it| it.name.as_str())
    };
    let predicate = |number: u32| known.predicates[number as usize].name.as_str();
    each_fact(
        sorted,
        (known, untyped),
        interrupt,
        &mut |key, own, told| {
            match told {
                Told::Node(types) => {
                    untyped_count += u64::from(own == untyped);
                    let is_own = |it: &&u32| !known.types[**it as usize].is_interface;
                    if types.iter().filter(is_own).count() > 1 {
                        lost.add(LOST_TYPES, (name(own), "dgraph.type", &id_of(key)));
                    }
                    let mut record = vec![NODE];
                    record.extend_from_slice(&own.to_be_bytes());
                    nodes.push(key, &record)?;
                }
                Told::Fact(Fact::Value {
                    predicate: of,
                    language,
                    has_facets,
                    ..
                }) => {
                    if has_facets {
                        lost.add(LOST_FACETS, (name(own), predicate(of), &id_of(key)));
                    }
                    let all = match language.is_empty() {
                        true => &mut values,
                        false if known.has_field(own, of, language) => return Ok(()),
                        false => &mut languages,
                    };
                    if all.len() < MOST {
                        all.insert((own, of));
                    }
                }
                Told::Fact(Fact::Edge {
                    predicate: of,
                    target,
                    has_facets,
                }) => {
                    if has_facets {
                        lost.add(LOST_FACETS, (name(own), predicate(of), &id_of(key)));
                    }
                    let mut record = vec![EDGE];
                    record.extend_from_slice(&own.to_be_bytes());
                    record.extend_from_slice(&of.to_be_bytes());
                    record.extend_from_slice(key);
                    nodes.push(target, &record)?;
                }
                Told::Fact(Fact::Type(_)) => {}
            }
            Ok(())
        },
    )?;
    let mut ends = Ends {
        links: BTreeSet::new(),
        dangling: BTreeMap::new(),
        edges: Sorter::new(spool),
    };
    ends.take(nodes.finish()?, interrupt)?;
    let dangling = ends
        .dangling
        .into_iter()
        .map(|((own, of), (count, first))| {
            let subject = Subject::Entry(format!("links of `{}` of {}", predicate(of), name(own)));
            let reason = format!("there is no node at the other end (the first is of {first})");
            Warning::new(WarningKind::OrphanLink, subject, reason).times(count)
        });
    let dangling = dangling.collect();
    if untyped_count > 0 {
        catalogue.add_untyped()?;
    }
    Ok(Survey {
        untyped,
        untyped_count,
        values,
        languages,
        links: ends.links,
        dangling,
        edges: ends.edges.finish()?,
    })
}

/// Links on their way to their other ends.
struct Ends {
    links: BTreeSet<(u32, u32, u32)>,
    /// How many go nowhere, by type and predicate, and where the first of them begins.
    dangling: BTreeMap<(u32, u32), (u64, String)>,
    edges: Sorter,
}

impl Ends {
    /// Finds the type of the node at the other end of each link.
    fn take(&mut self, sorted: Sorted, interrupt: &Interrupt) -> Result<()> {
        let mut reading = sorted.read()?;
        let (mut key, mut other) = (Vec::new(), None);
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            interrupt.stop()?;
            if record.key != key {
                key.clone_from(&record.key);
                other = None;
            }
            let number = |at: usize| {
                let bytes = record.value.get(at..)?.first_chunk::<4>()?;
                Some(u32::from_be_bytes(*bytes))
            };
            match (record.value.first(), number(1), number(5)) {
                (Some(&NODE), own, _) => other = own,
                (_, Some(own), Some(of)) => {
                    let from = id_of(record.value.get(9..).unwrap_or_default());
                    match other {
                        Some(other) => self.edge((own, of, other), &from, &id_of(&key))?,
                        None => {
                            let first = || (0, from);
                            let entry = self.dangling.entry((own, of));
                            entry.or_insert_with(first).0 += 1;
                        }
                    }
                }
                _ => {}
            }
            room = record;
        }
        Ok(())
    }

    fn edge(&mut self, of: (u32, u32, u32), from: &str, to: &str) -> Result<()> {
        if self.links.len() < MOST {
            self.links.insert(of);
        }
        let key = [of.0, of.1, of.2].map(u32::to_be_bytes).concat();
        let mut value = (from.len() as u32).to_be_bytes().to_vec();
        value.extend_from_slice(from.as_bytes());
        value.extend_from_slice(to.as_bytes());
        self.edges.push(&key, &value)
    }
}

/// A link, from a record: its type, predicate and other type, and both ends.
pub fn edge(record: &Record) -> Option<((u32, u32, u32), &str, &str)> {
    let (numbers, _) = record.key.as_chunks::<4>();
    let [own, of, other] = numbers else {
        return None;
    };
    let [own, of, other] = [own, of, other].map(|it| u32::from_be_bytes(*it));
    let (length, rest) = record.value.split_first_chunk::<4>()?;
    let (from, to) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let text = |bytes| std::str::from_utf8(bytes).ok();
    Some(((own, of, other), text(from)?, text(to)?))
}
