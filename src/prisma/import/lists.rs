//! What the service holds of lists whose requests are in doubt. It puts rows of one list behind each other, so what is
//! there must be what was sent before, and then the beginning of what is in doubt.

use super::super::ndf::{DataFile, DataSet, ListRow, ValueType};
use super::super::sdl::{DataModel, FieldType};
use super::super::verify::{Chunk, Chunks, Digest, is_same, list_id};
use super::refused::elements;
use crate::error::{Error, Result};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How many bytes a value takes beside its text.
const VALUE: usize = 48;

/// The values of a list.
#[derive(Clone, Default)]
struct Held {
    /// What was sent before.
    earlier: Vec<String>,
    /// What the service holds.
    there: Vec<String>,
}

/// The lists that requests in doubt speak of.
#[derive(Clone)]
pub(super) struct Lists(HashMap<Digest, Held>);

fn key(row: &ListRow<'_>) -> Digest {
    list_id(&row.id, &row.field)
}

fn texts(values: &[&RawValue]) -> impl Iterator<Item = String> {
    values.iter().map(|value| value.get().to_owned())
}

impl Lists {
    /// Those of these requests.
    pub fn of(doubts: &[Chunk]) -> Self {
        let mut lists = HashMap::new();
        for chunk in doubts {
            for element in elements(&chunk.body) {
                if let Ok(row) = ListRow::parse(element.get()) {
                    lists.entry(key(&row)).or_insert_with(Held::default);
                }
            }
        }
        Self(lists)
    }

    /// Takes what the rows before these requests say of the lists. They were sent one after the other. Gives whether that takes
    /// no more than so many bytes.
    pub fn add_earlier(
        &mut self,
        set: &mut DataSet,
        doubts: &[Chunk],
        most: usize,
    ) -> Result<bool> {
        let Some(first) = doubts.iter().map(|chunk| chunk.number).min() else {
            return Ok(true);
        };
        let mut bytes = 0;
        let of_kind =
            |(at, file): (usize, &DataFile)| (file.kind == ValueType::Lists).then_some(at);
        let files: Vec<usize> = set.files().iter().enumerate().filter_map(of_kind).collect();
        let mut chunks = Chunks::new(ValueType::Lists);
        let mut is_over = false;
        for file in files {
            let read = set.read(file, &mut |number, text| {
                if let Some(chunk) = chunks.push(file, number, text) {
                    is_over = chunk.number >= first;
                    if !is_over {
                        bytes += self.add(&chunk);
                        is_over = bytes > most;
                    }
                    if is_over {
                        return Err(Error::failed("enough"));
                    }
                }
                Ok(())
            });
            match read {
                Err(_) if is_over => return Ok(bytes <= most),
                read => read?,
            }
        }
        if let Some(chunk) = chunks.finish().filter(|chunk| chunk.number < first) {
            bytes += self.add(&chunk);
        }
        Ok(bytes <= most)
    }

    /// Takes the values of a request; gives how many bytes they take.
    fn add(&mut self, chunk: &Chunk) -> usize {
        let mut bytes = 0;
        for element in elements(&chunk.body) {
            if let Ok(row) = ListRow::parse(element.get())
                && let Some(held) = self.0.get_mut(&key(&row))
            {
                let sizes = row.values.iter().map(|it| it.get().len() + VALUE);
                bytes += sizes.sum::<usize>();
                held.earlier.extend(texts(&row.values));
            }
        }
        bytes
    }

    /// Whether a row that the service holds is of one of these.
    pub fn is_meant(&self, text: &str) -> bool {
        ListRow::parse(text).is_ok_and(|row| self.0.contains_key(&key(&row)))
    }

    /// Whether a service with these rows holds all of these requests.
    pub fn is_whole(&self, model: &DataModel, doubts: &[Chunk], rows: &[String]) -> bool {
        let mut own = self.clone();
        rows.iter().for_each(|row| own.found(row));
        let missing = own.missing(model, doubts);
        missing.is_ok_and(|missing| missing.iter().all(Vec::is_empty))
    }

    /// Takes a row that the service holds.
    pub fn found(&mut self, text: &str) {
        if let Ok(row) = ListRow::parse(text)
            && let Some(held) = self.0.get_mut(&key(&row))
        {
            held.there.extend(texts(&row.values));
        }
    }

