//! Rows of content types, as lines of JSON, and the links that they and their components have.

use super::Place;
use super::file_names::of_type;
use super::lines::Lines;
use super::place::Clashes;
use crate::error::{Error, Result};
use crate::model::{
    Asset, Component, ConfigItem, Entity, Fields, IdSet, Link, LinkEnd, LinkRef, Misfit, NameMap,
    Schema, Schemas, Short, Stage, Visitor, walk,
};
use crate::transfer::{Chosen, Nowhere, Report, Sink, UPLOAD_TYPES, Warning};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use tempfile::SpooledTempFile;

/// Single rows of a content type; all of them where none is named.
#[derive(Debug, Clone, Default)]
pub struct Narrowing {
    /// Their ids.
    pub ids: BTreeSet<i64>,
    /// Their document ids.
    pub documents: BTreeSet<String>,
}

impl Narrowing {
    fn is_all(&self) -> bool {
        self.ids.is_empty() && self.documents.is_empty()
    }
}

/// Takes rows of content types out of what a source streams, with their links.
pub struct Rows<'a> {
    schemas: &'a Schemas,
    narrowing: Narrowing,
    pieces: Vec<Piece<'a>>,
    files: IdSet,
    report: Report,
}

/// What is taken of a content type.
struct Piece<'a> {
    uid: String,
    ids: IdSet,
    documents: NameMap<()>,
    components: BTreeMap<String, IdSet>,
    lines: Lines<'a>,
    links: Option<Lines<'a>>,
}

impl<'a> Rows<'a> {
    /// Takes rows into files in a folder, two for each content type.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn into_folder(
        chosen: &Chosen,
        narrowing: Narrowing,
        schemas: &'a Schemas,
        place: &'a Place,
    ) -> Result<Self> {
        let mut clashes = Clashes::default();
        for uid in chosen.uids() {
            for ending in [".jsonl", ".links.jsonl"] {
                place.look(&of_type(uid, ending)?, &mut clashes);
            }
        }
        clashes.check()?;
        let piece = |uid| {
            let lines = Lines::of_type(place, uid, ".jsonl")?;
            let links = Lines::of_type(place, uid, ".links.jsonl")?;
            Ok(Piece::new(uid, lines, Some(links)))
        };
        let pieces: Result<Vec<Piece<'a>>> = chosen.uids().map(piece).collect();
        Ok(Self::new(narrowing, schemas, pieces?))
    }

    /// Takes the rows of a content type, to be given on.
    pub fn one(
        uid: &str,
        narrowing: Narrowing,
        schemas: &'a Schemas,
        spool: &'a mut SpooledTempFile,
    ) -> Self {
        let piece = Piece::new(uid, Lines::spooled(spool), None);
        Self::new(narrowing, schemas, vec![piece])
    }

    fn new(narrowing: Narrowing, schemas: &'a Schemas, pieces: Vec<Piece<'a>>) -> Self {
        let mut report = Report::default();
        report.stages.entry(Stage::Entities).or_default();
        Self {
            schemas,
            narrowing,
            pieces,
            files: IdSet::default(),
            report,
        }
    }

    /// What was taken, and which rows of the media library are linked from it, once the source was streamed to its end.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): a row that was named is not there. Or what was taken cannot be
    /// written.
    pub fn finish(mut self) -> Result<(Report, IdSet)> {
        let mut missing = Vec::new();
        for piece in &self.pieces {
            let ids = self.narrowing.ids.iter();
            let ids = ids.filter(|id| !piece.ids.contains(**id));
            missing.extend(ids.map(|id| format!("id {id}")));
            let documents = self.narrowing.documents.iter();
            let documents = documents.filter(|document| piece.documents.get(document).is_none());
            missing.extend(documents.map(|document| format!("document {document}")));
        }
        if let (Some(piece), false) = (self.pieces.first(), missing.is_empty()) {
            let uid = Short(&piece.uid);
            let what = format!("the archive holds no {uid} with {}", missing.join(", "));
            return Err(Error::usage(what).hint(format!(
                "--type {uid} alone takes all of them, which jq can search"
            )));
        }
        for piece in self.pieces.drain(..) {
            if piece.uid == UPLOAD_TYPES[0] {
                for id in piece.ids.iter() {
                    self.files.insert(id);
                }
            }
            piece.lines.finish()?;
            if let Some(links) = piece.links {
                links.finish()?;
            }
        }
        Ok((self.report, self.files))
    }
}

