//! Pieces of what a source streams: the rows of some content types, as lines of JSON.

use super::{
    Description, Destination, Filter, FilterOptions, Group, Inspection, Load, Nowhere, Plan, Sink,
    Survey, Warning, is_ignored,
};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use std::collections::BTreeSet;
use std::io::{Read, Write};

/// Content types that were asked for, all of which the source knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen(BTreeSet<String>);

impl Chosen {
    /// These content types, of a source that says this of itself.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): there is no such content type, or the source was made without it.
    pub fn of(uids: &[String], source: &Description) -> Result<Self> {
        let schemas = source.schemas.iter().flat_map(|them| them.content_types());
        let known: BTreeSet<&str> = schemas
            .map(|schema| schema.uid.as_str())
            .filter(|uid| !is_ignored(uid))
            .collect();
        let held = |uid: &str| {
            let scope = source.scope.as_ref();
            known.contains(uid) && scope.is_none_or(|scope| scope.types.contains(uid))
        };
        let refuse = |what: &str, uids: &[&str]| {
            let there: Vec<&str> = known.iter().copied().filter(|uid| held(uid)).collect();
            Err(Error::usage(format!("{what}: {}", uids.join(", ")))
                .hint(format!("there are: {}", there.join(", "))))
        };
        let mut ignored: Vec<&str> = uids.iter().map(String::as_str).collect();
        ignored.retain(|uid| is_ignored(uid));
        if !ignored.is_empty() {
            return refuse(
                "administrators, their roles and tokens, and releases are in no archive",
                &ignored,
            );
        }
        let mut unknown: Vec<&str> = uids.iter().map(String::as_str).collect();
        unknown.retain(|uid| !known.contains(uid));
        if !unknown.is_empty() {
            return refuse(
                "--type names content types that the archive does not know",
                &unknown,
            );
        }
        let mut without: Vec<&str> = uids.iter().map(String::as_str).collect();
        without.retain(|uid| !held(uid));
        if !without.is_empty() {
            return refuse("the archive was made without", &without);
        }
        Ok(Self(uids.iter().cloned().collect()))
    }

    /// Whether this is one of them.
    pub fn contains(&self, uid: &str) -> bool {
        self.0.contains(uid)
    }

    /// Their uids, in order.
    pub fn uids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// What lets their rows through, and links between them.
    ///
    /// # Errors
    /// None was chosen.
    pub fn filter(&self) -> Result<Filter> {
        Filter::new(&FilterOptions {
            only: vec![Group::Content],
            only_content_types: self.0.iter().cloned().collect(),
            ..FilterOptions::default()
        })
    }
}

/// Writes the rows of content types down: the lines of the archive, as they are, each with a line break.
pub struct EntityLines<'a> {
    chosen: &'a Chosen,
    out: &'a mut (dyn Write + Send),
    fail: &'a (dyn Fn(std::io::Error) -> Error + Sync),
    count: u64,
}

impl<'a> EntityLines<'a> {
    /// Writes to `out`; `fail` says in words why that did not work.
    pub fn new(
        chosen: &'a Chosen,
        out: &'a mut (dyn Write + Send),
        fail: &'a (dyn Fn(std::io::Error) -> Error + Sync),
    ) -> Self {
        Self {
            chosen,
            out,
            fail,
            count: 0,
        }
    }

    /// How many were written.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Sink for EntityLines<'_> {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        if !self.chosen.contains(entity.content_type) {
            return Ok(());
        }
        self.count += 1;
        let written = self.out.write_all(entity.line.as_bytes());
        written
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| Error::from_io(error, self.fail))
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        Nowhere::default().asset(asset, content)
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}

/// A destination that hands what comes to a sink and changes nothing: the plan against it is a check of the source, and the
/// sink sees all that was found to be in order.
pub struct Onlooker<'a>(pub &'a mut (dyn Sink + Send));

impl Destination for Onlooker<'_> {
    fn name(&self) -> String {
        "nowhere".into()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(None)
    }

    fn survey(&mut self, _filter: &Filter, _coming: &Inspection) -> Result<Survey> {
        Ok(Survey::default())
    }

    fn stage(&mut self, _filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        Ok(Some(Box::new(Borrowed(self.0))))
    }

    fn begin(self: Box<Self>, _plan: &Plan) -> Result<Box<dyn Load>> {
        Ok(Box::new(Nowhere::default()))
    }
}

/// A sink that is somebody else's.
struct Borrowed<'a>(&'a mut (dyn Sink + Send));

impl Sink for Borrowed<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.0.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.0.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.0.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.0.asset(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.0.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.0.configuration(item)
    }

    fn warn(&mut self, warning: Warning) {
        self.0.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.0.damaged(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::model::Schemas;
    use crate::transfer::Scope;
    use std::io;

    fn source() -> Description {
        let of = |uid: &str| {
            let line = format!(
                r#"{{"uid":"{uid}","modelType":"contentType","kind":"collectionType","collectionName":"x","modelName":"x","info":{{"singularName":"x","pluralName":"xs","displayName":"X"}},"attributes":{{}}}}"#
            );
            Schema::parse(&line).expect("a schema")
        };
        let schemas: Schemas = ["api::a.a", "api::b.b", "api::c.c"]
            .map(of)
            .into_iter()
            .collect();
        let scope = Scope {
            stages: Stage::ALL.into(),
            types: ["api::a.a".to_owned(), "api::b.b".to_owned()].into(),
        };
        Description {
            schemas: Some(schemas),
            scope: Some(scope),
            ..Description::default()
        }
    }

    #[test]
    fn types_that_are_not_there_are_refused_with_those_that_are() {
        for uid in ["api::x.x", "api::c.c"] {
            let error = Chosen::of(&[uid.into()], &source()).expect_err(uid);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(uid), "{error}");
            assert_eq!(error.advice(), Some("there are: api::a.a, api::b.b"));
        }
    }

    #[test]
    fn the_lines_of_the_types_come_as_they_are_and_no_others() {
        let chosen = Chosen::of(&["api::b.b".into()], &source()).expect("chosen");
        let mut out = Vec::new();
        let fail = |error: io::Error| Error::failed(error.to_string());
        let mut lines = EntityLines::new(&chosen, &mut out, &fail);
        for line in [
            r#"{"type":"api::a.a","id":1,"data":{}}"#,
            r#"{"type":"api::b.b","id":2,  "data":{"x":1.0}}"#,
        ] {
            let parsed = Entity::parse(line).expect("an entity");
            lines.entity(&parsed.entity()).expect("written");
        }
        assert_eq!(lines.count(), 1);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "{\"type\":\"api::b.b\",\"id\":2,  \"data\":{\"x\":1.0}}\n"
        );
    }
}