    /// The rows of each request that the service does not hold.
    ///
    /// # Errors
    /// It holds something else of some lists: these.
    pub fn missing(
        mut self,
        model: &DataModel,
        doubts: &[Chunk],
    ) -> Result<Vec<Vec<String>>, Vec<String>> {
        let mut unknown = Vec::new();
        let missing = doubts.iter().map(|chunk| {
            let elements = elements(&chunk.body);
            let rows = elements.iter().filter_map(|element| {
                let row = ListRow::parse(element.get()).ok()?;
                let held = self.0.get_mut(&key(&row))?;
                match held.rest(model, &row) {
                    Ok(rest) => rest,
                    Err(()) => {
                        unknown.push(told(&row));
                        None
                    }
                }
            });
            rows.collect::<Vec<String>>()
        });
        let missing: Vec<Vec<String>> = missing.collect();
        match unknown.is_empty() {
            true => Ok(missing),
            false => Err(unknown),
        }
    }
}

impl Held {
    /// The row of what is missing of this one, if anything is.
    fn rest(&mut self, model: &DataModel, row: &ListRow<'_>) -> Result<Option<String>, ()> {
        let kind = model
            .of_name(&row.type_name)
            .and_then(|own| own.field(&row.field))
            .map_or(FieldType::Relation(String::new()), |field| {
                field.kind.clone()
            });
        let before = self.earlier.len();
        let known = self.there.len().min(before);
        let same = |(one, other): (&String, &String)| is_same(&kind, one, other);
        if known < before || !self.there.iter().zip(&self.earlier).all(same) {
            return Err(());
        }
        let there = &self.there[before..];
        let own: Vec<String> = texts(&row.values).collect();
        let both = there.len().min(own.len());
        if !there.iter().zip(&own).all(same) {
            return Err(());
        }
        self.earlier.extend(own.iter().take(both).cloned());
        // Rows behind it can be there only if all of this one is.
        match both == own.len() {
            true => Ok(None),
            false => {
                self.there.truncate(self.earlier.len());
                let rest = written(row, &row.values[both..]);
                self.earlier.extend(own.into_iter().skip(both));
                self.there.clone_from(&self.earlier);
                Ok(Some(rest))
            }
        }
    }
}

fn written(row: &ListRow<'_>, values: &[&RawValue]) -> String {
    let text = |text: &str| serde_json::to_string(text).expect("texts serialise");
    let values: Vec<&str> = values.iter().map(|value| value.get()).collect();
    format!(
        "{{\"_typeName\":{},\"id\":{},{}:[{}]}}",
        text(&row.type_name),
        text(&row.id),
        text(&row.field),
        values.join(",")
    )
}

/// A row, for messages: the node and the field.
pub(super) fn told(row: &ListRow<'_>) -> String {
    format!("{}.{} of {}", row.type_name, row.field, row.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Interrupt;

    #[test]
    fn what_was_sent_before_of_one_long_list_is_held_up_to_a_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let row = |at: usize| {
            let long = "x".repeat(600_000);
            format!(r#"{{"_typeName":"A","id":"a","tags":["{at}","{long}"]}}"#)
        };
        let rows: Vec<String> = (0..4).map(row).collect();
        let text = format!(r#"{{"valueType":"lists","values":[{}]}}"#, rows.join(","));
        let file = folder.path().join("000001.json");
        std::fs::write(&file, text).expect("written");
        let mut set = DataSet::open(&file, &Interrupt::default()).expect("a data set");
        let mut chunks = Chunks::new(ValueType::Lists);
        let mut last = None;
        for (at, row) in rows.iter().enumerate() {
            last = chunks.push(0, at as u64 + 1, row).or(last);
        }
        // The third of them; two are before it.
        let doubts = [last.expect("a request")];
        let mut fits = |most| {
            let mut lists = Lists::of(&doubts);
            let fits = lists.add_earlier(&mut set, &doubts, most).expect("read");
            let held: usize = lists.0.values().map(|held| held.earlier.len()).sum();
            (fits, held)
        };
        assert_eq!(fits(2_000_000), (true, 4));
        assert_eq!(fits(700_000), (false, 4));
        assert_eq!(fits(1000), (false, 2));
    }
}
