//! `result.json`: what came of an export, known when all else of the archive is written.

use crate::model::Stage;
use crate::model::limits::{LONGEST_MESSAGE, LONGEST_RESULT, MOST_TYPES};
use crate::transfer::{Report, Warning, WarningKind};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// How many of the things that were left out are listed one by one.
const LISTED: usize = 1000;

/// The content of `result.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Whether all that exists was taken.
    pub status: Status,
    /// How much there is of each stage, by its name.
    #[serde(deserialize_with = "bounded")]
    pub counts: BTreeMap<String, StageCount>,
    /// What was left out, or should be known, one by one.
    #[serde(deserialize_with = "listed")]
    pub warnings: Vec<Told>,
    /// How many warnings there were beside those.
    pub more_warnings: u64,
}

/// Whether all that exists was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// It was.
    Complete,
    /// Something could not be taken.
    Incomplete,
}

/// How much there is of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageCount {
    /// Lines or files.
    pub items: u64,
    /// Entities by content type, assets by extension, schemas by kind.
    #[serde(deserialize_with = "bounded")]
    pub types: BTreeMap<String, u64>,
}

/// A warning of the export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its kind: see [`WarningKind::as_str`](crate::transfer::WarningKind::as_str).
    pub kind: String,
    /// How many things it stands for.
    pub count: u64,
    /// What it says.
    pub message: String,
}

/// Reads no more members than there are content types in an archive: small ones take many times their
/// text in memory.
fn bounded<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Members<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = BTreeMap::new();
            while let Some((name, value)) = map.next_entry()? {
                members.insert(name, value);
                if members.len() > MOST_TYPES {
                    return Err(A::Error::custom(format_args!(
                        "it has more than the {MOST_TYPES} counts that it may have"
                    )));
                }
            }
            Ok(members)
        }
    }
    deserializer.deserialize_map(Members(PhantomData))
}

/// Reads no more warnings than are listed.
fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Told>, D::Error> {
    struct Elements;
    impl<'de> Visitor<'de> for Elements {
        type Value = Vec<Told>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(told) = elements.next_element()? {
                list.push(told);
                if list.len() > LISTED {
                    return Err(A::Error::custom(format_args!(
                        "it has more than the {LISTED} warnings that it may have"
                    )));
                }
            }
            Ok(list)
        }
    }
    deserializer.deserialize_seq(Elements)
}

impl Told {
    /// Whether it stands for something that exists and could not be taken.
    pub fn is_incomplete(&self) -> bool {
        WarningKind::from_name(&self.kind).is_none_or(WarningKind::is_incomplete)
    }
}

impl Outcome {
    /// What came of an export.
    pub(super) fn new(report: &Report, warnings: Warnings) -> Self {
        Self {
            status: if report.is_incomplete() {
                Status::Incomplete
            } else {
                Status::Complete
            },
            counts: report
                .stages
                .iter()
                .map(|(stage, report)| {
                    let types = report
                        .groups
                        .iter()
                        .map(|(name, count)| (name.clone(), count.items));
                    let count = StageCount {
                        items: report.total.items,
                        types: types.collect(),
                    };
                    (stage.to_string(), count)
                })
                .collect(),
            warnings: warnings.list,
            more_warnings: warnings.more,
        }
    }

    /// The content of `result.json`, with as many of the warnings as there is room for.
    pub(super) fn into_json(mut self) -> String {
        loop {
            let text = serde_json::to_string_pretty(&self).expect("strings and numbers serialise");
            let is_short = text.len() as u64 <= LONGEST_RESULT;
            if is_short || !self.make_shorter() {
                return text;
            }
        }
    }

    /// Leaves out what is long: extensions of files may be anything, and messages half escapes. Gives whether
    /// there was something.
    fn make_shorter(&mut self) -> bool {
        let files = self.counts.get_mut(Stage::Assets.as_str());
        if let Some(files) = files.filter(|files| !files.types.is_empty()) {
            files.types.clear();
            return true;
        }
        let left = self.warnings.len() / 2;
        self.more_warnings += self.warnings.drain(left..).count() as u64;
        left > 0
    }

