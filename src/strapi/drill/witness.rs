//! What passes by on its way in and on its way out, written down a few bytes each: in a database, so that memory stays
//! flat, and SQLite does the sorting.

use super::canonical::{self, DIGEST, shortened};
use super::differences::{How, LISTED};
use super::links;
use super::media::without_far_logos;
use crate::database::{Connection, Inserter, Sqlite, Stop, Timeouts, Value};
use crate::error::{Error, Result};
use crate::model::canonical::{compact, scalar};
use crate::model::{ConfigItem, ConfigKind, Fields, Link, Schemas, Stage, json};
use crate::strapi::core_store::{PROJECT_SETTINGS, TOKEN_KEY, column_scalar};
use crate::strapi::models::Models;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// The table.
const TABLE: &str = "passed";
/// Its columns.
const COLUMNS: [&str; 7] = ["side", "kind", "name", "own", "digest", "parts", "detail"];

/// Which way things go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Into the site.
    In,
    /// Out of it.
    Out,
}

/// What sort of thing passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A row of a content type; its name is type and id.
    Row,
    /// A component; its name is the way to it from its row, its own number its id, the detail its type.
    Component,
    /// Where a file is served: the name is its row and format, the detail provider and url.
    Url,
    /// A file; its name is its own.
    File,
    /// A link; see [`links`].
    Link,
    /// A link of a relation that shares its table with another one.
    SharedLink,
    /// A link that is made from its rows.
    MadeLink,
    /// A row of the configuration.
    Setting,
}

/// What is wrong with what went in, seen by itself.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Of which sort and name it is, and what is wrong: the first ones.
    pub list: Vec<(Sort, String, How)>,
    /// How many there are.
    pub count: u64,
    /// Values that SQLite holds, and other databases refuse.
    pub foreign: u64,
}

impl Findings {
    fn add(&mut self, sort: Sort, name: &str, how: impl FnOnce() -> How) {
        self.count += 1;
        if self.list.len() < LISTED {
            self.list.push((sort, name.to_owned(), how()));
        }
    }
}

impl Sort {
    const ALL: [Self; 8] = [
        Self::Row,
        Self::Component,
        Self::Url,
        Self::File,
        Self::Link,
        Self::SharedLink,
        Self::MadeLink,
        Self::Setting,
    ];

    fn of_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| *sort as i64 == number)
    }

    /// The stage that such things are of.
    pub fn stage(self) -> Stage {
        match self {
            Self::Row | Self::Component | Self::Url => Stage::Entities,
            Self::File => Stage::Assets,
            Self::Link | Self::SharedLink | Self::MadeLink => Stage::Links,
            Self::Setting => Stage::Configuration,
        }
    }
}

/// Something that did not pass as often in one direction as in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    pub sort: Sort,
    pub name: String,
    pub own: i64,
    pub digest: Vec<u8>,
    pub parts: Vec<u8>,
    pub detail: String,
    /// How often it went in.
    pub into: i64,
    /// How often it came out.
    pub out: i64,
}

/// Writes down what passes by.
pub(super) struct Witness {
    database: Box<dyn Connection>,
    side: Side,
    /// While something is being written down.
    inserter: Option<Inserter>,
    pub models: Models,
    pub schemas: Arc<Schemas>,
    /// What is wrong with what went in.
    pub findings: Findings,
}

/// What is written down of something.
pub(super) struct Record<'a> {
    pub sort: Sort,
    pub name: &'a str,
    pub own: i64,
    pub digest: [u8; DIGEST],
    pub parts: Vec<u8>,
    pub detail: &'a str,
}

