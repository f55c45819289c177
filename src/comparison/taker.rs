//! One side of a comparison: a sink that keeps digests of all it takes.

use super::content::{self, digest, shortened};
use super::key::{put_number, put_text};
use super::links::Links;
use super::paths::Paths;
use super::record::{
    About, ENTITY, End, EndOf, FILE, Gathering, LINK, Place, SETTING, put_positions, value_of,
    whole,
};
use super::{Match, rows};
use crate::error::{Error, Result};
use crate::hashing::read_through;
use crate::model::{
    Asset, Attribute, ConfigItem, ConfigKind, Entity, Fields, Link, LinkEnd, LinkRef, Scalar,
    Schema, Schemas, Stage, boolean,
};
use crate::sorting::Sorter;
use crate::transfer::{
    Description, Destination, Filter, Inspection, Load, Observer, Onlooker, Plan, Sink, Survey,
    UPLOAD_TYPES, Warning,
};
use std::collections::BTreeMap;
use std::io::Read;

/// Rows of the core store that Strapi writes anew whenever it starts: when in the week usage is reported, by chance; and
/// the content types, which are compared as schemas.
const OF_EACH_START: [&str; 2] = ["plugin_upload_metrics", "strapi_content_types_schema"];

/// Takes one side.
pub(super) struct Taker<'a> {
    pub matching: Match,
    pub schemas: &'a Schemas,
    pub paths: &'a mut Paths,
    pub records: &'a mut Sorter,
    /// Where links go that are known by documents, until all rows are there.
    pub links: &'a mut Links,
    pub observer: &'a dyn Observer,
    /// Rows that have no document, by type, where things are known by documents.
    pub without_document: &'a mut BTreeMap<String, u64>,
}

impl Taker<'_> {
    /// Takes a row of the configuration, member by member; of an object those that are in it.
    fn setting(&mut self, item: &ConfigItem<'_>, row: &Fields<'_>) -> Result<()> {
        let text = |name: &str| row.text(name).unwrap_or_default();
        let mut key = vec![SETTING];
        let kind = item.kind.as_str();
        match item.kind {
            ConfigKind::CoreStore if OF_EACH_START.contains(&text("key").as_str()) => return Ok(()),
            ConfigKind::CoreStore => {
                for part in [kind, &text("key"), &text("environment"), &text("tag")] {
                    put_text(&mut key, part);
                }
            }
            ConfigKind::Webhook => {
                put_text(&mut key, kind);
                match self.matching {
                    Match::Id => put_text(&mut key, row.get("id").unwrap_or_default()),
                    Match::Document => put_text(&mut key, &text("name")),
                }
            }
        }
        let mut gathering = Gathering::new(self.paths);
        for (name, value) in row.0.iter().filter(|(_, value)| *value != "null") {
            let name = &*rows::step(name);
            let attribute = gathering.attribute(name);
            let members = match value.starts_with('{') {
                true => Fields::parse_with_any_names(value).ok(),
                false => None,
            };
            match (name, members) {
                ("id", _) => {}
                (_, Some(members)) => {
                    // One that is empty is not none.
                    gathering.add(attribute, name, digest(b'{', &[]));
                    for (member, value) in &members.0 {
                        let path = format!("{name}.{member}");
                        gathering.add(attribute, &path, content::content(value));
                    }
                }
                ("enabled", None) => {
                    let is_on = boolean(value).map(|on| [u8::from(on)]);
                    let value =
                        is_on.map_or_else(|| content::content(value), |on| digest(b'e', &on));
                    gathering.add(attribute, name, value);
                }
                (_, None) => gathering.add(attribute, name, content::content(value)),
            }
        }
        let mut about = Vec::new();
        let called = match item.kind {
            ConfigKind::CoreStore => text("key"),
            ConfigKind::Webhook => text("name"),
        };
        put_text(&mut about, &called);
        let value = gathering.value(&about);
        self.records.push(&key, &value)
    }

    /// Collects what a sidecar says of a file.
    fn description(
        &mut self,
        asset: &Asset,
        size: u64,
        digest_of_content: content::Digest,
    ) -> Vec<u8> {
        let upload = self.schemas.get(UPLOAD_TYPES[0]);
        let mut gathering = Gathering::new(self.paths);
        let mut add = |path: &str, value| {
            let attribute = gathering.attribute(path);
            gathering.add(attribute, path, value);
        };
        add("content", digest_of_content);
        add("size", digest(b's', &size.to_le_bytes()));
        let members = Fields::parse_with_any_names(&asset.sidecar);
        let mut text = String::new();
        for (name, value) in members.iter().flat_map(|members| &members.0) {
            let is_id = name == "id" && self.matching == Match::Document;
            if *value == "null" || is_id {
                continue;
            }
            let value = content::value(kind_of(upload, name), value, &mut text);
            add(&format!("description.{}", rows::step(name)), value);
        }
        gathering.value(&[])
    }

    fn go_on(&self) -> Result<()> {
        match self.observer.is_cancelled() {
            true => Err(Error::interrupted()),
            false => Ok(()),
        }
    }
}

