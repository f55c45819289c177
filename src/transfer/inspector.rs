//! Looks at everything a source sends, on its way to where it is staged: before anything is deleted for
//! it.

mod entity;

use super::faults::{Faults, OnFault};
use super::{
    Event, Examples, Filter, Inspection, MOST_OF_A_KIND, Observer, Sink, Subject, UPLOAD_TYPES,
    Warning, WarningKind,
};
use crate::error::{Error, Result};
use crate::model::limits::is_too_deep;
use crate::model::{
    Asset, AssetMetadata, Attribute, ConfigItem, ConfigKind, Entity, Fields, Link, LinkEnd,
    LinkRef, ModelType, Schema, Schemas, Short, Stage, deep_attribute, is_component, named_files,
    walk,
};
use entity::{Ids, Place, ids_of, too_deep, wrong_value};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// The keys of the core store that decide who gets in: administrators by single sign-on; users by
/// providers, by registration, by mails that set a new password.
const ACCESS: [&str; 4] = [
    "core_admin_auth",
    "plugin_users-permissions_grant",
    "plugin_users-permissions_advanced",
    "plugin_users-permissions_email",
];

/// Looks at everything a source sends on its way, and keeps what is to be known of it afterwards.
pub(super) struct Inspector<'a> {
    schemas: &'a Schemas,
    partial: bool,
    expects_files: bool,
    observer: &'a dyn Observer,
    /// Who takes what was looked at: everything but links to what does not come along.
    next: &'a mut dyn Sink,
    found: Inspection,
    warnings: BTreeMap<WarningKind, u64>,
    /// Links whose ends do not come along, by owner and attribute.
    orphans: BTreeMap<(String, String), Examples>,
    /// The same of owners and attributes beyond the first few.
    more_orphans: Examples,
    /// Components that come more than once, by type.
    shared: BTreeMap<String, Examples>,
    /// Files whose row does not come.
    strays: Examples,
    /// How many of the missing files the source told of itself.
    told: u64,
    faults: Faults,
    /// Whether it stands before what takes all of it for good.
    is_on_the_way: bool,
    /// Whether the source could not be followed to its end.
    ended_early: bool,
}

impl<'a> Inspector<'a> {
    /// An inspector of a source with these schemas, of which this takes part. Where the filter leaves
    /// content types out, links to rows that do not come along are out of scope, and no orphans.
    pub fn new(
        schemas: &'a Schemas,
        filter: &Filter,
        on_fault: OnFault,
        observer: &'a dyn Observer,
        next: &'a mut dyn Sink,
    ) -> Self {
        Self {
            schemas,
            partial: filter.is_partial(),
            expects_files: filter.includes(Stage::Assets),
            observer,
            next,
            found: Inspection::default(),
            warnings: BTreeMap::new(),
            orphans: BTreeMap::new(),
            more_orphans: Examples::default(),
            shared: BTreeMap::new(),
            strays: Examples::default(),
            told: 0,
            faults: Faults::new(on_fault),
            is_on_the_way: false,
            ended_early: false,
        }
    }

    /// Stands before what takes all of it for good: sends on links to what does not come along as well, and leaves it to
    /// others to tell of these, and does not tell of files again that the source itself misses.
    pub fn stand_on_the_way(&mut self) {
        self.is_on_the_way = true;
    }

    /// Takes what ended the stream, if it was a fault of the source.
    ///
    /// # Errors
    /// The error, where it ends the transfer.
    pub fn end(&mut self, error: Error) -> Result<()> {
        self.ended_early = true;
        self.faults.end(error)
    }

