//! Relations between nodes as links between rows: each end finds its row, and gets its place among those of the other.
//!
//! Five times they are put in order on disk: by the node that owns them, to find its row; by the node they lead to, for the
//! same; by both rows, to count the places on one side; by the other row, to count those on the other; and as they are sent.

use super::steps::{PAIR, add_rows, each_pair, each_place, end_key, numbers, read};
use super::types::{Links, Made};
use crate::convert::placeless::Placeless;
use crate::error::Result;
use crate::model::json;
use crate::sorting::{Record, Sorter};
use crate::store::Interrupt;
use std::path::Path;

/// Why a relation has no place.
const NO_OWNER: &str = "there is no such node";
const NO_TARGET: &str = "there is no node at the other end";
const SEVERAL: &str = "the field holds one, and there are several";
const SEVERAL_BACK: &str = "the field at the other end holds one, and there are several";

/// The end of a relation that says so. What both say goes before what one alone does, and the owner before the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// The one that it leads to.
    Target = 1,
    /// The one that owns it.
    Owner = 2,
}

impl Said {
    fn other(self) -> Self {
        match self {
            Self::Target => Self::Owner,
            Self::Owner => Self::Target,
        }
    }
}

/// Takes relations and rows in any order.
pub struct Pairs {
    owners: Sorter,
    /// Rows of nodes, with their documents, by type and id. They are read again for each end: one of these takes less memory
    /// than three while rows are written.
    rows: Sorter,
}

impl Pairs {
    /// Ones that use this folder for what does not stay in memory.
    pub fn new(spool: &Path) -> Self {
        Self {
            owners: Sorter::new(spool),
            rows: Sorter::new(spool),
        }
    }

    /// Takes a link of this number, from the id of its owner to that of its target, as this end says it.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn link<F>(
        &mut self,
        made: &Made<F>,
        number: usize,
        (owner, target): (&str, &str),
        said: Said,
    ) -> Result<()> {
        let links = &made.links[number];
        self.add((number, links), (owner, target), said)?;
        match links.is_mutual && owner != target {
            true => self.add((number, links), (target, owner), said.other()),
            false => Ok(()),
        }
    }

    fn add(
        &mut self,
        (number, links): (usize, &Links),
        (owner, target): (&str, &str),
        said: Said,
    ) -> Result<()> {
        let mut value = vec![PAIR];
        value.extend_from_slice(&numbers(&[number as u64]));
        value.push(said as u8);
        value.extend_from_slice(target.as_bytes());
        self.owners.push(&end_key(links.owner, owner), &value)
    }

    /// Takes the row of a node, and its document, where it has one.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn row(&mut self, model: usize, id: &str, row: u64, document: Option<&str>) -> Result<()> {
        let mut value = row.to_be_bytes().to_vec();
        value.extend_from_slice(document.unwrap_or_default().as_bytes());
        self.rows.push(&end_key(model, id), &value)
    }

    /// Gives the lines of the links, in the order of the types that own them. What leads to nodes that are not there, or to
    /// more than a field may, is lost.
    ///
    /// # Errors
    /// The folder cannot be written to, `each` fails, or the run is to stop.
    pub fn send<F>(
        self,
        made: &Made<F>,
        (spool, interrupt): (&Path, &Interrupt),
        lost: &mut Placeless,
        each: &mut dyn FnMut(&str) -> Result<()>,
    ) -> Result<()> {
        let mut lose = |why: &'static str, number: u64, owner: &[u8]| {
            let links = &made.links[number as usize];
            let name = made.types[links.owner].name.as_str();
            let owner = String::from_utf8_lossy(owner);
            lost.add(why, (name, &links.field, &owner));
        };
        let nodes = self.rows.finish()?;
        let mut owners = self.owners;
        add_rows(&nodes, interrupt, &mut owners)?;
        let mut targets = Sorter::new(spool);
        each_pair(owners, interrupt, &mut |number, owner, (id, rest)| {
            let (Some(owner), Some((said, target))) = (owner, rest.split_first()) else {
                lose(NO_OWNER, number, id);
                return Ok(());
            };
            let links = &made.links[number as usize];
            let mut value = vec![PAIR];
            value.extend_from_slice(&numbers(&[number, owner]));
            value.push(*said);
            value.extend_from_slice(id);
            let target = String::from_utf8_lossy(target);
            targets.push(&end_key(links.target, &target), &value)
        })?;
        add_rows(&nodes, interrupt, &mut targets)?;
        let mut rows = Sorter::new(spool);
        each_pair(
            targets,
            interrupt,
            &mut |number, target, (_, owner)| match (target, owner.split_at_checked(8)) {
                (Some(target), Some((owner, said_id))) => {
                    let key = [&numbers(&[number]), owner, &numbers(&[target])].concat();
                    rows.push(&key, said_id)
                }
                (_, owner) => {
                    let id = owner.and_then(|it| it.1.split_first());
                    lose(NO_TARGET, number, id.map_or(&[], |it| it.1));
                    Ok(())
                }
            },
        )?;
        let mut back = Sorter::new(spool);
        let is_one = |number: u64| !made.links[number as usize].many;
        each_place(
            rows,
            interrupt,
            (&is_one, &mut |number, id| lose(SEVERAL, number, id)),
            &mut |[number, owner, target], place, (said, id)| {
                let value = [&[said], &numbers(&[place])[..], id].concat();
                back.push(&numbers(&[number, target, owner]), &value)
            },
        )?;
        let mut sent = Sorter::new(spool);
        let is_one = |number: u64| !made.links[number as usize].many_back;
        each_place(
            back,
            interrupt,
            (&is_one, &mut |number, place| {
                lose(SEVERAL_BACK, number, place.get(8..).unwrap_or_default())
            }),
            &mut |[number, target, owner], back, (_, place)| {
                let links = &made.links[number as usize];
                let key = numbers(&[links.owner as u64, 0, number, owner]);
                let rest = numbers(&[read(place).first().copied().unwrap_or(1), target, back]);
                sent.push(&[key, rest].concat(), &[])
            },
        )?;
        let mut reading = nodes.read()?;
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            interrupt.stop()?;
            if let (Some(model), Some((row, document))) =
                (record.key.get(..8), record.value.split_at_checked(8))
                && !document.is_empty()
            {
                sent.push(&[model, &numbers(&[1]), document].concat(), row)?;
            }
            room = record;
        }
        drop(reading);
        drop(nodes);
        let sent = sent.finish()?;
        let mut reading = sent.read()?;
        let mut room = Record::default();
        while let Some(record) = reading.next(room)? {
            interrupt.stop()?;
            each(&line(made, &record))?;
            room = record;
        }
        Ok(())
    }
}

