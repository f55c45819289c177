//! Clears up what came of requests whose answers are lost: the service is read back, and what is missing is sent.

use super::super::ndf::{Node, Page, Relation, ValueType};
use super::super::sdl::DataModel;
use super::super::service::{Cursor, Outcome};
use super::super::verify::{Chunk, Digest, edge_id, is_same, node_id};
use super::lists::Lists;
use super::refused::elements;
use super::{Import, Shared};
use crate::checking::Event;
use crate::error::{Error, Result};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

/// How many elements are named that nobody knows of whether they are there.
const NAMED: usize = 20;
/// How many bytes of the lists in doubt are held, of what was sent before and of what the service says, beside the requests.
const MOST: usize = 64 << 20;
/// How often the service is read until two readings agree.
const READINGS: u32 = 5;

impl Import<'_> {
    /// Clears these up, as far as the service answers. What is lost again stays in doubt.
    pub(super) fn resolve(&mut self, kind: ValueType, doubts: Vec<Chunk>) -> Result<()> {
        if doubts.is_empty() {
            return Ok(());
        }
        self.own.refuse_untold(kind, &doubts)?;
        let missing: Vec<Vec<String>> = match kind {
            ValueType::Lists => {
                let mut lists = Lists::of(&doubts);
                if self.own.verdict.has_split_lists
                    && !lists.add_earlier(self.set, &doubts, MOST)?
                {
                    return Err(self.own.too_long(&doubts));
                }
                let model = self.own.model;
                let rows =
                    self.own
                        .settled(kind, &doubts, &|text| lists.is_meant(text), &|rows| {
                            lists.is_whole(model, &doubts, rows)
                        })?;
                rows.iter().for_each(|row| lists.found(row));
                let missing = lists.missing(model, &doubts);
                missing.map_err(|list| self.own.unknown(kind, list))?
            }
            _ => self.own.missing(kind, &doubts)?,
        };
        for (chunk, missing) in doubts.into_iter().zip(missing) {
            self.own.send_missing(&chunk, &missing)?;
        }
        Ok(())
    }
}

