//! A destination with something that lies beside it, and is shown directly before it.

use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::transfer::{
    Destination, Event, Filter, Inspection, Load, Plan, Report, Sink, Spool, Survey, Warning,
};
use std::io::Read;

/// Shows what lies beside it.
type Show = Box<dyn FnOnce() -> Result<()> + Send>;

/// A destination beside which something is shown when all of it was taken: whoever is killed before that leaves neither.
pub(super) struct Beside<'a> {
    next: Box<dyn Destination + 'a>,
    show: Show,
}

impl<'a> Beside<'a> {
    /// This one, before which `show` shows the other.
    pub fn new(next: impl Destination + 'a, show: Show) -> Self {
        Self {
            next: Box::new(next),
            show,
        }
    }
}

impl Destination for Beside<'_> {
    fn name(&self) -> String {
        self.next.name()
    }

    fn describe(&mut self) -> Result<Option<crate::transfer::Description>> {
        self.next.describe()
    }

    fn survey(&mut self, filter: &Filter, coming: &Inspection) -> Result<Survey> {
        self.next.survey(filter, coming)
    }

    fn stage(&mut self, filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        self.next.stage(filter)
    }

    fn remarks(&mut self) -> Vec<Warning> {
        self.next.remarks()
    }

    fn staged(&mut self) -> Option<Spool> {
        self.next.staged()
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        Ok(Box::new(LoadBeside {
            next: self.next.begin(plan)?,
            show: self.show,
        }))
    }
}

/// It, while it is being filled.
struct LoadBeside {
    next: Box<dyn Load>,
    show: Show,
}

impl Sink for LoadBeside {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.next.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.next.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.next.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.next.asset(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.next.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.next.configuration(item)
    }

    fn staged_files(&mut self, tell: &dyn Fn(Event<'_>)) -> Result<()> {
        self.next.staged_files(tell)
    }

    fn warn(&mut self, warning: Warning) {
        self.next.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.next.damaged(fault)
    }

    fn stood_at(&mut self, place: &dyn Fn() -> String) {
        self.next.stood_at(place);
    }
}

impl Load for LoadBeside {
    fn abandon(
        self: Box<Self>,
        error: Error,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Error {
        self.next.abandon(error, warn, tell)
    }

    fn commit(
        self: Box<Self>,
        outcome: &Report,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        let Self { next, show } = *self;
        match show() {
            Ok(()) => next.commit(outcome, warn, tell),
            Err(error) => Err(next.abandon(error, warn, tell)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Nowhere;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn schemas_are_not_shown_before_all_of_the_archive_was_taken() {
        for fails in [false, true] {
            let is_shown = Arc::new(AtomicBool::new(false));
            let shown = Arc::clone(&is_shown);
            let mut load = LoadBeside {
                next: Box::<Nowhere>::default(),
                show: Box::new(move || {
                    shown.store(true, Ordering::Relaxed);
                    match fails {
                        true => Err(Error::failed("the name is taken")),
                        false => Ok(()),
                    }
                }),
            };
            load.stage(Stage::Entities, None).expect("taken");
            load.stage(Stage::Configuration, None).expect("taken");
            assert!(!is_shown.load(Ordering::Relaxed));
            let committed = Box::new(load).commit(&Report::default(), &mut |_| {}, &|_| {});
            assert!(is_shown.load(Ordering::Relaxed));
            assert_eq!(committed.is_err(), fails);
        }
    }
}
