//! Which values the attributes of a content type or a component take, on the way back.

use super::fields::properties;
use super::form::Form;
use super::system::System;
use crate::model::{Attribute, Fields, Scalar, Schema, elements};
use jiff::civil::{Date, Time};
use std::borrow::Cow;
use std::collections::HashMap;

/// Which texts, or whole numbers, an attribute takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// Any, or it is for others.
    Any,
    /// These.
    These(Vec<String>),
    /// Days, such as `2017-11-29`.
    Date,
    /// Times of a day, such as `14:35:13.000`.
    Time,
    /// Whole numbers of 32 bits.
    Integer,
    /// Whole numbers of 64 bits.
    BigInteger,
}

impl Texts {
    /// Those of an attribute of which its schema says this.
    pub fn of(attribute: &Attribute, properties: Option<&Fields<'_>>) -> Self {
        let listed = || -> Option<Vec<String>> {
            let properties = properties?;
            let is_one = properties.text("type").as_deref() == Some("enumeration");
            let listed = properties.get("enum").filter(|_| is_one)?;
            let texts = elements(listed).ok()?;
            texts.map(|it| serde_json::from_str(it).ok()).collect()
        };
        match attribute {
            Attribute::Scalar(Scalar::Date) => Self::Date,
            Attribute::Scalar(Scalar::Time) => Self::Time,
            Attribute::Scalar(Scalar::Integer) => Self::Integer,
            Attribute::Scalar(Scalar::BigInteger) => Self::BigInteger,
            Attribute::Scalar(Scalar::Text) => listed().map_or(Self::Any, Self::These),
            _ => Self::Any,
        }
    }

    /// Whether a value, as JSON, is one of them.
    pub fn has(&self, value: &str) -> bool {
        let text = || serde_json::from_str::<String>(value).unwrap_or_default();
        match self {
            Self::Any => true,
            Self::These(texts) => texts.contains(&text()),
            Self::Date => {
                let text = text();
                text.len() == 10 && text.parse::<Date>().is_ok()
            }
            Self::Time => {
                let text = text();
                text.get(2..3) == Some(":") && text.parse::<Time>().is_ok()
            }
            // A database of Strapi refuses larger ones, but for SQLite.
            Self::Integer => value.parse::<i32>().is_ok(),
            Self::BigInteger => text().parse::<i64>().is_ok(),
        }
    }
}

/// The attributes of one content type or component that hold values.
#[derive(Debug)]
pub struct Forms {
    system: &'static dyn System,
    all: HashMap<String, (Form, Texts)>,
}

impl Forms {
    /// Those of a schema, if there is one, as a system has them.
    pub fn of(schema: Option<&Schema>, system: &'static dyn System) -> Self {
        let mut all = HashMap::new();
        let Some(schema) = schema else {
            return Self { system, all };
        };
        let properties = properties(schema);
        for (name, attribute) in &schema.attributes {
            if let Attribute::Scalar(scalar) = attribute {
                let texts = Texts::of(attribute, properties.get(name.as_str()));
                all.insert(name.clone(), (Form::of(*scalar), texts));
            }
        }
        Self { system, all }
    }

    /// A value as a row has it; `None` where the attribute takes no such value. What was `odd` when it came may be any text.
    pub fn taken<'v>(&self, attribute: &str, own: &'v str, odd: bool) -> Option<Cow<'v, str>> {
        let Some((form, texts)) = self.all.get(attribute) else {
            return Some(own.into());
        };
        let value = self.system.value(form, own)?;
        (odd || texts.has(&value)).then_some(value)
    }
}