impl Shared<'_> {
    /// What the service holds of what is meant, once it has settled: a server may still be at work on a request whose answer
    /// was lost. Two readings some time apart have to agree, unless all of it is there.
    fn settled(
        &self,
        kind: ValueType,
        doubts: &[Chunk],
        is_meant: &dyn Fn(&str) -> bool,
        is_whole: &dyn Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        let mut pause = self.manner.settle;
        let mut last = self.read_back(kind, doubts, is_meant)?;
        for _ in 1..READINGS {
            if is_whole(&last) {
                return Ok(last);
            }
            self.watch.on(Event::Noted(&format!(
                "it is not known what came of {} requests: the service is left alone for {} seconds, in case it is still at them",
                doubts.len(),
                pause.as_secs()
            )));
            self.service.pause(pause)?;
            let now = self.read_back(kind, doubts, is_meant)?;
            if now == last {
                return Ok(now);
            }
            last = now;
            pause = pause.saturating_mul(2);
        }
        if is_whole(&last) {
            return Ok(last);
        }
        let list = doubts.iter().map(|chunk| self.places(chunk)).collect();
        Err(Error::failed(format!(
            "the service is still at work on {kind} that were sent: each time it is read back it holds others of these"
        ))
        .listing(list)
        .hint("wait until the server is idle"))
    }

    /// Reads what the service holds of a kind, as far as it is meant.
    fn read_back(
        &self,
        kind: ValueType,
        doubts: &[Chunk],
        is_meant: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let mut held = Vec::new();
        let mut bytes = 0;
        let own: usize = doubts.iter().map(|chunk| chunk.body.len()).sum();
        let most = MOST + own;
        let mut reading = self.service.pages(kind, Cursor::START);
        let unread = |error: Error| {
            let list = doubts.iter().map(|chunk| self.places(chunk)).collect();
            error
                .within(format!(
                    "it is not known which of these {kind} are in the service, and it cannot be read back"
                ))
                .listing(list)
        };
        while let Some(page) = reading.next_page().map_err(unread)? {
            let texts = page.elements.iter().map(|element| element.get());
            let meant = texts.filter(|text| is_meant(text)).map(|text| {
                bytes += text.len();
                text.to_owned()
            });
            held.extend(meant);
            if kind == ValueType::Lists && bytes > most {
                return Err(self.too_long(doubts));
            }
        }
        // Rows of one list have an order.
        if kind != ValueType::Lists {
            held.sort_unstable();
        }
        Ok(held)
    }

    /// Sees that the service says the truth of these: of some relations it does not, and what is found of them may be others.
    fn refuse_untold(&self, kind: ValueType, doubts: &[Chunk]) -> Result<()> {
        if kind != ValueType::Relations {
            return Ok(());
        }
        let untold = untold(self.model);
        let is_untold = |text: &str| {
            let relation = Relation::parse(text).ok();
            let id = relation.and_then(|it| edge_id(self.model, &it).ok());
            id.is_some_and(|it| untold.contains(&(it.edge.first.on, it.edge.first.field)))
        };
        let elements = doubts.iter().flat_map(|chunk| elements(&chunk.body));
        let unknown: Vec<String> = elements
            .filter(|it| is_untold(it.get()))
            .map(|it| it.get().to_owned())
            .collect();
        match unknown.is_empty() {
            true => Ok(()),
            false => Err(self.unknown(kind, unknown)),
        }
    }

    /// Sees that a node in the service is the one that was sent as this element; gives why it is not.
    fn is_another(&self, chunk: &Chunk, at: u64, text: &str, other: &str) -> Option<String> {
        let (own, there) = (Node::parse(text).ok()?, Node::parse(other).ok()?);
        let of_type = self.model.of_name(&own.type_name)?;
        let differs = |(name, value): &(Cow<'_, str>, &RawValue)| {
            let Some(field) = of_type.field(name) else {
                return false;
            };
            match there.field(name) {
                Some(other) => !is_same(&field.kind, value.get(), other.get()),
                // Exports have no key where there is no value.
                None => value.get() != "null",
            }
        };
        let is_another = own.type_name != there.type_name || own.fields.iter().any(differs);
        let name = format!("{} `{}`", own.type_name, own.id);
        let was_refused = || {
            self.ledger()
                .state
                .was_refused(chunk.kind, chunk.number, at)
        };
        match is_another {
            true => Some(name),
            // What was refused the only time it was sent was there before, however much it looks like it.
            false => was_refused().then(|| format!("{name}, which the service refused")),
        }
    }

    /// The nodes or relations of each request that the service does not hold.
    fn missing(&self, kind: ValueType, doubts: &[Chunk]) -> Result<Vec<Vec<String>>> {
        let model = self.model;
        let key = |text: &str| -> Option<Digest> {
            match kind {
                ValueType::Nodes => Some(node_id(&Node::parse(text).ok()?.id)),
                _ => Some(edge_id(model, &Relation::parse(text).ok()?).ok()?.id),
            }
        };
        let mut wanted: HashMap<Digest, (&Chunk, u64, &str)> = HashMap::new();
        for chunk in doubts {
            for (at, element) in elements(&chunk.body).into_iter().enumerate() {
                let place = (chunk, at as u64, element.get());
                key(element.get()).map(|key| wanted.insert(key, place));
            }
        }
        let total = wanted.len();
        let held = self.settled(
            kind,
            doubts,
            &|text| key(text).is_some_and(|key| wanted.contains_key(&key)),
            &|held| {
                held.iter()
                    .filter_map(|text| key(text))
                    .collect::<BTreeSet<_>>()
                    .len()
                    == total
            },
        )?;
        let mut others = Vec::new();
        for text in &held {
            let Some((chunk, at, own)) = key(text).and_then(|key| wanted.remove(&key)) else {
                continue;
            };
            if kind == ValueType::Nodes
                && let Some(why) = self.is_another(chunk, at, own, text)
            {
                let (file, number) = chunk.origin(at).unwrap_or_default();
                others.push(format!("{}, element {number}: {why}", self.file(file)));
            }
        }
        if !others.is_empty() {
            return Err(Error::failed("the service holds another node with its id for:")
                .listing(named(others))
                .hint("see where these nodes come from; take them away, or import into an empty service"));
        }
        self.ledger().imported.found += (total - wanted.len()) as u64;
        let is_missing = |text: &str| key(text).is_none_or(|key| wanted.contains_key(&key));
        let missing = doubts
            .iter()
            .map(|chunk| {
                let elements = elements(&chunk.body);
                let missing = elements.iter().filter(|it| is_missing(it.get()));
                missing.map(|it| it.get().to_owned()).collect()
            })
            .collect();
        Ok(missing)
    }

    /// What these requests of lists put there cannot be told, because it stands behind too much.
    fn too_long(&self, doubts: &[Chunk]) -> Error {
        self.ledger().is_stuck = true;
        let list = doubts.iter().map(|chunk| self.places(chunk)).collect();
        Error::failed(format!(
            "it is not known which of these lists are in the service: they hold more than {} MB, too much to compare it",
            MOST >> 20
        ))
        .listing(list)
        .hint("see which of these are there; or empty the service, and run it with --restart")
    }

    /// Nobody knows whether these are in the service.
    fn unknown(&self, kind: ValueType, list: Vec<String>) -> Error {
        self.ledger().is_stuck = true;
        let count = list.len();
        let why = match kind {
            ValueType::Relations => {
                "servers export wrong ids where one table holds several relations, so that these cannot be read back"
            }
            _ => {
                "what the service holds of them is neither nothing nor the beginning of what was sent"
            }
        };
        Error::failed(format!(
            "it is not known which of {count} {kind} are in the service: {why}"
        ))
        .listing(named(list))
        .hint("see which of these are there; or empty the service, and run it with --restart")
    }

    /// Sends the elements of a request that the service does not hold, and writes down what comes of it.
    fn send_missing(&self, chunk: &Chunk, missing: &[String]) -> Result<()> {
        if !missing.is_empty() {
            let mut page = Page::new(chunk.kind);
            missing.iter().for_each(|element| page.push(element));
            let body = page.finish();
            self.ledger().state.sending(chunk.kind, chunk.number)?;
            let outcome = self.service.import(&body)?;
            match outcome {
                Outcome::Taken => {}
                Outcome::Unsent(error) => return Err(error),
                Outcome::Lost(error) => {
                    self.ledger().lost = Some(error);
                    return Ok(());
                }
                Outcome::Refused(texts) => return Err(self.refused(chunk, &body, &texts)),
            }
        }
        let mut ledger = self.ledger();
        ledger.imported.requests += 1;
        ledger.state.take(chunk.kind, chunk.number)?;
        self.advance(chunk);
        Ok(())
    }
}

