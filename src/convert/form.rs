//! What values of Strapi are, for systems that know types.

use super::system::System;
use crate::model::{Fields, Scalar, elements};

/// Of which form the values of an attribute are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Texts.
    Text,
    /// An enum with these values.
    Enum {
        /// The name of the enum.
        name: String,
        /// Its values.
        values: Vec<String>,
    },
    /// Whole numbers, of 32 bits as a rule.
    Int,
    /// Whole numbers of 64 bits, which Strapi has as texts.
    BigInteger,
    /// Numbers.
    Float,
    /// Numbers whose digits all count.
    Decimal,
    /// `true` and `false`.
    Boolean,
    /// Times, with milliseconds, in UTC.
    DateTime,
    /// Any JSON.
    Json,
}

/// How a value gets into a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Plain,
    /// In an object: the system takes no texts, numbers and booleans for JSON.
    Wrapped,
    /// As this text, which stands for it.
    Text(String),
    /// Not at all.
    None,
}

impl Form {
    /// The one for attributes of this kind that are no enumerations.
    pub fn of(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text | Scalar::Date | Scalar::Time | Scalar::Timestamp => Self::Text,
            Scalar::BigInteger => Self::BigInteger,
            Scalar::Json => Self::Json,
            Scalar::Integer => Self::Int,
            Scalar::Float => Self::Float,
            Scalar::Decimal => Self::Decimal,
            Scalar::Boolean => Self::Boolean,
            Scalar::DateTime => Self::DateTime,
        }
    }
}

/// The values of an enumeration, if a system takes all of them for an enum.
pub fn enum_values(attribute: &Fields<'_>, system: &dyn System) -> Option<Vec<String>> {
    let mut values: Vec<String> = Vec::new();
    for value in elements(attribute.get("enum")?).ok()? {
        let value: String = serde_json::from_str(value).ok()?;
        if !system.is_enum_value(&value) || values.contains(&value) {
            return None;
        }
        values.push(value);
    }
    (!values.is_empty()).then_some(values)
}
