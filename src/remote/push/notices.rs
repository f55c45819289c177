//! What whoever pushes has to know, in words: of the plan, of what changed since, and of what came of it.

use super::held::Held;
use super::rules::{Deleting, Rules, Shape};
use crate::model::Stage;
use crate::transfer::{Contents, MOST_OF_A_KIND, Subject, Warning, WarningKind};
use std::collections::BTreeMap;

/// A note about files.
fn of_files(reason: impl Into<String>) -> Warning {
    Warning::new(WarningKind::Notice, Subject::Stage(Stage::Assets), reason)
}

/// A note about rows.
fn of_rows(reason: impl Into<String>) -> Warning {
    Warning::new(WarningKind::Notice, Subject::Stage(Stage::Entities), reason)
}

/// What a plan has to say beside its counts.
pub(super) fn of_plan(
    shape: Shape,
    deleting: &Deleting,
    rules: Rules,
    can_pull: bool,
) -> Vec<Warning> {
    let mut notices = Vec::new();
    if !can_pull {
        notices.push(of_rows(
            "the token allows to push and not to pull: what the site holds cannot be counted, and was asked for in a \
             way that lets a site on SQLite answer nobody meanwhile",
        ));
    }
    if deleting.files {
        notices.push(of_files(
            "a running Strapi deletes its files as soon as the push begins, and cannot take that back: rows come back \
             when a push breaks, files do not, unless there is a safety copy to send them from",
        ));
    }
    match shape {
        Shape::Whole if !rules.is_fragile() => notices.push(of_rows(
            "with all content Strapi's own rows go as well: the history of versions, webhooks, the core store",
        )),
        Shape::Files => notices.push(of_files(
            "rows stay as they are: files come under their names, and those that no row of the site names are not \
             seen there",
        )),
        _ => {}
    }
    if shape != Shape::Files {
        notices.push(of_rows(
            "rows get new ids in a running Strapi; their document ids stay",
        ));
    }
    notices
}

/// What a safety copy has less of than the site held when the plan was made, in words.
pub(super) fn lacking(before: &Held, copied: &Contents) -> Option<String> {
    let stage = |stage| copied.stages.get(&stage);
    let mut lacks = Vec::new();
    // The number of the server leaves out what is missing on its disk already.
    let files = stage(Stage::Assets).map_or(0, |it| it.total.items);
    let expected = before.files.unwrap_or_default();
    if files < expected {
        lacks.push(format!("{files} of {expected} files are in it"));
    }
    for uid in before.rows.keys() {
        let groups = stage(Stage::Entities).map(|it| &it.groups);
        let rows = groups.and_then(|groups| groups.get(uid));
        let (rows, expected) = (rows.map_or(0, |it| it.items), before.rows(uid));
        if rows < expected && lacks.len() < MOST_OF_A_KIND {
            lacks.push(format!("{rows} of {expected} rows of {uid}"));
        }
    }
    (!lacks.is_empty()).then(|| lacks.join(", "))
}

/// What came or went at a site between the plan and its safety copy.
pub(super) fn changed(before: &Held, copied: &Contents) -> Vec<Warning> {
    let groups = copied.stages.get(&Stage::Entities).map(|it| &it.groups);
    let now = |uid: &str| {
        let count = groups.and_then(|groups| groups.get(uid));
        count.map_or(0, |count| count.items)
    };
    let mut uids: Vec<&str> = before.rows.keys().map(String::as_str).collect();
    uids.extend(groups.into_iter().flatten().map(|(uid, _)| uid.as_str()));
    uids.sort_unstable();
    uids.dedup();
    let differs = |uid: &&str| now(uid) != before.rows(uid);
    let changed = uids.into_iter().filter(differs).take(MOST_OF_A_KIND);
    changed
        .map(|uid| {
            let (then, now) = (before.rows(uid), now(uid));
            let reason = format!(
                "{now} rows, and {then} when the plan was made: the site is being written to"
            );
            let subject = Subject::ContentType(uid.to_owned());
            Warning::new(WarningKind::Notice, subject, reason)
        })
        .collect()
}

/// Where a site does not hold what was sent to it.
pub(super) fn compared(
    held: &Held,
    rows: &BTreeMap<String, u64>,
    files: Option<u64>,
) -> Vec<Warning> {
    let mut told = Vec::new();
    for (uid, sent) in rows {
        let there = held.rows(uid);
        let kind = match there < *sent {
            true => WarningKind::NotKept,
            false => WarningKind::Notice,
        };
        if there != *sent && told.len() < MOST_OF_A_KIND {
            let reason = format!(
                "{sent} rows were sent, and {there} are there: another transfer or somebody else may have written \
                 meanwhile"
            );
            let subject = Subject::ContentType(uid.clone());
            told.push(Warning::new(kind, subject, reason).times(there.abs_diff(*sent)));
        }
    }
    if let (Some(sent), Some(there)) = (files, held.files)
        && there < sent
    {
        let reason = format!(
            "{sent} files were sent, and {there} are there: another transfer may have run at the same time"
        );
        let subject = Subject::Files;
        told.push(Warning::new(WarningKind::NotKept, subject, reason).times(sent - there));
    }
    told
}

/// What the server said while it took rows and files: it warns of links that it skips.
pub(super) fn said_by_server((said, more): (Vec<String>, u64)) -> Vec<Warning> {
    let count = said.len() as u64 + more;
    let mut told: Vec<Warning> = said
        .into_iter()
        .take(MOST_OF_A_KIND)
        .map(|message| {
            let reason = format!("the site says: {message}");
            Warning::new(
                WarningKind::NotKept,
                Subject::Entry("something".into()),
                reason,
            )
        })
        .collect();
    let rest = count - told.len() as u64;
    if rest > 0 {
        let reason = "the site says more of that kind, which its log holds";
        let subject = Subject::Stage(Stage::Links);
        told.push(Warning::new(WarningKind::NotKept, subject, reason).times(rest));
    }
    told
}