/// The relations that servers export wrongly: those that a table of nodes holds beside another one. In data models with
/// `@id`, a relation that leads to one node is held there, unless it is said to have a table of its own.
pub(super) fn untold(model: &DataModel) -> BTreeSet<(&str, &str)> {
    let mut untold = BTreeSet::new();
    let fields = model.types().iter().flat_map(|own| &own.fields);
    if !fields.into_iter().any(|field| field.has("id")) {
        return untold;
    }
    for own in model.types() {
        let is_held = |field: &&super::super::sdl::Field| {
            let table = |field: &super::super::sdl::Field| {
                let texts = field.directives.iter();
                texts
                    .filter(|text| text.starts_with("@relation"))
                    .any(|text| text.contains("TABLE"))
            };
            let back = model.back_field(&own.name, field);
            field.target().is_some() && !field.is_list && !table(field) && !back.is_some_and(table)
        };
        let held: Vec<_> = own.fields.iter().filter(is_held).collect();
        if held.len() > 1 {
            let edges = held
                .iter()
                .filter_map(|field| model.edge(&own.name, &field.name));
            untold.extend(edges.map(|edge| (edge.first.on, edge.first.field)));
        }
    }
    untold
}

/// The first of these, and how many more there are.
fn named(mut list: Vec<String>) -> Vec<String> {
    let more = list.len().saturating_sub(NAMED);
    list.truncate(NAMED);
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_that_share_a_table_cannot_be_read_back_unless_they_have_their_own() {
        let of = |link: &str, id: &str| {
            let text = format!(
                "type A {{ id: ID! {id}, b: B @relation(name: \"X\"{link}), c: C @relation(name: \"Y\") }}
                 type B {{ id: ID! {id}, as: [A!]! @relation(name: \"X\") }} type C {{ id: ID! {id} }}"
            );
            let model = DataModel::parse(&text, "x").expect("a data model");
            untold(&model)
                .into_iter()
                .map(|(on, field)| format!("{on}.{field}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("", "@id"), ["A.b", "A.c"]);
        assert!(of(", link: TABLE", "@id").is_empty());
        // Older data models have a table for each relation.
        assert!(of("", "@unique").is_empty());
    }
}
