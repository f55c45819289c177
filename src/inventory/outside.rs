//! What is known of one archive without opening it: how large it is, when the file was written, what its name says, and
//! what the summary beside it says.

use super::name::Name;
use super::{is_of, mismatch, summary, timestamp};
use crate::error::{Kind, Result};
use crate::store::Shelf;
use crate::transfer::summary::Summary;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// What is known of an archive from outside.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// How many bytes it has.
    pub size: Option<u64>,
    /// When the file was written.
    pub written: Option<Timestamp>,
    /// When the archive was made by its name.
    pub dated: Option<Zoned>,
    /// Whether its name says that something is missing from it.
    pub is_named_incomplete: bool,
    /// What an export of this name said that lies beside it.
    pub summary: Option<Summary>,
    /// Why that is not believed, if it is not.
    pub doubt: Option<String>,
}

impl Outside {
    /// Looks at the archive of this name on a shelf; dates in names are of this zone.
    ///
    /// # Errors
    /// The place cannot be asked. What is wrong with a summary is told with it.
    pub fn of(shelf: &dyn Shelf, name: &str, zone: &TimeZone) -> Result<Self> {
        let Some(item) = shelf.item(name)? else {
            return Ok(Self::default());
        };
        let written = timestamp(item.modified);
        let named = Name::parse(name);
        let mut outside = Self {
            size: Some(item.size),
            written,
            dated: named
                .as_ref()
                .zip(written)
                .and_then(|(named, written)| named.made(written, zone)),
            is_named_incomplete: named.is_some_and(|named| named.is_incomplete),
            ..Self::default()
        };
        let found = summary(shelf, name).and_then(|found| {
            let why = found.as_ref().map(|it| mismatch(shelf, it, &item));
            Ok(found.zip(why.transpose()?))
        });
        match found {
            Ok(None) => {}
            Ok(Some((summary, why))) => {
                outside.doubt = why.map(str::to_owned);
                // One of something else says nothing of this one.
                outside.summary = Some(summary).filter(|it| is_of(it, name));
            }
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Err(error) => outside.doubt = Some(error.to_string()),
        }
        Ok(outside)
    }
}
