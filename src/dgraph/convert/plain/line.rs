//! What is known of a node, as the line of a row.

use super::load::Fact;
use super::made::{Held, Part};
use super::values::{CUT, no_time, time};
use crate::convert::placeless::{Of, Placeless};
use crate::convert::plain::{ContentType, end_row, row_begun};
use crate::model::json;
use std::collections::BTreeMap;

/// Why a value has no place.
const SEVERAL: &str = "the schema says one value, and there are several";
const TOO_LONG: &str = "it is longer than the values of a row may be together";
const NO_FIELD: &str = "its content type has no attribute for it";
const WRONG_KIND: &str = "the schema says that it links a node, and it is a value";

/// The values of a node, by the numbers of their predicates.
#[derive(Default)]
pub struct Gathered {
    plain: BTreeMap<u32, Vec<String>>,
    languages: BTreeMap<u32, Vec<(String, String)>>,
    bytes: usize,
}

impl Gathered {
    /// Takes one more; gives whether there is room for it: a node has no more than so many bytes.
    pub fn take(&mut self, fact: &Fact<'_>, longest: usize) -> bool {
        let Fact::Value {
            predicate,
            language,
            text,
            ..
        } = fact
        else {
            return true;
        };
        let more = text.len() + language.len() + size_of::<String>();
        if self.bytes + more > longest {
            return false;
        }
        self.bytes += more;
        match language.is_empty() {
            true => self
                .plain
                .entry(*predicate)
                .or_default()
                .push((*text).to_owned()),
            false => {
                let value = ((*language).to_owned(), (*text).to_owned());
                self.languages.entry(*predicate).or_default().push(value);
            }
        }
        true
    }
}

/// Why a value of this predicate is not held.
pub fn no_room(lost: &mut Placeless, of: Of<'_>) {
    lost.add(TOO_LONG, of);
}

/// What a line is made with.
pub struct Writing<'a> {
    /// The content type.
    pub own: &'a ContentType<Held>,
    /// The names of predicates.
    pub names: &'a dyn Fn(u32) -> &'a str,
    /// The number of a predicate.
    pub numbers: &'a dyn Fn(&str) -> Option<u32>,
    /// What stands for times that no node has, as JSON.
    pub now: &'a str,
    /// What has no place.
    pub lost: &'a mut Placeless,
}

impl Writing<'_> {
    /// The line of a row, of the node with this id; its document, where it has one.
    pub fn line(
        &mut self,
        (row, id): (u64, &str),
        document: Option<&str>,
        mut found: Gathered,
    ) -> String {
        let own = self.own;
        let mut out = row_begun(&own.uid, row, document);
        for attribute in &own.attributes {
            json::write_string(&mut out, &attribute.name);
            out.push(':');
            let of = (own.name.as_str(), attribute.field.as_str(), id);
            match &attribute.form {
                None => json::write_string(&mut out, id),
                Some(held) => self.value(&mut out, held, attribute.is_list, of, &mut found),
            }
            out.push(',');
        }
        let mut time = |at: usize| {
            let field = own.times[at].as_deref()?;
            let mut values = found.plain.remove(&(self.numbers)(field)?)?.into_iter();
            let of = (own.name.as_str(), field, id);
            let text = values.next()?;
            let taken = time(&text);
            values.for_each(|_| self.lost.add(SEVERAL, of));
            match &taken {
                None => self.lost.add(no_time(&text), of),
                Some((_, true)) => self.lost.add(CUT, of),
                Some(_) => {}
            }
            taken.map(|it| it.0)
        };
        let (created, updated) = (time(0), time(1));
        let created = created.as_deref().unwrap_or(self.now);
        let updated = updated.as_deref().unwrap_or(created);
        end_row(&mut out, [created, updated], document.is_some());
        let rest = found.plain.iter().map(|(number, it)| (number, it.len()));
        let rest = rest.chain(
            found
                .languages
                .iter()
                .map(|(number, it)| (number, it.len())),
        );
        for (number, count) in rest {
            let of = (own.name.as_str(), (self.names)(*number), id);
            (0..count).for_each(|_| self.lost.add(NO_FIELD, of));
        }
        out
    }

    fn value(
        &mut self,
        out: &mut String,
        held: &Held,
        is_list: bool,
        of: Of<'_>,
        found: &mut Gathered,
    ) {
        let values: Vec<String> = match &held.part {
            Part::Plain => found.plain.remove(&held.predicate).unwrap_or_default(),
            Part::Of(language) => {
                let all = found.languages.entry(held.predicate).or_default();
                let own = all.extract_if(.., |(it, _)| it == language);
                own.map(|(_, text)| text).collect()
            }
            Part::Languages(others) => {
                let all = found.languages.entry(held.predicate).or_default();
                let rest = all.extract_if(.., |(it, _)| !others.contains(it));
                return languages(out, rest.collect(), of, self.lost);
            }
        };
        if is_list && !values.is_empty() {
            let start = out.len();
            for text in &values {
                if let Some(value) = self.taken(held, text, true, of) {
                    out.push(if out.len() == start { '[' } else { ',' });
                    out.push_str(&value);
                }
            }
            if out.len() == start {
                out.push('[');
            }
            out.push(']');
            return;
        }
        let mut values = values.into_iter();
        let first = values.next();
        let value = first.and_then(|text| self.taken(held, &text, false, of));
        out.push_str(value.as_deref().unwrap_or("null"));
        values.for_each(|_| self.lost.add(SEVERAL, of));
    }

    /// A value as Strapi exports it. What has no place, or is not all of it, is listed.
    fn taken(&mut self, held: &Held, text: &str, is_listed: bool, of: Of<'_>) -> Option<String> {
        match held.form.value(text, is_listed) {
            Ok((value, less)) => {
                if let Some(less) = less {
                    self.lost.add(less, of);
                }
                Some(value)
            }
            Err(why) => {
                self.lost.add(why, of);
                None
            }
        }
    }
}

/// Values in languages, as an object with a member each.
fn languages(out: &mut String, mut all: Vec<(String, String)>, of: Of<'_>, lost: &mut Placeless) {
    // An attribute of one language may have taken them.
    if all.is_empty() {
        return out.push_str("null");
    }
    all.sort();
    let mut last: Option<&str> = None;
    for (language, text) in &all {
        if last == Some(language) {
            lost.add(SEVERAL, of);
            continue;
        }
        out.push(if last.is_none() { '{' } else { ',' });
        json::write_string(out, language);
        out.push(':');
        json::write_string(out, text);
        last = Some(language);
    }
    out.push('}');
}

/// A value where the schema says that there is a link.
pub fn wrong_kind(lost: &mut Placeless, of: Of<'_>) {
    lost.add(WRONG_KIND, of);
}