    /// What was found, how many warnings it took, and what is wrong.
    /// `says_scope` is whether the source says which stages it holds: no files in one that does not
    /// may mean that it was made without.
    pub fn finish(mut self, says_scope: bool) -> (Inspection, BTreeMap<WarningKind, u64>, Faults) {
        self.found.documents.sort();
        self.found.missing_files.sort();
        if self.found.items(Stage::Entities) == 0 && !self.orphans.is_empty() {
            // All of them for one reason.
            let more = std::mem::take(&mut self.more_orphans);
            let links = self.orphans.values().chain([&more]).map(Examples::count);
            let links = links.sum();
            let reason = "the archive holds no entities that they could join";
            let subject = Subject::Stage(Stage::Links);
            self.orphans.clear();
            self.tell(Warning::new(WarningKind::OrphanLink, subject, reason).times(links));
        }
        for ((uid, attribute), orphans) in std::mem::take(&mut self.orphans) {
            let subject = Subject::LinksOf { uid, attribute };
            if let Some(warning) = orphans.warning(WarningKind::OrphanLink, subject) {
                self.tell(warning);
            }
        }
        let more = std::mem::take(&mut self.more_orphans);
        let links = Subject::Stage(Stage::Links);
        if let Some(warning) = more.warning(WarningKind::OrphanLink, links) {
            let reason = format!("of other attributes: {}", warning.reason);
            self.tell(Warning { reason, ..warning });
        }
        let subject = Subject::Stage(Stage::Assets);
        let strays = std::mem::take(&mut self.strays);
        if let Some(mut note) = strays.warning(WarningKind::Notice, subject) {
            note.reason = format!(
                "the archive has no row of plugin::upload.file for {} of its files: {}",
                note.count, note.reason
            );
            self.tell(note);
        }
        let mut shared = std::mem::take(&mut self.shared).into_iter();
        for (uid, shared) in shared.by_ref().take(MOST_OF_A_KIND) {
            if let Some(warning) = shared.of_shared_components(&uid) {
                self.tell(warning);
            }
        }
        let more: u64 = shared.map(|(_, shared)| shared.count()).sum();
        if more > 0 {
            let reason = format!("{more} rows of other components stand in a second place as well");
            let subject = Subject::Stage(Stage::Entities);
            self.tell(Warning::new(WarningKind::Notice, subject, reason).times(more));
        }
        if says_scope || self.found.items(Stage::Assets) > 0 {
            self.tell_missing_files();
        }
        (self.found, self.warnings, self.faults)
    }

    /// Takes in the files that a row of the media library names.
    fn expect_files(&mut self, id: i64, row: &Fields<'_>) {
        let missing = &mut self.found.missing_files;
        named_files(
            &|name| row.text(name),
            row.get("formats"),
            &mut |name, _| {
                missing.push(&name, id);
            },
        );
    }

    /// Rows of the media library without their files are as good as files that are missing.
    fn tell_missing_files(&mut self) {
        if !self.expects_files || self.ended_early {
            return;
        }
        let rows: BTreeSet<i64> = self.found.missing_files.values().copied().collect();
        let mut named = Examples::default();
        for id in rows {
            named.add(|| id.to_string());
        }
        let missing = self.found.missing_files.values().count() as u64;
        let missing = missing.saturating_sub(self.told);
        if missing == 0 {
            return;
        }
        if let Some(warning) = named.warning(WarningKind::MissingAsset, Subject::Files) {
            self.tell(warning.times(missing));
        }
    }

    /// An end that names its row by a text, where the relation is by id.
    fn without_id<'l>(&self, link: &'l Link<'_>) -> Option<&'l LinkEnd<'l>> {
        let by_document = |end: &&LinkEnd<'_>| matches!(end.reference, LinkRef::Document(_));
        let end = [&link.left, &link.right].into_iter().find(by_document)?;
        let schema = self.schemas.get(&link.left.model);
        match schema.and_then(|schema| schema.attribute(link.left.field.as_deref()?)) {
            Some(Attribute::Relation(relation)) if !relation.is_virtual => {
                let joined_on = relation.join_column.as_ref().map(|(_, on)| on.as_str());
                joined_on.is_none_or(|on| on == "id").then_some(end)
            }
            // The destination has no place for it.
            _ => None,
        }
    }

    /// What is wrong with a row of the configuration.
    fn wrong_setting(&mut self, kind: ConfigKind, row: &Fields<'_>) -> Option<String> {
        let mut values = row.0.iter();
        if let Some((name, _)) = values.find(|(_, value)| is_too_deep(value.as_bytes())) {
            return Some(too_deep(name));
        }
        let Some(id) = row.get("id").and_then(|id| id.parse::<i64>().ok()) else {
            return Some("it has no integer `id`".into());
        };
        let is_new = self.found.settings.entry(kind).or_default().insert(id);
        (!is_new).then(|| format!("the row {id} stands in the archive twice"))
    }

    fn tell(&mut self, warning: Warning) {
        *self.warnings.entry(warning.kind).or_default() += warning.count;
        if self.is_on_the_way && warning.kind == WarningKind::OrphanLink {
            return;
        }
        self.observer.on(Event::Warned(&warning));
    }
}

