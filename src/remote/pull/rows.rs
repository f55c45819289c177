//! The rows of a pull: entities, links and configuration, of one go, each in a spool of its own. A go that breaks is
//! thrown away with its spools: an archive is never made of the rows of two goes.

use super::super::session::Session;
use super::super::socket::Stopped;
use super::super::trouble::Trouble;
use super::fault::Fault;
use super::lines::Lines;
use super::stages::{Taker, pull};
use crate::error::Result;
use crate::model::limits::{DEEPEST, is_too_deep};
use crate::model::{
    Component, ConfigItem, Entity, Fields, IdSet, Link, LinkEnd, LinkRef, Misfit, ModelType,
    Schema, Schemas, Short, Stage, Visitor, deep_attribute, elements, is_component, json, walk,
};
use crate::transfer::{Examples, Filter, Subject, Warning, WarningKind};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

/// Ids by type. Types are those of the schemas, of which there are few.
#[derive(Debug, Default)]
pub(super) struct Ids(BTreeMap<String, IdSet>);

impl Ids {
    /// Adds one; gives whether it is new.
    pub fn insert(&mut self, uid: &str, id: i64) -> bool {
        match self.0.get_mut(uid) {
            Some(ids) => ids.insert(id),
            None => self.0.entry(uid.to_owned()).or_default().insert(id),
        }
    }

    pub fn has(&self, uid: &str, id: i64) -> bool {
        self.0.get(uid).is_some_and(|ids| ids.contains(id))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn holds_components(&self) -> bool {
        self.0.keys().any(|uid| is_component(uid))
    }
}

/// Which rows came.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Rows that came and take part, and their components.
    sent: Ids,
    /// Ends of links that did not come.
    missing: Ids,
    /// Those of them that were there when the entities were read once more.
    late: Ids,
}

impl Known {
    /// Whether a row came and takes part.
    pub fn has(&self, uid: &str, id: i64) -> bool {
        self.sent.has(uid, id)
    }

    /// What a link lacks.
    pub fn end<'l>(&self, link: &'l Link<'_>, filter: &Filter) -> End<'l> {
        for end in [&link.left, &link.right] {
            // Strapi joins localizations on document ids, which the row itself has.
            let LinkRef::Id(id) = end.reference else {
                continue;
            };
            if self.has(&end.model, id) {
                continue;
            }
            // Components of content types that are left out do not come along, and neither do their links.
            if filter.is_partial() && is_component(&end.model) {
                return End::OutOfScope;
            }
            return match self.late.has(&end.model, id) {
                true => End::Late(end),
                false => End::Gone(end),
            };
        }
        End::Whole
    }
}

/// The rows of one go.
pub(super) struct Rows {
    pub entities: Lines,
    pub links: Lines,
    pub configuration: Lines,
    pub known: Known,
    /// Rows that no archive can hold, by type.
    left_out: BTreeMap<String, Examples>,
    /// The same of the configuration.
    settings_left_out: Examples,
}

impl Rows {
    /// Pulls the rows that take part, in one go.
    pub fn pull(
        session: &mut Session,
        filter: &Filter,
        schemas: &Schemas,
        folder: &Path,
    ) -> Result<Self, Fault> {
        let mut rows = Self::new(folder).map_err(Fault::here)?;
        let stages = [Stage::Entities, Stage::Links, Stage::Configuration];
        let stages = stages.into_iter().filter(|it| filter.includes(*it));
        let stages: Vec<Stage> = stages.collect();
        let mut taking = Taking {
            rows: &mut rows,
            filter,
            schemas,
        };
        pull(session, &stages, &mut taking)?;
        rows.find_missing(filter, schemas).map_err(Fault::here)?;
        let Known { missing, late, .. } = &mut rows.known;
        if !missing.is_empty() {
            // What is not there now either is missing there. What is there came in the meantime.
            let mut again = Again {
                missing,
                late,
                schemas,
            };
            pull(session, &[Stage::Entities], &mut again)?;
        }
        Ok(rows)
    }

