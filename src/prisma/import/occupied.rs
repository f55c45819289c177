//! What a service holds before anything is sent to it. The server only adds and does not say who put what there, so what
//! others put there could not be told later from what came of a request whose answer was lost.

use super::super::ndf::{DataFile, DataSet, ListRow, Node, Relation, ValueType};
use super::super::sdl::DataModel;
use super::super::service::{Cursor, Service};
use super::super::verify::{Digest, Verdict, edge_id, is_same, list_id, node_id};
use super::doubts::untold;
use super::lists::told;
use crate::checking::{Event, Watch};
use crate::error::{Error, Result};
use crate::sorting::{Record, Sorter};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How many elements are named.
const NAMED: usize = 100;
/// How much of a name or an id is told, in bytes.
const SHOWN: usize = 64;
/// Whose a record is. What the service holds comes first among those with one key.
pub(super) const THEIRS: u8 = 0;
pub(super) const OWN: u8 = 1;

/// What an element is known by, and what has to be known of it besides.
type Known = (Digest, String);

/// Looks at a service before an import into it begins: it answers, knows who asks, and holds nothing of the data set. A
/// service without nodes is asked once; another is read to its end, and both are sorted in `scratch`.
///
/// # Errors
/// It holds nodes with ids of the data set, or lists that end with what a single file would put behind them, or links of such
/// a file; or it does not answer; or the user wants the run to stop.
pub fn look(
    set: &mut DataSet,
    verdict: &Verdict,
    model: &DataModel,
    service: &Service,
    scratch: &Path,
    watch: &dyn Watch,
) -> Result<()> {
    if !service.greet()? {
        return Ok(());
    }
    // Lists and links of a whole data set are those of its own nodes.
    let has = |kind: &ValueType| verdict.counts[*kind as usize].items > 0;
    let Some(kind) = ValueType::ALL.into_iter().find(has) else {
        return Ok(());
    };
    watch.on(Event::Noted(&format!(
        "the service is not empty: its {kind} are read first, to see that it holds nothing of the data set"
    )));
    let knowing = Knowing::new(kind, model);
    let mut sorter = theirs(service, &knowing, scratch, watch)?;
    own(set, &knowing, &mut sorter)?;
    let found = both(set, &knowing, service, sorter)?;
    match found.count {
        0 => Ok(()),
        _ => Err(found.refusal(kind)),
    }
}

/// What elements of a kind are known by.
pub(super) struct Knowing<'m> {
    pub kind: ValueType,
    model: &'m DataModel,
    /// Relations of which servers export the ids of others.
    untold: BTreeSet<(&'m str, &'m str)>,
}

impl<'m> Knowing<'m> {
    pub fn new(kind: ValueType, model: &'m DataModel) -> Self {
        let untold = match kind {
            ValueType::Relations => untold(model),
            _ => BTreeSet::new(),
        };
        Self {
            kind,
            model,
            untold,
        }
    }

    /// What is known of an element; of a list that is all of it. `None` where what a service says of it cannot be believed.
    pub fn known(&self, text: &str) -> Option<Known> {
        // What a service says has any length.
        let begin = |text: &str| text[..text.floor_char_boundary(SHOWN)].to_owned();
        match self.kind {
            ValueType::Lists => {
                let row = ListRow::parse(text).ok()?;
                // No row says of an empty list that it is there.
                (!row.values.is_empty()).then(|| (list_id(&row.id, &row.field), text.to_owned()))
            }
            ValueType::Nodes => {
                let node = Node::parse(text).ok()?;
                let named = format!("{} `{}`", begin(&node.type_name), begin(&node.id));
                Some((node_id(&node.id), named))
            }
            ValueType::Relations => {
                let relation = Relation::parse(text).ok()?;
                let id = edge_id(self.model, &relation).ok()?;
                let (first, other) = (&relation.ends[id.first], &relation.ends[1 - id.first]);
                let named = format!(
                    "{} `{}`, and {} `{}` in its {}",
                    begin(&first.type_name),
                    begin(&first.id),
                    begin(&other.type_name),
                    begin(&other.id),
                    id.edge.first.field
                );
                let is_told = !self
                    .untold
                    .contains(&(id.edge.first.on, id.edge.first.field));
                is_told.then_some((id.id, named))
            }
        }
    }

    /// What is told of an element of which this is known.
    pub fn told(&self, known: &str) -> String {
        match self.kind {
            ValueType::Lists => {
                ListRow::parse(known).map_or_else(|_| String::new(), |it| told(&it))
            }
            _ => known.to_owned(),
        }
    }

    /// What is told of an own element, if what the service holds is the same.
    fn taken(&self, own: &str, there: &[u8]) -> Option<String> {
        let there = std::str::from_utf8(there).ok()?;
        match self.kind {
            ValueType::Relations => return Some(own.to_owned()),
            ValueType::Nodes => {
                return Some(match own == there {
                    true => own.to_owned(),
                    false => format!("{own}, where the service holds {there}"),
                });
            }
            ValueType::Lists => {}
        }
        let (own, there) = (ListRow::parse(own).ok()?, ListRow::parse(there).ok()?);
        let field = self.model.of_name(&own.type_name)?.field(&own.field)?;
        let behind = there.values.len().checked_sub(own.values.len())?;
        let mut pairs = own.values.iter().zip(&there.values[behind..]);
        let is_there = pairs.all(|(one, other)| is_same(&field.kind, one.get(), other.get()));
        is_there.then(|| told(&own))
    }
}

