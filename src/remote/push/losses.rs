//! What of an archive a running Strapi would lose without a word, or would end the push for: found before
//! anything is deleted, told, and not sent.
//!
//! The server counts as taken what it drops: attributes that it does not know, links of unknown fields,
//! core-store rows without a value. And it ends the push, with everything rolled back and the files gone, at a
//! type that it refuses, a component that its dynamic zone does not take, or a relation among the data.

use super::fitting::{self, Change};
use super::logos;
use super::numbers;
use super::rules::Rules;
use crate::error::{Error, Result};
use crate::model::{
    Attribute, Component, ConfigItem, ConfigKind, Entity, Fields, IdSet, Link, LinkEnd, LinkRef,
    Misfit, Paths, RelationKind, Scalar, Schema, Schemas, Visitor, is_component, logos_lead_astray,
    row_leads_astray, walk,
};
use crate::store::Interrupt;
use crate::transfer::{Examples, MOST_OF_A_KIND, Subject, UPLOAD_TYPES, Warning, WarningKind};
use std::collections::{BTreeMap, HashMap};

/// Why something does not arrive as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The site has no place for it.
    NoPlace,
    /// The server refuses the type.
    Refused,
    /// JavaScript rounds it.
    Rounded,
    /// A 64-bit column does not take it; SQLite does, rounded.
    TooLarge,
    /// A 32-bit column does not take it.
    Wide,
    /// A core-store row without a value.
    Empty,
}

impl Why {
    fn kind(self) -> WarningKind {
        match self {
            Self::Wide | Self::TooLarge => WarningKind::Notice,
            Self::Rounded => WarningKind::NotKept,
            _ => WarningKind::Lost,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::NoPlace => "the site has no place for",
            Self::Refused => "a running Strapi of this version takes no rows of",
            Self::Rounded => "whole numbers beyond 9007199254740991, which the server rounds",
            Self::TooLarge => {
                "whole numbers of more than 64 bits, at which the push ends if the site is kept in \
                 PostgreSQL or MySQL"
            }
            Self::Wide => {
                "whole numbers of more than 32 bits, at which the push ends if the site is kept in \
                 PostgreSQL or MySQL"
            }
            Self::Empty => "a running Strapi takes no row without a value for",
        }
    }
}

/// Holds what comes against the schemas of a site, and remembers what has no place there.
pub(super) struct Losses {
    schemas: Schemas,
    rules: Rules,
    interrupt: Interrupt,
    lost: BTreeMap<(Why, Subject), u64>,
    /// The components that are sent.
    placed: HashMap<String, IdSet>,
    /// The rows of the media library that are sent.
    files: IdSet,
    /// How many rows of each content type are sent.
    sent: BTreeMap<String, u64>,
    /// Files whose row does not come.
    strays: Examples,
}

impl Losses {
    /// Nothing lost yet, at a site with these schemas.
    pub fn new(schemas: Schemas, rules: Rules, interrupt: Interrupt) -> Self {
        Self {
            schemas,
            rules,
            interrupt,
            lost: BTreeMap::new(),
            placed: HashMap::new(),
            files: IdSet::default(),
            sent: BTreeMap::new(),
            strays: Examples::default(),
        }
    }

    /// Looks at a row: how it is to be sent, if at all.
    ///
    /// # Errors
    /// It is no row; the user wants the run to stop.
    pub fn entity(&mut self, entity: &Entity<'_>) -> Result<Change> {
        let uid = entity.content_type;
        if !self.rules.takes(uid) {
            self.count(Why::Refused, Subject::ContentType(uid.to_owned()), 1);
            return Ok(Change::Gone);
        }
        // Cheap: clones share the list.
        let schemas = self.schemas.clone();
        let Some(schema) = schemas.get(uid) else {
            self.count(Why::NoPlace, Subject::ContentType(uid.to_owned()), 1);
            return Ok(Change::Gone);
        };
        let wrong = |why: String| Error::archive(format!("{uid} {}, data: {why}", entity.id));
        let fields = Fields::parse(entity.data).map_err(|error| wrong(error.to_string()))?;
        if uid == UPLOAD_TYPES[0] {
            if let Some(why) = row_leads_astray(&fields, Paths::Plain) {
                return Err(astray(&format!("{uid} {}", entity.id), &why));
            }
            self.files.insert(entity.id);
        }
        match self.sent.get_mut(uid) {
            Some(count) => *count += 1,
            None => {
                self.sent.insert(uid.to_owned(), 1);
            }
        }
        let is_fitting = self.object(schema, &fields);
        let mut parts = Parts {
            losses: self,
            is_fitting,
        };
        walk(&schemas, schema, &fields, (), &mut parts)
            .map_err(|stop| stop.unwrap_or_else(|| wrong("its components are no JSON".into())))?;
        if parts.is_fitting {
            return Ok(Change::None);
        }
        let data = fitting::fitted(&schemas, schema, &fields, &self.interrupt)?;
        Ok(Change::Other(fitting::line(uid, entity.id, &data)))
    }

