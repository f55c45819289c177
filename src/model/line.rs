//! The lines of JSON that stages are made of.

use super::entity::ParsedEntity;
use super::{ConfigItem, Entity, Link, Schema, Stage};

/// A line of a stage, taken apart.
pub enum Line<'a> {
    /// Of the schemas.
    Schema(Schema),
    /// Of the entities.
    Entity(ParsedEntity<'a>),
    /// Of the links.
    Link(Link<'a>),
    /// Of the configuration.
    Configuration(ConfigItem<'a>),
}

impl<'a> Line<'a> {
    /// Takes a line of a stage apart. Assets are no lines.
    ///
    /// # Errors
    /// A sentence that says why it is no line of this stage.
    pub fn parse(stage: Stage, text: &'a str) -> Result<Self, String> {
        let why = |error: serde_json::Error| error.to_string();
        Ok(match stage {
            Stage::Schemas => Self::Schema(Schema::parse(text)?),
            Stage::Entities => Self::Entity(Entity::parse(text).map_err(why)?),
            Stage::Links => Self::Link(Link::parse(text).map_err(why)?),
            Stage::Configuration => Self::Configuration(ConfigItem::parse(text).map_err(why)?),
            Stage::Assets => return Err("assets are files, not lines".into()),
        })
    }
}
