//! Which values the attributes of a content type or a component take, on the way back.

use super::fields::properties;
use super::form::{Fit, Form};
use super::plain::values::{Holds, value};
use crate::model::{Attribute, Fields, Scalar, Schema, elements};
use crate::prisma::sdl;
use jiff::civil::{Date, Time};
use std::borrow::Cow;
use std::collections::HashMap;

/// Which texts an attribute takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Texts {
    /// Any, or it is for no texts.
    Any,
    /// These.
    These(Vec<String>),
    /// Days, such as `2017-11-29`.
    Date,
    /// Times of a day, such as `14:35:13.000`.
    Time,
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
            Self::BigInteger => text().parse::<i64>().is_ok(),
        }
    }
}

/// The attributes of one content type or component that hold values.
#[derive(Debug, Default)]
pub struct Forms(HashMap<String, (Form, Texts)>);

impl Forms {
    /// Those of a schema.
    pub fn of(schema: &Schema) -> Self {
        let properties = properties(schema);
        let mut all = HashMap::new();
        for (name, attribute) in &schema.attributes {
            if let Attribute::Scalar(scalar) = attribute {
                let texts = Texts::of(attribute, properties.get(name.as_str()));
                all.insert(name.clone(), (Form::of(*scalar), texts));
            }
        }
        Self(all)
    }

    /// A value as a row has it; `None` where the attribute takes no such value. What was `odd` when it came may be any text.
    pub fn taken<'v>(&self, attribute: &str, own: &'v str, odd: bool) -> Option<Cow<'v, str>> {
        let Some((form, texts)) = self.0.get(attribute) else {
            return Some(own.into());
        };
        let scalar = match (form.fits(own), form) {
            // What came from an archive goes back as it came.
            (Fit::Plain | Fit::Wrapped, _) => return (odd || texts.has(own)).then_some(own.into()),
            (Fit::None, Form::Int) => sdl::Scalar::Int,
            (Fit::None, Form::DateTime) => sdl::Scalar::DateTime,
            (Fit::None, _) => return None,
        };
        value(&Holds::Scalar(scalar), own).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_another_type_are_taken_as_strapi_has_them_or_not_at_all() {
        let attributes = json!({
            "title": {"type": "string"},
            "count": {"type": "integer"},
            "at": {"type": "datetime"},
            "price": {"type": "decimal"},
            "on": {"type": "boolean"},
            "mood": {"type": "enumeration", "enum": ["happy", "so-so"]},
            "kind": {"type": "enumeration", "enum": ["A", "B"]},
            "any": {"type": "json"},
            "day": {"type": "date"},
            "time": {"type": "time"},
            "views": {"type": "biginteger"},
        });
        let line = crate::prisma::convert::tests::schema("api::a.a", attributes);
        let schema = Schema::parse(&line).expect("a schema");
        let forms = Forms::of(&schema);
        for (attribute, value, expected) in [
            ("title", "\"a\"", Some("\"a\"")),
            ("title", "{\"a\":1}", None),
            ("count", "3", Some("3")),
            ("count", "3.0", Some("3")),
            ("count", "1.5", None),
            (
                "at",
                "\"2017-11-29T14:35:13.000Z\"",
                Some("\"2017-11-29T14:35:13.000Z\""),
            ),
            (
                "at",
                "\"2017-11-29 14:35:13\"",
                Some("\"2017-11-29T14:35:13.000Z\""),
            ),
            ("at", "\"abc\"", None),
            ("price", "1.50", Some("1.50")),
            ("price", "\"1\"", None),
            ("on", "1", None),
            ("mood", "\"so-so\"", Some("\"so-so\"")),
            ("mood", "\"nonsense\"", None),
            ("kind", "\"B\"", Some("\"B\"")),
            ("kind", "\"C\"", None),
            ("any", "1", Some("1")),
            ("day", "\"2017-11-29\"", Some("\"2017-11-29\"")),
            ("day", "\"abc\"", None),
            ("time", "\"14:35:13.000\"", Some("\"14:35:13.000\"")),
            ("time", "\"25:35:13\"", None),
            (
                "views",
                "\"9007199254740993\"",
                Some("\"9007199254740993\""),
            ),
            ("views", "\"99999999999999999999999\"", None),
        ] {
            let taken = forms.taken(attribute, value, false);
            assert_eq!(taken.as_deref(), expected, "{attribute} {value}");
        }
        assert!(forms.taken("mood", "\"nonsense\"", true).is_some());
        assert!(forms.taken("mood", "1", true).is_none());
    }
}