    /// None yet.
    pub fn new(folder: &Path) -> Result<Self> {
        Ok(Self {
            entities: Lines::new(folder)?,
            links: Lines::new(folder)?,
            configuration: Lines::new(folder)?,
            known: Known::default(),
            left_out: BTreeMap::new(),
            settings_left_out: Examples::default(),
        })
    }

    /// Finds the ends of links that did not come.
    fn find_missing(&mut self, filter: &Filter, schemas: &Schemas) -> Result<()> {
        let mut missing = Ids::default();
        self.links.each(&mut |line| {
            if let Ok(link) = Link::parse(line)
                && let End::Gone(end) = self.known.end(&link, filter)
                && let LinkRef::Id(id) = end.reference
                && schemas.get(&end.model).is_some()
            {
                missing.insert(&end.model, id);
            }
            Ok(())
        })?;
        self.known.missing = missing;
        Ok(())
    }

    /// Rows that no archive can hold.
    pub fn warnings(&mut self) -> Vec<Warning> {
        let rows = std::mem::take(&mut self.left_out).into_iter();
        let rows = rows.filter_map(|(uid, rows)| {
            rows.warning(WarningKind::Unreadable, Subject::ContentType(uid))
        });
        let settings = std::mem::take(&mut self.settings_left_out);
        let subject = Subject::Stage(Stage::Configuration);
        let settings = settings.warning(WarningKind::Unreadable, subject);
        rows.chain(settings).collect()
    }
}

/// What is missing of a link.
#[derive(Debug)]
pub(super) enum End<'l> {
    /// Nothing: it is whole.
    Whole,
    /// A row that was left out.
    OutOfScope,
    /// A row that is not there.
    Gone(&'l LinkEnd<'l>),
    /// A row that came to be while the site was read.
    Late(&'l LinkEnd<'l>),
}

/// Takes rows as they come.
pub(super) struct Taking<'a> {
    pub rows: &'a mut Rows,
    pub filter: &'a Filter,
    pub schemas: &'a Schemas,
}

impl Taker for Taking<'_> {
    fn take(&mut self, stage: Stage, data: &str, _keep: &mut dyn FnMut()) -> Result<(), Stopped> {
        let rows = elements(data).map_err(|_| odd(stage))?;
        for row in rows {
            match stage {
                Stage::Entities => self.entity(row)?,
                Stage::Links => self.link(row)?,
                Stage::Configuration => self.setting(row)?,
                Stage::Schemas | Stage::Assets => return Err(odd(stage).into()),
            }
        }
        Ok(())
    }
}

