//! An archive as a source.

use super::entries::{self, Entries};
use super::layout::{Entry, METADATA};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Metadata, Schema, Schemas};
use crate::transfer::{Description, Filter, Sink, Source, Stage};
use roaring::RoaringTreemap;
use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// The longest line that is read, in bytes: well above the shards Strapi writes.
const LONGEST_LINE: u64 = 1 << 30;

/// Whether a file is an encrypted archive, as far as its content tells.
///
/// # Errors
/// The file cannot be read.
pub fn is_encrypted(path: &Path) -> Result<bool> {
    entries::is_encrypted(path)
}

/// What is done with a line, and with what tells the place it stands at.
type EachLine<'a> = dyn FnMut(&str, &dyn Fn() -> String) -> Result<()> + 'a;

/// An archive file, or the same tree unpacked in a folder.
pub struct ArchiveSource {
    entries: Entries,
    contents: Option<Contents>,
}

/// What the first look at an archive found.
struct Contents {
    description: Description,
    /// How many entries each stage has.
    entries: HashMap<Stage, u64>,
    /// How many lines or files each stage has.
    items: HashMap<Stage, u64>,
}

impl ArchiveSource {
    /// Opens an archive. `password` is the key it was exported with.
    ///
    /// # Errors
    /// It is not there, is no archive, or the key does not open it.
    pub fn open(path: &Path, password: Option<&str>) -> Result<Self> {
        Ok(Self {
            entries: Entries::open(path, password)?,
            contents: None,
        })
    }

    /// Goes through the whole archive once: finds out what is in it, and whether it is whole.
    fn contents(&mut self) -> Result<&Contents> {
        if self.contents.is_none() {
            self.contents = Some(self.look()?);
        }
        Ok(self.contents.as_ref().expect("it was just put there"))
    }

    fn look(&self) -> Result<Contents> {
        let mut metadata = None;
        let mut schemas = Schemas::default();
        let mut entries: HashMap<Stage, u64> = HashMap::new();
        let mut items: HashMap<Stage, u64> = HashMap::new();
        self.entries.each(&mut |item| {
            let (name, content) = (item.name, item.content);
            if let Some(stage) = item.entry.stage() {
                *entries.entry(stage).or_default() += 1;
            }
            match item.entry {
                Entry::Metadata => metadata = Some(self.read_metadata(content)?),
                Entry::Lines(Stage::Schemas) => {
                    self.each_line(name, content, &mut |line, place| {
                        schemas.push(parse_schema(line, place)?);
                        Ok(())
                    })?
                }
                Entry::Lines(stage) => {
                    let count = items.entry(stage).or_default();
                    self.each_line(name, content, &mut |_, _| {
                        *count += 1;
                        Ok(())
                    })?;
                }
                Entry::Upload(_) => *items.entry(Stage::Assets).or_default() += 1,
                Entry::Sidecar(_) | Entry::Other => {}
            }
            Ok(())
        })?;
        items.insert(Stage::Schemas, schemas.len() as u64);
        let path = self.entries.path().display();
        let Some(metadata) = metadata else {
            return Err(Error::archive(format!("{path} holds no {METADATA}"))
                .hint("it is not a Strapi export, or it was cut short"));
        };
        if schemas.is_empty() {
            return Err(Error::archive(format!("{path} holds no schemas"))
                .hint("it is not a Strapi export, or it was cut short"));
        }
        Ok(Contents {
            description: Description { metadata, schemas },
            entries,
            items,
        })
    }

    fn read_metadata(&self, content: &mut dyn Read) -> Result<Metadata> {
        let mut text = String::new();
        content
            .read_to_string(&mut text)
            .map_err(|error| self.entries.damaged(error))?;
        serde_json::from_str(&text).map_err(|error| {
            Error::archive(format!(
                "{}: {METADATA} does not tell the Strapi version: {error}",
                self.entries.path().display()
            ))
            .hint("it is not a Strapi export")
        })
    }

    /// Hands over the lines of a shard that are not empty, each with the place it stands at.
    fn each_line(&self, name: &str, content: &mut dyn Read, each: &mut EachLine<'_>) -> Result<()> {
        let mut reader = BufReader::with_capacity(64 << 10, content);
        let mut line = Vec::new();
        let mut number = 0_u64;
        loop {
            line.clear();
            let read = reader
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .map_err(|error| self.entries.damaged(error))?;
            if read == 0 {
                return Ok(());
            }
            number += 1;
            let place = || format!("{name}, line {number}");
            let text = std::str::from_utf8(&line)
                .map_err(|_| malformed(place(), "it is not UTF-8"))?
                .trim_end_matches(['\n', '\r']);
            if !text.is_empty() {
                each(text, &place)?;
            }
        }
    }

