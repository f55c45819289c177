//! Notices a Strapi that runs while its project is restored.

use crate::database::Connection;
use crate::transfer::{Subject, Warning, WarningKind};

/// How many others are named.
const NAMED: usize = 3;

/// Says who else uses the database. Where that cannot be told, nobody is.
pub(super) fn others(database: &mut dyn Connection) -> Option<Warning> {
    let mut others = database.others().unwrap_or_default();
    if others.is_empty() {
        return None;
    }
    let more = others.len().saturating_sub(NAMED);
    others.truncate(NAMED);
    if more > 0 {
        others.push(format!("{more} more"));
    }
    let reason = format!(
        "it is in use by {}: stop Strapi before a restore, if it runs",
        others.join(", ")
    );
    let subject = Subject::Path(database.target().to_owned());
    Some(Warning::new(WarningKind::Notice, subject, reason))
}