impl Taking<'_> {
    fn entity(&mut self, row: &str) -> Result<(), Stopped> {
        let odd = || Stopped::from(odd(Stage::Entities));
        let line = one_line(row);
        let parsed = Entity::parse(&line).map_err(|_| odd())?;
        let entity = parsed.entity();
        let (uid, id) = (entity.content_type, entity.id);
        // Administrators and tokens end here.
        if !self.filter.includes_type(uid) {
            return Ok(());
        }
        let schema = self.schemas.get(uid);
        let schema = schema.filter(|schema| schema.model_type == ModelType::ContentType);
        let Some(schema) = schema else {
            let uid = Short(uid);
            let why = format!("it sends rows of {uid}, of which it sent no schema");
            return Err(Trouble::malformed(why).into());
        };
        if self.rows.known.has(uid, id) {
            let why = format!("it sends the row {id} of {} twice", Short(uid));
            return Err(Trouble::malformed(why).into());
        }
        let fields = Fields::parse(entity.data).map_err(|_| odd())?;
        let mut components = Components::default();
        let Ok(()) = walk(self.schemas, schema, &fields, (), &mut components);
        if components.is_too_deep || deep_attribute(schema, &fields).is_some() {
            let left_out = self.rows.left_out.entry(uid.to_owned()).or_default();
            left_out.add(|| format!("row {id}: its JSON is nested deeper than {DEEPEST} levels"));
            return Ok(());
        }
        self.rows.known.sent.insert(uid, id);
        for (uid, id) in components.found {
            self.rows.known.sent.insert(&uid, id);
        }
        self.rows.entities.add(&line).map_err(Stopped::Here)
    }

    fn link(&mut self, row: &str) -> Result<(), Stopped> {
        let line = one_line(row);
        let link = Link::parse(&line).map_err(|_| odd(Stage::Links))?;
        if !self
            .filter
            .includes_link(&link.left.model, &link.right.model)
        {
            return Ok(());
        }
        self.rows.links.add(&line).map_err(Stopped::Here)
    }

    fn setting(&mut self, row: &str) -> Result<(), Stopped> {
        let odd = || Stopped::from(odd(Stage::Configuration));
        let line = one_line(row);
        let item = ConfigItem::parse(&line).map_err(|_| odd())?;
        let fields = Fields::parse(item.value).map_err(|_| odd())?;
        if fields
            .0
            .iter()
            .any(|(_, value)| is_too_deep(value.as_bytes()))
        {
            let key = fields.text("key").unwrap_or_default();
            let left_out = &mut self.rows.settings_left_out;
            left_out.add(|| {
                let key = Short(&key);
                format!("{key}: its JSON is nested deeper than {DEEPEST} levels")
            });
            return Ok(());
        }
        self.rows.configuration.add(&line).map_err(Stopped::Here)
    }
}

/// Looks for rows that did not come before.
struct Again<'a> {
    missing: &'a Ids,
    late: &'a mut Ids,
    schemas: &'a Schemas,
}

impl Taker for Again<'_> {
    fn take(&mut self, stage: Stage, data: &str, _keep: &mut dyn FnMut()) -> Result<(), Stopped> {
        let looks_inside = self.missing.holds_components();
        for row in elements(data).map_err(|_| odd(stage))? {
            let parsed = Entity::parse(row).map_err(|_| odd(stage))?;
            let entity = parsed.entity();
            let (uid, id) = (entity.content_type, entity.id);
            if self.missing.has(uid, id) {
                self.late.insert(uid, id);
            }
            if looks_inside && let Some(schema) = self.schemas.get(uid) {
                let fields = Fields::parse(entity.data).map_err(|_| odd(stage))?;
                let mut components = Components::default();
                let Ok(()) = walk(self.schemas, schema, &fields, (), &mut components);
                for (uid, id) in components.found {
                    if self.missing.has(&uid, id) {
                        self.late.insert(&uid, id);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The components of one row.
#[derive(Default)]
struct Components {
    found: Vec<(String, i64)>,
    is_too_deep: bool,
}

impl Visitor for Components {
    type Owner = ();
    type Error = Infallible;

    fn component(
        &mut self,
        (_, ()): (&Schema, ()),
        component: &Component<'_, '_>,
    ) -> Result<Option<()>, Infallible> {
        self.is_too_deep |= deep_attribute(component.schema, component.fields).is_some();
        let id = component.fields.get("id");
        if let Some(id) = id.and_then(|id| id.parse::<i64>().ok()) {
            self.found.push((component.schema.uid.clone(), id));
        }
        Ok(Some(()))
    }

    fn go_on(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn misfit(&mut self, _: &Schema, _: &str, misfit: Misfit<'_>) -> Result<(), Infallible> {
        self.is_too_deep |= matches!(misfit, Misfit::TooDeep);
        Ok(())
    }
}

/// A row as it stands in an archive: on one line.
fn one_line(row: &str) -> Cow<'_, str> {
    if !row.contains(['\n', '\r']) {
        return Cow::Borrowed(row);
    }
    let mut line = String::with_capacity(row.len());
    json::write_compact(&mut line, row);
    Cow::Owned(line)
}

/// Something in a stage is no row of it.
fn odd(stage: Stage) -> Trouble {
    Trouble::malformed(format!(
        "something among its {stage} is not as it should be"
    ))
}