impl Witness {
    /// One of a site with these models, that writes to this file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn new(file: &Path, models: Models, schemas: Arc<Schemas>, stop: &Stop) -> Result<Self> {
        File::create_new(file).map_err(|error| Error::io("make", file, error))?;
        let mut database = Sqlite::open_to_write(file, Timeouts::default())?;
        database.stop_with(stop);
        database.execute(
            &format!("CREATE TABLE {TABLE} ({})", COLUMNS.join(", ")),
            &[],
        )?;
        Ok(Self {
            database: Box::new(database),
            side: Side::In,
            inserter: None,
            models,
            schemas,
            findings: Findings::default(),
        })
    }

    /// From here on things go this way.
    ///
    /// # Errors
    /// What passed before could not be written down.
    pub fn begin(&mut self, side: Side) -> Result<()> {
        self.end()?;
        self.database.begin_write()?;
        let columns = COLUMNS.map(str::to_owned);
        self.inserter = Some(self.database.inserter(TABLE, &columns)?);
        self.side = side;
        Ok(())
    }

    /// Nothing passes any more.
    ///
    /// # Errors
    /// What passed could not be written down.
    pub fn end(&mut self) -> Result<()> {
        match self.inserter.take() {
            Some(_) => self.database.commit(),
            None => Ok(()),
        }
    }

    /// Hands over what did not pass as often in one direction as in the other: by sort and name, that which went in
    /// before that which came out.
    ///
    /// # Errors
    /// What was written down cannot be read, or `each` fails.
    pub fn odd(&mut self, each: &mut dyn FnMut(Odd) -> Result<()>) -> Result<()> {
        let sql = format!(
            "SELECT kind, name, own, digest, max(parts), max(detail), sum(side = 0), sum(side = 1) FROM {TABLE} \
             GROUP BY kind, name, own, digest HAVING sum(side = 0) <> sum(side = 1) \
             ORDER BY kind, name, sum(side = 0) = 0"
        );
        self.database.query(&sql, &[], &mut |row| {
            let number = |column| Ok::<_, Error>(row.value(column)?.as_i64().unwrap_or_default());
            let text = |column| {
                let value = row.value(column)?;
                Ok::<_, Error>(value.as_str().unwrap_or_default().to_owned())
            };
            let bytes = |column| match row.value(column)? {
                Value::Bytes(bytes) => Ok::<_, Error>(bytes.into_owned()),
                _ => Ok(Vec::new()),
            };
            let Some(sort) = Sort::of_number(number(0)?) else {
                return Ok(());
            };
            each(Odd {
                sort,
                name: text(1)?,
                own: number(2)?,
                digest: bytes(3)?,
                parts: bytes(4)?,
                detail: text(5)?,
                into: number(6)?,
                out: number(7)?,
            })
        })
    }

    /// Looks whether the values of a row or component that goes in are of their kinds.
    pub fn judge(&mut self, name: &str, row: &canonical::Row) {
        if self.side != Side::In {
            return;
        }
        self.findings.foreign += row.foreign;
        if !row.unfit.is_empty() {
            let how = || How::Unfit(row.unfit.clone());
            self.findings.add(Sort::Row, name, how);
        }
    }

    /// Looks whether a link that goes in is one of its relation. How many a row has of one is no sign of damage: in
    /// Strapi 5 it may have one to the draft of its only target, and one to what of that is published.
    fn judge_link(&mut self, link: &Link<'_>, name: &str) {
        if self.side != Side::In {
            return;
        }
        let (uid, attribute) = (&link.left.model, link.left.field.as_deref());
        let model = self.models.get(uid);
        let Some(relation) = model
            .zip(attribute)
            .and_then(|(it, name)| it.relation(name))
        else {
            return;
        };
        if !links::is_of(relation, uid, link.line) {
            self.findings.add(Sort::Link, name, || How::Foreign);
        }
    }

    /// Writes something down.
    pub fn write(&mut self, record: &Record<'_>) -> Result<()> {
        let Some(inserter) = self.inserter else {
            return Ok(());
        };
        let row = [
            Value::Integer(self.side as i64),
            Value::Integer(record.sort as i64),
            Value::from(record.name),
            Value::Integer(record.own),
            Value::Bytes(Cow::Borrowed(&record.digest)),
            Value::Bytes(Cow::Borrowed(&record.parts)),
            Value::from(record.detail),
        ];
        self.database.insert(inserter, &row)?;
        self.database.flush_if_full()
    }

    /// A file passes, whose content has this digest.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn file(&mut self, name: &str, digest: Sha256) -> Result<()> {
        self.write(&Record {
            sort: Sort::File,
            name,
            own: 0,
            digest: shortened(digest),
            parts: Vec::new(),
            detail: "",
        })
    }

    /// A link passes.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn link(&mut self, link: &Link<'_>) -> Result<()> {
        // What counts is the line: a source that has it need not say everything twice.
        let Ok(parsed) = Link::parse(link.line) else {
            return self.plain(Sort::Link, &links::name(link), link.line);
        };
        let link = &parsed;
        if let Some(name) = links::shared(&self.models, link) {
            return self.record(Sort::SharedLink, &name, "", "");
        }
        let sort = match links::is_made(&self.models, link) {
            true => Sort::MadeLink,
            false => Sort::Link,
        };
        let name = links::name(link);
        self.judge_link(link, &name);
        self.record(sort, &name, &links::places(link), "")
    }

    /// A row of the configuration passes.
    ///
    /// # Errors
    /// It cannot be written down.
    pub fn setting(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let kind = item.kind.as_str();
        let Ok(fields) = Fields::parse(item.value) else {
            return self.plain(Sort::Setting, kind, item.value);
        };
        let key = fields.text("key");
        if item.kind == ConfigKind::CoreStore && key.as_deref() == Some(TOKEN_KEY) {
            return Ok(());
        }
        let called = key.or_else(|| fields.text("name")).unwrap_or_default();
        let name = format!("{kind} {} {called}", fields.get("id").unwrap_or("?"));
        let mut members: Vec<(&str, &str)> = fields
            .0
            .iter()
            .map(|(name, value)| (name.as_ref(), *value))
            .filter(|(_, value)| *value != "null")
            .collect();
        members.sort_unstable();
        let mut text = String::new();
        for (member, value) in members {
            json::write_string(&mut text, member);
            text.push(':');
            let is_value = item.kind == ConfigKind::CoreStore && member == "value";
            match column_scalar(item.kind, member) {
                _ if is_value && called == PROJECT_SETTINGS => {
                    compact(&mut text, &without_far_logos(value));
                }
                Some(kind) if !is_value => scalar(&mut text, kind, value),
                _ => compact(&mut text, value),
            }
            text.push('\n');
        }
        self.record(Sort::Setting, &name, &text, "")
    }

    /// Writes down what nothing is known of.
    pub fn plain(&mut self, sort: Sort, name: &str, text: &str) -> Result<()> {
        self.record(sort, name, text, "")
    }

    /// Writes down something that is known by a text.
    pub fn record(&mut self, sort: Sort, name: &str, text: &str, detail: &str) -> Result<()> {
        self.write(&Record {
            sort,
            name,
            own: 0,
            digest: shortened(Sha256::new_with_prefix(text)),
            parts: Vec::new(),
            detail,
        })
    }
}
