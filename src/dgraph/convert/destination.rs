//! Content as an export set of Dgraph, as it is written.

use super::super::graphql::{GraphQl, GraphQls};
use super::super::row::{Facet, FacetKind, GALAXY, Node, Object, Row, Scalar, TYPE, Value};
use super::super::set::Writer;
use super::super::{Dialect, Format};
use super::graphql::sdl;
use super::nodes::Uids;
use super::schema::{scalar, schema};
use super::system::DGRAPH;
use super::{DATA, ID, predicate};
use crate::convert::destination::{FolderDestination, Output, Rest, Target};
use crate::convert::fields::Kind;
use crate::convert::mapping::Mapping;
use crate::convert::notes::naming_line;
use crate::convert::rows::POSITION;
use crate::convert::system::System;
use crate::error::{Error, Result};
use crate::model::Fields;
use crate::store::Hidden;
use serde_json::Map;
use std::collections::HashMap;
use std::path::Path;

/// A folder that content is written into as a set of this dialect, in RDF: JSON would not keep every text. The folder
/// will be called `path`.
///
/// # Errors
/// The folder holds something, or cannot be made.
pub fn set_destination(path: &Path, dialect: Dialect) -> Result<FolderDestination> {
    FolderDestination::new(path, Box::new(Set(dialect)))
}

/// A set of this dialect.
struct Set(Dialect);

impl Target for Set {
    fn system(&self) -> &'static dyn System {
        &DGRAPH
    }

    fn begin(&self, hidden: &Hidden, mapping: &Mapping) -> Result<Box<dyn Output>> {
        let data = hidden.folder().path().join(DATA);
        let values = mapping.types.iter().map(|own| {
            let fields = own.attributes.iter().filter_map(|field| match &field.kind {
                Kind::Value(form) => Some((field.name.clone(), scalar(form))),
                _ => None,
            });
            let mut values: HashMap<String, Scalar> = fields.collect();
            if own.is_component {
                values.insert(POSITION.to_owned(), Scalar::Int);
            }
            values
        });
        Ok(Box::new(SetOutput {
            writer: Writer::create(&data, Format::Rdf, self.0, None)?,
            uids: Uids::new(mapping),
            values: values.collect(),
        }))
    }
}

struct SetOutput {
    writer: Writer,
    uids: Uids,
    /// What the fields of each type hold.
    values: Vec<HashMap<String, Scalar>>,
}

impl SetOutput {
    fn value(
        &mut self,
        subject: &Node,
        predicate: String,
        scalar: Scalar,
        text: &str,
    ) -> Result<()> {
        self.writer.push(&Row {
            subject: subject.clone(),
            namespace: GALAXY,
            predicate,
            object: Object::Value {
                value: Value {
                    scalar,
                    text: text.to_owned(),
                },
                language: None,
            },
            facets: Vec::new(),
        })
    }
}

impl Output for SetOutput {
    fn node(&mut self, mapping: &Mapping, model: usize, node: &str) -> Result<()> {
        let type_name = &mapping.types[model].name;
        let unread = || Error::failed(format!("cannot read a node of {type_name} that was made"));
        let fields = Fields::parse(node).map_err(|_| unread())?;
        let id = fields.text("id").ok_or_else(unread)?;
        let subject = self.uids.node(&id);
        self.value(&subject, TYPE.into(), Scalar::Default, type_name)?;
        self.value(&subject, predicate(type_name, ID), Scalar::String, &id)?;
        for (field, value) in &fields.0 {
            let known = self.values.get(model).and_then(|it| it.get(field.as_ref()));
            let Some(scalar) = known.copied() else {
                continue;
            };
            let text: String = match value.starts_with('"') {
                true => serde_json::from_str(value).map_err(|_| unread())?,
                false => (*value).to_owned(),
            };
            self.value(&subject, predicate(type_name, field), scalar, &text)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, rest: Rest<'_>) -> Result<()> {
        let Rest {
            mapping,
            edges,
            notes,
            ..
        } = rest;
        let Self {
            mut writer, uids, ..
        } = *self;
        edges.finish(mapping, &mut |mapping, edge| {
            let note = &mapping.relations[edge.relation].note;
            let mut push = |from: &str, (of, field): (usize, &str), to: &str, place| {
                writer.push(&Row {
                    subject: uids.node(from),
                    namespace: GALAXY,
                    predicate: predicate(&mapping.types[of].name, field),
                    object: Object::Edge(uids.node(to)),
                    facets: facets(place),
                })
            };
            let [own, others] = edge.places;
            push(edge.owner, (note.owner, &note.field), edge.target, own)?;
            // Only what goes through GraphQL gets the other direction from `@hasInverse`.
            match &note.back {
                Some(back) => push(edge.target, (note.target, back), edge.owner, others),
                None => Ok(()),
            }
        })?;
        let graphql = GraphQl {
            namespace: GALAXY,
            schema: sdl(mapping) + &naming_line(notes),
            more: Map::new(),
        };
        let graphql = GraphQls {
            schemas: vec![graphql],
            dialect: None,
        };
        writer.finish(&schema(mapping)?, &graphql)
    }
}

/// The place of a link among others, beside it.
fn facets(place: Option<f64>) -> Vec<Facet> {
    let facet = place.map(|place| {
        let text = place.to_string();
        let kind = match text.contains('.') {
            true => FacetKind::Float,
            false => FacetKind::Int,
        };
        Facet {
            key: POSITION.to_owned(),
            kind,
            text,
        }
    });
    facet.into_iter().collect()
}