/// Reads what the service holds, to be sorted in `scratch`.
pub(super) fn theirs(
    service: &Service,
    knowing: &Knowing<'_>,
    scratch: &Path,
    watch: &dyn Watch,
) -> Result<Sorter> {
    let mut sorter = Sorter::new(scratch);
    watch.on(Event::Began {
        what: knowing.kind.as_str(),
        items: None,
    });
    let taken = take(service, knowing, &mut sorter, watch);
    watch.on(Event::Ended);
    taken.map(|()| sorter)
}

fn take(
    service: &Service,
    knowing: &Knowing<'_>,
    sorter: &mut Sorter,
    watch: &dyn Watch,
) -> Result<()> {
    let mut reading = service.pages(knowing.kind, Cursor::START);
    while let Some(page) = reading.next_page()? {
        let mut bytes = 0;
        for element in &page.elements {
            bytes += element.get().len() as u64;
            if let Some((key, text)) = knowing.known(element.get()) {
                let value = [&[THEIRS], text.as_bytes()].concat();
                sorter.push(&key, &value)?;
            }
        }
        watch.on(Event::Advanced {
            items: page.elements.len() as u64,
            bytes,
        });
    }
    Ok(())
}

/// Takes what is to be sent.
fn own(set: &mut DataSet, knowing: &Knowing<'_>, sorter: &mut Sorter) -> Result<()> {
    let of_kind = |(at, file): (usize, &DataFile)| (file.kind == knowing.kind).then_some(at);
    let files: Vec<usize> = set.files().iter().enumerate().filter_map(of_kind).collect();
    for file in files {
        set.read(file, &mut |number, text| {
            let Some((key, text)) = knowing.known(text) else {
                return Ok(());
            };
            let place = [(file as u64).to_be_bytes(), number.to_be_bytes()].concat();
            let value = [&[OWN], &place[..], text.as_bytes()].concat();
            sorter.push(&key, &value)
        })?;
    }
    Ok(())
}

/// Elements that were looked for, and found or not.
#[derive(Default)]
pub(super) struct Found {
    count: u64,
    /// The first of them, by file and number.
    named: BTreeMap<(u64, u64), String>,
}

/// Looks for what both hold.
fn both(set: &DataSet, knowing: &Knowing<'_>, service: &Service, sorter: Sorter) -> Result<Found> {
    let sorted = sorter.finish()?;
    let mut reading = sorted.read()?;
    let mut found = Found::default();
    let (mut room, mut there) = (Record::default(), Record::default());
    while let Some(record) = reading.next(std::mem::take(&mut room))? {
        service.stop()?;
        if record.value.first() == Some(&THEIRS) {
            room = std::mem::replace(&mut there, record);
            continue;
        }
        if record.key == there.key
            && let Some((place, own)) = split(&record.value)
            && let Some(what) = knowing.taken(own, &there.value[1..])
        {
            found.add(set, place, &what);
        }
        room = record;
    }
    Ok(found)
}

/// The place and the text of an own record.
pub(super) fn split(value: &[u8]) -> Option<((u64, u64), &str)> {
    let (file, rest) = value.get(1..)?.split_first_chunk::<8>()?;
    let (number, text) = rest.split_first_chunk::<8>()?;
    let place = (u64::from_be_bytes(*file), u64::from_be_bytes(*number));
    Some((place, std::str::from_utf8(text).ok()?))
}

impl Found {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes an element of the data set: its file and its number there.
    pub fn add(&mut self, set: &DataSet, place: (u64, u64), what: &str) {
        let file = usize::try_from(place.0).ok();
        let file = file.and_then(|file| set.files().get(file));
        let name = file.map_or("", |file| &file.name);
        let what = format!("{name}, element {}: {what}", place.1);
        self.count += 1;
        self.named.insert(place, what);
        if self.named.len() > NAMED {
            self.named.pop_last();
        }
    }

    /// The first of them, and how many more there are.
    pub fn list(self) -> Vec<String> {
        let more = self.count - self.named.len() as u64;
        let mut list: Vec<String> = self.named.into_values().collect();
        if more > 0 {
            list.push(format!("and {more} more"));
        }
        list
    }

    fn refusal(self, kind: ValueType) -> Error {
        let (what, hint) = match kind {
            ValueType::Lists => (
                "the service holds these lists, and they end with what would be put behind them:",
                "it seems that they were sent before: see what the service holds, and take what is there out of the file",
            ),
            ValueType::Relations => (
                "the service holds these links:",
                "it seems that they were sent before: take what is there out of the file",
            ),
            ValueType::Nodes => (
                "the service holds nodes with these ids of the data set, whoever put them there:",
                "take them away from the service, or out of the data set; or import into an empty service",
            ),
        };
        Error::failed(what).listing(self.list()).hint(hint)
    }
}
