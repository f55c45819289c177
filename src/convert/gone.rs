//! Rows and components that the archive had and that do not come back: what leads to them has to stay behind as well.

use crate::model::{
    Component, Entity, Fields, IdSet, Link, LinkEnd, LinkRef, Misfit, Schema, Schemas, Visitor,
    walk,
};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

/// What does not come back, by type.
pub struct Gone<'s> {
    schemas: &'s Schemas,
    ids: BTreeMap<String, IdSet>,
}

impl<'s> Gone<'s> {
    /// Nothing yet, of types with these schemas.
    pub fn new(schemas: &'s Schemas) -> Self {
        Self {
            schemas,
            ids: BTreeMap::new(),
        }
    }

    /// Takes a row as it was, and as it comes back, if it does.
    pub fn take(&mut self, before: &str, now: Option<&str>) {
        let now = now.map(|line| self.found(line)).unwrap_or_default();
        for (uid, id) in self.found(before) {
            if !now.contains(&(uid.clone(), id)) {
                self.ids.entry(uid).or_default().insert(id);
            }
        }
    }

    /// Whether a row or a component does not come back.
    pub fn holds(&self, uid: &str, id: i64) -> bool {
        self.ids.get(uid).is_some_and(|ids| ids.contains(id))
    }

    /// Whether a link leads nowhere without what does not come back.
    pub fn cuts(&self, link: &Link<'_>) -> bool {
        let is_cut = |end: &LinkEnd<'_>| match end.reference {
            LinkRef::Id(id) => self.holds(&end.model, id),
            LinkRef::Document(_) => false,
        };
        is_cut(&link.left) || is_cut(&link.right)
    }

    /// The types and ids of a row and of the components in it.
    fn found(&self, line: &str) -> BTreeSet<(String, i64)> {
        let mut ids = Ids::default();
        if let Ok(parsed) = Entity::parse(line) {
            let entity = parsed.entity();
            ids.0.insert((entity.content_type.to_owned(), entity.id));
            let fields = Fields::parse(entity.data);
            if let (Some(schema), Ok(fields)) = (self.schemas.get(entity.content_type), fields) {
                let Ok(()) = walk(self.schemas, schema, &fields, (), &mut ids);
            }
        }
        ids.0
    }
}

/// Collects the components of a row.
#[derive(Default)]
struct Ids(BTreeSet<(String, i64)>);

impl Visitor for Ids {
    type Owner = ();
    type Error = Infallible;

    fn component(
        &mut self,
        _owner: (&Schema, ()),
        component: &Component<'_, '_>,
    ) -> Result<Option<()>, Infallible> {
        let id = component.fields.get("id").and_then(|id| id.parse().ok());
        if let Some(id) = id {
            self.0.insert((component.schema.uid.clone(), id));
        }
        Ok(Some(()))
    }

    fn go_on(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn misfit(&mut self, _: &Schema, _: &str, _: Misfit<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}