    /// Whether something that exists could not be taken.
    pub fn is_incomplete(&self) -> bool {
        self.status == Status::Incomplete
    }

    /// The first of what could not be taken and how many more there are, where something could not.
    pub fn shortfall(&self) -> Option<String> {
        if !self.is_incomplete() {
            return None;
        }
        let mut losses = self.warnings.iter().filter(|told| told.is_incomplete());
        let Some(first) = losses.next() else {
            return Some("result.json in it says why".into());
        };
        let more = losses.count() as u64 + self.more_warnings;
        Some(match more {
            0 => first.message.clone(),
            more => format!(
                "{}; and {more} more, which `backup verify` lists",
                first.message
            ),
        })
    }

    /// How many items a stage has.
    pub(super) fn items(&self, stage: Stage) -> u64 {
        self.counts
            .get(stage.as_str())
            .map_or(0, |count| count.items)
    }

    /// How many entities of a content type there are.
    pub(super) fn entities(&self, uid: &str) -> u64 {
        self.counts
            .get(Stage::Entities.as_str())
            .and_then(|count| count.types.get(uid))
            .copied()
            .unwrap_or(0)
    }
}

/// The warnings of an export, as far as `result.json` lists them.
#[derive(Default)]
pub(super) struct Warnings {
    list: Vec<Told>,
    /// How many of them are none of what could not be taken.
    notes: usize,
    more: u64,
}

impl Warnings {
    /// Adds one. Where there is no room for all, what could not be taken goes before notes.
    pub fn add(&mut self, warning: &Warning) {
        let told = Told {
            kind: warning.kind.as_str().into(),
            count: warning.count,
            message: shortened(warning.to_string()),
        };
        if self.list.len() < LISTED {
            self.notes += usize::from(!told.is_incomplete());
            self.list.push(told);
            return;
        }
        self.more += 1;
        if told.is_incomplete() && self.notes > 0 {
            let note = self.list.iter().rposition(|told| !told.is_incomplete());
            self.list.remove(note.unwrap_or(LISTED - 1));
            self.list.push(told);
            self.notes -= 1;
        }
    }
}

/// A message of bounded length, whatever names from a database it holds.
fn shortened(mut message: String) -> String {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push_str("...");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::Subject;

    #[test]
    fn notes_make_room_for_what_could_not_be_taken() {
        let mut warnings = Warnings::default();
        let mut add = |kind, name: &str| {
            warnings.add(&Warning::new(kind, Subject::Table(name.into()), "why"));
        };
        for number in 0..LISTED {
            add(WarningKind::Notice, &number.to_string());
        }
        add(WarningKind::Unreadable, "lost");
        add(WarningKind::Notice, "late");
        assert_eq!(warnings.list.len(), LISTED);
        assert_eq!(warnings.more, 2);
        let last = warnings.list.last().expect("one");
        assert!(last.message.contains("lost"), "{last:?}");
    }

    #[test]
    fn a_result_is_no_longer_than_it_may_be() {
        let told = Told {
            kind: "notice".into(),
            count: 1,
            message: "\u{1}".repeat(LONGEST_MESSAGE),
        };
        let extensions = (0..40_000).map(|number| (format!(".{number:0>200}"), 1));
        let files = StageCount {
            items: 40_000,
            types: extensions.collect(),
        };
        let outcome = Outcome {
            status: Status::Incomplete,
            counts: [("assets".to_owned(), files)].into(),
            warnings: vec![told; 2 * LISTED],
            more_warnings: 5,
        };
        let text = outcome.into_json();
        assert!(text.len() as u64 <= LONGEST_RESULT);
        let back: Outcome = serde_json::from_str(&text).expect("a result");
        assert_eq!(
            (back.warnings.len(), back.more_warnings),
            (LISTED, 5 + LISTED as u64)
        );
        assert_eq!(back.items(Stage::Assets), 40_000);
    }
}
