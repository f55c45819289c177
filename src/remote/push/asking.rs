//! What a running Strapi says of itself: its version and its schemas.

use crate::error::{Error, Result};
use crate::model::limits::LONGEST_SCHEMAS;
use crate::model::{Fields, Metadata, Schema, Schemas};
use crate::remote::wire::{Action, Request};
use crate::remote::{Session, Trouble};
use crate::transfer::Description;

/// Asks a session that was made ready.
///
/// # Errors
/// The server does not answer, or with something else.
pub(super) fn description(session: &mut Session) -> Result<Description> {
    let metadata = metadata(session)?;
    let answer = session.ask(Request::Action(Action::GetSchemas))?;
    let wrong = |session: &Session, why: String| {
        session.error(Trouble::malformed(why), Some("its schemas (getSchemas)"))
    };
    if answer.data().len() as u64 > LONGEST_SCHEMAS {
        return Err(wrong(session, "they are larger than 8 MiB".into()));
    }
    let Ok(list) = Fields::parse(answer.data()) else {
        return Err(wrong(session, "they are not as they should be".into()));
    };
    let mut schemas = Schemas::default();
    for (uid, schema) in &list.0 {
        match Schema::parse(schema) {
            Ok(schema) if schema.uid == *uid => schemas.push(schema),
            Ok(_) => return Err(wrong(session, format!("{uid} has another uid"))),
            Err(why) => return Err(wrong(session, format!("{uid}: {why}"))),
        }
    }
    Ok(Description {
        metadata: Some(metadata),
        schemas: Some(schemas),
        ..Description::default()
    })
}

/// Asks for the version alone.
fn metadata(session: &mut Session) -> Result<Metadata> {
    let answer = session.ask(Request::Action(Action::GetMetadata))?;
    let metadata = answer.read::<Metadata>("the question for its version");
    metadata.map_err(|trouble| session.error(trouble, None))
}

/// Sees that a site is still what it was when the plan was made.
///
/// # Errors
/// It runs another version, or has other schemas.
pub(super) fn check_unchanged(site: &str, planned: &Description, now: &Description) -> Result<()> {
    let version = |of: &Description| of.metadata.as_ref().map(|it| it.strapi.version.clone());
    let lines = |of: &Description| {
        let schemas = of.schemas.iter().flat_map(Schemas::iter);
        let mut lines: Vec<String> = schemas.map(|schema| schema.to_line().to_owned()).collect();
        lines.sort_unstable();
        lines
    };
    let changed = match version(planned) != version(now) {
        true => "runs another version",
        false if lines(planned) != lines(now) => "has other schemas",
        false => return Ok(()),
    };
    Err(Error::failed(format!(
        "{site} {changed} than when the plan was made; nothing was changed"
    ))
    .hint("run it again, and look at the new plan"))
}
