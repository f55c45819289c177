//! What a source sends, in numbers: how much of each stage and type, and what is largest. Memory is bounded by the
//! number of types, whatever comes.

use super::report::{Count, NO_EXTENSION, StageReport};
use super::{Description, Filter, Sink, Source, Warning};
use crate::error::{Error, Result};
use crate::model::limits::{LONGEST_FILE_NAME, LONGEST_TYPES, MOST_TYPES};
use crate::model::{Asset, ConfigItem, Entity, Fields, Link, ModelType, Schema, Stage};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

/// How many of the largest are kept.
const LARGEST: usize = 10;
/// How many extensions and media types are told apart, for these may be anything.
const MOST_KINDS: usize = 1000;
/// What those are called that are not told apart.
pub const OTHERS: &str = "others";
/// What the media type is called where a sidecar does not say one.
const NONE: &str = "none";
/// The attributes that are most like a title, the likeliest first.
const TITLES: [&str; 10] = [
    "title",
    "name",
    "headline",
    "heading",
    "label",
    "subject",
    "displayName",
    "display_name",
    "slug",
    "key",
];
/// How many bytes of a title or of another name are kept.
const LONGEST_TEXT: usize = 300;

/// What a source sends, in numbers.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Schemas by sort, entities by content type, files by extension, rows of the configuration by kind.
    pub stages: BTreeMap<Stage, StageReport>,
    /// Files by media type.
    pub media_types: BTreeMap<String, Count>,
    /// The largest entities, the largest first.
    pub largest_entities: Vec<LargeEntity>,
    /// The largest files, the largest first.
    pub largest_files: Vec<LargeFile>,
    /// How many bytes the names of the content types have.
    type_bytes: usize,
}

/// An entity that is large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeEntity {
    /// Its content type.
    pub content_type: String,
    /// Its id.
    pub id: i64,
    /// Its document, where it is of Strapi 5.
    pub document: Option<String>,
    /// What is most like a title in it.
    pub title: Option<String>,
    /// The bytes of its line.
    pub bytes: u64,
}

/// A file that is large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LargeFile {
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

/// What of a sidecar is told.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sidecar<'a> {
    id: Option<i64>,
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mime: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    format: Option<Cow<'a, str>>,
}

impl Contents {
    fn count(&mut self, stage: Stage, group: Option<&str>, bytes: u64) {
        let report = self.stages.entry(stage).or_default();
        report.total.add(bytes);
        let Some(group) = group else {
            return;
        };
        if let Some(count) = report.groups.get_mut(group) {
            count.add(bytes);
            return;
        }
        let has_room = match stage {
            Stage::Entities => {
                report.groups.len() < MOST_TYPES && self.type_bytes + group.len() <= LONGEST_TYPES
            }
            _ => report.groups.len() < MOST_KINDS,
        };
        let group = match has_room {
            true => group,
            false => OTHERS,
        };
        if stage == Stage::Entities && has_room {
            self.type_bytes += group.len();
        }
        let count = report.groups.entry(group.to_owned()).or_default();
        count.add(bytes);
    }

    fn entity(&mut self, entity: &Entity<'_>) {
        let bytes = entity.line.len() as u64;
        self.count(Stage::Entities, Some(entity.content_type), bytes);
        let Some(place) = place(&self.largest_entities, |it| it.bytes, bytes) else {
            return;
        };
        let fields = Fields::parse(entity.data).ok();
        let text = |name: &str| {
            let text = fields.as_ref()?.text(name)?;
            Some(text).filter(|text| !text.trim().is_empty())
        };
        let large = LargeEntity {
            content_type: shortened(entity.content_type),
            id: entity.id,
            document: text("documentId").as_deref().map(shortened),
            title: TITLES
                .iter()
                .find_map(|name| text(name))
                .as_deref()
                .map(shortened),
            bytes,
        };
        put(&mut self.largest_entities, place, large);
    }

    fn file(&mut self, asset: &Asset) {
        let sidecar: Sidecar<'_> = serde_json::from_str(&asset.sidecar).unwrap_or_default();
        self.count(
            Stage::Assets,
            Some(asset.extension().unwrap_or(NO_EXTENSION)),
            asset.size,
        );
        let mime = match sidecar.mime.as_deref() {
            None | Some("") => NONE,
            Some(mime) if mime.len() > LONGEST_FILE_NAME => OTHERS,
            Some(mime) if self.media_types.contains_key(mime) => mime,
            Some(mime) if self.media_types.len() < MOST_KINDS => mime,
            Some(_) => OTHERS,
        };
        match self.media_types.get_mut(mime) {
            Some(count) => count.add(asset.size),
            None => {
                let mut count = Count::default();
                count.add(asset.size);
                self.media_types.insert(mime.to_owned(), count);
            }
        }
        let Some(place) = place(&self.largest_files, |it| it.bytes, asset.size) else {
            return;
        };
        let large = LargeFile {
            file: shortened(&asset.filename),
            name: sidecar.name.as_deref().map(shortened),
            row: sidecar.id,
            format: sidecar.format.as_deref().map(shortened),
            bytes: asset.size,
        };
        put(&mut self.largest_files, place, large);
    }
}

