//! The parts of a portrait.

use crate::archive::{ArchiveSource, Lock, Maker, Outcome, Protection, Shard, Told};
use crate::calendar::in_seconds;
use crate::inventory::Outside;
use crate::transfer::summary::{GroupFacts, StageFacts, Summary};
use crate::transfer::{Count, LargeEntity, LargeFile, Scope, StageReport};
use serde::Serialize;

/// What is to be said of an archive in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing that exists is missing from it, and nothing was seen that is wrong with it.
    Complete,
    /// Something that exists is missing from it.
    Incomplete,
    /// It is not as it was written.
    Damaged,
    /// It is encrypted, and was not opened.
    Sealed,
}

impl State {
    /// It in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Damaged => "damaged",
            Self::Sealed => "sealed",
        }
    }
}

/// What opens an archive that is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Opener {
    /// The key that it was encrypted with.
    Key,
    /// An identity of one of its recipients.
    Identity,
}

/// An archive where it lies.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlaceFacts {
    /// Its name, without the folder or prefix it lies in.
    pub name: String,
    /// Where it lies.
    pub location: String,
    /// How many bytes it has, where that is known.
    pub size: Option<u64>,
    /// When the file was written, in UTC: RFC 3339.
    pub written: Option<String>,
    /// When it was made by its name.
    pub dated: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// How.
    pub cipher: Option<&'static str>,
    /// What opens it, where it is encrypted.
    pub opens: Option<Opener>,
    /// Whether it is compressed, where that is known.
    pub compressed: Option<bool>,
    /// Whether it is a folder that holds an unpacked one.
    pub unpacked: bool,
}

impl PlaceFacts {
    /// Of an archive at this location, of which this is known from outside.
    pub fn new(location: &str, outside: &Outside) -> Self {
        let name = location.trim_end_matches('/').rsplit('/').next();
        Self {
            name: name.unwrap_or(location).to_owned(),
            location: location.to_owned(),
            size: outside.size,
            written: outside.written.map(in_seconds),
            dated: outside.dated.as_ref().map(|it| in_seconds(it.timestamp())),
            ..Self::default()
        }
    }

    /// It is encrypted, and not opened.
    #[must_use]
    pub fn sealed(mut self, size: Option<u64>, lock: Lock) -> Self {
        self.size = size.or(self.size);
        self.locked(Some(lock))
    }

    /// It is open.
    #[must_use]
    pub fn opened(mut self, archive: &ArchiveSource) -> Self {
        self.size = archive.length().or(self.size);
        self.compressed = Some(archive.is_compressed());
        self.unpacked = archive.is_unpacked();
        self.locked(archive.lock())
    }

    fn locked(mut self, lock: Option<Lock>) -> Self {
        self.encrypted = lock.is_some();
        self.cipher = lock.map(|lock| lock.cipher().as_str());
        self.opens = lock.map(|lock| match lock {
            Lock::Key(_) => Opener::Key,
            Lock::Identity => Opener::Identity,
        });
        self
    }
}

/// Who wrote an archive.
#[derive(Debug, Clone, Serialize)]
pub struct MakerFacts {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The number of the format.
    pub format: u32,
    /// What was asked for.
    pub filters: FilterFacts,
}

/// What was asked for when an archive was made.
#[derive(Debug, Clone, Serialize)]
pub struct FilterFacts {
    /// Only these groups of stages.
    pub only: Vec<String>,
    /// Not these.
    pub exclude: Vec<String>,
    /// Only these content types.
    pub only_content_types: Vec<String>,
    /// Not these.
    pub exclude_content_types: Vec<String>,
}

impl FilterFacts {
    /// What was asked for, as options say it; empty where it was everything.
    pub fn told(&self) -> String {
        let all = [
            ("--only", &self.only),
            ("--exclude", &self.exclude),
            ("--only-content-types", &self.only_content_types),
            ("--exclude-content-types", &self.exclude_content_types),
        ];
        let given = all.iter().filter(|(_, list)| !list.is_empty());
        let given = given.map(|(option, list)| format!("{option} {}", list.join(",")));
        given.collect::<Vec<_>>().join(" ")
    }
}

impl From<Maker> for MakerFacts {
    fn from(maker: Maker) -> Self {
        Self {
            program: maker.program,
            version: maker.version,
            format: maker.format,
            filters: FilterFacts {
                only: maker.only,
                exclude: maker.exclude,
                only_content_types: maker.only_content_types,
                exclude_content_types: maker.exclude_content_types,
            },
        }
    }
}

