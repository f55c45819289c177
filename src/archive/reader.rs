//! An archive as a source.

use super::audit::{Audit, Protection};
use super::checksums::Digesting;
use super::codec::{Password, Sealed, needless_key};
use super::entries::{Entries, Item, Next, damaged};
use super::layout::{Entry, MANIFEST, METADATA};
use super::manifest::Manifest;
use crate::error::{Error, Result};
use crate::model::{Asset, Line, Metadata, Schema, Schemas, Stage};
use crate::store::{FileOrigin, Origin};
use crate::transfer::{Description, Filter, Sink, Source, Subject, Warning, WarningKind};
use roaring::RoaringTreemap;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// The longest line that is read, in bytes: well above the shards Strapi writes.
const LONGEST_LINE: u64 = 1 << 30;
/// The longest entry that is read as a whole, in bytes: what an archive says of itself.
const LONGEST_TEXT: u64 = 16 << 20;

/// An archive that was found, before it is known whether a password is needed.
pub struct Archive {
    form: Form,
    folder: PathBuf,
}

enum Form {
    Sealed(Sealed),
    Folder(PathBuf),
}

impl Archive {
    /// The archive at a path: a file, a pipe that has a name, or a folder that holds an unpacked one.
    /// What must be spooled goes to `folder`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn at(path: &Path, folder: &Path) -> Result<Self> {
        if path.is_dir() {
            return Ok(Self {
                form: Form::Folder(path.to_owned()),
                folder: folder.to_owned(),
            });
        }
        Self::from_origin(FileOrigin::open(path, folder)?, folder)
    }

    /// The archive that an origin gives.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub fn from_origin(origin: Box<dyn Origin>, folder: &Path) -> Result<Self> {
        Ok(Self {
            form: Form::Sealed(Sealed::probe(origin)?),
            folder: folder.to_owned(),
        })
    }

    /// Whether it is encrypted, as far as its content tells.
    pub fn is_encrypted(&self) -> bool {
        match &self.form {
            Form::Sealed(sealed) => sealed.is_encrypted(),
            Form::Folder(_) => false,
        }
    }

    /// Opens it. With `must_be_authentic`, archives are refused that do not prove to have been
    /// written by somebody who knew the password.
    ///
    /// # Errors
    /// It is no archive; the password does not open it, is needless or missing.
    pub fn open(
        self,
        password: Option<Password>,
        must_be_authentic: bool,
    ) -> Result<ArchiveSource> {
        let entries = match self.form {
            Form::Folder(path) if password.is_some() => {
                return Err(needless_key(&path.display().to_string()));
            }
            Form::Folder(path) => Entries::Folder(path),
            Form::Sealed(sealed) => Entries::Tar(sealed.open(password.as_ref())?),
        };
        let source = ArchiveSource {
            entries,
            password,
            must_be_authentic,
            folder: self.folder,
            known: None,
            protection: None,
        };
        if must_be_authentic && source.password.is_none() {
            return Err(source.unauthentic("it is not encrypted, and only a key authenticates"));
        }
        Ok(source)
    }
}

/// An archive file, or the same tree unpacked in a folder.
pub struct ArchiveSource {
    entries: Entries,
    password: Option<Password>,
    must_be_authentic: bool,
    folder: PathBuf,
    known: Option<Known>,
    protection: Option<Protection>,
}

/// What is known of an archive's content.
struct Known {
    description: Description,
    manifest: Option<Manifest>,
    /// How many entries each stage has; `None` where the entries stand in the order of the stages.
    entries: Option<HashMap<Stage, u64>>,
    /// How many lines or files each stage has, where that is known.
    items: Option<HashMap<Stage, u64>>,
}

/// Collects what describes an archive.
#[derive(Default)]
struct Front {
    metadata: Option<Metadata>,
    manifest: Option<Manifest>,
    schemas: Schemas,
    /// Whether the entries so far are those that this program begins an archive with, in its order.
    is_ours: bool,
}

