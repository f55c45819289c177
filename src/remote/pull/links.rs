//! Links that lack a row: what is told of them.

use super::rows::{End, Known};
use crate::error::Result;
use crate::model::{Link, Short};
use crate::transfer::{Examples, Filter, MOST_OF_A_KIND, Sink, Subject, WarningKind};
use std::collections::BTreeMap;

/// Links that were left out, by owner and attribute.
#[derive(Default)]
struct LeftOut {
    by_attribute: BTreeMap<(String, String), Examples>,
    /// Those of attributes beyond the first few.
    more: Examples,
}

impl LeftOut {
    fn add(&mut self, link: &Link<'_>, name: impl FnOnce() -> String) {
        let attribute = link.left.field.as_deref().unwrap_or("?").to_owned();
        let kind = (link.left.model.to_string(), attribute);
        let has_room =
            self.by_attribute.len() < MOST_OF_A_KIND || self.by_attribute.contains_key(&kind);
        let examples = match has_room {
            true => self.by_attribute.entry(kind).or_default(),
            false => &mut self.more,
        };
        examples.add(name);
    }

    fn tell(self, kind: WarningKind, sink: &mut dyn Sink) {
        for ((uid, attribute), examples) in self.by_attribute {
            let subject = Subject::LinksOf { uid, attribute };
            if let Some(warning) = examples.warning(kind, subject) {
                sink.warn(warning);
            }
        }
        let links = Subject::Stage(crate::model::Stage::Links);
        if let Some(warning) = self.more.warning(kind, links) {
            sink.warn(warning);
        }
    }
}

/// Sends links on that have both their rows, and tells of the others.
pub(super) struct Links<'a> {
    known: &'a Known,
    filter: &'a Filter,
    /// To rows that are not there.
    gone: LeftOut,
    /// To rows that came to be while the site was read.
    late: LeftOut,
}

impl<'a> Links<'a> {
    pub fn new(known: &'a Known, filter: &'a Filter) -> Self {
        Self {
            known,
            filter,
            gone: LeftOut::default(),
            late: LeftOut::default(),
        }
    }

    /// Sends a link on, or notes why not.
    pub fn send(&mut self, link: &Link<'_>, sink: &mut dyn Sink) -> Result<()> {
        match self.known.end(link, self.filter) {
            End::Whole => return sink.link(link),
            End::OutOfScope => {}
            End::Gone(end) => self.gone.add(link, || {
                let model = Short(&end.model);
                let id = &end.reference;
                format!("{} -> {}: there is no {model} {id}", link.left, link.right)
            }),
            End::Late(end) => self.late.add(link, || {
                let model = Short(&end.model);
                let id = &end.reference;
                format!(
                    "{} -> {}: {model} {id} was added while the site was read",
                    link.left, link.right
                )
            }),
        }
        Ok(())
    }

    /// Tells of those that were not sent. What the site itself lacks is a note; what it has and the archive has not, is
    /// none.
    pub fn finish(self, sink: &mut dyn Sink) {
        self.gone.tell(WarningKind::OrphanLink, sink);
        self.late.tell(WarningKind::Unreadable, sink);
    }
}
