//! Two sides in one order, read side by side.

use super::difference::{Change, Difference, LinkEndFacts, LinkFacts, What, Which};
use super::key::Parts;
use super::paths::Paths;
use super::record::{
    About, ENTITY, End, EndOf, FILE, LINK, Place, SETTING, Valued, take_positions, whole,
};
use crate::error::{Error, Result};
use crate::model::{ConfigKind, Stage};
use crate::sorting::{Reading, Record, Sorted};
use crate::transfer::{Observer, UPLOAD_TYPES};
use std::collections::BTreeSet;

/// How many bytes may be kept of things of one name, where there are several, to be paired with those of the other
/// side.
const PAIRED: usize = 1 << 20;

/// What one of the sides was made without, so that it is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub stages: BTreeSet<Stage>,
    /// The media library, where a side has neither its rows nor its files.
    pub uploads: bool,
}

impl Missing {
    /// Whether what has this key is not compared.
    fn covers(&self, key: &[u8]) -> bool {
        if self.stages.is_empty() && !self.uploads {
            return false;
        }
        let mut parts = Parts(key);
        let is_upload = |uid: &str| UPLOAD_TYPES.contains(&uid);
        let (stage, of_uploads) = match parts.byte() {
            ENTITY => (Stage::Entities, is_upload(&parts.text())),
            LINK => {
                let (left, right) = (End::take(&mut parts), End::take(&mut parts));
                (
                    Stage::Entities,
                    is_upload(&left.uid) || is_upload(&right.uid),
                )
            }
            FILE => (Stage::Assets, true),
            _ => (Stage::Configuration, false),
        };
        self.stages.contains(&stage) || (self.uploads && of_uploads)
    }
}

/// One side that is read.
struct Side<'s> {
    reading: Reading<'s>,
    head: Option<Record>,
    /// Room for the record after the next.
    room: Record,
}

impl<'s> Side<'s> {
    fn new(sorted: &'s Sorted) -> Result<Self> {
        let mut reading = sorted.read()?;
        let head = reading.next(Record::default())?;
        Ok(Self {
            reading,
            head,
            room: Record::default(),
        })
    }

    fn advance(&mut self) -> Result<()> {
        let next = self.reading.next(std::mem::take(&mut self.room))?;
        self.room = std::mem::replace(&mut self.head, next).unwrap_or_default();
        Ok(())
    }

    fn has(&self, key: &[u8]) -> bool {
        self.head.as_ref().is_some_and(|head| head.key == key)
    }

    fn value(&self) -> &[u8] {
        self.head.as_ref().map_or(&[], |head| &head.value)
    }
}

/// Things of one name that have no like on the other side so far.
#[derive(Default)]
struct Held {
    values: Vec<Vec<u8>>,
    bytes: usize,
}

/// Compares two sides.
pub(super) struct Merge<'m> {
    pub paths: &'m Paths,
    pub missing: &'m Missing,
    pub observer: &'m dyn Observer,
}

