//! Differences, as people and programs are told of them.

use crate::model::Short;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How many attributes of one thing are named.
pub(super) const NAMED: usize = 50;

/// What is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// What became of it, from the first side to the second.
    pub change: Change,
    /// What it is.
    #[serde(flatten)]
    pub what: What,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The second side alone has it.
    Added,
    /// The first side alone has it.
    Removed,
    /// Both have it, and it is not the same.
    Changed,
    /// A link is at another position.
    Moved,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum What {
    /// Something in a schema.
    Schema {
        /// The content type or component.
        uid: String,
        /// The way to it, such as `attributes.title.type`.
        path: String,
        /// What the first side says, as JSON.
        before: Option<String>,
        /// What the second side says.
        after: Option<String>,
    },
    /// A content type or component.
    Type {
        /// Its uid.
        uid: String,
    },
    /// A row of a content type.
    Entity {
        /// The type.
        uid: String,
        /// Its id.
        id: i64,
        /// The id on the second side, where that is another one.
        #[serde(skip_serializing_if = "Option::is_none")]
        other_id: Option<i64>,
        /// Its document, where it has one.
        document: Option<String>,
        /// Its language, where it has one.
        locale: Option<String>,
        /// Whether it is published, where its type knows that.
        published: Option<bool>,
        /// The attributes that differ.
        #[serde(flatten)]
        which: Which,
    },
    /// A link.
    Link(Box<LinkFacts>),
    /// A file of the media library.
    File {
        /// Its name.
        name: String,
        /// `content`, `size`, or `description` and a member of it.
        #[serde(flatten)]
        which: Which,
    },
    /// A row of the configuration.
    Setting {
        /// `core-store` or `webhook`.
        setting: &'static str,
        /// Its key, or the name of the webhook.
        name: String,
        /// The members that differ.
        #[serde(flatten)]
        which: Which,
    },
}

/// Which parts of something differ.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Which {
    /// The first ones.
    pub which: Vec<String>,
    /// How many there are beside those.
    pub which_left_out: u64,
}

impl Which {
    pub(super) fn of(mut all: Vec<String>) -> Self {
        let left_out = all.len().saturating_sub(NAMED) as u64;
        all.truncate(NAMED);
        Self {
            which: all,
            which_left_out: left_out,
        }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkFacts {
    /// The end that owns it.
    pub left: LinkEndFacts,
    /// The other end.
    pub right: LinkEndFacts,
    /// Its positions at both ends, on the first side.
    pub before: [Option<f64>; 2],
    /// The same on the second side.
    pub after: [Option<f64>; 2],
}

/// One end of a link.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LinkEndFacts {
    /// The content type or component.
    pub uid: String,
    /// The id of the row, where links are known by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// The document, where they are known by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// The language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<bool>,
    /// The type of the row that holds it, and the way to it from there, where it is a component and known by that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The attribute.
    pub field: Option<String>,
}

impl What {
    /// The name of its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Schema { .. } => Kind::Schema,
            Self::Type { .. } => Kind::Type,
            Self::Entity { .. } => Kind::Entity,
            Self::Link(_) => Kind::Link,
            Self::File { .. } => Kind::File,
            Self::Setting { .. } => Kind::Setting,
        }
    }

    /// Under what it is counted.
    fn group(&self) -> &str {
        match self {
            Self::Schema { uid, .. } | Self::Type { uid } | Self::Entity { uid, .. } => uid,
            Self::Link(link) => &link.left.uid,
            Self::File { .. } => "",
            Self::Setting { setting, .. } => setting,
        }
    }
}

/// A kind of things that differ, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something in a schema.
    Schema,
    /// A content type or component.
    Type,
    /// A row.
    Entity,
    /// A link.
    Link,
    /// A file.
    File,
    /// A row of the configuration.
    Setting,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Schema,
        Self::Type,
        Self::Entity,
        Self::Link,
        Self::File,
        Self::Setting,
    ];

    /// Several of them, in a word.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Schema => "schemas",
            Self::Type => "types",
            Self::Entity => "entities",
            Self::Link => "links",
            Self::File => "files",
            Self::Setting => "configuration",
        }
    }
}

/// How many things differ, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The second side alone has them.
    pub added: u64,
    /// The first side alone has them.
    pub removed: u64,
    /// They are not the same.
    pub changed: u64,
    /// Links at other positions.
    pub moved: u64,
}

impl Changes {
    fn count(&mut self, change: Change) {
        let count = match change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Changed => &mut self.changed,
            Change::Moved => &mut self.moved,
        };
        *count += 1;
    }

    /// All of them.
    pub fn all(&self) -> u64 {
        self.added + self.removed + self.changed + self.moved
    }
}