    /// Looks at the members of a row or component; gives whether it can be sent as it is.
    fn object(&mut self, schema: &Schema, fields: &Fields<'_>) -> bool {
        let mut is_fitting = true;
        let mut attributes = schema.in_order();
        for (name, value) in &fields.0 {
            if fitting::is_implied(name) {
                continue;
            }
            let attribute = attributes.attribute(name);
            is_fitting &= fitting::may_stay(attribute, value);
            let subject = || Subject::Attribute {
                uid: schema.uid.clone(),
                attribute: name.to_string(),
            };
            match attribute {
                None | Some(Attribute::Unknown(_)) if *value != "null" => {
                    self.count(Why::NoPlace, subject(), 1);
                }
                Some(Attribute::Scalar(scalar)) => {
                    if let Some(why) = wrong_number(*scalar, value) {
                        self.count(why, subject(), 1);
                    }
                }
                _ => {}
            }
        }
        is_fitting
    }

    /// Whether a link is to be sent. The rows at both ends come along, or it does not come here.
    pub fn link(&mut self, link: &Link<'_>) -> bool {
        let has_place =
            [&link.left, &link.right].iter().all(|end| self.has(end)) && self.has_field(link);
        if !has_place {
            let subject = Subject::LinksOf {
                uid: link.left.model.to_string(),
                attribute: link.left.field.as_deref().unwrap_or("?").to_owned(),
            };
            self.count(Why::NoPlace, subject, 1);
        }
        has_place
    }

    /// Whether the row at one end of a link is sent.
    fn has(&self, end: &LinkEnd<'_>) -> bool {
        match &end.reference {
            LinkRef::Id(id) if is_component(&end.model) => {
                let placed = self.placed.get(end.model.as_ref());
                placed.is_some_and(|ids| ids.contains(*id))
            }
            _ => self.rules.takes(&end.model) && self.schemas.get(&end.model).is_some(),
        }
    }

    fn has_field(&self, link: &Link<'_>) -> bool {
        let field = link.left.field.as_deref();
        let schema = self.schemas.get(&link.left.model);
        let attribute = schema.and_then(|schema| schema.attribute(field?));
        let Some(Attribute::Relation(relation)) = attribute else {
            return false;
        };
        // The row of such a link names the attribute at its other end, which nothing else shows.
        let is_shown = || {
            let right = self.schemas.get(&link.right.model);
            let field = link.right.field.as_deref();
            right.is_some_and(|schema| field.is_none_or(|it| schema.attribute(it).is_some()))
        };
        !matches!(
            relation.kind,
            RelationKind::MorphToOne | RelationKind::MorphToMany
        ) || is_shown()
    }

    /// Whether a row of the configuration is to be sent.
    ///
    /// # Errors
    /// It has the server write a file outside of its media library.
    pub fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<bool> {
        let row = Fields::parse(item.value).ok();
        let of = |name: &str| row.as_ref().and_then(|row| row.get(name));
        let is_of_logos =
            row.as_ref().and_then(|row| row.text("key")).as_deref() == Some(logos::KEY);
        if is_of_logos
            && let Some(why) = logos_lead_astray(of("value").unwrap_or("null"), Paths::Plain)
        {
            return Err(astray("the settings of the admin panel", &why));
        }
        let is_empty =
            item.kind == ConfigKind::CoreStore && of("value").is_none_or(|value| value == "null");
        if is_empty {
            let key = row.as_ref().and_then(|row| row.text("key"));
            let subject = Subject::Setting {
                kind: item.kind.as_str(),
                name: key.unwrap_or_else(|| "?".into()),
            };
            self.count(Why::Empty, subject, 1);
        }
        Ok(!is_empty)
    }

