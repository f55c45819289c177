//! Rows with their components, part by part.

use super::Match;
use super::content::{self, digest};
use super::paths::PathId;
use super::record::{About, Gathering, State};
use crate::error::{Error, Result};
use crate::model::{
    Attribute, Component, Entity, Fields, Misfit, Scalar, Schema, Schemas, Visitor, walk,
};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The attributes that say which document a row is of, in which language, and whether it is published.
const DOCUMENT: &str = "documentId";
const LOCALE: &str = "locale";
const PUBLISHED: &str = "publishedAt";
/// Members that say which row something is, and of which type.
const ID: &str = "id";
const COMPONENT: &str = "__component";

/// Hears of a component: its type, its id, and the way to it.
pub(super) type EachComponent<'e> = dyn FnMut(&str, i64, &str) -> Result<()> + 'e;

/// What is told of a row.
pub(super) fn about(id: i64, schema: Option<&Schema>, fields: &Fields<'_>) -> About {
    let knows_state = schema.is_some_and(|schema| schema.attribute(PUBLISHED).is_some());
    let is_published = fields.get(PUBLISHED).is_some_and(|it| it != "null");
    About {
        id,
        document: fields.text(DOCUMENT).unwrap_or_default(),
        locale: fields.text(LOCALE).unwrap_or_default(),
        state: match (knows_state, is_published) {
            (false, _) => State::Unknown,
            (true, false) => State::Draft,
            (true, true) => State::Published,
        },
    }
}

/// Collects the parts of a row. Its components are handed to `each`.
///
/// # Errors
/// Those of `each`.
pub(super) fn gather(
    entity: &Entity<'_>,
    fields: &Fields<'_>,
    schemas: &Schemas,
    matching: Match,
    gathering: &mut Gathering<'_>,
    each: &mut EachComponent<'_>,
) -> Result<()> {
    let schema = schemas.get(entity.content_type);
    let mut text = String::new();
    members(schema, fields, &mut |name, kind, value| {
        let name = &step(name);
        let attribute = gathering.attribute(name);
        gathering.add(attribute, name, content::value(kind, value, &mut text));
    });
    let Some(schema) = schema else {
        return Ok(());
    };
    let mut components = Components {
        gathering,
        matching,
        each,
        path: String::new(),
        lengths: vec![0],
        attribute: PathId::MAX,
        misfits: false,
        text,
    };
    for (name, value) in &fields.0 {
        let path = step(name);
        components.attribute = components.gathering.attribute(&path);
        components.misfits = false;
        let one = Fields(vec![(name.clone(), *value)]);
        walk(schemas, schema, &one, 1, &mut components)?;
        if components.misfits {
            // Nothing is known of what is in it but its content.
            let value = content::content(value);
            components.gathering.add(components.attribute, &path, value);
        }
    }
    Ok(())
}

/// A name as a step of a path: a dot in it is none between steps.
pub(super) fn step(name: &str) -> Cow<'_, str> {
    match name.contains(['.', '\\']) {
        true => name.replace('\\', r"\\").replace('.', r"\.").into(),
        false => name.into(),
    }
}

/// Hands over the members of a row or component that hold values, each with its kind where that is known. No value and
/// none of that name are the same.
fn members(
    schema: Option<&Schema>,
    fields: &Fields<'_>,
    each: &mut dyn FnMut(&str, Option<Scalar>, &str),
) {
    let mut attributes = schema.map(Schema::in_order);
    for (name, value) in &fields.0 {
        if *value == "null" || matches!(name.as_ref(), ID | COMPONENT) {
            continue;
        }
        let attribute = attributes.as_mut().and_then(|it| it.attribute(name));
        match attribute {
            Some(Attribute::Component { .. } | Attribute::DynamicZone { .. }) => {}
            Some(Attribute::Scalar(kind)) => each(name, Some(*kind), value),
            _ => each(name, None, value),
        }
    }
}

/// Collects the parts of components. The walk goes down before it goes on, so one path is all that is kept.
struct Components<'g, 'p, 'e> {
    gathering: &'g mut Gathering<'p>,
    matching: Match,
    each: &'g mut EachComponent<'e>,
    path: String,
    /// How long the path is at each level.
    lengths: Vec<usize>,
    /// The attribute of the row that is walked through.
    attribute: PathId,
    /// Whether something in it is no component that the schema knows.
    misfits: bool,
    text: String,
}

impl Components<'_, '_, '_> {
    /// Goes to a place below the owner at this level.
    fn go_to(&mut self, level: usize, attribute: &str, position: Option<usize>) {
        self.lengths.truncate(level);
        self.path.truncate(self.lengths[level - 1]);
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(&step(attribute));
        if let Some(position) = position {
            let _ = write!(self.path, ".{position}");
        }
        self.lengths.push(self.path.len());
    }
}

impl Visitor for Components<'_, '_, '_> {
    /// The level, from 1.
    type Owner = usize;
    type Error = Error;

    fn component(
        &mut self,
        (_, level): (&Schema, usize),
        component: &Component<'_, '_>,
    ) -> Result<Option<usize>> {
        let (schema, fields) = (component.schema, component.fields);
        self.go_to(level, component.attribute, component.position);
        let id = fields.get(ID);
        if let Some(id) = id.and_then(|id| id.parse().ok()) {
            (self.each)(&schema.uid, id, &self.path)?;
        }
        let own = digest(b'c', schema.uid.as_bytes());
        self.gathering.add(self.attribute, &self.path, own);
        let length = self.path.len();
        let (path, text) = (&mut self.path, &mut self.text);
        let (gathering, attribute) = (&mut *self.gathering, self.attribute);
        let mut add = |name: &str, kind, value: &str| {
            path.push('.');
            path.push_str(&step(name));
            gathering.add(attribute, path, content::value(kind, value, text));
            path.truncate(length);
        };
        members(Some(schema), fields, &mut add);
        if let (Match::Id, Some(id)) = (self.matching, id) {
            add(ID, None, id);
        }
        Ok(Some(level + 1))
    }

    fn go_on(&mut self) -> Result<()> {
        Ok(())
    }

    fn misfit(&mut self, _owner: &Schema, _attribute: &str, _misfit: Misfit<'_>) -> Result<()> {
        self.misfits = true;
        Ok(())
    }
}