/// How much differs of each kind, and of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of each kind by type; links by the type of their owner.
    pub kinds: BTreeMap<Kind, BTreeMap<String, Changes>>,
    /// Rows that are not told apart by what they are known by.
    pub twins: u64,
}

impl Tally {
    pub(super) fn count(&mut self, difference: &Difference) {
        let what = &difference.what;
        let groups = self.kinds.entry(what.kind()).or_default();
        if !groups.contains_key(what.group()) {
            groups.insert(what.group().to_owned(), Changes::default());
        }
        if let Some(changes) = groups.get_mut(what.group()) {
            changes.count(difference.change);
        }
    }

    /// How much differs of a kind.
    pub fn of(&self, kind: Kind) -> Changes {
        let mut sum = Changes::default();
        for changes in self.kinds.get(&kind).into_iter().flat_map(BTreeMap::values) {
            sum.added += changes.added;
            sum.removed += changes.removed;
            sum.changed += changes.changed;
            sum.moved += changes.moved;
        }
        sum
    }

    /// How much differs at all.
    pub fn all(&self) -> u64 {
        Kind::ALL.iter().map(|kind| self.of(*kind).all()).sum()
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            Change::Added => '+',
            Change::Removed => '-',
            Change::Changed | Change::Moved => '~',
        };
        write!(f, "{sign} {}", self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schema {
                uid,
                path,
                before,
                after,
            } => {
                write!(f, "schema of {}: {}", Short(uid), Short(path))?;
                match (before, after) {
                    (Some(before), Some(after)) => {
                        write!(f, ": {} became {}", Short(before), Short(after))
                    }
                    (Some(value), None) | (None, Some(value)) => write!(f, ": {}", Short(value)),
                    (None, None) => Ok(()),
                }
            }
            Self::Type { uid } => write!(f, "type {}", Short(uid)),
            Self::Entity {
                uid,
                id,
                other_id,
                document,
                locale,
                published,
                which,
            } => {
                write!(f, "{} {id}", Short(uid))?;
                if let Some(other) = other_id {
                    write!(f, " and {other}")?;
                }
                let about = about(document.as_deref(), locale.as_deref(), *published);
                if !about.is_empty() {
                    write!(f, " ({})", about.join(", "))?;
                }
                which.fmt(f)
            }
            Self::Link(link) => {
                let LinkFacts {
                    left,
                    right,
                    before,
                    after,
                } = link.as_ref();
                write!(f, "{left} -> {right}")?;
                let is_there = |positions: &[Option<f64>; 2]| positions.iter().any(Option::is_some);
                match is_there(before) && is_there(after) {
                    true => write!(f, ": {} became {}", shown(before), shown(after)),
                    false => Ok(()),
                }
            }
            Self::File { name, which } => write!(f, "{}{which}", Short(name)),
            Self::Setting {
                setting,
                name,
                which,
            } => write!(f, "{setting} {}{which}", Short(name)),
        }
    }
}

/// What is known of a row beside its type and id, for people.
fn about(document: Option<&str>, locale: Option<&str>, published: Option<bool>) -> Vec<String> {
    let state = published.map(|it| if it { "published" } else { "draft" });
    let known = [document, locale, state].into_iter().flatten();
    known.map(|it| Short(it).to_string()).collect()
}

/// Positions, for people.
fn shown(positions: &[Option<f64>; 2]) -> String {
    let one = |position: &Option<f64>| position.map_or("-".to_owned(), |it| it.to_string());
    match positions {
        [position @ Some(_), None] | [None, position @ Some(_)] => {
            format!("position {}", one(position))
        }
        [left, right] => format!("positions {} and {}", one(left), one(right)),
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.which.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = self.which.iter().map(|it| Short(it).to_string()).collect();
        write!(f, ": {}", names.join(", "))?;
        match self.which_left_out {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl fmt::Display for LinkEndFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Short(&self.uid))?;
        if let Some(id) = self.id {
            write!(f, " {id}")?;
        }
        if let Some(within) = &self.within {
            write!(f, " in {}", Short(within))?;
        }
        let (document, locale) = (self.document.as_deref(), self.locale.as_deref());
        let about = about(document, locale, self.published);
        if !about.is_empty() {
            write!(f, " {}", about.join(" "))?;
        }
        match &self.field {
            Some(field) => write!(f, " ({})", Short(field)),
            None => Ok(()),
        }
    }
}