    /// Whether a file is to be sent with the rows: the server takes none without its row.
    pub fn file(&mut self, row: i64, filename: &str) -> bool {
        let has_row = self.files.contains(row);
        if !has_row {
            self.strays.add(|| format!("{filename} of row {row}"));
        }
        has_row
    }

    /// How many rows of each content type are sent.
    pub fn sent(&self) -> &BTreeMap<String, u64> {
        &self.sent
    }

    /// What is to be told of that which came.
    pub fn remarks(&mut self) -> Vec<Warning> {
        let lost = std::mem::take(&mut self.lost);
        let mut remarks: Vec<Warning> = lost
            .into_iter()
            .map(|((why, subject), count)| {
                Warning::new(why.kind(), subject, why.reason()).times(count)
            })
            .collect();
        let strays = std::mem::take(&mut self.strays);
        remarks.extend(
            strays
                .warning(WarningKind::Lost, Subject::Files)
                .map(|note| {
                    let reason = format!(
                        "a running Strapi takes none whose row does not come along: {}",
                        note.reason
                    );
                    Warning { reason, ..note }
                }),
        );
        remarks
    }

    fn count(&mut self, why: Why, subject: Subject, count: u64) {
        // Names from an archive may all be different.
        let key = (why, subject);
        let has_room = self.lost.len() < MOST_OF_A_KIND * 10 || self.lost.contains_key(&key);
        let key = match has_room {
            true => key,
            false => (why, Subject::Entry("other things".into())),
        };
        *self.lost.entry(key).or_default() += count;
    }
}

/// The error of something that would have the server touch other files than those of its media library.
fn astray(what: &str, why: &str) -> Error {
    Error::archive(format!("{what}: {why}"))
        .hint("nothing was sent; look where the archive comes from, and set the row right where it was made")
}

/// What becomes of a number, if it does not arrive as it is.
fn wrong_number(scalar: Scalar, json: &str) -> Option<Why> {
    match scalar {
        Scalar::Integer => match numbers::whole(json)? {
            number if i32::try_from(number).is_ok() => None,
            number if numbers::is_rounded(number) && !json.starts_with('"') => Some(Why::Rounded),
            _ => Some(Why::Wide),
        },
        Scalar::BigInteger => match numbers::whole(json)? {
            number if i64::try_from(number).is_err() => Some(Why::TooLarge),
            number if numbers::is_rounded(number) && !json.starts_with('"') => Some(Why::Rounded),
            _ => None,
        },
        Scalar::Json => numbers::holds_rounded(json).then_some(Why::Rounded),
        _ => None,
    }
}

/// Looks at the components of a row.
struct Parts<'a> {
    losses: &'a mut Losses,
    /// Whether all of the row can be sent as it is.
    is_fitting: bool,
}

impl Visitor for Parts<'_> {
    type Owner = ();
    /// Nothing where a component is malformed.
    type Error = Option<Error>;

    fn component(
        &mut self,
        (_, ()): (&Schema, ()),
        component: &Component<'_, '_>,
    ) -> Result<Option<()>, Option<Error>> {
        self.is_fitting &= self.losses.object(component.schema, component.fields);
        let id = component.fields.get("id").and_then(|id| id.parse().ok());
        if let Some(id) = id {
            let placed = &mut self.losses.placed;
            if !placed.contains_key(&component.schema.uid) {
                placed.insert(component.schema.uid.clone(), IdSet::default());
            }
            placed
                .get_mut(&component.schema.uid)
                .map(|ids| ids.insert(id));
        }
        Ok(Some(()))
    }

    fn go_on(&mut self) -> Result<(), Option<Error>> {
        self.losses.interrupt.stop().map_err(Some)
    }

    fn misfit(
        &mut self,
        owner: &Schema,
        attribute: &str,
        misfit: Misfit<'_>,
    ) -> Result<(), Option<Error>> {
        let count = match misfit {
            Misfit::Malformed(_) | Misfit::TooDeep => return Err(None),
            Misfit::OtherShape(items) => items as u64,
            Misfit::WithoutType | Misfit::NotTaken(_) | Misfit::Unknown(_) => 1,
        };
        self.is_fitting = false;
        let subject = Subject::ComponentsIn {
            uid: owner.uid.clone(),
            attribute: attribute.to_owned(),
        };
        self.losses.count(Why::NoPlace, subject, count);
        Ok(())
    }
}
