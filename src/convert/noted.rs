//! Data of another system with the notes that were written beside it, as a source: the archive that it was made of, with the values that
//! nodes have by now.
//!
//! Nodes and notes are brought together by sorting on disk, so that memory stays flat in whatever order they come.

use super::data::{Data, Piece};
use super::gone::Gone;
use super::joined::{
    DATA, ECHO, HELD, NOTED, Numbered, node_key, place_bytes, placed, places, value,
};
use super::left::{self, Left, is_same, tell};
use super::mapping::FILES as FILE_ROWS;
use super::notes::{FILES, FileNote, NOTES, Note, Reader, RowNote};
use super::placeless::Placeless;
use super::rows::{Rows, Untaken};
use super::stages::Steps;
use super::table::{Pair, Table};
use super::tallies::Tallies;
use crate::error::{Error, Result};
use crate::model::{Asset, AssetMetadata, Line, Stage, is_file_name};
use crate::sorting::{Sorted, Sorter};
use crate::store::{Folder, Interrupt};
use crate::transfer::{Description, Filter, Sink, Source, Subject, Warning, WarningKind};
use std::io;
use std::path::{Path, PathBuf};

/// Bytes of the place of a node: the number of its row, and that of its own in there.
const PLACE: usize = 12;
/// Bytes of the place of a link.
const LINK: usize = 8;

/// What is said of notes that are in no order.
const PAST: &str = "it stands behind notes that come after it";

/// Data with notes.
pub struct NotedSource {
    data: Box<dyn Data>,
    folder: PathBuf,
    spool: PathBuf,
    table: Option<Table>,
    interrupt: Interrupt,
}

/// Nodes and pairs in the order of the notes.
struct Joined {
    nodes: Sorted,
    links: Sorted,
    lost: Placeless,
    /// How many components nothing holds any more.
    gone: u64,
}

impl NotedSource {
    /// The data, and the notes and files in this folder. `spool` is where sorting takes place.
    pub(crate) fn new(
        data: Box<dyn Data>,
        folder: &Path,
        spool: &Path,
        interrupt: &Interrupt,
    ) -> Self {
        Self {
            data,
            folder: folder.to_owned(),
            spool: spool.to_owned(),
            table: None,
            interrupt: interrupt.clone(),
        }
    }

    fn notes(&self) -> PathBuf {
        self.folder.join(NOTES)
    }

    fn table(&mut self) -> Result<&Table> {
        if self.table.is_none() {
            let system = self.data.system();
            let table = Table::read(&self.notes(), system, &self.interrupt)?;
            self.data.check_notes(&table.digest)?;
            self.table = Some(table);
        }
        match &self.table {
            Some(table) => Ok(table),
            None => unreachable!("it was read above"),
        }
    }

