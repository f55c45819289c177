//! What a transfer left out, or its user should know, as data: kind, what, how often, why.

use crate::model::{Short, Stage};
use std::fmt;

/// Why the result of a transfer is not simply its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WarningKind {
    /// A file of the media library is in the database but not on disk, or not readable.
    MissingAsset,
    /// A file changed while it was read.
    ChangedAsset,
    /// A value is not of the kind that its column is for, such as a text where an id belongs.
    Unreadable,
    /// A value that no archive can hold as it is.
    NotKept,
    /// The destination has no place for something: a type, an attribute, a value.
    Lost,
    /// Links point at rows that do not exist; the site itself lacks these.
    OrphanLink,
    /// Something the user should know; nothing is missing because of it.
    Notice,
}

impl WarningKind {
    /// Whether something that exists could not be taken, which makes the result incomplete (exit
    /// code 3). What the site itself lacks does not.
    pub fn is_incomplete(self) -> bool {
        match self {
            Self::MissingAsset
            | Self::ChangedAsset
            | Self::Unreadable
            | Self::NotKept
            | Self::Lost => true,
            Self::OrphanLink | Self::Notice => false,
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::MissingAsset,
            Self::ChangedAsset,
            Self::Unreadable,
            Self::NotKept,
            Self::Lost,
            Self::OrphanLink,
            Self::Notice,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == name)
    }

    /// The name in `result.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingAsset => "missingAsset",
            Self::ChangedAsset => "changedAsset",
            Self::Unreadable => "unreadable",
            Self::NotKept => "notKept",
            Self::Lost => "lost",
            Self::OrphanLink => "orphanLink",
            Self::Notice => "notice",
        }
    }
}

/// What a warning is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A whole stage.
    Stage(Stage),
    /// A content type.
    ContentType(String),
    /// An attribute of a content type or component.
    Attribute {
        /// The content type or component.
        uid: String,
        /// The attribute.
        attribute: String,
    },
    /// A component.
    Component(String),
    /// A custom field, in components.
    CustomField(String),
    /// Components in an attribute.
    ComponentsIn {
        /// The content type or component that holds them.
        uid: String,
        /// The attribute.
        attribute: String,
    },
    /// The links of an attribute.
    LinksOf {
        /// The content type or component that owns them.
        uid: String,
        /// The attribute.
        attribute: String,
    },
    /// A file of the media library.
    File {
        /// The row of `plugin::upload.file`.
        id: i64,
        /// The format (`thumbnail`, ...), where it is one.
        format: Option<String>,
        /// Hash and extension.
        filename: String,
    },
    /// Rows of `plugin::upload.file` without their files.
    Files,
    /// Files that this upload provider keeps.
    FilesOf(String),
    /// A column of the core store or the webhooks.
    Setting {
        /// `core-store` or `webhook`.
        kind: &'static str,
        /// The column, or the key of a row.
        name: String,
    },
    /// A table of the database.
    Table(String),
    /// A column of a table.
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A file or folder.
    Path(String),
    /// An entry of an archive.
    Entry(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(stage) => write!(f, "the {stage}"),
            Self::ContentType(uid) => write!(f, "the content type {}", Short(uid)),
            Self::CustomField(uid) => write!(f, "the custom field {}", Short(uid)),
            Self::Component(uid) => write!(f, "the component {}", Short(uid)),
            Self::Attribute { uid, attribute } => {
                write!(f, "attribute `{}` of {}", Short(attribute), Short(uid))
            }
            Self::ComponentsIn { uid, attribute } => {
                write!(
                    f,
                    "a component in attribute `{}` of {}",
                    Short(attribute),
                    Short(uid)
                )
            }
            Self::LinksOf { uid, attribute } => {
                write!(f, "links of `{}` of {}", Short(attribute), Short(uid))
            }
            Self::File {
                id,
                format,
                filename,
            } => {
                write!(f, "plugin::upload.file {id}")?;
                if let Some(format) = format {
                    write!(f, ", format {format}")?;
                }
                write!(f, " ({filename})")
            }
            Self::Files => f.write_str("files of plugin::upload.file"),
            Self::FilesOf(provider) => write!(f, "files of the provider `{}`", Short(provider)),
            Self::Setting { kind, name } => write!(f, "`{}` of the {kind}", Short(name)),
            Self::Table(name) => write!(f, "the table {name}"),
            Self::Column { table, column } => write!(f, "column `{column}` of the table {table}"),
            Self::Path(path) | Self::Entry(path) => f.write_str(path),
        }
    }
}