fn kind_of(schema: Option<&Schema>, name: &str) -> Option<Scalar> {
    match schema?.attribute(name)? {
        Attribute::Scalar(kind) => Some(*kind),
        _ => None,
    }
}

fn end(of: &LinkEnd<'_>) -> End {
    End {
        uid: of.model.to_string(),
        of: EndOf::of(&of.reference),
        field: of.field.as_deref().unwrap_or_default().to_owned(),
    }
}

impl Sink for Taker<'_> {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.go_on()?;
        let Ok(fields) = Fields::parse(entity.data) else {
            return Ok(());
        };
        let (uid, id) = (entity.content_type, entity.id);
        let about = rows::about(id, self.schemas.get(uid), &fields);
        let mut place = Place {
            uid: uid.to_owned(),
            document: about.document.clone(),
            locale: about.locale.clone(),
            state: about.state,
            whole: Vec::new(),
            path: String::new(),
        };
        let matching = self.matching;
        let mut components = Vec::new();
        let mut component = |uid: &str, id: i64, path: &str| {
            if matching == Match::Document {
                components.push((uid.to_owned(), id, path.to_owned()));
            }
            Ok(())
        };
        let mut gathering = Gathering::new(self.paths);
        rows::gather(
            entity,
            &fields,
            self.schemas,
            matching,
            &mut gathering,
            &mut component,
        )?;
        let value = gathering.value(&about.bytes());
        let mut key = vec![ENTITY];
        put_text(&mut key, uid);
        match matching {
            Match::Id => put_number(&mut key, id),
            Match::Document => {
                place.whole = whole(&value).to_owned();
                self.links.place(uid, id, &place)?;
                for (uid, id, path) in components {
                    place.path = path;
                    self.links.place(&uid, id, &place)?;
                }
                let About {
                    document, locale, ..
                } = &about;
                put_text(&mut key, document);
                put_text(&mut key, locale);
                key.push(about.state as u8);
                if document.is_empty() {
                    // It is known by all that it holds.
                    key.extend_from_slice(whole(&value));
                    *self.without_document.entry(uid.to_owned()).or_default() += 1;
                }
            }
        }
        self.records.push(&key, &value)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let (size, hasher) = read_through(content).map_err(|error| {
            Error::from_io(error, |error| {
                Error::archive(format!("cannot read {}: {error}", asset.filename))
            })
        })?;
        let value = self.description(asset, size, shortened(hasher));
        let mut key = vec![FILE];
        put_text(&mut key, &asset.filename);
        self.records.push(&key, &value)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.go_on()?;
        // What counts is the line: a source that has it need not say everything twice.
        let Ok(link) = Link::parse(link.line) else {
            return Ok(());
        };
        // The languages of a document are joined by its id, which its rows say: such a link is made from them.
        let by_document = |end: &LinkEnd<'_>| matches!(end.reference, LinkRef::Document(_));
        if by_document(&link.left) || by_document(&link.right) {
            return Ok(());
        }
        let positions = [link.left.pos, link.right.pos];
        let (left, right) = (end(&link.left), end(&link.right));
        match self.matching {
            Match::Id => {
                let mut key = vec![LINK];
                left.put(&mut key);
                right.put(&mut key);
                let positions = put_positions(positions);
                let value = value_of(digest(b'l', &positions), &positions);
                self.records.push(&key, &value)
            }
            Match::Document => self.links.link(&left, &right, positions),
        }
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.go_on()?;
        match Fields::parse(item.value) {
            Ok(row) => self.setting(item, &row),
            Err(_) => Ok(()),
        }
    }

    fn warn(&mut self, _warning: Warning) {}
}

/// An onlooker that has what both sides have together.
pub(super) struct Digesting<'a> {
    pub onlooker: Onlooker<'a>,
    /// What both sides have together, as far as filters ask for it.
    pub like: Description,
}

impl Destination for Digesting<'_> {
    fn name(&self) -> String {
        "a comparison".into()
    }

    fn describe(&mut self) -> Result<Option<Description>> {
        Ok(Some(self.like.clone()))
    }

    fn survey(&mut self, filter: &Filter, coming: &Inspection) -> Result<Survey> {
        self.onlooker.survey(filter, coming)
    }

    fn stage(&mut self, filter: &Filter) -> Result<Option<Box<dyn Sink + '_>>> {
        self.onlooker.stage(filter)
    }

    fn begin(self: Box<Self>, _plan: &Plan) -> Result<Box<dyn Load>> {
        Err(Error::failed("a comparison takes nothing but digests"))
    }
}