    fn send_lines(
        &self,
        stage: Stage,
        name: &str,
        content: &mut dyn Read,
        filter: &Filter,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.each_line(name, content, &mut |line, place| {
            let wrong = |error: serde_json::Error| malformed(place(), &error.to_string());
            match stage {
                Stage::Entities => {
                    let parsed = Entity::parse(line).map_err(wrong)?;
                    let entity = parsed.entity();
                    if filter.includes_type(entity.content_type) {
                        sink.entity(&entity)
                            .map_err(|error| error.within(place()))?;
                    }
                }
                Stage::Links => {
                    let link = Link::parse(line).map_err(wrong)?;
                    if filter.includes_link(&link.left.model, &link.right.model) {
                        sink.link(&link).map_err(|error| error.within(place()))?;
                    }
                }
                Stage::Configuration => {
                    let item = ConfigItem::parse(line).map_err(wrong)?;
                    sink.configuration(&item)
                        .map_err(|error| error.within(place()))?;
                }
                Stage::Schemas => sink.schema(&parse_schema(line, place)?)?,
                Stage::Assets => {}
            }
            Ok(())
        })
    }
}

fn malformed(place: String, why: &str) -> Error {
    Error::archive(format!("{place}: {why}"))
        .hint("the archive is damaged; take another one. Nothing was changed")
}

fn parse_schema(line: &str, place: &dyn Fn() -> String) -> Result<Schema> {
    let json: serde_json::Map<_, _> =
        serde_json::from_str(line).map_err(|error| malformed(place(), &error.to_string()))?;
    Schema::from_json(&json).map_err(|why| malformed(place(), &why))
}

impl Source for ArchiveSource {
    fn name(&self) -> String {
        self.entries.path().display().to_string()
    }

    fn describe(&mut self) -> Result<Description> {
        Ok(self.contents()?.description.clone())
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let contents = self.contents()?;
        let mut pass = Pass {
            items: contents.items.clone(),
            left: contents.entries.clone(),
            todo: Stage::ALL
                .into_iter()
                .filter(|stage| filter.includes(*stage))
                .collect(),
            started: false,
            done: RoaringTreemap::new(),
            sidecars: HashMap::new(),
        };
        // Once, if the entries stand in Strapi's order; otherwise once more for what came too early.
        while pass.stage(sink)?.is_some() {
            let before = pass.done.len();
            let mut waiting = None;
            self.entries.each(&mut |item| {
                let Some(stage) = item.entry.stage() else {
                    return Ok(());
                };
                if pass.done.contains(item.number) || pass.stage(sink)? != Some(stage) {
                    return Ok(());
                }
                match item.entry {
                    Entry::Sidecar(filename) => {
                        let mut sidecar = String::new();
                        item.content
                            .read_to_string(&mut sidecar)
                            .map_err(|error| self.entries.damaged(error))?;
                        pass.sidecars.insert(filename, sidecar);
                    }
                    Entry::Upload(filename) => {
                        let Some(sidecar) = pass.sidecars.remove(&filename) else {
                            waiting = Some(item.name.to_owned());
                            return Ok(());
                        };
                        let asset = Asset {
                            filename,
                            sidecar,
                            size: item.length,
                        };
                        sink.asset(&asset, item.content)?;
                    }
                    _ => self.send_lines(stage, item.name, item.content, filter, sink)?,
                }
                pass.finish_entry(item.number, stage);
                Ok(())
            })?;
            if pass.done.len() == before {
                return Err(Error::archive(format!(
                    "{}: {} has no sidecar in assets/metadata",
                    self.entries.path().display(),
                    waiting.as_deref().unwrap_or("a file")
                ))
                .hint("make a new export. Nothing was changed"));
            }
        }
        Ok(())
    }
}

/// The state of going through an archive, stage by stage.
struct Pass {
    /// How many lines or files each stage has.
    items: HashMap<Stage, u64>,
    /// How many entries of each stage are not through.
    left: HashMap<Stage, u64>,
    /// The stages that are not through, the current one first.
    todo: VecDeque<Stage>,
    /// Whether the current stage was announced.
    started: bool,
    /// The entries that are through.
    done: RoaringTreemap,
    /// Sidecars whose file did not come yet.
    sidecars: HashMap<String, String>,
}

impl Pass {
    /// The stage that is on, once the ones before it are through; `None` at the end.
    fn stage(&mut self, sink: &mut dyn Sink) -> Result<Option<Stage>> {
        while let Some(&stage) = self.todo.front() {
            if !self.started {
                sink.stage(stage, Some(self.items.get(&stage).copied().unwrap_or(0)))?;
                self.started = true;
            }
            if self.left.get(&stage).is_some_and(|&left| left > 0) {
                return Ok(Some(stage));
            }
            self.todo.pop_front();
            self.started = false;
        }
        Ok(None)
    }

    fn finish_entry(&mut self, number: u64, stage: Stage) {
        self.done.insert(number);
        if let Some(left) = self.left.get_mut(&stage) {
            *left -= 1;
        }
    }
}
