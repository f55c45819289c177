//! The summary of a run: the one JSON document that is printed, given to hooks, and laid beside an archive as
//! `NAME.summary.json`. docs/STORES.md describes it.

mod compared;
mod pruned;
mod warnings;

pub use compared::{ChangesFacts, ComparedFacts, SideFacts};
pub use pruned::{DecidedFacts, PrunedFacts, StockedFacts, UnremovedFacts};
pub use warnings::{Remembering, WarningFacts, WarningList};

use super::{Description, Report};
use crate::calendar::in_seconds;
use crate::error::{Error, Kind, Result};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number of the format that is written.
const FORMAT: u32 = 1;
/// Who writes it.
const PROGRAM: &str = "backup";
/// What the name of a summary has behind that of its archive.
const EXTENSION: &str = ".summary.json";

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The number of the format.
    pub format: u32,
    /// The program that ran: `backup`.
    pub program: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The verb: `export`, `import`, ...
    pub command: String,
    /// How it ended.
    pub status: Status,
    /// The exit code.
    pub exit_code: u8,
    /// What went wrong, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// What is wrong with the archive, where that was checked to its end: up to a hundred faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Failure>,
    /// How many faults there were beside those.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub faults_left_out: u64,
    /// The archive that was written or read, as far as it is known.
    #[serde(default)]
    pub archive: Option<ArchiveFacts>,
    /// The project.
    #[serde(default)]
    pub project: Option<String>,
    /// Where the data came from, where `--from` said it: the URL of a running Strapi, or the folder of a project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it went, where `--to` said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The archive with what a running Strapi held before, where that stays: its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_copy: Option<String>,
    /// The version of Strapi.
    #[serde(default)]
    pub strapi: Option<String>,
    /// The kind of database the data was read from: `sqlite`, `postgres`, `mysql`.
    #[serde(default)]
    pub database: Option<String>,
    /// Whether all of it is from one moment.
    #[serde(default)]
    pub consistent: Option<bool>,
    /// When the run began, in UTC: RFC 3339.
    #[serde(default)]
    pub started: Option<String>,
    /// When it ended.
    #[serde(default)]
    pub finished: Option<String>,
    /// How much there was of each stage, by its name.
    #[serde(default)]
    pub stages: BTreeMap<String, StageFacts>,
    /// How much of each stage came back, where that was tried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<BTreeMap<String, StageFacts>>,
    /// What became of older archives, where the run pruned them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<PrunedFacts>,
    /// What came of a comparison, where the run was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<ComparedFacts>,
    /// What was left out, or should be known, one by one.
    #[serde(default)]
    pub warnings: Vec<WarningFacts>,
    /// How many warnings there were beside those.
    #[serde(default)]
    pub warnings_left_out: u64,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// With all that exists; a comparison also where it found differences.
    Complete,
    /// Something could not be taken (exit code 3).
    Incomplete,
    /// Not at all.
    Failed,
}

impl Status {
    /// What an exit code says.
    fn of(exit_code: u8) -> Self {
        match exit_code {
            0 | 7 => Self::Complete,
            3 => Self::Incomplete,
            _ => Self::Failed,
        }
    }
}

/// An error, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed, and where.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(default)]
    pub advice: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        Self {
            message: error.to_string(),
            advice: error.advice().map(str::to_owned),
        }
    }
}

/// An archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFacts {
    /// Its name, without the folder or prefix it lies in.
    pub name: String,
    /// How many bytes it has, where that is known.
    #[serde(default)]
    pub size: Option<u64>,
    /// The SHA-256 of these, in hexadecimal digits, where it was worked out.
    #[serde(default)]
    pub sha256: Option<String>,
    /// What it is known by where it lies, if the place keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Whether it is encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// The cipher, where it is: `strapi`, `age`.
    #[serde(default)]
    pub cipher: Option<String>,
    /// To how many recipients it was encrypted, where it was written to such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipients: Option<usize>,
    /// Whether it is compressed.
    #[serde(default)]
    pub compressed: bool,
}

/// How much there was of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageFacts {
    /// Rows, links or files.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Entities by content type, files by extension, schemas by kind.
    #[serde(default)]
    pub groups: BTreeMap<String, GroupFacts>,
}

