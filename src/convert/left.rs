//! What of the data has no place in the archive that its notes are of, what does not come back, and how that is told.

use super::joined::Onlooker;
use super::placeless::{Of, Placeless};
use super::rows::Untaken;
use super::table::Table;
use super::tallies::Tallies;
use crate::error::Error;
use crate::model::canonical;
use crate::model::{Entity, Short, Stage};
use crate::transfer::{Sink, Subject, Warning, WarningKind};

/// Why something has no place.
const NEW: &str = "strapi.json does not know it: it came after the conversion; --no-notes takes all nodes, into new \
     content types";
/// Why a value has no place that has an attribute.
const UNFIT: &str = "Strapi takes no such value there; the row is without it";
const NEW_LIST: &str =
    "strapi.json knows no lists of values; --no-notes takes all nodes, into new content types";
const NEW_RELATION: &str =
    "strapi.json does not know this relation, or what it joins: it came after the conversion";
/// Why a place has no place.
const NEW_PLACE: &str = "its links have no order in Strapi";

/// What does not come back because nodes and relations are not there any more.
#[derive(Default)]
pub struct Left {
    /// Rows.
    pub rows: u64,
    /// Files of the media library.
    pub files: u64,
    /// Links of which an end is gone.
    pub links: u64,
    /// Links whose ends are there, and whose relation is gone.
    pub unlinked: u64,
    /// Components that nothing holds.
    pub components: u64,
}

/// Takes a node that the notes do not know.
fn lose_node(lost: &mut Placeless, type_name: &str, id: &str) {
    lost.add(NEW, (type_name, "", id));
}

/// Takes a list, of which the notes know none.
pub fn lose_list(lost: &mut Placeless, of: Of<'_>) {
    lost.add(NEW_LIST, of);
}

/// Takes a relation that the notes do not know.
pub fn lose_relation(lost: &mut Placeless, of: Of<'_>) {
    lost.add(NEW_RELATION, of);
}

/// Takes a place of a link of this key, which says none.
pub fn lose_place(lost: &mut Placeless, table: &Table, key: &[u8]) {
    let (type_name, field, id, _) = table.ends(key).unwrap_or_default();
    lost.add(NEW_PLACE, (type_name, field, id));
}

/// What is said of a component that is held by something else than the notes say.
fn moved(table: &Table, key: &str, was: &[u8], (now, is_held): (&[u8], bool)) -> Error {
    let holder = |key: &[u8]| match table.ends(key) {
        Some((type_name, field, id, _)) => {
            format!("`{}` of {} {}", Short(field), Short(type_name), Short(id))
        }
        None => "another node".to_owned(),
    };
    let (was, now) = (holder(was), holder(now));
    let what = match is_held {
        true => format!("it stands in {was} and in {now}, and a component has one place"),
        false => format!("it was in {was}, and is in {now} by now; its row cannot be put together"),
    };
    let (type_name, id) = key.split_once('\0').unwrap_or((key, ""));
    Error::archive(format!("{} {}: {what}", Short(type_name), Short(id))).hint(
        "have the relation lead to where it was, or take all nodes, into new content types: --no-notes",
    )
}

/// Takes values that a row has no place for.
pub fn lose_values(lost: &mut Placeless, table: &Table, untaken: Untaken) {
    for own in untaken {
        let type_name = table.type_name(own.model).unwrap_or_default();
        let why = if own.is_unfit { UNFIT } else { NEW };
        lost.add(why, (type_name, &own.field, &own.node));
    }
}

/// Sees the nodes that are brought together.
pub struct Nodes<'a> {
    /// What the notes say.
    pub table: &'a Table,
    /// How many of them there are.
    pub tallies: Tallies,
    /// Where those go that have no place.
    pub lost: &'a mut Placeless,
    /// How many components nothing holds any more.
    pub gone: u64,
}

impl Onlooker for Nodes<'_> {
    fn see(&mut self, key: &[u8], is_there: bool, is_noted: bool) {
        let key = String::from_utf8_lossy(key);
        let (type_name, id) = key.split_once('\0').unwrap_or((&key, ""));
        self.tallies.take(type_name, is_there, is_noted);
        if is_there && !is_noted {
            lose_node(self.lost, type_name, id);
        }
    }

    fn see_gone(&mut self) {
        self.gone += 1;
    }

    fn twice(&self, key: &[u8]) -> Error {
        let name = String::from_utf8_lossy(key).replace('\0', " ");
        let why = "there are two nodes of this id";
        self.table.system.unfit(&name, why)
    }

    fn moved(&self, key: &[u8], was: &[u8], now: (&[u8], bool)) -> Error {
        moved(self.table, &String::from_utf8_lossy(key), was, now)
    }
}

/// Sees the relations that are brought together.
pub struct Pairs<'a> {
    /// What the notes say.
    pub table: &'a Table,
    /// Where those go that have no place.
    pub lost: &'a mut Placeless,
}

impl Onlooker for Pairs<'_> {
    fn see(&mut self, key: &[u8], is_there: bool, is_noted: bool) {
        if is_there && !is_noted {
            let (type_name, field, id, _) = self.table.ends(key).unwrap_or_default();
            lose_relation(self.lost, (type_name, field, id));
        }
    }

    fn see_gone(&mut self) {}

    fn twice(&self, key: &[u8]) -> Error {
        let name = String::from_utf8_lossy(key).replace('\0', " ");
        let why = "there are two nodes of this id";
        self.table.system.unfit(&name, why)
    }

    fn moved(&self, key: &[u8], was: &[u8], now: (&[u8], bool)) -> Error {
        moved(self.table, &String::from_utf8_lossy(key), was, now)
    }
}

/// Whether two lines of a row say the same, however they are written: a service does not keep how numbers are, and how
/// the members of objects are ordered. Numbers of 64 bits are told apart, and what is nested however deep.
pub fn is_same(one: &str, other: &str) -> bool {
    match (Entity::parse(one), Entity::parse(other)) {
        (Ok(one), Ok(other)) => canonical::is_same(one.entity().data, other.entity().data),
        _ => false,
    }
}

/// Says what has no place in the archive, and what does not come back.
pub fn tell(lost: Placeless, left: &Left, sink: &mut dyn Sink) {
    lost.warnings().for_each(|warning| sink.warn(warning));
    for (count, stage, why) in [
        (
            left.components,
            Stage::Entities,
            "components are gone: no relation leads to them any more",
        ),
        (
            left.rows,
            Stage::Entities,
            "rows are gone: their nodes are not there any more",
        ),
        (
            left.files,
            Stage::Assets,
            "files are gone: their nodes are not there any more",
        ),
        (
            left.links,
            Stage::Links,
            "links are gone: they join rows or components whose nodes are not there any more",
        ),
        (
            left.unlinked,
            Stage::Links,
            "links are gone: their relations are not there any more",
        ),
    ] {
        if count > 0 {
            let why = format!("{count} {why}");
            let warning = Warning::new(WarningKind::Notice, Subject::Stage(stage), why);
            sink.warn(warning.times(count));
        }
    }
}
