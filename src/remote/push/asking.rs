//! What a running Strapi says of itself: its version and its schemas.

use crate::error::{Error, Result};
use crate::model::{Schema, Schemas};
use crate::remote::Session;
use crate::remote::pull::Front;
use crate::transfer::Description;

/// Asks a session that was made ready.
///
/// # Errors
/// The server does not answer, or with something else.
pub(super) fn description(session: &mut Session) -> Result<Description> {
    let front = Front::read(session)?;
    Ok(Description {
        metadata: Some(front.metadata),
        schemas: Some(front.schemas),
        ..Description::default()
    })
}

/// Sees that a site is still what it was when the plan was made.
///
/// # Errors
/// It runs another version, or has other schemas.
pub(super) fn check_unchanged(site: &str, planned: &Description, now: &Description) -> Result<()> {
    let version = |of: &Description| of.metadata.as_ref().map(|it| it.strapi.version.clone());
    let lines = |of: &Description| {
        let schemas = of.schemas.iter().flat_map(Schemas::iter);
        let mut lines: Vec<String> = schemas.map(Schema::to_line).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let changed = match version(planned) != version(now) {
        true => "runs another version",
        false if lines(planned) != lines(now) => "has other schemas",
        false => return Ok(()),
    };
    Err(
        Error::failed(format!("{site} {changed} than when the plan was made"))
            .hint("run it again, and look at the new plan"),
    )
}
