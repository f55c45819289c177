//! Looks at everything a source sends before anything is deleted for it.
//!
//! Keeps sets of ids, compressed, and nothing else; a million rows cost some hundred kilobytes.

use super::{Observer, Sink, Stage, Warning, WarningKind};
use crate::error::{Error, Result};
use crate::model::{
    Asset, AssetMetadata, Attribute, ConfigItem, Entity, Fields, Link, LinkEnd, LinkRef, Schema,
    Schemas, elements,
};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

/// What a source sends: which rows, which components, how much of each stage.
#[derive(Debug, Default, Clone)]
pub struct Inspection {
    entities: HashMap<String, RoaringTreemap>,
    components: HashMap<String, RoaringTreemap>,
    stages: HashMap<Stage, u64>,
}

impl Inspection {
    /// Whether a row of a content type or a component comes along.
    pub fn has(&self, model: &str, id: i64) -> bool {
        let Ok(id) = u64::try_from(id) else {
            return false;
        };
        [&self.entities, &self.components]
            .iter()
            .any(|models| models.get(model).is_some_and(|ids| ids.contains(id)))
    }

    /// Whether both rows of a link come along.
    pub fn has_ends(&self, link: &Link<'_>) -> bool {
        self.has_end(&link.left) && self.has_end(&link.right)
    }

    /// Whether the row at one end of a link comes along.
    pub fn has_end(&self, end: &LinkEnd<'_>) -> bool {
        match &end.reference {
            LinkRef::Id(id) => self.has(&end.model, *id),
            // A document id names rows of the same type; they come along or the link does not.
            LinkRef::Document(_) => self
                .entities
                .get(end.model.as_ref())
                .is_some_and(|ids| !ids.is_empty()),
        }
    }

    /// The largest id of a component that comes along.
    pub fn largest_component(&self, uid: &str) -> i64 {
        self.components
            .get(uid)
            .and_then(RoaringTreemap::max)
            .and_then(|id| i64::try_from(id).ok())
            .unwrap_or(0)
    }

    /// The ids of a component's rows that come along.
    pub fn component_ids(&self, uid: &str) -> Option<&RoaringTreemap> {
        self.components.get(uid)
    }

    /// How many items a stage has.
    pub fn items(&self, stage: Stage) -> u64 {
        self.stages.get(&stage).copied().unwrap_or(0)
    }

    /// How many rows of a content type come along.
    pub fn rows(&self, uid: &str) -> u64 {
        self.entities.get(uid).map_or(0, RoaringTreemap::len)
    }
}

/// The `__component` of an element of a dynamic zone.
pub fn component_type(item: &str) -> Option<String> {
    let fields = Fields::parse(item).ok()?;
    serde_json::from_str(fields.get("__component")?).ok()
}

/// An entity, for messages.
struct Place<'a> {
    content_type: &'a str,
    id: i64,
}

impl Place<'_> {
    fn damaged(&self, what: &str) -> Error {
        Error::archive(format!("{} {}: {what}", self.content_type, self.id))
            .hint("make a new export; the destination was not touched")
    }
}

/// The set of ids of a model.
fn ids_of<'a>(
    models: &'a mut HashMap<String, RoaringTreemap>,
    uid: &str,
) -> &'a mut RoaringTreemap {
    if !models.contains_key(uid) {
        models.insert(uid.to_owned(), RoaringTreemap::new());
    }
    models.get_mut(uid).expect("it was just put there")
}

/// Takes everything a source sends, and keeps only what is known of it afterwards.
pub(super) struct Inspector<'a> {
    schemas: &'a Schemas,
    partial: bool,
    observer: &'a dyn Observer,
    found: Inspection,
    warnings: BTreeMap<WarningKind, u64>,
}

impl<'a> Inspector<'a> {
    /// An inspector of a source with these schemas. With `partial`, links to rows that do not come
    /// along are out of scope, and no orphans.
    pub fn new(schemas: &'a Schemas, partial: bool, observer: &'a dyn Observer) -> Self {
        Self {
            schemas,
            partial,
            observer,
            found: Inspection::default(),
            warnings: BTreeMap::new(),
        }
    }

    /// What was found, and how many warnings it took.
    pub fn finish(self) -> (Inspection, BTreeMap<WarningKind, u64>) {
        (self.found, self.warnings)
    }

    fn tell(&mut self, warning: Warning) {
        *self.warnings.entry(warning.kind).or_default() += 1;
        self.observer.warned(&warning);
    }