/// Where something of this size stands among the largest, if it does.
fn place<T>(largest: &[T], bytes_of: impl Fn(&T) -> u64, bytes: u64) -> Option<usize> {
    let place = largest.partition_point(|one| bytes_of(one) >= bytes);
    (place < LARGEST).then_some(place)
}

fn put<T>(largest: &mut Vec<T>, place: usize, one: T) {
    largest.truncate(LARGEST - 1);
    largest.insert(place, one);
}

/// A text of bounded length.
fn shortened(text: &str) -> String {
    match text.len() <= LONGEST_TEXT {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(LONGEST_TEXT)]),
    }
}

/// A source, of which it is noted what it sends while it does.
pub struct Noting<'a> {
    source: &'a mut dyn Source,
    contents: &'a mut Contents,
}

impl<'a> Noting<'a> {
    /// Notes in `contents` what `source` sends.
    pub fn new(source: &'a mut dyn Source, contents: &'a mut Contents) -> Self {
        Self { source, contents }
    }
}

impl Source for Noting<'_> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn describe(&mut self) -> Result<Description> {
        self.source.describe()
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        *self.contents = Contents::default();
        let mut tee = Tee {
            contents: self.contents,
            next: sink,
        };
        self.source.stream(filter, &mut tee)
    }
}

/// Notes what passes by.
struct Tee<'a> {
    contents: &'a mut Contents,
    next: &'a mut dyn Sink,
}

impl Sink for Tee<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.contents.stages.entry(stage).or_default();
        self.next.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        let group = match schema.model_type {
            ModelType::ContentType => "contentType",
            ModelType::Component => "component",
        };
        let bytes = schema.to_line().len() as u64;
        self.contents.count(Stage::Schemas, Some(group), bytes);
        self.next.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.contents.entity(entity);
        self.next.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.next.asset(asset, content)?;
        self.contents.file(asset);
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let bytes = link.line.len() as u64;
        self.contents.count(Stage::Links, None, bytes);
        self.next.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        let (kind, bytes) = (item.kind.as_str(), item.line.len() as u64);
        self.contents.count(Stage::Configuration, Some(kind), bytes);
        self.next.configuration(item)
    }

    fn warn(&mut self, warning: Warning) {
        self.next.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.next.damaged(fault)
    }

    fn stood_at(&mut self, place: &dyn Fn() -> String) {
        self.next.stood_at(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(contents: &mut Contents, line: &str) {
        let parsed = Entity::parse(line).expect("an entity");
        contents.entity(&parsed.entity());
    }

    #[test]
    fn the_ten_largest_stay_in_their_order_whatever_order_they_come_in() {
        let mut contents = Contents::default();
        for number in [
            5, 19, 0, 12, 7, 3, 18, 1, 9, 14, 2, 16, 11, 4, 8, 17, 6, 13, 10, 15,
        ] {
            let padding = "x".repeat(number);
            let data = format!(r#"{{"documentId":"d","slug":"s","title":" ","name":"{padding}"}}"#);
            take(
                &mut contents,
                &format!(r#"{{"type":"api::a.a","id":{number},"data":{data}}}"#),
            );
        }
        // Ids of one and of two digits: a line with a longer name is longer all the same.
        let ids: Vec<i64> = contents.largest_entities.iter().map(|it| it.id).collect();
        assert_eq!(ids, [19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
        let first = &contents.largest_entities[0];
        assert_eq!(first.document.as_deref(), Some("d"));
        assert_eq!(first.title.as_deref(), Some("x".repeat(19).as_str()));
        assert_eq!(contents.stages[&Stage::Entities].total.items, 20);
    }

    #[test]
    fn kinds_without_end_are_counted_together() {
        let mut contents = Contents::default();
        for number in 0..MOST_KINDS + 5 {
            contents.file(&Asset {
                filename: format!("a.{number}"),
                sidecar: format!(r#"{{"mime":"image/{number}"}}"#),
                size: 1,
            });
        }
        let groups = &contents.stages[&Stage::Assets].groups;
        for kinds in [groups, &contents.media_types] {
            assert_eq!(kinds.len(), MOST_KINDS + 1);
            assert_eq!(kinds[OTHERS].items, 5);
        }
        let uid = "t".repeat(4000);
        for number in 0..300 {
            take(
                &mut contents,
                &format!(r#"{{"type":"{uid}{number}","id":1,"data":{{}}}}"#),
            );
        }
        let groups = &contents.stages[&Stage::Entities].groups;
        assert!(groups.len() < 300 && groups[OTHERS].items > 1);
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut contents = Contents::default();
        let title = "ä".repeat(LONGEST_TEXT);
        take(
            &mut contents,
            &format!(r#"{{"type":"api::a.a","id":1,"data":{{"title":"{title}"}}}}"#),
        );
        let cut = contents.largest_entities[0].title.clone().expect("a title");
        assert_eq!(cut, format!("{}…", "ä".repeat(LONGEST_TEXT / 2)));
    }
}
