//! A folder with data in the form of another system, the files of the media library and the notes, as a destination.

use super::edges::Edges;
use super::links::{Taken, take};
use super::mapping::Mapping;
use super::nodes::Maker;
use super::notes::{self, End, FILES, FileNote, Head, LinkForm, NOTES, Note, RowNote};
use super::placeless::Placeless;
use super::rows::{Rows, Untaken};
use super::system::System;
use super::trees::Shapes;
use crate::error::{Error, Result};
use crate::model::limits::MOST_PARTS;
use crate::model::{Asset, ConfigItem, Entity, IdSet, Link, Schema, Schemas, Stage, is_file_name};
use crate::store::{Folder, Hidden, Interrupt, check_folder, check_free, folder_of};
use crate::transfer::{
    Description, Destination, Event, Filter, Inspection, Load, Plan, Report, Sink, Subject, Survey,
    Warning, WarningKind,
};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read};
use std::path::{Path, PathBuf};

/// What else can be done where the name is taken.
const OTHERWISE: &str = "choose another name for the result";

/// What data are written as.
pub(crate) trait Target: Send {
    /// The system that takes them.
    fn system(&self) -> &'static dyn System;

    /// Begins to write them into this folder, which is hidden.
    ///
    /// # Errors
    /// It cannot be written to.
    fn begin(&self, hidden: &Hidden, mapping: &Mapping) -> Result<Box<dyn Output>>;
}

/// Data that are written.
pub(crate) trait Output {
    /// Takes a node of the type of this number, as an object of JSON.
    ///
    /// # Errors
    /// It cannot be written.
    fn node(&mut self, mapping: &Mapping, model: usize, node: &str) -> Result<()>;

    /// Takes what is known at the end, and sees that all of it is on the disk.
    ///
    /// # Errors
    /// It cannot be written, or the run is to stop.
    fn finish(self: Box<Self>, rest: Rest<'_>) -> Result<()>;
}

/// What is known of data at the end.
pub(crate) struct Rest<'a> {
    /// The folder that all of it will be, for messages.
    pub path: &'a Path,
    /// The folder that it is until then.
    pub hidden: &'a Hidden,
    /// What became of what.
    pub mapping: &'a mut Mapping,
    /// The relations.
    pub edges: Edges,
    /// The digest of the notes.
    pub notes: &'a str,
}

/// A folder that content is written into in the form of another system.
pub struct FolderDestination {
    path: PathBuf,
    target: Box<dyn Target>,
    hidden: Hidden,
    is_shown: bool,
    interrupt: Interrupt,
}

impl FolderDestination {
    /// One that will be called `path`, which must not exist, or be an empty folder.
    ///
    /// # Errors
    /// The folder holds something, or cannot be made.
    pub(crate) fn new(path: &Path, target: Box<dyn Target>) -> Result<Self> {
        check_free(path).map_err(|error| error.hint(OTHERWISE))?;
        if path.file_name().is_none() {
            let what = format!("{} is no name for a new folder", path.display());
            return Err(Error::usage(what).hint(OTHERWISE));
        }
        let above = folder_of(path);
        check_folder(above)?;
        let opened = Folder::open(above);
        let above = opened.map_err(|error| Error::io("write into the folder", above, error))?;
        Ok(Self {
            path: path.to_owned(),
            target,
            hidden: Hidden::make(above)?,
            is_shown: true,
            interrupt: Interrupt::default(),
        })
    }

    /// Stops where the user wants that, also while relations are put in order at the end.
    #[must_use]
    pub fn stopped_by(self, interrupt: Interrupt) -> Self {
        Self { interrupt, ..self }
    }

    /// Does not show the result in the end, where that is not wanted: nothing is left of it.
    #[must_use]
    pub fn kept_hidden(self, is_hidden: bool) -> Self {
        Self {
            is_shown: !is_hidden,
            ..self
        }
    }
}

