//! Where data comes from.

use super::{Filter, Scope, Sink};
use crate::error::Result;
use crate::model::{Metadata, Schemas};

/// What a source or a destination says of itself before anything flows. Other systems know less of
/// it than Strapi does.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// The version of Strapi, and when the data was read, where there is one.
    pub metadata: Option<Metadata>,
    /// Content types and components, where there are such.
    pub schemas: Option<Schemas>,
    /// Which stages and types it holds; `None` where it does not say.
    pub scope: Option<Scope>,
    /// How the data was read, where that is known.
    pub provenance: Option<Provenance>,
    /// Whether it is an archive that this program wrote, which leaves out links to what is not there.
    pub is_own_archive: bool,
}

/// How data was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The time zone of the system it comes from, as an IANA name, where it has one.
    pub time_zone: Option<String>,
    /// The kind of database it was read from: `sqlite`, `postgres`, `mysql`; `None` where nobody says it, as a running
    /// Strapi does not.
    pub database: Option<String>,
    /// Whether all of it is from one moment.
    pub is_consistent: bool,
}

/// Something that can be exported: a project, an archive, a running Strapi.
pub trait Source: Send {
    /// A name for messages, such as a path. Never holds a password.
    fn name(&self) -> String;

    /// Reads what the source says of itself.
    ///
    /// # Errors
    /// It cannot be read, or is not what it should be.
    fn describe(&mut self) -> Result<Description>;

    /// Sends everything the filter lets through into `sink`, stage by stage, in the order of
    /// [`Stage`](crate::model::Stage). Faults that do not end the stream go to [`Sink::damaged`].
    ///
    /// # Errors
    /// The source cannot be read, or the sink refused something.
    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()>;
}
