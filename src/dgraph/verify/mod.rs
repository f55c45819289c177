//! What is wrong with a set: everything that can be known without a server.
//!
//! Every file is read to its last byte, once. Which nodes there are is sorted on disk, so that memory stays flat.

mod uids;

use super::row::{Object, Row, TYPE, shown};
use super::scalar::misfit;
use super::schema::{Kind as Holds, Schema};
use super::set::{Content, Context, ExportSet, SetFile, dialect};
use super::{Dialect, Format, at};
use crate::checking::{Count, Event, Findings, Watch};
use crate::error::{Error, Kind, Result};
use std::collections::BTreeMap;
use std::path::Path;
use uids::{Found, Uids};

/// How many predicates, types and namespaces are counted one by one.
const COUNTED: usize = 10_000;
/// How long a name may be that is counted, in bytes.
const LONGEST_NAME: usize = 1 << 10;

/// What came of a check.
#[derive(Debug)]
pub struct Verdict {
    /// What is wrong.
    pub findings: Findings,
    /// What servers exported in a form that no loader takes.
    pub losses: Findings,
    /// What should be known.
    pub notes: Vec<String>,
    /// The dialect of the set.
    pub dialect: Dialect,
    /// All rows.
    pub rows: Count,
    /// The rows by namespace and predicate.
    pub predicates: BTreeMap<(u64, String), Count>,
    /// The nodes by namespace and type: a node may have several.
    pub types: BTreeMap<(u64, String), Count>,
    /// The rows by namespace.
    pub namespaces: BTreeMap<u64, Count>,
}

impl Verdict {
    /// The faults as one error, for whoever goes no further.
    ///
    /// # Errors
    /// Kind [`Archive`](Kind::Archive): there are some.
    pub fn check(&self) -> Result<()> {
        match self.findings.count() {
            0 => Ok(()),
            count => Err(Error::archive(format!(
                "{count} things are wrong with the export set"
            ))),
        }
    }

    /// Counts a row.
    fn count(&mut self, row: &Row) {
        let text = match &row.object {
            Object::Value { value, .. } => value.text.as_str(),
            Object::Edge(_) => "",
        };
        self.rows.add(text);
        if let Some(count) = entry(&mut self.namespaces, &row.namespace) {
            count.add(text);
        }
        add(&mut self.predicates, row.namespace, &row.predicate, text);
        if row.predicate == TYPE && !text.is_empty() {
            add(&mut self.types, row.namespace, text, "");
        }
    }
}

/// Where one of these is counted; `None` where there are too many.
fn entry<'m, K: Ord + Clone>(map: &'m mut BTreeMap<K, Count>, key: &K) -> Option<&'m mut Count> {
    if !map.contains_key(key) && map.len() < COUNTED {
        map.insert(key.clone(), Count::default());
    }
    map.get_mut(key)
}

fn add(map: &mut BTreeMap<(u64, String), Count>, namespace: u64, name: &str, text: &str) {
    if name.len() <= LONGEST_NAME {
        let key = (namespace, name.to_owned());
        if let Some(count) = entry(map, &key) {
            count.add(text);
        }
    }
}

/// Checks a set to its end. What is sorted goes to a file without a name in `scratch`.
///
/// # Errors
/// It cannot be read, the key does not open it, or the user wants the run to stop. What is wrong with it stands in the
/// verdict.
pub fn verify(set: &ExportSet, scratch: &Path, watch: &dyn Watch) -> Result<Verdict> {
    let mut findings = Findings::default();
    for fault in set.faults() {
        findings.add(Error::archive(fault));
    }
    let mut notes = Vec::new();
    for name in set.passed_over() {
        notes.push(format!(
            "{name} is no part of an export set, and is passed over"
        ));
    }
    let (mut schema, mut has_schema, mut graphql) = (Schema::default(), false, Vec::new());
    for file in set.files() {
        match file.content {
            Content::Schema => {
                if let Some(read) = sound(set.schema(file), &mut findings)? {
                    has_schema = true;
                    for why in schema.merge(read) {
                        findings.add(Error::archive(format!("{}: {why}", file.name)));
                    }
                }
            }
            Content::GraphQl => graphql.extend(sound(set.graphql(file), &mut findings)?),
            Content::Rows(_) => {}
        }
    }
    if !has_schema {
        notes.push("without a schema predicates and values are not checked".into());
    }
    let verdict = Verdict {
        findings,
        losses: Findings::default(),
        notes,
        dialect: dialect(&schema, &graphql),
        rows: Count::default(),
        predicates: BTreeMap::new(),
        types: BTreeMap::new(),
        namespaces: BTreeMap::new(),
    };
    let mut checker = Checker {
        set,
        schema: has_schema.then_some(&schema),
        verdict,
        uids: Uids::new(scratch),
        labels: 0,
        infinite: 0,
    };
    watch.on(Event::Began {
        what: "rows",
        items: None,
    });
    for (number, file) in set.files().iter().enumerate() {
        if let Content::Rows(format) = file.content {
            checker.read(number, file, format, watch)?;
        }
    }
    watch.on(Event::Ended);
    checker.finish()
}