impl Destination for FolderDestination {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(None)
    }

    fn survey(&mut self, _filter: &Filter, _coming: &Inspection) -> Result<Survey> {
        Ok(Survey::default())
    }

    fn stage(&mut self, _filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        Ok(None)
    }

    fn begin(self: Box<Self>, plan: &Plan) -> Result<Box<dyn Load>> {
        let none = Schemas::default();
        let metadata = plan.source.metadata.as_ref();
        let documents = metadata.is_some_and(|it| !it.strapi.version.starts_with("4."));
        let mapping = Mapping::new(
            plan.source.schemas.as_ref().unwrap_or(&none),
            documents,
            self.target.system(),
        );
        let notes = self.hidden.create(NOTES);
        let notes = notes.map_err(|error| Error::io("write", &self.path.join(NOTES), error))?;
        let mut notes = notes::Writer::new(BufWriter::new(notes), self.path.join(NOTES));
        let scope = plan.source.scope.as_ref();
        notes.add(&Note::Head(Head::new(plan.source.metadata.clone(), scope)))?;
        for note in mapping.type_notes() {
            notes.add(&Note::Type(note))?;
        }
        let output = self.target.begin(&self.hidden, &mapping)?;
        let mut load = DataLoad {
            output,
            ids: vec![IdSet::default(); mapping.types.len()],
            edges: Edges::new(folder_of(&self.path), &self.interrupt),
            shapes: Shapes::default(),
            misfits: Placeless::default(),
            forms: HashMap::new(),
            relations: 0,
            unknown: 0,
            orphans: 0,
            documents: 0,
            path: self.path,
            hidden: self.hidden,
            is_shown: self.is_shown,
            notes,
            mapping,
        };
        load.note_relations()?;
        Ok(Box::new(load))
    }
}

/// Data in the making.
struct DataLoad {
    path: PathBuf,
    hidden: Hidden,
    is_shown: bool,
    mapping: Mapping,
    output: Box<dyn Output>,
    notes: notes::Writer<BufWriter<File>>,
    /// The ids of rows and components, by type.
    ids: Vec<IdSet>,
    edges: Edges,
    shapes: Shapes,
    misfits: Placeless,
    forms: HashMap<LinkForm, usize>,
    /// How many relations are noted.
    relations: usize,
    unknown: u64,
    orphans: u64,
    documents: u64,
}

impl DataLoad {
    /// Notes the relations that are not noted yet.
    fn note_relations(&mut self) -> Result<()> {
        for relation in &self.mapping.relations[self.relations..] {
            self.notes.add(&Note::Relation(relation.note.clone()))?;
        }
        self.relations = self.mapping.relations.len();
        Ok(())
    }

    fn raw(&self, text: &str) -> Result<Box<RawValue>> {
        let fail = |error| Error::failed(format!("cannot note a line: {error}"));
        RawValue::from_string(text.to_owned()).map_err(fail)
    }

    fn row(&mut self, entity: &Entity<'_>) -> Result<()> {
        let name = || format!("{} {}", entity.content_type, entity.id);
        let Some(model) = self.mapping.number(entity.content_type) else {
            let what = format!("{}: the archive has no schema of its type", name());
            return Err(Error::archive(what));
        };
        let maker = Maker::new(
            &mut self.mapping,
            &mut self.shapes,
            &mut self.ids,
            &mut self.misfits,
        );
        let Some(row) = maker.row(model, entity) else {
            let what = format!("{}: there are two rows of this id", name());
            return Err(Error::archive(what));
        };
        for shape in self.shapes.fresh() {
            self.notes.add(&Note::Shape(shape.clone()))?;
        }
        let mut models = Vec::with_capacity(row.nodes.len());
        row.tree
            .each_node(&self.shapes, &mut |tree, _| models.push(tree.model));
        for (node, model) in row.nodes.iter().zip(models) {
            self.output.node(&self.mapping, model, node)?;
        }
        for (relation, owner, target) in &row.relations {
            let pair = (owner.as_str(), target.as_str());
            self.edges.push(&self.mapping, *relation, pair, [None; 2])?;
        }
        let rows = Rows {
            types: &self.mapping,
            shapes: &self.shapes,
        };
        let made = rows.line(entity.id, &row.tree, &row.nodes, &mut Untaken::new());
        let is_same = made.as_deref() == Some(entity.line);
        self.notes.add(&Note::Row(RowNote {
            id: entity.id,
            tree: row.tree,
            line: (!is_same).then(|| entity.line.to_owned()),
        }))
    }

