//! How differences are told: a table of how many there are, the first ones of each kind, or all of them; for programs an
//! object each.

use super::super::columns::Columns;
use super::super::terminal::{self, Reports, Voice, safe};
use crate::comparison::{Changes, Comparison, Difference, Kind, Tally};
use crate::error::Result;
use crate::transfer::summary::{ChangesFacts, ComparedFacts};
use indicatif::HumanCount;
use serde::Serialize;
use std::collections::BTreeMap;

/// How many differences of a kind are told one by one.
const TOLD: usize = 20;

/// A difference as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    difference: &'a Difference,
}

/// Tells what differs; gives how much that is.
///
/// # Errors
/// What was put aside cannot be read.
pub(super) fn tell(comparison: &Comparison<'_>, all: bool) -> Result<Tally> {
    let is_json = matches!(terminal::voice(), Voice::Json(_));
    let mut first: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let tally = comparison.differences(&mut |difference| {
        if is_json {
            terminal::object(&Line {
                r#type: "difference",
                difference,
            });
            return Ok(());
        }
        let lines = first.entry(difference.what.kind()).or_default();
        if !all && lines.len() < TOLD {
            lines.push(safe(&difference.to_string()));
        }
        Ok(())
    })?;
    if is_json || tally.all() == 0 {
        return Ok(tally);
    }
    for line in table(&tally).lines() {
        Reports::Stdout.conclude(line);
    }
    if all {
        comparison.differences(&mut |difference| {
            Reports::Stdout.conclude(&safe(&difference.to_string()));
            Ok(())
        })?;
        return Ok(tally);
    }
    for (kind, lines) in first {
        for line in &lines {
            Reports::Stdout.conclude(line);
        }
        let more = tally.of(kind).all().saturating_sub(lines.len() as u64);
        if more > 0 {
            let (more, kind) = (HumanCount(more), kind.plural());
            Reports::Stdout.conclude(&format!(
                "  and {more} more differences of {kind} (--all names them)"
            ));
        }
    }
    Ok(tally)
}

/// How much differs, by kind and type.
fn table(tally: &Tally) -> String {
    let heads = ["Added", "Removed", "Changed", "What"];
    let mut columns = Columns::new(heads, [true, true, true, false], 3);
    let mut add = |name: String, changes: &Changes| {
        columns.add([
            changes.added.to_string(),
            changes.removed.to_string(),
            (changes.changed + changes.moved).to_string(),
            name,
        ]);
    };
    for (kind, groups) in &tally.kinds {
        add(kind.plural().to_owned(), &tally.of(*kind));
        // Of files there are no types, and types stand below by their names.
        for (group, changes) in groups {
            if !group.is_empty() && *kind != Kind::Type {
                add(format!("-- {group}"), changes);
            }
        }
    }
    columns.text(Reports::Stdout.width())
}

/// Takes over how much differs.
pub(super) fn remember(compared: &mut ComparedFacts, tally: &Tally) {
    compared.differences = Some(tally.all());
    for (kind, groups) in &tally.kinds {
        let mut facts = facts(&tally.of(*kind));
        let groups = groups.iter().filter(|(group, _)| !group.is_empty());
        facts.groups = groups
            .map(|(group, changes)| (group.clone(), self::facts(changes)))
            .collect();
        let name = serde_json::to_value(kind).ok();
        let name = name.and_then(|it| it.as_str().map(str::to_owned));
        compared.kinds.insert(name.unwrap_or_default(), facts);
    }
}

fn facts(changes: &Changes) -> ChangesFacts {
    ChangesFacts {
        added: changes.added,
        removed: changes.removed,
        changed: changes.changed,
        moved: changes.moved,
        groups: BTreeMap::new(),
    }
}
