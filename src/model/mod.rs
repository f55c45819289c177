//! What flows from a source to a destination, with no I/O of its own.
//!
//! Entities and links travel as the JSON line that stands in the archive, beside the few facts the
//! pipeline acts on (type, id, ends). So rows become bytes once, in the source, and no tree is built
//! on the way. This room imports nothing else of ours but the calendar.

mod asset;
mod astray;
pub(crate) mod canonical;
mod components;
mod configuration;
mod entity;
mod ids;
pub mod json;
pub mod limits;
mod line;
mod link;
mod metadata;
mod names;
mod schema;
mod schemas;
mod sidecars;
mod skips;
mod stage;
mod value;

pub use asset::{Asset, AssetMetadata, STAGING_PREFIX, is_file_name, media_type, named_files};
pub use astray::{Paths, logos_lead_astray, row_leads_astray};
pub use components::{Component, Misfit, Visitor, is_component, walk};
pub use configuration::{ConfigItem, ConfigKind};
pub use entity::{Elements, Entity, Fields, ParsedEntity, elements};
pub use ids::IdSet;
pub use line::Line;
pub use link::{Link, LinkEnd, LinkRef};
pub use metadata::{Metadata, Plugin};
pub use names::{NameList, NameMap, Short, hides};
pub use schema::{Attribute, ModelType, Relation, RelationKind, Scalar, Schema, column_kind};
pub use schemas::Schemas;
pub(crate) use sidecars::complete_sidecar;
pub use stage::Stage;
pub(crate) use value::{boolean, instant};
pub use value::{deep_attribute, misfit};
