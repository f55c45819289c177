//! Rows that the server refused, put aside as a set of their own: with the uids that their nodes have in the server, so that
//! they can be mended there and be loaded alone. All others stay as the server has them, whatever was done to them since.

use super::numbering::Numbering;
use super::source::Source;
use super::state::State;
use super::target::Target;
use crate::dgraph::graphql::GraphQls;
use crate::dgraph::rdf;
use crate::dgraph::schema::{Predicate, Schema};
use crate::dgraph::set::Writer;
use crate::dgraph::{Dialect, Format};
use crate::error::Result;

/// What the name of such a set ends with.
const ENDING: &str = "refused";

/// Whether the name of such a set may end so: a state names no other folder than one of these.
pub(super) fn is_ending(ending: &str) -> bool {
    let number = ending
        .strip_prefix(ENDING)
        .map(|it| it.strip_prefix('-').unwrap_or(it));
    number.is_some_and(|it| it.bytes().all(|it| it.is_ascii_digit()))
}

/// Puts the rows aside that were refused, encrypted as the set is; gives what the name of the folder ends with, if there is
/// anything in it. Rows that RDF has no form for are not in it.
///
/// # Errors
/// The set cannot be read, the folder cannot be written, or the user wants the run to stop.
pub(super) fn put(
    source: &Source<'_>,
    numbering: &Numbering<'_>,
    targets: &[Target],
    state: &State,
) -> Result<Option<String>> {
    if state.refused() == 0 {
        return Ok(None);
    }
    let path = |ending: &str| state.path().with_extension(ending);
    // Somebody may be at work on what an earlier run put aside.
    let further = (2..).map(|it: u32| format!("{ENDING}-{it}"));
    let mut endings = std::iter::once(ENDING.to_owned()).chain(further);
    let ending = endings.find(|it| path(it).symlink_metadata().is_err());
    let ending = ending.unwrap_or_else(|| ENDING.to_owned());
    let key = source.set.key().cloned();
    let mut writer = Writer::create(&path(&ending), Format::Rdf, Dialect::Since2103, key)?;
    let mut schema = Schema::default();
    let mut count = 0_u64;
    source.read(&numbering.survey.namespaces, &mut |chunk| {
        let Some(target) = targets.get(chunk.target) else {
            return Err(super::changed());
        };
        for placed in &chunk.rows {
            if !state.is_refused(placed.place()) {
                continue;
            }
            let mut row = numbering.apply(placed.row.clone())?;
            row.namespace = target.into;
            if rdf::check(&row, Dialect::Since2103).is_err() {
                continue;
            }
            if let Some(own) = source.predicate(target.from, &row.predicate) {
                // Each is there once, and stays so.
                let _ = schema.add(Predicate {
                    namespace: target.into,
                    ..own.clone()
                });
            }
            writer.push(&row)?;
            count += 1;
        }
        Ok(())
    })?;
    if count == 0 {
        return Ok(None);
    }
    writer.finish(&schema, &GraphQls::default())?;
    Ok(Some(ending))
}