impl Sink for Inspector<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.found.stages.entry(stage).or_default();
        self.next.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.found.count(Stage::Schemas);
        self.next.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.found.count(Stage::Entities);
        let place = Place {
            content_type: entity.content_type,
            id: entity.id,
        };
        let Some(schema) = self.schemas.get(entity.content_type) else {
            return self
                .faults
                .add(place.damaged("the archive has no schema of this content type"));
        };
        if schema.model_type != ModelType::ContentType {
            return self
                .faults
                .add(place.damaged("this is a component, which stands in what holds it"));
        }
        if !ids_of(&mut self.found.entities, entity.content_type).insert(entity.id) {
            self.faults
                .add(place.damaged("it stands in the archive twice"))?;
        }
        let fields = match Fields::parse(entity.data) {
            Ok(fields) => fields,
            Err(error) => return self.faults.add(place.damaged(&error.to_string())),
        };
        if let Some(attribute) = deep_attribute(schema, &fields) {
            self.faults.add(place.damaged(&too_deep(attribute)))?;
        }
        if let Some(why) = wrong_value(schema, &fields) {
            self.faults.add(place.damaged(&why))?;
        }
        if entity.content_type == UPLOAD_TYPES[0] {
            self.expect_files(entity.id, &fields);
        }
        let document = fields.get("documentId");
        if let Some(document) = document.and_then(|text| serde_json::from_str::<String>(text).ok())
        {
            let documents = &mut self.found.documents;
            documents.add(entity.content_type, entity.id, &document);
        }
        let mut ids = Ids {
            found: &mut self.found,
            shared: &mut self.shared,
            faults: &mut self.faults,
            entity: &place,
            observer: self.observer,
        };
        walk(self.schemas, schema, &fields, (), &mut ids)?;
        self.next.entity(entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.found.count(Stage::Assets);
        match AssetMetadata::parse(&asset.sidecar, &asset.filename) {
            Ok(metadata) => {
                let has_row = self.found.has(UPLOAD_TYPES[0], metadata.id);
                self.found.missing_files.remove(&asset.filename);
                if self.found.stages.contains_key(&Stage::Entities) && !self.partial && !has_row {
                    self.strays
                        .add(|| format!("{} of row {}", asset.filename, metadata.id));
                }
            }
            Err(reason) => self.faults.add_placed(Error::archive(format!(
                "the sidecar of {}: {reason}",
                asset.filename
            )))?,
        }
        self.next.asset(asset, content)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.found.count(Stage::Links);
        if let Some(end) = self.without_id(link) {
            return self.faults.add(Error::archive(format!(
                "link {} -> {}: \"{}\" is no id",
                link.left, link.right, end.reference
            )));
        }
        // Components of content types that are left out do not come along, and neither do their links.
        let is_expected = |end: &LinkEnd<'_>| !(self.partial && is_component(&end.model));
        let missing = [&link.left, &link.right]
            .into_iter()
            .find(|end| is_expected(end) && !self.found.has_end(end));
        if let Some(missing) = missing {
            let attribute = link.left.field.as_deref().unwrap_or("?").to_owned();
            let kind = (link.left.model.to_string(), attribute);
            let has_room = self.orphans.len() < MOST_OF_A_KIND || self.orphans.contains_key(&kind);
            let orphans = match has_room {
                true => self.orphans.entry(kind).or_default(),
                false => &mut self.more_orphans,
            };
            orphans.add(|| {
                let model = Short(&missing.model);
                format!(
                    "{} -> {}: {model} {} is not in the archive",
                    link.left, link.right, missing.reference
                )
            });
        }
        if self.is_on_the_way || self.found.has_ends(link) {
            self.next.link(link)?;
        }
        Ok(())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.found.count(Stage::Configuration);
        let kind = item.kind.as_str();
        let row = match Fields::parse(item.value) {
            Ok(row) => row,
            Err(error) => {
                let fault = Error::archive(format!("a row of the {kind}: {error}"));
                return self.faults.add(fault);
            }
        };
        let key = row.text("key");
        if let Some(why) = self.wrong_setting(item.kind, &row) {
            let key = Short(key.as_deref().unwrap_or("?"));
            return self
                .faults
                .add(Error::archive(format!("a row of the {kind}, {key}: {why}")));
        }
        match item.kind {
            ConfigKind::Webhook => self.found.webhooks += 1,
            ConfigKind::CoreStore => {
                let of_access = |own: &&&str| key.as_deref() == Some(**own);
                self.found.access.extend(ACCESS.iter().find(of_access));
            }
        }
        self.next.configuration(item)
    }

    fn warn(&mut self, warning: Warning) {
        if let Subject::File { filename, .. } = &warning.subject
            && warning.kind == WarningKind::MissingAsset
        {
            match self.is_on_the_way {
                true => self.found.missing_files.remove(filename),
                false => {
                    let is_expected = self.found.missing_files.find(filename).is_some();
                    self.told += u64::from(is_expected);
                }
            }
        }
        self.next.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.faults.add_placed(fault)
    }

    fn stood_at(&mut self, place: &dyn Fn() -> String) {
        self.faults.stood_at(place);
    }
}