    /// Brings nodes and notes together.
    fn join(&mut self) -> Result<Joined> {
        let notes = self.notes();
        self.table()?;
        let Some(table) = &self.table else {
            unreachable!("it was read above")
        };
        let mut nodes = Sorter::new(&self.spool);
        let mut pairs = Sorter::new(&self.spool);
        let mut lost = Placeless::default();
        self.data.read(&self.spool, &mut |piece| match piece {
            Piece::Node {
                type_name,
                id,
                text,
            } => nodes.push(&node_key(type_name, id), &value(DATA, text.as_bytes())),
            Piece::List(of) => {
                left::lose_list(&mut lost, of);
                Ok(())
            }
            Piece::Lost { why, of } => {
                lost.add(why, of);
                Ok(())
            }
            Piece::Pair {
                ends,
                is_whole,
                place,
            } => match table.pair(&ends) {
                Some(Pair::Held { node, holder }) => {
                    if place.is_some() {
                        left::lose_place(&mut lost, table, &holder);
                    }
                    nodes.push(&node, &value(HELD, &holder))
                }
                Some(Pair::Link { key, is_owner }) => {
                    let kind = if is_whole || is_owner { DATA } else { ECHO };
                    pairs.push(&key, &value(kind, &place_bytes(place)))
                }
                None => {
                    let [one, other] = ends;
                    let field = one.field.or(other.field).unwrap_or_default();
                    left::lose_relation(&mut lost, (one.type_name, field, one.id));
                    Ok(())
                }
            },
        })?;
        let mut reader = Reader::open(&notes)?;
        let rows = table.rows();
        let (mut row, mut link) = (0_u64, 0_u64);
        while let Some(note) = reader.read()? {
            self.interrupt.stop()?;
            match note {
                Note::Row(note) => {
                    if !rows.know(&note.tree) {
                        let why = "a row that fits no type and no shape before it";
                        return Err(reader.fault(why));
                    }
                    let mut each = Ok(());
                    let mut place = 0_u32;
                    note.tree.each_node(&table.shapes, &mut |tree, holder| {
                        let name = table.type_name(tree.model).unwrap_or_default();
                        let mut at = row.to_be_bytes().to_vec();
                        at.extend_from_slice(&place.to_be_bytes());
                        place += 1;
                        let holder = holder.and_then(|(owner, attribute)| {
                            table.holder(owner, attribute, tree.model)
                        });
                        at.extend(holder.unwrap_or_default());
                        if each.is_ok() {
                            each = nodes.push(&node_key(name, &tree.node), &value(NOTED, &at));
                        }
                    });
                    each?;
                    row += 1;
                }
                Note::Link(form, gaps) => {
                    let known = table.link(form, &gaps);
                    let (_, key) =
                        known.ok_or_else(|| reader.fault("a link of an unknown form"))?;
                    pairs.push(&key, &value(NOTED, &link.to_be_bytes()))?;
                    link += 1;
                }
                _ => {}
            }
        }
        let mut seen = left::Nodes {
            table,
            tallies: Tallies::default(),
            lost: &mut lost,
            gone: 0,
        };
        let room = (&*self.spool, &self.interrupt);
        let nodes = placed(room, nodes, PLACE, &mut seen, true)?;
        let gone = seen.gone;
        let name = self.data.path().display().to_string();
        seen.tallies.check(&name, table)?;
        let mut seen = left::Pairs {
            table,
            lost: &mut lost,
        };
        let links = placed(room, pairs, LINK, &mut seen, false)?;
        Ok(Joined {
            nodes,
            links,
            lost,
            gone,
        })
    }

    fn file(&self, folder: &Folder, note: &FileNote, sink: &mut dyn Sink) -> Result<()> {
        let path = self.folder.join(FILES).join(&note.name);
        let opened = match is_file_name(&note.name) {
            true => folder.read(&note.name),
            false => Err(io::ErrorKind::InvalidInput.into()),
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) => {
                let id = AssetMetadata::parse(&note.about, &note.name).map_or(0, |it| it.id);
                let subject = Subject::File {
                    id,
                    format: None,
                    filename: note.name.clone(),
                };
                let why = error.to_string();
                sink.warn(Warning::new(WarningKind::MissingAsset, subject, why));
                return Ok(());
            }
        };
        let about = file
            .metadata()
            .map_err(|error| Error::io("read", &path, error))?;
        let asset = Asset {
            filename: note.name.clone(),
            sidecar: note.about.clone(),
            size: about.len(),
        };
        sink.asset(&asset, &mut file)
    }
}

impl Source for NotedSource {
    fn name(&self) -> String {
        self.data.path().display().to_string()
    }

