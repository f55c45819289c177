//! Where data goes.

use super::{Description, Event, Filter, Inspection, Plan, ReferenceLoss, Report, Spool, Warning};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use std::io::{self, Read};

/// Takes what a source streams.
pub trait Sink {
    /// A stage starts; `items` is how many rows or files it will have, where that is known.
    ///
    /// # Errors
    /// What was taken before could not be put away.
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()>;
    /// Takes a schema.
    ///
    /// # Errors
    /// It could not be put away.
    fn schema(&mut self, schema: &Schema) -> Result<()>;
    /// Takes a row of a content type.
    ///
    /// # Errors
    /// It could not be put away, or does not fit.
    fn entity(&mut self, entity: &Entity<'_>) -> Result<()>;
    /// Takes a file; `content` gives exactly `asset.size` bytes.
    ///
    /// # Errors
    /// It could not be read or put away.
    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()>;
    /// Takes a link.
    ///
    /// # Errors
    /// It could not be put away, or does not fit.
    fn link(&mut self, link: &Link<'_>) -> Result<()>;
    /// Takes a row of the configuration.
    ///
    /// # Errors
    /// It could not be put away, or does not fit.
    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()>;
    /// Its turn is to send on the files that were staged, where it does so. `tell` hears how far that is.
    ///
    /// # Errors
    /// They cannot be read back or sent.
    fn staged_files(&mut self, _tell: &dyn Fn(Event<'_>)) -> Result<()> {
        Ok(())
    }
    /// Hears that something was left out.
    fn warn(&mut self, warning: Warning);
    /// Hears that something in the source is damaged. The source goes on if this does.
    ///
    /// # Errors
    /// The fault itself, unless the sink wants to hear of the next one too.
    fn damaged(&mut self, fault: Error) -> Result<()> {
        Err(fault)
    }
    /// Hears where that stands in the source which it just took, for what it found to be wrong there and
    /// went on after.
    fn stood_at(&mut self, _place: &dyn Fn() -> String) {}
}

/// Rows or files that a transfer is going to delete at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The content type, or what else.
    pub what: String,
    /// How many; `None` where nobody can count them.
    pub count: Option<u64>,
}

/// What a transfer would do to what the destination holds.
#[derive(Debug, Default)]
pub struct Survey {
    /// What is deleted.
    pub deletions: Vec<Deletion>,
    /// Links that go from rows that stay, because what they lead to does not come back.
    pub links: Vec<Deletion>,
    /// What that does to rows that no transfer is about.
    pub losses: Vec<ReferenceLoss>,
    /// What else its user should know.
    pub notices: Vec<Warning>,
}

/// Something that can be filled: an archive, a project, later a remote Strapi.
pub trait Destination: Send {
    /// A name for messages, such as a path. Never holds a password.
    fn name(&self) -> String;

    /// What the destination says of itself, or `None` where it takes anything.
    ///
    /// # Errors
    /// It cannot be read.
    fn describe(&mut self) -> Result<Option<Description>>;

    /// What a transfer with this filter would delete, if this is what comes. Empty where it replaces
    /// nothing.
    ///
    /// # Errors
    /// It cannot be read.
    fn survey(&mut self, filter: &Filter, coming: &Inspection) -> Result<Survey>;

    /// Where everything goes that comes, while it is looked at and before [`begin`](Self::begin): because
    /// data is replaced, or because looking is all. `None` where nothing is replaced, and all may flow
    /// straight into what `begin` gives.
    ///
    /// # Errors
    /// It cannot be written to.
    fn stage(&mut self, filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>>;

    /// What is to be known of that which was staged, such as what there is no place for.
    fn remarks(&mut self) -> Vec<Warning> {
        Vec::new()
    }

    /// The lines that were staged, to be loaded. Files stay where they were staged, and are not sent
    /// again. `None` where nothing was kept: the source is read.
    fn staged(&mut self) -> Option<Spool> {
        None
    }

    /// Starts to take what the plan announces.
    ///
    /// # Errors
    /// It cannot be written to.
    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>>;
}

/// A destination that is being filled.
///
/// Nothing it takes is visible before [`commit`](Self::commit); dropped without it, everything is as
/// it was, as far as the destination can do that by itself.
pub trait Load: Sink {
    /// Gives up because of this error, and sets right what dropping it would not. Gives the error to end
    /// with, which says what the destination is like now; what must be told meanwhile goes to `warn`,
    /// and how far what takes long has come to `tell`.
    fn abandon(
        self: Box<Self>,
        error: Error,
        _warn: &mut dyn FnMut(Warning),
        _tell: &dyn Fn(Event<'_>),
    ) -> Error {
        error
    }

    /// Makes everything visible at once. `outcome` is what the transfer did; what must be told
    /// afterwards goes to `warn`, and how far what takes long has come to `tell`.
    ///
    /// # Errors
    /// It did not work, and everything is as it was before.
    fn commit(
        self: Box<Self>,
        outcome: &Report,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Result<()>;
}

/// A destination that takes nothing: the plan against it is a check of the source.
#[derive(Debug, Default)]
pub struct Nowhere {
    /// What the source is held against, where it is held against something.
    pub like: Option<Description>,
}

impl Destination for Nowhere {
    fn name(&self) -> String {
        "nowhere".into()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(self.like.clone())
    }

    fn survey(&mut self, _filter: &Filter, _coming: &Inspection) -> Result<Survey> {
        Ok(Survey::default())
    }

    fn stage(&mut self, _filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        Ok(Some(Box::new(Self::default())))
    }

    fn begin(self: Box<Self>, _plan: &Plan) -> Result<Box<dyn Load>> {
        Ok(self)
    }
}

impl Sink for Nowhere {
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
        io::copy(content, &mut io::sink())
            .map(drop)
            .map_err(|error| {
                Error::from_io(error, |error| {
                    Error::archive(format!("cannot read {}: {error}", asset.filename))
                })
            })
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}

impl Load for Nowhere {
    fn commit(
        self: Box<Self>,
        _outcome: &Report,
        _warn: &mut dyn FnMut(Warning),
        _tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        Ok(())
    }
}