impl Merge<'_> {
    /// Hands over each difference, in the order of what things are known by; gives how many rows there are that others
    /// of their side are known by as well.
    ///
    /// # Errors
    /// A side cannot be read, the run is to stop, or `each` fails.
    pub fn run(
        &self,
        sides: [&Sorted; 2],
        each: &mut dyn FnMut(Difference) -> Result<()>,
    ) -> Result<u64> {
        let [mut one, mut other] = [Side::new(sides[0])?, Side::new(sides[1])?];
        let mut twins = 0;
        let mut key = Vec::new();
        loop {
            if self.observer.is_cancelled() {
                return Err(Error::interrupted());
            }
            let keys = [&one, &other].map(|side| side.head.as_ref().map(|head| &head.key));
            let Some(first) = keys.into_iter().flatten().min() else {
                return Ok(twins);
            };
            key.clone_from(first);
            let is_missing = self.missing.covers(&key);
            let (mut ours, mut theirs) = (Held::default(), Held::default());
            let (mut of_one, mut of_other) = (0_u64, 0_u64);
            loop {
                let (here, there) = (one.has(&key), other.has(&key));
                if !here && !there {
                    break;
                }
                let order = whole(one.value()).cmp(whole(other.value()));
                let takes_one = here && (!there || order.is_le());
                let takes_other = there && (!here || order.is_ge());
                of_one += u64::from(takes_one);
                of_other += u64::from(takes_other);
                if takes_one && !takes_other {
                    self.hold(
                        &key,
                        &mut ours,
                        one.value(),
                        is_missing,
                        Change::Removed,
                        each,
                    )?;
                }
                if takes_other && !takes_one {
                    self.hold(
                        &key,
                        &mut theirs,
                        other.value(),
                        is_missing,
                        Change::Added,
                        each,
                    )?;
                }
                if takes_one {
                    one.advance()?;
                }
                if takes_other {
                    other.advance()?;
                }
            }
            if is_missing {
                continue;
            }
            let most = of_one.max(of_other);
            if most > 1 && has_document(&key) {
                twins += most;
            }
            let (ours, theirs) = (ours.values, theirs.values);
            let pairs = ours.len().min(theirs.len());
            for (before, after) in ours.iter().zip(&theirs) {
                each(self.changed(&key, before, after))?;
            }
            for value in &ours[pairs..] {
                each(self.alone(&key, value, Change::Removed))?;
            }
            for value in &theirs[pairs..] {
                each(self.alone(&key, value, Change::Added))?;
            }
        }
    }

    /// Keeps what has no like of its own, until all of that name are there; beyond the first ones it is told at once.
    fn hold(
        &self,
        key: &[u8],
        held: &mut Held,
        value: &[u8],
        is_missing: bool,
        change: Change,
        each: &mut dyn FnMut(Difference) -> Result<()>,
    ) -> Result<()> {
        if is_missing {
            return Ok(());
        }
        if held.bytes + value.len() <= PAIRED {
            held.bytes += value.len();
            held.values.push(value.to_owned());
            return Ok(());
        }
        each(self.alone(key, value, change))
    }

    fn alone(&self, key: &[u8], value: &[u8], change: Change) -> Difference {
        let value = Valued::of(value);
        let pair = match change {
            Change::Added => [None, Some(&value)],
            _ => [Some(&value), None],
        };
        Difference {
            change,
            what: self.what(key, pair, Which::default()),
        }
    }

    fn changed(&self, key: &[u8], before: &[u8], after: &[u8]) -> Difference {
        let (before, after) = (Valued::of(before), Valued::of(after));
        let which = Which::of(before.differing(&after, self.paths));
        let change = match key.first() {
            Some(&LINK) => Change::Moved,
            _ => Change::Changed,
        };
        Difference {
            change,
            what: self.what(key, [Some(&before), Some(&after)], which),
        }
    }

    /// What a key is of.
    fn what(&self, key: &[u8], pair: [Option<&Valued<'_>>; 2], which: Which) -> What {
        let mut parts = Parts(key);
        let about = |value: Option<&Valued<'_>>| value.map(|value| About::of(value.about));
        match parts.byte() {
            ENTITY => {
                let uid = parts.text();
                let [one, other] = pair.map(about);
                let second = match (&one, &other) {
                    (Some(one), Some(other)) if one.id != other.id => Some(other.id),
                    _ => None,
                };
                let shown = one.or(other).unwrap_or_default();
                let text = |text: String| (!text.is_empty()).then_some(text);
                What::Entity {
                    uid,
                    id: shown.id,
                    other_id: second,
                    document: text(shown.document),
                    locale: text(shown.locale),
                    published: shown.state.is_published(),
                    which,
                }
            }
            LINK => {
                let (left, right) = (End::take(&mut parts), End::take(&mut parts));
                let [before, after] =
                    pair.map(|value| value.map_or([None; 2], |value| take_positions(value.about)));
                What::Link(Box::new(LinkFacts {
                    left: facts(left),
                    right: facts(right),
                    before,
                    after,
                }))
            }
            FILE => What::File {
                name: parts.text(),
                which,
            },
            SETTING => {
                let is_webhook = parts.text() == ConfigKind::Webhook.as_str();
                let value = pair.into_iter().flatten().next();
                What::Setting {
                    setting: match is_webhook {
                        true => ConfigKind::Webhook.as_str(),
                        false => ConfigKind::CoreStore.as_str(),
                    },
                    name: value.map_or(String::new(), |value| Parts(value.about).text()),
                    which,
                }
            }
            _ => What::Type { uid: parts.text() },
        }
    }
}

/// Whether it is a row that is known by a document: of others that hold the same it does not matter which is which.
fn has_document(key: &[u8]) -> bool {
    let mut parts = Parts(key);
    parts.byte() == ENTITY && !parts.text().is_empty() && !parts.text().is_empty()
}

fn facts(end: End) -> LinkEndFacts {
    let mut facts = LinkEndFacts {
        uid: end.uid,
        id: None,
        document: None,
        locale: None,
        published: None,
        within: None,
        field: (!end.field.is_empty()).then_some(end.field),
    };
    let text = |text: String| (!text.is_empty()).then_some(text);
    match end.of {
        EndOf::Id(id) => facts.id = Some(id),
        EndOf::Text(document) => facts.document = Some(document),
        EndOf::Place(place) => {
            let Place {
                uid,
                document,
                locale,
                state,
                path,
                ..
            } = place;
            facts.document = text(document);
            facts.locale = text(locale);
            facts.published = state.is_published();
            facts.within = (!path.is_empty()).then(|| format!("{uid} {path}"));
        }
    }
    facts
}