/// What was read; what is wrong with it is noted, and the rest can be read nevertheless.
fn sound<T>(read: Result<T>, findings: &mut Findings) -> Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == Kind::Archive => {
            findings.add(error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

struct Checker<'a> {
    set: &'a ExportSet,
    schema: Option<&'a Schema>,
    verdict: Verdict,
    uids: Uids,
    /// Rows with a label of old servers.
    labels: u64,
    /// Values of RDF that JSON has no form for.
    infinite: u64,
}

impl Checker<'_> {
    /// Reads a file. Where its group is there in RDF as well, that has the same rows, and counts.
    fn read(
        &mut self,
        number: usize,
        file: &SetFile,
        format: Format,
        watch: &dyn Watch,
    ) -> Result<()> {
        let rdf = Content::Rows(Format::Rdf);
        let has_rdf = |it: &SetFile| it.group == file.group && it.content == rdf;
        let is_second = format == Format::Json && self.set.files().iter().any(has_rdf);
        if is_second {
            let note = format!(
                "{} has the rows of another file, and is not counted",
                file.name
            );
            self.verdict.notes.push(note);
        }
        let context = Context {
            schema: self.schema,
            dialect: self.verdict.dialect,
            group: file.group,
        };
        let Some(mut rows) = sound(self.set.rows(file, context), &mut self.verdict.findings)?
        else {
            return Ok(());
        };
        let mut no_numbers = 0;
        loop {
            let row = match sound(rows.next_row(), &mut self.verdict.findings)? {
                Some(Some(row)) => row,
                Some(None) => break,
                // It was noted; the end comes after it, or more rows.
                None => continue,
            };
            let line = rows.line();
            if rows.no_numbers() > no_numbers {
                no_numbers = rows.no_numbers();
                let why = "it has a number that is no JSON (+Inf, -Inf or NaN), so that no server loads the file as it is";
                let loss = at(&file.name, line, why);
                self.verdict
                    .losses
                    .add(loss.hint("export it as RDF, which has a form for it"));
            }
            if let Some(why) = self.fault(&row) {
                let why = format!("{}: {why}", row.about());
                self.verdict.findings.add(at(&file.name, line, why));
            }
            if !is_second {
                if let Object::Value { value, .. } = &row.object {
                    self.infinite += u64::from(format == Format::Rdf && value.is_no_number());
                }
                self.verdict.count(&row);
                let schema = self.schema;
                let predicate = schema.and_then(|it| it.predicate(row.namespace, &row.predicate));
                self.uids.push(&row, predicate, (number, line))?;
            }
            watch.on(Event::Advanced {
                items: 1,
                bytes: match &row.object {
                    Object::Value { value, .. } => value.text.len() as u64,
                    Object::Edge(_) => 0,
                },
            });
        }
        self.labels += rows.labels();
        Ok(())
    }

    /// What is wrong with a row.
    fn fault(&self, row: &Row) -> Option<String> {
        let schema = self.schema?;
        let Some(predicate) = schema.predicate(row.namespace, &row.predicate) else {
            return Some("the predicate is not in the schema".into());
        };
        let (value, language) = match (&predicate.kind, &row.object) {
            (Holds::Other(_), _) | (Holds::Uid, Object::Edge(_)) => return None,
            (Holds::Uid, Object::Value { .. }) => {
                return Some("it is a value, and the schema says that it links a node".into());
            }
            (Holds::Scalar(_), Object::Edge(_)) => {
                return Some("it links a node, and the schema says that it is a value".into());
            }
            (Holds::Scalar(_), Object::Value { value, language }) => (value, language),
        };
        if let Some(tag) = language.as_deref().filter(|_| !predicate.has("lang")) {
            let tag = shown(tag);
            return Some(format!(
                "it has the language {tag}, and the schema says of none"
            ));
        }
        let Holds::Scalar(scalar) = predicate.kind else {
            return None;
        };
        misfit(scalar, &value.text).map(str::to_owned)
    }

    fn finish(mut self) -> Result<Verdict> {
        let files = self.set.files();
        let told = |(file, line): (usize, u64)| {
            let name = files.get(file).map_or("", |it| it.name.as_str());
            format!("{name}, line {line}")
        };
        let Found { dangling, crowded } = self.uids.finish(self.set.interrupt())?;
        if let Some((about, place)) = crowded.first {
            let count = crowded.count;
            self.verdict.notes.push(format!(
                "{count} values stand beside another one of their node, and the schema has room for one: which of them a \
                 server keeps is not known; the first is of {about} ({})",
                told(place)
            ));
        }
        if let Some((node, place)) = dangling.first {
            let count = dangling.count;
            self.verdict.notes.push(format!(
                "{count} links go to nodes that have no rows in the set; the first to {node} ({})",
                told(place)
            ));
        }
        if self.labels > 0 {
            let count = self.labels;
            self.verdict.notes.push(format!(
                "{count} rows have a label of old servers, which is passed over"
            ));
        }
        if self.infinite > 0 {
            let count = self.infinite;
            self.verdict.notes.push(format!(
                "{count} floats are +Inf, -Inf or NaN, for which JSON has no form; RDF holds them"
            ));
        }
        Ok(self.verdict)
    }
}