impl<'a> Piece<'a> {
    fn new(uid: &str, lines: Lines<'a>, links: Option<Lines<'a>>) -> Self {
        Self {
            uid: uid.to_owned(),
            ids: IdSet::default(),
            documents: NameMap::default(),
            components: BTreeMap::new(),
            lines,
            links,
        }
    }

    /// Whether an end of a link is a row that was taken, or a component in one.
    fn has(&self, end: &LinkEnd<'_>) -> bool {
        let model = end.model.as_ref();
        match &end.reference {
            LinkRef::Id(id) if model == self.uid => self.ids.contains(*id),
            LinkRef::Id(id) => self
                .components
                .get(model)
                .is_some_and(|ids| ids.contains(*id)),
            LinkRef::Document(document) => {
                model == self.uid && self.documents.get(document).is_some()
            }
        }
    }
}

/// Collects the ids of a row's components.
struct Ids<'i>(&'i mut BTreeMap<String, IdSet>);

impl Visitor for Ids<'_> {
    type Owner = ();
    type Error = Error;

    fn component(
        &mut self,
        _owner: (&Schema, ()),
        component: &Component<'_, '_>,
    ) -> Result<Option<()>> {
        let id = component.fields.get("id");
        if let Some(id) = id.and_then(|id| id.parse().ok()) {
            let uid = &component.schema.uid;
            match self.0.get_mut(uid) {
                Some(ids) => ids.insert(id),
                None => self.0.entry(uid.clone()).or_default().insert(id),
            };
        }
        Ok(Some(()))
    }

    fn go_on(&mut self) -> Result<()> {
        Ok(())
    }

    fn misfit(&mut self, _owner: &Schema, _attribute: &str, _misfit: Misfit<'_>) -> Result<()> {
        Ok(())
    }
}

impl Sink for Rows<'_> {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        let uid = entity.content_type;
        let Some(piece) = self.pieces.iter_mut().find(|piece| piece.uid == uid) else {
            return Ok(());
        };
        let fields = Fields::parse(entity.data).ok();
        let document = fields.as_ref().and_then(|it| it.text("documentId"));
        let is_named = |document: &String| self.narrowing.documents.contains(document);
        if !(self.narrowing.is_all()
            || self.narrowing.ids.contains(&entity.id)
            || document.as_ref().is_some_and(is_named))
        {
            return Ok(());
        }
        piece.ids.insert(entity.id);
        if let Some(document) = &document {
            piece.documents.insert(document, ());
        }
        if let (Some(schema), Some(fields)) = (self.schemas.get(uid), &fields) {
            walk(
                self.schemas,
                schema,
                fields,
                (),
                &mut Ids(&mut piece.components),
            )?;
        }
        piece.lines.add(entity.line)?;
        let bytes = entity.line.len() as u64;
        self.report.count(Stage::Entities, Some(uid), bytes);
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        Nowhere::default().asset(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let ends = [&link.left, &link.right];
        let mut is_taken = false;
        for piece in &mut self.pieces {
            if !ends.iter().any(|end| piece.has(end)) {
                continue;
            }
            let Some(links) = &mut piece.links else {
                continue;
            };
            links.add(link.line)?;
            is_taken = true;
        }
        if !is_taken {
            return Ok(());
        }
        self.report
            .count(Stage::Links, None, link.line.len() as u64);
        for end in ends {
            if let (true, LinkRef::Id(id)) = (end.model == UPLOAD_TYPES[0], &end.reference) {
                self.files.insert(*id);
            }
        }
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}