    fn file(&self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        if !is_file_name(&asset.filename) {
            let what = format!("{} cannot be the name of a file", asset.filename);
            return Err(Error::archive(what));
        }
        let name = format!("{FILES}/{}", asset.filename);
        let path = self.path.join(&name);
        let fail = |error| Error::from_io(error, |error| Error::io("write", &path, error));
        let mut file = self.hidden.create(&name).map_err(fail)?;
        io::copy(content, &mut file).map_err(fail)?;
        file.sync_all().map_err(fail)
    }

    /// What of the archive is in the notes alone.
    fn remarks(&mut self) -> Vec<Warning> {
        let misfits = std::mem::take(&mut self.misfits);
        let mut remarks: Vec<Warning> = misfits.warnings().collect();
        for (kind, count, why) in [
            (
                WarningKind::NotKept,
                self.unknown,
                "links of which the schemas do not know the relation",
            ),
            (
                WarningKind::Notice,
                self.orphans,
                "links to rows that are not there",
            ),
            (
                WarningKind::Notice,
                self.documents,
                "links between the languages of a document, which its documentId says as well,",
            ),
        ] {
            if count > 0 {
                let why = format!("{why} are in {NOTES} alone");
                let mut warning = Warning::new(kind, Subject::Stage(Stage::Links), why);
                warning.count = count;
                remarks.push(warning);
            }
        }
        remarks
    }
}

impl Sink for DataLoad {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        let line = self.raw(schema.to_line())?;
        self.notes.add(&Note::Schema(line))
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.row(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.file(asset, content)?;
        self.notes.add(&Note::File(FileNote {
            name: asset.filename.clone(),
            about: asset.sidecar.clone(),
        }))
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        match take(&mut self.mapping, &self.ids, link) {
            Taken::Pair {
                form,
                gaps,
                owner,
                target,
                places,
            } => {
                self.note_relations()?;
                self.edges
                    .push(&self.mapping, form.relation, (&owner, &target), places)?;
                let next = self.forms.len();
                let number = match self.forms.get(&form) {
                    Some(number) => *number,
                    // Real sites have as many as attributes that link.
                    None if next == MOST_PARTS => {
                        return self.notes.add(&Note::Line(link.line.to_owned()));
                    }
                    None => {
                        self.notes.add(&Note::Form(form.clone()))?;
                        self.forms.insert(form, next);
                        next
                    }
                };
                return self.notes.add(&Note::Link(number, gaps));
            }
            Taken::Orphan => self.orphans += 1,
            Taken::Document => self.documents += 1,
            Taken::Unknown => self.unknown += 1,
        }
        self.notes.add(&Note::Line(link.line.to_owned()))
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.notes.add(&Note::Configuration(item.line.to_owned()))
    }

    fn warn(&mut self, _warning: Warning) {}
}

impl Load for DataLoad {
    fn commit(
        mut self: Box<Self>,
        outcome: &Report,
        warn: &mut dyn FnMut(Warning),
        _tell: &dyn Fn(Event<'_>),
    ) -> Result<()> {
        self.remarks().into_iter().for_each(warn);
        let Self {
            path,
            hidden,
            is_shown,
            mut mapping,
            output,
            notes,
            edges,
            ..
        } = *self;
        let fail = |name: &str, error| Error::io("write", &path.join(name), error);
        let orphans = outcome.warnings.get(&WarningKind::OrphanLink);
        let orphans = orphans.copied().unwrap_or_default();
        let (notes, digest) = notes.finish(End { orphans })?;
        let notes = notes.into_inner();
        let notes = notes.map_err(|error| fail(NOTES, error.into_error()))?;
        notes.sync_all().map_err(|error| fail(NOTES, error))?;
        output.finish(Rest {
            path: &path,
            hidden: &hidden,
            mapping: &mut mapping,
            edges,
            notes: &digest,
        })?;
        let name = path.file_name().unwrap_or_default();
        match is_shown {
            true => hidden.show_as(name, OTHERWISE),
            false => Ok(()),
        }
    }
}