    fn collect_components(
        &mut self,
        schema: &Schema,
        entity: &Place<'_>,
        data: &str,
    ) -> Result<()> {
        let fields = Fields::parse(data).map_err(|error| entity.damaged(&error.to_string()))?;
        for (name, value) in &fields.0 {
            match schema.attribute(name) {
                Some(Attribute::Component {
                    component,
                    repeatable,
                }) if *value != "null" => {
                    let items = if *repeatable {
                        elements(value).map_err(|error| {
                            entity.damaged(&format!("attribute `{name}`: {error}"))
                        })?
                    } else {
                        vec![*value]
                    };
                    for item in items {
                        self.collect_component(component, entity, name, item)?;
                    }
                }
                Some(Attribute::DynamicZone { .. }) if *value != "null" => {
                    let items = elements(value)
                        .map_err(|error| entity.damaged(&format!("attribute `{name}`: {error}")))?;
                    for item in items {
                        let uid = component_type(item).ok_or_else(|| {
                            entity.damaged(&format!(
                                "attribute `{name}` holds a component without `__component`"
                            ))
                        })?;
                        self.collect_component(&uid, entity, name, item)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn collect_component(
        &mut self,
        uid: &str,
        entity: &Place<'_>,
        attribute: &str,
        item: &str,
    ) -> Result<()> {
        let schemas = self.schemas;
        let Some(schema) = schemas.get(uid) else {
            return Err(entity.damaged(&format!(
                "attribute `{attribute}` holds a component `{uid}` that the archive has no schema of"
            )));
        };
        let fields = Fields::parse(item).map_err(|error| {
            entity.damaged(&format!(
                "attribute `{attribute}`, component {uid}: {error}"
            ))
        })?;
        let id = fields
            .get("id")
            .and_then(|id| id.parse::<u64>().ok())
            .filter(|&id| id > 0)
            .ok_or_else(|| {
                entity.damaged(&format!(
                    "attribute `{attribute}`: a component {uid} has no positive integer `id`"
                ))
            })?;
        let ids = ids_of(&mut self.found.components, uid);
        if !ids.insert(id) {
            return Err(entity.damaged(&format!(
                "attribute `{attribute}`: component {uid} {id} stands in the archive twice"
            )));
        }
        self.collect_components(schema, entity, item)
    }
}

impl Sink for Inspector<'_> {
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        self.found.stages.entry(stage).or_default();
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        *self.found.stages.entry(Stage::Schemas).or_default() += 1;
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        *self.found.stages.entry(Stage::Entities).or_default() += 1;
        let place = Place {
            content_type: entity.content_type,
            id: entity.id,
        };
        let schemas = self.schemas;
        let Some(schema) = schemas.get(entity.content_type) else {
            return Err(place.damaged("the archive has no schema of this content type"));
        };
        let id = u64::try_from(entity.id)
            .ok()
            .filter(|&id| id > 0)
            .ok_or_else(|| place.damaged("its id is not positive"))?;
        let ids = ids_of(&mut self.found.entities, entity.content_type);
        if !ids.insert(id) {
            return Err(place.damaged("it stands in the archive twice"));
        }
        self.collect_components(schema, &place, entity.data)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        *self.found.stages.entry(Stage::Assets).or_default() += 1;
        let metadata = AssetMetadata::parse(&asset.sidecar, &asset.filename).map_err(|reason| {
            Error::archive(format!("the sidecar of {}: {reason}", asset.filename))
                .hint("make a new export; the destination was not touched")
        })?;
        let known =
            i64::try_from(metadata.id).is_ok_and(|id| self.found.has("plugin::upload.file", id));
        if self.found.stages.contains_key(&Stage::Entities) && !self.partial && !known {
            self.tell(Warning::new(
                WarningKind::Notice,
                format!(
                    "{}: the archive has no row plugin::upload.file {} for it",
                    asset.filename, metadata.id
                ),
            ));
        }
        io::copy(content, &mut io::sink())
            .map_err(|error| {
                Error::from_io(error, |error| {
                    Error::archive(format!("cannot read {}: {error}", asset.filename))
                })
            })
            .map(drop)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        *self.found.stages.entry(Stage::Links).or_default() += 1;
        if !self.found.has_ends(link) && !self.partial {
            let missing = if self.found.has_end(&link.left) {
                &link.right
            } else {
                &link.left
            };
            self.tell(Warning::new(
                WarningKind::OrphanLink,
                format!(
                    "link {} -> {} is left out: {} {} is not in the archive",
                    link.left, link.right, missing.model, missing.reference
                ),
            ));
        }
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        *self.found.stages.entry(Stage::Configuration).or_default() += 1;
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}
