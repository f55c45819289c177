//! A relation between two rows.

use super::Short;
use super::entity::{check_name, require_object};
use serde::Deserialize;
use std::borrow::Cow;

/// What one end of a link points at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum LinkRef<'a> {
    /// The id of a row.
    Id(i64),
    /// A document id: Strapi 5 joins `localizations` on it.
    #[serde(borrow)]
    Document(Cow<'a, str>),
}

/// One end of a link.
#[derive(Debug, Clone, Deserialize)]
pub struct LinkEnd<'a> {
    /// The uid of the content type or component.
    #[serde(rename = "type", borrow)]
    pub model: Cow<'a, str>,
    /// The row.
    #[serde(rename = "ref", borrow)]
    pub reference: LinkRef<'a>,
    /// The attribute that holds the link at this end; absent where the relation is one-sided.
    #[serde(borrow, default)]
    pub field: Option<Cow<'a, str>>,
    /// The position among the links of this end's row, where the relation has an order.
    #[serde(default)]
    pub pos: Option<f64>,
}

/// A relation between two rows, as it stands in `links/*.jsonl`.
#[derive(Debug, Clone, Deserialize)]
pub struct Link<'a> {
    /// The line of the archive, without line break.
    #[serde(skip)]
    pub line: &'a str,
    /// The owning end.
    #[serde(borrow)]
    pub left: LinkEnd<'a>,
    /// The other end.
    #[serde(borrow)]
    pub right: LinkEnd<'a>,
}

impl<'a> Link<'a> {
    /// Takes a line of `links/*.jsonl` apart.
    ///
    /// # Errors
    /// The line is not JSON, or an end lacks its type or its reference.
    pub fn parse(line: &'a str) -> Result<Self, serde_json::Error> {
        require_object(line)?;
        let mut link: Link<'a> = serde_json::from_str(line)?;
        for end in [&link.left, &link.right] {
            check_name(&end.model)?;
            check_name(end.field.as_deref().unwrap_or_default())?;
            if let LinkRef::Document(document) = &end.reference {
                check_name(document)?;
            }
        }
        link.line = line;
        Ok(link)
    }
}

impl std::fmt::Display for LinkRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Document(document) => Short(document).fmt(f),
        }
    }
}

impl std::fmt::Display for LinkEnd<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", Short(&self.model), self.reference)?;
        match &self.field {
            Some(field) => write!(f, " ({})", Short(field)),
            None => Ok(()),
        }
    }
}