/// What an archive was made from.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeFacts {
    /// The stages.
    pub stages: Vec<String>,
    /// The content types.
    pub types: Vec<String>,
}

impl From<&Scope> for ScopeFacts {
    fn from(scope: &Scope) -> Self {
        Self {
            stages: scope.stages.iter().map(ToString::to_string).collect(),
            types: scope.types.iter().cloned().collect(),
        }
    }
}

/// What protects the bytes of an archive.
#[derive(Debug, Clone, Serialize)]
pub struct ProtectionFacts {
    /// How many entries were held against the digests that it lists; `None` where it lists none.
    pub checksums: Option<u64>,
    /// Whether the list was written by somebody who knew the key.
    pub authenticated: bool,
    /// Whether the entries stand in another order than in that list.
    pub reordered: bool,
}

impl From<&Protection> for ProtectionFacts {
    fn from(protection: &Protection) -> Self {
        Self {
            checksums: protection.digests,
            authenticated: protection.is_authenticated,
            reordered: protection.is_reordered,
        }
    }
}

/// What came of an export.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomeFacts {
    /// Whether something that exists could not be taken.
    pub incomplete: bool,
    /// What it told of.
    pub warnings: Vec<ToldFacts>,
    /// How many more there were.
    pub warnings_left_out: u64,
}

/// A warning of an export.
#[derive(Debug, Clone, Serialize)]
pub struct ToldFacts {
    /// Its kind.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// How many things it stands for.
    pub times: u64,
    /// Whether it stands for something that exists and could not be taken.
    pub incomplete: bool,
}

impl From<&Told> for ToldFacts {
    fn from(told: &Told) -> Self {
        Self {
            kind: told.kind.clone(),
            message: told.message.clone(),
            times: told.count,
            incomplete: told.is_incomplete(),
        }
    }
}

impl From<&Outcome> for OutcomeFacts {
    fn from(outcome: &Outcome) -> Self {
        Self {
            incomplete: outcome.is_incomplete(),
            warnings: outcome.warnings.iter().map(ToldFacts::from).collect(),
            warnings_left_out: outcome.more_warnings,
        }
    }
}

/// A file of lines.
#[derive(Debug, Clone, Serialize)]
pub struct ShardFacts {
    /// The name of its entry.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
}

impl From<&Shard> for ShardFacts {
    fn from(shard: &Shard) -> Self {
        Self {
            name: shard.name.clone(),
            bytes: shard.bytes,
            lines: shard.lines,
        }
    }
}

/// A large entity.
#[derive(Debug, Clone, Serialize)]
pub struct EntityFacts {
    /// Its content type.
    pub content_type: String,
    /// Its id.
    pub id: i64,
    /// Its document.
    pub document: Option<String>,
    /// What is most like a title in it.
    pub title: Option<String>,
    /// The bytes of its line.
    pub bytes: u64,
}

impl From<LargeEntity> for EntityFacts {
    fn from(large: LargeEntity) -> Self {
        Self {
            content_type: large.content_type,
            id: large.id,
            document: large.document,
            title: large.title,
            bytes: large.bytes,
        }
    }
}

/// A large file.
#[derive(Debug, Clone, Serialize)]
pub struct FileFacts {
    /// Its name on disk.
    pub file: String,
    /// The name that its user gave it.
    pub name: Option<String>,
    /// The row of `plugin::upload.file` that it belongs to.
    pub row: Option<i64>,
    /// Which of the formats of that row it is, if it is one.
    pub format: Option<String>,
    /// Its bytes.
    pub bytes: u64,
}

impl From<LargeFile> for FileFacts {
    fn from(large: LargeFile) -> Self {
        Self {
            file: large.file,
            name: large.name,
            row: large.row,
            format: large.format,
            bytes: large.bytes,
        }
    }
}

/// What the summary beside an archive says of it. Nobody proves that.
#[derive(Debug, Clone, Serialize)]
pub struct BesideFacts {
    /// Whether it is of a file of this name and size.
    pub fits: bool,
    /// Why it is not believed, if it is not.
    pub doubt: Option<String>,
    /// The summary, where it is one of an archive of this name.
    pub summary: Option<Summary>,
}

impl From<Count> for GroupFacts {
    fn from(count: Count) -> Self {
        Self {
            count: count.items,
            bytes: count.bytes,
        }
    }
}

impl From<&StageReport> for StageFacts {
    fn from(report: &StageReport) -> Self {
        let groups = report.groups.iter();
        Self {
            count: report.total.items,
            bytes: report.total.bytes,
            groups: groups
                .map(|(name, count)| (name.clone(), GroupFacts::from(*count)))
                .collect(),
        }
    }
}