/// Something was left out, or the user should know of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Why it is told.
    pub kind: WarningKind,
    /// What it is about.
    pub subject: Subject,
    /// How many rows, files, links or values it stands for.
    pub count: u64,
    /// The cause, as half a sentence without a full stop.
    pub reason: String,
}

impl Warning {
    /// A warning about one thing.
    pub fn new(kind: WarningKind, subject: Subject, reason: impl Into<String>) -> Self {
        Self {
            kind,
            subject,
            count: 1,
            reason: reason.into(),
        }
    }

    /// The same about so many things of one kind.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}

/// How many warnings of one kind stand one by one where there may be any number; one more stands for the
/// others.
pub const MOST_OF_A_KIND: usize = 20;

/// How many things a warning names one by one, and how many bytes each name may have.
const NAMED: usize = 3;
const LONGEST_NAMED: usize = 500;

/// Things that one warning stands for: how many, and a few of them by name.
#[derive(Debug, Default)]
pub struct Examples {
    count: u64,
    named: Vec<String>,
}

impl Examples {
    /// How many are named.
    pub const MOST: usize = NAMED;

    /// The same, of so many in all.
    #[must_use]
    pub fn of_all(self, count: u64) -> Self {
        Self { count, ..self }
    }

    /// Adds one; `name` is asked for the first few.
    pub fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED {
            let mut name = name();
            if name.len() > LONGEST_NAMED {
                name.truncate(name.floor_char_boundary(LONGEST_NAMED));
                name.push('…');
                name.shrink_to_fit();
            }
            self.named.push(name);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The warning that stands for all of them; `None` where there are none.
    pub fn warning(self, kind: WarningKind, subject: Subject) -> Option<Warning> {
        let more = if self.count > NAMED as u64 {
            "; ..."
        } else {
            ""
        };
        let reason = format!("{}{more}", self.named.join("; "));
        (self.count > 0).then(|| Warning::new(kind, subject, reason).times(self.count))
    }

    /// The note that Strapi's import refuses these values.
    pub fn of_foreign_values(self, subject: Subject) -> Option<Warning> {
        let note = self.warning(WarningKind::Notice, subject)?;
        let reason = format!(
            "`strapi import` refuses {} of its values, which `backup import` restores: {}",
            note.count, note.reason
        );
        Some(Warning { reason, ..note })
    }

    /// The note that these ids of a component stand in more than one place.
    pub fn of_shared_components(self, uid: &str) -> Option<Warning> {
        let note = self.warning(WarningKind::Notice, Subject::Component(uid.to_owned()))?;
        let reason = format!(
            "{} of its rows stand in a second place, and a restore gives each place its own row: {}",
            note.count, note.reason
        );
        Some(Warning { reason, ..note })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            subject,
            count,
            reason,
        } = self;
        match kind {
            WarningKind::MissingAsset if *subject == Subject::Files => write!(
                f,
                "the archive lacks {count} of the files that rows of plugin::upload.file name \
                 (rows {reason})"
            ),
            WarningKind::MissingAsset if matches!(subject, Subject::FilesOf(_)) => write!(
                f,
                "{subject}: {count} left out: this version does not read from there (rows {reason})"
            ),
            WarningKind::MissingAsset => write!(f, "{subject} is left out: {reason}"),
            WarningKind::OrphanLink | WarningKind::Unreadable => {
                write!(f, "{subject}: {count} left out: {reason}")
            }
            WarningKind::NotKept => write!(f, "{subject}: {count} not kept: {reason}"),
            WarningKind::Notice if matches!(subject, Subject::Stage(_)) => f.write_str(reason),
            WarningKind::Lost if *subject == Subject::Files => {
                write!(f, "{subject}: {count} left out: {reason}")
            }
            WarningKind::Lost => write!(f, "{reason} {subject}: {count} left out"),
            WarningKind::ChangedAsset | WarningKind::Notice => write!(f, "{subject}: {reason}"),
        }
    }
}
