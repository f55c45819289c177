//! Where data goes.

use super::{Description, Filter, Plan, Stage, Warning};
use crate::error::Result;
use crate::model::{Asset, ConfigItem, Entity, Link, Metadata, Schema};
use std::io::Read;

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
    /// Hears that something was left out.
    fn warn(&mut self, warning: Warning);
}

/// Rows or files that a transfer is going to delete at the destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The content type, or what else.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// Something that can be filled: an archive, a project, later a remote Strapi.
///
/// Nothing it takes is visible before [`commit`](Self::commit); a destination that is dropped
/// without it leaves everything as it was.
pub trait Destination: Sink {
    /// A name for messages, such as a path. Never holds a password.
    fn name(&self) -> String;

    /// What the destination says of itself, or `None` where it takes anything.
    ///
    /// # Errors
    /// It cannot be read.
    fn describe(&mut self) -> Result<Option<Description>>;

    /// What a transfer with this filter would delete. Empty where it replaces nothing.
    ///
    /// # Errors
    /// It cannot be read.
    fn survey(&mut self, filter: &Filter) -> Result<Vec<Deletion>>;

    /// Whether everything must be checked before [`begin`](Self::begin), because it replaces data.
    fn replaces_data(&self) -> bool;

    /// Gets ready to take what the plan announces.
    ///
    /// # Errors
    /// It cannot be written to.
    fn begin(&mut self, plan: &Plan) -> Result<()>;

    /// Makes everything visible at once. What must be told afterwards goes to `warn`.
    ///
    /// # Errors
    /// It did not work, and everything is as it was before.
    fn commit(&mut self, metadata: &Metadata, warn: &mut dyn FnMut(Warning)) -> Result<()>;
}
