//! Files of a site that are sent back from its safety copy, by a push that is left without a commit.

use super::alone;
use super::reached::Reached;
use super::talk::Push;
use super::{SafetyCopy, logos};
use crate::error::Result;
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::remote::Site;
use crate::remote::wire::Restore;
use crate::store::Interrupt;
use crate::transfer::{Event, Filter, FilterOptions, Group, Sink, Source, Warning};
use std::io::Read;

/// Files on their way back, in as many attempts as it takes.
pub(super) struct Back<'a> {
    copy: &'a dyn SafetyCopy,
    restore: Restore,
    /// How many files there were, where the site told.
    count: Option<u64>,
    reached: Reached,
}

impl<'a> Back<'a> {
    /// Those of this copy, by pushes that replace this. Nothing is sent yet.
    pub fn new(copy: &'a dyn SafetyCopy, restore: Restore, count: Option<u64>) -> Self {
        Self {
            copy,
            restore,
            count,
            reached: Reached::Opened,
        }
    }

    /// How far the attempt came that came to delete something last.
    pub fn reached(&self) -> Reached {
        self.reached
    }

    /// Makes an attempt, and tells how it goes.
    ///
    /// # Errors
    /// The copy cannot be read; the site does not take it, or the connection breaks.
    pub fn send(&mut self, site: &Site, tell: &dyn Fn(Event<'_>)) -> Result<()> {
        let interrupt = site.access().interrupt().clone();
        let mut source = self.copy.open(interrupt.clone())?;
        source.describe()?;
        let mut push = Push::open(site, &self.restore)?;
        let (stage, items) = (Stage::Assets, self.count);
        tell(Event::StageStarted { stage, items });
        let sent = send_files(&mut push, source.as_mut(), interrupt, tell);
        self.reached = match (push.reached(), self.reached) {
            (Reached::Opened, before) => before,
            // It may have done nothing.
            (Reached::Clearing, before) => before.max(Reached::Clearing),
            (now, _) => now,
        };
        push.leave();
        sent?;
        tell(Event::StageFinished { stage });
        Ok(())
    }
}

fn send_files(
    push: &mut Push,
    source: &mut dyn Source,
    interrupt: Interrupt,
    tell: &dyn Fn(Event<'_>),
) -> Result<()> {
    let filter = Filter::new(&FilterOptions {
        only: vec![Group::Files, Group::Config],
        ..FilterOptions::default()
    })?;
    push.clear()?;
    alone::send_row(push)?;
    push.start(Stage::Assets)?;
    let mut sink = SendingBack {
        push,
        interrupt,
        tell,
    };
    source.stream(&filter, &mut sink)?;
    push.finish()
}

/// Sends the files of a safety copy, and the logos in its configuration.
struct SendingBack<'a> {
    push: &'a mut Push,
    interrupt: Interrupt,
    tell: &'a dyn Fn(Event<'_>),
}

/// Says that so much more is through.
fn advance(tell: &dyn Fn(Event<'_>), items: u64, bytes: u64) {
    tell(Event::Advanced {
        stage: Stage::Assets,
        items,
        bytes,
    });
}

impl Sink for SendingBack<'_> {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, _entity: &Entity<'_>) -> Result<()> {
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        alone::stop_between_files(self.push, &self.interrupt)?;
        let (row, interrupt, tell) = (Some(alone::ROW), &self.interrupt, self.tell);
        let sent = |bytes| advance(tell, 0, bytes);
        self.push.file(asset, row, content, interrupt, &sent)?;
        advance(tell, 1, 0);
        Ok(())
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        for (logo, bytes) in logos::of(item, alone::ROW) {
            self.push
                .file(&logo, None, &mut bytes.as_slice(), &self.interrupt, &|_| {})?;
        }
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}