/// The line of a link, or of what joins the languages of a document.
fn line<F>(made: &Made<F>, record: &Record) -> String {
    if let [_, 0, number, owner, place, target, back] = read(&record.key)[..]
        && record.value.is_empty()
    {
        return link(
            &made.links[number as usize],
            made,
            [owner, place, target, back],
        );
    }
    let model = read(&record.key).first().copied().unwrap_or_default() as usize;
    let row = read(&record.value).first().copied().unwrap_or_default();
    let document = String::from_utf8_lossy(record.key.get(16..).unwrap_or_default());
    let uid = &made.types[model].uid;
    format!(
        "{{\"kind\":\"relation.circular\",\"relation\":\"oneToMany\",\"left\":{{\"type\":\"{uid}\",\"ref\":{row},\
         \"field\":\"localizations\"}},\"right\":{{\"type\":\"{uid}\",\"ref\":\"{document}\"}}}}"
    )
}

fn link<F>(links: &Links, made: &Made<F>, [owner, place, target, back]: [u64; 4]) -> String {
    let (from, to) = (&made.types[links.owner].uid, &made.types[links.target].uid);
    let kind = match from == to {
        true => "circular",
        false => "basic",
    };
    let mut out = format!(
        "{{\"kind\":\"relation.{kind}\",\"relation\":\"{}\"",
        links.kind()
    );
    let ends = [
        (
            "left",
            from,
            Some(&links.attribute),
            owner,
            links.many.then_some(place),
        ),
        (
            "right",
            to,
            links.back.as_ref(),
            target,
            (links.many_back && links.back.is_some()).then_some(back),
        ),
    ];
    for (name, uid, field, row, place) in ends {
        out.push_str(&format!(",\"{name}\":{{\"type\":\"{uid}\""));
        if let Some(field) = field {
            out.push_str(",\"field\":");
            json::write_string(&mut out, field);
        }
        out.push_str(&format!(",\"ref\":{row}"));
        if let Some(place) = place {
            out.push_str(&format!(",\"pos\":{place}"));
        }
        out.push('}');
    }
    out.push('}');
    out
}

#[cfg(test)]
mod tests {
    use super::super::drafts::made_of;
    use super::super::given::{Given, GivenField, GivenLinks, Naming, Place};
    use super::*;
    use crate::error::Kind;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn ctrl_c_is_heard_at_each_step_of_the_sorting_of_relations() {
        const RELATIONS: usize = 50;
        let given = |name: &str, field: &str| Given::<()> {
            name: name.into(),
            fields: vec![GivenField {
                name: field.into(),
                wanted: field.into(),
                place: Place::Links,
            }],
        };
        let links = GivenLinks {
            from: (0, 0),
            target: 1,
            back: Some(0),
            many: true,
            many_back: true,
            is_mutual: false,
        };
        let naming = Naming {
            prefix: "other",
            id: "otherId",
        };
        let types = vec![given("A", "bs"), given("B", "as")];
        let made = made_of(types, vec![links], &naming, true);
        let folder = tempfile::tempdir().expect("a folder");
        let sent = |most: usize| {
            let mut pairs = Pairs::new(folder.path());
            for number in 0..RELATIONS {
                let id = number.to_string();
                let (row, document) = (number as u64 + 1, format!("document{id}"));
                pairs.row(0, &id, row, Some(&document)).expect("taken");
                pairs.row(1, &id, row, Some(&document)).expect("taken");
                let ends = (id.as_str(), id.as_str());
                pairs.link(&made, 0, ends, Said::Owner).expect("taken");
            }
            let asked = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&asked);
            let interrupt = Interrupt::when(move || count.fetch_add(1, Ordering::Relaxed) >= most);
            let mut lines = 0;
            let sent = pairs.send(
                &made,
                (folder.path(), &interrupt),
                &mut Placeless::default(),
                &mut |_| {
                    lines += 1;
                    Ok(())
                },
            );
            (sent, asked.load(Ordering::Relaxed), lines)
        };
        let (done, asked, lines) = sent(usize::MAX);
        done.expect("all of it");
        assert_eq!(lines, 3 * RELATIONS);
        // Twice nodes, and these with relations; relations twice more, nodes for their documents, and lines.
        assert_eq!(asked, (2 * (2 + 3) + 1 + 1 + 2 + 3) * RELATIONS);
        for most in (0..asked).step_by(RELATIONS / 2) {
            let (stopped, asked, _) = sent(most);
            assert_eq!(stopped.expect_err("stopped").kind(), Kind::Interrupted);
            assert_eq!(asked, most + 1);
        }
    }
}