    fn describe(&mut self) -> Result<Description> {
        let table = self.table()?;
        Ok(Description {
            metadata: table.head.metadata.clone(),
            schemas: Some(table.schemas.clone()),
            scope: table.head.scope(),
            provenance: table.provenance(),
            // What is made of it is one, and links to nothing are a fault of that.
            is_own_archive: true,
        })
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let mut joined = self.join()?;
        let Some(table) = &self.table else {
            unreachable!("it was read above")
        };
        let rows = table.rows();
        let mut reader = Reader::open(&self.notes())?;
        let mut steps = Steps::new(filter, table);
        let mut nodes = Numbered::new(&joined.nodes)?;
        let mut links = Numbered::new(&joined.links)?;
        let (mut row, mut link) = (0, 0);
        let mut gone = Gone::new(&table.schemas);
        let mut left = Left {
            components: joined.gone,
            ..Left::default()
        };
        let mut lost = std::mem::take(&mut joined.lost);
        let files = self.folder.join(FILES);
        let mut folder = None;
        while let Some(note) = reader.read()? {
            let line = match note {
                Note::Row(note) => {
                    let found = nodes.take(row)?;
                    row += 1;
                    let is_there = found.iter().any(|it| it.0 == [0; 4]);
                    let mut untaken = Untaken::new();
                    let line = line(&rows, &note, found, (&mut gone, &mut untaken));
                    left::lose_values(&mut lost, table, untaken);
                    if is_there && line.is_none() {
                        return Err(reader.fault("no row can be made of it"));
                    }
                    left.rows += u64::from(line.is_none());
                    match line {
                        Some(line) => (Stage::Entities, line),
                        None => continue,
                    }
                }
                Note::Link(form, gaps) => {
                    let found = links.take(link)?;
                    link += 1;
                    let Some((line, key)) = table.link(form, &gaps) else {
                        continue;
                    };
                    let Some((_, said)) = found.first() else {
                        let parsed = Line::parse(Stage::Links, &line);
                        match parsed.map_err(|why| reader.fault(&why))? {
                            Line::Link(link) if gone.cuts(&link) => left.links += 1,
                            _ => left.unlinked += 1,
                        }
                        continue;
                    };
                    let (line, is_said) = table.with_places(form, line, places(said));
                    if !is_said {
                        left::lose_place(&mut lost, table, &key);
                    }
                    (Stage::Links, line)
                }
                Note::Schema(line) => (Stage::Schemas, line.get().to_owned()),
                Note::Line(line) => (Stage::Links, line),
                Note::Configuration(line) => (Stage::Configuration, line),
                Note::File(note) => {
                    let about = AssetMetadata::parse(&note.about, &note.name);
                    if about.is_ok_and(|it| gone.holds(FILE_ROWS, it.id)) {
                        left.files += 1;
                        continue;
                    }
                    if steps.is_past(Stage::Assets) {
                        return Err(reader.fault(PAST));
                    }
                    if steps.enter(Stage::Assets, sink)? {
                        if folder.is_none() {
                            let opened = Folder::open(&files);
                            folder =
                                Some(opened.map_err(|error| Error::io("read", &files, error))?);
                        }
                        if let Some(folder) = &folder {
                            self.file(folder, &note, sink)?;
                        }
                    }
                    continue;
                }
                _ => continue,
            };
            if steps.is_past(line.0) {
                return Err(reader.fault(PAST));
            }
            if steps.enter(line.0, sink)? {
                let parsed = Line::parse(line.0, &line.1).map_err(|why| reader.fault(&why))?;
                if let Line::Link(link) = &parsed
                    && gone.cuts(link)
                {
                    left.links += 1;
                    continue;
                }
                filter.send(&parsed, sink)?;
            }
        }
        steps.finish(sink)?;
        tell(lost, &left, sink);
        Ok(())
    }
}

/// The line of a row, of those nodes of it that are there.
fn line(
    rows: &Rows<'_>,
    note: &RowNote,
    found: Vec<(Vec<u8>, Vec<u8>)>,
    (gone, untaken): (&mut Gone<'_>, &mut Untaken),
) -> Option<String> {
    let mut count = 0;
    note.tree.each_node(rows.shapes, &mut |_, _| count += 1);
    let mut nodes = vec![String::new(); count];
    for (place, text) in found {
        let place = u32::from_be_bytes(place.try_into().ok()?) as usize;
        *nodes.get_mut(place)? = String::from_utf8(text).ok()?;
    }
    let made = rows.line(note.id, &note.tree, &nodes, untaken);
    let line = match &note.line {
        _ if nodes.first()?.is_empty() => None,
        Some(line) => match made.filter(|made| !is_same(made, line)) {
            Some(made) => Some(made),
            None => Some(line.clone()),
        },
        None => made,
    };
    if nodes.iter().any(String::is_empty) {
        let all = vec!["{}".to_owned(); count];
        let before = note.line.clone();
        let before = before.or_else(|| rows.line(note.id, &note.tree, &all, &mut Untaken::new()));
        gone.take(&before.unwrap_or_default(), line.as_deref());
    }
    line
}