/// How much there was of a part of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Rows or files.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Summary {
    /// How many bytes one may have that is read: far more than any that is written.
    pub const LONGEST: u64 = 16 << 20;

    /// What the summary of an archive of this name is called.
    pub fn name_for(archive: &str) -> String {
        format!("{archive}{EXTENSION}")
    }

    /// The name of the archive whose summary has this name; `None` where it is no name of a summary.
    pub fn archive_of(name: &str) -> Option<&str> {
        name.strip_suffix(EXTENSION).filter(|name| !name.is_empty())
    }

    /// Whether it is of an archive of this name.
    pub fn names(&self, archive: &str) -> bool {
        let facts = self.archive.as_ref();
        facts.is_some_and(|facts| facts.name == archive)
    }

    /// Of a run of this verb that began at `started` and ends now, with this exit code.
    pub fn new(command: &str, started: Timestamp, exit_code: u8) -> Self {
        Self {
            format: FORMAT,
            program: PROGRAM.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: command.into(),
            status: Status::of(exit_code),
            exit_code,
            error: None,
            faults: Vec::new(),
            faults_left_out: 0,
            archive: None,
            project: None,
            from: None,
            to: None,
            safety_copy: None,
            strapi: None,
            database: None,
            consistent: None,
            started: Some(in_seconds(started)),
            finished: Some(in_seconds(Timestamp::now())),
            stages: BTreeMap::new(),
            returned: None,
            pruned: None,
            compared: None,
            warnings: Vec::new(),
            warnings_left_out: 0,
        }
    }

    /// The run ends now, with this exit code.
    pub fn end(&mut self, exit_code: u8) {
        self.exit_code = exit_code;
        self.status = Status::of(exit_code);
        self.finished = Some(in_seconds(Timestamp::now()));
    }

    /// Takes over what came of a transfer.
    pub fn report(&mut self, report: &Report) {
        self.stages = stages(report);
    }

    /// Takes over what came back of it.
    pub fn return_of(&mut self, report: &Report) {
        self.returned = Some(stages(report));
    }

    /// Takes over what the source of the transfer says of itself.
    pub fn source(&mut self, source: &Description) {
        let metadata = source.metadata.as_ref();
        self.strapi = metadata.map(|metadata| metadata.strapi.version.clone());
        if let Some(provenance) = &source.provenance {
            self.database.clone_from(&provenance.database);
            self.consistent = Some(provenance.is_consistent);
        }
    }

    /// Takes over the warnings of the transfer.
    pub fn warn(&mut self, warnings: WarningList) {
        (self.warnings, self.warnings_left_out) = warnings.into_parts();
    }

    /// Says what went wrong.
    pub fn fail(&mut self, error: &Error) {
        self.error = Some(Failure::from(error));
    }

    /// The document, in one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers serialise")
    }

    /// Reads the document that is called `name`. Members that are not known are passed over.
    ///
    /// # Errors
    /// Kind [`Version`](Kind::Version) where it is in a newer format; kind [`Archive`](Kind::Archive) where it is no
    /// summary.
    pub fn parse(text: &[u8], name: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Header {
            format: u32,
            program: String,
        }
        let fail = |why: &dyn std::fmt::Display| {
            Error::archive(format!("{name} is no summary of a backup: {why}"))
        };
        let header: Header = serde_json::from_slice(text).map_err(|error| fail(&error))?;
        if header.program != PROGRAM {
            return Err(fail(&"another program wrote it"));
        }
        if header.format > FORMAT {
            return Err(Error::new(
                Kind::Version,
                format!(
                    "{name} is in format {}; this program knows up to {FORMAT}",
                    header.format
                ),
            )
            .hint("use the version of backup that wrote it, or a newer one"));
        }
        serde_json::from_slice(text).map_err(|error| fail(&error))
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The stages of a report, by name.
fn stages(report: &Report) -> BTreeMap<String, StageFacts> {
    let stages = report.stages.iter();
    stages
        .map(|(stage, report)| {
            let groups = report.groups.iter().map(|(name, count)| {
                let facts = GroupFacts {
                    count: count.items,
                    bytes: count.bytes,
                };
                (name.clone(), facts)
            });
            let facts = StageFacts {
                count: report.total.items,
                bytes: report.total.bytes,
                groups: groups.collect(),
            };
            (stage.to_string(), facts)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stage;
    use crate::transfer::{
        Count, Event, Observer, Silent, StageReport, Subject, Warning, WarningKind,
    };

    #[test]
    fn a_summary_comes_back_as_it_was_written_and_with_members_that_nobody_knows() {
        let mut report = Report::default();
        let count = Count { items: 2, bytes: 9 };
        let stage = StageReport {
            total: count,
            groups: [("api::a.a".to_owned(), count)].into(),
        };
        report.stages.insert(Stage::Entities, stage);
        let watch = Remembering::new(&Silent);
        let subject = Subject::Table("articles".into());
        let warning = Warning::new(WarningKind::Unreadable, subject, "why").times(3);
        watch.on(Event::Warned(&warning));
        let mut summary = Summary::new("export", Timestamp::UNIX_EPOCH, 3);
        summary.report(&report);
        summary.warn(watch.warnings());
        summary.archive = Some(ArchiveFacts {
            name: "site.tar".into(),
            size: Some(5),
            sha256: Some("ab".into()),
            id: Some("cd".into()),
            encrypted: false,
            cipher: None,
            recipients: Some(2),
            compressed: false,
        });
        assert_eq!(summary.status, Status::Incomplete);
        assert_eq!(summary.started.as_deref(), Some("1970-01-01T00:00:00Z"));
        let text = summary.to_json();
        let read = Summary::parse(text.as_bytes(), "x").expect("a summary");
        assert_eq!(read, summary);
        let more = text.replacen('{', r#"{"later": [1], "#, 1);
        assert_eq!(Summary::parse(more.as_bytes(), "x").expect("more"), summary);
    }

    #[test]
    fn what_is_no_summary_is_told_from_a_newer_one() {
        for text in [
            "",
            "{}",
            r#"{"format": 1, "program": "other"}"#,
            r#"{"format": 1, "program": "backup"}"#,
        ] {
            let error = Summary::parse(text.as_bytes(), "x").expect_err(text);
            assert_eq!(error.kind(), Kind::Archive, "{text}");
        }
        let newer = br#"{"format": 2, "program": "backup"}"#;
        let error = Summary::parse(newer, "x").expect_err("newer");
        assert_eq!(error.kind(), Kind::Version);
    }

    #[test]
    fn summaries_are_named_after_their_archives() {
        let name = Summary::name_for("site.tar.gz.enc");
        assert_eq!(name, "site.tar.gz.enc.summary.json");
        assert_eq!(Summary::archive_of(&name), Some("site.tar.gz.enc"));
        assert_eq!(Summary::archive_of("site.json"), None);
        assert_eq!(Summary::archive_of(".summary.json"), None);
    }
}