impl Front {
    /// Takes in an entry that describes the archive; gives whether it was one.
    fn take(&mut self, archive: &str, item: &mut Item<'_>) -> Result<bool> {
        self.is_ours = match (item.number, &item.entry) {
            (0, entry) => *entry == Entry::Metadata,
            (1, entry) => self.is_ours && *entry == Entry::Manifest,
            (_, Entry::Metadata | Entry::Manifest) => false,
            _ => self.is_ours,
        };
        match item.entry {
            Entry::Metadata => {
                let text = read_text(archive, &item.name, item.content)?;
                self.metadata = Some(serde_json::from_str(&text).map_err(|error| {
                    Error::archive(format!(
                        "{archive}: {METADATA} does not tell the Strapi version: {error}"
                    ))
                    .hint("it is not a Strapi export, or it is damaged")
                })?);
            }
            Entry::Manifest => {
                let text = read_text(archive, &item.name, item.content)?;
                self.manifest = Some(Manifest::parse(&text, archive)?);
            }
            Entry::Lines(Stage::Schemas, _) => {
                let schemas = &mut self.schemas;
                each_line(archive, &item.name, item.content, &mut |line, place| {
                    let json = serde_json::from_str(line)
                        .map_err(|error| malformed(place(), &error.to_string()))?;
                    let schema = Schema::from_json(&json);
                    schemas.push(schema.map_err(|why| malformed(place(), &why))?);
                    Ok(())
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn describe(self, archive: &str) -> Result<(Description, Option<Manifest>)> {
        let hint = "it is not a Strapi export, or it was cut short";
        if self.metadata.is_none() {
            return Err(Error::archive(format!("{archive} holds no {METADATA}")).hint(hint));
        }
        if self.schemas.is_empty() {
            return Err(Error::archive(format!("{archive} holds no schemas")).hint(hint));
        }
        let description = Description {
            metadata: self.metadata,
            schemas: Some(self.schemas),
            scope: self.manifest.as_ref().map(Manifest::scope),
            provenance: self.manifest.as_ref().and_then(Manifest::provenance),
        };
        Ok((description, self.manifest))
    }
}

impl ArchiveSource {
    /// What protects the archive's bytes; known once it was streamed to its end.
    pub fn protection(&self) -> Option<&Protection> {
        self.protection.as_ref()
    }

    fn unauthentic(&self, why: &str) -> Error {
        Error::archive(format!("{} is not authenticated: {why}", self.name()))
            .hint("leave --require-authentication out if you know where the archive comes from")
    }

    /// Reads what describes the archive: its beginning, where that holds a manifest, as this program
    /// writes it; else all of it.
    fn look(&mut self) -> Result<Known> {
        let archive = self.name();
        let mut front = Front::default();
        let mut entries: HashMap<Stage, u64> = HashMap::new();
        let mut items: HashMap<Stage, u64> = HashMap::new();
        let mut in_order = false;
        self.entries.each(true, &mut |mut item| {
            let is_front = front.take(&archive, &mut item)?;
            let Some(stage) = item.entry.stage() else {
                return Ok(Next::Go);
            };
            // Behind the schemas nothing describes the archive, if it is as this program writes it.
            if !is_front && front.is_ours {
                in_order = true;
                return Ok(Next::Stop);
            }
            *entries.entry(stage).or_default() += 1;
            match item.entry {
                Entry::Lines(Stage::Schemas, _) | Entry::Sidecar(_) => {}
                Entry::Lines(..) => {
                    let lines = count_lines(&archive, item.content)?;
                    *items.entry(stage).or_default() += lines;
                }
                _ => *items.entry(stage).or_default() += 1,
            }
            Ok(Next::Go)
        })?;
        items.insert(Stage::Schemas, front.schemas.len() as u64);
        let (description, manifest) = front.describe(&archive)?;
        Ok(Known {
            description,
            manifest,
            entries: (!in_order).then_some(entries),
            items: (!in_order).then_some(items),
        })
    }

    /// What must hold before anything else of the archive is believed.
    fn check_demands(&self, manifest: Option<&Manifest>) -> Result<()> {
        if self.must_be_authentic && manifest.and_then(Manifest::salt).is_none() {
            return Err(self.unauthentic("nothing in it proves that its writer knew the key"));
        }
        Ok(())
    }

    /// Judges the archive after it was read to its end for the first time, and tells what there is
    /// to tell.
    fn judge(&mut self, audit: Audit, sink: &mut dyn Sink) -> Result<()> {
        let manifest = self
            .known
            .as_ref()
            .and_then(|known| known.manifest.as_ref());
        let items = audit.items().clone();
        let (protection, faults) = audit
            .finish(manifest, self.password.as_ref())
            .map_err(|error| Error::io("spool the digests in", &self.folder, error))?;
        for fault in faults {
            sink.damaged(fault)?;
        }
        if self.must_be_authentic && !protection.is_authenticated {
            return Err(self.unauthentic("its digests are not those of whoever knew the key"));
        }
        if self.protection.is_none() {
            for note in notes(&protection, self.entries.keep_their_order()) {
                let subject = Subject::Entry(self.name());
                sink.warn(Warning::new(WarningKind::Notice, subject, note));
            }
        }
        if let Some(known) = &mut self.known {
            known.items = Some(items);
        }
        self.protection = Some(protection);
        Ok(())
    }
}

/// What a user should know of the protection of an archive.
fn notes(protection: &Protection, keeps_order: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if protection.is_reordered && keeps_order {
        notes.push("it was packed anew: its entries stand in another order".into());
    }
    if protection.digests.is_none() {
        notes.push(
            "nothing protects its bytes: it has no checksums; those that Strapi writes have none"
                .into(),
        );
    }
    if let Some(outcome) = &protection.outcome
        && outcome.is_incomplete()
    {
        notes.push(format!(
            "it was incomplete when it was made: {}",
            outcome
                .warnings
                .iter()
                .find(|warning| warning.kind != WarningKind::Notice.as_str())
                .map_or("see result.json in it", |warning| warning.message.as_str())
        ));
    }
    notes
}

fn malformed(place: String, why: &str) -> Error {
    Error::archive(format!("{place}: {why}"))
        .hint("the archive is damaged; take another one. Nothing was changed")
}

/// The content of an entry that is read as a whole.
fn read_text(archive: &str, name: &str, content: &mut dyn Read) -> Result<String> {
    let mut text = String::new();
    let read = content
        .take(LONGEST_TEXT)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData if error.get_ref().is_none() => {
                malformed(format!("{archive}: {name}"), "it is not UTF-8")
            }
            _ => damaged(archive, error),
        })?;
    if read as u64 == LONGEST_TEXT {
        let why = format!("it has {LONGEST_TEXT} bytes or more");
        return Err(malformed(format!("{archive}: {name}"), &why));
    }
    Ok(text)
}

/// What is done with a line, and with what tells the place it stands at.
type EachLine<'a> = dyn FnMut(&str, &dyn Fn() -> String) -> Result<()> + 'a;

/// Hands over the lines of a shard that are not empty, each with the place it stands at.
fn each_line(
    archive: &str,
    name: &str,
    content: &mut dyn Read,
    each: &mut EachLine<'_>,
) -> Result<()> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|error| damaged(archive, error))?;
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

/// How many lines of a shard are not empty.
fn count_lines(archive: &str, content: &mut dyn Read) -> Result<u64> {
    let mut reader = BufReader::with_capacity(64 << 10, content);
    let (mut lines, mut within) = (0, false);
    loop {
        let block = reader.fill_buf().map_err(|error| damaged(archive, error))?;
        if block.is_empty() {
            return Ok(lines);
        }
        for &byte in block {
            let breaks = matches!(byte, b'\n' | b'\r');
            lines += u64::from(!breaks && !within);
            within = byte != b'\n' && (within || !breaks);
        }
        let length = block.len();
        reader.consume(length);
    }
}

impl Source for ArchiveSource {
    fn name(&self) -> String {
        self.entries.name()
    }

    fn describe(&mut self) -> Result<Description> {
        if self.known.is_none() {
            let known = self.look()?;
            self.check_demands(known.manifest.as_ref())?;
            self.known = Some(known);
        }
        let known = self.known.as_ref().expect("it was just put there");
        Ok(known.description.clone())
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let archive = self.name();
        let mut pass = Pass {
            archive: archive.clone(),
            audit: Some(Audit::new(&archive, &self.folder)),
            items: self.known.as_ref().and_then(|known| known.items.clone()),
            left: self.known.as_ref().and_then(|known| known.entries.clone()),
            todo: Stage::ALL
                .into_iter()
                .filter(|stage| filter.includes(*stage))
                .collect(),
            started: false,
            done: RoaringTreemap::new(),
            sidecars: BTreeMap::new(),
            waiting: None,
        };
        let mut front = self.known.is_none().then(Front::default);
        // Once, if the entries stand in Strapi's order; otherwise once more for what came too early.
        loop {
            let before = pass.done.len();
            let again = pass.left.is_some();
            // Those of Strapi's archives would be compared with nothing.
            let digests = pass.audit.is_some()
                && self
                    .known
                    .as_ref()
                    .is_none_or(|known| known.manifest.is_some());
            let faults = self.entries.each(again, &mut |mut item| {
                let mut content = Digesting::new(&mut *item.content, digests);
                let mut item = Item {
                    content: &mut content,
                    name: std::mem::take(&mut item.name),
                    entry: item.entry.clone(),
                    ..item
                };
                if let Some(front) = &mut front
                    && matches!(item.entry, Entry::Metadata | Entry::Manifest)
                {
                    front.take(&archive, &mut item)?;
                } else {
                    pass.entry(&mut item, &mut front, filter, sink)?;
                }
                let Item { name, entry, .. } = item;
                io::copy(&mut content, &mut io::sink()).map_err(|e| damaged(&archive, e))?;
                if let Some(audit) = &mut pass.audit {
                    audit
                        .entry(&name, &entry, &content.finish())
                        .map_err(|error| damaged(&archive, error))?;
                }
                Ok(Next::Go)
            })?;
            if let Some(audit) = pass.audit.take() {
                for fault in faults {
                    sink.damaged(fault)?;
                }
                if let Some(front) = front.take() {
                    let (description, manifest) = front.describe(&archive)?;
                    self.check_demands(manifest.as_ref())?;
                    self.known = Some(Known {
                        description,
                        manifest,
                        entries: None,
                        items: None,
                    });
                }
                self.judge(audit, sink)?;
            }
            if pass.stage(sink, None)?.is_none() {
                break;
            }
            if pass.done.len() == before {
                sink.damaged(pass.stuck())?;
                break;
            }
        }
        if filter.includes(Stage::Assets)
            && let Some(filename) = pass.sidecars.keys().next()
        {
            let missing = Error::archive(format!(
                "{archive}: the file of {filename} is missing from assets/uploads"
            ));
            sink.damaged(missing.hint("make a new export. Nothing was changed"))?;
        }
        while pass.todo.front().is_some() {
            pass.next_stage(sink)?;
        }
        Ok(())
    }

    fn replays(&self) -> bool {
        self.entries.replay()
    }
}

/// The state of going through an archive, stage by stage.
struct Pass {
    archive: String,
    /// While the archive is gone through for the first time.
    audit: Option<Audit>,
    /// How many lines or files each stage has, where that is known.
    items: Option<HashMap<Stage, u64>>,
    /// How many entries of each stage are not through; `None` where the entries must stand in the
    /// order of the stages.
    left: Option<HashMap<Stage, u64>>,
    /// The stages that are not through, the current one first.
    todo: VecDeque<Stage>,
    /// Whether the current stage was announced.
    started: bool,
    /// The entries that are through.
    done: RoaringTreemap,
    /// Sidecars whose file did not come yet.
    sidecars: BTreeMap<String, String>,
    /// A file whose sidecar did not come yet.
    waiting: Option<String>,
}

impl Pass {
    /// Takes in an entry, if its turn has come.
    fn entry(
        &mut self,
        item: &mut Item<'_>,
        front: &mut Option<Front>,
        filter: &Filter,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let Some(stage) = item.entry.stage() else {
            return self.record(item);
        };
        if !filter.includes(stage) {
            return self.count(item, stage);
        }
        let is_on =
            !self.done.contains(item.number) && self.stage(sink, Some(stage))? == Some(stage);
        if !is_on {
            return self.count(item, stage);
        }
        match &item.entry {
            Entry::Sidecar(filename) => match read_text(&self.archive, &item.name, item.content) {
                Ok(sidecar) => {
                    self.sidecars.insert(filename.clone(), sidecar);
                }
                Err(fault) => sink.damaged(fault)?,
            },
            Entry::Upload(filename) => {
                let Some(sidecar) = self.sidecars.remove(filename) else {
                    self.waiting = Some(item.name.clone());
                    if self.left.is_none() {
                        sink.damaged(self.stuck())?;
                    }
                    return self.count(item, stage);
                };
                let asset = Asset {
                    filename: filename.clone(),
                    sidecar,
                    size: item.length,
                };
                sink.asset(&asset, item.content)?;
                self.count(item, stage)?;
            }
            _ => self.lines(stage, item, front, filter, sink)?,
        }
        self.done.insert(item.number);
        if let Some(left) = self.left.as_mut().and_then(|left| left.get_mut(&stage)) {
            *left -= 1;
        }
        Ok(())
    }

    /// Takes in what the archive says of itself.
    fn record(&mut self, item: &mut Item<'_>) -> Result<()> {
        let Some(audit) = &mut self.audit else {
            return Ok(());
        };
        match item.entry {
            Entry::Result => audit.outcome(read_text(&self.archive, &item.name, item.content)?),
            Entry::Hmac => audit.hmac(read_text(&self.archive, &item.name, item.content)?),
            Entry::Checksums => audit
                .listed(item.content)
                .map_err(|error| damaged(&self.archive, error))?,
            _ => {}
        }
        Ok(())
    }

    /// Counts the items of an entry that is passed over.
    fn count(&mut self, item: &mut Item<'_>, stage: Stage) -> Result<()> {
        if self.audit.is_none() {
            return Ok(());
        }
        let items = match item.entry {
            Entry::Lines(..) => count_lines(&self.archive, item.content)?,
            Entry::Upload(_) => 1,
            _ => 0,
        };
        if let Some(audit) = &mut self.audit {
            audit.count(stage, items);
        }
        Ok(())
    }

    fn lines(
        &mut self,
        stage: Stage,
        item: &mut Item<'_>,
        front: &mut Option<Front>,
        filter: &Filter,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let audit = &mut self.audit;
        each_line(
            &self.archive,
            &item.name,
            item.content,
            &mut |line, place| {
                if let Some(audit) = audit {
                    audit.count(stage, 1);
                }
                match Line::parse(stage, line) {
                    Ok(line) => {
                        match (&line, &mut *audit, &mut *front) {
                            (Line::Entity(parsed), Some(audit), _) => {
                                audit.count_entity(parsed.entity().content_type);
                            }
                            (Line::Schema(schema), _, Some(front)) => {
                                front.schemas.push(schema.clone());
                            }
                            _ => {}
                        }
                        filter
                            .send(&line, sink)
                            .map_err(|error| error.within(place()))
                    }
                    Err(why) => sink.damaged(malformed(place(), &why)),
                }
            },
        )
    }

    /// The stage that is on, once the ones before it are through; `None` at the end. Where entries
    /// stand in the order of the stages, the next one tells: `next` is of this stage, or there is none.
    fn stage(&mut self, sink: &mut dyn Sink, next: Option<Stage>) -> Result<Option<Stage>> {
        while let Some(&stage) = self.todo.front() {
            self.start(stage, sink)?;
            let goes_on = match &self.left {
                Some(left) => left.get(&stage).is_some_and(|&left| left > 0),
                None => next.is_some_and(|next| next <= stage),
            };
            if goes_on {
                if self.left.is_none() && next.is_some_and(|next| next < stage) {
                    return self.out_of_order(next, stage, sink);
                }
                return Ok(Some(stage));
            }
            self.next_stage(sink)?;
        }
        Ok(None)
    }

    fn out_of_order(
        &self,
        next: Option<Stage>,
        stage: Stage,
        sink: &mut dyn Sink,
    ) -> Result<Option<Stage>> {
        let next = next.map_or("?", Stage::as_str);
        let fault = Error::archive(format!(
            "{}: {next} stand behind {stage}, which {MANIFEST} and pipes do not allow",
            self.archive
        ));
        sink.damaged(fault.hint("the archive was packed anew; take the one that was exported"))?;
        Ok(None)
    }

    /// Announces a stage, once.
    fn start(&mut self, stage: Stage, sink: &mut dyn Sink) -> Result<()> {
        if !self.started {
            let items = self
                .items
                .as_ref()
                .map(|items| items.get(&stage).copied().unwrap_or(0));
            sink.stage(stage, items)?;
            self.started = true;
        }
        Ok(())
    }

    fn next_stage(&mut self, sink: &mut dyn Sink) -> Result<()> {
        if let Some(&stage) = self.todo.front() {
            self.start(stage, sink)?;
            self.todo.pop_front();
            self.started = false;
        }
        Ok(())
    }

    fn stuck(&self) -> Error {
        Error::archive(format!(
            "{}: {} has no sidecar in assets/metadata",
            self.archive,
            self.waiting.as_deref().unwrap_or("a file")
        ))
        .hint("make a new export. Nothing was changed")
    }
}
