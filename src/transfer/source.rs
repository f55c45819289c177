//! Where data comes from.

use super::{Filter, Sink};
use crate::error::Result;
use crate::model::{Metadata, Schemas};

/// What a source or a destination says of itself before anything flows.
#[derive(Debug, Clone)]
pub struct Description {
    /// Versions.
    pub metadata: Metadata,
    /// Content types and components.
    pub schemas: Schemas,
}

/// Something that can be exported: a project, an archive, later a remote Strapi.
pub trait Source {
    /// A name for messages, such as a path. Never holds a password.
    fn name(&self) -> String;

    /// Reads what the source says of itself.
    ///
    /// # Errors
    /// It cannot be read, or is not what it should be.
    fn describe(&mut self) -> Result<Description>;

    /// Sends everything the filter lets through into `sink`, stage by stage, in the order of
    /// [`Stage`](super::Stage). All of it is from one moment. Can be called again, and then sends
    /// the same.
    ///
    /// # Errors
    /// The source cannot be read, or the sink refused something.
    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()>;
}
